"""The type and the policy of one column: edited, tried on the column's values, and only then decided on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLineEdit, QPushButton, QVBoxLayout, QWidget

from prayog_migration.engine.values import POLICIES
from prayog_migration.panels.course import Course
from prayog_migration.panels.fitted import FittedTable
from prayog_migration.panels.page import Asks, row_of, tone
from prayog_sdk.qt import theme
from prayog_sdk.qt.state import paragraph

__all__ = ["TypeEditor"]

_SORTS = {"fits": "✓ fits", "changed": "≈ changed", "aside": "✗ set aside"}
_TRY = "Another type, or another policy, is tried on the values first: what fits, what changes, what would be lost."


class TypeEditor(QWidget):
    """`decide` hears of the table, the column, the type and the policy that the learner wants."""

    def __init__(self, asks: Asks, decide: Callable[[str, str, str, str], object]) -> None:
        super().__init__()
        self._asks = asks
        self._column: tuple[str, str] = ("", "")
        self._type, self._policy = QLineEdit(), QComboBox()
        self._type.setAccessibleName("Type on the target")
        self._type.setMinimumWidth(theme.scaled(150))
        self._type.returnPressed.connect(self._try)
        self._type.textChanged.connect(lambda _: self._mark())
        for policy, means in POLICIES.items():
            self._policy.addItem(policy)
            self._policy.setItemData(self._policy.count() - 1, means, Qt.ItemDataRole.ToolTipRole)
        self._policy.setAccessibleName("What is done with values that do not fit")
        self._policy.currentIndexChanged.connect(lambda _: self._mark())
        self._means = paragraph("", "muted")
        self._go = QPushButton("Try on the values")
        self._go.setToolTip("Nothing is changed: a temporary table of the target takes some of them")
        self._go.clicked.connect(self._try)
        self._decide = QPushButton("Decide so")
        self._decide.setToolTip("Keeps the decision; the migration begins again with it, and is assessed anew")
        self._decide.clicked.connect(
            lambda: decide(*self._column, self._type.text().strip(), self._policy.currentText())
        )
        self._said = paragraph(_TRY, "muted")
        self._samples = FittedTable("Values that were tried", ("", "Value", "Becomes", "Why"), wrapped=3)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        row = row_of(
            paragraph("type", "muted"), self._type, paragraph("what does not fit", "muted"), self._policy, self._go,
            self._decide,
        )  # fmt: skip
        for part in (row, self._means, self._said, self._samples):
            column.addWidget(part)
        self._tried: Any = None

    def show_column(self, table: str, column: str, type_: str, policy: str) -> None:
        """Edit this column, as it is planned now."""
        if (table, column) != self._column or self._tried is None:
            self._column = (table, column)
            self._type.setText(type_)
            self._policy.setCurrentText(policy)
        self._mark()

    def draw(self, course: Course) -> None:
        """Show what the last try of this column found."""
        self._tried = course.cast.get(".".join(self._column), {})
        self._mark()

    def _try(self) -> None:
        table, column = self._column
        if not column:
            self._asks.say("Assess first: then there is something to try.")
            return
        self._asks.act(
            "cast", table=table, column=column, type=self._type.text().strip(), policy=self._policy.currentText()
        )

    def _mark(self) -> None:
        policy = self._policy.currentText()
        self._means.setText(f"{policy}: {POLICIES.get(policy, '')}." if policy else "")
        found = self._tried or {}
        now = (self._type.text().strip(), policy)
        fresh = bool(found) and (found["type"], found["policy"]) == now
        tone(self._go, "" if fresh else "primary" if found else "")
        self._said.setText(_words(found) if found else _TRY)
        if found and not fresh:
            self._said.setText(f"Tried with {found['type']}, {found['policy']}. {_words(found)}")
        self._samples.show_rows(
            [[_SORTS[sort], before, "–" if sort == "aside" else after, why]
             for before, after, sort, why in found.get("samples", ())]
        )  # fmt: skip

    def words(self) -> str:
        """What was tried last."""
        return self._said.text()


def _words(found: Any) -> str:
    if found["problem"]:
        return f"✗ {found['problem']}"
    counts = [f"{found['fits']:,} fit"]
    counts += [f"{found['changed']:,} would be changed by the policy"] if found["changed"] else []
    counts += [f"{found['aside']:,} rows would be set aside"] if found["aside"] else []
    refused = [one for one in found["samples"] if one[2] == "aside"] if not found["aside"] else []
    counts += ["the target refuses some that were expected to fit"] if refused else []
    good = not found["changed"] and not found["aside"] and not refused
    return f"{'✓' if good else '!'} Of {found['looked']:,} values {', '.join(counts)}."
