"""Well-known brokers as values of the knobs, and hints about a set-up that is likely to hurt.

A preset is what somebody gets who changes nothing, not what the product can do.  Sources stand beside each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prayog_queues.engine.setup import Setup

__all__ = ["PRESETS", "Hint", "Preset", "hints"]


@dataclass(frozen=True, slots=True)
class Preset:
    """Values of knobs under a name; `source` says where they are from."""

    title: str
    about: str
    knobs: Mapping[str, Any]
    source: str


_QUEUE: Mapping[str, Any] = {
    "kind": "queue", "attempts": 0, "backoff_ms": 0, "jitter": 0.0, "dead_letters": False, "ttl_ms": 0, "dedup_ms": 0,
    "capacity": 0, "full": "block", "priorities": False, "single_active": False, "by_key": False, "pull": False,
    "heartbeat_ms": 0, "confirms": True, "fenced": True, "prefetch": 1,
}  # fmt: skip
"""All knobs of a preset, so that one after another leaves nothing behind."""

PRESETS: Mapping[str, Preset] = {
    # RabbitMQ documentation: "Publisher Confirms" (off until the channel asks), "Consumer Prefetch" (unlimited by
    # default; 250 here), "Heartbeats" (60 s), "Consumers" (delivery acknowledgement timeout 30 min), "Queues".
    "rabbit-like": Preset(
        "Like RabbitMQ", "A durable classic queue: leases never end by time, only with the connection; no "
        "confirmations until you ask for them; a rejected message is dropped unless there is a dead-letter exchange.",
        {**_QUEUE, "durability": "synced", "lease_ms": 0, "prefetch": 250, "heartbeat_ms": 60_000, "confirms": False,
         "full": "drop old"},
        "RabbitMQ documentation: Publisher Confirms, Consumer Prefetch, Heartbeats, Queue Length Limit",
    ),
    # Amazon SQS Developer Guide: visibility timeout 30 s (at most 12 h), retention 4 days, about 120,000 in flight
    # (standard); a redrive policy is not there until configured.
    "sqs-like": Preset(
        "Like Amazon SQS", "A standard queue: consumers pull, a lease of 30 s, receipt handles, copies on several "
        "machines, four days of retention, no dead-letter queue until you configure one.",
        {**_QUEUE, "durability": "replicated", "lease_ms": 30_000, "pull": True, "prefetch": 10, "ttl_ms": 345_600_000},
        "Amazon SQS Developer Guide: visibility timeout, message quotas, dead-letter queues",
    ),
    # NATS documentation: AckWait 30 s, MaxDeliver −1, Duplicates 2 min, MaxAckPending 1,000; sync_interval 2 min.  The
    # late ack of an expired delivery counted on nats-server 2.15.1 (nats-server #4786).
    "jetstream-like": Preset(
        "Like NATS JetStream", "A work-queue stream: synced every two minutes, deduplicated within two, redelivered "
        "after 30 s without end, up to 1,000 in hand; the late acknowledgement of an old delivery counts.",
        {**_QUEUE, "durability": "lazy", "sync_ms": 120_000, "lease_ms": 30_000, "fenced": False, "dedup_ms": 120_000,
         "prefetch": 1_000},
        "NATS documentation: JetStream consumers and streams; nats-server discussion #4786",
    ),
    # Apache Kafka documentation: num.partitions 1 (3 here), max.poll.records 500, retention 7 days, acks=all since 3.0,
    # session.timeout.ms 45 s with heartbeat.interval.ms 3 s.
    "kafka-like": Preset(
        "Like Apache Kafka", "A log of three partitions: groups with offsets, replicated before the answer, kept for "
        "seven days, no lease and no attempts: an offset is all there is.",
        {**_QUEUE, "kind": "log", "partitions": 3, "durability": "replicated", "lease_ms": 0, "pull": True,
         "prefetch": 500, "heartbeat_ms": 3_000, "ttl_ms": 604_800_000, "rebalance": "stop the world"},
        "Apache Kafka documentation: broker, producer and consumer configurations",
    ),
    "pub/sub": Preset(
        "Publish and subscribe", "A topic with three subscriptions: each gets its own copy and forgets it with its "
        "acknowledgement.",
        {**_QUEUE, "kind": "fanout", "durability": "synced", "lease_ms": 10_000, "prefetch": 100, "consumers": 3},
        "Google Cloud Pub/Sub documentation: acknowledgement deadline 10 s",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hint:
    """Something that is likely to hurt: which knob, what happens, what to do."""

    knob: str
    text: str


def hints(setup: Setup) -> list[Hint]:
    """What is likely to hurt with `setup`; none does not mean that all is well."""
    found: list[Hint] = []

    def hint(when: bool, knob: str, text: str) -> None:
        if when:
            found.append(Hint(knob, text))

    queue = setup.kind not in ("log", "table")
    work_us = setup.work_ms
    hint(setup.handler == "ack first", "handler",
         "Acknowledged first: what a consumer holds when it dies is lost. Acknowledge last.")
    hint(setup.handler in ("ack last", "separate key"), "handler",
         "A crash between the effect and its record does it again. Put both in one transaction (inbox).")
    hint(setup.attempts > 0 and not setup.dead_letters and queue, "dead_letters",
         f"After {setup.attempts} attempts a message is thrown away, and nobody is told. Add a dead-letter queue.")
    hint(setup.attempts == 0 and setup.poison > 0, "attempts",
         "A message that always fails comes back for ever. Limit the attempts.")
    hint(setup.ttl_ms > 0 and not setup.dead_letters and queue, "ttl_ms",
         "What is too old is thrown away in silence. With a dead-letter queue somebody learns of it.")
    hint(0 < setup.capacity < setup.prefetch * setup.consumers, "prefetch",
         f"The consumers may hold {setup.prefetch * setup.consumers} messages, the queue only {setup.capacity}.")
    hint(setup.kind == "log" and setup.consumers > setup.partitions, "consumers",
         f"{setup.consumers} consumers and {setup.partitions} partitions: {setup.consumers - setup.partitions} of them "
         "will have nothing to do.")
    hint(0 < setup.lease_ms <= work_us and not setup.extend and queue, "lease_ms",
         f"Work takes {setup.work_ms:g} ms and the lease {setup.lease_ms} ms: every message is handed out twice. "
         "Extend the lease at work, or make it longer.")
    hint(setup.lease_ms > 0 and setup.prefetch > 1 and setup.prefetch * work_us > setup.lease_ms * setup.concurrency
         and not setup.extend and queue, "prefetch",
         "The last of the prefetched messages waits longer than its lease. Prefetch fewer, or extend.")
    hint(setup.lease_ms == 0 and setup.heartbeat_ms == 0 and setup.crash_how == "machine" and queue, "heartbeat_ms",
         "Without a lease and without heartbeats nobody notices a machine that is gone.")
    hint(setup.backoff_ms == 0 and setup.bank_fails_ms > 0, "backoff_ms",
         "Without a wait between attempts a service that is down is asked as fast as the network can.")
    hint(setup.backoff_ms > 0 and setup.jitter == 0.0, "jitter",
         "All who failed together come back together. Let a share of the wait be random.")
    hint(setup.durability == "memory", "durability", "A restart of the broker loses everything that waits.")
    hint(setup.durability == "lazy", "durability",
         f"The broker says “I have it” up to {setup.sync_ms / 1_000:g} s before the disk has it: a loss of power "
         "takes it.")
    hint(not setup.confirms, "confirms", "Without confirmations the producer does not learn what was not taken.")
    hint(setup.capacity > 0 and setup.full == "drop old" and not setup.dead_letters, "full",
         "At the brim the oldest is thrown away, and nobody is told.")
    hint(not setup.fenced, "fenced",
         "A late acknowledgement counts, though another consumer is at work on the message.")
    hint(setup.resend > 0 and setup.dedup_ms == 0 and setup.confirms, "dedup_ms",
         "What is sent again after a lost answer is stored again. A window of deduplication keeps one.")
    hint(queue and setup.keys > 1 and not (setup.by_key or setup.single_active)
         and setup.consumers * setup.concurrency > 1, "by_key",
         "Several handlers take from one queue: two messages of one customer may overtake each other.")
    hint(setup.door == "signatures", "door", "A signed message can be sent again by whoever heard it. Add ids.")
    hint(setup.door != "open" and not setup.encrypted and setup.attacker == "listens", "encrypted",
         "Signing is not encrypting: whoever listens can read every order.")
    hint(setup.kind == "table" and setup.take == "naive", "take",
         "SELECT, then UPDATE: two workers can take the same row.")
    hint(setup.kind == "table" and setup.notify == "each row" and setup.producers > 4, "notify",
         "A NOTIFY in each commit lets the commits of all writers follow one another.")
    return found
