"""Nodes in all orders of events: what the bounds allow, and a `World` does nothing that was not explored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from prayog_sim.clock import ms
from prayog_sim.explorer import Bounds, Explorer, Memory, Property, Refused, Snapshot, System, walk
from prayog_sim.explorer.actors import UP
from prayog_sim.explorer.frozen import freeze_fields
from prayog_sim.node import Ctx, Node
from prayog_sim.run import Action
from prayog_sim.world import Invariant, World
from sim.explorer import protocols


def say(node: str, word: str) -> Action:
    return Action("say", {"node": node, "word": word})


def heard(bounds: Bounds) -> set[tuple[str, ...]]:
    """What b can have heard of a, in all final states and on the way."""
    explorer = Explorer(System({"a": protocols.Asker, "b": protocols.Asker}, bounds))
    assert explorer.run().progress.stopped == "complete"
    return {tuple(explorer.model.snapshot(state).nodes["b"].heard) for state in explorer.states}  # type: ignore[attr-defined]


XY = (say("a", "x"), say("a", "y"))
ONE = {(), ("x",)}
BOTH = {(), ("x",), ("y",), ("x", "y"), ("y", "x")}


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        (Bounds(actions=(say("a", "x"),)), ONE),
        (Bounds(actions=(say("a", "x"),), drops=1), ONE),
        (Bounds(actions=(say("a", "x"),), duplicates=1), ONE | {("x", "x")}),
        (Bounds(actions=(say("a", "x"),), duplicates=2, drops=1), ONE | {("x",) * 2, ("x",) * 3}),
        (Bounds(actions=XY), BOTH),
        (Bounds(actions=XY, messages=1), BOTH),
        (Bounds(actions=XY, messages=0), {()}),
    ],
)
def test_messages_are_delivered_lost_and_doubled_as_the_bounds_allow(
    bounds: Bounds, expected: set[tuple[str, ...]]
) -> None:
    assert heard(bounds) == expected


class Burst(Node):
    """n1 sends 1, 2, 3 to n2."""

    def __init__(self) -> None:
        self.heard: tuple[int, ...] = ()

    def on_start(self, ctx: Ctx) -> None:
        for number in (1, 2, 3):
            if ctx.me == "n1":
                ctx.send("n2", number)

    def on_message(self, src: str, msg: int, ctx: Ctx) -> None:
        self.heard = (*self.heard, msg)


@pytest.mark.parametrize(
    ("network", "drops", "orders"),
    [("ordered", 0, 1), ("ordered", 1, 4), ("unordered", 0, 6), ("unordered", 3, 6 + 6 + 3 + 1)],
)
def test_an_ordered_link_keeps_the_order(network: Any, drops: int, orders: int) -> None:
    explorer = Explorer(System(dict.fromkeys(("n1", "n2"), Burst), Bounds(network, drops=drops)))
    explorer.run()
    ends = {
        explorer.model.snapshot(state).nodes["n2"].heard  # type: ignore[attr-defined]
        for state in explorer.states
        if not state[1]
    }
    assert len(ends) == orders


class Keeps(Node):
    durable: ClassVar[tuple[str, ...]] = ("starts",)

    def __init__(self) -> None:
        self.starts = 0
        self.memory = "empty"

    def on_start(self, ctx: Ctx) -> None:
        self.starts += 1
        ctx.disk.append("log", b"s")
        if self.starts == 1:
            ctx.disk.fsync("log")
        ctx.set_timer("fill", ms(1))

    def on_timer(self, name: str, ctx: Ctx) -> None:
        self.memory = ctx.disk.read("log").decode()


def test_a_crash_keeps_what_is_durable_and_happens_as_often_as_allowed() -> None:
    explorer = Explorer(System({"n1": Keeps}, Bounds(crashes=2)))
    explorer.run()
    seen = {
        (s.status["n1"], s.nodes["n1"].starts, s.nodes["n1"].memory)
        for s in map(explorer.model.snapshot, explorer.states)
    }  # type: ignore[attr-defined]
    assert seen == {
        *(("up", starts, "empty") for starts in (1, 2, 3)),
        *(("down", starts, "empty") for starts in (1, 2)),
        ("up", 1, "s"),
        ("up", 2, "ss"),  # what was not synced is read as well
        ("up", 3, "ss"),  # but a crash loses it
    }


@pytest.mark.parametrize(("timers", "most"), [(0, 0), (2, 2), (None, 4)])
def test_timers_fire_as_often_as_allowed(timers: int | None, most: int) -> None:
    class Ticks(Node):
        def __init__(self) -> None:
            self.count = 0

        def on_start(self, ctx: Ctx) -> None:
            ctx.set_timer("tick", ms(1))

        def on_timer(self, name: str, ctx: Ctx) -> None:
            self.count += 1
            ctx.set_timer("tick", ms(1))

    bounds = Bounds(timers=timers, within=lambda nodes: nodes["n1"].count <= 4)  # type: ignore[attr-defined]
    explorer = Explorer(System({"n1": Ticks}, bounds))
    assert explorer.run().progress.states == most + 1


def test_a_handler_that_raises_is_a_violation_with_its_reason() -> None:
    class Fragile(Node):
        def on_start(self, ctx: Ctx) -> None:
            ctx.set_timer("slip", ms(1))

        def on_timer(self, name: str, ctx: Ctx) -> None:
            raise KeyError("term")

    report = Explorer(System({"n1": Fragile})).run()
    assert report["no handler fails"].sentence == "no handler fails: violated after 1 choices: n1: KeyError: 'term'."


def test_what_happened_before_can_be_remembered_beside_the_nodes() -> None:
    def led(past: frozenset[tuple[int, str]], node: str, kind: str, data: Mapping[str, Any]) -> frozenset[Any]:
        return past | {(data["term"], node)} if kind == "leader" else past

    # A leader that crashed is forgotten by its node, not by the past.
    elected_once: Property[Snapshot] = Property(
        "always", "one was elected", lambda seen: len({term for term, _ in seen.past}) == len(seen.past)
    )
    bounds = Bounds(crashes=1, within=protocols.terms(1))
    system = System(
        protocols.voters(3, forgets=True), bounds, [protocols.ONE_LEADER], [elected_once], Memory(frozenset(), led)
    )
    report = Explorer(system, keep_going=True).run()
    verdict = report["one was elected"]
    assert verdict.outcome == "fails"
    assert verdict.path is not None
    last = system.snapshot(walk(system, verdict.path)[-1])
    assert len(last.past) == 2


def test_a_broken_invariant_is_a_violation() -> None:
    report = Explorer(System(protocols.voters(2), Bounds(), [Invariant("odd", lambda nodes: 1 / 0)])).run()  # type: ignore[arg-type,return-value]
    assert "could not be tested: ZeroDivisionError" in report["odd"].sentence


# -- randomness and clocks -------------------------------------------------------------------------------------


class Draws(Node):
    def __init__(self, way: str) -> None:
        self.way = way
        self.got: Any = None

    def on_start(self, ctx: Ctx) -> None:
        match self.way:
            case "coin":
                self.got = ctx.rng.randint(0, 1)
            case "peer":
                self.got = ctx.rng.sample(["x", "y", "z"], 2)
            case "twice":
                self.got = ctx.rng.choice("ab") + ctx.rng.choice("abc")
            case "timer":
                ctx.set_timer("t", ms(ctx.rng.randint(150, 300)))
            case "exponential":
                ctx.set_timer("t", int(ctx.rng.expovariate(0.001)))
            case "wide":
                self.got = ctx.rng.randint(0, 1_000)
            case "real":
                self.got = ctx.rng.random()
            case "until":
                while ctx.rng.choice("ab") == "a":
                    pass
            case "clock":
                self.got = ctx.now
            case "note":
                ctx.note(f"it is {ctx.now}")


@pytest.mark.parametrize(
    ("way", "starts"), [("coin", 2), ("peer", 6), ("twice", 6), ("timer", 1), ("exponential", 1), ("note", 1)]
)
def test_a_draw_is_a_choice_where_it_matters(way: str, starts: int) -> None:
    assert len(System({"n1": lambda: Draws(way)}).initial()) == starts


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("wide", "n1, on_start: a draw from more than 8 numbers changes more than how long a timer runs"),
        ("real", "n1, on_start: a draw from more than 8 numbers"),
        ("until", "n1, on_start: a handler drew more than 1,000 times"),
        ("clock", "n1, on_start: what it does depends on ctx.now, and an exploration has no clock"),
    ],
)
def test_a_draw_or_a_clock_that_cannot_be_explored_is_refused_in_a_sentence(way: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        System({"n1": lambda: Draws(way)}).initial()


# -- against the world -----------------------------------------------------------------------------------------


def test_a_world_does_nothing_that_was_not_explored() -> None:
    explorer = Explorer(System(protocols.voters(3), Bounds(within=protocols.terms(2), crashes=1)))
    explorer.run()
    locals_ = explorer.model.actors.locals
    known = {
        tuple(
            (locals_[i].status == UP, locals_[i].fields, tuple(name for name, _ in locals_[i].timers)) for i in state[0]
        )
        for state in explorer.states
    }
    seen = set()
    for seed in range(60):
        world = World(protocols.voters(3), seed, strict=True)
        for _ in range(3):
            world.step()
        for moment in range(40):
            nodes = world.view().nodes
            if any(node.durable["term"] > 2 for node in nodes.values()):
                break
            now = tuple(
                (
                    node.status == "up",
                    freeze_fields({**node.durable, **node.volatile}, name),
                    tuple(t for t, _, _ in node.timers),
                )
                for name, node in nodes.items()
            )
            assert now in known
            seen.add(now)
            if moment == seed % 20:
                world.do(Action("crash", {"node": f"n{seed % 3 + 1}"}))
            elif moment == seed % 20 + 3:
                world.do(Action("restart", {"node": f"n{seed % 3 + 1}"}))
            elif world.step() is None:
                break
    assert len(seen) > 100
