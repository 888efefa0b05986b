"""A database of a drill: rows, a log of what applications wrote, and a fence.

Rules
1. A write and its place in the log are one transaction; so are applied rows and their position.
2. The log holds what applications wrote, and nothing that was applied from elsewhere: otherwise two streams in opposite
   directions would send a change round for ever.
3. It answers a comparison at a mark when the mark goes by in the stream: neither earlier nor later.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from prayog_migration.engine.drills.messages import (
    Applied,
    Apply,
    Change,
    Changes,
    Done,
    Fence,
    Fenced,
    Fetch,
    Rows,
    Sum,
    Summed,
    Tail,
    Write,
)
from prayog_sim.node import Ctx, Node
from prayog_sim.run import Look

__all__ = ["Store", "digest"]


def digest(rows: Mapping[int, int]) -> str:
    """A checksum that does not depend on the order of rows."""
    total = 0
    for key, value in rows.items():
        one = hashlib.blake2b(f"{key}={value}".encode(), digest_size=8).digest()
        total ^= int.from_bytes(one, "big")
    return f"{total:016x}"


class Store(Node):
    """The database ``title``; `judge` is told of marks that go by."""

    durable = ("rows", "log", "fenced", "position", "title", "judge", "letter")
    actions = ("plant",)

    def __init__(self, title: str, rows: Mapping[int, int], log: tuple[Change, ...] = (), judge: str = "") -> None:
        self.title, self.judge = title, judge
        self.letter = title[:1].upper()
        self.rows = dict(rows)
        self.log: list[tuple[int, int | None]] = [(key, value) for _, key, value in log]
        self.fenced = False
        self.position = 0

    def on_start(self, ctx: Ctx) -> None:
        ctx.emit("holds", rows=sorted([key, value] for key, value in self.rows.items()))

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        keys = sorted(self.rows)
        key = keys[ctx.rng.randint(0, len(keys) - 1)]
        self.rows[key] += 1_000_000
        ctx.emit("planted", key=key)
        ctx.emit("put", rows=[[key, self.rows[key]]], position=self.position)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        match msg:
            case Write():
                self._write(src, msg, ctx)
            case Fetch(after, limit):
                keys = sorted(key for key in self.rows if key > after)
                some = tuple((key, self.rows[key]) for key in keys[:limit])
                ctx.send(src, Rows(some, len(keys) <= limit, len(self.log)))
            case Tail(after, limit):
                log = self.log[after : after + limit]
                changes = tuple((after + n, key, value) for n, (key, value) in enumerate(log, 1))
                ctx.send(src, Changes(changes, len(self.log)))
            case Apply():
                self._apply(msg, ctx)
                ctx.send(src, Applied(msg.position))
            case Fence(up):
                self.fenced = up
                ctx.emit("fence", up=up, end=len(self.log))
                ctx.send(src, Fenced(up, len(self.log)))
            case Sum(number, mark):
                if mark:
                    self.log.append((-1, number))
                ctx.send(src, Summed(number, len(self.rows), digest(self.rows)))

    def _write(self, src: str, msg: Write, ctx: Ctx) -> None:
        """A fenced store takes nothing: whoever writes is told so, and may ask where to write now."""
        if self.fenced:
            ctx.emit("refused", by=src, key=msg.key)
            ctx.send(src, Done(msg.request, False))
            return
        self._set(msg.key, msg.value)
        self.log.append((msg.key, msg.value))
        ctx.emit("set", by=src, key=msg.key, value=msg.value, position=len(self.log))
        ctx.send(src, Done(msg.request, True))

    def _apply(self, msg: Apply, ctx: Ctx) -> None:
        for key, value in msg.rows:
            if key < 0:
                ctx.send(self.judge, Summed(value or 0, len(self.rows), digest(self.rows)))
            else:
                self._set(key, value)
        self.position = msg.position
        ctx.emit("put", rows=[[key, value] for key, value in msg.rows if key >= 0], position=msg.position)

    def _set(self, key: int, value: int | None) -> None:
        if value is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = value

    def look(self) -> Look:
        state = "takes no writes" if self.fenced else "takes writes"
        return Look(
            "store", self.letter, 0 if self.letter == "O" else 1,
            f"the {self.title} database: {len(self.rows)} rows, {len(self.log)} changes in its log, {state}",
            "fenced" if self.fenced else "",
        )  # fmt: skip
