"""Every invariant of Paxos, Multi-Paxos, VSR and ZAB fires when what it forbids is done to the nodes by hand.

An invariant that cannot fire proves nothing: a published one of VSR compared a replica with itself for years.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from prayog_consensus.engine.clients import Command
from prayog_consensus.engine.families import family
from prayog_consensus.engine.setup import Setup
from prayog_consensus.engine.zab.messages import Txn
from prayog_sim.clock import s
from prayog_sim.faults import fault
from prayog_sim.node import Node

from .playing import violation, world

Nodes = dict[str, Any]
OTHER = Command("write", "x", "other", "c1", 1)


def _set(node: str, **values: Any) -> Callable[[Nodes], None]:
    def spoil(nodes: Nodes) -> None:
        for name, value in values.items():
            setattr(nodes[node], name, value)

    return spoil


def _put(node: str, name: str, key: Any, value: Any) -> Callable[[Nodes], None]:
    return lambda nodes: getattr(nodes[node], name).__setitem__(key, value)


def _all_lead(nodes: Nodes) -> None:
    for name in ("n1", "n2", "n3"):
        nodes[name].state, nodes[name].ballot = "leader", (9, "n1")


def _lose_disks(nodes: Nodes) -> None:
    for name in ("n1", "n2"):
        nodes[name].history = ()


def _twice(nodes: Nodes) -> None:
    nodes["n2"].log = (OTHER, OTHER)


def _lose_logs(nodes: Nodes) -> None:
    nodes["n2"].log = nodes["n3"].log = ()


def _one_more(nodes: Nodes) -> None:
    """n1 has delivered a transaction that n3 had not when it began its next epoch."""
    first = nodes["n3"]._delivered[1]
    nodes["n3"]._led[9] = 0
    assert first.zxid[0] < 9


def _delivered(zxid: tuple[int, int]) -> Callable[[Nodes], None]:
    txn = Txn(zxid, OTHER)

    def spoil(nodes: Nodes) -> None:
        number = len(nodes["n3"]._delivered) + 1
        nodes["n3"]._delivered[number] = txn
        nodes["n3"]._broadcast = (*nodes["n3"]._broadcast, txn)

    return spoil


WRONG: dict[tuple[str, str], Callable[[Nodes], None]] = {
    ("paxos", "agreement"): _set("p2", decision="blue"),
    ("paxos", "validity"): _set("p1", asked=()),
    ("paxos", "learned_is_chosen"): _set("p2", decision="blue"),
    ("paxos", "promise_kept"): _set("n1", promised=(0, "")),
    ("paxos", "one_value_per_ballot"): _set("n1", votes=(((1, "p1"), "blue"),)),
    ("multipaxos", "one_command_per_slot"): _put("n2", "chosen", 1, OTHER),
    ("multipaxos", "chosen_by_majority"): _put("n1", "chosen", 99, OTHER),
    ("multipaxos", "no_holes"): _set("n2", applied=99),
    ("multipaxos", "promise_kept"): _set("n2", promised=(0, "")),
    ("multipaxos", "same_state"): _put("n2", "store", "x", "other"),
    ("multipaxos", "one_leader_per_ballot"): _all_lead,
    ("vsr", "no_divergence"): _put("n2", "_done", 1, OTHER),
    ("vsr", "acknowledged_survives"): _put("n2", "_opened", 1, ()),
    ("vsr", "one_start"): _set("n2", state="primary"),
    ("vsr", "once"): _twice,
    ("vsr", "committed_by_majority"): _lose_logs,
    ("zab", "nothing_impossible"): _set("n1", _wrong="did something impossible"),
    ("zab", "leadership_now"): lambda nodes: vars(nodes["n1"]).update(state="leading", epoch=nodes["n3"].epoch),
    ("zab", "leadership_ever"): lambda nodes: nodes["n1"]._led.update(nodes["n3"]._led),
    ("zab", "prefix_consistency"): _put("n1", "_delivered", 1, Txn((1, 1), OTHER)),
    ("zab", "integrity"): _set("n3", _broadcast=()),
    ("zab", "primary_order"): _delivered((1, 99)),
    ("zab", "primary_integrity"): _one_more,
    ("zab", "committed_is_durable"): _lose_disks,
}


def _nodes(algorithm: str) -> dict[str, Node]:
    """Three nodes after a second of work."""
    paxos = algorithm == "paxos"
    schedule = [fault(1_000, "propose", node="p1", value="red")] if paxos else []
    run = world(Setup(algorithm, 3, writes=0 if paxos else 10), 1, schedule)
    run.run(until_us=s(1))
    assert not violation(run)
    return run.nodes


def test_every_invariant_is_here() -> None:
    algorithms = {algorithm for algorithm, _ in WRONG}
    rules = {(name, rule.name) for name in algorithms for rule in family(name).invariants(Setup(name))}
    assert rules == set(WRONG)


@pytest.mark.parametrize(("algorithm", "name"), WRONG)
def test_it_fires(algorithm: str, name: str) -> None:
    nodes = _nodes(algorithm)
    rule = next(rule for rule in family(algorithm).invariants(Setup(algorithm)) if rule.name == name)
    assert rule.test(nodes) is None
    WRONG[algorithm, name](nodes)
    sentence = rule.test(nodes)
    assert sentence
    assert len(sentence.split()) >= 4
