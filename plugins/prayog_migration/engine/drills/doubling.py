"""Dual write and its repair: an application writes to both databases, or to one and an outbox in one transaction.

Source: curriculum 5.23; the outbox as in Kleppmann, “Designing Data-Intensive Applications”, chapter 11, and the
Debezium documentation, “Outbox event router”.

Rules
1. `Twin` writes to the old side, thinks for a moment, and writes to the new one; nothing ties the two together.
2. With the outbox a twin writes to the old side only; the `Relay` brings what is in its log over, in that order,
   from a position that it keeps.  Here the log is the outbox: both are written in the transaction of the row.
"""

from __future__ import annotations

from typing import Any

from prayog_migration.engine.drills.messages import Applied, Apply, Changes, Done, Tail, Write
from prayog_sim.node import Ctx, Node
from prayog_sim.run import Look

__all__ = ["Relay", "Twin"]

_THINK_US = 3_000
_ROUND_US = 50_000


class Twin(Node):
    """Instance ``number`` of the application; ``both``: it writes to both sides itself."""

    durable = ("number", "rate", "keys", "both", "made")

    def __init__(self, number: int, rate: float, keys: int, both: bool) -> None:
        self.number, self.rate, self.keys, self.both = number, rate, keys, both
        self.made = 0
        self.open: dict[int, tuple[int, int]] = {}
        self.stopped = False

    def on_start(self, ctx: Ctx) -> None:
        self._next(ctx)

    def _next(self, ctx: Ctx) -> None:
        if not self.stopped:
            ctx.set_timer("write", int(1e6 / self.rate * (0.5 + ctx.rng.random())))

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if name == "write":
            self.made += 1
            key, value = ctx.rng.randint(0, self.keys - 1), 1_000 * self.made + self.number
            self.open[self.made] = (key, value)
            ctx.send("old", Write(self.made, key, value))
            self._next(ctx)
        else:
            request = int(name.removeprefix("second "))
            ctx.send("new", Write(request, *self.open.pop(request)))

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if msg in ("stop", "go"):
            self.stopped = msg == "stop"
            ctx.cancel_timer("write")
            self._next(ctx)
        if src != "old" or not isinstance(msg, Done) or msg.request not in self.open:
            return
        key, value = self.open[msg.request]
        if self.both:
            ctx.emit("half", key=key, value=value)
            ctx.set_timer(f"second {msg.request}", _THINK_US)
        else:
            del self.open[msg.request]
        ctx.emit("ok", key=key, value=value, side="old", waited_us=0)

    def look(self) -> Look:
        waits = f", {len(self.open)} writes between the two" if self.open and self.both else ""
        return Look("client", str(self.number), self.number, f"instance {self.number} writes{waits}")


class Relay(Node):
    """Brings the outbox over; after a crash it goes on at its position, and may say the last ones again."""

    durable = ("position",)

    def __init__(self) -> None:
        self.position = 0

    def on_start(self, ctx: Ctx) -> None:
        ctx.set_timer("look", _ROUND_US)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        ctx.send("old", Tail(self.position, 100))
        ctx.set_timer("look", _ROUND_US)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if isinstance(msg, Changes) and msg.changes and msg.changes[0][0] == self.position + 1:
            rows = tuple((key, value) for _, key, value in msg.changes)
            ctx.send("new", Apply(rows, msg.changes[-1][0]))
        elif isinstance(msg, Applied):
            self.position = max(self.position, msg.position)
            ctx.emit("relayed", position=self.position)

    def look(self) -> Look:
        return Look("coordinator", "R", -1, f"the relay stands at change {self.position} of the outbox")
