"""What every broker can be asked: one port, and behind it a simulator, two databases and five real brokers.

Rules
1. Every call has a deadline.  One that was not answered in time raises `Unanswered`: it may have been done.
2. Times are µs.  A real broker counts them on its own clock; a lease is a span, never a moment.
3. `peek` never changes anything, a delivery count least of all.
4. What a broker does not have it refuses with `Unable`, in a sentence; which calls those are, nobody writes down by
   hand: the probes of `guarantees` try them.
5. A broker starts no process (services do) and speaks to loopback or to the address the learner gave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from prayog_queues.engine.envelope import Delivery, Message

__all__ = [
    "Binding", "Broker", "BrokerError", "Exchange", "Queue", "QueueStats", "Receipt", "Refused", "Stale", "Topology",
    "Unable", "Unanswered",
]  # fmt: skip

Full = Literal["block", "drop new", "drop old", "spill"]
Durability = Literal["memory", "lazy", "synced", "replicated"]
"""Gone with the process · written, synced some time later · synced before the acknowledgement · on a majority."""


class BrokerError(Exception):
    """A broker said no; the text is a sentence for the learner."""


class Refused(BrokerError):
    """The broker did not take a message; `why` is ``full``, ``denied``, ``limited``, ``forged`` or ``unroutable``."""

    def __init__(self, sentence: str, why: str) -> None:
        super().__init__(sentence)
        self.why = why


class Stale(BrokerError):
    """The receipt belongs to a hand-out that is over: the lease ran out, or the message was settled."""


class Unable(BrokerError):
    """This broker has no such thing."""


class Unanswered(BrokerError):
    """No answer before the deadline: it was done, or not, or will be."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue (or, with `partitions`, a log), and what it promises.  0 or None: without that."""

    name: str
    partitions: int = 0
    """0: a queue, whose messages are gone once acknowledged; n: a log of n parts, read by groups with offsets."""
    durability: Durability = "synced"
    lease_us: int = 30_000_000
    fenced: bool = True
    """Only the newest receipt of a message counts."""
    attempts: int = 0
    """Hand-outs before it is put aside; 0: no end."""
    backoff_us: int = 0
    """Wait before the second hand-out; doubled for each further one."""
    jitter: float = 0.0
    """Share of the wait that is random."""
    dead_letters: str = ""
    """Queue for what is put aside; "": it is dropped, and that is told."""
    ttl_us: int | None = None
    dedup_us: int = 0
    capacity: int = 0
    full: Full = "block"
    priorities: bool = False
    single_active: bool = False
    """Only one consumer at a time; another takes over when it is gone."""
    by_key: bool = False
    """While a message of a key is out, the next of that key waits."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """Where producers send to; its kind says which bindings fit (AMQP 0-9-1, section 3.1.3)."""

    name: str
    kind: Literal["direct", "topic", "fanout", "headers"] = "direct"


@dataclass(frozen=True, slots=True)
class Binding:
    """From an exchange to a queue.  `pattern` is a routing key, a topic pattern (``order.*``, ``order.#``), or for a
    headers exchange ``all: type=order, city=Pune``."""

    exchange: str
    queue: str
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Topology:
    """All that is declared.  A message is sent to an exchange, or to a queue by its name."""

    queues: tuple[Queue, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    bindings: tuple[Binding, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a producer is told: where it stands, and whether it stood there already."""

    queue: str
    position: int = -1
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class QueueStats:
    """How full it is now."""

    ready: int
    leased: int = 0
    dead: int = 0
    oldest_us: int = 0
    """Age of the oldest that waits."""
    consumers: int = 0
    extra: dict[str, float] = field(default_factory=dict)


class Broker(Protocol):
    """One connection to a broker; for one thread.  Each may raise `BrokerError`."""

    name: str
    """Of the kind: ``sqlite``, ``postgres``, ``nats``, …"""

    def declare(self, topology: Topology) -> None:
        """Make what is not there.  Raises `Unable` for what this broker does not have."""
        ...

    def publish(self, message: Message, to: str) -> Receipt:
        """Give `message` to the exchange or queue `to`; returns once the broker has confirmed it."""
        ...

    def publish_many(self, messages: Sequence[Message], to: str) -> list[Receipt]:
        """As `publish`, in one go; on an error none, some or all were taken."""
        ...

    def fetch(self, queue: str, most: int = 1, wait_us: int = 0, consumer: str = "") -> list[Delivery]:
        """Up to `most` messages, leased to `consumer`; waits up to `wait_us` for the first."""
        ...

    def ack(self, delivery: Delivery) -> None:
        """Done: it is never handed out again.  Raises `Stale`."""
        ...

    def nack(self, delivery: Delivery, delay_us: int = 0) -> None:
        """Not done: hand it out again, after `delay_us`.  Raises `Stale`."""
        ...

    def term(self, delivery: Delivery, reason: str) -> None:
        """Never again: put it aside at once.  Raises `Stale`."""
        ...

    def extend(self, delivery: Delivery) -> Delivery:
        """Still at work: the lease begins anew.  Raises `Stale`."""
        ...

    def peek(self, queue: str, most: int = 50) -> list[tuple[Message, int]]:
        """The messages in it with their attempts, oldest first; nothing is changed."""
        ...

    def stats(self, queue: str) -> QueueStats: ...

    def remove(self, topology: Topology) -> None:
        """Take away what `declare` made, with everything in it."""
        ...

    def close(self) -> None:
        """Hang up.  What was handed out and not acknowledged goes back by its lease."""
        ...
