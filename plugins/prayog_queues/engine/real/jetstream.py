"""NATS JetStream behind the port: a work-queue stream and one durable pull consumer a queue.

The client library is asyncio only, so each adapter has an event loop.  It runs in the calling thread as long as a call
lasts (handing each call to a thread of its own takes a third of the speed), and every `_KEEP_S` for a moment in a
keeper's thread, so that the server's pings are answered while a handler works for minutes.  Each call of the library
has a deadline of its own.

Rules
1. A receipt is the reply subject that the server made for one delivery: whoever has it can settle it.
2. JetStream does not ask whether a lease is over: a late acknowledgement is taken (nats-server#4786), so nothing is
   ever `Stale` here.
3. There is no dead-letter queue.  With ``max_deliver`` a message would stop being delivered and stay in its stream, so
   the adapter counts: a message that comes once too often is stored in the other stream and then terminated here.
4. Dead letters carry ``Nats-Msg-Id``, so that an adapter which dies between the two writes leaves one copy.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import nats
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext, api
from nats.js.errors import APIError, NoStreamResponseError, NotFoundError, ServiceUnavailableError

from prayog_queues.engine.envelope import Death, Delivery, Message
from prayog_queues.engine.port import BrokerError, Queue, QueueStats, Receipt, Refused, Topology, Unable, Unanswered
from prayog_queues.engine.real.declared import Declared
from prayog_queues.engine.real.wire import decode, encode, now_us, safe_name

__all__ = ["JetStreamBroker"]

T = TypeVar("T")

_DEADLINE_S = 5.0
_LOST = (
    nats.errors.ConnectionClosedError, nats.errors.NoServersError, nats.errors.StaleConnectionError,
    nats.errors.ConnectionReconnectingError, nats.errors.OutboundBufferLimitError, OSError,
)  # fmt: skip
_KEEP_S = 20.0
"""The server asks every two minutes, and hangs up after the second time without an answer."""
_GROUP = "workers"
_DEDUP_S = 120.0
"""JetStream's own window when none is asked for (documentation, "Message Deduplication")."""


class JetStreamBroker(Declared):
    """The streams called `prefix`… on the servers at `urls`; `replicas` members keep each message."""

    name = "nats"

    def __init__(self, urls: str | Sequence[str], prefix: str = "prayog", replicas: int = 1) -> None:
        super().__init__()
        self.emulates = {"dead letters": "JetStream has none; the adapter counts deliveries and moves the message."}
        self._prefix, self._replicas = safe_name(prefix), replicas
        self._urls = [urls] if isinstance(urls, str) else list(urls)
        self._readers: dict[str, JetStreamContext.PullSubscription] = {}
        self._loop = asyncio.new_event_loop()
        self._driving = threading.Lock()
        """Whoever holds it may run the loop."""
        self._closed = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="jetstream", daemon=True)
        self._keeper.start()
        self._client: Client | None = None
        self._task: asyncio.Task[Any] | None = None
        """The call that waits for its answer."""
        self._stream: JetStreamContext
        try:
            self._do(self._connect())
        except BaseException:
            self.close()
            raise

    async def _connect(self) -> None:
        self._client = await nats.connect(
            self._urls, connect_timeout=2, max_reconnect_attempts=-1, reconnect_time_wait=0.1, error_cb=_quiet,
            disconnected_cb=self._hung_up,
        )  # fmt: skip
        self._stream = self._client.jetstream(timeout=_DEADLINE_S)

    async def _hung_up(self) -> None:
        """An answer on this connection will never come: whoever waits for one need not wait for the deadline."""
        if self._task is not None and not self._closed.is_set():
            self._task.cancel()

    def declare(self, topology: Topology) -> None:
        if topology.exchanges or topology.bindings:
            raise Unable(
                "A subject of JetStream belongs to one stream, so a message cannot be routed to two queues; "
                "send it to each of them, or let several consumers read one stream."
            )
        for queue in topology.queues:
            for wanted, name in (
                (queue.priorities, "priorities"), (queue.by_key, "order by key"),
                (queue.single_active, "single active one"), (queue.full == "spill", "spilling"),
            ):  # fmt: skip
                if wanted:
                    raise Unable(f"JetStream has no {name} for a queue of competing consumers.")
        for queue in topology.queues:
            self._do(self._declare(queue))
            self._queues[queue.name] = queue

    async def _declare(self, queue: Queue) -> None:
        name = self._name(queue.name)
        stream = api.StreamConfig(
            name=name, subjects=[name], num_replicas=self._replicas,
            retention=api.RetentionPolicy.LIMITS if queue.partitions else api.RetentionPolicy.WORK_QUEUE,
            storage=api.StorageType.MEMORY if queue.durability == "memory" else api.StorageType.FILE,
            max_age=queue.ttl_us / 1e6 if queue.ttl_us else 0,
            duplicate_window=_window(queue),
            max_msgs=queue.capacity or -1,
            discard=api.DiscardPolicy.OLD if queue.full == "drop old" else api.DiscardPolicy.NEW,
        )  # fmt: skip
        reader = api.ConsumerConfig(
            durable_name=_GROUP, ack_policy=api.AckPolicy.EXPLICIT, max_deliver=-1, max_ack_pending=10_000,
            ack_wait=(queue.lease_us or 1 << 50) / 1e6,
        )  # fmt: skip
        try:
            await self._stream.add_stream(stream)
            await self._stream.add_consumer(name, reader)
        except APIError as error:
            if error.err_code not in (10058, 10148):  # the name is in use with another configuration
                raise
            await self._stream.update_stream(stream)

    def publish(self, message: Message, to: str) -> Receipt:
        return self._receipt(message, to, self._do(self._send(message, to)))

    def publish_many(self, messages: Sequence[Message], to: str) -> list[Receipt]:
        async def all_at_once() -> list[api.PubAck]:
            found: list[api.PubAck] = []
            for low in range(0, len(messages), 250):  # so many may be without an answer at a time
                found += await asyncio.gather(*(self._send(m, to) for m in messages[low : low + 250]))
            return found

        answers = self._do(all_at_once())
        return [self._receipt(message, to, answer) for message, answer in zip(messages, answers, strict=True)]

    async def _send(self, message: Message, to: str) -> api.PubAck:
        queue = self._known(to)
        headers = {"Nats-Msg-Id": message.dedup_id} if queue.dedup_us and message.dedup_id else None
        return await self._stream.publish(self._name(to), encode(message), timeout=_DEADLINE_S, headers=headers)

    def _receipt(self, message: Message, to: str, answer: api.PubAck) -> Receipt:
        if answer.duplicate:
            self.told("deduplicated", message=message.id, queue=to)
        return Receipt(to, answer.seq, bool(answer.duplicate))

    def fetch(self, queue: str, most: int = 1, wait_us: int = 0, consumer: str = "") -> list[Delivery]:
        known = self._known(queue)
        found: list[Delivery] = []
        for message in self._do(self._take(queue, most, wait_us)):
            delivery = self._delivery(known, message)
            if known.attempts and delivery.attempt > known.attempts:
                self._bury(delivery, delivery.attempt - 1, "attempts")
            else:
                found.append(delivery)
        return found

    async def _take(self, queue: str, most: int, wait_us: int) -> list[Msg]:
        reader = self._readers.get(queue)
        if reader is None:
            name = self._name(queue)
            reader = self._readers[queue] = await self._stream.pull_subscribe_bind(_GROUP, name)
        try:
            return await reader.fetch(most, timeout=max(wait_us / 1e6, 0.05))
        except (TimeoutError, nats.errors.TimeoutError):
            return []

    def _delivery(self, queue: Queue, message: Msg) -> Delivery:
        told = message.metadata
        until = now_us() + queue.lease_us if queue.lease_us else None
        return Delivery(
            decode(message.data), queue.name, message.reply, told.num_delivered or 1, told.sequence.stream, until
        )  # fmt: skip

    def ack(self, delivery: Delivery) -> None:
        self._do(self._settle(delivery, b"+ACK"))

    def ack_many(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Acknowledge all, each with an answer; none is ever stale."""

        async def all_at_once() -> None:
            await asyncio.gather(*(self._settle(delivery, b"+ACK") for delivery in deliveries))

        self._do(all_at_once())
        return []

    def nack(self, delivery: Delivery, delay_us: int = 0) -> None:
        queue = self._known(delivery.queue)
        if queue.attempts and delivery.attempt >= queue.attempts:
            self.term(delivery, "attempts")
            return
        delay_us = delay_us or (queue.backoff_us << min(delivery.attempt - 1, 10))
        self._do(self._settle(delivery, b'-NAK {"delay": %d}' % (1_000 * delay_us) if delay_us else b"-NAK"))

    def term(self, delivery: Delivery, reason: str) -> None:
        self._bury(delivery, delivery.attempt, reason)

    def extend(self, delivery: Delivery) -> Delivery:
        queue = self._known(delivery.queue)
        self._do(self._settle(delivery, b"+WPI"))
        until = now_us() + queue.lease_us
        return Delivery(
            delivery.message, delivery.queue, delivery.receipt, delivery.attempt, delivery.position, until
        )  # fmt: skip

    async def _settle(self, delivery: Delivery, word: bytes) -> None:
        assert self._client is not None
        # A request: the server answers once the acknowledgement has been taken ("double ack").
        await self._client.request(delivery.receipt, word, timeout=_DEADLINE_S)

    def _bury(self, delivery: Delivery, attempts: int, reason: str) -> None:
        queue = self._known(delivery.queue)
        dead = delivery.message.dead(Death(queue.name, reason, attempts, now_us()))
        if queue.dead_letters in self._queues:
            headers = {"Nats-Msg-Id": f"{queue.name}.{delivery.position}.{len(dead.deaths)}"}
            to = self._name(queue.dead_letters)
            self._do(self._stream.publish(to, encode(dead), timeout=_DEADLINE_S, headers=headers))
            self._tell_dead(dead, queue, reason, attempts)
        else:
            self._tell_dropped(dead, queue, reason)
        self._do(self._settle(delivery, b"+TERM"))

    def peek(self, queue: str, most: int = 50) -> list[tuple[Message, int]]:
        """Read from the stream by position, which no consumer notices; how often each was delivered it does not say."""
        name = self._name(self._known(queue).name)

        async def look() -> list[tuple[Message, int]]:
            state = (await self._stream.stream_info(name)).state
            found: list[tuple[Message, int]] = []
            position = state.first_seq
            while len(found) < most and position <= state.last_seq:
                with contextlib.suppress(NotFoundError):
                    raw = await self._stream.get_msg(name, position)
                    found.append((decode(raw.data or b""), -1))
                position += 1
            return found

        return self._do(look())

    def stats(self, queue: str) -> QueueStats:
        known, name = self._known(queue), self._name(queue)

        async def ask() -> QueueStats:
            reader = await self._stream.consumer_info(name, _GROUP)
            dead = 0
            if known.dead_letters in self._queues:
                dead = (await self._stream.stream_info(self._name(known.dead_letters))).state.messages
            extra = {"redelivered": float(reader.num_redelivered or 0)}
            return QueueStats(reader.num_pending or 0, reader.num_ack_pending or 0, dead, 0, 0, extra)

        return self._do(ask())

    def remove(self, topology: Topology) -> None:
        for queue in topology.queues:
            with contextlib.suppress(BrokerError):
                self._do(self._stream.delete_stream(self._name(queue.name)))
            self._queues.pop(queue.name, None)
            self._readers.pop(queue.name, None)

    def close(self) -> None:
        if self._loop.is_closed():
            return
        self._closed.set()
        if self._client is not None:
            with contextlib.suppress(BrokerError):
                self._do(self._client.close())
        self._keeper.join(timeout=5)
        self._loop.close()

    def _keep(self) -> None:
        while not self._closed.wait(_KEEP_S):
            with self._driving:
                self._loop.run_until_complete(asyncio.sleep(0.02))

    # -- inside --------------------------------------------------------------------------------------------------

    def _name(self, queue: str) -> str:
        return f"{self._prefix}_{safe_name(queue)}"

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        """Do `work` on the loop; what it raises becomes the port's."""
        try:
            with self._driving:
                self._task = task = self._loop.create_task(work)
                try:
                    return self._loop.run_until_complete(task)
                finally:
                    self._task = None
        except asyncio.CancelledError as error:
            raise Unanswered("The connection to NATS was lost before it answered.") from error
        except (TimeoutError, nats.errors.TimeoutError, nats.errors.NoRespondersError) as error:
            raise Unanswered(f"NATS gave no answer within {_DEADLINE_S:g} s.") from error
        except _LOST as error:
            raise Unanswered(f"The connection to NATS was lost: {_brief(error)}") from error
        except APIError as error:
            if error.err_code == 10077:  # maximum messages exceeded
                raise Refused(f"The stream is full: {error.description}.", "full") from error
            if isinstance(error, ServiceUnavailableError):  # 503: a cluster that is just electing a leader
                raise Unanswered("JetStream has no leader just now.") from error
            raise BrokerError(f"NATS refused it: {error.description or error}.") from error
        except NoStreamResponseError as error:  # nobody leads the stream just now
            raise Unanswered("JetStream has no leader just now.") from error
        except nats.errors.Error as error:
            raise BrokerError(f"NATS: {_brief(error)}") from error


async def _quiet(error: Exception) -> None:
    """It is raised to whoever waits as well; the library would also log it."""


def _window(queue: Queue) -> float:
    """Of deduplication (s); it may not be longer than messages live."""
    wanted = queue.dedup_us / 1e6 or _DEDUP_S
    return min(wanted, queue.ttl_us / 1e6) if queue.ttl_us else wanted


def _brief(error: Exception) -> str:
    return f"{(str(error).strip().splitlines() or [type(error).__name__])[0].rstrip('.')}."
