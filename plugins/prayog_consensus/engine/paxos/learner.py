"""The learner: it wants to know what was chosen, and may believe it only when a majority voted in one ballot."""

from __future__ import annotations

from typing import ClassVar

from prayog_consensus.engine.paxos.messages import Accepted, Ballot, Chosen, told
from prayog_consensus.engine.paxos.role import Role
from prayog_sim.node import Ctx
from prayog_sim.run import Look

__all__ = ["Learner"]


class Learner(Role):
    """Learns the value: from votes that it counts itself, or from a proposer that did (PMS §2.3)."""

    durable: ClassVar[tuple[str, ...]] = ("learned",)
    hears: ClassVar = {Accepted: "heard_of_vote", Chosen: "heard_of_choice"}

    def __init__(self, quorum: int) -> None:
        self.quorum = quorum
        self.learned: str | None = None
        self.ballots: dict[Ballot, frozenset[str]] = {}
        """Who voted, by ballot."""

    def heard_of_vote(self, src: str, msg: Accepted, ctx: Ctx) -> None:
        """One vote more."""
        voters = self.ballots.get(msg.ballot, frozenset[str]())
        if src not in voters:
            self.ballots[msg.ballot] = voters = voters | {src}
            if len(voters) >= self.quorum:
                why = f"{len(voters)} votes in {told(msg.ballot)}"
                self.learn(msg.value, why, ctx)

    def heard_of_choice(self, src: str, msg: Chosen, ctx: Ctx) -> None:
        """Somebody counted the votes for us."""
        self.learn(msg.value, f"{src} counted the votes of {told(msg.ballot)}", ctx)

    def learn(self, value: str, why: str, ctx: Ctx) -> None:
        """Know the value.  A learner that hears a second one keeps the last, for all to see."""
        if self.learned != value:
            self.learned = value
            ctx.note(f"{ctx.me} learns {value}: {why}")
            ctx.emit("commit", slot=0, value=value)

    def look(self) -> Look:
        most = max((len(voters) for voters in self.ballots.values()), default=0)
        return Look(
            role="learner",
            letter="L",
            hue=max((ballot[0] for ballot in self.ballots), default=-1),
            sentence=f"learner, knows {self.learned or 'nothing yet'}",
            badge=self.learned or (f"{most} of {self.quorum} votes" if most else ""),
        )
