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
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from prayog_consensus.engine.elections.members import diameter, directed, graph, idents
from prayog_consensus.engine.elections.outcome import (
    AGREED,
    ONE_AT_A_TIME,
    ONE_LEADER,
    leaders,
    leaders_at_once,
    rounds,
)
from prayog_consensus.engine.elections.rounds import Rounds, round_us
from prayog_consensus.engine.family import Family, Formula
from prayog_consensus.engine.sent import sent
from prayog_consensus.engine.setup import CORRECT, Factories, Setup, names, network
from prayog_sdk.params import ParamError
from prayog_sdk.specs import SeriesSpec, Variant
from prayog_sim.node import Ctx, Node
from prayog_sim.run import Look
from prayog_sim.world import Invariant, World

__all__ = ["FAMILY", "FloodMax", "Max"]


@dataclass(frozen=True, slots=True)
class Max:
    """The highest id that the sender knows of when round `round` begins, and whose it is."""

    round: int
    id: int
    owner: str

    def __str__(self) -> str:
        return f"r{self.round} max {self.id}"


class FloodMax(Rounds):
    """One node; `stop` is the number of rounds after which it decides."""

    durable: ClassVar[tuple[str, ...]] = ("highest", "owner", "done", "state", "leader")

    def __init__(
        self, id: int, neighbours: tuple[str, ...], stop: int, length: int, frugal: bool = False, variant: str = CORRECT
    ) -> None:
        self.id = id
        self.neighbours = neighbours
        self.length = length
        self.frugal = frugal
        self.stop = stop
        self.state = "undecided"
        self.highest = id
        self.owner = ""
        self.done = 0
        """Rounds that are over."""
        self.leader = ""
        self.inbox: tuple[tuple[str, Any], ...] = ()
        self.variant = variant

    def on_start(self, ctx: Ctx) -> None:
        self.owner = self.owner or ctx.me
        if self.state != "undecided":
            return
        if self.done >= self.stop:
            self.decide(ctx)
        elif self.done:  # after a crash: it goes on where it was, late
            self.await_end(ctx)
        else:
            self.tell(ctx)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if msg.round <= self.done or self.state != "undecided":
            ctx.note(f"{ctx.me} gets round {msg.round}'s {msg.id} from {src} too late: {self.done} rounds are over")
            ctx.emit("late", round=msg.round)
        self.inbox = (*self.inbox, (src, msg))

    def tell(self, ctx: Ctx) -> None:
        """The sending part of a round."""
        for neighbour in self.neighbours:
            ctx.send(neighbour, Max(self.done + 1, self.highest, self.owner))
        self.await_end(ctx)

    def end_round(self, letters: tuple[tuple[str, Any], ...], ctx: Ctx) -> None:
        before = self.highest
        self.done += 1
        for src, msg in letters:
            if msg.id > self.highest:
                self.highest, self.owner = msg.id, msg.owner
                ctx.note(f"{ctx.me} hears of {msg.id} from {src} in round {self.done}")
        ctx.gauge("highest", self.highest)
        if self.done >= self.stop:
            self.decide(ctx)
        elif self.frugal and self.highest == before:
            self.await_end(ctx)
        else:
            self.tell(ctx)

    def decide(self, ctx: Ctx) -> None:
        """The rounds are over: whoever has heard of nothing higher than its own id leads."""
        self.leader = self.owner
        if self.highest == self.id:
            self.state = "leader"
            ctx.note(f"{ctx.me} leads: in {self.done} rounds it heard of nobody above its own {self.id}")
            ctx.emit("leader", term=1, id=self.id, round=self.done)
        else:
            self.state = "follower"
            ctx.note(f"{ctx.me} follows {self.owner}, the highest it heard of in {self.done} rounds")
        ctx.emit("elected", id=self.highest, leader=self.owner, round=self.done)

    def look(self) -> Look:
        role, letter = {"leader": ("leader", "L"), "follower": ("follower", "F")}.get(self.state, ("candidate", "?"))
        knows = f"id {self.id}, highest heard of {self.highest}, {self.done} of {self.stop} rounds are over"
        return Look(role, letter, self.highest, f"{self.state}: {knows}", f"{self.id} · max {self.highest}")

    def label(self, msg: Any) -> str:
        return str(msg)


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
    checks=(AGREED, ONE_LEADER, ONE_AT_A_TIME),
    measures={
        "floods": sent("Max"),
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
)
