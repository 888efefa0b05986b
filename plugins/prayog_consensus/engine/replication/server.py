"""Primary and backups: all writes go to one server, which copies its log to the others.

P. Alsberg and J. Day, "A principle for resilient sharing of distributed resources", ICSE 1976; in databases, master
and slaves.  When a write is acknowledged is the whole question:

``async``     at once.  Fast, and what was not copied yet is lost with the primary.
``semi``      when one backup has it.  Kept, if *that* backup is promoted.
``majority``  when a majority has it.
``sync``      when all have it.  Kept whoever is promoted; but one dead backup stops all writes.

Rules
1. The log of the primary of the highest (epoch, name) is the truth; a server of a lower one throws away what differs.
2. Nobody votes here.  Who is primary is said by a person (`promote`) or by a monitor, and two can be told so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from prayog_consensus.engine.replication.client import Reply, Request
from prayog_consensus.engine.setup import CORRECT
from prayog_sim.node import Ctx, Node
from prayog_sim.run import ActionError, Look

__all__ = ["Append", "Copied", "Entry", "Promote", "Server", "Stale", "State", "Status", "Sync"]

Entry = tuple[int, str, Any]
"""(epoch, key, value)"""


@dataclass(frozen=True, slots=True)
class Append:
    """One entry more, at `place` (from 1)."""

    epoch: int
    place: int
    entry: Entry

    def __str__(self) -> str:
        return f"copy e{self.epoch} i{self.place}"


@dataclass(frozen=True, slots=True)
class Copied:
    """My log has `length` entries; ``gap``: something before is missing."""

    epoch: int
    length: int
    gap: bool = False

    def __str__(self) -> str:
        return f"have {self.length} {'✗' if self.gap else '✓'}"


@dataclass(frozen=True, slots=True)
class Sync:
    """The primary's whole log."""

    epoch: int
    log: tuple[Entry, ...]

    def __str__(self) -> str:
        return f"log e{self.epoch} ({len(self.log)})"


@dataclass(frozen=True, slots=True)
class Stale:
    """You are no primary any more: `primary` is, since `epoch`."""

    epoch: int
    primary: str

    def __str__(self) -> str:
        return f"stale ✗ e{self.epoch}"


@dataclass(frozen=True, slots=True)
class Status:
    """The monitor asks: are you there?"""

    def __str__(self) -> str:
        return "status?"


@dataclass(frozen=True, slots=True)
class State:
    """How far a server is."""

    epoch: int
    primary: str
    length: int

    def __str__(self) -> str:
        return f"e{self.epoch}, {self.length} entries"


@dataclass(frozen=True, slots=True)
class Promote:
    """The monitor says: you are primary."""

    epoch: int

    def __str__(self) -> str:
        return f"promote e{self.epoch}"


class Server(Node):
    """``need``: how many backups must have a write before it is acknowledged."""

    durable: ClassVar[tuple[str, ...]] = ("epoch", "primary", "synced", "log")
    actions: ClassVar[tuple[str, ...]] = ("promote",)

    def __init__(self, me: str, servers: tuple[str, ...], need: int, timeout: int, variant: str = CORRECT) -> None:
        self.me = me
        self.others = tuple(name for name in servers if name != me)
        self.need = need
        self.timeout = timeout
        self.variant = variant
        self.epoch = 1
        self.primary = servers[0]
        self.synced = True
        """Its log is a part of this primary's; else it may end in something that the primary does not have."""
        self.log: tuple[Entry, ...] = ()
        self.have: dict[str, int] = {}
        """Of each backup, how many entries it has confirmed."""
        self.waiting: dict[int, tuple[str, int]] = {}
        """Place of a write that is not acknowledged yet → (client, its number)."""

    def on_start(self, ctx: Ctx) -> None:
        if self.primary == ctx.me:
            ctx.emit("leader", term=self.epoch)
            if self.log:
                self.copy_all(ctx)

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        if self.primary == ctx.me:
            raise ActionError(f"{ctx.me} is the primary already")
        self.take_over(self.epoch + 1, ctx)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if self.primary == ctx.me:
            self.copy_all(ctx)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        match msg:
            case Request():
                self.asked(src, msg, ctx)
            case Append() | Sync():
                self.copy(src, msg, ctx)
            case Copied():
                self.copied(src, msg, ctx)
            case Stale() if (msg.epoch, msg.primary) > (self.epoch, self.primary):
                self.follow(msg.epoch, msg.primary, ctx)
                ctx.send(msg.primary, Copied(msg.epoch, 0, True))
            case Status():
                ctx.send(src, State(self.epoch, self.primary, len(self.log)))
            case Promote() if msg.epoch > self.epoch:
                self.take_over(msg.epoch, ctx)

    # -- clients -----------------------------------------------------------------------------------------------

    def asked(self, src: str, msg: Request, ctx: Ctx) -> None:
        if self.primary != ctx.me and msg.kind != "peek":
            ctx.send(src, Reply(msg.op, False, hint=self.primary))
        elif msg.kind != "write":
            place = next((i for i in range(len(self.log), 0, -1) if self.log[i - 1][1] == msg.key), 0)
            ctx.send(src, Reply(msg.op, True, self.log[place - 1][2] if place else None, place=place))
        else:
            self.log = (*self.log, (self.epoch, msg.key, msg.value))
            place = len(self.log)
            for name in self.others:
                ctx.send(name, Append(self.epoch, place, self.log[-1]))
            self.waiting[place] = (src, msg.op)
            self.acknowledge(ctx)
            if self.others:
                ctx.set_timer("repair", self.timeout)
            ctx.gauge("unreplicated", place - max(self.have.values(), default=0))

    def acknowledge(self, ctx: Ctx) -> None:
        """Answer every client whose write has as many copies as are needed."""
        for place in sorted(self.waiting):
            copies = sum(length >= place for length in self.have.values())
            if copies >= self.need or self.variant == "acknowledges-first":
                client, op = self.waiting.pop(place)
                ctx.emit("acknowledged", slot=place, copies=copies)
                ctx.send(client, Reply(op, True, place=place, epoch=self.epoch))

    # -- copies ------------------------------------------------------------------------------------------------

    def copy_all(self, ctx: Ctx) -> None:
        """Send the log to all backups that are behind, until none is."""
        behind = [name for name in self.others if self.have.get(name, -1) < len(self.log)]
        for name in behind:
            ctx.send(name, Sync(self.epoch, self.log))
        if behind:
            ctx.set_timer("repair", self.timeout)

    def copy(self, src: str, msg: Append | Sync, ctx: Ctx) -> None:
        if (msg.epoch, src) < (self.epoch, self.primary):
            ctx.note(f"{ctx.me} refuses {src}'s {msg}: {self.primary} is primary since epoch {self.epoch}")
            ctx.send(src, Stale(self.epoch, self.primary))
            return
        if (msg.epoch, src) > (self.epoch, self.primary):
            self.follow(msg.epoch, src, ctx)
        if isinstance(msg, Sync):
            if not self.synced or len(msg.log) >= len(self.log):  # an older one of the same primary may come late
                self.discard(msg.log, ctx)
                self.log, self.synced = msg.log, True
        elif self.synced and msg.place == len(self.log) + 1:
            self.log = (*self.log, msg.entry)
        gap = isinstance(msg, Append) and not (self.synced and msg.place <= len(self.log))
        ctx.send(src, Copied(msg.epoch, len(self.log) if self.synced else 0, gap))

    def copied(self, src: str, msg: Copied, ctx: Ctx) -> None:
        if self.primary != ctx.me or msg.epoch != self.epoch:
            return
        if msg.gap:
            ctx.send(src, Sync(self.epoch, self.log))
            return
        self.have[src] = max(self.have.get(src, 0), msg.length)
        self.acknowledge(ctx)
        if all(self.have.get(name, -1) >= len(self.log) for name in self.others):
            ctx.cancel_timer("repair")

    def discard(self, log: tuple[Entry, ...], ctx: Ctx) -> None:
        """Say which entries the primary's log does not have."""
        same = next((i for i, pair in enumerate(zip(self.log, log, strict=False)) if pair[0] != pair[1]),
                    min(len(self.log), len(log)))  # fmt: skip
        gone = self.log[same:]
        if gone:
            values = ", ".join(f"{key}={value}" for _, key, value in gone)
            ctx.note(f"{ctx.me} throws away {values}: {self.primary}'s log does not have it")
            ctx.emit("discard", count=len(gone))

    # -- who is primary ----------------------------------------------------------------------------------------

    def take_over(self, epoch: int, ctx: Ctx) -> None:
        ctx.note(f"{ctx.me} is primary from now on, with the {len(self.log)} entries that it has")
        self.epoch, self.primary, self.synced = epoch, ctx.me, True
        self.have, self.waiting = {}, {}
        ctx.emit("leader", term=epoch)
        ctx.emit("takeover", epoch=epoch, entries=len(self.log))
        for name in self.others:
            ctx.send(name, Sync(epoch, self.log))
        if self.others:
            ctx.set_timer("repair", self.timeout)

    def follow(self, epoch: int, primary: str, ctx: Ctx) -> None:
        if self.primary == ctx.me:
            ctx.note(f"{ctx.me} steps down: {primary} is primary of epoch {epoch}")
            ctx.emit("stepdown", term=self.epoch)
            ctx.cancel_timer("repair")
        self.epoch, self.primary, self.synced = epoch, primary, False
        self.have, self.waiting = {}, {}

    def look(self) -> Look:
        led = self.primary == self.me
        held = f"{len(self.waiting)} writes wait for copies" if self.waiting else f"{len(self.log)} entries"
        what = "primary" if led else f"backup of {self.primary}"
        badge = f"waits for {self.need} copies" if led and self.waiting else f"{len(self.log)}"
        return Look("leader" if led else "follower", "P" if led else "B", self.epoch,
                    f"{what} in epoch {self.epoch}, {held}", badge)  # fmt: skip

    def label(self, msg: Any) -> str:
        return str(msg)
