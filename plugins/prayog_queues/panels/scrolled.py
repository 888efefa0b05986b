"""Content that may be taller than its panel: it scrolls, and takes the whole width."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from prayog_sdk.qt import theme

__all__ = ["column_in"]


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
