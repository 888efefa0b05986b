"""The picture of a cluster at one moment: what stands where, what is under the pointer, and how it is painted.

`CanvasPanel` owns one and repaints it; an export paints the same scene into a file.  What changes only with a
step (links, nodes, captions) is `paint_still`, and goes into a pixmap; what moves between steps (messages, timers)
is `paint_moving`.

Rules
1. A message's place follows from the clock and its two times, never from the number of frames.
2. Above `DOTS_ONLY` messages there are dots and no words; they are drawn in one call.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPixmap, QPolygonF

from prayog_sdk.qt import icons, theme
from prayog_sdk.qt.arrange import RING, Place, arrange, beside, grid
from prayog_sdk.qt.batch import draw_symbols
from prayog_sdk.qt.shapes import draw_node
from prayog_sdk.qt.words import cut_sentence
from prayog_sim.run import Flight, NodeView, View
from prayog_sim.trace import Step

__all__ = ["DOTS_ONLY", "Loss", "Scene"]

DOTS_ONLY = 200
_LABELS = 24  # messages in flight that still get words
_LINKS = 400  # links drawn at most
_GAP = 6.0  # px that messages keep to the right of the link
_REACH = 13.0  # px around an entity that still hit it: targets of 26 px
_DOT = 5.0
_LOST = 0.32  # share of the way at which a lost message is crossed out: clear of the mark of a cut


@dataclass(frozen=True, slots=True)
class Loss:
    """A message that will not arrive: seen as lost at `at`, a share of the way along."""

    src: str
    dst: str
    at: int
    share: float
    label: str


class Scene:
    """One moment of a run, laid out in a rectangle."""

    def __init__(self) -> None:
        self.view = View(-1, 0)
        self.moved: dict[str, Place] = {}
        self.selection = ""
        self.focus = ""
        self.focus_shown = True
        """Whether the entity in focus is marked: the canvas has the keyboard."""
        self.vector = False
        """Painted into a vector file: every dot is drawn by itself."""
        self.still = False
        """Reduced motion: messages stand half-way, timers drain in quarters."""
        self.losses: deque[Loss] = deque(maxlen=64)
        self.radius = 20.0
        self.captions = self.badges = True
        self._area = QRectF()
        self._centres: dict[str, QPointF] = {}
        self._flight_us = 60_000.0
        self._twins: frozenset[int] = frozenset()
        self._batch: tuple[View, object] | None = None

    # -- what is where ---------------------------------------------------------------------------------------------

    def lay_out(self, size: QSizeF) -> None:
        """Fit the nodes of the view into `size`."""
        count = len(self.view.nodes)
        wide, high = max(1.0, size.width()), max(1.0, size.height())
        aspect, line = wide / high, theme.scaled(16)
        self.captions = self.badges = True
        if count <= RING:
            self.radius = max(14.0, min(min(wide, high) * 0.085, theme.scaled(32)))
            side, top = self.radius + 2.5 * line, self.radius + 2.2 * line
            self._area = QRectF(side, top, max(1.0, wide - 2 * side), max(1.0, high - 2 * top))
        else:
            columns, rows = grid(count, aspect)
            cell = QSizeF(wide / columns, (high - line) / rows)
            self.radius = min(cell.width() * 0.28, (cell.height() - line - 30) / 2, theme.scaled(26))
            self.captions = self.radius >= 9
            if not self.captions:
                self.radius = max(3.0, min(cell.width(), cell.height()) * 0.3)
            self.badges = self.radius >= 20
            self._area = QRectF(0, line / 2, wide, max(1.0, high - line * (1.5 if self.captions else 0.5)))
        places = arrange(list(self.view.nodes), self.moved, aspect)
        self._centres = {
            name: QPointF(self._area.x() + x * self._area.width(), self._area.y() + y * self._area.height())
            for name, (x, y) in places.items()
        }

    def set_view(self, view: View) -> None:
        self.view = view
        seen: set[tuple[str, str, int, str]] = set()
        twins = set()
        for flight in view.flights:
            same = (flight.src, flight.dst, flight.sent_at, flight.label)
            if same in seen:
                twins.add(flight.ident)
            seen.add(same)
        self._twins = frozenset(twins)

    def gather(self, step: Step) -> None:
        """Remember what `step` says about lost messages and about how long messages take."""
        for effect in step.effects:
            data = effect.data
            if effect.kind == "send":
                arrives = data.get("arrives")
                if arrives is None:
                    loss = Loss(step.node, str(data.get("to")), step.at, _LOST, str(data.get("label", "")))
                    self.losses.append(loss)
                else:
                    self._flight_us += 0.1 * (arrives - step.at - self._flight_us)
            elif effect.kind == "lost":
                loss = Loss(str(data.get("src")), str(data.get("to")), step.at, _LOST, str(data.get("label", "")))
                self.losses.append(loss)
        if step.kind == "drop" and "src" in step.data:
            label = str(step.data.get("label", ""))
            self.losses.append(Loss(str(step.data["src"]), step.node, step.at, 1.0, label))

    def place(self, name: str) -> QPointF | None:
        """Where the node is."""
        return self._centres.get(name)

    def to_place(self, point: QPointF) -> Place:
        """A point of the picture as a place in the unit square."""
        x = (point.x() - self._area.x()) / self._area.width()
        y = (point.y() - self._area.y()) / self._area.height()
        return min(1.0, max(0.0, x)), min(1.0, max(0.0, y))

    def entities(self) -> list[str]:
        """What the keyboard walks: nodes, then messages in the order of arrival."""
        return [*self.view.nodes, *(f"#{flight.ident}" for flight in self.view.flights[:DOTS_ONLY])]

    def flight(self, name: str) -> Flight | None:
        """The message called ``#ident``."""
        return next((flight for flight in self.view.flights if f"#{flight.ident}" == name), None)

    def share(self, flight: Flight, clock_us: float) -> float:
        """How far the message is on its way, from 0 to 1."""
        if self.still:
            return 0.5
        span = flight.arrives_at - flight.sent_at
        return 1.0 if span <= 0 else min(1.0, max(0.0, (clock_us - flight.sent_at) / span))

    def dot(self, flight: Flight, clock_us: float) -> QPointF | None:
        """Where the message is."""
        return self._on_link(flight.src, flight.dst, self.share(flight, clock_us))

    def hit(self, point: QPointF, clock_us: float) -> str:
        """The entity at `point`: messages are in front of nodes; ``""`` is the empty ground."""
        best, found = _REACH, ""
        for flight in self.view.flights[:DOTS_ONLY]:
            dot = self.dot(flight, clock_us)
            if dot is not None and (far := _distance(dot, point)) < best:
                best, found = far, f"#{flight.ident}"
        if found and best <= _DOT + 3:
            return found
        for name, centre in self._centres.items():
            if _distance(centre, point) <= max(self.radius, _REACH):
                return name
        return found

    def _on_link(self, src: str, dst: str, share: float) -> QPointF | None:
        a, b = self._centres.get(src), self._centres.get(dst)
        if a is None or b is None:
            return None
        if src == dst:
            return a + QPointF(0, -self.radius - 8)
        x, y = beside((a.x(), a.y()), (b.x(), b.y()), share, _GAP, self.radius + 4)
        return QPointF(x, y)

    # -- painting ----------------------------------------------------------------------------------------------------

    def paint_still(self, painter: QPainter, size: QSizeF) -> None:
        """Links, cuts, nodes and their words, within `size`."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        current = theme.current()
        painter.setPen(QPen(QColor(current.line), 1))
        for a, b in self._links():
            painter.drawLine(self._centres[a], self._centres[b])
        self._paint_cuts(painter)
        for name, node in self.view.nodes.items():
            self._paint_node(painter, name, node)
        for node in self.view.nodes.values():
            if node.look.badge and (self.badges or node.name in (self.selection, self.focus)):
                self._paint_badge(painter, node, size.width())
        self._paint_partition(painter)

    def paint_moving(self, painter: QPainter, clock_us: float) -> None:
        """Timers, messages and losses at `clock_us`."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for name, node in self.view.nodes.items():
            if node.timers and self.radius >= 9:
                self._paint_timers(painter, self._centres[name], node, clock_us)
        if len(self.view.flights) > DOTS_ONLY and not self.vector:
            self._paint_many(painter, clock_us)
        else:
            self._paint_flights(painter, clock_us)
        for loss in self.losses:
            if 0 <= clock_us - loss.at < 2 * self._flight_us:
                self._paint_loss(painter, loss)

    def _links(self) -> Iterator[tuple[str, str]]:
        names = list(self.view.nodes)
        if len(names) <= RING:
            yield from ((a, b) for i, a in enumerate(names) for b in names[i + 1 :])
            return
        pairs = {(min(f.src, f.dst), max(f.src, f.dst)) for f in self.view.flights}
        yield from sorted(pair for pair in pairs if pair[0] in self._centres and pair[1] in self._centres)[:_LINKS]

    def _paint_node(self, painter: QPainter, name: str, node: NodeView) -> None:
        current, centre, radius = theme.current(), self._centres[name], self.radius
        if name == self.selection:
            painter.setPen(QPen(QColor(current.accent), 2))
            painter.setBrush(QColor(current.accent_soft))
            painter.drawEllipse(centre, radius + 15, radius + 15)
        if name == self.focus and self.focus_shown:
            painter.setPen(QPen(QColor(current.text), 1.5, Qt.PenStyle.DashLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(centre, radius + 19, radius + 19)
        painter.setFont(_font())
        draw_node(painter, node, centre, radius)
        if not self.captions and name not in (self.selection, self.focus):
            return
        painter.setFont(_font())
        words = name if node.status == "up" else f"{name} · {node.status}"
        painter.setPen(QColor(current.text if node.status == "up" else current.muted))
        line = QFontMetricsF(painter.font()).height()
        drop = radius + 17 + (4 if name in (self.selection, self.focus) else 0)
        box = QRectF(centre.x() - 200, centre.y() + drop, 400, line)
        painter.drawText(box, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, words)

    def _paint_badge(self, painter: QPainter, node: NodeView, wide: float) -> None:
        current, centre = theme.current(), self._centres[node.name]
        painter.setFont(_font(0.9))
        metrics = QFontMetricsF(painter.font())
        box = QRectF(0, 0, metrics.horizontalAdvance(node.look.badge) + 14, metrics.height() + 5)
        box.moveCenter(centre + QPointF(0, -self.radius - 18 - box.height() / 2))
        box.moveLeft(min(max(4.0, box.left()), max(4.0, wide - box.width() - 4)))
        box.moveTop(max(4.0, box.top()))
        painter.setPen(QPen(QColor(current.warn), 1))
        painter.setBrush(QColor(current.warn_soft))
        painter.drawRoundedRect(box, box.height() / 2, box.height() / 2)
        painter.setPen(QColor(current.warn))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, node.look.badge)

    def _paint_cuts(self, painter: QPainter) -> None:
        cuts = set(self.view.cuts)
        shown = [(a, b) for a, b in self.view.cuts if a in self._centres and b in self._centres]
        shown = [(a, b) for a, b in shown if (b, a) not in cuts or a < b]
        marks = len(shown) <= 12
        current = theme.current()
        for src, dst in shown[:_LINKS]:
            a, b = self._centres[src], self._centres[dst]
            both = (dst, src) in cuts
            painter.setPen(QPen(QColor(current.bad), 1.25, Qt.PenStyle.DashLine))
            middle = (a + b) / 2
            if both:
                painter.drawLine(a, b)
            else:
                start, end = self._on_link(src, dst, 0.0) or a, self._on_link(src, dst, 1.0) or b
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
        said = list(cut_sentence(self.view))
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
            if self.still:
                left = math.ceil(left * 4) / 4
            reach = self.radius + 6 + 4 * index
            painter.setPen(QPen(colour, 2.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
            box = QRectF(centre.x() - reach, centre.y() - reach, 2 * reach, 2 * reach)
            painter.drawArc(box, 90 * 16, round(left * 360 * 16))

    def _paint_flights(self, painter: QPainter, clock_us: float) -> None:
        current = theme.current()
        words = len(self.view.flights) <= _LABELS and self.radius >= 12
        placed = [(flight, self.dot(flight, clock_us)) for flight in self.view.flights]
        for flight, dot in placed:
            if dot is None:
                continue
            if flight.ident in self._twins:
                start = self._on_link(flight.src, flight.dst, 0.0)
                painter.setPen(QPen(QColor(current.accent), 1.25, Qt.PenStyle.DotLine))
                if start is not None:
                    painter.drawLine(start, dot)
                painter.setPen(QPen(QColor(current.accent), 2))
                painter.setBrush(QColor(current.surface))
            else:
                painter.setPen(QPen(QColor(current.surface), 1.5))
                painter.setBrush(QColor(current.accent))
            painter.drawEllipse(dot, _DOT, _DOT)
            name = f"#{flight.ident}"
            if name in (self.selection, self.focus):
                style = Qt.PenStyle.SolidLine if name == self.selection else Qt.PenStyle.DashLine
                painter.setPen(QPen(QColor(current.accent), 2, style))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawEllipse(dot, 10, 10)
        for flight, dot in placed:
            if dot is not None and flight.label and (words or f"#{flight.ident}" in (self.selection, self.focus)):
                self._paint_label(painter, flight, dot)

    def _paint_label(self, painter: QPainter, flight: Flight, dot: QPointF) -> None:
        """The words of a message, beside its dot on the outer side of the link."""
        current = theme.current()
        painter.setFont(_font(0.85))
        metrics = QFontMetricsF(painter.font())
        a, b = self._centres[flight.src], self._centres[flight.dst]
        length = _distance(a, b) or 1.0
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
        start, end = self._on_link(loss.src, loss.dst, 0.0), self._on_link(loss.src, loss.dst, loss.share)
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

        if self._batch is None or self._batch[0] is not self.view:
            self._batch = (self.view, self._table())
        table = self._batch[1]
        assert isinstance(table, np.ndarray)
        if self.still:
            share = np.full(len(table), 0.5)
        else:
            share = np.clip((clock_us - table[:, 4]) / np.maximum(table[:, 5] - table[:, 4], 1), 0, 1)
        centres = np.array([(p.x(), p.y()) for p in self._centres.values()])
        a, b = centres[table[:, 0].astype(int)], centres[table[:, 1].astype(int)]
        way = b - a
        length = np.maximum(np.hypot(way[:, 0], way[:, 1]), 1.0)
        unit = way / length[:, None]
        near = np.minimum(self.radius + 4, length / 2)
        along = near + (length - 2 * near) * share
        x = a[:, 0] + unit[:, 0] * along - unit[:, 1] * _GAP
        y = a[:, 1] + unit[:, 1] * along + unit[:, 0] * _GAP
        atlas = _dot_atlas(painter.device().devicePixelRatioF())
        draw_symbols(painter, atlas, x, y, np.zeros(len(x)), 12)

    def _table(self) -> object:
        """The messages as numbers: source, target, -, -, sent at, arrives at."""
        import numpy as np

        index = {name: i for i, name in enumerate(self._centres)}
        rows = [
            (index[f.src], index[f.dst], 0, 0, f.sent_at, f.arrives_at)
            for f in self.view.flights
            if f.src in index and f.dst in index
        ]
        return np.array(rows, np.float64).reshape(-1, 6)


def _distance(a: QPointF, b: QPointF) -> float:
    return math.hypot(a.x() - b.x(), a.y() - b.y())


def _font(size: float = 1.0) -> QFont:
    font = QFont()
    font.setPointSizeF(theme.body_points() * size)
    return font


def _half_arrow(painter: QPainter, start: QPointF, end: QPointF, colour: str) -> None:
    """A one-sided arrow head: one-way."""
    length = _distance(start, end) or 1.0
    way = (end - start) / length
    side = QPointF(-way.y(), way.x())
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawPolygon(QPolygonF([end, end - way * 12 + side * 7, end - way * 12]))


def _dot_atlas(scale: float) -> QPixmap:
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
