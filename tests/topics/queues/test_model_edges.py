"""The broker's model where two of its promises meet: a window and a disk, a lease and a time to live, a key and a
restart, an exchange and a queue of one name.
"""

from __future__ import annotations

from typing import Any

import pytest

from prayog_queues.engine.envelope import Message
from prayog_queues.engine.model.adapter import SimBroker
from prayog_queues.engine.model.admission import Admission
from prayog_queues.engine.model.broker import Model
from prayog_queues.engine.port import Binding, Exchange, Queue, Refused, Topology, Unable
from prayog_sim.rng import Rng

S = 1_000_000


def broker(**queue: Any) -> SimBroker:
    found = SimBroker()
    found.declare(Topology((Queue("q", **{"lease_us": S, **queue}),)))
    return found


def ids(b: SimBroker, most: int = 10, queue: str = "q") -> list[str]:
    return [d.message.id for d in b.fetch(queue, most, consumer="w1")]


def left(b: SimBroker, queue: str = "q") -> list[str]:
    return [message.id for message, _ in b.peek(queue)]


def told(b: SimBroker, *kinds: str) -> list[tuple[str, str]]:
    return [(kind, data.get("why", "")) for kind, data in b.model.told.drain() if kind in kinds]


# -- what was lost is not “there already” -------------------------------------------------------------------------


@pytest.mark.parametrize("partitions", [0, 2])
@pytest.mark.parametrize("durability", ["memory", "lazy"])
def test_what_a_loss_of_power_took_can_be_sent_again_within_the_window(durability: Any, partitions: int) -> None:
    b = broker(durability=durability, dedup_us=60 * S, partitions=partitions)
    b.publish(Message("a", dedup_id="a"), "q")
    b.restart(power=True)
    assert left(b) == []
    assert not b.publish(Message("a", dedup_id="a"), "q").duplicate
    assert left(b) == ["a"]


def test_what_was_refused_at_the_brim_or_lost_is_no_replay() -> None:
    door = Admission(replay_us=60 * S)
    model = Model(Topology((Queue("q", durability="lazy", capacity=1),)), admission=door)
    model.publish(Message("a"), "q", 0, client="p1")
    with pytest.raises(Refused):
        model.publish(Message("b"), "q", 0, client="p1")
    model.restart(1, power=True)
    for name in "a", "b":
        model.queues["q"].spec = Queue("q", durability="lazy")
        (receipt,) = model.publish(Message(name), "q", 2, client="p1")
        assert not receipt.duplicate
    assert [m.id for m, _ in model.peek("q")] == ["a", "b"]


# -- a disk that stops in the middle of a record -------------------------------------------------------------------


@pytest.mark.parametrize("partitions", [0, 1])
def test_a_torn_record_ends_the_log_and_what_was_synced_stays(partitions: int) -> None:
    ends = set()
    for seed in range(40):
        b = broker(durability="lazy", partitions=partitions)
        for n in range(3):
            b.publish(Message(f"safe{n}"), "q")
        b.wait(121 * S)  # synced
        for n in range(3):
            b.publish(Message(f"fresh{n}"), "q")
        b.model.told.drain()
        b.model.restart(b.now, power=True, torn=Rng.derive(seed, "torn"))
        kept = left(b)
        assert kept[:3] == ["safe0", "safe1", "safe2"]
        ends.add(tuple(kept[3:]))
        ((kind, data),) = [word for word in b.model.told.drain() if word[0] == "torn"]
        assert (kind, data["message"], data["whole"]) == ("torn", f"fresh{len(kept) - 3}", len(kept) - 3)
        b.publish(Message("after"), "q")
        assert left(b)[-1] == "after", "the log goes on where it was cut"
    assert ends == {(), ("fresh0",), ("fresh0", "fresh1")}


def test_a_torn_acknowledgement_is_none() -> None:
    found = set()
    for seed in range(30):
        b = broker(durability="lazy")
        for name in "ab":
            b.publish(Message(name), "q")
        b.wait(121 * S)
        for held in b.fetch("q", 2, consumer="w1"):
            b.ack(held)
        b.model.restart(b.now, power=True, torn=Rng.derive(seed, "torn"))
        found.add("".join(left(b)))
    assert found == {"ab", "b"}, "the second acknowledgement is never whole, the first is so now and then"


def test_dead_letters_are_in_one_place_at_least_when_the_power_goes() -> None:
    b = broker(durability="lazy", dead_letters="dead")
    b.publish(Message("a"), "q")
    b.wait(121 * S)
    (held,) = b.fetch("q", consumer="w1")
    b.term(held, "poison")
    assert (left(b), left(b, "dead")) == ([], ["a"])
    b.restart(power=True)
    assert left(b) + left(b, "dead") == ["a"]
    (held,) = b.fetch("q", consumer="w1")
    b.term(held, "poison")
    b.wait(121 * S)
    b.restart(power=True)
    assert (left(b), left(b, "dead")) == ([], ["a"])


# -- restarts keep the promises of the queue -------------------------------------------------------------------------


def test_a_key_waits_for_its_retry_also_across_a_restart() -> None:
    b = broker(by_key=True, backoff_us=5 * S)
    for name in "ab":
        b.publish(Message(name, "asha"), "q")
    (held,) = b.fetch("q", consumer="w1")
    b.nack(held)
    b.restart()
    assert ids(b) == [], "b must not overtake a, which waits"
    b.wait(6 * S)
    assert ids(b) == ["a"]


@pytest.mark.parametrize(("attempts", "ttl", "word"), [(2, None, "attempts"), (0, 3 * S, "expired")])
def test_what_was_out_at_a_restart_is_judged_as_if_it_came_back(attempts: int, ttl: int | None, word: str) -> None:
    b = broker(attempts=attempts, ttl_us=ttl, dead_letters="dead", lease_us=60 * S)
    b.publish(Message("a"), "q")
    (held,) = b.fetch("q", consumer="w1")
    if attempts:
        b.nack(held)
        b.fetch("q", consumer="w1")
    b.wait(4 * S)
    b.restart()
    ((dead, _),) = b.peek("dead")
    assert (left(b), dead.deaths[-1].reason) == ([], word)


def test_what_a_loss_of_power_brings_back_is_handed_out_no_more_often_than_it_may() -> None:
    b = broker(durability="lazy", attempts=2, dead_letters="dead", lease_us=0)
    b.publish(Message("a"), "q")
    b.wait(121 * S)
    (first,) = b.fetch("q", consumer="w1")
    b.nack(first)
    (second,) = b.fetch("q", consumer="w1")
    b.ack(second)
    b.restart(power=True)
    (again,) = b.fetch("q", consumer="w1")
    assert again.attempt == 2
    assert again.receipt != second.receipt


def test_what_a_loss_of_power_brings_back_still_grows_too_old() -> None:
    b = broker(durability="lazy", ttl_us=200 * S, lease_us=0)
    b.publish(Message("a"), "q")
    b.wait(121 * S)
    (held,) = b.fetch("q", consumer="w1")
    b.ack(held)
    b.restart(power=True)
    assert left(b) == ["a"]
    b.wait(100 * S)
    assert left(b) == []


def test_requeued_behind_others_of_its_key_it_lets_them_go_first() -> None:
    model = Model(Topology((Queue("q", by_key=True, lease_us=0),)), variant="requeues behind")
    for name in "ab":
        model.publish(Message(name, "asha"), "q", 0)
    (held,) = model.fetch("q", "w", 1, 0)
    model.nack(held, "w", 0)
    order = []
    while found := model.fetch("q", "w", 1, 1):
        order.append(found[0].message.id)
        model.ack(found[0], "w", 1)
    assert order == ["b", "a"], "the fault is the order, not that everything stops"


# -- times to live and dead letters -----------------------------------------------------------------------------------


def test_a_message_of_its_own_short_life_stays_among_the_dead_letters() -> None:
    b = broker(dead_letters="dead")
    b.publish(Message("a", ttl_us=S), "q")
    b.wait(10 * S)
    assert (left(b), left(b, "dead")) == ([], ["a"])


def test_no_time_to_live_at_all_is_shorter_than_the_queues() -> None:
    b = broker(ttl_us=60 * S)
    b.publish(Message("a", ttl_us=0), "q")
    assert ids(b) == []


@pytest.mark.parametrize("refuses", [False, True])
def test_a_ring_of_dead_letters_ends_unless_somebody_refuses(refuses: bool) -> None:
    b = SimBroker()
    b.declare(Topology((Queue("q", dead_letters="r", ttl_us=S), Queue("r", dead_letters="q", ttl_us=S))))
    b.publish(Message("a"), "q")
    for _ in range(5):
        for held in b.fetch("q", 1, consumer="w1") if refuses else ():
            b.term(held, "refused")
        b.wait(S)
    assert (left(b) + left(b, "r") == ["a"]) == refuses
    assert (("dropped", "cycle") in told(b, "dropped")) != refuses


def test_a_dead_letter_whose_queue_is_gone_is_not_lost_by_sending_it_back() -> None:
    b = SimBroker()
    b.declare(Topology((Queue("q", dead_letters="dead"), Queue("dead"))))
    b.publish(Message("a"), "q")
    (held,) = b.fetch("q", consumer="w1")
    b.term(held, "poison")
    b.model.queues.pop("q")
    with pytest.raises(Unable, match="no queue 'q'"):
        b.model.redrive("dead", b.now)
    assert left(b, "dead") == ["a"]


# -- logs ----------------------------------------------------------------------------------------------------------


def test_a_reader_puts_aside_what_the_log_has_deleted_meanwhile() -> None:
    b = broker(partitions=1, dead_letters="dead", ttl_us=10 * S)
    b.publish(Message("old"), "q")
    b.wait(9 * S)
    b.publish(Message("new"), "q")
    (held,) = b.fetch("q", 1, consumer="w1")
    b.wait(2 * S)
    assert left(b) == ["new"]
    b.term(held, "poison")
    assert left(b, "dead") == ["old"]


def test_what_a_log_deletes_before_anybody_came_is_told() -> None:
    b = broker(partitions=1, capacity=1, full="drop old")
    for name in "ab":
        b.publish(Message(name), "q")
    assert told(b, "dropped") == [("dropped", "full")]


def test_a_log_is_on_the_disk_and_has_nothing_to_spill() -> None:
    b = broker(partitions=1, capacity=1, full="spill")
    for name in "ab":
        b.publish(Message(name), "q")
    assert left(b) == ["a", "b"]


# -- names ------------------------------------------------------------------------------------------------------------


def test_an_exchange_comes_before_a_queue_of_its_name() -> None:
    b = SimBroker()
    b.declare(Topology((Queue("orders"), Queue("late")), (Exchange("orders", "topic"),),
                       (Binding("orders", "late", "#.late"),)))  # fmt: skip
    b.publish(Message("a", type="order.late"), "orders")
    assert (left(b, "orders"), left(b, "late")) == ([], ["a"])
