"""Runs with code of the learner's: the same trace here and there, and whatever happens over there, the lab goes on."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prayog_sdk.code.distant import DistantRun
from prayog_sdk.code.function import gate
from prayog_sdk.code.trial import ENOUGH, try_seeds
from prayog_sdk.grading import grade, replay
from prayog_sdk.headless import RunError, RunResult, played, run_scenario
from prayog_sdk.params import ParamError, flat
from prayog_sdk.run import Cancelled, has_clock
from prayog_sdk.saved import SavedRun, read_run
from prayog_sdk.topic import Topic
from prayog_sim.run import Action, ActionError

CODED = Path(__file__).parents[2] / "plugins" / "coded"
GOOD = "def double(n):\n    return 2 * n\n"
HANGS = "def double(n):\n    if n < 5:\n        return 2 * n\n    return sum(iter(int, 1))\n"


@pytest.fixture
def topic(topic_of: Callable[[Path], Topic]) -> Topic:
    return topic_of(CODED)


def run(topic: Topic, code: str, scenario: str = "calls", **knobs: Any) -> RunResult:
    return run_scenario(topic, topic.scenario(scenario), overrides={"code": code, **knobs})


def saved(topic: Topic, code: str, **other: Any) -> SavedRun:
    scenario = topic.scenario("calls")
    params = flat(topic.params({**scenario.params, "code": code}))
    return SavedRun("coded", topic.manifest.version, "calls", params, scenario.seed, **other)


class Quiet:
    """A context that counts its reports."""

    def __init__(self, cancel_after: int = 10**6) -> None:
        self.reports: list[tuple[int, int, str]] = []
        self._left = cancel_after

    def progress(self, done: int, total: int = 0, text: str = "") -> None:
        self.reports.append((done, total, text))
        self._left -= 1
        if self._left < 0:
            raise Cancelled


@pytest.mark.parametrize("scenario", ["calls", "passed_on"])
def test_the_trace_is_that_of_the_engine_itself(topic: Topic, scenario: str, monkeypatch: pytest.MonkeyPatch) -> None:
    far = run(topic, GOOD, scenario)
    assert far.ok
    monkeypatch.setattr(gate, "is_open", True)
    near = run(topic, GOOD, scenario)
    assert far.trace_hash == near.trace_hash
    assert far.steps > 5


def test_the_code_that_came_with_the_topic_needs_no_other_process(topic: Topic) -> None:
    spec = topic.code(topic.params())
    assert spec is not None
    for text in ("", spec.starter, spec.starter.replace("\n", "\r\n")):
        built = topic.build(topic.params({"code": text}), 1)
        assert not isinstance(built, DistantRun)
    assert topic.code(topic.params({"plain": True})) is None


def test_a_distant_run_does_what_a_run_does(topic: Topic) -> None:
    world = topic.build(topic.params({"code": GOOD, "nodes": True}), 3)
    assert isinstance(world, DistantRun)
    assert has_clock(world)
    assert {tool.name for tool in topic.tools(world, topic.params())} >= {"crash", "partition", "call"}
    while len(world.trace) < 6:
        assert world.step() is world.trace[-1]
    world.do(Action("crash", {"node": "a"}), world.next_at)
    with pytest.raises(ActionError, match="found 'z'"):
        world.do(Action("crash", {"node": "z"}))
    assert [timed.action.name for timed in world.actions] == ["crash"]
    assert world.view().nodes["a"].status == "down"
    assert world.view(4).nodes["b"].look.sentence == "last 2"
    world.close()
    world.close()
    sums = topic.build(topic.params({"code": GOOD}), 3)
    assert not has_clock(sums)
    sums.close()


def test_a_saved_run_with_code_is_replayed_to_the_same_trace(topic: Topic) -> None:
    first = played(topic, topic.scenario("calls"), overrides={"code": GOOD})
    kept = saved(topic, GOOD, actions=tuple(first.actions), steps=len(first.trace), trace_hash=first.trace.hash())
    again = read_run(kept.data())
    assert again.params["code"] == GOOD
    assert replay(topic, again, again.seed).hash() == first.trace.hash()
    first.close()


def test_words_in_a_set_come_in_the_same_order_in_every_process(topic: Topic) -> None:
    text = "def double(n):\n    print(*{'upi', 'order', 'train', 'seat', 'chai', 'dak'})\n    return 2 * n\n"
    assert run(topic, text).trace_hash == run(topic, text).trace_hash


def test_what_hangs_inside_c_is_ended_with_its_line(topic: Topic) -> None:
    result = run(topic, HANGS)
    last = result.trace[-1]
    assert (last.kind, last.data["line"], last.data["what"]) == ("code_error", 4, "time")
    assert last.data["sentence"] == "Line 4: one call took longer than 2 s, so it was ended."
    assert any(step.kind == "called" for step in result.trace)
    assert not result.ok


def test_a_window_never_waits_for_a_call_and_can_look_back_afterwards(topic: Topic) -> None:
    built = topic.build(topic.params({"code": HANGS, "nodes": True}), 3)
    assert isinstance(built, DistantRun)
    built.follow()
    longest, waited, until = 0.0, 0, time.monotonic() + 20
    while (built.busy or built.waiting) and time.monotonic() < until:
        began = time.perf_counter()
        step = built.step()
        longest = max(longest, time.perf_counter() - began)
        waited += step is None
    assert waited > 20  # it came back again and again while the call hung
    assert built.trace[-1].kind == "code_error"
    assert built.step() is None
    with pytest.raises(ActionError, match="one call took longer than 2 s"):
        built.do(Action("crash", {"node": "a"}))
    while built.view(4).nodes["b"].look.sentence != "last 2" and time.monotonic() < until:
        time.sleep(0.02)
    assert built.view(4).nodes["b"].look.sentence == "last 2"
    assert built.view().seq == len(built.trace) - 1
    built.close()
    assert longest < 1.0  # no promise about this machine: only that it is not the two seconds of the call


def test_memory_is_limited_for_what_grows_slowly_too(topic: Topic) -> None:
    text = "def double(n):\n    kept = []\n    for i in range(900):\n        kept.append(bytes(4 << 20))\n"
    built = topic.build(topic.params({"code": text}), 1)
    built.do(Action("call", {"count": 1}))
    found = built.step()
    built.close()
    assert found is not None
    assert (found.kind, found.data["what"], found.data["line"]) == ("code_error", "memory", 4)


def test_a_wrong_knob_is_the_same_sentence_as_ever(topic: Topic) -> None:
    with pytest.raises(RunError, match="at most 20,000 characters"):
        run(topic, "x" * 30_000)
    with pytest.raises(ParamError):
        topic.params({"code": "x" * 30_000})


def test_code_is_graded_on_every_published_seed(topic: Topic) -> None:
    challenge = topic.challenges()[0]
    assert challenge.seeds_in_words == "1 to 20"
    context = Quiet()
    result = try_seeds(context, topic.manifest, challenge, saved(topic, GOOD))
    assert (result.ok, result.reason, len(result.seeds)) == (True, "Holds on all 20 seeds.", 20)
    assert context.reports[-1][1] == 20


def test_what_fails_is_told_with_its_seed_and_reason_and_not_tried_for_ever(topic: Topic) -> None:
    challenge = topic.challenges()[0]
    wrong = try_seeds(Quiet(), topic.manifest, challenge, saved(topic, "def double(n):\n    return n * n\n"))
    assert not wrong.ok
    assert len(wrong.seeds) == ENOUGH
    assert wrong.reason.startswith("Holds on 0 of 5 seeds; the other 15 were not tried any more. On seed 1: ")
    breaks = try_seeds(
        Quiet(), topic.manifest, challenge, saved(topic, "def double(n):\n    return 9 // (n - 7) * 0 + 2 * n\n")
    )
    failed = [seed for seed in breaks.seeds if not seed.ok]
    assert "Line 2: ZeroDivisionError" in failed[0].why
    assert failed[0].at is not None
    hangs = try_seeds(Quiet(), topic.manifest, challenge, saved(topic, HANGS))
    assert "On seed 1: Line 4: one call took longer than 2 s" in hangs.reason


def test_the_first_solution_is_graded_without_another_process(topic: Topic) -> None:
    result = grade(topic.challenges()[0], topic, saved(topic, ""))
    assert not result.ok
    assert "On seed 1:" in result.reason


def test_grading_can_be_cancelled_and_leaves_nothing_behind(
    topic: Topic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # the system's is used by other tests as well
    with pytest.raises(Cancelled):
        try_seeds(Quiet(cancel_after=2), topic.manifest, topic.challenges()[0], saved(topic, HANGS))
    assert not [child for child in multiprocessing.active_children() if child.name == "your-code"]
    assert list(tmp_path.iterdir()) == []
