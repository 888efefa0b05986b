"""The proposer: it asks for promises, takes over the highest value it hears of, and asks for votes.

Rules (PMS §2.2)
1. P2c: among a majority's promises, the vote of the highest ballot decides the value; only when nobody voted may
   the proposer propose its own.
2. A ballot is used once: its round is on disk before the first `Prepare` leaves, so that a restart takes a new one.
3. Nothing here guarantees progress.  Two eager proposers can outbid each other for ever (PMS §2.4); ``backoff``
   makes a refused one wait for a random time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from prayog_consensus.engine.paxos.messages import (
    NO_BALLOT,
    Accept,
    Accepted,
    Ballot,
    Chosen,
    Prepare,
    Promise,
    Refuse,
    Vote,
    told,
)
from prayog_consensus.engine.paxos.role import Role
from prayog_consensus.engine.setup import CORRECT
from prayog_sim.clock import parse_duration
from prayog_sim.node import Ctx
from prayog_sim.run import ActionError, Look, tally
from prayog_sim.table import Row, Table

__all__ = ["PROPOSER", "Proposer"]

PROPOSER = Table(
    "idle",
    (
        Row("idle", "propose", "preparing", do="prepare", why="phase 1"),
        Row("preparing", "promise", "accepting", when="promised_by_majority", do="ask_for_votes", why="phase 2"),
        Row("preparing", "promise", "preparing", why="too few yet"),
        Row("preparing", "refusal", "waiting", when="patient", do="wait", why="outbid"),
        Row("preparing", "refusal", "preparing", do="prepare", why="outbid, again at once"),
        Row("preparing", "timeout", "preparing", do="prepare", why="no majority answered"),
        Row("preparing", "propose", "preparing", do="prepare", why="by hand"),
        Row("accepting", "vote", "decided", when="voted_by_majority", do="decide", why="chosen"),
        Row("accepting", "vote", "accepting", why="too few yet"),
        Row("accepting", "refusal", "waiting", when="patient", do="wait", why="outbid"),
        Row("accepting", "refusal", "preparing", do="prepare", why="outbid, again at once"),
        Row("accepting", "timeout", "preparing", do="prepare", why="no majority voted"),
        Row("accepting", "propose", "preparing", do="prepare", why="by hand"),
        Row("waiting", "timeout", "preparing", do="prepare", why="waited long enough"),
        Row("waiting", "propose", "preparing", do="prepare", why="by hand"),
        Row("decided", "propose", "preparing", do="prepare", why="ask again: the answer is the same"),
        *(
            Row(state, "news", "decided", why="heard what was chosen")
            for state in ("idle", "preparing", "accepting", "waiting")
        ),
    ),
)


class Proposer(Role):
    """Proposes a value to `acceptors`.

    ``tells``: learners to which it reports the choice.  ``timeout`` (µs): how long it waits for a majority.
    ``retry``: what it does when it was outbid: ``eager`` begins again at once, ``backoff`` waits for a random time,
    ``manual`` waits for a person (and has no timeouts either).
    """

    durable: ClassVar[tuple[str, ...]] = ("round", "wanted", "asked", "decision")
    actions: ClassVar[tuple[str, ...]] = ("propose",)
    hears: ClassVar = {Promise: "heard_promise", Accepted: "heard_vote", Refuse: "heard_refusal"}

    def __init__(
        self,
        acceptors: frozenset[str],
        quorum: int,
        tells: tuple[str, ...] = (),
        timeout: int = 150_000,
        retry: str = "eager",
        variant: str = CORRECT,
    ) -> None:
        self.acceptors = acceptors
        """A set, as are the voters: to the explorer, acceptors that swap their names are the same state."""
        self.quorum = quorum
        self.tells = tells
        self.timeout = timeout
        self.retry = retry
        self.variant = variant
        self.state = PROPOSER.start
        self.round = 0
        self.wanted = ""
        self.asked: tuple[str, ...] = ()
        """All values it was ever asked to propose, for the invariant *only proposed values are chosen*."""
        self.decision: str | None = None
        self.ballot: Ballot = NO_BALLOT
        self.value = ""
        self.promises: dict[str, Vote | None] = {}
        self.voters: frozenset[str] = frozenset()
        self.seen = 0
        """The highest round that anybody mentioned."""
        self.failures = 0

    def on_start(self, ctx: Ctx) -> None:
        if self.variant == "reuses-ballots":
            self.round = 0
        super().on_start(ctx)

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        value = str(args.get("value", "") or self.wanted)
        if not value:
            raise ActionError(f"{ctx.me} needs a value to propose, such as: propose {ctx.me} red")
        self.wanted = value
        if value not in self.asked:
            self.asked = (*self.asked, value)
        after = str(args.get("after") or "0ms")
        try:
            delay = parse_duration(after)
        except ValueError as error:
            raise ActionError(str(error)) from None
        if delay > 0:
            ctx.set_timer("propose", delay)
        else:
            PROPOSER.fire(self, "propose", ctx)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if name == "propose":
            PROPOSER.fire(self, "propose", ctx)
        elif name == "retry" and self.state != "decided":
            PROPOSER.fire(self, "timeout", ctx)

    # -- phase 1 -----------------------------------------------------------------------------------------------

    def prepare(self, ctx: Ctx) -> None:
        """Begin a new ballot, higher than all that it knows of."""
        self.round = max(self.round, self.seen) + 1
        self.ballot = (self.round, ctx.me)
        self.value, self.promises, self.voters = "", {}, frozenset()
        ctx.emit("ballot", ballot=told(self.ballot))
        self._watch(ctx)
        self._ask_all(Prepare(self.ballot), ctx)

    def heard_promise(self, src: str, msg: Promise, ctx: Ctx) -> None:
        """One promise more."""
        if msg.ballot != self.ballot or self.state != "preparing":
            why = "a majority had promised already" if msg.ballot == self.ballot else "that ballot is over"
            ctx.note(f"{ctx.me} does not need {src}'s promise for {told(msg.ballot)}: {why}")
            return
        self.promises[src] = msg.vote
        PROPOSER.fire(self, "promise", ctx)

    def promised_by_majority(self, ctx: Ctx) -> bool:
        return len(self.promises) >= self.quorum

    # -- phase 2 -----------------------------------------------------------------------------------------------

    def ask_for_votes(self, ctx: Ctx) -> None:
        """Phase 2a: the value is not free any more when somebody in the majority has voted (P2c)."""
        votes = sorted(vote for vote in self.promises.values() if vote)
        if self.variant == "own-value":
            votes = []
        if not votes:
            self.value = self.wanted
            ctx.note(f"{ctx.me} proposes its own {self.value}: none of {len(self.promises)} acceptors has voted")
        else:
            ballot, self.value = votes[0] if self.variant == "lowest-ballot" else votes[-1]
            ctx.note(f"{ctx.me} takes over {self.value}: it has votes of ballot {told(ballot)}")
        self._watch(ctx)
        self._ask_all(Accept(self.ballot, self.value), ctx)

    def heard_vote(self, src: str, msg: Accepted, ctx: Ctx) -> None:
        """One vote more."""
        if msg.ballot != self.ballot or self.state != "accepting":
            return
        self.voters = self.voters | {src}
        PROPOSER.fire(self, "vote", ctx)

    def voted_by_majority(self, ctx: Ctx) -> bool:
        return len(self.voters) >= self.quorum

    def decide(self, ctx: Ctx) -> None:
        """A majority voted in this ballot: the value is chosen."""
        ctx.cancel_timer("retry")
        self.decision = self.value
        ctx.note(f"{ctx.me}: {self.value} is chosen, by {' '.join(sorted(self.voters))} in {told(self.ballot)}")
        ctx.emit("commit", slot=0, value=self.value)
        for learner in self.tells:
            self.post(learner, Chosen(self.ballot, self.value), ctx)

    # -- outbid ------------------------------------------------------------------------------------------------

    def heard_refusal(self, src: str, msg: Refuse, ctx: Ctx) -> None:
        """Somebody promised a higher ballot: this one is as good as lost."""
        self.seen = max(self.seen, msg.promised[0])
        if msg.ballot == self.ballot and self.state in ("preparing", "accepting"):
            ctx.note(f"{ctx.me} is outbid: {src} has promised {told(msg.promised)}, above {told(self.ballot)}")
            ctx.emit("outbid", ballot=told(self.ballot), by=told(msg.promised))
            self.failures += 1
            PROPOSER.fire(self, "refusal", ctx)

    def patient(self, ctx: Ctx) -> bool:
        return self.retry != "eager"

    def wait(self, ctx: Ctx) -> None:
        """Leave the others alone for a while; longer each time."""
        if self.retry == "manual":
            ctx.cancel_timer("retry")
        else:
            pause = ctx.rng.randint(1, self.timeout << min(self.failures, 6))
            ctx.note(f"{ctx.me} backs off for {pause // 1000} ms")
            ctx.set_timer("retry", pause)

    def _ask_all(self, msg: Prepare | Accept, ctx: Ctx) -> None:
        for acceptor in sorted(self.acceptors, key=lambda name: (name == ctx.me, len(name), name)):
            self.post(acceptor, msg, ctx)

    def _watch(self, ctx: Ctx) -> None:
        if self.retry != "manual":
            ctx.set_timer("retry", self.timeout)

    def look(self) -> Look:
        n = len(self.acceptors)
        have = len(self.promises) if self.state == "preparing" else len(self.voters)
        what = {
            "idle": "has nothing to propose",
            "preparing": f"asks for promises for {told(self.ballot)}, has {have} of {n}",
            "accepting": f"asks for votes for {self.value} in {told(self.ballot)}, has {have} of {n}",
            "waiting": f"was outbid in {told(self.ballot)} and waits",
            "decided": f"knows that {self.decision} is chosen",
        }[self.state]
        short = f"no majority: {have} of {n}" if self.state in ("preparing", "accepting") else ""
        badge = self.decision or ("outbid" if self.state == "waiting" else short)
        have_said = self.promises if self.state == "preparing" else self.voters
        asking = self.state in ("preparing", "accepting")
        acceptors = sorted(self.acceptors, key=lambda name: (len(name), name))
        answers = tally(acceptors, have_said) if asking else ()
        return Look("proposer", "P", self.ballot[0] or -1, f"proposer, {what}", badge, answers)
