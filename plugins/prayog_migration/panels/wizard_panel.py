"""The wizard: the eight steps of a real migration, each a page with gate, evidence and undo."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QScrollArea, QVBoxLayout, QWidget

from prayog_migration.engine.setup import Setup
from prayog_migration.panels.assess_page import AssessPage
from prayog_migration.panels.clean_page import CleanPage
from prayog_migration.panels.course import Course
from prayog_migration.panels.data_page import DataPage
from prayog_migration.panels.head import Head, Held, Promises
from prayog_migration.panels.page import Page
from prayog_migration.panels.plan_page import PlanPage
from prayog_migration.panels.rail import Rail
from prayog_migration.panels.schema_page import SchemaPage
from prayog_migration.panels.switch_page import SwitchPage
from prayog_migration.panels.sync_page import SyncPage
from prayog_migration.panels.validate_page import ValidatePage
from prayog_sdk.qt import theme
from prayog_sdk.qt.calm import CalmPanel
from prayog_sdk.qt.panel import Bench
from prayog_sim.run import Action, Run, View
from prayog_sim.trace import Step

__all__ = ["WizardPanel"]

_NARROW = 640
_MOVES = {"look", "assess", "schema", "copy", "validate", "sync", "switch", "back", "replan", "undo", "clean"}
"""Actions after which another page may be shown; a trial, a fault or the report leaves the learner where they are."""
_PAGES: Mapping[str, type[Page]] = {
    page.name: page
    for page in (PlanPage, AssessPage, SchemaPage, DataPage, ValidatePage, SyncPage, SwitchPage, CleanPage)
}


class WizardPanel(CalmPanel):
    """Rail at the left, page at the right."""

    title = "Wizard"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._course = Course()
        self._seen = 0
        self._follows = True
        """When the migration comes to another step its page is shown, until the learner chooses one."""
        self._at = "plan"
        """The step at which the migration stood when it was drawn last."""
        self._setup: Setup | None = None
        self._asked: tuple[Setup, bool] | None = None
        self._mine: tuple[Run, Setup] | None = None
        """A migration that was begun here, as a branch: the bench has the knobs of the drill beside it."""
        self._rail = Rail()
        self._rail.chosen.connect(self.go)
        self._promises = Promises()
        self._head, self._held = Head(self), Held(self)
        self._folded = False
        self._pages: dict[str, Page] = {}
        self._shown = "plan"
        whole = QWidget()
        self._column = QVBoxLayout(whole)
        self._column.setContentsMargins(0, 0, theme.UNIT, theme.UNIT)
        self._column.addWidget(self._held)
        self._column.addWidget(self._head)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setWidget(whole)
        right = QVBoxLayout()
        right.addWidget(self._promises)
        right.addWidget(self._area, 1)
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._row.setContentsMargins(theme.UNIT, theme.UNIT, 0, 0)
        self._row.addWidget(self._rail)
        self._row.addLayout(right, 1)
        self.go("plan")
        self._follows = True

    # -- the bench -----------------------------------------------------------------------------------------------

    def on_run(self, bench: Bench) -> None:
        self._course, self._seen, self._follows, self._at = Course(), 0, True, "plan"
        setup = bench.params if isinstance(bench.params, Setup) else None
        if self._mine is not None and bench.run is self._mine[0]:
            setup = self._mine[1]
        if setup is not None:
            self._setup = setup
            for page in self._pages.values():
                page.show_setup(setup)
        self._show(self._at)
        self._plan_page.offer(None)
        if bench.run.kind == "world" and self._mine is None:
            job = bench.jobs.submit(_unfinished, bench.services)
            job.succeeded.connect(self._plan_page.offer)
            self._looking = job

    @property
    def _plan_page(self) -> PlanPage:
        page = self.page("plan")
        assert isinstance(page, PlanPage)
        return page

    def on_step(self, step: Step) -> None:
        if self.bench is not None and self.bench.run.kind == "session" and step.seq == self._seen:
            self._course.take(step)
            self._seen += 1

    def on_seek(self, view: View) -> None:
        if self.bench is not None:
            self._gather(view.seq)
        super().on_seek(view)

    def on_theme(self) -> None:
        for page in self._pages.values():
            page.restyle()
        self._fold()

    def _gather(self, seq: int) -> None:
        """Read up to step `seq`: onward where that is possible, else from the start."""
        assert self.bench is not None
        if self.bench.run.kind != "session":
            self._course, self._seen = Course(), 0
            return
        if seq + 1 < self._seen:
            self._course, self._seen = Course(), 0
        for step in self.bench.trace[self._seen : seq + 1]:
            self._course.take(step)
        self._seen = max(self._seen, seq + 1)

    def draw(self) -> None:
        if self.bench is None:
            return
        course = self._course
        if course.step != self._at:
            self._at = course.step
            if self._follows and self._at in _PAGES:
                self._show(self._at)
        page = self._pages[self._shown]
        self._rail.draw(course)
        self._promises.draw(course)
        self._held.draw(self._shown, course)
        self._head.draw(self._shown, course)
        page.draw(course)
        page.lead(course)

    # -- what pages ask ------------------------------------------------------------------------------------------

    def act(self, name: str, **args: Any) -> None:
        """Do an action on the migration; it must have begun."""
        if self.bench is None:
            return
        if self.bench.run.kind != "session":
            self.say(
                "No migration has begun. Choose source and target on the page Plan, and press “Begin this migration”."
            )
            return
        self._follows = self._follows or name in _MOVES
        self.bench.do(Action(name, args))

    def begin(self, assess: bool = False, **knobs: Any) -> None:
        """A migration with these knobs, as a branch beside what is on the bench; what ran here before is closed."""
        bench = self.bench
        if bench is None:
            return
        now = self._setup or Setup()
        setup = dataclasses.replace(now, **knobs)
        shown = bench.run if bench.run.kind == "session" else None
        old = self._mine[0] if self._mine is not None else shown
        self._asked = (setup, assess)
        self._course.refused = ""
        self.say("The databases are being made ready…")
        job = bench.jobs.submit(_made, setup, bench.seed, bench.services, old)
        job.succeeded.connect(self._begun)
        job.failed.connect(lambda sentence, _: self._not_begun(sentence))
        self._job = job

    def _begun(self, run: Run) -> None:
        if self.bench is None or self._asked is None:
            run.close()
            return
        setup, assess = self._asked
        self._mine = (run, setup)
        self.bench.show("Real migration", run)
        self.act("look")
        if setup.writers and setup.source == "shop":
            self.bench.do(Action("traffic", {"writers": setup.writers}))
        if assess:
            self.act("assess")
        self.say("Both databases are ready. Each page has one button that stands out: it leads on.")

    def _not_begun(self, sentence: str) -> None:
        """Told where the learner looks, too: the line at the bottom may cut it."""
        self._course.refused = sentence
        self.say(sentence)
        self.draw()

    def say(self, sentence: str) -> None:
        """Tell the learner."""
        if self.bench is not None:
            self.bench.say(sentence)

    # -- pages ---------------------------------------------------------------------------------------------------

    def go(self, name: str) -> None:
        """Show the page of a step; the learner stays there until the next action."""
        self._follows = False
        self._show(name)
        self.draw()

    def page(self, name: str) -> Page:
        """The page of a step; made when it is first asked for, because all eight at once hold the window up."""
        page = self._pages.get(name)
        if page is None:
            page = self._pages[name] = _PAGES[name](self)
            self._column.insertWidget(self._column.count() - self._folded, page, 1)
            if self._setup is not None:
                page.show_setup(self._setup)
        return page

    def _show(self, name: str) -> None:
        page = self.page(name)
        for other in self._pages.values():
            other.setVisible(other is page)
        if name != self._shown:
            self._area.verticalScrollBar().setValue(0)
        self._shown = name
        self._rail.choose(name)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fold()

    def _fold(self) -> None:
        narrow = self.width() < theme.scaled(_NARROW)
        if narrow != self._folded:  # where there is little room, what is to be done comes first
            self._folded = narrow
            self._column.removeWidget(self._head)
            self._column.insertWidget(self._column.count() if narrow else 1, self._head)
        self._rail.fold(narrow)
        self._row.setDirection(QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight)

    def outline(self) -> str:
        return f"{self._promises.words()} {self._held.words()} {self._head.words()} {self._pages[self._shown].words()}"


def _made(ctx: Any, setup: Setup, seed: int, services: Any, old: Run | None) -> Run:
    """Runs in a worker thread."""
    from prayog_migration.engine.real.session import MigrationSession

    if old is not None:
        old.close()  # two wizards of one target would fence each other off
    return MigrationSession(setup, seed, ctx.progress, services)


def _unfinished(ctx: Any, services: Any) -> Setup | None:
    """Runs in a worker thread."""
    from prayog_migration.engine.real.unfinished import Unfinished

    return Unfinished(services).found()
