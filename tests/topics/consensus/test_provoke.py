"""The provocations that all algorithms with a leader share."""

from __future__ import annotations

import pytest

from prayog_consensus.engine.setup import Setup
from prayog_consensus.topic import prayog_build
from prayog_sim.clock import ms, s
from prayog_sim.run import Action, ActionError


@pytest.mark.parametrize("algorithm", ["multipaxos", "vsr", "zab"])
def test_after_the_leader_was_hit_another_leads(algorithm: str) -> None:
    for blow in ("kill_leader", "stale_leader", "three_two", "deaf_leader", "mute_leader"):
        run = prayog_build(Setup(algorithm, 5, writes=20), 3)
        run.run(until_us=s(1))
        first = len(run.trace)
        run.do(Action(blow))
        run.run(until_us=s(4))
        later = [step.node for step in run.trace[first:] for effect in step.effects if effect.kind == "leader"]
        if blow == "deaf_leader" and algorithm != "zab":
            # Its heartbeats keep the others quiet, though it can commit nothing.  Only ZAB's leader counts who answers.
            assert not later
        else:
            assert later, blow
        assert not any(step.kind in ("violation", "error") for step in run.trace)
        assert run.view(first + 10).seq == first + 10


def test_nobody_leads_is_said_in_a_sentence() -> None:
    run = prayog_build(Setup("zab", 3), 1)
    with pytest.raises(ActionError, match="nobody leads now"):
        run.do(Action("kill_leader"))


def test_a_duel_is_an_action_of_paxos() -> None:
    run = prayog_build(Setup("paxos", 5, jitter=0), 1)
    run.run(until_us=ms(1))
    run.do(Action("duel"))
    run.run(until_us=s(1))
    kinds = [effect.kind for step in run.trace for effect in step.effects]
    assert kinds.count("ballot") > 40
    assert "commit" not in kinds
