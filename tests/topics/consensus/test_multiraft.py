"""Multi-Raft: scenarios, heartbeats equal to the formulas, the broken variant, and splits and merges under faults."""

from __future__ import annotations

import random

import pytest

from prayog_consensus.engine.setup import Setup, names
from prayog_sim.clock import ms
from prayog_sim.faults import Fault, fault
from topics.consensus.playing import check_formulas, check_variants, named, play, storm, topic, violation, world


def test_heartbeats_equal_the_formulas() -> None:
    assert not list(check_formulas("multiraft", (1, 2, 3, 5, 9)))


@pytest.mark.parametrize("scenario", named("multiraft"))
def test_scenario_holds(scenario: str) -> None:
    result = play(scenario)
    assert [(c.name, c.reason) for c in result.checks if not c.ok and not c.foreseen] == []
    assert [step.data["sentence"] for step in result.trace if step.kind in ("error", "halted")] == []
    assert play(scenario).trace_hash == result.trace_hash


def test_the_broken_variant_is_caught() -> None:
    assert not list(check_variants("multiraft"))


def _changes(seed: int, stores: tuple[str, ...]) -> list[Fault]:
    """Splits and merges at random moments, asked of every store: the one that leads does it."""
    rng = random.Random(seed)
    found = []
    for _ in range(25):
        at, ident = ms(rng.randrange(200, 2_300)), rng.choice(["1", "2", "1.1", "2.1", "1.2", "2.2"])
        if rng.random() < 0.6:
            key = rng.choice("bdfhjlnprt")
            found += [fault(at, "split", node=store, range=ident, key=key) for store in stores]
        else:
            found += [fault(at, "merge", node=store, range=ident) for store in stores]
    return found


@pytest.mark.parametrize("options", ["ranges=2 mixed clients=2", "ranges=2 naive leasereads mixed clients=2"])
def test_splits_and_merges_in_a_storm_lose_no_key(options: str) -> None:
    linearizable = topic().checks(topic().params({"algorithm": "multiraft"}))["linearizable"]
    splits = merges = 0
    for seed in range(3):
        stores = names(3)
        schedule = [*storm(seed, stores, ("c1", "c2"), faults=6), *_changes(seed, stores)]
        run = world(Setup(algorithm="multiraft", nodes=3, writes=60, options=options), seed, schedule)
        run.run(until_us=ms(3_500))
        assert violation(run) == "", f"seed {seed}"
        verdict = linearizable.judge(run.trace)
        assert verdict.ok, f"seed {seed}: {verdict.reason}"
        kinds = [effect.kind for step in run.trace for effect in step.effects]
        splits, merges = splits + kinds.count("split"), merges + kinds.count("merge")
        late = [step for step in run.trace if step.at > ms(2_700) and any(e.kind == "ok" for e in step.effects)]
        assert late, f"seed {seed}: nothing was done after the storm"
    assert splits > 6
    assert merges > 3
