"""What a lesson ends with: how it went, and where to go from here."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from prayog.ui.pieces import heading
from prayog_sdk.qt import theme
from prayog_sdk.qt.icons import IconLabel
from prayog_sdk.qt.state import paragraph

__all__ = ["EndPage"]


class EndPage(QWidget):
    """``passed`` of ``checked`` checks held; ``foreseen`` of ``asked`` questions were answered before a look."""

    next_asked = Signal()
    play_asked = Signal()
    leave_asked = Signal()

    def __init__(self, passed: int, checked: int, foreseen: int, asked: int, *, has_next: bool) -> None:
        super().__init__()
        whole = passed == checked
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * theme.UNIT, 3 * theme.UNIT, 2 * theme.UNIT, 2 * theme.UNIT)
        column.setSpacing(2 * theme.UNIT)
        column.addWidget(IconLabel("ok" if whole else "info", role="good" if whole else "muted", size=32))
        column.addWidget(heading(self.tr("Lesson done") if whole else self.tr("That was the last step"), 2))
        some = self.tr("{n} of {all} checks held on your runs. The others wait; go back when you like.")
        all_held = self.tr("Every check held on your own runs.")
        column.addWidget(paragraph(all_held if whole else some.format(n=passed, all=checked)))
        if asked:
            told = self.tr("You predicted {n} of {all} times before you looked.").format(n=foreseen, all=asked)
            column.addWidget(paragraph(told, "muted"))
        if has_next:
            further = QPushButton(self.tr("Next lesson"))
            further.setProperty("kind", "primary")
            further.clicked.connect(self.next_asked)
            column.addWidget(further, 0, Qt.AlignmentFlag.AlignLeft)
        for words, asks in (
            (self.tr("Keep playing with this bench"), self.play_asked),
            (self.tr("To the topic’s page"), self.leave_asked),
        ):
            button = QPushButton(words)
            button.clicked.connect(asks)
            column.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)
