"""Normal operation: the primary orders, the backups store, and what a majority has stored is committed (VRR §4.1).

Rules
1. The primary of view v is replica v mod n: nobody is voted for.
2. A backup appends in order only; a gap is closed by state transfer first.
3. `PrepareOk` for number i says: I have everything up to i.  With f of them (and its own) the primary commits up to i.
4. A request that is done is answered again, one that is under way is dropped: the client table (§4.1, step 2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from prayog_consensus.engine.clients import Answer, Ask, Command, command_of
from prayog_consensus.engine.vsr.messages import Commit, Log, Prepare, PrepareOk
from prayog_consensus.engine.vsr.state import STATUS, State
from prayog_sim.node import Ctx
from prayog_sim.run import ActionError

__all__ = ["Normal"]


class Normal(State):
    """The part of a replica that works while the primary does."""

    hears: ClassVar = {Ask: "asked", Prepare: "prepare", PrepareOk: "prepare_ok", Commit: "hear_commit"}

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        if self.state == "down":
            raise ActionError(f"{self.me} has not started yet; let a step happen first")
        if name == "campaign":
            if self.state == "recovering":
                raise ActionError(f"{self.me} is recovering and takes part in nothing")
            self.suspect(ctx)
        elif self.state != "primary":
            raise ActionError(f"{self.me} is not the primary of view {self.view}; that is {self.primary_of(self.view)}")
        else:
            self.append(Command("write", str(args.get("key") or "x"), args.get("value", 1)), ctx)

    # -- requests ----------------------------------------------------------------------------------------------

    def asked(self, src: str, msg: Ask, ctx: Ctx) -> None:
        """A client asks."""
        if msg.kind == "peek":
            ctx.send(src, Answer(msg.request, True, self.store.get(msg.key), self.primary_of(self.view)))
            return
        if self.state != "primary":
            leader = self.primary_of(self.view) if self.state == "backup" else ""
            ctx.send(src, Answer(msg.request, False, None, leader))
            return
        done, answer = self.table.get(src, (0, None))
        if self.variant == "no-client-table":
            done = 0
        if msg.request <= done:
            ctx.note(f"{self.me} answers {src}'s request {msg.request} again: it is done")
            ctx.send(src, Answer(msg.request, True, answer, self.me))
        elif self.variant != "no-client-table" and self.pending(src, msg.request):
            ctx.note(f"{self.me} drops {src}'s request {msg.request}: it is under way")
        else:
            self.append(command_of(src, msg), ctx)

    def pending(self, client: str, request: int) -> bool:
        """The request is in the log and not committed yet."""
        return any((c.client, c.request) == (client, request) for c in self.log[self.commit :])

    def append(self, command: Command, ctx: Ctx) -> None:
        """Give `command` the next number and tell the backups."""
        self.log = (*self.log, command)
        for dst in self.others:
            ctx.send(dst, Prepare(self.view, len(self.log), command, self.commit))
        self.beat(ctx)
        self.count_stored(ctx)

    def count_stored(self, ctx: Ctx) -> None:
        """As primary: commit what a majority has stored (rule 3)."""
        stored = sorted((len(self.log), *(self.acks.get(name, 0) for name in self.others)), reverse=True)
        number = stored[self.majority - 1]
        if number > self.commit:
            having = [self.me, *(name for name in self.others if self.acks.get(name, 0) >= number)]
            ctx.note(f"{self.me} commits up to {number}: {' '.join(having)} have it, {len(having)} of {self.n}")
            self.commit_to(number, ctx)
            if not self.piggyback:
                self.say_commit(ctx)

    def say_commit(self, ctx: Ctx) -> None:
        for dst in self.others:
            ctx.send(dst, Commit(self.view, self.commit))
        self.beat(ctx)

    def heartbeat(self, ctx: Ctx) -> None:
        """Nothing was asked for a while: say again what was not confirmed, and that the primary lives."""
        for dst in self.others:
            for number in range(max(self.commit, self.acks.get(dst, 0)) + 1, len(self.log) + 1):
                ctx.send(dst, Prepare(self.view, number, self.log[number - 1], self.commit))
        self.say_commit(ctx)

    # -- backups -----------------------------------------------------------------------------------------------

    def prepare(self, src: str, msg: Prepare, ctx: Ctx) -> None:
        """§4.1, step 4."""
        if not self.in_view(src, msg.view, ctx):
            return
        have = len(self.log)
        if msg.number > have + 1:
            ctx.note(f"{self.me} cannot append {msg.number}: it has {have}, and asks {src} for what is between")
            self.ask_for_state(src, msg.view, have, ctx)
            return
        if msg.number == have + 1:
            self.log = (*self.log, msg.command)
        self.confirm(src, ctx)
        self.commit_to(msg.commit, ctx)

    def confirm(self, primary: str, ctx: Ctx) -> None:
        if self.state == "recovering":
            self.saw_wrong("confirmed a command while it was recovering")
        ctx.send(primary, PrepareOk(self.view, len(self.log)))

    def hear_commit(self, src: str, msg: Commit, ctx: Ctx) -> None:
        """§4.1, step 7."""
        if self.in_view(src, msg.view, ctx):
            if msg.commit > len(self.log):
                self.ask_for_state(src, msg.view, len(self.log), ctx)
            self.commit_to(msg.commit, ctx)

    def prepare_ok(self, src: str, msg: PrepareOk, ctx: Ctx) -> None:
        """§4.1, step 5."""
        if msg.view == self.view and self.state == "primary":
            self.acks[src] = max(msg.number, self.acks.get(src, 0))
            self.count_stored(ctx)

    def in_view(self, src: str, view: int, ctx: Ctx) -> bool:
        """Whether a word of the primary of `view` is for us now; if we are behind, ask for the state instead."""
        if self.state == "recovering":
            ctx.note(f"{self.me} ignores {src}: it is recovering")
        elif view < self.view:
            ctx.note(f"{self.me} ignores {src}: view {view} is over, this is view {self.view}")
        elif view > self.view or self.state != "backup":
            self.fall_behind(src, view, ctx)
        else:
            self.listen(ctx)
            return True
        return False

    def fall_behind(self, src: str, view: int, ctx: Ctx) -> None:
        """`view` began without us: get its log (§5.2).

        The paper says to throw away, before asking, all that is not committed.  Then the replica may hold neither the
        old log nor the new one while it takes part in the next view change, and something acknowledged can be lost
        (Vanlightly, vsr-tlaplus, state_transfer_violation_trace).  So the old log and the old view are kept until the
        new log is here.
        """
        ctx.note(f"{self.me} has missed the start of view {view} and asks {src} for its log")
        if self.variant == "truncates":
            STATUS.fire(self, "new state", ctx)
            self.log = self.log[: self.commit]
            self.view = self.last_normal = view
        self.ask_for_state(src, view, self.commit, ctx)

    def install(self, view: int, log: Log, ctx: Ctx) -> None:
        """`log` is the log of `view`, in which we are from now on."""
        self.view = self.last_normal = view
        self.log = log
        self.acks, self.changers, self.logs, self.sent_log = {}, (), {}, False
