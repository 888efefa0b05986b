"""The model behind the port that every broker has, in virtual time: what probes and comparisons run on.

One `Model` may have several connections (`connect`), which share its clock.  Waiting moves that clock.
"""

from __future__ import annotations

from collections.abc import Sequence

from prayog_queues.engine.envelope import Delivery, Message
from prayog_queues.engine.model.broker import Model
from prayog_queues.engine.port import QueueStats, Receipt, Topology

__all__ = ["SimBroker"]


class SimBroker:
    """A connection to a simulated broker; `prayog_queues.engine.port.Broker`."""

    name = "simulator"

    def __init__(self, model: Model | None = None, seed: int = 0) -> None:
        self.model = model if model is not None else Model(Topology(), seed)
        self._clock = [0]
        self._consumers: dict[tuple[str, str], None] = {}

    def connect(self) -> SimBroker:
        """Another connection to the same broker."""
        other = SimBroker(self.model)
        other._clock = self._clock
        return other

    @property
    def now(self) -> int:
        """The broker's time (µs)."""
        return self._clock[0]

    def wait(self, us: int) -> None:
        """Let `us` µs pass; everything that is due happens at its time."""
        end = self.now + us
        while (due := self.model.due) is not None and due <= end:
            self._clock[0] = max(due, self.now)
            self.model.tick(self.now)
        self._clock[0] = end
        self.model.tick(end)

    def restart(self, *, power: bool = False) -> None:
        """The broker ends and comes back; `power`: its machine lost power."""
        self.model.restart(self.now, power=power)
        self._consumers.clear()

    # -- the port ----------------------------------------------------------------------------------------------

    def declare(self, topology: Topology) -> None:
        self.model.declare(topology)

    def publish(self, message: Message, to: str) -> Receipt:
        receipts = self.model.publish(message, to, self.now)
        return receipts[0] if receipts else Receipt("")

    def publish_many(self, messages: Sequence[Message], to: str) -> list[Receipt]:
        return [self.publish(message, to) for message in messages]

    def fetch(self, queue: str, most: int = 1, wait_us: int = 0, consumer: str = "") -> list[Delivery]:
        if (queue, consumer) not in self._consumers:
            self._consumers[queue, consumer] = None
            self.model.subscribe(queue, consumer, self.now, group=consumer.partition("/")[0])
        end = self.now + wait_us
        self.model.tick(self.now)
        while not (found := self.model.fetch(queue, consumer, most, self.now)):
            due = self.model.due
            if due is None or due > end:
                self._clock[0] = end
                break
            self.wait(max(due - self.now, 0))
        return found

    def ack(self, delivery: Delivery) -> None:
        self.model.tick(self.now)
        self.model.ack(delivery, self._holder(delivery), self.now)

    def nack(self, delivery: Delivery, delay_us: int = 0) -> None:
        self.model.tick(self.now)
        self.model.nack(delivery, self._holder(delivery), self.now, delay_us)

    def term(self, delivery: Delivery, reason: str) -> None:
        self.model.tick(self.now)
        self.model.term(delivery, self._holder(delivery), reason, self.now)

    def extend(self, delivery: Delivery) -> Delivery:
        self.model.tick(self.now)
        return self.model.extend(delivery, self._holder(delivery), self.now)

    def peek(self, queue: str, most: int = 50) -> list[tuple[Message, int]]:
        return self.model.peek(queue, most)

    def stats(self, queue: str) -> QueueStats:
        return self.model.stats(queue, self.now)

    def remove(self, topology: Topology) -> None:
        self.model.remove(topology)

    def close(self) -> None:
        for _, consumer in self._consumers:
            self.model.gone(consumer, self.now)
        self._consumers.clear()

    def _holder(self, delivery: Delivery) -> str:
        return next((consumer for queue, consumer in self._consumers if queue == delivery.queue), "")
