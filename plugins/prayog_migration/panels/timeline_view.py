"""A change of sides as two lanes: who takes writes, from the fence to the promotion, with the freeze between."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from prayog_migration.panels.course_parts import Switch
from prayog_migration.panels.words import seconds_in_words
from prayog_sdk.qt import theme
from prayog_sdk.qt.panel import guarded

__all__ = ["TimelineView"]

_OTHER = {"source": "target", "target": "source"}


@guarded
class TimelineView(QWidget):
    """One switch-over; the lane of a side is solid while it takes writes, and hatched while it is fenced."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._switch: Switch | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Timeline of the switch-over")

    def show_switch(self, switch: Switch | None) -> None:
        """Show this one, or none."""
        self._switch = switch
        if switch is not None:
            marks = ", ".join(f"{name} after {us / 1000:.0f} ms" for name, us in switch.marks)
            self.setAccessibleDescription(f"To the {switch.to}: {marks}")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(420), 7 * self.fontMetrics().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(240), self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        colours, metrics = theme.current(), self.fontMetrics()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        text = metrics.height()
        if self._switch is None:
            painter.setPen(QColor(colours.muted))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "Nothing was switched yet.")
            painter.end()
            return
        switch = self._switch
        names = metrics.horizontalAdvance("source") + 2 * theme.UNIT
        room = QRectF(names, text, self.width() - names - theme.UNIT, 4 * text)
        end = max([us for _, us in switch.marks] + [switch.freeze_us or 1])
        start, stop = room.x() + room.width() * 0.12, room.x() + room.width() * 0.88
        at = {name: start + (stop - start) * us / end for name, us in switch.marks}
        fence, promoted = at.get("fenced", start), at.get("promoted", stop)
        old = _OTHER[switch.to]
        for lane, side in enumerate((old, switch.to)):
            y = room.y() + lane * 2 * text
            painter.setPen(QColor(colours.text))
            painter.drawText(QRectF(0, y, names, text), Qt.AlignmentFlag.AlignVCenter, side)
            begin, finish = (room.x(), fence) if side == old else (promoted, room.right())
            painter.fillRect(QRectF(room.x(), y + text / 4, room.width(), text / 2), QColor(colours.line))
            good = switch.freeze_us is not None or side == old
            if good:
                painter.fillRect(QRectF(begin, y + text / 4, finish - begin, text / 2), QColor(theme.hue(lane)))
        frozen = QRectF(fence, room.y(), promoted - fence, 3 * text)
        painter.fillRect(frozen, QColor(colours.warn_soft))
        painter.setPen(QColor(colours.warn))
        words = "freeze" if switch.freeze_us is None else f"freeze {seconds_in_words(switch.freeze_us / 1e6)}"
        painter.drawText(frozen, Qt.AlignmentFlag.AlignCenter, words)
        self._marks(painter, at, room)
        painter.end()

    def _marks(self, painter: QPainter, at: dict[str, float], room: QRectF) -> None:
        """A tick for each mark, its words on the first free line below."""
        colours, metrics = theme.current(), self.fontMetrics()
        ends = [-1e9, -1e9]
        for name, x in sorted(at.items(), key=lambda item: item[1]):
            painter.setPen(QPen(QColor(colours.muted), 1))
            painter.drawLine(QPointF(x, room.y()), QPointF(x, room.y() + 3.2 * metrics.height()))
            width = metrics.horizontalAdvance(name)
            left = min(max(room.x(), x - width / 2), room.right() - width)
            line = next((n for n, end in enumerate(ends) if left > end + 4), None)
            if line is not None:
                ends[line] = left + width
                painter.setPen(QColor(colours.text))
                painter.drawText(QPointF(left, room.y() + (3.2 + line) * metrics.height() + metrics.ascent()), name)
