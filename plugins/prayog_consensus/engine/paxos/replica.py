"""A node that plays all three parts, as nodes of real systems do."""

from __future__ import annotations

from typing import ClassVar

from prayog_consensus.engine.paxos.acceptor import Acceptor
from prayog_consensus.engine.paxos.learner import Learner
from prayog_consensus.engine.paxos.messages import told
from prayog_consensus.engine.paxos.proposer import PROPOSER, Proposer
from prayog_consensus.engine.setup import CORRECT
from prayog_sim.node import Ctx
from prayog_sim.run import Look

__all__ = ["Replica"]


class Replica(Proposer, Acceptor, Learner):
    """Proposer, acceptor and learner in one; it tells the others what was chosen when its own ballot won."""

    durable: ClassVar[tuple[str, ...]] = (*Proposer.durable, *Acceptor.durable, *Learner.durable)

    def __init__(
        self, me: str, nodes: tuple[str, ...], quorum: int, timeout: int, retry: str, variant: str = CORRECT
    ) -> None:
        others = tuple(node for node in nodes if node != me)
        Proposer.__init__(self, frozenset(nodes), quorum, others, timeout, retry, variant)
        Acceptor.__init__(self, (), variant)
        Learner.__init__(self, quorum)

    def decide(self, ctx: Ctx) -> None:
        super().decide(ctx)
        self.learned = self.decision

    def learn(self, value: str, why: str, ctx: Ctx) -> None:
        super().learn(value, why, ctx)
        if self.state != "decided":
            ctx.cancel_timer("retry")
            PROPOSER.fire(self, "news", ctx)
        self.decision = value

    def look(self) -> Look:
        own, vote = Proposer.look(self), Acceptor.look(self)
        if self.state == "idle":
            return vote
        hue = max(self.promised[0], self.ballot[0])
        return Look(own.role, "P", hue, f"{own.sentence}; promised {told(self.promised)}", own.badge, own.tally)
