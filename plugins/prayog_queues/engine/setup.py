"""All that can be chosen for a run: what is sent, what keeps it, who handles it, and what goes wrong.

It is the form of the bench, the flags of the command line and the JSON of a saved run; simulated and real runs read the
same words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from prayog_queues.engine.handlers import HANDLERS, POINTS
from prayog_queues.engine.port import Binding, Exchange, Queue, Topology
from prayog_sdk.params import Choice, Code, Section, Slider, Text, Toggle

__all__ = ["BROKEN", "CORRECT", "GROUPS", "KINDS", "Setup", "customers", "group_of", "topology_of"]

CORRECT = "correct"
REAL = ("sqlite", "postgres", "nats", "rabbitmq", "redis", "kafka", "mqtt")
"""Real brokers; the first three come with the lab."""
KINDS = ("queue", "log", "fanout", "topic", "direct", "headers", "table", "own")
BROKEN = {
    "confirms first": "the broker says “I have it” before the disk has it",
    "forgets dead letters": "what was tried too often is thrown away instead of being put aside",
    "takes late acks": "an acknowledgement counts after its lease has gone to somebody else",
    "requeues behind": "a message that comes back is put behind all others",
    "keeps the partition": "after a rebalance the old owner of a partition goes on reading it",
    "overwrites deaths": "only the last death of a message is written down",
    "counts a look": "looking into a queue counts as handing out",
    "spreads by id": "the partition is chosen by the message’s id instead of its key",
    "never takes back": "the lease of a consumer that died never ends",
}


@dataclass(frozen=True)
class Setup:
    """Producers, a broker, consumers, and the bank whose ledger shows what really happened."""

    kind: Annotated[
        str, Choice(*KINDS, title="Broker", help="A queue, a log, an exchange with subscriptions, a table.")
    ] = "queue"
    messages: Annotated[int, Slider(1, 100_000, log=True, title="Messages")] = 50
    rate: Annotated[float, Slider(0.1, 10_000.0, step=0.1, log=True, unit="/s", title="Messages arrive")] = 20.0
    consumers: Annotated[int, Slider(1, 16, title="Consumers")] = 1
    work_ms: Annotated[float, Slider(0.0, 60_000.0, step=0.5, unit="ms", title="Work takes")] = 20.0
    handler: Annotated[str, Choice(*HANDLERS, title="Handler", help="“yours” you write.")] = "ack last"
    crash: Annotated[
        float, Slider(0.0, 100.0, step=0.5, unit="%", title="Consumers crash", help="Share of hand-outs.")
    ] = 0.0
    crash_point: Annotated[str, Choice(*POINTS, "anywhere", title="Crash", help="Where in the handler.")] = (
        "after_effect"
    )

    arrivals: Annotated[
        str,
        Choice(
            "constant",
            "poisson",
            "burst",
            "ramp",
            "sale",
            "closed",
            title="How they arrive",
            help="sale: five times as many in the middle third; closed: the next only after an answer.",
        ),
        Section("Producers"),
    ] = "constant"
    producers: Annotated[int, Slider(1, 16, title="Producers")] = 1
    keys: Annotated[
        int, Slider(1, 1_000, log=True, title="Customers", help="Messages of one customer have an order.")
    ] = 5
    spread: Annotated[
        str, Choice("uniform", "zipf", "hot", title="Who orders", help="hot: one customer makes 80 %.")
    ] = "uniform"
    key_by: Annotated[
        str,
        Choice("customer", "order", title="Key", help="order: three messages of one order, not all of a customer."),
    ] = "customer"
    poison: Annotated[
        float, Slider(0.0, 100.0, step=0.5, unit="%", title="Poison", help="Messages that always fail.")
    ] = 0.0
    urgent: Annotated[
        float, Slider(0.0, 100.0, step=1, unit="%", title="Urgent", help="Messages with a higher priority.")
    ] = 0.0
    confirms: Annotated[bool, Toggle("Wait for confirmations")] = True
    resend: Annotated[
        int, Slider(0, 10, title="Send again", help="After no answer in a second, up to so many times.")
    ] = 3

    durability: Annotated[
        str,
        Choice(
            "memory",
            "lazy",
            "synced",
            "replicated",
            title="Kept",
            help="In memory; on disk, synced now and then; synced before the answer; on a majority of servers.",
        ),
        Section("Queue or log"),
    ] = "synced"
    sync_ms: Annotated[int, Slider(10, 600_000, log=True, unit="ms", title="Lazy sync every")] = 120_000
    lease_ms: Annotated[
        int, Slider(0, 600_000, unit="ms", title="Lease", help="Visibility timeout; 0: it never ends by time.")
    ] = 1_000
    fenced: Annotated[bool, Toggle("Only the newest receipt counts")] = True
    attempts: Annotated[int, Slider(0, 50, title="Attempts", help="Hand-outs before it is put aside; 0: no end.")] = 0
    backoff_ms: Annotated[
        int, Slider(0, 60_000, unit="ms", title="Backoff", help="Doubled for each further attempt.")
    ] = 0
    jitter: Annotated[float, Slider(0.0, 1.0, step=0.05, title="Jitter", help="Share of the wait that is random.")] = (
        0.0
    )
    dead_letters: Annotated[bool, Toggle("Dead-letter queue")] = False
    ttl_ms: Annotated[int, Slider(0, 604_800_000, unit="ms", title="Time to live", help="0: for ever.")] = 0
    dedup_ms: Annotated[
        int, Slider(0, 600_000, unit="ms", title="Deduplicate within", help="By the producer’s id; 0: not at all.")
    ] = 0
    capacity: Annotated[int, Slider(0, 100_000, title="Capacity", help="0: without end.")] = 0
    full: Annotated[
        str,
        Choice(
            "block",
            "drop new",
            "drop old",
            "spill",
            title="When it is full",
            help="spill: to disk, from where each message is read in 1 ms.",
        ),
    ] = "block"
    priorities: Annotated[bool, Toggle("Urgent ones first")] = False
    single_active: Annotated[bool, Toggle("One active consumer")] = False
    by_key: Annotated[bool, Toggle("One at a time for each customer")] = False
    partitions: Annotated[int, Slider(1, 24, title="Partitions", help="Of a log.")] = 3
    groups: Annotated[int, Slider(1, 3, title="Groups", help="Of a log: each reads everything.")] = 1
    rebalance: Annotated[str, Choice("cooperative", "stop the world", title="Rebalance")] = "cooperative"

    prefetch: Annotated[int, Slider(1, 1_000, log=True, title="Prefetch"), Section("Consumers")] = 1
    pull: Annotated[bool, Toggle("Consumers pull")] = False
    concurrency: Annotated[int, Slider(1, 32, title="Handlers at once", help="In each consumer.")] = 1
    heartbeat_ms: Annotated[
        int,
        Slider(0, 60_000, unit="ms", title="Heartbeat", help="Two missing: the connection counts as dead. 0: none."),
    ] = 0
    work: Annotated[str, Choice("fixed", "varied", "long tail", title="Work varies")] = "fixed"
    extend: Annotated[bool, Toggle("Extend the lease at work")] = False
    fencing: Annotated[bool, Toggle("The bank refuses old receipts")] = False
    resequence: Annotated[bool, Toggle("Put back in order by number")] = False
    breaker: Annotated[bool, Toggle("Circuit breaker")] = False
    spares: Annotated[int, Slider(0, 12, title="Spare consumers", help="At rest until somebody scales out.")] = 0
    autoscale: Annotated[str, Choice("off", "depth", "age", title="Scale by itself")] = "off"
    scale_at: Annotated[
        int, Slider(1, 100_000, log=True, title="… at", help="Messages for each consumer, or ms of age.")
    ] = 100

    crash_at: Annotated[
        int,
        Slider(0, 100_000, title="Crash at message", help="Once, at its first hand-out; 0: not so."),
        Section("Faults"),
    ] = 0
    crash_how: Annotated[
        str,
        Choice(
            "process",
            "machine",
            title="What dies",
            help="The operating system closes the connections of a process; a machine just goes silent.",
        ),
    ] = "process"
    restart_ms: Annotated[int, Slider(1, 600_000, log=True, unit="ms", title="Back after")] = 300
    bank_fails_at_ms: Annotated[int, Slider(0, 600_000, unit="ms", title="The bank is down from")] = 0
    bank_fails_ms: Annotated[int, Slider(0, 600_000, unit="ms", title="… for")] = 0

    door: Annotated[
        str,
        Choice(
            "open",
            "passwords",
            "signatures",
            "signatures and ids",
            title="Who may send",
            help="signatures and ids: a message with an id that was seen before is refused.",
        ),
        Section("Who may send"),
    ] = "open"
    encrypted: Annotated[bool, Toggle("Encrypt bodies")] = False
    limit: Annotated[float, Slider(0.0, 10_000.0, unit="/s", title="Limit for each client", help="0: none.")] = 0.0
    attacker: Annotated[
        str,
        Choice(
            "none",
            "listens",
            "forges",
            "replays",
            "forges and replays",
            "floods",
            "strays",
            title="Attacker",
            help="strays: a known client that sends where it may not.",
        ),
    ] = "none"

    take: Annotated[
        str,
        Choice("naive", "lease", "for update", "skip locked", title="Table: take a row by"),
        Section("A table as a queue"),
    ] = "skip locked"
    poll_ms: Annotated[int, Slider(1, 60_000, log=True, unit="ms", title="Table: ask every")] = 1_000
    notify: Annotated[str, Choice("no", "each row", "coalesced", title="Table: NOTIFY")] = "no"

    engine: Annotated[
        str,
        Choice(CORRECT, *BROKEN, title="Engine", help="Broken ones do one thing wrong."),
        Section("Engine and files"),
    ] = CORRECT
    backend: Annotated[str, Choice(*REAL, title="Real broker", help="For the reality check and for real runs.")] = (
        "nats"
    )
    topology: Annotated[str, Text(title="Topology of your own", help="As JSON; see Import.", longest=20_000)] = ""
    code: Annotated[str, Code(title="Your function", help="The handler “yours”.")] = ""


def queue_of(setup: Setup, name: str) -> Queue:
    """A queue as the knobs say."""
    return Queue(
        name, setup.partitions if setup.kind == "log" else 0, setup.durability, 1_000 * setup.lease_ms,  # type: ignore[arg-type] # one of Durability
        setup.fenced and setup.engine != "takes late acks", setup.attempts, 1_000 * setup.backoff_ms, setup.jitter,
        f"{name}.dead" if setup.dead_letters else "", 1_000 * setup.ttl_ms or None, 1_000 * setup.dedup_ms,
        setup.capacity, setup.full, setup.priorities, setup.single_active, setup.by_key,  # type: ignore[arg-type] # one of Full
    )  # fmt: skip


def topology_of(setup: Setup) -> tuple[Topology, str]:
    """What is declared, and where producers send to."""
    if setup.kind == "own":
        from prayog_queues.engine.definitions import topology_from_json

        own = topology_from_json(setup.topology)
        return own, own.exchanges[0].name if own.exchanges else own.queues[0].name
    if setup.kind in ("queue", "log", "table"):
        return Topology((queue_of(setup, "orders"),)), "orders"
    kind = setup.kind
    names = ("billing", "shipping", "email")
    patterns = {
        "fanout": ("", "", ""),
        "topic": ("order.#", "order.placed", "#"),
        "direct": ("order.placed", "order.shipped", "order.cancelled"),
        "headers": ("all: city=Pune", "all: city=Mumbai, express=yes", "any: city=Delhi, express=yes"),
    }[kind]
    bindings = tuple(Binding("events", name, pattern) for name, pattern in zip(names, patterns, strict=True))
    return Topology(tuple(queue_of(setup, n) for n in names), (Exchange("events", kind),), bindings), "events"  # type: ignore[arg-type]


GROUPS = ("billing", "shipping", "email")
"""Names of the groups of a log, where there are several."""


def group_of(setup: Setup, index: int) -> str:
    """The group of consumer number `index` (from 0); empty where there is only one."""
    return GROUPS[index % setup.groups] if setup.kind == "log" and setup.groups > 1 else ""


_NAMES = (
    "asha", "ravi", "meera", "arjun", "kavya", "imran", "divya", "rohan", "sana", "vikram", "leela", "farhan", "nisha",
    "karan", "priya", "dev", "anita", "yusuf", "tara", "manish",
)  # fmt: skip


def customers(count: int) -> tuple[str, ...]:
    """Names of the customers; they are the keys."""
    return tuple(_NAMES[i] if i < len(_NAMES) else f"customer {i + 1}" for i in range(count))
