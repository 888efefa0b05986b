"""LCR, the textbook's ring election: the same filter as Chang and Roberts', in synchronous rounds.

Nancy Lynch, "Distributed Algorithms", 1996, section 3.3, named after Le Lann, Chang and Roberts.  The leader knows
after n *rounds* (not messages), and everybody has stopped after 2n.  Le Lann's own algorithm of 1977 has no filter:
every node collects every id, always n² messages.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from prayog_consensus.engine.elections import ring
from prayog_consensus.engine.elections.members import idents
from prayog_consensus.engine.elections.outcome import (
    AGREED,
    ONE_AT_A_TIME,
    ONE_LEADER,
    leaders,
    leaders_at_once,
    rounds,
)
from prayog_consensus.engine.elections.rounds import Rounds, round_us
from prayog_consensus.engine.family import Family, Formula
from prayog_consensus.engine.setup import CORRECT, Factories, Setup, names, network
from prayog_sdk.checks import Measure, first
from prayog_sim.node import Ctx
from prayog_sim.world import World

__all__ = ["FAMILY", "Lcr"]


class Lcr(Rounds, ring.RingNode):
    """A node that keeps what comes until the round is over."""

    def __init__(
        self, me: str, id: int, order: tuple[str, ...], length: int, begins: bool = True, variant: str = CORRECT
    ) -> None:
        ring.RingNode.__init__(self, me, id, order, begins, variant)
        self.length = length
        self.inbox: tuple[tuple[str, Any], ...] = ()

    def end_round(self, letters: tuple[tuple[str, Any], ...], ctx: Ctx) -> None:
        for _, msg in letters:
            self.hear(msg, ctx)

    def when(self, ctx: Ctx) -> dict[str, int]:
        return {"round": self.round(ctx)}


def _nodes(setup: Setup, seed: int = 0) -> Factories:
    order, begins, length = names(setup.nodes), "manual" not in setup.words, round_us(setup)
    return {
        node: partial(Lcr, node, own, order, length, begins, setup.variant)
        for node, own in zip(order, idents(setup, seed), strict=True)
    }


def _build(setup: Setup, seed: int) -> World:
    return World(_nodes(setup, seed), seed, network(setup), invariants=ring.INVARIANTS)


MEASURES: dict[str, Measure] = {
    **ring.MEASURES,
    "leaders": leaders,
    "leaders_at_once": leaders_at_once,
    "rounds": rounds,
    "leader_round": first("leader").round,
}

FAMILY = Family(
    name="lcr",
    title="LCR",
    source="Lynch, Distributed Algorithms, 1996, §3.3",
    summary="Chang and Roberts' ring election in synchronous rounds, all nodes beginning in the first.",
    nodes=_nodes,
    build=_build,
    invariants=lambda setup: ring.INVARIANTS,
    actions=ring.ACTIONS,
    checks=(AGREED, ONE_LEADER, ONE_AT_A_TIME),
    measures=MEASURES,
    table=ring.RING,
    formulas=(
        Formula("best order", "tokens", lambda n: 2 * n - 1, "2n − 1", "lcr_best", "Lynch §3.3.2"),
        Formula("worst order", "tokens", lambda n: n * (n + 1) // 2, "n(n + 1)/2", "lcr_worst", "Lynch §3.3.2"),
        Formula("leader's round", "leader_round", lambda n: n, "n", "lcr_best", "Lynch §3.3.2"),
        Formula("all have decided", "rounds", lambda n: 2 * n - 1, "2n − 1", "lcr_best", "Lynch §3.3.2"),
    ),
)
