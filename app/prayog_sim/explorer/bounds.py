"""How far an exploration of nodes goes, what can be chosen in it, and what a property gets to see.

Messages may take any time and timers may run for any time, so pauses, slow links, partitions and wrong clocks are
covered without being choices of their own: to the nodes, a partition is messages that take long.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from prayog_sim.lines import short
from prayog_sim.node import Node
from prayog_sim.run import Action, Status

__all__ = ["Bounds", "Choice", "Memory", "Offer", "Snapshot"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What may happen, and how often in one run (None: any number of times).

    ``network``: ``unordered`` (messages may overtake each other, as datagrams do), ``ordered`` (first in, first out
    on each link, as in TCP), or ``unordered-duplicating`` (a message that was delivered may be delivered again, for
    ever, and two equal messages count as one).
    ``drops``, ``duplicates``, ``crashes``, ``timers``: how many messages may be lost, how many doubled, how many
    nodes crash (and restart later, from what they had stored), how many timers fire.
    ``actions``: what somebody may ask of the nodes, each at most once, in any order and at any time.
    ``messages``: at most so many on their way.
    ``within``: states for whose nodes this is false are left out, with everything behind them.
    ``alike``: groups of nodes that are interchangeable; one of all states that differ only in their names is enough.
    """

    network: Literal["unordered", "ordered", "unordered-duplicating"] = "unordered"
    drops: int | None = 0
    duplicates: int = 0
    crashes: int | None = 0
    timers: int | None = None
    actions: tuple[Action, ...] = ()
    messages: int | None = None
    within: Callable[[Mapping[str, Node]], bool] | None = None
    alike: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        for name in ("drops", "duplicates", "crashes", "timers"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 255:
                raise ValueError(f"{name} must be from 0 to 255, or None for any number; found {value}")


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that can happen next.

    ``kind``: ``deliver``, ``drop`` or ``duplicate`` (the message `msg` from `src` to `node`), ``crash``, ``restart``,
    ``timer`` (`name` fires), ``action`` (`name` with `args` is asked for).  ``draw`` tells apart what different
    random draws lead to.
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
