"""ZAB: three messages per phase and follower, epochs, disks, and storms under the ten properties."""

from __future__ import annotations

import dataclasses

import pytest

from prayog_consensus.engine.clients import LINEARIZABLE
from prayog_consensus.engine.setup import Setup, names, network
from prayog_consensus.engine.zab.family import FAMILY
from prayog_consensus.engine.zab.state import PHASES
from prayog_sim.clock import s
from prayog_sim.network import Network
from prayog_sim.world import World

from .playing import check_formulas, check_variants, named, play, storm, violation, world


@pytest.mark.parametrize("scenario", named("zab"))
def test_scenarios_hold(scenario: str) -> None:
    result = play(scenario)
    assert result.ok, [check for check in result.checks if not check.ok]


def test_messages_are_as_many_as_the_formulas_say() -> None:
    assert not list(check_formulas("zab", (1, 2, 3, 5, 9)))


def test_every_broken_variant_is_caught_and_the_correct_code_is_not() -> None:
    assert not list(check_variants("zab"))


@pytest.mark.parametrize("ordered", [True, False], ids=["as TCP", "as UDP"])
def test_storms_break_nothing_and_the_servers_agree_in_the_end(ordered: bool) -> None:
    """ZAB is made for channels that keep the order; without, a gap means to join again, and nothing worse."""
    served, traces = 0, []
    for seed in range(8):
        size = 3 + seed % 3
        options = "clients=2 mixed logreads fsync=5"
        setup = Setup("zab", size, options=options, writes=15, timeout_ms=100, loss=0.05 * (seed % 2))
        schedule = storm(seed, names(size), names(2, "c"))
        link = dataclasses.replace(network(setup).link, ordered=True)
        run = world(setup, seed, schedule)
        if ordered:
            nodes, rules = FAMILY.nodes(setup), FAMILY.invariants(setup)
            run = World(nodes, seed, Network(link), schedule, rules, strict=True, stop_at_violation=True)
        run.run(until_us=s(4), max_steps=20_000)
        assert not violation(run), (seed, violation(run))
        assert LINEARIZABLE.judge(run.trace).ok, (seed, LINEARIZABLE.judge(run.trace).reason)
        served += sum(effect.kind == "ok" for step in run.trace for effect in step.effects)
        delivered = [run.view().nodes[name].volatile["delivered"] for name in names(size)]
        assert min(delivered) > 0, (seed, delivered)
        traces.append(run.trace)
    assert served > 110
    assert {row.event for row in PHASES.untried(traces)} <= {"gap", "lost"}


def test_runs_are_deterministic() -> None:
    hashes = set()
    for _ in range(2):
        run = world(Setup("zab", options="clients=2", writes=10), 5, storm(5, names(5)))
        run.run(until_us=s(2))
        run.fork(100).run(until_us=s(2))
        hashes.add(run.trace.hash())
    assert len(hashes) == 1
