"""What the judge remembers of each message: as its producer sees it, in each queue, and in each hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["DEAD", "GONE", "THERE", "Hand", "Place", "Places", "Sent", "named"]

Data = Mapping[str, Any]

THERE, DEAD, GONE = 0, 1, 2
"""In its queue (or handed out of it) · in a dead-letter queue · settled, or thrown away."""


class Place:
    """One message in one queue.  Numbers of steps are −1 where nothing happened."""

    __slots__ = (
        "effects", "first", "gone", "held", "how", "key", "message", "number", "out", "partition", "position", "queue",
        "state", "stored", "what",
    )  # fmt: skip

    def __init__(self, message: str, queue: str, key: str, number: int, stored: int) -> None:
        self.message, self.queue, self.key, self.number, self.stored = message, queue, key, number, stored
        self.state = THERE
        self.effects = self.held = 0
        self.first = -1
        """The first effect."""
        self.gone = -1
        self.how = ""
        """Why it is gone, in a word."""
        self.what: str | set[str] = ""
        """What changed in the world: one sort of effect, or several."""
        self.out: tuple[str, ...] = ()
        """Receipts whose handlers began and may still run."""
        self.partition = self.position = -1


class Sent:
    """One message as its producer sees it, and where it stands."""

    __slots__ = ("confirmed", "others", "place", "published", "refused", "unsure")

    def __init__(self) -> None:
        self.published = self.confirmed = self.refused = self.unsure = -1
        self.place: Place | None = None
        self.others: dict[str, Place] | None = None


class Hand:
    """One hand-out that is not over."""

    __slots__ = ("acked", "began", "consumer", "delivered", "done", "place")

    def __init__(self, place: Place, consumer: str, delivered: int) -> None:
        self.place, self.consumer, self.delivered = place, consumer, delivered
        self.began = -1
        self.acked = self.done = False


class Places:
    """All messages; those of which an effect is still owed are in `owing`."""

    def __init__(self) -> None:
        self.sent: dict[str, Sent] = {}
        self.owing: dict[Place, None] = {}

    def of(self, message: str) -> Sent:
        """What its producer knows of `message`."""
        sent = self.sent.get(message)
        if sent is None:
            sent = self.sent[message] = Sent()
        return sent

    def find(self, data: Data, seq: int) -> Place:
        """The place that a word of the run is about; where the word names no queue, the first."""
        queue = data.get("queue", "")
        sent = self.sent.get(data["message"])
        place = None if sent is None else sent.place
        if place is not None and (place.queue == queue or not queue) and not data.get("group"):
            return place
        return self.at(data["message"], named(data), data, seq)

    def at(self, message: str, queue: str, data: Data, seq: int) -> Place:
        """The place of `message` in `queue`, made when nobody told that it was stored there."""
        sent = self.of(message)
        base = sent.place
        if base is not None and base.queue == queue:
            return base
        if sent.others is not None and queue in sent.others:
            return sent.others[queue]
        if base is not None and base.position >= 0 and queue.startswith(f"{base.queue}/"):
            self.owing.pop(base, None)  # from here on the groups of the log owe
            place = self.new(sent, message, queue, {"key": base.key, "number": base.number}, base.stored)
            place.partition, place.position = base.partition, base.position
            return place
        return self.new(sent, message, queue, data, seq)

    def new(self, sent: Sent, message: str, queue: str, data: Data, seq: int) -> Place:
        """`message` stands in `queue` too."""
        place = Place(message, queue, data.get("key", ""), data.get("number", 0), seq)
        self.owing[place] = None
        if sent.place is None:
            sent.place = place
        else:
            self.alias(sent, queue, place)
        return place

    @staticmethod
    def alias(sent: Sent, queue: str, place: Place) -> None:
        """In `queue`, the message is still that of `place`."""
        if sent.others is None:
            sent.others = {}
        sent.others.setdefault(queue, place)


def named(data: Data) -> str:
    """The queue, or the group of a log, that a word is about."""
    group = data.get("group", "")
    return f"{data.get('queue', '')}/{group}" if group else str(data.get("queue", ""))
