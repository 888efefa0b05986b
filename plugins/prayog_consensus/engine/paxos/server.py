"""A server of Multi-Paxos: acceptor of every slot, and at times the leader who alone proposes.

Phase 1 says nothing about the value, so one phase 1 covers all slots to come (PMS §3).  A leader that stays needs one
round trip per command.  What a new leader finds half done it finishes; slots of which nobody knows anything it fills
with *no-ops*, so that the commands behind the hole can be applied.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from prayog_consensus.engine.clients import NOOP, Answer, Ask, Command, command_of
from prayog_consensus.engine.paxos.follower import LEADING, Follower
from prayog_consensus.engine.paxos.messages import Ballot, told
from prayog_consensus.engine.paxos.slots import AcceptedSlot, AcceptSlot, Commit, Lower, PrepareAll, PromiseAll
from prayog_sim.node import Ctx
from prayog_sim.run import ActionError

__all__ = ["LEADING", "Server"]


class Server(Follower):
    """A whole server."""

    hears: ClassVar = {
        PromiseAll: "heard_promise", AcceptedSlot: "heard_vote", Lower: "heard_refusal", Ask: "asked_by_client",
    }  # fmt: skip

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

    def say_commit(self, ctx: Ctx) -> None:
        """Tell the others how far the log is chosen."""
        for dst in self.servers:
            if dst != self.me:
                ctx.send(dst, Commit(self.ballot, self.applied))
        if self.elects:
            ctx.set_timer("heartbeat", max(1, self.timeout // 3))

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
