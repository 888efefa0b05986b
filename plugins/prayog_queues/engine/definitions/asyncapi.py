"""AsyncAPI 3 documents: what an application says about its channels.

A channel with an AMQP binding is a queue or an exchange, one with a Kafka binding a log.  A channel without either is
a queue; when several operations receive from it, each is a subscription of its own (an exchange with a queue for each).
What AsyncAPI has no word for stands in extensions ``x-prayog-…``, which other readers skip.

Sources: AsyncAPI Specification 3.0.0; AMQP channel binding 0.3.0; Kafka channel binding 0.5.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml  # type: ignore[import-untyped] # no stubs in the lock

from prayog_queues.engine.definitions.own import queue_fields, queue_from
from prayog_queues.engine.definitions.reading import (
    KINDS,
    PARTITIONS,
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

__all__ = ["from_asyncapi", "to_asyncapi"]

_QUEUE, _BINDINGS = "x-prayog-queue", "x-prayog-bindings"


def from_asyncapi(text: str) -> Converted:
    """The channels of an AsyncAPI 3 document (JSON or YAML) as a topology.  Raises `DefinitionError`."""
    document = document_of(text)
    version = str(document.get("asyncapi", ""))
    if not version:
        raise DefinitionError("there is no “asyncapi” in it: is this an AsyncAPI document?")
    if not version.startswith("3."):
        raise DefinitionError(f"asyncapi is 3.x here; found {version}. The AsyncAPI converter brings 2.x to 3.0")
    channels = object_of(document.get("channels") or {}, "channels")
    if not channels:
        raise DefinitionError("channels is empty: there is nothing to build from")
    receivers = _receivers(document)
    queues: list[Queue] = []
    exchanges: list[Exchange] = []
    bindings: list[Binding] = []
    notes: list[str] = []
    for name, raw in channels.items():
        where = f"channels.{name}"
        channel = object_of(raw, where)
        address = text_or(channel, "address", where, name)
        bound = object_of(channel.get("bindings") or {}, f"{where}.bindings")
        amqp = object_of(bound.get("amqp") or {}, f"{where}.bindings.amqp")
        kafka = object_of(bound.get("kafka") or {}, f"{where}.bindings.kafka")
        for other in sorted(set(bound) - {"amqp", "kafka"}):
            notes.append(f"{where}: the binding for {other} has no counterpart here")
        if "{" in address:
            notes.append(f"{where}: the address {address} has parameters; it is taken as it stands")
        if _QUEUE in channel:
            queues.append(queue_from({**object_of(channel[_QUEUE], where), "name": address}, f"{where}.{_QUEUE}"))
        elif amqp.get("is", "") == "queue":
            queue = object_of(amqp.get("queue") or {}, f"{where}.bindings.amqp.queue")
            queues.append(
                Queue(text_or(queue, "name", f"{where}.bindings.amqp.queue", address), durability=_durable(queue))
            )
        elif amqp:
            exchanges.append(_exchange(amqp, address, where))
            made = [Queue(f"{exchanges[-1].name}.{who}") for who in receivers.get(name, ())]
            queues += made
            bindings += [Binding(exchanges[-1].name, q.name, "#" if exchanges[-1].kind == "topic" else "") for q in made
                         if _BINDINGS not in document]  # fmt: skip
        elif kafka:
            here = f"{where}.bindings.kafka"
            partitions = whole_of(kafka.get("partitions", 1), f"{here}.partitions", 1, PARTITIONS)
            queues.append(Queue(text_or(kafka, "topic", here, address), partitions, "replicated"))
        else:
            who = receivers.get(name, ())
            if len(who) < 2:
                queues.append(Queue(address))
                continue
            exchanges.append(Exchange(address, "fanout"))
            queues += [Queue(f"{address}.{one}") for one in who]
            bindings += [Binding(address, f"{address}.{one}") for one in who]
    for i, entry in enumerate(list_of(document, _BINDINGS)):
        here = f"{_BINDINGS}[{i}]"
        pattern = text_or(object_of(entry, here), "pattern", here, "")
        bindings.append(Binding(text_of(entry, "exchange", here), text_of(entry, "queue", here), pattern))
    return Converted(checked(Topology(tuple(queues), tuple(exchanges), tuple(bindings))), tuple(notes))


def _receivers(document: Mapping[str, Any]) -> dict[str, list[str]]:
    """Which operations receive from a channel, by the channel's name."""
    found: dict[str, list[str]] = {}
    for name, raw in object_of(document.get("operations") or {}, "operations").items():
        operation = object_of(raw, f"operations.{name}")
        action = operation.get("action")
        if not isinstance(action, str) or action not in ("send", "receive"):
            raise DefinitionError(f"operations.{name}.action is send or receive; found {action!r}")
        leads = f"operations.{name}.channel"
        to = text_or(object_of(operation.get("channel") or {}, leads), "$ref", leads, "")
        channel = to.removeprefix("#/channels/").replace("~1", "/").replace("~0", "~")
        if channel not in document.get("channels", {}):
            raise DefinitionError(f"operations.{name}.channel leads to {to!r}, and there is no such channel")
        if action == "receive":
            found.setdefault(channel, []).append(name)
    return found


def _exchange(amqp: Mapping[str, Any], address: str, where: str) -> Exchange:
    here = f"{where}.bindings.amqp.exchange"
    entry = object_of(amqp.get("exchange") or {}, here)
    kind: Any = text_or(entry, "type", here, "topic")
    kind = "direct" if kind == "default" else kind
    if kind not in KINDS:
        raise DefinitionError(f"{here}.type is one of {', '.join(KINDS)}; found {kind!r}")
    return Exchange(text_or(entry, "name", here, address), kind)


def _durable(queue: Mapping[str, Any]) -> Any:
    return "synced" if queue.get("durable", True) else "memory"


def to_asyncapi(topology: Topology, title: str = "Orders") -> Converted:
    """`topology` as an AsyncAPI 3 document in YAML (in ``text``)."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for exchange in topology.exchanges:
        binding = {"name": exchange.name, "type": exchange.kind, "durable": True, "vhost": "/"}
        channels[exchange.name] = {
            "address": exchange.name,
            "messages": {"order": {"$ref": "#/components/messages/order"}},
            "bindings": {"amqp": {"is": "routingKey", "exchange": binding, "bindingVersion": "0.3.0"}},
        }
        operations[f"send to {exchange.name}"] = _operation("send", exchange.name)
    bound = {binding.queue for binding in topology.bindings}
    for queue in topology.queues:
        if queue.partitions:
            kafka = {"topic": queue.name, "partitions": queue.partitions, "bindingVersion": "0.5.0"}
            bindings: dict[str, Any] = {"kafka": kafka}
        else:
            amqp = {"name": queue.name, "durable": queue.durability != "memory", "vhost": "/"}
            bindings = {"amqp": {"is": "queue", "queue": amqp, "bindingVersion": "0.3.0"}}
        channels[queue.name] = {
            "address": queue.name,
            "messages": {"order": {"$ref": "#/components/messages/order"}},
            "bindings": bindings,
            _QUEUE: queue_fields(queue),
        }
        operations[f"receive from {queue.name}"] = _operation("receive", queue.name)
        if queue.name not in bound:
            operations[f"send to {queue.name}"] = _operation("send", queue.name)
    document = {
        "asyncapi": "3.0.0",
        "info": {"title": title, "version": "1.0.0"},
        "channels": channels,
        "operations": operations,
        "components": {"messages": {"order": {"contentType": "application/json", "payload": {"type": "object"}}}},
        _BINDINGS: [{"exchange": b.exchange, "queue": b.queue, "pattern": b.pattern} for b in topology.bindings],
    }
    return Converted(topology, (), yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120))


def _operation(action: str, channel: str) -> dict[str, Any]:
    pointer = channel.replace("~", "~0").replace("/", "~1")
    return {"action": action, "channel": {"$ref": f"#/channels/{pointer}"}}
