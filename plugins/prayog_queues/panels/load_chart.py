"""Curves of the load: what stood there beside what Little's law says, and end-to-end times."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from prayog_queues.engine.queueing import Now
from prayog_sdk.qt import theme
from prayog_sdk.qt.panel import guarded
from prayog_sim.clock import format_us

__all__ = ["LoadChart"]

_MOST = 800  # points drawn in a lane
_DASHES: tuple[list[float], ...] = ([], [5, 3], [2, 2])
Curve = tuple[str, Callable[[Now], float]]


@guarded
class LoadChart(QWidget):
    """Two lanes over one time axis."""

    clicked = Signal(float)
    """A moment was chosen, in µs."""

    def __init__(self, lanes: Sequence[tuple[str, str, Sequence[Curve]]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lanes = lanes
        self._course: list[Now] = []
        self._clock = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(theme.scaled(190))
        self.setAccessibleName(self.tr("Load over time"))

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(480), theme.scaled(240))

    def show_course(self, course: list[Now], clock: float) -> None:
        self._course, self._clock = course, clock
        self.update()

    def _left(self) -> float:
        return QFontMetricsF(theme.font(0.85)).horizontalAdvance("00,000") + 10

    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(t.surface))
        line = QFontMetricsF(theme.font()).height()
        foot = line
        high = (self.height() - foot) / len(self._lanes)
        for i, (title, unit, curves) in enumerate(self._lanes):
            self._lane(painter, QRectF(0, i * high, self.width(), high), title, unit, curves)
        if self._course:
            painter.setPen(QColor(t.muted))
            painter.setFont(theme.font(0.85))
            axis = QRectF(self._left(), self.height() - foot, self.width() - self._left() - 8, foot)
            painter.drawText(axis, Qt.AlignmentFlag.AlignLeft, "0")
            painter.drawText(axis, Qt.AlignmentFlag.AlignRight, format_us(self._course[-1].at))
        painter.end()

    def _lane(self, painter: QPainter, lane: QRectF, title: str, unit: str, curves: Sequence[Curve]) -> None:
        t = theme.current()
        line = QFontMetricsF(theme.font()).height()
        plot = QRectF(self._left(), lane.top() + line + 4, lane.width() - self._left() - 8, lane.height() - line - 10)
        course = self._course[:: max(1, len(self._course) // _MOST)]
        top = max([1.0, *(value(now) for _, value in curves for now in course)])
        end = max(self._course[-1].at if self._course else 1, 1)
        painter.setPen(QPen(QColor(t.line), 1))
        painter.drawLine(plot.bottomLeft(), plot.bottomRight())
        painter.drawLine(plot.topLeft(), plot.topRight())
        painter.setFont(theme.font(0.85))
        painter.setPen(QColor(t.muted))
        scale = QRectF(0, plot.top() - line / 2, self._left() - 6, line)
        painter.drawText(scale, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{top:,.0f}")
        x = self._left()
        head = f"{title} ({unit})" if unit else title
        painter.setPen(QColor(t.text))
        painter.drawText(QPointF(x, lane.top() + line), head)
        x += QFontMetricsF(painter.font()).horizontalAdvance(head) + 16
        for i, (name, value) in enumerate(curves):
            pen = QPen(QColor(theme.hue(i)), 2)
            if _DASHES[i % 3]:
                pen.setDashPattern(_DASHES[i % 3])
            painter.setPen(pen)
            painter.drawLine(QPointF(x, lane.top() + line * 0.7), QPointF(x + 22, lane.top() + line * 0.7))
            painter.setPen(QColor(t.muted))
            painter.drawText(QPointF(x + 26, lane.top() + line), name)
            x += 26 + QFontMetricsF(painter.font()).horizontalAdvance(name) + 14
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            points = [
                QPointF(plot.left() + plot.width() * now.at / end, plot.bottom() - plot.height() * value(now) / top)
                for now in course
                if value(now) >= 0
            ]
            painter.drawPolyline(QPolygonF(points))
        cursor = plot.left() + plot.width() * min(1.0, self._clock / end)
        painter.setPen(QPen(QColor(t.accent), 1))
        painter.drawLine(QPointF(cursor, plot.top()), QPointF(cursor, plot.bottom()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._course:
            share = (event.position().x() - self._left()) / max(1.0, self.width() - self._left() - 8)
            self.clicked.emit(min(1.0, max(0.0, share)) * self._course[-1].at)
