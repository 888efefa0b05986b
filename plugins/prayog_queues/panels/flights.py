"""What is on its way in a simulated run, as the picture of the flow draws it: from which box to which, and whose."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from prayog_queues.engine.direct import Order, Reply
from prayog_queues.engine.flow import Flow
from prayog_queues.engine.world.wire import Charge, Charged, Confirm, Handout, Publish, Settle
from prayog_sim.run import Flight

__all__ = ["Moving", "moving"]


@dataclass(frozen=True, slots=True)
class Moving:
    """One message, or the answer to one (`answer`: drawn small), between two boxes."""

    a: str
    b: str
    message: str = ""
    key: str = ""
    number: int = 0
    attempt: int = 1
    sent_us: int = 0
    arrives_us: int = 1
    answer: str = ""
    """``✓`` or ``✗``."""

    def share(self, clock_us: float) -> float:
        """How much of its way it has behind it."""
        return min(1.0, max(0.0, (clock_us - self.sent_us) / max(1, self.arrives_us - self.sent_us)))


def moving(flights: Iterable[Flight], flow: Flow) -> list[Moving]:
    """The flights that have to do with a message."""
    return [found for flight in flights if (found := _one(flight, flow)) is not None]


def _one(flight: Flight, flow: Flow) -> Moving | None:
    msg, src, dst = flight.msg, flight.src, flight.dst
    times = (flight.sent_at, flight.arrives_at)
    match msg:
        case Publish():
            m = msg.message
            return Moving(f"p:{src}", flow.target(msg.to), m.id, m.key, m.number, 1, *times)
        case Handout():
            m = msg.delivery.message
            return Moving(f"q:{msg.delivery.queue}", f"c:{dst}", m.id, m.key, m.number, msg.delivery.attempt, *times)
        case Charge():
            m = msg.delivery.message
            return Moving(f"c:{src}", _world(src, flow), m.id, m.key, m.number, msg.delivery.attempt, *times)
        case Charged():
            return Moving(_world(dst, flow), f"c:{dst}", "", "", 0, 1, *times, "✓" if msg.result == "done" else "·")
        case Settle():
            answer = "✓" if msg.how == "ack" else "✗"
            return Moving(f"c:{src}", f"q:{msg.delivery.queue}", "", "", 0, 1, *times, answer)
        case Confirm():
            to = next((b for a, b in flow.edges if a == f"p:{dst}"), "")
            return Moving(to, f"p:{dst}", "", "", 0, 1, *times, "✗" if msg.why else "✓")
        case Order():
            return Moving(f"p:{src}", f"c:{dst}", msg.message, msg.key, msg.number, 1, *times)
        case Reply():
            return Moving(f"c:{src}", f"p:{dst}", "", "", 0, 1, *times, "✓")
    return None


def _world(consumer: str, flow: Flow) -> str:
    """Where the effects of a consumer happen."""
    known = next((b for a, b in flow.edges if a == f"c:{consumer}" and b[:1] == "e"), "")
    return known or f"e:{next(iter(flow.outside), 'charge')}"
