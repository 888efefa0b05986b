"""What must be true of ZAB after every step (Zab11, §II and ZooKeeper's own TLA+ specification of the protocol).

*Agreement* and *total order* of the paper are *prefix consistency* here: numbers are delivered from 1 without a gap,
so two servers that differ nowhere have delivered the same in the same order, one of them perhaps more.
"""

from __future__ import annotations

from collections.abc import Mapping

from prayog_consensus.engine.zab.messages import Txn
from prayog_consensus.engine.zab.state import State
from prayog_sim.node import Node
from prayog_sim.world import Invariant

__all__ = ["INVARIANTS"]


def _servers(nodes: Mapping[str, Node]) -> list[State]:
    return [node for node in nodes.values() if isinstance(node, State)]


def _impossible(nodes: Mapping[str, Node]) -> str | None:
    wrong = next((server for server in _servers(nodes) if server._wrong), None)
    return f"{wrong.me} {wrong._wrong}" if wrong else None


def _leadership_now(nodes: Mapping[str, Node]) -> str | None:
    leaders: dict[int, str] = {}
    for server in _servers(nodes):
        if server.state in ("synchronising", "leading") and leaders.setdefault(server.epoch, server.me) != server.me:
            return f"{leaders[server.epoch]} and {server.me} lead in epoch {server.epoch} at once"
    return None


def _leadership_ever(nodes: Mapping[str, Node]) -> str | None:
    leaders: dict[int, str] = {}
    for server in _servers(nodes):
        for epoch in server._led:
            if leaders.setdefault(epoch, server.me) != server.me:
                return f"epoch {epoch} had two leaders: {leaders[epoch]} and {server.me}"
    return None


def _prefix(nodes: Mapping[str, Node]) -> str | None:
    known: dict[int, Txn] = {}
    for server in _servers(nodes):
        if {**known, **server._delivered} != {**server._delivered, **known}:
            number = next(i for i, txn in server._delivered.items() if known.get(i, txn) != txn)
            return f"number {number} is {server._delivered[number]} at {server.me} and {known[number]} elsewhere"
        known.update(server._delivered)
    return None


def _integrity(nodes: Mapping[str, Node]) -> str | None:
    servers = _servers(nodes)
    sent = {txn.zxid: txn for server in servers for txn in server._broadcast}
    for server in servers:
        txn = next((txn for txn in server._delivered.values() if sent.get(txn.zxid) != txn), None)
        if txn:
            return f"{server.me} delivered {txn}, which no leader has broadcast"
    return None


def _primary_order(nodes: Mapping[str, Node]) -> str | None:
    """Local primary order: counters without a gap within an epoch.  Global: epochs never go back."""
    for server in _servers(nodes):
        epoch, counter = 0, 0
        for number in range(1, len(server._delivered) + 1):
            zxid = server._delivered[number].zxid
            if zxid != (epoch, counter + 1) and not (zxid[0] > epoch and zxid[1] == 1):
                return f"{server.me} delivered {zxid[0]}.{zxid[1]} right behind {epoch}.{counter}"
            epoch, counter = zxid
    return None


def _primary_integrity(nodes: Mapping[str, Node]) -> str | None:
    """Who broadcasts in an epoch has delivered all that anybody delivers of earlier epochs."""
    servers = _servers(nodes)
    epoch, had, leader = max(
        ((epoch, had, server.me) for server in servers for epoch, had in server._led.items()), default=(0, 0, "")
    )
    for server in servers:
        number = max((i for i, txn in server._delivered.items() if txn.zxid[0] < epoch), default=0)
        if number > had:
            return (
                f"{server.me} delivered {server._delivered[number]}, which {leader} had not when it began epoch {epoch}"
            )
    return None


def _durable(nodes: Mapping[str, Node]) -> str | None:
    """What anybody delivered is on the disks of a majority; what all have on disk is not counted again."""
    servers = _servers(nodes)
    known = {i: txn for server in servers for i, txn in server._delivered.items()}
    shortest = min((len(server.history) for server in servers), default=0)
    for number, txn in known.items():
        if number > shortest:
            holders = sum(len(s.history) >= number and s.history[number - 1] == txn for s in servers)
            if 2 * holders <= len(servers):
                return f"{txn} was delivered, but only {holders} of {len(servers)} servers have it on disk"
    return None


INVARIANTS = (
    Invariant("nothing_impossible", _impossible),
    Invariant("leadership_now", _leadership_now),
    Invariant("leadership_ever", _leadership_ever),
    Invariant("prefix_consistency", _prefix),
    Invariant("integrity", _integrity),
    Invariant("primary_order", _primary_order),
    Invariant("primary_integrity", _primary_integrity),
    Invariant("committed_is_durable", _durable),
)
