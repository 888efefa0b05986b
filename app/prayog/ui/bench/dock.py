"""One panel of the bench in its dock: a quiet title bar, and the menu of what can be done with it."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, QSize, Signal
from PySide6.QtWidgets import QDockWidget, QHBoxLayout, QLabel, QMenu, QSizePolicy, QToolButton, QWidget

from prayog.ui.bench.slot import Slot
from prayog_sdk.qt import theme
from prayog_sdk.qt.icons import IconButton

__all__ = ["Dock"]

_DOCKS = QDockWidget.DockWidgetFeature


class Dock(QDockWidget):
    """One panel with its title bar."""

    export_asked = Signal(str)

    def __init__(self, slot: Slot, parent: QWidget) -> None:
        super().__init__(slot.spec.title, parent)
        self.slot = slot
        self.setObjectName(slot.spec.id)
        self.setFeatures(_DOCKS.DockWidgetMovable | _DOCKS.DockWidgetFloatable | _DOCKS.DockWidgetClosable)
        self.setWidget(slot)
        self.bar = _TitleBar(self)
        self.setTitleBarWidget(self.bar)
        self.setAccessibleName(slot.spec.title)

    def toggle(self) -> None:
        """Hide the panel, or show it and bring it to the front."""
        self.setVisible(self.isHidden())
        if not self.isHidden():
            self.raise_()

    def fill_menu(self, menu: QMenu) -> None:
        endings = dict.fromkeys([*self.slot.exports(), "png", "svg"]) if self.slot.panel is not None else {}
        if endings:
            export = menu.addMenu(self.tr("Export"))
            for ending in endings:
                export.addAction(ending.upper(), partial(self.export_asked.emit, ending))
        menu.addAction(
            self.tr("Put back") if self.isFloating() else self.tr("Own window"),
            lambda: self.setFloating(not self.isFloating()),
        )
        menu.addAction(self.tr("Hide"), self.hide)


class _TitleBar(QWidget):
    """A quiet title bar: the name, and a menu.  It can be dragged, double-clicked and reached by keyboard."""

    def __init__(self, dock: Dock) -> None:
        super().__init__(dock)
        self._slim = False
        self._measure()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._name = QLabel(dock.slot.spec.title)
        self._name.setProperty("kind", "muted")
        self._more = IconButton(
            "more", self.tr("Menu of the panel {title}").format(title=dock.slot.spec.title), role="muted", size=16
        )
        self._more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._more.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        menu = QMenu(self._more)
        menu.aboutToShow.connect(menu.clear)
        menu.aboutToShow.connect(lambda: dock.fill_menu(menu))
        self._more.setMenu(menu)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(theme.UNIT * 3 // 2, 0, theme.UNIT // 2, 0)
        layout.addWidget(self._name, 1)
        layout.addWidget(self._more)

    def set_slim(self, slim: bool) -> None:
        """Take no room: the panel's tab says its name already."""
        if slim != self._slim:
            self._slim = slim
            self._name.setVisible(not slim)
            self._more.setVisible(not slim)
            self.updateGeometry()

    def sizeHint(self) -> QSize:
        return QSize(self._wide, 0 if self._slim else self._high)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0 if self._slim else self._high)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._measure()

    def _measure(self) -> None:
        """Once for each text size: the layout asks for it hundreds of times."""
        self._wide, self._high = theme.scaled(80), max(28, theme.scaled(28))

    def event(self, event: QEvent) -> bool:
        if event.type() in (
            QEvent.Type.MouseButtonPress,
            QEvent.Type.MouseMove,
            QEvent.Type.MouseButtonRelease,
            QEvent.Type.MouseButtonDblClick,
        ):
            event.ignore()  # the dock drags itself
            return False
        return super().event(event)
