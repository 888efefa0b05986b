"""A bar on top of the page that tells something and offers ways on; never in the way, always dismissible."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QFrame, QWidget

from prayog.ui.pieces import button, row, text
from prayog_sdk.qt import theme
from prayog_sdk.qt.icons import IconButton, IconLabel

__all__ = ["Notice"]


class Notice(QWidget):
    """A sentence and its actions, as (title, callable); an action closes the bar too.

    `kind` is ``warn``, ``bad``, or nothing for what is only good to know.
    """

    def __init__(
        self,
        sentence: str,
        actions: Sequence[tuple[str, Callable[[], object]]] = (),
        *,
        kind: str = "warn",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(sentence)
        bar = QFrame()
        bar.setProperty("kind", kind or "card")
        layout = row(gap=theme.UNIT)
        layout.setContentsMargins(16, 8, 8, 8)
        layout.addWidget(IconLabel("warning" if kind else "info", role=kind or "muted", size=18))
        layout.addWidget(text(sentence), 1)
        for title, act in actions:
            made = button(title)
            made.clicked.connect(self.dismiss)
            made.clicked.connect(lambda _checked=False, act=act: act())
            layout.addWidget(made)
        close = IconButton("close", self.tr("Dismiss"), size=16)
        close.clicked.connect(self.dismiss)
        layout.addWidget(close)
        bar.setLayout(layout)
        around = row(bar)
        around.setContentsMargins(16, 12, 16, 0)
        self.setLayout(around)

    def dismiss(self) -> None:
        """Take the bar away."""
        self.hide()
        self.deleteLater()
