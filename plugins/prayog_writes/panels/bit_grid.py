"""The bits of a filter as a grid, with the places that one key asks for marked in their order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from prayog_sdk.qt import theme
from prayog_sdk.qt.panel import guarded

__all__ = ["BitGrid"]


@guarded
class BitGrid(QWidget):
    """Set bits are filled.  A place that was asked for is a ring where the bit is set, and a cross where it is not."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bits: Any = None
        self._asked: Sequence[int] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(name)

    def sizeHint(self) -> QSize:
        return self.minimumSizeHint()

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(160), theme.scaled(130))

    def show_bits(self, bits: Any, asked: Sequence[int]) -> None:
        """`bits`: a one-dimensional numpy array of bool."""
        self._bits, self._asked = bits, asked
        said = f"{len(bits):,} bits, {int(bits.sum()):,} set"
        marked = ", ".join(f"{place:,} {'set' if bits[place] else 'not set'}" for place in asked)
        self.setAccessibleDescription(f"{said}. {marked}".rstrip(". "))
        self.update()

    def _columns(self) -> int:
        wide, high = max(1, self.width()), max(1, self.height())
        return max(1, min(len(self._bits), math.ceil(math.sqrt(len(self._bits) * wide / high))))

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._bits is None or not len(self._bits):
            return
        import numpy as np

        colours = theme.current()
        columns = self._columns()
        rows = -(-len(self._bits) // columns)
        side = min((self.width() - 2) / columns, (self.height() - 2) / rows)
        cells = np.full(rows * columns, 2, np.uint8)
        cells[: len(self._bits)] = self._bits
        stride = -(-columns // 4) * 4  # a QImage wants lines of whole words
        padded = np.full((rows, stride), 2, np.uint8)
        padded[:, :columns] = cells.reshape(rows, columns)
        image = QImage(padded.tobytes(), columns, rows, stride, QImage.Format.Format_Indexed8)
        empty, full, beyond = QColor(colours.raised), QColor(theme.hue(0)), QColor(0, 0, 0, 0)
        image.setColorTable([empty.rgba(), full.rgba(), beyond.rgba()])
        painter = QPainter(self)
        frame = QRectF(1, 1, side * columns, side * rows)
        painter.drawImage(frame, image)
        if side >= 6:
            painter.setPen(QPen(QColor(colours.surface), 1.0))
            for column in range(columns + 1):
                painter.drawLine(round(1 + column * side), 1, round(1 + column * side), round(frame.bottom()))
            for row in range(rows + 1):
                painter.drawLine(1, round(1 + row * side), round(frame.right()), round(1 + row * side))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for turn, place in enumerate(self._asked, 1):
            self._mark(painter, turn, QRectF(1 + place % columns * side, 1 + place // columns * side, side, side),
                       bool(self._bits[place]))  # fmt: skip
        painter.end()

    def _mark(self, painter: QPainter, turn: int, cell: QRectF, is_set: bool) -> None:
        colours = theme.current()
        area = QRectF(cell)
        if area.width() < 12:
            area = QRectF(cell.center().x() - 6, cell.center().y() - 6, 12, 12)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(colours.text if is_set else colours.bad), 2.0))
        if is_set:
            painter.drawEllipse(area.adjusted(1, 1, -1, -1))
        else:
            painter.drawLine(area.topLeft(), area.bottomRight())
            painter.drawLine(area.bottomLeft(), area.topRight())
        if area.width() >= self.fontMetrics().height():
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, str(turn))
