"""A participant of two-phase commit: free to abort until it votes yes, and then bound to wait.

Rules
1. A yes is in the log before it is sent, and holds through crashes: locks stay, the outcome is the coordinator's.
2. In doubt (voted yes, told nothing) it may neither commit nor abort: the others may have been told either.  It asks
   again and again.  If the coordinator is down, it is *blocked*; that is the price of the protocol (BHG 7.3).
3. While in doubt it refuses other transactions, as their locks are taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from prayog_consensus.engine.commit.coordinator import Record
from prayog_consensus.engine.commit.messages import Ack, Ask, Decision, Prepare, Vote
from prayog_consensus.engine.setup import CORRECT
from prayog_sim.node import Ctx, Node
from prayog_sim.run import ActionError, Look
from prayog_sim.table import Row, Table

__all__ = ["PARTICIPANT", "Participant"]

_FREE = ("working", "committed", "aborted")

PARTICIPANT = Table(
    "working",
    (
        *(Row(state, "prepare", "prepared", when="can_commit", do="vote_yes", why="votes yes") for state in _FREE),
        *(Row(state, "prepare", "aborted", do="vote_no", why="votes no") for state in _FREE),
        Row("prepared", "commit", "committed", do="obey", why="told to"),
        Row("prepared", "abort", "aborted", do="obey", why="told to"),
        Row("prepared", "timeout", "aborted", when="impatient", do="walk_out", why="broken: it may not"),
        Row("prepared", "timeout", "prepared", do="ask", why="in doubt"),
        Row("working", "found yes", "prepared", do="ask", why="recovery: voted yes, not told"),
    ),
)


class Participant(Node):
    """``timeout`` (µs): when it asks what became of a transaction that it voted yes to."""

    durable: ClassVar[tuple[str, ...]] = ("log", "tx", "refuses")
    actions: ClassVar[tuple[str, ...]] = ("refuse",)

    def __init__(self, coordinator: str, timeout: int, acks: bool = True, variant: str = CORRECT) -> None:
        self.coordinator = coordinator
        self.timeout = timeout
        self.acks = acks
        self.variant = variant
        self.state = PARTICIPANT.start
        self.tx = 0
        self.log: tuple[Record, ...] = ()
        self.refuses = False
        self.asked = 0

    def on_start(self, ctx: Ctx) -> None:
        if self.state == "working" and self.said(self.tx) == ("yes",):
            ctx.note(f"{ctx.me} finds its yes to {self.tx} in the log, and no decision")
            PARTICIPANT.fire(self, "found yes", ctx)

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        if self.refuses:
            raise ActionError(f"{ctx.me} will vote no already")
        self.refuses = True
        ctx.note(f"{ctx.me} will vote no to the next transaction")

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if self.state == "prepared":
            PARTICIPANT.fire(self, "timeout", ctx)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if isinstance(msg, Prepare):
            self.asked_to_prepare(src, msg, ctx)
        elif isinstance(msg, Decision):
            if msg.tx == self.tx and self.state == "prepared":
                PARTICIPANT.fire(self, msg.outcome, ctx)
            elif msg.outcome not in self.said(msg.tx):
                self.log = (*self.log, (msg.tx, msg.outcome))  # it had aborted alone, or never heard of it
            if self.acks:
                ctx.send(src, Ack(msg.tx))

    def asked_to_prepare(self, src: str, msg: Prepare, ctx: Ctx) -> None:
        said = self.said(msg.tx)
        if said:
            ctx.note(f"{ctx.me} has answered {msg.tx} already")
            if "yes" not in said or "abort" not in said:
                ctx.send(src, Vote(msg.tx, "yes" in said))
        elif self.state == "prepared":
            ctx.note(f"{ctx.me} votes no to {msg.tx}: the locks are taken by {self.tx}, which is in doubt")
            self.log = (*self.log, (msg.tx, "abort"))
            ctx.send(src, Vote(msg.tx, False))
        else:
            self.tx = msg.tx
            PARTICIPANT.fire(self, "prepare", ctx)

    def can_commit(self, ctx: Ctx) -> bool:
        return not self.refuses

    def vote_yes(self, ctx: Ctx) -> None:
        ctx.note(f"{ctx.me} votes yes to {self.tx}: from now on it may not decide alone")
        self.log = (*self.log, (self.tx, "yes"))
        self.asked = 0
        ctx.emit("prepared", tx=self.tx)
        ctx.send(self.coordinator, Vote(self.tx, True))
        ctx.set_timer("doubt", self.timeout)

    def vote_no(self, ctx: Ctx) -> None:
        ctx.note(f"{ctx.me} votes no to {self.tx}, and aborts at once: without its yes nobody commits")
        self.refuses = False
        self.log = (*self.log, (self.tx, "abort"))
        ctx.emit("commit", slot=self.tx, value="abort")
        ctx.send(self.coordinator, Vote(self.tx, False))

    def obey(self, ctx: Ctx) -> None:
        self.log = (*self.log, (self.tx, "commit" if self.state == "committed" else "abort"))
        ctx.cancel_timer("doubt")
        ctx.emit("commit", slot=self.tx, value=self.log[-1][1])

    def ask(self, ctx: Ctx) -> None:
        self.asked += 1
        if self.asked > 1:
            ctx.note(f"{ctx.me} is blocked: it voted yes to {self.tx}, and whoever knows the outcome is silent")
            ctx.emit("blocked", tx=self.tx)
        ctx.send(self.coordinator, Ask(self.tx))
        ctx.set_timer("doubt", self.timeout)

    def impatient(self, ctx: Ctx) -> bool:
        return self.variant == "aborts-in-doubt"

    def walk_out(self, ctx: Ctx) -> None:
        ctx.note(f"{ctx.me} aborts {self.tx} on a timeout, after it had voted yes")
        self.log = (*self.log, (self.tx, "abort"))
        ctx.emit("commit", slot=self.tx, value="abort")

    def said(self, tx: int) -> tuple[str, ...]:
        """What the log says about `tx`."""
        return tuple(what for number, what in self.log if number == tx)

    def look(self) -> Look:
        letter, what, badge = {
            "working": ("W", "has not voted", ""),
            "prepared": ("?", f"voted yes to {self.tx} and waits", "blocked" if self.asked > 1 else "in doubt"),
            "committed": ("✓", f"has committed {self.tx}", "commit"),
            "aborted": ("✗", f"has aborted {self.tx}", "abort"),
        }[self.state]
        return Look("participant", letter, self.tx or -1, f"participant, {what}", badge)

    def label(self, msg: Any) -> str:
        return str(msg)
