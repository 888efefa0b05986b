"""What a server of Multi-Paxos remembers, and what it does whether it leads or not: vote, learn, apply.

Rules
1. Promise, votes and chosen commands are durable; the store is rebuilt from the chosen commands.
2. A command is applied only when every earlier slot has been.
3. News of a commit (``upto``) make a vote *chosen* only when the vote is of the same ballot as the news: an older vote
   in that slot may be for a command that lost.
"""

from __future__ import annotations

from typing import ClassVar

from prayog_consensus.engine.clients import Answer, Command, Store
from prayog_consensus.engine.paxos.messages import NO_BALLOT, Ballot, told
from prayog_consensus.engine.paxos.role import Role
from prayog_consensus.engine.paxos.slots import (
    AcceptedSlot,
    AcceptSlot,
    Commit,
    Entries,
    Fetch,
    Lower,
    PrepareAll,
    PromiseAll,
)
from prayog_consensus.engine.setup import CORRECT
from prayog_sim.node import Ctx
from prayog_sim.run import Look, tally
from prayog_sim.table import Row, Table

__all__ = ["LEADING", "Follower"]

LEADING = Table(
    "follower",
    (
        Row("follower", "timeout", "candidate", do="prepare", why="no word from a leader"),
        Row("candidate", "timeout", "candidate", do="prepare", why="no majority promised"),
        Row("candidate", "promise", "leader", when="promised_by_majority", do="take_over", why="majority promised"),
        Row("candidate", "promise", "candidate", why="too few yet"),
        Row("candidate", "higher ballot", "follower", do="follow", why="outbid"),
        Row("leader", "higher ballot", "follower", do="step_down", why="outbid"),
        Row("leader", "timeout", "candidate", do="campaign_again", why="by hand"),
    ),
)


class Follower(Role, Store):
    """``timeout`` (µs): how long it waits for a leader, at least; up to ``1 + spread`` times that."""

    hears: ClassVar = {
        PrepareAll: "asked_to_promise", AcceptSlot: "asked_to_vote", Commit: "heard_commit",
        Fetch: "asked_for_entries", Entries: "heard_entries",
    }  # fmt: skip
    durable: ClassVar[tuple[str, ...]] = ("promised", "votes", "chosen")
    actions: ClassVar[tuple[str, ...]] = ("campaign", "propose")

    def __init__(
        self,
        me: str,
        servers: tuple[str, ...],
        timeout: int = 150_000,
        spread: float = 1.0,
        elects: bool = True,
        piggyback: bool = False,
        variant: str = CORRECT,
    ) -> None:
        self.me = me
        self.servers = servers
        self.quorum = len(servers) // 2 + 1
        self.timeout, self.spread, self.elects = timeout, spread, elects
        self.piggyback = piggyback
        self.variant = variant
        self.state = LEADING.start
        self.promised: Ballot = NO_BALLOT
        self.votes: dict[int, tuple[Ballot, Command]] = {}
        self.chosen: dict[int, Command] = {}
        self.ballot: Ballot = NO_BALLOT
        """The ballot in which it leads or wants to lead."""
        self.promises: dict[str, PromiseAll] = {}
        self.tally: dict[int, tuple[str, ...]] = {}
        """As leader: who voted, for every slot that is not chosen yet."""
        self.next_slot = 1
        self.seen = 0
        self.leader = ""
        self.applied = 0
        self.waiting: tuple[Command, ...] = ()
        """Commands that came before the promises did."""
        self.empty_store()

    def on_start(self, ctx: Ctx) -> None:
        while self.applied + 1 in self.chosen:
            self.applied += 1
            self.execute(self.chosen[self.applied])
        self.listen(ctx)

    def listen(self, ctx: Ctx) -> None:
        """Wait for a leader's word, for a random time."""
        if self.elects:
            ctx.set_timer("election", self.timeout + int(self.timeout * self.spread * ctx.rng.random()))

    # -- votes -------------------------------------------------------------------------------------------------

    def asked_to_promise(self, src: str, msg: PrepareAll, ctx: Ctx) -> None:
        """Phase 1b."""
        if msg.ballot < self.promised:
            self.refuse(src, msg.ballot, "a promise", ctx)
            return
        self.obey(msg.ballot, ctx)
        votes = tuple((slot, *self.votes[slot]) for slot in sorted(self.votes) if slot >= msg.first)
        known = tuple((slot, self.chosen[slot]) for slot in sorted(self.chosen) if slot >= msg.first)
        ctx.note(
            f"{self.me} promises {told(msg.ballot)} for all slots from {msg.first}, and reports {len(votes)} votes"
        )
        self.post(src, PromiseAll(msg.ballot, votes, known), ctx)

    def asked_to_vote(self, src: str, msg: AcceptSlot, ctx: Ctx) -> None:
        """Phase 2b."""
        if msg.ballot < self.promised:
            self.refuse(src, msg.ballot, f"a vote for slot {msg.slot}", ctx)
            return
        self.obey(msg.ballot, ctx)
        self.votes[msg.slot] = (msg.ballot, msg.command)
        self.post(src, AcceptedSlot(msg.ballot, msg.slot), ctx)
        self.hear_commit(src, msg.ballot, msg.commit, ctx)

    def obey(self, ballot: Ballot, ctx: Ctx) -> None:
        """Promise `ballot`, which is not below the last promise; its owner leads, or wants to."""
        self.promised = ballot
        if ballot[1] != self.me:
            if self.state != "follower":
                LEADING.fire(self, "higher ballot", ctx, ballot)
            self.leader = ballot[1]
            self.listen(ctx)

    def refuse(self, src: str, ballot: Ballot, what: str, ctx: Ctx) -> None:
        ctx.note(f"{self.me} refuses {src} {what} in {told(ballot)}: it has promised {told(self.promised)}")
        self.post(src, Lower(ballot, self.promised), ctx)

    # -- what is chosen ----------------------------------------------------------------------------------------

    def heard_commit(self, src: str, msg: Commit, ctx: Ctx) -> None:
        if msg.ballot < self.promised:
            self.refuse(src, msg.ballot, "obedience", ctx)
            return
        self.obey(msg.ballot, ctx)
        self.hear_commit(src, msg.ballot, msg.upto, ctx)

    def hear_commit(self, src: str, ballot: Ballot, upto: int, ctx: Ctx) -> None:
        """The leader of `ballot` says that all slots up to `upto` are chosen (rule 3)."""
        missing = 0
        for slot in range(self.applied + 1, upto + 1):
            vote = self.votes.get(slot)
            if slot not in self.chosen and vote and (vote[0] == ballot or self.variant == "trusts-old-votes"):
                self.choose(slot, vote[1], ctx)
            elif slot not in self.chosen:
                missing = missing or slot
        self.apply(ctx)
        if missing and src != self.me:
            ctx.note(f"{self.me} asks {src} for slot {missing}: it has no vote of {told(ballot)} there")
            ctx.send(src, Fetch(missing))

    def asked_for_entries(self, src: str, msg: Fetch, ctx: Ctx) -> None:
        ctx.send(src, Entries(tuple((slot, self.chosen[slot]) for slot in sorted(self.chosen) if slot >= msg.first)))

    def heard_entries(self, src: str, msg: Entries, ctx: Ctx) -> None:
        for slot, command in msg.chosen:
            self.choose(slot, command, ctx)
        self.apply(ctx)

    def choose(self, slot: int, command: Command, ctx: Ctx) -> None:
        """`command` is chosen in `slot`; this node knows it now."""
        if self.chosen.get(slot) != command:
            self.chosen[slot] = command
            ctx.emit("commit", slot=slot, value=str(command))

    def apply(self, ctx: Ctx) -> None:
        """Apply chosen commands in order, up to the first hole (rule 2)."""
        if self.variant == "skips-holes" and any(slot > self.applied for slot in self.chosen):
            self.applied = min(slot for slot in self.chosen if slot > self.applied) - 1
        while (command := self.chosen.get(self.applied + 1)) is not None:
            self.applied += 1
            answer = self.execute(command)
            ctx.gauge("commit", self.applied)
            if self.state == "leader" and command.client:
                ctx.send(command.client, Answer(command.request, True, answer, self.me))

    def look(self) -> Look:
        n = len(self.servers)
        letter = {"leader": "L", "candidate": "C", "follower": "F"}[self.state]
        ballot = self.promised if self.state == "follower" else self.ballot
        badge = ""
        if self.state == "candidate":
            badge = f"no majority: {len(self.promises)} of {n}"
        elif self.tally:
            slot = min(self.tally)
            badge = f"slot {slot}: {len(self.tally[slot])} of {n} votes"
        sentence = (
            f"{self.state}, ballot {told(ballot)}, {self.applied} commands applied"
            + (f", leader {self.leader}" if self.leader and self.state == "follower" else "")
            + (f", hole at slot {self.applied + 1}" if any(slot > self.applied for slot in self.chosen) else "")
        )
        answers = tally(self.servers, self.promises) if self.state == "candidate" else ()
        return Look(self.state, letter, ballot[0] or -1, sentence, badge, answers)
