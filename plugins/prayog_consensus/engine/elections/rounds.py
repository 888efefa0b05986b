"""The synchronous model on clocks: a round is longer than any message takes, and at its end all act together.

Nancy Lynch, "Distributed Algorithms", 1996, section 2.1: in each round every process sends, receives what was sent
to it in this round, and changes its state.  Here a node keeps what arrives in `inbox` until its clock says that the
round is over.  The model's assumption is thereby an assumption about links and clocks that learners can break: slow
down a link, or set a clock wrong.
"""

from __future__ import annotations

from typing import Any

from prayog_consensus.engine.setup import Setup
from prayog_sim.clock import ms
from prayog_sim.node import Ctx, Node

__all__ = ["Rounds", "round_us"]


def round_us(setup: Setup) -> int:
    """The length of a round: the longest delay of a link and a millisecond more."""
    return ms(setup.latency_ms * (1 + setup.jitter)) + ms(1)


class Rounds(Node):
    """A node that acts at the ends of rounds of `length` µs; subclasses say how in `end_round`."""

    length: int
    inbox: tuple[tuple[str, Any], ...]

    def round(self, ctx: Ctx) -> int:
        """The number of rounds that are over."""
        return ctx.now // self.length

    def await_end(self, ctx: Ctx) -> None:
        """Act when this round is over."""
        ctx.set_timer("round", self.length - ctx.now % self.length)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if not self.inbox:
            self.await_end(ctx)
        self.inbox = (*self.inbox, (src, msg))

    def on_timer(self, name: str, ctx: Ctx) -> None:
        letters, self.inbox = self.inbox, ()
        self.end_round(letters, ctx)

    def end_round(self, letters: tuple[tuple[str, Any], ...], ctx: Ctx) -> None:
        """Take what came in the round that has just ended, and send for the next one."""
        raise NotImplementedError
