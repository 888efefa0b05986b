"""The curve explorer: Z-order and Hilbert side by side on one grid, and a window as runs of keys on each.

Drag a window with the mouse, or move and size it with the arrow keys (with Shift: size).
"""

from __future__ import annotations

import functools

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QSpinBox, QVBoxLayout, QWidget

from prayog_location.panels.gathered_panel import GatheredPanel
from prayog_sdk.qt import theme
from prayog_sdk.qt.panel import guarded
from prayog_sim.run import Action

__all__ = ["CurveGrid", "CurvesPanel"]

Window = tuple[int, int, int, int]
MOST_ORDER = 7


@functools.lru_cache(maxsize=2 * MOST_ORDER)
def path(curve: str, order: int) -> tuple[tuple[int, int], ...]:
    """The cells (column, row) of a curve in their order."""
    import numpy as np

    from prayog_location.engine.curves import HILBERT, Z_ORDER

    x, y = (HILBERT if curve == "hilbert" else Z_ORDER).decode(np.arange(4**order), order)
    return tuple(zip(x.tolist(), y.tolist(), strict=True))


@guarded
class CurveGrid(QWidget):
    """One curve on its grid, with a window and the runs in it."""

    chosen = Signal(tuple)
    """A window (x0, y0, x1, y1) was drawn."""

    def __init__(self, curve: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.curve, self._title = curve, title
        self.order = 5
        self.window_cells: Window = (3, 3, 12, 9)
        self.runs: list[list[int]] = []
        self._anchor: tuple[int, int] | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(title)

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(260), theme.scaled(260))

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 120)

    def show_window(self, order: int, window: Window, runs: list[list[int]]) -> None:
        """Show a window of `order` and its runs of keys (first, past the last)."""
        self.order, self.window_cells, self.runs = order, window, runs
        words = f"{len(runs)} runs" if runs else "no window"
        self.setAccessibleDescription(f"columns {window[0]} to {window[2]}, rows {window[1]} to {window[3]}: {words}")
        self.update()

    def _geometry(self) -> tuple[float, float, float]:
        cells = 2**self.order
        side = (min(self.width(), self.height()) - 2.0) / cells
        return side, (self.width() - side * cells) / 2, (self.height() - side * cells) / 2

    def _centre(self, x: int, y: int) -> QPointF:
        side, left, top = self._geometry()
        return QPointF(left + (x + 0.5) * side, top + (2**self.order - y - 0.5) * side)

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = theme.current()
        side, left, top = self._geometry()
        cells = 2**self.order
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(QRectF(left, top, side * cells, side * cells), QColor(colours.surface))
        x0, y0, x1, y1 = self.window_cells
        frame = QRectF(left + x0 * side, top + (cells - y1 - 1) * side, (x1 - x0 + 1) * side, (y1 - y0 + 1) * side)
        painter.fillRect(frame, QColor(colours.accent_soft))
        cells_in_order = path(self.curve, self.order)
        painter.setPen(QPen(QColor(colours.faint), 1.0))
        painter.drawPolyline(QPolygonF([self._centre(x, y) for x, y in cells_in_order]))
        for number, (first, past) in enumerate(self.runs):
            colour = QColor(theme.hue(number))
            pen = QPen(colour, max(2.0, side * 0.28))
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            painter.setPen(pen)
            points = [self._centre(x, y) for x, y in cells_in_order[first:past]]
            if len(points) == 1:
                painter.drawPoint(points[0])
            else:
                painter.drawPolyline(QPolygonF(points))
            if side >= 11:  # the run's number where it begins, so that colour is not the only mark
                painter.setPen(QColor(colours.text))
                painter.drawText(points[0] + QPointF(2, -2), str(number + 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(colours.accent), 2.0))
        painter.drawRect(frame)
        painter.setPen(
            QPen(QColor(colours.accent if self.hasFocus() else colours.edge), 1.5 if self.hasFocus() else 1.0)
        )
        painter.drawRect(QRectF(left, top, side * cells, side * cells))
        painter.end()

    def _cell(self, position: QPointF) -> tuple[int, int]:
        side, left, top = self._geometry()
        last = 2**self.order - 1
        x = int((position.x() - left) // side)
        y = last - int((position.y() - top) // side)
        return min(max(x, 0), last), min(max(y, 0), last)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._anchor = self._cell(event.position())
            self._drag(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._anchor is not None:
            self._drag(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._anchor is not None:
            self._anchor = None
            self.chosen.emit(self.window_cells)

    def _drag(self, position: QPointF) -> None:
        assert self._anchor is not None
        (ax, ay), (bx, by) = self._anchor, self._cell(position)
        self.show_window(self.order, (min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)), [])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {
            Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1),
        }  # fmt: skip
        move = moves.get(Qt.Key(event.key()))
        if move is None:
            super().keyPressEvent(event)
            return
        dx, dy = move
        x0, y0, x1, y1 = self.window_cells
        last = 2**self.order - 1
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            wanted = (x0, y0, min(max(x1 + dx, x0), last), min(max(y1 + dy, y0), last))
        elif x0 + dx >= 0 and x1 + dx <= last and y0 + dy >= 0 and y1 + dy <= last:
            wanted = (x0 + dx, y0 + dy, x1 + dx, y1 + dy)
        else:
            return
        self.chosen.emit(wanted)


class CurvesPanel(GatheredPanel):
    """Both curves, one window, two counts."""

    title = "Curves"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._order = QSpinBox()
        self._order.setRange(1, MOST_ORDER)
        self._order.setValue(5)
        self._order.setPrefix(self.tr("order "))
        self._order.lineEdit().setTextMargins(theme.UNIT, 0, 0, 0)  # the style sheet’s padding does not reach it
        self._order.setAccessibleName(self.tr("Order of the curve"))
        self._order.valueChanged.connect(self._order_changed)
        hint = QLabel(self.tr("Drag a window, or use the arrow keys (with Shift: its size)."))
        hint.setProperty("kind", "muted")
        hint.setWordWrap(True)
        head = QHBoxLayout()
        head.addWidget(self._order)
        head.addWidget(hint, 1)
        grids = QHBoxLayout()
        grids.setSpacing(2 * theme.UNIT)
        self._grids: dict[str, CurveGrid] = {}
        self._counts: dict[str, QLabel] = {}
        for curve, title in (("z", "Z-order"), ("hilbert", "Hilbert")):
            column = QVBoxLayout()
            label = QLabel(title)
            grid = CurveGrid(curve, title)
            grid.chosen.connect(self._ask)
            column.addWidget(label)
            column.addWidget(grid, 1)
            grids.addLayout(column, 1)
            self._grids[curve], self._counts[curve] = grid, label
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*(theme.UNIT,) * 4)
        layout.addLayout(head)
        layout.addLayout(grids, 1)

    def _order_changed(self, order: int) -> None:
        last = 2**order - 1
        window = tuple(min(edge, last) for edge in next(iter(self._grids.values())).window_cells)
        for grid in self._grids.values():
            grid.show_window(order, window, [])
        self._ask(window)

    def _ask(self, window: Window) -> None:
        if self.bench is not None:
            args = dict(zip(("x0", "y0", "x1", "y1"), window, strict=True))
            self.bench.do(Action("ranges", {**args, "order": self._order.value()}))

    def draw(self) -> None:
        window = self._gathered.window
        if window is None:
            return
        self._order.blockSignals(True)
        self._order.setValue(window["order"])
        self._order.blockSignals(False)
        for curve, grid in self._grids.items():
            ranges = self._gathered.ranges.get(curve)
            grid.show_window(window["order"], tuple(window["window"]), ranges["runs"] if ranges else [])
            if ranges:
                text = self.tr("{name}: {n} runs, longest jump {jump}")
                self._counts[curve].setText(
                    text.replace("{name}", ranges["title"]).replace("{n}", str(ranges["count"]))
                    .replace("{jump}", f"{ranges['longest_jump']:.3g}")
                )  # fmt: skip

    def outline(self) -> str:
        return ". ".join(label.text() for label in self._counts.values())
