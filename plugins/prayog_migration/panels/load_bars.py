"""Progress of each table, and the speed of the whole beside two limits: raw COPY, and what the probe predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from prayog_migration.panels.course_parts import Load
from prayog_migration.panels.words import bytes_in_words, count_in_words
from prayog_sdk.qt import theme
from prayog_sdk.qt.panel import guarded

__all__ = ["LoadBars", "SpeedBar"]


@guarded
class LoadBars(QWidget):
    """One bar a table: how many of its rows are there; set aside rows are told in words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: Sequence[tuple[str, Load]] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Progress by table")

    def show_loads(self, rows: Sequence[tuple[str, Load]]) -> None:
        """Show these tables."""
        grown = len(rows) != len(self._rows)
        self._rows = rows
        self.setAccessibleDescription("; ".join(f"{name}: {_words(load)}" for name, load in rows))
        if grown:
            self.updateGeometry()
        self.update()

    def _line(self) -> int:
        return self.fontMetrics().height() + theme.UNIT

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(320), self._line() * len(self._rows))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(200), self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        colours, line, metrics = theme.current(), self._line(), self.fontMetrics()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        names = min(
            max((metrics.horizontalAdvance(name) for name, _ in self._rows), default=0) + 2, self.width() // 4
        )
        texts = min(
            max((metrics.horizontalAdvance(_words(one)) for _, one in self._rows), default=0) + 2, self.width() * 3 // 5
        )
        for index, (name, load) in enumerate(self._rows):
            y = index * line
            painter.setPen(QColor(colours.text))
            shown = metrics.elidedText(name, Qt.TextElideMode.ElideRight, names)
            painter.drawText(QRectF(0, y, names, line), Qt.AlignmentFlag.AlignVCenter, shown)
            room = QRectF(
                names + theme.UNIT, y + line / 4, max(24, self.width() - names - texts - 3 * theme.UNIT), line / 2
            )
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.line))
            painter.drawRoundedRect(room, 3, 3)
            share = 1.0 if load.done else min(1.0, load.rows / load.of) if load.of else 0.0
            painter.setBrush(QColor(colours.good if load.done else colours.accent))
            painter.drawRoundedRect(QRectF(room.x(), room.y(), max(3.0, room.width() * share), room.height()), 3, 3)
            painter.setPen(QColor(colours.text))
            words = metrics.elidedText(_words(load), Qt.TextElideMode.ElideRight, texts)
            place = QRectF(room.right() + theme.UNIT, y, texts + theme.UNIT, line)
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, words)
        painter.end()


def _words(load: Load) -> str:
    mark = "✓ " if load.done else ""
    of = f" of {count_in_words(load.of)}" if load.of and not load.done else ""
    aside = f" · {load.quarantined:,} set aside" if load.quarantined else ""
    speed = f" · {count_in_words(load.rows_s)} rows/s" if load.rows_s else ""
    return f"{mark}{count_in_words(load.rows)}{of} rows · {bytes_in_words(load.bytes)}{speed}{aside}"


@dataclass(frozen=True, slots=True)
class Speeds:
    """Rows a second: now, the raw limit (0: not measured), and the predicted band (0, 0: none)."""

    now: float
    raw: float
    low: float
    high: float


@guarded
class SpeedBar(QWidget):
    """The speed as a bar; R marks the raw limit, P the band that was predicted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._speeds = Speeds(0, 0, 0, 0)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Rows a second")

    def show_speeds(self, speeds: Speeds) -> None:
        """Show these."""
        if speeds != self._speeds:
            self._speeds = speeds
            self.setAccessibleDescription(
                f"{speeds.now:,.0f} now; raw COPY {speeds.raw:,.0f}; predicted {speeds.low:,.0f} to {speeds.high:,.0f}"
            )
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(320), 2 * self.fontMetrics().height() + theme.UNIT)

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(200), self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        speeds, colours, metrics = self._speeds, theme.current(), self.fontMetrics()
        painter = QPainter(self)
        top = 1.1 * max(speeds.now, speeds.raw, speeds.high, 1.0)
        text, width = metrics.height(), self.width() - 2
        bar = QRectF(1, text + 2, width, text - 2)
        painter.fillRect(bar, QColor(colours.line))
        if speeds.high:
            low, high = width * speeds.low / top, width * speeds.high / top
            painter.fillRect(
                QRectF(bar.x() + low, bar.y() - 3, high - low, bar.height() + 6), QColor(colours.warn_soft)
            )
        painter.fillRect(QRectF(bar.x(), bar.y(), width * speeds.now / top, bar.height()), QColor(colours.accent))
        taken: list[float] = []
        for value, letter, colour in (
            (speeds.raw, "R", colours.bad),
            ((speeds.low + speeds.high) / 2, "P", colours.warn),
        ):
            if value:
                x = bar.x() + width * value / top
                painter.setPen(QPen(QColor(colour), 2))
                painter.drawLine(int(x), int(bar.y()) - 3, int(x), int(bar.bottom()) + 3)
                x = x if all(abs(x - other) > 2 * metrics.averageCharWidth() for other in taken) else x + 3 * theme.UNIT
                taken.append(x)
                painter.drawText(QRectF(x - 20, 0, 40, text), Qt.AlignmentFlag.AlignCenter, letter)
        painter.end()
