"""The few widgets of the shell's pages beyond the stock ones: texts, chips, rows of lists, a progress ring.

They exist so that every page has the same type, the same distances and the same behaviour under the keyboard.

Rules
1. Fonts come from the style sheet (property ``step``), never from `setFont`, so that text size changes reach them.
2. A row that opens something is a button: Tab, Enter and Space work and screen readers call it one.
3. Distances are multiples of `theme.UNIT`.
"""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from prayog.ui.place import Place
from prayog_sdk.qt import theme
from prayog_sdk.qt.cards import CardButton
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.icons import icon, paint

L = TypeVar("L", QVBoxLayout, QHBoxLayout)

__all__ = [
    "IconTile", "PushButton", "Ring", "RowButton", "button", "chip", "column", "drop", "flow", "heading", "overline",
    "row", "text",
]  # fmt: skip


def text(words: str, kind: str = "", *, wrap: bool = True, parent: QWidget | None = None) -> QLabel:
    """A paragraph; `kind` is a look of the theme (``muted``, ``good``, …)."""
    label = QLabel(words, parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(wrap)
    if kind:
        label.setProperty("kind", kind)
    if wrap:
        label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    return label


def heading(words: str, step: int, *, wrap: bool = True) -> QLabel:
    """A heading of the type scale: 1 card title, 2 section, 3 page title."""
    label = text(words, wrap=wrap)
    label.setProperty("step", str(step))
    return label


def chip(words: str, tone: str = "") -> QLabel:
    """A short fact on a soft ground; `tone` is ``good``, ``warn``, ``bad`` or nothing (the words say it too)."""
    label = text(words, "chip", wrap=False)
    if tone:
        label.setProperty("tone", tone)
    label.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
    return label


class PushButton(QPushButton):
    """A push button whose icon follows the theme; made by `button`."""

    def __init__(self, words: str, icon_name: str, role: str) -> None:
        super().__init__(words)
        self._icon_name, self._role = icon_name, role
        self._draw()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.PaletteChange):
            self._draw()

    def _draw(self) -> None:
        if self._icon_name:
            self.setIcon(icon(self._icon_name, self._role))
            self.setIconSize(QSize(theme.scaled(16), theme.scaled(16)))


def button(words: str, kind: str = "", icon_name: str = "") -> PushButton:
    """A push button; `kind` is ``primary``, ``quiet``, ``link`` or nothing."""
    made = PushButton(words, icon_name, {"primary": "on_accent", "quiet": "accent", "link": "accent"}.get(kind, "text"))
    if kind:
        made.setProperty("kind", kind)
    made.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
    return made


def column(*children: QWidget | QLayout | int, gap: int = theme.UNIT, margin: int = 0) -> QVBoxLayout:
    """A vertical layout; a number is a distance in px, -1 is a stretch."""
    return _fill(QVBoxLayout(), children, gap, margin)


def row(*children: QWidget | QLayout | int, gap: int = theme.UNIT, margin: int = 0) -> QHBoxLayout:
    """A horizontal layout; a number is a distance in px, -1 is a stretch."""
    return _fill(QHBoxLayout(), children, gap, margin)


def flow(*children: QWidget, gap: int = theme.UNIT) -> FlowLayout:
    """A line of widgets that goes on below when there is no room."""
    layout = FlowLayout(spacing=gap)
    for child in children:
        layout.addWidget(child)
    return layout


def overline(words: str) -> QLabel:
    """The small line above a heading that says what kind of thing it is."""
    label = text(words, "muted")
    label.setProperty("step", "-1")
    return label


def drop(layout: QLayout) -> None:
    """Empty `layout`: its widgets are deleted, its layouts too."""
    while (item := layout.takeAt(0)) is not None:
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
        elif inner is not None:
            drop(inner)
            inner.deleteLater()


class RowButton(CardButton):
    """One line of a list that opens something: no border until it is pointed at or focused."""

    place: Place | None = None
    """Where it leads, for tests and pictures."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent=parent, margin=0)
        self.body.setContentsMargins(12, 8, 12, 8)
        self.body.setSpacing(2)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)  # as high as its words need

    def paintEvent(self, event: QPaintEvent) -> None:
        if not (self.hasFocus() or self.underMouse() or self.isDown()):
            return
        look = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(look.accent), 2.0) if self.hasFocus() else Qt.PenStyle.NoPen)
        painter.setBrush(QColor(look.raised))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 8, 8)


class IconTile(QWidget):
    """An icon of the shipped set on a soft square: the face of a topic."""

    def __init__(self, name: str, side: int = 40, role: str = "accent", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name, self._side, self._role = name, side, role
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(self._side), theme.scaled(self._side))

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(look.accent_soft if self._role == "accent" else look.raised))
        painter.drawRoundedRect(QRectF(self.rect()), 10, 10)
        inset = self.width() * 0.21
        box = QRectF(self.rect()).adjusted(inset, inset, -inset, -inset)
        paint(painter, box, self._name, getattr(look, self._role))


class Ring(QWidget):
    """How much of a topic is done, as an arc around the number of finished items."""

    def __init__(self, done: int, total: int, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._done, self._total = done, total
        self.setAccessibleName(name)
        self.setToolTip(name)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(36), theme.scaled(36))

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = theme.scaled(3)
        box = QRectF(self.rect()).adjusted(width, width, -width, -width)
        painter.setPen(QPen(QColor(look.line), width))
        painter.drawEllipse(box)
        share = self._done / self._total if self._total else 0.0
        whole = share >= 1.0
        pen = QPen(QColor(look.good if whole else look.accent), width)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        if share:
            painter.drawArc(box, 90 * 16, -round(share * 360 * 16))
        if whole:
            inset = box.width() * 0.24
            paint(painter, box.adjusted(inset, inset, -inset, -inset), "check", look.good)
        else:
            painter.setPen(QColor(look.text if self._done else look.muted))
            font = painter.font()
            font.setPointSizeF(font.pointSizeF() * 0.85)
            painter.setFont(font)
            painter.drawText(QRectF(self.rect()), Qt.AlignmentFlag.AlignCenter, str(self._done))


def _fill(layout: L, children: tuple[QWidget | QLayout | int, ...], gap: int, margin: int) -> L:
    layout.setContentsMargins(margin, margin, margin, margin)
    layout.setSpacing(gap)
    for child in children:
        if isinstance(child, QWidget):
            layout.addWidget(child)
        elif isinstance(child, QLayout):
            layout.addLayout(child)
        elif child < 0:
            layout.addStretch(1)
        else:
            layout.addSpacing(child)
    return layout
