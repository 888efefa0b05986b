"""The steps of a lesson as a row of dots."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from prayog_sdk.qt import theme

__all__ = ["Dots"]


class Dots(QWidget):
    """The steps as dots: a filled one is done, a ring is where you are; said in words too."""

    def __init__(self) -> None:
        super().__init__()
        self._steps: list[tuple[bool, str]] = []
        self._place = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_steps(self, steps: list[tuple[bool, str]], place: int) -> None:
        self._steps, self._place = steps, place
        done = sum(done for done, _ in steps)
        words = self.tr("Step {n} of {all}, {done} done").format(
            n=min(place + 1, len(steps)), all=len(steps), done=done
        )
        self.setAccessibleName(words)
        self.setToolTip(words)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(80), theme.scaled(16))

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side, gap, y = theme.scaled(8), theme.scaled(8), self.height() / 2
        for i, (done, _) in enumerate(self._steps):
            box = QRectF(4 + i * (side + gap), y - side / 2, side, side)
            painter.setPen(Qt.PenStyle.NoPen if done else QPen(QColor(look.edge), 1.5))
            painter.setBrush(QColor(look.good) if done else Qt.BrushStyle.NoBrush)
            painter.drawEllipse(box)
            if i == self._place:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(QColor(look.accent), 2))
                painter.drawEllipse(box.adjusted(-3, -3, 3, 3))
