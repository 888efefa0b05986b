"""The explorer: all orders of events of a small configuration, the shortest way to what goes wrong, and walks by hand.

The search runs in a process of its own, stops at a cap and can go on; a walk is computed in a thread, one choice at a
time.  Both end on the bench as an ordinary run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QHeaderView,
    QPushButton,
    QScrollArea,
    QTabWidget,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from prayog_consensus.engine.exploring import Small, counter_example, system
from prayog_consensus.panels.depths import Depths
from prayog_consensus.panels.explore_bounds import BoundsForm
from prayog_consensus.panels.explore_walk import WalkView, at_least
from prayog_consensus.walking import Moment, Walk
from prayog_sdk.exploring import Exploration, Explored, explore
from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.jobs import Ctx, Job
from prayog_sdk.qt.panel import Bench, Panel
from prayog_sdk.qt.state import paragraph
from prayog_sim.explorer import Choice, Limits, Verdict
from prayog_sim.explorer import Path as Way
from prayog_sim.world import World

__all__ = ["ExplorePanel"]

FIRST_CAP = 50_000
_LOW = 120  # px at 100 % text: a head and three rows
SIGNS = {"holds": "✓ holds", "fails": "✗ fails", "open": "… open"}


class ExplorePanel(Panel):
    """Bounds in, verdicts out; and any way within them, choice by choice."""

    title = "Explorer"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._job: Job | None = None
        self._small: Small | None = None
        self._walk: Walk | None = None
        self._walking: Job | None = None
        self._cap = FIRST_CAP
        self._form = BoundsForm()
        self._go = QPushButton(self.tr("Explore"))
        self._go.setProperty("kind", "primary")
        self._go.clicked.connect(self._start)
        self._more = QPushButton(self.tr("Go on"))
        self._more.setToolTip(self.tr("From where the search stopped, four times as far."))
        self._more.clicked.connect(self._continue)
        self._more.setEnabled(False)
        self._note = paragraph("", "muted")
        buttons = QWidget()
        line = FlowLayout(buttons)
        for button in (self._go, self._more):
            line.addWidget(button)
        self._pages = QTabWidget()
        self._pages.setDocumentMode(True)
        self._pages.addTab(self._form, self.tr("Bounds"))
        self._found = self._make_found()
        self._pages.addTab(self._found, self.tr("Found"))
        self._steps = WalkView()
        self._steps.began.connect(self._begin_walk)
        self._steps.chosen.connect(lambda choice: self._move(lambda walk: walk.take(choice)))
        self._steps.gone.connect(lambda place: self._move(lambda walk: walk.go(place)))
        self._steps.wanted.connect(self._show_walk)
        self._pages.addTab(self._steps, self.tr("Step by step"))
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(*(theme.UNIT,) * 4)
        column.addWidget(buttons)
        column.addWidget(self._note)
        column.addWidget(self._pages, 1)
        area = QScrollArea()  # large text needs more height than a panel may ask for
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area)

    def _make_found(self) -> QWidget:
        self._tree = QTreeWidget()
        self._tree.setHeaderLabels([self.tr("Promise"), self.tr("Verdict"), self.tr("In words")])
        self._tree.setAccessibleName(self.tr("What the search found"))
        self._tree.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self._tree.itemSelectionChanged.connect(self._selected)
        at_least(self._tree, _LOW)
        self._open = QPushButton(self.tr("Open the counter-example"))
        self._open.setToolTip(self.tr("Without the choices that it does not need, as a run on the bench."))
        self._open.clicked.connect(self._show_path)
        self._follow = QPushButton(self.tr("Step along it"))
        self._follow.clicked.connect(self._walk_path)
        for button in (self._open, self._follow):
            button.setEnabled(False)
        row = QWidget()
        line = FlowLayout(row)
        line.addWidget(self._open)
        line.addWidget(self._follow)
        self._depths = Depths()
        self._depths.hide()
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, theme.UNIT, 0, 0)
        column.addWidget(self._tree, 1)
        column.addWidget(row)
        column.addWidget(self._depths)
        return page

    def on_run(self, bench: Bench) -> None:
        own = bool(bench.params.program)
        for widget in (self._go, self._pages):
            widget.setEnabled(not own)
        if own:
            self._note.setText(
                self.tr("A program of your own cannot be explored: nobody can set its memory aside and go back to it.")
            )
            return
        self._form.show_params(bench.params)
        if self._small is None or self._small.algorithm != bench.params.algorithm:
            self._note.setText(
                self.tr("Every order of what may happen within these bounds is tried, and the promises in every state.")
            )

    # -- searching -----------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._job is not None:
            self._job.cancel()
            return
        if self.bench is None:
            return
        self._small = self._form.small()
        self._cap = FIRST_CAP
        self._search_file().unlink(missing_ok=True)
        self._search()

    def _continue(self) -> None:
        self._cap *= 4
        self._search()

    def _search_file(self) -> Path:
        assert self.bench is not None
        return self.bench.data_dir() / "explorer.search"

    def _search(self) -> None:
        if self.bench is None or self._small is None:
            return
        work = Exploration(system, (self._small,), Limits(states=self._cap), file=self._search_file())
        self._job = job = self.bench.jobs.submit_process(explore, work)
        self._pages.setCurrentWidget(self._found)
        self._go.setText(self.tr("Cancel"))
        for button in (self._more, self._open, self._follow):
            button.setEnabled(False)
        self._note.setText(self.tr("Starting…"))
        job.progressed.connect(lambda _done, _total, text: self._note.setText(text))
        job.succeeded.connect(self._show)
        job.failed.connect(lambda sentence, _trace: self._note.setText(sentence))
        job.cancelled.connect(lambda: self._note.setText(self.tr("Cancelled.")))
        job.finished.connect(self._finished)

    def _finished(self) -> None:
        self._job = None
        self._go.setText(self.tr("Explore"))

    def _show(self, found: Explored) -> None:
        progress = found.report.progress
        stopped = {
            "complete": self.tr("all states within the bounds were seen"),
            "states": self.tr("stopped at the cap; it can go on"),
            "memory": self.tr("stopped because it took too much memory"),
            "violation": self.tr("stopped at a violation"),
        }.get(progress.stopped, progress.stopped)
        self._note.setText(
            f"{progress.states:,} states, {progress.generated:,} generated, depth {progress.depth}, "
            f"{found.rate:,.0f} states/s: {stopped}."
        )
        self._more.setEnabled(progress.stopped == "states")
        self._depths.show_counts(progress.per_depth)
        self._depths.show()
        self._tree.clear()
        for verdict in found.report.verdicts:
            said = verdict.sentence.removeprefix(f"{verdict.name}: ")
            item = QTreeWidgetItem([verdict.name, SIGNS[verdict.outcome], said])
            item.setData(0, Qt.ItemDataRole.UserRole, verdict)
            item.setToolTip(2, said)
            self._tree.addTopLevelItem(item)
            for number, choice in enumerate(verdict.path.actions if verdict.path else (), 1):
                item.addChild(QTreeWidgetItem([f"{number}", "", str(choice)]))
            if verdict.outcome == "fails":
                item.setExpanded(True)
                self._tree.setCurrentItem(item)

    # -- the counter-example -------------------------------------------------------------------------------------

    def _verdict(self) -> Verdict[Any] | None:
        item = self._tree.currentItem()
        while item is not None and item.parent() is not None:
            item = item.parent()
        found = item.data(0, Qt.ItemDataRole.UserRole) if item is not None else None
        return found if isinstance(found, Verdict) else None

    def _selected(self) -> None:
        verdict = self._verdict()
        way = verdict is not None and verdict.path is not None
        self._follow.setEnabled(way)
        self._open.setEnabled(way and verdict is not None and verdict.outcome == "fails")

    def _show_path(self) -> None:
        verdict, small = self._verdict(), self._small
        if self.bench is None or verdict is None or verdict.path is None or small is None:
            return
        path, name = verdict.path, verdict.name

        def work(_ctx: Ctx) -> tuple[World, int, int]:
            return counter_example(small, path, name)

        job = self.bench.jobs.submit(work)
        job.succeeded.connect(lambda made: self._opened(name, *made))
        job.failed.connect(lambda sentence, _trace: self._note.setText(sentence))

    def _opened(self, name: str, run: World, before: int, after: int) -> None:
        if self.bench is None:
            return
        words = self.tr("{name}: {n} choices, {m} of them needed. It is on the bench, at its beginning.")
        self._note.setText(words.replace("{name}", name).replace("{n}", str(before)).replace("{m}", str(after)))
        self.bench.show(self.tr("Counter-example: {name}").replace("{name}", name), run)

    # -- step by step --------------------------------------------------------------------------------------------

    def _begin_walk(self) -> None:
        small = self._form.small()
        self._compute(lambda: Walk(small), Walk.moment)

    def _walk_path(self) -> None:
        verdict, small = self._verdict(), self._small
        if verdict is None or verdict.path is None or small is None:
            return
        path: Way[Choice] = verdict.path
        self._pages.setCurrentWidget(self._steps)
        self._compute(lambda: Walk(small), lambda walk: walk.follow(path))

    def _move(self, move: Callable[[Walk], Moment]) -> None:
        walk = self._walk
        if walk is not None:
            self._compute(lambda: walk, move)

    def _compute(self, make: Callable[[], Walk], move: Callable[[Walk], Moment]) -> None:
        """Make a move in a thread; the view waits for it, so that there is only one at a time."""
        if self.bench is None or self._walking is not None:
            return

        def work(_ctx: Ctx) -> tuple[Walk, Moment]:
            walk = make()
            return walk, move(walk)

        self._walking = job = self.bench.jobs.submit(work)
        job.succeeded.connect(lambda made: self._moved(*made))
        job.failed.connect(lambda sentence, _trace: self._stuck(sentence))

    def _moved(self, walk: Walk, moment: Moment) -> None:
        self._walking, self._walk = None, walk
        if self.bench is not None:
            self._steps.show_moment(moment)

    def _stuck(self, sentence: str) -> None:
        self._walking = None
        if self.bench is not None:
            self._note.setText(sentence)

    def _show_walk(self) -> None:
        walk = self._walk
        if self.bench is None or walk is None or self._walking is not None:
            return
        self._walking = job = self.bench.jobs.submit(lambda _ctx: walk.world())
        job.succeeded.connect(self._walk_opened)
        job.failed.connect(lambda sentence, _trace: self._stuck(sentence))

    def _walk_opened(self, run: World) -> None:
        self._walking = None
        if self.bench is not None:
            self._note.setText(self.tr("The way up to here is on the bench, at its beginning."))
            self.bench.show(self.tr("A way through the explorer"), run)

    # -- the panel -----------------------------------------------------------------------------------------------

    def outline(self) -> str:
        return " ".join(said for said in (self._note.text(), self._depths.words(), self._steps.words()) if said)

    def exports(self) -> Mapping[str, Any]:
        return {}

    def unbind(self) -> None:
        super().unbind()
        if self._job is not None:
            self._job.cancel()
