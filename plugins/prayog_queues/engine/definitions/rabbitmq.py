"""RabbitMQ's definitions, as its management page exports them.

Sources: RabbitMQ documentation, "Schema Definition Export and Import", "Queues" (optional arguments), "Dead Letter
Exchanges", "Quorum Queues" (delivery limit), "Priority Queue Support".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from prayog_queues.engine.definitions.reading import (
    KINDS,
    Converted,
    DefinitionError,
    checked,
    document_of,
    list_of,
    object_of,
    text_of,
    text_or,
    whole_of,
)  # fmt: skip
from prayog_queues.engine.port import Binding, Exchange, Queue, Topology

__all__ = ["from_rabbitmq", "to_rabbitmq"]


def from_rabbitmq(text: str) -> Converted:
    """The definitions that ``rabbitmqctl export_definitions`` or the management page wrote.

    Dead letters go through an exchange there (x-dead-letter-exchange and -routing-key); here straight to the queue that
    this exchange and key lead to.
    """
    document = document_of(text)
    if "queues" not in document:
        raise DefinitionError("there is no “queues” in it: is this an export of RabbitMQ’s definitions?")
    notes: list[str] = []
    for part in ("users", "permissions", "topic_permissions", "parameters", "global_parameters"):
        if given := list_of(document, part):
            notes.append(f"{part}: {len(given)} left out; passwords do not belong into a topology")
    exchanges, bindings = _exchanges(document, notes)
    raw = [object_of(entry, f"queues[{i}]") for i, entry in enumerate(list_of(document, "queues"))]
    queues = [_from_rabbit(entry, i, exchanges, bindings, notes, document) for i, entry in enumerate(raw)]
    known = {queue.name for queue in queues}
    bindings = [b for b in bindings if b.queue in known]
    return Converted(checked(Topology(tuple(queues), tuple(exchanges), tuple(bindings))), tuple(notes))


def _exchanges(document: Mapping[str, Any], notes: list[str]) -> tuple[list[Exchange], list[Binding]]:
    exchanges = []
    for i, entry in enumerate(list_of(document, "exchanges")):
        kind = text_or(object_of(entry, f"exchanges[{i}]"), "type", f"exchanges[{i}]", "direct")
        if kind not in KINDS:
            notes.append(f"exchange {entry.get('name')}: the type {kind} is not there; it is taken as topic")
            kind = "topic"
        exchanges.append(Exchange(text_of(entry, "name", f"exchanges[{i}]"), kind))  # type: ignore[arg-type] # one of KINDS
    bindings = []
    for i, entry in enumerate(list_of(document, "bindings")):
        where = f"bindings[{i}]"
        if object_of(entry, where).get("destination_type", "queue") != "queue":
            notes.append(f"{where}: from exchange to exchange; left out")
            continue
        if entry.get("source") == "":  # each queue is bound to the default exchange by its name, also here
            continue
        arguments = dict(object_of(entry.get("arguments") or {}, f"{where}.arguments"))
        pattern = text_or(entry, "routing_key", where, "")
        if arguments:
            mode = arguments.pop("x-match", "all")
            pattern = f"{mode}: " + ", ".join(f"{k}={_plain(v, where)}" for k, v in sorted(arguments.items()))
        bindings.append(Binding(text_of(entry, "source", where), text_of(entry, "destination", where), pattern))
    return exchanges, bindings


def _from_rabbit(
    entry: Mapping[str, Any], i: int, exchanges: list[Exchange], bindings: list[Binding], notes: list[str],
    document: Mapping[str, Any],
) -> Queue:  # fmt: skip
    name = text_of(entry, "name", f"queues[{i}]")
    given = object_of(entry.get("arguments") or {}, f"queues[{i}].arguments")
    arguments = {**_policy(document, name, notes), **given}
    kind = arguments.pop("x-queue-type", "classic")
    if kind == "stream":
        notes.append(f"queue {name}: a stream is taken as a log of one partition")
    dead = _dead_letters(arguments, exchanges, bindings, name, notes)
    overflow = arguments.pop("x-overflow", "drop-head")
    length = whole_of(arguments.pop("x-max-length", 0), f"queues[{i}].arguments.x-max-length")
    ttl = arguments.pop("x-message-ttl", None)
    attempts = whole_of(arguments.pop("x-delivery-limit", 0), f"queues[{i}].arguments.x-delivery-limit")
    priorities = bool(arguments.pop("x-max-priority", 0))
    single = bool(arguments.pop("x-single-active-consumer", False))
    for left in sorted(arguments):
        notes.append(f"queue {name}: {left} has no counterpart here")
    durable = bool(entry.get("durable", True))
    return Queue(
        name, 1 if kind == "stream" else 0,
        "replicated" if kind == "quorum" else "synced" if durable else "memory",
        lease_us=0,  # a consumer keeps it as long as its connection lives; the delivery-ack timeout is 30 minutes
        attempts=attempts + 1 if attempts else 0, dead_letters=dead,
        ttl_us=None if ttl is None else 1_000 * whole_of(ttl, f"queues[{i}].arguments.x-message-ttl"),
        capacity=length, full="drop old" if overflow == "drop-head" else "drop new",
        priorities=priorities, single_active=single,
    )  # fmt: skip


def _policy(document: Mapping[str, Any], queue: str, notes: list[str]) -> dict[str, Any]:
    """Arguments that a policy gives to `queue`: that of the highest priority whose pattern fits."""
    fits = []
    for i, policy in enumerate(list_of(document, "policies")):
        where = f"policies[{i}]"
        whole_of(object_of(policy, where).get("priority", 0), f"{where}.priority")
        object_of(policy.get("definition") or {}, f"{where}.definition")
        try:
            if policy.get("apply-to", "all") in ("all", "queues", "classic_queues", "quorum_queues") and re.search(
                text_or(policy, "pattern", where, ""), queue
            ):
                fits.append(policy)
        except re.error:
            said = f"{where}: its pattern cannot be read; left out"
            notes += [said] if said not in notes else []
    best: Mapping[str, Any] = max(fits, key=lambda policy: policy.get("priority", 0), default={})
    return {f"x-{key}": value for key, value in (best.get("definition") or {}).items()}


def _plain(value: Any, where: str) -> str:
    if isinstance(value, (dict, list)):
        raise DefinitionError(f"{where}.arguments has plain values; found {type(value).__name__}")
    return str(value)


def _dead_letters(
    arguments: dict[str, Any], exchanges: list[Exchange], bindings: list[Binding], name: str, notes: list[str]
) -> str:
    exchange = arguments.pop("x-dead-letter-exchange", None)
    key = arguments.pop("x-dead-letter-routing-key", None)
    if exchange is None:
        return ""
    if not isinstance(exchange, str) or not isinstance(key, str | None):
        raise DefinitionError(f"queue {name}: x-dead-letter-exchange and -routing-key are texts")
    if exchange == "":
        return key or name
    led = [b.queue for b in bindings if b.exchange == exchange and (key is None or b.pattern in (key, "#", ""))]
    if not led:
        notes.append(f"queue {name}: its dead letters go to {exchange!r}, which leads nowhere")
        return ""
    if len(led) > 1:
        notes.append(f"queue {name}: its dead letters go to {len(led)} queues; only {led[0]} is kept")
    return led[0]


def to_rabbitmq(topology: Topology) -> Converted:
    """`topology` as definitions (in ``text``); `notes` say what RabbitMQ has no word for."""
    notes: list[str] = []
    queues = []
    for queue in topology.queues:
        arguments: dict[str, Any] = {}
        if queue.partitions:
            arguments["x-queue-type"] = "stream"
            if queue.partitions > 1:
                notes.append(f"{queue.name}: {queue.partitions} partitions become one stream")
        elif queue.durability == "replicated":
            arguments["x-queue-type"] = "quorum"
            if queue.attempts:
                arguments["x-delivery-limit"] = queue.attempts - 1
        if queue.dead_letters:
            arguments |= {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue.dead_letters}
        if queue.ttl_us is not None:
            arguments["x-message-ttl"] = queue.ttl_us // 1_000
        if queue.capacity:
            arguments["x-max-length"] = queue.capacity
            arguments["x-overflow"] = "drop-head" if queue.full == "drop old" else "reject-publish"
        if queue.priorities:
            arguments["x-max-priority"] = 10
        if queue.single_active:
            arguments["x-single-active-consumer"] = True
        unknown = {
            "a lease that ends by time": queue.lease_us, "a backoff": queue.backoff_us,
            "a window of deduplication": queue.dedup_us, "one at a time for each key": queue.by_key,
            "a number of attempts (without a quorum queue)": queue.attempts and queue.durability != "replicated",
            "spilling when it is full": queue.full == "spill" and queue.capacity,
        }  # fmt: skip
        notes += [f"{queue.name}: RabbitMQ has no {what}" for what, used in unknown.items() if used]
        durable = queue.durability != "memory"
        queues.append(
            {"name": queue.name, "vhost": "/", "durable": durable, "auto_delete": False, "arguments": arguments}
        )
    document = {
        "queues": queues,
        "exchanges": [
            {"name": e.name, "vhost": "/", "type": e.kind, "durable": True, "auto_delete": False, "internal": False,
             "arguments": {}} for e in topology.exchanges
        ],
        "bindings": [_binding(binding, topology) for binding in topology.bindings],
    }  # fmt: skip
    return Converted(topology, tuple(notes), json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def _binding(binding: Binding, topology: Topology) -> dict[str, Any]:
    headers = any(e.name == binding.exchange and e.kind == "headers" for e in topology.exchanges)
    arguments: dict[str, Any] = {}
    if headers:
        mode, _, wanted = binding.pattern.rpartition(":")
        arguments["x-match"] = mode.strip() or "all"
        for pair in wanted.split(","):
            name, _, value = pair.partition("=")
            arguments[name.strip()] = value.strip()
    return {
        "source": binding.exchange, "vhost": "/", "destination": binding.queue, "destination_type": "queue",
        "routing_key": "" if headers else binding.pattern, "arguments": arguments,
    }  # fmt: skip
