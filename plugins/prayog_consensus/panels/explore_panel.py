"""The explorer: all orders of events of a small configuration, and the shortest way to whatever goes wrong.

The search runs in a process of its own, stops at a cap and can go on; a counter-example is minimised and opened on the
bench as an ordinary run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from prayog_consensus.engine.exploring import Small, counter_example, system
from prayog_consensus.engine.families import family
from prayog_consensus.engine.setup import CORRECT
from prayog_sdk.exploring import Exploration, Explored, explore
from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.jobs import Ctx, Job
from prayog_sdk.qt.panel import Bench, Panel
from prayog_sim.explorer import Limits, Verdict
from prayog_sim.world import World

__all__ = ["ExplorePanel"]

FIRST_CAP = 50_000
SIGNS = {"holds": "✓ holds", "fails": "✗ fails", "open": "… open"}
ASKED = {
    "paxos": "propose node=p1 value=1; propose node=p2 value=2",
    "bully": "",
    "two-phase commit": "",
}
"""What is asked of the nodes unless the learner says otherwise; an algorithm that starts by itself needs nothing."""


class ExplorePanel(Panel):
    """Bounds in, verdicts out."""

    title = "Explorer"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._job: Job | None = None
        self._small: Small | None = None
        self._cap = FIRST_CAP
        self._variant = QComboBox()
        self._variant.setAccessibleName(self.tr("Variant"))
        self._variant.setMinimumContentsLength(12)
        self._variant.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._actions = QLineEdit()
        self._actions.setPlaceholderText(self.tr("propose node=p1 value=1; …"))
        self._numbers: dict[str, QSpinBox] = {}
        form = QFormLayout()
        form.addRow(self.tr("Variant"), self._variant)
        numbers = QWidget()
        row = FlowLayout(numbers)
        for name, title, low, high, value in (
            ("nodes", self.tr("nodes"), 2, 5, 3),
            ("crashes", self.tr("crashes"), 0, 4, 0),
            ("drops", self.tr("lost"), 0, 4, 0),
            ("timers", self.tr("timers"), 0, 9, 3),
            ("epochs", self.tr("terms"), 1, 6, 2),
        ):
            box = QSpinBox()
            box.setRange(low, high)
            box.setValue(value)
            box.setSuffix(f" {title}")
            box.setAccessibleName(title)
            box.lineEdit().setTextMargins(theme.UNIT, 0, 0, 0)
            self._numbers[name] = box
            row.addWidget(box)
        form.addRow(self.tr("At most"), numbers)
        form.addRow(self.tr("Asked for"), self._actions)
        self._go = QPushButton(self.tr("Explore"))
        self._go.setProperty("kind", "primary")
        self._go.clicked.connect(self._start)
        self._more = QPushButton(self.tr("Go on"))
        self._more.clicked.connect(self._continue)
        self._more.setEnabled(False)
        self._open = QPushButton(self.tr("Open the counter-example"))
        self._open.clicked.connect(self._show_path)
        self._open.setEnabled(False)
        self._note = QLabel(
            self.tr("Every order of deliveries, timers, losses and crashes within these bounds is tried.")
        )
        self._note.setWordWrap(True)
        self._note.setProperty("kind", "muted")
        buttons = QWidget()
        line = FlowLayout(buttons)
        for button in (self._go, self._more, self._open):
            line.addWidget(button)
        self._tree = QTreeWidget()
        self._tree.setHeaderLabels([self.tr("Promise"), self.tr("Verdict"), self.tr("In words")])
        self._tree.setAccessibleName(self.tr("What the search found"))
        self._tree.setRootIsDecorated(True)
        self._tree.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self._tree.itemSelectionChanged.connect(self._selected)
        self._tree.setMinimumHeight(theme.scaled(120))
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(*(theme.UNIT,) * 4)
        column.addLayout(form)
        column.addWidget(buttons)
        column.addWidget(self._note)
        column.addWidget(self._tree, 1)
        area = QScrollArea()  # large text needs more height than a panel may ask for
        area.setWidgetResizable(True)
        area.setWidget(inside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area)

    def bind(self, bench: Bench) -> None:
        super().bind(bench)
        bench.signals.run_changed.connect(self._again)
        self._again()

    def _again(self) -> None:
        if self.bench is None:
            return
        chosen = family(self.bench.params.algorithm)
        known = {CORRECT: self.tr("correct")}
        known |= {str(v.params["variant"]): v.title for v in chosen.variants if "variant" in v.params}
        if [self._variant.itemData(place) for place in range(self._variant.count())] != list(known):
            self._variant.clear()
            for name, title in known.items():
                self._variant.addItem(title, name)
            self._actions.setText(ASKED.get(chosen.name, ""))
        self._variant.setCurrentIndex(max(0, self._variant.findData(self.bench.params.variant)))

    # -- searching -----------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._job is not None:
            self._job.cancel()
            return
        if self.bench is None:
            return
        n = {name: box.value() for name, box in self._numbers.items()}
        lines = tuple(line.strip() for line in self._actions.text().split(";") if line.strip())
        params = self.bench.params
        self._small = Small(
            params.algorithm, n["nodes"], self._variant.currentData(), params.options, n["crashes"], n["drops"],
            n["timers"], n["epochs"], actions=lines,
        )  # fmt: skip
        self._cap = FIRST_CAP
        self._search_file().unlink(missing_ok=True)
        self._search()

    def _continue(self) -> None:
        self._cap *= 4
        self._search()

    def _search_file(self) -> Any:
        assert self.bench is not None
        return self.bench.data_dir() / "explorer.search"

    def _search(self) -> None:
        if self.bench is None or self._small is None:
            return
        work = Exploration(system, (self._small,), Limits(states=self._cap), file=self._search_file())
        self._job = job = self.bench.jobs.submit_process(explore, work)
        self._go.setText(self.tr("Cancel"))
        self._more.setEnabled(False)
        self._open.setEnabled(False)
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
            "violation": self.tr("stopped at a violation"),
        }.get(progress.stopped, progress.stopped)
        self._note.setText(
            f"{progress.states:,} states, {progress.generated:,} generated, depth {progress.depth}, "
            f"{found.rate:,.0f} states/s: {stopped}."
        )
        self._more.setEnabled(progress.stopped == "states")
        self._tree.clear()
        for verdict in found.report.verdicts:
            item = QTreeWidgetItem([verdict.name, SIGNS[verdict.outcome], verdict.sentence])
            item.setData(0, Qt.ItemDataRole.UserRole, verdict)
            item.setToolTip(2, verdict.sentence)
            self._tree.addTopLevelItem(item)
            for number, choice in enumerate(verdict.path.actions if verdict.path else (), 1):
                item.addChild(QTreeWidgetItem([f"{number}", "", str(choice)]))
            if verdict.outcome == "fails":
                item.setExpanded(True)
                self._tree.setCurrentItem(item)
        depths = QTreeWidgetItem([self.tr("States per depth"), "", " ".join(f"{n:,}" for n in progress.per_depth)])
        self._tree.addTopLevelItem(depths)

    # -- the counter-example -------------------------------------------------------------------------------------

    def _verdict(self) -> Verdict[Any] | None:
        item = self._tree.currentItem()
        while item is not None and item.parent() is not None:
            item = item.parent()
        found = item.data(0, Qt.ItemDataRole.UserRole) if item is not None else None
        return found if isinstance(found, Verdict) else None

    def _selected(self) -> None:
        verdict = self._verdict()
        self._open.setEnabled(verdict is not None and verdict.path is not None and verdict.outcome == "fails")

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

    def outline(self) -> str:
        return self._note.text()

    def exports(self) -> Mapping[str, Any]:
        return {}

    def unbind(self) -> None:
        super().unbind()
        if self._job is not None:
            self._job.cancel()
