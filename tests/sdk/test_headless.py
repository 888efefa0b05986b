"""Scenarios without a window, the same trace in another process, golden scripts, and challenges graded by replay."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from prayog_sdk.grading import ReplayError, grade, replay
from prayog_sdk.headless import RunError, played, run_scenario
from prayog_sdk.lessons import Challenge
from prayog_sdk.scenario import SavedRun, ScenarioError, read_all
from prayog_sdk.testing.golden import play_golden
from prayog_sdk.topic import Topic, UnknownScenario
from prayog_sim.run import Action

SMALLEST = Path(__file__).parents[1] / "plugins" / "smallest"


@pytest.fixture
def gossip(topic_of: Callable[[Path], Topic]) -> Topic:
    return topic_of(SMALLEST)


def test_a_scenario_is_played_and_judged(gossip: Topic) -> None:
    result = run_scenario(gossip, gossip.scenario("rumour"))
    assert (result.topic, result.scenario, result.seed, result.steps) == ("smallest", "rumour", 7, len(result.trace))
    assert result.params == {"nodes": 5, "loss": 0.0, "rounds": 20}
    assert [(c.name, c.ok) for c in result.checks] == [("reached", True)]
    assert result.metrics == {"heard": 4, "messages": 100}
    json.dumps(result.metrics)
    assert result.ok


def test_seed_and_knobs_can_be_set_otherwise(gossip: Topic) -> None:
    scenario = gossip.scenario("rumour")
    normal = run_scenario(gossip, scenario)
    assert run_scenario(gossip, scenario, seed=8).trace_hash != normal.trace_hash
    assert run_scenario(gossip, scenario, seed=7).trace_hash == normal.trace_hash
    hasty = run_scenario(gossip, scenario, overrides={"rounds": "1"})
    assert not hasty.ok
    assert "expected at least 4" in hasty.checks[0].reason
    assert hasty.checks[0].at is not None


def test_what_cannot_be_played_is_a_sentence(gossip: Topic, tmp_path: Path) -> None:
    scenario = gossip.scenario("rumour")
    with pytest.raises(RunError, match="there is no knob 'nodez'"):
        run_scenario(gossip, scenario, overrides={"nodez": 3})
    with pytest.raises(RunError, match="no services were given"):
        run_scenario(gossip, dataclasses.replace(scenario, kind="session"))
    with pytest.raises(UnknownScenario, match=r"no scenario 'rumor'; did you mean rumour\?"):
        gossip.scenario("rumor")
    for line, words in {
        "check reachd": "did you mean reached",
        "crash n9": "n9",
        "fly n1": "fly",
        "run 99x": "duration",
    }.items():
        with pytest.raises((RunError, ScenarioError), match=f"odd.lab:2.*{words}"):
            run_scenario(gossip, _scenario(tmp_path, f"world nodes=2\n{line}\n", gossip))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("world nodez=2", "odd.lab:1:7: there is no knob 'nodez'"),
        ("# first\nworld rounds=1  nodes=many", "odd.lab:2:17: nodes is a whole number"),
        ('world nodes=2\n  check  count("note") >= rouns', "odd.lab:2:27: there is no 'rouns'"),
        ("world nodes=2\ncheck count('note') >=", "odd.lab:2:23: "),
        ("world nodes=2\ncheck history('op').serial", "odd.lab:2:7: a history can be"),
    ],
)
def test_a_mistake_of_a_script_has_its_line_and_column(gossip: Topic, tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(RunError) as caught:
        run_scenario(gossip, _scenario(tmp_path, f"{text}\n", gossip))
    assert str(caught.value).startswith(sentence)


def _scenario(folder: Path, text: str, topic: Topic) -> object:
    (folder / "scenarios").mkdir(exist_ok=True)
    (folder / "scenarios" / "odd.lab").write_text(text)
    return read_all(dataclasses.replace(topic.manifest, folder=folder))[0]


def test_checks_of_a_script_can_run_it_on_other_seeds(gossip: Topic, tmp_path: Path) -> None:
    scenario = _scenario(tmp_path, 'world seed=3\nrun 500ms\ncheck on_seeds(3, count("note") == 4)\n', gossip)
    assert run_scenario(gossip, scenario).ok  # type: ignore[arg-type]
    scenario = _scenario(tmp_path, 'world rounds=2\nrun 500ms\ncheck on_seeds(9, count("note") == 4)\n', gossip)
    assert run_scenario(gossip, scenario).checks[0].reason.startswith("on seed ")  # type: ignore[arg-type]


def test_the_same_trace_under_another_hash_seed(gossip: Topic) -> None:
    code = (
        "import sys; from pathlib import Path; from prayog_sdk.testing.probe import main; "
        "print(main(Path(sys.argv[1]), ['rumour'])['hashes']['rumour'])"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", code, str(SMALLEST)], env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True,
        ).stdout.strip()
        for seed in ("0", "4711")
    }  # fmt: skip
    assert hashes == {run_scenario(gossip, gossip.scenario("rumour")).trace_hash}


def test_golden(gossip: Topic, golden: Callable[[Topic, str], None]) -> None:
    golden(gossip, "rumour")


def test_a_golden_script_fails_and_can_be_rewritten(topic_of: Callable[[Path], Topic], tmp_path: Path) -> None:
    folder = shutil.copytree(SMALLEST / "prayog_smallest", tmp_path / "prayog_smallest")
    file = folder / "scenarios" / "rumour.lab"
    good = file.read_text()
    file.write_text(good.replace("n4 heard it from n1", "n4 heard it from n3"))
    topic = topic_of(folder)
    with pytest.raises(AssertionError, match=r"expected line 2 is “n4 heard it from n3”.*“n4 heard it from n1”"):
        play_golden(topic, topic.scenario("rumour"))
    assert play_golden(topic, topic.scenario("rumour"), rewrite_file=True)
    assert file.read_text() == good
    file.write_text(good.replace("nodes=5", "nodes=5 rounds=1").split("---")[0])
    with pytest.raises(AssertionError, match="the check reached fails"):
        play_golden(topic, topic.scenario("rumour"))


CHALLENGE = Challenge(
    id="wall", title="Behind a wall", minutes=5, scenario="rumour", lang="en", topic_id="smallest",
    goal="Everyone hears it although n2 crashes once.", checks=("reached", 'count("crash") == 1'), seeds=(7, 8, 9),
    budget={"actions": 2, "crash": 1}, knobs=("rounds",), until_us=1_000_000,
)  # fmt: skip


def handed_in(topic: Topic, *actions: tuple[str, int], **knobs: int) -> SavedRun:
    """A run as the window would save it: `actions` are (name, at µs), all at n2."""
    params = {"nodes": 5, **knobs}
    run = topic.build(topic.params(params), 7)
    for name, at in actions:
        while run.next_at is not None and run.next_at <= at:
            run.step()
        run.do(Action(name, {"node": "n2"}), at)
    while run.step():
        pass
    return SavedRun(
        "smallest", "0.1.0", "rumour", params, 7, tuple(run.actions), steps=len(run.trace),
        until_us=run.trace[-1].at, trace_hash=run.trace.hash(),
    )  # fmt: skip


def test_a_replay_gives_the_same_trace(gossip: Topic) -> None:
    saved = handed_in(gossip, ("crash", 30_000), ("restart", 60_000))
    assert replay(gossip, saved, 7).hash() == saved.trace_hash
    assert replay(gossip, saved, 8).hash() != saved.trace_hash
    with pytest.raises(ReplayError, match="recording"):
        replay(gossip, dataclasses.replace(saved, kind="session"), 7)


def test_a_challenge_is_passed_by_replay_on_every_seed(gossip: Topic) -> None:
    result = grade(CHALLENGE, gossip, handed_in(gossip, ("crash", 30_000), ("restart", 60_000), rounds=30))
    assert result.ok, result
    assert [seed.seed for seed in result.seeds] == [7, 8, 9]
    assert result.reason == "Holds on all 3 seeds."


def test_a_challenge_is_failed_with_a_reason(gossip: Topic) -> None:
    never_back = grade(CHALLENGE, gossip, handed_in(gossip, ("crash", 1_000)))
    assert not never_back.ok
    assert "On seed 7: count('note') is 3" in never_back.reason
    assert not grade(CHALLENGE, gossip, handed_in(gossip)).ok
    over = grade(CHALLENGE, gossip, handed_in(gossip, ("crash", 1_000), ("restart", 2_000), ("pause", 3_000)))
    assert over.reason == "You used 3 actions; the budget is 2."
    cheated = grade(CHALLENGE, gossip, handed_in(gossip, nodes=2))
    assert cheated.reason == "The knob nodes was changed; in this challenge you may change: rounds."
    elsewhere = dataclasses.replace(handed_in(gossip), scenario="other")
    assert "belongs to smallest/other" in grade(CHALLENGE, gossip, elsewhere).reason
    odd = dataclasses.replace(handed_in(gossip), params={"nodes": -1})
    assert "cannot be used" in grade(CHALLENGE, gossip, odd).reason


def test_what_the_scenario_does_itself_costs_nothing(topic_of: Callable[[Path], Topic], tmp_path: Path) -> None:
    folder = shutil.copytree(SMALLEST / "prayog_smallest", tmp_path / "prayog_smallest")
    file = folder / "scenarios" / "rumour.lab"
    file.write_text("world nodes=5 seed=7\nat 30ms crash n2\nrun 500ms\n")
    topic = topic_of(folder)
    saved = handed_in(topic, ("crash", 30_000), ("restart", 60_000), ("pause", 400_000), rounds=30)
    result = grade(CHALLENGE, topic, saved)
    assert [(line.name, line.used) for line in result.budget] == [("actions", 2), ("crash", 0)]


def test_a_changed_file_is_said(gossip: Topic) -> None:
    saved = handed_in(gossip, ("crash", 30_000), ("restart", 60_000))
    forged = dataclasses.replace(saved, trace_hash="0" * 32)
    challenge = dataclasses.replace(CHALLENGE, until_us=None)
    assert grade(challenge, gossip, saved).notes == ()
    assert "gives another trace" in grade(challenge, gossip, forged).notes[0]


def test_played_runs_are_closed_by_whoever_asked(gossip: Topic) -> None:
    run = played(gossip, gossip.scenario("rumour"))
    assert len(run.trace) == run_scenario(gossip, gossip.scenario("rumour")).steps
    run.close()
    run.close()
