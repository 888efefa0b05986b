"""Incidents of load and trust: poison, storms, overflow, time to live, NOTIFY, forgery."""

from __future__ import annotations

from prayog_queues.engine.incidents.incident import Clue, Incident

__all__ = ["LOAD"]

LOAD = (
    Incident(
        5, "Poison", "incident_05_poison_storm",
        "Since ten o’clock the consumers are at 100 %, and orders are slow. One message has a field that nobody can "
        "read.",
        (
            Clue("most_attempts", "The most hand-outs of one message."),
            Clue("good_p95_ms", "How long 95 % of the good messages take."),
            Clue("dead_now", "Messages in the dead-letter queue."),
        ),
        ("attempts", "dead_letters", "backoff_ms", "jitter"),
        "dead_now == 1 and most_attempts <= 5 and good_p95_ms <= 500 and lost == 0",
        {"attempts": 3, "dead_letters": True},
        "A message that always fails came back at once, for ever, and half of all work went into it. Limit the "
        "attempts, wait between them, and put aside what fails too often, where a person can look at it and send it "
        "back.",
        "A dead-letter queue catches failures by itself.",
        "Only where it is configured. With NATS, max_deliver stops the redelivery, and the message stays in the "
        "stream; RabbitMQ without a dead-letter exchange throws rejected messages away.",
        "Measured on nats-server 2.15.1; RabbitMQ documentation, Dead Letter Exchanges",
    ),
    Incident(
        6, "A storm of retries", "incident_06_retry_storm",
        "The bank was away for ten seconds. When it came back it was knocked down again, by us.",
        (
            Clue("peak_retries", "Retries in the worst second; twenty orders come in a second."),
            Clue("recovery_s", "From the last refusal until no order waits longer than a second."),
            Clue("most_attempts", "The most hand-outs of one message."),
        ),
        ("backoff_ms", "jitter", "breaker", "attempts", "dead_letters"),
        "peak_retries <= 40 and recovery_s <= 20 and lost == 0",
        {"backoff_ms": 500, "jitter": 0.5, "breaker": True},
        "Whoever fails and asks again at once asks as fast as the network can. Waiting longer each time takes the "
        "load away, a random share keeps all from coming back together, and a circuit breaker stops asking for a "
        "while after some failures in a row, whichever message it is.",
        "Retries make a system more reliable.",
        "They make it busier just when it is ill. Without backoff, jitter and a limit, retries turn a short outage "
        "into a long one.",
        "M. Brooker, “Exponential Backoff And Jitter” (AWS 2015); Google SRE book, chapter 22",
    ),
    Incident(
        10, "The queue that grows for ever", "incident_10_grows_for_ever",
        "The queue was to absorb the load. Now it holds four seconds of orders, and tomorrow four hours.",
        (
            Clue("depth_slope", "How many messages more wait, each second."),
            Clue("oldest_ms", "The age of the oldest."),
            Clue("refused", "Messages that were refused, and whose producer knows it."),
        ),
        ("spares", "autoscale", "scale_at", "consumers", "capacity", "full", "limit"),
        "depth_slope <= 4 and oldest_ms <= 2000 and silent == 0 and lost == 0",
        {"autoscale": "depth", "scale_at": 10},
        "Sixty come and fifty go. A queue only moves the problem into the future, where it is larger. Something has to "
        "give: more consumers, a slower producer (back-pressure), or orders that are refused so that somebody knows. "
        "Dropping in silence is none of these.",
        "A queue absorbs overload.",
        "It absorbs bursts. When more comes than goes, length and waiting time grow without bound (Little: L = λW).",
        "J. Little, “A proof for the queuing formula L = λW” (1961)",
    ),
    Incident(
        11, "TTL ate the orders", "incident_11_ttl_ate",
        "After an outage of six seconds some orders are missing. Nobody logged anything.",
        (
            Clue("silent", "Messages that were dropped, and nobody was told."),
            Clue("expired", "Messages whose time to live was over."),
            Clue("oldest_delivered_ms", "The oldest that was handed out."),
        ),
        ("ttl_ms", "dead_letters", "backoff_ms"),
        "silent == 0 and lost == 0 and oldest_delivered_ms <= 4100",
        {"dead_letters": True},
        "A time to live is a decision to lose. It is a good one for a price that is old, and a bad one for an order. "
        "Where it is longer than the longest outage nothing is lost, but old messages are handed out; with a "
        "dead-letter queue the old ones are put aside, and somebody can call the customer.",
        "TTL cures a queue that is too full.",
        "TTL is loss by choice: it decides what is lost, and without a dead-letter queue also that nobody hears of it.",
        "RabbitMQ documentation, Time-To-Live and Expiration; Dead Letter Exchanges",
    ),
    Incident(
        18, "NOTIFY slowed the database", "incident_18_notify_price",
        "To get rid of polling every insert now sends a NOTIFY. Since then all writes are slow, also those of others.",
        (
            Clue("commit_rate", "Commits in a second; about 3,500 without NOTIFY."),
            Clue("pickup_p95_ms", "From the commit to a worker, 95 %."),
            Clue("statements_per_message", "Statements for each order."),
        ),
        ("notify", "poll_ms", "take"),
        "commit_rate >= 2800 and pickup_p95_ms <= 250 and lost == 0 and duplicates == 0",
        {"notify": "coalesced"},
        "A commit that notifies takes a lock that the whole database shares, so such commits follow one another. One "
        "NOTIFY for many rows, and a slow poll beside it (for whoever was not connected), gives nearly all of the "
        "speed and nearly all of the promptness.",
        "LISTEN/NOTIFY is a message queue.",
        "It is a wake-up call: only for listeners that are connected, sent at commit, not stored. Drain the table at "
        "start, and keep a slow poll.",
        "PostgreSQL documentation, NOTIFY; measured on PostgreSQL 18.4: with 16 writers 0.18 to 0.43 of the commits",
    ),
    Incident(
        19, "Forged and replayed", "incident_19_forged_and_replayed",
        "Orders that no customer made, in the shop’s name; and real ones that came a second time.",
        (
            Clue("unexpected", "Effects of messages that no producer sent."),
            Clue("duplicates", "Messages that took effect again."),
            Clue("refused", "Genuine messages that were refused."),
        ),
        ("door", "limit", "encrypted", "dedup_ms"),
        "unexpected == 0 and duplicates == 0 and lost == 0 and refused == 0",
        {"door": "signatures and ids"},
        "A signature proves who made a message, so forged ones are refused. A message that was overheard has a genuine "
        "signature: it has to be refused because its id was seen before, and what is older than the memory for ids, "
        "because of its time. Passwords at the door stop both, as long as nobody learns one.",
        "Message signing encrypts messages.",
        "Signing proves origin and integrity; anybody can still read it. Encrypting hides the content. Neither stops a "
        "replay: for that, id and time are signed along, and remembered.",
        "CloudEvents 1.0, Verifiability (confidentiality and replay are non-goals); RFC 2104",
    ),
)  # fmt: skip
