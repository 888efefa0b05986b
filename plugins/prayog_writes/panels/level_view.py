"""The picture of the levels: memtable, one box a table, and a lane in which flushes and compactions are seen at work.

A table is chosen by hovering it or with the arrow keys; it and what it overlaps in the next level are outlined.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from prayog_sdk.qt import theme
from prayog_sdk.qt.panel import guarded
from prayog_writes.panels.lane import Lane
from prayog_writes.panels.motion import Motion
from prayog_writes.panels.table_boxes import paint_tables
from prayog_writes.panels.tree import Box, Keys, Scale, in_use, layout, overlaps, told_bytes, told_key

__all__ = ["LevelView"]

File = Mapping[str, Any]
MOST_MOVING = 1_500
"""Tables up to which boxes glide to their new places; with more the picture just changes."""


@guarded
class LevelView(QWidget):
    """Draws `facts` (``levels``, ``memtable``, ``log``, ``limits``, ``job``) and a `Motion`.

    ``whole``: with memtable and lane; without them only the levels are drawn.
    """

    told = Signal(str)
    """Words about the chosen table; empty when none is chosen."""

    def __init__(self, name: str, *, whole: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.facts: Mapping[str, Any] = {}
        self.by_key = False
        self.whole = whole
        self._motion: Motion | None = None
        self._boxes: dict[int, Box] = {}
        self._laid: tuple[object, ...] = ()
        self._places: dict[int, tuple[int, File]] = {}
        self._keys = Keys(())
        self._scale: Scale | None = None
        self._chosen = -1
        self._lane = Lane()
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(name)

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(420), self.minimumSizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(160), theme.scaled(170 if self.whole else 120))

    @property
    def has_choice(self) -> bool:
        """A table is chosen."""
        return self._chosen >= 0

    def show_facts(
        self, facts: Mapping[str, Any], motion: Motion | None = None, scale: Scale | None = None
    ) -> None:  # fmt: skip
        """Draw another moment; `scale` is one that other pictures share."""
        if facts is not self.facts:
            self.facts = facts
            levels = facts.get("levels", ())
            self._places = {int(f["number"]): (n, f) for n, files in enumerate(levels) for f in files}
            self._keys = Keys(file for _, file in self._places.values())
            if self._chosen not in self._places:
                self._choose(-1)
            self._describe()
        self._motion, self._scale = motion, scale
        self.update()

    def _describe(self) -> None:
        levels = self.facts.get("levels", ())
        words = (f"L{n}: {len(files)} tables" for n, files in enumerate(levels) if files)
        said = ", ".join(words) or self.tr("no table yet")
        chosen = self._places.get(self._chosen)
        self.setAccessibleDescription(f"{said}. {self.words(*chosen)}" if chosen else said)

    # -- where things are ----------------------------------------------------------------------------------------

    def _left(self) -> int:
        widest = "memtable" if self.whole else "999 KiB"
        return self.fontMetrics().horizontalAdvance(widest) + 2 * theme.UNIT

    def _head(self) -> int:
        return self.fontMetrics().height() + 2 * theme.UNIT if self.whole else 0

    def _room(self) -> Box:
        """Where the rows of the levels are."""
        left, head = self._left(), self._head()
        foot = self._lane.height(self.fontMetrics()) if self.whole else 0
        return Box(left, head, max(10, self.width() - left - theme.UNIT), max(20, self.height() - head - foot))

    def _lay_out(self) -> Box:
        room = self._room()
        laid = (self.facts.get("levels"), self.by_key, room, self._scale)
        if laid != self._laid:
            self._laid = laid
            self._boxes = layout(self.facts.get("levels", ()), self.by_key, room, self._keys, self._scale)
        return room

    # -- drawing -------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        room = self._lay_out()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        boxes = self._boxes
        levels = self.facts.get("levels", ())
        shown = in_use(levels) if levels else []
        if self.whole:
            self._paint_memory(painter, Box(room.x, 4, room.w, self._head() - 8))
            self._lane.place = Box(room.x, room.y + room.h, room.w, self.height() - room.y - room.h)
        gone: Sequence[tuple[int, File]] = ()
        motion = self._motion if len(self._places) <= MOST_MOVING else None
        if motion is not None and motion.before:
            share = _eased(motion.landed)
            old = layout(motion.before, self.by_key, room, self._keys, self._scale)
            start = self._lane.slices(motion)
            boxes = {n: old.get(n, start.get(n, box)).towards(box, share) for n, box in boxes.items()}
            gone = [(n, f) for n, f in motion.inputs if int(f["number"]) not in boxes]
            painter.setOpacity(1 - share)
            self._paint_tables(painter, gone, {n: b for n, b in old.items() if n not in boxes})
            painter.setOpacity(1.0)
        tall = room.h / (self._scale.rows if self._scale else max(1, len(shown)))
        for row, (level, files) in enumerate(shown):
            self._paint_label(painter, level, files, room.y + row * tall, tall)
            self._paint_tables(painter, [(level, file) for file in files], boxes)
        if self.whole:
            self._lane.paint(painter, self.fontMetrics(), motion, self._boxes)
        if self._chosen in self._places:
            self._paint_chosen(painter, boxes)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(theme.current().accent), 1.5))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 4, 4)
        painter.end()

    def _paint_memory(self, painter: QPainter, box: Box) -> None:
        colours = theme.current()
        memtable, limit = self.facts.get("memtable", {}), self.facts.get("limits", {}).get("memtable", 1)
        area = QRectF(*box)
        painter.setPen(QColor(colours.muted))
        label = QRectF(theme.UNIT / 2, box.y, box.x, box.h)
        painter.drawText(label, Qt.AlignmentFlag.AlignVCenter, self.tr("memtable"))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.line))
        painter.drawRoundedRect(area, 4, 4)
        share = min(1.0, int(memtable.get("bytes", 0)) / max(1, limit))
        if share:
            painter.setBrush(QColor(colours.accent_soft))
            painter.setPen(QPen(QColor(colours.accent), 1.0))
            painter.drawRoundedRect(QRectF(box.x, box.y, max(4.0, box.w * share), box.h), 4, 4)
        painter.setPen(QColor(colours.text))
        log = self.facts.get("log", {})
        text = self.tr("{n} rows, {size} · log {log}").format(
            n=f"{memtable.get('rows', 0):,}", size=told_bytes(memtable.get("bytes", 0)),
            log=told_bytes(log.get("bytes", 0)),
        )  # fmt: skip
        painter.drawText(area.adjusted(8, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, text)

    def _paint_label(self, painter: QPainter, level: int, files: Sequence[File], top: float, tall: float) -> None:
        colours = theme.current()
        painter.setPen(QColor(colours.line))
        painter.drawLine(QPointF(0, top), QPointF(self.width(), top))
        painter.setPen(QColor(colours.text))
        line = self.fontMetrics().height()
        area = QRectF(theme.UNIT / 2, top + 4, self._left() - theme.UNIT, tall - 4)
        if tall < 1.5 * line:
            area = QRectF(area.left(), top, area.width(), tall)
        side = Qt.AlignmentFlag.AlignVCenter if tall < 1.5 * line else Qt.AlignmentFlag.AlignTop
        painter.drawText(area, side | Qt.TextFlag.TextDontClip, f"L{level}")
        if files and tall > 2.2 * line:
            painter.setPen(QColor(colours.muted))
            size = told_bytes(sum(int(file["size"]) for file in files))
            painter.drawText(area.translated(0, line), Qt.AlignmentFlag.AlignTop, size)

    def _paint_tables(self, painter: QPainter, files: Sequence[tuple[int, File]], boxes: Mapping[int, Box]) -> None:
        busy = {int(n) for _, n in (self.facts.get("job") or {}).get("inputs", ())}
        paint_tables(painter, self.fontMetrics(), files, boxes, busy)

    def _paint_chosen(self, painter: QPainter, boxes: Mapping[int, Box]) -> None:
        level, file = self._places[self._chosen]
        met = [self._chosen, *(int(other["number"]) for other in self._below(level, file))]
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for number in met:
            painter.setPen(QPen(QColor(theme.current().text), 3.0 if number == self._chosen else 2.0))
            if number in boxes:
                painter.drawRoundedRect(QRectF(*boxes[number]), 3, 3)

    # -- choosing ------------------------------------------------------------------------------------------------

    def _below(self, level: int, file: File) -> list[File]:
        levels = self.facts.get("levels", ())
        return overlaps(file, levels[level + 1]) if level + 1 < len(levels) else []

    def words(self, level: int, file: File) -> str:
        """A table in words."""
        below = self._below(level, file)
        rewrite = int(file["size"]) + sum(int(other["size"]) for other in below)
        rows = self.tr("{n} rows, {t} tombstones").format(n=f"{file['entries']:,}", t=f"{file['tombstones']:,}")
        said = self.tr(
            "Table {n} in L{level}: {size}, {rows}, {low} … {high}. It overlaps {k} tables of L{next}: compacting it "
            "down would read and rewrite {bytes}."
        ).format(
            n=file["number"], level=level, size=told_bytes(int(file["size"])), low=told_key(file["low"]),
            high=told_key(file["high"]), rows=rows if int(file["entries"]) >= 0 else self.tr("rows not counted"),
            k=len(below), next=level + 1, bytes=told_bytes(rewrite),
        )  # fmt: skip
        return f"{said} {file['damage']}" if file.get("damage") else said

    def _choose(self, number: int) -> None:
        if number != self._chosen:
            self._chosen = number
            found = self._places.get(number)
            self.told.emit(self.words(*found) if found else "")
            self._describe()
            self.update()

    def _at(self, place: QPointF) -> int:
        self._lay_out()
        for number, box in self._boxes.items():
            if box.x <= place.x() < box.x + box.w and box.y <= place.y() < box.y + box.h:
                return number
        return -1

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._choose(self._at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        if not self.hasFocus():
            self._choose(-1)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._choose(-1)
        super().focusOutEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {
            Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1),
        }  # fmt: skip
        move = moves.get(Qt.Key(event.key()))
        if move is None or not self._places:
            super().keyPressEvent(event)
            return
        self._lay_out()
        self._choose(self._next(*move))

    def _next(self, across: int, down: int) -> int:
        """The table that an arrow key leads to from the chosen one."""
        levels = self.facts["levels"]
        if self._chosen not in self._places:
            return next(int(file["number"]) for files in levels for file in files)
        level, file = self._places[self._chosen]
        if across:
            row = sorted(levels[level], key=lambda f: (self._boxes[int(f["number"])].x, -int(f["number"])))
            place = row.index(file) + across
            return int(row[min(max(place, 0), len(row) - 1)]["number"])
        steps = range(level + down, len(levels) if down > 0 else -1, down)
        target = next((n for n in steps if levels[n]), level)
        x = self._boxes[self._chosen].x
        return min((int(f["number"]) for f in levels[target]), key=lambda n: abs(self._boxes[n].x - x))

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent):
            found = self._places.get(self._at(QPointF(event.pos())))
            QToolTip.showText(event.globalPos(), self.words(*found) if found else "", self)
            return True
        return super().event(event)


def _eased(share: float) -> float:
    return share * share * (3 - 2 * share)
