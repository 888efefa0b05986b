"""The moving part of a scene: timers, messages on their way with their words, and messages that were lost.

Rules
1. Many messages are dots in one call; above `DOTS_ONLY` there are no words.
2. Words of a message stay on the side of the link where they were in the last frame, as long as there is room; without
   room they are left out, and the tool tip, the outline and the selection still tell them.
3. Into a vector file everything is drawn as shapes.
"""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPixmap

from prayog_sdk.qt import theme
from prayog_sdk.qt.batch import draw_symbols
from prayog_sdk.qt.labels import Labels
from prayog_sdk.qt.scene import DOT, DOTS_ONLY, GAP, Loss, Scene, distance
from prayog_sim.run import Flight, NodeView, View

__all__ = ["FlightPainter"]

_LABELS = 24  # messages in flight that still get words


class FlightPainter:
    """Paints what moves in `scene`; keeps what can be used again in the next frame."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._dots: tuple[tuple[str, float], QPixmap] | None = None
        self._table: tuple[View, object] | None = None
        self._sides: dict[int, int] = {}

    def paint(self, painter: QPainter, clock_us: float, labels: Labels) -> None:
        """Timers, messages and losses at `clock_us`; `labels` knows what the still part has written."""
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
        self._paint_flights(painter, flights, clock_us, labels.copy())
        for loss in self.scene.losses:
            if 0 <= clock_us - loss.at < 2 * self.scene.flight_us:
                self._paint_loss(painter, loss)
        if self.scene.pulled is not None:
            self._paint_pulled(painter, *self.scene.pulled)

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

    def _paint_flights(self, painter: QPainter, flights: tuple[Flight, ...], clock_us: float, labels: Labels) -> None:
        """Messages one by one, with their words when they are few."""
        words = len(self.scene.view.flights) <= _LABELS and self.scene.radius >= 12
        marked = (self.scene.selection, self.scene.focus)
        placed = [
            (flight, dot) for flight in flights if (dot := self.scene.dot(flight, clock_us)) is not None
        ]  # fmt: skip
        for flight, dot in placed:
            self._paint_dot(painter, flight, dot)
            labels.keep_free(QRectF(dot.x() - DOT, dot.y() - DOT, 2 * DOT, 2 * DOT))
        told = [(flight, dot) for flight, dot in placed if flight.label and (words or f"#{flight.ident}" in marked)]
        for flight, dot in sorted(told, key=lambda each: f"#{each[0].ident}" not in marked):
            self._paint_label(painter, flight, dot, labels, must=f"#{flight.ident}" in marked)
        if len(self._sides) > 4 * _LABELS:
            self._sides = {f.ident: self._sides[f.ident] for f, _ in told if f.ident in self._sides}

    def _paint_dot(self, painter: QPainter, flight: Flight, dot: QPointF) -> None:
        current = theme.current()
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
        if name in (self.scene.selection, self.scene.focus):
            style = Qt.PenStyle.SolidLine if name == self.scene.selection else Qt.PenStyle.DashLine
            painter.setPen(QPen(QColor(current.accent), 2, style))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(dot, 10, 10)

    def _paint_label(self, painter: QPainter, flight: Flight, dot: QPointF, labels: Labels, *, must: bool) -> None:
        """The words of a message, beside its dot on the outer side of the link, or on the inner one."""
        painter.setFont(theme.font(0.85))
        metrics = QFontMetricsF(painter.font())
        a, b = self.scene.centres[flight.src], self.scene.centres[flight.dst]
        length = distance(a, b) or 1.0
        way = (b - a) / length
        side = QPointF(-way.y(), way.x())
        size = QSizeF(metrics.horizontalAdvance(flight.label) + 10, metrics.height() + 2)
        off = 9 + abs(side.x()) * size.width() / 2 + abs(side.y()) * size.height() / 2
        places = [dot + side * off, dot - side * off, dot + side * off - way * 14, dot - side * off - way * 14]
        order = sorted(range(len(places)), key=lambda index: index != self._sides.get(flight.ident, 0))
        half = QPointF(size.width() / 2, size.height() / 2)
        found = labels.place([QRectF(places[index] - half, size) for index in order], must=must)
        if found is None:
            return
        self._sides[flight.ident] = order[found[0]]
        write(painter, found[1], flight.label)

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

    def _paint_pulled(self, painter: QPainter, at: QPointF, words: str) -> None:
        """A message in the learner's hand: a hollow dot, and when it would arrive if it were let go."""
        painter.setPen(QPen(QColor(theme.current().accent), 2, Qt.PenStyle.DashLine))
        painter.setBrush(QColor(theme.current().surface))
        painter.drawEllipse(at, DOT + 2, DOT + 2)
        painter.setFont(theme.font(0.9))
        metrics = QFontMetricsF(painter.font())
        box = QRectF(0, 0, metrics.horizontalAdvance(words) + 12, metrics.height() + 4)
        box.moveCenter(at + QPointF(0, -14 - box.height() / 2))
        window = painter.viewport()
        box.moveLeft(min(max(4.0, box.left()), max(4.0, window.width() - box.width() - 4)))
        box.moveTop(max(4.0, box.top()))
        write(painter, box, words)

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


def write(painter: QPainter, box: QRectF, words: str) -> None:
    """Words on a small card."""
    current = theme.current()
    painter.setPen(QPen(QColor(current.line), 1))
    painter.setBrush(QColor(current.surface))
    painter.drawRoundedRect(box, 4, 4)
    painter.setPen(QColor(current.text))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)


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
