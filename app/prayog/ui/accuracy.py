"""How often predictions were right, over time: a small painted line with its words.

Mastery is not completion: this line is the one number that says whether the learner's picture of a system is right.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from prayog_sdk.qt import theme

__all__ = ["AccuracyLine", "running_share"]

_WINDOW = 10  # predictions over which the share is taken
_SHOWN = 60  # marks that are drawn


def running_share(answers: Sequence[bool], window: int = _WINDOW) -> list[float]:
    """For every answer, the share of right ones among it and up to ``window - 1`` before it."""
    shares = []
    for end in range(1, len(answers) + 1):
        part = answers[max(0, end - window) : end]
        shares.append(sum(part) / len(part))
    return shares


class AccuracyLine(QWidget):
    """The share of right predictions as a line; below it each prediction, a dot when right, a cross when wrong."""

    def __init__(self, answers: Sequence[bool], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._answers = list(answers)[-_SHOWN:]
        self._shares = running_share(answers)[-_SHOWN:]
        latest = ", ".join(f"{share:.0%}" for share in self._shares[-5:])
        self.setAccessibleName(self.tr("Share of right predictions over time"))
        self.setAccessibleDescription(self.tr("Latest shares, oldest first: {0}").format(latest))
        self.setToolTip(self.tr("Share of right answers among the last {0} predictions").format(_WINDOW))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(300), theme.scaled(96))

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        mark, label = theme.scaled(6), painter.fontMetrics().horizontalAdvance("100 %") + 8
        plot = QRectF(label, 6, self.width() - label - mark, self.height() - 6 - 3 * mark)
        painter.setPen(QColor(look.muted))
        for share in (0.0, 0.5, 1.0):
            y = plot.bottom() - share * plot.height()
            painter.setPen(QPen(QColor(look.line), 1))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            painter.setPen(QColor(look.muted))
            box = QRectF(0, y - 10, label - 8, 20)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{share:.0%}")
        count = len(self._answers)
        step = plot.width() / max(1, count - 1)
        points = [
            QPointF(plot.left() + i * step, plot.bottom() - share * plot.height())
            for i, share in enumerate(self._shares)
        ]
        painter.setPen(QPen(QColor(look.accent), 2))
        painter.drawPolyline(QPolygonF(points))
        y = self.height() - mark
        for i, right in enumerate(self._answers):
            x = plot.left() + i * step
            if right:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(look.good))
                painter.drawEllipse(QPointF(x, y), mark / 2, mark / 2)
            else:
                painter.setPen(QPen(QColor(look.bad), 1.75))
                half = mark / 2
                painter.drawLine(QPointF(x - half, y - half), QPointF(x + half, y + half))
                painter.drawLine(QPointF(x - half, y + half), QPointF(x + half, y - half))
