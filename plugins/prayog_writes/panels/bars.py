"""Rows of bars with their numbers beside them: told apart by letter as well as by colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from prayog_sdk.qt import theme
from prayog_sdk.qt.panel import guarded

__all__ = ["Bar", "BarRow", "BarsView"]


@dataclass(frozen=True, slots=True)
class Bar:
    """``value`` gives its length, ``text`` stands behind it.  ``look``: colour of the cycle, −1 is neutral."""

    letter: str
    value: float
    text: str
    look: int


@dataclass(frozen=True, slots=True)
class BarRow:
    """Bars under one name."""

    name: str
    bars: tuple[Bar, ...]


@guarded
class BarsView(QWidget):
    """``shared``: all rows have one scale; else the longest bar of each row fills it."""

    def __init__(self, name: str, *, shared: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shared = shared
        self._rows: Sequence[BarRow] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(name)

    def show_rows(self, rows: Sequence[BarRow]) -> None:
        """Show `rows` in place of those that were there."""
        self._rows = rows
        told = (f"{row.name}: " + ", ".join(f"{bar.letter} {bar.text}" for bar in row.bars) for row in rows)
        self.setAccessibleDescription("; ".join(told))
        self.updateGeometry()
        self.update()

    def _line(self) -> int:
        return self.fontMetrics().height() + 2

    def sizeHint(self) -> QSize:
        lines = sum(len(row.bars) for row in self._rows)
        return QSize(theme.scaled(260), lines * self._line() + len(self._rows) * theme.UNIT // 2)

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(160), self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        colours, line = theme.current(), self._line()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        most = max((bar.value for row in self._rows for bar in row.bars), default=1.0) or 1.0
        metrics = self.fontMetrics()
        names = max((metrics.horizontalAdvance(row.name) for row in self._rows), default=0) + theme.UNIT
        names = min(names, self.width() * 2 // 5)
        left = names + metrics.horizontalAdvance("M") + theme.UNIT // 2
        y = 0.0
        for row in self._rows:
            painter.setPen(QColor(colours.text))
            name = metrics.elidedText(row.name, Qt.TextElideMode.ElideRight, names - theme.UNIT // 2)
            painter.drawText(QRectF(0, y, names, line), Qt.AlignmentFlag.AlignVCenter, name)
            top = most if self._shared else max(bar.value for bar in row.bars) or 1.0
            for bar in row.bars:
                text = metrics.horizontalAdvance(bar.text) + theme.UNIT
                wide = max(2.0, max(20.0, self.width() - left - text) * bar.value / top)
                painter.setPen(QColor(colours.muted))
                painter.drawText(QRectF(names, y, left - names, line), Qt.AlignmentFlag.AlignVCenter, bar.letter)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(theme.hue(bar.look)))
                painter.drawRoundedRect(QRectF(left, y + 3, wide, line - 6), 2, 2)
                painter.setPen(QColor(colours.text))
                place = QRectF(left + wide + theme.UNIT / 2, y, text, line)
                painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, bar.text)
                y += line
            y += theme.UNIT // 2
        painter.end()
