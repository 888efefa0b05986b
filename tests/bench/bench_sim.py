"""How fast the kernel is, against SimPy and against a bare `heapq` loop.  Run it: ``python tests/bench/bench_sim.py``.

All three do the same: N nodes in a ring pass on what they get, K messages are always on their way, and each takes a
random time from 1 to 5 ms.  The repetitions are interleaved and a ratio is taken within each, so that a busy machine
slows all three alike; the median ratio counts.  CPU time; the garbage collector is off while the clock runs.

* bare: push and pop tuples, delays from a list drawn beforehand.  No objects, no trace.
* SimPy as its documentation does it (example "Process communication", event latency): a `Store` per node and a
  process per message.  No trace.
* the kernel: a `World` with its trace and its checkpoints.

Seeking is measured on runs of 100,000 steps, in CPU time, with nothing kept from an earlier seek.
"""

from __future__ import annotations

import gc
import heapq
import random
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from time import process_time
from typing import Any

import simpy

from prayog_sim.network import Link, Network, Uniform
from prayog_sim.node import Ctx, Node
from prayog_sim.world import World

LOW, HIGH = 1_000, 5_000
WARM, COUNT, ROUNDS = 5_000, 40_000, 9


class Relay(Node):
    """Passes everything on to its neighbour; starts with `load` messages."""

    def __init__(self, load: int) -> None:
        self.load = load

    def on_start(self, ctx: Ctx) -> None:
        for _ in range(self.load):
            ctx.send(ctx.peers[0], "token")

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        ctx.send(ctx.peers[0], msg)


def kernel(nodes: int, load: int) -> float:
    """Seconds for `COUNT` deliveries of a `World`."""
    world = World(
        {f"n{i}": partial(Relay, load // nodes) for i in range(nodes)},
        1,
        Network(Link(Uniform(LOW, HIGH))),
        strict=True,
    )
    world.run(max_steps=WARM)
    return timed(lambda: world.run(max_steps=COUNT))


def bare(nodes: int, load: int) -> float:
    """Seconds for `COUNT` turns of a loop over a heap of tuples."""
    rng = random.Random(1)
    delays = [rng.randint(LOW, HIGH) for _ in range(4_096)]
    heap = [(rng.randint(LOW, HIGH), i, i % nodes) for i in range(load)]
    heapq.heapify(heap)

    def loop(count: int) -> None:
        push, pop = heapq.heappush, heapq.heappop
        order = load
        for _ in range(count):
            at, _, node = pop(heap)
            push(heap, (at + delays[order & 4_095], order, node + 1 if node + 1 < nodes else 0))
            order += 1

    loop(WARM)
    return timed(lambda: loop(COUNT))


def idiomatic(nodes: int, load: int) -> float:
    """Seconds for `COUNT` deliveries in SimPy."""
    rng = random.Random(1)
    env = simpy.Environment()
    stores = [simpy.Store(env) for _ in range(nodes)]
    left = WARM
    done = env.event()

    def travel(dst: int, msg: str) -> Iterator[Any]:
        yield env.timeout(rng.randint(LOW, HIGH))
        yield stores[dst].put(msg)

    def node(me: int) -> Iterator[Any]:
        nonlocal left
        while True:
            msg = yield stores[me].get()
            env.process(travel((me + 1) % nodes, msg))
            left -= 1
            if left == 0:
                done.succeed()

    for i in range(nodes):
        env.process(node(i))
    for i in range(load):
        env.process(travel(i % nodes, "token"))
    env.run(done)
    left, done = COUNT, env.event()
    return timed(lambda: env.run(done))


def timed(work: Callable[[], object]) -> float:
    gc.collect()
    gc.disable()
    began = process_time()
    work()
    took = process_time() - began
    gc.enable()
    return took


class Chatter(Node):
    """Talks to everybody at random, keeps a log and a tally: a state worth copying."""

    def __init__(self) -> None:
        self.log: list[tuple[str, int]] = []
        self.tally: dict[str, int] = {}

    def on_start(self, ctx: Ctx) -> None:
        self.talk(ctx)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        self.talk(ctx)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        self.tally[src] = self.tally.get(src, 0) + 1
        self.log = [*self.log[-99:], (src, msg)]

    def talk(self, ctx: Ctx) -> None:
        for _ in range(3):
            ctx.send(ctx.rng.choice(ctx.peers), len(self.log))
        ctx.set_timer("talk", ctx.rng.randint(5_000, 15_000))


def seek(factory: Callable[[], Node], nodes: int) -> tuple[float, float]:
    """Median and longest seek in milliseconds."""
    world = World({f"n{i}": factory for i in range(nodes)}, 1, strict=True)
    world.run(max_steps=100_000)
    rng = random.Random(1)
    took = []
    for _ in range(25):
        at = rng.randrange(100_000)
        world._World__past = None
        began = process_time()
        world.view(at)
        took.append(1_000 * (process_time() - began))
    return median(took), max(took)


def main() -> None:
    for nodes, load in ((5, 20), (100, 2_000)):
        rounds = [(bare(nodes, load), kernel(nodes, load), idiomatic(nodes, load)) for _ in range(ROUNDS)]
        rate = median(COUNT / ours for _, ours, _ in rounds)
        against_bare = median(loop / ours for loop, ours, _ in rounds)
        against_simpy = median(theirs / ours for _, ours, theirs in rounds)
        print(f"{nodes} nodes, {load} in flight: {rate:,.0f} traced deliveries/s")
        verdict("of the bare heapq loop", against_bare, 0.3)
        verdict("times SimPy", against_simpy, 8)
    for name, factory, nodes in (
        ("relay", partial(Relay, 20), 100),
        ("chatter", Chatter, 5),
        ("chatter", Chatter, 100),
    ):
        middle, longest = seek(factory, nodes)
        word = "ok" if longest < 150 else "TOO SLOW"
        print(f"seek in 100,000 steps of {nodes} × {name}: {middle:.1f} ms (median), {longest:.1f} ms  (< 150: {word})")


def verdict(what: str, ratio: float, bound: float) -> None:
    print(f"  {ratio:5.2f} {what}  (>= {bound}: {'ok' if ratio >= bound else 'TOO SLOW'})")


if __name__ == "__main__":
    main()
