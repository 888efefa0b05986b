"""Pause, throttle and cancel: the buttons of a running load, heeded every few hundred rows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from prayog_migration.engine.real.load import Cancelled, Pace

__all__ = ["Control"]

_LOOK_S = 0.1


class Control(Pace):
    """Buttons that other threads may press; ``rate`` is the most rows a second (0: as fast as it goes).

    `progress` is told the rows of the chunk so far, at most ten times a second.
    """

    def __init__(self, progress: Callable[[int], None] = lambda rows: None) -> None:
        self.rate = 0.0
        self.called_off = False
        """The learner lowered the fence of a switch-over under way."""
        self._progress = progress
        self._go = threading.Event()
        self._go.set()
        self._stop = threading.Event()
        self._told = 0.0
        self._due = 0.0

    def pause(self) -> None:
        """Hold at the next look; the open transaction waits (chunks are short, so are its locks)."""
        self._go.clear()

    def resume(self) -> None:
        """Go on."""
        self._go.set()

    @property
    def paused(self) -> bool:
        """Whether it holds."""
        return not self._go.is_set()

    def cancel(self) -> None:
        """Stop: the chunk under way is undone."""
        self._stop.set()
        self._go.set()

    def renew(self) -> None:
        """After a cancel: ready for other work."""
        self._stop.clear()

    @property
    def cancelled(self) -> bool:
        """Whether it was told to stop."""
        return self._stop.is_set()

    def tick(self, rows: int, total: int) -> None:
        """Rule of `Pace`: sleeps as throttle and pause say, raises `Cancelled`."""
        now = time.monotonic()
        if now - self._told > _LOOK_S:
            self._told = now
            self._progress(total)
        if self.rate > 0:
            self._due = max(self._due, now - _LOOK_S) + rows / self.rate
            self.wait(self._due - now)
        while not self._go.wait(_LOOK_S):
            pass
        if self._stop.is_set():
            raise Cancelled

    def wait(self, seconds: float) -> None:
        """Sleep, unless cancelled meanwhile."""
        if seconds > 0:
            self._stop.wait(seconds)
