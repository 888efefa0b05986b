"""All topics as cards: what each is about, how long it takes, what it needs and how far the learner is.

Cards come from manifests and files; nothing is imported here.  A topic that cannot be used is a grey card that says
why, in the same grid, so that nobody searches for it.
"""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QLineEdit, QWidget

from prayog.ui.card_words import CardWords
from prayog.ui.desk import Desk
from prayog.ui.grid import CardGrid
from prayog.ui.page import Page
from prayog.ui.pieces import IconTile, Ring, button, chip, column, flow, heading, overline, row, text
from prayog.ui.place import Place
from prayog.ui.problem_card import problem_card
from prayog.ui.shelf import ORDERS, Card, arrange
from prayog_sdk.qt import theme
from prayog_sdk.qt.cards import Card as Surface
from prayog_sdk.qt.cards import CardButton
from prayog_sdk.qt.state import EmptyState

__all__ = ["Catalogue", "TopicButton"]

_WORDS = CardWords()


class TopicButton(CardButton):
    """The card of a topic that can be opened."""

    def __init__(self, desk: Desk, card: Card) -> None:
        manifest = card.manifest
        assert manifest is not None
        done, total = desk.standing.finished(card), card.items
        about = ". ".join((manifest.summary.rstrip("."), *_WORDS.facts(card), _WORDS.done(done, total)))
        super().__init__(card.title, about, margin=3 * theme.UNIT)
        self.topic_id = card.id
        head = row(IconTile(manifest.icon or "topics"), gap=12)
        head.addLayout(column(-1, heading(card.title, 1), -1, gap=0), 1)
        if total:
            head.addWidget(Ring(done, total, _WORDS.done(done, total)))
        self.body.setSpacing(12)
        self.body.addLayout(head)
        self.body.addWidget(text(manifest.summary, "muted"))
        self.body.addStretch(1)
        chips = _WORDS.needs(card, desk.states)
        if chips:
            self.body.addLayout(flow(*chips, gap=6))
        self.body.addWidget(overline(" · ".join((*_WORDS.facts(card), _WORDS.languages(manifest.languages)))))
        if card.outside:
            self.body.addWidget(overline(_WORDS.source(card)))
        for child in self.findChildren(QWidget):
            child.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right):
            event.ignore()  # the page walks the cards
        else:
            super().keyPressEvent(event)


class Catalogue(Page):
    """See the module.  Arrow keys walk the cards, Ctrl+F goes to the filter."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, QCoreApplication.translate("Catalogue", "Topics"), parent=parent)
        self.lead.setVisible(True)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText(self.tr("Filter topics"))
        self.filter.setAccessibleName(self.tr("Filter topics"))
        self.filter.setClearButtonEnabled(False)
        self.filter.setMinimumWidth(theme.scaled(200))
        self.filter.textChanged.connect(self.fill)
        self.sort = QComboBox()
        self.sort.setAccessibleName(self.tr("Order"))
        names = (self.tr("Recommended order"), self.tr("By title"), self.tr("Shortest first"), self.tr("Begun first"))
        for name, order in zip(names, ORDERS, strict=True):
            self.sort.addItem(name, order)
        self.sort.currentIndexChanged.connect(self.fill)
        self.tools.addWidget(self.filter)
        self.tools.addWidget(self.sort)
        self._grid = CardGrid(least=330, most=3)
        self.body.addLayout(self._grid)
        for changed in (desk.topics_changed, desk.services_changed, desk.progress_changed):
            changed.connect(self.refresh)

    def fill(self) -> None:
        """Paint the cards that the filter lets through."""
        if not self.desk.looked:
            self.lead.setText(self.tr("Looking for topics…"))
            return
        by_id = {card.id: card for card in self.desk.cards}
        share = self.desk.standing.share
        cards = arrange(self.desk.cards, self.filter.text(), self.sort.currentData(), lambda name: share(by_id[name]))
        self._grid.clear()
        for card in cards:
            self._grid.add(self._card(card))
        usable = sum(map(self.desk.usable, self.desk.cards))
        self.lead.setText(self.tr("1 topic") if usable == 1 else self.tr("{0} topics").format(usable))
        if not cards:
            self._grid.add(self._none(), 3)

    def first_focus(self) -> QWidget | None:
        cards = self._buttons()
        return cards[0] if cards else self.filter

    def keyPressEvent(self, event: QKeyEvent) -> None:
        buttons = self._buttons()
        focus = self.focusWidget()
        columns = self._grid.columns(self._grid.geometry().width())
        step = {
            Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1, Qt.Key.Key_Down: columns, Qt.Key.Key_Up: -columns,
        }.get(Qt.Key(event.key()))  # fmt: skip
        if event.key() == Qt.Key.Key_F and event.modifiers() == Qt.KeyboardModifier.ControlModifier:
            self.filter.setFocus(Qt.FocusReason.ShortcutFocusReason)
        elif step is not None and isinstance(focus, TopicButton):
            at = buttons.index(focus) + step
            if 0 <= at < len(buttons):
                buttons[at].setFocus(Qt.FocusReason.TabFocusReason)
                self.ensureWidgetVisible(buttons[at])
        else:
            super().keyPressEvent(event)

    def _card(self, card: Card) -> QWidget:
        if card.manifest is not None and self.desk.usable(card):
            made = TopicButton(self.desk, card)
            made.clicked.connect(lambda: self.wanted.emit(Place("topic", card.id)))
            entry = self.desk.entry(card)
            if entry is not None and entry.state == "failed":
                made.body.insertLayout(2, flow(chip(self.tr("Could not be opened"), "bad")))
            return made
        if card.problems:
            made_card = problem_card(card.problems[0], card.title, quiet=True)
            made_card.retry.connect(self.desk.look)
            return made_card
        off = Surface(margin=3 * theme.UNIT)
        on = button(self.tr("Turn on"))
        on.clicked.connect(lambda: self.desk.turn(card.id, on=True))
        off.body.addWidget(heading(card.title, 1))
        off.body.addWidget(text(self.tr("You turned this topic off."), "muted"))
        off.body.addStretch(1)
        off.body.addLayout(flow(on))
        return off

    def _none(self) -> QWidget:
        if self.filter.text():
            state = EmptyState(
                self.tr("No topic matches"),
                self.tr("The filter looks at titles, summaries, lessons and scenarios."),
                icon="search",
                actions=[(self.tr("Show all topics"), self.filter.clear)],
            )
        else:
            state = EmptyState(
                self.tr("No topic is here"),
                self.tr("Topics come with the lab, or from a folder or a wheel that you add."),
                icon="topics",
                actions=[(self.tr("Open Plugins"), lambda: self.wanted.emit(Place("plugins")))],
            )
        state.setMinimumHeight(theme.scaled(360))
        return state

    def _buttons(self) -> list[TopicButton]:
        return [each for each in self._grid.widgets() if isinstance(each, TopicButton)]
