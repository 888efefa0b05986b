"""Lays cards out in equal columns: as many as fit, fewer when the window is narrow or the text is large.

Qt's own grid needs a fixed number of columns.  Here the number follows from the least width of a card, rows are as
high as their highest card, and a card may span columns as long as there are that many.
"""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QSizePolicy, QWidget, QWidgetItem

from prayog_sdk.qt import theme

__all__ = ["CardGrid"]


class CardGrid(QLayout):
    """Columns of at least `least` px (at 100 % text) and at most `most` columns, `gap` px apart."""

    def __init__(self, parent: QWidget | None = None, *, least: int = 320, most: int = 4, gap: int = 16) -> None:
        super().__init__(parent)
        self._least, self._most, self._gap = least, most, gap
        self._cards: list[tuple[QLayoutItem, int]] = []
        self._heights: dict[int, int] = {}
        self.setContentsMargins(0, 0, 0, 0)

    def add(self, card: QWidget, span: int = 1) -> None:
        """Put `card` at the end; it takes `span` columns where there are as many."""
        self.addChildWidget(card)
        policy = card.sizePolicy()
        policy.setVerticalPolicy(QSizePolicy.Policy.Preferred)  # a button's own policy would not fill its row
        card.setSizePolicy(policy)
        self._cards.append((QWidgetItem(card), span))
        self.invalidate()

    def clear(self) -> None:
        """Take all cards out and delete them."""
        for widget in self.widgets():
            widget.hide()
            widget.deleteLater()
        self._cards.clear()
        self.invalidate()

    def widgets(self) -> list[QWidget]:
        """The cards in order."""
        return [widget for item, _ in self._cards if (widget := item.widget()) is not None]

    def columns(self, width: int) -> int:
        """How many columns fit into `width` px."""
        gap, least = self._gap, theme.scaled(self._least)
        return max(1, min(self._most, (width + gap) // (least + gap)))

    def addItem(self, item: QLayoutItem) -> None:
        self._cards.append((item, 1))

    def count(self) -> int:
        return len(self._cards)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._cards[index][0] if 0 <= index < len(self._cards) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._cards.pop(index)[0] if 0 <= index < len(self._cards) else None

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation.Horizontal

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        if width not in self._heights:  # Qt asks for the same widths again and again
            places = self._places(QRect(0, 0, width, 0))
            self._heights[width] = max((rect.bottom() + 1 for _, rect in places), default=0)
        return self._heights[width]

    def invalidate(self) -> None:
        self._heights.clear()
        super().invalidate()

    def sizeHint(self) -> QSize:
        width = theme.scaled(self._least)
        return QSize(width, self.heightForWidth(width))

    def minimumSize(self) -> QSize:
        return QSize(min(theme.scaled(self._least), 280), 0)

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        for item, place in self._places(rect):
            item.setGeometry(place)

    def _places(self, area: QRect) -> Iterator[tuple[QLayoutItem, QRect]]:
        columns, gap = self.columns(area.width()), self._gap
        width = (area.width() - gap * (columns - 1)) / columns
        row: list[tuple[QLayoutItem, int, int]] = []
        top, column = area.top(), 0
        shown = [(item, min(span, columns)) for item, span in self._cards if not item.isEmpty()]
        for index, (item, span) in enumerate(shown):
            row.append((item, column, span))
            column += span
            last = index + 1 == len(shown)
            if last or column + shown[index + 1][1] > columns:
                sized = [(each, round(start * (width + gap)), round(n * (width + gap) - gap)) for each, start, n in row]
                height = max(_height(each, wide) for each, _, wide in sized)
                for each, left, wide in sized:
                    yield each, QRect(area.left() + left, top, wide, height)
                top += height + gap
                row, column = [], 0


def _height(item: QLayoutItem, width: int) -> int:
    # The least size of a card counts its texts at their narrowest, so only a least height set by hand is asked for.
    height = item.heightForWidth(width) if item.hasHeightForWidth() else item.sizeHint().height()
    widget = item.widget()
    return max(height, widget.minimumHeight() if widget is not None else 0)
