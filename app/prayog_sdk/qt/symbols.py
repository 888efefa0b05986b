"""The symbols of the space-time diagram: one shape per class of step, in one picture that is drawn from in bulk."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap, QPolygonF

from prayog_sdk.qt import theme
from prayog_sdk.qt.lanes import KINDS

__all__ = ["EDGE", "FUTURE", "PAST", "SIDE", "WORDS", "atlas", "draw", "sign"]

EDGE = 14
"""Logical pixels of one symbol's square."""
PAST, SIDE, FUTURE = len(KINDS), len(KINDS) + 1, len(KINDS) + 2
"""Symbols of the causal cone: led to it, concurrent, follows from it."""
WORDS = (
    "message received", "timer fired", "node started", "your action", "fault or pause", "crash, or a message lost",
    "restarted or resumed", "message that nobody took", "note", "violation or error", "event of the topic",
    "cause and effect: may have led to the shown step", "cause and effect: concurrent with it",
    "cause and effect: may follow from it",
)  # fmt: skip
"""The symbols in words, in their order."""


def atlas(scale: float) -> QPixmap:
    """All symbols in a row, in the colours of the theme, for a device pixel ratio of `scale`."""
    count = FUTURE + 1
    picture = QPixmap(round(EDGE * count * scale), round(EDGE * scale))
    picture.setDevicePixelRatio(scale)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for index in range(count):
        draw(painter, QPointF(EDGE * (index + 0.5), EDGE / 2), index)
    painter.end()
    return picture


def sign(symbol: int, scale: float) -> QPixmap:
    """One symbol as a picture, for a legend."""
    return atlas(scale).copy(round(symbol * EDGE * scale), 0, round(EDGE * scale), round(EDGE * scale))


def draw(painter: QPainter, at: QPointF, symbol: int) -> None:
    """One symbol, centred at `at`."""
    t = theme.current()
    painter.save()
    painter.translate(at)
    shapes: list[tuple[str, Callable[[QPainter], None]]] = [
        (theme.hue(0), _disc), (t.muted, _circle), (t.muted, _bar), (t.accent, _diamond), (t.warn, _triangle),
        (t.bad, _cross), (t.good, _arrow_up), (t.bad, _boxed_cross), (t.muted, _square), (t.bad, _flag),
        (theme.hue(3), _small_diamond),
        (theme.hue(0), _left), (t.faint, _dot), (theme.hue(1), _right),
    ]  # fmt: skip
    colour, shape = shapes[symbol]
    painter.setPen(QPen(QColor(colour), 1.75, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.setBrush(QColor(colour))
    shape(painter)
    painter.restore()


def _disc(p: QPainter) -> None:
    p.setPen(QPen(QColor(theme.current().surface), 1))
    p.drawEllipse(QPointF(), 4, 4)


def _dot(p: QPainter) -> None:
    p.drawEllipse(QPointF(), 1.5, 1.5)


def _circle(p: QPainter) -> None:
    p.setBrush(QColor(theme.current().surface))
    p.drawEllipse(QPointF(), 3.25, 3.25)


def _bar(p: QPainter) -> None:
    p.drawLine(QPointF(0, -5), QPointF(0, 5))


def _square(p: QPainter) -> None:
    p.setBrush(QColor(theme.current().surface))
    p.drawRect(QRectF(-3.5, -3.5, 7, 7))


def _cross(p: QPainter) -> None:
    p.setPen(QPen(p.pen().color(), 2.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    p.drawLine(QPointF(-4, -4), QPointF(4, 4))
    p.drawLine(QPointF(-4, 4), QPointF(4, -4))


def _boxed_cross(p: QPainter) -> None:
    p.setBrush(QColor(theme.current().surface))
    p.drawRect(QRectF(-4.5, -4.5, 9, 9))
    p.drawLine(QPointF(-2, -2), QPointF(2, 2))
    p.drawLine(QPointF(-2, 2), QPointF(2, -2))


def _flag(p: QPainter) -> None:
    p.drawLine(QPointF(-4, 6), QPointF(-4, -6))
    p.drawPolygon(QPolygonF([QPointF(-4, -6), QPointF(5, -3), QPointF(-4, 0)]))


def _diamond(p: QPainter) -> None:
    p.drawPolygon(QPolygonF([QPointF(0, -5), QPointF(5, 0), QPointF(0, 5), QPointF(-5, 0)]))


def _small_diamond(p: QPainter) -> None:
    p.drawPolygon(QPolygonF([QPointF(0, -4), QPointF(4, 0), QPointF(0, 4), QPointF(-4, 0)]))


def _triangle(p: QPainter) -> None:
    p.drawPolygon(QPolygonF([QPointF(0, -5), QPointF(5, 4), QPointF(-5, 4)]))


def _arrow_up(p: QPainter) -> None:
    p.setBrush(Qt.BrushStyle.NoBrush)
    p.drawPolyline(QPolygonF([QPointF(-4, 0), QPointF(0, -5), QPointF(4, 0)]))
    p.drawLine(QPointF(0, -4), QPointF(0, 5))


def _left(p: QPainter) -> None:
    p.drawPolygon(QPolygonF([QPointF(-4, 0), QPointF(3, -4), QPointF(3, 4)]))


def _right(p: QPainter) -> None:
    p.drawPolygon(QPolygonF([QPointF(4, 0), QPointF(-3, -4), QPointF(-3, 4)]))
