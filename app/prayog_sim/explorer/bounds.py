"""How far an exploration of nodes goes, what can be chosen in it, and what a property gets to see.

Rules
1. Without a clock, messages may take any time and timers may run for any time.  So slow links, partitions and wrong
   clocks are covered without being choices of their own: to the nodes, a partition is messages that take long.  A
   pause is covered too; as a choice it only makes such a run easier to read.
2. That is unsound for nodes that read the clock or rely on the length of a timer: they would be blamed for what no
   clock can do.  They need a `Clock`.  With it, timers fire exactly when they are due, at all nodes but paused ones.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from prayog_sim.lines import short
from prayog_sim.node import Node
from prayog_sim.run import Action, Status

__all__ = ["Bounds", "Choice", "Clock", "Memory", "Offer", "Snapshot"]


@dataclass(frozen=True, slots=True)
class Clock:
    """One true clock that all nodes read, as a choice: it goes on by `step` µs, or to the next timer if one is due
    before that, and stands still at `until` µs.

    What happens at one time happens in any order, but timers that are due come before messages, because a message
    takes longer than no time.  Messages may take any number of steps, unless they are `prompt`: then the clock waits
    for all but those to paused nodes.  (With one step a round, that is the synchronous model: Lynch, "Distributed
    Algorithms", 1996, section 2.1.)

    What is found is real: a world with these delays does the same.  What is not found may still hide between two
    steps, so choose a step that divides the times that the nodes use (Henzinger, Manna and Pnueli, "What good are
    digital clocks?", ICALP 1992).
    """

    step: int
    until: int
    prompt: bool = False

    def __post_init__(self) -> None:
        if self.step < 1 or self.until < 0:
            raise ValueError(f"a clock needs a step from 1 µs and an end from 0 µs; found {self.step}, {self.until}")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What may happen, and how often in one run (None: any number of times).

    ``network``: ``unordered`` (messages may overtake each other, as datagrams do), ``ordered`` (first in, first out
    on each link, as in TCP), or ``unordered-duplicating`` (a message that was delivered may be delivered again, for
    ever, and two equal messages count as one).
    ``drops``, ``duplicates``, ``crashes``, ``timers``: how many messages may be lost, how many doubled, how many
    nodes crash (and restart later, from what they had stored), how many timers fire.
    ``torn``: how many crashes more come in the middle of a write to disk, and leave part of what was not synced.  A
    write is cut at every place if it has up to 8, else at both ends and in the middle.
    ``pauses``: how many times a node stops, takes nothing, and goes on later as if nothing had been.
    ``clock``: what nodes that measure time need.
    ``actions``: what somebody may ask of the nodes, each at most once, in any order and at any time.
    ``messages``: at most so many on their way.
    ``within``: states for whose nodes this is false are left out, with everything behind them.
    ``alike``: groups of nodes that are interchangeable; one of all states that differ only in their names is enough.
    """

    network: Literal["unordered", "ordered", "unordered-duplicating"] = "unordered"
    drops: int | None = 0
    duplicates: int = 0
    crashes: int | None = 0
    torn: int = 0
    pauses: int = 0
    timers: int | None = None
    clock: Clock | None = None
    actions: tuple[Action, ...] = ()
    messages: int | None = None
    within: Callable[[Mapping[str, Node]], bool] | None = None
    alike: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        for name in ("drops", "duplicates", "crashes", "torn", "pauses", "timers"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 255:
                raise ValueError(f"{name} must be from 0 to 255, or None for any number; found {value}")


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that can happen next.

    ``kind``: ``deliver``, ``drop`` or ``duplicate`` (the message `msg` from `src` to `node`), ``crash``, ``torn`` (a
    crash in the middle of a write), ``restart``, ``pause``, ``resume``, ``timer`` (`name` fires), ``tick`` (the clock
    goes on, to `name`), ``action`` (`name` with `args` is asked for).  ``draw`` tells apart what different random
    draws lead to.
    """

    kind: str
    node: str
    src: str = ""
    msg: Any = None
    name: str = ""
    args: tuple[tuple[str, Any], ...] = ()
    draw: int = 0

    def __str__(self) -> str:
        if self.kind in ("deliver", "drop", "duplicate"):
            words = f"{self.kind} {self.src} → {self.node} {short(self.msg)}"
        elif self.kind == "tick":
            words = f"the clock goes on to {self.name}" if self.name else "the clock goes on"
        elif self.kind == "torn":
            words = f"{self.node} crash in the middle of a write"
        else:
            rest = " ".join(f"{key}={short(value)}" for key, value in self.args if key != "node")
            words = " ".join(word for word in (self.node, self.kind, self.name, rest) if word)
        return words + (f" (draw {self.draw + 1})" if self.draw else "")


@dataclass(frozen=True, slots=True)
class Offer:
    """A choice as a panel shows it: if it cannot be made, `reason` says why in a few words.

    ``same``: it can be made, and changes nothing.
    """

    choice: Choice
    enabled: bool
    reason: str = ""
    same: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """What a run remembers beside its nodes: a fold over all ``ctx.emit`` in it, for properties across time.

    ``add(past, node, kind, data)`` returns the new past, a value; it starts with `start`.  Remember little: two
    states with different pasts are two states.
    """

    start: Hashable
    add: Callable[[Any, str, str, Mapping[str, Any]], Hashable]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One state, for properties: nodes are for reading only (a crashed one has only its durable state)."""

    nodes: Mapping[str, Node]
    status: Mapping[str, Status]
    messages: tuple[tuple[str, str, Any], ...] = ()
    """Messages on their way: (from, to, message)."""
    past: Any = None
    failed: Mapping[str, str] = field(default_factory=dict)
    """Nodes whose handler raised, with a sentence."""
