"""One plot over time: steps, dots and strokes told apart by more than colour, with a cursor and a chosen place.

pyqtgraph is imported when the first curve is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QPen
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QVBoxLayout, QWidget

from prayog_sdk.qt import theme
from prayog_sim.clock import format_us

__all__ = ["Curve", "TimePlot"]

_DASHES: tuple[list[float], ...] = ([], [6, 3], [2, 3])
_SIGNS = {"step": ("━━", "╍╍", "┅┅"), "dot": ("●", "▲", "■"), "stroke": ("┃", "┃", "┃"), "cross": ("✕", "✕", "✕")}


@dataclass(frozen=True, slots=True)
class Curve:
    """``points``: (seconds, value), or (seconds, low, high) of a stroke.  ``look``: of the cycle, unless ``role`` is
    a colour of the theme."""

    name: str
    kind: Literal["step", "dot", "stroke", "cross"]
    points: Sequence[tuple[float, ...]]
    look: int = 0
    role: Literal["", "bad", "muted", "warn"] = ""

    @property
    def colour(self) -> str:
        """Its colour in the theme."""
        return str(getattr(theme.current(), self.role)) if self.role else theme.hue(self.look)


class TimePlot(QWidget):
    """``clicked``: the place in seconds and in the values' unit, and how much a pixel is worth in both."""

    clicked = Signal(float, float, float, float)

    def __init__(self, title: str, tall: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tall = tall
        self._plot: Any = None
        self._cursor: Any = None
        self._ring: Any = None
        self._chosen: tuple[float, float] | None = None
        self._shown = (1.0, 0.0)
        self._zoomed = False
        self._curves: list[Curve] = []
        self._items: dict[tuple[str, str], Any] = {}
        self._title = QLabel(title)
        self._title.setMinimumWidth(1)
        self._key = QLabel()
        self._key.setTextFormat(Qt.TextFormat.RichText)
        self._key.setWordWrap(True)
        self._key.setProperty("kind", "muted")
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(2)
        self._layout.addWidget(self._title)
        self._layout.addWidget(self._key)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(theme.scaled(tall))
        self.setAccessibleName(title)

    def prepare(self) -> None:
        """Make the plot, still without curves; pyqtgraph is loaded."""
        self._made()

    def set_title(self, title: str) -> None:
        """Another title."""
        self._title.setText(title)
        self.setAccessibleName(title)

    def show_curves(self, curves: Sequence[Curve], seconds: float, highest: float = 0.0) -> None:
        """Draw these and no others, from 0 to `seconds`; what lies above `highest` (if that is given) is cut off.

        A stretch of time that the learner chose with the mouse stays.
        """
        self._shown = seconds, highest
        plot = self._made()
        self._curves = [curve for curve in curves if curve.points]
        wanted = {(curve.name, curve.kind) for curve in self._curves}
        for key in [key for key in self._items if key not in wanted]:
            plot.removeItem(self._items.pop(key))
        for curve in self._curves:
            key = (curve.name, curve.kind)
            if key not in self._items:
                self._items[key] = _item(curve)
                plot.addItem(self._items[key])
            _fill(self._items[key], curve)
        if not self._zoomed:
            plot.setXRange(0, max(seconds, 1e-3), padding=0.02)
        if highest:
            plot.setYRange(0, highest, padding=0.02)
        self._key.setText(" &nbsp;".join(_key(curve) for curve in self._curves))
        self._key.setVisible(bool(self._curves))
        self.setAccessibleDescription("; ".join(f"{curve.name}: {len(curve.points):,}" for curve in self._curves))

    def forget(self) -> None:
        """Another run: all of its time is shown again."""
        self._zoomed = False

    def show_cursor(self, seconds: float) -> None:
        """Where the shown moment is."""
        if self._cursor is not None:
            self._cursor.setValue(seconds)

    def show_chosen(self, place: tuple[float, float] | None) -> None:
        """Put a ring around a place."""
        if self._ring is not None and place != self._chosen:
            self._chosen = place
            self._ring.setData(*([[place[0]], [place[1]]] if place is not None else [[], []]))

    def restyle(self) -> None:
        """The theme or the text size changed."""
        self.setMinimumHeight(theme.scaled(self._tall))
        if self._plot is not None:
            self._dress()
            for item in self._items.values():
                self._plot.removeItem(item)
            self._items = {}
            self.show_curves(self._curves, *self._shown)

    # -- pyqtgraph -----------------------------------------------------------------------------------------------

    def _made(self) -> Any:
        if self._plot is not None:
            return self._plot
        import pyqtgraph

        self._plot = plot = pyqtgraph.PlotWidget()
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.setFrameShape(QFrame.Shape.NoFrame)
        plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the panel has the keys
        plot.getPlotItem().setMouseEnabled(x=True, y=False)
        plot.getPlotItem().setContentsMargins(0, 2, 10, 0)
        plot.getAxis("bottom").tickStrings = _times
        for side in ("bottom", "left"):
            plot.getAxis(side).enableAutoSIPrefix(False)
        plot.getAxis("left").tickStrings = _numbers
        self._cursor = pyqtgraph.InfiniteLine(angle=90)
        self._ring = pyqtgraph.ScatterPlotItem(symbol="o", size=theme.scaled(13), brush=None)
        self._ring.setZValue(20)
        plot.addItem(self._cursor)
        plot.addItem(self._ring)
        plot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        plot.getPlotItem().vb.sigRangeChangedManually.connect(self._on_zoom)
        plot.scene().sigMouseClicked.connect(self._on_click)
        self._layout.addWidget(plot, 1)
        self._dress()
        return plot

    def _dress(self) -> None:
        t = theme.current()
        self._plot.setBackground(t.surface)
        for side in ("bottom", "left"):
            axis = self._plot.getAxis(side)
            axis.setPen(QColor(t.line))
            axis.setTextPen(QColor(t.muted))
            axis.setStyle(tickFont=self.font(), tickLength=4)
        self._plot.getAxis("bottom").setHeight(round(self.fontMetrics().height() * 1.4))
        self._plot.showGrid(x=False, y=True, alpha=0.12)
        self._cursor.setPen(QPen(QColor(t.accent), 0))
        ring = QPen(QColor(t.accent), 2)
        ring.setCosmetic(True)
        self._ring.setPen(ring)

    def _on_zoom(self, _mask: object) -> None:
        self._zoomed = True

    def _on_click(self, event: Any) -> None:
        box = self._plot.getPlotItem().vb
        place = box.mapSceneToView(QPointF(event.scenePos()))
        wide, tall = box.viewPixelSize()
        self.clicked.emit(place.x(), place.y(), wide, tall)


def _item(curve: Curve) -> Any:
    """What draws a curve, still without points."""
    import pyqtgraph

    colour = QColor(curve.colour)
    wide = 1.5 if curve.kind != "stroke" else 3.0 if curve.role else 2.0
    pen = QPen(colour, wide)
    pen.setCosmetic(True)
    if curve.kind == "stroke":
        return pyqtgraph.PlotCurveItem(pen=pen, connect="pairs", skipFiniteCheck=True)
    if curve.kind == "step":
        if dashes := _DASHES[curve.look % len(_DASHES)]:
            pen.setDashPattern(dashes)
        return pyqtgraph.PlotDataItem(pen=pen, stepMode="right", skipFiniteCheck=True)
    symbol = "x" if curve.kind == "cross" else ("o", "t1", "s")[curve.look % 3]
    size = theme.scaled(10 if curve.kind == "cross" else 6)
    item = pyqtgraph.ScatterPlotItem(symbol=symbol, size=size, pen=pen, brush=colour)
    item.setZValue(10)
    return item


def _fill(item: Any, curve: Curve) -> None:
    """Give a curve its points."""
    import numpy as np

    columns = np.array(curve.points, dtype=float).T
    if curve.kind == "stroke":
        times, low, high = columns
        item.setData(np.repeat(times, 2), np.column_stack((low, high)).ravel())
    else:
        item.setData(*columns)


def _key(curve: Curve) -> str:
    sign = _SIGNS[curve.kind][curve.look % 3]
    return f'<span style="color:{curve.colour}">{sign}</span>&nbsp;{curve.name.replace(" ", "&nbsp;")}'


def _times(values: list[float], scale: float, spacing: float) -> list[str]:
    return [format_us(round(value * 1e6)) for value in values]


def _numbers(values: list[float], scale: float, spacing: float) -> list[str]:
    return [f"{value:,.0f}" if spacing >= 1 else f"{value:g}" for value in values]
