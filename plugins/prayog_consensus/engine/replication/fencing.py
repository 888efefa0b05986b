"""Fencing as a family: split brain with and without a quorum, and a storage that compares epochs or does not.

Words of the options: ``noquorum``: leaders need no majority; ``nofence``: the storage does not compare tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import ClassVar

from prayog_consensus.engine.elections.outcome import ONE_AT_A_TIME, leaders_at_once
from prayog_consensus.engine.family import Family
from prayog_consensus.engine.provoke import Plan, ProvokedWorld
from prayog_consensus.engine.replication.lessee import Lessee
from prayog_consensus.engine.replication.storage import Storage
from prayog_consensus.engine.setup import Factories, Setup, names, network
from prayog_sdk.checks import Check, count, never
from prayog_sdk.specs import ActionSpec, Variant
from prayog_sim.node import Node
from prayog_sim.run import Action, ActionError
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


def _sleep(nodes: Mapping[str, Node], up: list[str]) -> list[Action]:
    """The leader falls asleep, at best just before it writes."""
    led = [name for name in up if isinstance(node := nodes[name], Lessee) and node.role == "leader"]
    if not led:
        raise ActionError("nobody leads now; wait for a leader first")
    busy = [name for name in led if isinstance(node := nodes[name], Lessee) and node.busy]
    return [Action("pause", {"node": (busy or led)[0]})]


def _split_brain(nodes: Mapping[str, Node], up: list[str]) -> list[Action]:
    """Cut the leader off from the other servers, and leave everybody the storage."""
    led = [name for name in up if isinstance(node := nodes[name], Lessee) and node.role == "leader"]
    others = [name for name, node in nodes.items() if isinstance(node, Lessee) and name not in led[:1]]
    if not led or not others:
        raise ActionError("a split brain needs a leader and another server")
    pairs = [pair for other in others for pair in ((led[0], other), (other, led[0]))]
    return [Action("cut", {"src": src, "dst": dst}) for src, dst in pairs]


class FencingWorld(ProvokedWorld):
    """A world that knows how to make a leader wrong about itself."""

    plans: ClassVar[Mapping[str, Plan]] = {"sleeping_leader": _sleep, "split_brain": _split_brain}


FAMILY = Family(
    name="fencing",
    title="Leases and fencing tokens",
    source="Burrows, OSDI 2006, §2.4; Kleppmann 2016",
    summary="A paused leader wakes up and writes. Its lease cannot stop it; a storage that compares epochs can.",
    nodes=_nodes,
    invariants=_invariants,
    build=lambda setup, seed: FencingWorld(_nodes(setup), seed, network(setup), invariants=_invariants(setup)),
    actions=(
        ActionSpec("sleeping_leader", "The leader falls asleep", "Pause it, as a garbage collection does.", key="Z"),
        ActionSpec("split_brain", "Split brain", "Cut the leader off from the servers, but not from the storage."),
    ),
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
            {"algorithm": "fencing", "variant": "checks-at-client-only"},
            caught_by="safe",
            scenario="fencing_paused_leader",
            seeds=3,
            story="The pause comes after the check; the storage takes whatever arrives.",
        ),
    ),
)
