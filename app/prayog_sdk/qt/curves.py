"""The parts of the series plot: a curve's pen, its key in the legend, and the table twin of all values."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QEvent, QModelIndex, QPersistentModelIndex, QPointF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap
from PySide6.QtWidgets import (
    QToolButton,
    QWidget,
)

from prayog_sdk.qt import theme
from prayog_sdk.qt.gauges import Curve, Gauges
from prayog_sdk.qt.markdown import say
from prayog_sdk.specs import SeriesSpec
from prayog_sim.clock import format_us

__all__ = ["CurveKey", "ValueRows", "curve_pen", "titled"]

Index = QModelIndex | QPersistentModelIndex
_DASHES: tuple[list[float], ...] = ([], [6, 3], [2, 2], [8, 3, 2, 3], [12, 4], [4, 4, 1, 4])
_HEADS = ("#", "Time", "Curve", "Value")


class CurveKey(QToolButton):
    """One curve in the legend: its line, letter, name and value; off hides the curve."""

    def __init__(self, curve: Curve) -> None:
        super().__init__()
        self._curve = curve
        self.setCheckable(True)
        self.setChecked(True)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setToolTip(f"Show or hide {curve.name}")
        self.setStyleSheet("QToolButton:checked:!hover { background: transparent; }")
        self._draw()
        self.show_value(-1)

    def show_value(self, clock_us: float) -> None:
        """The value at the shown moment."""
        text = f" {_letter(self._curve)}  {self._curve.name}  {say(self._curve.at(clock_us))}"
        if text != self.text():
            self.setText(text)
            self.setAccessibleName(
                f"{self._curve.name}: {say(self._curve.at(clock_us))} {self._curve.spec.unit}".strip()
            )

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange) and hasattr(self, "_curve"):
            self._draw()

    def _draw(self) -> None:
        scale, wide, high = self.devicePixelRatioF(), theme.scaled(28), theme.scaled(12)
        picture = QPixmap(round(wide * scale), round(high * scale))
        picture.setDevicePixelRatio(scale)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setPen(curve_pen(self._curve))
        painter.drawLine(QPointF(0, high / 2), QPointF(wide, high / 2))
        painter.end()
        self.setIcon(QIcon(picture))
        self.setIconSize(QSize(wide, high))


class ValueRows(QAbstractTableModel):
    """The table twin: every value in the order of the trace."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._gauges = Gauges(())
        self._length = 0

    def show(self, gauges: Gauges) -> None:
        self.beginResetModel()
        self._gauges, self._length = gauges, len(gauges.rows)
        self.endResetModel()

    def grow(self) -> None:
        fresh = len(self._gauges.rows)
        if fresh > self._length:
            self.beginInsertRows(QModelIndex(), self._length, fresh - 1)
            self._length = fresh
            self.endInsertRows()

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else self._length

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(_HEADS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return _HEADS[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        curve, place = self._gauges.rows[index.row()]
        name = f"{titled(curve.spec)}, {curve.node}" if curve.node else titled(curve.spec)
        at = format_us(round(curve.times[place]))
        return (f"{curve.seqs[place]:,}", at, name, say(curve.values[place]))[index.column()]


def titled(spec: SeriesSpec) -> str:
    return f"{spec.title} ({spec.unit})" if spec.unit and spec.unit not in spec.title.lower() else spec.title


def _letter(curve: Curve) -> str:
    return chr(ord("A") + curve.index % 26)


def curve_pen(curve: Curve) -> QPen:
    pen = QPen(QColor(theme.hue(curve.index)), 2)
    pen.setCosmetic(True)
    if dashes := _DASHES[curve.index % len(_DASHES)]:
        pen.setDashPattern(dashes)
    return pen
