"""Reading a long trace from front to back without holding up the window: a slice at a time, between two frames.

Diagrams and plots keep columns of their own beside the trace.  A run of a million steps takes seconds to read, so it
is read in slices; live steps come through the same door.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from prayog_sim.trace import Step, Trace

__all__ = ["TraceReader"]

_SLICE_S = 0.008
_CHUNK = 32  # steps between two looks at the clock


class TraceReader(QObject):
    """Gives every step of a trace to `add`, once and in order."""

    grown = Signal(bool)
    """More steps were read; true when all that are there were."""

    def __init__(self, add: Callable[[Step], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._add = add
        self._trace = Trace()
        self._read = 0
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._slice)

    @property
    def trace(self) -> Trace:
        return self._trace

    @property
    def read(self) -> int:
        """Steps read so far."""
        return self._read

    @property
    def through(self) -> bool:
        """Whether everything was read."""
        return self._read >= len(self._trace)

    def begin(self, trace: Trace) -> None:
        """Read `trace` from its start; the caller has emptied its columns."""
        self._trace, self._read = trace, 0
        self._timer.start()

    def follows(self, trace: Trace) -> bool:
        """Whether what was read is still the beginning of `trace`."""
        return trace is self._trace and len(trace) >= self._read

    def go_on(self) -> None:
        """Steps may have come: read what fits into a slice now, and the rest between the next frames."""
        if not self._timer.isActive() and not self.through:
            self._slice()

    def stop(self) -> None:
        """For closing time."""
        self._timer.stop()

    def _slice(self) -> None:
        trace, add, until = self._trace, self._add, time.perf_counter() + _SLICE_S
        last = len(trace)
        while self._read < last and time.perf_counter() < until:
            for seq in range(self._read, min(last, self._read + _CHUNK)):
                add(trace[seq])
                self._read = seq + 1
        if self.through:
            self._timer.stop()
        elif not self._timer.isActive():
            self._timer.start()
        self.grown.emit(self.through)
