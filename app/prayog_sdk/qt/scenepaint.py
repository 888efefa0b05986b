"""How a scene is painted: the still part (links, cuts, nodes and their words) and the moving part (messages, timers).

Rules
1. What looks the same is drawn once: nodes of one look share a pixmap, and many messages are dots in one call.
2. Above `DOTS_ONLY` messages there are dots and no words.
3. Into a vector file everything is drawn as shapes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPixmap, QPolygonF

from prayog_sdk.qt import icons, theme
from prayog_sdk.qt.arrange import RING
from prayog_sdk.qt.batch import draw_symbols
from prayog_sdk.qt.scene import DOT, DOTS_ONLY, GAP, Loss, Scene, distance
from prayog_sdk.qt.shapes import draw_node
from prayog_sdk.qt.words import cut_sentence
from prayog_sim.run import Flight, NodeView, View

__all__ = ["ScenePainter"]

_LABELS = 24  # messages in flight that still get words
_LINKS = 400  # links drawn at most
_BODIES = 256  # pixmaps of nodes kept at most


class ScenePainter:
    """Paints `scene`; keeps what can be used again in the next frame."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._bodies: dict[tuple[object, ...], QPixmap] = {}
        self._dots: tuple[tuple[str, float], QPixmap] | None = None
        self._table: tuple[View, object] | None = None

    def paint_still(self, painter: QPainter, size: QSizeF) -> None:
        """Links, cuts, nodes and their words, within `size`."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        current = theme.current()
        painter.setPen(QPen(QColor(current.line), 1))
        for a, b in self._links():
            painter.drawLine(self.scene.centres[a], self.scene.centres[b])
        self._paint_cuts(painter)
        for name, node in self.scene.view.nodes.items():
            self._paint_node(painter, name, node)
        for node in self.scene.view.nodes.values():
            if node.look.badge and (self.scene.badges or node.name in (self.scene.selection, self.scene.focus)):
                self._paint_badge(painter, node, size.width())
        self._paint_partition(painter)

    def paint_moving(self, painter: QPainter, clock_us: float) -> None:
        """Timers, messages and losses at `clock_us`."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for name, node in self.scene.view.nodes.items():
            if node.timers and self.scene.radius >= 9:
                self._paint_timers(painter, self.scene.centres[name], node, clock_us)
        flights = self.scene.view.flights
        if len(flights) > _LABELS and not self.scene.vector:
            self._paint_many(painter, clock_us)
            marked = (self.scene.selection, self.scene.focus)
            flights = tuple(
                flight
                for flight in flights[:DOTS_ONLY]
                if flight.ident in self.scene.twins or f"#{flight.ident}" in marked
            )
        self._paint_flights(painter, flights, clock_us)
        for loss in self.scene.losses:
            if 0 <= clock_us - loss.at < 2 * self.scene.flight_us:
                self._paint_loss(painter, loss)

    def _links(self) -> Iterator[tuple[str, str]]:
        names = list(self.scene.view.nodes)
        if len(names) <= RING:
            yield from ((a, b) for i, a in enumerate(names) for b in names[i + 1 :])
            return
        pairs = {(min(f.src, f.dst), max(f.src, f.dst)) for f in self.scene.view.flights}
        yield from sorted(pair for pair in pairs if pair[0] in self.scene.centres and pair[1] in self.scene.centres)[
            :_LINKS
        ]

    def _paint_node(self, painter: QPainter, name: str, node: NodeView) -> None:
        current, centre, radius = theme.current(), self.scene.centres[name], self.scene.radius
        if name == self.scene.selection:
            painter.setPen(QPen(QColor(current.accent), 2))
            painter.setBrush(QColor(current.accent_soft))
            painter.drawEllipse(centre, radius + 15, radius + 15)
        if name == self.scene.focus and self.scene.focus_shown:
            painter.setPen(QPen(QColor(current.text), 1.5, Qt.PenStyle.DashLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(centre, radius + 19, radius + 19)
        self._paint_body(painter, node, centre)
        if not self.scene.captions and name not in (self.scene.selection, self.scene.focus):
            return
        painter.setFont(_font())
        words = name if node.status == "up" else f"{name} · {node.status}"
        painter.setPen(QColor(current.text if node.status == "up" else current.muted))
        line = QFontMetricsF(painter.font()).height()
        drop = radius + 17 + (4 if name in (self.scene.selection, self.scene.focus) else 0)
        box = QRectF(centre.x() - 200, centre.y() + drop, 400, line)
        painter.drawText(box, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, words)

    def _paint_body(self, painter: QPainter, node: NodeView, centre: QPointF) -> None:
        """The node itself; from a pixmap when one of that look was drawn before."""
        radius, look = self.scene.radius, node.look
        if self.scene.vector:
            painter.setFont(_font())
            draw_node(painter, node, centre, radius)
            return
        scale = painter.device().devicePixelRatioF()
        key = (look.role, look.letter, look.hue, node.status, bool(node.durable), radius, scale, theme.current().name)
        body = self._bodies.get(key)
        if body is None:
            edge = math.ceil(2 * radius * 1.5)
            body = QPixmap(round(edge * scale), round(edge * scale))
            body.setDevicePixelRatio(scale)
            body.fill(Qt.GlobalColor.transparent)
            inside = QPainter(body)
            inside.setRenderHint(QPainter.RenderHint.Antialiasing)
            inside.setFont(_font())
            draw_node(inside, node, QPointF(edge / 2, edge / 2), radius)
            inside.end()
            if len(self._bodies) >= _BODIES:
                self._bodies.clear()
            self._bodies[key] = body
        half = body.deviceIndependentSize() / 2
        painter.drawPixmap(centre - QPointF(half.width(), half.height()), body)

    def _paint_badge(self, painter: QPainter, node: NodeView, wide: float) -> None:
        current, centre = theme.current(), self.scene.centres[node.name]
        painter.setFont(_font(0.9))
        metrics = QFontMetricsF(painter.font())
        box = QRectF(0, 0, metrics.horizontalAdvance(node.look.badge) + 14, metrics.height() + 5)
        box.moveCenter(centre + QPointF(0, -self.scene.radius - 18 - box.height() / 2))
        box.moveLeft(min(max(4.0, box.left()), max(4.0, wide - box.width() - 4)))
        box.moveTop(max(4.0, box.top()))
        painter.setPen(QPen(QColor(current.warn), 1))
        painter.setBrush(QColor(current.warn_soft))
        painter.drawRoundedRect(box, box.height() / 2, box.height() / 2)
        painter.setPen(QColor(current.warn))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, node.look.badge)

    def _paint_cuts(self, painter: QPainter) -> None:
        cuts = set(self.scene.view.cuts)
        shown = [(a, b) for a, b in self.scene.view.cuts if a in self.scene.centres and b in self.scene.centres]
        shown = [(a, b) for a, b in shown if (b, a) not in cuts or a < b]
        marks = len(shown) <= 12
        current = theme.current()
        for src, dst in shown[:_LINKS]:
            a, b = self.scene.centres[src], self.scene.centres[dst]
            both = (dst, src) in cuts
            painter.setPen(QPen(QColor(current.bad), 1.25, Qt.PenStyle.DashLine))
            middle = (a + b) / 2
            if both:
                painter.drawLine(a, b)
            else:
                start, end = self.scene.on_link(src, dst, 0.0) or a, self.scene.on_link(src, dst, 1.0) or b
                painter.drawLine(start, end)
                middle = (start + end) / 2
                _half_arrow(painter, start, start + (end - start) * 0.72, current.bad)
            if marks:
                painter.setPen(QPen(QColor(current.bad), 1.25))
                painter.setBrush(QColor(current.surface))
                painter.drawEllipse(middle, 10, 10)
                icons.paint(painter, QRectF(middle.x() - 7, middle.y() - 7, 14, 14), "partition", current.bad)

    def _paint_partition(self, painter: QPainter) -> None:
        """The cuts in words, at the upper left."""
        said = list(cut_sentence(self.scene.view))
        if not said:
            return
        current, edge = theme.current(), float(theme.scaled(16))
        painter.setFont(_font(0.9))
        metrics = QFontMetricsF(painter.font())
        for row, sentence in enumerate(said[:3]):
            y = theme.UNIT + row * (metrics.height() + 4)
            icons.paint(painter, QRectF(theme.UNIT, y, edge, edge), "partition", current.bad)
            painter.setPen(QColor(current.bad))
            painter.drawText(QPointF(theme.UNIT + edge + 6, y + metrics.ascent()), sentence)

    def _paint_timers(self, painter: QPainter, centre: QPointF, node: NodeView, clock_us: float) -> None:
        colour = QColor(theme.hue(node.look.hue))
        for index, (_name, begun, due) in enumerate(node.timers[:3]):
            left = min(1.0, max(0.0, (due - clock_us) / max(1, due - begun)))
            if self.scene.still:
                left = math.ceil(left * 4) / 4
            reach = self.scene.radius + 6 + 4 * index
            painter.setPen(QPen(colour, 2.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
            box = QRectF(centre.x() - reach, centre.y() - reach, 2 * reach, 2 * reach)
            painter.drawArc(box, 90 * 16, round(left * 360 * 16))

    def _paint_flights(self, painter: QPainter, flights: tuple[Flight, ...], clock_us: float) -> None:
        """Messages one by one, with their words when they are few."""
        current = theme.current()
        words = len(self.scene.view.flights) <= _LABELS and self.scene.radius >= 12
        marked = (self.scene.selection, self.scene.focus)
        placed = [(flight, self.scene.dot(flight, clock_us)) for flight in flights]
        for flight, dot in placed:
            if dot is None:
                continue
            if flight.ident in self.scene.twins:
                start = self.scene.on_link(flight.src, flight.dst, 0.0)
                painter.setPen(QPen(QColor(current.accent), 1.25, Qt.PenStyle.DotLine))
                if start is not None:
                    painter.drawLine(start, dot)
                painter.setPen(QPen(QColor(current.accent), 2))
                painter.setBrush(QColor(current.surface))
            else:
                painter.setPen(QPen(QColor(current.surface), 1.5))
                painter.setBrush(QColor(current.accent))
            painter.drawEllipse(dot, DOT, DOT)
            name = f"#{flight.ident}"
            if name in marked:
                style = Qt.PenStyle.SolidLine if name == self.scene.selection else Qt.PenStyle.DashLine
                painter.setPen(QPen(QColor(current.accent), 2, style))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawEllipse(dot, 10, 10)
        for flight, dot in placed:
            if (
                dot is not None
                and flight.label
                and (words or f"#{flight.ident}" in (self.scene.selection, self.scene.focus))
            ):
                self._paint_label(painter, flight, dot)

    def _paint_label(self, painter: QPainter, flight: Flight, dot: QPointF) -> None:
        """The words of a message, beside its dot on the outer side of the link."""
        current = theme.current()
        painter.setFont(_font(0.85))
        metrics = QFontMetricsF(painter.font())
        a, b = self.scene.centres[flight.src], self.scene.centres[flight.dst]
        length = distance(a, b) or 1.0
        side = QPointF(-(b.y() - a.y()) / length, (b.x() - a.x()) / length)
        box = QRectF(0, 0, metrics.horizontalAdvance(flight.label) + 10, metrics.height() + 2)
        off = 9 + abs(side.x()) * box.width() / 2 + abs(side.y()) * box.height() / 2
        box.moveCenter(dot + side * off)
        painter.setPen(QPen(QColor(current.line), 1))
        painter.setBrush(QColor(current.surface))
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(QColor(current.text))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, flight.label)

    def _paint_loss(self, painter: QPainter, loss: Loss) -> None:
        start, end = self.scene.on_link(loss.src, loss.dst, 0.0), self.scene.on_link(loss.src, loss.dst, loss.share)
        if start is None or end is None:
            return
        bad = QColor(theme.current().bad)
        painter.setPen(QPen(bad, 1.25, Qt.PenStyle.DotLine))
        painter.drawLine(start, end)
        painter.setPen(QPen(bad, 2.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(end + QPointF(-5, -5), end + QPointF(5, 5))
        painter.drawLine(end + QPointF(-5, 5), end + QPointF(5, -5))

    def _paint_many(self, painter: QPainter, clock_us: float) -> None:
        """Dots of many messages, in one call."""
        import numpy as np

        if self._table is None or self._table[0] is not self.scene.view:
            self._table = (self.scene.view, self._tabulate())
        table = self._table[1]
        assert isinstance(table, np.ndarray)
        if self.scene.still:
            share = np.full(len(table), 0.5)
        else:
            share = np.clip((clock_us - table[:, 4]) / np.maximum(table[:, 5] - table[:, 4], 1), 0, 1)
        centres = np.array([(p.x(), p.y()) for p in self.scene.centres.values()])
        a, b = centres[table[:, 0].astype(int)], centres[table[:, 1].astype(int)]
        way = b - a
        length = np.maximum(np.hypot(way[:, 0], way[:, 1]), 1.0)
        unit = way / length[:, None]
        near = np.minimum(self.scene.radius + 4, length / 2)
        along = near + (length - 2 * near) * share
        x = a[:, 0] + unit[:, 0] * along - unit[:, 1] * GAP
        y = a[:, 1] + unit[:, 1] * along + unit[:, 0] * GAP
        key = (theme.current().name, painter.device().devicePixelRatioF())
        if self._dots is None or self._dots[0] != key:
            self._dots = (key, _dot(key[1]))
        draw_symbols(painter, self._dots[1], x, y, np.zeros(len(x)), 12)

    def _tabulate(self) -> object:
        """The messages as numbers: source, target, -, -, sent at, arrives at."""
        import numpy as np

        index = {name: i for i, name in enumerate(self.scene.centres)}
        rows = [
            (index[f.src], index[f.dst], 0, 0, f.sent_at, f.arrives_at)
            for f in self.scene.view.flights
            if f.src in index and f.dst in index
        ]
        return np.array(rows, np.float64).reshape(-1, 6)


def _font(size: float = 1.0) -> QFont:
    font = QFont()
    font.setPointSizeF(theme.body_points() * size)
    return font


def _half_arrow(painter: QPainter, start: QPointF, end: QPointF, colour: str) -> None:
    """A one-sided arrow head: one-way."""
    length = distance(start, end) or 1.0
    way = (end - start) / length
    side = QPointF(-way.y(), way.x())
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawPolygon(QPolygonF([end, end - way * 12 + side * 7, end - way * 12]))


def _dot(scale: float) -> QPixmap:
    edge = 12
    picture = QPixmap(round(edge * scale), round(edge * scale))
    picture.setDevicePixelRatio(scale)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(theme.current().surface), 1))
    painter.setBrush(QColor(theme.current().accent))
    painter.drawEllipse(QPointF(edge / 2, edge / 2), 3.5, 3.5)
    painter.end()
    return picture
