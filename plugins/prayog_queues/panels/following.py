"""A panel that shows what a fold of the trace says at the shown moment; it reads in slices, between two frames.

Going on reads only what is new; going back reads from the start again, and meanwhile shows what it showed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from prayog_sdk.qt.panel import Bench, Panel
from prayog_sim.run import View
from prayog_sim.trace import Step, Trace

__all__ = ["Fold", "Follower", "FollowingPanel"]

_SLICE_S = 0.008
_CHUNK = 16  # steps between two looks at the clock
_PATIENCE_S = 0.25  # a long run is drawn so often while it is still being read


class Fold(Protocol):
    """What is read from a run."""

    def take(self, step: Step) -> None: ...


F = TypeVar("F", bound=Fold)


class Follower(Generic[F]):
    """Keeps `fold` at the shown moment; `drawn` is called when it is there."""

    def __init__(self, fresh: Callable[[], F], drawn: Callable[[], None], parent: QWidget) -> None:
        self._fresh, self._drawn = fresh, drawn
        self.fold = fresh()
        self.read = 0
        self._trace = Trace()
        self._target = 0
        self._last = 0.0
        self._pending: tuple[F, int] | None = None
        self._timer = QTimer(parent, interval=0)
        self._timer.timeout.connect(self._slice)

    def restart(self) -> None:
        """Another run: what was read is nothing."""
        self._timer.stop()
        self._pending, self.fold, self.read, self._trace = None, self._fresh(), 0, Trace()

    def follow(self, trace: Trace, at: int) -> None:
        """Bring the fold to step `at` of `trace`; draws at once when that is near."""
        if trace is not self._trace:
            self.restart()
            self._trace = trace
        self._target = at + 1
        if self._target < self.read and (self._pending is None or self._pending[1] > self._target):
            self._pending = (self._fresh(), 0)
        elif self._target >= self.read:
            self._pending = None
        self._slice()

    def stop(self) -> None:
        self._timer.stop()

    def _slice(self) -> None:
        until = time.perf_counter() + _SLICE_S
        fold, read = self._pending or (self.fold, self.read)
        target = min(self._target, len(self._trace))
        while read < target and time.perf_counter() < until:
            for step in self._trace[read : min(target, read + _CHUNK)]:
                fold.take(step)
                read += 1
        if self._pending is None or read >= target:
            self.fold, self.read, self._pending = fold, read, None
        else:
            self._pending = (fold, read)
        if read >= target:
            self._timer.stop()
        elif not self._timer.isActive():
            self._timer.start()
        now = time.perf_counter()
        if read >= target or now - self._last > _PATIENCE_S:
            self._last = now
            self._drawn()


class FollowingPanel(Panel, Generic[F]):
    """Subclasses give a `fresh` fold and `draw` the one in `self.fold`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._follower: Follower[F] | None = None
        self._shown: tuple[int, int] | None = None

    def fresh(self) -> F:
        """The fold before the first step; the bench is there."""
        raise NotImplementedError

    def draw(self) -> None:
        """Show `self.fold`."""
        raise NotImplementedError

    @property
    def fold(self) -> F:
        assert self._follower is not None
        return self._follower.fold

    def on_run(self, bench: Bench) -> None:
        if self._follower is None:
            self._follower = Follower(self.fresh, self._draw, self)
        else:
            self._follower.restart()
        self._shown = None

    def on_seek(self, view: View) -> None:
        self._shown = None

    def on_frame(self) -> None:
        if self.bench is None or self._follower is None:
            return
        shown = (self.bench.at, id(self.bench.trace))
        if shown != self._shown:
            self._shown = shown
            self._follower.follow(self.bench.trace, self.bench.at)

    def on_theme(self) -> None:
        if self.bench is not None:
            self.draw()

    def unbind(self) -> None:
        if self._follower is not None:
            self._follower.stop()
        super().unbind()

    def _draw(self) -> None:
        if self.bench is not None:
            self.draw()
