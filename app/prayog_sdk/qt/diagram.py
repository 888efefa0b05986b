"""How a part of a trace is painted as a space-time diagram: only what is visible, in bulk.

The recipe was measured (100,000 steps, 5 nodes): bisect the columns for the visible time, keep one symbol per
cell of 7 px, draw symbols from one picture and lines with opaque hairline pens, at most `LINES` of them.  Above
`DENSE` steps per pixel, strips of density replace symbols and lines, which nobody could tell apart any more; what
stands out (faults, violations) is drawn all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QImage, QPainter, QPen, QPixmap

from prayog_sdk.qt import symbols, theme
from prayog_sdk.qt.batch import draw_lines, draw_symbols
from prayog_sdk.qt.lanes import KINDS, Columns, Lanes
from prayog_sdk.qt.shapes import mix
from prayog_sdk.qt.timeaxis import marks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from prayog_sdk.qt.batch import Floats

__all__ = ["DENSE", "LINES", "Diagram"]

LINES = 4_000
SMOOTH = 300
DENSE = 2.0
_CELL = 4  # px within which two lines are one
_ROOM = 7  # px that a symbol keeps to itself where they crowd
_STRIP = 2  # px of one column of a density strip
_PLAIN = 3  # classes below this are left out where it is dense
_CONE = (("past", 0), ("side", -1), ("future", 1))


@dataclass(slots=True)
class Diagram:
    """What part of the trace is seen, and how.

    ``start``: µs at the edge of the picture; ``scale``: µs per px.  ``upright``: time runs downwards.  ``cone``: per
    step -1, 0 or 1 as `lanes.cone` has it, or None.  ``label``: for pictures, in the corner.
    """

    lanes: Lanes
    start: float = 0.0
    scale: float = 1000.0
    upright: bool = False
    chosen: str = ""
    cone: NDArray[np.int8] | None = None
    vector: bool = False
    width: float = 0.0
    height: float = 0.0
    _atlas: tuple[object, QPixmap] | None = field(default=None, repr=False)

    # -- geometry ------------------------------------------------------------------------------------------------

    @property
    def head(self) -> float:
        """Px before the lanes, along the time axis: the names of the nodes (or the times, when upright)."""
        if self.upright:
            return theme.scaled(26)
        metrics = QFontMetricsF(QFont())
        return max((metrics.horizontalAdvance(_name(name)) for name in self.lanes.names), default=20) + 3 * theme.UNIT

    @property
    def side(self) -> float:
        """Px before the lanes, across: the time axis."""
        return theme.scaled(84) if self.upright else theme.scaled(26)

    @property
    def along(self) -> float:
        """Px of the picture along the time axis."""
        return max(1.0, (self.height if self.upright else self.width) - self.head)

    @property
    def pitch(self) -> float:
        """Px from lane to lane."""
        room = (self.width if self.upright else self.height) - self.side
        return max(2.0, room / max(1, len(self.lanes.names)))

    def time_at(self, x: float, y: float) -> float:
        """The time (µs) at a point of the picture."""
        return self.start + ((y if self.upright else x) - self.head) * self.scale

    def lane_at(self, x: float, y: float) -> int:
        """The lane at a point of the picture; it may be out of range."""
        return int(((x if self.upright else y) - self.side) // self.pitch)

    def point(self, at: float, lane: float) -> QPointF:
        """Where a time and a lane are in the picture."""
        along = self.head + (at - self.start) / self.scale
        across = self.side + (lane + 0.5) * self.pitch
        return QPointF(across, along) if self.upright else QPointF(along, across)

    def _xy(self, at: Floats, lane: Floats) -> tuple[Floats, Floats]:
        along = self.head + (at - self.start) / self.scale
        across = self.side + (lane + 0.5) * self.pitch
        return (across, along) if self.upright else (along, across)

    # -- painting ------------------------------------------------------------------------------------------------

    def paint(self, painter: QPainter, width: float, height: float) -> None:
        """Everything but the cursor, into a picture of that size."""
        import numpy as np

        self.width, self.height = width, height
        t = theme.current()
        painter.fillRect(QRectF(0, 0, width, height), QColor(t.surface))
        self._paint_lanes(painter)
        if len(self.lanes):
            columns = self.lanes.columns()
            stop = self.start + self.along * self.scale
            first, last = np.searchsorted(columns.at, (self.start, stop), side="left")
            last = int(np.searchsorted(columns.at, stop, side="right"))
            dense = (last - first) / self.along > DENSE
            painter.save()
            painter.setClipRect(self._field())
            if dense:
                self._paint_density(painter, columns, int(first), last)
            self._paint_spans(painter, stop, dense)
            if not dense:
                self._paint_messages(painter, columns, stop)
            self._paint_steps(painter, columns, int(first), last, dense)
            painter.restore()
        self._paint_axis(painter)
        self._paint_names(painter)

    def _field(self) -> QRectF:
        if self.upright:
            return QRectF(self.side, self.head, max(0.0, self.width - self.side), self.along)
        return QRectF(self.head, self.side, self.along, max(0.0, self.height - self.side))

    def _paint_lanes(self, painter: QPainter) -> None:
        t = theme.current()
        for name, lane in self.lanes.names.items():
            a, b = self.point(self.start, lane), self.point(self.start + self.along * self.scale, lane)
            chosen = name and name == self.chosen
            if chosen:
                half = min(self.pitch / 2, 14.0)
                off = QPointF(half, 0) if self.upright else QPointF(0, half)
                painter.fillRect(QRectF(a - off, b + off), QColor(t.accent_soft))
            painter.setPen(QPen(QColor(t.accent if chosen else t.line), 1))
            painter.drawLine(a, b)

    def _paint_spans(self, painter: QPainter, stop: float, dense: bool) -> None:
        """Hatched while a node was down or paused; as an edge of the strip where it is dense."""
        t = theme.current()
        for span in self.lanes.spans:
            until = stop if span.until is None else span.until
            if until < self.start or span.since > stop:
                continue
            half = min(self.pitch * 0.36, 12.0)
            off = QPointF(half, 0) if self.upright else QPointF(0, half)
            box = QRectF(self.point(max(span.since, self.start), span.lane) - off, self.point(until, span.lane) + off)
            colour = t.bad if span.kind == "down" else t.warn
            if dense:
                edge = QRectF(box.topLeft(), QSizeF(4, box.height()) if self.upright else QSizeF(box.width(), 4))
                painter.fillRect(edge, QColor(colour))
                continue
            painter.fillRect(box, mix(colour, t.surface, 0.12))
            pattern = Qt.BrushStyle.BDiagPattern if span.kind == "down" else Qt.BrushStyle.FDiagPattern
            painter.fillRect(box, QBrush(mix(colour, t.surface, 0.55), pattern))

    def _paint_messages(self, painter: QPainter, columns: Columns, stop: float) -> None:
        import numpy as np

        t = theme.current()
        lines = columns.lines
        first = int(np.searchsorted(lines[:, 2], self.start, side="left"))
        last = int(np.searchsorted(lines[:, 2], stop + columns.longest, side="right"))
        seen = lines[first:last]
        seen = seen[seen[:, 0] <= stop]
        side = None if self.cone is None else self._side_of(seen)
        smooth = len(seen) <= SMOOTH  # smoothed lines cost ten times as much
        hair = 1 if smooth else 0
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, smooth)
        for _word, value in _CONE:
            part = seen if side is None else seen[side == value]
            colour = mix(t.muted, t.surface, 0.62)
            if side is not None:
                colour = {0: QColor(t.line), -1: QColor(theme.hue(0)), 1: QColor(theme.hue(1))}[value]
            painter.setPen(QPen(colour, hair))
            draw_lines(painter, self._ends(part[:, :4]))
            if side is None:
                break
        for rows, tone, style in (
            (columns.lost, t.bad, Qt.PenStyle.DotLine), (columns.pending, t.accent, Qt.PenStyle.DashLine),
        ):  # fmt: skip
            ends = self._ends(rows[(rows[:, 2] >= self.start) & (rows[:, 0] <= stop)])
            if style == Qt.PenStyle.DotLine:
                far = np.abs(ends[:, 3:] - ends[:, 1:2]) if not self.upright else np.abs(ends[:, 2:3] - ends[:, 0:1])
                ends[:, 2:] = ends[:, :2] + (ends[:, 2:] - ends[:, :2]) * (0.4 * self.pitch / np.maximum(far, 1))
            painter.setPen(QPen(QColor(tone), 1, style))
            draw_lines(painter, ends)
            if style == Qt.PenStyle.DotLine:
                self._draw(painter, ends[:, 2], ends[:, 3], np.full(len(ends), float(KINDS.index("crash"))))

    def _side_of(self, lines: NDArray[np.int64]) -> NDArray[np.int64]:
        """To which side of the cone a message belongs: the side on which both its ends lie."""
        import numpy as np

        assert self.cone is not None
        size = len(self.cone)
        a, b = (self.cone[np.minimum(lines[:, column], size - 1)] for column in (4, 5))
        # The chosen step itself is 0: a message that it received belongs to its past, one that it sent to its future.
        return np.where((a == -1) & (b <= 0), -1, np.where((b == 1) & (a >= 0), 1, 0))

    def _ends(self, rows: NDArray[np.int64]) -> Floats:
        """Lines in px, at most `LINES` of them, one for all that would cover each other."""
        import numpy as np

        x0, y0 = self._xy(rows[:, 0].astype(np.float64), rows[:, 1].astype(np.float64))
        x1, y1 = self._xy(rows[:, 2].astype(np.float64), rows[:, 3].astype(np.float64))
        ends = np.column_stack([x0, y0, x1, y1])
        if len(ends) > LINES:
            cells = (ends // _CELL).astype(np.int64)
            key = ((cells[:, 0] * 65_536 + cells[:, 2]) * 64 + rows[:, 1] % 64) * 64 + rows[:, 3] % 64
            ends = ends[np.unique(key, return_index=True)[1]]
            ends = ends[:: len(ends) // LINES + 1]
        return ends

    def _paint_steps(self, painter: QPainter, columns: Columns, first: int, last: int, dense: bool) -> None:
        import numpy as np

        at, lane, kind = columns.at[first:last], columns.lane[first:last], columns.kind[first:last]
        if self.cone is not None and not dense:
            side = self.cone[first : min(last, len(self.cone))]
            at, lane, kind = at[: len(side)], lane[: len(side)], kind[: len(side)]
            kind = np.where(kind >= 3, kind, np.array([symbols.SIDE, symbols.FUTURE, symbols.PAST])[side])
        elif dense:
            keep = (kind >= _PLAIN) & (kind < KINDS.index("note")) | (kind == KINDS.index("violation"))
            at, lane, kind = at[keep], lane[keep], kind[keep]
        if not len(at):
            return
        plain = (kind < _PLAIN) | (kind >= symbols.PAST)
        crowded = plain if np.count_nonzero(plain) > self.along / _ROOM else np.zeros(len(plain), bool)
        if crowded.any():
            along = ((at[crowded] - self.start) / self.scale / _ROOM).astype(np.int64)
            cells = np.zeros((int(self.along / _ROOM) + 2, len(self.lanes.names), symbols.FUTURE + 1), bool)
            cells[np.clip(along, 0, len(cells) - 1), lane[crowded], kind[crowded]] = True
            place, row, symbol = (part[::-1] for part in np.nonzero(cells))  # deliveries over timers
            middle = (self.start + (place + 0.5) * _ROOM * self.scale).astype(np.float64)
            self._draw(painter, *self._xy(middle, row.astype(np.float64)), symbol.astype(np.float64))
        for group in (plain & ~crowded, ~plain):  # what stands out is drawn last
            x, y = self._xy(at[group].astype(np.float64), lane[group].astype(np.float64))
            self._draw(painter, x, y, kind[group].astype(np.float64))

    def _draw(self, painter: QPainter, x: Floats, y: Floats, symbol: Floats) -> None:
        if self.vector:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for px, py, kind in zip(x, y, symbol, strict=True):
                symbols.draw(painter, QPointF(px, py), int(kind))
            return
        scale = painter.device().devicePixelRatioF()
        key = (theme.current().name, scale)
        if self._atlas is None or self._atlas[0] != key:
            self._atlas = (key, symbols.atlas(scale))
        draw_symbols(painter, self._atlas[1], x, y, symbol, symbols.EDGE)

    def _paint_density(self, painter: QPainter, columns: Columns, first: int, last: int) -> None:
        """Per lane a strip whose tone says how much happened."""
        import numpy as np

        at, lane = columns.at[first:last], columns.lane[first:last]
        wide, high = int(self.along / _STRIP) + 1, len(self.lanes.names)
        column = np.clip(((at - self.start) / self.scale / _STRIP).astype(np.int64), 0, wide - 1)
        counts = np.bincount(lane * wide + column, minlength=wide * high)[: wide * high].reshape(high, wide)
        share = np.log1p(counts) / np.log1p(max(1, int(counts.max())))
        t = theme.current()
        under, over = (
            np.array([c.red(), c.green(), c.blue()], np.float64) for c in map(QColor, (t.surface, theme.hue(0)))
        )
        tones = (under + (over - under) * (share[..., None] * 0.85)).astype(np.uint32)
        pixels = np.ascontiguousarray(0xFF000000 | tones[..., 0] << 16 | tones[..., 1] << 8 | tones[..., 2], np.uint32)
        half = min(self.pitch * 0.4, 16.0)
        for row in range(high):
            image = QImage(pixels[row].tobytes(), wide, 1, wide * 4, QImage.Format.Format_RGB32)
            a = self.point(self.start, row)
            if self.upright:
                image = QImage(pixels[row].tobytes(), 1, wide, 4, QImage.Format.Format_RGB32)
                painter.drawImage(QRectF(a.x() - half, a.y(), 2 * half, wide * _STRIP), image)
            else:
                painter.drawImage(QRectF(a.x(), a.y() - half, wide * _STRIP, 2 * half), image)

    def _paint_axis(self, painter: QPainter) -> None:
        t = theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        ground = QRectF(0, 0, self.side, self.height) if self.upright else QRectF(0, 0, self.width, self.side)
        painter.fillRect(ground, QColor(t.surface))
        metrics = QFontMetricsF(painter.font())
        each = metrics.height() * 3 if self.upright else metrics.horizontalAdvance("1000.000 ms") * 1.4
        for at, words in marks(self.start, self.start + self.along * self.scale, int(self.along / each)):
            place = self.point(at, 0)
            painter.setPen(QPen(QColor(t.muted), 1))
            if self.upright:
                painter.drawLine(QPointF(self.side - 5, place.y()), QPointF(self.side, place.y()))
                box = QRectF(0, place.y() - metrics.height() / 2, self.side - 9, metrics.height())
                painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)
            else:
                painter.drawLine(QPointF(place.x(), self.side - 5), QPointF(place.x(), self.side))
                half = metrics.horizontalAdvance(words) / 2
                box = QRectF(max(place.x() - half, self.head + 4) - 1, 0, 2 * half + 2, self.side - 6)
                painter.drawText(box, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter, words)
        painter.setPen(QPen(QColor(t.line), 1))
        if self.upright:
            painter.drawLine(QPointF(self.side, 0), QPointF(self.side, self.height))
        else:
            painter.drawLine(QPointF(0, self.side), QPointF(self.width, self.side))

    def _paint_names(self, painter: QPainter) -> None:
        t = theme.current()
        ground = QRectF(0, 0, self.width, self.head) if self.upright else QRectF(0, 0, self.head, self.height)
        painter.fillRect(ground, QColor(t.surface))
        metrics = QFontMetricsF(painter.font())
        widest = max((metrics.horizontalAdvance(name) for name in self.lanes.names), default=0.0) + theme.UNIT
        room = widest if self.upright else metrics.height()
        stride = max(1, round(room / self.pitch + 0.49)) if self.pitch < room else 1
        for name, lane in self.lanes.names.items():
            if lane % stride and name != self.chosen:
                continue
            at = self.point(self.start, lane)
            painter.setPen(QColor(t.accent if name and name == self.chosen else t.text if name else t.muted))
            if self.upright:
                box = QRectF(at.x() - 100, 0, 200, self.head)
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, _name(name))
            else:
                box = QRectF(0, at.y() - metrics.height(), self.head - theme.UNIT, 2 * metrics.height())
                painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, _name(name))
        painter.setPen(QPen(QColor(t.line), 1))
        if self.upright:
            painter.drawLine(QPointF(0, self.head), QPointF(self.width, self.head))
        else:
            painter.drawLine(QPointF(self.head, 0), QPointF(self.head, self.height))


def _name(name: str) -> str:
    return name or "the run"
