"""Packets as a ladder: a lane for each machine, time downwards, an arrow for each packet.

A full line was observed, a dashed one has headers that were made here, a dotted one is simulated; a cross ends one that
was lost.  A lane can be dragged to another place.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from prayog_protocols.engine.streams.ladder import Arrow, Ladder, ladder, mermaid
from prayog_protocols.engine.wire import HOSTS
from prayog_protocols.panels.capture_panel import CapturePanel, asked
from prayog_protocols.panels.choice import Choice
from prayog_sdk.qt import theme
from prayog_sdk.qt.panel import guarded
from prayog_sdk.qt.picture import save_png, save_svg, sign
from prayog_sdk.qt.state import paragraph

if TYPE_CHECKING:
    from prayog_protocols.engine.capture.capture import Capture

__all__ = ["LadderPanel", "LadderView"]

MOST = 2_000  # arrows of one picture
_AT_ONCE = 120  # arrows that are worked out without a worker
_LINES = {"observed": Qt.PenStyle.SolidLine, "synthesised": Qt.PenStyle.DashLine, "simulated": Qt.PenStyle.DotLine}


@guarded
class LadderView(QAbstractScrollArea):
    """``picked``: the packet of an arrow, by index."""

    picked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.drawn = Ladder((), ())
        self._order: list[int] = []  # lanes from left to right
        self._origins: list[str] = []
        self._lost: list[bool] = []
        self._words: list[str] = []
        self._chosen = -1
        self._held = -1
        self._left = 0.0  # room for the time
        self._places: dict[int, int] = {}  # lane -> where it stands
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Ladder of packets")

    def show_ladder(self, drawn: Ladder, origins: list[str], lost: list[bool], words: list[str]) -> None:
        """Draw other packets; lanes that are known keep their places."""
        if drawn.lanes[: len(self.drawn.lanes)] != self.drawn.lanes:
            self._order = []
        self._order += [lane for lane in range(len(drawn.lanes)) if lane not in self._order]
        self.drawn, self._origins, self._lost, self._words = drawn, origins, lost, words
        self._measure()

    def mark(self, index: int) -> None:
        """Mark the arrow of a packet and bring it into sight."""
        self._chosen = index
        row = next((n for n, arrow in enumerate(self.drawn.arrows) if arrow.index == index), -1)
        bar = self.verticalScrollBar()
        shown = max(1, int((self.viewport().height() - self.head()) // self.row()))
        if row >= 0 and not bar.value() <= row < bar.value() + shown:
            bar.setValue(max(0, row - shown // 2))
        self.viewport().update()

    def row(self) -> float:
        """Height of one arrow."""
        return QFontMetricsF(theme.font(0.9)).height() + theme.scaled(13)

    def head(self) -> float:
        """Height of the names."""
        return QFontMetricsF(theme.font()).height() * 2 + 8

    def whole(self) -> QSize:
        """The size of the whole picture."""
        return QSize(max(720, self.viewport().width()), round(self.head() + self.row() * len(self.drawn.arrows)) + 30)

    def _measure(self) -> None:
        shown = max(1, int((self.viewport().height() - self.head()) // self.row()))
        self.verticalScrollBar().setRange(0, max(0, len(self.drawn.arrows) - shown))
        self.verticalScrollBar().setPageStep(shown)
        self._left = QFontMetricsF(theme.font(0.8)).horizontalAdvance("1000.000 s") + 12
        self._places = {lane: place for place, lane in enumerate(self._order)}
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._measure()

    def _x(self, lane: int, width: float) -> float:
        return self._left + (width - self._left) * (self._places[lane] + 0.5) / max(1, len(self._order))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        shown = int(self.viewport().height() // self.row()) + 2
        self.paint(painter, QSize(self.viewport().size()), self.verticalScrollBar().value(), shown)
        painter.end()

    def paint(self, painter: QPainter, size: QSize, first: int, count: int) -> None:
        """Paint `count` arrows from `first` on."""
        colours = theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(QRectF(0, 0, size.width(), size.height()), QColor(colours.surface))
        painter.setPen(QPen(QColor(colours.line), 2))
        top = self.head()
        for lane in self._order:
            x = self._x(lane, size.width())
            painter.drawLine(QPointF(x, top), QPointF(x, size.height()))
        arrows = self.drawn.arrows[first : first + count]
        for place, arrow in enumerate(arrows):
            self._arrow(painter, size, arrow, first + place, self.head() + place * self.row())
        painter.fillRect(QRectF(0, 0, size.width(), self.head()), QColor(colours.surface))
        self._heads(painter, size)

    def _heads(self, painter: QPainter, size: QSize) -> None:
        colours = theme.current()
        metrics = QFontMetricsF(theme.font())
        wide = size.width() / max(1, len(self._order)) - 8
        names = {address: name for name, address in HOSTS.items()}
        for lane in self._order:
            x = self._x(lane, size.width())
            address, _, port = self.drawn.lanes[lane].partition(":") if self.drawn.lanes[lane].count(":") == 1 else (
                self.drawn.lanes[lane], "", "")  # fmt: skip
            lines = [names[address], address] if address in names else [address]
            lines = [*lines[:-1], f"{lines[-1]}:{port}"] if port else lines
            painter.setFont(theme.font())
            for row, text in enumerate(lines):
                painter.setPen(QColor(colours.text if row == 0 else colours.muted))
                place = QRectF(x - wide / 2, 2 + row * metrics.height(), wide, metrics.height())
                shown = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, wide)
                painter.drawText(place, Qt.AlignmentFlag.AlignCenter, shown)
        painter.setPen(QPen(QColor(colours.line), 1))
        painter.drawLine(QPointF(0, self.head() - 1), QPointF(size.width(), self.head() - 1))

    def _arrow(self, painter: QPainter, size: QSize, arrow: Arrow, place: int, y: float) -> None:
        colours = theme.current()
        chosen, lost = arrow.index == self._chosen, self._lost[place]
        if chosen:
            painter.fillRect(QRectF(0, y, size.width(), self.row()), QColor(colours.accent_soft))
        painter.setFont(theme.font(0.8))
        small = QFontMetricsF(painter.font())
        painter.setPen(QColor(colours.muted))
        painter.drawText(QPointF(4, y + self.row() / 2 + small.ascent() / 2), f"{arrow.time_ns / 1e9:.3f} s")
        a, b = self._x(arrow.source, size.width()), self._x(arrow.target, size.width())
        line = y + self.row() - theme.scaled(6)
        grave = arrow.row.gravity in ("error", "warning")
        colour = QColor(colours.bad if lost or grave else colours.accent if chosen else colours.text)
        pen = QPen(colour, 1 + min(3.0, math.log10(max(1, arrow.row.length)) - 1))
        pen.setStyle(_LINES.get(self._origins[place], Qt.PenStyle.SolidLine))
        painter.setPen(pen)
        end = b if not lost else a + (b - a) * 0.6
        slope = theme.scaled(3)
        if arrow.source == arrow.target:
            painter.drawArc(QRectF(a - 12, line - 12, 24, 12), 0, 16 * 270)
        else:
            painter.drawLine(QPointF(a, line - slope), QPointF(end, line))
            self._tip(painter, colour, QPointF(end, line), 1 if b > a else -1, lost)
        self._label(painter, arrow, place, (a, b, y, line))

    def _label(self, painter: QPainter, arrow: Arrow, place: int, at: tuple[float, float, float, float]) -> None:
        a, b, y, line = at
        painter.setFont(theme.font(0.9))
        metrics = QFontMetricsF(painter.font())
        words = self._words[place] or f"{arrow.row.protocol} {arrow.row.info}"
        room = max(abs(b - a) - 16, theme.scaled(120))
        middle = (a + b) / 2
        box = QRectF(middle - room / 2, y, room, line - theme.scaled(4) - y)
        painter.setPen(QColor(theme.current().text))
        shown = metrics.elidedText(words, Qt.TextElideMode.ElideRight, room)
        painter.drawText(box, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter, shown)

    @staticmethod
    def _tip(painter: QPainter, colour: QColor, at: QPointF, way: int, lost: bool) -> None:
        painter.setPen(QPen(colour, 1.6))
        size = theme.scaled(5)
        if lost:
            painter.drawLine(at + QPointF(-size, -size), at + QPointF(size, size))
            painter.drawLine(at + QPointF(-size, size), at + QPointF(size, -size))
            return
        painter.setBrush(colour)
        back = -way * size * 1.6
        painter.drawPolygon(QPolygonF([at, at + QPointF(back, -size * 0.7), at + QPointF(back, size * 0.7)]))
        painter.setBrush(Qt.BrushStyle.NoBrush)

    # -- choosing ------------------------------------------------------------------------------------------------

    def _lane_at(self, x: float) -> int:
        width = self.viewport().width()
        return min(self._order, key=lambda lane: abs(self._x(lane, width) - x), default=-1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.position().y() < self.head():
            self._held = self._lane_at(event.position().x())
            return
        row = int((event.position().y() - self.head()) // self.row()) + self.verticalScrollBar().value()
        if 0 <= row < len(self.drawn.arrows):
            self.picked.emit(self.drawn.arrows[row].index)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._held >= 0:
            place = self._order.index(self._lane_at(event.position().x()))
            self.move_lane(self._held, place)
        self._held = -1

    def move_lane(self, lane: int, place: int) -> None:
        """Put a lane at another place from the left."""
        self._order.remove(lane)
        self._order.insert(place, lane)
        self._measure()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        indexes = [arrow.index for arrow in self.drawn.arrows]
        moves = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -20, Qt.Key.Key_PageDown: 20,
                 Qt.Key.Key_Home: -len(indexes), Qt.Key.Key_End: len(indexes)}  # fmt: skip
        move = moves.get(Qt.Key(event.key()))
        if move is None or not indexes:
            super().keyPressEvent(event)
            return
        here = indexes.index(self._chosen) if self._chosen in indexes else -1
        self.picked.emit(indexes[min(max(here + move, 0), len(indexes) - 1)])


class LadderPanel(CapturePanel):
    """The ladder, of everything or of one conversation."""

    title = "Ladder"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._of: tuple[int, int] | None = None
        self.what = QComboBox()
        self.what.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.what.addItems(["All packets", "The chosen packet’s conversation"])
        self.what.setAccessibleName("Which packets")
        self.what.activated.connect(lambda _n: self.show_capture())
        self.note = paragraph("", "muted")
        self.view = LadderView()
        self.view.picked.connect(lambda index: self.choose(Choice(index)))
        self._legend = legend = QLabel("── observed   – – synthesised   ··· simulated   ✕ lost")
        legend.setProperty("kind", "muted")
        self.view.setToolTip(legend.text())
        bar = QHBoxLayout()
        bar.setSpacing(theme.UNIT)
        bar.setContentsMargins(theme.UNIT, theme.UNIT // 2, theme.UNIT, theme.UNIT // 2)
        bar.addWidget(self.what)
        bar.addWidget(self.note, 1)
        bar.addWidget(legend)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(bar)
        column.addWidget(self.view, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._legend.setVisible(self.width() > theme.scaled(700))  # in less room it is the picture's tool tip

    def show_capture(self) -> None:
        capture = self.capture
        if capture is None or self.bench is None:
            self.view.show_ladder(Ladder((), ()), [], [], [])
            self.note.setText("No packets yet. Press Play.")
            return
        indexes = self._indexes(capture)
        more = len(indexes) > MOST
        self.note.setText(f"The first {MOST:,} of {len(indexes):,}." if more else f"{len(indexes):,} packets.")
        indexes = indexes[:MOST]
        if len(indexes) <= _AT_ONCE or (self.recording is not None and len(indexes) <= 4 * _AT_ONCE):
            self._show(capture, ladder(capture, indexes))
        else:
            job = self.bench.jobs.submit(asked, capture, ladder, indexes)
            job.succeeded.connect(lambda drawn: self._show(capture, drawn))

    def _indexes(self, capture: Capture) -> list[int]:
        self._of = None
        if self.what.currentIndex() == 1 and self.choice is not None:
            found = capture.flows.of(self.choice.index)
            if found is not None:
                self._of = found
                return [int(index) for index in capture.flows.indexes(*found)]
        return list(range(min(len(capture), MOST + 1))) if len(capture) > MOST else list(range(len(capture)))

    def _show(self, capture: Capture, drawn: Ladder) -> None:
        if capture is not self.capture:
            return
        packets = self.recording.packets if self.recording is not None else []
        lost = [bool(packets and packets[arrow.index].get("lost")) for arrow in drawn.arrows]
        words = [str(packets[arrow.index].get("words", "")) if packets else "" for arrow in drawn.arrows]
        self.view.show_ladder(drawn, [self.origin(arrow.index) for arrow in drawn.arrows], lost, words)
        self.view.mark(self.choice.index if self.choice is not None else -1)

    def show_choice(self) -> None:
        if self.choice is None or self.capture is None:
            return
        if self.what.currentIndex() == 1 and self.capture.flows.of(self.choice.index) != self._of:
            self.show_capture()
        self.view.mark(self.choice.index)

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        if self.capture is None or self.bench is None:
            return {}
        size, label = self.view.whole(), str(self.bench.label())
        return {
            "svg": lambda path: save_svg(path, size, functools.partial(self._paint, size, label), "Ladder", label),
            "png": lambda path: save_png(path, size, functools.partial(self._paint, size, label)),
            "mmd": lambda path: _write(path, mermaid(self.view.drawn)),
        }

    def _paint(self, size: QSize, label: str, painter: QPainter) -> None:
        self.view.paint(painter, size, 0, len(self.view.drawn.arrows))
        sign(painter, size, label)

    def outline(self) -> str:
        arrows = self.view.drawn.arrows
        if not arrows:
            return "No packets yet."
        chosen = next((one for one in arrows if self.choice is not None and one.index == self.choice.index), None)
        said = f" Chosen: {chosen.row.source} to {chosen.row.destination}, {chosen.row.info}." if chosen else ""
        return f"A ladder of {len(arrows):,} packets between {', '.join(self.view.drawn.lanes)}.{said}"

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(300), theme.scaled(180))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
