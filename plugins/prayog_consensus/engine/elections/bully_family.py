"""Bully as a family: its counts, its checks, and two ways to break it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from prayog_consensus.engine.elections.bully import Bully
from prayog_consensus.engine.elections.bully_table import BULLY
from prayog_consensus.engine.elections.members import idents
from prayog_consensus.engine.elections.outcome import AGREED, ONE_AT_A_TIME, ONE_LEADER, leaders, leaders_at_once
from prayog_consensus.engine.family import Family, Formula
from prayog_consensus.engine.provoke import LEADER_ACTIONS, LeaderWorld
from prayog_consensus.engine.sent import sent
from prayog_consensus.engine.setup import Factories, Setup, names, network
from prayog_sdk.checks import count
from prayog_sdk.specs import ActionSpec, Arg, Variant
from prayog_sim.clock import ms
from prayog_sim.node import Node
from prayog_sim.world import Invariant, World

__all__ = ["FAMILY"]


def _nodes(setup: Setup, seed: int = 0) -> Factories:
    ids = dict(zip(names(setup.nodes), idents(setup, seed), strict=True))
    words = setup.words
    # The broken one does not wait for a round trip.
    patience = max(1, ms(setup.latency_ms) // 2) if setup.variant == "impatient" else setup.timeout_us
    return {
        name: partial(
            Bully, name, ids, setup.timeout_us, setup.spread, patience, "majority" in words, "quiet" in words,
            setup.variant,
        )
        for name in ids
    }  # fmt: skip


def _never_below(nodes: Mapping[str, Node]) -> str | None:
    for name, node in nodes.items():
        if isinstance(node, Bully) and node.leader and node.ids[node.leader] < node.id:
            return f"{name} follows {node.leader}, although its own id {node.id} is higher"
    return None


INVARIANTS = (Invariant("nobody_follows_a_lower_id", _never_below),)


def _build(setup: Setup, seed: int) -> World:
    return LeaderWorld(_nodes(setup, seed), seed, network(setup), invariants=INVARIANTS)


FAMILY = Family(
    name="bully",
    title="Bully",
    source="Garcia-Molina, IEEE Transactions on Computers C-31(1), 1982",
    summary="Whoever misses the coordinator asks all higher ids; the highest that is alive takes over.",
    nodes=_nodes,
    build=_build,
    invariants=lambda setup: INVARIANTS,
    actions=(
        ActionSpec(
            "elect", "Notice the silence", "The node believes that the coordinator is dead.", "node",
            (Arg("node", "node", "Node"),), "e",
        ),
        *LEADER_ACTIONS,
    ),
    checks=(AGREED, ONE_AT_A_TIME, ONE_LEADER),
    measures={
        "election_messages": sent("Election", "Ok", "Coordinator"),
        "elections": sent("Election"),
        "oks": sent("Ok"),
        "coordinators": sent("Coordinator"),
        "initiators": count("initiate"),
        "leaders": leaders,
        "leaders_at_once": leaders_at_once,
    },
    table=BULLY,
    variants=(
        Variant(
            "impatient",
            "Waits less than a round trip for an OK",
            {"algorithm": "bully", "variant": "impatient"},
            caught_by="one_at_a_time",
            scenario="bully_lowest_notices",
            seeds=3,
            story="Every OK comes too late, so every node that asked declares itself coordinator.",
        ),
        Variant(
            "no-suppression",
            "Does not care about an OK",
            {"algorithm": "bully", "variant": "no-suppression"},
            caught_by="one_at_a_time",
            scenario="bully_lowest_notices",
            seeds=3,
            story="It was told that a higher id is alive, and leads all the same.",
        ),
    ),
    formulas=(
        Formula("lowest notices", "messages", lambda n: n * n - n - 1, "n² − n − 1", "bully_lowest_notices"),
        Formula("questions", "elections", lambda n: n * (n - 1) // 2, "n(n − 1)/2", "bully_lowest_notices"),
        Formula("answers", "oks", lambda n: (n - 1) * (n - 2) // 2, "(n − 1)(n − 2)/2", "bully_lowest_notices"),
        Formula("announcements", "coordinators", lambda n: n - 2, "n − 2", "bully_lowest_notices"),
    ),
)  # fmt: skip
