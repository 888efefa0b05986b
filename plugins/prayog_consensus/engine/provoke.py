"""Famous situations on demand, for every algorithm that has a leader: what is asked of the run as a whole.

Each becomes a few ordinary actions, which is what the trace and a replay hold.  The names are those of Raft's, so that
two algorithms can be hit by the same blow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import ClassVar

from prayog_sdk.specs import ActionSpec
from prayog_sim.node import Node
from prayog_sim.run import Action, ActionError
from prayog_sim.trace import Step
from prayog_sim.world import World

__all__ = ["LEADER_ACTIONS", "LeaderWorld", "Plan", "ProvokedWorld", "revive"]

Plan = Callable[[Mapping[str, Node], list[str]], list[Action]]
"""From all nodes and the names of those that run: what to do."""


class ProvokedWorld(World):
    """A world that knows `plans`, by name of action, and ``revive``."""

    plans: ClassVar[Mapping[str, Plan]] = {}

    def do(self, action: Action, at: int | None = None) -> Step:
        if action.name == "revive":
            return [World.do(self, step, at) for step in revive(self.status)][-1]
        plan = self.plans.get(action.name)
        if plan is None:
            return super().do(action, at)
        up = [name for name, status in self.status.items() if status == "up"]
        return [World.do(self, step, at) for step in plan(self.nodes, up)][-1]


def revive(status: Mapping[str, str]) -> list[Action]:
    """Bring everybody back who is down or paused."""
    verbs = {"down": "restart", "paused": "resume"}
    steps = [Action(verbs[now], {"node": name}) for name, now in status.items() if now in verbs]
    if not steps:
        raise ActionError("everybody runs; there is nobody to bring back")
    return steps


def _leader(nodes: Mapping[str, Node], up: list[str]) -> str:
    """Who leads; of several, the one of the newest term, view, ballot or epoch."""
    found = [(nodes[name].look().hue, name) for name in up if nodes[name].look().role == "leader"]
    if not found:
        raise ActionError("nobody leads now; wait for a leader first")
    return max(found)[1]


def _servers(nodes: Mapping[str, Node]) -> list[str]:
    return [name for name, node in nodes.items() if node.look().role != "client"]


def _kill_leader(nodes: Mapping[str, Node], up: list[str]) -> list[Action]:
    return [Action("crash", {"node": _leader(nodes, up)})]


def _sleeping_leader(nodes: Mapping[str, Node], up: list[str]) -> list[Action]:
    return [Action("pause", {"node": _leader(nodes, up)})]


def _split(nodes: Mapping[str, Node], here: list[str]) -> list[Action]:
    there = [name for name in nodes if name not in here]
    return [Action("partition", {"groups": f"{','.join(here)}|{','.join(there)}"})]


def _stale_leader(nodes: Mapping[str, Node], up: list[str]) -> list[Action]:
    return _split(nodes, [_leader(nodes, up)])


def _three_two(nodes: Mapping[str, Node], up: list[str]) -> list[Action]:
    leader, servers = _leader(nodes, up), _servers(nodes)
    others = [name for name in servers if name != leader]
    return _split(nodes, [leader, *others[: max(0, (len(servers) - 1) // 2 - 1)]])


def _one_way(deaf: bool, nodes: Mapping[str, Node], up: list[str]) -> list[Action]:
    leader = _leader(nodes, up)
    ends = [(other, leader) if deaf else (leader, other) for other in _servers(nodes) if other != leader]
    if not ends:
        raise ActionError(f"{leader} is alone; there is nobody to cut it off from")
    return [Action("cut", {"src": src, "dst": dst}) for src, dst in ends]


class LeaderWorld(ProvokedWorld):
    """A world whose nodes have a leader, as their `look` says."""

    plans: ClassVar[Mapping[str, Plan]] = {
        "kill_leader": _kill_leader,
        "sleeping_leader": _sleeping_leader,
        "stale_leader": _stale_leader,
        "three_two": _three_two,
        "deaf_leader": partial(_one_way, True),
        "mute_leader": partial(_one_way, False),
    }


LEADER_ACTIONS = (
    ActionSpec("kill_leader", "Kill the leader", "Crash whoever leads now.", key="K"),
    ActionSpec("sleeping_leader", "The leader falls asleep", "Pause whoever leads now; it knows nothing of it."),
    ActionSpec("revive", "Bring all back", "Restart whoever is down, and wake whoever is paused."),
    ActionSpec(
        "stale_leader", "Stale leader", "Cut the leader off from all others: it goes on believing that it leads."
    ),
    ActionSpec("three_two", "3 | 2", "Cut the network in two, with the leader on the smaller side."),
    ActionSpec("deaf_leader", "Deaf leader", "One way: the leader is heard, and hears nobody."),
    ActionSpec("mute_leader", "Mute leader", "One way: the leader hears everybody, and is heard by nobody."),
)
