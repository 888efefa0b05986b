"""A client of a quorum register: it asks all replicas and waits for R or W of them.

H. Attiya, A. Bar-Noy and D. Dolev, "Sharing memory robustly in message-passing systems", JACM 42(1), 1995 (ABD); with
several writers as in N. Lynch and A. Shvartsman, FTCS 1997.

Rules
1. A write first asks R replicas for the highest stamp (not with ``single``: one writer counts by itself), and then
   stores its value with a higher one at W.
2. A read asks R replicas and takes the value with the highest stamp.  With ``writeback`` it stores that at W before it
   returns: whatever a read has returned, every later read will see.
3. Without the second half two reads, one after the other, can go from new to old, although R + W > n.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from prayog_consensus.engine.replication.replica import NEVER, Get, Have, Put, Stamp, Stored
from prayog_consensus.engine.setup import CORRECT
from prayog_sim.node import Ctx, Node
from prayog_sim.run import Look
from prayog_sim.table import Row, Table

__all__ = ["QUORUM", "QuorumClient"]

_TRIES = 8

QUORUM = Table(
    "idle",
    (
        Row("idle", "read", "asking", do="ask", why="what is there?"),
        Row("idle", "write", "storing", when="counts_alone", do="store_next", why="one writer knows its stamps"),
        Row("idle", "write", "asking", do="ask", why="which stamps are there?"),
        Row("asking", "R answers", "storing", when="writes", do="store_next", why="a higher stamp"),
        Row("asking", "R answers", "storing", when="writes_back", do="store_read", why="write back"),
        Row("asking", "R answers", "idle", do="finish", why="the highest stamp"),
        Row("storing", "W answers", "idle", do="finish"),
        Row("asking", "gave up", "idle", do="give_up"),
        Row("storing", "gave up", "idle", do="give_up"),
    ),
)


class QuorumClient(Node):
    """``r`` and ``w``: answers to wait for.  ``timeout`` (µs): it asks those that have not answered again."""

    durable: ClassVar[tuple[str, ...]] = ("op", "count", "number", "sure")
    actions: ClassVar[tuple[str, ...]] = ("write", "read")

    def __init__(
        self,
        replicas: tuple[str, ...],
        r: int,
        w: int,
        timeout: int,
        writeback: bool,
        single: bool,
        first: int = 0,
        period: int = 0,
        variant: str = CORRECT,
    ) -> None:
        self.replicas = replicas
        self.r = r
        self.w = w
        self.timeout = timeout
        self.writeback = writeback
        self.single = single
        self.period = period
        self.variant = variant
        self.state = QUORUM.start
        self.op = 0
        self.count = first
        self.number = 0
        """The highest stamp this client has used or seen."""
        self.sure: Stamp = NEVER
        """The highest stamp of an operation that is over; for the invariants."""
        self.kind = ""
        self.value: Any = None
        self.stamp: Stamp = NEVER
        self.answers: dict[str, tuple[Stamp, Any]] = {}
        self.tries = 0
        self.queue: tuple[tuple[str, Any], ...] = ()
        self.last = ""

    def on_start(self, ctx: Ctx) -> None:
        if self.period:
            ctx.set_timer("next", self.period)

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        self.want(name, args.get("value"), ctx)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if name == "next":
            ctx.set_timer("next", self.period)
            self.want(ctx.rng.choice(("read", "write")), None, ctx)
        elif self.tries >= _TRIES:
            QUORUM.fire(self, "gave up", ctx)
        else:
            self.post(ctx)

    def want(self, kind: str, value: Any, ctx: Ctx) -> None:
        if kind == "write" and value is None:
            self.count += 1
            value = self.count
        self.queue = (*self.queue, (kind, value))
        if self.state == "idle":
            self.begin(ctx)

    def begin(self, ctx: Ctx) -> None:
        (self.kind, self.value), *rest = self.queue
        self.queue = tuple(rest)
        self.op += 2  # an operation has two phases, each with a number of its own
        asked = {"value": self.value} if self.kind == "write" else {}
        ctx.emit("invoke", op=self.op, f=self.kind, **asked)
        QUORUM.fire(self, self.kind, ctx)

    # -- the two phases ----------------------------------------------------------------------------------------

    def ask(self, ctx: Ctx) -> None:
        self.answers, self.tries = {}, 0
        self.post(ctx)

    def counts_alone(self, ctx: Ctx) -> bool:
        return self.single

    def writes(self, ctx: Ctx) -> bool:
        return self.kind == "write"

    def writes_back(self, ctx: Ctx) -> bool:
        self.stamp, self.value = max(self.answers.values(), key=lambda answer: answer[0])
        return self.writeback and self.variant != "no-writeback"

    def store_next(self, ctx: Ctx) -> None:
        """Every write gets a stamp of its own, above all that a read quorum has."""
        highest = max((stamp[0] for stamp, _ in self.answers.values()), default=0) if not self.single else 0
        self.number = max(self.number, highest) + 1
        self.stamp = (self.number, ctx.me)
        self.store(ctx)

    def store_read(self, ctx: Ctx) -> None:
        ctx.note(f"{ctx.me} writes {self.value} back before it returns it")
        self.store(ctx)

    def store(self, ctx: Ctx) -> None:
        self.answers, self.tries = {}, 0
        self.post(ctx)

    def post(self, ctx: Ctx) -> None:
        """Ask all replicas that have not answered in this phase."""
        self.tries += 1
        asking = self.state == "asking"
        msg = Get(self.op) if asking else Put(self.op + 1, self.stamp, self.value)
        for name in self.replicas:
            if name not in self.answers:
                ctx.send(name, msg)
        ctx.set_timer("again", self.timeout)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if isinstance(msg, Have) and self.state == "asking" and msg.op == self.op:
            self.answers = {**self.answers, src: (msg.stamp, msg.value)}
            if len(self.answers) == self.r:
                QUORUM.fire(self, "R answers", ctx)
        elif isinstance(msg, Stored) and self.state == "storing" and msg.op == self.op + 1:
            self.answers = {**self.answers, src: (self.stamp, self.value)}
            if len(self.answers) == self.w:
                QUORUM.fire(self, "W answers", ctx)

    def finish(self, ctx: Ctx) -> None:
        ctx.cancel_timer("again")
        self.sure = max(self.sure, self.stamp)
        result = {"value": self.value} if self.kind == "read" else {}
        ctx.note(f"{ctx.me} {self.kind}s {self.value}: {len(self.answers)} of {len(self.replicas)} answered")
        ctx.emit("ok", op=self.op, **result)
        self.last = f"{self.kind} {self.value} ✓"
        self.go_on(ctx)

    def give_up(self, ctx: Ctx) -> None:
        need = self.w if self.kind == "write" else self.r
        ctx.note(f"{ctx.me} gives up its {self.kind}: {len(self.answers)} of {need} answered")
        ctx.emit("unknown", op=self.op)
        self.last = f"{self.kind}: unknown"
        self.go_on(ctx)

    def go_on(self, ctx: Ctx) -> None:
        self.stamp = NEVER
        if self.queue:
            self.begin(ctx)

    def look(self) -> Look:
        need = self.r if self.state == "asking" else self.w
        if self.state == "idle":
            return Look("client", "C", -1, f"client, {self.last or 'has asked nothing yet'}", self.last)
        verb = "asks" if self.state == "asking" else f"stores {self.value}"
        have = f"{len(self.answers)} of {need}"
        return Look("client", "C", self.stamp[0] or -1, f"client, {self.kind}: {verb}, has {have}", have)

    def label(self, msg: Any) -> str:
        return str(msg)
