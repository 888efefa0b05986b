"""Below the map: what its signs mean and how often they are there, what was found, and why a cell was looked at."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from prayog_location.panels.gathering import ACTIONS
from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout

__all__ = ["MapFoot"]

LEGEND = {
    "visited": "▣ opened",
    "refined": "▨ tested one by one",
    "inside": "■ taken whole",
    "pruned": "▢ left out",
}
_LINES = 2  # of the sentence that are seen at once; the rest is scrolled to


class MapFoot(QWidget):
    """Legend, answer and sentence."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.legend = QWidget()
        row = FlowLayout(self.legend)
        row.setContentsMargins(0, 0, 0, 0)
        self._counts: dict[str, QLabel] = {}
        for action, words in LEGEND.items():
            label = QLabel(words)
            label.setProperty("kind", "muted")
            self._counts[action] = label
            row.addWidget(label)
        self._found = QLabel("")
        row.addWidget(self._found)
        self.sentence = _Sentence()
        self.sentence.setAccessibleName(self.tr("Why this cell"))
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.UNIT, theme.UNIT // 2, theme.UNIT, theme.UNIT // 2)
        column.setSpacing(theme.UNIT // 2)
        column.addWidget(self.legend)
        column.addWidget(self.sentence)

    def count(self, action: str, number: int) -> None:
        """So many cells were met in the way of `action`, one of `ACTIONS`."""
        assert action in ACTIONS
        self._counts[action].setText(f"{LEGEND[action]} {number:,}")

    def show_found(self, words: str) -> None:
        self._found.setText(words)

    def found(self) -> str:
        """What was found, in words."""
        return self._found.text()

    def say(self, sentence: str) -> None:
        self.sentence.say(sentence)


class _Sentence(QScrollArea):
    """Words of which a few lines are seen, whole lines, from the first one on."""

    def __init__(self) -> None:
        super().__init__()
        self._label = QLabel("")
        self._label.setWordWrap(True)
        self._label.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # the arrows scroll
        self.setWidget(self._label)

    def say(self, sentence: str) -> None:
        self._label.setText(sentence)
        self._label.setToolTip(sentence)
        self.verticalScrollBar().setValue(0)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and hasattr(self, "_label"):
            self._fit()

    def _fit(self) -> None:
        most = _LINES * self._label.fontMetrics().lineSpacing() + 2
        need = self._label.heightForWidth(max(1, self.viewport().width()))
        self.setFixedHeight(max(1, min(most, need)))
