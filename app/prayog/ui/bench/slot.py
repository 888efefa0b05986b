"""The place of one panel: empty until it is first seen, then the panel, or a state that says why not.

Panels are made late (import in a worker, the widget after the page was painted) and are never trusted: what they
raise replaces them by a problem card with *Try again*, and the other panels go on.

Rules
1. A panel that cannot be seen gathers nothing; when it is seen again it gets the whole view (`on_seek`).
2. Everything that calls a panel goes through `_call`.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QScrollArea, QStackedLayout, QWidget

from prayog.catalog import problem_of
from prayog.ui.bench.host import Host
from prayog_sdk.manifest import Problem
from prayog_sdk.qt import theme
from prayog_sdk.qt.jobs import Ctx, Job
from prayog_sdk.qt.panel import Panel
from prayog_sdk.qt.state import EmptyState, LoadingState, ProblemCard
from prayog_sdk.services import ServiceState
from prayog_sdk.specs import PanelSpec
from prayog_sim.trace import Step

__all__ = ["Slot", "load_factory"]

_MODULES = {"webengine": "PySide6.QtWebEngineWidgets"}


def load_factory(factory: str) -> Callable[[], Panel]:
    """Import what `factory` names (no widget is made): ``module:Class``, or a stock panel's name."""
    if ":" not in factory:
        from prayog_sdk.qt import stock

        return lambda: stock.make(factory)
    module, _, name = factory.partition(":")
    found = getattr(importlib.import_module(module), name)
    return found  # type: ignore[no-any-return]


class Slot(QWidget):
    """Where a panel lives."""

    failed = Signal(object)
    """The panel raised: a `Problem`."""

    def __init__(self, spec: PanelSpec, host: Host, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spec = spec
        self.panel: Panel | None = None
        self._host = host
        self._job: Job | None = None
        self._asked = False
        self._gone = False
        self._front = True
        self._stale = True
        self._stack = QStackedLayout(self)
        host.lenses.append(self)

    # -- for the host --------------------------------------------------------------------------------------------

    @property
    def seen(self) -> bool:
        return self.panel is not None and self._visible()

    def _visible(self) -> bool:
        return self._front and self.isVisible()

    def set_front(self, front: bool) -> None:
        """The panel is in front, or behind another tab (Qt moves such a dock away and calls it visible)."""
        self._front = front
        if not front:
            self._stale = True
        elif self.panel is not None:
            self._host.wake()
        else:
            self._ask()

    def steps(self, steps: Sequence[Step]) -> None:
        panel = self.panel
        if panel is None or self._stale or not self._visible():
            self._stale = True
            return

        def gather() -> None:
            for step in steps:
                panel.on_step(step)

        self._call("on_step", gather)

    def frame(self) -> None:
        if self._stale:
            self.seek()
        if self.panel is not None:
            self._call("on_frame", self.panel.on_frame)

    def seek(self) -> None:
        """The whole view at once, or later when the panel cannot be seen."""
        if self.panel is None:
            self._ask()
        if self.panel is None or not self._visible() or self._host.driver.branch is None:
            self._stale = True
            return
        self._stale = False
        panel = self.panel
        self._call("on_seek", lambda: panel.on_seek(self._host.view()))

    def let_go(self) -> None:
        """Unbind the panel and let go of everything."""
        self._gone = True
        if self._job is not None:
            self._job.cancel()
            self._job = None
        self._drop()
        if self in self._host.lenses:
            self._host.lenses.remove(self)

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        """What the panel itself can write."""
        if self.panel is None:
            return {}
        try:
            return self.panel.exports()
        except Exception as error:  # noqa: BLE001 - the panel's code
            self.fail("exports", error)
            return {}

    def show_failure(self, problem: Problem) -> None:
        """The panel raised where nobody listened: drop it and show `problem`."""
        self._drop()
        self._show_problem(problem.stage, problem.sentence, problem.traceback)

    def fail(self, stage: str, error: BaseException) -> None:
        """Replace the panel by a card."""
        found = problem_of(error, stage, self.spec.id)
        self._drop()
        sentence = self.tr("It stopped with an error. {what} The rest of the bench goes on.").format(
            what=found.sentence
        )
        self._show_problem(stage, sentence, found.traceback)

    # -- making --------------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.panel is not None:
            self._host.wake()
        else:
            self._ask()

    def _ask(self) -> None:
        """Make the panel soon: it is seen, there is a run to show, and it was not asked for yet."""
        if not self._asked and self._visible() and self._host.driver.branch is not None:
            self._asked = True
            QTimer.singleShot(0, self, self._begin)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._stale = True

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if (
            event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange)
            and getattr(self, "panel", None) is not None
        ):
            panel = self.panel
            assert panel is not None
            self._call("on_theme", panel.on_theme)
            self._host.wake()

    def _begin(self) -> None:
        if self._gone:
            return
        for need in self.spec.needs:
            if need in _MODULES and importlib.util.find_spec(_MODULES[need]) is None:
                self._show_missing(
                    self.tr("This panel needs the web view, which is not installed. Everything else works without it.")
                )
                return
        services = [need for need in self.spec.needs if need in self._host.services.names()]
        loading = LoadingState(self.tr("Opening {title}…").format(title=self.spec.title), can_cancel=False)
        self._show(loading)
        factory, known = self.spec.factory, self._host.services

        def work(ctx: Ctx) -> tuple[ServiceState | None, Callable[[], Panel] | None]:
            for name in services:
                state = known.probe(name)
                if state.status in ("missing", "failed"):
                    return state, None
            return None, load_factory(factory)

        self._job = job = self._host.jobs.submit(work)
        job.succeeded.connect(lambda found: self._made(job, found))
        job.failed.connect(lambda sentence, details: self._not_made(job, sentence, details))

    def _not_made(self, job: Job, sentence: str, details: str) -> None:
        if job is self._job:
            self._show_problem("import", sentence, details)

    def _made(self, job: Job, found: tuple[ServiceState | None, Callable[[], Panel] | None]) -> None:
        if job is not self._job:
            return
        self._job = None
        state, factory = found
        if factory is None:
            assert state is not None
            self._show_missing(f"{state.sentence} {state.way_forward}".strip())
            return
        try:
            panel = factory()
            if not isinstance(panel, Panel):
                raise TypeError(f"{self.spec.factory} made a {type(panel).__name__}, not a Panel")
            panel.setAccessibleName(self.spec.title)
            for area in panel.findChildren(QScrollArea):  # the keyboard stops there, and would not say where
                area.setAccessibleName(area.accessibleName() or self.spec.title)
            panel.bind(self._host)
        except Exception as error:  # noqa: BLE001 - the panel's code
            self.fail("make", error)
            return
        self.panel = panel
        self._show(panel)
        self.seek()
        self._host.wake()

    def retry(self) -> None:
        """Make the panel again."""
        self._drop()
        self._begin()

    def _call(self, stage: str, call: Callable[[], object]) -> None:
        try:
            call()
        except Exception as error:  # noqa: BLE001 - the panel's code
            self.fail(stage, error)

    def _drop(self) -> None:
        panel, self.panel = self.panel, None
        self._stale = True
        if panel is not None:
            try:
                panel.unbind()
            except Exception as error:  # noqa: BLE001 - it is going away; what matters is that it was told
                self.failed.emit(problem_of(error, "unbind", self.spec.id))
            panel.hide()
            panel.setParent(None)
            panel.deleteLater()

    def _show(self, widget: QWidget) -> None:
        while (item := self._stack.takeAt(0)) is not None:
            old = item.widget()
            if old is not None and old is not widget:
                old.hide()
                old.deleteLater()
        self._stack.addWidget(widget)
        self._stack.setCurrentWidget(widget)

    def _show_problem(self, stage: str, sentence: str, details: str) -> None:
        self._job = None
        card = ProblemCard(self.tr("“{title}” stopped").format(title=self.spec.title), sentence, details)
        card.retry.connect(self.retry)
        area = QScrollArea()
        area.setWidgetResizable(True)
        holder = QWidget()
        from prayog.ui.pieces import column

        holder.setLayout(column(card, -1, margin=2 * theme.UNIT))
        area.setWidget(holder)
        self._show(area)
        self.failed.emit(Problem(stage, sentence, self.spec.id, details))

    def _show_missing(self, sentence: str) -> None:
        self._job = None
        self._show(
            EmptyState(
                self.tr("“{title}” is not here").format(title=self.spec.title), sentence, icon=self.spec.icon or "info",
                actions=[(self.tr("Look again"), self.retry)],
            )
        )  # fmt: skip
