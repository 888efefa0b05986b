"""How fast the simulated broker is.  Run it: ``python tests/bench/bench_queues.py`` (SimPy beside it, where installed).

Against SimPy both do the same: messages arrive every 10 µs, eight consumers take one each, work takes 50 µs on average,
and every hand-out has a visibility timer of a second that its acknowledgement ends.

* the model: `Model` (leases, receipts, attempts, dead letters: all of it), driven by a heap of the ends of work beside
  the arrivals
* SimPy as its documentation does it: a `Store`, a process for each consumer, and one for each hand-out that waits for
  the timer or the acknowledgement (``yield timeout | acked``); with receipts, attempts and a history as well, but
  without priorities, time to live, backoff, keys, capacity, deduplication and dead letters

Recording: the same with and without what the model tells; and a whole `World` of producers, broker, consumers and bank
with and without the words of its history.  Repetitions are interleaved, a ratio is taken in each, the median counts.
CPU time; the garbage collector is off while the clock runs.
"""

from __future__ import annotations

import gc
import heapq
import random
from collections.abc import Callable, Iterator
from statistics import median
from time import process_time
from typing import Any

from prayog_queues.engine.envelope import Message
from prayog_queues.engine.model.broker import Model
from prayog_queues.engine.port import Queue, Topology
from prayog_queues.engine.setup import Setup
from prayog_queues.engine.world.build import build
from prayog_sdk.params import parse
from prayog_sim.node import Ctx

try:
    import simpy
except ImportError:
    simpy = None

COUNT, ROUNDS, CONSUMERS, LEASE_US, GAP_US = 20_000, 9, 8, 1_000_000, 10
WORLD = {"messages": 1_500, "rate": 1_000, "consumers": 4, "work_ms": 2, "lease_ms": 60_000, "keys": 50}


def ours(record: bool = True) -> float:
    """Seconds for `COUNT` messages through the model."""
    model = Model(Topology((Queue("q", lease_us=LEASE_US),)), record=record)
    rng = random.Random(1)
    messages = [Message(f"m{n}", f"k{n % 50}", number=n) for n in range(COUNT)]
    work = [rng.randint(1, 99) for _ in range(4_096)]
    names = [f"w{i}" for i in range(CONSUMERS)]
    for name in names:
        model.subscribe("q", name, 0)

    def run() -> None:
        push, pop, publish, fetch, ack = heapq.heappush, heapq.heappop, model.publish, model.fetch, model.ack
        waiting = model.queues["q"].ready  # type: ignore[union-attr] # a queue, not a log
        heap: list[tuple[int, int, Any, str]] = []
        idle = list(names)
        order = made = done = arrives = 0
        due: int | None = None
        while done < COUNT:
            if made < COUNT and (not heap or arrives <= heap[0][0]):
                now, who = arrives, ""
            else:
                now, _, held, who = pop(heap)
            if due is not None and due <= now:
                model.tick(now)
                due = model.due
            if who:
                ack(held, who, now)
                done += 1
                idle.append(who)
            else:
                publish(messages[made], "q", now)
                made += 1
                arrives += GAP_US
            while idle and waiting:
                found = fetch("q", idle[-1], 1, now)
                order += 1
                push(heap, (now + work[order & 4_095], order, found[0], idle.pop()))
                if due is None:
                    due = model.due
            if len(model.told.log) > 1_000:
                model.told.drain()

    return timed(run)


def theirs() -> float:
    """Seconds for `COUNT` messages in SimPy."""
    rng = random.Random(1)
    env = simpy.Environment()
    store = simpy.Store(env)
    left, outs = COUNT, 0
    finished = env.event()
    messages = [Message(f"m{n}", f"k{n % 50}", number=n) for n in range(COUNT)]
    attempts: dict[str, int] = {}
    newest: dict[str, str] = {}
    history: list[tuple[str, dict[str, Any]]] = []

    def producer() -> Iterator[Any]:
        for message in messages:
            attempts[message.id] = 0
            yield store.put(message)
            history.append(("stored", {"message": message.id, "key": message.key, "number": message.number}))
            yield env.timeout(GAP_US)

    def lease(message: Message, receipt: str, acked: Any) -> Iterator[Any]:
        timer = env.timeout(LEASE_US)
        yield timer | acked
        if not acked.triggered and newest.get(message.id) == receipt:
            history.append(("lease_expired", {"message": message.id, "receipt": receipt}))
            yield store.put(message)

    def consumer() -> Iterator[Any]:
        nonlocal left, outs
        while True:
            message = yield store.get()
            outs += 1
            receipt = newest[message.id] = f"q#{outs}"
            attempts[message.id] += 1
            acked = env.event()
            env.process(lease(message, receipt, acked))
            yield env.timeout(rng.randint(1, 99))
            if newest.get(message.id) == receipt:
                acked.succeed()
                del newest[message.id], attempts[message.id]
                history.append(("acked", {"message": message.id, "receipt": receipt, "queue": "q"}))
            left -= 1
            if left == 0:
                finished.succeed()

    env.process(producer())
    for _ in range(CONSUMERS):
        env.process(consumer())
    return timed(lambda: env.run(finished))


def world(record: bool = True) -> float:
    """Seconds for a whole world; without `record` nobody writes the words of its history."""
    run = build(parse(Setup, WORLD), 1)
    emit = Ctx.emit
    if not record:
        Ctx.emit = lambda self, kind, **data: None  # type: ignore[method-assign]
    try:
        return timed(lambda: run.run(max_steps=100_000))
    finally:
        Ctx.emit = emit  # type: ignore[method-assign]


def timed(work: Callable[[], object]) -> float:
    gc.collect()
    gc.disable()
    began = process_time()
    work()
    took = process_time() - began
    gc.enable()
    return took


def main() -> None:
    rounds = [(ours(), ours(record=False), theirs() if simpy else 0.0) for _ in range(ROUNDS)]
    rate = median(COUNT / told for told, _, _ in rounds)
    print(f"model: {rate:,.0f} messages/s (publish, hand-out with lease, acknowledgement)")
    if simpy:
        verdict("times SimPy with the same timers", median(s / told for told, _, s in rounds), ">=", 5)
    else:
        print("  SimPy is not installed; no comparison")
    verdict("% of the model’s time is recording", median(100 * (1 - bare / told) for told, bare, _ in rounds), "<=", 15)
    pairs = [(world(), world(record=False)) for _ in range(ROUNDS)]
    rate = median(int(WORLD["messages"]) / told for told, _ in pairs)
    print(f"world: {rate:,.0f} messages/s (producer, broker, consumers, bank, network; ten traced steps each)")
    verdict("% of the world’s time is its history", median(100 * (1 - bare / told) for told, bare in pairs), "<=", 15)


def verdict(what: str, ratio: float, sign: str, bound: float) -> None:
    ok = ratio >= bound if sign == ">=" else ratio <= bound
    print(f"  {ratio:5.2f} {what}  ({sign} {bound}: {'ok' if ok else 'TOO SLOW'})")


if __name__ == "__main__":
    main()
