"""What both maps tell the outside, as Qt signals: see `prayog_sdk.qt.map.Backend` for what each one means."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

__all__ = ["MapWidget"]


class MapWidget(QWidget):
    """The widget of a map; its subclasses are the two `Backend`s."""

    ready = Signal()
    failed = Signal(str)
    clicked = Signal(float, float)
    box_drawn = Signal(float, float, float, float)
    polygon_drawn = Signal(list)
    moved = Signal(float, float, float, float, float, float, float)
