"""What is to be decided in this experiment: a protocol for each need, a code for each answer; and how it went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QScrollArea, QVBoxLayout, QWidget

from prayog_protocols.engine.carrying import CARDS, WAYS
from prayog_protocols.engine.detective import CASES
from prayog_sdk.qt import theme
from prayog_sdk.qt.calm import CalmPanel
from prayog_sdk.qt.cards import Card
from prayog_sdk.qt.panel import Bench
from prayog_sdk.qt.state import EmptyState, paragraph
from prayog_sim.run import Action

__all__ = ["TaskPanel"]


class TaskPanel(CalmPanel):
    """Cards to be decided."""

    title = "Task"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._study = ""
        self._said: dict[str, QLabel] = {}
        self._column = QVBoxLayout()
        whole = QWidget()
        whole.setLayout(self._column)
        self._column.setContentsMargins(*(theme.UNIT,) * 4)
        self._column.setSpacing(theme.UNIT)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(whole)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area)

    def on_run(self, bench: Bench) -> None:
        self._study = ""

    def draw(self) -> None:
        if self.bench is None:
            return
        study = str(getattr(self.bench.params, "study", ""))
        if study != self._study:
            self._study = study
            self._build(study)
        facts = self.bench.view().facts
        if study == "right protocol":
            for name, said in self._said.items():
                self._tell(said, _carried(facts.get("cards", {}).get(name)))
        elif study == "status":
            for name, said in self._said.items():
                self._tell(said, _named(facts.get("answers", {}).get(name)))
        elif "sender" in self._said:
            self._tell(self._said["sender"], _sent(facts.get("result")))

    def _build(self, study: str) -> None:
        self._said = {}
        while (item := self._column.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        if study == "right protocol":
            for card in CARDS:
                self._card(card.name, card.text, self._ways(card.name))
        elif study == "status":
            for number, case in enumerate(CASES, 1):
                answer = "\n".join(line for line in ("HTTP/1.1 ???", case.fields, "", case.body) if line or case.body)
                text = case.request.replace("\r\n", "\n") + "\n\n" + answer.replace("\r\n", "\n").strip()
                self._card(str(number), text, self._code(number), mono=True)
        elif study == "your sender":
            self._card("sender", "Your sender against stop-and-wait, on the same link.", QWidget())
        else:
            sentence = "This experiment has no cards: look at its packets and its ladder."
            self._column.addWidget(EmptyState("Nothing to decide", sentence, icon="check"))
        self._column.addStretch(1)

    def _card(self, name: str, text: str, controls: QWidget, mono: bool = False) -> None:
        card = Card(margin=theme.UNIT)
        words = paragraph(text)
        if mono:
            words.setFont(theme.mono())
        said = paragraph("", "muted")
        for part in (paragraph(name, step=1), words, controls, said):
            card.body.addWidget(part)
        self._said[name] = said
        self._column.addWidget(card)

    def _ways(self, name: str) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        for way in WAYS:
            button = QPushButton(way)
            button.setAccessibleName(f"{name}: {way}")
            button.clicked.connect(lambda _checked=False, way=way: self._do("carry", card=name, way=way))
            line.addWidget(button)
        line.addStretch(1)
        return row

    def _code(self, number: int) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        edit = QLineEdit()
        edit.setPlaceholderText("Code")
        edit.setMaxLength(3)
        edit.setAccessibleName(f"Code of case {number}")
        edit.setMaximumWidth(theme.scaled(90))
        button = QPushButton("Name it")
        button.clicked.connect(lambda: self._do("name_code", case=number, code=edit.text()))
        edit.returnPressed.connect(button.click)
        line.addWidget(edit)
        line.addWidget(button)
        line.addStretch(1)
        return row

    def _do(self, name: str, **args: Any) -> None:
        if self.bench is not None:
            self.bench.do(Action(name, args))

    @staticmethod
    def _tell(label: QLabel, told: tuple[str, str]) -> None:
        words, kind = told
        if label.text() != words:
            label.setProperty("kind", kind)
            label.style().unpolish(label)
            label.style().polish(label)
            label.setText(words)

    def outline(self) -> str:
        return "; ".join(f"{name}: {said.text()}" for name, said in self._said.items()) or "Nothing to decide here."

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(280), theme.scaled(160))


def _carried(done: Mapping[str, Any] | None) -> tuple[str, str]:
    if not done:
        return "Not decided yet.", "muted"
    figures = f"{done['lost_percent']:g} % lost, {done['in_time_percent']:g} % in time, worst {done['worst_ms']:g} ms"
    if done["fits"]:
        return f"✓ {done['way']}: all limits are kept. {figures}.", "good"
    return f"✗ {done['way']}: {done['why']} {figures}.", "bad"


def _named(done: Mapping[str, Any] | None) -> tuple[str, str]:
    if not done:
        return "Your first answer counts.", "muted"
    if done["right"]:
        return f"✓ {done['code']}. {done['why']} [{done['clause']}]", "good"
    return f"✗ Not {done['code']}: it was {done['was']}. {done['why']} [{done['clause']}]", "bad"


def _sent(done: Mapping[str, Any] | None) -> tuple[str, str]:
    if not done:
        return "Nothing was sent yet.", "muted"
    took = f"{done['ms']:,.0f} ms" if done["ms"] else "more than two minutes"
    words = f"{done['delivered']} of 200 arrived, {done['sent']} sent, in {took}. "
    slow = f"Stop-and-wait takes {done['stop_and_wait_ms']:,.0f} ms: yours is {done['times_faster']:g} times as fast."
    return words + slow, "good" if done["times_faster"] >= 5 and done["delivered"] == 200 else "warn"
