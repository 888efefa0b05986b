"""The Bully election: whoever misses the coordinator asks all higher ids, and the highest that is alive takes over.

Hector Garcia-Molina, "Elections in a distributed computing system", IEEE Transactions on Computers C-31(1), 1982, in
the form of the textbooks: ELECTION, OK, COORDINATOR.

Rules
1. It believes in timeouts: who does not answer in time is dead.  Slow links or a partition make two coordinators.
2. A node that was silent and comes back takes over again if it is the highest; hence the name.
3. ``majority`` (not in the paper) asks a majority before leading: see `bully_majority`.
4. ``quiet`` sends no heartbeats, so that nobody notices anything by itself and only `elect` begins an election.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from prayog_consensus.engine.elections.bully_majority import Majority
from prayog_consensus.engine.elections.bully_messages import Ack, Beat, Claim, Coordinator, Election, Ok, Support
from prayog_consensus.engine.elections.bully_table import BULLY
from prayog_consensus.engine.setup import CORRECT
from prayog_sim.node import Ctx
from prayog_sim.run import ActionError, Look, tally

__all__ = ["Bully"]

_TIMERS = {"silent": "suspect", "answer": "silence", "coordinator": "silence", "crown": "waited", "lease": "lapse"}


class Bully(Majority):
    """One node; ``ids`` are everybody's.  Times in µs: `patience` is how long it waits for an OK."""

    durable: ClassVar[tuple[str, ...]] = ("started", "backs")
    actions: ClassVar[tuple[str, ...]] = ("elect",)

    def __init__(
        self,
        me: str,
        ids: Mapping[str, int],
        timeout: int,
        spread: float = 1.0,
        patience: int = 0,
        majority: bool = False,
        quiet: bool = False,
        variant: str = CORRECT,
    ) -> None:
        self.id = ids[me]
        self.ids = dict(ids)
        self.timeout = timeout
        self.spread = spread
        self.patience = patience or timeout
        self.majority = majority
        self.quiet = quiet
        self.variant = variant
        self.state = BULLY.start
        self.started = False
        self.leader = ""
        self.backs = ""
        """With majority: the only one whose heartbeats it acknowledges; durable, or a restart would break its word."""
        self.turn = 0
        self.final = False
        """It has waited for the old lease, and asks the second time."""
        self.supporters: tuple[str, ...] = ()
        self.beats = 0
        self.sent_at = 0
        """With majority: when the last beat or claim was sent, on its own clock."""

    def on_start(self, ctx: Ctx) -> None:
        if self.started:
            ctx.note(f"{ctx.me} is back and asks whether somebody is above it")
            ctx.set_timer("release", 3 * self.timeout)
            BULLY.fire(self, "suspect", ctx)
            return
        self.started = True
        top = max(self.ids, key=lambda name: self.ids[name])
        self.believe(top, ctx)
        if top == ctx.me:
            BULLY.fire(self, "appointed", ctx)
        else:
            self.watch(ctx)

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        if self.state != "follower":
            what = "leads" if self.state == "leader" else "takes part in an election"
            raise ActionError(f"{ctx.me} {what} already; ask a node that follows")
        BULLY.fire(self, "suspect", ctx)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if name == "beat":
            self.beat(ctx)
        elif name == "release":
            self.backs = ""
        elif name == "silent":
            ctx.note(f"{ctx.me} has heard nothing from {self.leader or 'any coordinator'} and believes it is dead")
            BULLY.fire(self, "suspect", ctx)
        else:
            BULLY.fire(self, _TIMERS[name], ctx)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        match msg:
            case Election():
                BULLY.fire(self, "challenge", ctx, src)
            case Ok():
                BULLY.fire(self, "ok", ctx, src)
            case Support():
                self.supported(src, msg, ctx)
            case Ack():
                self.acknowledged(src, msg, ctx)
            case Claim():
                self.heard_claim(src, msg, ctx)
            case Coordinator() | Beat() if msg.id < self.id:
                BULLY.fire(self, "usurper", ctx, src)
            case Coordinator() | Beat() if self.majority and self.backs not in ("", src):
                ctx.note(f"{ctx.me} does not listen to {src}: it has promised {self.backs} to")
            case Coordinator():
                BULLY.fire(self, "news", ctx, src)
            case Beat():
                self.heard_beat(src, msg, ctx)

    # -- an election -------------------------------------------------------------------------------------------

    def ask_higher(self, ctx: Ctx, src: str = "") -> None:
        """Is anybody above me?"""
        self.rest(ctx)
        higher = [name for name, other in self.ids.items() if other > self.id]
        ctx.emit("initiate", id=self.id)
        if not higher:
            ctx.note(f"{ctx.me} has the highest id of all")
            BULLY.fire(self, "silence", ctx)
            return
        ctx.note(f"{ctx.me} asks {', '.join(higher)}: the ids above its own {self.id}")
        for name in higher:
            ctx.send(name, Election(self.id))
        ctx.set_timer("answer", self.patience)

    def answer(self, ctx: Ctx, src: str) -> None:
        ctx.send(src, Ok(self.id))

    def take_up(self, ctx: Ctx, src: str) -> None:
        ctx.note(f"{ctx.me} answers {src}, whose id is lower, and takes over the election")
        self.answer(ctx, src)
        self.ask_higher(ctx)

    def obeys(self, ctx: Ctx, src: str) -> bool:
        return self.variant != "no-suppression"

    def wait(self, ctx: Ctx, src: str) -> None:
        """Somebody higher lives: it will tell who leads, in the end."""
        self.rest(ctx)
        ctx.note(f"{ctx.me} leaves it to {src}")
        ctx.set_timer("coordinator", 4 * self.timeout if self.majority else 3 * self.timeout)

    def crown(self, ctx: Ctx) -> None:
        lower = [name for name, other in self.ids.items() if other < self.id]
        ctx.note(f"{ctx.me} leads, and tells {', '.join(lower) or 'nobody'}")
        for name in lower:
            ctx.send(name, Coordinator(self.id))
        self.believe(ctx.me, ctx)
        self.reign(ctx)

    def reign(self, ctx: Ctx) -> None:
        self.rest(ctx)
        ctx.emit("leader", term=0, id=self.id)
        if self.majority:
            since = self.sent_at if self.final else ctx.now
            ctx.set_timer("lease", max(0, since + self.timeout - ctx.now))
        if not self.quiet:
            self.beat(ctx)

    # -- following ---------------------------------------------------------------------------------------------

    def follow(self, ctx: Ctx, src: str) -> None:
        if self.leader == ctx.me:
            self.resign(f"{src} has a higher id and leads", ctx)
        self.rest(ctx)
        self.back(src, self.timeout, ctx)
        self.believe(src, ctx)
        self.watch(ctx)

    def heard_beat(self, src: str, msg: Beat, ctx: Ctx) -> None:
        """A sign of life of a node above this one."""
        if self.leader == src and self.state == "follower":
            self.watch(ctx)
        elif msg.id > self.ids.get(self.leader, 0) or self.state != "follower":
            BULLY.fire(self, "news", ctx, src)
        if self.majority and self.leader == src:
            self.back(src, self.timeout, ctx)
            ctx.send(src, Ack(msg.number))

    def put_down(self, ctx: Ctx, src: str) -> None:
        ctx.note(f"{ctx.me} puts {src} down: its id is lower")
        ctx.send(src, Coordinator(self.id))

    def reassert(self, ctx: Ctx, src: str) -> None:
        self.answer(ctx, src)
        self.put_down(ctx, src)

    def beat(self, ctx: Ctx) -> None:
        self.beats += 1
        self.supporters = ()
        if self.majority:
            self.sent_at = ctx.now
        for name in ctx.peers:
            ctx.send(name, Beat(self.id, self.beats))
        ctx.set_timer("beat", max(1, self.timeout // 3))

    def watch(self, ctx: Ctx) -> None:
        """Expect a heartbeat in time; each node waits for another time, so that mostly one notices first."""
        if not self.quiet:
            ctx.set_timer("silent", self.timeout + int(self.timeout * self.spread * ctx.rng.random()))

    # -- small things ------------------------------------------------------------------------------------------

    def believe(self, leader: str, ctx: Ctx) -> None:
        if self.leader != leader:
            self.leader = leader
            ctx.emit("elected", id=self.ids[leader], leader=leader)

    def look(self) -> Look:
        have = len(self.supporters) + 1
        role, letter, what, badge = {
            "follower": ("follower", "F", f"follows {self.leader or 'nobody'}", f"id {self.id}"),
            "electing": ("candidate", "E", "waits for an OK from a higher id", "asks"),
            "waiting": ("follower", "W", "got an OK and waits to hear who leads", "waits"),
            "claiming": ("candidate", "C", f"asks for a majority, has {have} of {len(self.ids)}",
                         f"no majority: {have} of {len(self.ids)}"),
            "leader": ("leader", "L", "is the coordinator", f"id {self.id}"),
        }[self.state]  # fmt: skip
        asked = {"electing": [name for name, other in self.ids.items() if other > self.id],
                 "claiming": [name for name, other in self.ids.items() if other != self.id]}  # fmt: skip
        answers = tally(asked.get(self.state, ()), self.supporters)
        return Look(role, letter, self.ids.get(self.leader, -1), f"id {self.id}, {what}", badge, answers)

    def label(self, msg: Any) -> str:
        return str(msg)
