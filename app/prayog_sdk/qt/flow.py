"""A layout that sets widgets in lines, as a text sets words: chips and cards reflow when the window is narrow."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget

from prayog_sdk.qt.theme import UNIT

__all__ = ["FlowLayout"]


class FlowLayout(QLayout):
    """Left to right, then the next line; every item keeps its size hint.

    With ``stretch``, the items of all lines are widened to equal columns at least as wide as the widest item, which
    is what a grid of cards wants.
    """

    def __init__(self, parent: QWidget | None = None, spacing: int = UNIT, *, stretch: bool = False) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self._stretch = stretch
        self.setContentsMargins(0, 0, 0, 0)
        self.setSpacing(spacing)

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._arrange(QRect(0, 0, width, 0), move=False)

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._arrange(rect, move=True)

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        size = QSize()
        for item in self._items:
            size = size.expandedTo(item.minimumSize())
        margins = self.contentsMargins()
        return size + QSize(margins.left() + margins.right(), margins.top() + margins.bottom())

    def _arrange(self, rect: QRect, *, move: bool) -> int:
        """Place the items in `rect` (or only measure); the height that they need."""
        margins, gap = self.contentsMargins(), self.spacing()
        inner = rect.marginsRemoved(margins)
        items = [item for item in self._items if not item.isEmpty()]
        column = 0
        if self._stretch and items:
            widest = max(item.sizeHint().width() for item in items)
            columns = max(1, min(len(items), (inner.width() + gap) // (widest + gap)))
            column = (inner.width() - gap * (columns - 1)) // columns
        x, y = inner.x(), inner.y()
        line: list[tuple[QLayoutItem, QPoint, QSize]] = []
        for item in items:
            hint = item.sizeHint()
            width = column or min(hint.width(), inner.width())
            if line and x + width > inner.x() + inner.width():
                x, y, line = inner.x(), y + self._line(line, move) + gap, []
            height = item.heightForWidth(width) if item.hasHeightForWidth() else hint.height()
            line.append((item, QPoint(x, y), QSize(width, height)))
            x += width + gap
        return y + (self._line(line, move) if line else 0) - rect.y() + margins.bottom()

    def _line(self, line: list[tuple[QLayoutItem, QPoint, QSize]], move: bool) -> int:
        """Set one line: cards share its height, other items are centred in it."""
        height = max(size.height() for _, _, size in line)
        if move:
            for item, at, size in line:
                drop = 0 if self._stretch else (height - size.height()) // 2
                room = QSize(size.width(), height if self._stretch else size.height())
                item.setGeometry(QRect(at + QPoint(0, drop), room))
        return height
