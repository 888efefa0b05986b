"""How fast the simulated TCP is, against SimPy and against a bare loop.  Run it: ``python tests/bench/bench_tcp.py``.

All three carry the same file: fixed window of 32 segments of 1,460 bytes, a line of 100 Mbit/s with a queue, 20 ms one
way, every second segment confirmed, and 1 segment of 200 lost and sent again after a duplicate ACK.

* bare: the same events on a bare `heapq`, with counters in the place of segments.  No bytes, no trace.
* SimPy as its documentation does it: a process per packet on its way, a `Store` per machine.  Its packets are the same
  frames, written and read by our encoder; there is no congestion control, no timer and no trace.
* ours: two machines and a router in a `World`; every segment is a frame with its three headers and check sums, written
  by one end and read by the other; slow start, SACK, RTT and RTO; the trace and its checkpoints are kept.

So ours does more for each segment; the ratios say what that costs.  The repetitions are interleaved and a ratio is
taken within each; the median counts.  CPU time, with the garbage collector off while the clock runs.
"""

from __future__ import annotations

import gc
import heapq
from collections.abc import Callable, Iterator
from statistics import median
from time import process_time
from typing import Any

import simpy

from prayog_protocols.engine.building import Draft, build
from prayog_protocols.engine.protocols import REGISTRY
from prayog_protocols.engine.recording import Recording
from prayog_protocols.engine.tcp.frames import ACK, PSH, Segment, read, write
from prayog_protocols.engine.tcp.programs import text
from prayog_protocols.engine.tcp.setup import Setup
from prayog_protocols.engine.tcp.setup import build as world_of
from prayog_protocols.engine.tcp.tuning import Tuning

SEGMENTS, WINDOW, EVERY, ROUNDS = 4_000, 32, 200, 5
SIZE, WIRE_US, DELAY_US = 1_460, 121, 20_000


def timed(work: Callable[[], object]) -> float:
    """CPU seconds."""
    gc.collect()
    gc.disable()
    began = process_time()
    work()
    took = process_time() - began
    gc.enable()
    return took


def ours() -> float:
    """Seconds for the file, and all that belongs to it."""
    drops = ", ".join(str(number) for number in range(EVERY, SEGMENTS, EVERY))
    tuning = Tuning(buffer=WINDOW * SIZE, sack=True)
    setup = Setup(tuning, amount=SEGMENTS * SIZE, rate_kbps=100_000, delay_us=DELAY_US, queue=1_000, drops=drops)
    world = world_of(setup, 1)
    took = timed(lambda: world.run(max_steps=1_000_000))
    assert world.nodes["shop"].connections["laptop:49153"] == "CLOSED"  # type: ignore[attr-defined]
    return took


class Model:
    """What SimPy and the bare loop simulate: how far each side is."""

    def __init__(self) -> None:
        self.next = self.confirmed = self.expected = self.since_ack = 0
        self.early: set[int] = set()
        self.resent: set[int] = set()
        self.passed: set[int] = set()

    def may_send(self) -> bool:
        return self.next < SEGMENTS and self.next - self.confirmed < WINDOW

    def lost(self, number: int) -> bool:
        """Each two-hundredth, the first time."""
        first = number not in self.passed
        self.passed.add(number)
        return first and number % EVERY == 0 and number > 0

    def arrived(self, number: int) -> bool:
        """A segment came; True when it is confirmed now."""
        hole = bool(self.early)
        if number == self.expected:
            self.expected += 1
            while self.expected in self.early:
                self.early.discard(self.expected)
                self.expected += 1
            self.since_ack += 1
            if self.since_ack < 2 and not hole and self.expected < SEGMENTS:
                return False
        elif number > self.expected:
            self.early.add(number)
        self.since_ack = 0
        return True

    def acked(self, number: int) -> int | None:
        """An ACK came; a segment that must be sent again, or None."""
        if number > self.confirmed:
            self.confirmed = number
            return None
        if number < SEGMENTS and number not in self.resent:
            self.resent.add(number)
            return number
        return None


def bare() -> float:
    """Seconds for the same events on a heap of tuples."""
    model = Model()
    heap: list[tuple[int, int, str, int]] = []
    order = free_at = 0

    def put(at: int, kind: str, number: int) -> None:
        nonlocal order
        order += 1
        heapq.heappush(heap, (at, order, kind, number))

    def transmit(now: int, number: int) -> None:
        nonlocal free_at
        if not model.lost(number):
            free_at = max(free_at, now) + WIRE_US
            put(free_at, "line", number)

    def loop() -> None:
        now = 0
        while model.confirmed < SEGMENTS:
            while model.may_send():
                transmit(now, model.next)
                model.next += 1
            now, _, kind, number = heapq.heappop(heap)
            if kind == "line":
                put(now + DELAY_US, "data", number)
            elif kind == "data":
                if model.arrived(number):
                    put(now + DELAY_US, "ack", model.expected)
            elif (again := model.acked(number)) is not None:
                transmit(now, again)

    return timed(loop)


def idiomatic() -> float:
    """Seconds for the same in SimPy."""
    env = simpy.Environment()
    model = Model()
    shop, laptop = simpy.Store(env), simpy.Store(env)
    line = simpy.Resource(env)
    done = env.event()

    def travel(number: int) -> Iterator[Any]:
        seq = 1 + number * SIZE
        frame = write("laptop", "shop", 1, Segment(49_153, 7_777, seq, 1, ACK, 65_535, text(number * SIZE, SIZE)))
        if model.lost(number):
            return
        with line.request() as turn:
            yield turn
            yield env.timeout(WIRE_US)
        yield env.timeout(DELAY_US)
        yield shop.put(frame)

    def confirm(number: int) -> Iterator[Any]:
        frame = write("shop", "laptop", 1, Segment(7_777, 49_153, 1, 1 + number * SIZE, ACK, 65_535))
        yield env.timeout(DELAY_US)
        yield laptop.put(frame)

    def sender() -> Iterator[Any]:
        while model.confirmed < SEGMENTS:
            while model.may_send():
                env.process(travel(model.next))
                model.next += 1
            frame: Any = yield laptop.get()
            said: Any = read(frame)
            again = model.acked((said.ack - 1) // SIZE)
            if again is not None:
                env.process(travel(again))
        done.succeed()

    def receiver() -> Iterator[Any]:
        while True:
            frame: Any = yield shop.get()
            said: Any = read(frame)
            if model.arrived((said.seq - 1) // SIZE):
                env.process(confirm(model.expected))

    env.process(sender())
    env.process(receiver())
    return timed(lambda: env.run(done))


def frames() -> tuple[float, float, float]:
    """µs to write a full segment, to read it, and for the general builder to make it."""
    segment = Segment(49_153, 7_777, 1, 1, ACK | PSH, 65_535, bytes(SIZE))
    frame = write("laptop", "shop", 1, segment)
    head = {"srcport": 49_153, "dstport": 7_777, "seq_raw": 1, "ack_raw": 1, "flags": ACK | PSH, "window": 65_535}
    ip = Draft("ip", {"src": "192.0.2.11", "dst": "198.51.100.80"})
    layers: list[Draft | bytes] = [Draft("eth"), ip, Draft("tcp", head), bytes(SIZE)]
    quick = timed(lambda: [write("laptop", "shop", 1, segment) for _ in range(5_000)]) / 5_000
    reading = timed(lambda: [read(frame) for _ in range(5_000)]) / 5_000
    general = timed(lambda: [build(REGISTRY, layers) for _ in range(200)]) / 200
    return quick * 1e6, reading * 1e6, general * 1e6


def main() -> None:
    rounds = [(bare(), ours(), idiomatic()) for _ in range(ROUNDS)]
    rate = median(SEGMENTS / mine for _, mine, _ in rounds)
    against_simpy = median(theirs / mine for _, mine, theirs in rounds)
    against_bare = median(loop / mine for loop, mine, _ in rounds)
    print(f"{SEGMENTS:,} segments of {SIZE} bytes, one of {EVERY} lost: {rate:,.0f} segments/s (CPU), with real bytes")
    print(f"  {against_simpy:5.2f} times SimPy with the same frames, but without timers, windows and trace")
    print(f"  {against_bare:5.2f} of a bare heapq loop with counters")
    quick, reading, general = frames()
    print(f"a frame: written in {quick:.1f} µs, read in {reading:.1f} µs; the builder from the specs takes "
          f"{general:.0f} µs ({general / quick:.0f} times)")  # fmt: skip
    world = world_of(Setup(amount=3_000_000, queue=200), 1)
    world.run(max_steps=1_000_000)
    recording = Recording()
    took = timed(lambda: recording.take_all(world.trace)) + timed(recording.pcapng)
    print(f"3 MB sent: {len(world.trace):,} steps, {len(recording.packets):,} packets, as pcapng in {took:.2f} s")


if __name__ == "__main__":
    main()
