"""Every lesson can be finished and every challenge won: played without a window, judged as the bench judges.

Challenges are graded on two of their seeds; with PRAYOG_LONG=1 on all.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

import prayog_queues
from prayog_queues.engine.handlers import CODE
from prayog_sdk.checks import evaluate
from prayog_sdk.claims import Scope
from prayog_sdk.grading import grade
from prayog_sdk.headless import RunResult, played, run_scenario
from prayog_sdk.lessons import Answer, Challenge, Lesson, LessonStep, judge
from prayog_sdk.manifest import read_folder
from prayog_sdk.params import flat
from prayog_sdk.saved import SavedRun
from prayog_sdk.topic import Topic
from prayog_sim.clock import s
from prayog_sim.run import Action


@cache
def topic() -> Topic:
    return Topic.load(read_folder(Path(prayog_queues.__file__).parent, "built-in"))


LESSONS = topic().lessons()
TRUTHS = {
    "between-two-services#down": "50",
    "between-two-services#fifo": "no",
    "twice#crash": "13",
    "twice#key": "yes",
    "twice#one": "no",
    "twice#producer": "no",
    "gone#auto": "8",
    "gone#manual": "0",
    "gone#memory": "yes",
    "gone#confirm": "no",
    "gone#plug": "yes",
    "poison#forever": "a hundred times or more",
    "poison#aside": "1",
    "poison#look": "no",
    "out-of-order#three": "yes",
    "out-of-order#partition": "no",
    "out-of-order#fourth": "0",
    "out-of-order#retry": "no",
    "dead-or-slow#process": "within milliseconds",
    "dead-or-slow#machine": "no",
    "dead-or-slow#slow": "again and again",
    "dead-or-slow#zombie": "yes",
    "diwali#block": "11.25",
    "diwali#new": "no",
    "diwali#old": "11.25",
    "diwali#scale": "no",
    "diwali#ttl": "yes",
    "who-may-send#forged": "10",
    "who-may-send#signed": "yes",
    "who-may-send#again": "no",
    "who-may-send#stray": "0",
    "the-table-as-a-queue#naive": "yes",
    "the-table-as-a-queue#skip": "no",
    "the-table-as-a-queue#plain": "30.48",
    "the-table-as-a-queue#polling": "more than 50",
    "the-table-as-a-queue#price": "yes",
    "the-table-as-a-queue#enough": "yes",
    "everybody-hears-it#copies": "60",
    "everybody-hears-it#filter": "72",
    "everybody-hears-it#nobody": "no",
    "everybody-hears-it#history": "0",
    "everybody-hears-it#groups": "90",
    "everybody-hears-it#compare": "2.901",
}
"""What each question turns out to be: the texts of the lessons say so, and explain just this."""


@cache
def shown(scenario: str) -> RunResult:
    """Steps share scenarios."""
    return run_scenario(topic(), topic().scenario(scenario))


def steps(lesson: Lesson) -> Iterator[tuple[LessonStep, str]]:
    """Each step with the scenario that is on the bench when it is judged."""
    on_bench = lesson.scenario
    for step in lesson.items:
        if step.do is not None and step.do.scenario:
            on_bench = step.do.scenario
        yield step, on_bench


def truth(step: LessonStep, result: RunResult) -> object:
    """What really happened, in the words of the question."""
    assert step.predict is not None
    params = topic().params(result.params)
    measures, checks = topic().measures(params), topic().checks(params)
    fact = evaluate(step.predict.answer, measures, checks).find(Scope(result.trace, {}))
    assert fact.value is not None, f"{step.id}: nothing answers {step.predict.answer}: {fact.why}"
    value = fact.value
    if step.predict.kind == "choice" and isinstance(value, bool):
        value = next(key for key in step.predict.keys if key.lower().startswith("yes" if value else "no"))
    right = judge(step.predict, Answer(step.predict.id, value), result.trace, measures, checks)
    assert right.ok, f"{step.id}: {right.reason}"
    return value


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.id)
def test_every_step_of_a_lesson_comes_true(lesson: Lesson) -> None:
    for step, scenario in steps(lesson):
        result = shown(scenario)
        assert result.ok, f"{scenario}: {[c.reason for c in result.checks if not c.ok]}"
        if step.predict is not None:
            assert str(truth(step, result)) == TRUTHS[f"{lesson.id}#{step.id}"], step.id
        if step.check is not None:
            verdict = topic().check(step.check, topic().params(result.params)).judge(result.trace)
            assert verdict.ok, f"{lesson.id}#{step.id} on {scenario}: {verdict.reason}"


def test_every_question_has_a_known_answer() -> None:
    asked = {f"{lesson.id}#{step.id}" for lesson in LESSONS for step in lesson.items if step.predict is not None}
    assert asked == set(TRUTHS)


HANDLER = CODE.starter.replace('''    if "charge" not in did:
        return "charge"
''', '''    if "charge and record" not in did:
        return "charge and record"
''')  # fmt: skip
WON: dict[str, tuple[dict[str, object], list[tuple[int, str, dict[str, object]]]]] = {
    "never-charge-twice": ({"handler": "inbox"}, []),
    "order-and-speed": ({"by_key": True}, []),
    "survive-the-sale": ({}, [(s(3), "scale", {"consumers": 8})]),
    "your-handler": ({"code": HANDLER}, []),
}
"""One way to win each: knobs that are changed, and what is done when."""
CHALLENGES = {challenge.id: challenge for challenge in topic().challenges()}


def handed_in(
    challenge: Challenge, knobs: dict[str, object], deeds: list[tuple[int, str, dict[str, object]]]
) -> SavedRun:
    """What the bench would save after these deeds."""
    scenario = topic().scenario(challenge.scenario)
    run = played(topic(), scenario, overrides=knobs)
    for at, name, args in deeds:
        while run.next_at is not None and run.next_at <= at:
            run.step()
        run.do(Action(name, args), max(at, run.trace[len(run.trace) - 1].at))
    params = dict(flat(topic().params({**scenario.params, **knobs})))
    end = run.trace[len(run.trace) - 1].at
    return SavedRun(
        "queues", topic().manifest.version, scenario.id, params, scenario.seed, tuple(run.actions),
        steps=len(run.trace), until_us=end, trace_hash=run.trace.hash(),
    )  # fmt: skip


def test_every_challenge_has_a_known_way_to_win() -> None:
    assert set(WON) == set(CHALLENGES)


@pytest.mark.parametrize("name", WON)
def test_a_challenge_can_be_won_and_is_not_won_by_looking_on(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from prayog_sdk.code.function import gate

    monkeypatch.setattr(gate, "is_open", True)
    challenge, (knobs, deeds) = CHALLENGES[name], WON[name]
    if not os.environ.get("PRAYOG_LONG"):
        challenge = dataclasses.replace(challenge, seeds=challenge.seeds[:2])
    won = grade(challenge, topic(), handed_in(challenge, knobs, deeds))
    assert won.ok, won.reason
    assert not grade(challenge, topic(), handed_in(challenge, {}, [])).ok


@pytest.mark.parametrize("knobs", [{"kind": "log", "partitions": 6}, {"single_active": True}])
def test_the_log_wins_too_and_one_active_consumer_is_too_slow(knobs: dict[str, object]) -> None:
    challenge = dataclasses.replace(CHALLENGES["order-and-speed"], seeds=(1, 2))
    result = grade(challenge, topic(), handed_in(challenge, knobs, []))
    assert result.ok is ("kind" in knobs), result.reason


def test_the_curriculum_points_to_steps_and_scenarios_that_exist() -> None:
    text = (Path(__file__).parents[3] / "docs" / "curriculum.md").read_text("utf-8")
    known = {lesson.id: {step.id for step in lesson.items} for lesson in LESSONS}
    scenarios = {scenario.id for scenario in topic().scenarios()}
    for number in range(1, 44):
        row = re.search(rf"^\| 9\.{number:02d} .*$", text, re.M)
        assert row, f"9.{number:02d} is met nowhere"
        lesson = ""
        for word in re.findall(r"`([^`]+)`", row[0]):
            head, _, step = word.partition("#")
            if word.startswith("queues/"):
                lesson = head.removeprefix("queues/")
            if word.startswith(("queues/", "#")):
                assert lesson in known, row[0]
                assert not step or step in known[lesson], f"{lesson}#{step}"
            else:
                assert any(fnmatch(scenario, word) for scenario in scenarios), word
