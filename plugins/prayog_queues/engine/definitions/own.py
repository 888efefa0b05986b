"""Our own JSON of a topology: the knob “topology” holds it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from prayog_queues.engine.definitions.reading import (
    PARTITIONS,
    DefinitionError,
    checked,
    document_of,
    kind_of,
    list_of,
    object_of,
    text_of,
    text_or,
    whole_of,
)  # fmt: skip
from prayog_queues.engine.port import Binding, Exchange, Queue, Topology

__all__ = ["PLAIN", "queue_fields", "topology_from_json", "topology_to_json"]

PLAIN = Queue("plain")


def queue_fields(queue: Queue) -> dict[str, Any]:
    """The name, and what is not as it is by default."""
    return {k: v for k, v in asdict(queue).items() if k == "name" or v != getattr(PLAIN, k)}


def topology_to_json(topology: Topology) -> str:
    """One line of JSON; fields that have their default are left out."""
    queues = [queue_fields(queue) for queue in topology.queues]
    exchanges = [asdict(exchange) for exchange in topology.exchanges]
    bindings = [asdict(binding) for binding in topology.bindings]
    return json.dumps({"queues": queues, "exchanges": exchanges, "bindings": bindings}, ensure_ascii=False)


def topology_from_json(text: str) -> Topology:
    """The topology in `text`.  Raises `DefinitionError`."""
    if not text.strip():
        raise DefinitionError("there is no topology yet: import one, or choose another broker than “own”")
    document = document_of(text)
    names = {f.name for f in fields(Queue)}
    queues = []
    for i, entry in enumerate(list_of(document, "queues")):
        unknown = sorted(set(object_of(entry, f"queues[{i}]")) - names)
        if unknown:
            raise DefinitionError(f"queues[{i}] has no field {unknown[0]!r}; it may have {', '.join(sorted(names))}")
        queues.append(queue_from(entry, f"queues[{i}]"))
    exchanges, bindings = [], []
    for i, entry in enumerate(list_of(document, "exchanges")):
        where = f"exchanges[{i}]"
        exchanges.append(Exchange(text_of(entry, "name", where), kind_of(entry, "kind", where)))
    for i, entry in enumerate(list_of(document, "bindings")):
        where = f"bindings[{i}]"
        pattern = text_or(object_of(entry, where), "pattern", where, "")
        bindings.append(Binding(text_of(entry, "exchange", where), text_of(entry, "queue", where), pattern))
    return checked(Topology(tuple(queues), tuple(exchanges), tuple(bindings)))


def queue_from(entry: Mapping[str, Any], where: str) -> Queue:
    values: dict[str, Any] = {}
    for field in fields(Queue):
        if field.name not in entry:
            continue
        value, default = entry[field.name], getattr(PLAIN, field.name)
        wanted: tuple[type, ...] = (int, type(None)) if field.name == "ttl_us" else (type(default),)
        if wanted == (float,):
            wanted = (float, int)
        if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
            raise DefinitionError(f"{where}.{field.name} is {wanted[0].__name__}; found {value!r}")
        if type(value) is int and wanted[0] is int:
            whole_of(value, f"{where}.{field.name}", most=PARTITIONS if field.name == "partitions" else 10**15)
        values[field.name] = value
    if not 0 <= values.get("jitter", 0) <= 1:
        raise DefinitionError(f"{where}.jitter is a share from 0 to 1; found {values['jitter']!r}")
    values["name"] = text_of(entry, "name", where)
    for name, known in (("full", ("block", "drop new", "drop old", "spill")),
                        ("durability", ("memory", "lazy", "synced", "replicated"))):  # fmt: skip
        if values.get(name, known[0]) not in known:
            raise DefinitionError(f"{where}.{name} is one of {', '.join(known)}; found {values[name]!r}")
    return Queue(**values)
