"""Tables compared at one position: counts, sums of segments, and the rows that differ, cell by cell."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QVBoxLayout

from prayog_migration.panels.course import Course
from prayog_migration.panels.fitted import FittedTable
from prayog_migration.panels.segments_view import SegmentsView
from prayog_migration.panels.ways import Part
from prayog_sdk.qt.state import paragraph

__all__ = ["ComparedView"]


class ComparedView(Part):
    """A table of tables; below it the segments and the differences of the chosen one."""

    def __init__(self) -> None:
        super().__init__()
        self._course: Course | None = None
        self._titles: list[str] = []
        self._shown: Any = None
        heads = ("", "Table", "Source", "Target", "Set aside", "Changed by policy")
        self._tables = FittedTable("Counts by table", heads, numbers=(2, 3, 4), wrapped=5)
        self._tables.itemSelectionChanged.connect(self._one)
        self._title = paragraph("", step=1)
        self._segments = SegmentsView()
        self._segments.chosen.connect(self._segment)
        self._segment_words = paragraph("", "muted")
        self._rows = FittedTable("Rows that differ", ("Row", "What", "Cells: source → target"), wrapped=2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for part in (self._tables, self._title, self._segments, self._segment_words, self._rows):
            column.addWidget(part)
        column.addStretch(1)

    def draw(self, course: Course) -> None:
        self._course = course
        shown = course.stamp("validated", "comparing", "balance")
        if shown == self._shown:
            return
        self._shown = shown
        self._titles = sorted(course.verdicts, key=lambda name: (bool(course.verdicts[name]["equal"]), name))
        rows = []
        for name in self._titles:
            one = course.verdicts[name]
            changed = ", ".join(f"{column} {count:,}" for column, count in dict(one.get("changed") or {}).items())
            rows.append(["✓ equal" if one["equal"] else "✗ differs", name, f"{one['source_rows']:,}",
                         f"{one['target_rows']:,}", f"{one['quarantined']:,}", changed])  # fmt: skip
        self._tables.show_rows(rows)
        self._one()

    def _found(self) -> Any:
        """What was found for the chosen table."""
        line = max(0, self._tables.currentRow())
        if self._course is None or line >= len(self._titles):
            return {}
        return self._course.verdicts.get(self._titles[line], {})

    def _one(self) -> None:
        found = self._found()
        for part in (self._title, self._segments, self._segment_words):
            part.setVisible(bool(found))
        segments = found.get("segments", ())
        self._title.setText(self._titles[max(0, self._tables.currentRow())] if found else "")
        self._segments.show_segments(segments)
        self._segment(next((index for index, one in enumerate(segments) if not one[3]), 0))
        self._rows.show_rows(
            [[str(key), _KINDS[kind], _cells(cells)] for key, kind, cells in found.get("differences", ())]
        )

    def _segment(self, index: int) -> None:
        segments = self._found().get("segments", ())
        if index < len(segments):
            old, new, count, good = segments[index]
            words = "the same" if good else "not the same"
            self._segment_words.setText(
                f"Segment {index + 1} of {len(segments)}: {count:,} rows, sums {old} and {new}: {words}."
            )

    def words(self) -> str:
        return self._segment_words.text()


_KINDS = {"missing": "missing on the target", "extra": "only on the target", "different": "different"}


def _cells(cells: list[list[object]]) -> str:
    """The cells of a row that differ."""
    return "; ".join(f"{cell[0]}: {cell[1]} → {cell[2]}" for cell in cells if len(cell) > 2)
