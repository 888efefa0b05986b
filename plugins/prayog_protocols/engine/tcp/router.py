"""The router between the machines: a queue and a line for each direction, and all that may befall a packet.

It notes every packet as it comes in, before anything befalls it: this is the place of the capture.  It sits right
beside the machines that call, so their packets are noted as they leave, those of the other side when they have come all
the way.  Frames are passed on unchanged; what a real router does to MAC addresses and TTL is left out.

Rules
1. Where anything is left to chance, three random numbers are drawn for each packet: changing one rate shifts no other.
2. Segments with new data are numbered for each sender, from 1; what is sent again keeps its number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prayog_protocols.engine.recording import packet_data
from prayog_protocols.engine.tcp.frames import Carried, ends_of
from prayog_protocols.engine.wire import START_NS
from prayog_sim.node import Ctx, Node
from prayog_sim.run import ActionError, Look

__all__ = ["DropListError", "Router", "parse_drops"]

_ANYBODY = "anybody"


class DropListError(ValueError):
    """A list of segments to be lost cannot be read; the sentence says why."""


def parse_drops(text: str) -> dict[int, int]:
    """``"5*3, 9"``: segment 5 is lost three times, segment 9 once.  Raises `DropListError`."""
    drops: dict[int, int] = {}
    for word in text.replace(",", " ").split():
        number, _, times = word.partition("*")
        if not number.isdigit() or not (times or "1").isdigit() or not int(number):
            raise DropListError(f"Segments to be lost are written like 5*3, 9 (segment 5 three times); found {word!r}.")
        drops[int(number)] = int(times or 1)
    return drops


class Router(Node):
    """`queue`: packets that wait, by the machine to which they go."""

    actions = ("lose", "lose_segment", "late", "twice", "loss", "line")

    def __init__(self, rate_kbps: float, room: int, loss: float, reorder: float, duplicate: float, late_us: int,
                 drops: Mapping[int, int], first_sender: str) -> None:  # fmt: skip
        self.queue: dict[str, int] = {}
        self.packets = self.lost = 0
        self.loss = loss
        self.rate_kbps = rate_kbps
        self._room, self._reorder, self._duplicate, self._late_us = room, reorder, duplicate, late_us
        self._drops = dict(drops)
        self._first = first_sender
        self._waiting: dict[str, list[Carried]] = {}
        self._sending: dict[str, Carried | None] = {}
        self._held: dict[int, tuple[str, Carried]] = {}
        self._numbers: dict[tuple[str, int], int] = {}  # (sender, first byte) -> number of the segment
        self._counts: dict[str, int] = {}
        self._asked: list[tuple[str, str, int]] = []  # (what, from whom, µs): done to the next packet

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        frm, to = ends_of(msg.frame)
        self.packets += 1
        fate, late_us, twice = self._fate(ctx, frm, msg)
        queue = self._waiting.setdefault(to, [])
        if not fate and not late_us and self._sending.get(to) is not None and len(queue) >= self._room:
            fate = "the queue is full"
        self._note(ctx, frm, to, msg, fate)
        if fate:
            self.lost += 1
            return
        if late_us:
            self._held[self.packets] = (to, msg)
            ctx.set_timer(f"late {self.packets}", late_us)
            ctx.note(f"{frm}: {msg.words} takes a detour")
        else:
            self._enqueue(ctx, to, msg)
        if twice:
            ctx.note(f"{frm}: {msg.words} is doubled")
            self._enqueue(ctx, to, msg)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        what, _, rest = name.partition(" ")
        if what == "late":
            self._enqueue(ctx, *self._held.pop(int(rest)))
            return
        sent = self._sending[rest]
        assert sent is not None
        ctx.send(rest, sent)
        self._sending[rest] = None
        if self._waiting[rest]:
            self._start(ctx, rest, self._waiting[rest].pop(0))
            self._gauge(ctx, rest)

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        frm = str(args.get("sender", self._first))
        match name:
            case "lose":
                self._ask("lost", frm, 0)
            case "late":
                self._ask("late", frm, _whole(args.get("ms", 50), "A delay is", 1, 10_000) * 1_000)
            case "twice":
                self._ask("twice", frm, 0)
            case "lose_segment":
                number = _whole(args.get("number", 1), "A segment's number is", 1, 1_000_000)
                if self._counts.get(frm, 0) >= number and frm == self._first:
                    passed = self._counts[frm]
                    raise ActionError(f"Segment {number} of {frm} has passed already; {passed} passed so far.")
                self._drops[number] = _whole(args.get("times", 1), "How often is", 1, 100)
            case "loss":
                self.loss = _whole(args.get("percent", 3), "The loss in percent is", 0, 90) / 100
            case "line":
                self.rate_kbps = _whole(args.get("kbps", 1_000), "The speed in kbit/s is", 8, 10_000_000)

    def look(self) -> Look:
        waiting = sum(self.queue.values())
        said = f"{self.packets:,} packets came, {self.lost:,} were lost, {waiting} wait in the queue."
        return Look("network", "R", -1, said)

    def label(self, msg: Any) -> str:
        return str(msg.words)

    def _ask(self, what: str, frm: str, late_us: int) -> None:
        self._asked.append((what, frm, late_us))

    # -- what befalls a packet -----------------------------------------------------------------------------------

    def _fate(self, ctx: Ctx, frm: str, msg: Carried) -> tuple[str, int, bool]:
        """Why it is lost (or nothing), how much later it goes on (µs), and whether twice."""
        lost = detour = doubled = 1.0
        if self.loss or self._reorder or self._duplicate:
            lost, detour, doubled = ctx.rng.random(), ctx.rng.random(), ctx.rng.random()
        late_us = self._late_us if detour < self._reorder else 0
        twice = doubled < self._duplicate
        why = "lost on the way" if lost < self.loss else ""
        if self._dropped(frm, msg):
            why = "lost on purpose"
        for asked in self._asked:
            if asked[1] in (frm, _ANYBODY):
                self._asked.remove(asked)
                match asked[0]:
                    case "lost":
                        why = "lost on purpose"
                    case "late":
                        late_us = asked[2]
                    case _:
                        twice = True
                break
        return why, late_us, twice

    def _dropped(self, frm: str, msg: Carried) -> bool:
        """Whether the list says that this segment of the first sender is lost now."""
        if not msg.size or msg.why in ("probe", "keep-alive"):
            return False
        number = self._number(frm, msg)
        if frm != self._first or self._drops.get(number, 0) <= 0:
            return False
        self._drops[number] -= 1
        return True

    def _number(self, frm: str, msg: Carried) -> int:
        key = (frm, msg.first)
        if msg.tries == 1 and key not in self._numbers:
            self._counts[frm] = self._counts.get(frm, 0) + 1
            self._numbers[key] = self._counts[frm]
        return self._numbers.get(key, 0)

    def _note(self, ctx: Ctx, frm: str, to: str, msg: Carried, fate: str) -> None:
        number = self._numbers.get((frm, msg.first), 0) if msg.size else 0
        words = msg.words + (f" — {fate}" if fate else "")
        data = packet_data(msg.frame, START_NS + ctx.now * 1_000, "simulated", comment=words, src=frm, dst=to,
                           words=msg.words, lost=bool(fate), at_ms=ctx.now / 1_000, why=msg.why, first=msg.first,
                           size=msg.size, tries=msg.tries, full=msg.full, number=number, fate=fate, ack=msg.ack,
                           edge=msg.edge)  # fmt: skip
        ctx.effects.append(("emit", "packet", data))  # plain values already: 10 µs less than `emit`
        if fate:
            ctx.emit("dropped", src=frm, what=msg.words, why=fate)

    # -- the queue -----------------------------------------------------------------------------------------------

    def _enqueue(self, ctx: Ctx, to: str, msg: Carried) -> None:
        queue = self._waiting.setdefault(to, [])
        if self._sending.get(to) is None:
            self._start(ctx, to, msg)
        elif len(queue) < self._room:
            queue.append(msg)
        else:
            ctx.emit("dropped", src=ends_of(msg.frame)[0], what=msg.words, why="the queue is full")
            self.lost += 1
        self._gauge(ctx, to)

    def _start(self, ctx: Ctx, to: str, msg: Carried) -> None:
        """Put a packet on the line; it takes as long as its bits need."""
        self._sending[to] = msg
        ctx.set_timer(f"line {to}", -(-len(msg.frame) * 8_000 // int(self.rate_kbps)))

    def _gauge(self, ctx: Ctx, to: str) -> None:
        length = len(self._waiting[to])
        if self.queue.get(to, 0) != length:
            self.queue = {**self.queue, to: length}
            ctx.gauge("queue" if to != self._first else "queue_back", length)


def _whole(value: Any, what: str, low: int, high: int) -> int:
    if not isinstance(value, int | float) or int(value) != value or not low <= value <= high:
        raise ActionError(f"{what} a whole number from {low} to {high:,}; found {value!r}.")
    return int(value)
