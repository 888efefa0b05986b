"""Phases 1 and 2: a new epoch that nobody has seen, and one history for it (Zab11, §IV).

Rules
1. Discovery: a quorum promises to follow no older epoch, and sends its histories.  The leader takes the one of the
   newest epoch, and of these the longest: every committed transaction is in it, for its quorum meets this one.
2. Synchronisation: the followers write that history.  Only when it is on disk does the epoch become their current one,
   and only then do they acknowledge.  When a quorum has, all of the history is committed.
3. An epoch has one leader: a server accepts an epoch once, from one leader.  If two tried the same epoch, a server that
   accepted it from the loser may still be synchronised by the winner, but does not count for its quorum.
"""

from __future__ import annotations

from typing import ClassVar

from prayog_consensus.engine.zab.election import Election
from prayog_consensus.engine.zab.messages import AckEpoch, AckLeader, FollowerInfo, NewEpoch, NewLeader, UpToDate
from prayog_consensus.engine.zab.state import PHASES
from prayog_sim.node import Ctx

__all__ = ["Phases"]


class Phases(Election):
    """The part of a server that begins an epoch."""

    hears: ClassVar = {
        FollowerInfo: "hear_info", NewEpoch: "hear_epoch", AckEpoch: "hear_ack_epoch", NewLeader: "hear_leader",
        AckLeader: "hear_ack_leader", UpToDate: "up_to_date",
    }  # fmt: skip

    # -- leader, phase 1 ---------------------------------------------------------------------------------------

    def discover(self, ctx: Ctx) -> None:
        """Elected: wait until a quorum follows."""
        ctx.cancel_timer("vote")
        ctx.set_timer("quorum", 2 * self.timeout)
        self.choose_epoch(ctx)

    def hear_info(self, src: str, msg: FollowerInfo, ctx: Ctx) -> None:
        """A follower.  It may come before we know that we are elected, or when we have led for long."""
        self.infos[src] = msg.accepted
        self.learners = tuple(name for name in self.learners if name != src)
        self.acked.pop(src, None)
        if not self.leads and self.state != "looking":
            ctx.note(f"{self.me} cannot be followed by {src}: it follows {self.leader}")
        elif self.state == "discovering" and not self.epoch:
            self.choose_epoch(ctx)
        elif self.leads and msg.accepted > self.epoch:
            self.give_up(f"{src} has accepted epoch {msg.accepted} already, above epoch {self.epoch}", ctx)
        elif self.leads:
            ctx.send(src, NewEpoch(self.epoch))

    def choose_epoch(self, ctx: Ctx) -> None:
        """Higher than what anybody in a quorum has accepted."""
        if len(self.infos) + 1 < self.majority:
            return
        self.epoch = max(self.accepted, *self.infos.values()) + 1 if self.infos else self.accepted + 1
        self.accepted, self.accepted_from = self.epoch, self.me
        ctx.note(f"{self.me} begins epoch {self.epoch}: nobody in its quorum has accepted more")
        self.histories = {self.me: (self.current, self.history)}
        for dst in self.infos:
            ctx.send(dst, NewEpoch(self.epoch))
        self.count_histories(ctx)

    def hear_ack_epoch(self, src: str, msg: AckEpoch, ctx: Ctx) -> None:
        if not self.leads or msg.epoch != self.epoch:
            return
        if not msg.counts:
            ctx.note(f"{self.me} does not count {src}: it has accepted epoch {msg.epoch} from another")
            self.uncounted = (*(name for name in self.uncounted if name != src), src)
        else:
            self.histories[src] = (msg.current, msg.history)
        if self.state == "discovering":
            self.count_histories(ctx)
        else:
            self.send_history(src, ctx)

    def count_histories(self, ctx: Ctx) -> None:
        if len(self.histories) >= self.majority:
            PHASES.fire(self, "quorum accepted", ctx)

    # -- leader, phase 2 ---------------------------------------------------------------------------------------

    def synchronise(self, ctx: Ctx) -> None:
        """Take the best history of the quorum (rule 1), and have it written by all."""
        known = self.histories
        best = max(known, key=lambda name: (known[name][0], known[name][1][-1].zxid if known[name][1] else (0, 0)))
        if self.variant == "longest-history":
            best = max(known, key=lambda name: len(known[name][1]))
        current, self.staged = known[best]
        ctx.note(f"{self.me} takes {best}'s history: {len(self.staged)} transactions of epoch {current}, the best of "
                 f"{' '.join(known)}")  # fmt: skip
        ctx.emit("discovered", epoch=self.epoch, source=best, length=len(self.staged))
        for dst in (*known, *self.uncounted):
            if dst != self.me:
                self.send_history(dst, ctx)
        self.write(ctx)

    def send_history(self, dst: str, ctx: Ctx) -> None:
        """What follows is sent to `dst` too, from now on."""
        self.learners = (*(name for name in self.learners if name != dst), dst)
        ctx.send(dst, NewLeader(self.epoch, self.log))

    def hear_ack_leader(self, src: str, msg: AckLeader, ctx: Ctx) -> None:
        if self.leads and msg.epoch == self.epoch and src in (*self.learners, self.me):
            self.acked[src] = msg.length
            if self.state == "leading":
                ctx.send(src, UpToDate(self.epoch, self.delivered))
                self.count_acks(ctx)
            elif len(self.acked) >= self.majority and self.me in self.acked:
                PHASES.fire(self, "quorum synchronised", ctx)

    def lead(self, ctx: Ctx) -> None:
        """All of the history is committed; broadcast begins."""
        ctx.note(f"{self.me} leads epoch {self.epoch}: {' '.join(self.acked)} have its history")
        ctx.emit("leader", term=self.epoch)
        self.deliver(len(self.history), ctx)
        self._led[self.epoch] = self.delivered
        for dst in self.acked:
            if dst != self.me:
                ctx.send(dst, UpToDate(self.epoch, self.delivered))
        self.heard = ()
        ctx.set_timer("quorum", self.timeout)
        ctx.set_timer("ping", max(1, self.timeout // 3))

    def count_acks(self, ctx: Ctx) -> None:
        """Commit what a quorum has on disk."""
        raise NotImplementedError

    # -- followers ---------------------------------------------------------------------------------------------

    def join(self, ctx: Ctx) -> None:
        """Follow `leader`, from the beginning."""
        ctx.cancel_timer("vote")
        ctx.cancel_timer("fsync")
        self.staged, self.buffer = None, ()
        self.infos = {}
        ctx.send(self.leader, FollowerInfo(self.accepted))
        ctx.set_timer("patience", 2 * self.timeout)

    def hear_epoch(self, src: str, msg: NewEpoch, ctx: Ctx) -> None:
        if src != self.leader or self.state != "joining":
            return
        if msg.epoch < self.accepted:
            self.give_up(f"it has accepted epoch {self.accepted}, and {src} offers epoch {msg.epoch}", ctx)
            return
        if msg.epoch > self.accepted:
            self.accepted, self.accepted_from = msg.epoch, src
        PHASES.fire(self, "new epoch", ctx)
        ctx.send(src, AckEpoch(msg.epoch, self.current, self.history, self.accepted_from == src))

    def hear_leader(self, src: str, msg: NewLeader, ctx: Ctx) -> None:
        if src != self.leader or self.state != "syncing" or msg.epoch != self.accepted:
            return
        if (self.current == msg.epoch or self.staged is not None) and len(msg.history) < len(self.log):
            ctx.note(f"{self.me} ignores an old copy of the history: it has more of epoch {msg.epoch} already")
            return
        self.staged, self.buffer = msg.history, ()
        if self.variant == "epoch-first":
            self.current = msg.epoch
        ctx.set_timer("patience", 2 * self.timeout)
        self.write(ctx)

    def on_disk(self, ctx: Ctx) -> None:
        """The leader's history is written (rule 2)."""
        if self.staged is None:
            return
        self.history, self.staged = self.staged, None
        self.current = self.accepted
        self.post(self.leader, AckLeader(self.accepted, len(self.history)), ctx)

    def up_to_date(self, src: str, msg: UpToDate, ctx: Ctx) -> None:
        if src == self.leader and self.state == "syncing" and msg.epoch == self.accepted:
            PHASES.fire(self, "up to date", ctx)
            ctx.set_timer("patience", self.timeout)
            self.deliver(msg.commit, ctx)
