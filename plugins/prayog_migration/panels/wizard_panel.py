"""The wizard: the eight steps of a real migration, each a page with gate, evidence and undo."""

from __future__ import annotations

import dataclasses
from typing import Any

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from prayog_migration.engine.setup import Setup
from prayog_migration.panels.assess_page import AssessPage
from prayog_migration.panels.clean_page import CleanPage
from prayog_migration.panels.course import Course
from prayog_migration.panels.data_page import DataPage
from prayog_migration.panels.head import Head
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


class WizardPanel(CalmPanel):
    """Rail at the left, page at the right."""

    title = "Wizard"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._course = Course()
        self._seen = 0
        self._follows = True
        """The page of the step at which the migration stands is shown, until the learner chooses another."""
        self._rail = Rail()
        self._rail.chosen.connect(self._choose)
        self._head = Head()
        self._head.undo.connect(lambda step: self.act("undo", step=step))
        self._plan, self._assess, self._schema, self._data = (
            PlanPage(self),
            AssessPage(self),
            SchemaPage(self),
            DataPage(self),
        )
        pages: tuple[Page, ...] = (
            self._plan, self._assess, self._schema, self._data, ValidatePage(self), SyncPage(self), SwitchPage(self),
            CleanPage(self),
        )  # fmt: skip
        self._pages = {page.name: page for page in pages}
        self._stack = QStackedWidget()
        for page in pages:
            self._stack.addWidget(page)
        self._shown = "plan"
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(*(theme.UNIT,) * 4)
        column.addWidget(self._head)
        column.addWidget(self._stack, 1)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setWidget(whole)
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._row.setContentsMargins(theme.UNIT, theme.UNIT, 0, 0)
        self._row.addWidget(self._rail)
        self._row.addWidget(self._area, 1)
        self._choose("plan")
        self._follows = True

    # -- the bench -----------------------------------------------------------------------------------------------

    def on_run(self, bench: Bench) -> None:
        self._course, self._seen, self._follows = Course(), 0, True
        if isinstance(bench.params, Setup):
            self._plan.show_setup(bench.params)
            self._assess.show_setup(bench.params)

    def on_step(self, step: Step) -> None:
        if self.bench is not None and self.bench.run.kind == "session" and step.seq == self._seen:
            self._course.take(step)
            self._seen += 1

    def on_seek(self, view: View) -> None:
        if self.bench is not None:
            self._gather(view.seq)
        super().on_seek(view)

    def on_theme(self) -> None:
        self._schema.restyle()
        self._data.restyle()
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
        if self._follows and course.step in self._pages and course.step != self._shown:
            self._show(course.step)
        self._rail.draw(course)
        self._head.draw(self._shown, course)
        self._pages[self._shown].draw(course)

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
        self._follows = True
        self.bench.do(Action(name, args))

    def begin(self, **knobs: Any) -> None:
        """A new migration with these knobs: the same kind of run where one is shown, else a further branch."""
        bench = self.bench
        if bench is None:
            return
        setup = dataclasses.replace(bench.params, **knobs) if isinstance(bench.params, Setup) else Setup(**knobs)
        if bench.run.kind == "session":
            bench.set_params(knobs)
            return
        self.say("The databases are being made ready…")
        job = bench.jobs.submit(_made, setup, bench.seed, bench.services)
        job.succeeded.connect(self._begun)
        job.failed.connect(lambda sentence, _: self.say(sentence))
        self._job = job

    def _begun(self, run: Run) -> None:
        if self.bench is not None:
            self.bench.show("Real migration", run)
        else:
            run.close()

    def say(self, sentence: str) -> None:
        """Tell the learner."""
        if self.bench is not None:
            self.bench.say(sentence)

    # -- pages ---------------------------------------------------------------------------------------------------

    def _choose(self, name: str) -> None:
        self._follows = False
        self._show(name)
        self.draw()

    def _show(self, name: str) -> None:
        self._shown = name
        self._rail.choose(name)
        self._stack.setCurrentWidget(self._pages[name])

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fold()

    def _fold(self) -> None:
        narrow = self.width() < theme.scaled(_NARROW)
        self._rail.fold(narrow)
        self._row.setDirection(QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight)

    def outline(self) -> str:
        return f"{self._head.words()} {self._pages[self._shown].words()}"


def _made(ctx: Any, setup: Setup, seed: int, services: Any) -> Run:
    """Runs in a worker thread."""
    from prayog_migration.engine.real.session import MigrationSession

    return MigrationSession(setup, seed, ctx.progress, services)
