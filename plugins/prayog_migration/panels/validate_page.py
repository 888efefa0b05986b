"""Step 5: counts, hashes of segments, and the rows that differ, cell by cell; all at one position."""

from __future__ import annotations

from typing import Any

from prayog_migration.panels.course import Course
from prayog_migration.panels.page import Asks, Page
from prayog_migration.panels.segments_view import SegmentsView
from prayog_sdk.qt import theme
from prayog_sdk.qt.state import paragraph
from prayog_sdk.qt.texttable import TextTable

__all__ = ["ValidatePage"]


class ValidatePage(Page):
    """A table of tables; below it the segments and the differences of the chosen one."""

    name = "validate"

    def __init__(self, asks: Asks) -> None:
        super().__init__(asks)
        self._course: Course | None = None
        self._titles: list[str] = []
        self._shown: Any = None
        self.buttons(
            (
                (
                    "Validate",
                    lambda: asks.act("validate"),
                    "Compares both sides at one position, then makes indexes and rules",
                ),
                ("Compare again", lambda: asks.act("audit"), "The same comparison, whichever side is in charge"),
            ),
            primary=0,
        )
        self._sum = paragraph("")
        self.body.addWidget(self._sum)
        heads = ("", "Table", "Source", "Target", "Set aside", "Changed by policy")
        self._tables = TextTable("Counts by table", heads, numbers=(2, 3, 4))
        self._tables.setMinimumHeight(theme.scaled(150))
        self._tables.itemSelectionChanged.connect(self._one)
        self.body.addWidget(self._tables, 1)
        self._title = paragraph("", step=1)
        self._segments = SegmentsView()
        self._segments.chosen.connect(self._segment)
        self._words = paragraph("", "muted")
        self.body.addWidget(self._title)
        self.body.addWidget(self._segments)
        self.body.addWidget(self._words)
        self._rows = TextTable("Rows that differ", ("Row", "What", "Cells: source → target"), wrapped=2)
        self._rows.setMinimumHeight(theme.scaled(90))
        self.body.addWidget(self._rows, 1)

    def draw(self, course: Course) -> None:
        self._course = course
        shown = (
            tuple((name, id(one)) for name, one in course.verdicts.items()),
            id(course.comparing),
            id(course.balance),
        )
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
        self._sum.setText(self._summary(course))
        self._one()

    @staticmethod
    def _summary(course: Course) -> str:
        if course.comparing:
            one = course.comparing
            return f"Comparing {one['table']}: {one['segments']} segments, {one['red']} differ so far."
        if not course.balance:
            return "Nothing was compared yet. Both sides are compared at one position, while the application goes on."
        b = course.balance
        speed = f", {b['source_rows'] / max(1e-6, b['us'] / 1e6):,.0f} rows/s a side" if b["us"] else ""
        return (
            f"{b['source_rows']:,} rows at the source = {b['target_rows']:,} on the target + {b['quarantined']:,} set "
            f"aside{'' if b['source_rows'] == b['target_rows'] + b['quarantined'] else ' — NOT EQUAL'}, at position "
            f"{b['position'] or 'of the copy'}{speed}."
        )

    def _one(self) -> None:
        line = max(0, self._tables.currentRow())
        found = self._course.verdicts.get(self._titles[line], {}) if self._course and line < len(self._titles) else {}
        for part in (self._title, self._segments, self._words, self._rows):
            part.setVisible(bool(found))
        if not found:
            return
        segments = found.get("segments", ())
        self._title.setText(self._titles[line])
        self._segments.show_segments(segments)
        self._segment(next((index for index, one in enumerate(segments) if not one[3]), 0))
        rows = [[str(key), kind, _cells(cells)] for key, kind, cells in found.get("differences", ())]
        self._rows.show_rows(rows)
        self._rows.setVisible(bool(rows))

    def _segment(self, index: int) -> None:
        line = max(0, self._tables.currentRow())
        found = self._course.verdicts.get(self._titles[line], {}) if self._course and line < len(self._titles) else {}
        segments = found.get("segments", ())
        if index < len(segments):
            old, new, count, good = segments[index]
            words = "the same" if good else "not the same"
            self._words.setText(
                f"Segment {index + 1} of {len(segments)}: {count:,} rows, sums {old} and {new}: {words}."
            )

    def words(self) -> str:
        return f"{self._sum.text()} {self._words.text()}"


def _cells(cells: list[list[object]]) -> str:
    """The cells of a row that differ."""
    return "; ".join(f"{cell[0]}: {cell[1]} → {cell[2]}" for cell in cells if len(cell) > 2)
