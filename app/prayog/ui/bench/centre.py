"""The middle of the bench: the panels, or for a while something in their place.

That is: a run that is being made, a reality check, a comparison, or what went wrong.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QScrollArea, QStackedWidget, QWidget

from prayog.ui.bench.branch import Branch
from prayog.ui.bench.compare import CompareView
from prayog.ui.bench.reality import Outcome, RealityView, check
from prayog.ui.bench.recording import Recording
from prayog_sdk.qt.jobs import Job
from prayog_sdk.qt.state import LoadingState
from prayog_sim.trace import Trace

if TYPE_CHECKING:
    from prayog.ui.bench.page import BenchPage

__all__ = ["Centre"]

_PATIENCE_MS = 400  # a run that is made sooner replaces the old one without a word


class Centre(QStackedWidget):
    """Made once per page, after its docks."""

    def __init__(self, page: BenchPage) -> None:
        super().__init__(page)
        self._page = page
        self.reality = RealityView()
        self.compare: CompareView | None = None
        """There once two runs were compared: its form is as large as the set-up's, and every new look dresses it."""
        self._instead = QScrollArea()
        self._instead.setWidgetResizable(True)
        for widget in (page.docks, self.reality, self._instead):
            self.addWidget(widget)
        self.reality.left.connect(self.to_panels)
        self.reality.again.connect(self.check_reality)
        self.reality.open_trace.connect(self._open_real_trace)

    def show_instead(self, widget: QWidget) -> None:
        """Show `widget` in place of the panels: there is no run to show in them."""
        self._instead.setWidget(widget)
        self.setCurrentWidget(self._instead)

    @property
    def comparing(self) -> bool:
        """Two runs are compared."""
        return self.compare is not None and self.compare.running

    def let_go(self) -> None:
        """The page closes."""
        if self.compare is not None:
            self.compare.end()

    # -- waiting -------------------------------------------------------------------------------------------------

    def wait_for_run(self, job: Job, words: str) -> None:
        if not self.comparing:  # which goes on with the new run
            self.to_panels()
        self.wait_for(job, words)

    def wait_for(self, job: Job, words: str) -> None:
        """Show that the bench waits for `job`; what is there stays until that takes a while."""
        loading = LoadingState(words)
        loading.follow(job)
        self.addWidget(loading)
        if self._page.driver.branch is None:
            self.setCurrentWidget(loading)
        else:
            QTimer.singleShot(_PATIENCE_MS, loading, lambda: self.setCurrentWidget(loading))
        job.finished.connect(lambda: self._waited(loading))

    def _waited(self, loading: LoadingState) -> None:
        if not self._page.closed:
            if self.currentWidget() is loading:
                self.setCurrentWidget(self.compare if self.compare is not None and self.comparing else self._page.docks)
            self.removeWidget(loading)
            loading.deleteLater()

    # -- reality -------------------------------------------------------------------------------------------------

    def check_reality(self) -> None:
        """Do the same on the real component, in the background, and compare."""
        branch, start = self._page.driver.branch, self._page.runs.start
        if branch is None or start is None:
            return
        self._page.driver.pause()
        source, actions = start.from_start(), tuple(branch.run.actions)
        # What came when is chance where things go on by themselves: there the script is repeated, not its moments.
        scripted = getattr(branch.run, "live", False) and source.script is not None and not branch.by_hand
        if actions and not scripted:
            source = replace(source, script=None, actions=actions)
        topic, params = self._page.topic, branch.params
        job = self._page.host.jobs.submit(
            check, topic, params, branch.seed, lambda: source.plan(topic, params), self._page.host.services
        )
        self.reality.follow(job)
        job.succeeded.connect(self._compared)
        self.setCurrentWidget(self.reality)

    def to_panels(self) -> None:
        """Back to the panels."""
        if self.compare is not None:
            self.compare.end()
        self.setCurrentWidget(self._page.docks)

    def toggle_compare(self) -> None:
        """Compare the run with another seed or other knobs, on one transport; or go back to the panels."""
        branch = self._page.driver.branch
        if self.comparing:
            self.to_panels()
        elif branch is None or branch.run.kind == "session":
            self._page.said.emit(
                self.tr("Only simulated runs are compared here; a real component has its Reality check.")
            )
        else:
            shown = [dock.slot.spec for dock in self._page.docks.all() if dock.slot.spec.id != "code"]
            if self.compare is None:
                self.compare = CompareView(self._page.host, self._page.topic.params_type)
                self.compare.left.connect(self.to_panels)
                self.addWidget(self.compare)
            self.compare.begin(shown)
            self.setCurrentWidget(self.compare)

    def _compared(self, outcome: Outcome) -> None:
        if not self._page.closed:
            self.reality.show_outcome(outcome, self._page.coach.answers())
            if outcome.comparison is not None:
                self._page.coach.note("tried", "reality", {"same": outcome.comparison.same})

    def _open_real_trace(self, trace: Trace) -> None:
        """The trace of the real component as a branch beside the others."""
        now = self._page.driver.branch
        if now is not None:
            title, at = self.tr("The real component"), len(trace) - 1
            real = Branch(Recording(trace), now.params, now.seed, now.make, None, title, at=at)
            real.clock_us = float(trace[at].at) if at >= 0 else 0.0
            self._page.driver.branches.append(real)
            self._page.driver.switch(real)
            self.to_panels()
