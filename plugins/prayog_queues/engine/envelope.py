"""What travels: a message, how it was delivered, and how it died.

The envelope is the same for every broker, simulated or real, and knows nothing of queues.  Its fields are called as in
CloudEvents 1.0 and its extensions where they exist (`id`, `source`, `type`, `time`; causation and correlation).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import Any, NamedTuple

__all__ = ["Death", "Delivery", "Message"]


@dataclass(frozen=True, slots=True)
class Death:
    """Once when a message was put aside.  Deaths are only ever added (RabbitMQ 4.1 overwrote the first: #15385)."""

    queue: str
    reason: str
    """``attempts``, ``refused``, ``expired``, ``full`` or ``poison``."""
    attempts: int
    at_us: int


@dataclass(frozen=True, slots=True)
class Message:
    """One message.  `id` is its producer's own and stays the same when it is sent again."""

    id: str
    key: str = ""
    """Messages of one key have an order; "" is a key like any other."""
    body: str = ""
    type: str = "order"
    source: str = ""
    """Who made it."""
    time_us: int = 0
    number: int = 0
    """The how manieth of its key, from 1: the order in which its producer made them."""
    headers: tuple[tuple[str, str], ...] = ()
    priority: int = 0
    """Larger goes first, where the queue looks at it."""
    ttl_us: int | None = None
    dedup_id: str = ""
    """A broker with a window of deduplication stores it once; "" asks for none."""
    correlation: str = ""
    """The whole flow it belongs to."""
    causation: str = ""
    """The id of the one message that caused it."""
    signature: str = ""
    deaths: tuple[Death, ...] = ()

    def dead(self, death: Death) -> Message:
        """The same message with one more death.  Its time to live ends here, else it would expire among the dead
        letters too (RabbitMQ, "Dead Letter Exchanges": the expiration is removed)."""
        return replace(self, deaths=(*self.deaths, death), ttl_us=None)

    def __reduce__(self) -> tuple[Any, ...]:
        """Checkpoints of a long queue copy thousands: this way takes a third of the time of the dataclass's own."""
        return Message, _values(self)


_values = attrgetter(*(field.name for field in fields(Message)))


class Delivery(NamedTuple):
    """One hand-out of a message to one consumer: a lease, not ownership.  (A frozen dataclass takes three times as
    long to make, an eighth of all that the model does for a message.)"""

    message: Message
    queue: str
    receipt: str
    """Names this very hand-out: a later one of the same message has another (a fencing token)."""
    attempt: int
    """1 for the first hand-out, as the broker counts."""
    position: int = -1
    """Where it stands in its log; -1 where there is none."""
    lease_until_us: int | None = None
    """When another consumer may get it; None: never by time."""
