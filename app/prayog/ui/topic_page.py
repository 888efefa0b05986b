"""A topic's page: what it is about in two lines, and three doors: learn it, play with it, prove that you know it.

Below are what popular notes get wrong, and the sections of the topic's own `topic.md`: glossary, limits, sources.
Everything is read from files; the topic is opened only when one of its items is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QVBoxLayout, QWidget

from prayog.ui.card_words import CardWords
from prayog.ui.desk import Desk
from prayog.ui.grid import CardGrid
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
from prayog_sdk.lessons import Challenge, Lesson, Myth
from prayog_sdk.qt import theme
from prayog_sdk.qt.cards import Card as Surface
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.icons import IconLabel
from prayog_sdk.qt.text import MarkdownView
from prayog_sdk.scenario import Scenario

__all__ = ["TopicPage"]

_WORDS = CardWords()

Item = tuple[Place, str, list[str], str]
"""A line of a door: where it leads, its title, short facts, what it is about."""

_FIRST = 5  # items of a door that are shown at once


class TopicPage(Page):
    """Shows the topic that `show_place` names."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, "", parent=parent)
        self._topic = ""
        self._later: list[Callable[[], None]] = []
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._go_on)
        for changed in (desk.topics_changed, desk.services_changed, desk.progress_changed):
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
        self._later.clear()
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
        self._plan(card)
        self._timer.start()

    def _plan(self, card: Card) -> None:
        """What is below the doors comes piece by piece: laid out at once, many texts hold up the window."""
        myths = [step.myth for lesson in card.lessons for step in lesson.items if step.myth is not None]
        if myths:
            holder = QWidget()
            grid = CardGrid(holder, least=400, most=2)
            self._later.append(lambda: self._section(self.tr("What notes get wrong"), holder))
            self._later += [partial(self._myth, grid, myth) for myth in myths]
        self._later += [partial(self._words, name, words) for name, words in card.text.sections]

    def _go_on(self) -> None:
        if self._later:
            self._later.pop(0)()
        else:
            self._timer.stop()

    @property
    def whole(self) -> bool:
        """Everything is painted."""
        return not self._later

    def _words(self, name: str, words: str) -> None:
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
        about = [*_WORDS.facts(card), _WORDS.languages(manifest.languages)]
        if card.outside:
            about.append(_WORDS.source(card))
        words.addWidget(overline(" · ".join(about)))
        chips = _WORDS.needs(card, self.desk.states)
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
        best = self.desk.standing.best
        lessons: list[Item] = []
        for lesson in card.lessons:
            lessons.append((Place("lesson", card.id, lesson.id), lesson.title, self._minutes(lesson), lesson.summary))
        scenarios: list[Item] = []
        for scenario in card.scenarios:
            about = self._minutes(scenario)
            if scenario.kind == "session":
                about.append(self.tr("on the real thing"))
            scenarios.append((Place("scenario", card.id, scenario.id), scenario.title, about, scenario.about))
        challenges: list[Item] = []
        for challenge in card.challenges:
            place = Place("challenge", card.id, challenge.id)
            words = "\n".join(part for part in (challenge.goal, best.get(place, "")) if part)
            challenges.append((place, challenge.title, self._minutes(challenge), words))
        grid.add(self._door("lesson", self.tr("Learn"), self.tr("Guided, one step at a time."), lessons))
        grid.add(self._door("play", self.tr("Play"), self.tr("Change anything, see what happens."), scenarios))
        grid.add(self._door("challenges", self.tr("Prove"), self.tr("A goal, a budget, and a judge."), challenges))
        return grid

    def _minutes(self, item: Lesson | Scenario | Challenge) -> list[str]:
        return [self.tr("{0} min").format(item.minutes)] if item.minutes else []

    def _door(self, picture: str, title: str, about: str, items: list[Item]) -> QWidget:
        surface = Surface(margin=0)
        surface.body.setContentsMargins(12, 24, 12, 16)
        surface.body.setSpacing(0)
        head = row(IconLabel(picture, role="accent", size=22), gap=12)
        head.addLayout(column(heading(title, 1), text(about, "muted"), gap=2), 1)
        head.setContentsMargins(12, 0, 12, 12)
        surface.body.addLayout(head)
        rows = column(gap=0)
        surface.body.addLayout(rows)
        for item in items[:_FIRST]:
            rows.addWidget(self._row(*item))
        if len(items) > _FIRST:
            surface.body.addLayout(self._all(rows, items))
        if not items:
            nothing = text(self.tr("Nothing here yet."), "muted")
            nothing.setContentsMargins(12, 8, 12, 8)
            surface.body.addWidget(nothing)
        surface.body.addStretch(1)
        return surface

    def _all(self, rows: QVBoxLayout, items: list[Item]) -> FlowLayout:
        """A link that shows the whole list."""
        more = button(self.tr("Show all {0}").format(len(items)), "link")

        def show() -> None:
            more.hide()
            added = [self._row(*item) for item in items[_FIRST:]]
            for each in added:
                rows.addWidget(each)
            QTimer.singleShot(0, added[0], lambda: added[0].setFocus(Qt.FocusReason.TabFocusReason))

        more.clicked.connect(show)
        line = flow(more)
        line.setContentsMargins(12, 8, 12, 0)
        return line

    def _row(self, place: Place, title: str, about: list[str], words: str) -> RowButton:
        done = place in self.desk.standing.done
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

    def _myth(self, grid: CardGrid, myth: Myth) -> None:
        surface = Surface(margin=3 * theme.UNIT)
        surface.body.addWidget(overline(self.tr("Notes say")))
        surface.body.addWidget(heading(f"“{myth.says}”", 1))
        surface.body.addWidget(overline(self.tr("In fact")))
        surface.body.addWidget(_markdown(myth.truth, self.tr("In fact")))
        if myth.source:
            surface.body.addWidget(overline(self.tr("Source: {0}").format(myth.source)))
        surface.body.addStretch(1)
        grid.add(surface)

    def _section(self, title: str, content: QWidget) -> None:
        self.body.addLayout(column(heading(title, 2), content, gap=12))


def _markdown(words: str, name: str) -> MarkdownView:
    made = MarkdownView(words)
    made.setAccessibleName(name)
    return made
