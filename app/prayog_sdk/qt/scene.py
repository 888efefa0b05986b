"""The picture of a cluster at one moment: what stands where, and what is under the pointer.

`CanvasPanel` owns one; `scenepaint` paints it, on the screen and into files.

Rules
1. A message's place follows from the clock and its two times, never from the number of frames.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSizeF

from prayog_sdk.qt import theme
from prayog_sdk.qt.arrange import RING, Place, arrange, beside, grid
from prayog_sim.run import Flight, View
from prayog_sim.trace import Step

__all__ = ["DOT", "DOTS_ONLY", "GAP", "Loss", "Scene", "distance"]

DOTS_ONLY = 200
"""Messages in flight above which there are dots and no more."""
GAP = 6.0  # px that messages keep to the right of the link
_REACH = 13.0  # px around an entity that still hit it: targets of 26 px
DOT = 5.0
_CUTS = ("partition", "cut")
_POLICIES = {
    "drop": "What was on its way across is lost.",
    "keep": "What was on its way across still arrives.",
}
_LOST = 0.32  # share of the way at which a lost message is crossed out: clear of the mark of a cut


@dataclass(frozen=True, slots=True)
class Loss:
    """A message that will not arrive: seen as lost at `at`, a share of the way along."""

    src: str
    dst: str
    at: int
    share: float
    label: str


class Scene:
    """One moment of a run, laid out in a rectangle."""

    def __init__(self) -> None:
        self.view = View(-1, 0)
        self.moved: dict[str, Place] = {}
        self.selection = ""
        self.focus = ""
        self.focus_shown = True
        """Whether the entity in focus is marked: the canvas has the keyboard."""
        self.vector = False
        """Painted into a vector file: every dot is drawn by itself."""
        self.still = False
        """Reduced motion: messages stand half-way, timers drain in quarters."""
        self.losses: deque[Loss] = deque(maxlen=64)
        self.radius = 20.0
        self.captions = self.badges = True
        self._area = QRectF()
        self.centres: dict[str, QPointF] = {}
        self.flight_us = 60_000.0
        """How long messages take here, roughly; losses stay in sight twice as long."""
        self.twins: frozenset[int] = frozenset()
        """Messages that are the second copy of another one in flight."""
        self.pulled: tuple[QPointF, str] | None = None
        """A message in the learner's hand: where, and what letting go would mean."""
        self.in_flight = ""
        """What the last cut did to messages that were on their way, in words; ``""`` when that is not known."""

    # -- what is where ---------------------------------------------------------------------------------------------

    def lay_out(self, size: QSizeF) -> None:
        """Fit the nodes of the view into `size`."""
        count = len(self.view.nodes)
        wide, high = max(1.0, size.width()), max(1.0, size.height())
        aspect, line = wide / high, theme.scaled(16)
        self.captions = self.badges = True
        if count <= RING:
            self.radius = max(14.0, min(min(wide, high) * 0.085, theme.scaled(32)))
            side = min(self.radius + 2.5 * line, max(self.radius + 17, 0.18 * wide))
            top = min(self.radius + 2.2 * line, max(self.radius + 17, 0.2 * high))
            self._area = QRectF(side, top, max(1.0, wide - 2 * side), max(1.0, high - 2 * top))
        else:
            columns, rows = grid(count, aspect)
            cell = QSizeF(wide / columns, (high - line) / rows)
            self.radius = min(cell.width() * 0.28, (cell.height() - line - 30) / 2, theme.scaled(26))
            self.captions = self.radius >= 9
            if not self.captions:
                self.radius = max(3.0, min(cell.width(), cell.height()) * 0.3)
            self.badges = self.radius >= 20
            self._area = QRectF(0, line / 2, wide, max(1.0, high - line * (1.5 if self.captions else 0.5)))
        places = arrange(list(self.view.nodes), self.moved, aspect)
        self.centres = {
            name: QPointF(self._area.x() + x * self._area.width(), self._area.y() + y * self._area.height())
            for name, (x, y) in places.items()
        }

    def set_view(self, view: View) -> None:
        self.view = view
        seen: set[tuple[str, str, int, str]] = set()
        twins = set()
        for flight in view.flights:
            same = (flight.src, flight.dst, flight.sent_at, flight.label)
            if same in seen:
                twins.add(flight.ident)
            seen.add(same)
        self.twins = frozenset(twins)

    def gather(self, step: Step) -> None:
        """Remember what `step` says about lost messages, about how long messages take, and about cuts."""
        if step.kind == "fault" and step.data.get("name") in _CUTS:
            self.in_flight = _POLICIES.get(str(step.data.get("in_flight")), "")
        for effect in step.effects:
            data = effect.data
            if effect.kind == "send":
                arrives = data.get("arrives")
                if arrives is None:
                    loss = Loss(step.node, str(data.get("to")), step.at, _LOST, str(data.get("label", "")))
                    self.losses.append(loss)
                else:
                    self.flight_us += 0.1 * (arrives - step.at - self.flight_us)
            elif effect.kind == "lost":
                loss = Loss(str(data.get("src")), str(data.get("to")), step.at, _LOST, str(data.get("label", "")))
                self.losses.append(loss)
        if step.kind == "drop" and "src" in step.data:
            label = str(step.data.get("label", ""))
            self.losses.append(Loss(str(step.data["src"]), step.node, step.at, 1.0, label))

    def place(self, name: str) -> QPointF | None:
        """Where the node is."""
        return self.centres.get(name)

    def to_place(self, point: QPointF) -> Place:
        """A point of the picture as a place in the unit square."""
        x = (point.x() - self._area.x()) / self._area.width()
        y = (point.y() - self._area.y()) / self._area.height()
        return min(1.0, max(0.0, x)), min(1.0, max(0.0, y))

    def entities(self) -> list[str]:
        """What the keyboard walks: nodes, then messages in the order of arrival."""
        return [*self.view.nodes, *(f"#{flight.ident}" for flight in self.view.flights[:DOTS_ONLY])]

    def flight(self, name: str) -> Flight | None:
        """The message called ``#ident``."""
        return next((flight for flight in self.view.flights if f"#{flight.ident}" == name), None)

    def share(self, flight: Flight, clock_us: float) -> float:
        """How far the message is on its way, from 0 to 1."""
        if self.still:
            return 0.5
        span = flight.arrives_at - flight.sent_at
        return 1.0 if span <= 0 else min(1.0, max(0.0, (clock_us - flight.sent_at) / span))

    def dot(self, flight: Flight, clock_us: float) -> QPointF | None:
        """Where the message is."""
        return self.on_link(flight.src, flight.dst, self.share(flight, clock_us))

    def hit(self, point: QPointF, clock_us: float) -> str:
        """The entity at `point`: messages are in front of nodes; ``""`` is the empty ground."""
        best, found = _REACH, ""
        for flight in self.view.flights[:DOTS_ONLY]:
            dot = self.dot(flight, clock_us)
            if dot is not None and (far := distance(dot, point)) < best:
                best, found = far, f"#{flight.ident}"
        if found and best <= DOT + 3:
            return found
        for name, centre in self.centres.items():
            if distance(centre, point) <= max(self.radius, _REACH):
                return name
        return found

    def on_link(self, src: str, dst: str, share: float) -> QPointF | None:
        """A point of the way from `src` to `dst`, as messages take it."""
        a, b = self.centres.get(src), self.centres.get(dst)
        if a is None or b is None:
            return None
        if src == dst:
            return a + QPointF(0, -self.radius - 8)
        x, y = beside((a.x(), a.y()), (b.x(), b.y()), share, GAP, self.radius + 4)
        return QPointF(x, y)


def distance(a: QPointF, b: QPointF) -> float:
    """Px from `a` to `b`."""
    return math.hypot(a.x() - b.x(), a.y() - b.y())
