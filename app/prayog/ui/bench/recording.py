"""A trace without the component that made it: what a saved run on a real component is, when it is opened again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from prayog_sim.run import Action, ActionError, TimedAction, View
from prayog_sim.trace import Step, Trace

__all__ = ["Recording"]


class Recording:
    """A `Run` that only shows: it can be scrubbed, nothing can be done to it."""

    kind: Literal["world", "session"] = "session"

    def __init__(self, trace: Trace, actions: Sequence[TimedAction] = ()) -> None:
        self.trace = trace
        self.actions = list(actions)

    @property
    def busy(self) -> bool:
        return False

    @property
    def next_at(self) -> int | None:
        return None

    def step(self) -> Step | None:
        return None

    def do(self, action: Action, at: int | None = None) -> Step:
        raise ActionError("this is a recording of a real component: it can be looked at, but not changed")

    def view(self, at: int = -2) -> View:
        last = len(self.trace) - 1
        at = last if at == -2 else min(at, last)
        step = self.trace[at] if at >= 0 else None
        facts = dict(step.data) if step is not None else {}
        return View(at, step.at if step is not None else 0, facts=facts)

    def close(self) -> None:
        """Nothing is held."""
