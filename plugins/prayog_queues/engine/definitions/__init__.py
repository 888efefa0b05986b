"""Topologies as files: our own JSON, RabbitMQ's definitions, AsyncAPI 3.

Rules
1. What a format cannot say is listed in `Converted.notes`, never dropped in silence.
2. What is wrong is a `DefinitionError`: a sentence with the place in the document (``queues[2].name``).
"""

from __future__ import annotations

from prayog_queues.engine.definitions.asyncapi import from_asyncapi, to_asyncapi
from prayog_queues.engine.definitions.own import topology_from_json, topology_to_json
from prayog_queues.engine.definitions.rabbitmq import from_rabbitmq, to_rabbitmq
from prayog_queues.engine.definitions.reading import Converted, DefinitionError, document_of, list_of

__all__ = [
    "Converted", "DefinitionError", "from_asyncapi", "from_rabbitmq", "read_any", "to_asyncapi", "to_rabbitmq",
    "topology_from_json", "topology_to_json",
]  # fmt: skip


def read_any(text: str) -> Converted:
    """A topology in any of the three formats, told apart by what is in it.  Raises `DefinitionError`."""
    document = document_of(text)
    if "asyncapi" in document:
        return from_asyncapi(text)
    if "rabbit_version" in document or "rabbitmq_version" in document or "vhosts" in document or "users" in document:
        return from_rabbitmq(text)
    if any(isinstance(queue, dict) and "arguments" in queue for queue in list_of(document, "queues")):
        return from_rabbitmq(text)
    return Converted(topology_from_json(text))
