"""What the values of a column really are: one bar a column, divided by class, with what does not fit at its end.

A class is told by letter and colour: i integer, r real, t text, b binary, – NULL, ! does not fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from prayog_sdk.qt import theme
from prayog_sdk.qt.panel import guarded

__all__ = ["HeatStrip", "Strip", "strips_of"]

CLASSES = (("integer", "i", 0), ("real", "r", 2), ("text", "t", 3), ("binary", "b", 5), ("null", "–", -1))
MISFIT = "!"


@dataclass(frozen=True, slots=True)
class Strip:
    """One column: its name, the type it was declared with, counts by class, and values that do not fit."""

    name: str
    type: str
    classes: Mapping[str, int]
    misfits: int

    @property
    def words(self) -> str:
        """The strip in words."""
        parts = [f"{self.classes[name]:,} {name}" for name, _, _ in CLASSES if self.classes.get(name)]
        parts += [f"{self.misfits:,} do not fit"] if self.misfits else []
        return f"{self.name} ({self.type or 'no type'}): {', '.join(parts) or 'no values'}"


def strips_of(profile: Mapping[str, Any]) -> list[Strip]:
    """The strips of a ``profiled`` event."""
    return [Strip(str(c[0]), str(c[1]), c[4], int(c[5])) for c in profile.get("columns", ())]


@guarded
class HeatStrip(QWidget):
    """All columns of a table; one can be chosen by mouse, arrow keys, or `choose`."""

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._strips: Sequence[Strip] = ()
        self._at = 0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Classes of values by column")

    def show_strips(self, strips: Sequence[Strip]) -> None:
        """Show these columns."""
        if strips != self._strips:
            self._strips = strips
            self._at = min(self._at, max(0, len(strips) - 1))
            self.updateGeometry()
        self._tell()
        self.update()

    def choose(self, index: int) -> None:
        """Mark a column."""
        if 0 <= index < len(self._strips) and index != self._at:
            self._at = index
            self._tell()
            self.update()
            self.chosen.emit(index)

    def _tell(self) -> None:
        self.setAccessibleDescription("; ".join(strip.words for strip in self._strips))

    def _line(self) -> int:
        return self.fontMetrics().height() + theme.UNIT // 2

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(320), self._line() * max(1, len(self._strips)) + 2)

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(200), self.sizeHint().height())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        move = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
        if move is None:
            super().keyPressEvent(event)
        else:
            self.choose(self._at + move)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.choose(int(event.position().y() // self._line()))

    def paintEvent(self, event: QPaintEvent) -> None:
        colours, line, metrics = theme.current(), self._line(), self.fontMetrics()
        painter = QPainter(self)
        widest = max((metrics.horizontalAdvance(strip.name) for strip in self._strips), default=0) + 2
        names = min(widest, self.width() * 2 // 5)
        left = names + 2 * theme.UNIT
        for index, strip in enumerate(self._strips):
            y = index * line
            if index == self._at:
                painter.fillRect(QRectF(0, y, self.width(), line), QColor(colours.raised))
            painter.setPen(QColor(colours.text))
            name = metrics.elidedText(strip.name, Qt.TextElideMode.ElideRight, names)
            painter.drawText(QRectF(theme.UNIT // 2, y, names, line), Qt.AlignmentFlag.AlignVCenter, name)
            self._bar(painter, strip, QRectF(left, y + 2, max(20, self.width() - left - theme.UNIT), line - 4))
        if self.hasFocus() and self._strips:
            painter.setPen(QPen(QColor(colours.accent), 2))
            painter.drawRect(QRectF(1, self._at * line + 1, self.width() - 2, line - 2))
        painter.end()

    def _bar(self, painter: QPainter, strip: Strip, room: QRectF) -> None:
        """Widths are shares of the values; a class that is there is at least wide enough to be seen."""
        parts = [(strip.classes.get(name, 0), letter, look) for name, letter, look in CLASSES]
        parts = [part for part in parts if part[0]]
        if strip.misfits:
            parts.append((strip.misfits, MISFIT, -2))
        total = sum(count for count, _, _ in parts) or 1
        least = self.fontMetrics().horizontalAdvance("MM")
        widths = [max(least, room.width() * count / total) for count, _, _ in parts]
        scale = room.width() / (sum(widths) or 1)
        x, colours = room.x(), theme.current()
        for (_, letter, look), width in zip(parts, widths, strict=True):
            part = QRectF(x, room.y(), width * scale - 1, room.height())
            colour = colours.bad if look == -2 else colours.faint if look == -1 else theme.hue(look)
            painter.fillRect(part, QColor(colour))
            painter.setPen(QColor(colours.surface if look != -1 else colours.text))
            painter.drawText(part, Qt.AlignmentFlag.AlignCenter, letter)
            x += width * scale
