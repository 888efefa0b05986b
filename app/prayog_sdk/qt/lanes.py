"""The events of a trace as columns of numbers, one lane per node: what the space-time diagram draws from.

A trace is read once, from front to back, a slice at a time; a picture of any part of it is then a matter of
bisecting the columns.  No Qt here.

Rules
1. A message is a line from the step that sent it (the delivery's `cause`) to the step that received it.
2. Messages that were never received are kept apart: lost ones with the place where they end, pending ones with the
   time at which they are due.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prayog_sim.trace import Step

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["KINDS", "Columns", "Lanes", "Span", "cone"]

KINDS = ("deliver", "timer", "start", "action", "fault", "crash", "mended", "drop", "note", "violation", "other")
"""Classes of symbols; a step's class is its index here."""

_CLASS = {
    "deliver": 0, "timer": 1, "start": 2, "action": 3, "fault": 4, "pause": 4, "crash": 5, "restart": 6, "resume": 6,
    "drop": 7, "violation": 9, "error": 9, "halted": 9,
}  # fmt: skip
_NOTE, _OTHER = KINDS.index("note"), KINDS.index("other")
_FLIGHT_US = 20_000  # how long a lost message is drawn before anything is known


@dataclass(frozen=True, slots=True)
class Span:
    """A time during which a node was down or paused; `until` is None while it lasts."""

    lane: int
    since: int
    until: int | None
    kind: str


@dataclass(frozen=True, slots=True)
class Columns:
    """Snapshot as numpy arrays.  ``at, lane, kind, cause``: one entry per step, times in µs, sorted by time.

    ``lines``: per received message ``t0, lane0, t1, lane1, seq0, seq1``, sorted by ``t1``.  ``lost`` and
    ``pending``: ``t0, lane0, t1, lane1`` of messages that did not and that did not yet arrive.  ``longest``: the
    longest flight.
    """

    at: NDArray[np.int64]
    lane: NDArray[np.int64]
    kind: NDArray[np.int64]
    cause: NDArray[np.int64]
    lines: NDArray[np.int64]
    lost: NDArray[np.int64]
    pending: NDArray[np.int64]
    longest: int


class Lanes:
    """The columns of one trace, as far as it was read."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        self.names: dict[str, int] = {name: index for index, name in enumerate(names)}
        self.spans: list[Span] = []
        self._open: dict[int, Span] = {}
        self._steps = array("q")  # at, lane, kind, cause
        self._lines = array("q")
        self._lost = array("q")
        self._pending: dict[int, tuple[int, int, int, int]] = {}
        self._flight = _FLIGHT_US
        self._longest = 0
        self._made: tuple[int, Columns] | None = None

    def __len__(self) -> int:
        """Steps read so far."""
        return len(self._steps) // 4

    def lane(self, name: str) -> int:
        """The lane of the node `name`; the run itself (``""``) has one too, once something happened there."""
        return self.names.setdefault(name, len(self.names))

    def time(self, seq: int) -> int:
        """When step `seq` happened."""
        return self._steps[4 * seq]

    def columns(self) -> Columns:
        """Everything read so far as arrays; kept until more was read."""
        import numpy as np

        if self._made is None or self._made[0] != len(self):
            steps = np.array(self._steps, np.int64).reshape(-1, 4)
            made = Columns(
                np.ascontiguousarray(steps[:, 0]), np.ascontiguousarray(steps[:, 1]),
                np.ascontiguousarray(steps[:, 2]), np.ascontiguousarray(steps[:, 3]),
                np.array(self._lines, np.int64).reshape(-1, 6),
                np.array(self._lost, np.int64).reshape(-1, 4),
                np.array(list(self._pending.values()), np.int64).reshape(-1, 4),
                self._longest,
            )  # fmt: skip
            self._made = (len(self), made)
        return self._made[1]

    def add(self, step: Step) -> None:
        """Note the next step of the trace."""
        lane = self.lane(step.node)
        kind = _CLASS.get(step.kind, _OTHER)
        data: Any = step.data
        if kind == 0 or step.kind == "drop":
            self._pending.pop(data.get("ident", -1), None)
            if 0 <= step.cause < len(self) and "src" in data:
                line = (self.time(step.cause), self.lane(str(data["src"])), step.at, lane, step.cause, step.seq)
                self._longest = max(self._longest, step.at - line[0])
                self._lines.extend(line)
        elif kind >= 4:
            self._mark_span(step, lane)
        for effect in step.effects:
            if effect.kind == "send":
                self._send(step, lane, effect.data)
            elif effect.kind == "lost":
                self._lose(step, effect.data)
            elif effect.kind == "note" and kind in (0, 1, _OTHER):
                kind = _NOTE
        self._steps.extend((step.at, lane, kind, step.cause))

    def _send(self, step: Step, lane: int, data: Any) -> None:
        to, arrives = self.lane(str(data["to"])), data.get("arrives")
        if arrives is None:
            self._lost.extend((step.at, lane, step.at + self._flight, to))
        else:
            self._flight += (arrives - step.at - self._flight) // 8
            self._pending[data.get("ident", -1 - len(self._pending))] = (step.at, lane, arrives, to)

    def _lose(self, step: Step, data: Any) -> None:
        sent = self._pending.pop(data.get("ident", -1), None)
        if sent is not None:
            self._lost.extend(sent)

    def _mark_span(self, step: Step, lane: int) -> None:
        if step.kind in ("crash", "pause"):
            self._open[lane] = Span(lane, step.at, None, "down" if step.kind == "crash" else "paused")
            self.spans.append(self._open[lane])
        elif step.kind in ("restart", "resume") and lane in self._open:
            span = self._open.pop(lane)
            self.spans[self.spans.index(span)] = Span(lane, span.since, step.at, span.kind)


def cone(lane: NDArray[np.int64], cause: NDArray[np.int64], seq: int, run_lane: int) -> NDArray[np.int8]:
    """For every step: -1 it may have led to step `seq`, 1 it may follow from it, 0 neither (concurrent).

    Happened-before as Lamport defined it (1978): the order of the steps at one node, and from a cause to its
    effect.  Steps of the run itself (`run_lane`) are ordered by cause only.
    """
    import numpy as np

    lanes, causes = lane.tolist(), cause.tolist()
    side = np.zeros(len(lanes), np.int8)
    before, marked = {lanes[seq]} - {run_lane}, {causes[seq]}
    for index in range(seq - 1, -1, -1):
        if lanes[index] in before or index in marked:
            side[index] = -1
            marked.add(causes[index])
            if lanes[index] != run_lane:
                before.add(lanes[index])
    after, led = {lanes[seq]} - {run_lane}, {seq}
    for index in range(seq + 1, len(lanes)):
        if lanes[index] in after or causes[index] in led:
            side[index] = 1
            led.add(index)
            if lanes[index] != run_lane:
                after.add(lanes[index])
    return side
