"""Chang and Roberts' election on a ring: asynchronous, any number of initiators, a token is passed on at once.

Any number of nodes may begin; that only one does is often read, and wrong (CR79 is about several).  When all n begin,
2n − 1 messages are enough if the ids rise in the direction of travel, n(n + 1)/2 are needed if they fall, and n·Hₙ is
the mean over all orders (CR79, section 4).  Telling the result takes n more.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from prayog_consensus.engine.elections import ring
from prayog_consensus.engine.elections.members import idents
from prayog_consensus.engine.elections.outcome import AGREED, ONE_AT_A_TIME, ONE_LEADER, leaders, leaders_at_once
from prayog_consensus.engine.family import Family, Formula
from prayog_consensus.engine.setup import Factories, Setup, names, network
from prayog_sdk.specs import Variant
from prayog_sim.node import Ctx
from prayog_sim.world import World

__all__ = ["FAMILY", "ChangRoberts"]


class ChangRoberts(ring.RingNode):
    """A node that acts whenever a message comes."""

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        self.hear(msg, ctx)


def _nodes(setup: Setup, seed: int = 0) -> Factories:
    order, begins = names(setup.nodes), "manual" not in setup.words
    return {
        node: partial(ChangRoberts, node, own, order, begins, setup.variant)
        for node, own in zip(order, idents(setup, seed), strict=True)
    }


def _build(setup: Setup, seed: int) -> World:
    return World(_nodes(setup, seed), seed, network(setup), invariants=ring.INVARIANTS)


FAMILY = Family(
    name="chang-roberts",
    title="Chang–Roberts",
    source="Chang and Roberts, CACM 22(5), 1979",
    summary="Ids travel round a ring; each node swallows those below its own, and whose id comes back leads.",
    nodes=_nodes,
    build=_build,
    invariants=lambda setup: ring.INVARIANTS,
    actions=ring.ACTIONS,
    checks=(AGREED, ONE_LEADER, ONE_AT_A_TIME),
    measures={**ring.MEASURES, "leaders": leaders, "leaders_at_once": leaders_at_once},
    table=ring.RING,
    variants=(
        Variant(
            "forwards-all",
            "Passes on lower ids too",
            {"algorithm": "chang-roberts", "variant": "forwards-all"},
            caught_by="safe",
            scenario="chang_roberts_three",
            seeds=5,
            story="Nobody swallows anything, so every id comes back to its node.",
        ),
        Variant(
            "twin-ids",
            "Two nodes have the same id",
            {"algorithm": "chang-roberts", "ids": "1,3,3"},
            caught_by="safe",
            scenario="chang_roberts_three",
            seeds=5,
            story="A node takes its twin's id for its own.",
        ),
    ),
    formulas=(
        Formula("best order", "tokens", lambda n: 2 * n - 1, "2n − 1", "chang_roberts_best", "CR79 §4"),
        Formula("worst order", "tokens", lambda n: n * (n + 1) // 2, "n(n + 1)/2", "chang_roberts_worst", "CR79 §4"),
        Formula("announcement", "announcements", lambda n: n, "n", "chang_roberts_worst"),
        Formula("best in all", "messages", lambda n: 3 * n - 1, "2n − 1 + n", "chang_roberts_best"),
        Formula("worst in all", "messages", lambda n: n * (n + 1) // 2 + n, "n(n + 1)/2 + n", "chang_roberts_worst"),
        Formula(
            "any order", "tokens", lambda n: (2 * n - 1, n * (n + 1) // 2), "2n − 1 to n(n + 1)/2, n·Hₙ on average",
            "chang_roberts_shuffled", "CR79 §4",
        ),
    ),
)  # fmt: skip
