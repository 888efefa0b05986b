"""The keys of the bench, and everything it can do as commands for the palette and the key list.

Rules
1. Letters and signs work while the bench has the focus, never while a field is typed into or in the sidebar.
2. Space, Home, End and Esc go to the focused control first: Space on a button presses the button.
3. A key of a topic's action never takes one of the bench's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from prayog.ui.bench.host import is_marked
from prayog.ui.commands import Command

if TYPE_CHECKING:
    from prayog.ui.bench.page import BenchPage

__all__ = ["Keys"]

T = TypeVar("T")

_PLAIN = (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)


class Keys(QObject):
    """Made once per page."""

    def __init__(self, page: BenchPage) -> None:
        super().__init__(page)
        self._page = page
        driver = page.driver
        self._table: list[tuple[str, str, str, Callable[[], object]]] = [
            (".", self.tr("Step"), "step", driver.step),
            (",", self.tr("Step back"), "step-back", driver.back),
            ("Shift+.", self.tr("Next marked event"), "", lambda: self.to_mark(1)),
            ("Shift+,", self.tr("Previous marked event"), "", lambda: self.to_mark(-1)),
            ("[", self.tr("Slower"), "", lambda: driver.faster(-1)),
            ("]", self.tr("Faster"), "", lambda: driver.faster(1)),
            ("G", self.tr("Run to…"), "run-to", page.transport.open_run_to),
            ("F", self.tr("Fork here"), "fork", driver.fork),
            ("B", self.tr("Bookmark this moment"), "bookmark", driver.bookmark),
            ("D", self.tr("Compare A and B: another seed, or other knobs"), "swap", page.centre.toggle_compare),
            ("R", self.tr("Start again, same seed"), "restart", page.runs.again),
            ("Shift+R", self.tr("Start again, new seed"), "dice", lambda: page.runs.again(True)),
        ]
        self._taken = {key for key, *_ in self._table}
        acts = {key: act for key, _, _, act in self._table}
        # A keyboard may say Shift+. as > and Shift+, as <.
        for key, act in [*acts.items(), (">", acts["Shift+."]), ("<", acts["Shift+,"])]:
            self._shortcut(key, act, page.stage)
        for key, act in (
            ("Ctrl+S", page.filing.save), ("Ctrl+H", page.coach.hint), ("Ctrl+Return", page.coach.submit),
            ("Ctrl+Enter", page.coach.submit), ("Ctrl+E", page.head.open_export), ("Ctrl+F", page.find_event),
            ("Ctrl+Z", page.runs.undo), ("Ctrl+Y", page.runs.redo), ("Ctrl+Shift+Z", page.runs.redo),
        ):  # fmt: skip
            self._shortcut(key, act, page)

    def press(self, event: QKeyEvent) -> bool:
        """A key that no control wanted; True when the bench did."""
        page, driver = self._page, self._page.driver
        key = event.key()
        if key == Qt.Key.Key_Escape:
            page.escape()
            return True
        if event.modifiers() not in _PLAIN or not page.on_stage():
            return False
        moves: dict[int, Callable[[], None]] = {
            Qt.Key.Key_Space: driver.toggle, Qt.Key.Key_Home: driver.first, Qt.Key.Key_End: driver.last,
        }  # fmt: skip
        if key in moves:
            moves[key]()
            return True
        letter = event.text().upper()
        for spec in page.host.actions:
            if letter and spec.key.upper() == letter and letter not in self._taken:
                page.tools.use(spec)
                return True
        return False

    def to_mark(self, way: int) -> None:
        """The next (1) or last (-1) marked event; behind the last one, the run goes on to the next."""
        driver, marks = self._page.driver, self._page.host.markers
        found = marks.after(driver.at) if way > 0 else marks.before(driver.at)
        if found is not None:
            driver.seek(found)
        elif way > 0 and driver.can_go_on:
            driver.run_to(is_marked, self.tr("marked event"))
        else:
            self._page.said.emit(self.tr("There is no further marked event."))

    def commands(self) -> list[Command]:
        """Everything that the bench can do now."""
        page, driver, group = self._page, self._page.driver, self.tr("Bench")
        found = [Command(self.tr("Play or pause"), self.tr("Space"), driver.toggle, group, "play")]
        found += [Command(words, key, act, group, icon) for key, words, icon, act in self._table]
        found += [
            Command(self.tr("First event"), "Home", driver.first, group, "first"),
            Command(self.tr("Last event"), "End", driver.last, group, "last"),
            Command(self.tr("Save the run"), "Ctrl+S", page.filing.save, group, "save"),
            Command(self.tr("Save and export…"), "Ctrl+E", page.head.open_export, group, "export"),
            Command(self.tr("Find in the events"), "Ctrl+F", page.find_event, group, "search"),
            Command(self.tr("Undo the change of the set-up"), "Ctrl+Z", page.runs.undo, group, "reset"),
            Command(self.tr("Redo the change of the set-up"), "Ctrl+Y", page.runs.redo, group, ""),
            Command(self.tr("Next hint"), "Ctrl+H", page.coach.hint, group, "hint"),
            Command(self.tr("Answer, or hand in"), "Ctrl+Enter", page.coach.submit, group, "check"),
            Command(self.tr("Reset layout"), "", page.docks.reset, group, "reset"),
            Command(self.tr("Show or hide the sidebar"), "", page.toggle_sidebar, group, "inspector"),
        ]
        if page.topic.has_session and page.topic.has_build:
            found.append(Command(self.tr("Reality check"), "", page.centre.check_reality, group, "services"))
        for name, words in page.tabs().items():
            show = _bound(page.show_tab, name)
            found.append(Command(self.tr("Show {pane}").format(pane=words), "", show, group))
        if driver.branch is not None:
            for words, go in page.transport.targets():
                found.append(Command(self.tr("Run to: {what}").format(what=words), "", go, group, "run-to"))
        for spec in page.host.actions:
            key = spec.key.upper() if spec.key.upper() not in self._taken else ""
            found.append(Command(spec.title, key, _bound(page.tools.use, spec), group, spec.icon, spec.name))
        for scenario in page.scenarios():
            title = self.tr("Scenario: {title}").format(title=scenario.title)
            found.append(Command(title, "", _bound(page.open_scenario, scenario), group))
        return found

    def _shortcut(self, key: str, act: Callable[[], object], on: QWidget) -> None:
        shortcut = QShortcut(QKeySequence(key), on)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(act)


def _bound(call: Callable[[T], object], value: T) -> Callable[[], object]:
    return lambda: call(value)
