"""The curves of the simulated TCP: bytes over time, window, round trips and queue.

Each point belongs to a packet: a click goes to the moment when it passed, and chooses it in all panels; so do the arrow
keys, packet by packet.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QScrollArea,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from prayog_protocols.engine.tcp.gathered import Gathered, Sight
from prayog_protocols.engine.tcp.pictures import Flow, Strokes, flows, nearest, packet_before, spoken
from prayog_protocols.panels import choice as choices
from prayog_protocols.panels.choice import Choice
from prayog_protocols.panels.tcp_plot import Curve, TimePlot
from prayog_sdk.qt import theme
from prayog_sdk.qt.jobs import Ctx, Job
from prayog_sdk.qt.panel import Bench
from prayog_sdk.qt.reading import ReadingPanel
from prayog_sdk.qt.state import EmptyState, paragraph
from prayog_sim.trace import Step

__all__ = ["TcpCurvesPanel"]

_EVERY_MS = 150
_WIDE = 760  # px at 100 % text from which the small plots stand side by side


class TcpCurvesPanel(ReadingPanel):
    """One large plot of a direction, three small ones below it."""

    title = "TCP curves"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._seen = Gathered()
        self._flows: list[Flow] = []
        self._drawn: Strokes | None = None
        self._chosen: Sight | None = None
        self._loading: Job | None = None
        self._loaded = False
        self.which = QComboBox()
        self.which.setAccessibleName("Which direction")
        self.which.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.which.activated.connect(lambda _index: self._draw())
        self.note = paragraph("", "muted")
        self.stream = TimePlot("Bytes over time", 230)
        self.cwnd = TimePlot("Congestion window (segments)", 150)
        self.trips = TimePlot("Round trip and timer (ms)", 150)
        self.waiting = TimePlot("Packets in the router’s queue", 150)
        self.stream.clicked.connect(self._on_bytes)
        for plot in (self.cwnd, self.trips, self.waiting):
            plot.clicked.connect(self._on_gauge)
        self.stream.setToolTip("A click goes to that packet, in all panels; ← and → go packet by packet")
        self._lay_out()
        self._timer = QTimer(self, singleShot=True, interval=_EVERY_MS)
        self._timer.timeout.connect(self._draw)
        self._unmade = [self.stream, self.cwnd, self.trips, self.waiting]
        self._next = QTimer(self, singleShot=True, interval=0)
        self._next.timeout.connect(self._on_loaded)
        self._telling = QTimer(self, singleShot=True, interval=_EVERY_MS)
        self._telling.timeout.connect(self._tell)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setContentsMargins(theme.UNIT, theme.UNIT // 2, theme.UNIT, 0)
        bar.setSpacing(theme.UNIT)
        bar.addWidget(self.which)
        bar.addWidget(self.note, 1)
        inside = QWidget()
        self._grid = QGridLayout(inside)
        self._grid.setContentsMargins(theme.UNIT, 0, theme.UNIT, theme.UNIT // 2)
        self._grid.setSpacing(theme.UNIT)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(inside)
        full = QWidget()
        column = QVBoxLayout(full)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(bar)
        column.addWidget(area, 1)
        self._empty = EmptyState(
            "No segments yet", "The curves grow as segments of the simulated TCP (experiment “tcp”) pass.", icon="plot"
        )
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self._empty)
        self._pages.addWidget(full)
        self._arrange()

    def _arrange(self) -> None:
        wide = self.width() > theme.scaled(_WIDE)
        small = (self.cwnd, self.trips, self.waiting)
        self._grid.addWidget(self.stream, 0, 0, 1, 3)
        for place, plot in enumerate(small):
            if wide:
                self._grid.addWidget(plot, 1, place)
            else:
                self._grid.addWidget(plot, 1 + place, 0, 1, 3)
        self._grid.setRowStretch(0, 3)
        self._grid.setRowStretch(1, 2)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def on_theme(self) -> None:
        for plot in (self.stream, self.cwnd, self.trips, self.waiting):
            plot.restyle()
        self._arrange()

    # -- what is read ----------------------------------------------------------------------------------------------

    def bind(self, bench: Bench) -> None:
        super().bind(bench)
        bench.signals.selection_changed.connect(self._select)

    def unbind(self) -> None:
        self._timer.stop()
        self._telling.stop()
        self._next.stop()
        if self._loading is not None and not self._loaded:
            self._loading.succeeded.disconnect(self._on_loaded)
            self._loading = None
        if self.bench is not None:
            self.bench.signals.selection_changed.disconnect(self._select)
        super().unbind()

    def begin(self, bench: Bench) -> None:
        self._seen, self._flows, self._drawn, self._chosen = Gathered(), [], None, None
        self.which.clear()
        self._pages.setCurrentIndex(0)
        for plot in (self.stream, self.cwnd, self.trips, self.waiting):
            plot.forget()

    def take(self, step: Step) -> None:
        self._seen.take(step)

    def read(self, through: bool) -> None:
        if not self._timer.isActive():
            self._timer.start()

    # -- what is drawn -----------------------------------------------------------------------------------------------

    def _flow(self) -> Flow:
        return self._flows[max(0, self.which.currentIndex())]

    def _draw(self) -> None:
        if self.bench is None:
            return
        found = flows(self._seen)
        if not found:
            return
        if not self._loaded:
            if self._loading is None:
                self._loading = self.bench.jobs.submit(_load_plots)
                self._loading.succeeded.connect(self._on_loaded)
            return
        if self._unmade:
            return
        if found != self._flows:
            chosen = self.which.currentText()
            self._flows = found
            self.which.clear()
            self.which.addItems([str(flow) for flow in found])
            self.which.setCurrentIndex(max(0, self.which.findText(chosen)))
        flow = self._flow()
        if self._drawn is None or self._drawn.flow != flow:
            self._drawn = Strokes(flow)
        drawn = self._drawn
        drawn.go_on(self._seen)
        seconds = self._seen.packets[-1].at_us / 1e6
        highest = 1.12 * max((end for _, _, end in (*drawn.sent, *drawn.again)), default=1.0)
        words = ("arrived", "datagrams") if flow.way == "UDP" else ("confirmed", "sent")
        self.stream.set_title("Messages over time" if flow.way == "UDP" else "Bytes over time")
        self.stream.show_curves([
            Curve(words[1], "stroke", drawn.sent, 0), Curve("sent again", "stroke", drawn.again, 1, "bad"),
            Curve("lost", "cross", drawn.lost, 2, "bad"),
            Curve(words[0], "step", drawn.acked, 2),
            Curve("edge of the window", "step", drawn.edge, 1),
            Curve("duplicate ACK", "dot", drawn.duplicates, 4, "warn"),
            Curve("is there room?", "dot", drawn.probes, 5, "bad"),
        ], seconds, highest)  # fmt: skip
        self._draw_gauges(flow, seconds)
        self._pages.setCurrentIndex(1)
        self.move_cursor(self.bench)

    def _on_loaded(self, _result: object = None) -> None:
        """Make the plots, one at a time: each takes about a frame."""
        self._loaded = True
        if self._unmade:
            self._unmade.pop(0).prepare()
            self._next.start()
        else:
            self._draw()

    def _draw_gauges(self, flow: Flow, seconds: float) -> None:
        senders = [node for node in ("laptop", "phone", "shop") if ("cwnd", node) in self._seen.gauges]
        windows: list[Curve] = []
        for place, node in enumerate(senders):
            mark = f", {node}" if len(senders) > 1 else ""
            windows.append(Curve(f"window{mark}", "step", self._gauge("cwnd", node), 3 * place))
            windows.append(Curve(f"threshold{mark}", "step", self._gauge("ssthresh", node), 3 * place + 1))
        self.cwnd.show_curves(windows, seconds)
        measured = self._gauge("rtt_ms", flow.src) if flow.way == "TCP" else []
        self.trips.setVisible(bool(measured))  # a sender of datagrams measures nothing
        self.trips.show_curves([
            Curve("measured", "dot", measured, 3),
            Curve("smoothed", "step", self._gauge("srtt_ms", flow.src), 0),
            Curve("timer", "step", self._gauge("rto_ms", flow.src), 1),
        ], seconds)  # fmt: skip
        back = "queue" if flow.dst == "shop" else "queue_back"
        waiting = self._gauge(back, "router") or [(0.0, 0.0), (seconds, 0.0)]
        self.waiting.show_curves([Curve("waiting", "step", waiting, 0)], seconds)

    def _gauge(self, name: str, node: str) -> list[tuple[float, float]]:
        series = self._seen.gauges.get((name, node), [])
        points = [(at / 1e6, value) for at, value, _ in series]
        if points and name not in ("rtt_ms",):  # the last value holds until now
            points.append((max(points[-1][0], self._seen.at_us / 1e6), points[-1][1]))
        return points

    def move_cursor(self, bench: Bench) -> None:
        for plot in (self.stream, self.cwnd, self.trips, self.waiting):
            plot.show_cursor(bench.clock_us / 1e6)
        if self._flows and not self._telling.isActive():
            self._telling.start()

    def _tell(self) -> None:
        """Say in words what is chosen, or how far the direction is."""
        if not self._flows or self.bench is None:
            return
        said = spoken(self._seen, self._flow(), self.bench.clock_us)
        chosen = self._chosen
        if chosen is not None:
            fate = f", {chosen.fate}" if chosen.fate else ""
            said = f"Packet {chosen.index + 1}, from {chosen.src}: {chosen.words}{fate}."
        if said != self.note.text():
            self.note.setText(said)

    # -- choosing ----------------------------------------------------------------------------------------------------

    def _on_bytes(self, x: float, y: float, wide: float, tall: float) -> None:
        if self._drawn is not None:
            index = nearest(self._drawn.places, (x, y), (wide, tall))
            if index >= 0:
                self.choose(self._seen.packets[index])

    def _on_gauge(self, x: float, y: float, wide: float, tall: float) -> None:
        found = packet_before(self._seen, self._flow().src, round(x * 1e6)) if self._flows else None
        if found is not None:
            self.choose(found)

    def choose(self, packet: Sight) -> None:
        """Go to the moment when a packet passed, and choose it for all panels."""
        if self.bench is not None:
            self.bench.seek(packet.seq)
            self.bench.select(str(Choice(packet.index)))

    def _select(self, name: str) -> None:
        found = choices.read(name)
        packets = self._seen.packets
        self._chosen = packets[found.index] if found is not None and found.index < len(packets) else None
        place = None
        if self._chosen is not None and self._drawn is not None:
            if not self._drawn.flow.has(self._chosen):  # of another conversation: show that one
                other = next((n for n, flow in enumerate(self._flows) if flow.has(self._chosen)), -1)
                if other >= 0:
                    self.which.setCurrentIndex(other)
                    self._draw()
            place = next(((x, y) for x, y, index in self._drawn.places if index == self._chosen.index), None)
        self.stream.show_chosen(place)
        self._tell()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None or self._drawn is None or not self._drawn.places:
            super().keyPressEvent(event)
            return
        indexes = [index for _, _, index in self._drawn.places]
        here = self._chosen.index if self._chosen is not None else -1
        later = [index for index in indexes if index > here]
        earlier = [index for index in indexes if index < here]
        found = (later[:1] if step > 0 else earlier[-1:]) or [indexes[0 if step < 0 else -1]]
        self.choose(self._seen.packets[found[0]])

    # -- words and files -----------------------------------------------------------------------------------------------

    def outline(self) -> str:
        if self.bench is None or not self._flows:
            return "Nothing was sent yet."
        said = [spoken(self._seen, flow, self.bench.clock_us) for flow in self._flows]
        for name, words in (("cwnd", "window"), ("ssthresh", "threshold"), ("srtt_ms", "round trip in ms")):
            for (gauge, node), series in self._seen.gauges.items():
                before = [value for at, value, _ in series if at <= self.bench.clock_us]
                if gauge == name and before:
                    said.append(f"{node}: {words} {before[-1]:g}.")
        return " ".join(said)

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        return {"csv": self._write} if self._flows else {}

    def _write(self, path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file)
            out.writerow(["packet", "seconds", "source", "destination", "why", "first", "end", "ack", "edge", "fate"])
            for one in self._seen.packets:
                out.writerow([one.index + 1, one.at_us / 1e6, one.src, one.dst, one.why, one.first, one.end, one.ack,
                              one.edge, one.fate])  # fmt: skip

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(320), theme.scaled(200))


def _load_plots(ctx: Ctx) -> None:
    """Import what draws curves: that takes longer than a frame."""
    import pyqtgraph  # noqa: F401

    ctx.check()
