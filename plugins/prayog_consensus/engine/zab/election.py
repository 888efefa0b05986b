"""Phase 0, fast leader election: the one with the newest history should lead, so that little need be copied.

Rules
1. A better vote is one for a server of a newer epoch, then of a newer last transaction, then of a higher number.
2. Whoever hears a better vote adopts it and tells everybody.  When a quorum agrees, it waits a moment for better ones.
3. The election is only a good guess.  That the leader is safe is decided by the quorums of the phases that follow.
"""

from __future__ import annotations

from typing import ClassVar

from prayog_consensus.engine.zab.messages import Ranking, Vote
from prayog_consensus.engine.zab.state import PHASES, State
from prayog_sim.node import Ctx

__all__ = ["Election"]


class Election(State):
    """The part of a server that looks for a leader."""

    hears: ClassVar = {Vote: "hear_vote"}

    def give_up(self, why: str, ctx: Ctx) -> None:
        """Look for a leader (again)."""
        ctx.note(f"{self.me} looks for a leader: {why}")
        if self.state == "leading":
            ctx.emit("stepdown", term=self.epoch)
        for timer in ("fsync", "patience", "ping", "quorum", "finalize"):
            ctx.cancel_timer(timer)
        self.staged, self.buffer, self.leader = None, (), ""
        self.forget_epoch()
        PHASES.fire(self, "lost", ctx)

    def look_round(self, ctx: Ctx) -> None:
        """A new round of votes; the first is for myself."""
        self.round += 1
        self.forget_election()
        self.vote = self.own_vote()
        ctx.emit("candidate", term=self.accepted)
        self.tell_vote(ctx)

    def own_vote(self) -> tuple[Ranking, str]:
        return (self.current, self.last, self.servers.index(self.me)), self.me

    def tell_vote(self, ctx: Ctx) -> None:
        self.votes[self.me] = self.vote
        for dst in self.others:
            ctx.send(dst, Vote(self.round, *self.vote, "looking"))
        ctx.set_timer("vote", self.timeout)
        self.count_votes(ctx)

    def hear_vote(self, src: str, msg: Vote, ctx: Ctx) -> None:
        if self.state != "looking":
            if msg.state == "looking" and self.leads:
                ctx.send(src, Vote(self.round, *self.vote, "leading"))
            elif msg.state == "looking" and src == self.leader and self.state != "joining":
                self.give_up(f"{src} does not lead any more", ctx)
        elif msg.state == "looking":
            self.compare(src, msg, ctx)
        elif msg.state == "leading":
            ctx.note(f"{self.me} follows {src}, which leads already")
            self.leader = src
            PHASES.fire(self, "found", ctx)

    def compare(self, src: str, msg: Vote, ctx: Ctx) -> None:
        """Rule 2."""
        theirs = (msg.ranking, msg.leader)
        if msg.round < self.round:
            ctx.send(src, Vote(self.round, *self.vote, "looking"))
            return
        better = theirs > self.vote
        if msg.round > self.round:
            self.round, self.votes = msg.round, {}
            self.vote = max(theirs, self.own_vote())
            self.votes[src] = theirs
            self.tell_vote(ctx)
        elif better:
            self.vote = theirs
            ctx.note(f"{self.me} votes for {msg.leader}: its epoch, history or number is above all it knew")
            self.votes[src] = theirs
            self.tell_vote(ctx)
        else:
            self.votes[src] = theirs
            self.count_votes(ctx)

    def agreeing(self) -> int:
        return sum(vote == self.vote for vote in self.votes.values())

    def count_votes(self, ctx: Ctx) -> None:
        if self.agreeing() >= self.majority:
            ctx.set_timer("finalize", max(1, self.timeout // 5))

    def finalize(self, ctx: Ctx) -> None:
        """No better vote came for a moment."""
        if self.agreeing() < self.majority:
            return
        self.leader = self.vote[1]
        ctx.note(f"{self.me}: {self.agreeing()} of {self.n} are for {self.leader}")
        PHASES.fire(self, "elected" if self.leader == self.me else "found", ctx)
