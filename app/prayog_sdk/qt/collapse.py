"""A part that folds away under its heading: details that few readers want, there for those who do."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from prayog_sdk.qt import theme
from prayog_sdk.qt.icons import IconButton

__all__ = ["Fold"]


class Fold(QWidget):
    """A heading with an arrow; a click, Space or Enter shows and hides `content`."""

    toggled = Signal(bool)

    def __init__(self, title: str, content: QWidget, *, open: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._content = content
        self._head = IconButton("chevron-right", title, role="muted", size=14, parent=self)
        self._head.setText(title)
        self._head.setToolTip("")
        self._head.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._head.setCheckable(True)
        self._head.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._head.setStyleSheet("QToolButton:checked:!hover { background: transparent; }")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.UNIT // 2)
        layout.addWidget(self._head, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(content)
        self._head.toggled.connect(self._show)
        self._head.setChecked(open)
        content.setVisible(open)

    def set_open(self, open: bool) -> None:
        self._head.setChecked(open)

    def set_title(self, title: str) -> None:
        self._head.setText(title)
        self._head.setAccessibleName(title)

    def _show(self, open: bool) -> None:
        self._head.set_icon("chevron-down" if open else "chevron-right")
        self._content.setVisible(open)
        self.toggled.emit(open)
