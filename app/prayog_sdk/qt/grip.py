"""What the pointer holds on the canvas: a node that is put elsewhere, or a message that is pulled along its link.

A message pulled towards its receiver arrives sooner, towards its sender (or beyond it) later: one length of the link is
twice the time of its flight.  Nothing happens before it is let go; then it is a ``delay`` of that message, as the menu
does it, so it forks the past and stands in the run like any other action.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF

from prayog_sdk.qt.scene import Scene
from prayog_sim.clock import format_us
from prayog_sim.run import Action, Flight

__all__ = ["Grip"]

_START = 4.0  # px that the pointer moves before anything is pulled
_PER_LINK = 2.0  # flights' times per length of a link


@dataclass(slots=True)
class Grip:
    """One thing in the hand, from the press at `begun` to the release."""

    scene: Scene
    name: str
    begun: QPointF
    clock_us: float
    can_delay: bool
    """The run knows how to delay a message."""
    moved: bool = False
    _by: int | None = None

    def pull(self, to: QPointF) -> bool:
        """The pointer is at `to` now; whether the picture has to be laid out again."""
        way = to - self.begun
        if not self.moved and way.manhattanLength() < _START:
            return False
        centre, flight = self.scene.place(self.name), self.scene.flight(self.name)
        if centre is not None:
            grip = QPointF() if self.moved else centre - self.begun
            self.moved = True
            self.scene.moved[self.name] = self.scene.to_place(to + grip)
            return True
        if flight is not None and self.can_delay:
            self.moved = True
            self._pull_message(flight, way, to)
        return False

    def release(self) -> Action | None:
        """Let go: the delay that was pulled, if it is one."""
        self.scene.pulled = None
        flight = self.scene.flight(self.name)
        if flight is None or not self._by:
            return None
        return Action("delay", {"ident": flight.ident, "by": f"{self._by}us"})

    def _pull_message(self, flight: Flight, way: QPointF, to: QPointF) -> None:
        start, end = self.scene.on_link(flight.src, flight.dst, 0.0), self.scene.on_link(flight.src, flight.dst, 1.0)
        if start is None or end is None or start == end:
            return
        link = end - start
        length = QPointF.dotProduct(link, link)
        share = QPointF.dotProduct(way, link) / length  # of the link, towards the receiver
        span = max(flight.arrives_at - flight.sent_at, round(self.scene.flight_us), 1)
        left = max(0, flight.arrives_at - round(self.clock_us))
        self._by = max(-left, -round(share * _PER_LINK * span))
        along = QPointF.dotProduct(to - start, link) / length
        self.scene.pulled = (start + link * min(1.0, along), self._words(flight, left + self._by))

    def _words(self, flight: Flight, left: int) -> str:
        """When it would arrive, and before or after which other message to the same node."""
        when = f"arrives in {format_us(left)}" if left > 0 else "arrives now"
        due = self.clock_us + left
        others = [each for each in self.scene.view.flights if each.dst == flight.dst and each is not flight]
        earlier = [each for each in others if each.arrives_at <= due]
        passed = [each for each in others if (each.arrives_at <= due) != (each.arrives_at <= flight.arrives_at)]
        if not passed:
            return when
        other = max(earlier, key=lambda each: each.arrives_at) if passed[0] in earlier else passed[0]
        return f"{when}, {'after' if other in earlier else 'before'} {other.label or 'the other'} from {other.src}"
