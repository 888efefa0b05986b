"""ZAB as this topic offers it.

Servers are n1…nN, clients c1… .  Words of the option line:

``fsync=5``     how long a write to disk takes, in ms (1)
``logreads``    reads go through the broadcast; without it every server answers from what it has
``clients=1``   so many clients (one, when the set-up writes); ``mixed``: every second operation is a read
"""

from __future__ import annotations

import dataclasses
from functools import partial

from prayog_consensus.engine.clients import AGREEMENT, CLIENT_ACTIONS, LINEARIZABLE, SERVER_ACTIONS, clients, number
from prayog_consensus.engine.family import Family, Formula
from prayog_consensus.engine.provoke import LEADER_ACTIONS, LeaderWorld
from prayog_consensus.engine.sent import per_commit, sent
from prayog_consensus.engine.setup import Factories, Setup, names, network
from prayog_consensus.engine.zab.broadcast import Server
from prayog_consensus.engine.zab.rules import INVARIANTS
from prayog_consensus.engine.zab.state import PHASES
from prayog_sdk.checks import Check, count, last, never
from prayog_sdk.specs import SeriesSpec, Variant
from prayog_sim.clock import ms
from prayog_sim.network import Network
from prayog_sim.world import World

__all__ = ["FAMILY"]


def _nodes(setup: Setup) -> Factories:
    servers = names(setup.nodes)
    knobs = (setup.timeout_us, ms(number(setup, "fsync", 1)), "logreads" in setup.words, setup.variant)
    return {**{me: partial(Server, me, servers, *knobs) for me in servers}, **clients(setup, servers)}


def _build(setup: Setup, seed: int) -> World:
    """ZAB asks for channels that keep the order, as TCP does."""
    link = dataclasses.replace(network(setup).link, ordered=True)
    return LeaderWorld(_nodes(setup), seed, Network(link), invariants=INVARIANTS)


def _broken(name: str, title: str, check: str, scenario: str, story: str) -> Variant:
    return Variant(name, title, {"algorithm": "zab", "variant": name}, check, scenario, 1, story)


_TITLES = {
    "nothing_impossible": "No server delivers two transactions under one number",
    "leadership_now": "An epoch has one leader at a time",
    "leadership_ever": "An epoch has one leader ever",
    "prefix_consistency": "All deliver the same in the same order",
    "integrity": "Only what a leader broadcast is delivered",
    "primary_order": "Deliveries follow the order of the transaction ids",
    "primary_integrity": "A leader knows all of the past before it adds to it",
    "committed_is_durable": "What is delivered is on the disks of a majority",
}

FAMILY = Family(
    name="zab",
    title="ZAB",
    source="Junqueira, Reed and Serafini, Zab: High-performance broadcast for primary-backup systems, DSN 2011",
    nodes=_nodes,
    invariants=lambda setup: INVARIANTS,
    build=_build,
    actions=(*CLIENT_ACTIONS, *SERVER_ACTIONS, *LEADER_ACTIONS),
    checks=(
        *(Check(name, title, never("violation", name=name)) for name, title in _TITLES.items()),
        AGREEMENT,
        LINEARIZABLE,
    ),
    measures={
        "discovery_messages": sent("FollowerInfo", "NewEpoch", "AckEpoch"),
        "synchronisation_messages": sent("NewLeader", "AckLeader", "UpToDate"),
        "broadcast_messages": per_commit("Propose", "Ack", "Commit"),
        "votes": sent("Vote"),
        "epochs": count("leader"),
        "last_epoch": last("leader").term,
    },
    series=(SeriesSpec("commit", "Delivered transactions", per_node=True),),
    variants=(
        _broken(
            "early-ack", "Acknowledges before the disk has it", "prefix_consistency", "zab_power_cut",
            "A quorum acknowledged and lost power. What was in memory only is gone, and with it a committed "
            "transaction (ZOOKEEPER-4646).",
        ),
        _broken(
            "epoch-first", "Writes the epoch before the history", "prefix_consistency", "zab_half_synchronised",
            "The server crashed between the two writes. It claims the newest epoch with an old history, and is "
            "believed (ZOOKEEPER-4643).",
        ),
        _broken(
            "longest-history", "Takes the longest history instead of the newest", "prefix_consistency",
            "zab_abandoned",
            "An old leader wrote much that nobody acknowledged. Length is no sign of being right; the epoch is.",
        ),
    ),
    formulas=(
        Formula("discovery", "discovery_messages", lambda n: 3 * (n - 1), "3(n−1)", "zab_counts", "Zab11 §IV"),
        Formula("synchronisation", "synchronisation_messages", lambda n: 3 * (n - 1), "3(n−1)", "zab_counts",
                "Zab11 §IV"),
        Formula("broadcast, per transaction", "broadcast_messages", lambda n: 3 * (n - 1),
                "3(n−1): propose, ack, commit", "zab_counts", "Zab11 §III"),
    ),
    table=PHASES,
    summary="A leader with a new epoch first makes a quorum's histories one, then broadcasts in its own order.",
)  # fmt: skip
