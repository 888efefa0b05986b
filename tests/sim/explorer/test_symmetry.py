"""One state of all that differ only in names is enough, and nodes that are not alike are found out."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from prayog_sim.explorer import Bounds, Explorer, Memory, Refused, System, minimise, replay
from prayog_sim.node import Ctx, Node
from prayog_sim.run import Action
from sim.explorer import models, protocols

THREE = (("n1", "n2", "n3"),)


@pytest.mark.parametrize(
    "bounds",
    [
        {"within": protocols.terms(2)},
        {"within": protocols.terms(1), "crashes": 1, "drops": 1},
        {"within": protocols.terms(1), "network": "ordered", "duplicates": 1},
        {"within": protocols.terms(1), "network": "unordered-duplicating", "drops": None},
    ],
)
def test_the_states_that_are_left_are_one_of_each_kind(bounds: dict[str, Any]) -> None:
    def system(alike: tuple[tuple[str, ...], ...]) -> System:
        memory = Memory((), lambda past, node, kind, data: (*past, (node, data["term"])))
        return System(protocols.voters(3), Bounds(**bounds, alike=alike), [protocols.ONE_LEADER], memory=memory)

    full = Explorer(system(()))
    full.run()
    reduced = Explorer(system(THREE))
    report = reduced.run()
    assert report.progress.stopped == "complete"
    twin = system(THREE)
    twin.recall(full.model.memory())  # now the states of the full search mean the same to it
    canonical = twin.symmetry()
    assert canonical is not None
    assert len({canonical(state) for state in full.states}) == report.progress.states
    assert len(full.states) > 4 * report.progress.states
    assert report["one leader per term"].outcome == "holds"


def test_the_classes_of_two_phase_commit_are_counted_right_through_both_doors() -> None:
    full = Explorer(models.TwoPhase(5))
    full.run()
    kinds = {full.model.sorted(state) for state in full.states}  # type: ignore[attr-defined]
    assert Explorer(models.TwoPhase(5, symmetric=True)).run().progress.states == len(kinds) == 314
    alike = (tuple(f"rm{i}" for i in range(1, 6)),)
    system = System(protocols.two_phase(5), Bounds("unordered-duplicating", alike=alike), [protocols.CONSISTENT])
    assert Explorer(system).run().progress.states == 314


def test_a_mistake_is_found_as_quickly_with_symmetry_and_can_be_replayed() -> None:
    lengths = []
    for alike in ((), THREE):
        bounds = Bounds(within=protocols.terms(2), crashes=1, alike=alike)
        system = System(protocols.voters(3, forgets=True), bounds, [protocols.ONE_LEADER])
        report = Explorer(system).run()
        path = report["one leader per term"].path
        assert path is not None
        lengths.append((len(path.actions), report.progress.states))
        assert replay(system, path).trace[-1].kind == "violation"
    assert lengths[0][0] == lengths[1][0] == 8
    assert lengths[1][1] < lengths[0][1] / 3


@pytest.mark.parametrize(("alike", "states"), [((), 28_705), (THREE, 4_790)])
def test_raft_holds_and_a_voter_that_does_not_look_at_logs_loses_a_commit(
    alike: tuple[tuple[str, ...], ...], states: int
) -> None:
    ask = tuple(Action("append", {"node": name, "value": "x"}) for name in THREE[0])
    bounds = Bounds(within=protocols.terms(2), timers=2, actions=ask, alike=alike)
    invariants = [protocols.ONE_LEADER, protocols.SAME_COMMITS]
    good = Explorer(System(dict.fromkeys(THREE[0], protocols.Raft), bounds, invariants)).run()
    assert good.progress.states == states
    assert [verdict.outcome for verdict in good.verdicts] == ["holds"] * 3
    blind = System(dict.fromkeys(THREE[0], partial(protocols.Raft, blind=True)), bounds, invariants)
    path = Explorer(blind).run()["same commits"].path
    assert path is not None
    assert len(path.actions) == 12
    assert replay(blind, path).trace[-1].data["sentence"] == "n1 and n2 committed different entries"


class Ringed(Node):
    """Knows its place in the ring, so no two are alike."""

    def __init__(self) -> None:
        self.next = ""

    def on_start(self, ctx: Ctx) -> None:
        self.next = "n1" if ctx.me == "n3" else f"n{int(ctx.me[1]) + 1}"


class Biased(Node):
    """Answers n1 only."""

    def on_start(self, ctx: Ctx) -> None:
        ctx.broadcast("hello")

    def on_message(self, src: str, msg: str, ctx: Ctx) -> None:
        if src == "n1" and msg == "hello":
            ctx.send(src, "welcome")


class Lists(Node):
    """Keeps names sorted, which depends on them."""

    def __init__(self) -> None:
        self.known: list[str] = []

    def on_start(self, ctx: Ctx) -> None:
        self.known = sorted([ctx.me, *ctx.peers])


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Ringed, "n1 and n2 were declared alike, but they start differently"),
        (Biased, "were declared alike, but they take 'hello' differently"),
        (Lists, "names in a sorted list"),
    ],
)
def test_nodes_that_are_not_alike_are_found_out(kind: type[Node], words: str) -> None:
    with pytest.raises(Refused, match=words):
        Explorer(System(dict.fromkeys(("n1", "n2", "n3"), kind), Bounds(alike=THREE))).run()


def test_an_action_for_one_of_them_breaks_the_symmetry_and_one_for_each_does_not() -> None:
    nodes = dict.fromkeys(("n1", "n2"), protocols.Asker)
    ask = [Action("say", {"node": node, "word": "x"}) for node in nodes]
    with pytest.raises(Refused, match="the action 'say' is asked of only some of them"):
        System(nodes, Bounds(actions=(ask[0],), alike=(("n1", "n2"),)))
    full = Explorer(System(nodes, Bounds(actions=tuple(ask)))).run().progress.states
    half = Explorer(System(nodes, Bounds(actions=tuple(ask), alike=(("n1", "n2"),)))).run().progress.states
    assert full / 2 < half < full


def test_a_name_that_is_no_node_is_refused() -> None:
    with pytest.raises(Refused, match="alike names 'n9', which is not a node; the nodes are n1, n2"):
        System(protocols.voters(2), Bounds(alike=(("n1", "n9"),)))


def test_minimising_works_under_symmetry() -> None:
    system = System(
        protocols.voters(3, naive=True), Bounds(within=protocols.terms(2), alike=THREE), [protocols.ONE_LEADER]
    )
    path = Explorer(system).run()["one leader per term"].path
    assert path is not None
    bad = system.properties[1].test
    assert minimise(system, path, lambda state: not bad(state)) == path
