"""Instances of an application that write: one row after the other, to the side that they were told.

Rules
1. Every value is written once only, so that it says who wrote it and when.
2. A refused write is tried again, after asking which side takes writes now; a request fails when that takes too long.
"""

from __future__ import annotations

from typing import Any

from prayog_migration.engine.drills.messages import Done, Use, Where, Write
from prayog_sim.node import Ctx, Node
from prayog_sim.run import Look

__all__ = ["App"]

_AGAIN_US = 100_000
_PATIENCE_US = 2_500_000
_GIVES_UP_US = 500_000
"""An answer that does not come: the side may be down."""


class App(Node):
    """Instance ``number`` of ``of``: it writes ``rate`` times a second to keys of its own share and common ones."""

    durable = ("number", "of", "rate", "keys", "mover", "made")

    def __init__(self, number: int, of: int, rate: float, keys: int, mover: str) -> None:
        self.number, self.of, self.rate, self.keys, self.mover = number, of, rate, keys, mover
        self.made = 0
        self.side = "old"
        self.open: dict[int, tuple[int, int | None, int]] = {}
        self.stopped = False

    def on_start(self, ctx: Ctx) -> None:
        self._next(ctx)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if name == "write":
            self._write(ctx)
            self._next(ctx)
        else:
            self._again(int(name.removeprefix("again ")), ctx)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        match msg:
            case Use(side):
                if side != self.side:
                    self.side = side
                    ctx.emit("moved", side=side)
            case "stop" | "go":
                self.stopped = msg == "stop"
                ctx.cancel_timer("write")
                self._next(ctx)
            case Done(request, True) if request in self.open:
                key, value, since = self.open.pop(request)
                ctx.cancel_timer(f"again {request}")
                ctx.emit("ok", key=key, value=value, side=src, waited_us=ctx.now - since)
            case Done(request, False) if request in self.open:
                ctx.send(self.mover, Where())
                ctx.set_timer(f"again {request}", _AGAIN_US)

    def _next(self, ctx: Ctx) -> None:
        if self.rate > 0 and not self.stopped:
            ctx.set_timer("write", int(1e6 / self.rate * (0.5 + ctx.rng.random())))

    def _write(self, ctx: Ctx) -> None:
        """Six of ten change a row, three add one, one deletes; added rows belong to one instance."""
        self.made += 1
        value: int | None = 1_000 * self.made + self.number
        chance = ctx.rng.random()
        if chance < 0.3:
            key = self.keys + (self.made * self.of + self.number)
        else:
            key = ctx.rng.randint(0, self.keys - 1)
            value = None if chance > 0.9 else value
        request = self.made
        self.open[request] = (key, value, ctx.now)
        self._send(request, ctx)

    def _send(self, request: int, ctx: Ctx) -> None:
        key, value, _ = self.open[request]
        ctx.send(self.side, Write(request, key, value))
        ctx.set_timer(f"again {request}", _GIVES_UP_US)

    def _again(self, request: int, ctx: Ctx) -> None:
        if request not in self.open:
            return
        key, _, since = self.open[request]
        if ctx.now - since > _PATIENCE_US:
            del self.open[request]
            ctx.emit("failed", key=key, side=self.side, waited_us=ctx.now - since)
        else:
            self._send(request, ctx)

    def look(self) -> Look:
        waits = f", {len(self.open)} requests wait" if self.open else ""
        return Look(
            "client", str(self.number), 0 if self.side == "old" else 1,
            f"instance {self.number} writes to the {self.side} database{waits}{', stopped' if self.stopped else ''}",
        )  # fmt: skip
