"""Which type of the source becomes which on the target: the rules as they came out, and the learner's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from PySide6.QtWidgets import QLineEdit, QPushButton, QVBoxLayout

from prayog_migration.engine.rules import written_as
from prayog_migration.panels.choice import Choice
from prayog_migration.panels.course import Course
from prayog_migration.panels.fitted import FittedTable
from prayog_migration.panels.page import Asks, row_of
from prayog_migration.panels.ways import Part
from prayog_sdk.qt import theme
from prayog_sdk.qt.state import paragraph

__all__ = ["TypesView"]

_NOTHING = "Nothing was looked at yet. Assess reads which types the source has; then its rules stand here."
_HOW = (
    "One line for each pair of types. A rule of yours goes before the lab’s, and is for every column of that type; "
    "varchar* means all that begin so, {size} and {scale} are the source’s own. What is decided for one column "
    "(page Assess) goes before both."
)
_LATE = "The tables are made. Take the step Schema back first; then rules can be changed."
_FEW = 3


class TypesView(Part):
    """`choices` are the decisions of the run on the bench; a change begins the migration again and assesses anew."""

    def __init__(self, asks: Asks, choices: Callable[[], dict[str, Any]]) -> None:
        super().__init__()
        self._asks, self._choices = asks, choices
        self._shown: Any = None
        self._pairs = FittedTable(
            "Types of the source and what they become", ("In the source", "Becomes", "Columns", "Which", "Rule"),
            most=12, numbers=(2,), wrapped=3,
        )  # fmt: skip
        self._told = paragraph(_NOTHING)
        self._written = Choice("Type of the source", least=12)
        self._written.setEditable(True)
        self._type = QLineEdit()
        self._type.setAccessibleName("What it becomes on the target")
        self._type.setPlaceholderText("Type of the target")
        self._type.setMinimumWidth(theme.scaled(150))
        self._type.returnPressed.connect(self._add)
        self._keep = self._button("Assess with this rule", "Begins again with the rule; nothing was copied yet")
        self._keep.clicked.connect(self._add)
        self._mine = Choice("Your rules", least=18)
        self._remove = self._button("Assess without it", "Begins again without this rule of yours")
        self._remove.clicked.connect(self._drop)
        self._edit = row_of(paragraph("every", "muted"), self._written, paragraph("becomes", "muted"), self._type,
                            self._keep)  # fmt: skip
        self._own = row_of(paragraph("your rules", "muted"), self._mine, self._remove)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for part in (self._told, self._edit, self._own, self._pairs):
            column.addWidget(part)
        column.addStretch(1)

    def _button(self, title: str, tip: str) -> QPushButton:
        button = QPushButton(title)
        button.setToolTip(tip)
        button.setAccessibleDescription(tip)
        return button

    def draw(self, course: Course) -> None:
        own = self._rules()
        late = bool(course.facts.get("tables_made"))
        shown = (*course.stamp("profiled", "assessed", "start"), late, str(own))
        if shown == self._shown:
            return
        self._shown = shown
        pairs = _pairs(course)
        self._told.setText(_NOTHING if not pairs else _LATE if late else _HOW)
        self._edit.setVisible(bool(pairs))
        self._own.setVisible(bool(own))
        for part in (self._keep, self._remove):
            part.setEnabled(not late)
        self._written.show_entries(list(dict.fromkeys(written for written, _ in pairs if written)))
        self._mine.show_entries([_named(rule) for rule in own])
        decided = {label for label, _ in self._choices().get("types", ())}
        self._pairs.show_rows([
            [written or "(no type)", becomes, str(len(columns)), _some(columns), _whose(written, columns, own, decided)]
            for (written, becomes), columns in pairs.items()
        ])  # fmt: skip

    def _rules(self) -> list[list[str]]:
        return [list(rule) for rule in self._choices().get("rules", ())]

    def _add(self) -> None:
        written, type_ = self._written.currentText().strip(), self._type.text().strip()
        if not written or not type_:
            self._asks.say("A rule needs both: a type of the source, and the type of the target that it becomes.")
            return
        if not self._keep.isEnabled():
            self._asks.say(_LATE)
            return
        self._begin([[written, type_], *(rule for rule in self._rules() if rule[0] != written)])

    def _drop(self) -> None:
        gone = self._mine.currentText()
        self._begin([rule for rule in self._rules() if _named(rule) != gone])

    def _begin(self, rules: list[list[str]]) -> None:
        self._asks.begin(assess=True, choices=json.dumps({**self._choices(), "rules": rules}))

    def words(self) -> str:
        rows = range(self._pairs.rowCount())
        cells = ([self._pairs.item(row, column) for column in (0, 1)] for row in rows)
        said = "; ".join(" → ".join(cell.text() for cell in line if cell is not None) for line in cells)
        return f"{self._told.text()} {said}"


def _pairs(course: Course) -> dict[tuple[str, str], list[str]]:
    """Type of the source and type of the target, with the columns that have them."""
    found: dict[tuple[str, str], list[str]] = {}
    for title, profile in course.profiles.items():
        for name, written, becomes, *_ in profile.get("columns", ()):
            found.setdefault((str(written), str(becomes)), []).append(f"{title}.{name}")
    return dict(sorted(found.items(), key=lambda pair: (pair[0][0].lower(), pair[0][1])))


def _some(columns: list[str]) -> str:
    more = len(columns) - _FEW
    return ", ".join(columns[:_FEW]) + (f" and {more} more" if more > 0 else "")


def _whose(written: str, columns: list[str], own: list[list[str]], decided: set[str]) -> str:
    """Whose rule it was: a decision about one column, a rule of the learner's, or the lab's."""
    if all(column in decided for column in columns):
        return "this column only"
    return "yours" if any(written_as(rule[0], written) for rule in own) else "the lab’s"


def _named(rule: list[str]) -> str:
    return f"{rule[0]} → {rule[1]}"
