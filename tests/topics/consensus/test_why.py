"""Why and why not, on the algorithms themselves."""

from __future__ import annotations

import pytest

from prayog_sdk.headless import played
from prayog_sdk.why import Why, again
from prayog_sim.trace import Step
from prayog_sim.world import World

from .playing import topic


def run(scenario: str) -> World:
    found = played(topic(), topic().scenario(scenario))
    assert isinstance(found, World)
    return found


def why(found: World, step: Step) -> Why:
    return again(found, step.seq).explain()


def noted(found: World, *words: str) -> Step:
    """The first step whose notes hold all `words`."""
    return next(
        step
        for step in found.trace
        for effect in step.effects
        if effect.kind == "note" and all(word in effect.data["text"] for word in words)
    )


@pytest.mark.parametrize(
    ("scenario", "words", "rule"),
    [
        ("raft_split_vote", ("refuses", "vote request", "has voted"), "voted not in"),
        ("raft_behind", ("refuses", "vote request"), "term"),
        ("paxos_late_proposer", ("takes over red",), "preparing + promise → accepting"),
        ("two_phase_one_no", ("votes no",), "working + prepare → aborted"),
        ("bully_splits_majority", ("old lease",), "have == need"),
        ("vsr_view_change", ("starts view 1",), "len(n2.logs) >= n2.majority"),
        ("zab_leader_dies", ("votes for n5",), "msg"),
    ],
)
def test_a_decision_shows_the_rule_that_made_it(scenario: str, words: tuple[str, ...], rule: str) -> None:
    found = run(scenario)
    held = [guard for guard in why(found, noted(found, *words)).guards if guard.held]
    assert any(rule in f"{guard.text} {guard.rule}" for guard in held), [guard.text for guard in held]


@pytest.mark.parametrize(
    "scenario",
    [
        "raft_leader_dies",
        "paxos_late_proposer",
        "vsr_primary_dies",
        "zab_leader_dies",
        "two_phase_blocked",
        "bully_leader_dies",
    ],
)
def test_any_event_can_be_asked_and_nothing_changes(scenario: str) -> None:
    found = run(scenario)
    before = found.trace.hash()
    asked = [why(found, step) for step in found.trace[:360:9] if step.kind in ("deliver", "timer", "action", "start")]
    assert sum(bool(one.guards) for one in asked) > len(asked) / 3
    told = " ".join(guard.text for one in asked for guard in one.guards)
    assert "variant" not in told
    assert "errs" not in told
    assert found.trace.hash() == before
