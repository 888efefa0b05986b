"""A small popup that asks for the arguments of one action, below its tool; mistakes are sentences in it."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from prayog.ui.bench.arguments import Asker
from prayog_sdk.qt import theme
from prayog_sdk.qt.state import paragraph
from prayog_sdk.specs import ActionSpec

__all__ = ["Question"]


class Question(QFrame):
    """The arguments of one action, below its tool."""

    chosen = Signal(dict)

    def __init__(self, spec: ActionSpec, asker: Asker, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._asker = asker
        self.setProperty("kind", "card")
        self.setAccessibleName(spec.title)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * theme.UNIT, 2 * theme.UNIT, 2 * theme.UNIT, 2 * theme.UNIT)
        layout.setSpacing(theme.UNIT)
        title = QLabel(spec.title)
        title.setProperty("step", "1")
        layout.addWidget(title)
        if spec.help:
            about = paragraph(spec.help, "muted")
            about.setMinimumWidth(theme.scaled(240))
            layout.addWidget(about)
        layout.addWidget(asker)
        self._wrong = paragraph("", "bad")
        self._wrong.hide()
        layout.addWidget(self._wrong)
        line = QHBoxLayout()
        do = QPushButton(self.tr("Do it"))
        do.setProperty("kind", "primary")
        do.setDefault(True)
        do.clicked.connect(self._choose)
        cancel = QPushButton(self.tr("Cancel"))
        cancel.clicked.connect(self.hide)
        line.addWidget(do)
        line.addWidget(cancel)
        line.addStretch(1)
        layout.addLayout(line)

    def show_below(self, widget: QWidget) -> None:
        self.adjustSize()
        place = widget.mapToGlobal(QPoint(0, widget.height() + 4))
        room = widget.screen().availableGeometry()
        place.setX(max(room.left(), min(place.x(), room.right() - self.width())))
        place.setY(max(room.top(), min(place.y(), room.bottom() - self.height())))
        self.move(place)
        self.show()
        self._asker.first().setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._choose()
        else:
            super().keyPressEvent(event)

    def _choose(self) -> None:
        try:
            args = self._asker.values()
        except ValueError as error:
            self._wrong.setText(str(error))
            self._wrong.show()
            self.adjustSize()
            return
        self.chosen.emit(args)
