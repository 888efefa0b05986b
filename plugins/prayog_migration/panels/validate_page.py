"""Step 5: both sides compared at one position; then the same questions asked of both, and the target's rules tried."""

from __future__ import annotations

from prayog_migration.panels.aside_view import AsideView
from prayog_migration.panels.compared_view import ComparedView
from prayog_migration.panels.course import Course
from prayog_migration.panels.page import Asks, Page
from prayog_migration.panels.questions_view import QuestionsView
from prayog_migration.panels.rules_view import RulesView
from prayog_migration.panels.ways import Ways
from prayog_sdk.qt.state import paragraph

__all__ = ["ValidatePage"]


class ValidatePage(Page):
    """Three kinds of proof, and the rows that did not come along; one at a time."""

    name = "validate"

    def __init__(self, asks: Asks) -> None:
        super().__init__(asks)
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
        self.ways = Ways(
            asks,
            (
                ("rows", "Row by row", lambda _: ComparedView()), ("questions", "The same question", QuestionsView),
                ("rules", "Rules tried", RulesView), ("aside", "Rows set aside", AsideView),
            ),
        )  # fmt: skip
        self.body.addWidget(self.ways, 1)

    def draw(self, course: Course) -> None:
        self._sum.setText(_summary(course))
        self.ways.draw(course)

    def restyle(self) -> None:
        self.ways.restyle()

    def words(self) -> str:
        return f"{self._sum.text()} {self.ways.part.words()}"


def _summary(course: Course) -> str:
    if course.comparing:
        one = course.comparing
        return f"Comparing {one['table']}: {one['segments']} segments, {one['red']} differ so far."
    if not course.balance:
        return "Nothing was compared yet. Both sides are compared at one position, while the application goes on."
    b = course.balance
    speed = f", {b['source_rows'] / max(1e-6, b['us'] / 1e6):,.0f} rows/s a side" if b["us"] else ""
    here, there = ("at the source", "on the target") if b.get("direction") != "reverse" else (
        "on the new side", "on the old one"
    )  # fmt: skip
    stayed = f" ({b['stayed']:,} more stay on the old side: the new one did not take them)" if b.get("stayed") else ""
    return (
        f"{b['source_rows']:,} rows {here} = {b['target_rows']:,} {there}{stayed} + {b['quarantined']:,} set "
        f"aside{'' if b['source_rows'] == b['target_rows'] + b['quarantined'] else ' — NOT EQUAL'}, at position "
        f"{b['position'] or 'of the copy'}{speed}."
    )
