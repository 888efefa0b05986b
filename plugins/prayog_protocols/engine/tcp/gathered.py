"""What a trace tells of TCP, gathered step by step: the packets that passed, the gauges of both ends, the events.

Panels gather while a run goes on, verdicts and measures at once; both see the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from prayog_sim.trace import Step, Trace

__all__ = ["AGAIN", "Gathered", "Sight", "Told", "gather"]

AGAIN = ("fast", "partial", "sack", "rescue", "timeout", "go back")
"""Why a segment is sent once more (`frames.Carried`)."""
_EVENTS = frozenset({
    "timeout", "fast_retransmit", "recovered", "finished", "written", "message", "held", "dropped", "edge", "answered",
    "wrong_bytes",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sight:
    """A packet as the router saw it.  `index`: its place in the capture, from 0; `seq`: its step."""

    index: int
    seq: int
    at_us: int
    src: str
    dst: str
    words: str
    why: str
    first: int
    size: int
    tries: int
    number: int
    fate: str
    full: bool
    ack: int
    edge: int

    @property
    def again(self) -> bool:
        """It was sent before."""
        return self.why in AGAIN

    @property
    def end(self) -> int:
        """The number behind its last byte."""
        return self.first + self.size


@dataclass(frozen=True, slots=True)
class Told:
    """An event: something that a machine noticed or did."""

    kind: str
    node: str
    at_us: int
    seq: int
    data: Mapping[str, Any]


class Gathered:
    """`gauges`: (name, machine) → times (µs), values, steps."""

    def __init__(self, steps: Iterable[Step] = ()) -> None:
        self.packets: list[Sight] = []
        self.events: list[Told] = []
        self.gauges: dict[tuple[str, str], list[tuple[int, float, int]]] = {}
        self.read = 0
        self.at_us = 0
        for step in steps:
            self.take(step)

    def take(self, step: Step) -> None:
        """One more step."""
        self.read += 1
        self.at_us = step.at
        if step.kind == "action":
            self.events.append(Told(str(step.data.get("name")), step.node, step.at, step.seq, step.data))
        for effect in step.effects:
            kind, data = effect.kind, effect.data
            if kind == "gauge":
                series = self.gauges.setdefault((data["name"], step.node), [])
                series.append((step.at, data["value"], step.seq))
            elif kind == "packet":
                self.packets.append(Sight(
                    len(self.packets), step.seq, step.at, data["src"], data["dst"], data["words"], data["why"],
                    data["first"], data["size"], data["tries"], data["number"], data["fate"], data["full"], data["ack"],
                    data["edge"],
                ))  # fmt: skip
            elif kind in _EVENTS:
                self.events.append(Told(kind, step.node, step.at, step.seq, data))

    def told(self, kind: str, **fields: Any) -> list[Told]:
        """The events of a kind whose data say so."""
        return [one for one in self.events if one.kind == kind
                and all(one.data.get(name) == value for name, value in fields.items())]  # fmt: skip

    def callers(self) -> list[str]:
        """The machines that began a conversation, in order."""
        return list(dict.fromkeys(one.src for one in self.packets if one.src != "shop"))


_KEPT: WeakKeyDictionary[Trace, Gathered] = WeakKeyDictionary()


def gather(trace: Trace) -> Gathered:
    """All that `trace` tells.  It is read once for all who ask, as a trace only ever grows."""
    seen = _KEPT.setdefault(trace, Gathered())
    for step in trace[seen.read :]:
        seen.take(step)
    return seen
