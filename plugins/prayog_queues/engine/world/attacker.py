"""Somebody who should not be there: listens, forges, replays, floods, or is known and goes where they may not."""

from __future__ import annotations

from typing import Any

from prayog_queues.engine.envelope import Message
from prayog_queues.engine.model.sealing import signed
from prayog_queues.engine.setup import Setup
from prayog_queues.engine.world.producer import password_of
from prayog_queues.engine.world.wire import Publish
from prayog_sim.node import Ctx, Node
from prayog_sim.run import Look

__all__ = ["Attacker"]

FORGERIES, EVERY_US = 10, 200_000
FLOOD, FLOOD_US = 400, 500
LATER_US = 300_000
"""How long a message that was overheard is kept before it is sent again."""


class Attacker(Node):
    """Does what `setup.attacker` says, to the queue or exchange `to`."""

    def __init__(self, setup: Setup, to: str) -> None:
        self.sent = 0
        self.heard: list[Message] = []
        self._setup = setup
        self._to = to

    def on_start(self, ctx: Ctx) -> None:
        ctx.emit("started")
        mode = self._setup.attacker
        if mode in ("forges", "forges and replays", "strays", "floods"):
            ctx.set_timer("strike", EVERY_US)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if not isinstance(msg, Publish):
            return
        readable = msg.message.body.startswith("{")
        ctx.emit("overheard", message=msg.message.id, readable=readable, body=msg.message.body[:80])
        if self._setup.attacker != "listens" and len(self.heard) < FORGERIES:
            self.heard.append(msg.message)
            ctx.set_timer(f"again {len(self.heard) - 1}", LATER_US)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        kind, _, index = name.partition(" ")
        if kind == "again":
            self._send(self.heard[int(index)], ctx)
            return
        mode = self._setup.attacker
        self.sent += 1
        source = ctx.me if mode == "strays" else "p1"
        body = '{"order": "x", "customer": "asha", "rupees": 9999}'
        made = Message(f"x-{self.sent}", "asha", body, "order.placed", source, ctx.now)
        self._send(signed(made, "a guess"), ctx)
        most, gap = (FLOOD, FLOOD_US) if mode == "floods" else (FORGERIES, EVERY_US)
        if self.sent < most:
            ctx.set_timer("strike", gap)

    def _send(self, message: Message, ctx: Ctx) -> None:
        known = self._setup.attacker == "strays"
        ctx.send("broker", Publish(message, self._to, 1, password_of(ctx.me) if known else "123456"))

    def look(self) -> Look:
        return Look("client", "!", 5, f"{self._setup.attacker}: sent {self.sent}, overheard {len(self.heard)}")

    def label(self, msg: Any) -> str:
        return f"publish {msg.message.id}" if isinstance(msg, Publish) else type(msg).__name__.lower()
