"""A replica of a quorum register: it keeps the value with the highest stamp it was ever given, and says what it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from prayog_sim.node import Ctx, Node
from prayog_sim.run import Look

__all__ = ["NEVER", "Get", "Have", "Put", "Replica", "Stamp", "Stored"]

Stamp = tuple[int, str]
"""(number, writer): totally ordered, and no two writes ever have the same."""
NEVER: Stamp = (0, "")


@dataclass(frozen=True, slots=True)
class Get:
    """What do you have?"""

    op: int

    def __str__(self) -> str:
        return "get"


@dataclass(frozen=True, slots=True)
class Have:
    """This."""

    op: int
    stamp: Stamp
    value: Any

    def __str__(self) -> str:
        return f"have {self.value} s{self.stamp[0]}"


@dataclass(frozen=True, slots=True)
class Put:
    """Keep this, unless you have something later."""

    op: int
    stamp: Stamp
    value: Any

    def __str__(self) -> str:
        return f"put {self.value} s{self.stamp[0]}"


@dataclass(frozen=True, slots=True)
class Stored:
    """I have that, or something later, on disk."""

    op: int

    def __str__(self) -> str:
        return "stored ✓"


class Replica(Node):
    """One copy of the register."""

    durable: ClassVar[tuple[str, ...]] = ("stamp", "value")

    def __init__(self) -> None:
        self.stamp: Stamp = NEVER
        self.value: Any = None

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if isinstance(msg, Get):
            ctx.send(src, Have(msg.op, self.stamp, self.value))
        elif isinstance(msg, Put):
            if msg.stamp > self.stamp:
                ctx.note(f"{ctx.me} keeps {msg.value}: stamp {msg.stamp[0]} is above its {self.stamp[0]}")
                self.stamp, self.value = msg.stamp, msg.value
            elif msg.stamp < self.stamp:
                ctx.note(f"{ctx.me} does not keep {msg.value}: it has {self.value} with a later stamp")
            ctx.send(src, Stored(msg.op))

    def look(self) -> Look:
        held = "nothing" if self.stamp == NEVER else f"{self.value} with stamp {self.stamp[0]} of {self.stamp[1]}"
        shown = "" if self.stamp == NEVER else f"{self.value} s{self.stamp[0]}"
        return Look("store", "R", self.stamp[0] or -1, f"replica, holds {held}", shown)

    def label(self, msg: Any) -> str:
        return str(msg)
