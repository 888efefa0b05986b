"""A panel that shows a whole trace: it reads it slice by slice (`reader`) and has a cursor at the shown moment."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from prayog_sdk.qt.panel import Bench, Panel
from prayog_sdk.qt.reader import TraceReader
from prayog_sim.run import View
from prayog_sim.trace import Step

__all__ = ["ReadingPanel"]


class ReadingPanel(Panel):
    """Subclasses `begin` with an empty picture, `take` step after step, show what was `read`, and move the cursor."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._reader = TraceReader(self.take, self)
        self._reader.grown.connect(self.read)

    def begin(self, bench: Bench) -> None:
        """Forget what was read; the trace of `bench` follows from its start."""
        raise NotImplementedError

    def take(self, step: Step) -> None:
        """The next step of the trace: gather."""
        raise NotImplementedError

    def read(self, through: bool) -> None:
        """A slice was read; `through` when that was all that is there."""
        raise NotImplementedError

    def move_cursor(self, bench: Bench) -> None:
        """The shown moment is `bench.clock_us`."""
        raise NotImplementedError

    def bind(self, bench: Bench) -> None:
        super().bind(bench)
        self._start(bench)

    def on_frame(self) -> None:
        if self.bench is not None:
            self._reader.go_on()
            self.move_cursor(self.bench)

    def on_seek(self, view: View) -> None:
        if self.bench is not None:
            if not self._reader.follows(self.bench.trace):
                self._start(self.bench)
            self.on_frame()

    def unbind(self) -> None:
        self._reader.stop()
        super().unbind()

    def _start(self, bench: Bench) -> None:
        self.begin(bench)
        self.move_cursor(bench)
        self._reader.begin(bench.trace)
