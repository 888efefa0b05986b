"""A server of Multi-Paxos: acceptor of every slot, and at times the leader who alone proposes.

Phase 1 says nothing about the value, so one phase 1 covers all slots to come (PMS §3).  A leader that stays needs one
round trip per command.  What a new leader finds half done it finishes; slots of which nobody knows anything it fills
with *no-ops*, so that the commands behind the hole can be applied.

Rules
1. Promise, votes and chosen commands are durable; the store is rebuilt from the chosen commands.
2. A command is applied only when every earlier slot has been.
3. News of a commit (``upto``) make a vote *chosen* only when the vote is of the same ballot as the news: an older vote
   in that slot may be for a command that lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from prayog_consensus.engine.clients import NOOP, Answer, Ask, Command, Store, command_of
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
from prayog_sim.run import ActionError, Look
from prayog_sim.table import Row, Table

__all__ = ["LEADING", "Server"]

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


class Server(Role, Store):
    """``timeout`` (µs): how long it waits for a leader, at least; up to ``1 + spread`` times that; 0 is for ever."""

    durable: ClassVar[tuple[str, ...]] = ("promised", "votes", "chosen")
    actions: ClassVar[tuple[str, ...]] = ("campaign", "propose")
    hears: ClassVar = {
        PrepareAll: "asked_to_promise", PromiseAll: "heard_promise", AcceptSlot: "asked_to_vote",
        AcceptedSlot: "heard_vote", Lower: "heard_refusal", Commit: "heard_commit", Fetch: "asked_for_entries",
        Entries: "heard_entries", Ask: "asked_by_client",
    }  # fmt: skip

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

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        if name == "campaign":
            LEADING.fire(self, "timeout", ctx)
        elif self.state != "leader":
            raise ActionError(f"{self.me} does not lead; ask {self.leader or 'a server to campaign'} first")
        else:
            self.propose(Command("write", str(args.get("key") or "x"), args.get("value", 1)), ctx)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if name == "election" and self.state != "leader":
            LEADING.fire(self, "timeout", ctx)
        elif name == "heartbeat" and self.state == "leader":
            for slot, voters in self.tally.items():  # whoever has not voted may not have heard
                for dst in self.servers:
                    if dst not in voters:
                        ctx.send(dst, AcceptSlot(self.ballot, slot, self.votes[slot][1], self.applied))
            self.say_commit(ctx)

    def listen(self, ctx: Ctx) -> None:
        """Wait for a leader's word, for a random time."""
        if self.elects:
            ctx.set_timer("election", self.timeout + int(self.timeout * self.spread * ctx.rng.random()))

    # -- phase 1, once for all slots ---------------------------------------------------------------------------

    def prepare(self, ctx: Ctx) -> None:
        """Ask everybody for a promise for all slots that are not chosen yet."""
        self.ballot = (max(self.promised[0], self.seen, self.ballot[0]) + 1, self.me)
        self.promises, self.tally = {}, {}
        ctx.emit("candidate", term=self.ballot[0])
        ctx.note(f"{self.me} wants to lead in ballot {told(self.ballot)}")
        self.listen(ctx)
        for dst in (*(name for name in self.servers if name != self.me), self.me):
            self.post(dst, PrepareAll(self.ballot, self.applied + 1), ctx)

    def campaign_again(self, ctx: Ctx) -> None:
        ctx.emit("stepdown", term=self.ballot[0])
        ctx.cancel_timer("heartbeat")
        self.prepare(ctx)

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

    def heard_promise(self, src: str, msg: PromiseAll, ctx: Ctx) -> None:
        if msg.ballot == self.ballot and self.state == "candidate":
            self.promises[src] = msg
            LEADING.fire(self, "promise", ctx)

    def promised_by_majority(self, ctx: Ctx) -> bool:
        return len(self.promises) >= self.quorum

    def take_over(self, ctx: Ctx) -> None:
        """Lead: finish what may have been chosen (P2c, slot by slot), and close the holes."""
        ctx.cancel_timer("election")
        ctx.emit("leader", term=self.ballot[0])
        self.leader = self.me
        for promise in self.promises.values():
            for slot, command in promise.chosen:
                self.choose(slot, command, ctx)
        votes = sorted((slot, ballot) for promise in self.promises.values() for slot, ballot, _ in promise.votes)
        highest = dict(votes)  # the last of each slot is its highest
        found = {
            slot: command
            for promise in self.promises.values()
            for slot, ballot, command in promise.votes
            if highest[slot] == ballot
        }
        if self.variant == "forgets-votes":
            found = {}
        last = max([self.applied, *found, *self.chosen])
        self.next_slot = last + 1
        self.apply(ctx)
        for slot in range(self.applied + 1, last + 1):
            if slot not in self.chosen:
                what = "finishes" if slot in found else "fills the hole at"
                ctx.note(f"{self.me} {what} slot {slot}: {found.get(slot, NOOP)}")
                self.ask_for_votes(slot, found.get(slot, NOOP), ctx)
        commands, self.waiting = self.waiting, ()
        for command in commands:
            self.propose(command, ctx)
        self.say_commit(ctx)

    # -- phase 2, once per command -----------------------------------------------------------------------------

    def propose(self, command: Command, ctx: Ctx) -> None:
        """The next free slot is for `command`."""
        self.next_slot += 1
        self.ask_for_votes(self.next_slot - 1, command, ctx)

    def ask_for_votes(self, slot: int, command: Command, ctx: Ctx) -> None:
        self.tally[slot] = ()
        for dst in (*(name for name in self.servers if name != self.me), self.me):
            self.post(dst, AcceptSlot(self.ballot, slot, command, self.applied), ctx)

    def asked_to_vote(self, src: str, msg: AcceptSlot, ctx: Ctx) -> None:
        """Phase 2b."""
        if msg.ballot < self.promised:
            self.refuse(src, msg.ballot, f"a vote for slot {msg.slot}", ctx)
            return
        self.obey(msg.ballot, ctx)
        self.votes[msg.slot] = (msg.ballot, msg.command)
        self.post(src, AcceptedSlot(msg.ballot, msg.slot), ctx)
        self.hear_commit(src, msg.ballot, msg.commit, ctx)

    def heard_vote(self, src: str, msg: AcceptedSlot, ctx: Ctx) -> None:
        if msg.ballot != self.ballot or self.state != "leader" or msg.slot not in self.tally:
            return
        voters = self.tally[msg.slot]
        self.tally[msg.slot] = voters = voters if src in voters else (*voters, src)
        if len(voters) >= self.quorum:
            del self.tally[msg.slot]
            ctx.note(f"{self.me}: slot {msg.slot} is chosen, by {' '.join(voters)}")
            self.choose(msg.slot, self.votes[msg.slot][1], ctx)
            before = self.applied
            self.apply(ctx)
            if self.applied > before and not self.piggyback:
                self.say_commit(ctx)

    # -- what is chosen ----------------------------------------------------------------------------------------

    def say_commit(self, ctx: Ctx) -> None:
        """Tell the others how far the log is chosen."""
        for dst in self.servers:
            if dst != self.me:
                ctx.send(dst, Commit(self.ballot, self.applied))
        if self.elects:
            ctx.set_timer("heartbeat", max(1, self.timeout // 3))

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

    # -- clients and other leaders -----------------------------------------------------------------------------

    def asked_by_client(self, src: str, msg: Ask, ctx: Ctx) -> None:
        if msg.kind == "peek":
            ctx.send(src, Answer(msg.request, True, self.store.get(msg.key), self.leader))
        elif self.state == "candidate":
            self.waiting = (*self.waiting, command_of(src, msg))
        elif self.state != "leader":
            ctx.send(src, Answer(msg.request, False, None, self.leader))
        elif self.table.get(src, (0, None))[0] >= msg.request:
            ctx.note(f"{self.me} has done {src}'s request {msg.request} already and only answers again")
            ctx.send(src, Answer(msg.request, True, self.table[src][1], self.me))
        else:
            self.propose(command_of(src, msg), ctx)

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

    def heard_refusal(self, src: str, msg: Lower, ctx: Ctx) -> None:
        self.seen = max(self.seen, msg.promised[0])
        if msg.ballot == self.ballot and self.state != "follower":
            LEADING.fire(self, "higher ballot", ctx, msg.promised)

    def follow(self, ctx: Ctx, ballot: Ballot) -> None:
        """Somebody has a higher ballot."""
        ctx.note(f"{self.me} gives up {told(self.ballot)}: there is {told(ballot)}")
        ctx.cancel_timer("heartbeat")
        self.tally, self.promises, self.leader = {}, {}, ""
        for command in self.waiting:
            ctx.send(command.client, Answer(command.request, False, None, ballot[1]))
        self.waiting = ()
        self.listen(ctx)

    def step_down(self, ctx: Ctx, ballot: Ballot) -> None:
        ctx.emit("stepdown", term=self.ballot[0])
        self.follow(ctx, ballot)

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
        return Look(self.state, letter, ballot[0] or -1, sentence, badge)
