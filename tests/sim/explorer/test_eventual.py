"""What is bound to happen, what can be put off for ever, and what nobody can say."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from prayog_sim.explorer import Bounds, Explorer, Limits, Model, Property, Snapshot, System, Verdict, walk
from prayog_sim.node import Ctx, Node
from sim.explorer import models, protocols


class Graph(Model[str, str]):
    """States are letters; an action is the letter it leads to."""

    def __init__(self, edges: Mapping[str, str], wanted: str) -> None:
        self.edges = edges
        self.properties = (Property("eventually", "wanted", lambda state: state in wanted),)

    def initial(self) -> list[str]:
        return ["a"]

    def actions(self, state: str) -> list[str]:
        return list(self.edges.get(state, ""))

    def next_state(self, state: str, action: str) -> str:
        return action


def judged(edges: Mapping[str, str], wanted: str) -> tuple[Verdict[str], list[str]]:
    model = Graph(edges, wanted)
    verdict = Explorer(model).run()["wanted"]
    return verdict, walk(model, verdict.path) if verdict.path else []


def test_it_holds_when_every_run_comes_to_it() -> None:
    assert judged({"a": "bc", "b": "d", "c": "d"}, "d")[0].outcome == "holds"
    assert judged({"a": "bc", "b": "d", "c": "d", "d": "a"}, "bc")[0].outcome == "holds"


def test_a_run_that_ends_without_it_is_a_counter_example_also_where_paths_join() -> None:
    # d is first met by way of b, where it held already; a checker that looks along the tree of first visits misses
    # a c d.
    verdict, states = judged({"a": "bc", "b": "d", "c": "d"}, "b")
    assert verdict.outcome == "fails"
    assert states == ["a", "c", "d"]
    assert verdict.loop is None
    assert "nothing can change any more" in verdict.sentence


def test_a_loop_without_it_is_a_counter_example_with_its_loop() -> None:
    verdict, states = judged({"a": "b", "b": "cx", "c": "d", "d": "b"}, "x")
    assert verdict.outcome == "fails"
    assert verdict.loop is not None
    assert states[: verdict.loop + 1] == ["a", "b"]
    assert states[verdict.loop :] == ["b", "c", "d", "b"]
    assert "judge whether a real network would do that" in verdict.sentence


def test_a_step_that_changes_nothing_is_no_loop() -> None:
    assert judged({"a": "ab", "b": "b"}, "b")[0].outcome == "holds"
    assert judged({"a": "a"}, "b")[1] == ["a"]


def test_a_search_that_was_stopped_says_open_unless_it_has_a_counter_example() -> None:
    chain = {"a": "b", "b": "c", "c": "d", "d": "e"}
    explorer = Explorer(Graph(chain, "e"))
    assert explorer.run(Limits(depth=2))["wanted"].outcome == "open"
    assert explorer.run()["wanted"].outcome == "holds"
    looping = Explorer(Graph({**chain, "b": "ca"}, "e"))
    assert looping.run(Limits(depth=2))["wanted"].outcome == "fails"


def test_somebody_wins_on_the_ring_and_a_mistake_shows() -> None:
    assert Explorer(models.ChangRoberts(3)).run()["somebody wins"].outcome == "holds"
    wrong = Explorer(models.ChangRoberts(3, forward_all=True), keep_going=True).run()
    assert wrong["correctness"].outcome == "fails"


class Retry(Node):
    def __init__(self) -> None:
        self.done = False

    def on_start(self, ctx: Ctx) -> None:
        if ctx.me == "n1":
            ctx.set_timer("retry", 1_000)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        ctx.send("n2", "do it")

    def on_message(self, src: str, msg: str, ctx: Ctx) -> None:
        self.done = True


@pytest.mark.parametrize(
    ("bounds", "outcome", "words"),
    [
        (Bounds(), "holds", "every run comes to it"),
        (Bounds(drops=1), "fails", "nothing can change any more"),
        (Bounds(timers=0), "open", "only because no more than 0 timers may fire within the bounds"),
    ],
)
def test_a_message_arrives_unless_it_is_lost_and_a_bound_proves_nothing(
    bounds: Bounds, outcome: str, words: str
) -> None:
    done: Property[Snapshot] = Property("eventually", "done", lambda seen: seen.nodes["n2"].done)  # type: ignore[attr-defined]
    verdict = Explorer(System({"n1": Retry, "n2": Retry}, bounds, properties=[done])).run()["done"]
    assert verdict.outcome == outcome
    assert words in verdict.sentence


@pytest.mark.parametrize("alike", [(), (("n1", "n2", "n3"),)])
def test_an_election_may_go_on_for_ever_also_under_symmetry(alike: tuple[tuple[str, ...], ...]) -> None:
    class Yes(Node):
        """Passes on a token, for ever."""

        def __init__(self) -> None:
            self.turn = 0

        def on_start(self, ctx: Ctx) -> None:
            ctx.set_timer("pass", 1_000)

        def on_timer(self, name: str, ctx: Ctx) -> None:
            self.turn = 1 - self.turn
            ctx.set_timer("pass", 1_000)

    never: Property[Snapshot] = Property("eventually", "rest", lambda seen: False)
    system = System(dict.fromkeys(("n1", "n2", "n3"), Yes), Bounds(alike=alike), properties=[never])
    verdict = Explorer(system).run()["rest"]
    assert verdict.outcome == "fails"
    assert verdict.path is not None
    states = walk(system, verdict.path)
    assert verdict.loop is not None
    assert states[verdict.loop] == states[-1]
    assert len(states) > verdict.loop + 1


def test_voters_within_a_bound_are_open_where_the_bound_ends_the_run() -> None:
    elected: Property[Snapshot] = Property(
        "eventually",
        "a leader",
        lambda seen: any(node.role == "leader" for node in seen.nodes.values()),  # type: ignore[attr-defined]
    )
    system = System(protocols.voters(2), Bounds(within=protocols.terms(1)), properties=[elected])
    verdict = Explorer(system).run()["a leader"]
    assert verdict.outcome == "open"
    assert "outside the bounds" in verdict.sentence
