"""The acceptor: it promises and it votes, and never goes back on either.

Rules (PMS §2.2)
1. P1a: it votes in a ballot unless it has promised a higher one.
2. A promise reports the last vote cast.
3. Promise and vote are on disk before the answer leaves: an acceptor that forgets is a liar.
"""

from __future__ import annotations

from typing import ClassVar

from prayog_consensus.engine.paxos.messages import (
    NO_BALLOT,
    Accept,
    Accepted,
    Ballot,
    Prepare,
    Promise,
    Refuse,
    Vote,
    told,
)
from prayog_consensus.engine.paxos.role import Role
from prayog_consensus.engine.setup import CORRECT
from prayog_sim.node import Ctx
from prayog_sim.run import Look

__all__ = ["Acceptor"]


class Acceptor(Role):
    """Remembers a promise and a vote.  ``learners`` hear of every vote directly (PMS §2.3, the first way)."""

    durable: ClassVar[tuple[str, ...]] = ("promised", "vote", "votes", "highest")
    hears: ClassVar = {Prepare: "asked_to_promise", Accept: "asked_to_vote"}

    def __init__(self, learners: tuple[str, ...] = (), variant: str = CORRECT) -> None:
        self.learners = learners
        self.variant = variant
        self.promised: Ballot = NO_BALLOT
        self.vote: Vote | None = None
        self.votes: tuple[Vote, ...] = ()
        """All votes ever cast: nobody needs them but the invariants, which look across time."""
        self.highest: Ballot = NO_BALLOT
        """The highest promise ever given; for the invariants too."""

    def on_start(self, ctx: Ctx) -> None:
        if self.variant == "forgets-promise":
            self.promised = NO_BALLOT
        super().on_start(ctx)

    def asked_to_promise(self, src: str, msg: Prepare, ctx: Ctx) -> None:
        """Phase 1b.  A repeated request gets the same answer: messages may be doubled."""
        if msg.ballot < self.promised:
            ctx.note(f"{ctx.me} refuses {told(msg.ballot)}: it has promised {told(self.promised)}")
            self.post(src, Refuse(msg.ballot, self.promised), ctx)
            return
        before, self.promised = self.promised, msg.ballot
        self.highest = max(self.highest, msg.ballot)
        had = f"and reports {self.vote[1]} of {told(self.vote[0])}" if self.vote else "and has voted for nothing yet"
        ctx.note(f"{ctx.me} promises {told(msg.ballot)} (before: {told(before)}) {had}")
        self.post(src, Promise(msg.ballot, self.vote), ctx)

    def asked_to_vote(self, src: str, msg: Accept, ctx: Ctx) -> None:
        """Phase 2b."""
        if msg.ballot < self.promised and self.variant != "no-promise-check":
            ctx.note(f"{ctx.me} does not vote for {msg.value}: {told(msg.ballot)} is below its promise "
                     f"{told(self.promised)}")  # fmt: skip
            self.post(src, Refuse(msg.ballot, self.promised), ctx)
            return
        self.promised = max(self.promised, msg.ballot)
        self.highest = max(self.highest, msg.ballot)
        self.vote = (msg.ballot, msg.value)
        if self.vote not in self.votes:
            self.votes = (*self.votes, self.vote)
        ctx.note(f"{ctx.me} votes for {msg.value} in {told(msg.ballot)}: it has promised nothing higher")
        for dst in (src, *self.learners):
            self.post(dst, Accepted(msg.ballot, msg.value), ctx)

    def look(self) -> Look:
        voted = f"voted for {self.vote[1]} in {told(self.vote[0])}" if self.vote else "has not voted"
        return Look(
            role="acceptor",
            letter="A",
            hue=self.promised[0] if self.promised != NO_BALLOT else -1,
            sentence=f"acceptor, promised {told(self.promised)}, {voted}",
            badge=self.vote[1] if self.vote else "",
        )
