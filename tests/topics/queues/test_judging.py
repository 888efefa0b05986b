"""The judge: a good run is clean; each anomaly, put into it alone, is found, alone, with the steps that prove it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from prayog_queues.engine.history import to_history, total_queue
from prayog_queues.engine.judging import Judge, judge
from prayog_queues.engine.log_judging import Assigned, Polled, Sent, anomalies, from_trace
from prayog_queues.engine.verdict import KINDS, Verdict
from prayog_sim.history.jepsen import read_history, write_history

from .telling import Story


def good(story: Story | None = None) -> Story:
    """Twelve orders of three keys, one of them delivered twice and known the second time; two workers."""
    story = story or Story()
    for i in range(12):
        story.publish(f"m{i}", f"k{i % 3}")
    for i in range(12):
        if i == 4:  # crash after the effect, and an inbox that knows it
            receipt = story.deliver("m4", "w1")
            story.effect("m4", receipt, "w1")
            story.tell("crashed", "w1", point="after_effect", how="simulated")
            story.tell("lease_expired", "broker", message="m4", receipt=receipt, queue="orders", consumer="w1")
            again = story.deliver("m4", "w2")
            story.tell("known", "w2", message="m4", receipt=again)
            story.ack("m4", again, "w2")
        else:
            story.handle(f"m{i}", f"w{1 + i % 2}")
    return story


def found(verdict: Verdict) -> dict[str, int]:
    return {kind: count for kind, count in verdict.counts.items() if count}


def test_a_good_run_is_clean() -> None:
    story = good()
    story.finish()
    verdict = judge(story.trace)
    assert verdict.clean
    assert found(verdict) == {}
    assert (verdict.published, verdict.confirmed, verdict.effects) == (12, 12, 12)
    assert (verdict.redelivered, verdict.most_attempts, verdict.finished) == (1, 2, True)
    assert "nothing is wrong" in verdict.sentence()


def acked_before(story: Story) -> None:
    story.publish("x")
    receipt = story.deliver("x")
    story.ack("x", receipt)
    story.tell("crashed", "w1", point="after_ack", how="simulated")


def nowhere_at_the_end(story: Story) -> None:
    story.publish("x")


def volatile(story: Story) -> None:
    story.publish("x")
    story.tell("dropped", "broker", message="x", queue="orders", why="volatile", told=True)


def never_stored(story: Story) -> None:
    story.tell("publish", "p1", message="x", key="k", number=99, to="orders", attempt=1)
    story.tell("confirmed", "p1", message="x")


def skipped_by_commit(story: Story) -> None:
    story.tell("publish", "p1", message="x", key="log", number=1, to="log", attempt=1)
    story.store("x", "log", 0, partition=0)
    story.tell("confirmed", "p1", message="x")
    story.tell("committed", "broker", queue="log", partition=0, position=1, consumer="w1")


def twice(story: Story) -> None:
    story.publish("x", "twice")
    receipt = story.deliver("x", "w1")
    story.effect("x", receipt, "w1")
    story.tell("crashed", "w1", point="after_effect", how="simulated")
    story.handle("x", "w2")


def nobody_published(story: Story) -> None:
    story.effect("x", "r99")


def refused_and_yet(story: Story) -> None:
    story.tell("publish", "p1", message="x", key="none", number=0, to="orders", attempt=1)
    story.tell("refused", "p1", message="x", why="full")
    story.effect("x", "r99")


def in_silence(story: Story) -> None:
    story.publish("x", confirmed=False)
    story.tell("dropped", "broker", message="x", queue="orders", why="full", told=False)


def two_at_once(story: Story) -> None:
    story.publish("x", "slow")
    slow = story.deliver("x", "w1")
    story.tell("lease_expired", "broker", message="x", receipt=slow, queue="orders", consumer="w1")
    quick = story.deliver("x", "w2")
    story.effect("x", quick, "w2")
    story.ack("x", quick, "w2")
    story.tell("known", "w1", message="x", receipt=slow)
    story.tell("stale_ack", "broker", message="x", receipt=slow, accepted=False, consumer="w1")


def acted_without_lease(story: Story) -> None:
    story.publish("x", "late")
    receipt = story.deliver("x", "w1")
    story.tell("lease_expired", "broker", message="x", receipt=receipt, queue="orders", consumer="w1")
    story.effect("x", receipt, "w1", stale=True)
    story.tell("crashed", "w1", point="after_effect", how="simulated")
    again = story.deliver("x", "w2")
    story.tell("known", "w2", message="x", receipt=again)
    story.ack("x", again, "w2")


def late_ack(story: Story) -> None:
    story.publish("x", "late")
    receipt = story.deliver("x", "w1")
    story.effect("x", receipt, "w1")
    story.tell("lease_expired", "broker", message="x", receipt=receipt, queue="orders", consumer="w1")
    story.tell("stale_ack", "broker", message="x", receipt=receipt, accepted=True, consumer="w1")


def overtaken(story: Story) -> None:
    story.publish("x", "pair")
    story.publish("y", "pair")
    story.handle("y", "w1")
    story.handle("x", "w2")


def no_answer(story: Story) -> None:
    story.publish("x", "hung", confirmed=False)
    story.tell("unconfirmed", "p1", message="x")
    story.handle("x")


@pytest.mark.parametrize(
    ("anomaly", "kind"),
    [
        (acked_before, "lost"), (nowhere_at_the_end, "lost"), (volatile, "lost"), (never_stored, "lost"),
        (skipped_by_commit, "lost"), (twice, "duplicate"), (nobody_published, "unexpected"),
        (refused_and_yet, "unexpected"), (in_silence, "silent"), (two_at_once, "overlap"),
        (acted_without_lease, "stale_effect"), (late_ack, "stale_ack"), (overtaken, "reordered"),
        (no_answer, "recovered"),
    ],
)  # fmt: skip
def test_each_anomaly_alone_is_found_alone(anomaly: Callable[[Story], None], kind: str) -> None:
    story = good()
    begins = len(story.trace)
    anomaly(story)
    story.finish()
    verdict = judge(story.trace)
    assert found(verdict) == {kind: 1}
    (finding,) = verdict.findings
    assert finding.message in ("x", "y")
    assert list(finding.seqs) == sorted(finding.seqs)
    assert all(begins <= seq < len(story.trace) for seq in finding.seqs), "the proof lies in what was added"
    assert finding.message in finding.sentence
    assert finding.sentence.endswith(".")
    assert verdict.clean is (kind == "recovered")
    assert KINDS[kind].title.lower() in verdict.sentence()


def test_what_waits_is_not_lost_until_the_run_is_finished() -> None:
    story = good()
    story.publish("x")
    assert judge(story.trace).waiting == 1
    receipt = story.deliver("x")
    story.ack("x", receipt)  # acknowledged first, and still at work
    assert found(judge(story.trace)) == {}
    story.effect("x", receipt)
    story.finish()
    assert judge(story.trace).clean


def test_what_nobody_promised_and_never_came_is_told_and_is_not_lost() -> None:
    story = good()
    story.tell("publish", "p1", message="x", key="k", number=99, to="orders", attempt=1)
    story.tell("publish", "p1", message="y", key="k", number=98, to="orders", attempt=1)
    story.tell("refused", "p1", message="y", why="full")
    assert judge(story.trace).missing == 0, "it may still come"
    story.finish()
    verdict = judge(story.trace)
    assert verdict.clean
    assert verdict.missing == 1
    assert "1 never arrived" in verdict.sentence()


def test_a_dead_letter_is_neither_lost_nor_an_effect() -> None:
    story = good()
    story.publish("x")
    receipt = story.deliver("x")
    story.tell("failed", "w1", message="x", receipt=receipt, attempt=1, why="poison")
    story.tell("dead", "broker", message="x", queue="orders", to="orders.dead", reason="attempts", attempts=1, deaths=1)
    story.store("x", "orders.dead")
    story.finish()
    verdict = judge(story.trace)
    assert verdict.clean
    assert verdict.dead == 1
    story.tell("redriven", "broker", message="x", queue="orders", deaths=1)
    story.store("x", "orders")
    story.handle("x")
    story.finish()
    verdict = judge(story.trace)
    assert verdict.clean
    assert (verdict.dead, verdict.effects) == (0, 13)


def test_what_takes_effect_by_way_of_the_dead_letter_queue_belongs_to_its_first_queue() -> None:
    story = Story()
    story.publish("x")
    story.tell("dead", "broker", message="x", queue="orders", to="again", reason="attempts", attempts=1, deaths=1)
    story.store("x", "again")
    story.handle("x", queue="again")
    story.finish()
    assert judge(story.trace).clean


def test_each_queue_of_a_fan_out_owes_its_own_effect() -> None:
    story = Story()
    story.publish("x", queue="billing+stock")
    story.handle("x", queue="billing")
    story.handle("x", queue="stock")
    story.publish("y", queue="billing+stock")
    story.handle("y", queue="billing")
    story.ack("y", story.deliver("y", queue="stock"), queue="stock")
    story.tell("crashed", "w1", point="after_ack", how="simulated")
    story.finish()
    verdict = judge(story.trace)
    assert found(verdict) == {"lost": 1}
    assert verdict.findings[0].queue == "stock"


def test_each_group_of_a_log_owes_its_own_effect() -> None:
    story = Story()
    for i in range(3):
        story.tell("publish", "p1", message=f"m{i}", key="k", number=i + 1, to="log", attempt=1)
        story.store(f"m{i}", "log", i, partition=0)
        story.tell("confirmed", "p1", message=f"m{i}")
    for group in ("billing", "mail"):
        for i in range(3):
            if (group, i) == ("mail", 1):
                continue  # committed over, never handled
            receipt = story.deliver(f"m{i}", "w1", "log", position=i, group=group)
            story.effect(f"m{i}", receipt, "w1", "log", group=group)
        story.tell("committed", "broker", queue="log", partition=0, position=3, group=group)
    story.finish()
    verdict = judge(story.trace)
    assert found(verdict) == {"lost": 1}
    assert (verdict.findings[0].message, verdict.findings[0].queue) == ("m1", "log/mail")


def test_two_sorts_of_effect_are_no_duplicate() -> None:
    story = Story()
    story.publish("x")
    receipt = story.deliver("x")
    for what in ("charge", "mail", "stamp"):
        story.effect("x", receipt, what=what)
    story.ack("x", receipt)
    assert judge(story.trace).clean
    story.effect("x", "r9", what="mail")
    assert found(judge(story.trace)) == {"duplicate": 1}


def test_all_are_counted_and_some_are_shown() -> None:
    story = Story()
    for i in range(30):
        story.publish(f"m{i}", f"k{i}")
        for _ in range(2):
            story.handle(f"m{i}")
    verdict = Judge(most=5).read(story.trace).verdict()
    assert verdict.counts["duplicate"] == 30
    assert len(verdict.of("duplicate")) == 5


def test_reading_on_is_the_same_as_reading_again() -> None:
    story = good()
    for anomaly in (acked_before, overtaken):
        anomaly(story)
    judging = Judge()
    for step in story.trace:
        judging.take(step)
        assert judging.verdict() == judge(story.trace[: step.seq + 1])


# -- Jepsen ------------------------------------------------------------------------------------------------------

SANE = """
{:process 1, :type :invoke, :f :enqueue, :value 1}
{:process 2, :type :invoke, :f :enqueue, :value 2}
{:process 2, :type :ok, :f :enqueue, :value 2}
{:process 3, :type :invoke, :f :dequeue, :value 1}
{:process 3, :type :ok, :f :dequeue, :value 1}
{:process 3, :type :invoke, :f :dequeue, :value 2}
{:process 3, :type :ok, :f :dequeue, :value 2}
"""
PATHOLOGICAL = """
{:process 1, :type :invoke, :f :enqueue, :value :hung}
{:process 2, :type :invoke, :f :enqueue, :value :enqueued}
{:process 2, :type :ok, :f :enqueue, :value :enqueued}
{:process 3, :type :invoke, :f :enqueue, :value :dup}
{:process 3, :type :ok, :f :enqueue, :value :dup}
{:process 4, :type :invoke, :f :dequeue, :value nil}
{:process 5, :type :invoke, :f :dequeue, :value nil}
{:process 5, :type :ok, :f :dequeue, :value :wtf}
{:process 6, :type :invoke, :f :dequeue, :value nil}
{:process 6, :type :ok, :f :dequeue, :value :dup}
{:process 7, :type :invoke, :f :dequeue, :value nil}
{:process 7, :type :ok, :f :dequeue, :value :dup}
"""


def test_total_queue_says_what_jepsens_says() -> None:
    """The vectors of jepsen.checker-test/total-queue-test."""
    sane = total_queue(read_history(SANE))
    assert sane.valid
    assert (sane.attempts, sane.acknowledged, sane.ok) == (2, 1, 2)
    assert (sane.lost, sane.unexpected, sane.duplicated) == (Counter(), Counter(), Counter())
    assert sane.recovered == Counter({1: 1})
    bad = total_queue(read_history(PATHOLOGICAL))
    assert not bad.valid
    assert (bad.attempts, bad.acknowledged, bad.ok) == (3, 2, 1)
    assert [str(*found) for found in (bad.lost, bad.unexpected, bad.duplicated)] == [":enqueued", ":wtf", ":dup"]
    assert not bad.recovered


@pytest.mark.parametrize(
    ("anomaly", "kind"), [(acked_before, "lost"), (twice, "duplicated"), (no_answer, "recovered")]
)
def test_total_queue_finds_what_the_judge_finds_also_through_a_file(
    anomaly: Callable[[Story], None], kind: str
) -> None:
    story = good()
    anomaly(story)
    told = to_history(story.trace)
    for history in (told, read_history("".join(write_history(told)))):
        result = total_queue(history)
        assert getattr(result, kind) == Counter({"x": 1})
        assert sum(len(getattr(result, word)) for word in ("lost", "unexpected", "duplicated", "recovered")) == 1


A, B, C, D = "abcd"
Ops = list[Sent | Polled | Assigned]


def names(ops: Sequence[Sent | Polled | Assigned], only: str) -> list[tuple[object, ...]]:
    return [(x.values, x.offsets) for x in anomalies(ops) if x.name == only]


def test_lost_writes_in_a_log() -> None:
    """jepsen.tests.kafka-test/lost-write-test: consistent, and atomic in part."""
    ops: Ops = [Sent(0, "x", A, 0), Sent(0, "x", B, 1), Sent(0, "x", D, 3), Sent(1, "x", C, None, "unknown"),
           Polled(0, "x", ((2, C),))]  # fmt: skip
    assert names(ops, "lost-write") == [((A,), (0,)), ((B,), (1,))]
    crashed: Ops = [Sent(0, "y", B, 0, "unknown"), Sent(1, "y", C, None, "unknown"), Polled(3, "y", ((1, C),))]
    assert names(crashed, "lost-write") == []


def test_inconsistent_offsets_in_a_log() -> None:
    """…/version-orders-test (the real-world example) and inconsistent-offsets-test."""
    assert names([Sent(379, 11, 641, 537), Sent(363, 11, 645, 537)], "inconsistent-offsets") == [((641, 645), (537,))]
    unsure = [Sent(0, "x", 1, 0, "unknown"), Sent(1, "x", 2, 0)]
    assert names(unsure, "inconsistent-offsets") == []
    conflict: Ops = [Sent(9, "x", C, 1, "unknown"), Polled(0, "x", ((0, A), (1, B))), Polled(1, "x", ((1, C),))]
    assert names(conflict, "inconsistent-offsets") == [((C, B), (1,))]


def test_aborted_read_in_a_log() -> None:
    """…/g1a-test."""
    assert names([Sent(0, "x", 2, None, "fail"), Polled(1, "x", ((0, 2),))], "G1a") == [((2,), ())]


def test_skips_in_a_log() -> None:
    """…/poll-skip-test, also with assignments between."""
    first, other, second = Polled(0, "x", ((1, A), (2, B))), Polled(1, "x", ((3, C),)), Polled(0, "x", ((4, D),))
    write, third = Sent(2, "x", "f", 6), Polled(0, "x", ((7, "g"),))
    skips = [((C,), (3,)), (("f",), (6,))]
    assert names([first, other, second, write, third], "poll-skip") == skips
    both = Assigned(0, ("x", "y"))
    assert names([first, other, both, second, both, write, third], "poll-skip") == skips
    gone = Assigned(0, ("y",))
    assert names([first, other, gone, second, gone, write, third], "poll-skip") == []


def test_going_back_in_a_log() -> None:
    """…/nonmonotonic-poll-test and nonmonotonic-send-test."""
    polls = [Polled(0, "x", ((1, A), (2, B), (3, C))), Polled(0, "x", ((2, B), (3, C), (4, D)))]
    assert names(polls, "nonmonotonic-poll") == [((C, B), (3, 2))]
    assert names([polls[0], Assigned(0, ("y",)), polls[1]], "nonmonotonic-poll") == []
    assert names([polls[0], Assigned(0, ("x", "y")), polls[1]], "nonmonotonic-poll") == [((C, B), (3, 2))]
    sends = [Sent(0, "x", C, 3), Sent(0, "x", D, 4), Sent(0, "x", A, 1), Sent(0, "x", B, 2)]
    assert names(sends, "nonmonotonic-send") == [((D, A), (4, 1))]


def test_unseen_and_doubled_in_a_log() -> None:
    ops: Ops = [Sent(0, "x", A, 0), Sent(0, "x", B, 1), Polled(1, "x", ((0, A),))]
    assert [(x.name, x.values) for x in anomalies(ops, over=True)] == [("unseen", (B,))]
    assert anomalies(ops) == []
    assert names([Sent(0, "x", A, 0), Polled(1, "x", ((5, A),))], "duplicate") == [((A,), (0, 5))]


def test_a_run_on_a_log_is_read() -> None:
    story = Story()
    for i in range(4):
        story.tell("publish", "p1", message=f"m{i}", key="k", number=i + 1, to="log", attempt=1)
        story.store(f"m{i}", "log", i, partition=0)
    for i in (0, 1, 3):
        story.deliver(f"m{i}", "w1", "log", position=i)
    (skip, lost) = sorted(anomalies(from_trace(story.trace)), key=lambda x: x.name, reverse=True)
    assert (skip.name, skip.values, skip.part) == ("poll-skip", ("m2",), ("log", 0))
    assert (lost.name, lost.values) == ("lost-write", ("m2",))
    assert "m2" in str(skip)
    story.tell("assigned", "w1", queue="log", partitions=[0], generation=2)
    story.deliver("m2", "w1", "log", position=2)
    assert [x.name for x in anomalies(from_trace(story.trace))] == ["poll-skip"]
