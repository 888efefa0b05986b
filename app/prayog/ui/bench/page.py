"""The bench: the page on which a topic runs.  It brings driver, panels, tools, transport and sidebar together.

The page decides nothing about time (the driver does) or drawing (panels do); it opens what the learner asks for,
passes on what one part says to the others, and lets go of everything in `close_topic`.

Rules
1. Nothing moves before the learner asks: every run is shown paused.
2. A new run is made in a worker; meanwhile the bench says so and can cancel.
3. Whatever can be done with a button is a `Command` too, for the palette and the key list.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QPalette, QResizeEvent, QShortcut
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMenu, QPushButton, QSplitter, QStackedWidget, QTabWidget, QToolButton, QVBoxLayout, QWidget

from prayog.store import StoreProblem
from prayog.ui.bench import files
from prayog.ui.bench.challenge_pane import ChallengePane
from prayog.ui.bench.checks_pane import ChecksPane
from prayog.ui.bench.docks import Docks, proposal, write_picture
from prayog.ui.bench.driver import Branch
from prayog.ui.bench.elided import Elided
from prayog.ui.bench.grader import grade_in_process
from prayog.ui.bench.host import Host, is_marked
from prayog.ui.bench.inspector import Inspector
from prayog.ui.bench.lesson_pane import LessonPane
from prayog.ui.bench.reality import Outcome, RealityView, check
from prayog.ui.bench.recording import Recording
from prayog.ui.bench.setup_pane import SetupPane
from prayog.ui.bench.slot import Slot
from prayog.ui.bench.starts import Start, Started, begin
from prayog.ui.bench.tools import Tools, dressed
from prayog.ui.bench.transport import Transport
from prayog.ui.bench.verdicts import Judge, Judged
from prayog.ui.commands import Command
from prayog_sdk import lessons as _lessons
from prayog_sdk.checks import Check, CheckError
from prayog_sdk.exports import Label
from prayog_sdk.grading import ChallengeResult, SeedResult
from prayog_sdk.lessons import Answer, Challenge, Lesson, LessonStep
from prayog_sdk.manifest import Problem
from prayog_sdk.params import ParamError, flat
from prayog_sdk.qt import theme
from prayog_sdk.qt.icons import IconButton
from prayog_sdk.qt.jobs import Job, JobManager
from prayog_sdk.qt.state import LoadingState, paragraph
from prayog_sdk.saved import SavedError, SavedRun
from prayog_sdk.services import Services
from prayog_sdk.specs import Variant
from prayog_sim.lines import line
from prayog_sim.run import Action
from prayog_sim.trace import Trace

if TYPE_CHECKING:
    from prayog.settings import Settings
    from prayog.store.repo import Repo
    from prayog_sdk.scenario import Scenario
    from prayog_sdk.topic import Topic

__all__ = ["BenchPage"]

_TABS = ("lesson", "inspector", "setup", "checks")


class BenchPage(QWidget):
    """One open topic.  Made by the window's stage, closed with `close_topic`."""

    problem = Signal(object)
    """A `Problem` of the topic's code; the third closes the topic (whoever listens counts)."""
    said = Signal(str)
    left = Signal()
    """The learner wants to leave the bench for the topic's page."""

    def __init__(
        self, topic: Topic, *, jobs: JobManager, services: Services, store: Repo | None, settings: Settings,
        data_dir: Path, parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.topic = topic
        self.store = store
        self.choose_file: Callable[[str, Path, str], Path | None] = self._ask_path
        self._settings = settings
        self._data_dir = data_dir
        self._start: Start | None = None
        self._job: Job | None = None
        self._closed = False
        self._sized = False
        self._lesson: Lesson | None = None
        self._challenge: ChallengePane | None = None
        self._notes = ""
        self._built_for = ""
        self.host = Host(topic, jobs, services, data_dir, self)
        self.host.reduced_motion = settings.motion == "reduced"
        self.driver = self.host.driver
        self.driver.slow_at = is_marked
        self.judge = Judge(self.host, self)
        self._make_parts()
        self._lay_out()
        self._connect()
        self._shortcuts()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setup.set_scenarios(self.host.hook("scenarios", topic.scenarios, []))
        self.setup.set_variants(self.host.hook("prayog_broken", topic.broken, []))

    # -- making --------------------------------------------------------------------------------------------------

    def _make_parts(self) -> None:
        host = self.host
        self.docks = Docks(host)
        self.transport = Transport(self.driver, host.markers, self._describe)
        self.tools = Tools(host)
        self.lesson = LessonPane()
        self.inspector = Inspector(host)
        self.setup = SetupPane(self.topic.params_type)
        self.checks = ChecksPane()
        self.reality = RealityView()
        self.sidebar = QTabWidget()
        self.sidebar.setDocumentMode(True)
        self.sidebar.setUsesScrollButtons(True)
        self.sidebar.setAccessibleName(self.tr("Sidebar"))
        for pane, words in (
            (self.lesson, self.tr("Lesson")), (self.inspector, self.tr("Inspector")),
            (self.setup, self.tr("Set-up")), (self.checks, self.tr("Checks")),
        ):  # fmt: skip
            self.sidebar.addTab(pane, words)

    def _lay_out(self) -> None:
        self._title = Elided()
        self._title.setProperty("step", "1")
        self._subtitle = Elided()
        self._subtitle.setProperty("kind", "muted")
        self._leave = IconButton("chevron-left", self.tr("To the topic’s page"))
        self._leave.clicked.connect(self.left)
        self._reality_button = QPushButton(self.tr("Reality check"))
        self._reality_button.setToolTip(self.tr("Do the same on the real component and compare"))
        self._reality_button.clicked.connect(self.check_reality)
        if not (self.topic.has_session and self.topic.has_build):  # shown by its layout; alone it would be a window
            self._reality_button.hide()
        self._panels = self._menu("dock", self.tr("Panels"), self.docks.fill_menu)
        self._export = self._menu("export", self.tr("Save and export"), self._fill_export)
        self._fold = IconButton("inspector", self.tr("Show or hide the sidebar"))
        self._fold.clicked.connect(self.toggle_sidebar)

        head = QHBoxLayout()
        head.setContentsMargins(theme.UNIT, theme.UNIT, theme.UNIT * 3 // 2, 0)
        head.setSpacing(theme.UNIT)
        head.addWidget(self._leave)
        head.addWidget(self._title)
        head.addWidget(self._subtitle, 1)
        head.addWidget(self._reality_button)
        for button in (self._panels, self._export, self._fold):
            head.addWidget(button)

        self._bar = _Bar()
        self._centre = QStackedWidget()
        self._centre.addWidget(self.docks)
        self._centre.addWidget(self.reality)
        self._stage = QWidget()
        column = QVBoxLayout(self._stage)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.tools)
        column.addWidget(self._bar)
        column.addWidget(self._centre, 1)
        column.addWidget(self.transport)
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.addWidget(self._stage)
        self.side = QWidget()
        self.side.setAutoFillBackground(True)
        self.side.setBackgroundRole(QPalette.ColorRole.Base)
        inside = QVBoxLayout(self.side)
        inside.setContentsMargins(0, theme.UNIT, 0, 0)
        inside.addWidget(self.sidebar)
        self.split.addWidget(self.side)
        self.split.setStretchFactor(0, 1)
        self.split.setStretchFactor(1, 0)
        self.split.setCollapsible(0, False)
        self.split.setHandleWidth(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.split)

    def _connect(self) -> None:
        host, lesson = self.host, self.lesson
        host.moved.connect(self._moved)
        host.said.connect(self.said)
        host.warned.connect(self._warn)
        host.problem.connect(self.problem)
        host.asked_params.connect(self.set_params)
        host.working.connect(self._wait_for)
        self.docks.panel_failed.connect(lambda problem: self.said.emit(problem.sentence))
        self.docks.export_asked.connect(self._export_panel)
        self.tools.acted.connect(self.do)
        self.tools.said.connect(self.said)
        self.transport.restart_asked.connect(self.restart)
        self.transport.seed_asked.connect(lambda seed: self.restart(seed=seed))
        self.judge.judged.connect(self._judged)
        for pane in (lesson, self.inspector, self.checks):
            pane.open_there.connect(self.open_there)
        lesson.recorded.connect(self._recorded)
        lesson.action_asked.connect(self.do)
        lesson.scenario_asked.connect(self._open_lesson_scenario)
        lesson.restart_asked.connect(lambda: self.restart(False))
        lesson.compare_asked.connect(lambda: self._judge_step(force=True))
        lesson.language_asked.connect(self._change_language)
        lesson.step_shown.connect(lambda _step: self._judge_step())
        lesson.step_done.connect(lambda step: self._note("passed", self._lesson_item(step)))
        lesson.lesson_done.connect(lambda: self._note("passed", self._lesson_item()))
        lesson.next_asked.connect(self._next_lesson)
        lesson.leave_asked.connect(self.left)
        self.setup.edited.connect(self.set_params)
        self.setup.scenario_asked.connect(self._open_by_id)
        self.setup.variant_asked.connect(self.hunt)
        self.reality.left.connect(self.leave_reality)
        self.reality.again.connect(self.check_reality)
        self.reality.open_trace.connect(self._open_real_trace)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if not self._sized and self.width() > 200:
            self._sized = True
            side = min(theme.scaled(344), self.width() * 42 // 100)
            self.split.setSizes([self.width() - side, side])

    # -- opening -------------------------------------------------------------------------------------------------

    def open_scenario(self, scenario: Scenario) -> None:
        """Show `scenario`, paused, with its script ready to be played."""
        self._end_lesson()
        self._note("tried", f"scenario/{scenario.id}")
        self._begin(Start.of_scenario(scenario))

    def open_lesson(self, lesson: Lesson) -> None:
        """Show the lesson beside its scenario."""
        self._end_lesson()
        self._lesson = lesson
        self._note("tried", f"lesson/{lesson.id}")
        known = self.topic.manifest.languages
        lessons = self.host.hook("lessons", lambda: self.topic.lessons(lesson.lang), [])
        ids = [each.id for each in lessons]
        self.lesson.has_next = lesson.id in ids and ids.index(lesson.id) + 1 < len(ids)
        self.lesson.open(lesson, known)
        self.show_tab("lesson")
        self._open_by_id(lesson.scenario, keep_lesson=True)

    def open_challenge(self, challenge: Challenge) -> None:
        """Show the challenge beside its scenario."""
        self._end_lesson()
        self._note("tried", f"challenge/{challenge.id}")
        self._challenge = pane = ChallengePane(challenge)
        pane.open_there.connect(self.open_there)
        pane.hand_in_asked.connect(self.hand_in)
        pane.open_seed.connect(self._open_seed)
        pane.leave_asked.connect(self.left)
        self.sidebar.removeTab(0)
        self.sidebar.insertTab(0, pane, self.tr("Challenge"))
        self.show_tab("lesson")
        self._open_by_id(challenge.scenario, keep_lesson=True)

    def open_saved(self, saved: SavedRun) -> None:
        """Show a saved run at its end; what is done to it from here is a new branch."""
        self._end_lesson()
        if saved.topic != self.topic.id:
            self._warn(self.tr("This run belongs to the topic {topic}.").format(topic=saved.topic))
            return
        for skipped in saved.skipped:
            self.said.emit(self.tr("Not understood in this file, so left out: {what}").format(what=skipped))
        self._notes = saved.notes
        if saved.kind == "session":
            run = Recording(saved.trace or Trace(), saved.actions)
            params = self.host.hook("params", lambda: self.topic.params(saved.params), None)
            if params is not None:
                start = Start(saved.scenario, dict(saved.params), saved.seed, kind="session")
                self._show(start, Started(run, params, None, len(run.trace) - 1))
            return
        self._begin(Start.of_saved(saved))

    def _open_by_id(self, id: str, keep_lesson: bool = False) -> None:
        found = self.host.hook("scenario", lambda: self.topic.scenario(id), None)
        if found is None:
            return
        if keep_lesson:
            self._begin(Start.of_scenario(found))
        else:
            self.open_scenario(found)

    def _open_lesson_scenario(self, id: str) -> None:
        self._open_by_id(id, keep_lesson=True)
        self.lesson.note_deed(None, id)

    def _begin(self, start: Start) -> None:
        """Make the run of `start` in a worker and show it."""
        if self._job is not None:
            self._job.cancel()
        if self._centre.currentWidget() is self.reality:
            self.leave_reality()
        self.driver.pause()
        try:
            params = self.topic.params(start.values)
        except ParamError as error:
            self._warn(str(error))
            return
        self._job = job = self.host.jobs.submit(begin, self.topic, start, params, self.host.services)
        job.succeeded.connect(lambda started: self._made(job, start, started))
        job.failed.connect(lambda sentence, details: self._not_made(job, sentence, details))
        job.cancelled.connect(lambda: self._ended(job))
        self._wait_for(job, self.tr("Setting up…"))

    def _made(self, job: Job, start: Start, started: Started) -> None:
        if job is not self._job or self._closed:
            started.run.close()
            return
        self._job = None
        if started.missing is not None:
            sentence, way = started.missing
            self._warn(f"{sentence} {way}".strip())
            return
        self._show(start, started)

    def _not_made(self, job: Job, sentence: str, details: str) -> None:
        if job is self._job:
            self._job = None
            self._warn(sentence)
            self.problem.emit(Problem("build", sentence, self.topic.id, details))

    def _ended(self, job: Job) -> None:
        if job is self._job:
            self._job = None

    def _show(self, start: Start, started: Started) -> None:
        self._start = start
        topic, run, params = self.topic, started.run, started.params

        def again(progress: Callable[[int, int, str], None]) -> Any:
            return topic.build(params, start.seed, progress)

        branch = Branch(run, params, start.seed, again, started.plan, self.tr("The run"), at=started.at)
        if started.at >= 0:
            branch.clock_us = float(run.trace[started.at].at)
        self._build_panels(run.kind, bool(run.view(started.at).nodes), params)
        self.host.scenario = start.scenario
        self.host.put(branch)
        self.host.actions = dressed(self.host.actions)
        own = self.host.hook("prayog_actions", lambda: [spec.name for spec in topic.actions(params)], [])
        self.tools.rebuild(own)
        self.transport.timed = self.host.timed
        found = self._scenario(start.scenario)
        self._title.setText(topic.manifest.title)
        name = found.title if found is not None else start.title or self.tr("free play")
        self._subtitle.setText(f"·  {name}" + (self.tr("  ·  real component") if run.kind == "session" else ""))
        knobs = self._challenge.challenge.knobs if self._challenge is not None else None
        can_change = run.kind == "world" and (knobs is None or bool(knobs))
        self.setup.show_run(start.scenario, flat(params), can_change=can_change, knobs=knobs)
        self._set_checks(params)
        self._bar.dismiss()

    def _build_panels(self, kind: str, has_nodes: bool, params: Any) -> None:
        key = f"{kind} {has_nodes}"
        if key == self._built_for:
            return
        own = self.host.hook("prayog_panels", self.topic.panels, [])
        series = self.host.hook("prayog_series", lambda: self.topic.series(params), [])
        self.docks.build(proposal(own, kind, has_nodes=has_nodes, has_series=bool(series), tr=self.tr))
        if not self._built_for:
            self._restore_layout()
        self._built_for = key

    # -- the run -------------------------------------------------------------------------------------------------

    def do(self, action: Action) -> None:
        """Do `action` at the shown moment, for whoever asks: a tool, a lesson, a link, the palette."""
        before = len(self.driver.run.actions) if self.driver.branch is not None else 0
        self._bar.dismiss()
        self.host.do(action)
        if self.driver.branch is not None and len(self.driver.run.actions) > before:
            self.lesson.note_deed(action, None)

    def restart(self, new_seed: bool = False, seed: int | None = None) -> None:
        """The same set-up from its beginning, with the same seed, a new one, or the given one."""
        start = self._start
        if start is None:
            return
        if start.kind == "session" and (new_seed or seed is not None):
            self.said.emit(self.tr("A real component has no seed. Start it again with R."))
            return
        if new_seed:
            seed = random.SystemRandom().randrange(1, 1_000_000)
        self._begin(replace(start.from_start(), seed=start.seed if seed is None else seed))

    def set_params(self, values: dict[str, Any]) -> None:
        """A new run with changed knobs, from its beginning, with the same seed."""
        start = self._start
        if start is None:
            return
        if self._challenge is not None:
            allowed = self._challenge.challenge.knobs
            values = {name: value for name, value in values.items() if name in allowed}
        merged = {**start.values, **values}
        if merged != start.values:
            self._begin(replace(start.from_start(), values=merged))

    def hunt(self, variant: Variant) -> None:
        """Switch a broken variant on, in the scenario that shows it."""
        found = self._scenario(variant.scenario)
        base = Start.of_scenario(found) if found is not None else self._start
        if base is not None:
            self._begin(replace(base.from_start(), values={**base.values, **variant.params}))
            self.said.emit(self.tr("Switched on: {title}. Which check catches it?").format(title=variant.title))

    def open_there(self, seq: int) -> None:
        """Show the moment after step `seq`, and bring the panels to the front."""
        self.leave_reality()
        self.driver.seek(seq)

    def _scenario(self, id: str) -> Scenario | None:
        return next((each for each in self.host.hook("scenarios", self.topic.scenarios, []) if each.id == id), None)

    def _describe(self, seq: int) -> str:
        if self.driver.branch is None or not 0 <= seq <= self.driver.end:
            return self.tr("before the first event")
        words = line(self.driver.run.trace[seq], when=self.host.timed)
        found = self.host.markers.gravest(seq, seq)
        return self.tr("event {n}: {what}").format(n=f"{seq:,}", what=words) + (f" ({found[0]})" if found else "")

    def _wait_for(self, job: Job, words: str) -> None:
        """Show that the bench waits for `job`; at once done is not shown at all."""
        loading = LoadingState(words)
        loading.follow(job)
        self._centre.addWidget(loading)
        before = self._centre.currentWidget()
        if self.driver.branch is None:
            self._centre.setCurrentWidget(loading)
        else:  # what is there stays until the work takes a while
            QTimer.singleShot(400, loading, lambda: self._centre.setCurrentWidget(loading))

        def over() -> None:
            if self._closed:
                return
            if self._centre.currentWidget() is loading:
                self._centre.setCurrentWidget(before if before is not loading else self.docks)
            self._centre.removeWidget(loading)
            loading.deleteLater()

        job.finished.connect(over)

    def _moved(self) -> None:
        """Once a frame, while something moves."""
        self.transport.refresh()
        self.judge.ask()
        if self.driver.branch is None:
            return
        run = self.driver.run
        if self._challenge is not None:
            self._challenge.show_spent(run.actions)
        self._look_late()

    def _look_late(self) -> None:
        """Has the run gone on before the question of the step was answered?"""
        step = self.lesson.step
        if step is None or step.predict is None or step.predict.id in self.lesson.answers:
            return
        run, predict = self.driver.run, step.predict
        if predict.before or (step.do is not None and step.do.scenario is not None):
            late = False
        else:
            late = any(each.kind != "start" for each in run.trace[: min(len(run.trace), 64)])
        self.lesson.set_late(late)

    # -- verdicts ------------------------------------------------------------------------------------------------

    def _set_checks(self, params: Any) -> None:
        """The topic's checks, and those that lesson and challenge ask for, on the run's parameters."""
        named = self.host.hook("prayog_checks", lambda: self.topic.checks(params), {})
        self.checks.set_checks(named)
        wanted: dict[str, Check] = dict(named)
        texts = {"step": self.lesson.step.check} if self.lesson.step is not None and self.lesson.step.check else {}
        if self._challenge is not None:
            texts |= {f"challenge:{text}": text for text in self._challenge.challenge.checks}
            self._challenge.name_checks({text: named[text].title for text in self._challenge.challenge.checks if text in named})
        for key, text in texts.items():
            try:
                wanted[key] = self.topic.check(text, params)
            except CheckError as error:
                self.said.emit(self.tr("A check of this lesson is written wrongly: {what}").format(what=error))
        self.judge.answers = self.lesson.answers
        self.judge.set_checks(wanted)

    def _judge_step(self, force: bool = False) -> None:
        if self.driver.branch is not None:
            self._forced = force
            self._set_checks(self.driver.branch.params)
            self._look_late()

    _forced = False

    def _judged(self, judged: Judged) -> None:
        more = self.driver.can_go_on
        self.checks.show_judged(judged, more=more)
        broken = self.checks.broken()
        self.sidebar.setTabText(3, self.tr("Checks ({n})").format(n=broken) if broken else self.tr("Checks"))
        places = [v.at for v in judged.verdicts.values() if not v.ok and v.at is not None and (not more or v.at < judged.at)]
        self.host.markers.put("check", {at for at in places if at is not None})
        self.lesson.show_values(judged.measures)
        self.lesson.show_check(judged.verdicts.get("step"), more=more, error=judged.errors.get("step", ""))
        self._show_outcome(judged, more)
        if self._challenge is not None:
            self._challenge.show_judged(judged, more=more)
        self.host.wake()

    def _show_outcome(self, judged: Judged, more: bool) -> None:
        """Compare the step's prediction once its check held, the run came to rest, or the learner asked."""
        step = self.lesson.step
        if step is None or step.predict is None or not self.lesson.wants_outcome or self.driver.branch is None:
            return
        answer = self.lesson.answers.get(step.predict.id)
        ripe = self.lesson.passed() or self._forced or (not more and judged.at >= (answer.at_step if answer else 0))
        if answer is None or not ripe:
            return
        self._forced = False
        prefix, predict, branch = Trace(self.host.trace[: judged.at + 1]), step.predict, self.driver.branch
        names = self.host.hook("prayog_checks", lambda: self.topic.checks(branch.params), {})
        verdict = self.host.hook(
            f"prediction {predict.id}", lambda: _lessons.judge(predict, answer, prefix, self.host.measures, names), None
        )
        if verdict is not None:
            item = f"{self._lesson_item(step)}"
            if (item, answer.value) not in self._told:
                self._told.add((item, str(answer.value)))
                self._note("predicted", item, {"value": answer.value, "ok": verdict.ok})
            self.lesson.show_outcome(answer, verdict)

    @property
    def _told(self) -> set[tuple[str, str]]:
        return self.__dict__.setdefault("_told_set", set())

    def _recorded(self, answer: Answer) -> None:
        steps = len(self.driver.run.trace) if self.driver.branch is not None else 0
        step = self.lesson.step
        if step is not None and step.do is not None and step.do.scenario is not None:
            steps = 0  # the question is about the run that the step opens
        self.lesson.answers[answer.predict_id] = Answer(answer.predict_id, answer.value, steps)
        self._judge_step()

    # -- lessons and challenges ----------------------------------------------------------------------------------

    def _end_lesson(self) -> None:
        self._lesson = None
        self.lesson.close_lesson()
        if self._challenge is not None:
            pane, self._challenge = self._challenge, None
            self.sidebar.removeTab(0)
            self.sidebar.insertTab(0, self.lesson, self.tr("Lesson"))
            pane.deleteLater()

    def _lesson_item(self, step: LessonStep | None = None) -> str:
        base = f"lesson/{self._lesson.id}" if self._lesson is not None else "lesson"
        return f"{base}/{step.id}" if step is not None else base

    def _change_language(self, lang: str) -> None:
        current = self.lesson.lesson
        if current is None:
            return
        found = self.host.hook("lessons", lambda: self.topic.lessons(lang), [])
        lesson = next((each for each in found if each.id == current.id), None)
        if lesson is not None:
            self._lesson = lesson
            self.lesson.open(lesson, self.topic.manifest.languages, keep=True)

    def _next_lesson(self) -> None:
        current = self.lesson.lesson
        if current is None:
            return
        found = self.host.hook("lessons", lambda: self.topic.lessons(current.lang), [])
        ids = [each.id for each in found]
        place = ids.index(current.id) + 1 if current.id in ids else len(ids)
        if place < len(found):
            self.open_lesson(found[place])

    def hand_in(self) -> None:
        """Grade the challenge by replay, in a process of its own."""
        pane, branch, start = self._challenge, self.driver.branch, self._start
        if pane is None or branch is None or start is None:
            return
        self.driver.pause()
        upto, until = self.driver.end + 1, round(branch.clock_us)
        if upto:
            until = max(until, branch.run.trace[upto - 1].at)
        job = self.host.jobs.submit(
            files.saved_run, branch, self.host.label(), tuple(self.lesson.answers.values()), "", b"", upto, until
        )
        pane.follow(job)
        job.succeeded.connect(lambda saved: self._grade(pane, saved))

    def _grade(self, pane: ChallengePane, saved: SavedRun) -> None:
        if self._closed or pane is not self._challenge:
            return
        job = self.host.jobs.submit_process(grade_in_process, self.topic.manifest, pane.challenge, saved)
        pane.follow(job)
        job.succeeded.connect(lambda result: self._graded(pane, result))

    def _graded(self, pane: ChallengePane, result: ChallengeResult) -> None:
        if self._closed or pane is not self._challenge:
            return
        pane.show_result(result)
        self._note("passed" if result.ok else "tried", f"challenge/{pane.challenge.id}", {"reason": result.reason})
        self.said.emit(result.reason)

    def _open_seed(self, seed: SeedResult) -> None:
        """Show the replay on the seed that failed, at the step that shows it."""
        branch, start = self.driver.branch, self._start
        if branch is None or start is None:
            return
        at = next((verdict.at for _, verdict in seed.verdicts if not verdict.ok and verdict.at is not None), None)
        until = self._challenge.challenge.until_us if self._challenge is not None else None
        if until is None and branch.run.trace:
            until = branch.run.trace[-1].at
        self._begin(
            replace(
                start.from_start(), seed=seed.seed, script=None, actions=tuple(branch.run.actions),
                by_time=seed.seed != branch.seed, upto_us=until, show_at=at,
            )
        )  # fmt: skip

    # -- reality -------------------------------------------------------------------------------------------------

    def check_reality(self) -> None:
        """Do the same on the real component, in the background, and compare."""
        branch, start = self.driver.branch, self._start
        if branch is None or start is None:
            return
        self.driver.pause()
        actions = tuple(branch.run.actions)
        source = replace(start.from_start(), script=None, actions=actions) if actions else start.from_start()
        topic, params = self.topic, branch.params
        job = self.host.jobs.submit(
            check, topic, params, branch.seed, lambda: source.plan(topic, params), self.host.services
        )
        self.reality.follow(job)
        job.succeeded.connect(self._compared)
        self._centre.setCurrentWidget(self.reality)

    def _compared(self, outcome: Outcome) -> None:
        if self._closed:
            return
        self._real_trace = outcome.real
        said = {}
        for step in self._lesson.items if self._lesson is not None else ():
            if step.predict is not None and step.predict.id in self.lesson.answers:
                said[step.predict.question] = str(self.lesson.answers[step.predict.id].value)
        self.reality.show_outcome(outcome, said)
        if outcome.comparison is not None:
            self._note("tried", "reality", {"same": outcome.comparison.same})

    def leave_reality(self) -> None:
        """Back to the panels."""
        self._centre.setCurrentWidget(self.docks)

    def _open_real_trace(self, trace: Trace) -> None:
        start, branch = self._start, self.driver.branch
        if start is None or branch is None:
            return
        real = Branch(
            Recording(trace), branch.params, branch.seed, branch.make, None, self.tr("The real component"), at=len(trace) - 1,
            clock_us=float(trace[-1].at) if trace else 0.0,
        )  # fmt: skip
        self.driver.branches.append(real)
        self.driver.switch(real)
        self.leave_reality()

    # -- files ---------------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Save the run as a `.prayog` file under a name of its own."""
        branch = self.driver.branch
        if branch is None:
            return
        folder = self._folder()
        path = self.choose_file(
            self.tr("Save the run"), files.free_path(folder / files.file_name(self.host.label(), "prayog")), "prayog"
        )
        if path is None:
            return
        self.driver.pause()
        upto = self.driver.end + 1
        until = max(round(branch.clock_us), branch.run.trace[-1].at if upto else 0)
        answers = tuple(self.lesson.answers.values())
        job = self.host.jobs.submit(
            _save, path, branch, self.host.label(), answers, self._notes, self._preview(), upto, until
        )
        job.succeeded.connect(lambda steps: self._saved(path, steps))
        job.failed.connect(lambda sentence, _details: self._warn(sentence))

    def _saved(self, path: Path, steps: int) -> None:
        self.said.emit(self.tr("Saved as {name}.").format(name=path.name))
        scenario = self._start.scenario if self._start else ""
        if self.store is not None:
            try:
                self.store.add_saved_run(path, self.topic.id, scenario, self._subtitle.text().strip("· "), steps)
            except StoreProblem as problem:
                self._warn(str(problem))

    def export_trace(self, form: str) -> None:
        """Write the run up to the shown event as ``jsonl``, ``csv`` or ``txt``."""
        if self.driver.branch is None:
            return
        name = files.free_path(self._folder() / files.file_name(self.host.label(), form))
        path = self.choose_file(self.tr("Export the trace"), name, form)
        if path is None:
            return
        self.driver.pause()
        job = self.host.jobs.submit(
            files.write_trace, self.driver.run.trace, self.driver.at + 1, self.host.label(), path.with_suffix(f".{form}")
        )
        job.succeeded.connect(lambda done: self.said.emit(self.tr("Written to {name}.").format(name=done.name)))
        job.failed.connect(lambda sentence, _details: self._warn(sentence))

    def _export_panel(self, slot: Slot, ending: str) -> None:
        name = files.free_path(self._folder() / files.file_name(self.host.label(), ending, slot.spec.id))
        path = self.choose_file(self.tr("Export {title}").format(title=slot.spec.title), name, ending)
        if path is None:
            return
        writer = slot.exports().get(ending)
        try:
            if writer is not None:
                writer(path)
            else:
                write_picture(slot, path, ending, str(self.host.label()))
        except OSError as error:
            self._warn(str(error))
            return
        except Exception as error:  # noqa: BLE001 - the panel's code
            slot.fail("export", error)
            return
        self.said.emit(self.tr("Written to {name}.").format(name=path.name))

    def _folder(self) -> Path:
        folder = Path(self._settings.data_folder) if self._settings.data_folder else self.host.data_dir()
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _preview(self) -> bytes:
        slot = next((each for each in self.docks.slots() if each.seen), None)
        if slot is None or slot.panel is None:
            return b""
        picture = slot.panel.grab().scaledToWidth(480, Qt.TransformationMode.SmoothTransformation)
        data = QByteArray()
        buffer = QBuffer(data)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        picture.save(buffer, "PNG")
        return bytes(data.data())

    def _ask_path(self, title: str, proposed: Path, ending: str) -> Path | None:
        # The system's dialog asks before it replaces a file; a run is never replaced without that.
        chosen, _ = QFileDialog.getSaveFileName(self, title, str(proposed), f"*.{ending}")
        return Path(chosen) if chosen else None

    def _fill_export(self, menu: QMenu) -> None:
        there = self.driver.branch is not None
        menu.addAction(self.tr("Save the run…\tCtrl+S"), self.save).setEnabled(there)
        menu.addSection(self.tr("The trace up to here"))
        for form, words in (("jsonl", self.tr("JSON lines…")), ("csv", self.tr("CSV…")), ("txt", self.tr("Text…"))):
            menu.addAction(words, lambda f=form: self.export_trace(f)).setEnabled(there)
        menu.addSection(self.tr("A panel as a picture"))
        for slot in self.docks.slots():
            if slot.seen:
                menu.addAction(f"{slot.spec.title}…", lambda s=slot: self._export_panel(s, "png"))

    # -- sidebar, layout -----------------------------------------------------------------------------------------

    def show_tab(self, name: str) -> None:
        """Bring a tab of the sidebar to the front: ``lesson``, ``inspector``, ``setup`` or ``checks``."""
        if self.side.isHidden():
            self.toggle_sidebar()
        self.sidebar.setCurrentIndex(_TABS.index(name))

    def toggle_sidebar(self) -> None:
        self.side.setVisible(self.side.isHidden())

    def save_layout(self) -> None:
        """Keep the layout of this topic for the next time."""
        if not self._built_for:
            return
        values = {**self.docks.state(), "split": self.split.sizes(), "sidebar": not self.side.isHidden()}
        try:
            (self.host.data_dir() / "layout.json").write_text(json.dumps(values), encoding="utf-8")
        except OSError as error:
            self.said.emit(self.tr("The layout could not be kept: {what}").format(what=error.strerror or str(error)))

    def _restore_layout(self) -> None:
        try:
            values = json.loads((self._data_dir / "layout.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return
        if isinstance(values, dict) and self.docks.restore(values):
            sizes = values.get("split")
            if isinstance(sizes, list) and all(isinstance(size, int) for size in sizes):
                self.split.setSizes(sizes)
                self._sized = True
            self.side.setVisible(bool(values.get("sidebar", True)))

    def fail_panel(self, panel: QWidget, problem: Problem) -> None:
        """A panel raised where nobody listened (a paint event): show its card instead."""
        for slot in self.docks.slots():
            if slot.panel is panel:
                slot.show_failure(problem)

    def _menu(self, icon: str, title: str, fill: Callable[[QMenu], None]) -> IconButton:
        button = IconButton(icon, title)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        menu = QMenu(button)
        menu.aboutToShow.connect(menu.clear)
        menu.aboutToShow.connect(lambda: fill(menu))
        button.setMenu(menu)
        return button

    # -- keys ----------------------------------------------------------------------------------------------------

    def _keys(self) -> list[tuple[str, str, Callable[[], object]]]:
        """Letters and signs of the bench: (key, words, what it does)."""
        driver = self.driver
        return [
            (".", self.tr("Step"), driver.step),
            (",", self.tr("Step back"), driver.back),
            ("Shift+.", self.tr("Next marked event"), lambda: self._to_marker(1)),
            ("Shift+,", self.tr("Previous marked event"), lambda: self._to_marker(-1)),
            ("[", self.tr("Slower"), lambda: driver.faster(-1)),
            ("]", self.tr("Faster"), lambda: driver.faster(1)),
            ("G", self.tr("Run to…"), self.transport.open_run_to),
            ("F", self.tr("Fork here"), driver.fork),
            ("B", self.tr("Bookmark this moment"), driver.bookmark),
            ("R", self.tr("Start again, same seed"), lambda: self.restart(False)),
            ("Shift+R", self.tr("Start again, new seed"), lambda: self.restart(True)),
        ]

    def _shortcuts(self) -> None:
        within = Qt.ShortcutContext.WidgetWithChildrenShortcut
        taken = set()
        for key, _, act in self._keys():
            taken.add(key)
            self._key(key, act, self._stage, within)
        for other, key in ((">", "Shift+."), ("<", "Shift+,")):  # how some keyboards say Shift+. and Shift+,
            act = next(act for known, _, act in self._keys() if known == key)
            self._key(other, act, self._stage, within)
        for key, act in (("Ctrl+S", self.save), ("Ctrl+H", self._hint), ("Ctrl+Return", self._submit), ("Ctrl+Enter", self._submit)):
            self._key(key, act, self, within)
        self._taken = taken

    def _key(self, key: str, act: Callable[[], object], on: QWidget, context: Qt.ShortcutContext) -> None:
        shortcut = QShortcut(QKeySequence(key), on)
        shortcut.setContext(context)
        shortcut.activated.connect(lambda: act())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys that a focused control may want first: Space, Home, End, Esc, and the letters of tools."""
        plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
        keys: dict[int, Callable[[], object]] = {
            Qt.Key.Key_Space: self.driver.toggle, Qt.Key.Key_Home: self.driver.first, Qt.Key.Key_End: self.driver.last,
            Qt.Key.Key_Escape: self._escape,
        }  # fmt: skip
        act = keys.get(event.key())
        if act is not None and plain and (self._on_stage() or event.key() == Qt.Key.Key_Escape):
            act()
            return
        letter = event.text().upper()
        if plain and letter and self._on_stage():
            for spec in self.host.actions:
                if spec.key and spec.key.upper() == letter and letter not in self._taken:
                    self.tools.use(spec)
                    return
        super().keyPressEvent(event)

    def _on_stage(self) -> bool:
        focus = self.focusWidget()
        return focus is None or focus is self or self._stage.isAncestorOf(focus)

    def _escape(self) -> None:
        if not self.tools.disarm():
            self._bar.dismiss()
            self.leave_reality()
            self._stage.setFocus()
            self.setFocus()

    def _to_marker(self, way: int) -> None:
        markers = self.host.markers
        found = markers.after(self.driver.at) if way > 0 else markers.before(self.driver.at)
        if found is not None:
            self.driver.seek(found)
        elif way > 0 and self.driver.can_go_on:
            self.driver.run_to(is_marked, self.tr("marked event"))
        else:
            self.said.emit(self.tr("There is no further marked event."))

    def _hint(self) -> None:
        (self._challenge or self.lesson).hint()

    def _submit(self) -> None:
        if self._challenge is not None:
            self.hand_in()
        else:
            self.lesson.submit()

    def commands(self) -> list[Command]:
        """Everything of the bench, for the palette and the key list."""
        driver = self.driver
        group = self.tr("Bench")
        found = [Command(self.tr("Play or pause"), self.tr("Space"), driver.toggle, group, "play")]
        found += [Command(words, key, act, group) for key, words, act in self._keys()]
        found += [
            Command(self.tr("First event"), "Home", driver.first, group, "first"),
            Command(self.tr("Last event"), "End", driver.last, group, "last"),
            Command(self.tr("Save the run"), "Ctrl+S", self.save, group, "save"),
            Command(self.tr("Next hint"), "Ctrl+H", self._hint, group, "hint"),
            Command(self.tr("Answer, or hand in"), "Ctrl+Enter", self._submit, group, "check"),
            Command(self.tr("Reset layout"), "", self.docks.reset, group, "reset"),
            Command(self.tr("Show or hide the sidebar"), "", self.toggle_sidebar, group, "inspector"),
        ]
        if not self._reality_button.isHidden():
            found.append(Command(self.tr("Reality check"), "", self.check_reality, group, "services"))
        for name, words in zip(_TABS, (self.tr("Lesson"), self.tr("Inspector"), self.tr("Set-up"), self.tr("Checks")), strict=True):
            found.append(Command(self.tr("Show {pane}").format(pane=words), "", lambda n=name: self.show_tab(n), group))
        if driver.branch is not None:
            found += [Command(self.tr("Run to: {what}").format(what=words), "", go, group, "run-to") for words, go in self.transport.targets()]
        for spec in self.host.actions:
            key = spec.key.upper() if spec.key and spec.key.upper() not in self._taken else ""
            found.append(Command(spec.title, key, lambda s=spec: self.tools.use(s), group, spec.icon, spec.name))
        for each in self.host.hook("scenarios", self.topic.scenarios, []):
            found.append(Command(self.tr("Scenario: {title}").format(title=each.title), "", lambda s=each: self.open_scenario(s), group))
        return found

    # -- the rest ------------------------------------------------------------------------------------------------

    def _warn(self, sentence: str) -> None:
        self._bar.show_sentence(sentence[:1].upper() + sentence[1:])
        self.said.emit(sentence)

    def _note(self, kind: Any, item: str, data: dict[str, Any] | None = None) -> None:
        if self.store is None:
            return
        try:
            self.store.record(kind, self.topic.id, item, data)
        except StoreProblem as problem:
            self._warn(str(problem))

    def close_topic(self) -> None:
        """Stop everything and let go of it; the page is not used afterwards."""
        if self._closed:
            return
        self._closed = True
        if self._job is not None:
            self._job.cancel()
            self._job = None
        self.judge.close()
        self.inspector.let_go()
        self.tools.close_tools()
        self.docks.close_panels()
        self.host.close()
        self._bar.dismiss()
        self.hide()
        self.setParent(None)
        self.deleteLater()


class _Bar(QWidget):
    """One sentence about something that could not be done; it goes away by itself or with its button."""

    def __init__(self) -> None:
        super().__init__()
        from PySide6.QtWidgets import QFrame

        frame = QFrame()
        frame.setProperty("kind", "warn")
        self._text = paragraph("")
        close = IconButton("close", self.tr("Dismiss"), size=14)
        close.clicked.connect(self.dismiss)
        inside = QHBoxLayout(frame)
        inside.setContentsMargins(theme.UNIT * 3 // 2, theme.UNIT // 2, theme.UNIT // 2, theme.UNIT // 2)
        inside.addWidget(self._text, 1)
        inside.addWidget(close)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(theme.UNIT * 3 // 2, theme.UNIT // 2, theme.UNIT * 3 // 2, theme.UNIT // 2)
        layout.addWidget(frame)
        self.hide()

    def show_sentence(self, sentence: str) -> None:
        self._text.setText(sentence)
        self.setAccessibleName(sentence)
        self.show()

    def dismiss(self) -> None:
        self.hide()


def _save(
    ctx: Any, path: Path, branch: Branch, label: Label, answers: tuple[Answer, ...], notes: str, preview: bytes,
    upto: int, until_us: int,
) -> int:  # fmt: skip
    saved = files.saved_run(ctx, branch, label, answers, notes, preview, upto, until_us)
    try:
        saved.save(path, replace=path.exists())
    except SavedError as error:
        raise OSError(str(error)) from error
    return saved.steps


