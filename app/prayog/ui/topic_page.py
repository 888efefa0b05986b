"""A topic's page: what it is about in two lines, and three doors: learn it, play with it, prove that you know it.

Below are what popular notes get wrong, and the sections of the topic's own `topic.md`: glossary, limits, sources.
Everything is read from files; the topic is opened only when one of its items is.
"""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from prayog.ui.catalogue import facts, language_names, source_words
from prayog.ui.desk import Desk
from prayog.ui.grid import CardGrid
from prayog.ui.needs import need_chips
from prayog.ui.page import Page
from prayog.ui.pieces import (
    IconTile,
    RowButton,
    button,
    column,
    drop,
    flow,
    heading,
    overline,
    row,
    text,
)
from prayog.ui.place import Place
from prayog.ui.problem_card import problem_card
from prayog.ui.shelf import Card
from prayog_sdk.lessons import Myth
from prayog_sdk.qt import theme
from prayog_sdk.qt.cards import Card as Surface
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.icons import IconLabel
from prayog_sdk.qt.text import MarkdownView

__all__ = ["TopicPage"]

_FIRST = 5  # items of a door that are shown at once


class TopicPage(Page):
    """Shows the topic that `show_place` names."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, "", parent=parent)
        self._topic = ""
        for changed in (desk.topics_changed, desk.services_changed, desk.progress_changed, desk.settings_changed):
            changed.connect(self.refresh)

    def show_place(self, place: Place) -> None:
        if place.topic != self._topic:
            self._topic = place.topic
            self.refresh()
            self.verticalScrollBar().setValue(0)

    def fill(self) -> None:
        """Paint what is known of the topic now."""
        if not self._topic:
            return
        drop(self.body)
        drop(self.tools)
        self.lead.setText(self.tr("Looking for topics…"))
        self.lead.setHidden(self.desk.looked)
        if not self.desk.looked:
            return
        card = self.desk.card(self._topic)
        if card is None or card.manifest is None:
            self._absent(card)
            return
        self.title.setText(card.title)
        self.setAccessibleName(card.title)
        self._head(card)
        for problem in card.problems:
            shown = problem_card(problem, card.title)
            shown.retry.connect(self.desk.look)
            self.body.addWidget(shown)
        self.body.addLayout(self._doors(card))
        myths = [step.myth for lesson in card.lessons for step in lesson.items if step.myth is not None]
        if myths:
            self._section(self.tr("What notes get wrong"), self._myths(myths))
        for name, words in card.text.sections:
            surface = Surface(margin=3 * theme.UNIT)
            surface.body.addWidget(_markdown(words, name))
            self._section(name, surface)

    def _absent(self, card: Card | None) -> None:
        self.title.setText(card.title if card else self._topic)
        for problem in card.problems if card else ():
            shown = problem_card(problem, card.title if card else self._topic)
            shown.retry.connect(self.desk.look)
            self.body.addWidget(shown)
        if card is None:
            self.lead.setText(self.tr("This topic is not here any more."))
            self.lead.show()

    def _head(self, card: Card) -> None:
        manifest = card.manifest
        assert manifest is not None
        words = column(gap=theme.UNIT)
        idea = card.text.idea or manifest.summary
        shown = _markdown(idea, self.tr("The big idea"))
        words.addWidget(shown)
        about = [*facts(card), language_names(manifest.languages)]
        if card.outside:
            about.append(source_words(card))
        words.addWidget(overline(" · ".join(about)))
        chips = need_chips(card, self.desk.states)
        if chips:
            words.addLayout(flow(*chips, gap=6))
        line = row(gap=2 * theme.UNIT)
        tile = column(IconTile(manifest.icon or "topics", 56), -1)
        line.addLayout(tile)
        line.addLayout(words, 1)
        self.body.addLayout(line)
        if card.scenarios and self.desk.usable(card):
            first = min(card.scenarios, key=lambda each: each.minutes or 99)
            act = button(self.tr("Open the bench"), "primary", "play")
            act.clicked.connect(lambda: self.wanted.emit(Place("scenario", card.id, first.id)))
            self.tools.addWidget(act)

    def _doors(self, card: Card) -> CardGrid:
        grid = CardGrid(least=320, most=3)
        done, best = self.desk.standing.done, self.desk.standing.best
        lessons = []
        for lesson in card.lessons:
            place = Place("lesson", card.id, lesson.id)
            about = [self.tr("{0} min").format(lesson.minutes)] if lesson.minutes else []
            lessons.append(self._row(place, lesson.title, about, place in done, lesson.summary))
        scenarios = []
        for scenario in card.scenarios:
            about = [self.tr("{0} min").format(scenario.minutes)] if scenario.minutes else []
            if scenario.kind == "session":
                about.append(self.tr("on the real thing"))
            place = Place("scenario", card.id, scenario.id)
            scenarios.append(self._row(place, scenario.title, about, False, scenario.about))
        challenges = []
        for challenge in card.challenges:
            place = Place("challenge", card.id, challenge.id)
            about = [self.tr("{0} min").format(challenge.minutes)] if challenge.minutes else []
            if place in best:
                about.append(self.tr("best: {0}").format(best[place]))
            challenges.append(self._row(place, challenge.title, about, place in done, challenge.goal))
        grid.add(self._door("lesson", self.tr("Learn"), self.tr("Guided, one step at a time."), lessons))
        grid.add(self._door("play", self.tr("Play"), self.tr("Change anything, see what happens."), scenarios))
        grid.add(self._door("challenges", self.tr("Prove"), self.tr("A goal, a budget, and a judge."), challenges))
        return grid

    def _door(self, picture: str, title: str, about: str, rows: list[RowButton]) -> QWidget:
        surface = Surface(margin=0)
        surface.body.setContentsMargins(12, 24, 12, 16)
        surface.body.setSpacing(0)
        head = row(IconLabel(picture, role="accent", size=22), gap=12)
        head.addLayout(column(heading(title, 1), text(about, "muted"), gap=2), 1)
        head.setContentsMargins(12, 0, 12, 12)
        surface.body.addLayout(head)
        for index, each in enumerate(rows):
            surface.body.addWidget(each)
            each.setHidden(index >= _FIRST)
        if len(rows) > _FIRST:
            surface.body.addLayout(self._all(rows))
        if not rows:
            nothing = text(self.tr("Nothing here yet."), "muted")
            nothing.setContentsMargins(12, 8, 12, 8)
            surface.body.addWidget(nothing)
        surface.body.addStretch(1)
        return surface

    def _all(self, rows: list[RowButton]) -> FlowLayout:
        """A link that shows the whole list."""
        more = button(self.tr("Show all {0}").format(len(rows)), "link")

        def show() -> None:
            more.hide()
            for each in rows:
                each.show()
            rows[_FIRST].setFocus(Qt.FocusReason.TabFocusReason)

        more.clicked.connect(show)
        line = flow(more)
        line.setContentsMargins(8, 8, 12, 0)
        return line

    def _row(self, place: Place, title: str, about: list[str], done: bool, words: str) -> RowButton:
        facts_ = [*about, self.tr("done")] if done else about
        made = RowButton(", ".join((title, *facts_)))
        made.setAccessibleDescription(words)
        made.place = place
        line = row(gap=theme.UNIT)
        line.addWidget(text(title), 1)
        if about:
            line.addWidget(text(" · ".join(about), "muted", wrap=False))
        if done:
            line.addWidget(IconLabel("ok", role="good", size=16))
        made.body.addLayout(line)
        if words:
            made.body.addWidget(text(words, "muted"))
        made.clicked.connect(lambda: self.wanted.emit(place))
        made.setEnabled(self._topic not in self.desk.settings.disabled)
        return made

    def _myths(self, myths: Iterable[Myth]) -> QWidget:
        holder = QWidget()
        grid = CardGrid(holder, least=400, most=2)
        for myth in myths:
            surface = Surface(margin=3 * theme.UNIT)
            surface.body.addWidget(overline(self.tr("Notes say")))
            surface.body.addWidget(heading(f"“{myth.says}”", 1))
            surface.body.addWidget(overline(self.tr("In fact")))
            surface.body.addWidget(_markdown(myth.truth, self.tr("In fact")))
            if myth.source:
                surface.body.addWidget(overline(self.tr("Source: {0}").format(myth.source)))
            surface.body.addStretch(1)
            grid.add(surface)
        return holder

    def _section(self, title: str, content: QWidget) -> None:
        self.body.addLayout(column(heading(title, 2), content, gap=12))


def _markdown(words: str, name: str) -> MarkdownView:
    made = MarkdownView(words)
    made.setAccessibleName(name)
    return made
