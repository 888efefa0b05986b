"""Multi-Paxos, VSR and ZAB under the explorer: their nodes can be explored, and short runs hide nothing."""

from __future__ import annotations

import pytest

from prayog_consensus.engine.families import family
from prayog_consensus.engine.setup import Setup
from prayog_sim.explorer.bounds import Bounds, Choice
from prayog_sim.explorer.search import Explorer, Limits, Report
from prayog_sim.explorer.system import System
from prayog_sim.run import Action


def _do(name: str, node: str, **args: object) -> Action:
    return Action(name, {"node": node, **args})


LEAD = (_do("campaign", "n1"), _do("propose", "n1", value=1))


def _explore(algorithm: str, variant: str, bounds: Bounds, states: int = 12_000) -> Report[Choice]:
    chosen, setup = family(algorithm), Setup(algorithm, 3, variant, options="manual")
    return Explorer(System(chosen.nodes(setup), bounds, chosen.invariants(setup))).run(Limits(states=states))


@pytest.mark.parametrize(
    ("variant", "actions"),
    [
        ("forgets-votes", (*LEAD, _do("campaign", "n2"), _do("propose", "n2", value=2))),
        ("skips-holes", (*LEAD, _do("propose", "n1", value=2))),
    ],
)
def test_the_explorer_finds_broken_multipaxos(variant: str, actions: tuple[Action, ...]) -> None:
    assert _explore("multipaxos", variant, Bounds(actions=actions, timers=0)).progress.stopped == "violation"
    assert _explore("multipaxos", "correct", Bounds(actions=actions, timers=0)).progress.stopped == "states"


@pytest.mark.parametrize(
    ("algorithm", "bounds"),
    [
        ("vsr", Bounds(actions=(LEAD[1], _do("campaign", "n2"), _do("campaign", "n3")), timers=0)),
        ("vsr", Bounds(actions=(LEAD[1], _do("campaign", "n2")), timers=0, crashes=1)),
        ("zab", Bounds(timers=6, network="ordered")),
    ],
)
def test_the_explorer_finds_nothing_in_the_correct_code(algorithm: str, bounds: Bounds) -> None:
    report = _explore(algorithm, "correct", bounds)
    assert report.progress.stopped != "violation", report.verdicts
