"""The bench: the page on which a topic runs.  It brings driver, panels, tools, transport and sidebar together.

The page decides nothing about time (`driver`), drawing (panels), making runs (`runs`), lessons (`coach`), files
(`filing`) or keys (`keys`); it opens what the learner asks for, and lets go of everything in `close_topic`.

Rules
1. Nothing moves before the learner asks: every run is shown paused.
2. A new run is made in a worker; meanwhile the bench says so and can cancel.
3. Whatever can be done with a button is a `Command` too, for the palette and the key list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from prayog.ui.bench.arrangement import Arrangement
from prayog.ui.bench.bar import Bar
from prayog.ui.bench.branch import Branch
from prayog.ui.bench.centre import Centre
from prayog.ui.bench.checks_pane import ChecksPane
from prayog.ui.bench.coach import Coach
from prayog.ui.bench.docks import Docks
from prayog.ui.bench.door import Door
from prayog.ui.bench.filing import Filing
from prayog.ui.bench.head import Head
from prayog.ui.bench.host import Host, is_marked
from prayog.ui.bench.inspector import Inspector
from prayog.ui.bench.keys import Keys
from prayog.ui.bench.proposal import proposal
from prayog.ui.bench.runs import Runs
from prayog.ui.bench.setup_pane import SetupPane
from prayog.ui.bench.sidebar import Sidebar
from prayog.ui.bench.starts import Start
from prayog.ui.bench.tools import Tools
from prayog.ui.bench.transport import Transport
from prayog.ui.bench.verdicts import Judged
from prayog.ui.commands import Command
from prayog_sdk.code.draft import Trusted
from prayog_sdk.lessons import Challenge, Lesson
from prayog_sdk.manifest import Problem
from prayog_sdk.params import ParamError, flat
from prayog_sdk.qt.jobs import JobManager
from prayog_sdk.saved import SavedRun
from prayog_sdk.scenario import read_good
from prayog_sdk.services import Services
from prayog_sdk.specs import Variant
from prayog_sim.lines import line
from prayog_sim.run import Action

if TYPE_CHECKING:
    from prayog.settings import Settings
    from prayog.store.repo import Repo
    from prayog_sdk.scenario import Scenario
    from prayog_sdk.topic import Topic

__all__ = ["BenchPage"]

_MAKING_MS = 100  # a panel is made when it is first seen
_PATIENCE_MS = 400  # a run that is made sooner replaces the old one without a word


class BenchPage(QWidget):
    """One open topic.  Made by the window's stage, closed with `close_topic`."""

    problem = Signal(object)
    """A `Problem` of the topic's code; whoever listens counts, and closes the topic at the third."""
    said = Signal(str)
    left = Signal()
    """The learner wants to leave the bench for the topic's page."""

    def __init__(
        self, topic: Topic, *, jobs: JobManager, services: Services, store: Repo | None, settings: Settings,
        data_dir: Path, simple: bool = False, parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        """`simple`: without a lesson or challenge that may ask for it, there is no set-up."""
        super().__init__(parent)
        self.simple = simple
        self.topic = topic
        self.store = store
        self._settings = settings
        self._data_dir = data_dir
        self.closed = False
        self._built_for = ""
        self._brought = ""
        self.host = Host(topic, jobs, services, data_dir, self)
        self.host.reduced_motion = settings.motion == "reduced"
        self.driver = self.host.driver
        self.driver.slow_at = is_marked
        self.runs = Runs(self.host, self)
        self.filing = Filing(self)
        self.docks = Docks(self.host)
        self.transport = Transport(self.driver, self.host.markers, self._describe)
        self.tools = Tools(self.host)
        self.inspector = Inspector(self.host)
        self.setup = SetupPane(topic.params_type)
        self.checks = ChecksPane()
        self.centre = Centre(self)
        self.bar = Bar()
        self.coach = Coach(self)
        self.door = Door(self)
        self.head = Head(self.docks.fill_menu, self.filing.fill_menu, can_check=topic.has_session and topic.has_build)
        self._lay_out()
        self._connect()
        self.keys = Keys(self)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._scenarios = read_good(topic.manifest, lambda error: None)  # the topic's page says what is wrong
        self.setup.set_scenarios(self._scenarios)
        self.setup.set_variants(self.host.hook("prayog_broken", topic.broken, []))

    # -- making --------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.stage = QWidget()
        column = QVBoxLayout(self.stage)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for part in (self.head, self.tools, self.bar):
            column.addWidget(part)
        column.addWidget(self.centre, 1)
        column.addWidget(self.transport)
        panes: Mapping[str, tuple[str, QWidget]] = {
            "lesson": (self.tr("Lesson"), self.coach.lesson), "inspector": (self.tr("Inspector"), self.inspector),
            "setup": (self.tr("Set-up"), self.setup), "checks": (self.tr("Checks"), self.checks),
        }  # fmt: skip
        self.sidebar = Sidebar(panes)
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.addWidget(self.stage)
        self.split.addWidget(self.sidebar)
        self.split.setStretchFactor(0, 1)
        self.split.setStretchFactor(1, 0)
        self.split.setCollapsible(0, False)
        self.split.setHandleWidth(1)
        self.arrangement = Arrangement(self.split, self.sidebar, self.docks, self._data_dir)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.split)

    def _connect(self) -> None:
        host, lesson = self.host, self.coach.lesson
        host.moved.connect(self.transport.refresh)
        host.said.connect(self.said)
        host.warned.connect(self.warn)
        host.problem.connect(self._fault)
        host.asked_params.connect(self.set_params)
        host.asked_start.connect(self.start_free)
        host.asked_code.connect(self.run_code)
        host.asked_seed.connect(self.coach.open_seed)
        host.offered.connect(self.tools.rebuild)
        host.working.connect(self.centre.wait_for)
        self.runs.made.connect(self._show)
        self.runs.refused.connect(self.door.not_made)
        self.runs.waiting.connect(self.centre.wait_for_run)
        self.runs.warned.connect(self.warn)
        self.runs.said.connect(self.said)
        self.head.left.connect(self.left)
        self.head.reality_asked.connect(self.centre.check_reality)
        self.head.sidebar_asked.connect(self.toggle_sidebar)
        self.docks.panel_failed.connect(lambda problem: self.said.emit(problem.sentence))
        self.docks.export_asked.connect(self.filing.export_panel)
        self.tools.acted.connect(self.do)
        self.tools.retried.connect(self.runs.again)
        self.tools.said.connect(self.said)
        self.transport.restart_asked.connect(self.runs.again)
        self.transport.seed_asked.connect(lambda seed: self.runs.again(seed=seed))
        for pane in (lesson, self.inspector, self.checks):
            pane.open_there.connect(self.open_there)
        lesson.action_asked.connect(self.do)
        lesson.scenario_asked.connect(self._open_for_lesson)
        lesson.restart_asked.connect(self.runs.again)
        lesson.leave_asked.connect(self.left)
        self.setup.edited.connect(self.set_params)
        self.setup.scenario_asked.connect(lambda name: self._open_by_id(name, self.open_scenario))
        self.setup.variant_asked.connect(self.hunt)
        self.transport.compare_asked.connect(self.centre.toggle_compare)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and hasattr(self, "arrangement"):
            self.arrangement.other_letters()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.tools.fit()
        self.arrangement.share()

    def use_settings(self, settings: Settings) -> None:
        """The learner changed a setting while the topic is open."""
        self._settings = settings
        self.host.reduced_motion = settings.motion == "reduced"

    # -- opening -------------------------------------------------------------------------------------------------

    def open_scenario(self, scenario: Scenario) -> None:
        """Show `scenario`, paused, with its script ready to be played."""
        self.coach.end()
        self.coach.note("tried", f"scenario/{scenario.id}")
        self.runs.begin_scenario(scenario)

    def open_lesson(self, lesson: Lesson) -> None:
        """Show the lesson beside its scenario."""
        self.coach.open_lesson(lesson)
        self._open_by_id(lesson.scenario, self.runs.begin_scenario)

    def open_challenge(self, challenge: Challenge) -> None:
        """Show the challenge beside its scenario."""
        self.coach.open_challenge(challenge)
        self._open_by_id(challenge.scenario, self.runs.begin_scenario)

    def open_saved(self, saved: SavedRun) -> None:
        """Show a saved run at its end; what is done to it from here is a new run, the file stays as it is."""
        self.door.open_saved(saved)

    def scenarios(self) -> list[Scenario]:
        """The scenarios of the topic as they were when it was opened; those that cannot be read are left out."""
        return self._scenarios

    def title(self) -> str:
        """What is on the bench, in words."""
        return self.head.subtitle()

    def _open_by_id(self, id: str, show: Callable[[Scenario], None]) -> None:
        found = self.host.hook("scenario", lambda: self.topic.scenario(id), None)
        if found is not None:
            show(found)

    def _open_for_lesson(self, id: str) -> None:
        self._open_by_id(id, self.runs.begin_scenario)
        self.coach.note_deed(None, id)

    def _fault(self, problem: Problem) -> None:
        """The topic's code raised at something the learner did."""
        self.bar.show_sentence(problem.sentence)
        self.problem.emit(problem)

    def _show(self, start: Start, branch: Branch) -> None:
        topic, run, params, host = self.topic, branch.run, branch.params, self.host
        has_code = run.kind == "world" and host.hook("prayog_code", lambda: topic.code(params), None) is not None
        self._build_panels(run.kind, bool(run.view(branch.at).nodes), params, has_code)
        if start.script is not None and start.scenario != host.scenario:
            self._bring(start.script.panel)
        host.scenario = start.scenario
        host.put(branch)
        self.tools.rebuild()
        self.transport.timed = host.timed
        self.head.show_titles(topic.manifest.title, self.scenario_title(start), real=run.kind == "session")
        self.setAccessibleName(f"{topic.manifest.title}: {self.scenario_title(start)}")
        challenge = self.coach.challenge
        knobs = challenge.challenge.knobs if challenge is not None else None
        can_change = run.kind == "world" and (knobs is None or bool(knobs))
        self.setup.show_run(start.scenario, flat(params), can_change=can_change, knobs=knobs)
        self.coach.set_checks()
        self.bar.hide()
        host.tell_crashes(run.trace[branch.at : branch.at + 1] if branch.at >= 0 else ())

    def _bring(self, panel: str) -> None:
        """Put the panel that a scenario is about in front, unless it is closed.

        After one that named a panel, another that names none finds the topic's first again.
        """
        first = next((slot.spec.id for slot in self.docks.slots() if slot.spec.area == "centre"), "")
        dock = self.docks.dock(panel or (first if self._brought else ""))
        self._brought = panel
        if dock is not None and not dock.isHidden():
            QTimer.singleShot(0, dock, dock.raise_)  # after the docks have found their places

    def scenario_title(self, start: Start) -> str:
        """What `start` is called in the menu."""
        return next((each.title for each in self._scenarios if each.id == start.scenario), self.tr("free play"))

    def _build_panels(self, kind: str, has_nodes: bool, params: Any, has_code: bool) -> None:
        key = f"{kind} {has_nodes} {has_code}"
        if key == self._built_for:
            return
        own = self.host.hook("prayog_panels", self.topic.panels, [])
        series = self.host.hook("prayog_series", lambda: self.topic.series(params), [])
        self.docks.build(proposal(own, kind, has_nodes=has_nodes, has_series=bool(series), has_code=has_code))
        if not self._built_for:
            self.arrangement.restore()
        self._built_for = key

    # -- the run -------------------------------------------------------------------------------------------------

    def do(self, action: Action) -> None:
        """Do `action` at the shown moment, for whoever asks: a tool, a lesson, a link, the palette."""
        branch = self.driver.branch
        if branch is None:
            return
        self.bar.hide()
        forks = not self.driver.live and branch.run.kind == "world"
        before = len(branch.run.actions)
        self.host.do(action)
        if forks or len(branch.run.actions) > before:
            self.coach.note_deed(action, None)

    def set_params(self, values: Mapping[str, Any]) -> None:
        """A new run with changed knobs; in a challenge only those that it leaves free."""
        challenge = self.coach.challenge
        self.runs.change(values, challenge.challenge.knobs if challenge is not None else None)

    def run_code(self, text: str) -> None:
        """A new run with the learner's function in `text`; a challenge on the bench tries it on its seeds too."""
        code, branch = self.host.code, self.driver.branch
        if code is None or branch is None:
            return
        params = {**flat(branch.params), code.knob: "" if text == code.starter else text}
        try:
            self.topic.params(params)
        except ParamError as error:
            self.warn(str(error))
            return
        Trusted(self.host.data_dir()).add(text)
        self.runs.run_code({code.knob: params[code.knob]})
        self.coach.try_seeds(params)

    def start_free(self, values: Mapping[str, Any], seed: int) -> None:
        """A run with these knobs and no script; a challenge on the bench keeps its own."""
        if self.coach.challenge is not None:
            self.warn(self.tr("A challenge is on the bench. Leave it first."))
        else:
            self.runs.begin(Start("", dict(values), seed))

    def hunt(self, variant: Variant) -> None:
        """Switch a broken variant on, in the scenario that shows it."""
        self.runs.hunt(variant, next((each for each in self._scenarios if each.id == variant.scenario), None))

    def open_there(self, seq: int) -> None:
        """Show the moment after step `seq` on the panels."""
        self.centre.to_panels()
        self.driver.seek(seq)

    def show_judged(self, judged: Judged, *, more: bool) -> None:
        """New verdicts: the checks, their count on the tab, their marks on the scrubber."""
        self.checks.show_judged(judged, more=more)
        broken = self.checks.broken()
        self.sidebar.rename("checks", self.tr("Checks ({n})").format(n=broken) if broken else self.tr("Checks"))
        self.host.markers.put("check", {at for at in self.checks.places() if at is not None})
        self.host.wake()

    def _describe(self, seq: int) -> str:
        if self.driver.branch is None or not 0 <= seq <= self.driver.end:
            return self.tr("before the first event")
        words = line(self.driver.run.trace[seq], when=self.host.timed)
        found = self.host.markers.gravest(seq, seq)
        return self.tr("event {n}: {what}").format(n=f"{seq:,}", what=words) + (f" ({found[0]})" if found else "")

    # -- sidebar, layout, focus ----------------------------------------------------------------------------------

    def show_tab(self, name: str) -> None:
        """Bring a tab of the sidebar to the front: ``lesson``, ``inspector``, ``setup`` or ``checks``."""
        self.sidebar.show()
        self.sidebar.show_tab(name)

    def offer_setup(self, asked: bool) -> None:
        """Have the set-up in the sidebar; in a workshop's simple mode only when it may be asked for."""
        self.sidebar.set_there("setup", asked or not self.simple)

    def tabs(self) -> Mapping[str, str]:
        """The tabs of the sidebar: name -> words."""
        return self.sidebar.titles

    def put_first_tab(self, pane: QWidget, words: str) -> None:
        """Show `pane` (a lesson or a challenge) as the first tab."""
        self.sidebar.replace("lesson", pane, words)

    def find_event(self) -> None:
        """Bring the table of events to the front and type into its filter."""
        dock = next((dock for dock in self.docks.all() if dock.slot.spec.factory == "events"), None)
        if dock is None:
            self.said.emit(self.tr("This bench has no table of events."))
            return
        self.centre.to_panels()
        dock.setVisible(True)
        dock.raise_()
        QTimer.singleShot(_MAKING_MS, dock, lambda: dock.slot.panel and dock.slot.panel.setFocus())

    def toggle_sidebar(self) -> None:
        self.sidebar.setVisible(self.sidebar.isHidden())

    def save_layout(self) -> None:
        """Keep the layout of this topic for the next time."""
        if self._built_for:
            sentence = self.arrangement.save()
            if sentence:
                self.said.emit(sentence)

    def folder(self) -> Path:
        """Where the learner's files are proposed to go."""
        return Path(self._settings.data_folder) if self._settings.data_folder else self.host.data_dir()

    def fail_panel(self, panel: QWidget, problem: Problem) -> None:
        """A panel raised where nobody listened (a paint event): show its card instead."""
        for slot in (*self.docks.slots(), self.inspector.state):
            if slot.panel is panel:
                slot.show_failure(problem)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self.keys.press(event):
            super().keyPressEvent(event)

    def on_stage(self) -> bool:
        """The focus is on the bench, not in the sidebar."""
        focus = self.focusWidget()
        return focus is None or focus is self or self.stage.isAncestorOf(focus)

    def escape(self) -> None:
        """Leave the tool; else close what is in the way and come back to the bench."""
        if not self.tools.disarm():
            self.bar.hide()
            self.centre.to_panels()
            self.setFocus()

    def commands(self) -> list[Command]:
        """Everything of the bench, for the palette and the key list."""
        return self.keys.commands()

    def warn(self, sentence: str) -> None:
        """What was asked for could not be done: a sentence above the panels and in the status line."""
        self.bar.show_sentence(sentence)
        self.said.emit(sentence)

    def close_topic(self) -> None:
        """Stop everything and let go of it; the page is not used afterwards."""
        if self.closed:
            return
        self.closed = True
        self.runs.let_go()
        self.coach.close()
        self.inspector.let_go()
        self.tools.let_go()
        self.centre.let_go()
        self.docks.let_go()
        self.host.close()
        self.hide()
        self.setParent(None)
        self.deleteLater()
