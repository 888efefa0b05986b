"""Kafka behind the port (confluent-kafka): a topic and one consumer group a queue, offsets for acknowledgements.

Rules
1. A group has one committed offset a partition.  Acknowledgements may come in any order, so only the unbroken run of
   them is committed: what was handled behind a gap is handled again after a crash.
2. There is no lease and no delivery count: attempts are counted in this process and forgotten with it, and a message
   that comes back holds up its partition (`seek`).
3. A commit in an older generation of the group is refused by the broker: that is `Stale`.
4. Callbacks of the client run inside `poll` and `flush` only; every call here has a deadline.
"""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from prayog_queues.engine.envelope import Delivery, Message
from prayog_queues.engine.port import BrokerError, Queue, QueueStats, Receipt, Stale, Topology, Unable, Unanswered
from prayog_queues.engine.real.declared import Republishing
from prayog_queues.engine.real.wire import decode, encode

__all__ = ["KafkaBroker"]

_DEADLINE_S = 10.0
_STALE = {
    KafkaError.ILLEGAL_GENERATION, KafkaError.UNKNOWN_MEMBER_ID, KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError._ASSIGNMENT_LOST, KafkaError._STATE,
}  # fmt: skip
_THERE_ALREADY = {KafkaError.TOPIC_ALREADY_EXISTS}


class KafkaBroker(Republishing):
    """Topics whose names begin with `prefix`, on the cluster at `url` (``kafka://host:port,…``)."""

    name = "kafka"

    def __init__(self, url: str, prefix: str = "prayog") -> None:
        super().__init__()
        self.emulates = {
            "dead letters": "Kafka has none; the adapter produces to another topic and commits.",
            "attempts": "Kafka counts no deliveries; the adapter does, until its process ends.",
        }
        self._prefix = prefix
        self._config: dict[str, Any] = {"bootstrap.servers": urlsplit(url).netloc, "log_level": 0}
        # A client asks from where it went back to only when its last question was answered; with nothing new, so late.
        self._reading = {**self._config, "enable.auto.commit": False, "fetch.wait.max.ms": 50}
        self._admin = AdminClient(dict(self._config))
        # The Java client's producer is idempotent by default since 3.0, librdkafka's is not.
        self._producer = Producer(
            {
                **self._config, "enable.idempotence": True, "acks": "all", "linger.ms": 0,
                "message.timeout.ms": round(1_000 * _DEADLINE_S),
            }
        )  # fmt: skip
        self._readers: dict[str, Consumer] = {}
        self._lookers: dict[str, Consumer] = {}
        self._attempts: dict[tuple[str, int, int], int] = defaultdict(int)
        self._done: dict[tuple[str, int], set[int]] = defaultdict(set)
        self._next: dict[tuple[str, int], int] = {}
        self._paused: dict[tuple[str, int], float] = {}

    def declare(self, topology: Topology) -> None:
        if topology.exchanges or topology.bindings:
            raise Unable("Kafka has no exchanges: several groups of consumers each read the whole topic instead.")
        for queue in topology.queues:
            for wanted, name in (
                (queue.dedup_us, "window of deduplication by message"), (queue.priorities, "priorities"),
                (queue.capacity, "limit by number of messages"),
                (queue.by_key, "lock of a key (a partition keeps the order)"),
            ):  # fmt: skip
                if wanted:
                    raise Unable(f"Kafka has no {name}.")
        with self._asking():
            there = self._admin.list_topics(timeout=_DEADLINE_S).topics
            made = [_topic(self._name(q.name), q) for q in topology.queues if self._name(q.name) not in there]
            for future in self._admin.create_topics(made, operation_timeout=_DEADLINE_S).values() if made else ():
                try:
                    future.result(_DEADLINE_S)
                except KafkaException as error:
                    if error.args[0].code() not in _THERE_ALREADY:
                        raise
        self._queues.update({queue.name: queue for queue in topology.queues})

    def publish(self, message: Message, to: str) -> Receipt:
        return self.publish_many([message], to)[0]

    def publish_many(self, messages: Sequence[Message], to: str) -> list[Receipt]:
        name = self._name(self._known(to).name)
        found: list[Receipt | KafkaError] = []

        def answered(error: KafkaError | None, record: Any) -> None:
            found.append(error if error is not None else Receipt(to, record.offset()))

        with self._asking():
            for message in messages:
                while True:
                    try:
                        key = message.key.encode() or None
                        self._producer.produce(name, encode(message), key=key, on_delivery=answered)
                        break
                    except BufferError:
                        self._producer.poll(0.1)
            if self._producer.flush(_DEADLINE_S):
                raise Unanswered(f"Kafka did not confirm within {_DEADLINE_S:g} s.")
        for each in found:
            if isinstance(each, KafkaError):
                raise Unanswered(f"Kafka did not confirm: {each.str()}.")
        return [each for each in found if isinstance(each, Receipt)]

    def fetch(self, queue: str, most: int = 1, wait_us: int = 0, consumer: str = "") -> list[Delivery]:
        known = self._known(queue)
        with self._asking():
            reader = self._reader(queue, consumer)
            until = time.monotonic() + max(wait_us / 1e6, 0.05)
            records: list[Any] = []
            while not records and (left := until - time.monotonic()) > 0:
                wakes = [at - time.monotonic() for (name, _), at in self._paused.items() if name == queue]
                records = reader.consume(most, max(0.01, min([left, *wakes])))
                self._resume(queue, reader)
        found: list[Delivery] = []
        for record in records:
            error = record.error()
            if error is None:
                if not self._was_done(queue, record):
                    found.append(self._delivery(known, record))
            elif error.code() != KafkaError._PARTITION_EOF and not found:  # else the next call is told again
                raise Unanswered(f"Kafka: {error.str()}.")
        return found

    def _reader(self, queue: str, consumer: str) -> Consumer:
        if queue not in self._readers:
            reader = Consumer(
                {
                    **self._reading, "group.id": self._name(queue), "client.id": consumer or "prayog",
                    "auto.offset.reset": "earliest", "enable.auto.offset.store": False,
                    "session.timeout.ms": 6_000, "partition.assignment.strategy": "range",
                }
            )  # fmt: skip
            reader.subscribe(
                [self._name(queue)], on_assign=lambda _, parts: self._assigned(queue, parts, consumer),
                on_revoke=lambda _, parts: self._revoked(queue, parts),
            )  # fmt: skip
            self._readers[queue] = reader
        return self._readers[queue]

    def _assigned(self, queue: str, parts: list[TopicPartition], consumer: str) -> None:
        partitions = sorted(part.partition for part in parts)
        self.told("assigned", queue=queue, partitions=partitions, generation=-1, consumer=consumer)

    def _revoked(self, queue: str, parts: list[TopicPartition]) -> None:
        for part in parts:
            self._done.pop((queue, part.partition), None)
            self._next.pop((queue, part.partition), None)

    def _resume(self, queue: str, reader: Consumer) -> None:
        """Partitions whose first message waited long enough go on."""
        for (name, part), until in list(self._paused.items()):
            if name == queue and until <= time.monotonic():
                del self._paused[name, part]
                reader.resume([TopicPartition(self._name(queue), part)])

    def _was_done(self, queue: str, record: Any) -> bool:
        """Whether it was acknowledged: going back to one in front of it reads all behind it again."""
        place, offset = (queue, record.partition()), record.offset()
        return offset in self._done[place] or offset < self._next.get(place, 0)

    def _delivery(self, queue: Queue, record: Any) -> Delivery:
        part, offset = record.partition(), record.offset()
        place = (queue.name, part, offset)
        self._attempts[place] += 1
        self._next.setdefault((queue.name, part), offset)
        return Delivery(decode(record.value() or b""), queue.name, f"{part}.{offset}", self._attempts[place], offset)

    def ack(self, delivery: Delivery) -> None:
        part, offset = _place(delivery)
        key = (delivery.queue, part)
        if key not in self._next:
            raise Stale(f"Partition {part} was given to another consumer; the group has another generation.")
        self._done[key].add(offset)
        before = position = self._next[key]
        while position in self._done[key]:
            self._done[key].discard(position)
            self._attempts.pop((delivery.queue, part, position), None)
            position += 1
        if position == before:
            return  # something before it is not done
        self._next[key] = position
        self._commit(delivery.queue, part, position)

    def _commit(self, queue: str, part: int, position: int) -> None:
        with self._asking():
            try:
                self._readers[queue].commit(
                    offsets=[TopicPartition(self._name(queue), part, position)], asynchronous=False
                )  # fmt: skip
            except KafkaException as error:
                if error.args[0].code() in _STALE:
                    raise Stale(f"Kafka refuses the commit: {error.args[0].str()}.") from error
                raise
        self.told("committed", queue=queue, partition=part, position=position)

    def nack(self, delivery: Delivery, delay_us: int = 0) -> None:
        queue = self._known(delivery.queue)
        if queue.attempts and delivery.attempt >= queue.attempts:
            self.term(delivery, "attempts")
            return
        delay_us = delay_us or (queue.backoff_us << min(delivery.attempt - 1, 10))
        part, offset = _place(delivery)
        where = TopicPartition(self._name(delivery.queue), part, offset)
        with self._asking():
            reader = self._readers[delivery.queue]
            reader.seek(where)
            if delay_us:
                reader.pause([where])
                self._paused[delivery.queue, part] = time.monotonic() + delay_us / 1e6

    def extend(self, delivery: Delivery) -> Delivery:
        raise Unable("Kafka has no lease to extend; a consumer that is slow must poll within max.poll.interval.ms.")

    def peek(self, queue: str, most: int = 50) -> list[tuple[Message, int]]:
        """Read by a consumer of no group from the committed offsets to the end; deliveries are counted nowhere."""
        name = self._name(self._known(queue).name)
        found: list[tuple[Message, int]] = []
        with self._asking():
            reader = self._looker(queue)
            starts = self._committed(reader, name)
            reader.assign(starts)
            unread = {part.partition for part in starts}
            until = time.monotonic() + _DEADLINE_S
            while unread and len(found) < most:
                if time.monotonic() > until:
                    raise TimeoutError
                for record in reader.consume(most, 0.2):
                    error = record.error()
                    if error is None:
                        found.append((decode(record.value() or b""), -1))
                    elif error.code() == KafkaError._PARTITION_EOF:
                        unread.discard(record.partition())
            reader.unassign()
        return found[:most]

    def stats(self, queue: str) -> QueueStats:
        known = self._known(queue)
        with self._asking():
            reader = self._looker(queue)
            lag = self._lag(reader, queue)
            dead = self._lag(reader, known.dead_letters) if known.dead_letters in self._queues else 0
        return QueueStats(lag, 0, dead)

    def _lag(self, reader: Consumer, queue: str) -> int:
        parts = self._committed(reader, self._name(queue))
        return int(sum(reader.get_watermark_offsets(part, _DEADLINE_S)[1] - part.offset for part in parts))

    def _committed(self, reader: Consumer, topic: str) -> list[TopicPartition]:
        parts = reader.list_topics(topic, timeout=_DEADLINE_S).topics[topic].partitions
        found = reader.committed([TopicPartition(topic, part) for part in parts], timeout=_DEADLINE_S)
        for part in found:
            part.offset = part.offset if part.offset >= 0 else reader.get_watermark_offsets(part, _DEADLINE_S)[0]
        return list(found)

    def _looker(self, queue: str) -> Consumer:
        """A client that may ask for the group's offsets and never joins it; made once, for a run looks all the time."""
        if queue not in self._lookers:
            self._lookers[queue] = Consumer(
                {**self._reading, "group.id": self._name(queue), "enable.partition.eof": True}
            )
        return self._lookers[queue]

    def remove(self, topology: Topology) -> None:
        self._leave()
        names = [self._name(queue.name) for queue in topology.queues]
        with contextlib.suppress(KafkaException, TimeoutError):  # a cluster may forbid it
            for future in self._admin.delete_topics(names, operation_timeout=1).values():
                future.result(2)
        for queue in topology.queues:
            self._queues.pop(queue.name, None)

    def close(self) -> None:
        self._leave()
        self._producer.flush(1)

    def _leave(self) -> None:
        for reader in (*self._readers.values(), *self._lookers.values()):
            reader.close()
        self._readers.clear()
        self._lookers.clear()

    # -- inside --------------------------------------------------------------------------------------------------

    def _name(self, queue: str) -> str:
        return f"{self._prefix}.{queue}"

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        """What the client library raises becomes the port's."""
        try:
            yield
        except TimeoutError as error:
            raise Unanswered(f"Kafka gave no answer within {_DEADLINE_S:g} s.") from error
        except KafkaException as error:
            told = error.args[0]
            if told.retriable() or told.code() in (KafkaError._TRANSPORT, KafkaError._TIMED_OUT):
                raise Unanswered(f"Kafka gave no answer: {told.str()}.") from error
            raise BrokerError(f"Kafka refused it: {told.str()}.") from error


def _topic(name: str, queue: Queue) -> NewTopic:
    kept = {"retention.ms": str(queue.ttl_us // 1_000)} if queue.ttl_us else {}
    return NewTopic(name, num_partitions=max(1, queue.partitions), replication_factor=1, config=kept)


def _place(delivery: Delivery) -> tuple[int, int]:
    part, _, offset = delivery.receipt.partition(".")
    return int(part), int(offset)
