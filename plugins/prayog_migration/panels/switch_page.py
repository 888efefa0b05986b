"""Step 7: the change of sides and the way back, with a stopwatch for the freeze."""

from __future__ import annotations

from prayog_migration.panels.course import Course
from prayog_migration.panels.fitted import FittedTable
from prayog_migration.panels.page import Asks, Page
from prayog_migration.panels.timeline_view import TimelineView
from prayog_migration.panels.words import seconds_in_words
from prayog_sdk.qt.state import paragraph

__all__ = ["SwitchPage"]


class SwitchPage(Page):
    """Buttons, stopwatch, timeline, and what customers were promised."""

    name = "switch"

    def __init__(self, asks: Asks) -> None:
        super().__init__(asks)
        self._switch, self._back, self._unfence = self.buttons(
            (
                ("Switch over", lambda: asks.act("switch"), "Fence, drain, compare, promote"),
                (
                    "Go back",
                    lambda: asks.act("back"),
                    "The same steps with the sides exchanged; nothing written since is lost",
                ),
                ("Lower the fence", lambda: asks.act("unfence"), "Only before the promotion: everything is as before"),
            ),
            primary=0,
        )
        self._watch = paragraph("", step=3)
        self._watch.setAccessibleName("Freeze")
        self.body.addWidget(self._watch)
        self._sum = paragraph("")
        self.body.addWidget(self._sum)
        self._timeline = TimelineView()
        self.body.addWidget(self._timeline)
        heads = ("To", "Freeze", "Fenced", "Drained", "Compared", "Numbers", "Promoted")
        self._table = FittedTable("Switch-overs", heads, numbers=(1, 2, 3, 4, 5, 6), wrapped=0)
        self.body.addWidget(self._table)
        self._orders = paragraph("")
        self.body.addWidget(self._orders)
        self.body.addStretch(1)

    def draw(self, course: Course) -> None:
        last = course.switches[-1] if course.switches else None
        going = last is not None and last.freeze_us is None and not last.undone
        here = course.side
        self._switch.setEnabled(here == "source" and not going)
        returns = course.started.get("strategy") != "big bang"
        self._back.setEnabled(here == "target" and not going and returns)
        self._unfence.setEnabled(going)
        predicted = course.forecast(str(course.started.get("strategy", ""))).get("freeze_s")
        told = f", {seconds_in_words(predicted)} predicted" if predicted is not None else ""
        if last is None:
            self._watch.setText("Freeze: –")
        elif last.freeze_us is None:
            passed = max([us for _, us in last.marks] or [0])
            self._watch.setText("Called off" if last.undone else f"Freeze: {passed / 1e6:.2f} s and counting")
        else:
            self._watch.setText(f"Freeze: {seconds_in_words(last.freeze_us / 1e6)}{told}")
        side = "new side (the target)" if here == "target" else "old side (the source)"
        words = f"The {side} is in charge."
        if last is not None and last.undone:
            words += f" {last.undone}"
        elif here == "target" and not returns:
            words += " The old side stays as it was. Nobody keeps it up to date after a big bang: there is no way back."
        elif here == "target":
            words += " The old side stays fenced and is kept up to date, so that going back loses nothing."
        if course.answered:
            asked = course.answered
            words += (
                f" Parallel run, round {asked['number']} of {asked['of']}: {asked['same']} of {asked['questions']} "
                "answers are the same on both sides."
            )
        self._sum.setText(words)
        self._timeline.show_switch(last)
        rows = []
        for one in course.switches:
            at = dict(one.marks)
            freeze = seconds_in_words(one.freeze_us / 1e6) if one.freeze_us is not None else "called off"
            rows.append([one.to, freeze, *(f"{at[m] / 1e3:,.0f} ms" if m in at else "" for m in
                         ("fenced", "drained", "verified", "numbers", "promoted"))])  # fmt: skip
        self._table.show_rows(rows)
        orders = course.orders
        self._orders.setText(
            f"What customers were promised, asked of the {orders['side']}: {orders['promised']:,} orders, "
            f"{orders.get('lost_count', 0)} lost, {_count(orders.get('doubled'))} there twice, "
            f"{_count(orders.get('undead'))} back from the dead." if orders else ""
        )  # fmt: skip

    def words(self) -> str:
        return (
            f"{self._watch.text()}. {self._sum.text()} {self._timeline.accessibleDescription()} {self._orders.text()}"
        )


def _count(value: object) -> int:
    return len(value) if isinstance(value, list | tuple) else int(value or 0)  # type: ignore[call-overload]
