"""Viewstamped Replication: counts, view changes, recovery without a disk, the published loss, and storms."""

from __future__ import annotations

import pytest

from prayog_consensus.engine.clients import LINEARIZABLE, NOOP
from prayog_consensus.engine.setup import Setup, names
from prayog_consensus.engine.vsr.messages import NewState, StartView
from prayog_consensus.engine.vsr.recovery import Replica
from prayog_consensus.engine.vsr.state import STATUS
from prayog_sim.clock import s
from prayog_sim.node import Ctx
from prayog_sim.run import Action

from .playing import check_formulas, check_variants, named, play, storm, violation, world


@pytest.mark.parametrize("scenario", named("vsr"))
def test_scenarios_hold(scenario: str) -> None:
    result = play(scenario)
    assert result.ok, [check for check in result.checks if not check.ok]


def test_messages_are_as_many_as_the_formulas_say() -> None:
    assert not list(check_formulas("vsr", (1, 2, 3, 4, 9)))


def test_every_broken_variant_is_caught_and_the_correct_code_is_not() -> None:
    assert not list(check_variants("vsr"))


@pytest.mark.parametrize("options", ["clients=2 mixed", "clients=1 piggyback"])
def test_storms_break_nothing(options: str) -> None:
    served, traces, recovered = 0, [], 0
    for seed in range(14):
        size = 3 + seed % 3
        setup = Setup("vsr", size, options=options, writes=15, timeout_ms=100, loss=0.05 * (seed % 2))
        run = world(setup, seed, storm(seed, names(size), names(int(options[8]), "c")))
        run.run(until_us=s(4), max_steps=20_000)
        assert not violation(run), (seed, violation(run))
        assert LINEARIZABLE.judge(run.trace).ok, (seed, LINEARIZABLE.judge(run.trace).reason)
        effects = [effect for step in run.trace for effect in step.effects]
        served += sum(effect.kind == "ok" for effect in effects)
        recovered += sum(effect.kind == "edge" and effect.data["event"] == "recovered" for effect in effects)
        traces.append(run.trace)
    assert served > 200
    assert recovered >= 5
    assert {row.event for row in STATUS.untried(traces)} <= {"new state", "view started"}


def test_runs_are_deterministic() -> None:
    hashes = set()
    for _ in range(2):
        run = world(Setup("vsr", options="clients=2", writes=10), 5, storm(5, names(5)))
        run.run(until_us=s(2))
        run.fork(100).run(until_us=s(2))
        hashes.add(run.trace.hash())
    assert len(hashes) == 1


@pytest.mark.parametrize("status", ["primary", "backup", "changing"])
@pytest.mark.parametrize("msg", [StartView(3, (NOOP,), 1), NewState(3, 0, (NOOP,), 1)])
def test_a_newer_view_is_taken_over_in_every_status(status: str, msg: StartView | NewState) -> None:
    replica, ctx = Replica("n1", names(3)), Ctx("n1")
    replica.state = status
    replica.on_message("n2", msg, ctx)
    assert (replica.state, replica.view, replica.commit) == ("backup", 3, 1)
    assert (("emit", "stepdown", {"term": 0}) in ctx.effects) is (status == "primary")


def test_one_replica_alone_says_that_nobody_can_give_it_back() -> None:
    run = world(Setup("vsr", 1), 1)
    run.run(until_us=1000)
    run.do(Action("crash", {"node": "n1"}))
    step = run.do(Action("restart", {"node": "n1"}))
    assert "nobody to ask" in str(step.effects)
