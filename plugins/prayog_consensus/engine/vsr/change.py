"""The view change: a majority agrees that it is time, and the new primary starts from the best log among theirs.

Rules (VRR §4.2)
1. Whoever calls for a view, or hears the call, stops working in the old one.
2. A replica sends its log to the new primary when f others call for the view too.
3. From f + 1 logs the primary takes the one of the newest view of normal operation (`last_normal`), and among those
   the longest.  What was committed was stored by f + 1 replicas, so one of these has it.
"""

from __future__ import annotations

from typing import ClassVar

from prayog_consensus.engine.vsr.messages import DoViewChange, StartView, StartViewChange
from prayog_consensus.engine.vsr.normal import Normal
from prayog_consensus.engine.vsr.state import STATUS
from prayog_sim.node import Ctx

__all__ = ["Change"]


class Change(Normal):
    """The part of a replica that changes the view."""

    hears: ClassVar = {StartViewChange: "hear_call", DoViewChange: "hear_log", StartView: "view_started"}

    def suspect(self, ctx: Ctx) -> None:
        """No word from the primary, or the view change takes too long."""
        ctx.note(f"{self.me} calls for view {self.view + 1}: nothing comes from {self.primary_of(self.view)}")
        self.go_to(self.view + 1, ctx)

    def go_to(self, view: int, ctx: Ctx) -> None:
        if self.state == "primary":
            ctx.emit("stepdown", term=self.view)
        self.view = view
        STATUS.fire(self, "view change", ctx)

    def call_for_view(self, ctx: Ctx) -> None:
        """§4.2, step 1."""
        self.changers, self.logs, self.sent_log = (), {}, False
        ctx.cancel_timer("beat")
        self.watch("patience", ctx)
        ctx.emit("candidate", term=self.view)
        for dst in self.others:
            ctx.send(dst, StartViewChange(self.view))
        self.offer_log(ctx)

    def hear_call(self, src: str, msg: StartViewChange, ctx: Ctx) -> None:
        """§4.2, steps 1 and 2."""
        if self.take_part(src, msg.view, ctx) and src not in self.changers:
            self.changers = (*self.changers, src)
            self.offer_log(ctx)

    def take_part(self, src: str, view: int, ctx: Ctx) -> bool:
        """Whether we are changing to `view` (now, at the latest)."""
        if self.state == "recovering":
            ctx.note(f"{self.me} does not answer {src}: it is recovering, and whatever it had is lost")
            return False
        if view > self.view:
            ctx.note(f"{self.me} leaves view {self.view}: {src} wants view {view}")
            self.go_to(view, ctx)
        return view == self.view and self.state == "changing"

    def offer_log(self, ctx: Ctx) -> None:
        """Send our log to the new primary when f others want the view too (rule 2)."""
        if self.sent_log or self.state != "changing" or len(self.changers) < self.majority - 1:
            return
        self.sent_log = True
        ctx.note(f"{self.me} sends its log to {self.primary_of(self.view)}: {len(self.changers)} others want "
                 f"view {self.view} too")  # fmt: skip
        self.post(self.primary_of(self.view), DoViewChange(self.view, self.log, self.last_normal, self.commit), ctx)

    def hear_log(self, src: str, msg: DoViewChange, ctx: Ctx) -> None:
        """§4.2, step 3."""
        if self.take_part(src, msg.view, ctx) and self.primary_of(msg.view) == self.me:
            self.logs[src] = msg
            if len(self.logs) >= self.majority:
                STATUS.fire(self, "enough logs", ctx)

    def open_view(self, ctx: Ctx) -> None:
        """Lead, from the best log (rule 3)."""
        logs = self.logs
        best = max(logs, key=lambda name: (logs[name].last_normal, len(logs[name].log)))
        commit = max(message.commit for message in logs.values())
        ctx.note(f"{self.me} starts view {self.view} from {best}'s log: {len(logs[best].log)} commands of view "
                 f"{logs[best].last_normal}, the best of {' '.join(sorted(logs))}")  # fmt: skip
        self.install(self.view, logs[best].log, ctx)
        if self._opened.get(self.view, self.log) != self.log:
            self.saw_wrong(f"started view {self.view} twice, with two logs")
        self.lead(ctx)
        for dst in self.others:
            ctx.send(dst, StartView(self.view, self.log, commit))
        self.commit_to(commit, ctx)
        self.count_stored(ctx)

    def view_started(self, src: str, msg: StartView, ctx: Ctx) -> None:
        """§4.2, step 5."""
        if self.state == "recovering" or msg.view < self.view or (msg.view == self.view and self.state != "changing"):
            ctx.note(f"{self.me} does not need the start of view {msg.view}: it is {self.state} in view {self.view}")
            return
        if self.state == "primary":
            ctx.emit("stepdown", term=self.view)
        self.install(msg.view, msg.log, ctx)
        STATUS.fire(self, "view started", ctx)
        if len(self.log) > msg.commit:
            self.confirm(src, ctx)
        self.commit_to(msg.commit, ctx)
