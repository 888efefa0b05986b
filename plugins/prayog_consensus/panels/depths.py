"""How many states there are at each depth of a search, as bars: whether it still grows shows whether it will end."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from prayog_sdk.qt import theme
from prayog_sdk.qt.panel import guarded

__all__ = ["Depths"]

_BAR = 26  # px at 100 % text, at most
_HIGH = 56


@guarded
class Depths(QWidget):
    """Bars on a logarithmic scale: each line of the grid is ten times the one below."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._counts: tuple[int, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("States per depth"))

    def show_counts(self, counts: Sequence[int]) -> None:
        """`counts[d]`: states that need d choices."""
        self._counts = tuple(counts)
        self.setAccessibleDescription(self.words())
        self.updateGeometry()
        self.update()

    def words(self) -> str:
        """The numbers in words."""
        if not self._counts:
            return ""
        most = max(self._counts)
        widest = self._counts.index(most)
        said = self.tr("{n} states at depth {d}, where there are most; {m} at the deepest, {e}")
        last = f"{self._counts[-1]:,}"
        return (
            said.replace("{n}", f"{most:,}").replace("{d}", str(widest)).replace("{m}", last)
            .replace("{e}", str(len(self._counts) - 1))
        )  # fmt: skip

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(240), theme.scaled(_HIGH) + 2 * self.fontMetrics().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(80), self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._counts:
            return
        look = theme.current()
        painter = QPainter(self)
        line = self.fontMetrics().height()
        high = self.height() - 2 * line
        scale = max(1.0, log10(max(self._counts) + 1))
        wide = self._wide()
        painter.setPen(QColor(look.line))
        for power in range(1, int(scale) + 1):
            y = line + high * (1 - power / scale)
            painter.drawLine(0, round(y), round(wide * len(self._counts)), round(y))
        every = max(1, round(self.fontMetrics().horizontalAdvance("00 ") / wide + 0.5))
        for depth, count in enumerate(self._counts):
            tall = high * log10(count + 1) / scale
            bar = QRectF(depth * wide + 1, line + high - tall, wide - 2, tall)
            painter.fillRect(bar, QColor(look.accent))
            if depth % every == 0 or depth == len(self._counts) - 1:
                painter.setPen(QColor(look.muted))
                below = QRectF(depth * wide - wide, line + high, 3 * wide, line)
                painter.drawText(below, Qt.AlignmentFlag.AlignCenter, str(depth))
        painter.setPen(QColor(look.muted))
        painter.drawText(QRectF(0, 0, self.width(), line), Qt.AlignmentFlag.AlignLeft, self._caption())
        painter.end()

    def event(self, event: object) -> bool:
        if isinstance(event, QHelpEvent) and self._counts:
            depth = min(len(self._counts) - 1, int(event.pos().x() / self._wide()))
            words = self.tr("depth {d}: {n} states").replace("{d}", str(depth))
            QToolTip.showText(event.globalPos(), words.replace("{n}", f"{self._counts[depth]:,}"), self)
            return True
        return super().event(event)  # type: ignore[arg-type]  # PySide gives a QEvent

    def _wide(self) -> float:
        return min(float(theme.scaled(_BAR)), self.width() / max(1, len(self._counts)))

    def _caption(self) -> str:
        return self.tr("States per depth, most {n}").replace("{n}", f"{max(self._counts):,}")
