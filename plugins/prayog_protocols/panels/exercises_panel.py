"""Exercises from any capture: fill the blank, find the lie, predict the next packet, put in order, write the filter.

An exercise is made of the chosen packet and a number; asking again gives the same one, and *Another* the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from prayog_protocols.engine.exercises import KINDS, Exercise, exercise
from prayog_protocols.panels.capture_panel import LONG, CapturePanel
from prayog_protocols.panels.hex_view import HexView
from prayog_sdk.qt import theme
from prayog_sdk.qt.jobs import Ctx
from prayog_sdk.qt.state import paragraph

if TYPE_CHECKING:
    from prayog_protocols.engine.capture.capture import Capture

__all__ = ["ExercisesPanel"]

_TITLES = {"blank": "Fill the blank", "lie": "Find the lie", "next": "What comes next?", "order": "Put in order",
           "filter": "Write the filter"}  # fmt: skip


class ExercisesPanel(CapturePanel):
    """One question at a time."""

    title = "Exercises"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._index, self._number = -1, 0
        self._asked: Exercise | None = None
        self._right = self._answered = 0
        self.kind = QComboBox()
        self.kind.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.kind.setAccessibleName("Kind of exercise")
        for kind in KINDS:
            self.kind.addItem(_TITLES.get(kind, kind), kind)
        self.kind.activated.connect(lambda _n: self._ask(0))
        self.another = QPushButton("Another")
        self.another.clicked.connect(lambda: self._ask(self._number + 1))
        self.score = paragraph("", "muted")
        self.question = paragraph("", step=1)
        self.bytes = HexView()
        self.bytes.setMinimumHeight(theme.scaled(120))
        self.choices = QWidget()
        self._choices = QVBoxLayout(self.choices)
        self._choices.setContentsMargins(0, 0, 0, 0)
        self._group = QButtonGroup(self)
        self.line = QLineEdit()
        self.line.setAccessibleName("Your answer")
        self.line.setPlaceholderText("Your answer")
        self.line.returnPressed.connect(self._answer)
        self.answer = QPushButton("Answer")
        self.answer.setProperty("kind", "primary")
        self.answer.clicked.connect(self._answer)
        self.hint = QPushButton("Hint")
        self.hint.setProperty("kind", "quiet")
        self.hint.clicked.connect(self._show_hint)
        self.hinted = paragraph("", "muted")
        self.verdict = paragraph("")
        self._lay_out()

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setSpacing(theme.UNIT)
        bar.addWidget(QLabel("Exercise"))
        bar.addWidget(self.kind)
        bar.addWidget(self.another)
        bar.addWidget(self.score, 1)
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(*(theme.UNIT,) * 4)
        column.setSpacing(theme.UNIT)
        column.addLayout(bar)
        for part in (self.question, self.bytes, self.choices, self.line):
            column.addWidget(part)
        row = QHBoxLayout()
        row.addWidget(self.answer)
        row.addWidget(self.hint)
        row.addStretch(1)
        column.addLayout(row)
        column.addWidget(self.hinted)
        column.addWidget(self.verdict)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(whole)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area)

    def show_capture(self) -> None:
        self._index = -1
        self._ask(0)
        self.show_choice()

    def show_choice(self) -> None:
        index = self.choice.index if self.choice is not None else -1
        if index != self._index:
            self._index = index
            self._ask(0)

    def _ask(self, number: int) -> None:
        """Make an exercise of the chosen packet."""
        self._number, self._asked = number, None
        self.verdict.setText("")
        self.hinted.setText("")
        problem = "Choose a packet, and a question is made of it."
        if self.capture is not None and self._index >= 0:
            wanted = self.capture, str(self.kind.currentData()), self._index, number
            if len(self.capture) > LONG and self.bench is not None:
                problem = "Reading the conversation of this packet…"
                job = self.bench.jobs.submit(_made, *wanted)
                job.succeeded.connect(lambda made: self._came(wanted, made))
                job.failed.connect(lambda sentence, _details: self._came(wanted, sentence))
            else:
                self._show(_made(None, *wanted))
                return
        self._show(problem)

    def _came(self, wanted: tuple[Capture, str, int, int], made: Exercise | str) -> None:
        if wanted == (self.capture, str(self.kind.currentData()), self._index, self._number):
            self._show(made)

    def _show(self, made: Exercise | str) -> None:
        """Show an exercise, or why there is none."""
        problem = made if isinstance(made, str) else ""
        asked = self._asked = None if isinstance(made, str) else made
        self.question.setText(asked.question if asked is not None else problem)
        for part in (self.answer, self.hint, self.another):
            part.setEnabled(asked is not None)
        self.line.clear()
        self.line.setVisible(asked is not None and (not asked.choices or asked.kind == "order"))
        self._show_bytes()
        self._show_choices()

    def _show_bytes(self) -> None:
        asked = self._asked
        self.bytes.setVisible(asked is not None and bool(asked.shown))
        if asked is not None and asked.shown:
            self.bytes.show_bytes(asked.shown, list(asked.layers))
            self.bytes.hide_bits(*asked.hidden)
            self.bytes.mark(*asked.hidden)

    def _show_choices(self) -> None:
        for button in self._group.buttons():
            self._group.removeButton(button)
        while (item := self._choices.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        asked = self._asked
        self.choices.setVisible(asked is not None and bool(asked.choices))
        for number, text in enumerate(asked.choices if asked is not None else (), 1):
            if asked is not None and asked.kind == "order":
                self._choices.addWidget(paragraph(f"{number}  {text}"))
                continue
            button = QRadioButton(f"{number}  {text}")
            self._group.addButton(button, number)
            self._choices.addWidget(button)

    def _answer(self) -> None:
        asked = self._asked
        if asked is None:
            return
        said = self.line.text() if self.line.isVisible() else str(max(0, self._group.checkedId()))
        if not said.strip() or (said == "0" and asked.choices):
            self._say("Choose or write an answer first.", "warn")
            return
        verdict = asked.judge(said)
        self._answered += 1
        self._right += verdict.right
        self._say(("✓ Right. " if verdict.right else "✗ Not so. ") + verdict.why, "good" if verdict.right else "bad")
        self.score.setText(f"{self._right} of {self._answered} right.")
        self.do("answer", kind=asked.kind, packet=asked.packet + 1, number=self._number, answer=said)

    def _say(self, words: str, kind: str) -> None:
        self.verdict.setProperty("kind", kind)
        self.verdict.style().unpolish(self.verdict)
        self.verdict.style().polish(self.verdict)
        self.verdict.setText(words)

    def _show_hint(self) -> None:
        if self._asked is not None:
            self.hinted.setText(self._asked.hint)

    def on_theme(self) -> None:
        self.bytes.restyle()
        self.bytes.setMinimumHeight(theme.scaled(120))

    def outline(self) -> str:
        return " ".join(part for part in (self.question.text(), self.verdict.text(), self.score.text()) if part)

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(280), theme.scaled(160))


def _made(ctx: Ctx | None, capture: Capture, kind: str, index: int, number: int) -> Exercise | str:
    """An exercise, or a sentence that says why there is none."""
    try:
        return exercise(capture, kind, index, number)
    except ValueError as error:
        return f"No exercise of this kind can be made here: {error}."
