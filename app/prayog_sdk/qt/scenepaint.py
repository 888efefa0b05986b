"""The still part of a scene: links, partitions and cuts, nodes and their words.  What moves is `flightpaint`'s.

Rules
1. What looks the same is drawn once: nodes of one look share a pixmap.
2. A partition is one line through the picture where a line can part its sides; then the links that it cuts are faint.
3. Words keep out of each other's way (`labels`); in a crowd they stand where they always stand, which is quick.
4. Into a vector file everything is drawn as shapes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPixmap, QPolygonF

from prayog_sdk.qt import icons, theme
from prayog_sdk.qt.arrange import RING
from prayog_sdk.qt.border import border
from prayog_sdk.qt.labels import Labels, around
from prayog_sdk.qt.scene import Scene, distance
from prayog_sdk.qt.shapes import draw_node
from prayog_sdk.qt.words import cut_sentence, groups
from prayog_sim.run import NodeView

__all__ = ["ScenePainter"]

_LINKS = 400  # links drawn at most
_MARKED = 12  # cut links that get a sign each
_BODIES = 256  # pixmaps of nodes kept at most
_NAMED = 24  # nodes whose words are laid out
_SAID = 3  # sentences about cuts


class ScenePainter:
    """Paints `scene`; keeps what can be used again."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.labels = Labels(QRectF())
        """What the last painting has written, and where."""
        self._bodies: dict[tuple[object, ...], QPixmap] = {}

    def paint(self, painter: QPainter, size: QSizeF) -> None:
        """Links, cuts, nodes and their words, within `size`."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.labels = Labels(QRectF(2, 2, size.width() - 4, size.height() - 4))
        painter.setPen(QPen(QColor(theme.current().line), 1))
        for a, b in self._links():
            painter.drawLine(self.scene.centres[a], self.scene.centres[b])
        parted = self._paint_borders(painter, size)
        self._paint_cuts(painter, parted)
        nodes = self.scene.view.nodes
        laid_out = len(nodes) <= _NAMED
        reach = self.scene.radius + 10  # with the timers around it
        for centre in self.scene.centres.values() if laid_out else ():
            self.labels.keep_free(QRectF(centre.x() - reach, centre.y() - reach, 2 * reach, 2 * reach))
        self._say_cuts(painter, size)
        for name, node in nodes.items():
            self._paint_node(painter, name, node)
        for name, node in nodes.items():
            if self.scene.captions or name in (self.scene.selection, self.scene.focus):
                self._paint_caption(painter, name, node, laid_out)
        for node in nodes.values():
            if node.look.badge and (self.scene.badges or node.name in (self.scene.selection, self.scene.focus)):
                self._paint_badge(painter, node, laid_out)

    def _links(self) -> Iterator[tuple[str, str]]:
        names = list(self.scene.view.nodes)
        if len(names) <= RING:
            yield from ((a, b) for i, a in enumerate(names) for b in names[i + 1 :])
            return
        pairs = {(min(f.src, f.dst), max(f.src, f.dst)) for f in self.scene.view.flights}
        yield from sorted(pair for pair in pairs if pair[0] in self.scene.centres and pair[1] in self.scene.centres)[
            :_LINKS
        ]

    # -- nodes and their words -----------------------------------------------------------------------------------

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

    def _paint_body(self, painter: QPainter, node: NodeView, centre: QPointF) -> None:
        """The node itself; from a pixmap when one of that look was drawn before."""
        radius, look = self.scene.radius, node.look
        if self.scene.vector:
            painter.setFont(theme.font())
            draw_node(painter, node, centre, radius)
            return
        scale = painter.device().devicePixelRatioF()
        key = (
            look.role, look.letter, look.hue, look.tally, node.status, bool(node.durable), radius, scale,
            theme.current().name,
        )  # fmt: skip
        body = self._bodies.get(key)
        if body is None:
            edge = math.ceil(2 * radius * 1.5)
            body = QPixmap(round(edge * scale), round(edge * scale))
            body.setDevicePixelRatio(scale)
            body.fill(Qt.GlobalColor.transparent)
            inside = QPainter(body)
            inside.setRenderHint(QPainter.RenderHint.Antialiasing)
            inside.setFont(theme.font())
            draw_node(inside, node, QPointF(edge / 2, edge / 2), radius)
            inside.end()
            if len(self._bodies) >= _BODIES:
                self._bodies.clear()
            self._bodies[key] = body
        half = body.deviceIndependentSize() / 2
        painter.drawPixmap(centre - QPointF(half.width(), half.height()), body)

    def _paint_caption(self, painter: QPainter, name: str, node: NodeView, laid_out: bool) -> None:
        current = theme.current()
        painter.setFont(theme.font())
        metrics = QFontMetricsF(painter.font())
        words = name if node.status == "up" else f"{name} · {node.status}"
        size = QSizeF(metrics.horizontalAdvance(words) + 4, metrics.height())
        reach = self.scene.radius + 13 + (6 if name in (self.scene.selection, self.scene.focus) else 0)
        places = around(self.scene.centres[name], reach, size)
        found = self.labels.place(places, must=True) if laid_out else (0, places[0])
        assert found is not None
        painter.setPen(QColor(current.text if node.status == "up" else current.muted))
        painter.drawText(found[1], Qt.AlignmentFlag.AlignCenter, words)

    def _paint_badge(self, painter: QPainter, node: NodeView, laid_out: bool) -> None:
        current = theme.current()
        painter.setFont(theme.font(0.9))
        metrics = QFontMetricsF(painter.font())
        size = QSizeF(metrics.horizontalAdvance(node.look.badge) + 14, metrics.height() + 5)
        centre, reach = self.scene.centres[node.name], self.scene.radius + 14
        places = [*around(centre, reach, size, "above"), *around(centre, reach + size.height(), size, "above")]
        found = self.labels.place(places, must=True) if laid_out else (0, places[0])
        assert found is not None
        box = found[1]
        painter.setPen(QPen(QColor(current.warn), 1))
        painter.setBrush(QColor(current.warn_soft))
        painter.drawRoundedRect(box, box.height() / 2, box.height() / 2)
        painter.setPen(QColor(current.warn))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, node.look.badge)

    # -- partitions and cuts -------------------------------------------------------------------------------------

    def _paint_borders(self, painter: QPainter, size: QSizeF) -> set[str]:
        """A line for every side of a partition that one line parts from the rest; the nodes of such sides."""
        sides = sorted(groups(self.scene.view), key=len)
        if len(sides) < 2:
            return set()
        centres = {name: (at.x(), at.y()) for name, at in self.scene.centres.items()}
        parted: set[str] = set()
        drawn: set[tuple[float, ...]] = set()
        for side in sides[:-1]:
            mine = [centres[name] for name in side]
            rest = [at for name, at in centres.items() if name not in side]
            ends = border(mine, rest, (0.0, 0.0), (size.width(), size.height()))
            if ends is None:
                continue
            parted |= set(side)
            if (key := tuple(round(part) for end in ends for part in end)) not in drawn:
                drawn.add(key)
                self._paint_border(painter, QPointF(*ends[0]), QPointF(*ends[1]))
        return parted

    def _paint_border(self, painter: QPainter, a: QPointF, b: QPointF) -> None:
        current = theme.current()
        painter.setPen(QPen(QColor(current.bad_soft), 9, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
        painter.drawLine(a, b)
        painter.setPen(QPen(QColor(current.bad), 2, Qt.PenStyle.DashLine))
        painter.drawLine(a, b)
        for share in (0.06, 0.94):
            self._mark(painter, a + (b - a) * share)

    def _mark(self, painter: QPainter, at: QPointF) -> None:
        current = theme.current()
        painter.setPen(QPen(QColor(current.bad), 1.25))
        painter.setBrush(QColor(current.surface))
        painter.drawEllipse(at, 10, 10)
        icons.paint(painter, QRectF(at.x() - 7, at.y() - 7, 14, 14), "partition", current.bad)
        self.labels.keep_free(QRectF(at.x() - 10, at.y() - 10, 20, 20))

    def _paint_cuts(self, painter: QPainter, parted: set[str]) -> None:
        """The links that deliver nothing, one by one; those that a border crosses are told by the border."""
        cuts = set(self.scene.view.cuts)
        shown = [
            (a, b)
            for a, b in self.scene.view.cuts
            if a in self.scene.centres and b in self.scene.centres and ((b, a) not in cuts or a < b)
        ]
        of = {name: index for index, side in enumerate(groups(self.scene.view)) for name in side}
        crossed = [pair for pair in shown if of[pair[0]] != of[pair[1]] and parted & set(pair)]
        single = [pair for pair in shown if pair not in crossed]
        current = theme.current()
        painter.setPen(QPen(QColor(current.surface), 1.5))
        for src, dst in crossed[:_LINKS]:  # nothing goes here: the link itself is taken away
            painter.drawLine(self.scene.centres[src], self.scene.centres[dst])
        painter.setPen(QPen(QColor(current.line), 1, Qt.PenStyle.DotLine))
        for src, dst in crossed[:_LINKS]:
            painter.drawLine(self.scene.centres[src], self.scene.centres[dst])
        for src, dst in single[:_LINKS]:
            a, b = self.scene.centres[src], self.scene.centres[dst]
            painter.setPen(QPen(QColor(current.bad), 1.25, Qt.PenStyle.DashLine))
            middle = (a + b) / 2
            if (dst, src) in cuts:
                painter.drawLine(a, b)
            else:
                start, end = self.scene.on_link(src, dst, 0.0) or a, self.scene.on_link(src, dst, 1.0) or b
                painter.drawLine(start, end)
                middle = (start + end) / 2
                _half_arrow(painter, start, start + (end - start) * 0.72, current.bad)
            if len(single) <= _MARKED:
                self._mark(painter, middle)

    def _say_cuts(self, painter: QPainter, size: QSizeF) -> None:
        """The cuts in words, and what became of the messages that were on their way: in a corner that is free.

        In a picture too small for them the line, the outline and the tool tips have to do.
        """
        said = [*cut_sentence(self.scene.view)][:_SAID]
        if not said:
            return
        painter.setFont(theme.font(0.9))
        metrics = QFontMetricsF(painter.font())
        edge, room = float(theme.scaled(16)), size.width() - 2 * theme.UNIT
        whole = [*said, self.scene.in_flight] if self.scene.in_flight else said
        for lines in (whole, said):
            flags = int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft)
            text = "\n".join(lines)
            need = metrics.boundingRect(QRectF(0, 0, room - edge - 6, size.height()), flags, text)
            wide, high = need.width() + edge + 6, need.height()
            right, low = size.width() - theme.UNIT - wide, size.height() - theme.UNIT - high
            corners = [(theme.UNIT, theme.UNIT), (right, theme.UNIT), (theme.UNIT, low), (right, low)]
            found = self.labels.place([QRectF(x, y, wide, high) for x, y in corners])
            if found is not None:
                box, bad = found[1], QColor(theme.current().bad)
                painter.fillRect(box.adjusted(-2, 0, 2, 0), QColor(theme.current().surface))
                icons.paint(painter, QRectF(box.topLeft(), QSizeF(edge, edge)), "partition", theme.current().bad)
                painter.setPen(bad)
                painter.drawText(box.adjusted(edge + 6, 0, 2, 0), flags, text)
                return


def _half_arrow(painter: QPainter, start: QPointF, end: QPointF, colour: str) -> None:
    """A one-sided arrow head: one-way."""
    length = distance(start, end) or 1.0
    way = (end - start) / length
    side = QPointF(-way.y(), way.x())
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawPolygon(QPolygonF([end, end - way * 12 + side * 7, end - way * 12]))
