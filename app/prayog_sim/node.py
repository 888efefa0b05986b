"""What an engine is written against: a `Node` with handlers, and the `Ctx` each handler gets.

A protocol is a class with ordinary attributes.  A handler looks at the message, changes the attributes and tells
its `Ctx` what should happen; the driver does it after the handler returned.  So the same class runs under a
simulated `World`, under an explorer of all interleavings and as a real process, and a test needs none of them::

    ctx = Ctx("n1", peers=("n2",))
    Gossiper(knows=True).on_timer("gossip", ctx)
    assert ctx.effects == [("send", "n2", "rumour")]

Rules
1. State is instance attributes.  Those named in `durable` survive a crash; all others are volatile.
2. A message is a value that never changes: text, a number, a tuple, a frozen dataclass.
3. No iteration over sets, no `id()`, no clock and no randomness but ``ctx.now`` and ``ctx.rng``.
4. A node keeps neither its `Ctx` nor another node: it meets the others only through messages.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from prayog_sim.disk import Disk
from prayog_sim.lines import short
from prayog_sim.rng import Rng
from prayog_sim.run import ActionError, Look
from prayog_sim.trace import to_json

__all__ = ["Ctx", "Node"]


class Ctx:
    """What one node may see and do in a handler; it records `effects` in order and carries nothing out.

    ``effects`` holds tuples: ``("send", dst, msg)``, ``("timer", name, after_us)``, ``("cancel", name)``,
    ``("note", text)``, ``("gauge", name, value)``, ``("emit", kind, data)``, ``("disk", data)``.
    """

    __slots__ = ("disk", "effects", "me", "now", "peers", "rng")

    def __init__(
        self, me: str, peers: tuple[str, ...] = (), now: int = 0, rng: Rng | None = None, disk: Disk | None = None
    ) -> None:
        self.me = me
        self.peers = peers
        self.now = now
        """What the node's own clock shows, in µs."""
        self.rng = rng if rng is not None else Rng.derive(0, "node", me)
        self.effects: list[tuple[Any, ...]] = []
        self.disk = disk if disk is not None else Disk()
        self.disk.effects = self.effects

    def send(self, dst: str, msg: Any) -> None:
        """Send `msg` to the node `dst`; it may be late, lost or doubled."""
        self.effects.append(("send", dst, msg))

    def broadcast(self, msg: Any) -> None:
        """Send `msg` to every other node."""
        for dst in self.peers:
            self.effects.append(("send", dst, msg))

    def set_timer(self, name: str, after_us: int) -> None:
        """Call `on_timer(name)` after `after_us` µs of the node's own clock; it replaces a timer of that name."""
        if not isinstance(after_us, int):
            raise TypeError(f"timer {name!r} was set to {after_us!r}: write whole microseconds; 100_000 are 0.1 s")
        if after_us < 0:
            raise ValueError(f"timer {name!r} was set {-after_us} µs into the past")
        self.effects.append(("timer", name, after_us))

    def cancel_timer(self, name: str) -> None:
        """Stop the timer `name`; harmless when it does not run."""
        self.effects.append(("cancel", name))

    def note(self, text: str) -> None:
        """Say in words what just happened, for the event list and scripts."""
        self.effects.append(("note", text))

    def gauge(self, name: str, value: float) -> None:
        """A number to plot over time."""
        self.effects.append(("gauge", name, value))

    def emit(self, kind: str, **data: Any) -> None:
        """A fact of the topic, such as ``emit("leader", term=3)``; checks count and find it by `kind`."""
        self.effects.append(("emit", kind, to_json(data)))

    def __reduce__(self) -> str:
        raise TypeError("a node keeps its Ctx, which is good for one handler only: use the one that is passed in")


class Node:
    """A participant.  Override what it needs; handlers left out do nothing."""

    durable: ClassVar[tuple[str, ...]] = ()
    """Names of the attributes that survive a crash, as if each handler synced them before its effects left."""
    actions: ClassVar[tuple[str, ...]] = ()
    """Names that `on_action` knows; any other is refused before the node sees it."""

    def on_start(self, ctx: Ctx) -> None:
        """The node starts, for the first time or after a crash."""

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        """`msg` from `src` arrived."""

    def on_timer(self, name: str, ctx: Ctx) -> None:
        """The timer `name` is due."""

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        """The learner asks for `name`; raise `ActionError` with a sentence when it cannot be done."""
        raise ActionError(f"{ctx.me} cannot {name!r}")

    def look(self) -> Look:
        """How the node presents itself now; the default says its attributes in words."""
        shown = [(name, value) for name, value in vars(self).items() if not name.startswith("_")][:6]
        return Look(sentence=", ".join(f"{name} {short(value)}" for name, value in shown))

    def label(self, msg: Any) -> str:
        """A short text for `msg`; a function of the message alone."""
        if dataclasses.is_dataclass(msg) and not isinstance(msg, type):
            fields = [(f.name, getattr(msg, f.name)) for f in dataclasses.fields(msg)[:4]]
            return " ".join([type(msg).__name__, *(f"{name}={short(value, 16)}" for name, value in fields)])
        return short(msg)
