"""Every lesson can be finished and every challenge can be won; judged as the bench judges."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import prayog_migration
from prayog_migration.engine.drills.yours import YourApply
from prayog_sdk import manifest
from prayog_sdk.checks import evaluate
from prayog_sdk.claims import Scope
from prayog_sdk.code.function import gate
from prayog_sdk.grading import grade
from prayog_sdk.headless import RunResult, played, run_scenario
from prayog_sdk.lessons import Answer, Challenge, Lesson, judge
from prayog_sdk.params import flat
from prayog_sdk.saved import SavedRun
from prayog_sdk.services import Services
from prayog_sdk.topic import Topic
from prayog_sim.clock import s
from prayog_sim.run import Action
from prayog_sim.trace import Trace


@cache
def topic() -> Topic:
    return Topic.load(manifest.read_folder(Path(prayog_migration.__file__).parent, "built-in"))


@cache
def drill(scenario: str) -> RunResult:
    return run_scenario(topic(), topic().scenario(scenario))


LESSONS = topic().lessons()
TRUTHS = {
    "lost-minutes#order": 46, "lost-minutes#position": "no row differs", "lost-minutes#real": 55,
    "lost-minutes#kinds": "deletes",
    "two-writes#crash": "no", "two-writes#order": "no", "two-writes#outbox": 0,
    "rename#once": 34, "rename#steps": 0,
    "flip-the-switch#flip": 27, "flip-the-switch#fence": 2119, "flip-the-switch#wait": "below 100 ms",
    "false-alarm#counts": "sometimes", "false-alarm#mark": 0,
}  # fmt: skip
"""What each question turns out to be; the texts of the lessons explain just this."""


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = Services(tmp_path_factory.mktemp("services"), environ={})
    yield made
    made.close()


@pytest.fixture(scope="module")
def real(services: Services) -> Callable[[str], RunResult]:
    """Real scenarios, with a SQLite file as the new side: every machine has one."""

    @cache
    def run(scenario: str) -> RunResult:
        return run_scenario(
            topic(), topic().scenario(scenario), overrides={"target": "sqlite", "rows": 1_000}, services=services
        )

    return run


@pytest.mark.parametrize("name", [one.id for one in topic().scenarios() if one.kind == "world"])
def test_every_drill_shows_what_it_is_about(name: str) -> None:
    assert [check.reason for check in drill(name).checks if not check.ok] == []


def by_hand(lesson: Lesson) -> Trace:
    """The whole lesson on one run: each step’s action in its order, and four seconds after each."""
    run = played(topic(), topic().scenario(lesson.scenario))
    for step in lesson.items:
        if step.do is not None and step.do.action is not None:
            run.do(step.do.action)
            end = (run.trace[-1].at) + s(6)
            while run.next_at is not None and run.next_at <= end:
                run.step()
    return run.trace


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.id)
def test_every_step_of_a_lesson_comes_true(lesson: Lesson, real: Callable[[str], RunResult]) -> None:
    shown = lesson.scenario
    hand = by_hand(lesson) if any(step.do and step.do.action for step in lesson.items) else None
    for step in lesson.items:
        shown = step.do.scenario if step.do is not None and step.do.scenario else shown
        kind = topic().scenario(shown).kind
        result = drill(shown) if kind == "world" else real(shown)
        trace = result.trace if hand is None or kind == "session" else hand
        params = topic().params(result.params)
        measures, checks = topic().measures(params), topic().checks(params)
        if step.predict is not None:
            key = f"{lesson.id}#{step.id}"
            fact = evaluate(step.predict.answer, measures, checks).find(Scope(trace, {}))
            value = TRUTHS[key] if step.predict.kind == "choice" else fact.value
            assert str(value) == str(TRUTHS[key]), f"{key}: {fact.value}"
            answer = Answer(step.predict.id, TRUTHS[key])
            told = judge(step.predict, answer, trace, measures, checks)
            assert told.ok, f"{key}: {told.reason}"
        if step.check is not None:
            verdict = topic().check(step.check, params).judge(trace)
            assert verdict.ok, f"{lesson.id}#{step.id} on {shown}: {verdict.reason}"


def test_a_live_move_is_told_in_the_metrics(real: Callable[[str], RunResult]) -> None:
    result = real("shop_live")
    assert [check.reason for check in result.checks if not check.ok] == []
    metrics = result.metrics
    assert (metrics["lost"], metrics["duplicated"], metrics["quarantined"]) == (0, 0, 0)
    assert metrics["freeze_ms"] > 0
    assert metrics["copy_ratio"] > 0
    assert metrics["source_rows"] == metrics["target_rows"]


def saved(challenge: Challenge, deeds: list[tuple[str, dict[str, Any]]], waits: list[float]) -> SavedRun:
    """What the bench would save after these deeds, with so many seconds after each."""
    scenario = topic().scenario(challenge.scenario)
    run = played(topic(), scenario)
    for (name, args), wait in zip(deeds, waits, strict=True):
        run.do(Action(name, args))
        end = run.trace[-1].at + s(wait)
        while run.next_at is not None and run.next_at <= end:
            run.step()
    params = dict(flat(topic().params(scenario.params)))
    return SavedRun(
        "migration", topic().manifest.version, scenario.id, params, scenario.seed, tuple(run.actions),
        steps=len(run.trace), until_us=run.trace[-1].at, trace_hash=run.trace.hash(),
    )  # fmt: skip


CHALLENGES = {challenge.id: challenge for challenge in topic().challenges()}
MOVE = [("note", {}), ("copy", {}), ("sync", {}), ("switch", {}), ("back", {}), ("stop", {})]
CHOSEN = {
    "kirana": "big bang", "bank": "parallel run", "archive": "incremental", "market": "backfill + live sync",
}  # fmt: skip


def test_zero_downtime_can_be_won_and_the_notes_own_order_loses() -> None:
    challenge = CHALLENGES["zero-downtime"]
    won = grade(challenge, topic(), saved(challenge, MOVE, [0.5, 5, 3, 62, 3, 3]))
    assert won.ok, won.reason
    notes = [("copy", {}), ("sync", {}), ("switch", {}), ("back", {}), ("stop", {})]
    assert not grade(challenge, topic(), saved(challenge, notes, [5, 3, 62, 3, 3])).ok


def test_four_companies_can_be_won_and_one_strategy_for_all_is_not_enough() -> None:
    challenge = CHALLENGES["four-companies"]
    deeds = [("choose", {"company": name, "strategy": strategy}) for name, strategy in CHOSEN.items()]
    assert grade(challenge, topic(), saved(challenge, deeds, [1] * 4)).ok
    same = [("choose", {"company": name, "strategy": "backfill + live sync"}) for name in CHOSEN]
    assert not grade(challenge, topic(), saved(challenge, same, [1] * 4)).ok


SOLUTION = """\
def apply(table, memory, change):
    if change.number <= memory.get(change.item, 0):
        return
    memory[change.item] = change.number
    if change.what == "remove":
        table.pop(change.item, None)
    elif change.what == "set":
        table[change.item] = change.amount
    else:
        table[change.item] += change.amount
"""


@pytest.mark.parametrize("seed", [1, 2, 17, 50])
def test_an_apply_that_remembers_is_right_and_one_that_forgets_what_is_gone_is_not(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "is_open", True)  # this process is fenced by the test
    forgetful = SOLUTION.replace("table.pop(change.item, None)", "table.pop(change.item); del memory[change.item]")
    wrong = {}
    for name, code in (("right", SOLUTION), ("forgetful", forgetful), ("starter", "")):
        run = YourApply(code, seed)
        run.do(Action("play", {"count": 120}))
        while run.step() is not None:
            pass
        wrong[name] = sum(step.kind == "applied" and not step.data["right"] for step in run.trace)
        wrong[name] += sum(step.kind == "code_error" for step in run.trace)
    assert wrong["right"] == 0
    assert wrong["forgetful"] > 0
    assert wrong["starter"] > 0


def test_the_curriculum_points_to_steps_and_scenarios_that_exist() -> None:
    text = (Path(__file__).parents[3] / "docs" / "curriculum.md").read_text("utf-8")
    steps = {lesson.id: {step.id for step in lesson.items} for lesson in LESSONS}
    scenarios = {scenario.id for scenario in topic().scenarios()}
    for number in range(1, 36):
        row = re.search(rf"^\| 5\.{number:02d} .*$", text, re.M)
        assert row, f"5.{number:02d} is met nowhere"
        for word in re.findall(r"`([^`]+)`", row[0]):
            head, _, step = word.partition("#")
            if head.startswith("migration/"):
                lesson = head.removeprefix("migration/")
                assert lesson in steps, row[0]
                assert not step or step in steps[lesson], word
            elif "." not in word:
                assert word in scenarios, f"{word} in {row[0]}"
