"""What a run does by itself before the learner takes over: a recorded list of actions, done at its places.

A saved run is its actions; a fork is the actions up to a moment.  Both are replayed here, all at once (in a
worker) or step by step while the learner watches.  A scenario's script is followed by `prayog.ui.bench.script`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from prayog_sim.run import ActionError, Run, TimedAction

__all__ = ["Alike", "Plan", "Recorded", "replay"]


class Plan(Protocol):
    """A source of actions for a run; it stands beside the run, not in it."""

    @property
    def done(self) -> bool:
        """Nothing more is planned; from here the run goes on by itself."""
        ...

    def next_at(self, run: Run) -> int | None:
        """When the next planned action is due (µs); None when the run's own next step comes first or is unknown."""
        ...

    def step(self, run: Run) -> None:
        """Let one more thing happen: a planned action, or a step of the run."""
        ...


class Recorded:
    """Actions at their recorded places: each is done when the trace holds as many steps as it did then.

    With `by_time`, each is done at the virtual time of the record instead: the same deeds on another seed.
    """

    def __init__(self, actions: Sequence[TimedAction], *, by_time: bool = False) -> None:
        self._left = list(reversed(actions))
        self._by_time = by_time

    @property
    def done(self) -> bool:
        return not self._left

    def next_at(self, run: Run) -> int | None:
        return self._left[-1].at if self._due(run) else run.next_at

    def _due(self, run: Run) -> bool:
        if not self._left:
            return False
        if self._by_time:
            return run.next_at is None or run.next_at > self._left[-1].at
        return len(run.trace) >= self._left[-1].after

    def step(self, run: Run) -> None:
        if self._due(run):
            timed = self._left.pop()
            run.do(timed.action, timed.at if run.kind == "world" else None)
        elif run.step() is None and not getattr(run, "waiting", False):
            self._left.clear()  # the record does not belong to this run: it came to rest before


class Alike:
    """What is done to `other`, at the same virtual time; an algorithm, which has no clock, does it when it is at rest.

    What this run cannot do is left out, and told in `refused`.
    """

    def __init__(self, other: Run, *, timed: bool) -> None:
        self._other = other
        self._timed = timed
        self._at = 0
        self.refused: list[str] = []

    @property
    def done(self) -> bool:
        return self._at >= len(self._other.actions)

    def next_at(self, run: Run) -> int | None:
        return self._other.actions[self._at].at if self._due(run) else run.next_at

    def _due(self, run: Run) -> bool:
        if self.done:
            return False
        return run.next_at is None or (self._timed and run.next_at > self._other.actions[self._at].at)

    def step(self, run: Run) -> None:
        if not self._due(run):
            run.step()
            return
        timed = self._other.actions[self._at]
        self._at += 1
        try:
            run.do(timed.action, timed.at if self._timed else None)
        except ActionError as error:
            self.refused.append(str(error))


def replay(
    run: Run, actions: Sequence[TimedAction], upto: int, progress: Callable[[int, int, str], None] | None = None
) -> None:
    """Bring `run` to the moment after step `upto` by doing `actions` at their places."""
    plan = Recorded([timed for timed in actions if timed.after <= upto])
    while len(run.trace) <= upto:
        before = len(run.trace)
        if plan.done:
            run.step()
        else:
            plan.step(run)
        if len(run.trace) == before and plan.done:
            return
        if progress is not None and len(run.trace) % 1024 == 0:
            progress(len(run.trace), upto + 1, "")
