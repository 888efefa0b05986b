"""The judge of a drill compares both sides while the application goes on writing.

Three ways: counts, checksums, and checksums at a mark.  The first two ask both sides "now", which is at two different
moments and with changes on their way.  For the third the old side leaves a mark in its log at the very place where it
adds up its rows, and the new side adds up its own when that mark goes by (PostgreSQL: `pg_logical_emit_message`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prayog_migration.engine.drills.messages import Sum, Summed
from prayog_sim.node import Ctx, Node
from prayog_sim.run import Look

__all__ = ["HOW", "Judge"]

HOW = ("counts", "checksums", "at a mark")
_EVERY_US = 500_000


class Judge(Node):
    """Compares ``old`` and ``new`` as often as it is asked to."""

    actions = ("compare",)

    def __init__(self) -> None:
        self.how = HOW[0]
        self.number = 0
        self.left = 0
        self.answers: dict[str, Summed] = {}

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        self.how, self.left = str(args.get("how") or HOW[0]), int(args.get("times") or 5)
        ctx.set_timer("compare", 0)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        self.number += 1
        self.left -= 1
        self.answers = {}
        mark = self.how == HOW[2]
        for side in ("old",) if mark else ("old", "new"):
            ctx.send(side, Sum(self.number, mark))

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if not isinstance(msg, Summed) or msg.number != self.number:
            return
        self.answers[src] = msg
        if len(self.answers) < 2:
            return
        old, new = self.answers["old"], self.answers["new"]
        equal = old.rows == new.rows if self.how == HOW[0] else old.digest == new.digest
        ctx.emit("compared", how=self.how, equal=equal, old=old.rows, new=new.rows)
        if self.left > 0:
            ctx.set_timer("compare", _EVERY_US)

    def look(self) -> Look:
        return Look("observer", "J", -1, f"the judge compares {self.how}; {max(self.left, 0)} comparisons to go")
