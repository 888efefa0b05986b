"""Incidents of order: overtaken by a retry, by other consumers, and a key that is too coarse."""

from __future__ import annotations

from prayog_queues.engine.incidents.incident import Clue, Incident

__all__ = ["ORDER"]

ORDER = (
    Incident(
        7, "The retry that broke the order", "incident_07_retry_broke_order",
        "A customer put a book into the cart and took it out again. The book was delivered.",
        (
            Clue("reordered", "Messages that took effect after a later one of the same customer."),
            Clue("redelivery_ratio", "Share of hand-outs that were retries."),
            Clue("p95_ms", "How long 95 % of the messages take."),
        ),
        ("by_key", "single_active", "backoff_ms", "attempts", "handler", "resequence"),
        "reordered == 0 and lost == 0 and p95_ms <= 1500",
        {"by_key": True},
        "One consumer, one queue, first in, first out, and still: the message that failed waits for its retry, and the "
        "next of the same customer passes it. A retry topic is the same trap with more steps. While a message of a "
        "customer waits, that customer’s later ones have to wait as well; all others go on.",
        "One consumer keeps the order.",
        "It keeps the order of hand-outs. A retry, a delay and a dead-letter queue each let later messages pass.",
        "Confluent, “Kafka Connect: error handling and dead letter queues”; Uber, “Reliable reprocessing” (2018)",
    ),
    Incident(
        8, "More consumers, wrong balances", "incident_08_wrong_balances",
        "To be faster, two more consumers were started. Since then some balances are wrong.",
        (
            Clue("reordered", "Messages that took effect after a later one of the same customer."),
            Clue("throughput", "Messages that are done in a second."),
            Clue("idle_consumers", "Consumers that never began anything."),
        ),
        ("kind", "partitions", "consumers", "by_key", "single_active", "prefetch"),
        "reordered == 0 and lost == 0 and throughput >= 0.8 * arrivals_per_s",
        {"by_key": True},
        "The queue hands out in order. The handlers run at the same time, and the quicker one is done first. Order for "
        "each customer needs one handler at a time for each customer: a lock on the key, or a partition for it with a "
        "single reader. One active consumer for everything keeps the order too, at a third of the speed.",
        "Pub/sub has no ordering. / A queue is first in, first out.",
        "It depends on product and key: Kafka orders a partition, JetStream a stream, SQS FIFO a message group. And "
        "the order of delivery is not the order of completion once handlers run at the same time.",
        "Apache Kafka documentation 4.5; Amazon SQS Developer Guide, FIFO queues; Google Cloud Pub/Sub, ordering",
    ),
    Incident(
        9, "The hot partition", "incident_09_hot_partition",
        "Three partitions, three consumers, and one of them does nearly all the work. The orders of one large shop "
        "are late.",
        (
            Clue("partition_skew", "The fullest partition against the mean."),
            Clue("p95_ms", "How long 95 % of the messages take."),
            Clue("reordered", "Messages of one key out of order."),
        ),
        ("key_by", "partitions", "consumers"),
        "partition_skew <= 1.5 and reordered == 0 and lost == 0",
        {"key_by": "order"},
        "All messages of one key go to one partition, and one shop makes 80 % of them. More partitions do not help: "
        "the key still goes to one. What needs an order is not the shop but each order: with the order’s number as "
        "key the steps of one order stay in order, and orders spread.",
        "More partitions make it faster.",
        "Only as far as keys spread. A partition has one reader in a group; the hottest key sets the speed. (Share "
        "groups, KIP-932, hand out single records and give up the order.)",
        "Apache Kafka documentation 4.5; KIP-932",
    ),
)  # fmt: skip
