"""The line at the bottom: what just happened, in a sentence, for the eye and for the screen reader."""

from __future__ import annotations

from PySide6.QtCore import QRect, QTimer
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QLabel, QWidget

from prayog.ui.pieces import row
from prayog_sdk.qt import theme

__all__ = ["StatusLine"]

_BATCH_MS = 400  # sentences that come closer together are spoken as one


class StatusLine(QFrame):
    """Shows the last sentence; speaks what the level of announcements lets through, in batches."""

    def __init__(self, level: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("status")
        self.level = level
        self.spoken: list[str] = []
        """What was handed to the screen reader, latest last (the last 50)."""
        self._waiting: list[str] = []
        self._label = QLabel()
        self._label.setProperty("kind", "muted")
        self._label.setProperty("step", "-1")
        self._label.setMinimumWidth(1)
        self._right = row(gap=theme.UNIT)
        layout = row(self._label, gap=2 * theme.UNIT)
        layout.setStretch(0, 1)
        layout.addLayout(self._right)
        layout.setContentsMargins(16, 3, 8, 3)
        self.setLayout(layout)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_BATCH_MS)
        self._timer.timeout.connect(self._speak)
        self.setAccessibleName(self.tr("Status"))

    def add(self, widget: QWidget) -> None:
        """Put a small control at the right end."""
        self._right.addWidget(widget)

    def text(self) -> str:
        """The sentence that is shown."""
        return self._label.text()

    def say(self, sentence: str, important: bool = False) -> None:
        """Show `sentence`, and speak it when the level allows."""
        self._label.setText(sentence)
        self._label.setToolTip(sentence)
        self._label.setAccessibleName(sentence)
        if sentence and (self.level == "all" or (important and self.level == "important")):
            self._waiting.append(sentence)
            self._timer.start()

    def _speak(self) -> None:
        from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent  # not before the first paint

        words = " ".join(self._waiting[-3:])
        self._waiting.clear()
        self.spoken = [*self.spoken[-49:], words]
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, words))

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.current()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(look.surface))
        painter.fillRect(QRect(0, 0, self.width(), 1), QColor(look.line))
