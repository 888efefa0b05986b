"""The key heat map: which keys were written and read, portion by portion of the workloads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QStackedLayout, QWidget

from prayog_sdk.qt.panel import Bench, Panel
from prayog_sdk.qt.reader import TraceReader
from prayog_sdk.qt.scrolled import column_in
from prayog_sdk.qt.state import EmptyState, paragraph
from prayog_sim.run import View
from prayog_sim.trace import Step
from prayog_writes.panels.halves import Halves
from prayog_writes.panels.heat_sum import Column, HeatSum
from prayog_writes.panels.heat_view import HeatView

__all__ = ["HeatPanel"]

_EVERY_MS = 200
_NARROW = 420
_MOST = 300  # columns of the picture
_WHAT = ("writes", "reads")


class HeatPanel(Panel):
    """Writes at the left, reads at the right, on the same axes."""

    title = "Key heat"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sum = HeatSum()
        self._groups: Sequence[Sequence[Column]] = []
        self._counts: dict[str, Any] = {}
        self._reader = TraceReader(self._take, self)
        self._reader.grown.connect(lambda _through: self._soon())
        self._timer = QTimer(self, singleShot=True, interval=_EVERY_MS)
        self._timer.timeout.connect(self._draw)
        self._note = paragraph("", "muted")
        self._note.setMinimumHeight(2 * self._note.fontMetrics().lineSpacing())
        titles = (self.tr("Writes by key, over time"), self.tr("Reads by key, over time"))
        self._views = {what: HeatView(title, look) for what, title, look in zip(_WHAT, titles, (1, 0), strict=True)}
        for what, view in self._views.items():
            view.pointed.connect(lambda row, column, what=what: self._tell(what, row, column))
            view.chosen.connect(self._go_to)
        self._halves = Halves(self._views["writes"], self._views["reads"], _NARROW)
        page = QWidget()
        column = column_in(page)
        column.addWidget(self._note)
        column.addWidget(self._halves, 1)
        self._empty = EmptyState(
            self.tr("No workload yet"), self.tr("Run a workload: what it reads and writes is counted by key."),
            icon="plot",
        )  # fmt: skip
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self._empty)
        self._pages.addWidget(page)

    # -- the bench -----------------------------------------------------------------------------------------------

    def on_run(self, bench: Bench) -> None:
        self._sum = HeatSum()
        self._reader.begin(bench.trace)
        self._pages.setCurrentIndex(0)

    def _take(self, step: Step) -> None:
        self._sum.take(step)

    def on_step(self, step: Step) -> None:
        """The trace is read in `on_frame`."""

    def on_frame(self) -> None:
        self._reader.go_on()
        self._show_moment()

    def on_seek(self, view: View) -> None:
        self._show_moment()

    def on_theme(self) -> None:
        self._note.setMinimumHeight(2 * self._note.fontMetrics().lineSpacing())
        self._draw()

    def unbind(self) -> None:
        super().unbind()
        self._reader.stop()
        self._timer.stop()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._halves.fit(self.width())

    def _soon(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    # -- drawing -------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        if not self._sum.columns or self.bench is None:
            return
        self._pages.setCurrentIndex(1)
        tables = {}
        for what in _WHAT:
            tables[what], self._groups = self._sum.table(what, _MOST)
        rows = max(len(counts) for counts in tables.values())
        for what, view in self._views.items():
            self._counts[what] = _taller(tables[what], rows, len(self._groups))
            view.show_counts(self._counts[what], self._key(0), self._key(rows))
        self._tell("", -1, -1)
        self._show_moment()

    def _key(self, row: int) -> str:
        return f"{row * self._sum.width:,}"

    def _show_moment(self) -> None:
        if self.bench is None or not self._groups:
            return
        at = self.bench.at
        column = sum(group[0].seq <= at for group in self._groups) - 1
        for view in self._views.values():
            view.show_cursor(column)

    def _tell(self, what: str, row: int, column: int) -> None:
        if row < 0 or column >= len(self._groups) or self.bench is None:
            words = self.tr("Stronger is more, on a logarithmic scale; bars are sums. A key range is {n} keys wide.")
            self._note.setText(words.format(n=f"{self._sum.width:,}"))
            return
        group = self._groups[column]
        low, high = (f"user{number * self._sum.width:08d}" for number in (row, row + 1))
        words = self.tr(
            "{n} {what} of keys from {low} up to {high} in operations {a} to {b}. {k} tables may hold them now."
        )
        self._note.setText(words.format(
            n=f"{int(self._counts[what][row, column]):,}", what=self.tr(what), low=low, high=high,
            a=f"{group[0].begin + 1:,}", b=f"{group[-1].end:,}", k=self._holding(low, high),
        ))  # fmt: skip

    def _holding(self, low: str, high: str) -> int:
        """Tables of the shown moment whose range meets the keys from `low` up to `high`."""
        assert self.bench is not None
        levels = self.bench.view().facts.get("levels", ())
        return sum(str(f["low"]) < high and low <= str(f["high"]) for files in levels for f in files)

    def _go_to(self, column: int) -> None:
        if self.bench is not None and column < len(self._groups):
            self.bench.seek(self._groups[column][-1].seq)

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        return {"csv": self._write}

    def _write(self, path: Path) -> None:
        import csv

        with path.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["operations", "first key", "keys", *_WHAT])
            for column in self._sum.columns:
                for row, (reads, writes) in enumerate(zip(column.reads, column.writes, strict=True)):
                    if reads or writes:
                        rows.writerow([column.end, row * column.width, column.width, writes, reads])

    def outline(self) -> str:
        if not self._groups:
            return self._empty.accessibleDescription()
        return " ".join(f"{view.accessibleName()}: {view.accessibleDescription()}." for view in self._views.values())


def _taller(counts: Any, rows: int, columns: int) -> Any:
    """`counts` with empty rows on top, so that both maps have the same axis."""
    import numpy as np

    full = np.zeros((rows, columns), np.int64)
    full[: len(counts)] = counts
    return full
