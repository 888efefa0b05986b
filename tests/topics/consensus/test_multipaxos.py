"""Multi-Paxos: counts per command, leaders that die, holes, old votes, and clients in storms."""

from __future__ import annotations

import pytest

from prayog_consensus.engine.clients import LINEARIZABLE
from prayog_consensus.engine.paxos.server import LEADING
from prayog_consensus.engine.setup import Setup, names
from prayog_sim.clock import s

from .playing import check_formulas, check_variants, named, play, storm, violation, world


@pytest.mark.parametrize("scenario", named("multipaxos"))
def test_scenarios_hold(scenario: str) -> None:
    result = play(scenario)
    assert result.ok, [check for check in result.checks if not check.ok]


def test_messages_are_as_many_as_the_formulas_say() -> None:
    assert not list(check_formulas("multipaxos", (1, 2, 3, 5, 9)))


def test_every_broken_variant_is_caught_and_the_correct_code_is_not() -> None:
    assert not list(check_variants("multipaxos"))


@pytest.mark.parametrize("options", ["clients=2 mixed", "clients=1 piggyback"])
def test_storms_break_nothing_and_the_servers_agree_in_the_end(options: str) -> None:
    served, traces = 0, []
    for seed in range(14):
        size = 3 + seed % 3
        setup = Setup("multipaxos", size, options=options, writes=15, timeout_ms=100, loss=0.05 * (seed % 2))
        run = world(setup, seed, storm(seed, names(size), names(int(options[8]), "c")))
        run.run(until_us=s(4), max_steps=20_000)
        assert not violation(run), (seed, violation(run))
        assert LINEARIZABLE.judge(run.trace).ok, (seed, LINEARIZABLE.judge(run.trace).reason)
        applied = [run.view().nodes[name].volatile["applied"] for name in names(size)]
        assert min(applied) > 0, (seed, applied)
        assert min(applied) >= max(applied) - 8, (seed, applied)
        served += sum(effect.kind == "ok" for step in run.trace for effect in step.effects)
        traces.append(run.trace)
    assert served > 280
    assert {row.event for row in LEADING.untried(traces)} <= {"timeout"}


def test_runs_are_deterministic() -> None:
    setup = Setup("multipaxos", options="clients=2", writes=10)
    hashes = set()
    for _ in range(2):
        run = world(setup, 5, storm(5, names(5)))
        run.run(until_us=s(2))
        run.fork(100).run(until_us=s(2))
        hashes.add(run.trace.hash())
    assert len(hashes) == 1
