"""A panel to be read: written anew some times a second at most while a run plays, and it follows the selection."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QWidget

from prayog_sdk.qt.panel import Bench, Panel
from prayog_sim.run import View

__all__ = ["CalmPanel"]


class CalmPanel(Panel):
    """Subclasses write in `draw` and mark the selected thing in `select`."""

    every_ms: ClassVar[int] = 100

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pause = QTimer(self, singleShot=True, interval=self.every_ms)
        self._pause.timeout.connect(self.draw)

    @Slot()
    def draw(self) -> None:
        """Write what is shown on the bench; it may have none (yet, or any more)."""
        raise NotImplementedError

    @Slot(str)
    def select(self, name: str) -> None:
        """Something else is selected."""

    def bind(self, bench: Bench) -> None:
        super().bind(bench)
        bench.signals.selection_changed.connect(self.select)
        self.draw()

    def on_frame(self) -> None:
        if not self._pause.isActive():
            self._pause.start()

    def on_seek(self, view: View) -> None:
        self.draw()

    def unbind(self) -> None:
        self._pause.stop()
        if self.bench is not None:
            self.bench.signals.selection_changed.disconnect(self.select)
        super().unbind()
