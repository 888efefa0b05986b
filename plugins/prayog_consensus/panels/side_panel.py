"""Side by side: the run on the bench, and another algorithm (or variant) under the same seed and the same actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QPushButton,
    QScrollArea,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from prayog_consensus.alongside import Asked, Pair, Side, alongside, other_params
from prayog_consensus.columns import LEGEND
from prayog_consensus.engine.families import every, family
from prayog_consensus.engine.setup import CORRECT
from prayog_consensus.panels.text_view import TextView
from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.jobs import Job
from prayog_sdk.qt.panel import Bench, Panel
from prayog_sdk.qt.state import paragraph
from prayog_sdk.qt.texttable import TextTable
from prayog_sim.run import View
from prayog_sim.trace import Step

__all__ = ["SidePanel"]

_ROOM = 620


class SidePanel(Panel):
    """Choose the other, run both in a worker, compare counters and text."""

    title = "Side by side"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._job: Job | None = None
        self._pair: Pair | None = None
        self._dirty = False
        self._other = QComboBox()
        self._other.setAccessibleName(self.tr("The other algorithm"))
        for chosen in every():
            self._other.addItem(chosen.title, chosen.name)
        self._other.currentIndexChanged.connect(lambda _place: self._fill_variants())
        self._variant = QComboBox()
        self._variant.setAccessibleName(self.tr("Variant of the other"))
        self._go = QPushButton(self.tr("Run it beside this one"))
        self._go.setProperty("kind", "primary")
        self._go.clicked.connect(self._start)
        self._all = QCheckBox(self.tr("Every message"))
        self._all.toggled.connect(self._set_plain)
        head = QWidget()
        row = FlowLayout(head)
        for widget in (self._other, self._variant, self._go, self._all):
            row.addWidget(widget)
        self._note = paragraph("", "muted")
        self._table = TextTable(self.tr("Counters of both runs"), (), wrapped=0)
        self._here, self._there = TextView(self.tr("The run on the bench")), TextView(self.tr("The other run"))
        self._here.chosen.connect(lambda seq: self.bench.seek(seq) if self.bench else None)
        self._heads = (paragraph("", step=1), paragraph("", step=1))
        self._texts = QSplitter(Qt.Orientation.Horizontal)
        self._texts.setChildrenCollapsible(False)
        for title, view in zip(self._heads, (self._here, self._there), strict=True):
            side = QWidget()
            column = QVBoxLayout(side)
            column.setContentsMargins(0, 0, 0, 0)
            column.addWidget(title)
            column.addWidget(view, 1)
            self._texts.addWidget(side)
        told = QWidget()
        inside = QVBoxLayout(told)
        inside.setContentsMargins(0, theme.UNIT, 0, 0)
        self._why = paragraph("")
        self._why.setContentsMargins(theme.UNIT, 0, theme.UNIT, 0)
        self._why.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self._counters = QSplitter(Qt.Orientation.Horizontal)
        self._counters.setChildrenCollapsible(False)
        self._counters.addWidget(self._table)
        self._counters.addWidget(_scrolled(self._why))
        self._counters.setStretchFactor(0, 3)
        self._counters.setStretchFactor(1, 2)
        inside.addWidget(self._counters)
        lines = QWidget()
        column = QVBoxLayout(lines)
        column.setContentsMargins(0, theme.UNIT, 0, 0)
        column.addWidget(paragraph(self.tr(LEGEND), "muted"))
        column.addWidget(self._texts, 1)
        self._tabs = QTabWidget()
        self._tabs.setDocumentMode(True)
        self._tabs.addTab(told, self.tr("Counted"))
        self._tabs.addTab(lines, self.tr("Told"))
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(*(theme.UNIT,) * 4)
        column.addWidget(head)
        column.addWidget(self._note)
        column.addWidget(self._tabs, 1)
        column.addStretch(0)
        self._tabs.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(_scrolled(whole))

    def unbind(self) -> None:
        super().unbind()
        if self._job is not None:
            self._job.cancel()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        way = Qt.Orientation.Horizontal if self.width() > theme.scaled(_ROOM) else Qt.Orientation.Vertical
        self._texts.setOrientation(way)
        self._counters.setOrientation(way)

    # -- asking --------------------------------------------------------------------------------------------------

    def on_run(self, bench: Bench) -> None:
        """Another run: what was compared does not belong to it."""
        self._pair = None
        self._tabs.hide()
        shown = bench.params.algorithm
        if self._other.currentData() == shown and self._variant.count() <= 1:
            self._other.setCurrentIndex((self._other.currentIndex() + 1) % self._other.count())
        self._fill_variants()
        words = self.tr(
            "Choose an algorithm, or a variant of {name}. It gets the same seed, and every action that was done here, "
            "at the same time; whoever leads is hit where you hit the leader."
        )
        self._note.setText(words.replace("{name}", family(shown).title))

    def _fill_variants(self) -> None:
        if self.bench is None:
            return
        self._variant.clear()
        self._variant.addItem(self.tr("correct"), CORRECT)
        for variant in family(self._other.currentData()).variants:
            if "variant" in variant.params:
                self._variant.addItem(variant.title, variant.params["variant"])

    def _start(self) -> None:
        if self._job is not None:
            self._job.cancel()
            return
        if self.bench is None:
            return
        if self.bench.at < 0:
            self._note.setText(self.tr("Nothing has happened here yet. Play first, then compare."))
            return
        run, shown = self.bench.run, self.bench.params
        end = run.trace[-1].at
        asked = Asked(
            shown, other_params(shown, self._other.currentData(), self._variant.currentData()), self.bench.seed,
            tuple(run.actions), end, len(run.trace),
        )  # fmt: skip
        self._job = job = self.bench.jobs.submit_process(alongside, asked)
        self._go.setText(self.tr("Cancel"))
        self._note.setText(self.tr("Both are run again…"))
        job.succeeded.connect(self._show)
        job.failed.connect(lambda sentence, _trace: self._note.setText(sentence))
        job.cancelled.connect(lambda: self._note.setText(self.tr("Cancelled.")))
        job.finished.connect(self._finished)

    def _finished(self) -> None:
        self._job = None
        self._go.setText(self.tr("Run it beside this one"))

    # -- showing -------------------------------------------------------------------------------------------------

    def _show(self, pair: Pair) -> None:
        self._pair = pair
        self._dirty = True
        words = self.tr("Same seed, {n} of {m} actions. Compared up to the end of the run on the bench.")
        left, done = len(pair.other.left_out), len(self.bench.run.actions) if self.bench else 0
        self._note.setText(words.replace("{n}", str(max(0, done - left))).replace("{m}", str(done)))
        self._fill_table(pair)
        told = [*pair.differences]
        if pair.other.left_out:
            told += ["", self.tr("Left out there:"), *pair.other.left_out]
        self._why.setText("\n".join(told))
        for title, view, side in zip(self._heads, (self._here, self._there), (pair.shown, pair.other), strict=True):
            title.setText(side.title)
            view.start(side.nodes, side.rows)
        self._tabs.show()
        self._counters.setSizes([3 * self.width() // 5, 2 * self.width() // 5])

    def _fill_table(self, pair: Pair) -> None:
        names = [*pair.shown.counters, *(name for name in pair.other.counters if name not in pair.shown.counters)]
        self._table.set_heads([self.tr("Counted"), pair.shown.title, pair.other.title], numbers=(1, 2))
        rows = [(name, *(_said(side, name) for side in (pair.shown, pair.other))) for name in names]
        self._table.show_rows(rows, strong=[line for line, (_, here, there) in enumerate(rows) if here != there])

    def _set_plain(self, on: bool) -> None:
        for view in (self._here, self._there):
            view.set_plain(on)

    def on_step(self, step: Step) -> None:
        self._dirty = True

    def on_seek(self, view: View) -> None:
        self._dirty = True

    def on_frame(self) -> None:
        if self._dirty and self.bench is not None and self._pair is not None and self.isVisible():
            self._dirty = False
            self._here.show_at(self.bench.at)
            self._there.show_time(self.bench.view().at)

    def on_theme(self) -> None:
        for view in (self._here, self._there):
            view.restyle()

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        return {"txt": self._write}

    def _write(self, path: Path) -> None:
        parts = []
        for title, view in zip(self._heads, (self._here, self._there), strict=True):
            parts += [title.text(), *view.lines(), ""]
        path.write_text("\n".join([*parts, self._why.text()]) + "\n", encoding="utf-8")

    def outline(self) -> str:
        return f"{self._note.text()} {self._why.text()}".strip()


def _said(side: Side, name: str) -> str:
    value = side.counters.get(name)
    return "–" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def _scrolled(widget: QWidget) -> QWidget:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(widget)
    return area
