"""The bank: its ledger is where a message has its effect, and beside it, in the same database, the inbox of done ones.

It is told by whom and with which receipt, and it may be down for a while.  A transaction happens whole or not at all.
"""

from __future__ import annotations

from typing import Any

from prayog_queues.engine.setup import Setup
from prayog_queues.engine.world.wire import Charge, Charged, Drained
from prayog_sim.node import Ctx, Node
from prayog_sim.run import Look

__all__ = ["DEEDS", "Bank"]

DEEDS = {"shipping": "ship", "email": "mail"}
"""What the effect is, by queue; anything else charges."""


class Bank(Node):
    """Ledger and inbox; both survive a crash."""

    durable = ("ledger", "inbox", "tokens", "done")

    def __init__(self, setup: Setup) -> None:
        self.ledger: dict[str, int] = {}
        """How often each message had its effect, by ``message @ queue`` (or group)."""
        self.inbox: dict[str, bool] = {}
        self.tokens: dict[str, int] = {}
        """The largest token that was seen for each."""
        self.done = 0
        self.drained = -1
        self._setup = setup

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if isinstance(msg, Drained):
            self.drained = msg.published
            self._wait(ctx)
        elif isinstance(msg, Charge):
            result = self._serve(src, msg, ctx)
            ctx.send(src, Charged(msg.step, msg.delivery.receipt, result))
            if self.drained >= 0:
                self._wait(ctx)

    def _wait(self, ctx: Ctx) -> None:
        """Some handler may still be at work on what it acknowledged before."""
        works = 3 if self._setup.work == "fixed" else 12
        ctx.set_timer("finished", 100_000 + round(1_000 * works * self._setup.work_ms))

    def on_timer(self, name: str, ctx: Ctx) -> None:
        ctx.emit("finished", published=self.drained, effects=self.done)

    def _serve(self, src: str, msg: Charge, ctx: Ctx) -> str:
        setup, message = self._setup, msg.delivery.message
        if setup.bank_fails_ms and 0 <= ctx.now - 1_000 * setup.bank_fails_at_ms < 1_000 * setup.bank_fails_ms:
            return "down"
        place = msg.group or msg.delivery.queue
        name = f"{message.id} @ {place}"
        if msg.step == "ask":
            if name not in self.inbox:
                return "new"
            ctx.emit("known", message=message.id, receipt=msg.delivery.receipt, consumer=src)
            return "known"
        if setup.fencing and msg.token < self.tokens.get(name, 0):
            ctx.emit("rejected", message=message.id, why="stale", by=src)
            return "stale"
        self.tokens[name] = max(msg.token, self.tokens.get(name, 0))
        if msg.step == "record":
            self.inbox[name] = True
            return "done"
        if msg.step == "charge and record" and name in self.inbox:
            ctx.emit("known", message=message.id, receipt=msg.delivery.receipt, consumer=src)
            return "known"
        self.ledger[name] = self.ledger.get(name, 0) + 1
        if msg.step == "charge and record":
            self.inbox[name] = True
        self.done += 1
        until = msg.delivery.lease_until_us
        ctx.emit(
            "effect", message=message.id, key=message.key, number=message.number, queue=msg.delivery.queue,
            receipt=msg.delivery.receipt, what=DEEDS.get(place, "charge"),
            stale=until is not None and ctx.now > until, consumer=src,
            attempt=msg.delivery.attempt, **({"group": msg.group} if msg.group else {}),
        )  # fmt: skip
        if self.ledger[name] == 1:
            ctx.gauge("end_to_end_ms", (ctx.now - message.time_us) / 1_000)
        return "done"

    def look(self) -> Look:
        twice = sum(count > 1 for count in self.ledger.values())
        sentence = f"{self.done} charges for {len(self.ledger)} orders, {twice} charged twice or more"
        return Look("store", "₹", 4, sentence, f"{twice} twice" if twice else "")

    def label(self, msg: Any) -> str:
        return f"{msg.step}: {msg.result}" if isinstance(msg, Charged) else type(msg).__name__.lower()
