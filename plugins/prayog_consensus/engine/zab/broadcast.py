"""Phase 3, broadcast: propose, acknowledge when it is on disk, commit when a quorum acknowledged (Zab11, §III).

It looks like two-phase commit without abort: nobody may say no, and a quorum is enough.  A write goes through the
leader; a read is answered by whichever server is asked from what it has, and may be old (``logreads`` sends reads
through the broadcast, as ``sync`` does in ZooKeeper).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from prayog_consensus.engine.clients import Answer, Ask, Command, command_of
from prayog_consensus.engine.zab.messages import Ack, Commit, Ping, Pong, Propose, Txn
from prayog_consensus.engine.zab.phases import Phases
from prayog_consensus.engine.zab.state import PHASES
from prayog_sim.node import Ctx
from prayog_sim.run import ActionError

__all__ = ["Server"]


class Server(Phases):
    """A whole server."""

    hears: ClassVar = {
        Ask: "asked", Propose: "proposed", Ack: "hear_ack", Commit: "committed", Ping: "pinged", Pong: "hear_pong",
    }  # fmt: skip

    def on_start(self, ctx: Ctx) -> None:
        self.give_up("it has just started", ctx)

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        if name == "campaign":
            self.give_up("somebody told it to", ctx)
        elif self.state != "leading":
            raise ActionError(f"{self.me} is {self.state} and cannot propose; ask {self.leader or 'the leader'}")
        else:
            self.propose(Command("write", str(args.get("key") or "x"), args.get("value", 1)), ctx)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if name == "vote" and self.state == "looking":
            self.tell_vote(ctx)
        elif name == "finalize" and self.state == "looking":
            self.finalize(ctx)
        elif name == "fsync":
            self.synced(ctx)
        elif name == "patience" and not self.leads and self.state != "looking":
            self.give_up(f"nothing comes from {self.leader}", ctx)
        elif name == "quorum" and self.leads:
            if self.state != "leading" or len(self.heard) + 1 < self.majority:
                have = len(self.heard) + 1
                self.give_up(f"no quorum: {have} of {self.n}" if self.state == "leading" else "it took too long", ctx)
            else:
                self.heard = ()
                ctx.set_timer("quorum", self.timeout)
        elif name == "ping" and self.state == "leading":
            for dst in self.learners:
                ctx.send(dst, Ping(self.epoch, len(self.log), self.delivered))
            ctx.set_timer("ping", max(1, self.timeout // 3))

    # -- leader ------------------------------------------------------------------------------------------------

    def asked(self, src: str, msg: Ask, ctx: Ctx) -> None:
        """A client asks."""
        if msg.kind == "peek" or (msg.kind == "read" and not self.logreads and self.state in ("leading", "following")):
            ctx.send(src, Answer(msg.request, True, self.store.get(msg.key), self.leader))
        elif self.state != "leading":
            ctx.send(src, Answer(msg.request, False, None, self.leader if self.leader != self.me else ""))
        elif self.table.get(src, (0, None))[0] >= msg.request:
            ctx.note(f"{self.me} has done {src}'s request {msg.request} already and only answers again")
            ctx.send(src, Answer(msg.request, True, self.table[src][1], self.me))
        elif any((t.command.client, t.command.request) == (src, msg.request) for t in self.log[self.delivered :]):
            ctx.note(f"{self.me} drops {src}'s request {msg.request}: it is under way")
        else:
            self.propose(command_of(src, msg), ctx)

    def propose(self, command: Command, ctx: Ctx) -> None:
        """The next transaction of this epoch."""
        self.counter += 1
        txn = Txn((self.epoch, self.counter), command)
        self.buffer = (*self.buffer, txn)
        self._broadcast = (*self._broadcast, txn)
        for dst in self.learners:
            ctx.send(dst, Propose(self.epoch, len(self.log), txn))
        self.write(ctx)

    def hear_ack(self, src: str, msg: Ack, ctx: Ctx) -> None:
        if self.state == "leading" and msg.epoch == self.epoch:
            self.confirm(src, msg.number, ctx)

    def hear_pong(self, src: str, msg: Pong, ctx: Ctx) -> None:
        if self.state == "leading" and msg.epoch == self.epoch:
            self.confirm(src, msg.length, ctx)

    def confirm(self, src: str, number: int, ctx: Ctx) -> None:
        """`src` lives, and has that much on disk."""
        if src not in self.heard and src != self.me:
            self.heard = (*self.heard, src)
        if src in self.acked:
            self.acked[src] = max(self.acked[src], number)
            self.count_acks(ctx)

    def count_acks(self, ctx: Ctx) -> None:
        have = sorted(self.acked.values(), reverse=True)
        number = have[self.majority - 1] if len(have) >= self.majority else 0
        while self.delivered < number:
            holders = [name for name, length in self.acked.items() if length > self.delivered]
            ctx.note(f"{self.me} commits {self.log[self.delivered]}: {' '.join(holders)} have it on disk")
            for dst in self.acked:
                if dst != self.me:
                    ctx.send(dst, Commit(self.epoch, self.delivered + 1))
            self.deliver(self.delivered + 1, ctx)

    # -- disk --------------------------------------------------------------------------------------------------

    def synced(self, ctx: Ctx) -> None:
        """What was in memory only is on disk: now it may be acknowledged."""
        self.on_disk(ctx)
        first, written = len(self.history), self.buffer
        self.history, self.buffer = (*self.history, *written), ()
        for number in range(first + 1, len(self.history) + 1):
            if self.variant != "early-ack" or self.leads:
                self.post(self.leader, Ack(self.accepted, number), ctx)

    # -- followers ---------------------------------------------------------------------------------------------

    def with_us(self, src: str, epoch: int, ctx: Ctx) -> bool:
        """A word of our leader in this epoch; any other is ignored."""
        if src != self.leader or epoch != self.accepted or self.state not in ("syncing", "following"):
            ctx.note(f"{self.me} ignores {src} in epoch {epoch}: it is {self.state} in epoch {self.accepted}")
            return False
        if self.state == "following":  # while it synchronises, only the next step counts: a ping is not enough
            ctx.set_timer("patience", self.timeout)
        return True

    def proposed(self, src: str, msg: Propose, ctx: Ctx) -> None:
        if not self.with_us(src, msg.epoch, ctx) or msg.number <= len(self.log):
            return
        if msg.number > len(self.log) + 1:
            self.rejoin(f"transaction {msg.number} came and {len(self.log) + 1} did not", ctx)
            return
        self.buffer = (*self.buffer, msg.txn)
        if self.variant == "early-ack":
            ctx.send(src, Ack(msg.epoch, msg.number))
        self.write(ctx)

    def committed(self, src: str, msg: Commit, ctx: Ctx) -> None:
        if self.with_us(src, msg.epoch, ctx) and self.state == "following":
            self.deliver(msg.number, ctx)

    def pinged(self, src: str, msg: Ping, ctx: Ctx) -> None:
        if not self.with_us(src, msg.epoch, ctx) or self.state != "following":
            return
        if msg.length > len(self.log):
            self.rejoin(f"{src} has sent {msg.length} transactions and {len(self.log)} came", ctx)
            return
        self.deliver(msg.commit, ctx)
        ctx.send(src, Pong(msg.epoch, len(self.history)))

    def rejoin(self, why: str, ctx: Ctx) -> None:
        """The connection was broken: synchronise again with the same leader."""
        ctx.note(f"{self.me} joins {self.leader} again: {why}")
        PHASES.fire(self, "gap", ctx)
