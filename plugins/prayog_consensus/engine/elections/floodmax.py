"""FloodMax: on any graph, everybody tells the highest id it has heard of, round after round, and then they stop.

Nancy Lynch, "Distributed Algorithms", 1996, section 4.1.  An id travels one hop per round, so the highest has reached
everybody after as many rounds as the graph's *diameter*, and not sooner.  Hence every node must know the diameter, or
a bound on it such as n − 1; "log n rounds" is true only of graphs that happen to be that well connected.

Rules
1. All begin in round 1, send to all neighbours in every round, and decide in the same round: `stop`.
2. ``onchange`` (Lynch, OptFloodMax): after round 1, send only what is news.  The rounds stay the same.
3. A message that comes after its round is over breaks the model; the node says so and takes it into account late.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from prayog_consensus.engine.elections.flood_node import FloodMax, Max
from prayog_consensus.engine.elections.members import diameter, directed, graph, idents
from prayog_consensus.engine.elections.outcome import (
    AGREED,
    ONE_AT_A_TIME,
    ONE_LEADER,
    leaders,
    leaders_at_once,
    rounds,
)
from prayog_consensus.engine.elections.rounds import round_us
from prayog_consensus.engine.elections.your_flood import ROUND, STOPS
from prayog_consensus.engine.elections.your_flood import nodes as your_nodes
from prayog_consensus.engine.family import Family, Formula
from prayog_consensus.engine.sent import sent
from prayog_consensus.engine.setup import YOURS, Factories, Setup, names, network
from prayog_sdk.params import ParamError
from prayog_sdk.specs import SeriesSpec, Variant
from prayog_sim.node import Node
from prayog_sim.world import Invariant, World

__all__ = ["FAMILY", "FloodMax", "Max"]


# -- how many rounds -------------------------------------------------------------------------------------------


def stop_after(setup: Setup, seed: int = 0) -> int:
    """The diameter; ⌈log₂ n⌉ in the broken variant; or what ``rounds=`` says."""
    if setup.variant == "log-rounds":
        return (setup.nodes - 1).bit_length()
    for word in setup.words:
        if word.startswith("rounds="):
            text = word.removeprefix("rounds=")
            if not text.isdecimal():
                raise ParamError(f"rounds= needs a whole number, such as rounds=3; found {word!r}")
            return int(text)
    return diameter(graph(setup, seed))


def _nodes(setup: Setup, seed: int = 0) -> Factories:
    if setup.variant == YOURS:
        return your_nodes(setup, seed)
    links, stop, length = graph(setup, seed), stop_after(setup, seed), round_us(setup)
    frugal = "onchange" in setup.words
    return {
        node: partial(FloodMax, own, links[node], stop, length, frugal, setup.variant)
        for node, own in zip(names(setup.nodes), idents(setup, seed), strict=True)
    }


# -- what must hold ----------------------------------------------------------------------------------------------


def _all(nodes: Mapping[str, Node]) -> list[tuple[str, FloodMax]]:
    return [(name, node) for name, node in nodes.items() if isinstance(node, FloodMax)]


def _one_leader(nodes: Mapping[str, Node]) -> str | None:
    led = [name for name, node in _all(nodes) if node.state == "leader"]
    return f"{' and '.join(led)} both lead" if len(led) > 1 else None


def _highest(nodes: Mapping[str, Node]) -> str | None:
    top = max(node.id for _, node in _all(nodes))
    wrong = next((item for item in _all(nodes) if item[1].state != "undecided" and item[1].highest != top), None)
    return f"{wrong[0]} decided for {wrong[1].highest}, but {top} takes part" if wrong else None


INVARIANTS = (Invariant("one_leader", _one_leader), Invariant("highest_wins", _highest))


def _build(setup: Setup, seed: int) -> World:
    return World(_nodes(setup, seed), seed, network(setup), invariants=INVARIANTS)


def expect(topology: str) -> Any:
    """diam · |E| for n nodes of a topology, |E| counting directed edges."""

    def formula(n: int) -> int:
        links = graph(Setup(nodes=n, topology=topology))
        return diameter(links) * directed(links)

    return formula


FAMILY = Family(
    name="floodmax",
    title="FloodMax",
    source="Lynch, Distributed Algorithms, 1996, §4.1",
    summary="Everybody tells all neighbours the highest id it knows, for as many rounds as the graph's diameter.",
    nodes=_nodes,
    build=_build,
    invariants=lambda setup: INVARIANTS,
    checks=(AGREED, ONE_LEADER, ONE_AT_A_TIME, STOPS),
    measures={
        "floods": sent("Max", "Said"),
        "rounds": rounds,
        "leaders": leaders,
        "leaders_at_once": leaders_at_once,
    },
    series=(SeriesSpec("highest", "Highest id heard of", per_node=True),),
    variants=(
        Variant(
            "log-rounds",
            "Stops after ⌈log₂ n⌉ rounds",
            {"algorithm": "floodmax", "variant": "log-rounds"},
            caught_by="one_leader",
            scenario="floodmax_line",
            seeds=3,
            story="What is often written. On a line of 8, two nodes have heard of nobody above them after 3 rounds.",
        ),
    ),
    formulas=tuple(
        Formula(f"on a {topology}", "messages", expect(topology), "diam · |E|", f"floodmax_{topology}", "Lynch §4.1.2")
        for topology in ("line", "ring", "star", "complete")
    ),
    code=ROUND,
)
