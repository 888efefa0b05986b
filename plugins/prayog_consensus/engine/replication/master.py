"""A master among many: it takes writes by itself, and tells the others later.

Rules
1. A write is acknowledged as soon as this master has it; the others get it when they can be reached.
2. All versions of a key are sent, again and again, until each other master has confirmed them.  So after all links
   are whole, all masters hold the same (they *converge*); what that is, is the policy's business: see `versions`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from prayog_consensus.engine.replication.client import Reply, Request
from prayog_consensus.engine.replication.versions import Dot, Vector, Version, drops, join, merge, vector
from prayog_consensus.engine.setup import CORRECT
from prayog_sim.node import Ctx, Node
from prayog_sim.run import Look

__all__ = ["Got", "Master", "Update"]


@dataclass(frozen=True, slots=True)
class Update:
    """All versions of `key` that the sender has."""

    key: str
    versions: tuple[Version, ...]

    def __str__(self) -> str:
        return f"{self.key}: {' | '.join(map(str, self.versions))}"


@dataclass(frozen=True, slots=True)
class Got:
    """I have these writes of `key`."""

    key: str
    dots: tuple[Dot, ...]

    def __str__(self) -> str:
        return f"got {self.key} ✓"


class Master(Node):
    """One master; ``policy`` is ``vv`` or ``lww``, ``timeout`` (µs) when it sends again."""

    durable: ClassVar[tuple[str, ...]] = ("store", "owed", "numbers", "known")

    def __init__(self, others: tuple[str, ...], policy: str, timeout: int, variant: str = CORRECT) -> None:
        self.others = others
        self.policy = policy
        self.timeout = timeout
        self.variant = variant
        self.store: dict[str, tuple[Version, ...]] = {}
        self.owed: dict[str, tuple[str, ...]] = {}
        """Master → keys that it has not confirmed."""
        self.numbers: dict[str, int] = {}
        """Key → how many writes this master has taken; the second half of their dots."""
        self.known: dict[str, tuple[Dot, ...]] = {}
        """Key → every write that was ever here; for the checkers only."""

    def on_start(self, ctx: Ctx) -> None:
        self.send_owed(ctx)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        self.send_owed(ctx)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        match msg:
            case Request(kind="write"):
                self.write(src, msg, ctx)
            case Request():
                self.answer(src, msg, ctx)
            case Update():
                self.take(msg.key, msg.versions, src, ctx)
                ctx.send(src, Got(msg.key, tuple(version.dot for version in msg.versions)))
            case Got():
                mine = {version.dot for version in self.store.get(msg.key, ())}
                if mine <= set(msg.dots):
                    left = tuple(key for key in self.owed.get(src, ()) if key != msg.key)
                    self.owed = {**self.owed, src: left}

    def write(self, src: str, msg: Request, ctx: Ctx) -> None:
        """Take a write at once.  Its context is what its author had been shown of this key."""
        number = self.numbers.get(msg.key, 0) + 1
        self.numbers = {**self.numbers, msg.key: number}
        dot = (ctx.me, number)
        context: Vector = () if self.variant == "forgets-context" else msg.seen
        stamp = ctx.now if self.policy == "lww" else 0  # version vectors need no clock
        version = Version(msg.value, dot, context, stamp, tuple(sorted({*msg.past, dot})))
        ctx.note(f"{ctx.me} writes {msg.key}={msg.value}")
        self.take(msg.key, (version,), src, ctx)
        self.answer(src, msg, ctx)
        self.owe(msg.key, ctx)

    def answer(self, src: str, msg: Request, ctx: Ctx) -> None:
        """Show the client all that is here, siblings of its own write included, so that its next write covers them."""
        found = self.store.get(msg.key, ())
        values = tuple(version.value for version in found)
        seen = join(*(vector(version) for version in found))
        past = tuple(sorted({dot for version in found for dot in version.past}))
        place = self.numbers.get(msg.key, 0)
        value = values[0] if len(values) == 1 else values or None
        ctx.send(src, Reply(msg.op, True, value, place=place, epoch=1, seen=seen, past=past))

    def owe(self, key: str, ctx: Ctx) -> None:
        """All others have to be told of `key`."""
        self.owed = {name: tuple(dict.fromkeys((*self.owed.get(name, ()), key))) for name in self.others}
        self.send_owed(ctx)

    def take(self, key: str, versions: tuple[Version, ...], src: str, ctx: Ctx) -> None:
        """Merge `versions` into what is here."""
        before = self.store.get(key, ())
        self.known = {**self.known, key: tuple(sorted({*self.known.get(key, ()), *(v.dot for v in versions)}))}
        everything = (*before, *versions)
        after = merge(everything, self.policy, self.variant)
        for gone, kept, how in drops(everything, after):
            ctx.note(f"{ctx.me} drops {key}={gone} for {kept}: " + (
                "the older value comes back, as its time stamp is later" if how == "newer"
                else "they were written side by side, and only one can stay"))  # fmt: skip
            ctx.emit("dropped", key=key, value=gone.value, dot=list(gone.dot), how=how)
        if after != before:
            self.store = {**self.store, key: after}
            if len(after) > 1 and len(before) <= 1:
                ctx.note(f"{ctx.me} keeps {len(after)} siblings of {key}: none of their writers knew the other's")
                ctx.emit("conflict", key=key, siblings=len(after))
            ctx.emit("stored", key=key, values=[version.value for version in after])
            if src in self.others and set(after) != set(versions):
                self.owe(key, ctx)

    def send_owed(self, ctx: Ctx) -> None:
        busy = [(name, key) for name in self.others for key in self.owed.get(name, ())]
        for name, key in busy:
            ctx.send(name, Update(key, self.store[key]))
        if busy:
            ctx.set_timer("again", self.timeout)
        else:
            ctx.cancel_timer("again")

    def look(self) -> Look:
        held = ", ".join(f"{key}: {' | '.join(map(str, found))}" for key, found in self.store.items())
        conflict = any(len(found) > 1 for found in self.store.values())
        badge = "conflict" if conflict else " ".join(str(found[0].value) for found in self.store.values())
        return Look("leader", "M", -1, f"master, holds {held or 'nothing yet'}", badge)

    def label(self, msg: Any) -> str:
        return str(msg)
