"""The same question to both sides: counts and sums of every table, or the learner's own SQL, at one position."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QLineEdit, QPushButton, QVBoxLayout

from prayog_migration.panels.course import Course
from prayog_migration.panels.fitted import FittedTable
from prayog_migration.panels.page import Asks, row_of
from prayog_migration.panels.ways import Part
from prayog_sdk.qt import theme
from prayog_sdk.qt.state import paragraph

__all__ = ["QuestionsView"]

_NOTHING = (
    "Rows that are equal are one thing, answers another: collations, rounding and time zones show only when somebody "
    "asks. Both sides are asked at one position, while the application goes on."
)


class QuestionsView(Part):
    """A line for SQL, and the answers."""

    def __init__(self, asks: Asks) -> None:
        super().__init__()
        self._sql = QLineEdit()
        self._sql.setPlaceholderText("SELECT city, count(*) FROM customers GROUP BY city")
        self._sql.setAccessibleName("A question in SQL, as the side in charge understands it")
        self._sql.setFont(theme.mono())
        self._ask = QPushButton("Ask both")
        self._ask.setToolTip("Your question, translated for the other side")
        self._ask.clicked.connect(self._mine)
        self._sql.returnPressed.connect(self._mine)
        self._all = QPushButton("Ask counts and sums")
        self._all.setToolTip("Of every table")
        self._all.clicked.connect(lambda: asks.act("ask"))
        self._asks = asks
        self._sum = paragraph(_NOTHING)
        self._answers = FittedTable(
            "Answers", ("", "Rows", "Time", "Question, and what differs"), numbers=(1, 2), wrapped=3
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for part in (self._sum, self._sql, row_of(self._ask, self._all), self._answers):
            column.addWidget(part)
        column.addStretch(1)
        self._shown: Any = None

    def _mine(self) -> None:
        sql = self._sql.text().strip()
        if sql:
            self._asks.act("ask", sql=sql)
        else:
            self._asks.say("Write a question first: SELECT …")

    def draw(self, course: Course) -> None:
        ready = bool(course.facts.get("loaded"))
        for button in (self._ask, self._all):
            button.setEnabled(ready)
        shown = (*course.stamp("answer"), ready)
        if self._shown == shown:
            return
        self._shown = shown
        self._answers.show_rows([_line(one) for one in course.answers])
        if course.answers:
            same = sum(bool(one["same"]) for one in course.answers)
            place = course.answers[0]["position"]
            self._sum.setText(
                f"{same} of {len(course.answers)} questions have the same answer on both sides"
                f"{f', at position {place}' if place else ''}."
            )
        else:
            self._sum.setText(_NOTHING if ready else f"{_NOTHING} Copy the rows first.")

    def restyle(self) -> None:
        self._sql.setFont(theme.mono())

    def words(self) -> str:
        return self._sum.text()


def _line(one: Any) -> list[str]:
    rows = f"{one['source_rows']:,}"
    if one["source_rows"] != one["target_rows"]:
        rows += f" / {one['target_rows']:,}"
    told = [one["source_sql"]]
    if one["problem"]:
        return ["! not asked", "", "", f"{one['source_sql']}\n{one['problem']}"]
    sides = ("source", "target") if one["direction"] == "forward" else ("target", "source")
    for side, only in zip(sides, (one["only_source"], one["only_target"]), strict=True):
        if only:
            told.append(f"only the {side}: {'; '.join(only[:5])}{' …' if len(only) > 5 else ''}")
    time = f"{one['source_ms']:,.1f} / {one['target_ms']:,.1f} ms"
    return ["✓ same" if one["same"] else "✗ differs", rows, time, "\n".join(told)]
