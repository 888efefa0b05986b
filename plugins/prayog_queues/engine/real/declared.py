"""What every adapter remembers: the queues that were declared to it, and whom it tells what happened."""

from __future__ import annotations

from abc import abstractmethod

from prayog_queues.engine.envelope import Death, Delivery, Message
from prayog_queues.engine.model.told import Told
from prayog_queues.engine.port import Queue, Receipt, Unable
from prayog_queues.engine.real.wire import now_us

__all__ = ["Declared", "Republishing"]


class Declared:
    """The part that all adapters have in common."""

    def __init__(self) -> None:
        self.told = Told()
        self._queues: dict[str, Queue] = {}

    def _known(self, queue: str) -> Queue:
        """The declared queue of this name.  Raises `Unable`."""
        try:
            return self._queues[queue]
        except KeyError:
            raise Unable(f"There is no queue {queue}; declare it first.") from None

    def _tell_dead(self, dead: Message, queue: Queue, reason: str, attempts: int) -> None:
        """`dead` was put aside, with its new death among its `deaths`."""
        self.told(
            "dead", message=dead.id, queue=queue.name, to=queue.dead_letters, reason=reason, attempts=attempts,
            deaths=len(dead.deaths),
        )  # fmt: skip

    def _tell_dropped(self, message: Message, queue: Queue, reason: str) -> None:
        """`message` is gone, and nobody else was told."""
        self.told("dropped", message=message.id, queue=queue.name, why=reason, told=False)


class Republishing(Declared):
    """A broker without dead letters: the adapter publishes what is put aside to another queue, and acknowledges it."""

    @abstractmethod
    def publish(self, message: Message, to: str) -> Receipt:
        """See `port.Broker.publish`."""

    @abstractmethod
    def ack(self, delivery: Delivery) -> None:
        """See `port.Broker.ack`."""

    def term(self, delivery: Delivery, reason: str) -> None:
        """See `port.Broker.term`."""
        queue = self._known(delivery.queue)
        dead = delivery.message.dead(Death(queue.name, reason, delivery.attempt, now_us()))
        if queue.dead_letters in self._queues:
            self.publish(dead, queue.dead_letters)
            self._tell_dead(dead, queue, reason, delivery.attempt)
        else:
            self._tell_dropped(dead, queue, reason)
        self.ack(delivery)
