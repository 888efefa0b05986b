"""What travels between the nodes: all that a broker and its clients know of each other.  Every value is frozen."""

from __future__ import annotations

from dataclasses import dataclass

from prayog_queues.engine.envelope import Delivery, Message

__all__ = [
    "Asked", "Assigned", "Beat", "Bye", "Charge", "Charged", "Closed", "Confirm", "Drained", "Extend", "Fetch",
    "Found", "Handout", "Made", "Nothing", "Publish", "Room", "Scale", "Settle", "Subscribe", "Wake",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Publish:
    """Producer to broker.  `attempt`: the how manieth time it is sent."""

    message: Message
    to: str
    attempt: int = 1
    password: str = ""


@dataclass(frozen=True, slots=True)
class Confirm:
    """Broker to producer: it has it, or it says why not."""

    id: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Room:
    """Broker to producer: there is room again."""

    queue: str


@dataclass(frozen=True, slots=True)
class Made:
    """Producer to broker: nothing more will come from here; so many were made."""

    count: int


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Consumer to broker.  `credit`: so many may be out at a time; 0 when it pulls."""

    queue: str
    credit: int
    password: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Fetch:
    """Consumer to broker: give me up to `most`, as soon as there are some."""

    queue: str
    most: int


@dataclass(frozen=True, slots=True)
class Handout:
    """Broker to consumer."""

    delivery: Delivery


@dataclass(frozen=True, slots=True)
class Settle:
    """Consumer to broker: ``ack``, ``nack`` or ``term``, and why."""

    how: str
    delivery: Delivery
    why: str = ""


@dataclass(frozen=True, slots=True)
class Extend:
    """Consumer to broker: still at work on these."""

    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True)
class Beat:
    """Consumer to broker: the process lives (that it works, nobody says)."""


@dataclass(frozen=True, slots=True)
class Bye:
    """The operating system closes the connection of a process that ended."""


@dataclass(frozen=True, slots=True)
class Closed:
    """Broker to client: your connection is gone; come again."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """Broker to consumer: your partitions from now on."""

    queue: str
    partitions: tuple[int, ...]
    generation: int


@dataclass(frozen=True, slots=True)
class Scale:
    """Broker to consumer: begin to work, or rest."""

    work: bool


@dataclass(frozen=True, slots=True)
class Charge:
    """Consumer to bank.  `step` is ``ask``, ``charge``, ``record`` or both; `token` grows with each hand-out."""

    step: str
    delivery: Delivery
    token: int
    group: str = ""


@dataclass(frozen=True, slots=True)
class Charged:
    """Bank to consumer: ``done``, ``known``, ``new``, ``stale`` or ``down``."""

    step: str
    receipt: str
    result: str


@dataclass(frozen=True, slots=True)
class Drained:
    """Broker to bank: nothing waits any more, and nothing will come."""

    published: int


@dataclass(frozen=True, slots=True)
class Asked:
    """Worker to database: ``select`` a pending row, ``take`` that row, or take the ``next`` in one statement."""

    what: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """Database to worker: this row is pending."""

    id: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """Database to worker: no row.  `over`: all work of the run is done, and asking again is no use."""

    over: bool


@dataclass(frozen=True, slots=True)
class Wake:
    """A notification: there may be something; it carries nothing."""
