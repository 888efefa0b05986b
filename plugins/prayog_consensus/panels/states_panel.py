"""The role's state machine, drawn from the table that drives the nodes: where each is now, and what led there."""

from __future__ import annotations

import math
from collections.abc import Mapping

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from prayog_consensus.engine.families import family
from prayog_sdk.qt import theme
from prayog_sdk.qt.panel import Bench, Panel, guarded
from prayog_sim.run import View
from prayog_sim.table import Table
from prayog_sim.trace import Step

__all__ = ["StatesPanel"]

WIDE, TALL = 118, 46
"""Size of a state, in pixels at 100 % text."""


@guarded
class _Diagram(QWidget):
    """States on a ring, transitions as arrows; the nodes that are in a state are written in it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table: Table | None = None
        self.where: Mapping[str, list[str]] = {}
        self.crossed: tuple[str, str] = ("", "")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(self.tr("State machine"))

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(360), theme.scaled(260))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(400), theme.scaled(290))

    def _places(self) -> dict[str, QPointF]:
        states = self.table.states if self.table else ()
        middle = QPointF(self.width() / 2, self.height() / 2 + theme.scaled(14))
        wide, tall = self.width() / 2 - theme.scaled(90), self.height() / 2 - theme.scaled(58)
        turn = 2 * math.pi / max(1, len(states))
        start = math.pi if len(states) == 2 else -math.pi / 2
        return {
            state: middle + QPointF(wide * math.cos(start + i * turn), tall * math.sin(start + i * turn))
            for i, state in enumerate(states)
        }

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.table is None:
            return
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        places = self._places()
        edges: dict[tuple[str, str], list[str]] = {}
        for one in self.table.rows:
            words = edges.setdefault((one.state, one.to), [])
            if one.event not in words:
                words.append(one.event)
        for (begin, end), events in edges.items():
            lit = (begin, end) == self.crossed
            pen = QPen(QColor(colours.accent if lit else colours.edge), 2.5 if lit else 1.25)
            self._edge(painter, places[begin], places[end], ", ".join(events), pen, back=(end, begin) in edges)
        for state, place in places.items():
            self._state(painter, state, place)
        painter.end()

    def _edge(self, painter: QPainter, a: QPointF, b: QPointF, words: str, pen: QPen, *, back: bool) -> None:
        colours = theme.current()
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        radius = theme.scaled(34)
        if a == b:
            loop = QRectF(a.x() - radius / 2, a.y() - theme.scaled(TALL) / 2 - radius * 0.7, radius, radius)
            painter.drawArc(loop, -60 * 16, 300 * 16)
            label = QPointF(a.x(), loop.top() - 3)
        else:
            along = b - a
            length = math.hypot(along.x(), along.y()) or 1.0
            unit = along / length
            side = QPointF(-unit.y(), unit.x()) * (theme.scaled(26) if back else 0.0)
            begin, end = a + unit * _reach(unit) + side * 0.3, b - unit * _reach(unit) + side * 0.3
            bend = (begin + end) / 2 + side
            path = QPainterPath(begin)
            path.quadTo(bend, end)
            painter.drawPath(path)
            toward = end - bend
            size = math.hypot(toward.x(), toward.y()) or 1.0
            toward /= size
            across = QPointF(-toward.y(), toward.x())
            painter.setBrush(pen.color())
            painter.drawPolygon(QPolygonF([end, end - toward * 9 + across * 4, end - toward * 9 - across * 4]))
            label = (begin + end) / 2 + side * 0.8
        metrics = self.fontMetrics()
        text = metrics.elidedText(words, Qt.TextElideMode.ElideRight, theme.scaled(180))
        box = QRectF(metrics.boundingRect(text))
        box.moveCenter(label)
        painter.fillRect(box.adjusted(-3, -1, 3, 1), QColor(colours.surface))
        painter.setPen(QColor(colours.muted))
        painter.drawText(box.adjusted(-2, 0, 2, 0), Qt.AlignmentFlag.AlignCenter, text)

    def _state(self, painter: QPainter, state: str, place: QPointF) -> None:
        colours = theme.current()
        here = self.where.get(state, [])
        box = QRectF(0, 0, theme.scaled(WIDE), theme.scaled(TALL))
        box.moveCenter(place)
        painter.setPen(QPen(QColor(colours.accent if here else colours.edge), 2.0 if here else 1.25))
        painter.setBrush(QColor(colours.accent_soft if here else colours.surface))
        painter.drawRoundedRect(box, 10, 10)
        painter.setPen(QColor(colours.text))
        top, low = QRectF(box), QRectF(box)
        top.setBottom(box.center().y() + 2)
        low.setTop(box.center().y())
        painter.drawText(top if here else box, Qt.AlignmentFlag.AlignCenter, state)
        if here:
            painter.setPen(QColor(colours.muted))
            text = self.fontMetrics().elidedText(" ".join(here), Qt.TextElideMode.ElideRight, int(box.width()) - 10)
            painter.drawText(low, Qt.AlignmentFlag.AlignCenter, text)


def _reach(unit: QPointF) -> float:
    """From the middle of a state to a little outside its border, in the direction of `unit`."""
    across = theme.scaled(WIDE) / 2 / max(1e-6, abs(unit.x()))
    along = theme.scaled(TALL) / 2 / max(1e-6, abs(unit.y()))
    return min(across, along) + 6


class StatesPanel(Panel):
    """Lights the state of every node."""

    title = "States"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._dirty = True
        self._diagram = _Diagram()
        self._note = QLabel("")
        self._note.setWordWrap(True)
        self._note.setProperty("kind", "muted")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*(theme.UNIT,) * 4)
        layout.addWidget(self._note)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(self._diagram)
        layout.addWidget(area, 1)

    def on_run(self, bench: Bench) -> None:
        chosen = family(bench.params.algorithm)
        self._diagram.table = chosen.table
        self._note.setText(
            self.tr("Drawn from the table that drives the nodes; the last transition is highlighted.")
            if chosen.table
            else self.tr("{name} has no roles that change.").replace("{name}", chosen.title)
        )
        self._diagram.crossed = ("", "")
        self._dirty = True

    def on_step(self, step: Step) -> None:
        self._dirty = True
        for effect in step.effects:
            if effect.kind == "edge":
                self._diagram.crossed = (effect.data["from"], effect.data["to"])

    def on_seek(self, view: View) -> None:
        self._dirty = True
        self._diagram.crossed = ("", "")

    def on_frame(self) -> None:
        if not self._dirty or self.bench is None:
            return
        self._dirty = False
        where: dict[str, list[str]] = {}
        for node in self.bench.view().nodes.values():
            state = {**node.volatile, **node.durable}.get("state")
            if isinstance(state, str) and node.status == "up":
                where.setdefault(state, []).append(node.name)
        self._diagram.where = where
        words = (f"{state}: {', '.join(here)}" for state, here in where.items())
        self._diagram.setAccessibleDescription("; ".join(words))
        self._diagram.update()

    def outline(self) -> str:
        return self._diagram.accessibleDescription()
