"""What must be true of Viewstamped Replication after every step, as functions of the replicas.

The published TLA+ text of *no log divergence* compares a replica with itself and can never fail.  The one here
compares everything that any replica ever executed.
"""

from __future__ import annotations

from collections.abc import Mapping

from prayog_consensus.engine.clients import Command
from prayog_consensus.engine.vsr.state import State
from prayog_sim.node import Node
from prayog_sim.world import Invariant

__all__ = ["INVARIANTS"]


def _replicas(nodes: Mapping[str, Node]) -> list[State]:
    return [node for node in nodes.values() if isinstance(node, State)]


def _divergence(nodes: Mapping[str, Node]) -> str | None:
    known: dict[int, Command] = {}
    for replica in _replicas(nodes):
        if {**known, **replica._done} != {**replica._done, **known}:
            number = next(i for i, command in replica._done.items() if known.get(i, command) != command)
            return f"number {number} is {replica._done[number]} at {replica.me} and {known[number]} elsewhere"
        known.update(replica._done)
    return None


def _acknowledged(nodes: Mapping[str, Node]) -> str | None:
    """VRR §8: what is committed in a view is in the log of every later one."""
    replicas = _replicas(nodes)
    newest = max(((view, log) for replica in replicas for view, log in replica._opened.items()), default=(0, ()),
                 key=lambda pair: pair[0])  # fmt: skip
    view, log = newest
    for replica in replicas:
        for number, (acked, command) in replica._acked.items():
            if acked < view and (number > len(log) or log[number - 1] != command):
                there = log[number - 1] if number <= len(log) else "nothing"
                return f"{command} was acknowledged in view {acked}, but view {view} began with {there} as {number}"
    return None


def _one_start(nodes: Mapping[str, Node]) -> str | None:
    replicas = _replicas(nodes)
    wrong = next((replica for replica in replicas if replica._wrong), None)
    if wrong:
        return f"{wrong.me} {wrong._wrong}"
    leaders: dict[int, str] = {}
    for replica in replicas:
        if replica.state == "primary" and leaders.setdefault(replica.view, replica.me) != replica.me:
            return f"{leaders[replica.view]} and {replica.me} are both primary of view {replica.view}"
    return None


def _once(nodes: Mapping[str, Node]) -> str | None:
    """A client's request is in a log once."""
    for replica in _replicas(nodes):
        seen: set[tuple[str, int]] = set()
        for command in replica.log:
            key = (command.client, command.request)
            if command.client and key in seen:
                return f"request {command.request} of {command.client} is in {replica.me}'s log twice"
            seen.add(key)
    return None


def _majority(nodes: Mapping[str, Node]) -> str | None:
    """What the newest primary has committed is stored by a majority, crashed replicas aside (they lost it)."""
    replicas = _replicas(nodes)
    leaders = [replica for replica in replicas if replica.state == "primary"]
    for leader in leaders:
        if leader.view < max(replica.view for replica in replicas):
            continue
        holders = sum(
            replica.state in ("down", "recovering") or replica.log[: leader.commit] == leader.log[: leader.commit]
            for replica in replicas
        )
        if 2 * holders <= len(replicas):
            return f"{leader.me} committed up to {leader.commit}, but only {holders} of {len(replicas)} have it"
    return None


INVARIANTS = (
    Invariant("no_divergence", _divergence),
    Invariant("acknowledged_survives", _acknowledged),
    Invariant("one_start", _one_start),
    Invariant("once", _once),
    Invariant("committed_by_majority", _majority),
)
