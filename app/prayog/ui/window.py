"""The main window: rail, pages, bench and status line, and the one place where navigation is decided.

Rules
1. Pages are made when they are first shown; the imports of a page are its own.
2. Nothing here blocks and nothing here is modal: what needs an answer is a bar, a card or a popup.
3. Whatever can be asked for is a `Command` (see `actions`), so the palette and the key list know it.
"""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QIcon, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QStackedWidget, QVBoxLayout, QWidget
from shiboken6 import delete

import prayog_resources
from prayog.ui.desk import Desk
from prayog.ui.page import Page
from prayog.ui.place import ITEMS, PAGES, Place
from prayog.ui.rail import Rail
from prayog.ui.status import StatusLine
from prayog_sdk.qt import theme

if TYPE_CHECKING:
    from prayog.ui.actions import Actions
    from prayog.ui.notice import Notice
    from prayog.ui.stage import Stage
    from prayog_sdk.saved import SavedRun

__all__ = ["STATE_VERSION", "Window"]

STATE_VERSION = 1
"""Of ``layouts/window.json``; what another version wrote is ignored and the defaults apply."""
_FACTORIES = {
    "home": ("prayog.ui.home", "Home"),
    "topics": ("prayog.ui.catalogue", "Catalogue"),
    "topic": ("prayog.ui.topic_page", "TopicPage"),
    "challenges": ("prayog.ui.challenges", "Challenges"),
    "work": ("prayog.ui.my_work", "MyWork"),
    "services": ("prayog.ui.services_page", "ServicesPage"),
    "plugins": ("prayog.ui.plugins_page", "PluginsPage"),
    "settings": ("prayog.ui.settings_page", "SettingsPage"),
}


class Window(QMainWindow):
    """The lab.  `go` leads to a `Place`."""

    painted = Signal()
    """The first paint is over; heavy work may begin."""
    closed = Signal()
    went = Signal(object)
    """Another `Place` is shown."""
    shell: Actions
    """The commands of the frame; there after `complete`."""
    stage: Stage
    """The bench's place; there after `complete`."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        desk.window = self
        desk.speak()
        desk.dress()
        self.setObjectName("window")
        self.setWindowTitle("Prayog")
        self.setMinimumSize(640, 480)
        self.kept: tuple[object, ...] = ()
        """What must live as long as the window."""
        self._was_painted = self._is_complete = False
        self._history: list[Place] = []
        self._pages: dict[str, Page] = {}
        self.place = Place("home")
        self.rail = Rail()
        self.stack = QStackedWidget()
        self.status = StatusLine(desk.settings.announcements)
        self._lay_out()
        home = self._page(self.place)
        home.bring_up_to_date()
        self.stack.setCurrentWidget(home)
        self.rail.show_page("home")
        if desk.kit is not None and desk.kit.simple:
            self.rail.keep(("home", "topics", "challenges"))
        if desk.kit is not None and desk.kit.title:
            self.setWindowTitle(desk.kit.title)
        desk.said.connect(self.status.say)
        desk.settings_changed.connect(self._settings_changed)
        desk.dressing.connect(self._drop_hidden)
        self.rail.chosen.connect(self._chosen)
        self.status.say(self.tr("Ctrl+K finds anything. Press ? for the list of keys."))

    def _lay_out(self) -> None:
        def plain(layout: QHBoxLayout | QVBoxLayout) -> None:
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(0)

        self._notices = QVBoxLayout()
        right, across, centre = QVBoxLayout(), QHBoxLayout(), QWidget()
        down = QVBoxLayout(centre)
        for layout in (self._notices, right, across, down):
            plain(layout)
        right.addLayout(self._notices)
        right.addWidget(self.stack, 1)
        across.addWidget(self.rail)
        across.addLayout(right, 1)
        down.addLayout(across, 1)
        down.addWidget(self.status)
        self.setCentralWidget(centre)

    def complete(self) -> None:
        """What the first paint does not need: the bench's place, all fonts, the icon, commands and keys."""
        from prayog.ui.actions import install
        from prayog.ui.stage import Stage

        theme.load_fonts()
        self.stage = Stage(self.desk)
        self.stack.addWidget(self.stage)
        self.stage.wanted.connect(self.go)
        self.stage.occupied.connect(self.rail.show_bench)
        picture = QPixmap()
        picture.loadFromData(prayog_resources.read_bytes("icons", "prayog.png"))
        self.setWindowIcon(QIcon(picture))
        self.shell = install(self)
        self._is_complete = True

    # Where to go

    def go(self, place: Place, *, saved: SavedRun | None = None, back: bool = False) -> None:
        """Lead to `place`; the place that is left can be gone back to."""
        if place.kind == "saved" and saved is None and place != self.stage.place:
            place = Place("work")  # its file was read for that one visit
        if not back and place != self.place:
            self._history = [*self._history[-49:], self.place]
        if place.kind in ITEMS:
            self.status.say("")  # what was said of another run is not about this one
            self.stage.show_place(place, saved)
            self._front(self.stage, "bench")
        else:
            if self.stack.currentWidget() is self.stage:
                self.desk.read_progress()  # the bench wrote into the journal
            page = self._page(place)
            page.shown()
            self._front(page, place.kind)
        self.place = place
        self.went.emit(place)

    def back(self) -> None:
        """Return to where the learner was before."""
        if self._history:
            self.go(self._history.pop(), back=True)

    def to_bench(self) -> None:
        """Return to the open topic, as it was left."""
        if self.stage.place is not None:
            self._front(self.stage, "bench")
            self.place = self.stage.place
            self.went.emit(self.place)

    def notice(self, notice: Notice) -> None:
        """Put a bar above the page."""
        self._notices.addWidget(notice)

    def notices(self) -> list[Notice]:
        """The bars that are shown."""
        from prayog.ui.notice import Notice

        return [each for each in self.findChildren(Notice) if not each.isHidden()]

    def next_pane(self, step: int = 1) -> None:
        """Move the keyboard to the next part of the window: rail, page (and its docks), status line."""
        panes = self._panes()
        focus = self.focusWidget()
        inside = [pane for pane in panes if focus is not None and (pane is focus or pane.isAncestorOf(focus))]
        start = panes.index(inside[-1]) if inside else -1
        for offset in range(1, len(panes) + 1):
            if self._enter(panes[(start + step * offset) % len(panes)]):
                return

    def _panes(self) -> list[QWidget]:
        from PySide6.QtWidgets import QDockWidget  # not before the first paint

        page = self.stack.currentWidget() or self.stack
        docks = [dock for dock in page.findChildren(QDockWidget) if dock.isVisible()]
        return [self.rail, page, *docks, self.status]

    def _enter(self, pane: QWidget) -> bool:
        for widget in [pane, *pane.findChildren(QWidget)]:
            if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisible() and widget.isEnabled():
                widget.setFocus(Qt.FocusReason.TabFocusReason)
                return True
        return False

    def _chosen(self, page: str) -> None:
        if page == "bench":
            self.to_bench()
        else:
            self.go(Place(page))

    def _front(self, page: QWidget, name: str) -> None:
        focus = self.focusWidget()
        in_rail = focus is not None and self.rail.isAncestorOf(focus)
        self.stack.setCurrentWidget(page)
        if isinstance(page, Page):
            page.bring_up_to_date()
        self.rail.show_page(name)
        if in_rail:
            self.rail.take_focus()
        elif isinstance(page, Page):  # the keyboard must not be left on what is hidden now
            first = page.first_focus()
            if first is not None:
                first.setFocus(Qt.FocusReason.OtherFocusReason)

    def _page(self, place: Place) -> Page:
        page = self._pages.get(place.kind)
        if page is None:
            module, name = _FACTORIES[place.kind]
            page = getattr(importlib.import_module(module), name)(self.desk)
            self._take(place.kind, page)
        page.show_place(place)
        return page

    def _take(self, kind: str, page: Page) -> None:
        self._pages[kind] = page
        self.stack.addWidget(page)
        page.wanted.connect(self.go)
        opened = getattr(page, "opened", None)
        if opened is not None:
            opened.connect(lambda place, saved: self.go(place, saved=saved))

    # What changes and what is kept

    def _settings_changed(self) -> None:
        self.status.level = self.desk.settings.announcements

    def _drop_hidden(self) -> None:
        """Let go of pages that are not seen: styling them anew would hold up the window; a visit makes them again."""
        if self.desk.jobs.busy:  # its end may be told to one of them
            return
        for kind, page in list(self._pages.items()):
            if page is not self.stack.currentWidget():
                del self._pages[kind]
                self.stack.removeWidget(page)
                delete(page)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange and self._is_complete:
            QTimer.singleShot(0, self, self._reword)

    def _reword(self) -> None:
        """Make what has words anew: the rail and the pages; an open bench has its words until it is opened again."""
        if self.desk.jobs.busy:  # its end may be told to a page
            QTimer.singleShot(100, self, self._reword)
            return
        self.rail.reword()
        for kind, page in list(self._pages.items()):
            del self._pages[kind]
            self.stack.removeWidget(page)
            delete(page)
        if self.place.kind not in ITEMS:
            self.go(self.place, back=True)

    def remember(self) -> None:
        """Keep size, position and page for the next start."""
        place = self.place if self.place.kind in (*PAGES, "topic") else Place("topic", self.place.topic)
        values = {
            "version": STATE_VERSION,
            "geometry": bytes(self.saveGeometry().toBase64().data()).decode(),
            "state": bytes(self.saveState(STATE_VERSION).toBase64().data()).decode(),
            "place": str(place),
        }
        file = self.desk.profile.layouts / "window.json"
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values), encoding="utf-8")
        except OSError as error:  # a full disk must not keep the window open
            self.desk.say(self.tr("The window's place could not be kept: {0}").format(error.strerror or str(error)))

    def restore(self) -> Place:
        """Take size and position from the last time; the place where the learner was."""
        self.resize(1280, 800)
        try:
            values = json.loads((self.desk.profile.layouts / "window.json").read_text(encoding="utf-8"))
            if values["version"] != STATE_VERSION:
                return Place("home")
            geometry, state, place = (str(values[key]) for key in ("geometry", "state", "place"))
        except (OSError, ValueError, KeyError, TypeError):
            return Place("home")
        self.restoreGeometry(QByteArray.fromBase64(geometry.encode()))
        self.restoreState(QByteArray.fromBase64(state.encode()), STATE_VERSION)
        return Place.parse(place)

    def event(self, event: QEvent) -> bool:
        done = super().event(event)
        if event.type() == QEvent.Type.UpdateRequest and not self._was_painted:
            self._was_painted = True
            QTimer.singleShot(0, self.painted.emit)
        return done

    def closeEvent(self, event: QCloseEvent) -> None:
        self.remember()
        if self._is_complete:
            self.stage.close_topic()
        self.desk.close()
        self.closed.emit()
        super().closeEvent(event)
