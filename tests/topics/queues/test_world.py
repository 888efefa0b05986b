"""The simulated world: what a crash at each point does to each handler, faults of the kernel, tables, doors, tools."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

import prayog_queues
from prayog_queues.engine.handlers import HANDLERS, POINTS, STEPS
from prayog_queues.engine.presets import PRESETS, hints
from prayog_queues.engine.setup import BROKEN, Setup
from prayog_queues.engine.verdict import Verdict
from prayog_queues.engine.world.build import QueueWorld, build
from prayog_queues.measures import MEASURES
from prayog_queues.topic import prayog_broken
from prayog_queues.words import judged, told
from prayog_sdk.headless import run_scenario
from prayog_sdk.manifest import read_folder
from prayog_sdk.params import parse
from prayog_sdk.topic import Topic
from prayog_sim.run import Action, ActionError


@cache
def topic() -> Topic:
    return Topic.load(read_folder(Path(prayog_queues.__file__).parent, "built-in"))


def world(seed: int = 1, until_s: float = 60.0, **knobs: Any) -> QueueWorld:
    """A run with these knobs, played until that time."""
    made = build(parse(Setup, knobs), seed)
    made.run(until_us=round(until_s * 1e6), max_steps=60_000)
    broken = [step.data["sentence"] for step in made.trace if step.kind == "error"]
    assert not broken, broken[0]
    return made


def verdict(**knobs: Any) -> Verdict:
    return judged(world(**knobs).trace)


CRASH = {"messages": 12, "rate": 20, "consumers": 2, "work_ms": 20, "crash_at": 5}


@pytest.mark.parametrize("handler", [name for name, steps in HANDLERS.items() if steps is not None])
@pytest.mark.parametrize("point", POINTS)
def test_what_a_crash_does_depends_on_what_was_done_before_it(handler: str, point: str) -> None:
    found = verdict(handler=handler, crash_point=point, **CRASH)
    lost = handler == "ack first" and point in ("after_work", "after_ack")
    twice = {
        "ack last": ("after_effect", "before_ack"),
        "separate key": ("after_effect",),
    }.get(handler, ())
    assert found.finished
    assert found.counts["lost"] == int(lost)
    assert found.counts["duplicate"] == int(point in twice)


def test_the_inbox_holds_when_one_in_four_dies_anywhere() -> None:
    storm = {"crash": 25, "crash_point": "anywhere", "restart_ms": 50}
    found = verdict(messages=100, rate=50, consumers=3, handler="inbox", **storm)
    assert found.finished
    assert found.clean or {k for k, n in found.counts.items() if n} <= {"reordered"}
    assert found.redelivered > 10


def test_a_handler_that_goes_round_in_circles_ends_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from prayog_sdk.code.function import gate

    monkeypatch.setattr(gate, "is_open", True)
    code = "def next_step(message, attempt, did, seen):\n    return 'ack'\n"
    run = world(handler="yours", code=code, messages=3)
    assert sum(1 for _ in told(run.trace, "failed")) == 3
    wrong = world(handler="yours", code=code.replace("'ack'", "'dance'"), messages=2)
    assert "must return one of work, ask" in next(told(wrong.trace, "code_error")).data["sentence"]
    assert judged(wrong.trace).finished


def test_every_step_of_a_handler_has_a_meaning() -> None:
    known = {step for steps in HANDLERS.values() if steps is not None for seen in (None, True, False)
             for did in ([], ["ask"], ["ack"], ["work"]) for step in [steps("m", 1, did, seen)]}  # fmt: skip
    assert known <= set(STEPS)


# -- faults of the kernel --------------------------------------------------------------------------------------


def test_lost_answers_make_a_producer_send_again_and_only_a_window_keeps_one_copy() -> None:
    copies = {}
    for dedup in (0, 60_000):
        run = build(parse(Setup, {"messages": 40, "rate": 40, "dedup_ms": dedup, "work_ms": 1}), 3)
        run.do(Action("link", {"src": "broker", "dst": "p1", "loss": 0.3}))
        run.run(until_us=60_000_000)
        copies[dedup] = judged(run.trace)
        assert copies[dedup].finished
        assert copies[dedup].counts["lost"] == 0
    assert copies[0].counts["duplicate"] > 3
    assert copies[60_000].counts["duplicate"] == 0


def test_a_lost_acknowledgement_is_a_redelivery() -> None:
    run = build(parse(Setup, {"messages": 40, "rate": 40, "work_ms": 1, "lease_ms": 300, "handler": "inbox"}), 3)
    run.do(Action("link", {"src": "w1", "dst": "broker", "loss": 0.3}))
    run.run(until_us=60_000_000)
    found = judged(run.trace)
    assert found.finished
    assert found.redelivered > 3
    assert found.counts["duplicate"] == found.counts["lost"] == 0


@pytest.mark.parametrize("node", ["broker", "bank", "w1"])
def test_any_node_may_crash_and_come_back(node: str) -> None:
    run = build(parse(Setup, {"messages": 40, "rate": 40, "work_ms": 10, "handler": "inbox", "consumers": 2}), 1)
    run.run(until_us=400_000)
    run.do(Action("crash", {"node": node}))
    run.run(until_us=900_000)
    run.do(Action("restart", {"node": node}))
    run.run(until_us=60_000_000)
    found = judged(run.trace)
    assert found.finished, found.sentence()
    assert found.counts["lost"] == found.counts["duplicate"] == 0


def test_a_cut_between_broker_and_consumer_heals() -> None:
    run = build(parse(Setup, {"messages": 30, "rate": 40, "work_ms": 10, "handler": "inbox", "lease_ms": 500}), 1)
    run.run(until_us=300_000)
    run.do(Action("partition", {"groups": "w1|broker,p1,bank"}))
    run.run(until_us=1_500_000)
    run.do(Action("heal", {}))
    run.run(until_us=60_000_000)
    assert judged(run.trace).finished
    assert judged(run.trace).counts["lost"] == 0


@pytest.mark.parametrize(("durability", "left"), [("memory", False), ("lazy", False), ("synced", True)])
def test_only_what_was_synced_survives_the_plug(durability: str, left: bool) -> None:
    knobs = {"messages": 60, "rate": 60, "work_ms": 60, "durability": durability, "handler": "inbox"}
    run = build(parse(Setup, knobs), 1)
    run.run(until_us=800_000)
    run.do(Action("power_loss", {}))
    run.run(until_us=60_000_000)
    assert judged(run.trace).finished
    assert (judged(run.trace).counts["lost"] == 0) is left


# -- order and load --------------------------------------------------------------------------------------------


def test_numbers_put_a_customers_messages_back_in_order() -> None:
    mixed = {"messages": 80, "rate": 80, "work": "varied", "work_ms": 20, "concurrency": 6, "prefetch": 12, "keys": 4,
             "lease_ms": 0, "handler": "inbox"}  # fmt: skip
    assert verdict(**mixed).counts["reordered"] > 0
    repaired = verdict(**mixed, resequence=True)
    assert repaired.finished
    assert repaired.counts["reordered"] == 0


def test_urgent_orders_overtake_when_many_wait() -> None:
    waits: dict[bool, list[int]] = {True: [], False: []}
    run = world(messages=100, rate=200, work_ms=10, urgent=20, priorities=True, lease_ms=60_000)
    made = {w.data["message"]: w.at for w in told(run.trace, "publish")}
    urgent = {step.data["msg"].message.id for step in run.trace if step.kind == "deliver"
              and hasattr(step.data["msg"], "to") and step.data["msg"].message.priority}  # fmt: skip
    for word in told(run.trace, "delivered"):
        waits[word.data["message"] in urgent].append(word.at - made[word.data["message"]])
    assert sum(waits[True]) / len(waits[True]) < 0.3 * sum(waits[False]) / len(waits[False])


def test_at_the_brim_producers_wait_or_are_refused() -> None:
    full = {"messages": 100, "rate": 200, "work_ms": 20, "capacity": 20, "lease_ms": 60_000}
    blocked = world(**full)
    assert MEASURES["blocked"](blocked.trace) > 0
    assert judged(blocked.trace).effects == 100
    refused = world(**full, full="drop new")
    assert MEASURES["refused"](refused.trace) == 100 - judged(refused.trace).effects > 0
    assert judged(refused.trace).counts["silent"] == judged(refused.trace).counts["lost"] == 0
    dropped = judged(world(**full, full="drop old").trace)
    assert dropped.counts["silent"] > 0
    quiet = judged(world(**full, full="drop new", confirms=False).trace)
    assert quiet.counts["silent"] > 0  # without confirmations nobody learns of it


def test_scaling_by_depth_begins_and_ends() -> None:
    sale: dict[str, Any] = {"messages": 600, "rate": 40, "arrivals": "sale"}
    run = world(work_ms=20, lease_ms=0, spares=4, autoscale="depth", scale_at=10, **sale)
    counts = [word.data["consumers"] for word in told(run.trace, "scaled")]
    assert max(counts) >= 3
    assert counts[-1] < max(counts)
    assert judged(run.trace).finished
    assert judged(run.trace).counts["lost"] == judged(run.trace).counts["duplicate"] == 0


def test_closed_producers_wait_for_their_answer() -> None:
    run = world(messages=50, rate=1_000, arrivals="closed", work_ms=1)
    waiting = 0
    for word in told(run.trace, "publish", "confirmed"):
        waiting += 1 if word.kind == "publish" else -1
        assert waiting <= 1


def test_a_hot_customer_makes_most_and_zipf_falls_off() -> None:
    def shares(spread: str) -> list[float]:
        run = world(messages=400, rate=1_000, spread=spread, keys=10, work_ms=0, lease_ms=60_000, prefetch=50)
        keys = [word.data["key"] for word in told(run.trace, "publish")]
        return sorted((keys.count(key) / len(keys) for key in set(keys)), reverse=True)

    assert 0.75 < shares("hot")[0] < 0.85
    zipf = shares("zipf")
    assert 0.25 < zipf[0] < 0.42
    assert zipf[0] > 1.5 * zipf[1]
    assert shares("uniform")[0] < 0.2


# -- fan-out, logs ---------------------------------------------------------------------------------------------


def test_every_subscription_gets_its_copy_and_a_slow_one_holds_up_nobody() -> None:
    run = world(kind="fanout", messages=20, consumers=3, prefetch=5)
    by_queue = [word.data["queue"] for word in told(run.trace, "effect")]
    assert {queue: by_queue.count(queue) for queue in set(by_queue)} == {"billing": 20, "shipping": 20, "email": 20}
    slow = build(parse(Setup, {"kind": "fanout", "messages": 20, "consumers": 3, "prefetch": 5, "lease_ms": 0}), 1)
    slow.do(Action("pause", {"node": "w3"}))
    slow.run(until_us=5_000_000)
    done = [word.data["queue"] for word in told(slow.trace, "effect")]
    assert (done.count("billing"), done.count("email")) == (20, 0)


def test_filters_choose_and_what_nobody_wants_is_dropped_in_silence() -> None:
    run = world(kind="topic", messages=30, consumers=3)
    stored = [word.data["queue"] for word in told(run.trace, "stored")]
    assert stored.count("billing") == 30 > stored.count("shipping") > 0
    run = build(parse(Setup, {"kind": "topic", "messages": 30, "consumers": 3}), 1)
    for queue, pattern in (("billing", "order.#"), ("shipping", "order.placed"), ("email", "#")):
        run.do(Action("unbind", {"exchange": "events", "queue": queue, "pattern": pattern}))
    run.run(until_us=5_000_000)
    assert judged(run.trace).counts["silent"] == 30


def test_a_log_can_be_read_again_and_a_queue_cannot() -> None:
    run = world(kind="log", messages=20, lease_ms=0, handler="inbox", consumers=2)
    run.do(Action("replay_from", {"position": 0}))
    run.run(until_us=90_000_000)
    known = sum(1 for _ in told(run.trace, "known"))
    assert known == 20  # read twice, done once
    queue = world(messages=5)
    with pytest.raises(ActionError, match="only a log can be read again"):
        queue.do(Action("replay_from", {"position": 0}))


# -- tables and doors ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("take", ["naive", "lease", "for update", "skip locked"])
def test_four_ways_to_take_a_row(take: str) -> None:
    run = world(kind="table", take=take, consumers=3, rate=100, messages=40, work_ms=30, poll_ms=200, lease_ms=5_000)
    found = judged(run.trace)
    assert found.finished
    assert found.counts["lost"] == 0
    assert (found.counts["duplicate"] > 0) is (take == "naive")


def test_rows_that_are_locked_at_work_make_a_plain_for_update_serial() -> None:
    rates = {}
    for take in ("for update", "skip locked"):
        run = world(kind="table", take=take, consumers=4, rate=1_000, messages=60, work_ms=30, poll_ms=50)
        rates[take] = MEASURES["throughput"](run.trace)
    assert rates["skip locked"] > 3 * rates["for update"]


def test_a_row_that_a_dead_worker_took_comes_back_by_its_lease_or_with_its_transaction() -> None:
    dies = {"kind": "table", "consumers": 1, "rate": 20, "messages": 20, "work_ms": 20, "poll_ms": 100, "lease_ms": 500,
            "crash_at": 5, "crash_point": "after_work", "restart_ms": 2_000, "handler": "inbox"}  # fmt: skip
    for take, comes in (("lease", True), ("skip locked", True), ("naive", False)):
        assert verdict(take=take, until_s=20, **dies).finished is comes, take


@pytest.mark.parametrize(
    ("attacker", "door", "unexpected", "twice"),
    [("forges", "open", 10, 0), ("forges", "signatures", 0, 0), ("replays", "signatures", 0, 10),
     ("replays", "signatures and ids", 0, 0), ("strays", "open", 10, 0), ("strays", "passwords", 0, 0)],
)  # fmt: skip
def test_which_door_stops_whom(attacker: str, door: str, unexpected: int, twice: int) -> None:
    found = verdict(attacker=attacker, door=door, messages=40, work_ms=5)
    assert (found.counts["unexpected"], found.counts["duplicate"]) == (unexpected, twice)
    assert found.counts["lost"] == 0


def test_signed_orders_can_be_read_by_whoever_listens_and_encrypted_ones_cannot() -> None:
    pytest.importorskip("cryptography", reason="encrypting needs the library cryptography")
    heard = {}
    for encrypted in (False, True):
        run = world(attacker="listens", door="signatures", encrypted=encrypted, messages=20)
        heard[encrypted] = MEASURES["read_by_others"](run.trace)
        assert judged(run.trace).effects == 20
    assert heard == {False: 20, True: 0}


# -- presets, hints, variants ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_set_up_that_runs(name: str) -> None:
    knobs = {**PRESETS[name].knobs, "messages": 20, "rate": 50, "work_ms": 5}
    found = judged(world(until_s=5, **knobs).trace)
    assert found.effects == (60 if name == "pub/sub" else 20)
    assert PRESETS[name].source


def test_every_preset_sets_the_same_knobs() -> None:
    named = {knob for preset in PRESETS.values() for knob in preset.knobs}
    left_over = {name: sorted(named - set(preset.knobs) - {"sync_ms", "partitions", "consumers", "rebalance"})
                 for name, preset in PRESETS.items()}  # fmt: skip
    assert all(not missing or missing == ["durability"] for missing in left_over.values()), left_over


@pytest.mark.parametrize(
    ("knobs", "knob"),
    [
        ({"attempts": 3}, "dead_letters"), ({"ttl_ms": 5}, "ttl_ms"), ({"handler": "ack first"}, "handler"),
        ({"capacity": 5, "prefetch": 10}, "prefetch"), ({"kind": "log", "partitions": 2, "consumers": 3}, "consumers"),
        ({"lease_ms": 10, "work_ms": 20}, "lease_ms"), ({"durability": "lazy"}, "durability"),
        ({"backoff_ms": 50}, "jitter"), ({"kind": "table", "take": "naive"}, "take"), ({"consumers": 2}, "by_key"),
        ({"door": "signatures"}, "door"), ({"fenced": False}, "fenced"), ({"poison": 1}, "attempts"),
    ],
)  # fmt: skip
def test_hints_name_the_knob_that_will_hurt(knobs: dict[str, Any], knob: str) -> None:
    assert knob in [hint.knob for hint in hints(parse(Setup, knobs))]
    calm = parse(Setup, {"handler": "inbox", "dedup_ms": 60_000, "attempts": 5, "dead_letters": True, "by_key": True,
                         "backoff_ms": 100, "jitter": 0.5})  # fmt: skip
    assert hints(calm) == []


@pytest.mark.parametrize("variant", prayog_broken(), ids=lambda variant: variant.name)
def test_a_broken_broker_is_caught_where_the_right_one_passes(variant: Any) -> None:
    scenario = topic().scenario(variant.scenario)
    right = run_scenario(topic(), scenario)
    assert right.ok, [check.reason for check in right.checks if not check.ok]
    wrong = run_scenario(topic(), scenario, None, variant.params)
    checks = topic().checks(topic().params(wrong.params))
    assert checks[variant.caught_by].judge(right.trace).ok
    assert not checks[variant.caught_by].judge(wrong.trace).ok


def test_every_labelled_fault_is_a_variant() -> None:
    assert {variant.name for variant in prayog_broken()} == set(BROKEN)


def test_a_disk_that_lies_about_its_sync_loses_what_was_confirmed() -> None:
    lost = {}
    for lies in (False, True):
        run = build(parse(Setup, {"messages": 60, "rate": 60, "work_ms": 60, "lease_ms": 0, "handler": "inbox"}), 1)
        run.run(until_us=790_000)
        if lies:
            run.do(Action("losesync", {"node": "broker"}))
        run.run(until=lambda step: any(e.kind == "disk" for e in step.effects))
        run.run(until=lambda step: any(e.kind == "confirmed" for e in step.effects))
        run.do(Action("power_loss", {}))
        run.run(until_us=60_000_000)
        assert judged(run.trace).finished
        lost[lies] = judged(run.trace).counts["lost"]
    assert lost[False] == 0
    assert lost[True] > 0


def test_each_group_of_a_log_reads_everything_and_holds_up_nobody() -> None:
    run = build(parse(Setup, {"kind": "log", "groups": 3, "consumers": 3, "messages": 20, "lease_ms": 0}), 1)
    run.do(Action("pause", {"node": "w3"}))
    run.run(until_us=5_000_000)
    done = [word.data["group"] for word in told(run.trace, "effect")]
    assert (done.count("billing"), done.count("shipping"), done.count("email")) == (20, 20, 0)
    run.do(Action("resume", {"node": "w3"}))
    run.run(until_us=60_000_000)
    assert judged(run.trace).finished
    assert judged(run.trace).clean
