"""Bully with a majority: a lease for the coordinator, so that two can never lead at once (while clocks run true).

Garcia-Molina's paper has nothing of the kind.  The lease is that of C. Gray and D. Cheriton, "Leases", SOSP 1989.

Rules
1. A lease lasts one timeout from the *sending* of a heartbeat (or of the second claim) that a majority answered.
2. A node that supports a claim answers nobody else from then on.  So, one timeout after a majority gave its support,
   no older lease is left: only then the claimer asks a second time, and those answers are its own lease.
3. A promise is durable, and released when no lease can rest on it any more.
"""

from __future__ import annotations

from prayog_consensus.engine.elections.bully_messages import Ack, Claim, Support
from prayog_consensus.engine.elections.bully_table import BULLY
from prayog_sim.node import Ctx, Node

__all__ = ["Majority"]


class Majority(Node):
    """The part of a `Bully` node that asks a majority; it also steps down and forgets."""

    id: int
    ids: dict[str, int]
    timeout: int
    majority: bool
    state: str
    leader: str
    backs: str
    turn: int
    final: bool
    supporters: tuple[str, ...]
    beats: int
    sent_at: int

    def needs_majority(self, ctx: Ctx) -> bool:
        return self.majority

    def claim(self, ctx: Ctx) -> None:
        """First time: ask the others to leave their coordinator."""
        self.backs = ctx.me
        ctx.cancel_timer("release")
        self.ask_all(ctx, final=False)

    def confirm(self, ctx: Ctx) -> None:
        """Second time: no lease can be left, and the answers begin this node's own."""
        self.ask_all(ctx, final=True)

    def ask_all(self, ctx: Ctx, final: bool) -> None:
        self.turn += 1
        self.final, self.supporters, self.sent_at = final, (), ctx.now
        for name in ctx.peers:
            ctx.send(name, Claim(self.id, self.turn))
        ctx.set_timer("answer", self.timeout)
        self.count_support(ctx)

    def supported(self, src: str, msg: Support, ctx: Ctx) -> None:
        if self.state == "claiming" and msg.turn == self.turn and src not in self.supporters:
            self.supporters = (*self.supporters, src)
            self.count_support(ctx)

    def count_support(self, ctx: Ctx) -> None:
        have, need = len(self.supporters) + 1, len(self.ids) // 2 + 1
        if have == need and self.final:
            BULLY.fire(self, "crowned", ctx)
        elif have == need:
            ctx.note(f"{ctx.me} has {have} of {len(self.ids)}, and waits until the old lease is certainly over")
            ctx.cancel_timer("answer")
            ctx.set_timer("crown", self.timeout)

    def give_up(self, ctx: Ctx) -> None:
        have, need = len(self.supporters) + 1, len(self.ids) // 2 + 1
        ctx.note(f"{ctx.me} may not lead: {have} of {len(self.ids)} support it, it needs {need}")
        ctx.emit("denied", have=have, need=need)
        self.backs = ""
        self.forget(ctx)
        self.watch(ctx)

    def heard_claim(self, src: str, msg: Claim, ctx: Ctx) -> None:
        if msg.id < self.id:
            BULLY.fire(self, "usurper", ctx, src)
            return
        BULLY.fire(self, "claim", ctx, src)
        ctx.send(src, Support(msg.turn))

    def support(self, ctx: Ctx, src: str) -> None:
        if self.leader == ctx.me:
            self.resign(f"{src} has a higher id and claims to lead", ctx)
        self.rest(ctx)
        self.forget(ctx)
        self.back(src, 3 * self.timeout, ctx)
        ctx.note(f"{ctx.me} supports {src} and acknowledges nobody else")
        ctx.set_timer("silent", 3 * self.timeout)

    def back(self, src: str, span: int, ctx: Ctx) -> None:
        """Acknowledge nobody but `src` for `span` µs: as long as a lease may rest on it."""
        if self.majority:
            self.backs = src
            ctx.set_timer("release", span)

    def acknowledged(self, src: str, msg: Ack, ctx: Ctx) -> None:
        """A majority that acknowledges a beat extends the lease from when the beat was *sent*."""
        if self.state != "leader" or msg.number != self.beats or src in self.supporters:
            return
        self.supporters = (*self.supporters, src)
        if 2 * (len(self.supporters) + 1) > len(self.ids):
            ctx.set_timer("lease", max(0, self.sent_at + self.timeout - ctx.now))

    def abdicate(self, ctx: Ctx) -> None:
        have = len(self.supporters) + 1
        self.resign(f"only {have} of {len(self.ids)} follow it", ctx)
        self.rest(ctx)
        self.forget(ctx)
        self.watch(ctx)

    def resign(self, why: str, ctx: Ctx) -> None:
        ctx.note(f"{ctx.me} steps down: {why}")
        ctx.emit("stepdown", term=0)

    def forget(self, ctx: Ctx) -> None:
        if self.leader:
            self.leader = ""
            ctx.emit("forgets")

    def rest(self, ctx: Ctx) -> None:
        for name in ("silent", "answer", "coordinator", "crown", "beat", "lease"):
            ctx.cancel_timer(name)

    def watch(self, ctx: Ctx) -> None:
        """Expect a heartbeat in time."""
        raise NotImplementedError
