"""The reality check: the same deeds on the simulation and on the real component, side by side and explained.

The work (`check`, most of it in `prayog.realitycheck`) runs in a worker thread and knows no widget; the view shows what
came of it, or which component is missing and what can be done about it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from prayog.realitycheck import Outcome, repeated
from prayog.ui.bench.plan import Plan
from prayog.ui.pieces import drop, heading
from prayog_sdk.compare import Comparison, Row
from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.icons import IconLabel
from prayog_sdk.qt.jobs import Ctx, Job
from prayog_sdk.qt.markdown import say
from prayog_sdk.qt.state import EmptyState, LoadingState, ProblemCard, paragraph
from prayog_sdk.run import has_clock
from prayog_sdk.services import Services
from prayog_sim.run import Run

if TYPE_CHECKING:
    from prayog_sdk.topic import Topic

__all__ = ["Outcome", "RealityView", "check"]

_MOST_STEPS = 200_000


def check(
    ctx: Ctx, topic: Topic, params: Any, seed: int, plan: Callable[[], Plan], services: Services,
) -> Outcome:  # fmt: skip
    """Run `plan` on a simulation, then its actions on the real component, and compare the two traces."""
    said = {
        "starts": QCoreApplication.translate("Reality", "The real component starts…"),
        "works": QCoreApplication.translate("Reality", "The real component works…"),
        "compares": QCoreApplication.translate("Reality", "Comparing…"),
    }

    def say(stage: str) -> None:
        ctx.progress(2 if stage == "compares" else 1, 3, said[stage])

    ctx.progress(0, 3, QCoreApplication.translate("Reality", "The simulation runs…"))
    simulated = topic.build(params, seed, ctx.progress)
    try:
        _finish(ctx, simulated, plan())
        return repeated(topic, params, seed, simulated, services, ctx.progress, ctx.check, say)
    finally:
        simulated.close()


def _finish(ctx: Ctx, run: Run, plan: Plan) -> None:
    """Follow `plan` to its end, then let what was begun end."""
    while len(run.trace) < _MOST_STEPS:
        before = len(run.trace)
        if not plan.done:
            plan.step(run)
        elif not has_clock(run):
            run.step()  # a computation finishes its work; a world of nodes might go on for ever
        if len(run.trace) == before and plan.done:
            return
        if len(run.trace) % 512 == 0:
            ctx.check()


class RealityView(QWidget):
    """Shows a reality check from its start to its table."""

    left = Signal()
    again = Signal()
    open_trace = Signal(object)
    """Show this `Trace` of the real component on the bench."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)

    def follow(self, job: Job) -> None:
        """A check has begun."""
        loading = LoadingState(self.tr("The same experiment on the real thing…"))
        loading.follow(job)
        job.cancelled.connect(self.left)
        job.failed.connect(self.show_failure)
        self._put(loading)

    def show_failure(self, sentence: str, details: str) -> None:
        card = ProblemCard(self.tr("The reality check stopped"), sentence, details)
        card.retry.connect(self.again)
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(3 * theme.UNIT, 3 * theme.UNIT, 3 * theme.UNIT, 3 * theme.UNIT)
        back = QPushButton(self.tr("Back to the bench"))
        back.clicked.connect(self.left)
        column.addWidget(card)
        column.addWidget(back, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)
        self._put(holder)

    def show_outcome(self, outcome: Outcome, predictions: Mapping[str, str]) -> None:
        """The table, or why there is none.  `predictions` are the learner's own, in words."""
        if outcome.missing is not None:
            sentence, way = outcome.missing
            self._put(
                EmptyState(
                    self.tr("The real component is not here"),
                    f"{sentence} {way} {self.tr('The simulation works without it.')}",
                    icon="services",
                    actions=[(self.tr("Look again"), self.again.emit), (self.tr("Back to the bench"), self.left.emit)],
                )
            )
        elif outcome.comparison is None:
            self._put(
                EmptyState(
                    self.tr("Nothing to compare"),
                    self.tr("This topic runs on a real component, but does not say yet how to compare the two."),
                    icon="services", actions=[(self.tr("Back to the bench"), self.left.emit)],
                )
            )  # fmt: skip
        else:
            self._put(self._table(outcome, outcome.comparison, predictions))

    def _put(self, widget: QWidget) -> None:
        drop(self._column)
        self._column.addWidget(widget)

    def _table(self, outcome: Outcome, comparison: Comparison, predictions: Mapping[str, str]) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(3 * theme.UNIT, 3 * theme.UNIT, 3 * theme.UNIT, 3 * theme.UNIT)
        column.setSpacing(2 * theme.UNIT)
        column.addWidget(heading(self.tr("Reality check"), 2))
        buttons = QWidget()
        line = FlowLayout(buttons)
        back = QPushButton(self.tr("Back to the bench"))
        back.clicked.connect(self.left)
        line.addWidget(back)
        if outcome.real is not None and len(outcome.real):
            show = QPushButton(self.tr("Look at the real trace"))
            show.clicked.connect(lambda: self.open_trace.emit(outcome.real))
            line.addWidget(show)
        again = QPushButton(self.tr("Check again"))
        again.clicked.connect(self.again)
        line.addWidget(again)
        column.addWidget(buttons)
        column.addWidget(paragraph(comparison.summary or self._summary(comparison)))
        for question, answer in predictions.items():
            column.addWidget(
                paragraph(
                    self.tr("You predicted: {question} {answer}").format(question=question, answer=answer), "muted"
                )
            )
        column.addWidget(self._grid(comparison))
        for refused in outcome.refused:
            column.addWidget(paragraph(self.tr("Not done on the real component: {what}").format(what=refused), "muted"))
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(page)
        return area

    def _summary(self, comparison: Comparison) -> str:
        same = sum(row.same for row in comparison.rows)
        return self.tr("Simulation and reality agree in {n} of {all} rows.").format(n=same, all=len(comparison.rows))

    def _grid(self, comparison: Comparison) -> QWidget:
        card = QFrame()
        card.setProperty("kind", "card")
        grid = QGridLayout(card)
        grid.setContentsMargins(2 * theme.UNIT, 2 * theme.UNIT, 2 * theme.UNIT, 2 * theme.UNIT)
        grid.setHorizontalSpacing(2 * theme.UNIT)
        grid.setVerticalSpacing(theme.UNIT)
        foreseen = any(row.predicted is not None for row in comparison.rows)
        heads = ("", "", self.tr("Predicted") if foreseen else "", self.tr("Simulated"), self.tr("Real"))
        for i, words in enumerate(heads):
            label = QLabel(words)
            label.setProperty("kind", "muted")
            grid.addWidget(label, 0, i)
        for place, row in enumerate(comparison.rows):
            self._row(grid, 1 + 2 * place, row)
        grid.setColumnStretch(1, 1)
        return card

    def _row(self, grid: QGridLayout, at: int, row: Row) -> None:
        sign = IconLabel("ok" if row.same else "info", role="good" if row.same else "warn", size=18)
        words = self.tr("the same") if row.same else self.tr("different")
        sign.setToolTip(words)
        sign.setAccessibleName(words)
        grid.addWidget(sign, at, 0)
        name = paragraph(row.name)
        grid.addWidget(name, at, 1)
        for i, value in enumerate((row.predicted, row.simulated, row.real)):
            if value is not None:
                grid.addWidget(paragraph(say(value)), at, 2 + i)
        if row.why:
            grid.addWidget(paragraph(_breakable(row.why), "muted"), at + 1, 1, 1, 4)
        elif not row.same:
            grid.addWidget(
                paragraph(self.tr("The topic does not explain this difference yet."), "muted"), at + 1, 1, 1, 4
            )


def _breakable(text: str) -> str:
    """`text` that may also be broken behind a comma or a bracket: plans of databases have no blanks for pages."""
    return re.sub(r"(?<=[,;:(){}\[\]])(?=\S)", "\u200b", text)
