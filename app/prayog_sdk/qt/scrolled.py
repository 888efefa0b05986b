"""Content that may be taller than its panel: it scrolls, and takes the whole width."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from prayog_sdk.qt import theme

__all__ = ["Sideways", "column_in"]


def column_in(panel: QWidget) -> QVBoxLayout:
    """Make `panel` scroll a column of widgets; they are added to what is returned."""
    whole = QWidget()
    column = QVBoxLayout(whole)
    column.setContentsMargins(*(theme.UNIT,) * 4)
    column.setSpacing(theme.UNIT // 2)
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidget(whole)
    layout = QVBoxLayout(panel)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(area)
    return column


class Sideways(QScrollArea):
    """As high as its content; what is wider than the panel scrolls, and the texts around it still wrap."""

    def __init__(self, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setWidget(content)
        content.installEventFilter(self)

    def sizeHint(self) -> QSize:
        content = self.widget()
        high = content.minimumSizeHint().height() if content is not None else 0
        if content is not None and content.hasHeightForWidth():
            high = content.heightForWidth(max(content.minimumSizeHint().width(), self.viewport().width()))
        return QSize(theme.scaled(120), high + self.horizontalScrollBar().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize):
            self.updateGeometry()
        return super().eventFilter(watched, event)
