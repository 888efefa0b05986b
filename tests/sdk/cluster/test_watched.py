"""Invariants on real processes: judged after every step of the merged trace, from all attributes of all nodes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, ClassVar

import pytest

from prayog_sdk.cluster import Cluster
from prayog_sdk.cluster.watched import Attributes, Watch
from prayog_sim.loop import Invariant
from prayog_sim.node import Node
from prayog_sim.run import Action
from sdk.cluster.members import Player

pytestmark = pytest.mark.usefixtures("no_leaks")


@pytest.fixture
def start() -> Iterator[Callable[..., Cluster]]:
    clusters: list[Cluster] = []

    def made(*invariants: Invariant) -> Cluster:
        nodes = {f"n{i}": partial(Player, 4) for i in (1, 2)}
        clusters.append(Cluster(nodes, 1, invariants=invariants))
        return clusters[-1]

    yield made
    for cluster in clusters:
        cluster.close()


def until(cluster: Cluster, kind: str, count: int = 1, seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while sum(step.kind == kind for step in cluster.trace) < count:
        assert time.monotonic() < end, [step.kind for step in cluster.trace]
        cluster.wait(0.05)


def at_most(most: int) -> Invariant:
    def test(nodes: Mapping[str, Node]) -> str | None:
        caught = [node.caught for node in nodes.values()]  # type: ignore[attr-defined]
        return f"{sum(caught)} balls were caught" if sum(caught) > most else None

    return Invariant("few balls", test)


def test_a_violation_is_a_step_behind_the_one_that_caused_it(start: Callable[..., Cluster]) -> None:
    cluster = start(at_most(2))
    until(cluster, "deliver", 4)
    (wrong,) = [step for step in cluster.trace if step.kind == "violation"]
    cause = cluster.trace[wrong.cause]
    assert (cause.kind, wrong.seq) == ("deliver", cause.seq + 1)
    assert wrong.data["sentence"] == "3 balls were caught"
    assert [step.kind for step in cluster.trace[: wrong.seq]].count("deliver") == 3


def test_what_a_crash_spares_is_judged_and_a_violation_told_once_until_it_was_whole(
    start: Callable[..., Cluster],
) -> None:
    def test(nodes: Mapping[str, Node]) -> str | None:
        return "n1 remembers" if nodes["n1"].volatile else None  # type: ignore[attr-defined]

    cluster = start(at_most(9), Invariant("forgets", test))
    until(cluster, "deliver", 4)
    cluster.do(Action("crash", {"node": "n1"}))
    cluster.do(Action("restart", {"node": "n1"}))
    until(cluster, "restart")
    cluster.do(Action("throw", {"node": "n2", "to": "n1"}))
    until(cluster, "deliver", 5)
    until(cluster, "violation", 2)
    assert [step.data["name"] for step in cluster.trace if step.kind == "violation"] == ["forgets", "forgets"]


class Hidden(Node):
    durable: ClassVar[tuple[str, ...]] = ("_kept",)

    def __init__(self) -> None:
        self._kept: dict[str, Any] = {"a": [1]}
        self._odd: Any = None


def test_hidden_attributes_and_changes_inside_are_told() -> None:
    told, node = Attributes(), Hidden()
    seen: list[Any] = []
    watch = Watch({"n1": Hidden}, [Invariant("see", lambda nodes: seen.append(vars(nodes["n1"]).copy()))])  # type: ignore[arg-type,func-returns-value]
    watch.note("n1", told.changes(node))
    assert told.changes(node) == {}
    node._kept["a"].append(2)
    changes = told.changes(node)
    assert list(changes) == ["_kept"]
    watch.note("n1", changes)
    watch.news()
    assert seen[-1] == {"_kept": {"a": [1, 2]}, "_odd": None}
    node._odd = "lost"
    watch.note("n1", told.changes(node))
    watch.died("n1")
    watch.news()
    assert seen[-1] == {"_kept": {"a": [1, 2]}, "_odd": None}


def test_what_cannot_be_told_is_not_judged_and_says_so() -> None:
    told, node = Attributes(), Hidden()
    node._odd = lambda: None
    watch = Watch({"n1": Hidden}, [Invariant("never", lambda nodes: "wrong")])
    assert watch.news() == {"never": "wrong"}
    watch.note("n1", told.changes(node))
    assert watch.blind.startswith("n1._odd cannot be written down")
    assert watch.news() == {}
