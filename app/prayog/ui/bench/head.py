"""The head of the bench: what is on it, and the few things that concern the whole of it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QSizePolicy, QToolButton, QWidget

from prayog.ui.bench.elided import Elided
from prayog.ui.pieces import chip
from prayog_sdk.qt import theme
from prayog_sdk.qt.icons import IconButton

__all__ = ["Head"]


class Head(QWidget):
    """Way back, titles, reality check, panels, save and export, sidebar."""

    left = Signal()
    reality_asked = Signal()
    sidebar_asked = Signal()

    def __init__(
        self, fill_panels: Callable[[QMenu], None], fill_export: Callable[[QMenu], None], *, can_check: bool
    ) -> None:
        super().__init__()
        self._title = Elided()
        self._title.setProperty("step", "1")
        self._subtitle = Elided()
        self._subtitle.setProperty("kind", "muted")
        self._subtitle.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._real = chip(self.tr("real component"), "good")
        self._real.hide()
        back = IconButton("chevron-left", self.tr("To the topic’s page"))
        back.clicked.connect(self.left)
        self._can_check = can_check
        self._check = QPushButton(self.tr("Reality check"))
        self._check.setToolTip(self.tr("Do the same on the real component and compare"))
        self._check_small = IconButton("services", self.tr("Reality check"))
        for button in (self._check, self._check_small):
            button.clicked.connect(self.reality_asked)
            button.hide()
        sidebar = IconButton("inspector", self.tr("Show or hide the sidebar"))
        sidebar.clicked.connect(self.sidebar_asked)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.UNIT, theme.UNIT, theme.UNIT * 3 // 2, 0)
        row.setSpacing(theme.UNIT)
        for widget in (back, self._title, self._subtitle, self._real):
            row.addWidget(widget)
        row.setStretchFactor(self._subtitle, 1)
        row.addWidget(self._check)
        row.addWidget(self._check_small)
        row.addWidget(_menu("dock", self.tr("Panels"), fill_panels))
        self._export = _menu("export", self.tr("Save and export"), fill_export)
        self._export.set_title(self.tr("Save and export"), "Ctrl+E")
        row.addWidget(self._export)
        row.addWidget(sidebar)

    def show_titles(self, topic: str, scenario: str, *, real: bool) -> None:
        self._title.setText(topic)
        self._subtitle.setText(scenario)
        self._real.setVisible(real)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        roomy = self.width() > theme.scaled(480)
        self._check.setVisible(self._can_check and roomy)
        self._check_small.setVisible(self._can_check and not roomy)

    def open_export(self) -> None:
        """Open the menu of what can be saved and exported."""
        self._export.showMenu()

    def subtitle(self) -> str:
        """The scenario's title."""
        return self._subtitle.text()


def _menu(name: str, title: str, fill: Callable[[QMenu], None]) -> IconButton:
    button = IconButton(name, title)
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    button.setStyleSheet("QToolButton::menu-indicator { image: none; }")
    menu = QMenu(button)
    menu.aboutToShow.connect(menu.clear)
    menu.aboutToShow.connect(lambda: fill(menu))
    button.setMenu(menu)
    return button
