"""Two policies on the same operations: both trees and their meters side by side, on one slider.

The run on the bench is followed; its twin is made in a process.  The slider goes from portion to portion of the
operations, and takes the whole bench along.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.jobs import Job
from prayog_sdk.qt.panel import Bench, Panel
from prayog_sdk.qt.reader import TraceReader
from prayog_sdk.qt.scrolled import column_in
from prayog_sdk.qt.state import paragraph
from prayog_sdk.qt.texttable import TextTable
from prayog_sim.run import View
from prayog_sim.trace import Step
from prayog_writes.alongside import alongside
from prayog_writes.course import Course, Moment
from prayog_writes.engine.options import POLICIES
from prayog_writes.panels.halves import Halves
from prayog_writes.panels.level_view import LevelView
from prayog_writes.panels.plot import Curve, Plot
from prayog_writes.panels.tree import Scale, told_bytes

__all__ = ["PoliciesPanel"]

_NARROW = 420  # px at 100 % text below which the trees stand above each other
_PLOTTED = {
    "write": "write", "write_with_log": "write, with log", "read": "read", "space": "space", "l0": "tables in L0",
}  # fmt: skip


class PoliciesPanel(Panel):
    """Choose another policy, run it beside, and move both along."""

    title = "Two policies"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._job: Job | None = None
        self._here, self._there = Course(), Course()
        self._policy = ""
        self._compared = 0  # actions that the twin was given
        self._shown: tuple[int, int, int] | None = None
        self._reader = TraceReader(self._take, self)
        self._other = QComboBox()
        self._other.addItems(POLICIES)
        self._other.setAccessibleName(self.tr("The other policy"))
        self._go = QPushButton()
        self._go.setProperty("kind", "primary")
        self._go.clicked.connect(self._start)
        self._what = QComboBox()
        self._what.setAccessibleName(self.tr("What is plotted"))
        for name, words in _PLOTTED.items():
            self._what.addItem(self.tr(words), name)
        self._what.currentIndexChanged.connect(lambda _index: self._plot_curves())
        head = QWidget()
        row = FlowLayout(head)
        for widget in (self._other, self._go, self._what):
            row.addWidget(widget)
        self._note = paragraph("", "muted")
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setAccessibleName(self.tr("Operations done, on both sides"))
        self._slider.valueChanged.connect(self._slide)
        self._titles = (paragraph(""), paragraph(""))
        names = (self.tr("Levels of this run"), self.tr("Levels of the other"))
        self._trees = (LevelView(names[0], whole=False), LevelView(names[1], whole=False))
        sides = (QWidget(), QWidget())
        for side, title, tree in zip(sides, self._titles, self._trees, strict=True):
            tree.told.connect(self._tell)
            inside = QVBoxLayout(side)
            inside.setContentsMargins(0, 0, 0, 0)
            inside.addWidget(title)
            inside.addWidget(tree, 1)
        self._pair = Halves(*sides, _NARROW)
        self._table = TextTable(self.tr("Meters of both runs"), [self.tr("Amplification"), "", ""], numbers=(1, 2))
        self._table.setMinimumHeight(theme.scaled(110))
        self._plot = Plot("", self.tr("operations"))
        self._plot.clicked.connect(self._go_to)
        self._below = Halves(self._table, self._plot, _NARROW)
        column = column_in(self)
        for part in (head, self._note, self._slider):
            column.addWidget(part)
        column.addWidget(self._pair, 3)
        column.addWidget(self._below, 2)
        self._set_busy(False)

    # -- the bench -----------------------------------------------------------------------------------------------

    def on_run(self, bench: Bench) -> None:
        self._here, self._there, self._policy, self._compared = Course(), Course(), "", 0
        self._shown = None
        self._reader.begin(bench.trace)
        if self._job is not None:
            self._job.cancel()
        if bench.run.kind == "world" and self._other.currentText() == bench.params.policy:
            other = "size-tiered" if bench.params.policy == "leveled" else "leveled"
            self._other.setCurrentText(other)
        self._explain()

    def _take(self, step: Step) -> None:
        self._here.take(step)

    def on_step(self, step: Step) -> None:
        """The trace is read in `on_frame`."""

    def on_seek(self, view: View) -> None:
        self._shown = None

    def on_frame(self) -> None:
        if self.bench is None:
            return
        self._reader.go_on()
        at = self._here.at(self.bench.at)
        shown = (at, len(self._here.moments), len(self._there.moments))
        if shown != self._shown:
            self._shown = shown
            self._draw(at)

    def on_theme(self) -> None:
        self._table.setMinimumHeight(theme.scaled(110))
        self._plot.restyle()
        self._plot_curves()

    def unbind(self) -> None:
        super().unbind()
        self._reader.stop()
        if self._job is not None:
            self._job.cancel()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._pair.fit(self.width())
        self._below.fit(self.width())

    # -- asking --------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._job is not None:
            self._job.cancel()
            return
        bench = self.bench
        if bench is None:
            return
        if bench.run.kind == "session":
            self._note.setText(self.tr("A recording of the real disk cannot be done again. Open a simulated scenario."))
            return
        actions = [timed.action for timed in bench.run.actions]
        if not actions:
            self._note.setText(self.tr("Nothing was done here yet. Play the scenario or run a workload first."))
            return
        policy = self._other.currentText()
        self._job = job = bench.jobs.submit_process(alongside, bench.params, policy, bench.seed, actions)
        job.progressed.connect(self._progress)
        job.succeeded.connect(lambda course: self._show(policy, len(actions), course))
        job.failed.connect(lambda sentence, _trace: self._note.setText(sentence))
        job.cancelled.connect(lambda: self._note.setText(self.tr("Cancelled.")))
        job.finished.connect(self._finished)
        self._set_busy(True)

    def _progress(self, done: int, total: int, text: str) -> None:
        self._note.setText(self.tr("{n} of {all}: {what}").format(n=done + 1, all=total, what=text.replace("_", " ")))

    def _finished(self) -> None:
        self._job = None
        self._set_busy(False)

    def _set_busy(self, on: bool) -> None:
        self._go.setText(self.tr("Cancel") if on else self.tr("Run it beside this one"))

    def _show(self, policy: str, actions: int, course: Course) -> None:
        self._policy, self._compared, self._there = policy, actions, course
        self._shown = None
        self._explain()
        self.on_frame()

    def _explain(self) -> None:
        if self.bench is None:
            return
        if not self._policy:
            words = self.tr("Choose another policy. It gets the same seed and the same operations; only it differs.")
        elif len(self.bench.run.actions) > self._compared:
            words = self.tr("More was done here since: run it beside again.")
        else:
            words = self.tr("Same seed, same operations. Whatever differs is the policy’s doing.")
        self._note.setText(words)

    # -- showing -------------------------------------------------------------------------------------------------

    def _draw(self, at: int) -> None:
        assert self.bench is not None
        moments = self._here.moments
        self._slider.blockSignals(True)
        self._slider.setRange(0, max(0, len(moments) - 1))
        self._slider.setValue(max(0, at))
        self._slider.setEnabled(len(moments) > 1)
        self._slider.blockSignals(False)
        mine = moments[at] if at >= 0 else None
        place = self._there.like(mine.place) if mine is not None else -1
        other = self._there.moments[place] if place >= 0 else None
        policy = getattr(self.bench.params, "policy", "")
        self._titles[0].setText(self._caption(self.tr("This run: {policy}").format(policy=policy), mine))
        title = self.tr("Beside it: {policy}").format(policy=self._policy) if self._policy else self.tr("Beside it")
        self._titles[1].setText(self._caption(title, other))
        pairs = zip((self._here, self._there), (mine, other), strict=True)
        levels = [course.levels(moment.seq if moment else -1) for course, moment in pairs]
        scale = Scale.of(*levels)
        for tree, each in zip(self._trees, levels, strict=True):
            tree.show_facts({"levels": each}, scale=scale)
        self._fill_table(mine, other)
        self._plot_curves()
        self._plot.show_cursor(mine.operations if mine else None)
        self._explain()

    def _caption(self, title: str, moment: Moment | None) -> str:
        if moment is None:
            return title
        words = self.tr("{title}, after {n} operations\nwrite {write} · read {read} · space {space}")
        numbers = {name: _number(moment, name) for name in ("write", "read", "space")}
        return words.format(title=title, n=f"{moment.operations:,}", **numbers)

    def _fill_table(self, mine: Moment | None, other: Moment | None) -> None:
        policy = getattr(self.bench.params, "policy", "") if self.bench is not None else ""
        self._table.set_heads([self.tr("Amplification"), policy, self._policy or "–"], numbers=(1, 2))
        rows = [[self.tr(title), _number(mine, name), _number(other, name)] for name, title in _PLOTTED.items()]
        tables = [tree.facts.get("levels", ()) for tree in self._trees]
        sizes = [told_bytes(sum(int(f["size"]) for files in levels for f in files)) for levels in tables]
        rows.append([self.tr("bytes in tables"), *sizes])
        waited = [f"{moment.stalled_us / 1000:,.0f} ms" if moment else "–" for moment in (mine, other)]
        rows.append([self.tr("writers stalled"), *waited])
        if not self._policy:
            rows = [[name, value, "–"] for name, value, _ in rows]
        strong = [line for line, (_, a, b) in enumerate(rows) if self._policy and a != b]
        self._table.show_rows(rows, strong)

    def _plot_curves(self) -> None:
        name = str(self._what.currentData())
        self._plot.set_title(self.tr("Over the operations: {what}").format(what=self._what.currentText()))
        curves = []
        policy = getattr(self.bench.params, "policy", "") if self.bench is not None else ""
        for look, (letter, title, course) in enumerate((("A", policy, self._here), ("B", self._policy, self._there))):
            points = [(m.operations, value) for m in course.moments if (value := m.values[name]) is not None]
            if points:
                curves.append(Curve(title, letter, points, look))
        self._plot.show_curves(curves)

    def _slide(self, value: int) -> None:
        if self.bench is not None and value < len(self._here.moments):
            self.bench.seek(self._here.moments[value].seq)

    def _go_to(self, operations: float) -> None:
        place = sum(moment.operations <= operations for moment in self._here.moments) - 1
        self._slide(max(0, place))

    def _tell(self, words: str) -> None:
        if words:
            self._note.setText(words)
        else:
            self._explain()

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        return {"csv": self._write}

    def _write(self, path: Path) -> None:
        import csv

        with path.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["policy", "operations", "user bytes", *_PLOTTED])
            policy = getattr(self.bench.params, "policy", "") if self.bench is not None else ""
            for title, course in ((policy, self._here), (self._policy, self._there)):
                rows.writerows([title, m.operations, m.user, *(m.values[n] for n in _PLOTTED)] for m in course.moments)

    def outline(self) -> str:
        rows = (
            [item.text() if (item := self._table.item(line, column)) is not None else "" for column in range(3)]
            for line in range(self._table.rowCount())
        )
        meters = "; ".join(f"{name}: {mine} / {other}" for name, mine, other in rows)
        return f"{self._titles[0].text()}. {self._titles[1].text()}. {meters}"


def _number(moment: Moment | None, name: str) -> str:
    value = moment.values[name] if moment is not None else None
    return "–" if value is None else f"{value:,.0f}" if name == "l0" else f"{value:.2f}"
