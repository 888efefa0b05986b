"""MQTT 5 behind the port (paho): QoS 1, one shared subscription a queue, a session that outlives its connection.

Rules
1. A server stores a message only for sessions that are subscribed already: what is published before anybody subscribed
   is gone, and the publisher is told "no matching subscribers" (MQTT 5, 3.4.2.1).
2. Competing consumers are a shared subscription (MQTT 5, 4.8.2): each message goes to one session of the group.
3. There is no lease: what a consumer did not acknowledge is sent again when *its own* session comes back, marked DUP.
   No other consumer gets it, so a consumer that never comes back keeps it.
4. Only an attempt counter of this process knows how often; there is no way to look into a session or to give back.
"""

from __future__ import annotations

import contextlib
import queue as queues
import time
from collections import deque
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from prayog_queues.engine.envelope import Delivery, Message
from prayog_queues.engine.port import Queue, QueueStats, Receipt, Refused, Stale, Topology, Unable, Unanswered
from prayog_queues.engine.real.declared import Republishing
from prayog_queues.engine.real.wire import decode, encode, safe_name

__all__ = ["MqttBroker"]

_DEADLINE_S = 5.0
_SESSION_S = 3_600
_NO_SUBSCRIBER = 0x10  # reason code "No matching subscribers"


class MqttBroker(Republishing):
    """Topics below `prefix` on the server at `url`.

    ``consumer``: the name of its session; whoever uses the same name again goes on where that one stopped.  Without a
    name it subscribes to nothing and can publish only.
    """

    name = "mqtt"

    def __init__(self, url: str, prefix: str = "prayog", consumer: str = "") -> None:
        super().__init__()
        self.emulates = {"dead letters": "MQTT has none; the adapter publishes to another topic and acknowledges."}
        self._prefix, self._consumer = safe_name(prefix), safe_name(consumer)
        self._came: queues.SimpleQueue[MQTTMessage] = queues.SimpleQueue()
        self._waiting: dict[str, deque[Delivery]] = {}
        self._attempts: dict[str, int] = {}
        self._connections = 0
        self._answers: queues.SimpleQueue[tuple[str, int, int]] = queues.SimpleQueue()
        parts = urlsplit(url)
        self._where = (parts.hostname or "127.0.0.1", parts.port or 1883)
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=f"{self._prefix}-{self._consumer}" if consumer else "",
            protocol=MQTTProtocolVersion.MQTTv5, manual_ack=True,
        )  # fmt: skip
        if parts.username:
            self._client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        self._client.connect_timeout = _DEADLINE_S
        self._client.on_connect = self._connected
        self._client.on_publish = lambda c, d, mid, reason, props: self._answers.put(("publish", mid, reason.value))
        self._client.on_subscribe = lambda c, d, mid, reasons, props: self._answers.put(
            ("subscribe", mid, reasons[0].value)
        )
        self._client.on_message = lambda c, d, message: self._came.put(message)
        kept: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho has no types here
        kept.SessionExpiryInterval = _SESSION_S
        try:
            self._client.connect(*self._where, clean_start=not consumer, properties=kept if consumer else None)
        except OSError as error:
            raise Unanswered(f"MQTT takes no connection: {error.strerror or error}.") from error
        self._client.loop_start()
        self._await("connect", 0)

    def declare(self, topology: Topology) -> None:
        if topology.exchanges or topology.bindings:
            raise Unable("MQTT has no exchanges; its topics themselves are patterns, for each subscription.")
        for queue in topology.queues:
            for wanted, name in (
                (queue.partitions, "log"), (queue.dedup_us, "window of deduplication"),
                (queue.priorities, "priorities"), (queue.by_key, "order by key among consumers"),
                (queue.single_active, "single active consumer"), (queue.capacity, "limit that a client may set"),
            ):  # fmt: skip
                if wanted:
                    raise Unable(f"MQTT has no {name}.")
        for queue in topology.queues:
            known = queue.name in self._queues
            self._queues[queue.name] = queue
            self._waiting.setdefault(queue.name, deque())
            if not known and not self._is_dead_letters(queue.name, topology):
                self._subscribe(queue.name)

    def _is_dead_letters(self, name: str, topology: Topology) -> bool:
        """A queue of dead letters is subscribed too, by a session that nobody works in: else they would be gone."""
        if not any(queue.dead_letters == name for queue in topology.queues):
            return False
        self._subscribe(name)
        return True

    def _subscribe(self, name: str) -> None:
        if not self._consumer:
            return
        done, mid = self._client.subscribe(f"$share/workers/{self._topic(name)}", qos=1)
        if done != 0 or mid is None:
            raise Unanswered("MQTT is not connected.")
        self._await("subscribe", mid)

    def publish(self, message: Message, to: str) -> Receipt:
        self._known(to)
        expiry = _expiry(message, self._queues[to])
        info = self._client.publish(self._topic(to), encode(message), qos=1, properties=expiry)
        reason = self._await("publish", info.mid)
        if reason == _NO_SUBSCRIBER:
            self.told("dropped", message=message.id, queue=to, why="unroutable", told=True)
            raise Refused(f"Nobody is subscribed to {to}, so MQTT keeps no copy.", "unroutable")
        if reason >= 0x80:
            raise Refused(f"MQTT refuses it (reason code {reason:#x}).", "denied")
        return Receipt(to)

    def publish_many(self, messages: Sequence[Message], to: str) -> list[Receipt]:
        return [self.publish(message, to) for message in messages]

    def fetch(self, queue: str, most: int = 1, wait_us: int = 0, consumer: str = "") -> list[Delivery]:
        self._known(queue)
        until = time.monotonic() + max(wait_us / 1e6, 0.02)
        waiting = self._waiting[queue]
        while len(waiting) < most and (left := until - time.monotonic()) > 0:
            try:
                self._sort(self._came.get(timeout=left))
            except queues.Empty:
                break
            if waiting and self._came.empty():
                break
        return [waiting.popleft() for _ in range(min(most, len(waiting)))]

    def _sort(self, came: MQTTMessage) -> None:
        name = next((name for name in self._queues if self._topic(name) == came.topic), None)
        if name is None:
            self._client.ack(came.mid, came.qos)
            return
        message = decode(bytes(came.payload))
        attempt = self._attempts[message.id] = self._attempts.get(message.id, 1 if came.dup else 0) + 1
        self._waiting[name].append(Delivery(message, name, f"{came.mid}.{self._connections}", attempt))

    def ack(self, delivery: Delivery) -> None:
        mid, _, connection = delivery.receipt.partition(".")
        if int(connection) != self._connections:
            raise Stale(f"The connection that {delivery.message.id} came by is closed; it is sent again.")
        self._client.ack(int(mid), 1)
        self._attempts.pop(delivery.message.id, None)

    def nack(self, delivery: Delivery, delay_us: int = 0) -> None:
        queue = self._known(delivery.queue)
        if queue.attempts and delivery.attempt >= queue.attempts:
            self.term(delivery, "attempts")
            return
        raise Unable("MQTT cannot give a message back; it is sent again when this session is connected anew.")

    def extend(self, delivery: Delivery) -> Delivery:
        raise Unable("MQTT has no lease to extend.")

    def peek(self, queue: str, most: int = 50) -> list[tuple[Message, int]]:
        raise Unable("MQTT lets nobody look into a session.")

    def stats(self, queue: str) -> QueueStats:
        raise Unable("MQTT does not tell how many messages wait in a session.")

    def remove(self, topology: Topology) -> None:
        """End this session; those of other consumers end by themselves, an hour after they were left."""
        for queue in topology.queues:
            self._queues.pop(queue.name, None)
        self.close(keep=False)

    def close(self, keep: bool = True) -> None:
        """Hang up; the session stays for an hour, or with `keep` off ends at once."""
        gone: Any = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call] # as above
        gone.SessionExpiryInterval = _SESSION_S if keep else 0
        with contextlib.suppress(OSError, ValueError):
            self._client.disconnect(properties=gone)
            self._client.loop_stop()

    # -- inside --------------------------------------------------------------------------------------------------

    def _connected(self, client: Client, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        self._connections += 1
        self._answers.put(("connect", 0, reason.value))

    def _await(self, what: str, mid: int) -> int:
        """The reason code of the answer to request `mid`."""
        until = time.monotonic() + _DEADLINE_S
        while (left := until - time.monotonic()) > 0:
            try:
                kind, told, reason = self._answers.get(timeout=left)
            except queues.Empty:
                break
            if kind == what and (what == "connect" or told == mid):
                if what == "connect" and reason >= 0x80:
                    raise Unanswered(f"MQTT refuses the connection (reason code {reason:#x}).")
                return reason
        raise Unanswered(f"MQTT gave no answer within {_DEADLINE_S:g} s.")

    def _topic(self, queue: str) -> str:
        return f"{self._prefix}/{queue}"


def _expiry(message: Message, queue: Queue) -> Properties | None:
    ttl = message.ttl_us if queue.ttl_us is None else queue.ttl_us
    if ttl is None:
        return None
    properties: Any = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call] # as above
    properties.MessageExpiryInterval = max(1, ttl // 1_000_000)
    found: Properties = properties
    return found
