"""The log grid: one line a server, one column an index.

Colour and number are the term (or view, or epoch) in which an entry was written; a dashed border means that the
server does not know it to be committed.  On the line of a leader's followers a dot is what it knows to match, an
arrow what it will send next.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QLabel, QScrollArea, QSizePolicy, QToolTip, QVBoxLayout, QWidget

from prayog_consensus.engine.logs import Cell, Row, row
from prayog_sdk.qt import theme
from prayog_sdk.qt.panel import Panel, guarded
from prayog_sim.run import View
from prayog_sim.trace import Step

__all__ = ["LogGrid", "LogPanel"]

DRAWN = 400
"""Columns drawn: the newest ones."""


@guarded
class LogGrid(QWidget):
    """Draws rows; a click tells the server."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: Sequence[Row] = ()
        self._from = 1
        self._to = 0
        self.selected = ""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.MinimumExpanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Logs of all servers"))
        self.setMouseTracking(True)

    def show_rows(self, rows: Sequence[Row], selected: str) -> None:
        self._rows, self.selected = rows, selected
        slots = [cell.slot for one in rows for cell in one.cells]
        self._to = max(slots, default=0)
        self._from = max(1, self._to - DRAWN + 1)
        words = (
            f"{one.node}: {len(one.cells)} entries, {sum(c.committed for c in one.cells)} committed" for one in rows
        )
        self.setAccessibleDescription("; ".join(words))
        self.updateGeometry()
        self.update()

    def _sizes(self) -> tuple[int, int, int]:
        """Width of the names, width and height of a cell."""
        metrics = self.fontMetrics()
        names = max((metrics.horizontalAdvance(one.node) for one in self._rows), default=0) + 3 * theme.UNIT
        return names, metrics.horizontalAdvance("000") + 2 * theme.UNIT, metrics.height() + theme.UNIT

    def sizeHint(self) -> QSize:
        names, wide, tall = self._sizes()
        return QSize(names + wide * max(6, self._to - self._from + 2), tall * (len(self._rows) + 1) + theme.UNIT)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = theme.current()
        names, wide, tall = self._sizes()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(colours.muted))
        for slot in range(self._from, self._to + 1):
            place = QRectF(names + (slot - self._from) * wide, 0, wide, tall)
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, str(slot))
        leader = next((one for one in self._rows if one.match is not None), None)
        for line, one in enumerate(self._rows, 1):
            top = line * tall
            if one.node == self.selected:
                painter.fillRect(QRectF(0, top, self.width(), tall), QColor(colours.accent_soft))
            if one.base >= self._from:
                self._draw_snapshot(painter, QRectF(names, top, (one.base - self._from + 1) * wide, tall))
            for cell in one.cells:
                if cell.slot >= self._from:
                    self._draw_cell(painter, cell, QRectF(names + (cell.slot - self._from) * wide, top, wide, tall))
            if leader is not None and one.node != leader.node:
                self._draw_progress(painter, leader, one.node, names, wide, top, tall)
        self._draw_names(painter, names, tall)
        painter.end()

    def _draw_names(self, painter: QPainter, names: int, tall: int) -> None:
        """The names over the left edge of what is in sight, so that they are read wherever the grid is scrolled to."""
        colours = theme.current()
        left = self.visibleRegion().boundingRect().left()
        painter.fillRect(QRectF(left, 0, names, self.height()), self.palette().window())
        font = painter.font()
        for line, one in enumerate(self._rows, 1):
            if one.node == self.selected:
                painter.fillRect(QRectF(left, line * tall, names, tall), QColor(colours.accent_soft))
            font.setBold(one.role == "leader")
            painter.setFont(font)
            painter.setPen(QColor(colours.text))
            place = QRectF(left + theme.UNIT, line * tall, names - theme.UNIT, tall)
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, one.node)

    def _draw_cell(self, painter: QPainter, cell: Cell, place: QRectF) -> None:
        colours = theme.current()
        box = place.adjusted(2, 3, -2, -3)
        ground = QColor(theme.hue(cell.epoch))
        ground.setAlphaF(0.30 if cell.committed else 0.10)
        painter.setBrush(ground)
        pen = QPen(QColor(theme.hue(cell.epoch)), 1.5)
        if not cell.committed:
            pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(QColor(colours.text))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, "" if cell.epoch < 0 else str(cell.epoch))

    def _draw_snapshot(self, painter: QPainter, place: QRectF) -> None:
        colours = theme.current()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.raised))
        painter.drawRoundedRect(place.adjusted(2, 3, -2, -3), 4, 4)
        painter.setPen(QColor(colours.muted))
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, self.tr("snapshot"))

    def _draw_progress(
        self, painter: QPainter, leader: Row, node: str, names: int, wide: int, top: int, tall: int
    ) -> None:
        assert leader.match is not None
        assert leader.next is not None
        painter.setPen(QPen(QColor(theme.current().text), 1.25))
        painter.setBrush(QColor(theme.current().text))
        match, upcoming = leader.match.get(node), leader.next.get(node)
        if match is not None and match >= self._from:
            painter.drawEllipse(QPointF(names + (match - self._from + 1) * wide - 7, top + tall - 7), 2.5, 2.5)
        if upcoming is not None and upcoming >= self._from:
            x = names + (upcoming - self._from) * wide + 6
            painter.drawPolygon(QPolygonF([QPointF(x - 4, top + 3), QPointF(x + 4, top + 3), QPointF(x, top + 9)]))

    def _at(self, position: QPointF) -> tuple[Row | None, int]:
        names, wide, tall = self._sizes()
        line = int(position.y() // tall) - 1
        slot = self._from + int((position.x() - names) // wide)
        return (self._rows[line] if 0 <= line < len(self._rows) else None), slot

    def mousePressEvent(self, event: QMouseEvent) -> None:
        one, _ = self._at(event.position())
        if one is not None:
            self.chosen.emit(one.node)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        if step is None or not self._rows:
            super().keyPressEvent(event)
            return
        known = [one.node for one in self._rows]
        at = known.index(self.selected) if self.selected in known else -1
        self.chosen.emit(known[max(0, min(len(known) - 1, at + step))])

    def event(self, event: object) -> bool:
        if isinstance(event, QHelpEvent):
            one, slot = self._at(QPointF(event.pos()))
            cell = next((c for c in one.cells if c.slot == slot), None) if one is not None else None
            state = "" if cell is None else self.tr("committed") if cell.committed else self.tr("not committed here")
            text = f"{one.node}, {slot}: {cell.text}, {state}" if one is not None and cell is not None else ""
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)  # type: ignore[arg-type] # Qt hands over a QEvent


class LogPanel(Panel):
    """The grid in a scroll area, with a line that says how to read it."""

    title = "Logs"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._dirty = True
        self._follow = True
        self._grid = LogGrid()
        self._grid.chosen.connect(lambda name: self.bench.select(name) if self.bench else None)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setWidget(self._grid)
        bar = self._area.horizontalScrollBar()
        bar.rangeChanged.connect(lambda _low, high: bar.setValue(high) if self._follow else None)
        bar.valueChanged.connect(lambda _value: self._grid.update())
        bar.actionTriggered.connect(lambda _action: self._scrolled(bar.sliderPosition() >= bar.maximum() - 4))
        self._legend = QLabel("")
        self._legend.setWordWrap(True)
        self._legend.setProperty("kind", "muted")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*(theme.UNIT,) * 4)
        layout.addWidget(self._legend)
        layout.addWidget(self._area, 1)

    def _scrolled(self, at_end: bool) -> None:
        """Whoever scrolls back wants to read; whoever scrolls to the end wants to follow again."""
        self._follow = at_end

    def on_step(self, step: Step) -> None:
        self._dirty = True

    def on_seek(self, view: View) -> None:
        self._dirty = True

    def on_frame(self) -> None:
        if not self._dirty or self.bench is None:
            return
        self._dirty = False
        rows = [found for node in self.bench.view().nodes.values() if (found := row(node)) is not None]
        self._grid.show_rows(rows, self.bench.selection)
        self._legend.setText(
            self.tr("Number and colour: term. Dashed: not known to be committed. ● matches, ▾ is sent next.")
            if rows
            else self.tr("There is no log to look into here.")
        )

    def outline(self) -> str:
        return self._grid.accessibleDescription()
