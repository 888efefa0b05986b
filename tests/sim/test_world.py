"""Time, order, crashes, pauses, clocks, errors: what a `World` promises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from prayog_sim.clock import ms
from prayog_sim.faults import BUILTIN_ACTIONS, fault
from prayog_sim.lines import line
from prayog_sim.network import Fixed, Link, Network
from prayog_sim.node import Ctx, Node
from prayog_sim.run import Action, ActionError, Run
from prayog_sim.world import Invariant, World

FIXED = Network(Link(Fixed(1_000)))


class Counter(Node):
    """Counts what it gets, half of it durably, and answers a ping."""

    durable = ("stored",)
    actions = ("ping", "refuse")

    def __init__(self) -> None:
        self.stored: list[str] = []
        self.seen: list[str] = []

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        self.stored.append(msg)
        self.seen.append(f"{msg}@{ctx.now}")
        if msg == "ping":
            ctx.send(src, "pong")

    def on_timer(self, name: str, ctx: Ctx) -> None:
        self.seen.append(f"{name}@{ctx.now}")

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        self.seen.append(name)
        if name == "refuse":
            raise ActionError("I would rather not")
        ctx.send(args["to"], "ping")


def world(*names: str, **more: Any) -> World:
    more = {"network": FIXED, "strict": True, **more}
    return World(dict.fromkeys(names or ("n1", "n2"), Counter), **more)


def do(run: World, name: str, at: int | None = None, **args: Any) -> Any:
    return run.do(Action(name, args), at)


def told(run: World) -> list[str]:
    return [line(step) for step in run.trace if step.kind != "start"]


def test_a_world_is_a_run_and_its_messages_take_time() -> None:
    run = world()
    assert isinstance(run, Run)
    run.run()
    do(run, "ping", node="n1", to="n2")
    assert run.next_at == 1_000
    assert [flight.arrives_at for flight in run.view().flights] == [1_000]
    run.run()
    assert told(run) == ["n1 action ping to=n2", "n1 → n2 ping", "n2 → n1 pong"]
    assert [step.at for step in run.trace][-2:] == [1_000, 2_000]
    assert [step.cause for step in run.trace][-2:] == [2, 3]
    assert not run.busy
    assert run.step() is None


def test_events_of_one_microsecond_happen_in_the_order_of_their_cause() -> None:
    class Burst(Counter):
        def on_start(self, ctx: Ctx) -> None:
            if ctx.me == "n1":
                for text in "abc":
                    ctx.send("n2", text)
                ctx.set_timer("t", 1_000)

    run = World({"n1": Burst, "n2": Burst}, network=FIXED, strict=True)
    run.run()
    assert told(run) == ["n1 → n2 a", "n1 → n2 b", "n1 → n2 c", "n1 timer t"]


def test_a_crash_empties_the_volatile_half_and_a_restart_gives_back_the_durable_one() -> None:
    run = world()
    do(run, "ping", node="n1", to="n2")
    run.run()
    do(run, "crash", node="n2")
    view = run.view().nodes["n2"]
    assert (view.status, view.durable, view.volatile) == ("down", {"stored": ["ping"]}, {"seen": []})
    do(run, "ping", node="n1", to="n2")
    run.run()
    assert line(run.trace[-1]) == "n1 ✕ n2 ping (n2 is down)"
    do(run, "restart", node="n2")
    do(run, "ping", node="n1", to="n2")
    run.run()
    assert run.view().nodes["n2"].durable == {"stored": ["ping", "ping"]}
    with pytest.raises(ActionError, match="n2 is up; only a crashed node"):
        do(run, "restart", node="n2")


def test_messages_on_their_way_to_a_crashed_node_are_kept_or_dropped() -> None:
    for in_flight, expected in (("keep", ["ping"]), ("drop", [])):
        run = world()
        run.run()
        do(run, "ping", node="n1", to="n2")
        crash = do(run, "crash", node="n2", in_flight=in_flight)
        assert len(crash.effects) == (in_flight == "drop")
        do(run, "restart", node="n2")
        run.run()
        assert run.view().nodes["n2"].durable["stored"] == expected


def test_a_timer_is_volatile_and_can_be_replaced_and_cancelled() -> None:
    class Alarm(Counter):
        def on_start(self, ctx: Ctx) -> None:
            for name, after in (("a", 10), ("b", 20), ("c", 30), ("a", 40)):
                ctx.set_timer(name, after)
            ctx.cancel_timer("b")

    run = World({"n1": Alarm}, strict=True)
    assert run.step() is not None
    assert run.view().nodes["n1"].timers == (("a", 0, 40), ("c", 0, 30))
    assert run.next_at == 30
    run.run()
    assert run.view().nodes["n1"].volatile["seen"] == ["c@30", "a@40"]
    run = World({"n1": Alarm}, strict=True)
    run.step()
    do(run, "crash", node="n1")
    assert run.next_at is None


def test_a_timer_can_be_let_fire_by_hand_and_then_not_once_more() -> None:
    class Waits(Counter):
        def on_start(self, ctx: Ctx) -> None:
            ctx.set_timer("tea", ms(100))

    run = World({"n1": Waits}, strict=True)
    run.step()
    with pytest.raises(ActionError, match="n1 has no running timer 'coffee'; running: tea"):
        do(run, "fire", node="n1", timer="coffee")
    assert line(do(run, "fire", at=ms(30), node="n1", timer="tea")) == "n1 timer tea"
    assert run.view().nodes["n1"].volatile["seen"] == ["tea@30000"]
    assert not run.busy
    do(run, "crash", node="n1")
    with pytest.raises(ActionError, match="n1 is down, so no timer of it can fire"):
        do(run, "fire", node="n1", timer="tea")
    assert run.fork().trace.hash() == run.trace.hash()


def test_what_comes_due_during_a_pause_happens_afterwards_in_order() -> None:
    run = world()
    run.run()
    do(run, "pause", node="n2")
    do(run, "ping", node="n1", to="n2")
    do(run, "ping", node="n1", to="n2", at=500)
    assert run.next_at is None
    assert len(run.view().flights) == 2
    with pytest.raises(ActionError, match="paused"):
        do(run, "deliver", ident=run.view().flights[0].ident)
    run.run(until_us=1_200)
    do(run, "resume", node="n2")
    run.run()
    arrived = [(step.at, step.data["ident"]) for step in run.trace if step.node == "n2" and step.kind == "deliver"]
    assert [at for at, _ in arrived] == [1_200, 1_500]  # one came due in the pause, one is still on its way
    assert arrived == sorted(arrived)
    assert run.now == 2_500


def test_what_waits_for_a_paused_node_keeps_the_order_of_arrival() -> None:
    run = world()
    run.run()
    do(run, "pause", node="n2")
    for _ in range(3):
        do(run, "ping", node="n1", to="n2")
    first, second, third = (flight.ident for flight in run.view().flights)
    do(run, "delay", ident=first, by="2ms")
    do(run, "delay", ident=second, by="1ms")
    run.run(until_us=10_000)
    do(run, "resume", node="n2")
    run.run()
    arrived = [step.data["ident"] for step in run.trace if step.node == "n2" and step.kind == "deliver"]
    assert arrived == [third, second, first]


def test_a_wrong_clock_shifts_what_the_node_sees_and_how_long_its_timers_take() -> None:
    class Clocked(Counter):
        def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
            super().on_message(src, msg, ctx)
            ctx.set_timer("t", 1_000)

    run = World({"n1": Clocked, "n2": Clocked}, network=FIXED, strict=True)
    run.run()
    do(run, "skew", node="n2", offset="5ms", rate=0.25)
    do(run, "ping", node="n1", to="n2")
    run.run()
    assert run.view().nodes["n2"].volatile["seen"] == ["ping@6250", "t@7250"]  # 1,000 true + 250 gained + 5,000
    assert [step.at for step in run.trace if step.kind == "timer" and step.node == "n2"] == [1_800]


def test_a_handler_that_raises_crashes_its_node_and_says_where() -> None:
    class Bad(Counter):
        def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
            ctx.send(src, "this must not leave")
            raise KeyError("term")

    run = World({"n1": Counter, "n2": Bad}, network=FIXED)
    do(run, "ping", node="n1", to="n2")
    run.run()
    step = run.trace[-1]
    assert step.kind == "error"
    assert step.data["sentence"].startswith("n2 crashed in test_world.py, line ")
    assert step.data["sentence"].endswith("at this deliver: KeyError: 'term'")
    assert step.data["file"] == "test_world.py"
    assert run.view().nodes["n2"].status == "down"
    assert run.view().flights == ()
    strict = World({"n1": Counter, "n2": Bad}, network=FIXED, strict=True)
    do(strict, "ping", node="n1", to="n2")
    with pytest.raises(KeyError):
        strict.run()


def test_messages_after_an_error_have_numbers_of_their_own() -> None:
    class Fuse(Counter):
        def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
            super().on_message(src, "ping", ctx)
            if len(self.seen) == 5:
                raise RuntimeError("enough")

    run = World(dict.fromkeys(("n1", "n2", "n3", "n4"), Fuse), network=FIXED)
    run.run()
    for src, dst in (("n1", "n2"), ("n3", "n4"), ("n4", "n3")):
        do(run, "ping", node=src, to=dst)
    run.run(max_steps=100)
    idents = [effect.data["ident"] for step in run.trace for effect in step.effects if effect.kind == "send"]
    assert len([step for step in run.trace if step.kind == "error"]) > 1
    assert len(set(idents)) == len(idents) > 10


def test_a_message_that_can_change_is_an_error_at_its_sender() -> None:
    class Careless(Node):
        def on_start(self, ctx: Ctx) -> None:
            ctx.send("n2", {"term": 1})

    run = World({"n1": Careless, "n2": Node})
    run.run()
    assert "TypeError: a message holds a dict, which can change" in run.trace[0].data["sentence"]


def test_a_message_to_nobody_is_an_error_at_its_sender() -> None:
    class Typo(Node):
        def on_start(self, ctx: Ctx) -> None:
            ctx.send("n22", "hello")

    run = World({"n1": Typo, "n2": Node})
    run.run()
    assert "'n22', which is not a node; the nodes are n1, n2" in run.trace[0].data["sentence"]


@pytest.mark.parametrize("way", ["timer", "link"])
def test_a_loop_without_time_is_stopped_with_a_sentence(way: str) -> None:
    class Mad(Node):
        def on_start(self, ctx: Ctx) -> None:
            self.again(ctx)

        def on_timer(self, name: str, ctx: Ctx) -> None:
            self.again(ctx)

        def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
            self.again(ctx)

        def again(self, ctx: Ctx) -> None:
            if way == "timer":
                ctx.set_timer("t", 0)
            else:
                ctx.send(ctx.peers[0], "again")

    run = World({"n1": Mad, "n2": Mad}, network=Network(Link(Fixed(0))), strict=True)
    assert run.run(max_steps=50_000) < 12_000
    assert run.trace[-1].kind == "halted"
    assert "time does not go on" in run.trace[-1].data["sentence"]
    assert (run.busy, run.next_at, run.step()) == (False, None, None)
    assert run.view(9_000).nodes["n1"].status == "up"  # the past of such a run can be seen as well
    do(run, "crash", node="n1")
    do(run, "crash", node="n2")
    assert run.run() <= 2


def test_actions_keep_to_the_time_between_the_last_step_and_the_next() -> None:
    run = world()
    run.run()
    do(run, "ping", node="n1", to="n2")
    with pytest.raises(ActionError, match="cannot wait until"):
        do(run, "ping", 1_500, node="n1", to="n2")
    assert do(run, "ping", 700, node="n1", to="n2").at == 700
    with pytest.raises(ActionError, match="cannot happen at 600 µs: it is 700 µs already"):
        do(run, "ping", 600, node="n1", to="n2")
    assert [(timed.after, timed.at) for timed in run.actions] == [(2, 0), (3, 700)]


def test_a_refused_action_leaves_the_run_as_it_was() -> None:
    run = world()
    run.run()
    before = (run.view(), run.trace.hash(), list(run.actions))
    for name, args, sentence in (
        ("refuse", {"node": "n1"}, "I would rather not"),
        ("fly", {"node": "n1"}, "n1 does not know 'fly'; the actions are crash, restart"),
        ("fly", {}, "needs node=, one of n1, n2"),
        ("ping", {"node": "n9"}, "found no node 'n9'; the actions of this world are crash"),
        ("crash", {}, "node must be one of n1, n2; found nothing"),
        ("crash", {"node": "n1", "in_flight": "maybe"}, "in_flight must be keep or drop"),
        ("crash", {"node": "n1", "hard": True}, "crash does not take 'hard'; it takes node, in_flight"),
        ("partition", {"groups": "n1,n2"}, "leaves all nodes in one group"),
        ("partition", {"groups": "n1|n3"}, "found no node 'n3'"),
        ("partition", {"groups": "n1|n1,n2"}, "found n1 twice"),
        ("cut", {"src": "n1", "dst": "n1"}, "needs two nodes"),
        ("link", {"src": "n1", "dst": "n2"}, "needs something to change"),
        ("link", {"src": "n1", "dst": "n2", "loss": 2}, "loss must be from 0 to 1, not 2"),
        ("link", {"src": "*", "dst": "n2", "latency": "soon"}, "'soon' is not a duration"),
        ("skew", {"node": "n1", "offset": "5"}, "offset: '5' is not a duration"),
        ("drop", {"ident": 99}, "message 99 is not on its way"),
        ("drop", {"ident": "x"}, "ident must be the number of a message"),
        ("resume", {"node": "n1"}, "only a paused node can resume"),
    ):
        with pytest.raises(ActionError, match=sentence.replace("(", r"\(")):
            do(run, name, **args)
    run._shown = None  # look at the nodes themselves, not at the picture of them
    assert (run.view(), run.trace.hash(), list(run.actions)) == before


def test_every_builtin_action_says_what_it_does() -> None:
    assert len({info.name for info in BUILTIN_ACTIONS}) == len(BUILTIN_ACTIONS) == 16
    for info in BUILTIN_ACTIONS:
        assert info.title
        assert info.help.endswith(".")


def test_a_scheduled_fault_that_cannot_be_done_says_so() -> None:
    run = world(schedule=[fault(ms(1), "crash", node="n1"), fault(ms(2), "crash", node="n1")])
    run.run()
    assert told(run) == ["n1 crash", "fault crash: n1 is down already (refused=yes)"]
    assert [step.data["by"] for step in run.trace if "by" in step.data] == ["schedule", "schedule"]


def test_an_invariant_is_told_once_after_the_step_that_broke_it() -> None:
    def few(nodes: Mapping[str, Node]) -> str | None:
        sizes = {name: len(node.stored) for name, node in nodes.items() if isinstance(node, Counter)}
        return next((f"{name} stored {size}" for name, size in sizes.items() if size > 1), None)

    for stop in (False, True):
        run = world(invariants=[Invariant("few", few)], stop_at_violation=stop)
        for _ in range(3):
            do(run, "ping", node="n1", to="n2")
        run.run()
        seen = [step for step in run.trace if step.kind == "violation"]
        assert [(step.data["invariant"], step.data["sentence"]) for step in seen] == [("few", "n2 stored 2")]
        assert run.trace[seen[0].cause].node == "n2"
        assert seen[0].cause == seen[0].seq - 1
        assert not run.busy
        assert bool(run.view().flights) is stop


def test_one_message_can_be_dropped_delivered_delayed_and_doubled_by_hand() -> None:
    run = world()
    run.run()
    for _ in range(4):
        do(run, "ping", node="n1", to="n2")
    first, second, third, fourth = (flight.ident for flight in run.view().flights)
    assert do(run, "drop", ident=first).effects[0].data["why"] == "dropped"
    step = do(run, "deliver", ident=second, at=300)
    assert (step.kind, step.node, step.at, step.data["by"]) == ("deliver", "n2", 300, "hand")
    do(run, "delay", ident=third, by="5ms")
    do(run, "duplicate", ident=fourth)
    arrivals = [(f.arrives_at, f.label) for f in run.view().flights if f.dst == "n2"]
    assert arrivals == [(1_000, "ping"), (1_000, "ping"), (6_000, "ping")]
    do(run, "delay", ident=third, by="-5500us")
    assert [f.arrives_at for f in run.view().flights if f.ident == third] == [500]
    do(run, "delay", ident=third, by="-1s")
    assert [f.arrives_at for f in run.view().flights if f.ident == third] == [300]  # not before now
    run.run()
    assert len(run.view().nodes["n2"].volatile["seen"]) == 4


def test_a_node_can_be_tried_without_a_world() -> None:
    from plugins.smallest.prayog_smallest.engine import Gossiper

    ctx = Ctx("n1", peers=("n2",))
    node = Gossiper(knows=True, rounds=2, every_us=10)
    node.on_timer("gossip", ctx)
    assert ctx.effects == [("send", "n2", "rumour"), ("timer", "gossip", 10)]
