"""Every real broker keeps the rules of the port: one class of tests for all; what one does not have it says."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from prayog_queues.engine.envelope import Delivery, Message
from prayog_queues.engine.port import Binding, Broker, Exchange, Queue, Refused, Stale, Topology, Unable
from prayog_queues.engine.real.backends import BACKENDS
from prayog_sdk.services import Services
from topics.queues.real_places import Bench, bench_of, own_services

SECOND = 1_000_000
PLAIN = Topology((Queue("orders", lease_us=30 * SECOND),))
SHORT = Topology((Queue("orders", lease_us=SECOND // 2),))
LEASES = ("sqlite", "postgres", "nats", "redis")
FENCED = ("sqlite", "postgres")


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    yield from own_services()


@pytest.fixture(params=tuple(BACKENDS))
def bench(request: pytest.FixtureRequest, services: Services, tmp_path: Path) -> Iterator[Bench]:
    yield from bench_of(request.param, services, tmp_path)


def only(bench: Bench, names: tuple[str, ...], why: str) -> None:
    if bench.name not in names:
        pytest.skip(f"{bench.name}: {why}")


def messages(count: int, key: str = "asha") -> list[Message]:
    return [Message(f"m{n}", key, body=f"₹{n}", number=n, headers=(("city", "Pune"),)) for n in range(1, count + 1)]


def take(broker: Broker, count: int, seconds: float = 25.0, consumer: str = "w1", each: int = 10) -> list[str]:
    """Fetch and acknowledge until there are `count`, or the time is over."""
    found: list[str] = []
    until = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < until:
        for delivery in broker.fetch("orders", each, SECOND // 2, consumer):
            found.append(delivery.message.id)
            broker.ack(delivery)
    return found


def fetched(broker: Broker, count: int, seconds: float = 25.0) -> list[Delivery]:
    """So many deliveries, however many calls it takes."""
    found: list[Delivery] = []
    until = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < until:
        found += broker.fetch("orders", count - len(found), SECOND // 2, "w1")
    return found


def why(broker: Broker, message: Message, to: str) -> str:
    """Publish; why it was refused, or nothing."""
    try:
        broker.publish(message, to)
    except Refused as error:
        return error.why
    return ""


def test_what_is_sent_comes_once_in_order_and_whole(bench: Bench) -> None:
    broker = bench.declare(PLAIN)
    sent = messages(20)
    for message in sent[:5]:
        assert broker.publish(message, "orders").queue == "orders"
    assert len(broker.publish_many(sent[5:], "orders")) == 15
    first = broker.fetch("orders", 1, 25 * SECOND, "w1")[0]
    assert (first.message, first.attempt, first.queue) == (sent[0], 1, "orders")
    broker.ack(first)
    assert take(broker, 19) == [message.id for message in sent[1:]]
    assert broker.fetch("orders", 1, SECOND // 5) == []


def test_looking_changes_nothing(bench: Bench) -> None:
    broker = bench.declare(PLAIN)
    broker.publish_many(messages(3), "orders")
    try:
        seen = [broker.peek("orders") for _ in range(4)]
    except Unable as error:
        pytest.skip(f"{bench.name}: {error}")
    assert [m.id for m, _ in seen[-1]] == ["m1", "m2", "m3"]
    assert all(attempts <= 0 for _, attempts in seen[-1])
    (delivery,) = broker.fetch("orders", 1, 25 * SECOND)
    assert delivery.attempt == 1, "three looks were no delivery"


def test_it_says_how_full_it_is(bench: Bench) -> None:
    broker = bench.declare(PLAIN)
    broker.publish_many(messages(4), "orders")
    try:
        assert broker.stats("orders").ready == 4
    except Unable as error:
        pytest.skip(f"{bench.name}: {error}")


def test_what_is_given_back_comes_again_and_is_counted(bench: Bench) -> None:
    broker = bench.declare(PLAIN)
    broker.publish(messages(1)[0], "orders")
    (first,) = broker.fetch("orders", 1, 25 * SECOND)
    try:
        broker.nack(first)
    except Unable as error:
        pytest.skip(f"{bench.name}: {error}")
    (second,) = broker.fetch("orders", 1, 10 * SECOND)
    assert (second.message.id, second.attempt) == ("m1", 2)
    broker.ack(second)


def test_a_delay_is_waited_for(bench: Bench) -> None:
    broker = bench.declare(PLAIN)
    broker.publish(messages(1)[0], "orders")
    (first,) = broker.fetch("orders", 1, 25 * SECOND)
    try:
        broker.nack(first, SECOND // 2)
    except Unable as error:
        pytest.skip(f"{bench.name}: {error}")
    began = time.monotonic()
    (second,) = broker.fetch("orders", 1, 10 * SECOND)
    assert time.monotonic() - began > 0.4
    assert second.attempt == 2
    broker.ack(second)


def test_after_so_many_attempts_it_is_put_aside_with_its_deaths(bench: Bench) -> None:
    queue = Queue("orders", attempts=2, dead_letters="dead", lease_us=30 * SECOND)
    broker = bench.declare(Topology((queue, Queue("dead"))))
    broker.publish(messages(1)[0], "orders")
    for attempt in (1, 2):
        (delivery,) = broker.fetch("orders", 1, 25 * SECOND)
        assert delivery.attempt == attempt
        try:
            broker.nack(delivery)
        except Unable as error:
            pytest.skip(f"{bench.name}: {error}")
    assert broker.fetch("orders", 1, SECOND // 5) == []
    (dead,) = broker.fetch("dead", 1, 25 * SECOND)
    assert dead.message.id == "m1"
    (death,) = dead.message.deaths
    assert (death.queue, death.attempts >= 1) == ("orders", True)


def test_deaths_are_only_added(bench: Bench) -> None:
    first, second = Queue("orders", dead_letters="dead"), Queue("dead", dead_letters="cellar")
    broker = bench.declare(Topology((first, second, Queue("cellar"))))
    broker.publish(messages(1)[0], "orders")
    for name in ("orders", "dead"):
        (delivery,) = broker.fetch(name, 1, 25 * SECOND)
        broker.term(delivery, "poison")
    (dead,) = broker.fetch("cellar", 1, 25 * SECOND)
    assert [death.queue for death in dead.message.deaths] == ["orders", "dead"]


def test_a_lease_that_is_over_gives_it_to_another(bench: Bench) -> None:
    only(bench, LEASES, "it has no lease that ends by time")
    broker = bench.declare(SHORT)
    broker.publish(messages(1)[0], "orders")
    (mine,) = broker.fetch("orders", 1, 2 * SECOND, "w1")
    other = bench.open("w2")
    assert other.fetch("orders", 1, 0, "w2") == []
    (theirs,) = other.fetch("orders", 1, 5 * SECOND, "w2")
    assert (theirs.message.id, theirs.attempt) == ("m1", 2)
    assert theirs.receipt != mine.receipt
    if bench.name in FENCED:
        with pytest.raises(Stale):
            broker.ack(mine)
        other.ack(theirs)
    else:
        broker.ack(mine)  # taken all the same: the other one works in vain
    assert broker.fetch("orders", 1, SECOND * 2 // 3) == [], "nor when its second lease would be over"


def test_a_lease_is_extended(bench: Bench) -> None:
    only(bench, LEASES, "it has no lease that ends by time")
    broker = bench.declare(SHORT)
    broker.publish(messages(1)[0], "orders")
    (mine,) = broker.fetch("orders", 1, 2 * SECOND, "w1")
    other = bench.open("w2")
    for _ in range(5):
        time.sleep(0.2)
        mine = broker.extend(mine)
        assert other.fetch("orders", 1, 0, "w2") == []
    broker.ack(mine)


def test_settled_twice_is_stale_where_receipts_count(bench: Bench) -> None:
    only(bench, FENCED, "it does not look at receipts")
    broker = bench.declare(PLAIN)
    broker.publish(messages(1)[0], "orders")
    (mine,) = broker.fetch("orders", 1, SECOND)
    broker.ack(mine)
    for again in (broker.ack, broker.nack, broker.extend, lambda d: broker.term(d, "poison")):
        with pytest.raises(Stale):
            again(mine)


def test_the_same_id_within_the_window_is_stored_once(bench: Bench) -> None:
    broker = bench.declare(Topology((Queue("orders", dedup_us=SECOND, lease_us=30 * SECOND),)))
    message = Message("m1", dedup_id="m1")
    assert not broker.publish(message, "orders").duplicate
    assert broker.publish(message, "orders").duplicate
    time.sleep(1.6)
    assert not broker.publish(message, "orders").duplicate, "after the window it is stored again"
    assert take(broker, 2) == ["m1", "m1"]
    assert broker.fetch("orders", 1, SECOND // 10) == []


def test_what_is_full_refuses(bench: Bench) -> None:
    broker = bench.declare(Topology((Queue("orders", capacity=2, full="drop new"),)))
    refused = [why(broker, message, "orders") for message in messages(10)]
    assert refused[:2] == ["", ""]
    assert refused[-1] == "full"


def test_urgent_ones_go_first(bench: Bench) -> None:
    broker = bench.declare(Topology((Queue("orders", priorities=True, lease_us=30 * SECOND),)))
    for number, priority in enumerate((0, 0, 9)):
        broker.publish(Message(f"m{number}", priority=priority), "orders")
    assert take(broker, 3, each=1)[0] == "m2"


def test_one_at_a_time_for_each_key(bench: Bench) -> None:
    broker = bench.declare(Topology((Queue("orders", by_key=True, lease_us=30 * SECOND),)))
    broker.publish_many([Message(f"{key}{n}", key) for key in "ab" for n in (1, 2)], "orders")
    out = broker.fetch("orders", 10, SECOND)
    assert sorted(d.message.id for d in out) == ["a1", "b1"]
    assert broker.fetch("orders", 10, 0) == []
    broker.ack(out[0])
    assert [d.message.id for d in broker.fetch("orders", 10, SECOND)] == ["a2"]


def test_too_old_is_too_late(bench: Bench) -> None:
    queue = Queue("orders", ttl_us=SECOND // 2, lease_us=30 * SECOND, dedup_us=0)
    broker = bench.declare(Topology((queue,)))
    broker.publish(messages(1)[0], "orders")
    late = {"kafka": "it deletes whole segments, minutes later", "mqtt": "who is connected is sent it at once"}
    if bench.name in late:
        pytest.skip(f"{bench.name}: {late[bench.name]}")
    time.sleep(1.0)
    assert broker.fetch("orders", 1, SECOND // 5) == []


@pytest.mark.parametrize(
    ("kind", "pattern", "gets"),
    [("direct", "order.placed", True), ("topic", "order.#", True), ("topic", "*.late", False), ("fanout", "", True),
     ("headers", "all: city=Pune", True), ("headers", "all: city=Delhi", False)],
)  # fmt: skip
def test_an_exchange_routes(bench: Bench, kind: str, pattern: str, gets: bool) -> None:
    topology = Topology(
        (Queue("orders"), Queue("rest")), (Exchange("events", kind),),  # type: ignore[arg-type]
        (Binding("events", "orders", pattern), Binding("events", "rest", "any: city=Pune")),
    )  # fmt: skip
    broker = bench.declare(topology)
    message = Message("m1", type="order.placed", headers=(("city", "Pune"),))
    assert why(broker, message, "events") in ("", "" if gets else "unroutable")
    wait = 5 * SECOND if gets else SECOND // 5
    assert [d.message.id for d in broker.fetch("orders", 1, wait)] == (["m1"] if gets else [])


def test_nobody_is_handed_what_another_has(bench: Bench) -> None:
    only(bench, ("sqlite", "postgres", "nats", "rabbitmq", "redis"), "one consumer owns a partition or a session")
    total, workers = 120, 4
    broker = bench.declare(PLAIN)
    broker.publish_many(messages(total), "orders")
    seen: list[str] = []
    problems: list[Exception] = []

    def work(name: str) -> None:
        mine = bench.open(name)
        try:
            while deliveries := mine.fetch("orders", 3, SECOND // 2, name):
                for delivery in deliveries:
                    seen.append(delivery.message.id)
                    mine.ack(delivery)
        except Exception as error:  # noqa: BLE001 - shown below, in the test's own thread
            problems.append(error)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert problems == []
    assert len(seen) == total
    assert len(set(seen)) == total


def test_what_is_not_acknowledged_survives_its_consumer(bench: Bench) -> None:
    only(bench, ("rabbitmq", "kafka", "mqtt"), "a lease brings it back, see above")
    broker = bench.declare(PLAIN)
    broker.publish(messages(1)[0], "orders")
    (mine,) = broker.fetch("orders", 1, 25 * SECOND, "w1")
    broker.close()
    again = bench.open("w1")
    found = again.fetch("orders", 1, 25 * SECOND, "w1")
    assert [d.message.id for d in found] == [mine.message.id]
    again.ack(found[0])
    broker = again


def test_removed_is_gone(bench: Bench) -> None:
    broker = bench.declare(PLAIN)
    broker.publish(messages(1)[0], "orders")
    broker.remove(PLAIN)
    with pytest.raises(Unable, match="declare"):
        broker.fetch("orders")


def test_what_was_done_is_not_handed_out_again_with_one_that_comes_back(bench: Bench) -> None:
    broker = bench.declare(PLAIN)
    broker.publish_many(messages(3), "orders")
    first, *others = fetched(broker, 3)
    for delivery in others:
        broker.ack(delivery)
    try:
        broker.nack(first)
    except Unable as error:
        pytest.skip(f"{bench.name}: {error}")
    (again,) = fetched(broker, 1)
    assert (again.message.id, again.attempt) == ("m1", 2)
    broker.ack(again)
    assert broker.fetch("orders", 3, SECOND // 5) == []
