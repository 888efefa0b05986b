"""All rows of a drill as cells, by key: the same on both sides, missing, too many, or another value."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from prayog_sdk.qt import theme
from prayog_sdk.qt.panel import guarded

__all__ = ["KeyGrid"]

_MOST = 1_200
_LARGEST = 32  # px at 100 % text


@guarded
class KeyGrid(QWidget):
    """– missing on the new side, + there and should not be, ≠ another value; a plain cell is the same on both."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sides: Mapping[str, Mapping[int, int]] = {"old": {}, "new": {}}
        self._keys: list[int] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Rows of both databases")

    def show_sides(self, sides: Mapping[str, Mapping[int, int]]) -> None:
        """Show these; of very many rows those that differ come first."""
        self._sides = sides
        keys = sorted(sides["old"].keys() | sides["new"].keys())
        if len(keys) > _MOST:
            keys = sorted(keys, key=lambda key: (self._sign(key) == "", key))[:_MOST]
        self._keys = keys
        self.update()

    def _sign(self, key: int) -> str:
        old, new = self._sides["old"].get(key), self._sides["new"].get(key)
        return "–" if new is None else "+" if old is None else "" if old == new else "≠"

    def _cell(self) -> tuple[int, int]:
        """(size of a cell, cells in a line), so that all fit where that is possible."""
        size = theme.scaled(_LARGEST)
        while size > 5 and (self.width() // size) * (self.height() // size) < len(self._keys):
            size -= 1
        return size, max(1, self.width() // size)

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(320), theme.scaled(220))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(160), theme.scaled(120))

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = theme.current()
        size, columns = self._cell()
        painter = QPainter(self)
        font = painter.font()
        font.setPixelSize(max(5, size - 3))
        painter.setFont(font)
        for index, key in enumerate(self._keys):
            room = QRectF(index % columns * size, index // columns * size, size - 1, size - 1)
            sign = self._sign(key)
            painter.fillRect(room, QColor(colours.bad if sign else colours.good_soft))
            if sign:
                painter.setPen(QColor(colours.surface))
                painter.drawText(room, Qt.AlignmentFlag.AlignCenter, sign)
        painter.end()

    def event(self, event: object) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QHelpEvent.Type.ToolTip:
            size, columns = self._cell()
            index = event.pos().y() // size * columns + event.pos().x() // size
            if 0 <= index < len(self._keys) and event.pos().x() // size < columns:
                key = self._keys[index]
                old, new = self._sides["old"].get(key, "–"), self._sides["new"].get(key, "–")
                QToolTip.showText(event.globalPos(), f"row {key}: old {old}, new {new}", self)
            return True
        return super().event(event)  # type: ignore[arg-type]
