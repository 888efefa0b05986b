"""The segments of a comparison as cells: each holds the rows of a stretch of the table; one that differs is marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from prayog_sdk.qt import theme
from prayog_sdk.qt.panel import guarded

__all__ = ["SegmentsView"]


@guarded
class SegmentsView(QWidget):
    """``segments``: [hash at the source, hash at the target, rows, equal]."""

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._segments: Sequence[Sequence[Any]] = ()
        self._at = 0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName("Segments of the table")

    def show_segments(self, segments: Sequence[Sequence[Any]]) -> None:
        """Show these."""
        self._segments = segments
        self._at = next((index for index, one in enumerate(segments) if not one[3]), 0)
        wrong = sum(not one[3] for one in segments)
        self.setAccessibleDescription(f"{len(segments)} segments, {wrong} differ")
        self.updateGeometry()
        self.update()

    def _cell(self) -> int:
        return max(theme.scaled(16), self.fontMetrics().height())

    def _columns(self, width: int) -> int:
        return max(1, width // self._cell())

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        rows = -(-max(1, len(self._segments)) // self._columns(width))
        return min(rows, 8) * self._cell() + 2

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(320), self.heightForWidth(theme.scaled(320)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        columns = self._columns(self.width())
        move = {
            Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1, Qt.Key.Key_Down: columns, Qt.Key.Key_Up: -columns,
        }.get(Qt.Key(event.key()))  # fmt: skip
        if move is None:
            super().keyPressEvent(event)
        else:
            self._choose(self._at + move)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        cell = self._cell()
        column = min(int(event.position().x() // cell), self._columns(self.width()) - 1)
        self._choose(int(event.position().y() // cell) * self._columns(self.width()) + column)

    def _choose(self, index: int) -> None:
        if 0 <= index < len(self._segments):
            self._at = index
            self.update()
            self.chosen.emit(index)

    def paintEvent(self, event: QPaintEvent) -> None:
        colours, cell, columns = theme.current(), self._cell(), self._columns(self.width())
        painter = QPainter(self)
        for index, segment in enumerate(self._segments):
            room = QRectF(index % columns * cell + 1, index // columns * cell + 1, cell - 2, cell - 2)
            good = bool(segment[3])
            painter.fillRect(room, QColor(colours.good_soft if good else colours.bad_soft))
            painter.setPen(QColor(colours.good if good else colours.bad))
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter, "=" if good else "≠")
            if index == self._at and self.hasFocus():
                painter.setPen(QPen(QColor(colours.accent), 2))
                painter.drawRect(room)
        painter.end()
