"""A sender that the learner writes: 200 packets over a link that loses one in ten, first one by one, then many at once.

The receiver keeps what comes, in whatever order, and confirms each packet by its number. The link takes 1 ms for a
packet and 50 ms each way; packets and confirmations are lost with the same probability.

Rules
1. The function sees the world through `Sender` only; it is called at the start, at each confirmation and when its
   timer rings.
2. Loss depends on the seed and on how many packets went before, so the same function gives the same run.
3. The measure of speed is stop-and-wait on the same seed, run beside it."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from prayog_protocols.engine.story import Story
from prayog_protocols.engine.wire import Wire
from prayog_sdk.code.function import Function, Outcome, events
from prayog_sdk.run import Emit, Facts
from prayog_sdk.specs import CodeSpec
from prayog_sim.rng import Rng
from prayog_sim.run import Action, ActionError
from prayog_sim.trace import Step

__all__ = ["PACKETS", "WINDOW", "Event", "Sender", "Window"]

PACKETS = 200
_ONE_MS, _WAY_MS, _LIMIT_MS = 1.0, 50.0, 120_000.0
STARTER = '''\
def on_event(me, event):
    """Send all packets, numbered 0, 1, 2, … so that each arrives.

    event is "start", "ack" (me.packet was confirmed) or "timer" (yours rang).

        me.packets     how many there are
        me.acked       the numbers that were confirmed, a set
        me.notes       a dict of your own, kept between calls
        me.now         milliseconds since the start
        me.send(n)     put packet n on the link, for the first time or again
        me.timer(ms)   ring after so long; a new timer replaces the old one

    This one is stop-and-wait: one packet, and nothing more until it is
    confirmed. It is right, and slow: each packet costs a round trip of 101 ms.
    """
    waiting = me.notes.get("waiting", 0)
    if event == "ack" and me.packet == waiting:
        waiting += 1
    elif event == "ack":
        return
    me.notes["waiting"] = waiting
    if waiting < me.packets:
        me.send(waiting)
        me.timer(150)
'''
WINDOW = CodeSpec(
    "on_event", "code", "A sender",
    "Deliver 200 packets over a link that loses one in ten, at least five times as fast as stop-and-wait.",
    STARTER, steps=20_000,
)  # fmt: skip


@dataclass(slots=True)
class Sender:
    """What the function is given."""

    packets: int
    now: float = 0.0
    packet: int = -1
    acked: set[int] = field(default_factory=set)
    notes: dict[Any, Any] = field(default_factory=dict)
    wanted: list[int] = field(default_factory=list)
    ring_ms: float | None = None

    def send(self, n: int) -> None:
        """Put packet `n` on the link."""
        if isinstance(n, bool) or not isinstance(n, int) or not 0 <= n < self.packets:
            raise ValueError(f"packets are numbered 0 to {self.packets - 1}; me.send got {n!r}")
        if len(self.wanted) >= 1_000:
            raise ValueError("more than 1,000 packets in one call")
        self.wanted.append(n)

    def timer(self, ms: float) -> None:
        """Ring after `ms` milliseconds."""
        if not isinstance(ms, int | float) or not 0 < ms <= 60_000:
            raise ValueError(f"a timer rings after more than 0 and at most 60,000 ms; me.timer got {ms!r}")
        self.ring_ms = float(ms)


Ask = Callable[[Sender, str], Outcome]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened on the link, at `ms`."""

    ms: float
    kind: str  # "sent", "arrived", "acked"
    packet: int
    lost: bool = False
    again: bool = False


class _Link:
    """One transfer."""

    def __init__(self, ask: Ask, loss: float, seed: int) -> None:
        self._ask, self._loss = ask, loss
        self._rng = Rng.derive(seed, "link")
        self.me = Sender(PACKETS)
        self.arrived: set[int] = set()
        self.sent = 0
        self.done_ms: float | None = None
        self._free = 0.0  # when the link can take the next packet
        self._timer = 0  # number of the one that counts
        self._queue: list[tuple[float, int, str, int]] = [(0.0, 0, "start", 0)]
        self._order = 0
        self._known: set[int] = set()

    def run(self) -> Iterator[Event | Outcome]:
        """Everything that happens, until all are confirmed, nothing is left to do, or two minutes are over."""
        while self._queue:
            ms, _, kind, number = heapq.heappop(self._queue)
            if ms > _LIMIT_MS or (kind == "timer" and number != self._timer):
                continue
            self.me.now = round(ms, 3)
            if kind == "arrive":
                self.arrived.add(number)
                yield Event(ms, "arrived", number)
                if self._rng.random() >= self._loss:
                    self._later(ms + _WAY_MS, "ack", number)
                continue
            if kind == "ack":
                self.me.acked.add(number)
                self.me.packet = number
                yield Event(ms, "acked", number)
                if len(self.me.acked) == PACKETS:
                    self.done_ms = ms
                    return
            outcome = self._ask(self.me, kind)
            yield outcome
            if outcome.mistake is not None:
                return
            yield from self._take(ms)

    def _take(self, ms: float) -> Iterator[Event]:
        """Do what the function wanted."""
        wanted, self.me.wanted = self.me.wanted, []
        for number in wanted:
            self._free = max(self._free, ms) + _ONE_MS
            lost, again = self._rng.random() < self._loss, number in self._known
            self._known.add(number)
            self.sent += 1
            yield Event(self._free - _ONE_MS, "sent", number, lost, again)
            if not lost:
                self._later(self._free + _WAY_MS, "arrive", number)
        if self.me.ring_ms is not None:
            self._timer += 1
            self._later(ms + self.me.ring_ms, "timer", self._timer)
            self.me.ring_ms = None

    def _later(self, ms: float, kind: str, number: int) -> None:
        self._order += 1
        heapq.heappush(self._queue, (ms, self._order, kind, number))


class Window(Story):
    """Action ``transfer``: the learner's sender sends everything."""

    about = "Let your sender send."

    def __init__(self, loss: float, code: str, seed: int) -> None:
        self._loss, self._seed = loss, seed
        self._function: Function = WINDOW.function(code)
        super().__init__()
        self.begin("network", loss=loss, packets=PACKETS)

    def start(self) -> Facts:
        return {**super().start(), "result": None}

    def learn(self, state: Facts, step: Step) -> Facts:
        return {**state, "result": dict(step.data)} if step.kind == "finished" else state

    def perform(self, action: Action) -> Iterator[Emit]:
        if action.name != "transfer":
            raise ActionError("There is one action here: transfer.")
        return self._transfer()

    def _transfer(self) -> Iterator[Emit]:
        yield from self._told(_Link(self._function, self._loss, self._seed))

    def _told(self, link: _Link) -> Iterator[Emit]:
        wire = Wire()
        for event in link.run():
            if isinstance(event, Outcome):
                for kind, data in events(event):
                    yield kind, "sender", data
            elif event.kind == "arrived":
                yield "arrived", "receiver", {"packet": event.packet, "ms": round(event.ms, 3)}
            else:
                wire.now = round(event.ms * 1e6)
                sent = event.kind == "sent"
                ends = ("laptop", 40_000, "files", 40_001) if sent else ("files", 40_001, "laptop", 40_000)
                words = f"{'packet' if sent else 'ACK'} {event.packet}" + (" again" if event.again else "")
                frame = wire.udp(*ends, b"%03d" % event.packet, words)
                kind, node, data = frame.emit()
                yield kind, node, {**data, "lost": event.lost, "number": event.packet, "what": event.kind}
        slow = stop_and_wait_ms(self._loss, self._seed)
        done = link.done_ms
        yield "finished", "sender", {
            "delivered": len(link.arrived), "sent": link.sent, "ms": done, "stop_and_wait_ms": slow,
            "times_faster": round(slow / done, 2) if done and slow else 0.0,
        }  # fmt: skip


def stop_and_wait_ms(loss: float, seed: int) -> float | None:
    """How long the function to begin with takes."""
    link = _Link(WINDOW.function(), loss, seed)
    _spend(link.run())
    return link.done_ms


def _spend(events: Iterator[Any] | Sequence[Any]) -> None:
    for _ in events:
        pass
