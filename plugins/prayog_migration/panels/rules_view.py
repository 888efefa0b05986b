"""Every rule of the target, tried with a row that breaks it: what was refused is a rule that works."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QPushButton, QVBoxLayout

from prayog_migration.panels.course import Course
from prayog_migration.panels.fitted import FittedTable
from prayog_migration.panels.page import Asks, row_of
from prayog_migration.panels.ways import Part
from prayog_sdk.qt.state import paragraph

__all__ = ["RulesView"]

_NOTHING = (
    "A rule that exists is not yet one that works: it may be off, not validated, or about another column. Each is "
    "tried with a change that breaks it, in a transaction that is undone."
)
_SIGNS = {"refused": "✓ refused", "accepted": "✗ accepted", "not tried": "· not tried"}
_LONG = 24
"""A longer name would leave no room for what the target said, which has the name too."""
_ORDER = ("accepted", "not tried", "refused")


class RulesView(Part):
    """A button, and a line for each rule; those that let something through come first."""

    def __init__(self, asks: Asks) -> None:
        super().__init__()
        self._go = QPushButton("Try to break every rule")
        self._go.setToolTip("Keys, UNIQUE, NOT NULL, foreign keys and CHECKs of the target; nothing is changed")
        self._go.clicked.connect(lambda: asks.act("rules"))
        self._sum = paragraph(_NOTHING)
        self._table = FittedTable("Rules", ("", "Table", "Rule", "What the target said"), most=10, wrapped=3)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for part in (self._sum, row_of(self._go), self._table):
            column.addWidget(part)
        column.addStretch(1)
        self._shown: Any = None

    def draw(self, course: Course) -> None:
        ready = bool(course.facts.get("rules_made"))
        self._go.setEnabled(ready)
        shown = (*course.stamp("tried"), ready)
        if self._shown == shown:
            return
        self._shown = shown
        rules = sorted(course.tried.get("rules", ()), key=lambda rule: _ORDER.index(rule[3]))
        self._table.show_rows(
            [
                [_SIGNS[outcome], table, f"{kind} {name}" if len(name) < _LONG else kind, said]
                for table, kind, name, outcome, said in rules
            ]
        )
        counts = {outcome: sum(rule[3] == outcome for rule in rules) for outcome in _ORDER}
        if not rules:
            self._sum.setText(_NOTHING if ready else f"{_NOTHING} Rules are made while the target is validated.")
        elif counts["accepted"]:
            self._sum.setText(
                f"✗ {counts['accepted']} rules let through what they forbid; {counts['refused']} work, "
                f"{counts['not tried']} could not be tried."
            )
        else:
            self._sum.setText(
                f"✓ {counts['refused']} rules refused what they forbid; {counts['not tried']} could not be tried, for "
                "want of rows. Nothing was changed."
            )

    def words(self) -> str:
        return self._sum.text()
