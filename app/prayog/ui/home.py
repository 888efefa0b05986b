"""The first page: go on where you stopped, one experiment of a minute, a myth to test, and what was done lately.

On the first start there is nothing to go on with, so the page offers one thing to do and does it in one click.
"""

from __future__ import annotations

from math import cos, pi, sin
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLayout, QSizePolicy, QWidget

from prayog.ui.desk import Desk
from prayog.ui.grid import CardGrid
from prayog.ui.page import Page
from prayog.ui.pieces import RowButton, button, column, flow, heading, overline, row, text
from prayog.ui.place import Place
from prayog_sdk.qt import theme
from prayog_sdk.qt.cards import Card as Surface
from prayog_sdk.qt.icons import IconLabel, paint

if TYPE_CHECKING:
    from prayog.ui.shelf import Card
    from prayog_sdk.lessons import Lesson, Predict
    from prayog_sdk.scenario import Scenario

__all__ = ["Home"]


class Poster(QWidget):
    """A soft ground with the dots of a grid: on it a cluster of `nodes` at rest, or else a topic's icon, large."""

    def __init__(self, name: str, nodes: int = 0, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._nodes = nodes
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        return QSize(240, 144)  # not with the text: large text needs the room

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(look.accent_soft))
        painter.drawRoundedRect(QRectF(self.rect()), 10, 10)
        dot = QColor(look.accent)
        dot.setAlpha(46)
        painter.setBrush(dot)
        step = 2 * theme.UNIT
        for x in range(step, self.width() - 4, step):
            for y in range(step, self.height() - 4, step):
                painter.drawEllipse(QRectF(x - 1, y - 1, 2, 2))
        if self._nodes:
            self._cluster(painter)
            return
        side = min(self.width(), self.height()) * 0.56
        box = QRectF(0, 0, side, side)
        box.moveCenter(QRectF(self.rect()).center())
        painter.setBrush(QColor(look.accent_soft))
        painter.drawEllipse(box.adjusted(-14, -14, 14, 14))
        paint(painter, box, self._name, look.accent, stroke=1.1)

    def _cluster(self, painter: QPainter) -> None:
        """Nodes on a ring, each linked to each."""
        look, middle = theme.current(), QRectF(self.rect()).center()
        wide, tall = self.width() * 0.34, self.height() * 0.34
        turn = 2 * pi / self._nodes
        places = [
            QPointF(middle.x() + wide * sin(turn * n), middle.y() - tall * cos(turn * n)) for n in range(self._nodes)
        ]
        line = QColor(look.accent)
        line.setAlpha(70)
        painter.setPen(QPen(line, 1))
        for n, one in enumerate(places):
            for other in places[n + 1 :]:
                painter.drawLine(one, other)
        painter.setPen(QPen(QColor(look.accent), 2))
        painter.setBrush(QColor(look.surface))
        for place in places:
            painter.drawEllipse(place, 15, 15)


class Home(Page):
    """See the module."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, "Prayog", "", parent)
        self.title.setText(self.tr("Home"))
        self.lead.setText(self.tr("Predict, break it, see why."))
        self.lead.show()
        self.setAccessibleName(self.tr("Home"))
        self._grid = CardGrid(least=330, most=3)
        self.body.addLayout(self._grid)
        desk.topics_changed.connect(self.refresh)
        desk.progress_changed.connect(self.refresh)

    def fill(self) -> None:
        """Paint what is known now."""
        self._grid.clear()
        cards = [card for card in self.desk.cards if self.desk.usable(card)]
        if not self.desk.looked:
            self._grid.add(_blank(208), 3)
            self._grid.add(_blank(176), 2)
            self._grid.add(_blank(176), 1)
            return
        if not cards:
            self._nothing()
            return
        recent = self.desk.standing.recent
        if recent:
            self._continue(recent[0].place)
            self._minute(cards)
        else:
            self._first(next((card for card in cards if card.scenarios), cards[0]))
        if recent:
            self._myth(cards, 2)
            self._recent()
        else:
            self._myth(cards, 1)
            self._next(cards)

    # The cards

    def _first(self, card: Card) -> None:
        scenario = _quickest(card)
        if scenario is None:
            return
        surface = Surface(margin=3 * theme.UNIT)
        play = Place("scenario", card.id, scenario.id)
        learn = button(self.tr("About this topic"), "link")
        learn.clicked.connect(lambda: self.wanted.emit(Place("topic", card.id)))
        lesson = _question(card, scenario)
        asked = lesson.items[0].predict if lesson is not None else None
        offered: list[QWidget | QLayout | int] = []
        if lesson is not None and asked is not None:
            act = button(self.tr("Just let me play"), "link")
            answers = [self._answer(Place("lesson", card.id, lesson.id), asked, guess) for guess in asked.choices]
            offered += [flow(*answers, gap=theme.UNIT), theme.UNIT // 2]
            title = asked.question
            about = self.tr(
                "What do you expect? Your answer is written down and the bench opens, at rest. Then press Play."
            )
        else:
            act = button(self.tr("Open it on the bench"), "primary", "play")
            title, about = scenario.title, scenario.about
        act.clicked.connect(lambda: self.wanted.emit(play))
        words = column(
            overline(_with_minutes(self.tr("Start here"), scenario.minutes)),
            heading(title, 3),
            text(about, "muted"),
            -1,
            8,
            *offered,
            flow(act, learn, gap=16),
            gap=theme.UNIT,
        )
        line = row(gap=4 * theme.UNIT)
        line.addLayout(words, 1)
        line.addWidget(Poster(_icon(card), _nodes(scenario)))
        surface.body.addLayout(line)
        self._grid.add(surface, 3)

    def _answer(self, place: Place, asked: Predict, guess: str) -> QWidget:
        """One guess: it is written down, and the lesson opens with it, paused."""
        value: float | str = guess
        if asked.kind == "number":
            value = int(guess) if guess.isdigit() else float(guess)
        made = button(f"{guess} {asked.unit}".strip())
        made.setAccessibleDescription(asked.question)

        def go() -> None:
            self.desk.guess = (place, value)
            self.wanted.emit(place)

        made.clicked.connect(go)
        return made

    def _continue(self, place: Place) -> None:
        card = self.desk.card(place.topic)
        item = _item(card, place) if card else None
        if card is None or item is None:
            return
        surface = Surface(margin=3 * theme.UNIT)
        act = button(self.tr("Continue"), "primary", "play")
        act.clicked.connect(lambda: self.wanted.emit(place))
        open_topic = button(self.tr("About this topic"), "link")
        open_topic.clicked.connect(lambda: self.wanted.emit(Place("topic", card.id)))
        words = column(
            overline(self.tr("Where you stopped")),
            heading(item, 2),
            text(card.title, "muted"),
            -1,
            8,
            flow(act, open_topic, gap=16),
        )
        line = row(gap=3 * theme.UNIT)
        line.addLayout(words, 1)
        line.addWidget(Poster(_icon(card)))
        surface.body.addLayout(line)
        self._grid.add(surface, 2)

    def _minute(self, cards: list[Card]) -> None:
        pairs = [(card, each) for card in cards if (each := _quickest(card, self.desk.standing.tried)) is not None]
        if not pairs:
            return
        card, scenario = pairs[_today() % len(pairs)]
        act = button(self.tr("Try it"), "", "play")
        act.clicked.connect(lambda: self.wanted.emit(Place("scenario", card.id, scenario.id)))
        surface = Surface(margin=3 * theme.UNIT)
        over = _with_minutes(self.tr("Something short"), scenario.minutes)
        for part in (overline(over), heading(scenario.title, 1), text(scenario.about, "muted")):
            surface.body.addWidget(part)
        surface.body.addStretch(1)
        surface.body.addLayout(flow(act))
        self._grid.add(surface, 1)

    def _myth(self, cards: list[Card], span: int) -> None:
        myths = [
            (card, lesson, step.myth)
            for card in cards
            for lesson in card.lessons
            for step in lesson.items
            if step.myth is not None
        ]
        if not myths:
            return
        card, lesson, myth = myths[_today() % len(myths)]
        surface = Surface(margin=3 * theme.UNIT)
        act = button(self.tr("Put it to the test"), "link")
        act.clicked.connect(lambda: self.wanted.emit(Place("lesson", card.id, lesson.id)))
        surface.body.addWidget(overline(self.tr("Today’s myth · many notes say")))
        surface.body.addWidget(heading(f"“{myth.says}”", 1))
        surface.body.addWidget(text(self.tr("True, or not quite? Say what you expect, then see."), "muted"))
        surface.body.addStretch(1)
        surface.body.addLayout(flow(act))
        self._grid.add(surface, span)

    def _next(self, cards: list[Card]) -> None:
        rows = [self._row(Place("topic", each.id), each.title, _minutes(each), _icon(each)) for each in cards[:6]]
        every = button(self.tr("All topics"), "link")
        every.clicked.connect(lambda: self.wanted.emit(Place("topics")))
        self._grid.add(_list(self.tr("Or choose a topic"), rows, every), 2)

    def _recent(self) -> None:
        rows = []
        for recent in self.desk.standing.recent[:4]:
            card = self.desk.card(recent.place.topic)
            item = _item(card, recent.place) if card else None
            if card is not None and item is not None:
                rows.append(self._row(recent.place, item, card.title, _picture(recent.place.kind)))
        self._grid.add(_list(self.tr("Lately"), rows), 1)

    def _nothing(self) -> None:
        from prayog_sdk.qt.state import EmptyState

        state = EmptyState(
            self.tr("No topic is here"),
            self.tr("Topics come with the lab, or from a folder or a wheel that you add."),
            icon="topics",
            actions=[(self.tr("Open Plugins"), lambda: self.wanted.emit(Place("plugins")))],
        )
        state.setMinimumHeight(theme.scaled(320))
        self._grid.add(state, 3)

    def _row(self, place: Place, title: str, about: str, picture: str) -> RowButton:
        made = RowButton(f"{title}, {about}" if about else title)
        words = column(-1, text(title, wrap=False), *([text(about, "muted", wrap=False)] if about else []), -1, gap=0)
        line = row(IconLabel(picture, role="muted", size=20), gap=12)
        line.addLayout(words, 1)
        made.body.addLayout(line)
        made.clicked.connect(lambda: self.wanted.emit(place))
        return made


def _list(title: str, rows: list[RowButton], last: QWidget | None = None) -> Surface:
    """A card with a list; the rows' own room reaches to its sides, so texts stand under one another."""
    surface = Surface(margin=3 * theme.UNIT)
    surface.body.setContentsMargins(12, 24, 12, 24)
    head = overline(title)
    head.setContentsMargins(12, 0, 12, 0)
    surface.body.addWidget(head)
    grid = CardGrid(least=260, most=2, gap=0)
    for each in rows:
        grid.add(each)
    surface.body.addLayout(grid)
    surface.body.addStretch(1)
    if last is not None:
        line = flow(last)
        line.setContentsMargins(12, 0, 12, 0)
        surface.body.addLayout(line)
    return surface


def _with_minutes(words: str, minutes: int) -> str:
    return QCoreApplication.translate("Home", "{0} · {1} min").format(words, minutes) if minutes else words


def _blank(height: int) -> QWidget:
    """Holds a card's place while topics are being looked for, so that nothing jumps when they are there."""
    surface = Surface()
    surface.setMinimumHeight(theme.scaled(height))
    return surface


def _icon(card: Card) -> str:
    return (card.manifest.icon if card.manifest else "") or "topics"


def _picture(kind: str) -> str:
    return {"scenario": "play", "lesson": "lesson", "challenge": "challenges"}.get(kind, "open")


def _minutes(card: Card) -> str:
    minutes = card.manifest.minutes if card.manifest else 0
    return QCoreApplication.translate("Home", "{0} minutes").format(minutes) if minutes else ""


def _quickest(card: Card, tried: frozenset[Place] = frozenset()) -> Scenario | None:
    """The topic's opening scenario, then the shortest; rather one that was not tried yet."""
    opening = card.manifest.opening if card.manifest else ""
    return min(
        card.scenarios,
        key=lambda each: (Place("scenario", card.id, each.id) in tried, each.id != opening, each.minutes or 99),
        default=None,
    )


def _question(card: Card, scenario: Scenario) -> Lesson | None:
    """The lesson that begins with a question about `scenario` to which guesses can be offered."""
    found = (each for each in card.lessons if each.scenario == scenario.id and each.items)
    return next((each for each in found if (asked := each.items[0].predict) is not None and asked.choices), None)


def _nodes(scenario: Scenario) -> int:
    """How many nodes the scenario has, when a picture has room for them; else 0."""
    nodes = scenario.params.get("nodes")
    return nodes if isinstance(nodes, int) and 2 <= nodes <= 9 else 0


def _item(card: Card, place: Place) -> str | None:
    titles = {
        "scenario": {each.id: each.title for each in card.scenarios},
        "lesson": {each.id: each.title for each in card.lessons},
        "challenge": {each.id: each.title for each in card.challenges},
    }
    return titles.get(place.kind, {}).get(place.item)


def _today() -> int:
    """A number that changes once a day, so that the day's choice stays for the day."""
    from datetime import date  # not before the first paint

    return date.today().toordinal()
