"""How a node is drawn: shape by role, letter, colour of its term or owner, two halves for its memory, and dots.

The upper half is what it has in memory, the lower half what it has on disk: a crash empties the upper one.  The dots
are the answers that it collects: full is yes, crossed is no, hollow is not yet.
"""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QPainter, QPainterPath, QPen, QPolygonF

from prayog_sdk.qt import theme
from prayog_sim.run import NodeView

__all__ = ["draw_node", "mix", "outline", "ring"]

_ROLES = {
    "leader": "ring", "primary": "ring", "coordinator": "ring", "master": "ring",
    "follower": "circle", "replica": "circle", "backup": "circle", "": "circle", "up": "circle",
    "candidate": "diamond",
    "client": "square", "producer": "square", "consumer": "square",
    "store": "hexagon", "database": "hexagon", "broker": "hexagon", "server": "hexagon",
}  # fmt: skip
_SIDES = {"diamond": 4, "hexagon": 6, "octagon": 8}


def mix(colour: str, ground: str, share: float) -> QColor:
    """`share` of `colour` on `ground`, opaque."""
    over, under = QColor(colour), QColor(ground)
    return QColor.fromRgbF(
        over.redF() * share + under.redF() * (1 - share),
        over.greenF() * share + under.greenF() * (1 - share),
        over.blueF() * share + under.blueF() * (1 - share),
    )


def outline(role: str, centre: QPointF, radius: float) -> QPainterPath:
    """The outline of a node of `role`; roles that nobody knows share the octagon."""
    shape = _ROLES.get(role, "octagon")
    path = QPainterPath()
    if shape in ("circle", "ring"):
        path.addEllipse(centre, radius, radius)
    elif shape == "square":
        side = radius * 0.92
        path.addRoundedRect(QRectF(centre.x() - side, centre.y() - side, 2 * side, 2 * side), side / 3, side / 3)
    else:
        sides = _SIDES[shape]
        turn = math.pi / 8 if shape == "octagon" else -math.pi / 2
        reach = radius * (1.18 if shape == "diamond" else 1.06)
        turns = [turn + 2 * math.pi * i / sides for i in range(sides)]
        corners = [centre + QPointF(reach * math.cos(t), reach * math.sin(t)) for t in turns]
        path.addPolygon(QPolygonF([*corners, corners[0]]))
    return path


def ring(role: str) -> bool:
    """Whether `role` wears a second ring."""
    return _ROLES.get(role) == "ring"


def draw_node(painter: QPainter, node: NodeView, centre: QPointF, radius: float, *, halves: bool = True) -> None:
    """Draw the body of `node`; names, timers, badges and selection are the canvas's."""
    look, current = node.look, theme.current()
    down, paused = node.status == "down", node.status == "paused"
    colour = current.muted if down else theme.hue(look.hue)
    body = outline(look.role, centre, radius)
    volatile = QColor(current.surface) if down else mix(colour, current.surface, 0.14)
    durable = mix(colour, current.surface, 0.34)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.fillPath(body, QBrush(volatile))
    if halves and node.durable:
        painter.save()
        painter.setClipPath(body, Qt.ClipOperation.IntersectClip)
        painter.fillRect(QRectF(centre.x() - 2 * radius, centre.y(), 4 * radius, 2 * radius), durable)
        painter.setPen(QPen(mix(colour, current.surface, 0.5), 1))
        painter.drawLine(QPointF(centre.x() - 2 * radius, centre.y()), QPointF(centre.x() + 2 * radius, centre.y()))
        painter.restore()
    pen = QPen(QColor(colour), max(1.5, radius / 14))
    if down or paused:
        pen.setDashPattern([2, 2] if down else [5, 2])
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPath(body)
    if ring(look.role) and not down:
        painter.setPen(QPen(QColor(colour), max(1.0, radius / 20)))
        painter.drawPath(outline(look.role, centre, radius * 0.84))
    _letter(painter, node, centre, radius)
    if look.tally and not down and radius >= 14:
        _tally(painter, look.tally, colour, centre, radius)
    if down or paused:
        _status(painter, node, centre, radius)
    if look.hue >= 0 and radius >= 14:
        _number(painter, str(look.hue), colour, centre, radius)


def _letter(painter: QPainter, node: NodeView, centre: QPointF, radius: float) -> None:
    if not node.look.letter or radius < 9:
        return
    font = QFont(painter.font())
    font.setPixelSize(max(8, round(radius * (0.78 if len(node.look.letter) == 1 else 0.6))))
    font.setWeight(QFont.Weight.DemiBold)
    painter.setFont(font)
    painter.setPen(QColor(theme.current().muted if node.status == "down" else theme.current().text))
    box = QRectF(centre.x() - radius, centre.y() - radius, 2 * radius, 2 * radius)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, node.look.letter[:2])


def _status(painter: QPainter, node: NodeView, centre: QPointF, radius: float) -> None:
    """A small sign at the upper left: a cross for down, two bars for paused."""
    current = theme.current()
    small = max(5.0, radius * 0.28)
    at = centre + QPointF(-radius * 0.6, -radius * 0.6)
    colour = QColor(current.bad if node.status == "down" else current.warn)
    painter.setPen(QPen(colour, 1.5))
    painter.setBrush(QColor(current.surface))
    painter.drawEllipse(at, small, small)
    painter.setPen(QPen(colour, max(1.5, small / 4), Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    arm = small * 0.4
    if node.status == "down":
        painter.drawLine(at + QPointF(-arm, -arm), at + QPointF(arm, arm))
        painter.drawLine(at + QPointF(-arm, arm), at + QPointF(arm, -arm))
    else:
        painter.drawLine(at + QPointF(-arm * 0.7, -arm), at + QPointF(-arm * 0.7, arm))
        painter.drawLine(at + QPointF(arm * 0.7, -arm), at + QPointF(arm * 0.7, arm))


def _tally(painter: QPainter, tally: tuple[bool | None, ...], colour: str, centre: QPointF, radius: float) -> None:
    """One dot an answer, along the lower left of the rim."""
    small = max(2.0, min(radius * 0.11, radius * 1.2 / len(tally)))
    step = min(28.0, 130.0 / max(1, len(tally)))
    for index, answer in enumerate(tally[:12]):
        turn = math.radians(200 - step * index)
        at = centre + QPointF(math.cos(turn), math.sin(turn)) * radius * 0.74
        painter.setPen(QPen(QColor(colour), max(1.0, small / 3)))
        painter.setBrush(QColor(colour if answer else theme.current().surface))
        painter.drawEllipse(at, small, small)
        if answer is False:
            arm = small * 0.6
            painter.drawLine(at + QPointF(-arm, -arm), at + QPointF(arm, arm))
            painter.drawLine(at + QPointF(-arm, arm), at + QPointF(arm, -arm))


def _number(painter: QPainter, text: str, colour: str, centre: QPointF, radius: float) -> None:
    """The number behind the colour, in a small disc at the lower right."""
    current = theme.current()
    font = QFont(painter.font())
    font.setPixelSize(max(8, round(radius * 0.42)))
    font.setWeight(QFont.Weight.DemiBold)
    painter.setFont(font)
    high = radius * 0.56
    wide = max(high, painter.fontMetrics().horizontalAdvance(text) + high * 0.5)
    box = QRectF(0, 0, wide, high)
    box.moveCenter(centre + QPointF(radius * 0.6, radius * 0.6))
    painter.setPen(QPen(QColor(current.surface), 1.5))
    painter.setBrush(QColor(colour))
    painter.drawRoundedRect(box, high / 2, high / 2)
    painter.setPen(QColor(current.surface))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
