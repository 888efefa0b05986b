"""Load on the queues: rates, depth, percentiles, lag, and Little's law beside what was seen.

Little's law (J. D. C. Little, Operations Research 9, 1961): the mean number L in a stable system is the arrival rate λ
times the mean time W that one spends in it, whatever the distributions are.  Both sides are taken from the run here:
L by integrating how many were there, λ and W from each message's own two moments.  They must agree over any stretch
that begins and ends with the same messages; where they part, the stretch is not stable: the queue grows or drains.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prayog_sim.trace import Step

__all__ = ["WINDOW_US", "Load", "Now", "percentile"]

WINDOW_US = 2_000_000
"""Rates and percentiles look back over so much."""
_EVERY_US = 100_000


@dataclass(frozen=True, slots=True)
class Now:
    """The load at one moment, over the last `WINDOW_US`.  Times in µs, rates in 1/s; −1: not known."""

    at: int
    depth: int
    in_hand: int
    arrivals: float
    departures: float
    observed: float
    """Mean number in the system: L."""
    predicted: float
    """λ W."""
    mean_us: float
    """W."""
    p50_us: int
    p95_us: int
    p99_us: int
    oldest_us: int

    @property
    def lag(self) -> int:
        """Messages that are not settled."""
        return self.depth + self.in_hand

    @property
    def eta_us(self) -> float:
        """Until all is settled at this pace; −1: never, it grows or stands."""
        pace = self.departures - self.arrivals
        return -1 if pace <= 0 or not self.lag else 1e6 * self.lag / pace


class Load:
    """Reads a run; `now` is the load after the last step, `course` how it went."""

    def __init__(self) -> None:
        self.course: list[Now] = []
        self.ends: list[int] = []
        """End-to-end times of all messages (publish to first effect), in the order of the effects."""
        self.per_queue: dict[str, int] = {}
        """Messages that wait or are in hand, by queue."""
        self.redelivered = 0
        self._at = 0
        self._entered: dict[str, int] = {}
        self._graves: set[str] = set()
        """Dead-letter queues: what lies there is not in the system."""
        self._hand: set[str] = set()
        self._published: dict[str, int] = {}
        self._acted: set[str] = set()
        self._in: deque[int] = deque()
        self._out: deque[tuple[int, int]] = deque()
        self._area: deque[tuple[int, int]] = deque([(0, 0)])
        """(when, how many from then on)."""
        self._recent: deque[tuple[int, int]] = deque()

    def take(self, step: Step) -> None:
        """Read one more step."""
        at = step.at
        if at >= self._at + _EVERY_US:
            self._sample(at - at % _EVERY_US)
        self._one(step.kind, step.data, at)
        for effect in step.effects:
            self._one(effect.kind, effect.data, at)

    def _one(self, kind: str, data: Mapping[str, Any], at: int) -> None:
        match kind:
            case "publish":
                self._published.setdefault(data["message"], at)
            case "stored" if data["queue"] not in self._graves:
                self._enter(f"{data['message']}\0{data['queue']}", data["queue"], at)
            case "delivered":
                self._hand.add(f"{data['message']}\0{data['queue']}")
                self.redelivered += data.get("attempt", 1) > 1
            case "lease_expired":
                self._hand.discard(f"{data['message']}\0{data.get('queue', '')}")
            case "acked" | "dropped" | "dead":
                if kind == "dead":
                    self._graves.add(data.get("to", ""))
                self._leave(f"{data['message']}\0{data.get('queue', '')}", data.get("queue", ""), at)
            case "effect":
                message = data["message"]
                if message not in self._acted and message in self._published:
                    self._acted.add(message)
                    took = at - self._published[message]
                    self.ends.append(took)
                    self._recent.append((at, took))

    def _enter(self, name: str, queue: str, at: int) -> None:
        if name in self._entered:
            return
        self._entered[name] = at
        self._in.append(at)
        self.per_queue[queue] = self.per_queue.get(queue, 0) + 1
        self._area.append((at, len(self._entered)))

    def _leave(self, name: str, queue: str, at: int) -> None:
        entered = self._entered.pop(name, None)
        if entered is None:
            return
        self._hand.discard(name)
        self._out.append((at, at - entered))
        self.per_queue[queue] -= 1
        self._area.append((at, len(self._entered)))

    def _sample(self, at: int) -> None:
        self.course.append(self.now(at))
        self._at = at

    def now(self, at: int) -> Now:
        """The load at `at` µs, which is not before the last step that was read."""
        begin = max(0, at - WINDOW_US)
        span = max(at - begin, 1)
        while self._in and self._in[0] < begin:
            self._in.popleft()
        while self._out and self._out[0][0] < begin:
            self._out.popleft()
        while self._recent and self._recent[0][0] < begin:
            self._recent.popleft()
        while len(self._area) > 1 and self._area[1][0] <= begin:
            self._area.popleft()
        area, before, count = 0, begin, self._area[0][1]
        for when, many in self._area:
            if when > before:
                area += count * (when - before)
                before = when
            count = many
        area += count * (at - before)
        arrivals, waits = 1e6 * len(self._in) / span, [took for _, took in self._out]
        mean = sum(waits) / len(waits) if waits else 0.0
        ends = sorted(took for _, took in self._recent)
        oldest = next(iter(self._entered.values()), at)
        hand = len(self._hand)
        return Now(
            at, len(self._entered) - hand, hand, arrivals, 1e6 * len(waits) / span, area / span, arrivals * mean / 1e6,
            mean, percentile(ends, 50), percentile(ends, 95), percentile(ends, 99), at - oldest,
        )  # fmt: skip

    def at(self, clock_us: float) -> Now | None:
        """The last sample not after a moment."""
        index = bisect_left(self.course, clock_us + 1, key=lambda n: n.at) - 1
        return self.course[index] if index >= 0 else None


def percentile(values: list[int], percent: int) -> int:
    """The nearest-rank percentile of sorted `values`; −1 for none."""
    return values[max(0, -(-len(values) * percent // 100) - 1)] if values else -1
