"""The resource that must be written by one leader only: it compares epochs, which nobody else can do for it.

M. Burrows, "The Chubby lock service", OSDI 2006, section 2.4 (sequencers); M. Kleppmann, "How to do distributed
locking", 2016 (fencing tokens).

Rules
1. A write carries the epoch in which its writer was leader, its *token*.  The highest token ever seen is durable.
2. A lower token is refused, however sure its sender was when it sent it: only here, where writes arrive one after the
   other, can anybody tell that it is too late.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from prayog_sim.node import Ctx, Node
from prayog_sim.run import Look

__all__ = ["Accepted", "Refused", "Storage", "Write"]


@dataclass(frozen=True, slots=True)
class Write:
    """Store `value`; I lead in `token`."""

    token: int
    value: str

    def __str__(self) -> str:
        return f"write {self.value} #{self.token}"


@dataclass(frozen=True, slots=True)
class Accepted:
    """Stored."""

    token: int
    value: str

    def __str__(self) -> str:
        return f"stored {self.value} ✓"


@dataclass(frozen=True, slots=True)
class Refused:
    """Not stored: I have seen a higher token."""

    token: int
    highest: int

    def __str__(self) -> str:
        return f"refused #{self.token} ✗ #{self.highest}"


class Storage(Node):
    """The storage.  ``fences``: it compares tokens."""

    durable: ClassVar[tuple[str, ...]] = ("highest", "value", "accepted")

    def __init__(self, fences: bool) -> None:
        self.fences = fences
        self.highest = 0
        self.value = ""
        self.accepted: tuple[tuple[int, str], ...] = ()
        """(token, writer) of every write that was stored, in order; for the invariants."""

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if not isinstance(msg, Write):
            return
        if self.fences and msg.token < self.highest:
            ctx.note(f"{ctx.me} refuses {src}'s write: its token {msg.token} is below {self.highest}")
            ctx.emit("fenced", token=msg.token, highest=self.highest)
            ctx.send(src, Refused(msg.token, self.highest))
            return
        if msg.token < self.highest:
            ctx.note(f"{ctx.me} stores a write of epoch {msg.token} after one of {self.highest}: it does not compare")
            ctx.emit("overwritten", token=msg.token, highest=self.highest)
        self.highest = max(self.highest, msg.token)
        self.value = msg.value
        self.accepted = (*self.accepted, (msg.token, src))
        ctx.emit("stored", token=msg.token, by=src)
        ctx.send(src, Accepted(msg.token, msg.value))

    def look(self) -> Look:
        guard = f"refuses tokens below {self.highest}" if self.fences else "takes any token"
        return Look("store", "S", self.highest or -1, f"storage, holds {self.value or 'nothing yet'}, {guard}",
                    f"≥ #{self.highest}" if self.fences else "no check")  # fmt: skip

    def label(self, msg: Any) -> str:
        return str(msg)
