"""What every run offers, simulated or real: the seam between engines and everything that shows them.

A run is *topic + version + params + seed + actions*.  `World` (here) simulates nodes and messages;
`prayog_sdk.run` adds `Computation` (a deterministic algorithm step by step), `prayog_sdk.session` adds `Session`
(a real component, recorded as it happens).  Panels, scripts, checks and the command line know only this module.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from prayog_sim.trace import Step, Trace

__all__ = ["Action", "ActionError", "Flight", "Look", "NodeView", "Run", "TimedAction", "View", "tally"]

Status = Literal["up", "down", "paused"]


class ActionError(ValueError):
    """An action cannot be done now or at all; the message is a sentence for the learner."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something a learner, a script or a schedule does to a run: ``Action("crash", {"node": "n1"})``."""

    name: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TimedAction:
    """An action with its place in a run: done at `at` (µs) when the trace held `after` steps."""

    after: int
    at: int
    action: Action


@dataclass(frozen=True, slots=True)
class Look:
    """How a node presents itself: shape + letter + colour + sentence, never colour alone.

    ``role`` chooses the shape (``leader``, ``follower``, ``candidate``, ``client``, ``store``, … any word of the
    topic; unknown words share one shape).  ``letter`` is drawn in the node (1-2 characters).  ``hue`` is an
    index into the colour cycle (a term, an epoch, an owner), or -1 for neutral.  ``sentence`` is the state in
    words, for the outline and screen readers.  ``badge`` is a short reason drawn beside the node.
    ``tally``: the answers of the others to what the node asks for now, one each and always in the same order: yes,
    no, or None while it waits (votes, promises, acknowledgements); drawn as dots.
    """

    role: str = ""
    letter: str = ""
    hue: int = -1
    sentence: str = ""
    badge: str = ""
    tally: tuple[bool | None, ...] = ()


def tally(asked: Iterable[str], yes: Collection[str], no: Collection[str] = ()) -> tuple[bool | None, ...]:
    """`Look.tally` of those who were `asked`: who said yes, who said no, and who has not answered."""
    return tuple(True if name in yes else False if name in no else None for name in asked)


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node at one moment: its durable and volatile fields apart (a crash empties the volatile half)."""

    name: str
    status: Status = "up"
    durable: Mapping[str, Any] = field(default_factory=dict)
    volatile: Mapping[str, Any] = field(default_factory=dict)
    timers: tuple[tuple[str, int, int], ...] = ()
    """Running timers: (name, set at µs, due at µs)."""
    look: Look = Look()


@dataclass(frozen=True, slots=True)
class Flight:
    """A message on its way: `ident` is stable for its life; `label` is short; times in µs."""

    ident: int
    src: str
    dst: str
    sent_at: int
    arrives_at: int
    label: str
    msg: Any


@dataclass(frozen=True, slots=True)
class View:
    """The whole run after step `seq` (-1: before the first), at `at` µs.

    ``cuts``: directed links (src, dst) that deliver nothing now.  ``facts``: whatever else the topic shows
    (JSON values): the result of a query, the levels of a tree.
    """

    seq: int
    at: int
    nodes: Mapping[str, NodeView] = field(default_factory=dict)
    flights: tuple[Flight, ...] = ()
    cuts: tuple[tuple[str, str], ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Run(Protocol):
    """What a run is to those who drive or draw it.  All calls are made from one thread."""

    kind: Literal["world", "session"]
    actions: list[TimedAction]
    """What was done so far, in order: with topic, version, params and seed it *is* the run."""

    @property
    def trace(self) -> Trace:
        """What happened so far; only the run itself adds to it."""
        ...

    @property
    def busy(self) -> bool:
        """More steps will come by themselves (queued events, or a real component at work)."""
        ...

    @property
    def next_at(self) -> int | None:
        """When the next step will happen (µs), if it is known already; the animation runs towards it."""
        ...

    def step(self) -> Step | None:
        """Let one more thing happen and return it; None when nothing is due (or nothing has arrived yet)."""
        ...

    def do(self, action: Action, at: int | None = None) -> Step:
        """Do `action` now, or at `at` µs (not before the last step, nor after `next_at`); it becomes a step.

        Raises `ActionError` with a sentence when it cannot be done; the run is then unchanged.
        """
        ...

    def view(self, at: int = -2) -> View:
        """The state after step `at`; -1 is before the first step, -2 is now."""
        ...

    def close(self) -> None:
        """Release what the run holds (threads, files, connections).  Calling it twice is harmless."""
        ...
