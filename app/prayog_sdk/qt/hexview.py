"""Bytes as address, hexadecimal and letters; one byte is chosen with the mouse or the arrow keys.

What the bytes mean is the panel's: it makes a subclass that says the ink and the ground of a byte and paints marks
over it.  A million bytes cost what is in sight.
"""

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


@guarded
class HexView(QAbstractScrollArea):
    """`name` is for screen readers; an address has `digits` digits; a line has as many bytes of `wide` as fit."""

    picked = Signal(int)
    """A byte was chosen by the learner."""
    over = Signal(int)
    """The pointer is over a byte; -1: over none."""

    def __init__(
        self, name: str, digits: int = 4, wide: tuple[int, ...] = (16, 8, 4), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.byte = 0  # the chosen one
        self.data = b""
        self._digits, self._wide = digits, wide
        self._columns = wide[-1]
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setMouseTracking(True)
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.setAccessibleName(name)
        self.restyle()

    # -- what a subclass says --------------------------------------------------------------------------------------

    def ground(self, byte: int) -> str:
        """The colour behind a byte; empty for none."""
        return ""

    def ink(self, byte: int) -> str:
        """The colour of a byte."""
        return theme.current().text

    def words(self, byte: int) -> tuple[str, str]:
        """What is shown of a byte: its two digits and its letter."""
        value = self.data[byte]
        return f"{value:02x}", chr(value) if 32 <= value < 127 else "·"

    def mark_over(self, painter: QPainter, byte: int, cell: QRectF, letter: QRectF) -> None:
        """Paint over a byte: its digits are in `cell`, its letter in `letter`."""

    # -- size and place --------------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        return QSize(round(self._letter * self._letters(self._wide[0])) + 30, theme.scaled(160))

    def minimumSizeHint(self) -> QSize:
        return QSize(round(self._letter * self._letters(self._wide[-1])) + 30, theme.scaled(70))

    def restyle(self) -> None:
        """The theme or the text size changed."""
        self.setFont(theme.mono())
        metrics = QFontMetricsF(self.font())
        self._letter, self._line = metrics.horizontalAdvance("0"), metrics.lineSpacing() + 4
        self._measure()

    def show_data(self, data: bytes) -> None:
        """Show other bytes; the chosen byte is kept when it is still there."""
        self.data = data
        self.byte = min(self.byte, max(0, len(data) - 1))
        self._measure()

    def bring(self, byte: int) -> None:
        """Bring a byte into sight."""
        row, bar = byte // self._columns, self.verticalScrollBar()
        shown = max(1, int(self.viewport().height() // self._line))
        if row < bar.value():
            bar.setValue(row)
        elif row >= bar.value() + shown:
            bar.setValue(row - shown + 1)

    def _letters(self, columns: int) -> int:
        """Letters in a line of so many bytes."""
        return self._digits + 1 + 3 * columns + 1 + columns + 1

    def _measure(self) -> None:
        room = (self.viewport().width() - theme.UNIT) / self._letter
        self._columns = next((n for n in self._wide if self._letters(n) <= room), self._wide[-1])
        rows = -(-len(self.data) // self._columns)
        shown = max(1, int(self.viewport().height() // self._line))
        self.verticalScrollBar().setRange(0, max(0, rows - shown))
        self.verticalScrollBar().setPageStep(shown)
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._measure()

    def cell(self, byte: int) -> QRectF:
        """The two digits of a byte, in the viewport."""
        row, column = divmod(byte, self._columns)
        x = theme.UNIT / 2 + self._letter * (self._digits + 1 + 3 * column)
        y = (row - self.verticalScrollBar().value()) * self._line
        return QRectF(x - self._letter / 2, y, 3 * self._letter, self._line)

    def _letter_cell(self, byte: int) -> QRectF:
        x = theme.UNIT / 2 + self._letter * (self._digits + 2 + 3 * self._columns + byte % self._columns)
        return QRectF(x, self.cell(byte).top(), self._letter, self._line)

    def byte_at(self, place: QPointF) -> int:
        """The byte under a place of the viewport; -1 when there is none."""
        row = int(place.y() // self._line) + self.verticalScrollBar().value()
        letters = (place.x() - theme.UNIT / 2) / self._letter - self._digits
        right = letters - 2 - 3 * self._columns  # in the part with the letters
        column = int(right) if right >= 0 else int((letters - 0.5) // 3)
        byte = row * self._columns + column
        return byte if 0 <= column < self._columns and 0 <= byte < len(self.data) else -1

    # -- drawing ---------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = theme.current()
        painter = QPainter(self.viewport())
        painter.setFont(self.font())
        painter.fillRect(self.viewport().rect(), QColor(colours.surface))
        first = self.verticalScrollBar().value() * self._columns
        shown = (int(self.viewport().height() // self._line) + 1) * self._columns
        for byte in range(first, min(first + shown, len(self.data))):
            cell, letter = self.cell(byte), self._letter_cell(byte)
            if byte % self._columns == 0:
                painter.setPen(QColor(colours.muted))
                at = QRectF(theme.UNIT / 2, cell.top(), (self._digits + 1) * self._letter, self._line)
                painter.drawText(at, Qt.AlignmentFlag.AlignVCenter, f"{byte:0{self._digits}x}")
            ground = self.ground(byte)
            if ground:
                painter.fillRect(cell, QColor(ground))
                painter.fillRect(letter, QColor(ground))
            painter.setPen(QColor(self.ink(byte)))
            for place, text in zip((cell, letter), self.words(byte), strict=True):
                painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)
            self.mark_over(painter, byte, cell, letter)
            if byte == self.byte and self.hasFocus():
                painter.setPen(QPen(QColor(colours.accent), 2))
                painter.drawRect(cell.adjusted(1, 1, -1, -1))
        painter.end()

    # -- choosing --------------------------------------------------------------------------------------------------

    def pick(self, byte: int) -> None:
        """Choose a byte, as the learner does; -1 is none."""
        if 0 <= byte < len(self.data):
            self.byte = byte
            self.bring(byte)
            self.viewport().update()
            self.picked.emit(byte)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.pick(self.byte_at(event.position()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.over.emit(self.byte_at(event.position()))

    def leaveEvent(self, event: object) -> None:
        self.over.emit(-1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        page = self._columns * max(1, self.verticalScrollBar().pageStep())
        moves = {
            Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -self._columns, Qt.Key.Key_Down: self._columns,
            Qt.Key.Key_PageUp: -page, Qt.Key.Key_PageDown: page, Qt.Key.Key_Home: -len(self.data),
            Qt.Key.Key_End: len(self.data),
        }  # fmt: skip
        move = moves.get(Qt.Key(event.key()))
        if move is None or not self.data:
            super().keyPressEvent(event)
        else:
            self.pick(min(max(self.byte + move, 0), len(self.data) - 1))

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()
