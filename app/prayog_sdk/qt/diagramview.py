"""The painted part of the space-time panel: the diagram as a pixmap, the cursor over it, pointer and keyboard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from prayog_sdk.qt import picture, theme
from prayog_sdk.qt.diagram import Diagram
from prayog_sdk.qt.lanes import Lanes
from prayog_sdk.qt.panel import Bench
from prayog_sim.clock import format_us
from prayog_sim.lines import line
from prayog_sim.trace import Trace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["DiagramView"]

_NEAR = 12.0  # px around a step that still hit it
_FIRST_PX = 14.0  # px per step when a long trace is first shown
_CLOSEST = 0.05  # µs per px
_AHEAD = 0.85  # where the cursor is kept while it runs on


class DiagramView(QWidget):
    """The painted part: a pixmap of the diagram, and the cursor over it."""

    sought = Signal(int)
    panned = Signal()
    """The learner moved the picture by hand."""
    toggled = Signal(str)
    """A key of one of the panel's switches."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.bench: Bench | None = None
        self.trace = Trace()
        self.diagram = Diagram(Lanes())
        self._picture: QPixmap | None = None
        self._placed = False  # the first part of a new trace was brought into view
        self._cursor = 0.0
        self._at = -1
        self._press: QPointF | None = None
        self._start = 0.0
        self._moved = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(240, 120)
        self.setAccessibleName("Space-time diagram")
        self.setAccessibleDescription("The event table shows the same steps in words")

    def sizeHint(self) -> QSize:
        return QSize(720, 280)

    def show_trace(self, bench: Bench, names: list[str]) -> None:
        self.bench, self.trace, self._placed = bench, bench.trace, False
        self.diagram.lanes, self.diagram.cone = Lanes(names), None
        self.diagram.chosen = bench.selection
        self.refresh()

    def grown(self, through: bool) -> None:
        """More steps were read."""
        if not self._placed and (through or len(self.diagram.lanes) > 2_000):
            self._placed = True
            self._place()
        self.refresh()

    def refresh(self) -> None:
        self._picture = None
        self.update()

    def set_upright(self, on: bool) -> None:
        middle = self.diagram.start + self.diagram.along * self.diagram.scale / 2
        self.diagram.upright = on
        self.diagram.start = middle - self.diagram.along * self.diagram.scale / 2
        self.refresh()

    def set_cone(self, side: NDArray[np.int8] | None) -> None:
        self.diagram.cone = side
        self.refresh()

    def set_cursor(self, clock_us: float, at: int, *, follow: bool) -> None:
        """The moment that is shown; with `follow` the picture goes along."""
        self._cursor, self._at = clock_us, at
        along = (clock_us - self.diagram.start) / self.diagram.scale
        if follow and self._placed and not 0 <= along <= self.diagram.along * _AHEAD + 1:
            to = _AHEAD if along > 0 else 1 - _AHEAD
            self.diagram.start = max(0.0, clock_us - self.diagram.along * to * self.diagram.scale)
            self._picture = None
        self.update()

    def fit(self) -> None:
        """Show everything."""
        lanes = self.diagram.lanes
        last = lanes.time(len(lanes) - 1) if len(lanes) else 1_000
        first = lanes.time(0) if len(lanes) else 0
        room = self.diagram.along * 0.96
        self.diagram.scale = max(_CLOSEST, (last - first) / room)
        self.diagram.start = first - self.diagram.along * 0.02 * self.diagram.scale
        self.refresh()

    def zoom(self, factor: float, about: QPointF | None = None) -> None:
        """`factor` above 1 shows more time; what is at `about` (the cursor, when None) stays there."""
        d = self.diagram
        anchor = self._cursor if about is None else d.time_at(about.x(), about.y())
        lanes = d.lanes
        whole = max(1_000, lanes.time(len(lanes) - 1)) if len(lanes) else 1_000
        scale = min(max(d.scale * factor, _CLOSEST), 4 * whole / d.along)
        d.start = anchor - (anchor - d.start) * scale / d.scale
        d.scale = scale
        self.refresh()

    def pan(self, px: float) -> None:
        self.diagram.start += px * self.diagram.scale
        self.panned.emit()
        self.refresh()

    def outline(self) -> str:
        d = self.diagram
        until = d.start + d.along * d.scale
        times = f"{format_us(max(0, round(d.start)))} to {format_us(round(until))}"
        said = [f"Steps of {len(d.lanes.names)} lanes from {times}."]
        if 0 <= self._at < len(self.trace):
            said.append(f"Shown: {line(self.trace[self._at])}.")
        return " ".join(said)

    def save_svg(self, to: Path) -> None:
        self.diagram.vector = True
        picture.save_svg(to, self.size(), self._paint_for_file, "Space-time diagram", self.outline())
        self.diagram.vector = False

    def save_png(self, to: Path) -> None:
        picture.save_png(to, self.size(), self._paint_for_file)

    def _paint_for_file(self, painter: QPainter) -> None:
        self.diagram.paint(painter, self.width(), self.height())
        self._paint_cursor(painter)
        if self.bench is not None:
            picture.sign(painter, self.size(), str(self.bench.label()))

    def paintEvent(self, event: QPaintEvent) -> None:
        scale = self.devicePixelRatioF()
        if self._picture is None or self._picture.devicePixelRatio() != scale:
            self._picture = QPixmap(round(self.width() * scale), round(self.height() * scale))
            self._picture.setDevicePixelRatio(scale)
            painter = QPainter(self._picture)
            self.diagram.paint(painter, self.width(), self.height())
            painter.end()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._picture)
        self._paint_cursor(painter)
        if self.hasFocus():
            painter.setPen(QPen(QColor(theme.current().accent), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(self.rect()).adjusted(1, 1, -1, -1))

    def _paint_cursor(self, painter: QPainter) -> None:
        """The shown moment, and the shown step."""
        d, t = self.diagram, theme.current()
        along = (self._cursor - d.start) / d.scale
        if 0 <= along <= d.along:
            top, bottom = d.point(self._cursor, -0.5), d.point(self._cursor, len(d.lanes.names) - 0.5)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(t.accent), 1.5))
            painter.drawLine(top, bottom)
            painter.setBrush(QColor(t.accent))
            tip = QPolygonF([top, top + QPointF(-5, -7), top + QPointF(5, -7)])
            if d.upright:
                tip = QPolygonF([top, top + QPointF(-7, -5), top + QPointF(-7, 5)])
            painter.drawPolygon(tip)
        if 0 <= self._at < len(d.lanes):
            place = d.point(d.lanes.time(self._at), d.lanes.lane(self.trace[self._at].node))
            if QRectF(QPointF(), QSizeF(self.size())).contains(place):
                painter.setPen(QPen(QColor(t.accent), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawEllipse(place, 8, 8)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.diagram.width, self.diagram.height = self.width(), self.height()
        self.refresh()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self.refresh()

    def _place(self) -> None:
        """Show a short trace whole, and of a long one the part around the shown moment."""
        lanes = self.diagram.lanes
        count = len(lanes)
        self.diagram.width, self.diagram.height = self.width(), self.height()
        if count * _FIRST_PX / max(1, len(lanes.names)) <= self.diagram.along * 2:
            self.fit()
            return
        span = max(1, lanes.time(count - 1) - lanes.time(0))
        self.diagram.scale = max(_CLOSEST, span / (count * _FIRST_PX / len(lanes.names)))
        self.diagram.start = max(0.0, self._cursor - self.diagram.along * _AHEAD * self.diagram.scale)

    # -- hands -----------------------------------------------------------------------------------------------------

    def hit(self, point: QPointF) -> int:
        """The step nearest to `point`, within a few px; -1 when there is none."""
        import numpy as np

        d = self.diagram
        if not len(d.lanes):
            return -1
        columns, lane = d.lanes.columns(), d.lane_at(point.x(), point.y())
        at = d.time_at(point.x(), point.y())
        first, last = np.searchsorted(columns.at, (at - _NEAR * d.scale, at + _NEAR * d.scale))
        mine = np.nonzero(columns.lane[first:last] == lane)[0]
        if not len(mine):
            return -1
        return int(first + mine[np.argmin(np.abs(columns.at[first + mine] - at))])

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._press, self._start, self._moved = event.position(), self.diagram.start, False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._press is None:
            over = self.hit(event.position()) >= 0
            self.setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)
            return
        way = event.position() - self._press
        if self._moved or way.manhattanLength() >= 4:
            self._moved = True
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            self.diagram.start = self._start - (way.y() if self.diagram.upright else way.x()) * self.diagram.scale
            self.panned.emit()
            self.refresh()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._press is not None and not self._moved and event.button() == Qt.MouseButton.LeftButton:
            seq = self.hit(event.position())
            if seq >= 0:
                self.sought.emit(seq)
        self._press = None

    def wheelEvent(self, event: QWheelEvent) -> None:
        turn = event.angleDelta()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier or abs(turn.x()) > abs(turn.y()):
            self.pan(-(turn.x() or turn.y()))
        else:
            self.zoom(0.999 ** turn.y(), event.position())
        event.accept()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            seq = self.hit(QPointF(event.pos()))
            words = f"{format_us(self.trace[seq].at)}  {line(self.trace[seq])}" if seq >= 0 else ""
            QToolTip.showText(event.globalPos(), words, self, QRect(event.pos(), QSize(1, 1)))
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, shift = event.key(), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        ahead = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(key), 0)
        down = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(key), 0)
        if self.diagram.upright:
            ahead, down = down, ahead
        if ahead and shift:
            self.pan(ahead * self.diagram.along / 8)
        elif ahead or down:
            self._walk(ahead, down)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(1 / 1.5)
        elif key == Qt.Key.Key_Minus:
            self.zoom(1.5)
        elif key == Qt.Key.Key_0:
            self.fit()
        elif event.text().upper() in ("C", "T") and not event.modifiers():
            self.toggled.emit(event.text().upper())
        else:
            super().keyPressEvent(event)

    def _walk(self, ahead: int, down: int) -> None:
        """To the next step of the lane, or to the nearest one of the next lane."""
        import numpy as np

        d = self.diagram
        if not len(d.lanes):
            return
        columns, here = d.lanes.columns(), max(0, min(self._at, len(d.lanes) - 1))
        lane = int(columns.lane[here])
        if ahead:
            mine = np.nonzero(columns.lane == lane)[0]
            index = int(np.searchsorted(mine, here)) + ahead
            if 0 <= index < len(mine):
                self.sought.emit(int(mine[index]))
            return
        mine = np.nonzero(columns.lane == lane + down)[0]
        if len(mine):
            index = min(int(np.searchsorted(columns.at[mine], columns.at[here])), len(mine) - 1)
            self.sought.emit(int(mine[index]))
