"""Who is connected to the broker, what each of them has in hand, and whose turn it is.

A connection is a consumer's name; when it comes again before anybody knew that its old connection is dead, what it
held there is kept under a name of its own until its lease or its heartbeats end it.
"""

from __future__ import annotations

from collections.abc import Iterator

from prayog_queues.engine.envelope import Delivery
from prayog_queues.engine.model.broker import Model
from prayog_queues.engine.world.wire import Subscribe

__all__ = ["Connections"]


class Connections:
    """All connections of one broker process; a new process begins with none."""

    def __init__(self) -> None:
        self.out: dict[str, dict[str, Delivery]] = {}
        """What each consumer has in hand, by receipt."""
        self.wants: dict[str, int] = {}
        """How many more a consumer that pulls has asked for."""
        self._credit: dict[str, int] = {}
        self._queues: dict[str, list[str]] = {}
        """Who takes from a queue, whose turn is next in front."""
        self._heard: dict[str, int] = {}
        self._last: dict[str, int] = {}
        """When each was heard, now and the time before."""

    def hear(self, src: str, now: int) -> None:
        self._last[src] = self._heard.get(src, 0)
        self._heard[src] = now

    def join(self, src: str, msg: Subscribe, model: Model) -> None:
        """`src` takes from the queue it asks for, on a new connection."""
        self._credit[src] = msg.credit
        if self.out.get(src):
            old = f"{src} (connection {sum(name.startswith(src + ' ') for name in self.out) + 1})"
            model.rename(src, old)
            self.out[old] = self.out[src]
            self._heard[old] = self._last.get(src, 0)
        self.out[src] = {}
        takers = self._queues.setdefault(msg.queue, [])
        if src not in takers:
            takers.append(src)

    def leave(self, consumer: str) -> None:
        """It has hung up, or counts as dead."""
        self.out.pop(consumer, None)
        self._credit.pop(consumer, None)
        self.wants.pop(consumer, None)
        for takers in self._queues.values():
            if consumer in takers:
                takers.remove(consumer)

    def over(self, consumer: str, receipt: str) -> None:
        """One hand-out is over: its consumer may have another."""
        self.out.get(consumer, {}).pop(receipt, None)

    def hand_out(self, model: Model, now: int) -> Iterator[tuple[str, Delivery]]:
        """Each consumer in its turn gets one, as long as it may have more."""
        for queue, takers in self._queues.items():
            if not model.offers(queue):
                continue  # a whole round of nothing would leave all turns as they are
            idle = 0
            while takers and idle < len(takers):
                consumer = takers[0]
                takers.append(takers.pop(0))
                free = self._credit.get(consumer, 0) - len(self.out.get(consumer, ()))
                wanted = self.wants.get(consumer, 0)
                found = model.fetch(queue, consumer, 1, now) if free > 0 or wanted > 0 else []
                if not found:
                    idle += 1
                    continue
                idle = 0
                if wanted:
                    self.wants[consumer] = wanted - 1
                self.out[consumer][found[0].receipt] = found[0]
                yield consumer, found[0]

    def silent(self, now: int, patience_us: int) -> list[str]:
        """Those who hold something and were not heard for so long."""
        return [name for name, held in self.out.items() if held and now - self._heard.get(name, 0) >= patience_us]

    @property
    def quietest_us(self) -> int | None:
        """When the one was heard who holds something and is silent for longest; None: nobody holds anything."""
        return min((self._heard.get(name, 0) for name, held in self.out.items() if held), default=None)
