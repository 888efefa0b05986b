"""Before code that came in a file is run: what it is, the code itself, and the choice.

The fence holds accidents off, not somebody who means harm (`prayog_sdk.code`), so a person has to look first.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from prayog.ui.pieces import heading
from prayog_sdk.qt import theme
from prayog_sdk.qt.codeedit import CodeEdit
from prayog_sdk.qt.icons import IconLabel
from prayog_sdk.qt.state import paragraph

__all__ = ["Consent"]


class Consent(QWidget):
    """Shows `code` and asks whether it may run here."""

    agreed = Signal()
    refused = Signal()

    def __init__(self, code: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(3 * theme.UNIT, 3 * theme.UNIT, 3 * theme.UNIT, 3 * theme.UNIT)
        column.setSpacing(2 * theme.UNIT)
        head = QHBoxLayout()
        head.setSpacing(theme.UNIT * 3 // 2)
        head.addWidget(IconLabel("warning", role="warn", size=22), 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(heading(self.tr("This run brings code that was written elsewhere"), 2), 1)
        column.addLayout(head)
        column.addWidget(
            paragraph(
                self.tr(
                    "Opening the run means running this Python on your machine. It is kept away from files and the "
                    "network, and it is stopped when it takes too long; but that is made against accidents, not "
                    "against somebody who means harm. Read it, and run it only if you know whom it is from."
                )
            )
        )
        self.code = CodeEdit(self.tr("The code of the run"), writable=False)
        self.code.load(code)
        column.addWidget(self.code, 1)
        line = QHBoxLayout()
        yes = QPushButton(self.tr("Run it"))
        yes.clicked.connect(self.agreed)
        no = QPushButton(self.tr("Leave"))
        no.setProperty("kind", "primary")
        no.clicked.connect(self.refused)
        line.addWidget(no)
        line.addWidget(yes)
        line.addStretch(1)
        column.addLayout(line)
        self.first = no
