"""The services that Maelstrom offers to programs, as nodes of ours: ``lin-kv`` and ``seq-kv``.

Both answer ``read`` (key), ``write`` (key, value) and ``cas`` (key, from, to, create_if_not_exists) with ``…_ok`` or
with ``error`` and a code: 20 key does not exist, 22 precondition failed, 10 not supported.  (Maelstrom,
doc/services.md and doc/protocol.md.)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from prayog_sdk.cluster.maelstrom import Body, body
from prayog_sim.node import Ctx, Node
from prayog_sim.run import Look

__all__ = ["MISSING", "PRECONDITION", "UNSUPPORTED", "LinKv", "SeqKv"]

UNSUPPORTED, MISSING, PRECONDITION = 10, 20, 22


class LinKv(Node):
    """One store that does one thing at a time, each between its question and its answer: linearizable."""

    durable: ClassVar[tuple[str, ...]] = ("store",)

    def __init__(self) -> None:
        self.store: dict[str, Any] = {}
        self.served = 0

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if isinstance(msg, Body):
            fields = msg.fields
            self.served += 1
            ctx.send(src, body(**self.serve(src, fields, ctx), in_reply_to=fields.get("msg_id")))

    def serve(self, src: str, fields: Mapping[str, Any], ctx: Ctx) -> dict[str, Any]:
        """The answer to a request, without the number that it answers."""
        return _apply(self.store, fields)

    def look(self) -> Look:
        return Look("store", "kv", -1, f"{len(self.store)} keys, {self.served} requests served")

    def label(self, msg: Any) -> str:
        return str(msg)


class SeqKv(LinKv):
    """Sequentially consistent: writes have one order, and no client ever goes back, but a read may be old.

    How old, the node's random numbers decide; a client always sees its own writes.
    """

    durable: ClassVar[tuple[str, ...]] = ("store", "past", "seen")

    def __init__(self) -> None:
        super().__init__()
        self.past: tuple[str, ...] = ("{}",)
        """Every state so far, as JSON."""
        self.seen: dict[str, int] = {}
        """Client → the newest state that it knows of."""

    def serve(self, src: str, fields: Mapping[str, Any], ctx: Ctx) -> dict[str, Any]:
        newest = len(self.past) - 1
        if fields.get("type") == "read":
            at = ctx.rng.randint(self.seen.get(src, 0), newest)
            self.seen[src] = at
            old: dict[str, Any] = json.loads(self.past[at])
            return _apply(old, fields)
        answer = _apply(self.store, fields)
        if answer["type"] != "error":
            self.past = (*self.past, json.dumps(self.store))
            newest += 1
        self.seen[src] = newest
        return answer


def _apply(store: dict[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Do to `store` what is asked; keys are kept as JSON text, so that 1 and "1" differ."""
    key = json.dumps(fields.get("key"))
    match fields.get("type"):
        case "read":
            return {"type": "read_ok", "value": store[key]} if key in store else _error(MISSING, "key does not exist")
        case "write":
            store[key] = fields.get("value")
            return {"type": "write_ok"}
        case "cas":
            if key not in store and not fields.get("create_if_not_exists"):
                return _error(MISSING, "key does not exist")
            if key in store and store[key] != fields.get("from"):
                return _error(PRECONDITION, f"expected {fields.get('from')!r}, found {store[key]!r}")
            store[key] = fields.get("to")
            return {"type": "cas_ok"}
    return _error(UNSUPPORTED, f"{fields.get('type')!r} is not supported here")


def _error(code: int, text: str) -> dict[str, Any]:
    return {"type": "error", "code": code, "text": text}
