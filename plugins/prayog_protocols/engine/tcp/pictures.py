"""What the curves of one conversation are, as numbers to be drawn; no Qt.

Times are seconds, places in the stream bytes counted from 1 (messages, for datagrams).  Everything is as the router saw
it, which stands beside the machine that calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from prayog_protocols.engine.tcp.gathered import Gathered, Sight

__all__ = ["Flow", "Strokes", "flows", "nearest", "packet_before", "spoken"]

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Flow:
    """Data of one direction: from whom, to whom, and how."""

    src: str
    dst: str
    way: str = "TCP"

    def __str__(self) -> str:
        return f"{self.src} → {self.dst}" + (" by UDP" if self.way == "UDP" else "")

    def has(self, one: Sight) -> bool:
        """Whether a packet belongs to it, as data or as their confirmation."""
        return {one.src, one.dst} == {self.src, self.dst} and (one.why == "datagram") == (self.way == "UDP")


@dataclass(slots=True)
class Strokes:
    """The time–sequence picture (Stevens): segments as strokes, confirmed bytes and the edge of the window as steps."""

    flow: Flow
    sent: list[tuple[float, float, float]] = field(default_factory=list)  # (time, first, end)
    again: list[tuple[float, float, float]] = field(default_factory=list)
    lost: list[Point] = field(default_factory=list)
    acked: list[Point] = field(default_factory=list)
    edge: list[Point] = field(default_factory=list)
    duplicates: list[Point] = field(default_factory=list)
    probes: list[Point] = field(default_factory=list)
    places: list[tuple[float, float, int]] = field(default_factory=list)  # (time, place, index in `packets`)
    read: int = 0  # packets that were looked at
    heard: int = 0  # and events

    def go_on(self, seen: Gathered) -> None:
        """Take in what came since the last time.  A SYN begins to count anew."""
        for one in seen.packets[self.read :]:
            if self.flow.has(one):
                self._take(one)
        self.read = len(seen.packets)
        if self.flow.way == "UDP":
            self.acked += [
                (told.at_us / 1e6, float(told.data["number"]))
                for told in seen.events[self.heard :]
                if told.kind == "message" and told.data["way"] == "UDP" and told.data["flow"] == self.flow.src
            ]
        self.heard = len(seen.events)

    def _take(self, one: Sight) -> None:
        at = one.at_us / 1e6
        if one.words.startswith("SYN"):
            self.acked.append((at, 0.0))
            self.edge.append((at, 0.0))
        if one.src == self.flow.src and one.size:
            low, high = (one.first, one.end) if self.flow.way == "TCP" else (one.first - 1, one.first)
            if one.why == "probe":
                self.probes.append((at, low))
            else:
                (self.again if one.again else self.sent).append((at, low, high))
            if one.fate:
                self.lost.append((at, (low + high) / 2))
            self.places.append((at, (low + high) / 2, one.index))
        elif one.src == self.flow.dst and one.ack:
            if not one.fate:
                self.acked.append((at, max(one.ack, self.acked[-1][1] if self.acked else 0)))
                self.edge.append((at, max(one.edge, self.edge[-1][1] if self.edge else 0)))
            if one.why == "duplicate":
                self.duplicates.append((at, one.ack))
            self.places.append((at, one.ack, one.index))


def flows(seen: Gathered) -> list[Flow]:
    """The directions in which data went, in the order in which their senders were first heard of."""
    heard = list(dict.fromkeys(one.src for one in seen.packets))
    found = dict.fromkeys(
        Flow(one.src, one.dst, "UDP" if one.why == "datagram" else "TCP")
        for one in seen.packets if one.size and one.why != "probe"
    )  # fmt: skip
    if not found:
        found = dict.fromkeys(Flow(one.src, one.dst) for one in seen.packets)
    return sorted(found, key=lambda flow: heard.index(flow.src))


def nearest(places: Sequence[tuple[float, float, int]], at: Point, pixel: Point) -> int:
    """The index that belongs to the place nearest to `at`; `pixel`: what one pixel is worth in both directions."""
    wide, tall = (abs(size) or 1.0 for size in pixel)
    best = min(places, key=lambda p: ((p[0] - at[0]) / wide) ** 2 + ((p[1] - at[1]) / tall) ** 2, default=None)
    return best[2] if best is not None else -1


def packet_before(seen: Gathered, node: str, at_us: int) -> Sight | None:
    """The last packet that `node` sent or got by then: what a change of its window or timer comes from."""
    return next((one for one in reversed(seen.packets) if one.at_us <= at_us and node in (one.src, one.dst)), None)


def spoken(seen: Gathered, flow: Flow, clock_us: float) -> str:
    """How far this direction is, in words."""
    then = [one for one in seen.packets if one.at_us <= clock_us and flow.has(one)]
    sent = [one for one in then if one.src == flow.src and one.size]
    if not sent:
        return f"{flow}: nothing was sent yet."
    if flow.way == "UDP":
        got = sum(told.at_us <= clock_us for told in seen.told("message", way="UDP", flow=flow.src))
        return f"{flow}: {len(sent):,} datagrams sent, {got:,} arrived."
    last = max((place for place, one in enumerate(then) if one.words.startswith("SYN")), default=0)
    sent = [one for one in then[last:] if one.src == flow.src and one.size] or sent
    again = sum(one.again for one in sent)
    high = max(one.end for one in sent)
    acked = max((one.ack for one in then[last:] if one.src == flow.dst and not one.fate), default=1)
    return (f"{flow}: sent up to byte {high - 1:,}, confirmed up to {min(max(0, acked - 1), high - 1):,}, "
            f"{again:,} segment{'s' * (again != 1)} sent again.")  # fmt: skip
