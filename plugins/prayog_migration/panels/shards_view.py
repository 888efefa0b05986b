"""The source split into shards: by hash or by ranges of a column, and whether all rows are there, each once."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QPushButton, QSpinBox, QVBoxLayout

from prayog_migration.panels.choice import Choice
from prayog_migration.panels.course import Course
from prayog_migration.panels.fitted import FittedTable
from prayog_migration.panels.page import Asks, row_of
from prayog_migration.panels.ways import Part
from prayog_migration.panels.words import seconds_in_words
from prayog_sdk.qt import theme
from prayog_sdk.qt.state import paragraph

__all__ = ["ShardsView"]

_NOTHING = (
    "Each shard is a database of its own, here a SQLite file. Rows of tables that have the shard key go to one shard "
    "each; tables without it are copied to all. Hash spreads evenly and tears neighbours apart; ranges keep them "
    "together, and hot spots too."
)
_ORDER = ("customer_id", "user_id", "tenant_id", "account_id")


class ShardsView(Part):
    """Key, number and rule; then a line for each table that was divided."""

    def __init__(self, asks: Asks) -> None:
        super().__init__()
        self._column = Choice("Shard key")
        self._rule = Choice("Rule")
        self._rule.show_entries(("hash", "range"))
        self._count = QSpinBox()
        self._count.setRange(2, 8)
        self._count.setValue(3)
        self._count.setAccessibleName("Number of shards")
        self._count.lineEdit().setTextMargins(theme.UNIT, 0, 0, 0)
        self._go = QPushButton("Split into shards")
        self._go.clicked.connect(
            lambda: asks.act("shards", column=self._column.currentText(), count=self._count.value(),
                             by=self._rule.currentText())
        )  # fmt: skip
        self._stop = QPushButton("Stop the writers first")
        self._stop.setToolTip("The shards are compared with the source, which must stand still")
        self._stop.clicked.connect(lambda: asks.act("traffic", writers=0))
        self._sum = paragraph(_NOTHING)
        self._table = FittedTable("Divided tables", ("Table", "Source", "Shard 1", "Shard 2", ""), numbers=(1, 2, 3))
        self._warned = paragraph("", "muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        row = row_of(
            paragraph("by", "muted"), self._column, self._rule, self._count, paragraph("shards", "muted"), self._go,
            self._stop,
        )  # fmt: skip
        for part in (self._sum, row, self._table, self._warned):
            column.addWidget(part)
        column.addStretch(1)
        self._shown: Any = None

    def draw(self, course: Course) -> None:
        names = sorted({name for table in course.tables for name in course.columns(table)})
        likely = next((name for name in _ORDER if name in names), next((n for n in names if n.endswith("_id")), ""))
        self._column.show_entries(names, likely)
        busy = bool(course.traffic) and not course.traffic.get("closed")
        self._go.setEnabled(bool(names) and not busy)
        self._stop.setVisible(busy)
        shown = course.stamp("divided")
        if self._shown == shown:
            return
        self._shown = shown
        found = course.divided
        if not found:
            self._sum.setText(_NOTHING)
        else:
            heads = [f"Shard {n + 1}" for n in range(found["shards"])]
            numbers = range(1, found["shards"] + 2)
            self._table.set_heads(("Table", "Source", *heads, "Complete", "Disjoint"), (), numbers)
            self._sum.setText(_summary(found))
        self._table.show_rows(
            [
                [table, f"{rows:,}", *(f"{part:,}" for part in parts), _yes(complete), _yes(disjoint)]
                for table, rows, parts, complete, disjoint in found.get("verdicts", ())
            ]
        )
        self._warned.setText("\n".join(f"• {one}" for one in found.get("warnings", ())))
        self._warned.setVisible(bool(found.get("warnings")))

    def words(self) -> str:
        return f"{self._sum.text()} {self._warned.text()}"


def _yes(good: bool) -> str:
    return "✓ yes" if good else "✗ no"


def _summary(found: Any) -> str:
    where = f" at {', '.join(found['bounds'])}" if found["bounds"] else ""
    good = all(complete and disjoint for *_, complete, disjoint in found["verdicts"])
    verdict = "✓ Complete and disjoint: every row is in one shard, and in the right one." if good else (
        "✗ Not complete, or not disjoint. Did somebody write meanwhile?"
    )  # fmt: skip
    whole = ", ".join(found["whole"]) or "none"
    took = seconds_in_words(found["us"] / 1e6)
    return (
        f"{verdict} Split by {found['by']} of {found['column']}{where} in {took}. Copied to every shard: {whole}. The "
        f"files lie in {found['folder']}."
    )
