"""What was done to a simulation, done to real servers as well, whoever leads there."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from prayog_sim.run import Action, ActionError, Run, View
from prayog_sim.trace import Step

__all__ = ["Real", "repeat"]

_PATIENCE_S = 5.0  # for somebody to lead, before the leader is hit
_LONGEST_US = 10_000_000  # a longer pause of the simulation is cut down to this
_MORE_US = 500_000  # real answers come a little later than simulated ones
_BLOWS = {"crash": "kill_leader", "pause": "sleeping_leader"}


class Real(Protocol):
    """Real servers that go on by themselves, and whose leader can be hit without asking who it is."""

    @property
    def now(self) -> int: ...

    def do(self, action: Action, at: int | None = None) -> Step: ...

    def wait(self, seconds: float) -> Step | None: ...

    def view(self, at: int = -2) -> View: ...


def repeat(real: Real, simulated: Run, check: Callable[[], None]) -> list[str]:
    """Do to `real` what was done to `simulated`, with the same pauses (of at most ten seconds).

    What cannot be done comes back as sentences.  Who leads is chance.  So a blow against the leader of the simulation
    is one against the real leader, and whoever plays a part keeps it until the end.
    """
    refused: list[str] = []
    part: dict[str, str] = {}
    leaders = _leaders(simulated)
    began, before = real.now, 0
    for timed in simulated.actions:
        _follow(real, began + min(timed.at - before, _LONGEST_US), check)
        name, args = timed.action.name, dict(timed.action.args)
        node = str(args.get("node", ""))
        try:
            if name in _BLOWS and leaders(timed.after) == node:
                _await_leader(real, check)
                part[node] = real.do(Action(_BLOWS[name])).node
            else:
                if node in part:
                    args["node"] = part[node]
                real.do(Action(name, args))
        except ActionError as error:
            refused.append(f"{name}: {error}")
        began, before = real.now, timed.at
    last = simulated.trace[-1].at if len(simulated.trace) else 0
    _follow(real, began + min(max(last - before, 1_000_000), _LONGEST_US) + _MORE_US, check)
    return refused


def _follow(real: Real, until: int, check: Callable[[], None]) -> None:
    while real.now < until:
        check()
        real.wait(min(0.05, (until - real.now) / 1_000_000))


def _await_leader(real: Real, check: Callable[[], None]) -> None:
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        check()
        if any(n.look.role == "leader" and n.status == "up" for n in real.view().nodes.values()):
            return
        real.wait(0.02)


def _leaders(simulated: Run) -> Callable[[int], str]:
    """Who led the simulation before step number `after`: the newest who said so."""
    said = [(step.seq, step.node) for step in simulated.trace for effect in step.effects if effect.kind == "leader"]

    def leader(after: int) -> str:
        return next((node for seq, node in reversed(said) if seq < after), "")

    return leader
