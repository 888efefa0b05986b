"""The series plot: gauges over time, with the shown moment, a legend that is more than colour, and a table twin.

pyqtgraph is imported when the first curve is drawn.

Rules
1. A curve is told apart by its letter and its dashes as well as by its colour.
2. Smoothing is a way of drawing; the table, the legend and the export always have the values themselves.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QModelIndex, Qt, QTimer
from PySide6.QtGui import QColor, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QStackedLayout,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from prayog_sdk.qt import theme
from prayog_sdk.qt.curves import CurveKey, ValueRows, curve_pen, titled
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.gauges import Curve, Gauges
from prayog_sdk.qt.icons import IconButton
from prayog_sdk.qt.markdown import say
from prayog_sdk.qt.panel import Bench
from prayog_sdk.qt.reading import ReadingPanel
from prayog_sdk.qt.state import EmptyState
from prayog_sdk.specs import SeriesSpec
from prayog_sim.clock import format_us
from prayog_sim.trace import Step

__all__ = ["SeriesPanel"]

_EVERY_MS = 100
_MOST = 12  # curves drawn at once; more is a tangle, and the table has them all
_SMOOTH = 0.25  # weight of a new value


class SeriesPanel(ReadingPanel):
    """One spec at a time; its curves share a unit and an axis."""

    title = "Series"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._gauges = Gauges(())
        self._plot: Any = None
        self._items: dict[str, Any] = {}
        self._cursor: Any = None
        self._hidden: set[str] = set()
        self._chooser = QComboBox()
        self._chooser.setAccessibleName("What is plotted")
        self._chooser.currentIndexChanged.connect(lambda _index: self._choose())
        self._title = QLabel()
        self._smooth = QCheckBox("Smooth")
        self._smooth.setToolTip("Draw the curves smoothed; the table keeps the values as they are")
        self._smooth.toggled.connect(lambda _on: self._draw())
        self._twin = IconButton("table", "Show the values as a table", size=16)
        self._twin.setCheckable(True)
        self._twin.toggled.connect(lambda _on: self._turn())
        bar = QHBoxLayout()
        bar.setContentsMargins(theme.UNIT, theme.UNIT // 2, theme.UNIT, 0)
        bar.setSpacing(theme.UNIT // 2)
        bar.addWidget(self._chooser)
        bar.addWidget(self._title)
        bar.addStretch()
        bar.addWidget(self._smooth)
        bar.addWidget(self._twin)
        self._legend = QWidget()
        self._keys = FlowLayout(self._legend, theme.UNIT // 2)
        self._keys.setContentsMargins(theme.UNIT, 0, theme.UNIT, 0)
        self._empty = EmptyState("Nothing to plot yet", "Press play: the curves grow as the run goes on.", icon="plot")
        self._rows = ValueRows(self)
        self._pages = QStackedLayout()
        self._table = self._make_table()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.UNIT // 2)
        layout.addLayout(bar)
        layout.addWidget(self._legend)
        layout.addLayout(self._pages, 1)
        self._pages.addWidget(self._empty)  # after the layout has its widget: a stack shows its first page at once
        self._pages.addWidget(self._table)
        self._timer = QTimer(self, singleShot=True, interval=_EVERY_MS)
        self._timer.timeout.connect(self._draw)

    # -- the panel -----------------------------------------------------------------------------------------------

    def on_theme(self) -> None:
        if self._plot is not None:
            self._dress()
        self._draw()

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        if self.bench is None:
            return {}
        return {"csv": functools.partial(self._gauges.write, head=str(self.bench.label()))}

    def outline(self) -> str:
        spec = self._spec()
        if spec is None or self.bench is None:
            return ""
        clock = self.bench.clock_us
        said = ", ".join(f"{curve.name} {say(curve.at(clock))}" for curve in self._gauges.of(spec))
        return f"{spec.title} at {format_us(round(clock))}: {said or 'nothing yet'}."

    def unbind(self) -> None:
        self._timer.stop()
        super().unbind()

    # -- data ----------------------------------------------------------------------------------------------------

    def begin(self, bench: Bench) -> None:
        specs = bench.series
        self._gauges = Gauges(specs)
        self._clear()
        self._rows.show(self._gauges)
        names = [spec.title for spec in specs]
        if names != [self._chooser.itemText(i) for i in range(self._chooser.count())]:
            self._chooser.blockSignals(True)
            self._chooser.clear()
            self._chooser.addItems(names)
            self._chooser.blockSignals(False)
        self._chooser.setVisible(len(specs) > 1)
        self._title.setText(titled(specs[0]) if len(specs) == 1 else "")

    def take(self, step: Step) -> None:
        self._gauges.add(step)

    def read(self, through: bool) -> None:
        if through:
            self._draw()
        elif not self._timer.isActive():
            self._timer.start()

    def _spec(self) -> SeriesSpec | None:
        specs = self.bench.series if self.bench is not None else ()
        index = max(0, self._chooser.currentIndex())
        return specs[index] if index < len(specs) else None

    def _choose(self) -> None:
        self._clear()
        self._draw()

    # -- drawing -------------------------------------------------------------------------------------------------

    def _clear(self) -> None:
        for item in self._items.values():
            self._plot.removeItem(item)
        self._items = {}
        while (taken := self._keys.takeAt(0)) is not None:
            if (widget := taken.widget()) is not None:
                widget.deleteLater()
        self._pages.setCurrentWidget(self._empty)

    def _draw(self) -> None:
        """Bring curves, legend and table up to what was read."""
        spec = self._spec()
        curves = self._gauges.of(spec)[:_MOST] if spec is not None else []
        if not curves:
            return
        self._rows.grow()
        if self._plot is None:
            self._make_plot()
        for curve in curves:
            if curve.name not in self._items:
                self._add_curve(curve)
            self._set(curve)
        self._turn()
        if self.bench is not None:
            self.move_cursor(self.bench)

    def _set(self, curve: Curve) -> None:
        import numpy as np

        times, values = np.array(curve.times) / 1e6, np.array(curve.values)
        if self._smooth.isChecked() and len(values) > 2:
            smoothed = values.copy()
            for index in range(1, len(values)):
                smoothed[index] = smoothed[index - 1] + _SMOOTH * (values[index] - smoothed[index - 1])
            values = smoothed
        last = max(times[-1], self._reader.trace[self._reader.read - 1].at / 1e6)
        self._items[curve.name].setData(np.append(times, last), np.append(values, values[-1]))
        self._items[curve.name].setVisible(curve.name not in self._hidden)

    def _add_curve(self, curve: Curve) -> None:
        import pyqtgraph

        item = pyqtgraph.PlotDataItem(stepMode="right", skipFiniteCheck=True)
        item.setDownsampling(auto=True, method="peak")
        item.setClipToView(True)
        self._items[curve.name] = item
        self._plot.addItem(item)
        key = CurveKey(curve)
        key.toggled.connect(functools.partial(self._on_key, curve.name))
        self._keys.addWidget(key)
        item.setPen(curve_pen(curve))

    def _make_plot(self) -> None:
        import pyqtgraph

        self._plot = pyqtgraph.PlotWidget()
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._plot.setAccessibleName("Plot")
        self._plot.setAccessibleDescription("The same values are in the table")
        self._plot.setFrameShape(QTableView.Shape.NoFrame)
        self._plot.getPlotItem().setMouseEnabled(x=True, y=False)
        self._plot.getPlotItem().setContentsMargins(4, 4, 12, 4)
        self._plot.getAxis("bottom").tickStrings = _times
        self._plot.getAxis("bottom").enableAutoSIPrefix(False)
        self._plot.getAxis("left").enableAutoSIPrefix(False)
        self._cursor = pyqtgraph.InfiniteLine(angle=90)
        self._plot.addItem(self._cursor)
        self._plot.scene().sigMouseClicked.connect(self._on_click)
        self._pages.addWidget(self._plot)
        self._dress()

    def _dress(self) -> None:
        """Put the theme's colours on the plot."""
        t = theme.current()
        self._plot.setBackground(t.surface)
        for side in ("bottom", "left"):
            axis = self._plot.getAxis(side)
            axis.setPen(QColor(t.line))
            axis.setTextPen(QColor(t.muted))
            axis.setStyle(tickFont=self.font(), tickLength=4)
        self._plot.showGrid(x=False, y=True, alpha=0.12)
        self._cursor.setPen(QPen(QColor(t.accent), 0))
        for curve in self._gauges.curves.values():
            if curve.name in self._items:
                self._items[curve.name].setPen(curve_pen(curve))

    def move_cursor(self, bench: Bench) -> None:
        clock = bench.clock_us
        if self._cursor is not None:
            self._cursor.setValue(clock / 1e6)
        for index in range(self._keys.count()):
            item = self._keys.itemAt(index)
            key = item.widget() if item is not None else None
            if isinstance(key, CurveKey):
                key.show_value(clock)

    def _turn(self) -> None:
        """The plot, or its table twin."""
        if self._plot is not None and self._items:
            self._pages.setCurrentWidget(self._table if self._twin.isChecked() else self._plot)

    def _on_key(self, name: str, shown: bool) -> None:
        (self._hidden.discard if shown else self._hidden.add)(name)
        self._items[name].setVisible(shown)

    def _on_click(self, event: Any) -> None:
        """Go to the last step before the place that was clicked."""
        place = self._plot.getPlotItem().vb.mapSceneToView(event.scenePos()).x() * 1e6
        best = max((c.seqs[i] for c in self._gauges.curves.values() if (i := _before(c, place)) >= 0), default=-1)
        if self.bench is not None and best >= 0:
            self.bench.seek(best)

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setModel(self._rows)
        table.setAccessibleName("Values")
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setFrameShape(QTableView.Shape.NoFrame)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        table.verticalHeader().setDefaultSectionSize(max(24, theme.scaled(24)))
        head = table.horizontalHeader()
        head.setStretchLastSection(True)
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column, width in enumerate((64, 96, 200)):
            table.setColumnWidth(column, theme.scaled(width))
        table.activated.connect(self._on_row)
        return table

    def _on_row(self, index: QModelIndex) -> None:
        curve, place = self._gauges.rows[index.row()]
        if self.bench is not None:
            self.bench.seek(curve.seqs[place])


def _before(curve: Curve, clock_us: float) -> int:
    from bisect import bisect_right

    return bisect_right(curve.times, clock_us) - 1


def _times(values: list[float], scale: float, spacing: float) -> list[str]:
    return [format_us(round(value * 1e6)) for value in values]
