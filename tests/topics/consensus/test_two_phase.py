"""Two-phase commit: counts, the blocking window, broken variants, and agreement through storms of faults."""

from __future__ import annotations

import random

import pytest

from prayog_consensus.engine.commit.coordinator import COORDINATOR
from prayog_consensus.engine.commit.participant import PARTICIPANT
from prayog_consensus.engine.families import family
from prayog_consensus.engine.setup import Setup, names
from prayog_sim.clock import ms, s
from prayog_sim.explorer import Bounds, Explorer, Limits, System
from prayog_sim.faults import Fault, fault
from prayog_sim.run import Action
from prayog_sim.trace import Trace

from .playing import check_formulas, check_variants, named, play, storm, violation, world

NAME = "two-phase commit"


@pytest.mark.parametrize("scenario", named("two_phase"))
def test_scenarios_hold(scenario: str) -> None:
    result = play(scenario)
    assert result.ok, [check for check in result.checks if not check.ok]


def test_messages_are_as_many_as_the_formulas_say() -> None:
    assert not list(check_formulas(NAME, (1, 2, 3, 5, 8, 16)))


def test_every_broken_variant_is_caught_and_the_correct_code_is_not() -> None:
    assert not list(check_variants(NAME))


def _work(seed: int, people: tuple[str, ...]) -> list[Fault]:
    rng = random.Random(f"work {seed}")
    found = [fault(ms(rng.randrange(1_500)), "refuse", node=rng.choice(people)) for _ in range(3)]
    return found + [fault(ms(rng.randrange(1_800)), "begin", node="c") for _ in range(6)]


def test_storms_break_nothing_and_everything_is_decided_in_the_end() -> None:
    committed = aborted = 0
    traces: list[Trace] = []
    for seed in range(80):
        people = names(2 + seed % 4, "p")
        setup = Setup(
            algorithm=NAME, nodes=len(people), timeout_ms=80, loss=0.05, options="noacks" if seed % 5 == 4 else ""
        )
        run = world(setup, seed, [*storm(seed, ("c", *people), until=2_000, faults=7), *_work(seed, people)])
        run.run(until_us=s(5), max_steps=8_000)
        assert not violation(run), (seed, violation(run))
        doubtful = [name for name in people if run.view().nodes[name].volatile["state"] == "prepared"]
        assert not doubtful, (seed, doubtful)
        outcomes = [
            e.data["value"] for step in run.trace if step.node == "c" for e in step.effects if e.kind == "commit"
        ]
        committed += outcomes.count("commit")
        aborted += outcomes.count("abort")
        traces.append(run.trace)
    assert committed > 30
    assert aborted > 30
    assert not COORDINATOR.untried(traces)
    traces.append(play("two_phase_blocked", variant="aborts-in-doubt").trace)
    assert not PARTICIPANT.untried(traces)


@pytest.mark.parametrize("variant", ["correct", "aborts-in-doubt", "sends-before-logging"])
def test_all_interleavings_of_two_participants_and_a_crash(variant: str) -> None:
    setup = Setup(algorithm=NAME, nodes=2, variant=variant)
    bounds = Bounds(crashes=1, timers=2, actions=(Action("begin", {"node": "c"}),))
    system = System(family(NAME).nodes(setup), bounds, family(NAME).invariants(setup))
    report = Explorer(system).run(Limits(states=15_000))
    broken = [verdict.name for verdict in report.verdicts if verdict.outcome == "fails"]
    assert broken == [] if variant == "correct" else broken, broken


def test_runs_are_deterministic() -> None:
    setup = Setup(algorithm=NAME, nodes=3, loss=0.1)
    runs = [world(setup, 3, [*storm(3, ("c", *names(3, "p"))), *_work(3, names(3, "p"))]) for _ in range(2)]
    for run in runs:
        run.run(until_us=s(3), max_steps=5_000)
    assert runs[0].trace.hash() == runs[1].trace.hash()
