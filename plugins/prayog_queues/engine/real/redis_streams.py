"""Redis Streams behind the port: one stream and one consumer group a queue.

An entry that was read and not acknowledged stays in the group's pending list with a delivery count and an idle time; a
lease is nothing but "idle for longer than that", and whoever asks for it (XAUTOCLAIM) gets it.

Rules
1. XACK asks neither who acknowledges nor whether the entry was claimed by another since: nothing is ever `Stale` while
   it is pending.
2. Acknowledged entries are deleted in the same transaction (MULTI), else a queue would grow for ever.
3. There is no dead-letter queue and no delayed return: the adapter counts deliveries and moves an entry itself, and it
   sets the idle time so that the lease ends after the delay.
4. What a confirmation is worth is the server's setting (``appendfsync``); the adapter reads it and says so.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any

import redis

from prayog_queues.engine.envelope import Death, Delivery, Message
from prayog_queues.engine.port import (
    BrokerError,
    Queue,
    QueueStats,
    Receipt,
    Refused,
    Stale,
    Topology,
    Unable,
    Unanswered,
)
from prayog_queues.engine.real.declared import Declared
from prayog_queues.engine.real.wire import decode, encode, now_us

__all__ = ["RedisBroker"]

_DEADLINE_S = 5.0
_GROUP = "workers"
_LONG_MS = 1 << 40
_LOOK_MS = 50
"""How long one read blocks at most: meanwhile a lease may end."""


class RedisBroker(Declared):
    """Streams whose keys begin with `prefix`, on the server at `url`."""

    name = "redis"

    def __init__(self, url: str, prefix: str = "prayog") -> None:
        super().__init__()
        self.emulates = {
            "dead letters": "Redis has none; the adapter counts deliveries and moves the entry.",
            "delay": "Redis has no delayed return; the adapter sets the idle time of the entry.",
        }
        self._prefix = prefix
        self._db: Any = redis.Redis.from_url(url, socket_timeout=_DEADLINE_S, socket_connect_timeout=_DEADLINE_S)

    def declare(self, topology: Topology) -> None:
        if topology.exchanges or topology.bindings:
            raise Unable("Redis Streams have no exchanges: a message goes to the stream that is named.")
        for queue in topology.queues:
            for wanted, name in (
                (queue.dedup_us, "window of deduplication"), (queue.priorities, "priorities"),
                (queue.by_key, "order by key within a group"), (queue.single_active, "single active consumer"),
                (queue.ttl_us, "time to live of one message"), (queue.partitions, "partitions in one stream"),
            ):  # fmt: skip
                if wanted:
                    raise Unable(f"Redis Streams have no {name}.")
            if queue.capacity and queue.full == "block":
                raise Unable("A Redis stream does not make its producers wait; XADD with MAXLEN drops the oldest.")
        with self._asking():
            for queue in topology.queues:
                with contextlib.suppress(redis.ResponseError):  # BUSYGROUP: it is there already
                    self._db.xgroup_create(self._name(queue.name), _GROUP, id="0", mkstream=True)
                self._queues[queue.name] = queue

    def publish(self, message: Message, to: str) -> Receipt:
        return self.publish_many([message], to)[0]

    def publish_many(self, messages: Sequence[Message], to: str) -> list[Receipt]:
        queue, name = self._known(to), self._name(to)
        with self._asking():
            if queue.capacity and queue.full == "drop new" and self._db.xlen(name) + len(messages) > queue.capacity:
                raise Refused(f"The stream {to} is full ({queue.capacity} messages).", "full")
            most = queue.capacity if queue.full == "drop old" and queue.capacity else None
            pipe = self._db.pipeline(transaction=False)
            for message in messages:
                pipe.xadd(name, {"m": encode(message)}, maxlen=most, approximate=False)
            pipe.execute()
        return [Receipt(to) for _ in messages]

    def fetch(self, queue: str, most: int = 1, wait_us: int = 0, consumer: str = "") -> list[Delivery]:
        known, until = self._known(queue), time.monotonic() + wait_us / 1e6
        with self._asking():
            while True:
                found = self._claim(known, most, consumer or "-")
                left_ms = round(1_000 * (until - time.monotonic()))
                if len(found) < most:
                    wait = min(left_ms, _LOOK_MS) if left_ms > 0 and not found else None
                    found += self._read(known, most - len(found), consumer or "-", wait)
                if found or left_ms <= 0:
                    return found

    def _claim(self, queue: Queue, most: int, consumer: str) -> list[Delivery]:
        """Entries whose lease is over.  XAUTOCLAIM counts a delivery."""
        if not queue.lease_us:
            return []
        name, lease = self._name(queue.name), queue.lease_us // 1_000
        owners = {}
        for entry in self._db.xpending_range(name, _GROUP, min="-", max="+", count=most, idle=lease):
            owners[entry["message_id"]] = (entry["consumer"].decode(), entry["times_delivered"])
        if not owners:
            return []
        found = []
        entries = self._db.xclaim(name, _GROUP, consumer, lease, list(owners))
        for ident, data in entries:
            owner, attempts = owners[ident]
            message = decode((data or {}).get(b"m", b""))
            if owner != "-":  # else it was given back, and its wait is over
                self.told(
                    "lease_expired", message=message.id, receipt=_receipt(ident, attempts), queue=queue.name,
                    consumer=owner,
                )  # fmt: skip
            delivery = self._delivery(queue, ident, message, attempts + 1)
            if queue.attempts and attempts >= queue.attempts:
                self._bury(delivery, attempts, "attempts")
            else:
                found.append(delivery)
        return found

    def _read(self, queue: Queue, most: int, consumer: str, block_ms: int | None) -> list[Delivery]:
        name = self._name(queue.name)
        told = self._db.xreadgroup(_GROUP, consumer, {name: ">"}, count=most, block=block_ms) or []
        entries = (told.get(name.encode(), [[]])[0] if isinstance(told, dict) else told[0][1]) if told else []
        return [self._delivery(queue, ident, decode(data.get(b"m", b"")), 1) for ident, data in entries]

    def _delivery(self, queue: Queue, ident: bytes, message: Message, attempt: int) -> Delivery:
        until = now_us() + queue.lease_us if queue.lease_us else None
        return Delivery(message, queue.name, _receipt(ident, attempt), attempt, -1, until)

    def ack(self, delivery: Delivery) -> None:
        with self._asking():
            self._settle(delivery)

    def _settle(self, delivery: Delivery, dead: Message | None = None, to: str = "") -> None:
        name, ident = self._name(delivery.queue), _entry(delivery)
        pipe = self._db.pipeline(transaction=True)
        if dead is not None:
            pipe.xadd(self._name(to), {"m": encode(dead)})
        pipe.xack(name, _GROUP, ident)
        pipe.xdel(name, ident)
        if pipe.execute()[-2] == 0:
            raise Stale(f"{delivery.message.id} is not pending any more: it was settled.")

    def nack(self, delivery: Delivery, delay_us: int = 0) -> None:
        queue = self._known(delivery.queue)
        if queue.attempts and delivery.attempt >= queue.attempts:
            self.term(delivery, "attempts")
            return
        delay_us = delay_us or (queue.backoff_us << min(delivery.attempt - 1, 10))
        idle_ms = max(0, (queue.lease_us - delay_us) // 1_000)
        with self._asking():
            self._db.xclaim(
                self._name(queue.name), _GROUP, "-", 0, [_entry(delivery)], idle=idle_ms,
                retrycount=delivery.attempt, justid=True,
            )  # fmt: skip

    def term(self, delivery: Delivery, reason: str) -> None:
        with self._asking():
            self._bury(delivery, delivery.attempt, reason)

    def _bury(self, delivery: Delivery, attempts: int, reason: str) -> None:
        queue = self._known(delivery.queue)
        dead = delivery.message.dead(Death(queue.name, reason, attempts, now_us()))
        if queue.dead_letters not in self._queues:
            self._settle(delivery)
            self._tell_dropped(dead, queue, reason)
            return
        self._settle(delivery, dead, queue.dead_letters)
        self._tell_dead(dead, queue, reason, attempts)

    def extend(self, delivery: Delivery) -> Delivery:
        queue = self._known(delivery.queue)
        with self._asking():
            left = self._db.xclaim(
                self._name(queue.name), _GROUP, "-", 0, [_entry(delivery)], idle=0, retrycount=delivery.attempt,
                justid=True,
            )  # fmt: skip
        if not left:
            raise Stale(f"{delivery.message.id} is not pending any more: it was settled.")
        return self._delivery(queue, _entry(delivery).encode(), delivery.message, delivery.attempt)

    def peek(self, queue: str, most: int = 50) -> list[tuple[Message, int]]:
        name = self._name(self._known(queue).name)
        with self._asking():
            entries = self._db.xrange(name, count=most)
            pending = self._db.xpending_range(name, _GROUP, min="-", max="+", count=10 * most + 100)
        counts = {entry["message_id"]: entry["times_delivered"] for entry in pending}
        return [(decode(data.get(b"m", b"")), counts.get(ident, 0)) for ident, data in entries]

    def stats(self, queue: str) -> QueueStats:
        known, name = self._known(queue), self._name(queue)
        with self._asking():
            leased = self._db.xpending(name, _GROUP)["pending"]
            dead = self._db.xlen(self._name(known.dead_letters)) if known.dead_letters in self._queues else 0
            oldest = self._db.xrange(name, count=1)
            length = self._db.xlen(name)
        age = now_us() - 1_000 * int(oldest[0][0].split(b"-")[0]) if oldest else 0
        return QueueStats(max(0, length - leased), leased, dead, max(0, age))

    def durability(self) -> str:
        """What a confirmation of this server means, in a sentence."""
        with contextlib.suppress(redis.RedisError):
            found = self._db.config_get("append*")
            if found.get("appendonly") != "yes":
                return "no append-only file: what came since the last snapshot is gone when the server is killed"
            return f"append-only file, synced “{found.get('appendfsync')}”"
        return "this server does not tell its settings"

    def remove(self, topology: Topology) -> None:
        with self._asking():
            for queue in topology.queues:
                self._db.delete(self._name(queue.name))
                self._queues.pop(queue.name, None)

    def close(self) -> None:
        self._db.close()

    # -- inside --------------------------------------------------------------------------------------------------

    def _name(self, queue: str) -> str:
        return f"{self._prefix}:{queue}"

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        """What the client library raises becomes the port's."""
        try:
            yield
        except redis.TimeoutError as error:
            raise Unanswered(f"Redis gave no answer within {_DEADLINE_S:g} s.") from error
        except redis.ConnectionError as error:
            raise Unanswered(f"The connection to Redis was lost: {error}.") from error
        except redis.ResponseError as error:
            raise BrokerError(f"Redis refused it: {error}.") from error


def _receipt(ident: bytes, attempt: int) -> str:
    return f"{ident.decode()}.{attempt}"


def _entry(delivery: Delivery) -> str:
    return delivery.receipt.partition(".")[0]
