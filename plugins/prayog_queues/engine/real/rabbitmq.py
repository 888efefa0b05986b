"""RabbitMQ behind the port (AMQP 0-9-1 by pika): quorum queues, publisher confirms, dead-letter exchanges.

A `pika.BlockingConnection` is not thread-safe, so an adapter belongs to one thread.

Rules
1. There is no lease by time: a message goes back when its channel closes or it is rejected (consumers guide,
   "Delivery Acknowledgement Timeout": after half an hour the channel is closed).  So nothing is ever `Stale` by time.
2. Quorum queues count deliveries (``x-delivery-count``, without the first) and obey ``x-delivery-limit``; classic ones
   tell only ``redelivered``.  A queue with priorities is classic: quorum queues of RabbitMQ 3 have none.
3. A message that comes back after a wait is stored once more in a queue whose messages live that long and then go back;
   its attempts travel in a header.  Between the two writes there may be two copies.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import (
    AMQPConnectionError,
    AMQPError,
    ChannelClosedByBroker,
    NackError,
    UnroutableError,
)  # fmt: skip

from prayog_queues.engine.envelope import Death, Delivery, Message
from prayog_queues.engine.port import (
    Binding,
    BrokerError,
    Exchange,
    Queue,
    QueueStats,
    Receipt,
    Refused,
    Stale,
    Topology,
    Unable,
    Unanswered,
)  # fmt: skip
from prayog_queues.engine.real.declared import Declared
from prayog_queues.engine.real.wire import decode, encode, now_us

__all__ = ["RabbitBroker"]

_DEADLINE_S = 5.0
_WAIT = ".wait"
_ATTEMPTS = "x-prayog-attempts"
_PERSISTENT = 2  # delivery mode of the AMQP properties


class RabbitBroker(Declared):
    """Queues and exchanges whose names begin with `prefix`, on the server at `url`."""

    name = "rabbitmq"

    def __init__(self, url: str, prefix: str = "prayog") -> None:
        super().__init__()
        self.emulates = {"delay": "RabbitMQ has no delayed return; the adapter stores it in a queue of waiting ones."}
        self._prefix = prefix
        self._exchanges: set[str] = set()
        self._tags: dict[str, str] = {}
        self._waiting: dict[str, deque[Delivery]] = {}
        logging.getLogger("pika").setLevel(logging.CRITICAL)  # what it logs it raises as well
        self._parameters = pika.URLParameters(url)
        self._parameters.heartbeat = 600
        self._parameters.socket_timeout = self._parameters.stack_timeout = _DEADLINE_S
        self._parameters.blocked_connection_timeout = _DEADLINE_S
        self._connection: pika.BlockingConnection | None = None
        self._channel: BlockingChannel | None = None

    @property
    def channel(self) -> BlockingChannel:
        """The channel, open and with confirms; what it held before it was closed is the broker's again."""
        if self._channel is None or not self._channel.is_open:
            if self._connection is None or not self._connection.is_open:
                self._connection = pika.BlockingConnection(self._parameters)
            self._channel = self._connection.channel()
            self._channel.confirm_delivery()
            self._tags.clear()
            self._waiting.clear()
        return self._channel

    def declare(self, topology: Topology) -> None:
        for queue in topology.queues:
            if queue.partitions:
                raise Unable("A RabbitMQ queue is no log; its streams speak another protocol.")
            if queue.dedup_us:
                raise Unable("RabbitMQ has no window of deduplication; the consumer has to know what it did.")
            if queue.by_key:
                raise Unable("RabbitMQ has no order by key in one queue; give each key’s share a queue of its own.")
            if queue.full == "spill":
                raise Unable("RabbitMQ writes to disk what does not fit into memory by itself; it cannot be told to.")
            if queue.capacity and queue.full == "block":
                raise Unable("A full RabbitMQ queue refuses or drops; it does not make its producers wait.")
        with self._asking():
            for queue in topology.queues:
                self._declare(queue)
            for exchange in topology.exchanges:
                self.channel.exchange_declare(self._name(exchange.name), exchange.kind, durable=True)
                self._exchanges.add(exchange.name)
            kinds = {exchange.name: exchange for exchange in topology.exchanges}
            for binding in topology.bindings:
                key, arguments = _binding(kinds[binding.exchange], binding)
                self.channel.queue_bind(
                    self._name(binding.queue), self._name(binding.exchange), key, arguments=arguments
                )  # fmt: skip

    def _declare(self, queue: Queue) -> None:
        name = self._name(queue.name)
        arguments: dict[str, Any] = {}
        classic = queue.priorities or queue.durability == "memory"
        arguments["x-queue-type"] = "classic" if classic else "quorum"
        if queue.priorities:
            arguments["x-max-priority"] = 10
        if queue.dead_letters:
            arguments |= {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": self._name(queue.dead_letters)}
        if queue.attempts and not classic:
            arguments["x-delivery-limit"] = queue.attempts - 1  # it counts redeliveries
        if queue.ttl_us is not None:
            arguments["x-message-ttl"] = max(1, queue.ttl_us // 1_000)
        if queue.capacity:
            arguments["x-max-length"] = queue.capacity
            arguments["x-overflow"] = "drop-head" if queue.full == "drop old" else "reject-publish"
        if queue.single_active:
            arguments["x-single-active-consumer"] = True
        self.channel.queue_declare(name, durable=True, arguments=arguments)
        back = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": name}
        self.channel.queue_declare(name + _WAIT, durable=True, arguments=back)
        self._queues[queue.name] = queue

    def publish(self, message: Message, to: str) -> Receipt:
        with self._asking():
            self._send(message, to)
        return Receipt(to)

    def publish_many(self, messages: Sequence[Message], to: str) -> list[Receipt]:
        """One after the other: pika waits for each confirmation."""
        return [self.publish(message, to) for message in messages]

    def _send(self, message: Message, to: str, wait_us: int = 0, attempts: int = 0) -> None:
        exchange = self._name(to) if to in self._exchanges else ""
        key = message.type if exchange else self._name(to) + (_WAIT if wait_us else "")
        ttl = wait_us or message.ttl_us
        headers: dict[str, Any] = {"type": message.type, "key": message.key, **dict(message.headers)}
        if attempts:
            headers[_ATTEMPTS] = attempts
        properties = pika.BasicProperties(
            content_type="application/json", message_id=message.id, delivery_mode=_PERSISTENT, headers=headers,
            priority=message.priority or None, expiration=str(max(1, ttl // 1_000)) if ttl is not None else None,
        )  # fmt: skip
        try:
            self.channel.basic_publish(exchange, key, encode(message), properties, mandatory=True)
        except UnroutableError:
            raise Refused(f"No queue is bound to {to} for a message of type {message.type}.", "unroutable") from None
        except NackError:
            raise Refused(f"The queue behind {to} is full.", "full") from None

    def fetch(self, queue: str, most: int = 1, wait_us: int = 0, consumer: str = "") -> list[Delivery]:
        known, until = self._known(queue), time.monotonic() + max(wait_us / 1e6, 0.05)
        with self._asking():
            channel = self.channel
            waiting = self._waiting.setdefault(queue, deque())
            if queue not in self._tags:
                channel.basic_qos(prefetch_count=max(most, 1))
                self._tags[queue] = channel.basic_consume(
                    self._name(queue), lambda _c, method, properties, body: self._came(known, method, properties, body),
                    consumer_tag=f"{consumer}-{now_us()}" if consumer else "",
                )  # fmt: skip
            assert self._connection is not None
            while len(waiting) < most and (left := until - time.monotonic()) > 0:
                self._connection.process_data_events(0 if waiting else left)
                if waiting:
                    self._connection.process_data_events(0)
                    break
            return [waiting.popleft() for _ in range(min(most, len(waiting)))]

    def _came(self, queue: Queue, method: Any, properties: Any, body: bytes) -> None:
        headers = properties.headers or {}
        before = int(headers.get("x-delivery-count", 1 if method.redelivered else 0)) + int(headers.get(_ATTEMPTS, 0))
        message = _with_deaths(decode(body), headers)
        receipt = f"{method.delivery_tag}@{id(self._channel)}"
        self._waiting[queue.name].append(Delivery(message, queue.name, receipt, before + 1))

    def ack(self, delivery: Delivery) -> None:
        with self._asking():
            self.channel.basic_ack(self._tag(delivery))

    def nack(self, delivery: Delivery, delay_us: int = 0) -> None:
        queue = self._known(delivery.queue)
        if queue.attempts and delivery.attempt >= queue.attempts:
            self.term(delivery, "attempts")
            return
        delay_us = delay_us or (queue.backoff_us << min(delivery.attempt - 1, 10))
        with self._asking():
            tag = self._tag(delivery)
            if not delay_us:
                self.channel.basic_nack(tag, requeue=True)
                return
            self._send(delivery.message, delivery.queue, delay_us, delivery.attempt)
            self.channel.basic_ack(tag)

    def term(self, delivery: Delivery, reason: str) -> None:
        queue = self._known(delivery.queue)
        with self._asking():
            self.channel.basic_nack(self._tag(delivery), requeue=False)
        data = {"message": delivery.message.id, "queue": queue.name, "attempts": delivery.attempt, "reason": reason}
        if queue.dead_letters:
            self.told("dead", **data, to=queue.dead_letters, deaths=len(delivery.message.deaths) + 1)
        else:
            self._tell_dropped(delivery.message, queue, reason)

    def extend(self, delivery: Delivery) -> Delivery:
        """There is no lease by time, so there is nothing to extend while the channel is open."""
        self._tag(delivery)
        return delivery

    def peek(self, queue: str, most: int = 50) -> list[tuple[Message, int]]:
        raise Unable(
            "Looking into a RabbitMQ queue takes its messages out and puts them back, which counts as a delivery."
        )

    def stats(self, queue: str) -> QueueStats:
        known = self._known(queue)
        with self._asking():
            found = self.channel.queue_declare(self._name(queue), passive=True).method
            waits = self.channel.queue_declare(self._name(queue) + _WAIT, passive=True).method.message_count
            dead = 0
            if known.dead_letters in self._queues:
                dead = self.channel.queue_declare(self._name(known.dead_letters), passive=True).method.message_count
        return QueueStats(found.message_count + waits, 0, dead, 0, found.consumer_count)

    def remove(self, topology: Topology) -> None:
        with self._asking():
            for queue in topology.queues:
                self.channel.queue_delete(self._name(queue.name))
                self.channel.queue_delete(self._name(queue.name) + _WAIT)
                self._queues.pop(queue.name, None)
            for exchange in topology.exchanges:
                self.channel.exchange_delete(self._name(exchange.name))

    def close(self) -> None:
        with contextlib.suppress(AMQPError, OSError):
            if self._connection is not None and self._connection.is_open:
                self._connection.close()

    # -- inside --------------------------------------------------------------------------------------------------

    def _name(self, name: str) -> str:
        return f"{self._prefix}.{name}"

    def _tag(self, delivery: Delivery) -> int:
        """The delivery tag; it belongs to the channel that it came by."""
        tag, _, channel = delivery.receipt.partition("@")
        if self._channel is None or not self._channel.is_open or channel != str(id(self._channel)):
            raise Stale(f"The channel that {delivery.message.id} came by is closed; the message is in the queue again.")
        return int(tag)

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        """What pika raises becomes the port's."""
        try:
            yield
        except ChannelClosedByBroker as error:
            raise BrokerError(f"RabbitMQ refused it: {error.reply_text}.") from error
        except (AMQPConnectionError, OSError) as error:
            raise Unanswered(f"The connection to RabbitMQ was lost: {error or type(error).__name__}.") from error
        except AMQPError as error:
            raise Unanswered(f"RabbitMQ gave no answer: {error or type(error).__name__}.") from error


def _binding(exchange: Exchange, binding: Binding) -> tuple[str, dict[str, str] | None]:
    """Routing key and arguments of a binding."""
    if exchange.kind != "headers":
        return binding.pattern, None
    mode, colon, wanted = binding.pattern.partition(":")
    if not colon:
        mode, wanted = "all", binding.pattern
    pairs = (part.partition("=") for part in wanted.split(",") if "=" in part)
    return "", {"x-match": mode.strip(), **{name.strip(): value.strip() for name, _, value in pairs}}


def _with_deaths(message: Message, headers: dict[str, Any]) -> Message:
    """The broker's own record of deaths, oldest first.  It keeps one entry for a queue and reason, with a count."""
    told = [d for d in headers.get("x-death", ()) if not str(d["queue"]).endswith(_WAIT)]
    for death in reversed(told):
        reason = {"rejected": "refused", "delivery_limit": "attempts", "maxlen": "full"}.get(
            death["reason"], death["reason"]
        )  # fmt: skip
        at = int(death["time"].timestamp()) * 1_000_000
        message = message.dead(Death(str(death["queue"]).rpartition(".")[2], str(reason), int(death["count"]), at))
    return message
