"""Maelstrom's protocol: programs in any language that speak JSON lines on standard input and output.

Each line is ``{"src": "n1", "dest": "n2", "body": {"type": …, "msg_id": …, "in_reply_to": …}}``.  The first line that
a program gets is ``init`` with its name (``node_id``) and those of all nodes (``node_ids``); it answers ``init_ok``.
(Maelstrom, doc/protocol.md.)  In a trace a message is a `Body`, so that everything that draws and judges other
messages does so with these.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["INIT_FROM", "Body", "Garbage", "body", "init_line", "read_line", "write_line"]

INIT_FROM = "c0"
"""The client that says ``init``."""
_SHOWN = ("echo", "message", "messages", "key", "value", "from", "to", "id", "code")


class Garbage(ValueError):
    """A line that a program printed is no message; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class Body:
    """The body of a message as canonical JSON text: a value, as every message is."""

    text: str

    @property
    def fields(self) -> dict[str, Any]:
        """The JSON object."""
        found: dict[str, Any] = json.loads(self.text)
        return found

    def __str__(self) -> str:
        """``cas x 1→2``, ``echo hello``: the type and what is worth seeing."""
        fields = self.fields
        words = [str(fields.get("type", "?"))]
        words += [f"{fields[name]}"[:24] for name in _SHOWN if name in fields]
        return " ".join(words)


def body(**fields: Any) -> Body:
    """``body(type="echo", msg_id=1, echo="hello")``; fields that are None are left out."""
    return Body(_canonical({name: value for name, value in fields.items() if value is not None}))


def init_line(me: str, nodes: Sequence[str]) -> str:
    """The first line for the program that is to be `me`."""
    fields = {"type": "init", "msg_id": 1, "node_id": me, "node_ids": list(nodes)}
    return write_line(INIT_FROM, me, Body(_canonical(fields)))


def write_line(src: str, dest: str, message: Body) -> str:
    """A message as a line for a program."""
    return f'{{"src":{json.dumps(src)},"dest":{json.dumps(dest)},"body":{message.text}}}'


def read_line(me: str, line: str) -> tuple[str, Body, Mapping[str, Any]]:
    """(dest, message, its fields) of a line that the program `me` printed.  Raises `Garbage`."""
    try:
        found = json.loads(line)
    except ValueError:
        raise Garbage(f"{me} printed something that is no JSON: {line[:80]!r}") from None
    if not isinstance(found, dict) or not isinstance(found.get("body"), dict) or "dest" not in found:
        raise Garbage(f"{me} printed JSON that is no message (it needs src, dest and body): {line[:80]!r}")
    if found.get("src", me) != me:
        raise Garbage(f"{me} sent a message in the name of {found['src']!r}: {line[:80]!r}")
    return str(found["dest"]), Body(_canonical(found["body"])), found["body"]


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
