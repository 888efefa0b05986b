"""The producers of a real run: each a thread with a connection of its own that sends the run's orders at their moments.

A publish without an answer is sent again, as the knobs say: it may have been stored, and then it is there twice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from prayog_queues.engine.envelope import Message
from prayog_queues.engine.port import Broker, BrokerError, Refused, Unanswered
from prayog_queues.engine.real.backends import Place, connect
from prayog_queues.engine.real.orders import Order, declared
from prayog_queues.engine.setup import Setup

__all__ = ["Sender"]

Tell = Callable[[str, str, Mapping[str, Any]], None]

_BLOCKED_S = 0.05
_AGAIN_S = 0.5
"""After no answer."""


class Sender:
    """Producer `name`, which sends `orders` (moments are µs after `began`, on `time.monotonic`)."""

    def __init__(
        self, name: str, setup: Setup, place: Place, orders: Sequence[Order], began: float, tell: Tell
    ) -> None:  # fmt: skip
        self.name = name
        self.done = threading.Event()
        self._setup, self._place, self._orders, self._began = setup, place, list(orders), began
        self._topology, self._to = declared(setup)
        self._tell, self._stop = tell, threading.Event()
        self._extra: list[Message] = []
        self._thread = threading.Thread(target=self._work, name=f"producer-{name}", daemon=True)
        self._thread.start()

    def add(self, message: Message) -> None:
        """One more, now; before `done`."""
        self._extra.append(message)

    def close(self) -> None:
        self._stop.set()
        self._thread.join(timeout=15)

    def _say(self, kind: str, **data: Any) -> None:
        self._tell(kind, self.name, data)

    def _work(self) -> None:
        try:
            broker = connect(self._place)
            broker.declare(self._topology)
        except BrokerError as error:
            self._say("problem", sentence=str(error))
            self.done.set()
            return
        try:
            self._say("started")
            for order in self._orders:
                due = self._began + order.at_us / 1e6
                while (left := due - time.monotonic()) > 0 and self._setup.arrivals != "closed":
                    self._send_extra(broker)
                    if self._stop.wait(min(left, 0.05)):
                        return
                if self._stop.is_set():
                    return
                self._send(broker, order.message)
            self._send_extra(broker)
        except BrokerError as error:
            self._say("problem", sentence=str(error))
        finally:
            self.done.set()
            broker.close()

    def _send_extra(self, broker: Broker) -> None:
        while self._extra:
            self._send(broker, self._extra.pop(0))

    def _send(self, broker: Broker, message: Message) -> None:
        blocked = False
        for attempt in range(1, 2 + (self._setup.resend if self._setup.confirms else 0)):
            self._say(
                "publish", message=message.id, key=message.key, number=message.number, to=self._to, attempt=attempt,
                correlation=message.correlation, causation=message.causation,
            )  # fmt: skip
            while not self._stop.is_set():
                try:
                    receipt = broker.publish(message, self._to)
                except Refused as error:
                    if error.why == "full" and self._setup.full == "block":
                        if not blocked:
                            self._say("blocked", queue=self._to)
                        blocked = True
                        time.sleep(_BLOCKED_S)
                        continue
                    self._say("refused", message=message.id, why=error.why)
                    return
                except Unanswered:
                    self._stop.wait(_AGAIN_S)
                    break
                if blocked:
                    self._say("unblocked", queue=self._to)
                self._stored(broker, message, receipt.queue, receipt.position, receipt.duplicate)
                return
        if self._setup.confirms:
            self._say("unconfirmed", message=message.id)

    def _stored(self, broker: Broker, message: Message, queue: str, position: int, duplicate: bool) -> None:
        for kind, data in broker.told.drain():  # type: ignore[attr-defined] # every real adapter has it
            self._tell(kind, "broker", data)
        if not duplicate and not self._topology.exchanges:  # an exchange does not tell where its copies went
            position = position if self._setup.kind == "log" else -1
            data = {"message": message.id, "key": message.key, "number": message.number, "queue": queue}
            self._tell("stored", "broker", {**data, "position": position})
        if self._setup.confirms:
            self._say("confirmed", message=message.id)
