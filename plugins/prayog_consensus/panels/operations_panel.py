"""What clients asked and were told, as bars on a time axis, and whether one order explains it all (linearizability)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLabel, QPushButton, QScrollArea, QSizePolicy, QToolTip, QVBoxLayout, QWidget

from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.jobs import Ctx, Job
from prayog_sdk.qt.panel import Panel, guarded
from prayog_sim.history.jepsen import write_history
from prayog_sim.history.linearizable import Result, linearizable
from prayog_sim.history.operations import History, HistoryError, Operation, from_trace
from prayog_sim.run import View
from prayog_sim.trace import Step, Trace

__all__ = ["OperationsPanel"]

SHOWN = 400
BUDGET = 2_000_000
SIGNS = {"ok": "✓", "fail": "✗", "unknown": "?"}


@guarded
class _Timeline(QWidget):
    """One lane a client; a bar from call to answer.  Shape and sign as well as colour: ✓ ok, ✗ refused, ? unknown."""

    def __init__(self, panel: OperationsPanel) -> None:
        super().__init__()
        self._panel = panel
        self.operations: list[Operation] = []
        self.blamed: Operation | None = None
        self.order: dict[Operation, int] = {}
        self.end_us = 1
        self._chosen: Operation | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Operations of the clients"))

    def show_operations(self, operations: list[Operation], end_us: int) -> None:
        self.operations = operations[-SHOWN:]
        self.end_us = max(1, end_us)
        counts = {sign: sum(op.outcome == sign for op in operations) for sign in SIGNS}
        self.setAccessibleDescription(", ".join(f"{n} {sign}" for sign, n in counts.items()))
        self.updateGeometry()
        self.update()

    @property
    def lanes(self) -> list[str]:
        return sorted({str(op.process) for op in self.operations})

    def _row(self) -> int:
        return self.fontMetrics().height() + 2 * theme.UNIT

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(300), self._row() * max(1, len(self.lanes)) + theme.UNIT)

    def _bar(self, op: Operation) -> QRectF:
        row, left = self._row(), self.fontMetrics().horizontalAdvance("c00") + 2 * theme.UNIT
        begin_us = min((o.times[0] or 0) for o in self.operations)
        room = max(1.0, self.width() - left - theme.UNIT)
        span = max(1, self.end_us - begin_us)

        def x(at: int) -> float:
            return left + room * (at - begin_us) / span

        begin = x(op.times[0] or 0)
        end = x(op.times[1] if op.times[1] is not None else self.end_us)
        return QRectF(begin, self.lanes.index(str(op.process)) * row + 4, max(6.0, end - begin), row - 8)

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for number, lane in enumerate(self.lanes):
            painter.setPen(QColor(colours.muted))
            place = QRectF(theme.UNIT, number * self._row(), 200, self._row())
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, lane)
        tone = {"ok": colours.accent, "fail": colours.warn, "unknown": colours.muted}
        for op in self.operations:
            bar = self._bar(op)
            blamed = op == self.blamed
            colour = QColor(colours.bad if blamed else tone[op.outcome])
            ground = QColor(colour)
            ground.setAlphaF(0.18)
            chosen = op == self._chosen and self.hasFocus()
            pen = QPen(colour, 3.0 if chosen else 2.0 if blamed else 1.0)
            if op.outcome == "unknown":
                pen.setStyle(Qt.PenStyle.DashLine)
            painter.setPen(pen)
            painter.setBrush(ground)
            painter.drawRoundedRect(bar, 4, 4)
            order = self.order.get(op)
            text = f"{SIGNS[op.outcome]} {_short(op)}" + (f" #{order}" if order else "")
            if bar.width() > self.fontMetrics().horizontalAdvance(text) + 6:
                painter.setPen(QColor(colours.text))
                painter.drawText(bar, Qt.AlignmentFlag.AlignCenter, text)
        painter.end()

    def _at(self, position: QPointF) -> Operation | None:
        return next((op for op in reversed(self.operations) if self._bar(op).contains(position)), None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        op = self._at(event.position())
        if op is not None:
            self._go_to(op)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right walk over the operations, in the order in which they were asked for; Enter goes to one."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is not None and self.operations:
            here = self.operations.index(self._chosen) if self._chosen in self.operations else -1 if step > 0 else 0
            self._chosen = self.operations[(here + step) % len(self.operations)]
            self.setAccessibleDescription(str(self._chosen))
            if self._panel.bench is not None:
                self._panel.bench.say(str(self._chosen))
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._chosen is not None:
            self._go_to(self._chosen)
        else:
            super().keyPressEvent(event)

    def _go_to(self, op: Operation) -> None:
        if op.steps[0] is not None and self._panel.bench is not None:
            self._panel.bench.seek(op.steps[1] if op.steps[1] is not None else op.steps[0])

    def event(self, event: object) -> bool:
        if isinstance(event, QHelpEvent):
            op = self._at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), str(op) if op is not None else "", self)
            return True
        return super().event(event)  # type: ignore[arg-type] # Qt hands over a QEvent


class OperationsPanel(Panel):
    """Bars and a verdict; the check runs in a worker, with a budget."""

    title = "Operations"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._history = History(())
        self._dirty = True
        self._job: Job | None = None
        self._check = QPushButton(self.tr("Is it linearizable?"))
        self._check.setProperty("kind", "primary")
        self._check.clicked.connect(self._judge)
        self._note = QLabel(self.tr("No client has asked for anything yet."))
        self._note.setWordWrap(True)
        head = QWidget()
        row = FlowLayout(head)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._check)
        self._line = _Timeline(self)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(self._line)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*(theme.UNIT,) * 4)
        layout.addWidget(head)
        layout.addWidget(self._note)
        layout.addWidget(area, 1)

    def on_step(self, step: Step) -> None:
        if any(effect.kind in ("invoke", "ok", "fail", "unknown") for effect in step.effects):
            self._dirty = True

    def on_seek(self, view: View) -> None:
        self._dirty = True

    def on_frame(self) -> None:
        if not self._dirty or self.bench is None or not self.isVisible():
            return
        self._dirty = False
        shown = Trace(self.bench.trace[: self.bench.at + 1])
        try:
            self._history = from_trace(shown)
        except HistoryError as error:
            self._note.setText(str(error))
            return
        self._line.blamed, self._line.order = None, {}
        operations = list(self._history.operations)
        self._line.show_operations(operations, _end(operations, shown[-1].at if len(shown) else 1))
        count = len(self._history.operations)
        self._check.setEnabled(count > 0)
        if count:
            words = self.tr("{n} operations: ✓ done, ✗ refused, ? unknown. A click or Enter goes to the answer.")
            self._note.setText(words.replace("{n}", f"{count:,}"))

    def _judge(self) -> None:
        if self.bench is None or self._job is not None:
            return
        history = self._history

        def work(_ctx: Ctx) -> Result:
            return linearizable(history, budget=BUDGET)

        self._job = job = self.bench.jobs.submit(work)
        job.succeeded.connect(self._show)
        job.failed.connect(lambda sentence, _trace: self._note.setText(sentence))
        job.finished.connect(self._finished)

    def _finished(self) -> None:
        self._job = None

    def _show(self, result: Result) -> None:
        sign = {"linearizable": "✓", "not linearizable": "✗", "unknown": "?"}[result.verdict]
        self._note.setText(f"{sign} {result.verdict}: {result.reason}.")
        self._line.blamed = result.operation
        self._line.order = {op: number for number, op in enumerate(result.order, 1)}
        self._line.update()

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        return {
            "edn": lambda path: (
                path.write_text("\n".join(write_history(self._history)) + "\n", encoding="utf-8") and None
            )
        }

    def outline(self) -> str:
        return f"{self._line.accessibleDescription()}. {self._note.text()}"


def _end(operations: list[Operation], now_us: int) -> int:
    """Where the axis ends: at the last answer, or now while somebody still waits."""
    ends = [op.times[1] for op in operations[-SHOWN:]]
    return now_us if None in ends else max((end for end in ends if end is not None), default=now_us)


def _short(op: Operation) -> str:
    asked = "" if op.value is None else f" {op.value}"
    answer = f" → {op.result}" if op.outcome == "ok" and op.result not in (None, op.value) else ""
    return f"{op.kind}{asked}{answer}"
