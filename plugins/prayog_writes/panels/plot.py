"""A small plot of curves that are told apart by letter and dashes, with thresholds, a band of theory and a cursor.

pyqtgraph is imported when the first curve is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QPen
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QVBoxLayout, QWidget

from prayog_sdk.qt import theme

__all__ = ["Curve", "Plot", "legend"]

_DASHES: tuple[list[float], ...] = ([], [6, 3], [2, 3])


@dataclass(frozen=True, slots=True)
class Curve:
    """``points``: (x, y) by rising x.  ``look``: colour and dashes of the cycle.  ``dots``: single measurements."""

    name: str
    letter: str
    points: Sequence[tuple[float, float]]
    look: int = 0
    dots: bool = False


class Plot(QWidget):
    """Curves under a title.  A click gives the x of its place.

    ``across``: what x is; empty when it stands elsewhere, as the legend then does too.  ``log``: y grows tenfold.
    """

    clicked = Signal(float)

    def __init__(self, title: str, across: str, *, log: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._across, self._log = across, log
        self._plot: Any = None
        self._cursor: Any = None
        self._drawn: list[Any] = []
        self._pens: list[tuple[Any, int, bool]] = []
        self._marks: list[Any] = []
        self._title = QLabel(title)
        self._title.setMinimumWidth(1)  # a long title is cut, it never makes the plot wider
        self._key = QLabel()
        self._key.setTextFormat(Qt.TextFormat.RichText)
        self._key.setWordWrap(True)
        self._key.setProperty("kind", "muted")
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(2)
        self._layout.addWidget(self._title)
        if across:
            self._layout.addWidget(self._key)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(theme.scaled(130))
        self.setAccessibleName(title)

    def set_title(self, title: str) -> None:
        """Another title."""
        if title != self._title.text():
            self._title.setText(title)
            self._title.setToolTip(title)
            self.setAccessibleName(title)

    def show_curves(
        self, curves: Sequence[Curve], *, lines: Sequence[tuple[float, str]] = (),
        band: Sequence[tuple[float, float, float]] = (),
    ) -> None:  # fmt: skip
        """Draw `curves`.  ``lines``: thresholds (y, words).  ``band``: (x, low, high), filled between."""
        plot = self._made()
        for item in (*self._drawn, *self._marks):
            plot.removeItem(item)
        self._drawn, self._pens, self._marks = [], [], []
        if band:
            self._add_band(band)
        for curve in curves:
            self._add_curve(curve)
        highest = max((y for y, _ in lines), default=0.0)
        for turn, (y, words) in enumerate(lines):
            self._add_line(y, words, 0.02 + turn / (len(lines) + 1), below=y == highest)
        self._key.setText(legend(curves))
        self.setAccessibleDescription("; ".join(_spoken(curve) for curve in curves if curve.points))

    def show_cursor(self, x: float | None) -> None:
        """Where the shown moment is."""
        if self._cursor is not None:
            self._cursor.setVisible(x is not None)
            if x is not None:
                self._cursor.setValue(x)

    def restyle(self) -> None:
        """The theme or the text size changed."""
        self.setMinimumHeight(theme.scaled(130))
        if self._plot is not None:
            self._dress()

    # -- pyqtgraph -----------------------------------------------------------------------------------------------

    def _made(self) -> Any:
        if self._plot is None:
            import pyqtgraph

            self._plot = plot = pyqtgraph.PlotWidget()
            plot.setMenuEnabled(False)
            plot.hideButtons()
            plot.setFrameShape(QFrame.Shape.NoFrame)
            plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the table or slider beside it has the same by keyboard
            plot.getPlotItem().setMouseEnabled(x=False, y=False)
            plot.getPlotItem().setContentsMargins(0, 2, 8, 0)
            plot.getAxis("bottom").enableAutoSIPrefix(False)
            plot.getAxis("left").enableAutoSIPrefix(False)
            plot.setLogMode(y=self._log)
            self._cursor = pyqtgraph.InfiniteLine(angle=90)
            self._cursor.setVisible(False)
            plot.addItem(self._cursor)
            plot.scene().sigMouseClicked.connect(self._on_click)
            self._layout.insertWidget(1, plot, 1)
            self._dress()
        return self._plot

    def _dress(self) -> None:
        t = theme.current()
        self._plot.setBackground(t.surface)
        for side in ("bottom", "left"):
            axis = self._plot.getAxis(side)
            axis.setPen(QColor(t.line))
            axis.setTextPen(QColor(t.muted))
            axis.setStyle(tickFont=self.font(), tickLength=4)
        line = self.fontMetrics().height()
        self._plot.getAxis("bottom").setHeight(round(line * (2.4 if self._across else 1.3)))
        if self._across:
            self._plot.setLabel("bottom", self._across, color=t.muted, **{"font-size": f"{theme.body_points():.1f}pt"})
        self._plot.showGrid(x=False, y=True, alpha=0.12)
        self._cursor.setPen(QPen(QColor(t.accent), 0))
        for item, look, dots in self._pens:
            _pen(item, look, dots)
        for mark in self._marks:
            mark.setPen(QPen(QColor(t.warn), 0, Qt.PenStyle.DashLine))
            mark.label.setColor(QColor(t.warn))

    def _add_curve(self, curve: Curve) -> None:
        import pyqtgraph

        xs, ys = [x for x, _ in curve.points], [y for _, y in curve.points]
        item = pyqtgraph.PlotDataItem(xs, ys, skipFiniteCheck=True)
        self._plot.addItem(item)
        self._drawn.append(item)
        self._pens.append((item, curve.look, curve.dots))
        _pen(item, curve.look, curve.dots)

    def _add_line(self, y: float, words: str, place: float, below: bool) -> None:
        import pyqtgraph

        t = theme.current()
        mark = pyqtgraph.InfiniteLine(
            y, 0, QPen(QColor(t.warn), 0, Qt.PenStyle.DashLine), label=words,
            labelOpts={"color": t.warn, "position": place, "anchors": [(0, 0 if below else 1)] * 2},
        )  # fmt: skip
        self._plot.addItem(mark)
        self._marks.append(mark)

    def _add_band(self, band: Sequence[tuple[float, float, float]]) -> None:
        import pyqtgraph

        xs = [x for x, _, _ in band]
        low = pyqtgraph.PlotCurveItem(xs, [y for _, y, _ in band], pen=None)
        high = pyqtgraph.PlotCurveItem(xs, [y for _, _, y in band], pen=None)
        ground = QColor(theme.current().faint)
        ground.setAlphaF(0.35)
        fill = pyqtgraph.FillBetweenItem(low, high, brush=ground)
        fill.setZValue(-10)
        for item in (low, high, fill):
            self._plot.addItem(item)
            self._drawn.append(item)

    def _on_click(self, event: Any) -> None:
        self.clicked.emit(self._plot.getPlotItem().vb.mapSceneToView(QPointF(event.scenePos())).x())


def _pen(item: Any, look: int, dots: bool) -> None:
    colour = QColor(theme.hue(look))
    if dots:
        item.setPen(None)
        item.setSymbol("o")
        item.setSymbolSize(7)
        item.setSymbolPen(QPen(colour, 0))
        item.setSymbolBrush(colour)
        return
    pen = QPen(colour, 2.0)
    pen.setCosmetic(True)
    if dashes := _DASHES[look % len(_DASHES)]:
        pen.setDashPattern(dashes)
    item.setPen(pen)


def legend(curves: Sequence[Curve]) -> str:
    """All of `curves`, as rich text."""
    return " &nbsp; ".join(_key(curve) for curve in curves)


def _key(curve: Curve) -> str:
    """A curve in the legend: a piece of its line, its letter, its name and its last value."""
    sign = "●" if curve.dots else ("━━", "╍╍", "┅┅")[curve.look % 3]
    last = f" {curve.points[-1][1]:.2f}" if curve.points and not curve.dots else ""
    return f'<span style="color:{theme.hue(curve.look)}">{sign}</span> {curve.letter} {curve.name}{last}'


def _spoken(curve: Curve) -> str:
    return f"{curve.name}: {curve.points[0][1]:.2f} to {curve.points[-1][1]:.2f}"
