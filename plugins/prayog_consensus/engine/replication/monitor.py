"""A monitor that promotes a backup when the primary is silent: fail-over as most databases have it, without a vote.

Rules
1. It asks the primary three times in each timeout.  After one timeout of silence it asks all, waits as long again,
   and promotes the one with the longest log of those that answered.
2. It is one machine, and it cannot tell a dead primary from an unreachable one.  Cut it off from the primary, and
   there are two.
"""

from __future__ import annotations

from typing import Any, ClassVar

from prayog_consensus.engine.replication.server import Promote, State, Status
from prayog_sim.node import Ctx, Node
from prayog_sim.run import Look

__all__ = ["Monitor"]


class Monitor(Node):
    """Watches `servers`; ``timeout`` in µs."""

    durable: ClassVar[tuple[str, ...]] = ("primary", "epoch")

    def __init__(self, servers: tuple[str, ...], timeout: int) -> None:
        self.servers = servers
        self.timeout = timeout
        self.primary = servers[0]
        self.epoch = 1
        self.heard: dict[str, tuple[int, int]] = {}
        """Who answered since the primary fell silent: (epoch, length of the log)."""
        self.searching = False

    def on_start(self, ctx: Ctx) -> None:
        self.watch(ctx)

    def watch(self, ctx: Ctx) -> None:
        self.searching = False
        ctx.set_timer("silence", self.timeout)
        self.ask(ctx)

    def ask(self, ctx: Ctx) -> None:
        ctx.send(self.primary, Status())
        ctx.set_timer("ask", max(1, self.timeout // 3))

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if name == "ask":
            if not self.searching:
                self.ask(ctx)
        elif not self.searching:
            ctx.note(f"{ctx.me} hears nothing from {self.primary} and looks for the longest log")
            self.searching, self.heard = True, {}
            for server in self.servers:
                ctx.send(server, Status())
            ctx.set_timer("silence", self.timeout)
        else:
            self.choose(ctx)

    def choose(self, ctx: Ctx) -> None:
        if not self.heard or self.primary in self.heard:
            self.watch(ctx)
            return
        best = max(self.heard, key=lambda name: (self.heard[name], name))
        self.epoch = max(self.epoch, *(epoch for epoch, _ in self.heard.values())) + 1
        ctx.note(f"{ctx.me} promotes {best}: with {self.heard[best][1]} entries its log is the longest it can reach")
        ctx.send(best, Promote(self.epoch))
        self.primary = best
        self.watch(ctx)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if not isinstance(msg, State):
            return
        if self.searching:
            self.heard[src] = (msg.epoch, msg.length)
        elif src == self.primary:
            ctx.set_timer("silence", self.timeout)

    def look(self) -> Look:
        what = "looks for a new primary" if self.searching else f"hears from {self.primary}"
        return Look("monitor", "M", self.epoch, f"monitor, {what}", "searching" if self.searching else "")

    def label(self, msg: Any) -> str:
        return str(msg)
