"""What stands between a lesson (or a challenge) and the run: verdicts, predictions, grading, and the journal.

The panes show and ask, the judge computes; the coach decides when an answer counts, when a prediction is compared
and what is noted in the learner's journal.

Rules
1. A prediction is compared when its step's check held, when the run came to rest, or when the learner asks.
2. An answer is recorded with the number of steps that the run had then; whether that is in time, the trace decides.
3. The journal gets each prediction once per answer, and a lesson is passed when all its checks held.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from prayog.store import StoreProblem
from prayog.ui.bench import files
from prayog.ui.bench.challenge_pane import ChallengePane
from prayog.ui.bench.grader import grade_in_process
from prayog.ui.bench.lesson_pane import LessonPane
from prayog.ui.bench.verdicts import Judge, Judged
from prayog_sdk import lessons as _lessons
from prayog_sdk.checks import Check, CheckError
from prayog_sdk.code.trial import try_seeds
from prayog_sdk.grading import ChallengeResult, SeedResult
from prayog_sdk.lessons import Answer, Challenge, Lesson, LessonStep
from prayog_sdk.params import flat
from prayog_sdk.qt.jobs import Job
from prayog_sdk.saved import SavedRun
from prayog_sim.run import Action
from prayog_sim.trace import Trace

if TYPE_CHECKING:
    from prayog.ui.bench.page import BenchPage

__all__ = ["Coach"]

_FIRST = 64  # steps looked at to see whether a run has begun


class Coach(QObject):
    """Runs the lesson or challenge of a bench."""

    def __init__(self, page: BenchPage) -> None:
        super().__init__(page)
        self._page = page
        self._host = page.host
        self._told: set[tuple[str, str]] = set()
        self._trial: Job | None = None
        self._ask_now = False
        self.challenge: ChallengePane | None = None
        self.lesson = LessonPane(simple=page.simple)
        self.judge = Judge(page.host, self)
        self.judge.judged.connect(self._judged)
        pane = self.lesson
        pane.recorded.connect(self._recorded)
        pane.compare_asked.connect(self._compare)
        pane.step_shown.connect(lambda _step: self.set_checks())
        pane.step_done.connect(lambda step: self.note("passed", self._item(step)))
        pane.lesson_done.connect(lambda: self.note("passed", self._item()))
        pane.language_asked.connect(self._change_language)
        pane.next_asked.connect(self._next_lesson)
        page.host.moved.connect(self._moved)

    # -- lessons -------------------------------------------------------------------------------------------------

    def open_lesson(self, lesson: Lesson) -> None:
        """Show `lesson` in the sidebar."""
        self.end()
        self._page.offer_setup(True)
        self.note("tried", f"lesson/{lesson.id}")
        self.lesson.has_next = self._after(lesson) is not None
        self.lesson.open(lesson, self._page.topic.manifest.languages)
        self._page.show_tab("lesson")

    def open_challenge(self, challenge: Challenge) -> None:
        """Show `challenge` in the place of the lesson."""
        self.end()
        self._page.offer_setup(True)
        self.note("tried", f"challenge/{challenge.id}")
        self.challenge = pane = ChallengePane(challenge)
        self._host.trial_seeds = challenge.seeds_in_words if challenge.played == "script" else ""
        pane.open_there.connect(self._page.open_there)
        pane.hand_in_asked.connect(self.hand_in)
        pane.open_seed.connect(self.open_seed)
        pane.leave_asked.connect(self._page.left)
        self._page.put_first_tab(pane, self.tr("Challenge"))
        self._page.show_tab("lesson")

    def end(self) -> None:
        """No lesson and no challenge any more."""
        self.lesson.close_lesson()
        self._page.offer_setup(False)
        self._host.trial_seeds = ""
        if self._trial is not None:
            self._trial.cancel()
        if self.challenge is not None:
            pane, self.challenge = self.challenge, None
            self._page.put_first_tab(self.lesson, self.tr("Lesson"))
            pane.deleteLater()

    def note_deed(self, action: Action | None, scenario: str | None) -> None:
        """The learner did something that a step may have waited for."""
        self.lesson.note_deed(action, scenario)

    def hint(self) -> None:
        (self.challenge or self.lesson).hint()

    def submit(self) -> None:
        """Ctrl+Enter: hand in, or record the answer."""
        if self.challenge is not None:
            self.hand_in()
        else:
            self.lesson.submit()

    def answers(self) -> dict[str, str]:
        """The learner's predictions of this lesson in words: question -> answer."""
        lesson, given = self.lesson.lesson, self.lesson.answers
        asked = [step.predict for step in lesson.items if step.predict is not None] if lesson is not None else []
        return {predict.question: str(given[predict.id].value) for predict in asked if predict.id in given}

    def close(self) -> None:
        self.judge.close()

    def note(self, kind: Any, item: str, data: dict[str, Any] | None = None) -> None:
        """A line in the learner's journal."""
        if self._page.store is None:
            return
        try:
            self._page.store.record(kind, self._page.topic.id, item, data)
        except StoreProblem as problem:
            self._page.warn(str(problem))

    def _item(self, step: LessonStep | None = None) -> str:
        base = f"lesson/{self.lesson.lesson.id}" if self.lesson.lesson is not None else "lesson"
        return f"{base}/{step.id}" if step is not None else base

    def _lessons(self, lang: str) -> list[Lesson]:
        return self._host.hook("lessons", lambda: self._page.topic.lessons(lang), [])

    def _after(self, lesson: Lesson) -> Lesson | None:
        """The lesson that follows."""
        found = self._lessons(lesson.lang)
        ids = [each.id for each in found]
        place = ids.index(lesson.id) + 1 if lesson.id in ids else len(ids)
        return found[place] if place < len(found) else None

    def _next_lesson(self) -> None:
        current = self.lesson.lesson
        following = self._after(current) if current is not None else None
        if following is not None:
            self._page.open_lesson(following)

    def _change_language(self, lang: str) -> None:
        current = self.lesson.lesson
        if current is not None:
            for lesson in self._lessons(lang):
                if lesson.id == current.id:
                    self.lesson.open(lesson, self._page.topic.manifest.languages, keep=True)

    # -- verdicts ------------------------------------------------------------------------------------------------

    def set_checks(self) -> None:
        """The topic's checks, and those that lesson and challenge ask for, on the run that is shown."""
        branch, page = self._host.driver.branch, self._page
        if branch is None:
            return
        params = branch.params
        named = self._named(params)
        page.checks.set_checks(named)
        wanted: dict[str, Check] = dict(named)
        step = self.lesson.step
        texts = {"step": step.check} if step is not None and step.check else {}
        if self.challenge is not None:
            asked = self.challenge.challenge.checks
            texts |= {f"challenge:{text}": text for text in asked}
            self.challenge.name_checks({text: named[text].title for text in asked if text in named})
        for key, text in texts.items():
            try:
                wanted[key] = page.topic.check(text, params)
            except CheckError as error:
                page.said.emit(self.tr("A check of this lesson is written wrongly: {what}").format(what=error))
        self.judge.answers = self.lesson.answers
        self.judge.set_checks(wanted)
        self._look_late()

    def _named(self, params: Any) -> dict[str, Check]:
        return self._host.hook("prayog_checks", lambda: self._page.topic.checks(params), {})

    def _moved(self) -> None:
        """Once a frame, while something moves."""
        self.judge.ask()
        if self._host.driver.branch is not None:
            if self.challenge is not None:
                self.challenge.show_spent(self._host.run.actions)
            self._look_late()

    def _look_late(self) -> None:
        """Has the run gone on before the question of the step was answered?"""
        step = self.lesson.step
        if step is None or step.predict is None or step.predict.id in self.lesson.answers:
            return
        opens = step.do is not None and step.do.scenario is not None
        late = False
        if not step.predict.before and not opens and self._host.driver.branch is not None:
            trace = self._host.trace
            late = any(trace[seq].kind != "start" for seq in range(min(len(trace), _FIRST)))
        self.lesson.set_late(late)

    def _judged(self, judged: Judged) -> None:
        more = self._host.driver.can_go_on or not self._host.timed  # an algorithm waits for the next question
        self._page.show_judged(judged, more=more)
        self.lesson.show_values(judged.measures)
        self.lesson.show_check(judged.verdicts.get("step"), more=more, error=judged.errors.get("step", ""))
        self._show_outcome(judged, more=self._host.driver.can_go_on)
        if self.challenge is not None:
            self.challenge.show_judged(judged, more=more)

    def _recorded(self, answer: Answer) -> None:
        step, branch = self.lesson.step, self._host.driver.branch
        steps = len(branch.run.trace) if branch is not None else 0
        if step is not None and step.do is not None and step.do.scenario is not None:
            steps = 0  # the question is about the run that the step opens
        self.lesson.answers[answer.predict_id] = Answer(answer.predict_id, answer.value, steps)
        self.set_checks()

    def _compare(self) -> None:
        self._ask_now = True
        self.set_checks()

    def _show_outcome(self, judged: Judged, *, more: bool) -> None:
        step, branch = self.lesson.step, self._host.driver.branch
        if step is None or step.predict is None or not self.lesson.wants_outcome or branch is None:
            return
        predict, answer = step.predict, self.lesson.answers.get(step.predict.id)
        if answer is None:
            return
        rested = not more and judged.at >= answer.at_step
        if not (self.lesson.passed() or self._ask_now or rested):
            return
        self._ask_now = False
        trace, measures, names = (
            Trace(self._host.trace[: judged.at + 1]),
            self._host.measures,
            self._named(branch.params),
        )
        verdict = self._host.hook(
            f"prediction {predict.id}", lambda: _lessons.judge(predict, answer, trace, measures, names), None
        )
        if verdict is None:
            return
        told = (self._item(step), str(answer.value))
        if told not in self._told:
            self._told.add(told)
            self.note("predicted", told[0], {"value": answer.value, "ok": verdict.ok})
        self.lesson.show_outcome(answer, verdict)

    # -- challenges ----------------------------------------------------------------------------------------------

    def hand_in(self) -> None:
        """Grade the challenge by replay, in a process of its own."""
        pane, branch = self.challenge, self._host.driver.branch
        if pane is None or branch is None:
            return
        self._host.driver.pause()
        if pane.challenge.played == "script":
            code = self._host.code
            if code is not None and self._host.draft is not None:
                self._page.run_code(self._host.draft)  # what stands in the editor counts, run or not
            else:
                self.try_seeds(flat(branch.params))
            return
        job = self._host.jobs.submit(files.saved_run, *self._page.filing.parts(branch), b"")
        pane.follow(job)
        job.succeeded.connect(lambda saved: self._grade(pane, saved))

    def try_seeds(self, params: Mapping[str, Any]) -> None:
        """Grade a challenge that is played by its script, with these knobs; nothing where another kind is on."""
        pane, branch = self.challenge, self._host.driver.branch
        if pane is None or branch is None or pane.challenge.played != "script":
            return
        if self._trial is not None:
            self._trial.cancel()
        manifest = self._page.topic.manifest
        saved = SavedRun(manifest.id, manifest.version, pane.challenge.scenario, dict(params), branch.seed)
        self._trial = job = self._host.jobs.submit(try_seeds, manifest, pane.challenge, saved)
        pane.follow(job)
        self._host.signals.trial_began.emit(job)
        job.succeeded.connect(lambda result: self._tried(job, pane, result))
        job.finished.connect(lambda: self._trial_over(job))

    def _tried(self, job: Job, pane: ChallengePane, result: ChallengeResult) -> None:
        if job is self._trial and pane is self.challenge:
            self._graded(pane, result)
            self._host.signals.trial_ended.emit(result, pane.challenge.seeds)

    def _trial_over(self, job: Job) -> None:
        if job is self._trial:
            self._trial = None

    def _grade(self, pane: ChallengePane, saved: SavedRun) -> None:
        if pane is self.challenge:
            job = self._host.jobs.submit_process(grade_in_process, self._page.topic.manifest, pane.challenge, saved)
            pane.follow(job)
            job.succeeded.connect(lambda result: self._graded(pane, result))

    def _graded(self, pane: ChallengePane, result: ChallengeResult) -> None:
        if pane is self.challenge:
            pane.show_result(result)
            self.note("passed" if result.ok else "tried", f"challenge/{pane.challenge.id}", {"reason": result.reason})
            self._page.said.emit(result.reason)

    def open_seed(self, seed: SeedResult) -> None:
        """Show the run on a seed, at the step that shows why it failed."""
        if self.challenge is None:
            return
        if self.challenge.challenge.played == "script":
            self._page.runs.play(seed.seed, {}, seed.at)
        else:
            at = next((verdict.at for _, verdict in seed.verdicts if not verdict.ok and verdict.at is not None), None)
            self._page.runs.replay(seed.seed, self.challenge.challenge.until_us, at)
