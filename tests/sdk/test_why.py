"""Why an event did what it did: its guards, watched on a copy."""

from __future__ import annotations

import sys
from typing import Any, ClassVar

from prayog_sdk.guards import MOST
from prayog_sdk.why import Why, again
from prayog_sim.clock import ms
from prayog_sim.node import Ctx, Node
from prayog_sim.run import Action
from prayog_sim.table import Row, Table
from prayog_sim.world import World

PHONE = Table(
    "idle",
    (
        Row("idle", "ring", "talking", when="in_a_good_mood", why="picks up"),
        Row("idle", "ring", "idle", why="lets it ring"),
        Row("talking", "ring", "talking", why="busy"),
    ),
)


class Phone(Node):
    durable = ("state",)
    actions: ClassVar = ("dial",)

    def __init__(self) -> None:
        self.state = PHONE.start
        self.calls = 0
        self.variant = ""

    def on_start(self, ctx: Ctx) -> None:
        if ctx.me == "n1":
            ctx.set_timer("dial", ms(5))

    def on_timer(self, name: str, ctx: Ctx) -> None:
        for peer in ctx.peers:
            ctx.send(peer, "ring")

    def on_message(self, src: str, msg: str, ctx: Ctx) -> None:
        """Somebody calls."""
        self.calls += 1
        if self.calls > 1 and self.variant != "patient":
            ctx.note("again?")
        elif (
            src == "n1"
            and self.calls == 1
        ):  # fmt: skip
            self.count_up(ctx)
        PHONE.fire(self, msg, ctx)

    def count_up(self, ctx: Ctx) -> None:
        """Count (rule 7 of the phone book)."""
        for _ in range(3):
            if self.busy:
                ctx.note("busy")

    def in_a_good_mood(self, ctx: Ctx) -> bool:
        """On even calls."""
        return self.calls % 2 == 0

    @property
    def busy(self) -> bool:
        return self.state == "talking"

    def on_action(self, name: str, args: Any, ctx: Ctx) -> None:
        if args.get("times") == 2:
            self.on_timer("dial", ctx)
        if not self.calls:
            self.on_timer("dial", ctx)


def run() -> World:
    world = World({"n1": Phone, "n2": Phone}, seed=1)
    world.run(until_us=ms(10_000))
    world.do(Action("dial", {"node": "n1"}))
    world.run()
    return world


def why(world: World, kind: str, number: int = 0) -> Why:
    steps = [step for step in world.trace if step.kind == kind]
    return again(world, steps[number].seq).explain()


def test_each_condition_has_its_verdict_its_values_and_its_place() -> None:
    world = run()
    found = why(world, "deliver")
    assert found.handler == "Phone.on_message"
    said = [(guard.method, guard.text, guard.held, guard.times) for guard in found.guards]
    assert said == [
        ("on_message", "n2.calls > 1", False, 1),
        ("on_message", "src == 'n1' and n2.calls == 1", True, 1),
        ("count_up", "n2.busy", False, 3),
        ("", "idle + ring → talking", False, 1),
        ("", "idle + ring → idle", True, 1),
    ]
    assert dict(found.guards[1].values) == {"src": "n1", "n2.calls": "1"}
    assert found.guards[2].rule == "Count (rule 7 of the phone book)."
    assert found.guards[3].rule == "picks up; only when “in a good mood”: On even calls."
    assert found.guards[0].where.startswith("test_why.py:")
    assert not found.more


def test_what_is_not_taken_the_second_time_says_why_not() -> None:
    second = why(run(), "deliver", 1)
    assert [(guard.text, guard.held) for guard in second.guards] == [
        ("n2.calls > 1", True),
        ("idle + ring → talking", True),
    ]


def test_the_switch_of_a_broken_variant_is_never_told() -> None:
    told = str(why(run(), "deliver", 1).guards)
    assert "variant" not in told
    assert "patient" not in told


def test_an_action_is_explained_too_and_a_fault_has_nothing_to_decide() -> None:
    world = run()
    world.do(Action("dial", {"node": "n1", "times": 2}))
    tried = [(guard.text, guard.held) for guard in why(world, "action", 1).guards]
    assert tried == [("args.get('times') == 2", True), ("not n1.calls", True)]
    world.do(Action("crash", {"node": "n2"}))
    assert why(world, "crash") == Why("", (), more=False)


def test_the_run_and_the_debugger_are_left_as_they_were() -> None:
    world = run()
    before, length = world.trace.hash(), len(world.trace)
    watching = sys.gettrace()
    why(world, "deliver")
    assert sys.gettrace() is watching
    assert (world.trace.hash(), len(world.trace)) == (before, length)
    world.do(Action("dial", {"node": "n1"}))
    assert len(world.trace) == length + 1


class Chatty(Node):
    def __init__(self) -> None:
        self.n = 0

    def on_start(self, ctx: Ctx) -> None:
        while self.n < 10 * MOST:
            self.n += 1


def test_a_long_story_is_cut_and_says_so() -> None:
    found = why(_started(Chatty), "start")
    assert found.more
    assert len(found.guards) == MOST


class Broken(Node):
    def on_start(self, ctx: Ctx) -> None:
        if ctx.me:
            raise RuntimeError("no")


def test_a_handler_that_raises_is_explained_up_to_there() -> None:
    world = _started(Broken)
    found = why(world, world.trace[0].kind)
    assert [(guard.text, guard.held) for guard in found.guards] == [("ctx.me", True)]


def _started(kind: type[Node]) -> World:
    world = World({"n1": kind}, seed=1)
    world.run(max_steps=5)
    return world


class Asker(Node):
    """Its handler closes over its own argument."""

    def on_start(self, ctx: Ctx) -> None:
        ctx.set_timer("ask", ms(1))

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if any(len(name) > least for least in (9, 2)) and all(word == name for word in [name]):
            ctx.note("asked")


def test_a_handler_that_closes_over_its_argument_ends_and_is_told() -> None:
    world = World({"n1": Asker}, seed=1)
    world.run()
    why = again(world, 1).explain()
    assert why.handler == "Asker.on_timer"
    assert [guard.held for guard in why.guards] == [True]
