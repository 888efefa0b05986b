"""Coming back: a crashed replica gets its state from the others (VRR §4.3), a slow one what it missed (§5.2).

Rules
1. While it recovers, a replica takes part in nothing: it no longer knows what it confirmed.
2. It needs f + 1 answers, and among them one from the primary of the newest view in any of them.  A backup's answer
   alone may be of a log that the primary has gone beyond.
3. It does not come back into a view older than one in which it took part.
"""

from __future__ import annotations

from typing import ClassVar

from prayog_consensus.engine.vsr.change import Change
from prayog_consensus.engine.vsr.messages import GetState, NewState, Recovery, RecoveryResponse
from prayog_consensus.engine.vsr.state import STATUS
from prayog_sim.node import Ctx

__all__ = ["Replica"]


class Replica(Change):
    """A whole replica."""

    hears: ClassVar = {
        Recovery: "asked_for_recovery", RecoveryResponse: "hear_recovery", GetState: "asked_for_state",
        NewState: "new_state",
    }  # fmt: skip

    def on_start(self, ctx: Ctx) -> None:
        self.boots += 1
        STATUS.fire(self, "first start" if self.boots == 1 else "restart", ctx)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if name == "patience" and self.state in ("backup", "changing"):
            self.suspect(ctx)
        elif name == "beat" and self.state == "primary":
            self.heartbeat(ctx)
        elif name == "recover" and self.state == "recovering":
            self.ask_to_recover(ctx)

    # -- after a crash -----------------------------------------------------------------------------------------

    def ask_to_recover(self, ctx: Ctx) -> None:
        """§4.3, step 1."""
        if not self.others:
            ctx.note(f"{self.me} has lost everything, and there is nobody to ask")
        for dst in self.others:
            ctx.send(dst, Recovery(self.boots, self.view))
        ctx.set_timer("recover", self.timeout)

    def asked_for_recovery(self, src: str, msg: Recovery, ctx: Ctx) -> None:
        """§4.3, step 2."""
        if self.state not in ("primary", "backup"):
            ctx.note(f"{self.me} cannot help {src}: it is {self.state}")
        elif msg.view > self.view:
            ctx.note(f"{self.me} goes to view {msg.view}: {src} took part in it and cannot come back into an older one")
            self.go_to(msg.view, ctx)
        else:
            log = self.log if self.state == "primary" else None
            ctx.send(src, RecoveryResponse(self.view, msg.nonce, log, self.commit))

    def hear_recovery(self, src: str, msg: RecoveryResponse, ctx: Ctx) -> None:
        """§4.3, step 3."""
        if self.state != "recovering" or msg.nonce != self.boots:
            return
        self.answers[src] = msg
        newest = max(answer.view for answer in self.answers.values())
        primary = self.answers.get(self.primary_of(newest))
        has_log = primary is not None and primary.view == newest and primary.log is not None
        if len(self.answers) < self.majority:
            ctx.note(f"{self.me} waits: {len(self.answers)} answers, it needs {self.majority}")
        elif newest < self.view:
            ctx.note(f"{self.me} waits: they are in view {newest}, and it took part in view {self.view}")
        elif not has_log and self.variant != "any-answer":
            ctx.note(f"{self.me} waits for {self.primary_of(newest)}: the primary of view {newest} did not answer yet")
        else:
            log = primary.log if primary is not None and has_log else ()
            self.install(newest, log or (), ctx)
            ctx.note(f"{self.me} is back, in view {newest} with {len(self.log)} commands")
            ctx.cancel_timer("recover")
            STATUS.fire(self, "recovered", ctx)
            commit = max(answer.commit for answer in self.answers.values() if answer.view == newest)
            self.answers = {}
            self.commit_to(commit, ctx)

    # -- after falling behind ----------------------------------------------------------------------------------

    def asked_for_state(self, src: str, msg: GetState, ctx: Ctx) -> None:
        """§5.2."""
        if self.state in ("primary", "backup") and msg.view == self.view:
            ctx.send(src, NewState(self.view, msg.number, self.log[msg.number :], self.commit))
        else:
            ctx.note(f"{self.me} has no log of view {msg.view} for {src}: it is {self.state} in view {self.view}")

    def new_state(self, src: str, msg: NewState, ctx: Ctx) -> None:
        """§5.2: the part that was asked for."""
        newer = msg.view > self.view or (msg.view == self.view and self.state == "changing")
        longer = msg.view == self.view and self.state == "backup" and msg.after + len(msg.entries) > len(self.log)
        if self.state == "recovering" or not (newer or longer) or msg.after > len(self.log):
            ctx.note(f"{self.me} does not need the state of view {msg.view}: it is {self.state} in view {self.view}")
            return
        if self.state == "primary":
            ctx.emit("stepdown", term=self.view)
        self.install(msg.view, (*self.log[: msg.after], *msg.entries), ctx)
        STATUS.fire(self, "new state", ctx)
        self.confirm(src, ctx)
        self.commit_to(msg.commit, ctx)
