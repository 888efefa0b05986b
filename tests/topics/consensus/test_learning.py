"""Every lesson can be finished, and every challenge can be won: played without a window, judged as the bench judges."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

from prayog_sdk.checks import evaluate
from prayog_sdk.claims import Scope
from prayog_sdk.grading import grade, replay
from prayog_sdk.headless import RunResult, played
from prayog_sdk.lessons import Answer, Challenge, Lesson, LessonStep, judge
from prayog_sdk.params import flat
from prayog_sdk.saved import SavedRun
from prayog_sim.clock import ms, s
from prayog_sim.run import Action

from .playing import play, topic

LESSONS = topic().lessons()
DEEDS = {"king-is-dead#heartbeat": Action("mute_leader", {})}
"""What the learner does by hand, where a step asks for it."""
TRUTHS = {
    "king-is-dead#predict": "203.67",
    "king-is-dead#heartbeat": "yes",
    "king-is-dead#minority": "no",
    "votes-for-himself#equal": "split votes, term after term",
    "votes-for-himself#returns": "no",
    "two-kings#believe": "yes",
    "two-kings#passive": "no",
    "two-kings#stale": "no",
    "two-kings#lease": "yes",
    "late#read": "the peek at the slow follower",
    "late#order": "a majority has a copy",
    "duel#promises": "20",
    "duel#always": "no",
    "duel#adopt": "red",
    "duel#survives": "no",
    "log-n#rounds": "2",
    "log-n#bound": "4",
    "log-n#late": "2",
    "order#best": "15",
    "order#worst": "36",
    "order#begin": "n6",
    "order#hole": "0",
    "bully-splits#cut": "2",
    "bully-splits#slow": "2",
    "who-notices#lowest": "19",
    "who-notices#second": "4",
    "figure-eight#majority": "yes",
    "figure-eight#repair": "19",
    "one-master#one": "4",
    "one-master#sync": "no",
    "one-master#async": "yes",
    "one-master#semi": "yes",
    "one-master#monitor": "2",
    "two-masters#both": "both, side by side",
    "two-masters#lww": "yes",
    "two-masters#clock": "1",
    "two-masters#cut": "yes",
    "mumbai-delhi#place": "no",
    "mumbai-delhi#key": "pass it on to Mumbai",
    "six-of-ten#ten": "4",
    "six-of-ten#nine": "4",
    "six-of-ten#eight": "5",
    "new-then-old#cost": "12",
    "new-then-old#back": "yes",
    "new-then-old#writeback": "the new value",
    "new-then-old#down": "no",
    "wakes-up#brain": "2",
    "wakes-up#silent": "1",
    "wakes-up#pause": "yes",
    "wakes-up#fence": "it is refused",
    "wakes-up#twins": "no",
    "whose-turn#next": "n2",
    "whose-turn#count": "28",
    "whose-turn#empty": "no",
    "three-phases#phases": "12.0",
    "three-phases#next": "n4",
    "three-phases#long": "n3",
    "three-phases#read": "yes",
    "many-groups#beats": "40",
    "many-groups#hot": "no",
    "many-groups#store": "2",
    "blocked#cost": "20",
    "blocked#crash": "wait",
    "blocked#log": "commit everywhere",
    "once-for-all#phase": "8",
    "once-for-all#hole": "nothing: a no-op",
    "new-members#joint": "no",
    "new-members#early": "yes",
    "which-one#count": "6(n − 1)",
}
"""What each question turns out to be: the texts of the lessons say so, and explain just this."""


shown = cache(play)
"""Steps share scenarios."""


def steps(lesson: Lesson) -> Iterator[tuple[LessonStep, str]]:
    """Each step with the scenario that is on the bench when it is judged."""
    shown = lesson.scenario
    for step in lesson.items:
        if step.do is not None and step.do.scenario:
            shown = step.do.scenario
        yield step, shown


def finished(lesson: Lesson, step: LessonStep, scenario: str) -> RunResult:
    """The run on which the step is judged; a deed is done at its end, and a second passes."""
    result = shown(scenario)
    assert result.ok, [c.reason for c in result.checks if not c.ok]
    deed = DEEDS.get(f"{lesson.id}#{step.id}")
    if deed is None:
        return result
    run = played(topic(), topic().scenario(scenario))
    run.do(deed)
    end = run.now + s(1)
    while run.next_at is not None and run.next_at <= end:
        run.step()
    return dataclasses.replace(result, trace=run.trace)


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
        result = finished(lesson, step, scenario)
        if step.predict is not None:
            found = truth(step, result)
            assert str(found) == TRUTHS[f"{lesson.id}#{step.id}"]
        if step.check is not None:
            verdict = topic().check(step.check, topic().params(result.params)).judge(result.trace)
            assert verdict.ok, f"{lesson.id}#{step.id} on {scenario}: {verdict.reason}"


CHALLENGES = {challenge.id: challenge for challenge in topic().challenges() if challenge.played == "deeds"}
WON = {
    "cheapest-ring": ({"ids": "5,7,8,9,10,11,12,1,2,3,4,6"}, []),
    "mend-the-ring": ({}, [(s(1), "skip", {"node": "n3"}), (s(1), "elect", {"node": "n2"})]),
    "steal-the-crown": (
        {},
        [(ms(600), "partition", {"groups": "n1|n2,n3,n4,n5,c1"}), (s(6), "heal", {})],
    ),
    "break-the-weakened-raft": (
        {},
        [
            (ms(100), "partition", {"groups": "n1,n2|n3"}),
            (ms(100), "propose", {"node": "n1", "value": 7}),
            (ms(200), "crash", {"node": "n1"}),
            (ms(200), "heal", {}),
            (ms(200), "campaign", {"node": "n3"}),
        ],
    ),
}
"""One way to win each: knobs that are changed, and what is done when."""


def handed_in(
    challenge: Challenge, knobs: dict[str, object], deeds: list[tuple[int, str, dict[str, object]]]
) -> SavedRun:
    """What the bench would save after these deeds."""
    scenario = topic().scenario(challenge.scenario)
    run = played(topic(), scenario, overrides=knobs)
    for at, name, args in deeds:
        while run.next_at is not None and run.next_at <= at:
            run.step()
        run.do(Action(name, args), max(at, run.now))
    params = dict(flat(topic().params({**scenario.params, **knobs})))
    return SavedRun(
        "consensus", topic().manifest.version, scenario.id, params, scenario.seed, tuple(run.actions),
        steps=len(run.trace), until_us=run.now, trace_hash=run.trace.hash(),
    )  # fmt: skip


def test_every_challenge_has_a_known_way_to_win() -> None:
    assert set(WON) == set(CHALLENGES)


@pytest.mark.parametrize("name", WON)
def test_a_challenge_can_be_won_and_is_not_won_by_looking_on(name: str) -> None:
    challenge, (knobs, deeds) = CHALLENGES[name], WON[name]
    won = grade(challenge, topic(), handed_in(challenge, knobs, deeds))
    assert won.ok, won.reason
    assert not grade(challenge, topic(), handed_in(challenge, {}, [])).ok


def test_the_strong_raft_survives_what_breaks_the_weak_one() -> None:
    challenge, (_, deeds) = CHALLENGES["break-the-weakened-raft"], WON["break-the-weakened-raft"]
    saved = handed_in(challenge, {"variant": "correct"}, deeds)
    trace = replay(topic(), saved, saved.seed, challenge.until_us)
    assert topic().check("agreement", topic().params(saved.params)).judge(trace).ok
    assert not any(step.kind == "violation" for step in trace)


def test_the_curriculum_points_to_steps_and_scenarios_that_exist() -> None:
    text = (Path(__file__).parents[3] / "docs" / "curriculum.md").read_text("utf-8")
    steps = {lesson.id: {step.id for step in lesson.items} for lesson in LESSONS}
    scenarios = {scenario.id for scenario in topic().scenarios()}
    for number in range(1, 56):
        row = re.search(rf"^\| 2\.{number:02d} .*$", text, re.M)
        assert row, f"2.{number:02d} is met nowhere"
        lesson = ""
        for word in re.findall(r"`([^`]+)`", row[0]):
            head, _, step = word.partition("#")
            lesson = head.removeprefix("consensus/") or lesson
            if word.startswith(("consensus/", "#")):
                assert lesson in steps, row[0]
                assert not step or step in steps[lesson], f"{lesson}#{step}"
            else:
                assert any(fnmatch(scenario, word) for scenario in scenarios), word
