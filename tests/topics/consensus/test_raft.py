"""Raft: message counts equal to the formulas, every scenario, every broken variant, and storms of faults."""

from __future__ import annotations

import pytest

from prayog_consensus.engine.raft.measures import CHECKS
from prayog_consensus.engine.setup import Setup, names
from prayog_sim.clock import ms
from topics.consensus.playing import check_formulas, check_variants, named, play, storm, violation, world

_LINEARIZABLE = next(check for check in CHECKS if check.name == "linearizable")


def test_message_counts_equal_the_formulas() -> None:
    assert not list(check_formulas("raft", (1, 2, 3, 4, 5, 9, 16)))


@pytest.mark.parametrize("scenario", named("raft"))
def test_scenario_holds(scenario: str) -> None:
    result = play(scenario)
    assert [(c.name, c.reason) for c in result.checks if not c.ok and not c.foreseen] == []
    assert [step.data["sentence"] for step in result.trace if step.kind in ("error", "halted")] == []


@pytest.mark.parametrize("scenario", ["raft_reads", "raft_torn_write", "raft_joint"])
def test_the_past_is_the_same_when_it_is_run_again(scenario: str) -> None:
    assert play(scenario).trace_hash == play(scenario).trace_hash


def test_every_broken_variant_is_caught() -> None:
    assert not list(check_variants("raft"))


@pytest.mark.parametrize(
    "options",
    [
        "mixed clients=2",
        "prevote checkquorum mixed clients=2",
        "nonoop decrement",
        "leasereads mixed clients=2",
        "logreads mixed batch=2",
        "compact=5 mixed clients=2",
        "disk mixed clients=2",
        "disk compact=4 prevote mixed",
    ],
)
def test_storms_of_faults_violate_nothing(options: str) -> None:
    for seed in range(4):
        setup = Setup(nodes=3 + 2 * (seed % 2), writes=30, options=options)
        schedule = storm(seed, names(setup.nodes), ("c1", "c2") if "clients=2" in options else ("c1",))
        run = world(setup, seed, schedule)
        run.run(until_us=ms(3_500))
        assert violation(run) == "", f"seed {seed}"
        verdict = _LINEARIZABLE.judge(run.trace)
        assert verdict.ok, f"seed {seed}: {verdict.reason}"
        late = [step for step in run.trace if step.at > ms(2_500) and any(e.kind == "ok" for e in step.effects)]
        assert late, f"seed {seed}: nothing was done after the storm"
