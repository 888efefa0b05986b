"""Paints the world and the overlays with QPainter, for the map that needs no web view.

It draws what `lab-map.js` draws, from the same arrays and styles, in device pixels: line widths, dashes and hatching
stay the same at every zoom. One frame costs a few milliseconds because only what is in view is handed to Qt, as one
path for each overlay.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray
from pyqtgraph.functions import arrayToQPath
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QImage, QPainter, QPainterPath, QPen

from prayog_sdk.qt.mapmarkers import Screen, paint_markers
from prayog_sdk.qt.mapshapes import Floats, Ints, Lines, Shapes, mercator
from prayog_sdk.qt.mapstyle import MapColours, Paint

__all__ = ["Mark", "Painted", "Parts", "paint_aim", "paint_marks", "paint_overlay", "paint_world", "write"]

class Parts:
    """Rings or lines on the Mercator plane, ready to be cut to a view."""

    def __init__(
        self,
        xy: Floats,
        ends: Ints,
        closed: bool,
        stroke: NDArray[np.bool_] | None = None,
        chunks: Ints | None = None,
    ) -> None:
        starts = np.concatenate([[0], ends[:-1]]).astype(np.int64)
        if closed and len(ends):  # repeat the first point of each ring, so that a stroke comes home
            order = np.insert(np.arange(len(xy)), ends, starts)
            xy, ends = xy[order], (ends + np.arange(1, len(ends) + 1)).astype(np.int32)
            starts = np.concatenate([[0], ends[:-1]]).astype(np.int64)
        self.count, self.stroke = len(ends), stroke
        self._xy, self._starts = xy, np.append(starts, len(xy))
        self._join = np.ones(len(xy), np.int32)  # 1: a line goes on to the next point
        self._join[ends - 1] = 0
        self._cells = len(xy) <= 9 * len(ends)
        self.chunks = (np.array([len(ends)]) if chunks is None else chunks).tolist()
        if len(ends):
            self._box = np.hstack([np.minimum.reduceat(xy, starts), np.maximum.reduceat(xy, starts)])
            self._west, self._east = float(self._box[:, 0].min()), float(self._box[:, 2].max())

    @classmethod
    def of(cls, lines: Lines, closed: bool) -> Parts:
        return cls(mercator(lines.xy), lines.ends, closed, lines.stroke, lines.chunks())

    def paths(self, screen: Screen) -> Iterable[QPainterPath]:
        """What is in view, as one path for each chunk (see `Lines.chunks`)."""
        first = 0
        for last in self.chunks:
            yield self.path(screen, first, last)
            first = last

    def path(
        self, screen: Screen, first: int = 0, last: int | None = None, stroked: bool = False, dashed: bool = False
    ) -> QPainterPath:
        """What is in view of the rings or lines from `first` up to `last`, in pixels; with `stroked`, only those
        whose outline is drawn.

        For dashed cells every side goes by itself and in one direction, so that the common side of two cells is one
        dashed line, and is cut near the view: Qt draws a dashed line of a million pixels dash by dash."""
        path = QPainterPath()
        path.setFillRule(Qt.FillRule.WindingFill)
        last = self.count if last is None else last
        if first == last:
            return path
        box = self._box[first:last]
        points = slice(self._starts[first], self._starts[last])
        xy, all_join = self._xy[points], self._join[points]
        tall = (box[:, 1] <= screen.y0 / screen.k) & (box[:, 3] >= (screen.y0 - screen.height) / screen.k)
        if stroked and self.stroke is not None:
            tall &= self.stroke[first:last]
        left, right = -screen.x0 / screen.k, (screen.width - screen.x0) / screen.k
        for turn in screen.turns(self._west, self._east):
            seen = tall & (box[:, 0] + turn <= right) & (box[:, 2] + turn >= left)
            if not seen.any():
                continue
            each = slice(None) if seen.all() else np.repeat(seen, np.diff(self._starts[first : last + 1]))
            join = all_join[each]
            x, y = screen.pixels(xy[each], turn)
            if dashed and self._cells:
                x, y = np.clip(x, -2000.0, screen.width + 2000.0), np.clip(y, -2000.0, screen.height + 2000.0)
                x, y = _sides(x, y, join)
                join = np.tile(np.array([1, 0], np.int32), len(x) // 2)
            path.addPath(arrayToQPath(x, y, join, finiteCheck=False))
        return path


def _sides(x: Floats, y: Floats, join: Ints) -> tuple[Floats, Floats]:
    """Each side as a pair of points, the left (or else upper) one first."""
    a = np.flatnonzero(join)
    b = a + 1
    back = (x[a] > x[b]) | ((x[a] == x[b]) & (y[a] > y[b]))
    pairs = np.stack([np.where(back, b, a), np.where(back, a, b)], axis=1).ravel()
    return x[pairs], y[pairs]


class Painted:
    """An overlay's shapes on the Mercator plane."""

    def __init__(self, shapes: Shapes) -> None:
        self.rings = Parts.of(shapes.rings, closed=True)
        self.lines = Parts.of(shapes.lines, closed=False)
        self.points = mercator(shapes.points)


Mark = tuple[float, float, bool, str]
"""Where the name of a meridian or parallel goes: x, y, whether it stands at the right edge, the name."""


def paint_world(
    p: QPainter, screen: Screen, land: Parts, borders: Parts, colours: MapColours, font_px: int
) -> list[Mark]:
    """Sea, land, borders and graticule; the names of its lines come back, to be written above the overlays."""
    p.fillRect(QRectF(0, 0, screen.width, screen.height), QColor(colours.sea))
    p.setPen(QPen(QColor(colours.coast), 1.0))
    p.setBrush(QColor(colours.land))
    p.drawPath(land.path(screen))
    pen = QPen(QColor(colours.border), 1.0)
    pen.setDashPattern([3.0, 2.0])
    p.setPen(pen)
    p.setBrush(Qt.BrushStyle.NoBrush)
    p.drawPath(borders.path(screen))
    return _graticule(p, screen, colours, font_px)


def _graticule(p: QPainter, screen: Screen, colours: MapColours, font_px: int) -> list[Mark]:
    """Meridians and parallels at a round step, named along the top and the right edge."""
    k, x0, y0 = screen.k, screen.x0, screen.y0
    room = max(64.0, 5.5 * font_px)
    step = next((s for s in (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 45) if s * k >= room), 90)
    digits = 2 if step < 0.1 else 1 if step < 1 else 0
    p.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    p.setPen(QPen(QColor(colours.graticule), 1.0))
    top, bottom = max(0.0, y0 - 180.0 * k), min(screen.height, y0 + 180.0 * k)
    marks: list[Mark] = []
    for i in range(ceil(-x0 / k / step), floor((screen.width - x0) / k / step) + 1):
        x = i * step * k + x0
        p.drawLine(QPointF(x, top), QPointF(x, bottom))
        lon = (i * step + 180.0) % 360.0 - 180.0
        if 70 < x < screen.width - 50:
            marks.append((x, 4.0, False, _degrees(lon, "E", "W", digits)))
    for i in range(ceil(-80 / step), floor(80 / step) + 1):
        y = y0 - float(mercator(np.array([[0.0, i * step]]))[0, 1]) * k
        if not 0 <= y <= screen.height:
            continue
        p.drawLine(QPointF(0, y), QPointF(screen.width, y))
        if 30 < y < screen.height - 40:
            marks.append((screen.width - 6, y, True, _degrees(i * step, "N", "S", digits)))
    p.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    return marks


def paint_marks(p: QPainter, marks: Sequence[Mark], colours: MapColours, font: QFont) -> None:
    small = QFont(font)
    small.setPixelSize(max(8, round(font.pixelSize() * 0.82)))
    p.setFont(small)
    metrics = p.fontMetrics()
    for x, y, right, text in marks:
        width = metrics.horizontalAdvance(text)
        at = QPointF(x - width, y + metrics.ascent() / 2 - 1) if right else QPointF(x - width / 2, y + metrics.ascent())
        write(p, at, text, colours.muted, colours.sea)


def _degrees(value: float, plus: str, minus: str, digits: int) -> str:
    side = "" if abs(value) < 1e-9 or value == -180.0 else plus if value > 0 else minus
    return f"{abs(value):.{digits}f}°{side}"


def write(p: QPainter, at: QPointF, text: str, colour: str, halo: str) -> None:
    """Text at its baseline, with a halo, so that it is readable over lines."""
    path = QPainterPath()
    path.addText(at, p.font(), text)
    pen = QPen(QColor(halo), 3.0)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    p.strokePath(path, pen)
    p.setPen(QColor(colour))
    p.drawText(at, text)


def paint_overlay(p: QPainter, screen: Screen, what: Painted, style: Paint) -> None:
    colour = QColor(style.colour)
    if style.fill:
        _fill_union(p, screen, what.rings, colour, Qt.BrushStyle.SolidPattern, style.fill)
    if style.hatch:
        _fill_union(p, screen, what.rings, colour, Qt.BrushStyle.BDiagPattern, 0.7)
    for part in (what.rings, what.lines):
        p.strokePath(part.path(screen, stroked=True, dashed=style.dash), _pen(style, fine=len(part.chunks) > 1))
    if len(what.points):
        paint_markers(p, screen, what.points, style)


def _fill_union(
    p: QPainter, screen: Screen, rings: Parts, colour: QColor, pattern: Qt.BrushStyle, opacity: float
) -> None:
    """Fill so that areas are no darker where they overlap.

    One path does that by itself; for many rings that is slow, so they are filled solid, path by path, on a sheet
    that is then laid over the map."""
    if len(rings.chunks) == 1:
        p.setOpacity(opacity)
        p.fillPath(rings.path(screen), QBrush(colour, pattern))
    else:
        ratio = p.device().devicePixelRatioF()
        width, height = ceil(screen.width * ratio), ceil(screen.height * ratio)
        sheet = QImage(width, height, QImage.Format.Format_ARGB32_Premultiplied)
        sheet.setDevicePixelRatio(ratio)
        sheet.fill(Qt.GlobalColor.transparent)
        on = QPainter(sheet)
        on.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        for path in rings.paths(screen):
            on.fillPath(path, colour)
        if pattern != Qt.BrushStyle.SolidPattern:  # cut out of the solid areas at the end: once, not path by path
            on.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
            on.fillRect(QRectF(0, 0, screen.width, screen.height), QBrush(colour, pattern))
        on.end()
        p.setOpacity(opacity)
        p.drawImage(QPointF(0, 0), sheet)
    p.setOpacity(1.0)


def _pen(style: Paint, fine: bool) -> QPen:
    """`fine` is for very many lines: one pixel wide is ten times as fast, and clearer in the crowd."""
    width = min(1.0, style.width_px) if fine else style.width_px
    pen = QPen(QColor(style.colour), width)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if style.dash:
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setDashPattern([5.0 / width, 4.0 / width])
    return pen


def paint_aim(p: QPainter, screen: Screen, colours: MapColours) -> None:
    """The small cross where the space bar would click."""
    x, y = screen.width / 2, screen.height / 2
    arms: Sequence[tuple[int, int]] = ((1, 0), (-1, 0), (0, 1), (0, -1))
    for colour, width in ((colours.halo, 4.0), (colours.text, 1.5)):
        p.setPen(QPen(QColor(colour), width))
        for dx, dy in arms:
            p.drawLine(QPointF(x + 5 * dx, y + 5 * dy), QPointF(x + 14 * dx, y + 14 * dy))
