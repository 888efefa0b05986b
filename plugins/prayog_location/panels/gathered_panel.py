"""A panel that draws what `Gathered` read from the trace, when something changed."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from prayog_location.panels.gathering import Gathered
from prayog_sdk.qt.panel import Bench, Panel
from prayog_sim.run import View
from prayog_sim.trace import Step

__all__ = ["GatheredPanel"]


class GatheredPanel(Panel):
    """Subclasses implement `draw`; they set ``_dirty`` when it is wanted for another reason."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._gathered = Gathered()
        self._dirty = True

    def draw(self) -> None:
        """Show what was gathered."""
        raise NotImplementedError

    def bind(self, bench: Bench) -> None:
        super().bind(bench)
        self._dirty = True

    def on_step(self, step: Step) -> None:
        self._dirty |= self._gathered.take(step)

    def on_seek(self, view: View) -> None:
        assert self.bench is not None
        self._gathered.rebuild(self.bench.trace, view)
        self._dirty = True

    def on_frame(self) -> None:
        if self._dirty and self.bench is not None:
            self._dirty = False
            self.draw()
