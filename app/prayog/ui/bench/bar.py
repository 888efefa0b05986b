"""One sentence about something that could not be done, above the panels; it never covers or waits."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from prayog_sdk.qt import theme
from prayog_sdk.qt.icons import IconButton, IconLabel
from prayog_sdk.qt.state import paragraph

__all__ = ["Bar"]


class Bar(QWidget):
    """Hidden until there is something to say, and again after the next thing that worked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        frame = QFrame()
        frame.setProperty("kind", "warn")
        self._text = paragraph("")
        close = IconButton("close", self.tr("Dismiss"), size=14)
        close.clicked.connect(self.hide)
        inside = QHBoxLayout(frame)
        inside.setContentsMargins(theme.UNIT * 3 // 2, theme.UNIT // 2, theme.UNIT // 2, theme.UNIT // 2)
        inside.setSpacing(theme.UNIT)
        inside.addWidget(IconLabel("info", role="warn"))
        inside.addWidget(self._text, 1)
        inside.addWidget(close)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(theme.UNIT * 3 // 2, theme.UNIT // 2, theme.UNIT * 3 // 2, theme.UNIT // 2)
        layout.addWidget(frame)
        self.hide()

    def show_sentence(self, sentence: str) -> None:
        self._text.setText(sentence[:1].upper() + sentence[1:])
        self.setAccessibleName(self._text.text())
        self.show()
