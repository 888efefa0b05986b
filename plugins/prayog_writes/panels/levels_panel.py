"""The levels: one box a table, either with its bytes as area or aligned by key range, and a slider over the MANIFEST.

Hovering a table outlines the tables of the next level that it overlaps: what picking it would rewrite.  The slider goes
from edit to edit, each with its reason; the lines on L0 are the thresholds of compaction, delay and stop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy, QSlider, QToolTip, QVBoxLayout, QWidget

from prayog_sdk.qt import theme
from prayog_sdk.qt.panel import Panel, guarded
from prayog_sim.run import View
from prayog_sim.trace import Step

__all__ = ["LevelsPanel", "overlaps"]

File = Mapping[str, Any]
LIMITS = (("trigger", "compact"), ("slowdown", "delay"), ("stop", "stop"))


def overlaps(file: File, below: Sequence[File]) -> list[File]:
    """The tables of the next level whose key range meets that of `file`."""
    return [other for other in below if other["low"] <= file["high"] and file["low"] <= other["high"]]


def place(key: str, keys: Sequence[str]) -> float:
    """Where `key` lies between the first and the last of all keys, 0 to 1, by its rank among the borders."""
    return keys.index(key) / max(1, len(keys) - 1)


@guarded
class _Levels(QWidget):
    """Draws the tables."""

    hovered = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.facts: Mapping[str, Any] = {}
        self.by_key = False
        self._boxes: list[tuple[QRectF, int, File]] = []
        self._hover: tuple[int, File] | None = None
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(self.tr("Levels of the tree"))

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(420), theme.scaled(260))

    def show_facts(self, facts: Mapping[str, Any]) -> None:
        self.facts = facts
        self._hover = None
        words = (f"L{n}: {len(files)} tables" for n, files in enumerate(facts.get("levels", ())) if files)
        self.setAccessibleDescription(", ".join(words) or self.tr("no table yet"))
        self.update()

    def _shown(self) -> list[tuple[int, list[File]]]:
        levels = self.facts.get("levels", [])
        last = max((n for n, files in enumerate(levels) if files), default=1)
        return [(n, levels[n]) for n in range(max(2, last + 1)) if n < len(levels)]

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics = self.fontMetrics()
        left = metrics.horizontalAdvance("memtable") + 2 * theme.UNIT
        room = self.width() - left - theme.UNIT
        shown = self._shown()
        head = metrics.height() + 2 * theme.UNIT
        self._memory(painter, QRectF(left, 4, room, head - 8), left)
        tall = max(20.0, (self.height() - head) / max(1, len(shown)))
        keys = sorted({str(f[end]) for _, files in shown for f in files for end in ("low", "high")})
        most = max((sum(int(f["size"]) for f in files) for _, files in shown), default=1) or 1
        self._boxes = []
        for row, (level, files) in enumerate(shown):
            top = head + row * tall
            painter.setPen(QColor(colours.line))
            painter.drawLine(QPointF(0, top), QPointF(self.width(), top))
            painter.setPen(QColor(colours.muted))
            size = sum(int(f["size"]) for f in files)
            label = f"L{level}\n{_bytes(size)}" if files else f"L{level}"
            painter.drawText(QRectF(theme.UNIT, top + 4, left, tall), Qt.AlignmentFlag.AlignTop, label)
            self._row(painter, level, files, QRectF(left, top + 4, room, tall - 8), keys, most)
        if self._hover is not None:
            self._outline(painter, shown)
        painter.end()

    def _memory(self, painter: QPainter, box: QRectF, left: float) -> None:
        colours = theme.current()
        memtable, limit = self.facts.get("memtable", {}), self.facts.get("limits", {}).get("memtable", 1)
        painter.setPen(QColor(colours.muted))
        painter.drawText(QRectF(theme.UNIT, box.top(), left, box.height()), Qt.AlignmentFlag.AlignVCenter, "memtable")
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.line))
        painter.drawRoundedRect(box, 4, 4)
        share = min(1.0, int(memtable.get("bytes", 0)) / max(1, limit))
        painter.setBrush(QColor(colours.accent))
        if share:
            painter.drawRoundedRect(QRectF(box.left(), box.top(), max(4.0, box.width() * share), box.height()), 4, 4)
        painter.setPen(QColor(colours.text))
        log = self.facts.get("log", {})
        text = (
            f"{memtable.get('rows', 0):,} rows, {_bytes(memtable.get('bytes', 0))} · log {_bytes(log.get('bytes', 0))}"
        )
        painter.drawText(box.adjusted(8, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, text)

    def _row(
        self, painter: QPainter, level: int, files: Sequence[File], box: QRectF, keys: list[str], most: int
    ) -> None:
        if not files:
            return
        lanes = len(files) if level == 0 or (self.by_key and _crossing(files)) else 1
        x = box.left()
        for number, file in enumerate(files):
            if self.by_key:
                begin, end = place(str(file["low"]), keys), place(str(file["high"]), keys)
                lane = number if lanes > 1 else 0
                tall = box.height() / lanes
                place_ = QRectF(
                    box.left() + begin * box.width(), box.top() + lane * tall, max(4.0, (end - begin) * box.width()),
                    max(3.0, tall - 2),
                )  # fmt: skip
            else:
                wide = max(4.0, box.width() * int(file["size"]) / most - 2)
                place_ = QRectF(x, box.top(), wide, box.height())
                x += wide + 2
            self._boxes.append((place_, level, file))
            self._table(painter, level, file, place_)
        if level == 0:
            self._limits(painter, len(files), box)

    def _table(self, painter: QPainter, level: int, file: File, box: QRectF) -> None:
        colours = theme.current()
        share = int(file["tombstones"]) / max(1, int(file["entries"]))
        ground = QColor(theme.hue(level))
        ground.setAlphaF(0.28)
        job = self.facts.get("job") or {}
        busy = any(number == file["number"] for _, number in job.get("inputs", ()))
        painter.setBrush(ground)
        painter.setPen(QPen(QColor(colours.accent if busy else theme.hue(level)), 2.5 if busy else 1.0))
        painter.drawRoundedRect(box, 3, 3)
        if share:  # tombstones: a hatched foot
            painter.fillRect(QRectF(box.left(), box.bottom() - box.height() * share, box.width(), box.height() * share),
                             Qt.BrushStyle.BDiagPattern)  # fmt: skip
        text = str(file["number"])
        if (
            box.width() > self.fontMetrics().horizontalAdvance(text) + 4
            and box.height() > self.fontMetrics().height() - 3
        ):
            painter.setPen(QColor(colours.text))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _limits(self, painter: QPainter, count: int, box: QRectF) -> None:
        limits = self.facts.get("limits", {})
        lines = (f"{limits.get(name, '–')} {word}" for name, word in LIMITS)
        text = f"{count} tables; " + " · ".join(lines)
        painter.setPen(QColor(theme.current().warn if count >= limits.get("slowdown", 99) else theme.current().muted))
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom, text)

    def _outline(self, painter: QPainter, shown: Sequence[tuple[int, list[File]]]) -> None:
        assert self._hover is not None
        level, file = self._hover
        below = next((files for n, files in shown if n == level + 1), [])
        met = {other["number"] for other in overlaps(file, below)}
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(theme.current().text), 2.0))
        for box, n, other in self._boxes:
            if (n == level and other["number"] == file["number"]) or (n == level + 1 and other["number"] in met):
                painter.drawRoundedRect(box, 3, 3)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        found = next(((level, file) for box, level, file in self._boxes if box.contains(event.position())), None)
        if found != self._hover:
            self._hover = found
            self.hovered.emit(self._words(*found) if found else "")
            self.update()

    def _words(self, level: int, file: File) -> str:
        levels = self.facts["levels"]
        below = overlaps(file, levels[level + 1]) if level + 1 < len(levels) else []
        rewrite = int(file["size"]) + sum(int(other["size"]) for other in below)
        return (
            f"Table {file['number']} in L{level}: {_bytes(file['size'])}, {file['entries']:,} rows, "
            f"{file['tombstones']:,} tombstones, {file['low']} … {file['high']}. It overlaps {len(below)} tables of "
            f"L{level + 1}: picking it would rewrite {_bytes(rewrite)}."
        )

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent):
            found = next(((n, f) for box, n, f in self._boxes if box.contains(QPointF(event.pos()))), None)
            QToolTip.showText(event.globalPos(), self._words(*found) if found else "", self)
            return True
        return super().event(event)


class LevelsPanel(Panel):
    """The tree, the way it is drawn, and the slider over the edits."""

    title = "Levels"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._dirty = True
        self._edits: list[tuple[int, str]] = []
        self._way = QComboBox()
        self._way.addItems([self.tr("Area is bytes"), self.tr("Aligned by key range")])
        self._way.setAccessibleName(self.tr("How tables are drawn"))
        self._way.currentIndexChanged.connect(self._turn)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setAccessibleName(self.tr("Edits of the MANIFEST"))
        self._slider.setRange(0, 0)
        self._slider.valueChanged.connect(self._slide)
        self._reason = QLabel(self.tr("No table was written yet. Run a workload."))
        self._reason.setWordWrap(True)
        self._reason.setMinimumHeight(2 * self._reason.fontMetrics().lineSpacing())
        self._levels = _Levels()
        self._levels.hovered.connect(self._tell)
        head = QHBoxLayout()
        head.addWidget(self._way)
        head.addWidget(self._slider, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*(theme.UNIT,) * 4)
        layout.addLayout(head)
        layout.addWidget(self._reason)
        layout.addWidget(self._levels, 1)

    def _turn(self, index: int) -> None:
        self._levels.by_key = index == 1
        self._levels.update()

    def _slide(self, value: int) -> None:
        if self.bench is not None and self._edits and value < len(self._edits):
            self.bench.seek(self._edits[value][0])

    def _tell(self, words: str) -> None:
        self._reason.setText(words or self._why())

    def _why(self) -> str:
        facts = self._levels.facts
        if not facts.get("edits"):
            return self.tr("No table was written yet. Run a workload.")
        return f"Edit {facts['edits']}: {facts['reason']}"

    def on_step(self, step: Step) -> None:
        self._dirty = True
        if step.kind == "edit":
            self._edits.append((step.seq, str(step.data["reason"])))

    def on_seek(self, view: View) -> None:
        assert self.bench is not None
        self._edits = [(s.seq, str(s.data["reason"])) for s in self.bench.trace if s.kind == "edit"]
        self._dirty = True

    def on_frame(self) -> None:
        if not self._dirty or self.bench is None:
            return
        self._dirty = False
        self._levels.show_facts(self.bench.view().facts)
        self._slider.blockSignals(True)
        self._slider.setRange(0, max(0, len(self._edits) - 1))
        self._slider.setValue(sum(seq <= self.bench.at for seq, _ in self._edits) - 1)
        self._slider.blockSignals(False)
        self._reason.setText(self._why())

    def outline(self) -> str:
        return f"{self._levels.accessibleDescription()}. {self._why()}"


def _crossing(files: Sequence[File]) -> bool:
    ordered = sorted(files, key=lambda f: str(f["low"]))
    return any(b["low"] <= a["high"] for a, b in pairwise(ordered))


def _bytes(count: int) -> str:
    return (
        f"{count:,} B"
        if count < 10_000
        else f"{count / 1024:,.0f} KiB"
        if count < 10 << 20
        else f"{count / 2**20:,.1f} MiB"
    )
