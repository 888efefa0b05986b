"""A table as a file: CSV, JSON and Parquet are written, read again by somebody who knows nothing, and compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QPushButton, QVBoxLayout

from prayog_migration.panels.choice import Choice
from prayog_migration.panels.course import Course
from prayog_migration.panels.fitted import FittedTable
from prayog_migration.panels.page import Asks, row_of
from prayog_migration.panels.ways import Part
from prayog_migration.panels.words import bytes_in_words, seconds_in_words
from prayog_sdk.qt.state import paragraph

__all__ = ["FilesView"]

_NOTHING = (
    "A file has no server to ask. Whoever gets it must guess types from the text, or find them inside. Choose a table: "
    "its first 20,000 rows are written in three formats, read again, and compared value by value."
)


class FilesView(Part):
    """A button, a line for each format, and a line for each loss."""

    def __init__(self, asks: Asks) -> None:
        super().__init__()
        self._tables = Choice("Table that is written to files")
        self._go = QPushButton("Write and read again")
        self._go.setToolTip("Three files in the lab’s own folder; source and target are not touched")
        self._go.clicked.connect(lambda: asks.act("files", table=self._tables.currentText()))
        self._sum = paragraph(_NOTHING)
        self._formats = FittedTable(
            "Formats", ("Format", "Size", "Written in", "Columns as they were", ""), numbers=(1, 2), wrapped=4
        )
        self._losses = FittedTable(
            "What was lost", ("Format", "Column", "Type before → after", "Values changed", "For example, and why"),
            numbers=(3,), most=12, wrapped=4,
        )  # fmt: skip
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for part in (self._sum, row_of(self._tables, self._go), self._formats, self._losses):
            column.addWidget(part)
        column.addStretch(1)
        self._shown: Any = None

    def draw(self, course: Course) -> None:
        self._tables.show_entries(course.tables)
        self._go.setEnabled(bool(course.tables))
        shown = course.stamp("filed")
        if shown == self._shown:
            return
        self._shown = shown
        self._formats.show_rows([_format(kind, one) for kind, one in course.filed.items()])
        self._losses.show_rows([line for kind, one in course.filed.items() for line in _losses(kind, one)])
        if course.filed:
            one = next(iter(course.filed.values()))
            self._sum.setText(
                f"{one['table']}: {one['rows']:,} rows. The files lie in {Path(str(one['path'])).parent}. The reader "
                "was told nothing, as whoever gets a file knows nothing."
            )
        else:
            self._sum.setText(_NOTHING)

    def words(self) -> str:
        return self._sum.text()


def _format(kind: str, one: Any) -> list[str]:
    columns = one["columns"]
    kept = sum(before == after and not changed for _, before, after, changed, _, _ in columns)
    misfits = f"{one['misfits']:,} values fit no type and are NULL in the file" if one["misfits"] else ""
    verdict = "✓ nothing was lost" if kept == len(columns) else f"✗ {len(columns) - kept} columns came back otherwise"
    return [
        kind.upper() if kind != "parquet" else "Parquet", bytes_in_words(one["bytes"]),
        seconds_in_words(one["us"] / 1e6), f"{kept} of {len(columns)}", "; ".join(filter(None, (verdict, misfits))),
    ]  # fmt: skip


def _losses(kind: str, one: Any) -> list[list[str]]:
    return [
        [kind.upper() if kind != "parquet" else "Parquet", name, f"{before} → {after}", f"{changed:,}",
         ": ".join(filter(None, (sample, why)))]
        for name, before, after, changed, sample, why in one["columns"] if before != after or changed
    ]  # fmt: skip
