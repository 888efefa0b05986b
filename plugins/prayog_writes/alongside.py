"""The same operations under another compaction policy: the run is done again beside the one on the bench.

Meant for a process of its own.  Same seed, same actions in the same order; only the policy differs, so that whatever
differs afterwards is its doing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from prayog_sim.run import Action, ActionError
from prayog_writes.course import Course
from prayog_writes.topic import Params, prayog_build

__all__ = ["alongside"]

_LOOK = 64  # steps between two looks at a cancel


class Context(Protocol):
    def progress(self, done: int, total: int = 0, text: str = "") -> None: ...


def alongside(context: Context, params: Params, policy: str, seed: int, actions: Sequence[Action]) -> Course:
    """The course of a run with `policy` that is given `actions`, up to the first that it refuses."""
    run = prayog_build(replace(params, policy=policy), seed)
    course = Course()
    taken = 0
    for number, action in enumerate(actions):
        try:
            run.do(action)
        except ActionError:  # the other run went on where this one is down: the comparison ends here
            break
        while run.step() is not None:
            if len(run.trace) % _LOOK == 0:
                context.progress(number, len(actions), action.name)
        for step in run.trace[taken:]:
            course.take(step)
        taken = len(run.trace)
    run.close()
    return course
