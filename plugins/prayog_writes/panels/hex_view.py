"""The bytes of a file: address, hexadecimal and letters; one byte is chosen with the mouse or the arrow keys.

Records have changing grounds, a bar stands where a record begins, and what cannot be read is crossed out.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QWidget

from prayog_sdk.qt import theme
from prayog_sdk.qt.panel import guarded
from prayog_writes.panels.logmap import Part, part_at

__all__ = ["HexView"]

_WIDE = (32, 16, 8, 4)


@guarded
class HexView(QAbstractScrollArea):
    """``chosen``: the byte."""

    moved = Signal(int)
    """Another byte was chosen."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.chosen = 0
        self._data = b""
        self._parts: Sequence[Part] = ()
        self._columns = 8
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(name)
        self.restyle()

    def sizeHint(self) -> QSize:
        return QSize(round(self._letter * self._letters(8)) + 40, theme.scaled(160))

    def minimumSizeHint(self) -> QSize:
        return QSize(round(self._letter * self._letters(4)) + 40, theme.scaled(110))

    def restyle(self) -> None:
        """The theme or the text size changed."""
        self.setFont(theme.mono())
        metrics = QFontMetricsF(self.font())
        self._letter, self._line = metrics.horizontalAdvance("0"), metrics.lineSpacing() + 2
        self._measure()

    def show_bytes(self, data: bytes, parts: Sequence[Part]) -> None:
        """Show `data`, which consists of `parts`; the chosen byte is kept when it is still there."""
        self._data, self._parts = data, parts
        self._measure()
        self.choose(min(self.chosen, max(0, len(data) - 1)), loud=False)

    def choose(self, byte: int, loud: bool = True) -> None:
        """Choose `byte` and bring it into sight."""
        byte = min(max(byte, 0), max(0, len(self._data) - 1))
        changed, self.chosen = byte != self.chosen, byte
        row, bar = byte // self._columns, self.verticalScrollBar()
        shown = max(1, int(self.viewport().height() // self._line))
        if row < bar.value():
            bar.setValue(row)
        elif row >= bar.value() + shown:
            bar.setValue(row - shown + 1)
        self.viewport().update()
        if changed and loud:
            self.moved.emit(byte)

    @staticmethod
    def _letters(columns: int) -> int:
        """Letters in a line of `columns` bytes."""
        return 7 + 4 * columns + 1

    def _measure(self) -> None:
        room = (self.viewport().width() - theme.UNIT) / self._letter
        self._columns = next((n for n in _WIDE if self._letters(n) <= room), _WIDE[-1])
        rows = -(-len(self._data) // self._columns)
        shown = max(1, int(self.viewport().height() // self._line))
        bar = self.verticalScrollBar()
        bar.setRange(0, max(0, rows - shown))
        bar.setPageStep(shown)
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._measure()

    # -- drawing -------------------------------------------------------------------------------------------------

    def _cell(self, byte: int) -> QRectF:
        """The two hexadecimal digits of `byte`, in the viewport."""
        row, column = divmod(byte, self._columns)
        x = theme.UNIT / 2 + self._letter * (7 + 3 * column)
        y = (row - self.verticalScrollBar().value()) * self._line
        return QRectF(x - self._letter / 2, y, 3 * self._letter, self._line)

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = theme.current()
        painter = QPainter(self.viewport())
        painter.setFont(self.font())
        painter.fillRect(self.viewport().rect(), QColor(colours.surface))
        first = self.verticalScrollBar().value() * self._columns
        shown = (int(self.viewport().height() // self._line) + 1) * self._columns
        inks = {"checksum": colours.accent, "length": colours.warn, "type": colours.warn, "padding": colours.muted,
                "broken": colours.bad, "sequence": theme.hue(2), "count": theme.hue(2)}  # fmt: skip
        for byte in range(first, min(first + shown, len(self._data))):
            cell = self._cell(byte)
            part = part_at(self._parts, byte)
            if byte % self._columns == 0:
                painter.setPen(QColor(colours.muted))
                address = QRectF(theme.UNIT / 2, cell.top(), 7 * self._letter, self._line)
                painter.drawText(address, Qt.AlignmentFlag.AlignVCenter, f"{byte:06x}")
            if part is not None and part.role == "broken":
                painter.fillRect(cell, QColor(colours.bad_soft))
            elif part is not None and part.record >= 0 and part.record % 2 == 0:
                painter.fillRect(cell, QColor(colours.raised))
            painter.setPen(QColor(inks.get(part.role, colours.text) if part else colours.text))
            painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, f"{self._data[byte]:02x}")
            if part is not None and part.role == "broken":
                painter.drawLine(QPointF(cell.left(), cell.center().y()), QPointF(cell.right(), cell.center().y()))
            if part is not None and part.role == "checksum" and byte == part.start:
                painter.fillRect(QRectF(cell.left(), cell.top(), 2, cell.height()), QColor(colours.text))
            letter = chr(self._data[byte]) if 32 <= self._data[byte] < 127 else "·"
            x = theme.UNIT / 2 + self._letter * (7 + 3 * self._columns + byte % self._columns)
            painter.drawText(QRectF(x, cell.top(), self._letter, self._line), Qt.AlignmentFlag.AlignCenter, letter)
        if self._data:
            painter.setPen(QPen(QColor(colours.accent), 2.0 if self.hasFocus() else 1.0))
            painter.drawRect(self._cell(self.chosen).adjusted(0, 0, -1, -1))
        painter.end()

    # -- choosing ------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = int(event.position().y() // self._line) + self.verticalScrollBar().value()
        letters = (event.position().x() - theme.UNIT / 2) / self._letter - 7
        column = int((letters + 0.5) // 3) if letters < 3 * self._columns - 0.5 else int(letters - 3 * self._columns)
        self.choose(row * self._columns + min(max(column, 0), self._columns - 1))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        page = self._columns * max(1, self.verticalScrollBar().pageStep())
        moves = {
            Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -self._columns, Qt.Key.Key_Down: self._columns,
            Qt.Key.Key_PageUp: -page, Qt.Key.Key_PageDown: page, Qt.Key.Key_Home: -len(self._data),
            Qt.Key.Key_End: len(self._data),
        }  # fmt: skip
        move = moves.get(Qt.Key(event.key()))
        if move is None:
            super().keyPressEvent(event)
        else:
            self.choose(self.chosen + move)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()
