"""Grades a challenge by doing again what the learner did, on every published seed.

Rules
1. Nothing in a handed-in file is believed but the knobs and the actions: everything else is computed again.
2. On the seed of the file the actions are done after the same steps; on another seed at the same virtual times.
3. A different result on the file's own seed is said, because then the versions differ or the file was changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from prayog_sdk import params as knobs
from prayog_sdk.checks import Verdict
from prayog_sdk.lessons import Challenge
from prayog_sdk.run import has_clock
from prayog_sdk.saved import SavedRun
from prayog_sdk.scenario import Scenario
from prayog_sdk.topic import Topic
from prayog_sim.labfile import Do
from prayog_sim.run import Action, ActionError, Run, TimedAction
from prayog_sim.trace import Trace

__all__ = ["BudgetLine", "ChallengeResult", "ReplayError", "SeedResult", "grade", "replay"]

MOST_STEPS = 200_000
"""A replay that is longer is given up, with a sentence."""


class ReplayError(RuntimeError):
    """A run cannot be done again; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """One limit: `name` is an action, or ``actions`` for all of them."""

    name: str
    used: int
    allowed: int

    @property
    def ok(self) -> bool:
        return self.used <= self.allowed


@dataclass(frozen=True, slots=True)
class SeedResult:
    """The verdicts on one seed, by the text of the check; ``problem`` when the run could not be repeated there."""

    seed: int
    verdicts: tuple[tuple[str, Verdict], ...] = ()
    problem: str = ""

    @property
    def ok(self) -> bool:
        return not self.problem and all(verdict.ok for _, verdict in self.verdicts)


@dataclass(frozen=True, slots=True)
class ChallengeResult:
    """``reason`` is the whole in a sentence; ``notes`` are remarks that do not change the grade."""

    ok: bool
    reason: str
    seeds: tuple[SeedResult, ...] = ()
    budget: tuple[BudgetLine, ...] = ()
    notes: tuple[str, ...] = ()


def replay(topic: Topic, saved: SavedRun, seed: int, until_us: int | None = None) -> Trace:
    """The trace of doing the saved actions again on `seed`.

    On the saved seed the run ends where it was saved, on another (or with `until_us`) at that virtual time.
    Raises `ReplayError` with a sentence.
    """
    if saved.kind == "session":
        raise ReplayError("a run on a real component is a recording and cannot be run again")
    run = topic.build(topic.params(saved.params), seed)
    try:
        exact = seed == saved.seed
        for timed in saved.actions:
            _advance(run, timed.after if exact else None, timed.at)
            _do(run, timed)
        end = saved.until_us if until_us is None else until_us
        _advance(run, saved.steps if exact and until_us is None else None, end)
        return Trace(run.trace)
    finally:
        run.close()


def _advance(run: Run, steps: int | None, at: int) -> None:
    """Let happen what comes before: up to `steps` steps, or up to virtual time `at`; an algorithm finishes its work."""
    while True:
        if len(run.trace) >= MOST_STEPS:
            raise ReplayError(f"this run has more than {MOST_STEPS:,} steps; it was given up")
        if steps is not None:
            if len(run.trace) >= steps:
                return
        elif has_clock(run) and (run.next_at is None or run.next_at > at):
            return
        if run.step() is None:
            return


def _do(run: Run, timed: TimedAction) -> None:
    try:
        run.do(timed.action, timed.at if has_clock(run) else None)
    except ActionError as error:
        raise ReplayError(f"“{timed.action.name}” cannot be done there: {error}") from error


def grade(challenge: Challenge, topic: Topic, saved: SavedRun) -> ChallengeResult:
    """Do the handed-in run again on every seed of the challenge and judge it there."""
    if refused := _refusal(challenge, topic, saved):
        return ChallengeResult(False, refused)
    params = topic.params(saved.params)
    checks = [(text, topic.check(text, params)) for text in challenge.checks]
    answers = {answer.predict_id: answer for answer in saved.predictions}

    def again(seed: int) -> Trace:
        return replay(topic, saved, seed, challenge.until_us)

    results = []
    notes = []
    for seed in challenge.seeds:
        try:
            trace = again(seed)
            verdicts = tuple((text, check.judge(trace, answers, again, seed)) for text, check in checks)
            results.append(SeedResult(seed, verdicts))
        except ReplayError as error:
            results.append(SeedResult(seed, problem=str(error)))
            continue
        if seed == saved.seed and challenge.until_us is None and trace.hash() != saved.trace_hash:
            notes.append(
                f"The run was saved with version {saved.version} and gives another trace in {topic.manifest.version}."
            )
    done = _by_learner(saved, topic.scenario(challenge.scenario))
    budget = tuple(
        BudgetLine(name, sum(name in ("actions", action.name) for action in done), allowed)
        for name, allowed in challenge.budget.items()
    )
    return ChallengeResult(
        all(result.ok for result in results) and all(line.ok for line in budget),
        _sentence(results, budget),
        tuple(results),
        budget,
        tuple(notes),
    )


def _refusal(challenge: Challenge, topic: Topic, saved: SavedRun) -> str:
    if saved.topic != topic.id or saved.scenario != challenge.scenario:
        return f"This run belongs to {saved.topic}/{saved.scenario}; the challenge is {topic.id}/{challenge.scenario}."
    if saved.kind == "session":
        return "A run on a real component cannot be replayed, so it cannot be graded."
    try:
        given = knobs.flat(topic.params(saved.params))
        asked = knobs.flat(topic.params(topic.scenario(challenge.scenario).params))
    except (knobs.ParamError, LookupError) as error:
        return f"The knobs of this run cannot be used: {error.args[0]}"
    changed = [name for name in asked if given[name] != asked[name] and name not in challenge.knobs]
    if changed:
        allowed = ", ".join(challenge.knobs) or "none"
        return f"The knob {changed[0]} was changed; in this challenge you may change: {allowed}."
    return ""


def _by_learner(saved: SavedRun, scenario: Scenario) -> list[Action]:
    """What was done, without what the scenario's own script does: that costs nothing."""
    done = [timed.action for timed in saved.actions]
    for command in scenario.script.commands:
        if isinstance(command, Do):
            mine = (a for a in done if a.name == command.action and command.args.items() <= a.args.items())
            scripted = next(mine, None)
            if scripted is not None:
                done.remove(scripted)
    return done


def _sentence(results: Sequence[SeedResult], budget: Sequence[BudgetLine]) -> str:
    over = next((line for line in budget if not line.ok), None)
    if over is not None:
        what = "actions" if over.name == "actions" else f"times {over.name}"
        return f"You used {over.used} {what}; the budget is {over.allowed}."
    failed = [result for result in results if not result.ok]
    if not failed:
        return f"Holds on all {len(results)} seeds."
    first = failed[0]
    why = first.problem or next(verdict.reason for _, verdict in first.verdicts if not verdict.ok)
    return f"Holds on {len(results) - len(failed)} of {len(results)} seeds. On seed {first.seed}: {why}"
