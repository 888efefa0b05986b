"""The rows that the target did not take: which, at what point, and why; nothing is lost, they lie in its quarantine."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QPushButton, QVBoxLayout

from prayog_migration.panels.course import Course
from prayog_migration.panels.fitted import FittedTable
from prayog_migration.panels.page import Asks, row_of
from prayog_migration.panels.ways import Part
from prayog_sdk.qt.state import paragraph

__all__ = ["AsideView"]

_NOTHING = (
    "A row that the target does not take stops nobody: it is set aside in the table _wiz_quarantine with its "
    "reason, and the rest goes on. Source rows = target rows + rows set aside, always."
)


class AsideView(Part):
    """A button, and a line for each row."""

    def __init__(self, asks: Asks) -> None:
        super().__init__()
        self._go = QPushButton("Show the rows that were set aside")
        self._go.clicked.connect(lambda: asks.act("aside"))
        self._sum = paragraph(_NOTHING)
        self._table = FittedTable("Rows set aside", ("Table", "Key", "Column", "Why, and the row"), wrapped=3)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for part in (self._sum, row_of(self._go), self._table):
            column.addWidget(part)
        column.addStretch(1)
        self._shown: Any = None

    def draw(self, course: Course) -> None:
        self._go.setEnabled(bool(course.facts.get("tables_made")))
        shown = (*course.stamp("aside"), course.quarantined)
        if shown == self._shown:
            return
        self._shown = shown
        found = course.aside
        if not found:
            count = course.quarantined
            self._sum.setText(f"{count:,} rows were set aside so far. {_NOTHING}" if count else _NOTHING)
        else:
            more = f" The first {len(found['rows'])} are shown." if len(found["rows"]) < found["count"] else ""
            self._sum.setText(f"{found['count']:,} rows are set aside.{more} {_NOTHING}")
        self._table.show_rows(
            [
                [str(table), _key(key), str(column), f"{reason} (while {_WHEN.get(phase, phase)})\n{raw}"]
                for table, key, phase, column, reason, raw in found.get("rows", ())
            ]
        )

    def words(self) -> str:
        return self._sum.text()


_WHEN = {"load": "copying", "sync": "following changes", "constraint": "rules were made"}


def _key(key: object) -> str:
    """A position is kept as a list of JSON."""
    return str(key).strip("[]") if key else "–"
