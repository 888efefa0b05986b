"""Panels that raise, each in its own way."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QPushButton, QWidget

from prayog_sdk.qt.panel import Bench, Panel
from prayog_sim.trace import Step


class InConstructor(Panel):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        raise RuntimeError("the constructor raised")


class InSlot(Panel):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.button = QPushButton("Raise", self)
        self.button.clicked.connect(self._clicked)

    def _clicked(self) -> None:
        raise RuntimeError("the slot raised")


class InTimer(Panel):
    def bind(self, bench: Bench) -> None:
        super().bind(bench)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._tick)
        self._timer.start(10)

    def _tick(self) -> None:
        raise RuntimeError("the timer raised")

    def unbind(self) -> None:
        self._timer.stop()
        super().unbind()


class InStep(Panel):
    def on_step(self, step: Step) -> None:
        raise RuntimeError("the panel raised at a step")


class InFrame(Panel):
    def on_frame(self) -> None:
        raise RuntimeError("the panel raised while drawing")
