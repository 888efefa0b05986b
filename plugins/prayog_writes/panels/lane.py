"""The lane below the levels: what a flush or compaction reads, how far it is, and what it has written.

The inputs lift out of their rows into the upper half, at their key range; a cursor sweeps over them; the output grows
behind it in the lower half.
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QCoreApplication, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen

from prayog_sdk.qt import theme
from prayog_writes.panels.motion import Motion
from prayog_writes.panels.tree import Box, Keys

__all__ = ["Lane"]

_MOST_ROWS = 6  # of inputs above each other


def _tr(text: str) -> str:
    return QCoreApplication.translate("Lane", text)


class Lane:
    """Painted by the picture of the levels; ``place`` is where."""

    def __init__(self) -> None:
        self.place = Box(0, 0, 0, 0)

    def height(self, metrics: QFontMetrics) -> int:
        """Room that it needs."""
        return 2 * metrics.height() + theme.UNIT + 4

    def _parts(self) -> tuple[Box, Box]:
        """Where inputs and outputs are."""
        x, y, w, h = self.place
        bars = (h - 6) / 2
        return Box(x, y + 4, w, bars - 2), Box(x, y + 4 + bars, w, bars - 2)

    def slices(self, motion: Motion) -> dict[int, Box]:
        """Where each finished table comes from: its part of the output."""
        bar = self._parts()[1]
        total = sum(int(file["size"]) for file in motion.outputs) or 1
        x, found = bar.x, {}
        for file in motion.outputs:
            wide = bar.w * int(file["size"]) / total
            found[int(file["number"])] = bar._replace(x=x, w=wide)
            x += wide
        return found

    def paint(
        self, painter: QPainter, metrics: QFontMetrics, motion: Motion | None, boxes: Mapping[int, Box]
    ) -> None:  # fmt: skip
        """Draw `motion`, or that nothing moves; `boxes` are the places of the tables in their levels."""
        colours = theme.current()
        above, below = self._parts()
        painter.setPen(QPen(QColor(colours.line), 1.0))
        painter.drawLine(QPointF(0, self.place.y), QPointF(self.place.x + self.place.w + theme.UNIT, self.place.y))
        painter.setPen(QColor(colours.muted))
        label = QRectF(theme.UNIT / 2, self.place.y + 4, self.place.x, self.place.h)
        painter.drawText(label, Qt.AlignmentFlag.AlignTop, motion.kind if motion else _tr("merge"))
        if motion is None or motion.before:
            text = _tr("nothing is being written") if motion is None else ""
            painter.drawText(QRectF(*above), Qt.AlignmentFlag.AlignVCenter, text)
            return
        self._paint_inputs(painter, motion, above, boxes)
        self._paint_output(painter, metrics, motion, below)

    def _paint_inputs(self, painter: QPainter, motion: Motion, above: Box, boxes: Mapping[int, Box]) -> None:
        axis = Keys(file for _, file in motion.inputs)
        runs = sorted({self._run(level, int(file["number"])) for level, file in motion.inputs})
        rows = min(len(runs), _MOST_ROWS)
        share = motion.lift * motion.lift * (3 - 2 * motion.lift)
        if motion.kind == "flush":
            self._bar(painter, Box(above.x, 4, above.w, above.h).towards(above, share), -1)
        for level, file in motion.inputs:
            number = int(file["number"])
            row = runs.index(self._run(level, number)) % rows
            begin, end = axis.place(str(file["low"])), axis.place(str(file["high"]))
            tall = above.h / rows
            lifted = Box(
                above.x + begin * above.w, above.y + row * tall, max(3.0, (end - begin) * above.w), tall - 1
            )  # fmt: skip
            self._bar(painter, boxes.get(number, lifted).towards(lifted, share), level)
        if 0 < motion.merged < 1:
            x = above.x + self._cursor(motion, axis) * above.w
            painter.setPen(QPen(QColor(theme.current().text), 2.0))
            painter.drawLine(QPointF(x, above.y - 2), QPointF(x, above.y + 2 * above.h + 4))

    @staticmethod
    def _run(level: int, number: int) -> tuple[int, int]:
        """Every table of level 0 is a run, newest first; every other level is one."""
        return (0, -number) if level == 0 else (level, 0)

    @staticmethod
    def _cursor(motion: Motion, axis: Keys) -> float:
        return axis.place(motion.key) if motion.key and motion.kind != "flush" else motion.merged

    def _paint_output(self, painter: QPainter, metrics: QFontMetrics, motion: Motion, below: Box) -> None:
        axis = Keys(file for _, file in motion.inputs)
        done = 1.0 if motion.merged >= 1 else self._cursor(motion, axis) if motion.merged else 0.0
        if done and motion.kind not in ("move", "drop"):
            self._bar(painter, below._replace(w=max(3.0, below.w * done)), motion.output)
        painter.setPen(QColor(theme.current().text))
        text = _words(motion)
        area = QRectF(*below).adjusted(6, -2, -2, 2)
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter,
                         metrics.elidedText(text, Qt.TextElideMode.ElideRight, round(area.width())))  # fmt: skip

    @staticmethod
    def _bar(painter: QPainter, box: Box, level: int) -> None:
        ground = QColor(theme.hue(level))
        ground.setAlphaF(0.35)
        painter.setBrush(ground)
        painter.setPen(QPen(QColor(theme.hue(level)), 1.0))
        painter.drawRoundedRect(QRectF(*box), 2, 2)


def _words(motion: Motion) -> str:
    if motion.kind == "move":
        words = _tr("to L{n}: nothing is rewritten")
    elif motion.kind == "drop":
        words = _tr("is dropped whole")
    elif motion.merged >= 1:
        words = _tr("to L{n}: {rows} rows written; they count from the edit on")
    else:
        words = _tr("to L{n}: {rows} rows written, {old} old versions and {gone} tombstones dropped")
    return words.format(
        n=motion.output, rows=f"{motion.rows:,}", old=f"{motion.dropped_versions:,}",
        gone=f"{motion.dropped_tombstones:,}",
    )  # fmt: skip
