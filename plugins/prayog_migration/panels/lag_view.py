"""How far behind the target is, over time: changes that wait, and seconds; told apart by letter and dashes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from prayog_migration.panels.course_parts import Lag
from prayog_migration.panels.words import bytes_in_words, count_in_words, seconds_in_words
from prayog_sdk.qt import theme
from prayog_sdk.qt.panel import guarded

__all__ = ["LagView"]


@guarded
class LagView(QWidget):
    """Time goes to the right; the newest look is at the right edge."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lags: Sequence[Lag] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Lag over time")

    def show_lags(self, lags: Sequence[Lag]) -> None:
        """Show these looks."""
        self._lags = lags
        if lags:
            last = lags[-1]
            self.setAccessibleDescription(f"{_waiting(last)} wait, {seconds_in_words(last.behind_us / 1e6)} behind")
        self.update()

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(220), theme.scaled(150))

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(420), theme.scaled(180))

    def paintEvent(self, event: QPaintEvent) -> None:
        colours, metrics = theme.current(), self.fontMetrics()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        text = metrics.height()
        room = QRectF(2, text + 4, self.width() - 4, self.height() - 2 * text - 8)
        painter.setPen(QColor(colours.faint))
        painter.drawLine(room.bottomLeft(), room.bottomRight())
        if len(self._lags) < 2:
            painter.setPen(QColor(colours.muted))
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter, "Nothing was followed yet.")
            painter.end()
            return
        first, last = self._lags[0].at_us, self._lags[-1].at_us
        waiting = [float(one.changes if one.changes >= 0 else one.bytes) for one in self._lags]
        behind = [one.behind_us / 1e6 for one in self._lags]
        unit = "changes" if self._lags[-1].changes >= 0 else "bytes"
        heads = []
        for values, letter, colour, style, words in (
            (waiting, "W", theme.hue(0), Qt.PenStyle.SolidLine, f"{unit} that wait, most"),
            (behind, "S", theme.hue(1), Qt.PenStyle.DashLine, "seconds behind, most"),
        ):
            top = max(*values, 1e-9)
            path = QPainterPath()
            for index, (one, value) in enumerate(zip(self._lags, values, strict=True)):
                x = room.x() + room.width() * (one.at_us - first) / max(1, last - first)
                point = QPointF(x, room.bottom() - room.height() * value / top)
                path.lineTo(point) if index else path.moveTo(point)
            painter.setPen(QPen(QColor(colour), 2, style))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPath(path)
            most = count_in_words(top) if letter == "W" else seconds_in_words(top if max(values) else 0)
            if unit == "bytes" and letter == "W":
                most = bytes_in_words(top)
            heads.append((f"{letter}  {words} {most}", colour))
        x = room.x()
        for words, colour in heads:
            painter.setPen(QColor(colour))
            painter.drawText(QPointF(x, metrics.ascent() + 1), words)
            x += metrics.horizontalAdvance(words) + 3 * theme.UNIT
        painter.setPen(QColor(colours.muted))
        painter.drawText(
            QRectF(room.x(), room.bottom() + 2, room.width(), text), Qt.AlignmentFlag.AlignLeft,
            f"{seconds_in_words((last - first) / 1e6)} ago",
        )  # fmt: skip
        painter.drawText(QRectF(room.x(), room.bottom() + 2, room.width(), text), Qt.AlignmentFlag.AlignRight, "now")
        painter.end()


def _waiting(one: Lag) -> str:
    return f"{one.changes:,} changes" if one.changes >= 0 else bytes_in_words(one.bytes)
