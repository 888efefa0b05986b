"""A clock as a choice, pauses and torn writes: what they let happen, and what they do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import pytest

from prayog_sim.clock import ms
from prayog_sim.explorer import Bounds, Choice, Clock, Explorer, Path, Refused, System, replay, view, walk
from prayog_sim.explorer.frozen import freeze_fields
from prayog_sim.network import Link, Network
from prayog_sim.node import Ctx, Node
from prayog_sim.world import Invariant, World
from sim.explorer.test_offers import told


class Holder(Node):
    """Holds a lease for 100 ms from each answer; the other one may take over 150 ms after it was asked last."""

    def __init__(self, holds: bool) -> None:
        self.holds = holds
        self.until = 0

    def on_start(self, ctx: Ctx) -> None:
        if self.holds:
            self.renew(ctx)
            ctx.set_timer("ask", ms(50))
        else:
            ctx.set_timer("take", ms(150))

    def renew(self, ctx: Ctx) -> None:
        self.until = ctx.now + ms(100)
        ctx.set_timer("lapse", ms(100))

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if name == "ask" and self.holds:
            ctx.send(ctx.peers[0], ("may I", ctx.now))
            ctx.set_timer("ask", ms(50))
        elif name == "lapse":
            self.holds = self.until > ctx.now
        elif name == "take":
            self.holds = True

    def on_message(self, src: str, msg: tuple[str, int], ctx: Ctx) -> None:
        word, since = msg
        if word == "may I" and not self.holds:
            ctx.set_timer("take", ms(150))
            ctx.send(src, ("you may", since))
        elif word == "you may" and self.holds and since + ms(100) > ctx.now:
            self.until = since + ms(100)
            ctx.set_timer("lapse", self.until - ctx.now)


def both(nodes: Mapping[str, Node]) -> str | None:
    return "both hold the lease" if all(node.holds for node in nodes.values()) else None  # type: ignore[attr-defined]


ONE = Invariant("one holds the lease", both)
LEASE = {"a": partial(Holder, True), "b": partial(Holder, False)}


def lease(**bounds: Any) -> System:
    return System(LEASE, Bounds(**{"clock": Clock(ms(50), ms(300)), **bounds}), [ONE])


def test_nodes_that_read_the_clock_need_one() -> None:
    with pytest.raises(Refused, match=r"a, on_start: what it does depends on ctx\.now"):
        System(LEASE, Bounds()).initial()


@pytest.mark.parametrize(("bounds", "outcome"), [({}, "holds"), ({"drops": 3}, "holds"), ({"pauses": 1}, "fails")])
def test_a_lease_holds_unless_its_holder_is_paused(bounds: dict[str, Any], outcome: str) -> None:
    system = lease(**bounds)
    report = Explorer(system).run()
    verdict = report[ONE.name]
    assert verdict.outcome == outcome
    if verdict.path is not None:
        world = replay(system, verdict.path)
        assert [step.kind for step in world.trace].count("pause") == 1
        assert world.trace[-1].data["sentence"] == "both hold the lease"
        assert world.now == system.interleaving.now(walk(system, verdict.path)[-1])


def test_timers_fire_when_they_are_due_and_before_anything_else() -> None:
    system = lease(pauses=1)
    assert told(system)["a timer ask"] == "cannot: it is due at 50 ms"
    assert told(system)["the clock goes on to 50 ms"] == "can"
    due = told(system, "the clock goes on to 50 ms")
    assert due["a timer ask"] == "can"
    assert due["a timer lapse"] == "cannot: it is due at 100 ms"
    assert [reason for words, reason in due.items() if "clock" in words] == ["cannot: a timer is due, and fires first"]
    steps = ("the clock goes on to 50 ms", "a timer ask")
    asked = told(system, *steps)
    assert asked["deliver a → b may I 50000"] == "can"
    assert asked["the clock goes on to 100 ms"] == "can"
    paused = told(system, *steps, "b pause")
    assert paused["deliver a → b may I 50000"] == "cannot: b is paused, and takes it when it resumes"
    assert paused["b resume"] == "can"
    assert paused["a pause"] == "cannot: the one pause of the bounds happened already"


def test_the_clock_waits_for_prompt_messages_and_stops_at_the_end() -> None:
    system = lease(clock=Clock(ms(50), ms(100), prompt=True))
    steps = ["the clock goes on to 50 ms", "a timer ask"]
    assert told(system, *steps)["the clock goes on"] == "cannot: messages are prompt here, and one is on its way"
    steps += ["deliver a → b may I 50000", "deliver b → a you may 50000", "the clock goes on to 100 ms"]
    steps += ["a timer ask", "deliver a → b may I 100000", "deliver b → a you may 100000"]
    assert told(system, *steps)["the clock goes on"] == "cannot: the bounds end at 100 ms"


def test_the_clock_does_not_jump_over_a_timer() -> None:
    system = lease(clock=Clock(ms(80), ms(300)))
    state, shown = system.initial()[0], []
    for kind in ("tick", "timer", "tick"):
        choice, state = next(step for step in system.steps(state) if step[0].kind == kind)
        shown.append(str(choice))
    assert shown == ["the clock goes on to 50 ms", "a timer ask", "the clock goes on to 100 ms"]
    assert view(system, state).at == ms(100)


@dataclass(frozen=True)
class Steps:
    """A moment, or that and one or two steps of 50 ms: at a time of the clock, timers come first."""

    def delays(self, words: Sequence[int]) -> list[int]:
        return [1 + ms(50) * (word * 3 >> 16) for word in words]


def test_a_world_with_such_delays_does_nothing_that_was_not_explored() -> None:
    explorer = Explorer(lease())
    explorer.run()
    records = explorer.model.actors.locals  # type: ignore[attr-defined]
    known = {tuple((records[i].fields, records[i].now) for i in state[0]) for state in explorer.states}
    seen = set()
    for seed in range(40):
        world = World(LEASE, seed, Network(Link(Steps())), strict=True)
        world.step()
        while world.step() and world.now <= ms(300):
            now = world.now // ms(50) * ms(50)
            nodes = world.view().nodes
            moment = tuple((freeze_fields(dict(node.volatile), name), now) for name, node in nodes.items())
            assert moment in known
            seen.add(moment)
    assert len(seen) > 10


# -- disks -----------------------------------------------------------------------------------------------------


class Writer(Node):
    """Writes ``abc`` behind ``xy`` without syncing it, and reads what there is when it comes back."""

    durable: ClassVar[tuple[str, ...]] = ("began",)

    def __init__(self) -> None:
        self.began = False
        self.found = ""

    def on_start(self, ctx: Ctx) -> None:
        if self.began:
            self.found = ctx.disk.read("log").decode()
            return
        self.began = True
        ctx.disk.append("log", b"xy")
        ctx.disk.fsync("log")
        ctx.disk.append("log", b"abc")


@pytest.mark.parametrize(
    ("bounds", "found"),
    [(Bounds(crashes=1), {"xy"}), (Bounds(torn=1), {"xy", "xya", "xyab", "xyabc"}), (Bounds(), set())],
)
def test_a_torn_write_leaves_any_part_of_what_was_not_synced(bounds: Bounds, found: set[str]) -> None:
    explorer = Explorer(System({"n1": Writer}, bounds))
    explorer.run()
    nodes = [explorer.model.snapshot(state).nodes["n1"] for state in explorer.states]  # type: ignore[attr-defined]
    assert {node.found for node in nodes} - {""} == found


def test_a_torn_write_is_replayed_as_it_was() -> None:
    system = System({"n1": Writer}, Bounds(torn=1))
    for draw in range(4):
        path = Path(0, (Choice("torn", "n1", draw=draw), Choice("restart", "n1")))
        world = replay(system, path)
        assert world.view().nodes["n1"].volatile["found"] == "xyabc"[: 2 + draw]
        assert [step.data["name"] for step in world.trace if step.kind == "fault"] == ["torn"]


def test_a_node_without_anything_to_tear_says_so() -> None:
    class Idle(Node):
        pass

    system = System({"n1": Idle}, Bounds(torn=1))
    assert told(system)["n1 crash in the middle of a write"] == "cannot: n1 has nothing that was not synced"
