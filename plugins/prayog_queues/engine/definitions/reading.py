"""Reading documents that other people wrote: every mistake becomes a sentence with its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml  # type: ignore[import-untyped] # no stubs in the lock

from prayog_queues.engine.port import Topology

__all__ = [
    "KINDS", "PARTITIONS", "Converted", "DefinitionError", "checked", "document_of", "kind_of", "list_of", "object_of",
    "text_of", "text_or", "whole_of",
]  # fmt: skip

KINDS = ("direct", "topic", "fanout", "headers")
PARTITIONS = 1_000
"""More in one log are a mistake of the pen: each takes memory here, and files on a real broker."""
_MOST = 1_000_000
_LARGEST = 10**15
"""Of any number: as µs thirty years."""


class DefinitionError(ValueError):
    """A document says something impossible; the text names the place."""


@dataclass(frozen=True, slots=True)
class Converted:
    """A topology (or the `text` of a file), and what the other side cannot say."""

    topology: Topology
    notes: tuple[str, ...] = ()
    text: str = ""


def document_of(text: str) -> Mapping[str, Any]:
    """JSON or YAML as an object.  Raises `DefinitionError` with line and column."""
    if len(text) > _MOST:
        raise DefinitionError(f"the file is larger than {_MOST:,} characters; a topology is not")
    try:
        found = json.loads(text) if text.lstrip()[:1] in ("{", "[") else yaml.safe_load(text)
    except json.JSONDecodeError as error:
        raise DefinitionError(f"line {error.lineno}, column {error.colno}: this is not JSON ({error.msg})") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
        raise DefinitionError(f"{where}this is not YAML ({getattr(error, 'problem', error)})") from None
    except RecursionError:
        raise DefinitionError("the document is nested too deeply") from None
    except ValueError as error:  # a number of thousands of digits, a day that is in no calendar
        raise DefinitionError(f"there is a value in it that cannot be read ({str(error).partition(';')[0]})") from None
    return object_of(found, "the document")


def object_of(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise DefinitionError(f"{where} is an object {{…}}; found {type(value).__name__}")
    odd = next((key for key in value if not isinstance(key, str)), None)
    if odd is not None or None in value:
        raise DefinitionError(f"{where} has a name that is no text: {odd!r}")
    return value


def list_of(document: Mapping[str, Any], name: str) -> list[Any]:
    value = document.get(name) or []
    if not isinstance(value, list):
        raise DefinitionError(f"{name} is a list [...]; found {type(value).__name__}")
    return value


def text_of(entry: Any, name: str, where: str) -> str:
    value = object_of(entry, where).get(name)
    if not isinstance(value, str) or not value:
        raise DefinitionError(f"{where}.{name} is a text that is not empty; found {value!r}")
    return value


def text_or(entry: Mapping[str, Any], name: str, where: str, otherwise: str) -> str:
    """The text `name` of `entry`; `otherwise` where it is not there or empty."""
    return text_of(entry, name, where) if entry.get(name) not in (None, "") else otherwise


def whole_of(value: Any, where: str, least: int = 0, most: int = _LARGEST) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        found = repr(value)
        found = found if len(found) <= 40 else f"{found[:40]}…"
        large = isinstance(value, int) and value > most
        limit = f" to {most:,}" if large or most != _LARGEST else ""
        raise DefinitionError(f"{where} is a whole number from {least:,}{limit}; found {found}")
    return value


def kind_of(entry: Mapping[str, Any], name: str, where: str) -> Any:
    kind = entry.get(name, "direct")
    if not isinstance(kind, str) or kind not in KINDS:
        raise DefinitionError(f"{where}.{name} is one of {', '.join(KINDS)}; found {kind!r}")
    return kind


def checked(topology: Topology) -> Topology:
    """No name twice, and no binding into nothing."""
    if not topology.queues:
        raise DefinitionError("there is no queue in it; a topology has at least one")
    queues, exchanges = [q.name for q in topology.queues], [e.name for e in topology.exchanges]
    for what, names in (("queue", queues), ("exchange", exchanges)):
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise DefinitionError(f"there are two {what}s called {twice!r}")
    for i, binding in enumerate(topology.bindings):
        if all(binding.exchange != exchange.name for exchange in topology.exchanges):
            raise DefinitionError(f"bindings[{i}] begins at {binding.exchange!r}, and there is no such exchange")
        if all(binding.queue != queue.name for queue in topology.queues):
            raise DefinitionError(f"bindings[{i}] leads to {binding.queue!r}, and there is no such queue")
    return topology
