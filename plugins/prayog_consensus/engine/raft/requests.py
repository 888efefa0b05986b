"""Client requests: the small key-value store, writes that count once, and reads that are never stale (§8, thesis 6).

A read needs no entry in the log, but the leader must know two things: that it is still leader, and that it has applied
all that was committed before the read came.

* *Read-index* (thesis 6.4): remember the commit index, ask a majority in one round of heartbeats, wait until that
  index is applied, answer.
* *Lease* (thesis 6.4.1): a majority answered a round that began at time t, and each of them refuses its vote for one
  shortest timeout after it; so until t + timeout nobody else can lead, and no message is needed.  **It trusts clocks**:
  if one server's clock runs faster than the leader's, it may vote too early and the read may be stale.
* *Through the log*: slow, simple, right.
"""

from __future__ import annotations

from typing import Any

from prayog_consensus.engine.raft.messages import Answer, Ask, Command, Entry, Get, Members, Put
from prayog_consensus.engine.raft.replication import Replication
from prayog_sim.clock import format_us
from prayog_sim.node import Ctx

__all__ = ["Requests"]


class Requests(Replication):
    """The part of a server that applies entries and answers clients."""

    # -- the state machine -------------------------------------------------------------------------------------

    def advance(self, commit: int, ctx: Ctx) -> None:
        """Everything up to `commit` is final: apply it in order (§5.3)."""
        if commit <= self.commit:
            return
        self.commit = commit
        ctx.gauge("commit", commit)
        while self.applied < self.commit:
            self.applied += 1
            self._apply(self.applied, self.log.at(self.applied), ctx)
        self.answer_reads(ctx)
        self.compact(ctx)

    def _apply(self, index: int, entry: Entry, ctx: Ctx) -> None:
        command = entry.command
        ctx.emit("commit", slot=index, value=str(command), term=entry.term)
        self._digest = self.saw_apply(index, str(command), self._digest)
        value = self.execute(command, ctx)
        if isinstance(command, Members):
            self.members_committed(command, ctx)
        elif isinstance(command, Put | Get) and command.client and self.leads:
            self.reply(command, value, ctx)

    def execute(self, command: Command, ctx: Ctx) -> Any:
        """Change the store; a request that was done before is only answered again (§8)."""
        if isinstance(command, Get):
            return self.store.get(command.key)
        if not isinstance(command, Put):
            return None
        last, answer = self.sessions.get(command.client, (0, None))
        if command.client and command.request <= last:
            ctx.note(f"{self._me} does not apply {command} again: {command.client}'s request {command.request} is done")
            return answer if command.request == last else None
        self.store[command.key] = command.value
        if command.client:
            self.sessions[command.client] = (command.request, None)
        return None

    def reply(self, command: Put | Get, value: Any, ctx: Ctx) -> None:
        """The leader applied a client's command; `value` is what came of it."""
        ctx.send(command.client, Answer(command.request, True, value, self._me))

    # -- requests ----------------------------------------------------------------------------------------------

    def on_ask(self, src: str, msg: Ask, ctx: Ctx) -> None:
        """A client asks."""
        if msg.kind == "peek":
            ctx.send(src, Answer(msg.request, True, self.store.get(msg.key), self.leader))
            return
        if not self.leads or self.transferee:
            ctx.send(src, Answer(msg.request, False, None, self.leader if self.leader != self._me else ""))
            return
        if msg.kind == "write":
            self._write(src, msg, ctx)
        elif self.errs("local_reads"):
            self.reply_read(src, msg.request, msg.key, ctx)
        elif self._options.reads == "log":
            self.append(Get(src, msg.request, msg.key), ctx)
        else:
            self._read(src, msg, ctx)

    def _write(self, src: str, msg: Ask, ctx: Ctx) -> None:
        last, answer = self.sessions.get(src, (0, None))
        if msg.request <= last:
            ctx.note(f"{self._me} answers request {msg.request} of {src} from memory: it was done before")
            ctx.send(src, Answer(msg.request, True, answer, self._me))
            return
        command = Put(src, msg.request, msg.key, msg.value)
        if Entry(self.term, command) in self.log.after(self.commit, len(self.log.entries)):
            return  # it is on its way.  (One of an older term is not enough: without this entry it may never be final.)
        self.append(command, ctx)

    # -- reads -------------------------------------------------------------------------------------------------

    def _read(self, src: str, msg: Ask, ctx: Ctx) -> None:
        if self._options.reads == "lease" and ctx.now < self._lease_until and self._settled:
            left = format_us(self._lease_until - ctx.now)
            ctx.note(f"{self._me} answers {src} without asking anybody: its lease holds for {left}")
            self.reply_read(src, msg.request, msg.key, ctx)
            return
        self._reads = (*self._reads, (src, msg.request, msg.key, self.commit, self._round + 1))
        self.new_round(ctx)
        if not self._settled:
            ctx.note(f"{self._me} lets {src} wait: it has not committed an entry of term {self.term} yet")
        self.beat(ctx)
        self.answer_reads(ctx)

    @property
    def _settled(self) -> bool:
        """An entry of its own term is committed, so its commit index is not older than anybody's (thesis 6.4)."""
        return self.log.term(self.commit) == self.term

    def confirm(self, src: str, round_: int, ctx: Ctx) -> None:
        """`src` answered in round `round_`."""
        self._echo[src] = max(self._echo.get(src, 0), round_)
        if self._options.reads == "lease":
            self._extend_lease(ctx)
        self.answer_reads(ctx)

    def _round_agreed(self, round_: int) -> bool:
        """A majority answered a message of this round or a later one."""
        names = [name for name, echo in self._echo.items() if echo >= round_]
        return self.members.agree([*names, self._me])

    def _extend_lease(self, ctx: Ctx) -> None:
        agreed = [(round_, at) for round_, at in self._round_times if self._round_agreed(round_)]
        if not agreed:
            return
        newest = agreed[-1][0]
        self._round_times = tuple(pair for pair in self._round_times if pair[0] > newest)
        if not self.transferee and self._handed_over != self.term:
            self._lease_until = max(self._lease_until, agreed[-1][1] + self._options.timeout)

    def answer_reads(self, ctx: Ctx) -> None:
        """Answer the reads whose round a majority has confirmed."""
        if not self._reads or not self.leads or not self._settled:
            return
        waiting = []
        for read in self._reads:
            src, request, key, index, round_ = read
            if self._round_agreed(round_) and self.applied >= index:
                self.reply_read(src, request, key, ctx)
            else:
                waiting.append(read)
        self._reads = tuple(waiting)

    def reply_read(self, src: str, request: int, key: str, ctx: Ctx) -> None:
        """Nothing stands in the way of answering the read from the store."""
        ctx.send(src, Answer(request, True, self.store.get(key), self._me))

    # -- what the other parts bring ----------------------------------------------------------------------------

    def compact(self, ctx: Ctx) -> None:
        """Take a snapshot, if the log is long."""
        raise NotImplementedError

    def members_committed(self, members: Members, ctx: Ctx) -> None:
        """A configuration is final."""
        raise NotImplementedError
