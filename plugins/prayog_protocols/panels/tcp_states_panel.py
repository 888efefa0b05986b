"""Both ends of a connection in the state machine of RFC 9293, drawn from the table that drives them.

The states stand where the RFC's figure has them; the transition that an end crossed last is written beside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from prayog_protocols.engine.tcp.states import TABLE
from prayog_sdk.qt import theme
from prayog_sdk.qt.panel import Bench, guarded
from prayog_sdk.qt.reading import ReadingPanel
from prayog_sdk.qt.state import paragraph
from prayog_sim.trace import Step

__all__ = ["TcpStatesPanel"]

_PLACES = {  # column and row, as in RFC 9293, figure 5: opening above, the one that closes first on the left
    "CLOSED": (1, 0), "LISTEN": (0, 1), "SYN-SENT": (2, 1), "SYN-RECEIVED": (0, 2), "ESTABLISHED": (1, 2),
    "FIN-WAIT-1": (0, 3.4), "CLOSE-WAIT": (2, 3.4), "FIN-WAIT-2": (0, 4.5), "CLOSING": (1, 4.2), "LAST-ACK": (2, 4.5),
    "TIME-WAIT": (1, 5.5),
}  # fmt: skip
_ROUND = (("LAST-ACK", "CLOSED"), ("TIME-WAIT", "CLOSED"))  # these lead around all others, on the right
_WIDE, _TALL = 132, 46  # of a state, in pixels at 100 % text
_LANE = 66  # between two arrows that lead around
_QUIET = ("RST", "abort")  # they lead to CLOSED from everywhere: said in the note, not drawn


@guarded
class _Diagram(QWidget):
    """States as boxes, transitions as arrows, the ends as chips in the boxes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.where: dict[str, list[str]] = {}
        self.crossed: Sequence[tuple[str, str]] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("State machine of TCP")

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(560), theme.scaled(520))

    def sizeHint(self) -> QSize:
        return self.minimumSizeHint()

    def _box(self, state: str) -> QRectF:
        column, row = _PLACES[state]
        wide, tall = theme.scaled(_WIDE), theme.scaled(_TALL)
        lanes = theme.scaled(_LANE) * len(_ROUND)
        x = (self.width() - wide - lanes - 2 * theme.UNIT) * column / 2 + theme.UNIT
        y = (self.height() - tall - 2 * theme.UNIT) * row / 5.5 + theme.UNIT
        return QRectF(x, y, wide, tall)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        edges: dict[tuple[str, str], list[str]] = {}
        for one in TABLE.rows:
            if one.event not in _QUIET:
                edges.setdefault((one.state, one.to), []).append(one.event)
        lit = set(self.crossed)
        for (begin, end), events in sorted(edges.items(), key=lambda edge: edge[0] in lit):
            self._edge(painter, begin, end, " / ".join(dict.fromkeys(events)), (begin, end) in lit)
        for state in _PLACES:
            self._state(painter, state)
        painter.end()

    def _edge(self, painter: QPainter, begin: str, end: str, words: str, lit: bool) -> None:
        colours = theme.current()
        path = self._path(begin, end)
        painter.setPen(QPen(QColor(colours.accent if lit else colours.edge), 2.5 if lit else 1.0))
        painter.drawPolyline(QPolygonF(path))
        stop, before = path[-1], path[-2]
        size = math.hypot(stop.x() - before.x(), stop.y() - before.y()) or 1.0
        unit = (stop - before) / size
        across = QPointF(-unit.y(), unit.x())
        painter.setBrush(QColor(colours.accent if lit else colours.edge))
        painter.drawPolygon(QPolygonF([stop, stop - unit * 9 + across * 4, stop - unit * 9 - across * 4]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setFont(theme.font(0.82))
        box = QRectF(QFontMetricsF(painter.font()).boundingRect(words))
        middle = len(path) // 2 - 1  # of the arrows that lead around: the part that goes up
        box.moveCenter((path[middle] + path[middle + 1]) / 2)
        painter.fillRect(box.adjusted(-3, -1, 3, 1), self.palette().window())
        painter.setPen(QColor(colours.accent if lit else colours.muted))
        painter.drawText(box.adjusted(-8, -2, 8, 2), Qt.AlignmentFlag.AlignCenter, words)

    def _path(self, begin: str, end: str) -> list[QPointF]:
        """The corners of an arrow."""
        a, b = self._box(begin), self._box(end)
        if (begin, end) in _ROUND:
            lane = _ROUND.index((begin, end))
            x = self.width() - theme.UNIT - theme.scaled(_LANE) * (len(_ROUND) - 1 - lane) - theme.UNIT
            y = b.top() + b.height() * (0.7 - 0.4 * lane)
            start = QPointF(a.right(), a.center().y())
            return [start, QPointF(x, start.y()), QPointF(x, y), QPointF(b.right(), y)]
        start, stop = _border(a, b.center()), _border(b, a.center())
        if any(one.state == end and one.to == begin and one.event not in _QUIET for one in TABLE.rows):
            along = stop - start  # two arrows between the same states run beside each other
            size = math.hypot(along.x(), along.y()) or 1.0
            aside = QPointF(-along.y(), along.x()) / size * theme.scaled(9)
            start, stop = start + aside, stop + aside
        return [start, stop]

    def _state(self, painter: QPainter, state: str) -> None:
        colours = theme.current()
        here = self.where.get(state, [])
        box = self._box(state)
        painter.setPen(QPen(QColor(colours.accent if here else colours.edge), 2.0 if here else 1.25))
        painter.setBrush(QColor(colours.accent_soft if here else colours.surface))
        painter.drawRoundedRect(box, 8, 8)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setFont(theme.font(0.95))
        painter.setPen(QColor(colours.text))
        middle = box.center().y()
        top = QRectF(box.left(), box.top() + 3, box.width(), middle - box.top())
        painter.drawText(top if here else box, Qt.AlignmentFlag.AlignCenter, state)
        if here:
            painter.setFont(theme.font(0.85))
            painter.setPen(QColor(colours.accent))
            low = QRectF(box.left() + 4, middle - 1, box.width() - 8, box.bottom() - middle - 2)
            said = QFontMetricsF(painter.font()).elidedText(", ".join(here), Qt.TextElideMode.ElideRight, low.width())
            painter.drawText(low, Qt.AlignmentFlag.AlignCenter, said)


def _border(box: QRectF, towards: QPointF) -> QPointF:
    """Where a line from the middle of `box` leaves it."""
    way = towards - box.center()
    across = box.width() / 2 / abs(way.x()) if way.x() else math.inf
    along = box.height() / 2 / abs(way.y()) if way.y() else math.inf
    return box.center() + way * min(across, along, 1.0)


def _led_by(edge: tuple[str, str, str] | None, state: str) -> str:
    """What led into a state, in the words of the table."""
    if edge is None or edge[2] != state:
        return ""
    why = next((one.why for one in TABLE.rows if (one.state, one.event, one.to) == edge), "")
    return f" (by {edge[1]}{f': {why}' if why else ''})"


class TcpStatesPanel(ReadingPanel):
    """Lights the state of every end at the shown moment, and says how it came there."""

    title = "TCP states"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._edges: list[tuple[int, str, tuple[str, str, str]]] = []  # (step, machine, (from, event, to))
        self._shown = (-2, -1)
        self._diagram = _Diagram()
        self.note = paragraph("", "muted")
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(self._diagram)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.UNIT, theme.UNIT // 2, theme.UNIT, theme.UNIT // 2)
        column.addWidget(self.note)
        column.addWidget(area, 1)

    def on_theme(self) -> None:
        self._diagram.updateGeometry()
        self._diagram.update()

    def begin(self, bench: Bench) -> None:
        self._edges, self._shown = [], (-2, -1)

    def take(self, step: Step) -> None:
        for effect in step.effects:
            if effect.kind == "edge":
                data = effect.data
                self._edges.append((step.seq, step.node, (data["from"], data["event"], data["to"])))

    def read(self, through: bool) -> None:
        if self.bench is not None:
            self.move_cursor(self.bench)

    def move_cursor(self, bench: Bench) -> None:
        if self._shown == (bench.at, len(self._edges)):
            return
        self._shown = bench.at, len(self._edges)
        # The transition that each machine crossed last.
        last = {name: edge for seq, name, edge in self._edges if seq <= bench.at}
        where: dict[str, list[str]] = {}
        lines: list[str] = []
        for name, node in bench.view().nodes.items():
            ends: dict[str, str] = node.volatile.get("connections") or {}
            for peer, state in ends.items():
                mark = f"{name} ({peer.partition(':')[0]})" if len(ends) > 1 else name
                where.setdefault(state, []).append(mark)
                lines.append(f"{mark}: {state}{_led_by(last.get(name), state)}")
        self._diagram.where = where
        self._diagram.crossed = [(begin, end) for begin, _, end in last.values()]
        said = "; ".join(lines) or "No connection of the simulated TCP yet (the experiment “tcp”)."
        self.note.setText(f"{said}. RST leads from every state to CLOSED." if lines else said)
        self._diagram.setAccessibleDescription(said)
        self._diagram.update()

    def outline(self) -> str:
        return self._diagram.accessibleDescription()
