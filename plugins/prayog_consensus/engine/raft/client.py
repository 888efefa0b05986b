"""A client of the cluster: it looks for the leader, asks again when nobody answers, and tells its history.

Rules
1. One request at a time.  A request keeps its number when it is sent again, so that the cluster does it once (§8).
2. No answer is no answer: after `_TRIES` attempts the outcome is *unknown*, and the next request gets a new number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prayog_consensus.engine.raft.messages import Answer, Ask
from prayog_sim.node import Ctx, Node
from prayog_sim.run import ActionError, Look

__all__ = ["Client"]

_TRIES = 12


class Client(Node):
    """`period`: µs between operations of its own (0: none); every second one is a read when `mixed`."""

    actions = ("write", "read", "peek")
    durable = ("number", "count")

    def __init__(self, me: str, servers: tuple[str, ...], patience: int, period: int = 0, mixed: bool = False) -> None:
        self._me = me
        self._servers = servers
        self._patience = patience
        self._period = period
        self._mixed = mixed
        self.number = 0
        """The last request's number."""
        self.count = 0
        self.leader = servers[0]
        self.waiting: Ask | None = None
        self.tries = 0
        self.hinted = False
        """It followed a hint since the last timeout; a second one could lead round in circles."""
        self.turn = 0
        self.queue: tuple[tuple[str, str, Any, str], ...] = ()
        """What it was asked to do meanwhile: (kind, key, value, server or nothing)."""
        self.last = ""

    def on_start(self, ctx: Ctx) -> None:
        if self._period:
            ctx.set_timer("next", self._period)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if name == "next":
            ctx.set_timer("next", self._period)
            self.count += 1
            if self._mixed and self.count % 2 == 0:
                self._want("read", self.pick(ctx), None, "", ctx)
            else:
                self._want("write", self.pick(ctx), self._value(), "", ctx)
        elif self.waiting is not None:
            self._again(ctx)

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        server = str(args.get("server") or "")
        if name == "peek" and server not in self._servers:
            raise ActionError(f"peek needs server=, one of {', '.join(self._servers)}")
        self.count += name == "write"
        value = args.get("value") if args.get("value") is not None else self._value()
        self._want(name, str(args.get("key") or "x"), value if name == "write" else None, server, ctx)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if not isinstance(msg, Answer) or self.waiting is None or msg.request != self.waiting.request:
            return  # an answer that comes a second time, or after its request was given up
        if not msg.ok:
            if msg.leader and msg.leader != src and not self.hinted:
                self.hinted = True
                self.learn(msg.leader)
                self._send(ctx)
            return  # a server that knows no better: ask the next one when the timer is due
        if self.waiting.kind != "peek":
            self.learn(src)
        value = {} if self.waiting.kind == "write" else {"value": msg.value}
        ctx.emit("ok", op=msg.request, **value)
        self._done(f"{self.waiting} {msg}", ctx)

    # -- where to ask ------------------------------------------------------------------------------------------

    def pick(self, ctx: Ctx) -> str:
        """The key of an operation of its own."""
        return "x"

    def route(self, ask: Ask) -> tuple[str, Any]:
        """Whom to ask, and the message to send."""
        return self.leader, ask

    def learn(self, leader: str) -> None:
        """`leader` is worth asking."""
        self.leader = leader

    # -- one request after the other ---------------------------------------------------------------------------

    def _value(self) -> int:
        """A value that nobody writes a second time."""
        return int(self._me[1:] or 0) * 10_000 + self.count if self._me != "c1" else self.count

    def _want(self, kind: str, key: str, value: Any, at: str, ctx: Ctx) -> None:
        self.queue = (*self.queue, (kind, key, value, at))
        if self.waiting is None:
            self._begin(ctx)

    def _begin(self, ctx: Ctx) -> None:
        (kind, key, value, at), *rest = self.queue
        self.queue = tuple(rest)
        self.number += 1
        self.tries = 1
        self.waiting = Ask(self.number, kind, key, value)
        # A peek promises nothing, so it is kept apart from the history that must be linearizable.
        apart = {"of": "peek"} if kind == "peek" else {}
        asked = {"value": value} if kind == "write" else {}
        ctx.emit("invoke", op=self.number, f="write" if kind == "write" else "read", key=key, **asked, **apart)
        self._send(ctx, at)

    def _send(self, ctx: Ctx, to: str = "") -> None:
        if self.waiting is not None:
            server, message = self.route(self.waiting)
            ctx.send(to or server, message)
            ctx.set_timer("retry", self._patience)

    def _again(self, ctx: Ctx) -> None:
        if self.waiting is None:
            return
        if self.tries >= _TRIES or self.waiting.kind == "peek":
            ctx.emit("unknown", op=self.waiting.request)
            self._done(f"{self.waiting} nobody knows", ctx)
            return
        self.tries += 1
        self.turn += 1
        self.hinted = False
        self.learn(self._servers[self.turn % len(self._servers)])
        ctx.emit("retry", op=self.waiting.request, server=self.route(self.waiting)[0])
        self._send(ctx)

    def _done(self, what: str, ctx: Ctx) -> None:
        self.waiting, self.hinted, self.last = None, False, what
        ctx.cancel_timer("retry")
        if self.queue:
            self._begin(ctx)

    def look(self) -> Look:
        if self.waiting is not None:
            again = f" (try {self.tries})" if self.tries > 1 else ""
            sentence, badge = f"asks {self.leader}: {self.waiting}{again}", "no answer" if self.tries > 2 else ""
        else:
            sentence, badge = f"last: {self.last}" if self.last else "has asked nothing yet", ""
        return Look("client", self._me, -1, sentence, badge)

    def label(self, msg: Any) -> str:
        return str(msg)
