"""One step of a lesson as it is read: its text, question, deed, check, hints and myth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, QUrl, QUrlQuery, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from prayog.ui.bench.checks_pane import CheckRow
from prayog.ui.bench.predict_card import PredictCard
from prayog.ui.pieces import chip, drop, heading
from prayog_sdk.lessons import Answer, Do, LessonStep
from prayog_sdk.qt import theme
from prayog_sdk.qt.cards import Card
from prayog_sdk.qt.icons import IconLabel
from prayog_sdk.qt.state import paragraph
from prayog_sdk.qt.text import MarkdownView
from prayog_sim.run import Action

__all__ = ["LANGUAGES", "StepPage"]

LANGUAGES = {"en": "English", "hi-Latn": "Hinglish"}


class StepPage(QWidget):
    """Shows `step` of a lesson in `lang`; it asks, and others judge."""

    recorded = Signal(object)
    """The answer to its question."""
    skipped = Signal()
    restart_asked = Signal()
    compare_asked = Signal()
    open_there = Signal(int)
    action_asked = Signal(object)
    scenario_asked = Signal(str)
    hint_asked = Signal()

    def __init__(
        self, step: LessonStep, lang: str, values: Mapping[str, Any], answer: Answer | None, hints: int
    ) -> None:
        super().__init__()
        self._step = step
        self.card: PredictCard | None = None
        self.row: CheckRow | None = None
        self.body: MarkdownView | None = None
        self.truth: MarkdownView | None = None
        self.deed: MarkdownView | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * theme.UNIT, theme.UNIT, 2 * theme.UNIT, 2 * theme.UNIT)
        column.setSpacing(2 * theme.UNIT)
        column.addWidget(heading(step.title, 2))
        if step.lang != lang:
            only = self.tr("in {language} only, so far").format(language=LANGUAGES.get(step.lang, step.lang))
            column.addWidget(chip(only, "warn"))
        if step.myth is not None:
            column.addWidget(self._myth(step.myth.says))
        if step.body:
            self.body = MarkdownView(step.body)
            self.body.setAccessibleName(step.title)
            self.body.link.connect(self._follow)
            column.addWidget(self.body)
        if step.predict is not None:
            self.card = PredictCard(step.predict)
            self.card.recorded.connect(self.recorded)
            self.card.skipped.connect(self.skipped)
            self.card.restart_asked.connect(self.restart_asked)
            self.card.compare_asked.connect(self.compare_asked)
            self.card.open_there.connect(self.open_there)
            if answer is not None:
                self.card.show_recorded(answer)
            column.addWidget(self.card)
        if step.do is not None:
            column.addWidget(self._deed(step.do))
        if step.check is not None:
            self.row = CheckRow(self.tr("Checked on your run"))
            self.row.open_there.connect(self.open_there)
            column.addWidget(self.row)
        if step.myth is not None:
            head = self.tr("What is so")
            self.truth = MarkdownView(f"> [!TIP] {head}\n> {step.myth.truth}\n>\n> *{step.myth.source}*")
            self.truth.hide()
            column.addWidget(self.truth)
        self._hints = QVBoxLayout()
        self._hints.setSpacing(theme.UNIT)
        column.addLayout(self._hints)
        column.addStretch(1)
        self.show_hints(hints)
        self.show_values(values)

    def show_values(self, values: Mapping[str, Any]) -> None:
        """New live numbers."""
        for view in (self.body, self.deed, self.truth):
            if view is not None:
                view.set_values(values)
        if self.card is not None:
            self.card.show_values(values)

    def show_hints(self, shown: int) -> None:
        """The first `shown` hints, and a button for the next one."""
        drop(self._hints)
        hints = self._step.hints
        for number, hint in enumerate(hints[:shown], 1):
            card = Card(margin=theme.UNIT * 3 // 2)
            label = QLabel(self.tr("Hint {n} of {all}").format(n=number, all=len(hints)))
            label.setProperty("kind", "muted")
            card.body.addWidget(label)
            card.body.addWidget(MarkdownView(hint))
            self._hints.addWidget(card)
        if shown < len(hints):
            button = QPushButton(self.tr("A hint, please") if shown == 0 else self.tr("Another hint"))
            button.setProperty("kind", "quiet")
            button.setToolTip(self.tr("Ctrl+H"))
            button.clicked.connect(self.hint_asked)
            self._hints.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)

    def _myth(self, says: str) -> QWidget:
        card = Card(kind="warn")
        head = QLabel(self.tr("What many notes say"))
        head.setProperty("kind", "warn")
        card.body.addWidget(head)
        card.body.addWidget(paragraph(f"“{says}”"))
        return card

    def _deed(self, do: Do) -> QWidget:
        card = Card()
        line = QHBoxLayout()
        line.addWidget(IconLabel("run-to", role="accent", size=18), 0, Qt.AlignmentFlag.AlignTop)
        self.deed = MarkdownView(do.text)
        self.deed.setAccessibleName(self.tr("What to do"))
        self.deed.link.connect(self._follow)
        line.addWidget(self.deed, 1)
        card.body.addLayout(line)
        if do.action is not None or do.scenario is not None:
            button = QPushButton(do.button or (self.tr("Do it") if do.action is not None else self.tr("Set up")))
            button.setProperty("kind", "primary")
            button.setObjectName("do")
            if do.action is not None:
                button.clicked.connect(lambda: self.action_asked.emit(do.action))
            else:
                button.clicked.connect(lambda: self.scenario_asked.emit(do.scenario))
            card.body.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        return card

    def _follow(self, link: str) -> None:
        """A link in the text: ``lab:crash?node=n1`` does an action, ``lab:event?n=12`` shows an event."""
        url = QUrl(link)
        if url.scheme() != "lab":
            return
        args = dict(QUrlQuery(url).queryItems())
        if url.path() == "event" and args.get("n", "").isdigit():
            self.open_there.emit(int(args["n"]))
        elif url.path() == "scenario" and args.get("id"):
            self.scenario_asked.emit(args["id"])
        else:
            self.action_asked.emit(Action(url.path(), args))
