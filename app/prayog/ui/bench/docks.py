"""The panels of the bench, each in a dock that can be moved, floated, hidden, exported and put back.

The topic proposes where its panels go; what the learner made of it is kept per topic (`state`, `restore`) with a
version, and *Reset layout* goes back to the proposal.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

from PySide6.QtCore import QByteArray, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QMainWindow, QMenu, QTabBar, QTabWidget, QWidget

from prayog.ui.bench.dock import Dock
from prayog.ui.bench.host import Host
from prayog.ui.bench.slot import Slot
from prayog_sdk.qt import theme
from prayog_sdk.specs import PanelSpec

__all__ = ["VERSION", "Docks"]

VERSION = 1
"""Of the layout: a saved layout of another version is not restored."""

_SETTLED_MS = 500

_AREA = Qt.DockWidgetArea
_AREAS = {"right": _AREA.RightDockWidgetArea, "bottom": _AREA.BottomDockWidgetArea}


class Docks(QMainWindow):
    """The docks of one topic."""

    panel_failed = Signal(object)
    export_asked = Signal(object, str)
    """Save what a slot shows: the `Slot`, and the file ending."""

    def __init__(self, host: Host, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Widget)
        self._host = host
        self._docks: dict[str, Dock] = {}
        self._opened: dict[str, bool] = {}
        self.setObjectName("bench")
        self.setDockNestingEnabled(True)
        self.setTabPosition(_AREA.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        self.setDockOptions(
            QMainWindow.DockOption.AllowNestedDocks | QMainWindow.DockOption.AllowTabbedDocks
            | QMainWindow.DockOption.GroupedDragging
        )  # fmt: skip
        self.setCorner(Qt.Corner.BottomRightCorner, _AREA.BottomDockWidgetArea)
        self._arranged = False
        """The learner moved a border or a panel: from then on the sizes are theirs."""
        self._kept: dict[str, Sequence[int]] = {}
        """Widths and heights that were saved: put on again until the bench, which grows in steps, has its own size."""
        self._stacked: frozenset[str] = frozenset()
        """Areas whose panels are behind the first one, because there is no room for them."""
        self._fitting = QTimer(self)
        self._fitting.setSingleShot(True)
        self._fitting.timeout.connect(self._resized)
        self._trimming = QTimer(self)
        self._trimming.setSingleShot(True)
        self._trimming.setInterval(0)
        self._trimming.timeout.connect(self._trim)

    def _soon(self) -> None:
        self._trimming.start()

    def build(self, panels: Sequence[tuple[PanelSpec, bool]]) -> None:
        """Make the docks for `panels`; a panel that is there already (same id and factory) is kept."""
        wanted = {spec.id: spec for spec, _ in panels}
        for name, dock in list(self._docks.items()):
            if wanted.get(name) != dock.slot.spec:
                self._remove(name)
        fresh = [spec for spec, _ in panels if spec.id not in self._docks]
        self._opened = {spec.id: shown for spec, shown in panels}
        for spec in fresh:
            slot = Slot(spec, self._host)
            slot.failed.connect(self.panel_failed)
            dock = Dock(slot, self)
            dock.export_asked.connect(lambda ending, s=slot: self.export_asked.emit(s, ending))
            dock.topLevelChanged.connect(self._keep_sizes)
            for changed in (dock.dockLocationChanged, dock.visibilityChanged, dock.topLevelChanged):
                changed.connect(self._soon)
            slot.set_front(False)
            dock.visibilityChanged.connect(slot.set_front)
            self._docks[spec.id] = dock
        self._docks = {spec.id: self._docks[spec.id] for spec, _ in panels}
        if fresh:
            self.reset()

    def all(self) -> list[Dock]:
        """Every dock, in the order that was proposed."""
        return list(self._docks.values())

    def slots(self) -> list[Slot]:
        return [dock.slot for dock in self._docks.values()]

    def dock(self, name: str) -> Dock | None:
        """The dock of the panel with this id."""
        return self._docks.get(name)

    def reset(self) -> None:
        """The layout that the topic proposes."""
        for dock in self._docks.values():
            dock.setFloating(False)
            self.removeDockWidget(dock)
        centre: Dock | None = None
        last: dict[str, Dock] = {}
        areas = {name: dock.slot.spec.area for name, dock in self._docks.items()}
        for name, area in areas.items():
            if area == "centre" and not self._opened.get(name, True):
                areas[name] = "tab"  # splitting the centre for a hidden dock would tear its tabs apart
        # A dock that has tabs cannot be split any more, so what stands beside it comes before what is behind it.
        for name in sorted(areas, key=lambda name: areas[name] == "tab"):
            dock, area = self._docks[name], areas[name]
            if area == "tab" and centre is not None:
                self.tabifyDockWidget(centre, dock)
            elif area == "bottom":
                self.addDockWidget(_AREA.BottomDockWidgetArea, dock)
                if "bottom" in last:
                    self.tabifyDockWidget(last["bottom"], dock)
            elif area == "right":
                self.addDockWidget(_AREA.RightDockWidgetArea, dock)
            elif centre is None or "centre" not in last:
                self.addDockWidget(_AREA.LeftDockWidgetArea, dock)
                centre = dock
            else:
                self.splitDockWidget(last["centre"], dock, Qt.Orientation.Horizontal)
            last["centre" if area == "tab" and centre is None else area] = dock
            if centre is None and area in ("centre", "tab"):
                centre = dock
        for name, dock in self._docks.items():
            dock.setVisible(self._opened.get(name, True))
        for front in (centre, next((d for d in self._docks.values() if d.slot.spec.area == "bottom"), None)):
            if front is not None:
                front.raise_()
        self._stacked = frozenset()
        self.refit()

    def _keep_sizes(self) -> None:
        self._arranged = True

    def _trim(self) -> None:
        """A panel among tabs needs no title of its own; the tabs get the panels' menus instead."""
        for dock in self._docks.values():
            mates = [other for other in self.tabifiedDockWidgets(dock) if not other.isHidden()]
            dock.bar.set_slim(bool(mates) and not dock.isFloating())
        for tabs in self.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
            if tabs.contextMenuPolicy() != Qt.ContextMenuPolicy.CustomContextMenu:
                tabs.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
                tabs.customContextMenuRequested.connect(lambda place, t=tabs: self._tab_menu(t, place))
                tabs.setAccessibleName(self.tr("Panels"))
                tabs.setElideMode(Qt.TextElideMode.ElideNone)  # arrows to the rest are better than names cut to pieces
                tabs.setUsesScrollButtons(True)

    def _tab_menu(self, tabs: QTabBar, place: QPoint) -> None:
        index = tabs.tabAt(place)
        dock = next((d for d in self._docks.values() if index >= 0 and d.windowTitle() == tabs.tabText(index)), None)
        if dock is not None:
            menu = QMenu(self)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dock.fill_menu(menu)
            menu.popup(tabs.mapToGlobal(place))

    def refit(self) -> None:
        """Propose sizes again, until the learner changes them: a window gets its size in several steps."""
        self._arranged = False
        self._fit()

    def _fit(self) -> None:
        """Give the first panels most of the room."""
        if self.height() < 100:
            return
        self._stack()
        shown = [dock for dock in self._docks.values() if not dock.isHidden() and not dock.isFloating()]
        left, right, bottom = ([d for d in shown if d.slot.spec.area == area] for area in ("centre", "right", "bottom"))
        beside = right[:1] if "right" not in self._stacked else []
        if left and len(left) + len(beside) > 1:
            wide = self.width() * (66 if beside else 100) // 100 // len(left)
            sizes = [wide] * len(left) + [self.width() * 34 // 100] * len(beside)
            self.resizeDocks([*left, *beside], sizes, Qt.Orientation.Horizontal)
        if bottom and left and "bottom" not in self._stacked:
            low = max(theme.scaled(140), self.height() * 30 // 100)
            self.resizeDocks([left[0], bottom[0]], [self.height() - low, low], Qt.Orientation.Vertical)

    def _stack(self) -> None:
        """Where there is no room, the panels at the right and below go behind the first one, and come back later."""
        docks = [dock for dock in self._docks.values() if not dock.isFloating()]
        first = next((dock for dock in docks if dock.slot.spec.area == "centre"), None)
        if first is None:
            return
        small = {"right": self.width() < theme.scaled(480), "bottom": self.height() < theme.scaled(330)}
        for area, behind in small.items():
            moved = [dock for dock in docks if dock.slot.spec.area == area]
            if moved and behind != (area in self._stacked):
                self._put(moved, area, first if behind else None)
                QTimer.singleShot(0, first, first.raise_)  # the tabs are there only after Qt has laid them out

    def _put(self, docks: Sequence[Dock], area: str, behind: Dock | None) -> None:
        """Put `docks` behind another one, or where their `area` is."""
        self._stacked = self._stacked | {area} if behind is not None else self._stacked - {area}
        before: Dock | None = None
        for dock in docks:
            shown = not dock.isHidden()
            if behind is None:
                self.addDockWidget(_AREAS[area], dock)
                if area == "bottom" and before is not None:
                    self.tabifyDockWidget(before, dock)
            else:
                self.tabifyDockWidget(behind, dock)
            dock.setVisible(shown)
            before = dock
        if behind is None and area == "bottom":
            docks[0].raise_()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fitting.start(120 if self._arranged and not self._kept else 0)

    def _resized(self) -> None:
        if self._arranged:
            self._stack()
            there = {self._docks[name]: size for name, size in self._kept.items() if name in self._docks}
            for side, way in enumerate((Qt.Orientation.Horizontal, Qt.Orientation.Vertical)):
                self.resizeDocks(list(there), [size[side] for size in there.values()], way)
        else:
            self._fit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Only presses on the borders between panels come here."""
        self._arranged = True
        self._kept.clear()
        super().mousePressEvent(event)

    def state(self) -> dict[str, object]:
        """The layout as JSON values, with everything where it belongs on a bench that is large enough."""
        for area in sorted(self._stacked):
            self._put([dock for dock in self._docks.values() if dock.slot.spec.area == area], area, None)
        sizes = {name: self._size(dock) for name, dock in self._docks.items() if not dock.visibleRegion().isEmpty()}
        docks = base64.b64encode(self.saveState(VERSION).data()).decode()
        return {"version": VERSION, "docks": docks, "arranged": self._arranged, "sizes": sizes}

    def _size(self, dock: Dock) -> tuple[int, int]:
        """What `resizeDocks` calls the size of a dock: with the tabs above it."""
        bars = self.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly)
        place = dock.geometry()
        above = (bar.height() for bar in bars if bar.isVisible() and bar.geometry().bottom() + 1 == place.top()
                 and bar.x() <= place.right() and place.x() <= bar.geometry().right())  # fmt: skip
        return place.width(), place.height() + next(above, 0)

    def restore(self, saved: Mapping[str, object]) -> bool:
        """Put a saved layout back; False (and nothing changed) when it is of another version or damaged."""
        try:
            data = base64.b64decode(str(saved.get("docks", "")), validate=True)
        except ValueError:
            return False
        if saved.get("version") != VERSION or not data:
            return False
        if not self.restoreState(QByteArray(data), VERSION):
            return False
        self._arranged = bool(saved.get("arranged", True))
        sizes = saved.get("sizes")
        self._kept = dict(sizes) if isinstance(sizes, dict) else {}
        self._fitting.start(0)
        QTimer.singleShot(_SETTLED_MS, self, self._kept.clear)
        return True

    def fill_menu(self, menu: QMenu) -> None:
        """All panels with their marks, and the way back."""
        for dock in self._docks.values():
            action = menu.addAction(dock.slot.spec.title, dock.toggle)
            action.setCheckable(True)
            action.setChecked(not dock.isHidden())
        menu.addSeparator()
        menu.addAction(self.tr("Reset layout"), self.reset)

    def let_go(self) -> None:
        """Close every panel."""
        self._fitting.stop()
        self._trimming.stop()
        for name in list(self._docks):
            self._remove(name)

    def _remove(self, name: str) -> None:
        dock = self._docks.pop(name)
        dock.slot.let_go()
        self.removeDockWidget(dock)
        dock.setParent(None)
        dock.deleteLater()
