"""Grades a challenge by doing again what the learner did, on every published seed.

Rules
1. Nothing in a handed-in file is believed but the knobs and the actions: everything else is computed again.
2. On the seed of the file the actions are done after the same steps; on another seed at the same virtual times.
   Where the challenge is played by its script, only the knobs count, and the script is played on each seed.
3. A different result on the file's own seed is said, because then the versions differ or the file was changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from prayog_sdk import headless
from prayog_sdk import params as knobs
from prayog_sdk.checks import Check, Verdict
from prayog_sdk.claims import of_kind
from prayog_sdk.lessons import Answer, Challenge
from prayog_sdk.run import has_clock
from prayog_sdk.saved import SavedRun
from prayog_sdk.scenario import Scenario
from prayog_sdk.topic import Topic
from prayog_sim.labfile import Do
from prayog_sim.run import Action, ActionError, Run, TimedAction
from prayog_sim.trace import Trace

__all__ = ["BudgetLine", "ChallengeResult", "Grader", "ReplayError", "SeedResult", "grade", "replay"]

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
    """The verdicts on one seed, by the text of the check.

    ``problem``: the run could not be repeated there, or the learner's code failed in it (at step ``at``).
    """

    seed: int
    verdicts: tuple[tuple[str, Verdict], ...] = ()
    problem: str = ""
    at: int | None = None

    @property
    def ok(self) -> bool:
        return not self.problem and all(verdict.ok for _, verdict in self.verdicts)

    @property
    def why(self) -> str:
        """Why it failed, in a sentence; empty when it did not."""
        return self.problem or next((verdict.reason for _, verdict in self.verdicts if not verdict.ok), "")


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


class Grader:
    """Judges a handed-in run on one seed after the other."""

    def __init__(self, challenge: Challenge, topic: Topic, saved: SavedRun) -> None:
        self.challenge = challenge
        self.refused = _refusal(challenge, topic, saved)
        """Why it is not judged at all; empty when it is."""
        self._topic, self._saved = topic, saved
        self._checks: list[tuple[str, Check]] = []
        self._notes: list[str] = []
        if not self.refused:
            params = topic.params(saved.params)
            self._checks = [(text, topic.check(text, params)) for text in challenge.checks]

    def seed(self, seed: int) -> SeedResult:
        """Do the run again on `seed` and judge it there."""
        answers: dict[str, Answer] = {answer.predict_id: answer for answer in self._saved.predictions}
        try:
            trace = self._again(seed)
            verdicts = tuple((text, check.judge(trace, answers, self._again, seed)) for text, check in self._checks)
        except (ReplayError, headless.RunError) as error:
            return SeedResult(seed, problem=str(error))
        self._compare(seed, trace)
        at = next((verdict.at for _, verdict in verdicts if not verdict.ok), None)
        if all(verdict.ok for _, verdict in verdicts):
            return SeedResult(seed, verdicts)
        failed = next(of_kind(trace, "code_error"), None)  # whatever else does not hold, does not because of this
        if failed is not None:
            return SeedResult(seed, verdicts, str(failed.data["sentence"]), failed.step.seq)
        return SeedResult(seed, verdicts, at=at)

    def result(self, seeds: Sequence[SeedResult]) -> ChallengeResult:
        """What the verdicts on `seeds` come to; seeds that are left out were not tried."""
        if self.refused:
            return ChallengeResult(False, self.refused)
        done = _by_learner(self._saved, self._topic.scenario(self.challenge.scenario))
        budget = tuple(
            BudgetLine(name, sum(name in ("actions", action.name) for action in done), allowed)
            for name, allowed in self.challenge.budget.items()
        )
        left = len(self.challenge.seeds) - len(seeds)
        ok = not left and all(result.ok for result in seeds) and all(line.ok for line in budget)
        return ChallengeResult(ok, _sentence(seeds, budget, left), tuple(seeds), budget, tuple(self._notes))

    def _again(self, seed: int) -> Trace:
        saved, topic = self._saved, self._topic
        if self.challenge.played == "deeds":
            return replay(topic, saved, seed, self.challenge.until_us)
        run = headless.played(topic, topic.scenario(self.challenge.scenario), seed, saved.params)
        try:
            return Trace(run.trace)
        finally:
            run.close()

    def _compare(self, seed: int, trace: Trace) -> None:
        saved, challenge = self._saved, self.challenge
        same = seed == saved.seed and challenge.until_us is None and challenge.played == "deeds"
        if same and trace.hash() != saved.trace_hash:
            version = self._topic.manifest.version
            self._notes.append(
                f"The run was saved with version {saved.version} and gives another trace in {version}."
            )


def grade(challenge: Challenge, topic: Topic, saved: SavedRun) -> ChallengeResult:
    """Do the handed-in run again on every seed of the challenge and judge it there."""
    grader = Grader(challenge, topic, saved)
    return grader.result([] if grader.refused else [grader.seed(seed) for seed in challenge.seeds])


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


def _sentence(results: Sequence[SeedResult], budget: Sequence[BudgetLine], left: int) -> str:
    over = next((line for line in budget if not line.ok), None)
    if over is not None:
        what = "actions" if over.name == "actions" else f"times {over.name}"
        return f"You used {over.used} {what}; the budget is {over.allowed}."
    failed = [result for result in results if not result.ok]
    if not failed and not left:
        return f"Holds on all {len(results)} seeds."
    words = f"Holds on {len(results) - len(failed)} of {len(results)} seeds"
    words += f"; the other {left} were not tried any more." if left else "."
    return f"{words} On seed {failed[0].seed}: {failed[0].why}" if failed else words
