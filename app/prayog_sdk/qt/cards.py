"""Cards: a quiet surface that holds one thing, and the same surface as one large button.

`CardButton` is a real button (role, Space, Enter, focus, checked state), so that keyboards and screen readers
treat a topic's card as what it is; it only paints itself as a card and holds a layout.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QColor, QEnterEvent, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QFrame, QVBoxLayout, QWidget

from prayog_sdk.qt import theme

__all__ = ["Card", "CardButton"]

_RADIUS = 10


class Card(QFrame):
    """A surface with a hairline and room inside; ``card.body`` is its layout.  ``kind``: card, good, bad, warn."""

    def __init__(self, parent: QWidget | None = None, *, kind: str = "card", margin: int = 2 * theme.UNIT) -> None:
        super().__init__(parent)
        self.setProperty("kind", kind)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(margin, margin, margin, margin)
        self.body.setSpacing(theme.UNIT)


class CardButton(QAbstractButton):
    """A card that is clicked as a whole (signal ``clicked``); ``card.body`` is its layout.

    `title` is its accessible name; `about` its description.
    """

    def __init__(
        self, title: str, about: str = "", parent: QWidget | None = None, *, margin: int = 2 * theme.UNIT
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(title)
        self.setAccessibleDescription(about)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(margin, margin, margin, margin)
        self.body.setSpacing(theme.UNIT)

    def paintEvent(self, event: QPaintEvent) -> None:
        current = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        hot = self.isEnabled() and self.underMouse()
        strong = self.hasFocus() or self.isChecked()
        ground = current.accent_soft if self.isChecked() else current.raised if self.isDown() else current.surface
        width = 2 if strong else 1
        painter.setPen(QPen(QColor(current.accent if hot or strong else current.line), width))
        painter.setBrush(QColor(ground))
        inset = width / 2
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), _RADIUS, _RADIUS)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
            return
        super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.update()
