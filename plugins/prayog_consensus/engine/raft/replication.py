"""Replication: the leader's log becomes everybody's, and a majority's copy becomes final (§5.3, §5.4.2)."""

from __future__ import annotations

from prayog_consensus.engine.raft.election import Elections
from prayog_consensus.engine.raft.log import MISSING
from prayog_consensus.engine.raft.messages import (
    Appended,
    AppendEntries,
    Command,
    Entry,
    InstallSnapshot,
    Members,
    Noop,
    TimeoutNow,
)
from prayog_consensus.engine.raft.roles import ROLES
from prayog_consensus.engine.raft.state import NEVER
from prayog_sim.node import Ctx

__all__ = ["Replication"]


class Replication(Elections):
    """The part of a server that sends, takes and commits entries."""

    # -- the leader --------------------------------------------------------------------------------------------

    def begin_leading(self, ctx: Ctx) -> None:
        """It won: tell everybody at once, so that nobody else asks for votes (§5.2)."""
        self.leader = self._me
        self.saw_lead(self.term)
        self.next = dict.fromkeys(self.others, self.log.last + 1)
        self.match = dict.fromkeys(self.others, 0)
        self._sent, self._echo = {}, {}
        self._late = self._answered = self._heard_since = ()
        self._round, self._round_times, self._lease_until = 0, (), NEVER
        self.reached = 0
        ctx.emit("leader", term=self.term)
        ctx.note(f"{self._me} leads term {self.term} with the votes of {', '.join(self.votes)}")
        ctx.cancel_timer("election")
        ctx.set_timer("heartbeat", self._options.heartbeat)
        if self._options.checkquorum:
            ctx.set_timer("quorum", self._options.timeout)
        if self._options.noop:
            self.append(Noop(), ctx)
        else:
            self.beat(ctx)

    def append(self, command: Command, ctx: Ctx) -> None:
        """Put `command` at the end of the log and send it; a leader never changes what is before (§5.3)."""
        self.set_log(self.log.plus([Entry(self.term, command)]))
        self.saw_length(self.log.last)
        if isinstance(command, Members):  # in force from now on (§6)
            for name in self.others:
                self.next.setdefault(name, self.log.last)
                self.match.setdefault(name, 0)
        for name in self.others:
            self.send_entries(name, ctx)
        self.count_copies(ctx)  # a cluster of one needs nobody

    def beat(self, ctx: Ctx) -> None:
        """An empty message to everybody.  Entries that were on their way at the last beat already are sent again."""
        late = self._late
        self._late = tuple(name for name in self.others if self.next[name] <= self.log.last)
        for name in self.others:
            prev = self.next[name] - 1
            if (name in late and name in self._late) or prev < self.log.base:
                self.send_entries(name, ctx)
            else:
                ctx.send(name, AppendEntries(self.term, prev, self.log.term(prev), (), self.commit, self._round))

    def new_round(self, ctx: Ctx) -> None:
        """What is answered from now on proves that it still led after this moment (see `AppendEntries`)."""
        self._round += 1
        if self._options.reads == "lease":
            self._round_times = (*self._round_times, (self._round, ctx.now))

    def send_entries(self, name: str, ctx: Ctx) -> None:
        """Send `name` the entries from its next index on, or a snapshot when they are gone (§7)."""
        prev = self.next[name] - 1
        if prev < self.log.base and self.snapshot is not None:
            self._sent[name] = self.snapshot.index
            ctx.send(name, InstallSnapshot(self.term, self.snapshot, self._round))
            return
        entries = self.log.after(prev, self._options.batch)
        self._sent[name] = prev + len(entries)
        ctx.send(name, AppendEntries(self.term, prev, self.log.term(prev), entries, self.commit, self._round))

    def on_heartbeat(self, ctx: Ctx) -> None:
        """Speak, so that nobody misses the leader (§5.2)."""
        self.reached = len({self._me, *self._answered})
        self._answered = ()
        ctx.set_timer("heartbeat", self._options.heartbeat)
        if self._options.reads == "lease":
            self.new_round(ctx)
        self.beat(ctx)

    # -- the follower ------------------------------------------------------------------------------------------

    def on_append(self, src: str, msg: AppendEntries, ctx: Ctx) -> None:
        """Entries or a heartbeat from a leader (Figure 2, AppendEntries)."""
        if not self.accept_leader(src, msg.term, ctx):
            ctx.note(f"{self._me} refuses {src}'s entries: it leads term {msg.term}, this is term {self.term}")
            ctx.send(src, Appended(self.term, False, msg.prev, msg.round, self.log.last))
            return
        prev, entries = msg.prev, msg.entries
        if prev < self.log.base:  # a late message: what a snapshot has taken over is committed, so it agrees
            entries = entries[self.log.base - prev :]
            prev = min(self.log.base, prev + len(msg.entries))
        elif self.log.term(prev) != msg.prev_term:
            self._refuse(src, msg, ctx)
            return
        self._take(prev, entries, ctx)
        verified = msg.prev + len(msg.entries)
        # Only what this message has shown to agree may be committed: the rest may be of a leader that lost.
        trusted = self.log.last if self.errs("overcommits") else verified
        self.advance(min(msg.commit, trusted), ctx)
        ctx.send(src, Appended(self.term, True, verified, msg.round, self.log.last))

    def accept_leader(self, src: str, term: int, ctx: Ctx) -> bool:
        """`src` speaks as the leader of `term`; whether it is one for this server."""
        if term < self.term:
            return False
        if term > self.term:
            self.step_down(term, ctx, f"{src} leads it")
        elif self.state in ("candidate", "precandidate"):
            ctx.note(f"{self._me} gives up its election: {src} leads term {term}")
            ROLES.fire(self, "leader", ctx)
        if self.leads:
            return False  # a second leader of its own term: cannot be, unless a rule is broken
        self.hear(src, ctx)
        return True

    def _refuse(self, src: str, msg: AppendEntries, ctx: Ctx) -> None:
        """The logs do not agree at ``prev``: the consistency check of §5.3."""
        mine = self.log.term(msg.prev)
        if mine == MISSING:
            why, hint_term, hint_index = f"its log ends at {self.log.last}", 0, self.log.last + 1
        else:
            why, hint_term = f"there it has an entry of term {mine}", mine
            hint_index = self.log.first_of_term(msg.prev)
        ctx.note(f"{self._me} refuses entries behind index {msg.prev} of term {msg.prev_term}: {why}")
        if not self._options.hints:
            hint_term = hint_index = 0
        ctx.send(src, Appended(self.term, False, msg.prev, msg.round, self.log.last, hint_term, hint_index))

    def _take(self, prev: int, entries: tuple[Entry, ...], ctx: Ctx) -> None:
        """Put `entries` behind `prev`.  What agrees stays, so that an old message cannot undo a newer one (§5.3)."""
        keep = prev
        for entry in entries:
            if self.log.term(keep + 1) != entry.term:
                break
            keep += 1
        news = entries[keep - prev :]
        if self.errs("truncates_always"):
            keep, news = prev, entries
        elif not news:
            return
        gone = self.log.last - keep
        if gone > 0:
            ctx.emit("overwrite", index=keep + 1, entries=gone)
            ctx.note(f"{self._me} throws away {gone} of its entries, from index {keep + 1} on: the leader has others")
        if gone > 0 or news:
            self.set_log(self.log.upto(keep).plus(news))

    # -- the leader hears --------------------------------------------------------------------------------------

    def on_appended(self, src: str, msg: Appended, ctx: Ctx) -> None:
        """A follower answered."""
        if msg.term > self.term:
            self.step_down(msg.term, ctx, f"{src} is in it")
            return
        if not self.leads or msg.term < self.term or src not in self.next:
            return  # an answer from the past: to an earlier term, or from a server that left (raft-rs #571)
        if src not in self._answered:
            self._answered = (*self._answered, src)
        if src not in self._heard_since:
            self._heard_since = (*self._heard_since, src)
        self.confirm(src, msg.round, ctx)
        if msg.ok:
            self.next[src] = max(self.next[src], msg.index + 1)
            if msg.index > self.match[src]:
                self.match[src] = msg.index
                self._late = tuple(name for name in self._late if name != src)
                self.count_copies(ctx)
            self._hand_over(src, ctx)
            if self.leads and src in self.next and max(self._sent.get(src, 0), msg.index) < self.log.last:
                self.send_entries(src, ctx)
            return
        if self.errs("counts_refusals"):  # a refusal says where its log ends, not that it agrees (CCF)
            self.match[src] = max(self.match[src], min(msg.last, self.log.last))
            self.count_copies(ctx)
        if msg.index != self.next[src] - 1:
            return  # a late refusal: this index was tried and left already
        self.next[src] = self._earlier(msg)
        if self.next[src] <= self.match[src]:  # its disk lost what it had promised to keep: begin again below
            ctx.note(f"{src} does not have index {self.match[src]} any more, which it had acknowledged")
            self.match[src] = self.next[src] - 1
        self.send_entries(src, ctx)

    def _earlier(self, msg: Appended) -> int:
        """The next index to try after a refusal (end of §5.3)."""
        if not msg.hint_index:
            return msg.index
        if msg.hint_term and (last := self.log.last_of_term(msg.hint_term)) and last < msg.index:
            return last + 1  # the leader knows that term too: the logs can differ only behind its last entry
        return min(msg.hint_index, msg.index)

    def count_copies(self, ctx: Ctx) -> None:
        """Commit the newest entry that a majority has, if it is of this term (§5.4.2)."""
        for index in range(self.log.last, self.commit, -1):
            holders = [name for name, match in self.match.items() if match >= index]
            if self._me in self.members.everyone and self.stored >= index:
                holders.insert(0, self._me)
            if not self.members.agree(holders):
                continue
            term = self.log.term(index)
            if term != self.term and not self.errs("commits_old_terms"):
                # Figure 8: a copy on a majority does not save an entry of an older term.
                ctx.note(
                    f"{self._me} does not commit index {index}, though {', '.join(holders)} have it: it is from term "
                    f"{term}, and only an entry of term {self.term} can settle it"
                )
                return
            self.saw_commit(index, term, self.term)
            ctx.note(f"{self._me} commits up to index {index}: {', '.join(sorted(holders))} have it")
            self.advance(index, ctx)
            return

    # -- check-quorum ------------------------------------------------------------------------------------------

    def on_quorum(self, ctx: Ctx) -> None:
        """Once in a timeout, a leader that a majority does not answer gives up (thesis 6.2)."""
        heard = {self._me, *self._heard_since}
        if not self.members.agree(heard):
            have, need = len(heard), len(self.members.everyone)
            ctx.note(f"{self._me} leads no longer: only {have} of {need} answered within a timeout")
            self.reached = have
            ROLES.fire(self, "no quorum", ctx)
            return
        self._heard_since = ()
        ctx.set_timer("quorum", self._options.timeout)

    def retire_alone(self, ctx: Ctx) -> None:
        """(Row of the table.)  Same term, so the vote stays given."""
        reached = self.reached
        self.retire(ctx)
        self.leader, self.reached = "", reached
        if self.errs("clears_vote"):
            self.voted = ""

    # -- leadership transfer -----------------------------------------------------------------------------------

    def transfer(self, to: str, ctx: Ctx) -> None:
        """Hand the lead to `to`: bring it up to date, then tell it not to wait (thesis 3.10)."""
        self.transferee = to
        ctx.note(f"{self._me} hands over to {to} and takes no requests until then")
        ctx.set_timer("transfer", self._options.timeout)
        self._hand_over(to, ctx)
        if self._sent.get(to, 0) < self.log.last:
            self.send_entries(to, ctx)

    def _hand_over(self, src: str, ctx: Ctx) -> None:
        if src == self.transferee and self.match.get(src) == self.log.last:
            self._lease_until = NEVER
            self._handed_over = self.term  # its election asks no lease, so none can be trusted in this term any more
            ctx.send(src, TimeoutNow(self.term))

    def on_transfer_timeout(self, ctx: Ctx) -> None:
        """The other did not take over; go on leading."""
        ctx.note(f"{self._me} goes on leading: {self.transferee} did not take over in time")
        self.transferee = ""

    def on_your_turn(self, src: str, msg: TimeoutNow, ctx: Ctx) -> None:
        """The leader asks this server to take over."""
        if msg.term == self.term and not self.leads and self.votes_here:
            ctx.note(f"{self._me} does not wait for its timeout: {src} hands over")
            ROLES.fire(self, "your turn", ctx, True)

    # -- reads, which `requests` brings ------------------------------------------------------------------------

    def confirm(self, src: str, round_: int, ctx: Ctx) -> None:
        """`src` answered in round `round_`: it still took this server for the leader."""
        raise NotImplementedError
