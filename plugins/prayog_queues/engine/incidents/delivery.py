"""Incidents of delivery: doubled, vanished, held, acknowledged too early or too late."""

from __future__ import annotations

from prayog_queues.engine.incidents.incident import Clue, Incident

__all__ = ["DELIVERY"]

DELIVERY = (
    Incident(
        1, "Charged twice", "incident_01_crash_storm",
        "Customers call: their card was charged twice. It happens a few times a day, whenever the payment service is "
        "restarted. Nothing is wrong with the broker.",
        (
            Clue("duplicates", "Orders that were charged again."),
            Clue("crashes", "Consumers that died after the charge and before the acknowledgement."),
            Clue("redelivery_ratio", "Share of hand-outs that were not the first of their message."),
        ),
        ("handler", "dedup_ms", "lease_ms", "prefetch"),
        "duplicates == 0 and lost == 0",
        {"handler": "inbox"},
        "The broker cannot know whether the charge happened: it only sees that no acknowledgement came, so it hands "
        "the message out again. It must, or it would lose messages. The second charge is stopped where the effect "
        "is: the message’s id is written in the same transaction as the charge, so that both happen or none. A key "
        "in a transaction of its own leaves a gap, and a crash fits through it. The broker’s window of deduplication "
        "does nothing here: it removes what a producer sends twice.",
        "Broker deduplication makes my consumer idempotent.",
        "It removes a producer’s second sending within a window. A redelivery to the consumer is another duplicate, "
        "and needs another key: one that is committed together with the effect.",
        "Measured on NATS JetStream: 200 orders, 26 crashes: 226 charges, and 200 with the inbox; AWS Builders’ "
        "Library, “Making retries safe with idempotent APIs”",
    ),
    Incident(
        2, "The order that vanished", "incident_02_order_vanished",
        "Orders are missing. The shop has them, the queue is empty, the warehouse never heard of them. No error "
        "anywhere.",
        (
            Clue("lost", "Orders that the broker confirmed and that never took effect."),
            Clue("crashes", "Consumers that died in the middle of their work."),
            Clue("redelivery_ratio", "Nothing is ever handed out a second time."),
        ),
        ("handler", "prefetch", "lease_ms"),
        "lost == 0 and duplicates == 0",
        {"handler": "inbox"},
        "The handler acknowledged when it received, so the broker forgot the message before the work was done. "
        "Whoever dies then takes the order along. The acknowledgement belongs behind the effect, and because a crash "
        "between the two hands it out again, the effect has to be safe to repeat.",
        "At-most-once means that there are no retries.",
        "It means that the acknowledgement (or the commit of the offset) comes before the effect. At-least-once is the "
        "other way round. The place of the crash decides, not the word “retry”.",
        "Measured on NATS JetStream: 200 orders, acknowledged first, 25 crashes: 175 charges, 25 lost",
    ),
    Incident(
        3, "A slow worker, double work", "incident_03_slow_worker",
        "Videos are transcoded twice, three times, again and again; the machines are busy, and nothing gets done.",
        (
            Clue("overlaps", "Times that two handlers were at work on one message."),
            Clue("throughput", "Messages that are done in a second."),
            Clue("most_attempts", "The most hand-outs of one message."),
        ),
        ("lease_ms", "extend", "concurrency", "attempts"),
        "overlaps == 0 and duplicates == 0 and throughput >= 0.8 * arrivals_per_s",
        {"extend": True},
        "The work takes three seconds, the lease one. When it runs out the broker hands the message to the next, and "
        "the first goes on. Either the lease is longer than the longest work, or the worker extends it while it "
        "works (SQS ChangeMessageVisibility, JetStream in-progress). Extending is better: a long lease makes "
        "everybody wait when a worker really dies.",
        "The visibility timeout is a lock.",
        "It is a lease. Two workers can hold the same message, and both believe that it is theirs.",
        "Amazon SQS Developer Guide, visibility timeout; celery #3270, kombu #337",
    ),
    Incident(
        4, "The zombie", "incident_04_zombie_ack",
        "One order was charged twice, five seconds apart, by two machines. The first had stood still in a garbage "
        "collection, and went on.",
        (
            Clue("stale_effects", "Charges by somebody whose lease was over."),
            Clue("duplicates", "Orders that were charged again."),
            Clue("stale_rejected", "Late acknowledgements that the broker refused."),
        ),
        ("fenced", "fencing", "lease_ms", "handler"),
        "stale_effects == 0 and duplicates == 0 and stale_rejected >= 1",
        {"fenced": True, "fencing": True},
        "Who stands still does not know it. Its lease went to another, who did the work; then it woke up and did it "
        "again. It cannot check this itself: between its look at the clock and its charge it may stand still once "
        "more. So the bank checks: every hand-out has a larger number than the one before (a fencing token), and the "
        "bank refuses a smaller one than it has seen. The broker’s refusal of the late acknowledgement comes too "
        "late for the charge, but it keeps the new holder’s message from being removed.",
        "An acknowledgement is an acknowledgement.",
        "Only that of the newest hand-out may count. Where the broker does not fence (JetStream accepted the late "
        "one), the message is removed while somebody else is still at work on it.",
        "M. Kleppmann, “How to do distributed locking” (2016); nats-server discussion #4786; measured on nats-server "
        "2.15.1",
    ),
    Incident(
        12, "A dead consumer holds the queue", "incident_12_dead_prefetch",
        "A machine lost its network. The queue says “0 ready, 200 unacknowledged”, and nothing moves.",
        (
            Clue("time_to_redeliver_ms", "From the machine’s death to the last hand-out of what it held."),
            Clue("effects", "Messages that are done."),
            Clue("crashes", "What died: a machine, so that nobody closed its connection."),
        ),
        ("heartbeat_ms", "prefetch", "lease_ms"),
        "time_to_redeliver_ms <= 2100 and lost == 0 and duplicates == 0",
        {"heartbeat_ms": 1_000, "prefetch": 10},
        "When a process ends, its operating system closes the connection, and the broker takes everything back at "
        "once. A machine without power closes nothing. The broker learns of it when heartbeats are missing, after "
        "two of them. How much is held until then is the prefetch.",
        "A heartbeat proves that the consumer works.",
        "It proves that the connection lives. A handler that hangs in a live process needs a deadline of its own: "
        "RabbitMQ’s delivery acknowledgement timeout (30 minutes), Kafka’s max.poll.interval.ms beside "
        "session.timeout.ms.",
        "RabbitMQ documentation, Heartbeats and Consumers; Apache Kafka documentation, consumer configurations",
    ),
    Incident(
        20, "Acknowledged, and gone", "incident_20_acked_but_gone",
        "The power failed for a moment. Seventy orders that were confirmed are nowhere.",
        (
            Clue("lost", "Orders that were confirmed and are gone."),
            Clue("p95_ms", "How long an order takes."),
            Clue("confirmed", "What the broker said it had."),
        ),
        ("durability", "sync_ms", "confirms"),
        "lost == 0",
        {"durability": "synced"},
        "The broker confirmed what lay in the operating system’s cache. That survives the end of a process, so kill -9 "
        "looks harmless; it does not survive a loss of power. Syncing before the confirmation, or copies on a majority "
        "of machines, closes the gap. What remains: a disk that lies about its sync, and the loss of all copies.",
        "An acknowledgement means that it is safe on disk.",
        "That depends. JetStream by default acknowledges and syncs every two minutes; Redis with everysec may lose a "
        "second; RabbitMQ confirms persistent messages after the disk or the quorum; Kafka relies on copies more "
        "than on syncs. Syncing first costs: JetStream published 11 to 45 times slower.",
        "Jepsen, NATS 2.12.1; NATS documentation, sync_interval; measured on nats-server 2.15.1",
    ),
)  # fmt: skip
