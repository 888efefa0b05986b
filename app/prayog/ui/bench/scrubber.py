"""The line of a run: where the shown moment is, and what deserves a look, marked by shape and colour.

A slider (so that screen readers and arrow keys know it) with a face of its own.  Marks are looked up per pixel,
so a run of a million steps paints as quickly as one of ten.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractSlider, QSizePolicy, QToolTip, QWidget

from prayog.ui.bench.markers import Markers
from prayog_sdk.qt import theme
from prayog_sdk.qt.markers import Kind

__all__ = ["Scrubber", "draw_mark", "mark_colour"]

_COLOURS: dict[Kind, str] = {
    "violation": "bad", "check": "bad", "error": "bad", "crash": "warn", "fault": "warn", "action": "accent",
    "bookmark": "accent", "note": "muted",
}  # fmt: skip


def mark_colour(mark: Kind) -> QColor:
    return QColor(getattr(theme.current(), _COLOURS[mark]))


def draw_mark(painter: QPainter, mark: Kind, x: float, y: float, r: float) -> None:
    """The mark's shape around (x, y), `r` px in radius: the shape alone tells the kind."""
    colour = mark_colour(mark)
    painter.setPen(QPen(colour, max(1.2, r * 0.4), Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    diamond = QPolygonF([QPointF(x, y - r), QPointF(x + r, y), QPointF(x, y + r), QPointF(x - r, y)])
    if mark == "violation":
        painter.setBrush(colour)
        painter.drawPolygon(diamond)
    elif mark == "check":
        painter.drawPolygon(diamond)
    elif mark == "error":
        painter.setBrush(colour)
        painter.drawPolygon(QPolygonF([QPointF(x, y - r), QPointF(x + r, y + r * 0.8), QPointF(x - r, y + r * 0.8)]))
    elif mark == "crash":
        d = r * 0.8
        painter.drawLine(QPointF(x - d, y - d), QPointF(x + d, y + d))
        painter.drawLine(QPointF(x - d, y + d), QPointF(x + d, y - d))
    elif mark == "fault":
        d = r * 0.75
        painter.drawRect(QRectF(x - d, y - d, 2 * d, 2 * d))
    elif mark == "action":
        painter.setBrush(colour)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawEllipse(QPointF(x, y), r * 0.8, r * 0.8)
    elif mark == "bookmark":
        painter.setBrush(colour)
        painter.setPen(Qt.PenStyle.NoPen)
        d = r * 0.75
        points = [(x - d, y - r), (x + d, y - r), (x + d, y + r), (x, y + r * 0.35), (x - d, y + r)]
        painter.drawPolygon(QPolygonF([QPointF(*p) for p in points]))
    else:
        painter.drawLine(QPointF(x, y - r * 0.7), QPointF(x, y + r * 0.7))


class Scrubber(QAbstractSlider):
    """A slider over the steps of a trace, from -1 (before the first) to the last."""

    sought = Signal(int)
    """The learner asks for the moment after this step."""

    def __init__(self, markers: Markers, describe: Callable[[int], str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._markers = markers
        self._describe = describe
        self._setting = False
        self._fork = -2
        self._hover: int | None = None
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setRange(-1, -1)
        self.setTracking(True)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Events of the run"))
        self.valueChanged.connect(self._value_changed)

    def show_run(self, at: int, end: int, fork: int) -> None:
        """The shown step, the last step, and the last step shared with the branch it came from (-2: none)."""
        self._setting = True
        self._fork = fork
        self.setRange(-1, max(-1, end))
        self.setPageStep(max(1, (end + 1) // 10))
        self.setValue(at)
        self._setting = False
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(240), max(32, theme.scaled(32)))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(80), max(32, theme.scaled(32)))

    # -- the learner ---------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: -1, Qt.Key.Key_Up: 1}
        move = moves.get(Qt.Key(event.key()))
        if move is not None and event.modifiers() in (
            Qt.KeyboardModifier.NoModifier,
            Qt.KeyboardModifier.KeypadModifier,
        ):
            self.sought.emit(self.value() + move)
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # a page that scrolls must not turn time

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(True)
            self._seek(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.isSliderDown():
            self._seek(event.position().x())
        self._hover = self._near(event.position().x())
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.setSliderDown(False)

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = None
        self.update()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self._describe(self._near(event.pos().x())), self)
            return True
        return super().event(event)

    def _seek(self, x: float) -> None:
        self.setValue(self._near(x))

    def _value_changed(self, value: int) -> None:
        if not self._setting:
            self.sought.emit(value)

    # -- geometry ------------------------------------------------------------------------------------------------

    def _pad(self) -> float:
        return theme.scaled(9)

    def _x(self, seq: int) -> float:
        room = self.width() - 2 * self._pad()
        return self._pad() + room * (seq + 1) / max(1, self.maximum() + 1)

    def _seq(self, x: float) -> int:
        room = max(1.0, self.width() - 2 * self._pad())
        return max(-1, min(self.maximum(), round((x - self._pad()) / room * (self.maximum() + 1)) - 1))

    def _near(self, x: float) -> int:
        """The step at `x`, or a marked one within a few pixels."""
        reach = theme.scaled(4)
        found = self._markers.gravest(self._seq(x - reach), self._seq(x + reach))
        return found[1] if found else self._seq(x)

    # -- face ----------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = self.height() * 0.68
        thick = theme.scaled(4)
        left, right, here = self._pad(), self.width() - self._pad(), self._x(self.value())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(look.line))
        painter.drawRoundedRect(QRectF(left, middle - thick / 2, right - left, thick), thick / 2, thick / 2)
        painter.setBrush(QColor(look.accent if self.isEnabled() else look.faint))
        painter.drawRoundedRect(QRectF(left, middle - thick / 2, here - left, thick), thick / 2, thick / 2)
        if self._fork > -2:
            x = self._x(self._fork)
            painter.setPen(QPen(QColor(look.muted), 1.5, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(x, 2), QPointF(x, self.height() - 2))
        self._paint_marks(painter, self.height() * 0.28)
        if self._hover is not None and self.isEnabled():
            painter.setPen(QPen(QColor(look.edge), 1))
            x = self._x(self._hover)
            painter.drawLine(QPointF(x, middle - thick * 1.5), QPointF(x, middle + thick * 1.5))
        radius = theme.scaled(6.5)
        painter.setPen(QPen(QColor(look.accent if self.isEnabled() else look.faint), 2))
        painter.setBrush(QColor(look.surface))
        painter.drawEllipse(QPointF(here, middle), radius, radius)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(look.accent), 2))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)

    def _paint_marks(self, painter: QPainter, y: float) -> None:
        """One mark per cell, the gravest; cells are as wide as a mark."""
        radius = theme.scaled(4)
        room = self.width() - 2 * self._pad()
        places = self.maximum() + 2
        cells = max(1, min(places, int(room / (2 * radius + 1))))
        for i in range(cells):
            low, high = i * places // cells - 1, (i + 1) * places // cells - 2
            found = self._markers.gravest(low, high)
            if found:
                draw_mark(painter, found[0], self._x(found[1]), y, radius)
