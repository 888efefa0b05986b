"""A prediction: the question before the run, the answer beside the trace after it.

Rules
1. Offered, never forced: skipping is one press, and nothing waits for an answer.
2. A recorded answer cannot be changed; start the run again to predict again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from PySide6.QtCore import QLocale, Qt, Signal
from PySide6.QtGui import QDoubleValidator, QKeyEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from prayog.ui.pieces import drop
from prayog_sdk.checks import Verdict
from prayog_sdk.lessons import Answer, Predict
from prayog_sdk.qt import theme
from prayog_sdk.qt.cards import Card, CardButton
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.icons import IconButton, IconLabel
from prayog_sdk.qt.state import paragraph
from prayog_sdk.qt.text import MarkdownView

__all__ = ["PredictCard"]

Phase = Literal["asking", "recorded", "skipped", "judged"]


class PredictCard(Card):
    """One question of a lesson."""

    recorded = Signal(object)
    """The learner's value: the text of a choice, a number, or a list of texts."""
    skipped = Signal()
    compare_asked = Signal()
    restart_asked = Signal()
    open_there = Signal(int)

    def __init__(self, predict: Predict, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.predict = predict
        self.phase: Phase = "asking"
        self.late = False
        self._value: Callable[[], Any] = lambda: None
        self._shown: tuple[Answer, Verdict] | None = None
        self.why: MarkdownView | None = None
        self._values: Mapping[str, Any] = {}
        self.setAccessibleName(self.tr("Prediction"))
        self._ask()

    def set_late(self, late: bool) -> None:
        """The run went on before the question was answered: an answer would not count."""
        if late != self.late:
            self.late = late
            if self.phase == "asking":
                self._ask()

    def show_values(self, values: Mapping[str, Any]) -> None:
        """New live numbers, for the reason."""
        self._values = values
        if self.why is not None:
            self.why.set_values(values)

    def submit(self) -> None:
        """Record the answer (Ctrl+Enter); an incomplete one is asked for again."""
        if self.phase != "asking" or self.late:
            return
        value = self._value()
        if value is None:
            self._missing.setText(
                self.tr("Choose an answer first, or skip.")
                if self.predict.kind != "number"
                else self.tr("Type a number first, or skip.")
            )
            self._missing.show()
            return
        self.answer(value)

    def answer(self, value: Any) -> None:
        """Record `value`."""
        self.show_recorded(Answer(self.predict.id, value))
        self.recorded.emit(value)

    def show_recorded(self, answer: Answer) -> None:
        """The answer stands; the run may begin."""
        self._fill("recorded")
        self.body.addWidget(self._head(self.tr("Your prediction")))
        self.body.addWidget(paragraph(self.predict.question, "muted"))
        self.body.addWidget(self._bold(self._say(answer.value)))
        line = QHBoxLayout()
        line.addWidget(paragraph(self.tr("Recorded. Now let it run."), "muted"), 1)
        compare = QPushButton(self.tr("Compare now"))
        compare.setProperty("kind", "quiet")
        compare.clicked.connect(self.compare_asked)
        line.addWidget(compare)
        self.body.addLayout(line)

    def show_verdict(self, answer: Answer, verdict: Verdict) -> None:
        """Your answer beside the trace, and why."""
        if self.phase == "judged" and self._shown == (answer, verdict):
            return
        self._fill("judged", "good" if verdict.ok else "warn")
        self._shown = (answer, verdict)
        self.body.addWidget(
            self._head(self.tr("As you predicted") if verdict.ok else self.tr("Not as predicted"), verdict.ok)
        )
        self.body.addWidget(paragraph(self.predict.question, "muted"))
        self.body.addWidget(self._bold(verdict.reason))
        if self.predict.why:
            self.why = MarkdownView(self.predict.why)
            self.why.setAccessibleName(self.tr("Why"))
            self.why.set_values(self._values)
            self.body.addWidget(self.why)
        if verdict.at is not None:
            there = QPushButton(self.tr("Open there"))
            there.setProperty("kind", "quiet")
            there.clicked.connect(lambda: self.open_there.emit(verdict.at))
            self.body.addWidget(there, 0, Qt.AlignmentFlag.AlignLeft)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if (
            event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
            and event.modifiers() & Qt.KeyboardModifier.ControlModifier
        ):
            self.submit()
        else:
            super().keyPressEvent(event)

    # -- asking --------------------------------------------------------------------------------------------------

    def _ask(self) -> None:
        self._fill("asking")
        self.body.addWidget(self._head(self.tr("What do you expect?")))
        self.body.addWidget(self._bold(self.predict.question))
        if self.late:
            self.body.addWidget(
                paragraph(
                    self.tr("The run has begun, so an answer would not count. Start again, and predict first."), "muted"
                )
            )
            again = QPushButton(self.tr("Start again"))
            again.setProperty("kind", "primary")
            again.clicked.connect(self.restart_asked)
            self.body.addWidget(again, 0, Qt.AlignmentFlag.AlignLeft)
            return
        asker = {"choice": self._ask_choice, "number": self._ask_number, "order": self._ask_order}[self.predict.kind]
        asker()
        self._missing = paragraph("", "bad")
        self._missing.hide()
        self.body.addWidget(self._missing)
        buttons = QWidget()
        flow = FlowLayout(buttons)
        self._record = QPushButton(self.tr("Record my answer"))
        self._record.setProperty("kind", "primary")
        self._record.setToolTip(self.tr("Ctrl+Enter"))
        self._record.clicked.connect(self.submit)
        skip = QPushButton(self.tr("Skip"))
        skip.setProperty("kind", "quiet")
        skip.clicked.connect(self._skip)
        flow.addWidget(self._record)
        flow.addWidget(skip)
        self.body.addWidget(buttons)

    def _skip(self) -> None:
        self._fill("skipped")
        self.body.addWidget(paragraph(self.tr("Skipped: {question}").format(question=self.predict.question), "muted"))
        back = QPushButton(self.tr("Answer after all"))
        back.setProperty("kind", "quiet")
        back.clicked.connect(self._ask)
        self.body.addWidget(back, 0, Qt.AlignmentFlag.AlignLeft)
        self.skipped.emit()

    def _ask_choice(self) -> None:
        group = QButtonGroup(self)
        group.setExclusive(True)
        for choice in self.predict.choices:
            button = _Choice(choice)
            group.addButton(button)
            self.body.addWidget(button)

        def value() -> str | None:
            chosen = group.checkedButton()
            return chosen.accessibleName() if chosen is not None else None

        self._value = value

    def _ask_number(self) -> None:
        edit = QLineEdit()
        edit.setObjectName("answer")
        edit.setAccessibleName(self.predict.question)
        validator = QDoubleValidator(edit)
        validator.setLocale(QLocale(QLocale.Language.English, QLocale.Country.UnitedStates))
        edit.setValidator(validator)
        edit.setMaximumWidth(theme.scaled(140))
        edit.returnPressed.connect(self.submit)
        line = QHBoxLayout()
        line.addWidget(edit)
        line.addWidget(QLabel(self.predict.unit))
        line.addStretch(1)
        self.body.addLayout(line)

        def value() -> float | int | None:
            try:
                number = float(edit.text().replace(",", ""))
            except ValueError:
                return None
            return int(number) if number == int(number) else number

        self._value = value

    def _ask_order(self) -> None:
        order = _Order(list(self.predict.choices))
        self.body.addWidget(order)
        self._value = lambda: list(order.words)

    # -- pieces --------------------------------------------------------------------------------------------------

    def _fill(self, phase: Phase, kind: str = "card") -> None:
        drop(self.body)
        self.why = None
        self.phase = phase
        self.setProperty("kind", kind)
        self.style().unpolish(self)
        self.style().polish(self)

    def _head(self, words: str, ok: bool | None = None) -> QWidget:
        head = QWidget()
        layout = QHBoxLayout(head)
        layout.setContentsMargins(0, 0, 0, 0)
        name, role = ("help", "accent") if ok is None else ("ok", "good") if ok else ("info", "warn")
        layout.addWidget(IconLabel(name, role=role, size=18))
        label = paragraph(words, "muted" if ok is None else "good" if ok else "warn")
        layout.addWidget(label, 1)
        return head

    def _bold(self, words: str) -> QLabel:
        label = paragraph(words)
        label.setStyleSheet("font-weight: 600;")
        return label

    def _say(self, value: Any) -> str:
        if isinstance(value, list):
            return " → ".join(value)
        return f"{value:,} {self.predict.unit}".strip() if isinstance(value, int | float) else str(value)


class _Choice(CardButton):
    """One answer: a card that is chosen, with a tick as its sign."""

    def __init__(self, words: str) -> None:
        super().__init__(words, margin=theme.UNIT)
        self.setCheckable(True)
        self._tick = IconLabel("check", role="accent", size=16)
        keep = self._tick.sizePolicy()
        keep.setRetainSizeWhenHidden(True)
        self._tick.setSizePolicy(keep)
        self._tick.hide()
        label = QLabel(words)
        label.setWordWrap(True)
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self._tick, 0, Qt.AlignmentFlag.AlignTop)
        line.addWidget(label, 1)
        self.body.addLayout(line)
        self.toggled.connect(self._tick.setVisible)


class _Order(QWidget):
    """Words to be put in order, with buttons to move each up and down."""

    def __init__(self, words: list[str]) -> None:
        super().__init__()
        self.words = words
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        self._fill()

    def _fill(self, focus: tuple[int, int] | None = None) -> None:
        drop(self._column)
        for place, word in enumerate(self.words):
            row = QWidget()
            layout = QHBoxLayout(row)
            layout.setContentsMargins(0, 0, 0, 0)
            label = paragraph(f"{place + 1}. {word}")
            up = IconButton("chevron-up", self.tr("Move “{word}” up").format(word=word), size=16)
            down = IconButton("chevron-down", self.tr("Move “{word}” down").format(word=word), size=16)
            up.setEnabled(place > 0)
            down.setEnabled(place + 1 < len(self.words))
            up.clicked.connect(lambda _=False, p=place: self._move(p, -1))
            down.clicked.connect(lambda _=False, p=place: self._move(p, 1))
            layout.addWidget(label, 1)
            layout.addWidget(up)
            layout.addWidget(down)
            self._column.addWidget(row)
            if focus is not None and focus[0] == place:
                (up if focus[1] < 0 and up.isEnabled() else down if down.isEnabled() else up).setFocus()

    def _move(self, place: int, by: int) -> None:
        self.words.insert(place + by, self.words.pop(place))
        self._fill((place + by, by))
