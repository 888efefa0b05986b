"""The coordinator of two-phase commit: it asks for votes, decides, and tells until everybody has it in the log.

Jim Gray, "Notes on data base operating systems", 1978, section 5.8.3; the properties are those of P. Bernstein,
V. Hadzilacos and N. Goodman, "Concurrency Control and Recovery in Database Systems", 1987, chapter 7 (BHG below).

Rules
1. The decision is in the log before it is sent (BHG 7.4).  A handler's durable changes are on disk before its messages
   leave, so "log, then send" is one handler here; the broken variant writes a little later.
2. It commits only if all voted yes, and aborts when a vote is no or does not come in time.
3. After a crash it does what its log says.  Begun and not decided means that nobody can have committed: abort.
4. It repeats a decision until all have acknowledged it, and answers whoever asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from prayog_consensus.engine.commit.messages import Ack, Ask, Decision, Prepare, Vote
from prayog_consensus.engine.setup import CORRECT
from prayog_sim.clock import ms
from prayog_sim.node import Ctx, Node
from prayog_sim.run import ActionError, Look, tally
from prayog_sim.table import Row, Table

__all__ = ["COORDINATOR", "Coordinator", "Record"]

Record = tuple[int, str]
"""A line of a log: (transaction, ``begin`` or ``yes`` or ``commit`` or ``abort`` or ``end``)."""

COORDINATOR = Table(
    "idle",
    (
        Row("idle", "begin", "voting", do="ask_votes", why="phase 1"),
        Row("voting", "yes", "telling", when="all_yes", do="commit", why="all voted yes"),
        Row("voting", "yes", "voting", why="votes are missing"),
        Row("voting", "no", "telling", do="abort", why="one voted no"),
        Row("voting", "timeout", "telling", do="abort", why="a vote is missing"),
        Row("telling", "ack", "idle", when="all_acked", do="forget", why="all have it in the log"),
        Row("telling", "ack", "telling"),
        Row("telling", "timeout", "telling", do="tell_again", why="acks are missing"),
        Row("telling", "told", "idle", do="forget", why="without acks, told once"),
        Row("idle", "found begun", "telling", do="abort", why="recovery: no decision in the log"),
        Row("idle", "found decided", "telling", do="tell_again", why="recovery: decided, not finished"),
    ),
)


class Coordinator(Node):
    """``timeout`` (µs): how long it waits for votes, and for acknowledgements.  ``acks``: participants confirm."""

    durable: ClassVar[tuple[str, ...]] = ("tx", "log")
    actions: ClassVar[tuple[str, ...]] = ("begin",)

    def __init__(
        self, participants: tuple[str, ...], timeout: int, acks: bool = True, period: int = 0, variant: str = CORRECT
    ) -> None:
        self.participants = participants
        self.timeout = timeout
        self.acks = acks
        self.period = period
        self.variant = variant
        self.state = COORDINATOR.start
        self.tx = 0
        self.log: tuple[Record, ...] = ()
        self.voters: tuple[str, ...] = ()
        self.acked: tuple[str, ...] = ()
        self.unlogged = ""

    def on_start(self, ctx: Ctx) -> None:
        if self.period:
            ctx.set_timer("next", self.period)
        if self.state != "idle":
            return  # somebody began in the very first moment
        last = next((what for tx, what in reversed(self.log) if tx == self.tx), "end")
        if last == "begin":
            ctx.note(f"{ctx.me} finds transaction {self.tx} begun and not decided: nobody can have committed")
            COORDINATOR.fire(self, "found begun", ctx)
        elif last != "end":
            ctx.note(f"{ctx.me} finds “{last} {self.tx}” in its log")
            COORDINATOR.fire(self, "found decided", ctx)

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        if self.state != "idle":
            raise ActionError(f"{ctx.me} is busy with transaction {self.tx} ({self.state}); wait until it is over")
        COORDINATOR.fire(self, "begin", ctx)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if name == "next":
            ctx.set_timer("next", self.period)
            if self.state == "idle":
                COORDINATOR.fire(self, "begin", ctx)
        elif name == "write":
            self.write(self.unlogged)
        else:
            COORDINATOR.fire(self, "timeout", ctx)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        match msg:
            case Vote() if msg.tx == self.tx and self.state == "voting":
                if msg.yes and src not in self.voters:
                    self.voters = (*self.voters, src)
                COORDINATOR.fire(self, "yes" if msg.yes else "no", ctx, src)
            case Vote():
                ctx.note(f"{ctx.me} does not need {src}'s vote on {msg.tx}: it is decided")
            case Ack() if msg.tx == self.tx and self.state == "telling":
                if src not in self.acked:
                    self.acked = (*self.acked, src)
                COORDINATOR.fire(self, "ack", ctx, src)
            case Ask():
                self.answer(src, msg, ctx)

    # -- phase 1 -----------------------------------------------------------------------------------------------

    def ask_votes(self, ctx: Ctx) -> None:
        self.tx += 1
        self.voters, self.acked = (), ()
        self.write("begin")
        ctx.emit("begin", tx=self.tx)
        ctx.note(f"{ctx.me} asks all to prepare transaction {self.tx}")
        for name in self.participants:
            ctx.send(name, Prepare(self.tx))
        ctx.set_timer("patience", self.timeout)

    def all_yes(self, ctx: Ctx, src: str) -> bool:
        return len(self.voters) == len(self.participants)

    # -- phase 2 -----------------------------------------------------------------------------------------------

    def commit(self, ctx: Ctx, src: str = "") -> None:
        ctx.note(f"{ctx.me} commits {self.tx}: all {len(self.participants)} voted yes")
        self.decide("commit", ctx)

    def abort(self, ctx: Ctx, src: str = "") -> None:
        missing = [name for name in self.participants if name not in self.voters]
        why = f"{src} voted no" if src else f"no vote from {', '.join(missing)}"
        ctx.note(f"{ctx.me} aborts {self.tx}: {why}")
        self.decide("abort", ctx)

    def decide(self, outcome: str, ctx: Ctx) -> None:
        """The moment of truth: the log first, then the messages."""
        if self.variant == "sends-before-logging":
            self.unlogged = outcome
            ctx.set_timer("write", ms(5))
        else:
            self.write(outcome)
        ctx.emit("commit", slot=self.tx, value=outcome)
        self.tell(self.participants, outcome, ctx)
        if not self.acks:
            COORDINATOR.fire(self, "told", ctx)

    def tell(self, names: tuple[str, ...], outcome: str, ctx: Ctx) -> None:
        for name in names:
            ctx.send(name, Decision(self.tx, outcome))
        ctx.set_timer("patience", self.timeout)

    def tell_again(self, ctx: Ctx) -> None:
        """Those that have not acknowledged may be down: try until they are back."""
        outcome = self.outcome(self.tx) or self.unlogged
        self.tell(tuple(name for name in self.participants if name not in self.acked), outcome, ctx)
        if not self.acks:
            COORDINATOR.fire(self, "told", ctx)

    def all_acked(self, ctx: Ctx, src: str) -> bool:
        return len(self.acked) == len(self.participants)

    def forget(self, ctx: Ctx, src: str = "") -> None:
        ctx.cancel_timer("patience")
        self.write("end")

    def answer(self, src: str, msg: Ask, ctx: Ctx) -> None:
        outcome = self.outcome(msg.tx)
        if outcome:
            ctx.note(f"{ctx.me} tells {src}: {outcome} {msg.tx}")
            ctx.send(src, Decision(msg.tx, outcome))
        else:
            ctx.note(f"{ctx.me} cannot answer {src}: {msg.tx} is not decided yet")

    # -- the log -----------------------------------------------------------------------------------------------

    def write(self, what: str) -> None:
        self.log = (*self.log, (self.tx, what))

    def outcome(self, tx: int) -> str:
        """What the log says about `tx`: ``commit``, ``abort``, or nothing."""
        return next((what for number, what in self.log if number == tx and what in ("commit", "abort")), "")

    def look(self) -> Look:
        n = len(self.participants)
        what, badge = {
            "idle": (f"has finished transaction {self.tx}" if self.tx else "has begun nothing", ""),
            "voting": (f"waits for votes on {self.tx}, has {len(self.voters)} of {n}", f"{len(self.voters)} of {n} ✓"),
            "telling": (f"tells “{self.outcome(self.tx)} {self.tx}”, {len(self.acked)} of {n} confirmed",
                        f"{self.outcome(self.tx)}: {len(self.acked)} of {n}"),
        }[self.state]  # fmt: skip
        have_said = {"idle": None, "voting": self.voters, "telling": self.acked}[self.state]
        answers = () if have_said is None else tally(self.participants, have_said)
        return Look("coordinator", "C", self.tx or -1, f"coordinator, {what}", badge, answers)

    def label(self, msg: Any) -> str:
        return str(msg)
