"""Tables drawn as boxes: colour by level with the number inside, tombstones as a hatched foot, damage crossed out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetrics, QPainter, QPen

from prayog_sdk.qt import theme
from prayog_writes.panels.tree import Box

__all__ = ["paint_tables"]

File = Mapping[str, Any]
_ROUND = 200  # boxes up to which corners are round; more are drawn at one stroke


def paint_tables(
    painter: QPainter, metrics: QFontMetrics, tables: Sequence[tuple[int, File]], boxes: Mapping[int, Box],
    busy: Collection[int],
) -> None:  # fmt: skip
    """Draw `tables` (level, table) at `boxes`; those in `busy` are being read by a job and stand out."""
    placed = [(level, file, box) for level, file in tables if (box := boxes.get(int(file["number"]))) is not None]
    rounded = len(placed) <= _ROUND
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, rounded)
    for level in sorted({level for level, _, _ in placed}):
        mine = [(file, _inner(box)) for at, file, box in placed if at == level]
        _paint_grounds(painter, level, [area for _, area in mine], rounded)
        marked = [area for file, area in mine if int(file["number"]) in busy]
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(theme.current().accent), 2.5))
        painter.drawRects(marked)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    _paint_feet(painter, [_foot(file, box) for _, file, box in placed if file["tombstones"] > 0])
    tall, wide = metrics.height() - 3, metrics.horizontalAdvance("0")
    for _, file, box in placed:
        if file.get("damage"):
            _paint_cross(painter, _inner(box))
        text = str(file["number"])
        if box.h > tall and box.w > wide * len(text) + 6:
            painter.setPen(QColor(theme.current().text))
            painter.drawText(_inner(box), Qt.AlignmentFlag.AlignCenter, text)


def _inner(box: Box) -> QRectF:
    """The box with a gap to the next one, where there is room for a gap."""
    return QRectF(box.x + 0.5, box.y, box.w - 1.5, box.h) if box.w > 5 else QRectF(*box)


def _paint_grounds(painter: QPainter, level: int, areas: list[QRectF], rounded: bool) -> None:
    ground = QColor(theme.hue(level))
    ground.setAlphaF(0.28)
    painter.setBrush(ground)
    painter.setPen(QPen(QColor(theme.hue(level)), 1.0 if rounded else 0.0))
    if not rounded:
        painter.drawRects(areas)
        return
    for area in areas:
        corner = 3.0 if area.width() > 8 else 0.0
        painter.drawRoundedRect(area, corner, corner)


def _foot(file: File, box: Box) -> QRectF:
    """The part of the box that stands for its tombstones."""
    high = box.h * file["tombstones"] / max(1, file["entries"])
    area = _inner(box)
    return QRectF(area.left(), area.bottom() - high, area.width(), high)


def _paint_feet(painter: QPainter, feet: list[QRectF]) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QBrush(QColor(theme.current().text), Qt.BrushStyle.BDiagPattern))
    painter.drawRects(feet)


def _paint_cross(painter: QPainter, area: QRectF) -> None:
    painter.setPen(QPen(QColor(theme.current().bad), 2.5))
    painter.drawLine(area.topLeft(), area.bottomRight())
    painter.drawLine(area.bottomLeft(), area.topRight())
