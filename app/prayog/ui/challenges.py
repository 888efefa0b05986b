"""All challenges of all topics: goals that are judged by replay on published seeds."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from prayog.ui.desk import Desk
from prayog.ui.grid import CardGrid
from prayog.ui.page import Page
from prayog.ui.pieces import IconTile, chip, column, drop, flow, heading, overline, row, text
from prayog.ui.place import Place
from prayog.ui.shelf import Card
from prayog_sdk.lessons import Challenge
from prayog_sdk.qt import theme
from prayog_sdk.qt.cards import CardButton
from prayog_sdk.qt.state import EmptyState

__all__ = ["Challenges"]


class Challenges(Page):
    """Grouped by topic, in the order of the catalogue."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, "", parent=parent)
        self.title.setText(self.tr("Challenges"))
        self.setAccessibleName(self.tr("Challenges"))
        self.lead.show()
        for changed in (desk.topics_changed, desk.progress_changed):
            changed.connect(self.refresh)

    def fill(self) -> None:
        """Paint all challenges, with the best result of each."""
        drop(self.body)
        if not self.desk.looked:
            self.lead.setText(self.tr("Looking for topics…"))
            return
        cards = [card for card in self.desk.cards if card.challenges and self.desk.usable(card)]
        places = [Place("challenge", card.id, each.id) for card in cards for each in card.challenges]
        passed = sum(place in self.desk.standing.done for place in places)
        self.lead.setText(
            self.tr("Reach the goal within the budget. Your run is replayed on published seeds; {0} of {1} passed.")
            .format(passed, len(places))
        )  # fmt: skip
        for card in cards:
            grid = CardGrid(least=330, most=3)
            for challenge in card.challenges:
                grid.add(self._card(card, challenge))
            self.body.addLayout(column(heading(card.title, 2), grid, gap=12))
        if not cards:
            state = EmptyState(
                self.tr("No challenges here"),
                self.tr("None of the topics that are here has challenges. Lessons and scenarios are on their pages."),
                icon="challenges",
                actions=[(self.tr("Show topics"), lambda: self.wanted.emit(Place("topics")))],
            )
            state.setMinimumHeight(theme.scaled(360))
            self.body.addWidget(state)

    def _card(self, card: Card, challenge: Challenge) -> CardButton:
        place = Place("challenge", card.id, challenge.id)
        made = CardButton(challenge.title, challenge.goal, margin=3 * theme.UNIT)
        head = row(IconTile("challenges", 32), gap=12)
        head.addLayout(column(-1, heading(challenge.title, 1), -1, gap=0), 1)
        made.body.addLayout(head)
        made.body.addWidget(text(challenge.goal, "muted"))
        made.body.addStretch(1)
        standing = self.desk.standing
        chips = []
        if place in standing.done:
            result = standing.best.get(place)
            chips.append(chip(self.tr("✓ Passed: {0}").format(result) if result else self.tr("✓ Passed"), "good"))
        elif place in standing.tried:
            chips.append(chip(self.tr("Tried")))
        if chips:
            made.body.addLayout(flow(*chips))
        made.body.addWidget(overline(" · ".join(self._facts(challenge))))
        made.clicked.connect(lambda: self.wanted.emit(place))
        return made

    def _facts(self, challenge: Challenge) -> list[str]:
        found = [self.tr("{0} min").format(challenge.minutes)] if challenge.minutes else []
        seeds = len(challenge.seeds)
        found.append(self.tr("1 seed") if seeds == 1 else self.tr("{0} seeds").format(seeds))
        return [*found, *(self._most(name, most) for name, most in challenge.budget.items())]

    def _most(self, name: str, most: int) -> str:
        """What a budget allows, in words."""
        if name != "actions":
            return self.tr("{0}: at most {1}").format(name, most) if most else self.tr("no {0}").format(name)
        if most < 2:
            return self.tr("at most 1 action") if most else self.tr("no actions")
        return self.tr("at most {0} actions").format(most)
