"""Fencing as a family: split brain with and without a quorum, and a storage that compares epochs or does not.

Words of the options: ``noquorum``: leaders need no majority; ``nofence``: the storage does not compare tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from prayog_consensus.engine.elections.outcome import ONE_AT_A_TIME, leaders_at_once
from prayog_consensus.engine.family import Family
from prayog_consensus.engine.replication.lessee import Lessee
from prayog_consensus.engine.replication.storage import Storage
from prayog_consensus.engine.setup import Factories, Setup, names
from prayog_sdk.checks import Check, count, never
from prayog_sdk.specs import Variant
from prayog_sim.node import Node
from prayog_sim.world import Invariant

__all__ = ["FAMILY"]


def _nodes(setup: Setup) -> Factories:
    servers, words = names(setup.nodes), setup.words
    period = round(1_000_000 / setup.writes) if setup.writes else 100_000
    fences = "nofence" not in words and setup.variant != "checks-at-client-only"
    made: dict[str, Callable[[], Node]] = {
        name: partial(Lessee, name, servers, setup.timeout_us, setup.spread, "noquorum" not in words, period)
        for name in servers
    }
    made["store"] = partial(Storage, fences)
    return made


def _monotone(nodes: Mapping[str, Node]) -> str | None:
    """No write of an old epoch after one of a newer."""
    for name, node in nodes.items():
        if isinstance(node, Storage):
            for (before, first), (token, then) in zip(node.accepted, node.accepted[1:], strict=False):
                if token < before:
                    return f"{name} took {then}'s write of epoch {token} after {first}'s of epoch {before}"
    return None


def _one_leader(nodes: Mapping[str, Node]) -> str | None:
    """An epoch has one leader, for ever."""
    seen: dict[int, str] = {}
    for name, node in nodes.items():
        for epoch in node.led if isinstance(node, Lessee) else ():
            if seen.setdefault(epoch, name) != name:
                return f"{seen[epoch]} and {name} both led in epoch {epoch}: no token tells them apart"
    return None


def _invariants(setup: Setup) -> tuple[Invariant, ...]:
    fenced = (Invariant("tokens_never_fall", _monotone),) if "nofence" not in setup.words else ()
    unique = (Invariant("one_leader_per_epoch", _one_leader),) if "noquorum" not in setup.words else ()
    return (*fenced, *unique)


FAMILY = Family(
    name="fencing",
    title="Leases and fencing tokens",
    source="Burrows, OSDI 2006, §2.4; Kleppmann 2016",
    summary="A paused leader wakes up and writes. Its lease cannot stop it; a storage that compares epochs can.",
    nodes=_nodes,
    invariants=_invariants,
    checks=(
        Check("fenced", "No write of an old epoch is stored after one of a newer", never("overwritten")),
        ONE_AT_A_TIME,
    ),
    measures={
        "stored": count("stored"),
        "refused": count("fenced"),
        "overwritten": count("overwritten"),
        "epochs": count("leader"),
        "leaders_at_once": leaders_at_once,
    },
    variants=(
        Variant(
            "checks-at-client-only",
            "The lease is checked by the client only",
            {"variant": "checks-at-client-only"},
            caught_by="safe",
            scenario="fencing_paused_leader",
            seeds=3,
            story="The pause comes after the check; the storage takes whatever arrives.",
        ),
    ),
)
