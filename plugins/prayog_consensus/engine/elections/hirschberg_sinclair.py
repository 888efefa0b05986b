"""Hirschberg and Sinclair's election on a ring, for contrast: O(n log n) messages in the worst case too.

D. S. Hirschberg and J. B. Sinclair, "Decentralized extrema-finding in circular configurations of processors",
Communications of the ACM 23(11), 1980; told as in Lynch 1996, section 3.4.  A candidate asks the 2ᵏ nodes on either
side in phase k, and goes on to the next phase only when both probes come back: then it is the highest of them all.
So at most n / (2ᵏ⁻¹ + 1) candidates are left in phase k, and 8n(1 + ⌈log₂ n⌉) messages are never exceeded.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from prayog_consensus.engine.elections import ring
from prayog_consensus.engine.elections.members import idents
from prayog_consensus.engine.elections.outcome import AGREED, ONE_AT_A_TIME, ONE_LEADER, leaders, leaders_at_once
from prayog_consensus.engine.family import Family, Formula
from prayog_consensus.engine.setup import CORRECT, Factories, Setup, names, network
from prayog_sdk.checks import gauge
from prayog_sdk.specs import SeriesSpec
from prayog_sim.node import Ctx
from prayog_sim.world import World

__all__ = ["FAMILY", "HirschbergSinclair", "Probe", "Reply"]


@dataclass(frozen=True, slots=True)
class Probe:
    """A candidate's id, to go `hops` nodes further in one direction (+1 is clockwise)."""

    term: int
    id: int
    phase: int
    hops: int
    way: int

    def __str__(self) -> str:
        return f"probe {self.id} p{self.phase} +{self.hops}"


@dataclass(frozen=True, slots=True)
class Reply:
    """The probe reached its last node: on the way back to its candidate (`way` is the reply's own direction)."""

    term: int
    id: int
    phase: int
    way: int

    def __str__(self) -> str:
        return f"reply {self.id} p{self.phase} ✓"


class HirschbergSinclair(ring.RingNode):
    """A node of the ring that sends both ways."""

    durable: ClassVar[tuple[str, ...]] = (*ring.RingNode.durable, "phase", "back")

    def __init__(self, me: str, id: int, order: tuple[str, ...], begins: bool = True, variant: str = CORRECT) -> None:
        super().__init__(me, id, order, begins, variant)
        self.phase = 0
        self.back: tuple[int, ...] = ()
        """The directions from which this phase's replies have come."""

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if isinstance(msg, Reply):
            self.heard_reply(msg, ctx)
        else:
            self.hear(msg, ctx)

    def hear(self, msg: Any, ctx: Ctx) -> None:
        if isinstance(msg, Probe) and msg.term >= self.term:
            if msg.term > self.term:
                self.renew(msg.term, ctx)
            ring.RING.fire(self, "token", ctx, msg)
        elif isinstance(msg, ring.Elected):
            super().hear(msg, ctx)

    def send_own(self, ctx: Ctx) -> None:
        self.phase = -1
        self.next_phase(ctx)

    def next_phase(self, ctx: Ctx) -> None:
        """Ask twice as many nodes on either side."""
        self.phase += 1
        self.back = ()
        far = 1 << self.phase
        ctx.note(f"{ctx.me} asks {far} on either side whether somebody is above {self.id} (phase {self.phase})")
        ctx.gauge("phase", self.phase)
        for way in (1, -1):
            ctx.send(self.toward(way), Probe(self.term, self.id, self.phase, far, way))

    def forward(self, ctx: Ctx, msg: Any) -> None:
        """A probe that nobody here beats goes on, or turns round at its last node."""
        if msg.hops > 1:
            ctx.note(f"{ctx.me} passes {msg.id} on, {msg.hops - 1} to go")
            ctx.send(self.toward(msg.way), Probe(msg.term, msg.id, msg.phase, msg.hops - 1, msg.way))
        else:
            ctx.note(f"{ctx.me} is the last that {msg.id} asks in phase {msg.phase}, and sends it back")
            ctx.send(self.toward(-msg.way), Reply(msg.term, msg.id, msg.phase, -msg.way))

    def heard_reply(self, msg: Reply, ctx: Ctx) -> None:
        if msg.id != self.id:
            ctx.send(self.toward(msg.way), msg)
        elif (
            (msg.term, msg.phase) == (self.term, self.phase) and self.state == "candidate" and msg.way not in self.back
        ):
            self.back = (*self.back, msg.way)
            if len(self.back) == 2:
                self.next_phase(ctx)

    def toward(self, way: int) -> str:
        """The neighbour clockwise (+1) or against the clock (−1)."""
        return self.order[(self.order.index(self.me) + way) % len(self.order)]


def _nodes(setup: Setup, seed: int = 0) -> Factories:
    order, begins = names(setup.nodes), "manual" not in setup.words
    return {
        node: partial(HirschbergSinclair, node, own, order, begins, setup.variant)
        for node, own in zip(order, idents(setup, seed), strict=True)
    }


def _build(setup: Setup, seed: int) -> World:
    return World(_nodes(setup, seed), seed, network(setup), invariants=ring.INVARIANTS)


def bound(n: int) -> int:
    """8n(1 + ⌈log₂ n⌉), Lynch 1996, section 3.4."""
    return 8 * n * (1 + (n - 1).bit_length())


FAMILY = Family(
    name="hirschberg-sinclair",
    title="Hirschberg–Sinclair",
    source="Hirschberg and Sinclair, CACM 23(11), 1980",
    summary="Ring election in both directions, asking 1, 2, 4, … nodes on either side: O(n log n) messages at worst.",
    nodes=_nodes,
    build=_build,
    invariants=lambda setup: ring.INVARIANTS,
    actions=ring.ACTIONS[:1],
    checks=(AGREED, ONE_LEADER, ONE_AT_A_TIME),
    measures={
        **ring.MEASURES,
        "leaders": leaders,
        "leaders_at_once": leaders_at_once,
        "last_phase": gauge("phase", "max"),
    },
    series=(SeriesSpec("phase", "Phase", per_node=True),),
    table=ring.RING,
    formulas=tuple(
        Formula("bound", "tokens", lambda n: (0, bound(n)), "8n(1 + ⌈log₂ n⌉)", scenario, "Lynch §3.4")
        for scenario in ("hirschberg_sinclair_worst", "hirschberg_sinclair_shuffled")
    ),
)
