"""Any algorithm of this topic as real processes, with the situations that can be set up there on demand.

``tcp`` among the options: messages go by TCP instead of UDP.  The proxy adds the delays and losses of the set-up to
what loopback takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from prayog_consensus.engine.families import family
from prayog_consensus.engine.provoke import LeaderWorld, Plan, revive
from prayog_consensus.engine.real.following import repeat
from prayog_consensus.engine.setup import Setup, network
from prayog_sdk.cluster.members import Factory
from prayog_sdk.cluster.programs import Program
from prayog_sdk.cluster.session import Cluster
from prayog_sdk.hookspecs import Progress
from prayog_sim.node import Node
from prayog_sim.run import Action, ActionError, Look, Run
from prayog_sim.trace import Step

__all__ = ["Processes", "start"]


class _Seen(Node):
    """What is known of a process from its journal: enough for a `Plan` that asks who leads."""

    def __init__(self, look: Look) -> None:
        self._look = look

    def look(self) -> Look:
        return self._look


def _split_vote(nodes: Mapping[str, Node], up: list[str]) -> list[Action]:
    """All election timers are due at nearly one moment; real clocks decide how nearly."""
    roles = {name: nodes[name].look().role for name in up}
    waiting = [name for name, role in roles.items() if role in ("follower", "candidate")]
    if len(waiting) < 2:
        raise ActionError("a split vote needs two or more servers that wait for a leader")
    leads = [name for name, role in roles.items() if role == "leader"]
    return [
        *(Action("crash", {"node": name}) for name in leads),
        *(Action("timer", {"node": name, "after": "20ms"}) for name in waiting),
    ]


class Processes(Cluster):
    """A cluster that knows who leads, so that the leader can be hit without asking who it is."""

    plans: Mapping[str, Plan] = {**LeaderWorld.plans, "split_vote": _split_vote}

    def do(self, action: Action, at: int | None = None) -> Step:
        steps = self._plan(action.name)
        if steps is None:
            return super().do(action, at)
        return [super(Processes, self).do(step) for step in steps][-1]

    def _plan(self, name: str) -> list[Action] | None:
        if name == "revive":
            return revive(self.statuses)
        plan = self.plans.get(name)
        if plan is None:
            return None
        nodes = self.view().nodes
        seen: dict[str, Node] = {node.name: _Seen(node.look) for node in nodes.values()}
        return plan(seen, [node.name for node in nodes.values() if node.status == "up"])

    def repeat(self, simulated: Run, check: Callable[[], None]) -> list[str]:
        """Do here what was done to `simulated`; see `following`."""
        return repeat(self, simulated, check)


def start(setup: Setup, seed: int, progress: Progress = lambda done, total, text: None) -> Processes:
    """The processes of `setup`: its program when it names one, else its algorithm."""
    transport: Any = "tcp" if "tcp" in setup.words else "udp"
    if setup.program:
        from prayog_consensus.engine.real.outside import programs

        own, around = programs(setup)
        nodes: Mapping[str, Factory | Program] = {**own, **around}
        return Processes(nodes, seed, network(setup), transport=transport, progress=progress)
    chosen = family(setup.algorithm)
    return Processes(
        chosen.nodes(setup), seed, network(setup), transport=transport, invariants=chosen.invariants(setup),
        progress=progress,
    )  # fmt: skip
