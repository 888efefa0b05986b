"""The mover of a drill: notes the position, copies, follows the log, switches over and goes back; each when told.

It does what it is told in whatever order: that is what the drill is about.

Rules
1. Following begins at the position that was noted; where none was noted, at the end of the log as it is then.
2. A fenced switch-over: fence, drain to the end of the log, tell the applications.  Without a fence they are told at
   once, and each hears it at another moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prayog_migration.engine.drills.messages import (
    Applied,
    Apply,
    Changes,
    Fence,
    Fenced,
    Fetch,
    Rows,
    Tail,
    Use,
    Where,
)
from prayog_sim.node import Ctx, Node
from prayog_sim.run import ActionError, Look

__all__ = ["Mover"]

_ROUND_US = 100_000
_OTHER = {"old": "new", "new": "old"}


class Mover(Node):
    """Copies ``copy_rate`` rows a second, applies at most ``apply_rate`` changes a second; tells ``apps``."""

    durable = ("apps", "copy_rate", "apply_rate", "side", "noted", "position", "ends", "reverse")
    actions = ("note", "copy", "sync", "switch", "back")

    def __init__(self, apps: tuple[str, ...], copy_rate: int, apply_rate: int, following: bool = False) -> None:
        self.apps, self.copy_rate, self.apply_rate = apps, copy_rate, apply_rate
        self.side = "old"
        self.noted = -1
        self.position = 0 if following else -1
        self.ends = {"old": 0, "new": 0}
        """Where the log of a side ended when it was last in charge."""
        self.reverse = True
        self.at = -1
        self.copying = False
        self.following = following
        self.lag = 0
        self.applied = 0
        self.switching = ""
        self.end = -1
        self.fenced_us = 0

    def on_start(self, ctx: Ctx) -> None:
        self.following = self.position >= 0
        if self.following:
            ctx.set_timer("follow", _ROUND_US)

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        match name:
            case "note":
                ctx.send(self.side, Tail(1 << 40, 0))
            case "copy":
                self._refuse(self.copying, "The copy is under way already.")
                self._refuse(self.side == "new", "The new database is in charge: nothing is copied over it.")
                self.copying, self.at = True, -1
                ctx.emit("copy_begin")
                ctx.set_timer("copy", 0)
            case "sync":
                self._refuse(self.following, "The log is followed already.")
                self.following = True
                self.position = self.applied = self.noted
                ctx.emit("sync_begin", position=self.noted)
                ctx.set_timer("follow", 0)
            case "switch" | "back":
                self._switch(name, bool(args.get("fence", True)), bool(args.get("reverse", True)), ctx)

    @staticmethod
    def _refuse(when: bool, sentence: str) -> None:
        if when:
            raise ActionError(sentence)

    def _switch(self, name: str, fence: bool, reverse: bool, ctx: Ctx) -> None:
        to = "new" if name == "switch" else "old"
        self._refuse(self.side == to, f"The {to} database is in charge already.")
        self._refuse(bool(self.switching), "The switch-over is under way.")
        self.reverse = reverse
        ctx.emit("cut_begin", fence=fence, lag=self.lag, to=to)
        if fence:
            self.switching, self.fenced_us, self.end = to, ctx.now, -1
            ctx.send(self.side, Fence(True))
        else:
            self._promote(to, ctx, fenced=False)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if name == "copy":
            ctx.send("old", Fetch(self.at, max(1, self.copy_rate * _ROUND_US // 1_000_000)))
        elif name == "follow" and self.following:
            most = max(1, self.apply_rate * _ROUND_US // 1_000_000)
            ctx.send(self.side, Tail(self.position if self.position >= 0 else 1 << 40, most))
            ctx.set_timer("follow", _ROUND_US)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        match msg:
            case Where():
                ctx.send(src, Use(self.side))
            case Rows(rows, last, _):
                self._rows(rows, last, ctx)
            case Changes() if src == self.side:
                self._changes(msg, ctx)
            case Fenced(True, end):
                self.end = end
                ctx.cancel_timer("follow")
                ctx.set_timer("follow", 0)
            case Applied(position):
                self.applied = max(self.applied, position)
                self._drained(ctx)

    def _rows(self, rows: tuple[tuple[int, int], ...], last: bool, ctx: Ctx) -> None:
        if rows:
            self.at = rows[-1][0]
            ctx.send("new", Apply(rows, max(self.position, 0)))
        if last:
            self.copying = False
            ctx.emit("copied", rows=self.at)
        else:
            ctx.set_timer("copy", _ROUND_US)

    def _changes(self, msg: Changes, ctx: Ctx) -> None:
        """Rule 1: the answer to a question about the end of the log is a position to note, or to begin at."""
        if not self.following:
            self.noted = msg.end
            ctx.emit("noted", position=msg.end)
            return
        if self.position < 0:
            self.position = self.applied = msg.end
            ctx.emit("follows", position=self.position)
            return
        if msg.changes and msg.changes[0][0] != self.position + 1:
            return  # the answer to a question that was asked again
        self.lag = msg.end - self.position
        ctx.gauge("lag", self.lag)
        if msg.changes:
            self.position = msg.changes[-1][0]
            ctx.send(_OTHER[self.side], Apply(tuple((key, value) for _, key, value in msg.changes), self.position))
        if self.lag <= len(msg.changes):
            ctx.emit("caught_up", position=self.position)
        self._drained(ctx)

    def _drained(self, ctx: Ctx) -> None:
        """Rule 2: the other side takes writes once all of this side's log is there."""
        if self.switching and self.end >= 0 and self.applied >= self.end:
            self._promote(self.switching, ctx, fenced=True)

    def _promote(self, to: str, ctx: Ctx, fenced: bool) -> None:
        pause = ctx.now - self.fenced_us if fenced else 0
        self.switching = ""
        waits = 0 if fenced else self.lag
        ctx.emit("cut", to=to, fenced=fenced, lag=waits, pause_ms=round(pause / 1000))
        if fenced:
            ctx.send(to, Fence(False))
            self.ends[self.side] = self.end
            self.side = to
            self.lag = 0
            self.following = self.reverse
            self.position = self.applied = self.ends[to]
            if self.following:
                ctx.set_timer("follow", 0)
        else:
            self.side = to if not self.following else self.side
        for app in self.apps:
            ctx.send(app, Use(to))

    def look(self) -> Look:
        does = [
            word
            for word, on in (
                ("copies", self.copying), ("follows the log", self.following), ("switches over", bool(self.switching)),
            )
            if on
        ]  # fmt: skip
        lag = f", {self.lag} changes behind" if self.following else ""
        return Look("coordinator", "M", -1, f"the mover {' and '.join(does) or 'waits'}{lag}", str(self.lag or ""))
