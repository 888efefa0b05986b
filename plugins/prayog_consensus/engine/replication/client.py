"""A client of replicated data: one operation at a time, told as `prayog_sim.history` defines it.

Rules
1. An operation is sent once.  No answer in time is *unknown*: it may have happened.  It is never sent again, as
   these stores would then do it twice.
2. A refusal (``not me, ask s2``) is followed once; a second one is a failure, and then it certainly did not happen.
3. ``read … at=s3`` asks that server itself for what it has; such a read promises nothing, and is kept in a history
   of its own (``of="follower"``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from prayog_sdk.specs import ActionSpec, Arg
from prayog_sim.node import Ctx, Node
from prayog_sim.run import ActionError, Look

__all__ = ["ACTIONS", "Client", "Reply", "Request"]


@dataclass(frozen=True, slots=True)
class Request:
    """``write`` or ``read``; a ``peek`` may be answered by any server.

    For many masters: ``seen`` is the version vector of what the client has seen of this key; ``past`` is the same as a
    list of writes, which no server looks at, for the checkers.
    """

    op: int
    kind: str
    key: str
    value: Any = None
    seen: tuple[tuple[str, int], ...] = ()
    past: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        return f"{self.kind} {self.key}" + (f"={self.value}" if self.kind == "write" else "")


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to `op`.  ``place``: where in the log it is.  ``hint``: who should be asked instead."""

    op: int
    ok: bool
    value: Any = None
    hint: str = ""
    place: int = 0
    epoch: int = 0
    seen: tuple[tuple[str, int], ...] = ()
    past: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        shown = "" if self.value is None else f" {self.value}"
        return f"ok{shown} ✓" if self.ok else f"no ✗ ask {self.hint}"


class Client(Node):
    """Asks `servers[0]` first.  ``period`` (µs): it writes by itself so often (0: only when told to)."""

    durable: ClassVar[tuple[str, ...]] = ("op", "count", "acked")
    actions: ClassVar[tuple[str, ...]] = ("write", "read")

    def __init__(
        self, servers: tuple[str, ...], patience: int, period: int = 0, first: int = 0, apart: bool = True
    ) -> None:
        self.servers = servers
        self.patience = patience
        self.period = period
        self.count = first
        """The last value written; each is written once, so that a history can be judged."""
        self.apart = apart
        self.op = 0
        self.server = servers[0]
        self.waiting: Request | None = None
        self.redirected = False
        self.queue: tuple[tuple[str, str, Any, str], ...] = ()
        """What it was asked meanwhile: (kind, key, value, server or nothing)."""
        self.seen: dict[str, tuple[tuple[tuple[str, int], ...], ...]] = {}
        """Key → (vector, list of writes) of what it was shown last."""
        self.acked: tuple[tuple[int, str, int, str, Any], ...] = ()
        """(epoch, server, place, key, value) of every write that was acknowledged; for the invariants."""
        self.last = ""

    def on_start(self, ctx: Ctx) -> None:
        if self.period:
            ctx.set_timer("next", self.period)

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        at = str(args.get("at") or "")
        if at and at not in self.servers:
            raise ActionError(f"at= must be one of {', '.join(self.servers)}; found {at!r}")
        kind = "peek" if name == "read" and at and self.apart else name
        self.want(kind, str(args.get("key") or "x"), args.get("value"), at, ctx)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if name == "next":
            ctx.set_timer("next", self.period)
            self.want("write", "x", None, "", ctx)
        elif self.waiting is not None:
            ctx.note(f"{ctx.me} gives up waiting for {self.server}: {self.waiting} may have happened or not")
            ctx.emit("unknown", op=self.waiting.op)
            if not self.period or len(self.servers) > 1:
                self.server = self.servers[(self.servers.index(self.server) + 1) % len(self.servers)]
            self.over(f"{self.waiting}: unknown", ctx)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        asked = self.waiting
        if not isinstance(msg, Reply) or asked is None or msg.op != asked.op:
            return  # an answer to something that was given up
        if not msg.ok and msg.hint and msg.hint != src and not self.redirected:
            self.redirected, self.server = True, msg.hint
            self.send(asked, ctx)
            return
        if msg.ok:
            self.seen = {**self.seen, asked.key: (msg.seen, msg.past)}
        if not msg.ok:
            ctx.emit("fail", op=asked.op)
        elif asked.kind == "write":
            self.acked = (*self.acked, (msg.epoch, src, msg.place, asked.key, asked.value))
            ctx.emit("ok", op=asked.op, place=msg.place, epoch=msg.epoch)
        else:
            ctx.emit("ok", op=asked.op, value=msg.value, place=msg.place)
        self.over(f"{asked}: {msg}", ctx)

    def want(self, kind: str, key: str, value: Any, at: str, ctx: Ctx) -> None:
        if kind == "write" and value is None:
            self.count += 1
            value = self.count
        self.queue = (*self.queue, (kind, key, value, at))
        if self.waiting is None:
            self.begin(ctx)

    def begin(self, ctx: Ctx) -> None:
        (kind, key, value, at), *rest = self.queue
        self.queue = tuple(rest)
        self.op += 1
        self.waiting = Request(self.op, kind, key, value, *self.seen.get(key, ()))
        self.redirected = kind == "peek"
        asked = {"value": value} if kind == "write" else {}
        apart = {"of": "follower"} if kind == "peek" else {}
        ctx.emit("invoke", op=self.op, f="write" if kind == "write" else "read", key=key, **asked, **apart)
        if at and kind != "peek":
            self.server = at
        self.send(self.waiting, ctx, at)

    def send(self, asked: Request, ctx: Ctx, at: str = "") -> None:
        ctx.send(at or self.server, asked)
        ctx.set_timer("patience", self.patience)

    def over(self, what: str, ctx: Ctx) -> None:
        self.waiting, self.last = None, what
        ctx.cancel_timer("patience")
        if self.queue:
            self.begin(ctx)

    def look(self) -> Look:
        sentence = f"asks {self.server}: {self.waiting}" if self.waiting else self.last or "has asked nothing yet"
        return Look("client", "C", -1, f"client, {sentence}", f"{len(self.acked)} acked" if self.acked else "")

    def label(self, msg: Any) -> str:
        return str(msg)


_NODE, _KEY = Arg("node", "node", "Client"), Arg("key", "text", "Key", "x")
_AT = Arg("at", "node", "Server", "")
ACTIONS = (
    ActionSpec("write", "Write", "The client writes a value (a new one, if none is given).", "node",
               (_NODE, Arg("value", "int", "Value"), _KEY, _AT), "w"),
    ActionSpec("read", "Read", "The client reads; with a server, what that one has.", "node", (_NODE, _AT, _KEY), "r"),
)  # fmt: skip
