"""Puts markers on the simple map: where they go on the screen, and how each kind looks.

Of points that would fall on the same spot only one is drawn, so that 170,000 places cost one frame and not a second.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from pyqtgraph.functions import arrayToQPolygonF
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from prayog_sdk.qt.mapshapes import Floats
from prayog_sdk.qt.mapstyle import Paint

__all__ = ["Screen", "paint_markers"]

MARGIN_PX = 20
"""How far outside the view a marker may lie and still be seen."""


@dataclass(frozen=True, slots=True)
class Screen:
    """The view: `k` pixels per degree, and where longitude 0, Mercator 0 lies, in pixels."""

    k: float
    x0: float
    y0: float
    width: float
    height: float

    def turns(self, west: float, east: float, margin_px: float = 0.0) -> Iterable[float]:
        """The multiples of 360 degrees at which something between two longitudes is in view."""
        left = (-margin_px - self.x0) / self.k
        right = (self.width + margin_px - self.x0) / self.k
        return (360.0 * turn for turn in range(ceil((left - east) / 360.0), floor((right - west) / 360.0) + 1))

    def pixels(self, xy: Floats, turn: float = 0.0) -> tuple[Floats, Floats]:
        return (xy[:, 0] + turn) * self.k + self.x0, self.y0 - xy[:, 1] * self.k


def _spots(screen: Screen, xy: Floats, radius_px: float) -> tuple[Floats, Floats]:
    """Where markers go: of points on the same spot of about `radius_px`, only one."""
    spot = radius_px if radius_px > 1.5 else 1.5
    columns, rows = (int((side + 2 * MARGIN_PX) / spot) + 1 for side in (screen.width, screen.height))
    xs: list[Floats] = []
    ys: list[Floats] = []
    taken = np.full(columns * rows, -1, np.int32)
    for turn in screen.turns(float(xy[:, 0].min()), float(xy[:, 0].max()), MARGIN_PX):
        x, y = screen.pixels(xy, turn)
        seen = (x > -MARGIN_PX) & (x < screen.width + MARGIN_PX) & (y > -MARGIN_PX) & (y < screen.height + MARGIN_PX)
        x, y = x[seen], y[seen]
        place = ((y + MARGIN_PX) / spot).astype(np.int32) * columns + ((x + MARGIN_PX) / spot).astype(np.int32)
        taken.fill(-1)
        taken[place] = np.arange(len(place), dtype=np.int32)
        keep = taken[taken >= 0]
        xs.append(x[keep])
        ys.append(y[keep])
    if not xs:
        return np.empty(0), np.empty(0)
    return np.concatenate(xs), np.concatenate(ys)


def paint_markers(p: QPainter, screen: Screen, xy: Floats, style: Paint) -> None:
    """Points on the Mercator plane as the markers of `style`."""
    x, y = _spots(screen, xy, style.radius_px)
    if not len(x):
        return
    colour, r = QColor(style.colour), style.radius_px
    if style.marker == "dot" and r <= 1.5:
        p.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        colour.setAlphaF(0.5)
        p.setPen(QPen(colour, 2 * r))
        p.drawPoints(arrayToQPolygonF(x, y))
        p.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    elif style.marker in ("dot", "ringed"):
        if style.marker == "ringed":
            p.setPen(_disc(QColor(style.halo), r + style.width_px))
            p.drawPoints(arrayToQPolygonF(x, y))
        p.setPen(_disc(colour, r))
        p.drawPoints(arrayToQPolygonF(x, y))
    else:
        draw = {"ring": _ring, "square": _square, "pin": _pin}[style.marker]
        for at_x, at_y in zip(x.tolist(), y.tolist(), strict=True):
            draw(p, at_x, at_y, style)


def _disc(colour: QColor, radius: float) -> QPen:
    return QPen(colour, 2 * radius, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)


def _ring(p: QPainter, x: float, y: float, style: Paint) -> None:
    p.setPen(QPen(QColor(style.colour), style.width_px))
    p.setBrush(Qt.BrushStyle.NoBrush)
    p.drawEllipse(QPointF(x, y), style.radius_px, style.radius_px)


def _square(p: QPainter, x: float, y: float, style: Paint) -> None:
    p.setPen(QPen(QColor(style.colour), style.width_px))
    p.setBrush(QColor(style.halo))
    p.drawRect(QRectF(x - style.radius_px, y - style.radius_px, 2 * style.radius_px, 2 * style.radius_px))


def _pin(p: QPainter, x: float, y: float, style: Paint) -> None:
    r, top = style.radius_px, y - 1.7 * style.radius_px
    path = QPainterPath(QPointF(x, y))
    path.arcTo(QRectF(x - r, top - r, 2 * r, 2 * r), 212.4, -244.8)
    path.closeSubpath()
    halo = QPen(QColor(style.halo), 3.5)
    halo.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    p.strokePath(path, halo)
    p.fillPath(path, QColor(style.colour))
    p.setPen(Qt.PenStyle.NoPen)
    p.setBrush(QColor(style.halo))
    p.drawEllipse(QPointF(x, top), 0.38 * r, 0.38 * r)
