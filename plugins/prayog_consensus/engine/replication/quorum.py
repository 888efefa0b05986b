"""The quorum register as a family: what R and W buy, and what only the write-back buys.

Words of the options: ``r=2``, ``w=2`` (majorities, if not given), ``writeback``, ``single`` (one writer),
``clients=3``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from prayog_consensus.engine.family import Family, Formula
from prayog_consensus.engine.replication.client import ACTIONS
from prayog_consensus.engine.replication.measures import LINEARIZABLE
from prayog_consensus.engine.replication.primary_backup import number
from prayog_consensus.engine.replication.reader import QUORUM, QuorumClient
from prayog_consensus.engine.replication.replica import NEVER, Replica
from prayog_consensus.engine.sent import sent
from prayog_consensus.engine.setup import Factories, Setup, names
from prayog_sdk.checks import count
from prayog_sdk.specs import ActionSpec, Variant
from prayog_sim.node import Node
from prayog_sim.world import Invariant

__all__ = ["FAMILY"]


def _quorums(setup: Setup) -> tuple[int, int]:
    """R and W, at most n; majorities if the options do not say."""
    most = setup.nodes // 2 + 1
    r, w = (number(setup, word, most) for word in ("r", "w"))
    return max(1, min(r, setup.nodes)), max(1, min(w, setup.nodes))


def _nodes(setup: Setup) -> Factories:
    replicas, (r, w) = names(setup.nodes, "r"), _quorums(setup)
    period = round(1_000_000 / setup.writes) if setup.writes else 0
    made: dict[str, Callable[[], Node]] = dict.fromkeys(replicas, Replica)
    for place, name in enumerate(names(number(setup, "clients", 3), "c")):
        made[name] = partial(
            QuorumClient,
            replicas,
            r,
            w,
            setup.timeout_us,
            "writeback" in setup.words,
            "single" in setup.words,
            1_000 * place,
            period,
            setup.variant,
        )
    return made


def _invariants(setup: Setup) -> tuple[Invariant, ...]:
    r = _quorums(setup)[0]

    def seen_by_all_later(nodes: Mapping[str, Node]) -> str | None:
        """What an operation that is over wrote or returned is in every R replicas that a later read may ask."""
        replicas = [node for node in nodes.values() if isinstance(node, Replica)]
        for name, client in nodes.items():
            if isinstance(client, QuorumClient) and client.sure != NEVER:
                without = sum(replica.stamp < client.sure for replica in replicas)
                if without >= r:
                    return (
                        f"{name} was told of stamp {client.sure[0]}, but {without} replicas do not have it: "
                        f"a read that asks {r} of them goes back in time"
                    )
        return None

    def one_value(nodes: Mapping[str, Node]) -> str | None:
        """Equal stamps mean equal values."""
        known: dict[object, object] = {}
        for name, node in nodes.items():
            if isinstance(node, Replica) and known.setdefault(node.stamp, node.value) != node.value:
                return f"{name} holds {node.value} with a stamp that another value has elsewhere"
        return None

    promises: tuple[Invariant, ...] = (Invariant("one_value_per_stamp", one_value),)
    if "writeback" in setup.words:  # without it nothing is promised to reads
        promises += (Invariant("later_reads_see_it", seen_by_all_later),)
    return promises


FAMILY = Family(
    name="quorum register",
    title="Quorum register",
    source="Attiya, Bar-Noy and Dolev, JACM 42(1), 1995",
    summary="Clients write to W and read from R of n replicas; linearizable only if reads write back.",
    nodes=_nodes,
    invariants=_invariants,
    actions=tuple(
        ActionSpec(spec.name, spec.title, spec.help.split(";")[0], spec.target,
                   tuple(arg for arg in spec.args if arg.name in ("node", "value")), spec.key)
        for spec in ACTIONS
    ),
    checks=(LINEARIZABLE,),
    measures={
        "writes": count("invoke", f="write"),
        "reads": count("invoke", f="read"),
        "answered": count("ok"),
        "gets": sent("Get"),
        "puts": sent("Put"),
    },
    table=QUORUM,
    variants=(
        Variant(
            "no-writeback",
            "A read returns without writing back",
            {"algorithm": "quorum register", "variant": "no-writeback"},
            caught_by="linearizable",
            scenario="quorum_new_then_old",
            seeds=3,
            story="R + W > n, and still the second of two reads gets the older value.",
        ),
        Variant(
            "thin-quorums",
            "R + W is not more than n",
            {"algorithm": "quorum register", "options": "r=1 w=1 writeback"},
            caught_by="linearizable",
            scenario="quorum_after_a_write",
            seeds=3,
            story="The replica that is read need not be one that was written.",
        ),
    ),
    formulas=(
        Formula("a write, several writers", "messages", lambda n: 4 * n, "2n + 2n", "quorum_one_write"),
        Formula("a read with write-back", "messages", lambda n: 4 * n, "2n + 2n", "quorum_one_read", "ABD §3"),
        Formula("a write, one writer", "messages", lambda n: 2 * n, "2n", "quorum_single_writer", "ABD §3"),
        Formula("a read without", "messages", lambda n: 2 * n, "2n", "quorum_plain_read"),
    ),
)  # fmt: skip
