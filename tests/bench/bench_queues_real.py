"""Speed of the real queues against what people use for the same, at equal durability, as ratios taken in one run.

    python tests/bench/bench_queues_real.py

Peers, each where it is installed: persist-queue and litequeue (SQLite), pgqueuer (PostgreSQL), raw nats-py.  A full
cycle is: put a message of 256 bytes, take it, acknowledge it; on our side with leases, receipts, attempts and dead
letters.  Contenders take turns; a ratio is the peer's time divided by ours in one turn, and the median counts.  What is
missed is printed as MISSED, what is not installed in a sentence.

"FULL" and "NORMAL" are SQLite's ``synchronous``, both with a write-ahead log, which both sides of a race have.  With
FULL our queue syncs enqueuing and acknowledging, not the lease in between: one that a power loss undoes had a consumer
on the same machine.  pgqueuer and our PostgreSQL queue both run on the embedded server with its defaults (synced).
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from prayog_queues.engine.envelope import Message
from prayog_queues.engine.port import Queue, Topology
from prayog_queues.engine.real.jetstream import JetStreamBroker
from prayog_queues.engine.real.postgres_queue import PostgresBroker
from prayog_queues.engine.real.sqlite_queue import SqliteBroker
from prayog_sdk.services import ServiceMissing, Services

ROUNDS = 7
BODY = "x" * 256
PLAIN = Topology((Queue("q", attempts=5, dead_letters="dead"), Queue("dead")))
missed: list[str] = []


def race(title: str, contenders: dict[str, Callable[[], float]], count: int, target: float) -> None:
    """The first against the others, in turns; seconds each."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, run in contenders.items():
            times[name].append(run())
    (ours, mine), *others = times.items()
    for name, theirs in others:
        ratios = sorted(b / a for a, b in zip(mine, theirs, strict=True))
        ratio = statistics.median(ratios)
        met = "met" if ratio >= target else "MISSED"
        if met == "MISSED":
            missed.append(title)
        a, b = (count / statistics.median(found) for found in (mine, theirs))
        print(f"{title}\n  {ours} / {name}: {ratio:.2f} [{ratios[0]:.2f}–{ratios[-1]:.2f}], target ≥ {target:g}: {met}"
              f"  ({a:,.0f} against {b:,.0f} a second)")  # fmt: skip


def absent(name: str) -> bool:
    if find_spec(name) is None:
        print(f"  {name} is not installed here, so it was left out.")
        return True
    return False


# -- SQLite --------------------------------------------------------------------------------------------------------


def sqlite_cycle(durability: str, count: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        broker = SqliteBroker(Path(folder, "q.db"), durability)
        broker.declare(PLAIN)
        began = time.perf_counter()
        for number in range(count):
            broker.publish(Message(str(number), body=BODY), "q")
        for _ in range(count):
            broker.ack(broker.fetch("q")[0])
        taken = time.perf_counter() - began
        broker.close()
        return taken


def persist_cycle(count: int) -> float:
    import persistqueue

    with tempfile.TemporaryDirectory() as folder:
        queue = persistqueue.SQLiteAckQueue(folder, auto_commit=True)
        began = time.perf_counter()
        for number in range(count):
            queue.put({"id": number, "body": BODY})
        for _ in range(count):
            queue.ack(queue.get())
        taken = time.perf_counter() - began
        queue.close()
        return taken


def lite_cycle(count: int) -> float:
    import litequeue

    with tempfile.TemporaryDirectory() as folder:
        queue = litequeue.LiteQueue(str(Path(folder, "q.db")))
        began = time.perf_counter()
        for number in range(count):
            queue.put(json.dumps({"id": number, "body": BODY}))
        for _ in range(count):
            queue.done(queue.pop().message_id)
        taken = time.perf_counter() - began
        queue.close()
        return taken


def sqlite() -> None:
    if not absent("persistqueue"):
        race("SQLite, full cycle, synchronous=FULL", {
            "ours": lambda: sqlite_cycle("synced", 400), "persist-queue": lambda: persist_cycle(400),
        }, 400, 1.0)  # fmt: skip
    if not absent("litequeue"):
        race("SQLite, full cycle, synchronous=NORMAL", {
            "ours": lambda: sqlite_cycle("lazy", 1_500), "litequeue": lambda: lite_cycle(1_500),
        }, 1_500, 1.5)  # fmt: skip


# -- PostgreSQL ----------------------------------------------------------------------------------------------------


def postgres_batches(url: str, count: int, batch: int) -> float:
    """Take and acknowledge all in batches, a handler called for each; filled before."""
    broker = PostgresBroker(url, "bench")
    broker.declare(PLAIN)
    broker.publish_many([Message(str(n), body=BODY) for n in range(count)], "q")
    handled = 0
    began = time.perf_counter()
    while found := broker.fetch("q", batch, 0, "w1"):
        for delivery in found:
            handled += len(delivery.message.body) // 256
        broker.ack_many(found)
    taken = time.perf_counter() - began
    assert handled == count
    broker.remove(PLAIN)
    broker.close()
    return taken


async def pgqueuer_batches(url: str, count: int, batch: int) -> float:
    """pgqueuer's own queue manager over asyncpg, as its documentation runs it; filled before."""
    import asyncpg
    from pgqueuer import PgQueuer
    from pgqueuer.db import AsyncpgDriver
    from pgqueuer.queries import Queries

    host = url.partition("host=")[2].partition("&")[0].replace("%2F", "/")
    connection = await asyncpg.connect(user="postgres", database="postgres", host=host)
    driver = AsyncpgDriver(connection)
    queries = Queries(driver)
    await queries.install()
    try:
        await queries.enqueue(["order"] * count, [BODY.encode()] * count, [0] * count)
        worker: Any = PgQueuer(driver)
        handled = 0

        @worker.entrypoint("order")
        async def handle(job: Any) -> None:
            nonlocal handled
            handled += 1
            if handled == count:
                worker.shutdown.set()

        began = time.perf_counter()
        await worker.run(batch_size=batch)
        taken = time.perf_counter() - began
        assert handled == count
        return taken
    finally:
        await queries.uninstall()
        await connection.close()


def postgres(services: Services) -> None:
    try:
        url = services.own_postgres("bench").url()
    except ServiceMissing as error:
        print(f"  {error}")
        return
    if absent("pgqueuer") or absent("asyncpg"):
        return
    race("PostgreSQL, taken, handled and acknowledged in batches of 50, synced", {
        "ours": lambda: postgres_batches(url, 2_000, 50),
        "pgqueuer": lambda: asyncio.run(pgqueuer_batches(url, 2_000, 50)),
    }, 2_000, 1.0)  # fmt: skip


# -- NATS ----------------------------------------------------------------------------------------------------------


def nats_adapter(url: str, count: int, pipelined: bool) -> float:
    broker = JetStreamBroker(url, "bench")
    broker.declare(PLAIN)
    sent = [Message(str(n), body=BODY) for n in range(count)]
    began = time.perf_counter()
    if pipelined:
        broker.publish_many(sent, "q")
    else:
        for message in sent:
            broker.publish(message, "q")
    taken = time.perf_counter() - began
    broker.remove(PLAIN)
    broker.close()
    return taken


async def nats_raw(url: str, count: int, pipelined: bool) -> float:
    """The same bytes a message, by the client library itself."""
    import nats

    from prayog_queues.engine.real.wire import encode

    client = await nats.connect(url)
    stream = client.jetstream(timeout=5)
    await stream.add_stream(name="raw", subjects=["raw"])
    sent = [Message(str(n), body=BODY) for n in range(count)]
    began = time.perf_counter()
    if pipelined:
        for low in range(0, count, 250):
            await asyncio.gather(*(stream.publish("raw", encode(message)) for message in sent[low : low + 250]))
    else:
        for message in sent:
            await stream.publish("raw", encode(message))
    taken = time.perf_counter() - began
    await stream.delete_stream("raw")
    await client.close()
    return taken


def nats_(services: Services) -> None:
    server = services.own_nats("bench")
    try:
        url = server.url()
    except ServiceMissing as error:
        print(f"  {error}")
        return
    for title, count, pipelined in (
        ("NATS, published one at a time with confirmation, default sync", 1_500, False),
        ("NATS, published 250 at a time with confirmation, default sync", 5_000, True),
    ):
        race(title, {
            "adapter": lambda n=count, p=pipelined: nats_adapter(url, n, p),  # type: ignore[misc]
            "raw nats-py": lambda n=count, p=pipelined: asyncio.run(nats_raw(url, n, p)),  # type: ignore[misc]
        }, count, 0.8)  # fmt: skip


def main() -> None:
    sqlite()
    with tempfile.TemporaryDirectory() as folder:
        services = Services(Path(folder), environ={})
        try:
            postgres(services)
            nats_(services)
        finally:
            services.close()
    print("missed: " + "; ".join(missed) if missed else "every target is met")


if __name__ == "__main__":
    main()
