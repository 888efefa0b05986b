"""The simulated world at its edges: handlers without end, disks that tear and spill, queues of different worth."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from prayog_queues.engine.definitions import topology_to_json
from prayog_queues.engine.port import Binding, Exchange, Queue, Topology
from prayog_queues.engine.setup import Setup
from prayog_queues.engine.world.broker_disk import READ_US
from prayog_queues.engine.world.build import QueueWorld, build
from prayog_queues.words import judged, told
from prayog_sdk.code.function import gate
from prayog_sdk.params import parse
from prayog_sim.run import Action
from prayog_sim.trace import Step

S = 1_000_000


def world(seed: int = 1, **knobs: Any) -> QueueWorld:
    made = build(parse(Setup, knobs), seed)
    made.run(until_us=60 * S, max_steps=20_000)
    broken = [step.data["sentence"] for step in made.trace if step.kind == "error"]
    assert not broken, broken[0]
    return made


@pytest.mark.parametrize("step", ["charge", "work", "ask", "record", "charge and record"])
def test_a_handler_that_takes_the_same_step_for_ever_is_put_aside(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    monkeypatch.setattr(gate, "is_open", True)
    code = f"def next_step(message, attempt, did, seen):\n    return {step!r}\n"
    run = world(handler="yours", code=code, messages=3, work_ms=0, dead_letters=True)
    assert judged(run.trace).finished
    assert [word.data["why"] for word in told(run.trace, "failed")] == ["its handler does not come to an end"] * 3
    assert sum(1 for _ in told(run.trace, "dead")) == 3


# -- disks ------------------------------------------------------------------------------------------------------


def test_what_was_spilled_takes_a_read_and_keeps_its_order() -> None:
    busy = {"messages": 60, "rate": 10_000, "work_ms": 0.1, "lease_ms": 0, "keys": 1}
    spilling, roomy = world(capacity=10, full="spill", **busy), world(capacity=0, **busy)
    arrived = [word.data["number"] for word in told(spilling.trace, "effect")]
    spilled = sum(1 for _ in told(spilling.trace, "spilled"))
    assert (arrived, spilled) == (list(range(1, 61)), 50)
    ends = [max(step.at for step in run.trace if any(e.kind == "effect" for e in step.effects))
            for run in (spilling, roomy)]  # fmt: skip
    assert ends[0] - ends[1] == spilled * READ_US
    assert judged(spilling.trace).clean


def test_a_consumer_that_dies_while_its_message_is_read_loses_nothing() -> None:
    run = build(parse(Setup, {"messages": 40, "rate": 10_000, "work_ms": 0.1, "prefetch": 20, "consumers": 2,
                              "capacity": 10, "full": "spill", "handler": "inbox", "restart_ms": 50}), 1)  # fmt: skip
    for _ in range(3):
        run.run(until=lambda step: any(e.kind == "effect" for e in step.effects))
        run.do(Action("kill", {"node": "w1"}))
        run.run(until_us=run.now + 60_000)
    run.run(until_us=60 * S)
    assert judged(run.trace).finished
    assert judged(run.trace).counts["lost"] == 0


def holds_seven(run: QueueWorld, step: Step) -> bool:
    return "orders: 7" in run.view().nodes["broker"].look.sentence


@pytest.mark.parametrize("crash", ["power_loss", "crash"])
def test_a_torn_write_loses_what_was_not_synced_and_only_that(crash: str) -> None:
    left = set()
    for seed in range(12):
        run = build(parse(Setup, {"messages": 30, "rate": 3_000, "work_ms": 500, "lease_ms": 0, "resend": 0}), seed)
        run.do(Action("torn", {"node": "broker"}))
        run.run(until=partial(holds_seven, run))
        sure = {word.data["message"] for word in told(run.trace, "confirmed")}
        had = {word.data["message"] for word in told(run.trace, "stored")}
        run.do(Action(crash, {"node": "broker"}))
        if crash == "crash":
            run.do(Action("restart", {"node": "broker"}))
        (cut,) = told(run.trace, "torn")
        lost = {word.data["message"] for word in told(run.trace, "dropped")}
        assert cut.data["message"] in lost
        assert not lost & sure, "what was confirmed was synced"
        left.add(len(had - lost - sure))
        run.run(until_us=60 * S, max_steps=20_000)
        assert judged(run.trace).counts["lost"] == 0
    assert len(left) > 1, "the disk got a part of it, another one each time"


def test_without_a_torn_write_a_crash_is_the_process_alone() -> None:
    run = build(parse(Setup, {"messages": 30, "rate": 3_000, "work_ms": 500, "lease_ms": 0, "resend": 0}), 1)
    run.run(until_us=4_000)
    run.do(Action("crash", {"node": "broker"}))
    run.do(Action("restart", {"node": "broker"}))
    assert not list(told(run.trace, "dropped"))


# -- what a confirmation is worth -----------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [("memory", "synced"), ("synced", "memory")])
def test_a_confirmation_waits_for_the_safest_copy_whichever_was_declared_first(order: tuple[Any, Any]) -> None:
    queues = tuple(Queue(name, durability=kept) for name, kept in zip("ab", order, strict=True))
    own = Topology(queues, (Exchange("x", "fanout"),), (Binding("x", "a"), Binding("x", "b")))
    run = build(parse(Setup, {"kind": "own", "topology": topology_to_json(own), "messages": 1, "consumers": 2}), 1)
    run.run(until=lambda step: any(e.kind == "confirmed" for e in step.effects))
    assert any(e.kind == "disk" for step in run.trace for e in step.effects), "it was synced first"


def test_producers_that_wait_for_a_full_log_wait_in_peace() -> None:
    run = world(kind="log", capacity=10, full="block", messages=20, lease_ms=0)
    assert len(run.trace) < 1_000, "only retention makes room in a log: nobody is told of some again and again"
    assert judged(world(kind="log", capacity=10, full="block", messages=40, ttl_ms=500).trace).finished
