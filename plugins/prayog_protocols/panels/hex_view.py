"""The bytes of a packet: address, hexadecimal and letters, with the chosen field marked to the bit.

Layers have changing grounds. The chosen field has a frame; where it takes only some bits of a byte, a row of eight
marks under the byte shows which. The pointer tells the field under it."""

from __future__ import annotations

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

__all__ = ["HexView"]

_WIDE = (16, 8, 4)


@guarded
class HexView(QAbstractScrollArea):
    """``picked``: a byte was chosen; ``over``: the pointer is over one (-1: over none)."""

    picked = Signal(int)
    over = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.byte = 0
        self._data = b""
        self._layers: list[tuple[int, int]] = []  # first and last byte + 1, outermost first
        self._marked = (0, 0)  # first bit, bits
        self._soft = (0, 0)
        self._different: set[int] = set()
        self._hidden = (0, 0)
        self._columns = 16
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setMouseTracking(True)
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.setAccessibleName("Bytes of the packet")
        self.restyle()

    def sizeHint(self) -> QSize:
        return QSize(round(self._letter * self._letters(16)) + 30, theme.scaled(160))

    def minimumSizeHint(self) -> QSize:
        return QSize(round(self._letter * self._letters(4)) + 30, theme.scaled(70))

    def restyle(self) -> None:
        """The theme or the text size changed."""
        self.setFont(theme.mono())
        metrics = QFontMetricsF(self.font())
        self._letter, self._line = metrics.horizontalAdvance("0"), metrics.lineSpacing() + 4
        self._measure()

    def show_bytes(self, data: bytes, layers: list[tuple[int, int]]) -> None:
        """Show other bytes."""
        self._data, self._layers = data, layers
        self._marked = self._soft = self._hidden = (0, 0)
        self._different = set()
        self.byte = 0
        self._measure()
        self.verticalScrollBar().setValue(0)

    def mark(self, start: int, bits: int) -> None:
        """Mark so many bits from `start` on, and bring them into sight; 0 bits: none."""
        self._marked = (start, bits)
        if bits:
            self.byte = min(start // 8, max(0, len(self._data) - 1))
            self._bring(self.byte)
        self.viewport().update()

    def mark_bytes(self, different: set[int]) -> None:
        """Bytes that stand out, each with a bar at its left."""
        self._different = different
        self.viewport().update()

    def hide_bits(self, start: int, bits: int) -> None:
        """Bytes that are a question: they are shown as ``??``."""
        self._hidden = (start, bits)
        self.viewport().update()

    def mark_soft(self, start: int, bits: int) -> None:
        """What the pointer is over."""
        if self._soft != (start, bits):
            self._soft = (start, bits)
            self.viewport().update()

    def _bring(self, byte: int) -> None:
        row, bar = byte // self._columns, self.verticalScrollBar()
        shown = max(1, int(self.viewport().height() // self._line))
        if row < bar.value():
            bar.setValue(row)
        elif row >= bar.value() + shown:
            bar.setValue(row - shown + 1)

    @staticmethod
    def _letters(columns: int) -> int:
        return 5 + 3 * columns + 1 + columns + 1

    def _measure(self) -> None:
        room = (self.viewport().width() - theme.UNIT) / self._letter
        self._columns = next((n for n in _WIDE if self._letters(n) <= room), _WIDE[-1])
        rows = -(-len(self._data) // self._columns)
        shown = max(1, int(self.viewport().height() // self._line))
        self.verticalScrollBar().setRange(0, max(0, rows - shown))
        self.verticalScrollBar().setPageStep(shown)
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._measure()

    # -- drawing -------------------------------------------------------------------------------------------------

    def _cell(self, byte: int) -> QRectF:
        row, column = divmod(byte, self._columns)
        x = theme.UNIT / 2 + self._letter * (5 + 3 * column)
        y = (row - self.verticalScrollBar().value()) * self._line
        return QRectF(x - self._letter / 2, y, 3 * self._letter, self._line)

    def _ascii(self, byte: int) -> QRectF:
        x = theme.UNIT / 2 + self._letter * (6 + 3 * self._columns + byte % self._columns)
        return QRectF(x, self._cell(byte).top(), self._letter, self._line)

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = theme.current()
        painter = QPainter(self.viewport())
        painter.setFont(self.font())
        painter.fillRect(self.viewport().rect(), QColor(colours.surface))
        first = self.verticalScrollBar().value() * self._columns
        shown = (int(self.viewport().height() // self._line) + 1) * self._columns
        for byte in range(first, min(first + shown, len(self._data))):
            self._paint_byte(painter, byte)
        painter.end()

    def _paint_byte(self, painter: QPainter, byte: int) -> None:
        colours, cell, letter = theme.current(), self._cell(byte), self._ascii(byte)
        layer = next((n for n, (a, b) in reversed(list(enumerate(self._layers))) if a <= byte < b), 0)
        if byte % self._columns == 0:
            painter.setPen(QColor(colours.muted))
            at = QRectF(theme.UNIT / 2, cell.top(), 5 * self._letter, self._line)
            painter.drawText(at, Qt.AlignmentFlag.AlignVCenter, f"{byte:04x}")
        chosen, soft = _share(byte, self._marked), _share(byte, self._soft)
        ground = colours.accent_soft if chosen else colours.raised if soft or layer % 2 else ""
        for rect in (cell, letter):
            if ground:
                painter.fillRect(rect, QColor(ground))
        painter.setPen(QColor(colours.accent if chosen else colours.text))
        hidden = bool(_share(byte, self._hidden))
        painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, "??" if hidden else f"{self._data[byte]:02x}")
        shown = "?" if hidden else chr(self._data[byte]) if 32 <= self._data[byte] < 127 else "·"
        painter.drawText(letter, Qt.AlignmentFlag.AlignCenter, shown)
        if chosen:
            self._paint_bits(painter, cell, byte, chosen)
        if byte in self._different:
            painter.fillRect(QRectF(cell.left(), cell.top() + 2, 3, cell.height() - 4), QColor(colours.warn))
        if soft:
            painter.setPen(QPen(QColor(colours.muted), 1, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(cell.left(), cell.bottom() - 1), QPointF(cell.right(), cell.bottom() - 1))
        if byte == self.byte and self.hasFocus():
            painter.setPen(QPen(QColor(colours.accent), 2))
            painter.drawRect(cell.adjusted(1, 1, -1, -1))

    def _paint_bits(self, painter: QPainter, cell: QRectF, byte: int, bits: int) -> None:
        """Eight marks under the byte, thick where the field has the bit."""
        colours = theme.current()
        wide = (cell.width() - 4) / 8
        for place in range(8):
            x = cell.left() + 2 + place * wide
            has = bits >> (7 - place) & 1
            painter.setPen(QPen(QColor(colours.accent if has else colours.faint), 3 if has else 1))
            painter.drawLine(QPointF(x, cell.bottom() - 2), QPointF(x + wide * 0.7, cell.bottom() - 2))

    # -- choosing ------------------------------------------------------------------------------------------------

    def byte_at(self, place: QPointF) -> int:
        """The byte under a place of the viewport; -1 when there is none."""
        row = int(place.y() // self._line) + self.verticalScrollBar().value()
        letters = (place.x() - theme.UNIT / 2) / self._letter
        if letters >= 6 + 3 * self._columns:
            column = int(letters - 6 - 3 * self._columns)
        else:
            column = int((letters - 5 + 0.5) // 3)
        byte = row * self._columns + column
        return byte if 0 <= column < self._columns and 0 <= byte < len(self._data) else -1

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pick(self.byte_at(event.position()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.over.emit(self.byte_at(event.position()))

    def leaveEvent(self, event: object) -> None:
        self.over.emit(-1)

    def _pick(self, byte: int) -> None:
        if byte >= 0:
            self.byte = byte
            self._bring(byte)
            self.viewport().update()
            self.picked.emit(byte)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        page = self._columns * max(1, self.verticalScrollBar().pageStep())
        moves = {
            Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -self._columns, Qt.Key.Key_Down: self._columns,
            Qt.Key.Key_PageUp: -page, Qt.Key.Key_PageDown: page, Qt.Key.Key_Home: -len(self._data),
            Qt.Key.Key_End: len(self._data),
        }  # fmt: skip
        move = moves.get(Qt.Key(event.key()))
        if move is None or not self._data:
            super().keyPressEvent(event)
        else:
            self._pick(min(max(self.byte + move, 0), len(self._data) - 1))

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()


def _share(byte: int, marked: tuple[int, int]) -> int:
    """The bits of `byte` that are marked, as a number of eight bits."""
    start, bits = marked
    low, high = max(start, byte * 8), min(start + bits, byte * 8 + 8)
    if low >= high:
        return 0
    return ((1 << (high - low)) - 1) << (byte * 8 + 8 - high)
