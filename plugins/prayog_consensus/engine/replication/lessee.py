"""A server that leads while it holds a lease, and writes to a shared storage: what a leader may be wrong about.

Rules
1. Each epoch has one leader: a server votes once per epoch, and a majority's votes make a leader.  With ``noquorum``
   whoever misses the leader makes itself one; two can then take the same epoch, and no token tells them apart.
2. A leader believes in its lease until its own clock says that no majority has answered for one timeout.
3. It checks the lease, then works for a while (``think``), then writes.  Between check and write it may be paused: by a
   garbage collection, a full disk, a hypervisor.  The write then leaves in good faith, and too late.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from prayog_consensus.engine.replication.storage import Accepted, Refused, Write
from prayog_sim.node import Ctx, Node
from prayog_sim.run import Look

__all__ = ["Alive", "Elect", "Lead", "Lessee", "Vote"]


@dataclass(frozen=True, slots=True)
class Elect:
    """Vote for me in this epoch?"""

    epoch: int

    def __str__(self) -> str:
        return f"vote e{self.epoch}?"


@dataclass(frozen=True, slots=True)
class Vote:
    """Yes; I vote for nobody else in it."""

    epoch: int

    def __str__(self) -> str:
        return f"vote e{self.epoch} ✓"


@dataclass(frozen=True, slots=True)
class Lead:
    """I lead in this epoch; `number` counts the heartbeats."""

    epoch: int
    number: int

    def __str__(self) -> str:
        return f"lead e{self.epoch}"


@dataclass(frozen=True, slots=True)
class Alive:
    """I follow; or, with a higher epoch: you are too late."""

    epoch: int
    number: int

    def __str__(self) -> str:
        return f"alive e{self.epoch} ✓"


class Lessee(Node):
    """One server; times in µs.  ``quorum``: it needs a majority to lead and to go on leading."""

    durable: ClassVar[tuple[str, ...]] = ("epoch", "voted", "led")

    def __init__(
        self, me: str, servers: tuple[str, ...], timeout: int, spread: float, quorum: bool, period: int
    ) -> None:
        self.me = me
        self.others = tuple(name for name in servers if name != me)
        self.first = me == servers[0]
        self.timeout = timeout
        self.spread = spread
        self.quorum = quorum
        self.period = period
        self.role = "follower"
        self.epoch = 0
        self.voted = ""
        self.led: tuple[int, ...] = ()
        """Epochs in which this server was leader; for the invariants."""
        self.voters: tuple[str, ...] = ()
        self.beats = 0
        self.confirmed = 0
        """The last heartbeat that a majority has answered."""
        self.writes = 0
        self.refused = 0
        self.busy = False
        """It has checked its lease, and will write."""
        self.token = 0
        """The epoch in which it checked: what it will write with."""

    def on_start(self, ctx: Ctx) -> None:
        if self.first and self.epoch == 0:
            self.campaign(ctx)
        else:
            self.watch(ctx)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        match name:
            case "silence":
                self.campaign(ctx)
            case "beat":
                self.beat(ctx)
            case "work":
                self.busy, self.token = True, self.epoch
                ctx.emit("checked", epoch=self.epoch)
                ctx.note(f"{ctx.me} has checked that it leads, and begins to work on its next write")
                ctx.set_timer("think", self.period // 2)
            case "think":
                self.busy = False
                self.writes += 1
                ctx.send("store", Write(self.token, f"{ctx.me}.{self.writes}"))
                if self.role == "leader":
                    ctx.set_timer("work", self.period // 2)
            case _ if self.quorum and self.confirmed <= int(name.removeprefix("lease ")):
                self.step_down(f"no majority has answered for {self.timeout // 1000} ms", ctx)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        match msg:
            case Elect():
                self.asked_to_vote(src, msg, ctx)
            case Vote() if self.role == "candidate" and msg.epoch == self.epoch:
                self.voters = tuple(dict.fromkeys((*self.voters, src)))
                self.count(ctx)
            case Lead():
                self.heard_leader(src, msg, ctx)
            case Alive():
                self.answered(src, msg, ctx)
            case Refused():
                self.refused += 1
                if msg.highest > self.epoch:
                    self.step_down(f"the storage has seen epoch {msg.highest}", ctx)
                    self.epoch, self.voted = msg.highest, ""
            case Accepted():
                pass  # the storage's word; nothing follows from it

    # -- elections ---------------------------------------------------------------------------------------------

    def campaign(self, ctx: Ctx) -> None:
        self.epoch += 1
        self.voted, self.voters, self.role = ctx.me, (), "candidate"
        if self.quorum:
            ctx.note(f"{ctx.me} hears from no leader and asks for votes in epoch {self.epoch}")
            for name in self.others:
                ctx.send(name, Elect(self.epoch))
        self.watch(ctx)
        self.count(ctx)

    def asked_to_vote(self, src: str, msg: Elect, ctx: Ctx) -> None:
        if msg.epoch <= self.epoch:
            why = f"has voted for {self.voted}" if msg.epoch == self.epoch and self.voted else f"is in {self.epoch}"
            ctx.note(f"{ctx.me} refuses {src} its vote in epoch {msg.epoch}: it {why}")
            return
        self.step_down(f"{src} asks for votes in epoch {msg.epoch}", ctx)
        self.epoch, self.voted = msg.epoch, src
        ctx.send(src, Vote(msg.epoch))

    def count(self, ctx: Ctx) -> None:
        if self.quorum and 2 * (len(self.voters) + 1) <= len(self.others) + 1:
            return
        self.role = "leader"
        self.led = (*self.led, self.epoch)
        have = f"{len(self.voters) + 1} of {len(self.others) + 1} votes" if self.quorum else "asking nobody"
        ctx.note(f"{ctx.me} leads in epoch {self.epoch}, {have}")
        ctx.emit("leader", term=self.epoch)
        ctx.cancel_timer("silence")
        self.beat(ctx)
        ctx.set_timer("work", self.period // 2)

    def heard_leader(self, src: str, msg: Lead, ctx: Ctx) -> None:
        if msg.epoch < self.epoch:
            ctx.send(src, Alive(self.epoch, 0))
            return
        if msg.epoch == self.epoch and self.role == "leader":
            return  # two leaders of one epoch: only possible without a quorum
        if msg.epoch > self.epoch:
            self.step_down(f"{src} leads in epoch {msg.epoch}", ctx)
            self.epoch, self.voted = msg.epoch, ""
        self.role = "follower"
        self.watch(ctx)
        ctx.send(src, Alive(msg.epoch, msg.number))

    # -- the lease ---------------------------------------------------------------------------------------------

    def beat(self, ctx: Ctx) -> None:
        """Each heartbeat has a timer of one timeout; when that is due, a *later* one must have been answered."""
        self.beats += 1
        self.voters = ()
        for name in self.others:
            ctx.send(name, Lead(self.epoch, self.beats))
        if self.quorum and self.others:
            ctx.set_timer(f"lease {self.beats}", self.timeout)
        ctx.set_timer("beat", max(1, self.timeout // 3))

    def answered(self, src: str, msg: Alive, ctx: Ctx) -> None:
        if msg.epoch > self.epoch:
            self.step_down(f"{src} is in epoch {msg.epoch}", ctx)
            self.epoch, self.voted = msg.epoch, ""
        elif self.role == "leader" and msg.number == self.beats and src not in self.voters:
            self.voters = (*self.voters, src)
            if 2 * (len(self.voters) + 1) > len(self.others) + 1:
                self.confirmed = self.beats

    def step_down(self, why: str, ctx: Ctx) -> None:
        """Lead no more.  What it has begun to write will still be sent: it believed that it led when it began."""
        if self.role == "leader":
            ctx.note(f"{ctx.me} steps down from epoch {self.epoch}: {why}")
            ctx.emit("stepdown", term=self.epoch)
        for name in ("beat", "work", *(f"lease {number}" for number in range(self.beats - 3, self.beats + 1))):
            ctx.cancel_timer(name)
        self.role = "follower"
        self.watch(ctx)

    def watch(self, ctx: Ctx) -> None:
        ctx.set_timer("silence", self.timeout + int(self.timeout * self.spread * ctx.rng.random()))

    def look(self) -> Look:
        have = f"{len(self.voters) + 1} of {len(self.others) + 1}"
        letter = {"leader": "L", "candidate": "C", "follower": "F"}[self.role]
        doing = ", works on a write" if self.busy else ""
        badge = "writes soon" if self.busy else f"no majority: {have}" if self.role == "candidate" else ""
        return Look(self.role, letter, self.epoch, f"{self.role} in epoch {self.epoch}{doing}", badge)

    def label(self, msg: Any) -> str:
        return str(msg)
