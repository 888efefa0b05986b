"""The sidebar: lesson, inspector, set-up and checks as tabs, always in the same order."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from prayog_sdk.qt import theme

__all__ = ["Sidebar"]


class Sidebar(QWidget):
    """Panes by name; a name stays where it is, whatever pane stands for it."""

    def __init__(self, panes: Mapping[str, tuple[str, QWidget]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names = list(panes)
        self.titles = {name: words for name, (words, _) in panes.items()}
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self._tabs = QTabWidget()
        self._tabs.setDocumentMode(True)
        self._tabs.tabBar().setDrawBase(False)
        self._tabs.setUsesScrollButtons(True)
        self._tabs.setStyleSheet("QTabWidget::tab-bar { left: 8px; } QTabBar::tab { padding: 6px 8px; }")
        self._tabs.setAccessibleName(self.tr("Sidebar"))
        for words, pane in panes.values():
            self._tabs.addTab(pane, words)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, theme.UNIT, 0, 0)
        layout.addWidget(self._tabs)

    def show_tab(self, name: str) -> None:
        self._tabs.setCurrentIndex(self._names.index(name))

    def set_there(self, name: str, there: bool) -> None:
        """Offer a tab, or leave it out."""
        self._tabs.setTabVisible(self._names.index(name), there)

    def rename(self, name: str, words: str) -> None:
        """Change the words on a tab, such as how many checks are broken."""
        place = self._names.index(name)
        if self._tabs.tabText(place) != words:
            self._tabs.setTabText(place, words)

    def title(self, name: str) -> str:
        """The words on a tab now."""
        return self._tabs.tabText(self._names.index(name))

    def replace(self, name: str, pane: QWidget, words: str) -> None:
        """Let `pane` stand for `name`; the old one is taken out and not deleted."""
        place = self._names.index(name)
        current = self._tabs.currentIndex()
        self._tabs.removeTab(place)
        self._tabs.insertTab(place, pane, words)
        self.titles[name] = words
        self._tabs.setCurrentIndex(current)
