"""What must be true of Multi-Paxos after every step, as functions of the servers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prayog_consensus.engine.clients import Command
from prayog_consensus.engine.paxos.messages import told
from prayog_consensus.engine.paxos.server import Server
from prayog_sim.node import Node
from prayog_sim.world import Invariant

__all__ = ["SLOT_INVARIANTS"]


def _servers(nodes: Mapping[str, Node]) -> list[Server]:
    return [node for node in nodes.values() if isinstance(node, Server)]


def _agreement(nodes: Mapping[str, Node]) -> str | None:
    known: dict[int, Command] = {}
    for server in _servers(nodes):
        if {**known, **server.chosen} != {**server.chosen, **known}:
            slot = next(slot for slot, command in server.chosen.items() if known.get(slot, command) != command)
            other = next(other.me for other in _servers(nodes) if other.chosen.get(slot) == known[slot])
            return f"slot {slot} is {known[slot]} at {other} and {server.chosen[slot]} at {server.me}"
        known.update(server.chosen)
    return None


def _majority(nodes: Mapping[str, Node]) -> str | None:
    """Later ballots repeat what was chosen, so a majority of *last* votes must still be for it.

    What everybody knows to be chosen is not counted again after every step: `_agreement` looks after it.
    """
    servers = _servers(nodes)
    everyone = min((len(server.chosen) for server in servers), default=0)
    known = {slot: c for server in servers for slot, c in server.chosen.items() if slot > everyone}
    for slot, command in known.items():
        voters = sum(slot in server.votes and server.votes[slot][1] == command for server in servers)
        if 2 * voters <= len(servers):
            return f"slot {slot} counts as {command}, but only {voters} of {len(servers)} servers have a vote for it"
    return None


def _no_holes(nodes: Mapping[str, Node]) -> str | None:
    for server in _servers(nodes):
        hole = next((slot for slot in range(1, server.applied + 1) if slot not in server.chosen), None)
        if hole:
            return f"{server.me} has applied slot {server.applied} and does not know what slot {hole} is"
    return None


def _promises(nodes: Mapping[str, Node]) -> str | None:
    for server in _servers(nodes):
        slot = next((slot for slot, (ballot, _) in server.votes.items() if ballot > server.promised), None)
        if slot:
            return f"{server.me} has promised {told(server.promised)}, but voted in a higher ballot for slot {slot}"
    return None


def _same_state(nodes: Mapping[str, Node]) -> str | None:
    states: dict[int, tuple[str, dict[str, Any]]] = {}
    for server in _servers(nodes):
        name, store = states.setdefault(server.applied, (server.me, server.store))
        if server.applied and store != server.store:
            return f"{name} and {server.me} both applied {server.applied} commands and differ: {store}, {server.store}"
    return None


def _one_per_ballot(nodes: Mapping[str, Node]) -> str | None:
    leaders: dict[Any, str] = {}
    for server in _servers(nodes):
        if server.state == "leader" and leaders.setdefault(server.ballot, server.me) != server.me:
            return f"{leaders[server.ballot]} and {server.me} both lead in ballot {told(server.ballot)}"
    return None


SLOT_INVARIANTS = (
    Invariant("one_command_per_slot", _agreement),
    Invariant("chosen_by_majority", _majority),
    Invariant("no_holes", _no_holes),
    Invariant("promise_kept", _promises),
    Invariant("same_state", _same_state),
    Invariant("one_leader_per_ballot", _one_per_ballot),
)
