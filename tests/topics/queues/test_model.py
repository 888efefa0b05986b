"""The broker as a state machine: leases, retries, dead letters, order, capacity, disks, logs, doors."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prayog_queues.engine.envelope import Death, Message
from prayog_queues.engine.model.adapter import SimBroker
from prayog_queues.engine.model.admission import Account, Admission
from prayog_queues.engine.model.broker import Model
from prayog_queues.engine.model.log import partition_of
from prayog_queues.engine.model.routing import matches, route
from prayog_queues.engine.model.sealing import CAN_ENCRYPT, Unreadable, opened, sealed, signed, signed_by
from prayog_queues.engine.port import Binding, Broker, Exchange, Queue, Refused, Stale, Topology, Unable

S = 1_000_000


def broker(**queue: Any) -> SimBroker:
    """One queue `q` as given."""
    found = SimBroker()
    found.declare(Topology((Queue("q", **{"lease_us": S, **queue}),)))
    return found


def put(b: SimBroker, *names: str, key: str = "", **fields: Any) -> None:
    for n, name in enumerate(names, 1):
        b.publish(Message(name, key, number=n, **fields), "q")


def ids(b: SimBroker, most: int = 10, consumer: str = "w1") -> list[str]:
    return [d.message.id for d in b.fetch("q", most, consumer=consumer)]


def words(b: SimBroker) -> list[str]:
    return [kind for kind, _ in b.model.told.drain()]


def test_the_adapter_is_a_broker() -> None:
    used: Broker = broker()
    assert used.name == "simulator"


def test_a_lease_ends_by_time_and_another_gets_it_with_a_new_receipt() -> None:
    b = broker()
    put(b, "a")
    (first,) = b.fetch("q", consumer="w1")
    assert not b.fetch("q", consumer="w2")
    b.wait(S)
    (second,) = b.fetch("q", consumer="w2")
    assert (second.message.id, second.attempt) == ("a", 2)
    assert second.receipt != first.receipt


def test_a_late_ack_counts_only_where_nothing_fences() -> None:
    fenced, loose = broker(), broker(fenced=False)
    for b in (fenced, loose):
        put(b, "a")
        (late,) = b.fetch("q", consumer="w1")
        b.wait(S)
        b.fetch("q", consumer="w2")
        if b is fenced:
            with pytest.raises(Stale):
                b.ack(late)
            assert b.stats("q").leased == 1
        else:
            b.ack(late)
            assert b.stats("q") == b.stats("q").__class__(0, 0, 0, 0, 2)
    accepted = [data["accepted"] for kind, data in loose.model.told.drain() if kind == "stale_ack"]
    assert accepted == [True]


def test_extending_keeps_the_lease() -> None:
    b = broker()
    put(b, "a")
    (held,) = b.fetch("q", consumer="w1")
    b.wait(S - 1)
    held = b.extend(held)
    b.wait(S - 1)
    assert not b.fetch("q", consumer="w2")
    b.ack(held)
    assert b.stats("q").ready == b.stats("q").leased == 0


def test_backoff_doubles_and_jitter_only_shortens() -> None:
    model = Model(Topology((Queue("q", lease_us=0, backoff_us=S, jitter=0.5),)), seed=3)
    model.publish(Message("a"), "q", 0)
    now, waits = 0, []
    for _ in range(4):
        (held,) = model.fetch("q", "w", 1, now)
        model.nack(held, "w", now)
        due = model.due
        assert due is not None
        waits.append((due - now) / S)
        now = due
        model.tick(now)
    assert all(full / 2 <= wait <= full for wait, full in zip(waits, (1, 2, 4, 8), strict=True)), waits
    assert len({round(wait / full, 3) for wait, full in zip(waits, (1, 2, 4, 8), strict=True)}) == 4


def test_after_its_attempts_a_message_is_put_aside_with_all_its_deaths_and_can_be_sent_back() -> None:
    b = broker(attempts=2, dead_letters="dead")
    put(b, "a")
    for life in (1, 2):
        for _ in range(2):
            (held,) = b.fetch("q", consumer="w1")
            b.nack(held)
        ((message, _),) = b.peek("dead")
        assert [death.queue for death in message.deaths] == ["q"] * life
        assert message.deaths[-1].attempts == 2
        if life == 1:
            assert b.model.redrive("dead", b.now) == 1
    assert b.stats("q").dead == 1


def test_without_a_dead_letter_queue_it_is_gone_and_that_is_told() -> None:
    b = broker(attempts=1)
    put(b, "a")
    (held,) = b.fetch("q", consumer="w1")
    b.nack(held)
    dropped = [data for kind, data in b.model.told.drain() if kind == "dropped"]
    assert [(d["message"], d["why"], d["told"]) for d in dropped] == [("a", "attempts", False)]


@pytest.mark.parametrize("look", [0, 50])
def test_looking_changes_nothing(look: int) -> None:
    b = broker(attempts=3)
    put(b, "a", "b")
    for _ in range(look):
        b.peek("q")
    assert [d.attempt for d in b.fetch("q", 2, consumer="w1")] == [1, 1]


def test_time_to_live_ends_also_for_what_was_out_meanwhile() -> None:
    b = broker(ttl_us=2 * S, lease_us=5 * S, dead_letters="dead")
    put(b, "a", "b")
    (held,) = b.fetch("q", consumer="w1")
    b.wait(3 * S)
    assert [m.id for m, _ in b.peek("dead")] == ["b"]
    b.nack(held)
    assert [m.id for m, _ in b.peek("dead")] == ["b", "a"]
    assert words(b).count("expired") == 2


def test_the_window_of_deduplication_ends() -> None:
    b = broker(dedup_us=2 * S)
    message = Message("a", dedup_id="order 1")
    assert not b.publish(message, "q").duplicate
    assert b.publish(message, "q").duplicate
    b.wait(2 * S)
    assert not b.publish(message, "q").duplicate  # two copies now, as a real broker with a window of 2 s gave
    assert ids(b) == ["a", "a"]


def test_urgent_messages_go_first_and_others_keep_their_order() -> None:
    b = broker(priorities=True)
    put(b, "a", "b")
    b.publish(Message("hot", priority=9), "q")
    assert ids(b) == ["hot", "a", "b"]


def test_what_comes_back_stands_where_it_stood() -> None:
    b = broker()
    put(b, "a", "b", "c")
    first, _ = b.fetch("q", 2, consumer="w1")
    b.nack(first)
    assert ids(b) == ["a", "c"]


def test_one_at_a_time_for_each_key_also_while_the_first_waits_for_its_retry() -> None:
    b = broker(by_key=True, backoff_us=3 * S, lease_us=0)
    put(b, "a1", "a2", key="asha")
    put(b, "r1", key="ravi")
    held = b.fetch("q", 10, consumer="w1")
    assert [d.message.id for d in held] == ["a1", "r1"]
    b.nack(held[0])
    assert ids(b) == []  # a2 must not overtake a1
    b.wait(3 * S)
    (again,) = b.fetch("q", 10, consumer="w1")
    b.ack(again)
    assert ids(b) == ["a2"]


def test_a_single_active_consumer_and_its_successor() -> None:
    b = broker(single_active=True, lease_us=0)
    put(b, "a", "b")
    assert ids(b, 1, "w1") == ["a"]
    assert ids(b, 1, "w2") == []
    b.model.gone("w1", b.now)
    assert ids(b, 2, "w2") == ["a", "b"]


@pytest.mark.parametrize(
    ("full", "kept", "told"),
    [("block", ["a", "b"], None), ("drop new", ["a", "b"], True), ("drop old", ["b", "c"], False)],
)
def test_at_the_brim(full: Any, kept: list[str], told: bool | None) -> None:
    b = broker(capacity=2, full=full)
    put(b, "a", "b")
    if full == "drop old":
        b.publish(Message("c"), "q")
    else:
        with pytest.raises(Refused, match="full") as refusal:
            b.publish(Message("c"), "q")
        assert refusal.value.why == "full"
    assert [m.id for m, _ in b.peek("q")] == kept
    assert [d["told"] for k, d in b.model.told.drain() if k == "dropped"] == ([] if told is None else [told])


def test_spilling_keeps_everything() -> None:
    b = broker(capacity=2, full="spill")
    put(b, "a", "b", "c")
    assert ids(b) == ["a", "b", "c"]
    assert b.stats("q").extra == {"spilled": 1.0}


@pytest.mark.parametrize(
    ("durability", "process", "power"),
    [("memory", [], []), ("lazy", ["a", "b"], ["a"]), ("synced", ["a", "b"], ["a", "b"]),
     ("replicated", ["a", "b"], ["a", "b"])],
)  # fmt: skip
def test_what_a_restart_and_a_loss_of_power_leave(durability: Any, process: list[str], power: list[str]) -> None:
    for kind, left in (("process", process), ("power", power)):
        b = SimBroker(Model(Topology((Queue("q", durability=durability),)), sync_us=10 * S))
        put(b, "a")
        b.wait(10 * S)  # the lazy disk syncs now
        put(b, "b")
        b.fetch("q", consumer="w1")
        b.restart(power=kind == "power")
        assert ids(b) == left, kind


def test_a_loss_of_power_undoes_an_ack_that_was_not_synced() -> None:
    b = SimBroker(Model(Topology((Queue("q", durability="lazy"),)), sync_us=10 * S))
    put(b, "a")
    b.wait(10 * S)
    (held,) = b.fetch("q", consumer="w1")
    b.ack(held)
    b.restart(power=True)
    assert ids(b) == ["a"]


# -- logs ------------------------------------------------------------------------------------------------------


def log(**queue: Any) -> SimBroker:
    return broker(partitions=3, lease_us=0, **queue)


def test_a_key_stays_in_its_partition_and_reading_takes_nothing_away() -> None:
    b = log()
    for n in range(30):
        b.publish(Message(f"m{n}", f"k{n % 5}", number=n // 5 + 1), "q")
    for group in ("billing", "email"):
        seen: dict[str, list[int]] = {}
        for delivery in b.fetch("q", 100, consumer=f"{group}/w1"):
            seen.setdefault(delivery.message.key, []).append(delivery.message.number)
        assert sorted(seen) == [f"k{i}" for i in range(5)]
        assert all(numbers == sorted(numbers) for numbers in seen.values())


def test_more_readers_than_partitions_idle() -> None:
    model = Model(Topology((Queue("q", 3),)))
    for i in range(4):
        model.subscribe("q", f"w{i}", 0, group="g")
    for n in range(60):
        model.publish(Message(f"m{n}", f"k{n}"), "q", 0)
    got = [len(model.fetch("q", f"w{i}", 100, 0)) for i in range(4)]
    assert sum(got) == 60
    assert sorted(got)[0] == 0
    assert sorted(got)[1] > 0


def test_after_a_rebalance_the_old_owner_may_not_commit_and_the_new_one_reads_again() -> None:
    model = Model(Topology((Queue("q", 1),)))
    model.subscribe("q", "w2", 0, group="g")
    model.publish(Message("a"), "q", 0)
    (held,) = model.fetch("q", "w2", 1, 0)
    model.gone("w2", 0)
    model.subscribe("q", "w1", 0, group="g")
    with pytest.raises(Stale, match="belongs to w1"):
        model.ack(held, "w2", 0)
    (again,) = model.fetch("q", "w1", 1, 0)
    assert (again.message.id, again.attempt) == ("a", 2)


def test_a_committed_offset_is_cumulative_and_can_be_sought_back() -> None:
    model = Model(Topology((Queue("q", 1),)))
    model.subscribe("q", "w", 0, group="g")
    for name in "abc":
        model.publish(Message(name), "q", 0)
    held = model.fetch("q", "w", 3, 0)
    model.ack(held[2], "w", 0)  # a and b count as done, whether they were or not
    assert model.unfinished == 0
    model.queue("q").seek("g", 1)  # type: ignore[union-attr] # a log
    assert [d.message.id for d in model.fetch("q", "w", 9, 0)] == ["b", "c"]


def test_stopping_the_world_stops_everybody_and_cooperating_only_what_moves() -> None:
    for cooperative in (True, False):
        model = Model(Topology((Queue("q", 2),)), cooperative=cooperative, rebalance_us=S)
        model.subscribe("q", "w1", 0, group="g")
        model.tick(S)
        keys = {partition_of(f"k{n}", 2): f"k{n}" for n in range(20)}
        for part in (0, 1):
            model.publish(Message(f"m{part}", keys[part]), "q", S)
        model.subscribe("q", "w2", S, group="g")
        assert bool(model.fetch("q", "w1", 5, S)) is cooperative
        assert model.due == (None if cooperative else 2 * S)


# -- routes, doors ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "key", "fits"),
    [("order.*", "order.placed", True), ("order.*", "order", False), ("order.#", "order", True),
     ("#.placed", "order.eu.placed", True), ("*.placed", "order.eu.placed", False), ("#", "", True),
     ("order.#.x.#", "order.a.x", True), ("order", "order.placed", False),
     ("", "", True), ("", "order", False), ("*", "", False), ("*.*", ".", True), ("a.", "a.", True)],
)  # fmt: skip
def test_topic_patterns(pattern: str, key: str, fits: bool) -> None:
    assert matches(pattern, key) is fits


def test_each_exchange_routes_in_its_way_and_a_queue_gets_one_copy() -> None:
    queues = (Queue("a"), Queue("b"))
    message = Message("m", type="order.placed", headers=(("city", "Pune"), ("express", "yes")))

    def goes(kind: Any, *patterns: tuple[str, str]) -> list[str]:
        bindings = tuple(Binding("x", queue, pattern) for queue, pattern in patterns)
        return route(Topology(queues, (Exchange("x", kind),), bindings), message, "x")

    assert goes("direct", ("a", "order.placed"), ("b", "order")) == ["a"]
    assert goes("topic", ("a", "order.#"), ("a", "#"), ("b", "mail.#")) == ["a"]
    assert goes("fanout", ("b", "whatever"), ("a", "")) == ["a", "b"]
    assert goes("headers", ("a", "all: city=Pune, express=no"), ("b", "any: city=Pune, express=no")) == ["b"]


def test_what_fits_no_binding_is_dropped_and_confirmed_all_the_same() -> None:
    b = SimBroker()
    b.declare(Topology((Queue("q"),), (Exchange("x"),)))
    assert b.publish(Message("a"), "x").queue == ""
    assert b.model.told.drain()[-1][1]["why"] == "unroutable"
    with pytest.raises(Refused, match="no exchange and no queue 'nowhere'"):
        b.publish(Message("a"), "nowhere")
    with pytest.raises(Unable, match="there are q"):
        b.fetch("nowhere")


def test_signing_hides_nothing_and_encrypting_proves_nothing() -> None:
    message = Message("a", "asha", '{"rupees": 500}', source="p1")
    letter = signed(message, "key")
    assert letter.body == message.body  # anybody can read it
    assert signed_by(letter, "key")
    assert not signed_by(letter, "another key")
    assert not signed_by(Message("a", "asha", '{"rupees": 5000}', source="p1", signature=letter.signature), "key")
    if not CAN_ENCRYPT:
        pytest.skip("the library cryptography is not installed")
    box = sealed(message, "shared")
    assert "rupees" not in box.body
    assert opened(box, "shared").body == message.body
    with pytest.raises(Unreadable):
        opened(box, "another")
    assert not signed_by(box, "shared")


def door(**rules: Any) -> Model:
    accounts = (Account("p1", "secret", ("orders",), (), "key of p1"), Account("guest", "g", ("chat.#",), ()))
    return Model(Topology((Queue("orders"),)), admission=Admission(accounts, **rules))


def test_who_it_is_and_what_they_may_do_are_two_questions() -> None:
    model = door(passwords=True)
    model.publish(Message("a"), "orders", 0, client="p1", password="secret")
    for client, password, says in (("p1", "wrong", "wrong name or password"), ("guest", "g", "may not publish orders")):
        with pytest.raises(Refused, match=says) as refusal:
            model.publish(Message("b"), "orders", 0, client=client, password=password)
        assert refusal.value.why == "denied"


def test_a_signature_stops_a_forgery_and_only_ids_stop_a_replay() -> None:
    genuine = signed(Message("a", source="p1", time_us=0), "key of p1")
    for replay_us in (0, 60 * S):
        model = door(signed=True, replay_us=replay_us)
        with pytest.raises(Refused) as refusal:
            model.publish(Message("x", source="p1", signature="00"), "orders", 0, client="thief")
        assert refusal.value.why == "forged"
        model.publish(genuine, "orders", 0, client="p1")
        if not replay_us:
            model.publish(genuine, "orders", S, client="thief")
            assert model.stats("orders", S).ready == 2
            continue
        with pytest.raises(Refused, match="came before"):
            model.publish(genuine, "orders", S, client="thief")
        assert model.publish(genuine, "orders", S, client="p1")[0].duplicate  # the producer's own second try
        with pytest.raises(Refused, match="longer ago than the window"):
            model.publish(genuine, "orders", 61 * S, client="thief")


def test_a_rate_limit_is_each_clients_own() -> None:
    model = door(rate=10.0, burst=2.0)
    for n in range(2):
        model.publish(Message(f"f{n}"), "orders", 0, client="thief")
    with pytest.raises(Refused, match="more than 10 messages a second") as refusal:
        model.publish(Message("f2"), "orders", 0, client="thief")
    assert refusal.value.why == "limited"
    model.publish(Message("a"), "orders", 0, client="p1")


# -- properties ------------------------------------------------------------------------------------------------

ACTS = st.lists(st.tuples(st.sampled_from(["put", "take", "ack", "nack", "wait", "gone", "restart", "look"]),
                          st.integers(0, 3)), max_size=60)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(ACTS, st.integers(0, 3), st.booleans(), st.booleans())
def test_a_safe_queue_never_loses_nor_forgets(
    acts: list[tuple[str, int]], attempts: int, by_key: bool, fenced: bool
) -> None:
    """Whatever happens, each message waits, is in one hand, was acknowledged, or lies in the dead-letter queue."""
    b = broker(attempts=attempts, dead_letters="dead", by_key=by_key, fenced=fenced, backoff_us=100)
    made: list[str] = []
    acked: set[str] = set()
    held: list[Any] = []
    for act, n in acts:
        match act:
            case "put":
                made.append(f"m{len(made)}")
                b.publish(Message(made[-1], f"k{n}"), "q")
            case "take":
                held += b.fetch("q", n, consumer=f"w{n}")
            case "ack" | "nack" if held:
                delivery = held.pop(n % len(held))
                try:
                    b.ack(delivery) if act == "ack" else b.nack(delivery)
                    acked |= {delivery.message.id} if act == "ack" else set()
                except Stale:
                    pass
            case "wait":
                b.wait(n * S // 2)
            case "gone":
                b.model.gone(f"w{n}", b.now)
            case "restart":
                b.restart(power=n > 1)
            case "look":
                b.peek("q", n)
        there = [m.id for m, _ in b.peek("q", 999)] + [m.id for m, _ in b.peek("dead", 999)]
        assert sorted([*there, *acked]) == sorted(made)
        stats = b.stats("q")
        assert stats.ready + stats.leased == len(b.peek("q", 999))
    dead = b.peek("dead", 999)
    assert all(message.deaths[-1].attempts == attempts for message, _ in dead)
    b.wait(60 * S)
    for _ in range(200):  # and in the end everything that waits can be had
        found = b.fetch("q", 99, consumer="last")
        if not found:
            break
        for delivery in found:
            b.ack(delivery)
    assert b.stats("q").ready == b.stats("q").leased == 0


def test_a_checkpoint_gives_back_equal_messages() -> None:
    message = Message("a", "asha", headers=(("city", "Pune"),), ttl_us=5, dedup_id="a")
    message = message.dead(Death("q", "attempts", 3, 7))
    assert pickle.loads(pickle.dumps(message)) == message
