"""The three parts that a node can play, and how one node plays several: a message goes to every part that hears it.

Rules
1. A node that is its own acceptor asks itself without a message, so that counts are of messages on the network.
2. All attributes are plain values: the same classes run in a world, in the explorer and as real processes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from prayog_sim.node import Ctx, Node

__all__ = ["Role"]


class Role(Node):
    """A part.  ``hears``: type of message → name of the method that takes it."""

    hears: ClassVar[Mapping[type, str]] = {}

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        """Hand `msg` to every part of this node that hears its type."""
        for part in type(self).__mro__:
            name = vars(part).get("hears", {}).get(type(msg))
            if name:
                getattr(self, name)(src, msg, ctx)

    def post(self, dst: str, msg: Any, ctx: Ctx) -> None:
        """Send `msg`, or take it at once when it is for this very node."""
        if dst == ctx.me:
            self.on_message(ctx.me, msg, ctx)
        else:
            ctx.send(dst, msg)

    def label(self, msg: Any) -> str:
        return str(msg)
