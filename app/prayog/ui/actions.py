"""All commands of the frame, their keys, and the shortcuts made from them.

A command and its shortcut come from the same line, so the key list, the palette and the keyboard cannot differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWhatsThis, QWidget

from prayog.settings import CHOICES, TEXT_PERCENTS
from prayog.ui.commands import Command
from prayog.ui.place import Place

if TYPE_CHECKING:
    from prayog.ui.palette import Palette
    from prayog.ui.window import Window

__all__ = ["Actions", "install"]


def install(window: Window) -> Actions:
    """Make the frame's commands work in `window`."""
    actions = Actions(window)
    for command in actions.commands():
        for keys in filter(None, (command.keys, _ALSO.get(command.keys, ""))):
            shortcut = QShortcut(QKeySequence(keys), window)
            shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
            shortcut.activated.connect(command.run)
    window.rail.find_wanted.connect(actions.palette)
    window.desk.keys_wanted.connect(actions.keys)
    return actions


_ALSO = {"Ctrl++": "Ctrl+="}  # the plus sign needs Shift on most keyboards


class Actions:
    """What the frame can do, as commands."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._desk = window.desk
        self._popup: Palette | None = None

    def tr(self, words: str) -> str:
        return QCoreApplication.translate("Actions", words)

    def commands(self) -> list[Command]:
        """Those with keys and those without, in the order of the key list."""
        go, group = self._window.go, self.tr("Go to")
        pages = [
            ("home", self.tr("Home"), "Ctrl+1", "home"),
            ("topics", self.tr("Topics"), "Ctrl+2", "topics"),
            ("challenges", self.tr("Challenges"), "Ctrl+3", "challenges"),
            ("work", self.tr("My work"), "Ctrl+4", "my-work"),
            ("services", self.tr("Services"), "Ctrl+5", "services"),
            ("plugins", self.tr("Plugins"), "Ctrl+6", "plugins"),
            ("settings", self.tr("Settings"), "Ctrl+,", "settings"),
        ]
        made = [Command(title, keys, _to(go, Place(kind)), group, icon) for kind, title, keys, icon in pages]
        window, view, help_ = self._window, self.tr("View"), self.tr("Help")
        return [
            *made,
            Command(self.tr("Back to the bench"), "Ctrl+B", window.to_bench, group, "canvas"),
            Command(self.tr("Back"), "Alt+Left", window.back, group, "chevron-left"),
            Command(self.tr("Next part of the window"), "F6", window.next_pane, group, "dock"),
            Command(self.tr("Previous part of the window"), "Shift+F6", self._previous_pane, group, "dock"),
            Command(self.tr("Find anything"), "Ctrl+K", self.palette, help_, "search"),
            Command(self.tr("List of keys"), "?", self.keys, help_, "help"),
            Command(self.tr("Help on what has the keyboard"), "F1", self.help, help_, "help"),
            Command(self.tr("Larger text"), "Ctrl++", lambda: self._zoom(1), view, "text-size"),
            Command(self.tr("Smaller text"), "Ctrl+-", lambda: self._zoom(-1), view, "text-size"),
            Command(self.tr("Text at 100 %"), "Ctrl+0", lambda: self._zoom(0), view, "text-size"),
            Command(self.tr("Other language"), "Ctrl+Shift+L", self._language, view, "language"),
            Command(self.tr("Announcements: off, important, all"), "Ctrl+Shift+A", self._announcements, view, "info"),
            Command(self.tr("Open a saved run…"), "Ctrl+O", self._open_saved, self.tr("Lab"), "open"),
            Command(self.tr("Light theme"), "", _to(self._theme, "light"), view, "sun"),
            Command(self.tr("Dark theme"), "", _to(self._theme, "dark"), view, "moon"),
            Command(self.tr("Theme of the system"), "", _to(self._theme, "system"), view, "settings"),
            Command(self.tr("Look for topics again"), "F5", self._desk.look, self.tr("Lab"), "restart"),
            Command(self.tr("Quit"), "Ctrl+Q", window.close, self.tr("Lab"), "close"),
        ]

    def everything(self) -> list[Command]:
        """What the palette offers: the bench first when one is open, topics and their items, then the frame."""
        return [*self._window.stage.commands(), *self._places(), *self.commands()]

    def palette(self) -> None:
        """Open the palette."""
        self._open(self.everything(), self.tr("Find a topic, a scenario, a lesson, an action…"))

    def keys(self) -> None:
        """Open the list of keys."""
        found = [each for each in (*self._window.stage.commands(), *self.commands()) if each.keys]
        self._open(found, self.tr("Find a key…"))

    def help(self) -> None:
        """Say what the control with the keyboard is for."""
        widget: QWidget | None = self._window.focusWidget() or self._window
        at = widget
        while widget is not None:
            words = widget.whatsThis() or widget.accessibleDescription() or widget.toolTip()
            if words:
                name = widget.accessibleName()
                self._desk.say(words if not name or name in words else f"{name}: {words}", important=True)
                if at is not None:
                    QWhatsThis.showText(at.mapToGlobal(at.rect().bottomLeft()), words, at)
                return
            widget = widget.parentWidget()
        self._desk.say(self.tr("Press ? for the list of keys, Ctrl+K to find anything."), important=True)

    def _places(self) -> Iterator[Command]:
        go = self._window.go
        for card in self._desk.cards:
            if card.manifest is None or not self._desk.usable(card):
                continue
            icon = card.manifest.icon or "topics"
            yield Command(card.title, "", _to(go, Place("topic", card.id)), self.tr("Topic"), icon, card.id)
            for kind, items, label, picture in (
                ("scenario", card.scenarios, self.tr("Scenario"), "play"),
                ("lesson", card.lessons, self.tr("Lesson"), "lesson"),
                ("challenge", card.challenges, self.tr("Challenge"), "challenges"),
            ):
                for item in items:
                    place = Place(kind, card.id, item.id)
                    yield Command(item.title, "", _to(go, place), f"{label} · {card.title}", picture, item.id)

    def _open(self, commands: list[Command], prompt: str) -> None:
        if self._popup is None:
            from prayog.ui.palette import Palette  # not before the first paint

            self._popup = Palette(self._window)
        self._popup.open(commands, prompt)

    @property
    def popup(self) -> Palette | None:
        """The palette, once it was opened."""
        return self._popup

    def _open_saved(self) -> None:
        from prayog.ui.my_work import MyWork

        self._window.go(Place("work"))
        page = self._window.stack.currentWidget()
        if isinstance(page, MyWork):
            page.choose()

    def _previous_pane(self) -> None:
        self._window.next_pane(-1)

    def _zoom(self, step: int) -> None:
        now = self._desk.settings.text_percent
        larger = [size for size in TEXT_PERCENTS if size > now]
        smaller = [size for size in TEXT_PERCENTS if size < now]
        size = 100 if step == 0 else (larger or [now])[0] if step > 0 else (smaller or [now])[-1]
        self._desk.change(text_percent=size)
        self._desk.say(self.tr("Text size {0} %").format(size))

    def _language(self) -> None:
        self._desk.change(language=_next(CHOICES["language"], self._desk.settings.language))
        names = {"en": self.tr("Lessons in English"), "hi-Latn": self.tr("Lessons in Hinglish")}
        self._desk.say(names[self._desk.settings.language], important=True)

    def _announcements(self) -> None:
        self._desk.change(announcements=_next(CHOICES["announcements"], self._desk.settings.announcements))
        names = {
            "off": self.tr("Announcements off"),
            "important": self.tr("Important announcements"),
            "all": self.tr("All announcements"),
        }
        self._desk.say(names[self._desk.settings.announcements], important=True)

    def _theme(self, name: str) -> None:
        self._desk.change(theme=name)


def _next(choices: tuple[str, ...], now: str) -> str:
    return choices[(choices.index(now) + 1) % len(choices)]


def _to(act: Callable[..., object], argument: object) -> Callable[[], object]:
    return lambda: act(argument)
