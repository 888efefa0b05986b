"""Why an event did what it did and not something else: it is done once more on a copy, and its guards are watched."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from prayog_sdk.guards import MOST, Guard, Watcher, merged
from prayog_sim.run import TimedAction
from prayog_sim.world import World

__all__ = ["Again", "Why", "again"]


@dataclass(frozen=True, slots=True)
class Why:
    """The guards of one event, in the order in which they were tried.

    ``handler``: what ran, such as ``Server.on_message``; ``""`` when the event ran no code of a node.
    ``more``: more were tried than are told.
    """

    handler: str
    guards: tuple[Guard, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Again:
    """An event that is about to happen once more, to a copy of its run."""

    _copy: World
    _action: TimedAction | None

    def explain(self) -> Why:
        """Let it happen, and tell which guards were tried.  For any thread, once: the copy belongs to nobody else."""
        watcher, before = Watcher(), sys.gettrace()
        sys.settrace(watcher)
        try:
            if self._action is not None:
                self._copy.do(self._action.action, self._action.at)
            else:
                self._copy.run(max_steps=1)
        finally:
            sys.settrace(before)
            self._copy.close()
        return Why(watcher.handler, merged(watcher.guards), len(watcher.guards) >= MOST)


def again(run: World, seq: int) -> Again:
    """Step `seq` of `run`, ready to happen once more.

    To be called where the run is stepped, because it makes the copy there.
    """
    action = next((each for each in run.actions if each.after == seq), None)
    return Again(run.fork(seq - 1), action)
