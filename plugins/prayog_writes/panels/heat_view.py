"""One heat map: time to the right, keys upwards, darker is more; the sum of each key range as a bar at the right."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from prayog_sdk.qt import theme
from prayog_sdk.qt.panel import guarded

__all__ = ["HeatView"]

_STEPS = 64  # of colour


@guarded
class HeatView(QWidget):
    """Shows a matrix of counts (rows: key ranges, the lowest first).  A cell is pointed at by mouse or arrow keys."""

    pointed = Signal(int, int)
    """Row and column under the pointer; −1, −1: none."""
    chosen = Signal(int)
    """A column was clicked, or Enter pressed on it."""

    def __init__(self, title: str, look: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title, self._look = title, look
        self._counts: Any = None
        self._cell = (-1, -1)
        self._cursor = -1
        self._low = self._high = ""
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(title)

    def sizeHint(self) -> QSize:
        return self.minimumSizeHint()

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(180), theme.scaled(160))

    def show_counts(self, counts: Any, low: str, high: str) -> None:
        """`counts`: a numpy matrix; `low` and `high`: the first and last key of the axis."""
        self._counts, self._low, self._high = counts, low, high
        rows, columns = counts.shape
        if not (self._cell[0] < rows and self._cell[1] < columns):
            self._cell = (-1, -1)
        hottest = int(counts.sum(axis=1).argmax()) if counts.size else 0
        words = self.tr("{n} in {r} key ranges and {c} portions; the hottest range is number {h}, counted from below")
        self.setAccessibleDescription(words.format(n=f"{int(counts.sum()):,}", r=rows, c=columns, h=hottest + 1))
        self.update()

    def show_cursor(self, column: int) -> None:
        """The column of the shown moment; −1: none."""
        if column != self._cursor:
            self._cursor = column
            self.update()

    # -- drawing -------------------------------------------------------------------------------------------------

    def _frame(self) -> QRectF:
        line, bars = self.fontMetrics().height(), theme.scaled(36)
        return QRectF(1, line + 2, max(10, self.width() - bars - 2), max(10, self.height() - 2 * line - 6))

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = theme.current()
        painter = QPainter(self)
        metrics, frame = self.fontMetrics(), self._frame()
        painter.setPen(QColor(colours.text))
        painter.drawText(QRectF(0, 0, self.width(), metrics.height()), Qt.AlignmentFlag.AlignLeft, self._title)
        painter.fillRect(frame, QColor(colours.surface))
        if self._counts is not None and self._counts.size:
            self._paint_heat(painter, frame)
            self._paint_sums(painter, frame)
            self._paint_marks(painter, frame)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(
            QPen(QColor(colours.accent if self.hasFocus() else colours.line), 2.0 if self.hasFocus() else 1.0)
        )
        painter.drawRect(frame)
        painter.setPen(QColor(colours.muted))
        foot = QRectF(0, frame.bottom() + 2, self.width(), metrics.height() + 2)
        painter.drawText(
            foot, Qt.AlignmentFlag.AlignLeft, self.tr("keys {a} … {b}, upwards").format(a=self._low, b=self._high)
        )
        painter.end()

    def _paint_heat(self, painter: QPainter, frame: QRectF) -> None:
        import numpy as np

        counts = self._counts
        rows, columns = counts.shape
        most = max(1.0, math.log1p(float(counts.max())))
        shade = np.ceil(np.log1p(counts) / most * (_STEPS - 1)).astype(np.uint8)[::-1]
        stride = -(-columns // 4) * 4  # a QImage wants lines of whole words
        padded = np.zeros((rows, stride), np.uint8)
        padded[:, :columns] = shade
        image = QImage(padded.tobytes(), columns, rows, stride, QImage.Format.Format_Indexed8)
        image.setColorTable([self._colour(step / (_STEPS - 1)).rgba() for step in range(_STEPS)])
        painter.drawImage(frame, image)

    def _colour(self, share: float) -> QColor:
        """From the ground, over the hue, to the colour of text."""
        colours = theme.current()
        stops = (QColor(colours.surface), QColor(theme.hue(self._look)), QColor(colours.text))
        place = share * 1.6
        low, high, part = (stops[0], stops[1], place) if place < 1 else (stops[1], stops[2], place - 1)
        red, green, blue = (
            round(a + (b - a) * part)
            for a, b in ((low.red(), high.red()), (low.green(), high.green()), (low.blue(), high.blue()))
        )
        return QColor(red, green, blue)

    def _paint_sums(self, painter: QPainter, frame: QRectF) -> None:
        sums = self._counts.sum(axis=1)
        most, tall = max(1, int(sums.max())), frame.height() / len(sums)
        room = self.width() - frame.right() - 4
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.hue(self._look)))
        for row, total in enumerate(sums.tolist()):
            wide = room * total / most
            painter.drawRect(QRectF(frame.right() + 3, frame.bottom() - (row + 1) * tall, wide, max(1.0, tall - 1)))

    def _paint_marks(self, painter: QPainter, frame: QRectF) -> None:
        rows, columns = self._counts.shape
        if self._cursor >= 0:
            x = frame.left() + frame.width() * (self._cursor + 1) / columns
            painter.setPen(QPen(QColor(theme.current().accent), 1.5))
            painter.drawLine(QPointF(x, frame.top()), QPointF(x, frame.bottom()))
        row, column = self._cell
        if row >= 0:
            wide, tall = frame.width() / columns, frame.height() / rows
            cell = QRectF(frame.left() + column * wide, frame.bottom() - (row + 1) * tall, wide, tall)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(theme.current().text), 2.0))
            painter.drawRect(cell.adjusted(-1, -1, 1, 1))

    # -- pointing ------------------------------------------------------------------------------------------------

    def _at(self, place: QPointF) -> tuple[int, int]:
        frame = self._frame()
        if self._counts is None or not self._counts.size or not frame.contains(place):
            return -1, -1
        rows, columns = self._counts.shape
        row = int((frame.bottom() - place.y()) / frame.height() * rows)
        column = int((place.x() - frame.left()) / frame.width() * columns)
        return min(row, rows - 1), min(column, columns - 1)

    def _point(self, cell: tuple[int, int]) -> None:
        if cell != self._cell:
            self._cell = cell
            self.pointed.emit(*cell)
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point(self._at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        if not self.hasFocus():
            self._point((-1, -1))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        cell = self._at(event.position())
        if cell[1] >= 0:
            self._point(cell)
            self.chosen.emit(cell[1])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {
            Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (1, 0), Qt.Key.Key_Down: (-1, 0),
        }  # fmt: skip
        key = Qt.Key(event.key())
        if self._counts is None or not self._counts.size or key not in (*moves, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            super().keyPressEvent(event)
            return
        rows, columns = self._counts.shape
        row, column = self._cell
        if key not in moves:
            if column >= 0:
                self.chosen.emit(column)
            return
        up, right = moves[key]
        self._point((min(max(row + up, 0), rows - 1), min(max(column + right, 0), columns - 1)))
