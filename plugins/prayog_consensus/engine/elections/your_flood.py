"""FloodMax as the learner writes it: `on_round(state, heard)`, with no more to go by than an upper bound on the nodes.

Why it exists: the algorithm in the books knows the diameter.  Whoever has only a bound on the number of nodes can still
stop, because no way is longer than that; and nothing that a node sees by itself tells it earlier that it is over.

Rules
1. How many nodes there are, and how they are linked, is drawn from the seed: a graph at random, a line, a ring, or the
   longest there can be: a line of as many nodes as the bound allows, with the highest number at its end.
2. The function is called when a round is over (first before round 1) and keeps what it knows in ``state``.
3. A call that fails leaves the node where it was: it sends nothing and decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

from prayog_consensus.engine.elections.flood_node import FloodMax
from prayog_consensus.engine.elections.members import graph, idents
from prayog_consensus.engine.elections.rounds import round_us
from prayog_consensus.engine.setup import Setup, names
from prayog_sdk.checks import Check, Verdict
from prayog_sdk.code.function import Function, events
from prayog_sdk.specs import CodeSpec
from prayog_sim.node import Ctx
from prayog_sim.rng import Rng
from prayog_sim.trace import Trace

__all__ = ["ROUND", "STOPS", "Said", "State", "YourFlood", "nodes"]

STARTER = '''\
def on_round(state, heard):
    """A round is over: return the number to send to all neighbours, or None for nothing.

    state.id        the number of this node; no two are equal
    state.bound     there are at most so many nodes; nobody knows how many
    state.round     how many rounds are over: 0 at the first call
    state.highest   the highest number you know of, at first your own   (yours to change)
    state.leader    the number of the leader                            (yours to set)
    state.stopped   True when you are through                           (yours to set)
    state.kept      whatever else you want to keep, at first None       (yours to change)
    heard           the numbers that neighbours sent in this round

    In the end all must have stopped, and all with the same leader.
    """
    before = state.highest
    state.highest = max([state.highest, *heard])
    if state.round > 0 and state.highest == before:
        state.leader = state.highest
        state.stopped = True
    return state.highest
'''
ROUND = CodeSpec(
    "on_round", "code", "FloodMax with a bound",
    "Let all nodes agree on one leader and stop, although none knows how many they are: only an upper bound.",
    STARTER, steps=5_000,
)  # fmt: skip
_FEWEST = 4
_DEEPEST = 200


@dataclass(frozen=True, slots=True)
class Said:
    """A number that a neighbour sends in round `round`."""

    round: int
    id: int

    def __str__(self) -> str:
        return f"r{self.round} {self.id}"


class State:
    """What the learner's function sees of its node, and may change."""

    __slots__ = ("bound", "highest", "id", "kept", "leader", "round", "stopped")

    def __init__(self, id: int, bound: int, round: int, highest: int, kept: Any) -> None:
        self.id, self.bound, self.round = id, bound, round
        self.highest: Any = highest
        self.kept: Any = kept
        self.leader: Any = None
        self.stopped: Any = False

    def __repr__(self) -> str:
        return f"node {self.id} after round {self.round}: highest {self.highest}"


class YourFlood(FloodMax):
    """One node; `owners` names the node of each number, for the trace."""

    durable: ClassVar[tuple[str, ...]] = (*FloodMax.durable, "kept")

    def __init__(
        self, id: int, neighbours: tuple[str, ...], bound: int, length: int, function: Function, owners: dict[int, str]
    ) -> None:
        super().__init__(id, neighbours, bound, length)
        self.kept: Any = None
        self._function = function
        self._owners = owners

    def on_start(self, ctx: Ctx) -> None:
        if self.state != "undecided":
            return
        if self.done:  # after a crash: it goes on where it was, late
            self.await_end(ctx)
        else:
            self.act([], ctx)

    def end_round(self, letters: tuple[tuple[str, Any], ...], ctx: Ctx) -> None:
        self.done += 1
        self.act([msg.id for _, msg in sorted(letters, key=lambda letter: letter[0])], ctx)

    def act(self, heard: list[int], ctx: Ctx) -> None:
        """Ask the function, and do what it wants."""
        state = State(self.id, self.stop, self.done, self.highest, _copied(self.kept))
        outcome = self._function(state, heard, expect=lambda value: _wrong(value, state))
        for kind, data in events(outcome):
            ctx.emit(kind, **data)
        if outcome.mistake is not None:
            ctx.note(f"{ctx.me} stands still: {outcome.mistake.sentence}")
            return
        self.highest, self.kept = state.highest, state.kept
        ctx.gauge("highest", self.highest)
        if outcome.value is not None:
            for neighbour in self.neighbours:
                ctx.send(neighbour, Said(self.done + 1, outcome.value))
        if state.stopped:
            self.end(state.leader, ctx)
        else:
            self.await_end(ctx)

    def end(self, leader: int, ctx: Ctx) -> None:
        """The function is through: `leader` is the number that it takes for the leader's."""
        self.leader = self.owner = self._owners.get(leader, f"no node ({leader})")
        self.highest = leader
        self.state = "leader" if leader == self.id else "follower"
        ctx.note(f"{ctx.me} stops after round {self.done}: {self.leader} leads")
        if leader == self.id:
            ctx.emit("leader", term=1, id=self.id, round=self.done)
        ctx.emit("elected", id=leader, leader=self.leader, round=self.done)


def nodes(setup: Setup, seed: int) -> dict[str, Callable[[], YourFlood]]:
    """As many nodes as the seed draws, `setup.nodes` at most."""
    rng = Rng.derive(seed, "your graph")
    count = rng.randint(min(_FEWEST, setup.nodes), setup.nodes)
    mine = replace(setup, nodes=count)
    if setup.topology == "random":
        drawn = rng.choice(("random", "random", "random", "line", "ring", "longest"))
        longest = replace(setup, topology="line", ids="highest-first")
        mine = longest if drawn == "longest" else replace(mine, topology=drawn)
    links, length, numbers = graph(mine, seed), round_us(setup), idents(mine, seed)
    owners = dict(zip(numbers, names(mine.nodes), strict=True))
    function = ROUND.function(setup.code)
    return {
        node: partial(YourFlood, number, links[node], setup.nodes, length, function, owners)
        for number, node in owners.items()
    }


def _stops(trace: Trace) -> Verdict:
    """Every node has stopped by itself."""
    began = {step.node for step in trace if step.kind == "start" and step.node}
    over = {step.node: step.seq for step in trace for effect in step.effects if effect.kind == "elected"}
    left = sorted(began - set(over), key=lambda name: (len(name), name))
    if left or not began:
        words = ", ".join(left[:5]) + (f" and {len(left) - 5} more" if len(left) > 5 else "")
        return Verdict(False, f"{words or 'nobody'} did not stop", trace[-1].seq if len(trace) else None)
    return Verdict(True, f"all {len(began)} nodes stopped by themselves", max(over.values()))


STOPS = Check("stops", "Every node stops by itself", _stops, "After a decision, in algorithms that end.")


# -- what the function may leave behind ----------------------------------------------------------------------------


def _wrong(value: Any, state: State) -> str:
    if value is not None and type(value) is not int:
        return f"must return a whole number or None; it returned {value!r:.60}."
    if type(state.highest) is not int:
        return f"must leave a whole number in state.highest; it left {state.highest!r:.60}."
    if not isinstance(state.stopped, bool):
        return f"must leave True or False in state.stopped; it left {state.stopped!r:.60}."
    if state.stopped and type(state.leader) is not int:
        return f"stopped without a leader: state.leader is {state.leader!r:.60}, and must be a number."
    try:
        _copied(state.kept)
    except TypeError as error:
        return f"must keep plain values in state.kept; {error}."
    return ""


def _copied(value: Any, depth: int = 0) -> Any:
    """A copy of plain values: what the function keeps is its node's alone.  Raises `TypeError`."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if depth > _DEEPEST:
        raise TypeError("it is nested too deeply")
    if type(value) in (list, tuple, set, frozenset):
        items = [_copied(item, depth + 1) for item in value]
        return type(value)(items)
    if type(value) is dict:
        return {_copied(key, depth + 1): _copied(item, depth + 1) for key, item in value.items()}
    raise TypeError(f"found a {type(value).__name__}")
