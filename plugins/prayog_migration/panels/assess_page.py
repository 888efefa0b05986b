"""Step 2: what becomes of every object and of every value, and what the learner decides otherwise."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from PySide6.QtWidgets import QPushButton

from prayog_migration.engine.plan import COST
from prayog_migration.engine.setup import Setup
from prayog_migration.panels.choice import Choice
from prayog_migration.panels.course import Course
from prayog_migration.panels.heat_strip import HeatStrip, strips_of
from prayog_migration.panels.page import Asks, Page, row_of
from prayog_migration.panels.type_editor import TypeEditor
from prayog_sdk.qt import theme
from prayog_sdk.qt.state import paragraph
from prayog_sdk.qt.texttable import TextTable

__all__ = ["AssessPage"]

VERDICTS = (("exact", "="), ("converted", "≈"), ("draft", "✎"), ("lost", "✗"), ("blocked", "!"))
_LISTED = 400


class AssessPage(Page):
    """The inventory, the values, and the editor of types and policies."""

    name = "assess"

    def __init__(self, asks: Asks) -> None:
        super().__init__(asks)
        self._course: Course | None = None
        self._shown: Any = None
        self.buttons(
            (("Assess", lambda: asks.act("assess"), "Reads the catalogue and every value; changes nothing"),), 0
        )
        self._sum = paragraph("")
        self.body.addWidget(self._sum)
        self._chips: dict[str, QPushButton] = {}
        for verdict, mark in VERDICTS:
            chip = QPushButton(f"{mark} {verdict}")
            chip.setCheckable(True)
            chip.setChecked(True)
            chip.toggled.connect(self._list)
            self._chips[verdict] = chip
        self.body.addWidget(row_of(*self._chips.values()))
        heads = ("", "Kind", "Name", "Becomes, and why")
        self._table = TextTable("Inventory: every object and its verdict", heads, wrapped=3)
        self._table.setMinimumHeight(theme.scaled(170))
        self.body.addWidget(self._table, 2)
        self.body.addWidget(paragraph("The values", step=1))
        self._tables = Choice("Table whose values are shown", self._values)
        leave, back = QPushButton("Leave this table out"), QPushButton("Bring all back")
        leave.setToolTip("It stays behind: the migration begins again without it, and is assessed anew")
        leave.clicked.connect(self._leave)
        back.clicked.connect(lambda: self._again(left_out=[]))
        self._pick = row_of(self._tables, leave)
        self._out = paragraph("", "muted")
        self._back = row_of(self._out, back)
        self._back.hide()
        self.body.addWidget(self._pick)
        self.body.addWidget(self._back)
        self.body.addWidget(paragraph("i integer · r real · t text · b binary · – NULL · ! does not fit", "muted"))
        self._strip = HeatStrip()
        self._strip.chosen.connect(self._column)
        self.body.addWidget(self._strip)
        self._seen = paragraph("")
        self.body.addWidget(self._seen)
        self._editor = TypeEditor(asks, self._decide)
        self.body.addWidget(self._editor)
        self._chosen: dict[str, Any] = {}

    def show_setup(self, setup: Setup) -> None:
        """The decisions of the run on the bench."""
        self._chosen = json.loads(setup.choices) if setup.choices else {}
        self._shown = None

    def draw(self, course: Course) -> None:
        self._course = course
        self._editor.draw(course)
        shown = course.stamp("assessed", "profiled")
        if shown == self._shown:
            return
        self._shown = shown
        found = course.assessed.get("findings", ())
        counts = Counter(one[2] for one in found)
        for verdict, mark in VERDICTS:
            self._chips[verdict].setText(f"{mark} {verdict} {counts[verdict]}")
            self._chips[verdict].setEnabled(bool(counts[verdict]))
        if found:
            hours = Counter(COST.get(one[3], "") for one in found if one[3])
            work = ", ".join(f"{count} × {what}" for what, count in hours.most_common())
            unfollowed = " ".join(course.assessed.get("unfollowed", ()))
            self._sum.setText(
                f"{len(found)} objects, every one classified. For a person: {work or 'nothing'}. {unfollowed}"
            )
        else:
            self._sum.setText("Nothing was looked at yet. Assess reads the catalogue and every value of the source.")
        self._tables.show_entries(list(course.profiles))
        self._pick.setVisible(bool(course.profiles))
        out = self._chosen.get("left_out", ())
        self._back.setVisible(bool(out))
        self._out.setText(f"Left out by you: {', '.join(out)}.")
        self._list()
        self._values()

    def _list(self) -> None:
        found = self._course.assessed.get("findings", ()) if self._course else ()
        marks = dict(VERDICTS)
        order = [verdict for verdict, _ in reversed(VERDICTS)]
        rows = [one for one in found if self._chips[one[2]].isChecked()]
        rows.sort(key=lambda one: order.index(one[2]))
        self._table.show_rows([[f"{marks[one[2]]} {one[2]}", one[0], one[1], _becomes(one)] for one in rows[:_LISTED]])

    def _values(self) -> None:
        profile = self._profile()
        self._strip.show_strips(strips_of(profile))
        self._strip.setVisible(bool(profile))
        self._column(0)

    def _profile(self) -> dict[str, Any]:
        return dict(self._course.profiles.get(self._tables.currentText(), {})) if self._course else {}

    def _column(self, index: int) -> None:
        columns = self._profile().get("columns", ())
        if not 0 <= index < len(columns):
            self._seen.setText("")
            return
        name, written, becomes, policy, _, misfits, samples = columns[index]
        odd = "; ".join(f"{value} ({reason})" for value, reason in samples)
        words = f"{name}: {written or 'no type'} → {becomes}. "
        words += f"{misfits:,} values do not fit, policy {policy}: {odd}" if misfits else "Every value fits."
        self._seen.setText(words)
        self._editor.show_column(self._tables.currentText(), str(name), str(becomes), str(policy))

    def _decide(self, table: str, column: str, type_: str, policy: str) -> None:
        if not column:
            self.asks.say("Assess first: then there is something to decide.")
            return
        label = f"{table}.{column}"
        pairs = {}
        for what, value in (("types", type_), ("policies", policy)):
            pairs[what] = [pair for pair in self._chosen.get(what, ()) if pair[0] != label] + [[label, value]]
        self._again(**pairs)

    def _leave(self) -> None:
        if len(self._course.profiles if self._course else ()) < 2:
            self.asks.say("It is the only table that moves: without it there is nothing to migrate.")
            return
        self._again(left_out=[*self._chosen.get("left_out", ()), self._tables.currentText()])

    def _again(self, **decided: Any) -> None:
        """Begin with these decisions beside the others; they are those of the page when the run has them."""
        if self._course is not None and self._course.facts.get("tables_made"):
            self.asks.say("The tables are made. Take the step Schema back first; then it can be decided anew.")
            return
        self.asks.begin(assess=True, choices=json.dumps({**self._chosen, **decided}))

    def words(self) -> str:
        return f"{self._sum.text()} {self._strip.accessibleDescription()} {self._editor.words()}"


def _becomes(finding: list[Any]) -> str:
    """What becomes of an object, why, and what a person has to do."""
    _, _, _, level, reason, becomes = finding
    person = f"for a person: {COST[level]}" if level else ""
    return "; ".join(part for part in (" ".join(str(becomes).split()), reason, person) if part)
