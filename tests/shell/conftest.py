"""The lab's window for tests: on a profile of its own, with the topics that a test puts there."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PySide6.QtWidgets import QApplication

from prayog.paths import Profile
from prayog_sdk.qt import theme

from .room import SUMS, Room

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from prayog.ui.window import Window

SMALLEST = Path(__file__).parent.parent / "plugins" / "smallest" / "prayog_smallest"


@pytest.fixture
def profile(tmp_path: Path) -> Iterator[Profile]:
    """A profile of the test's own; what was imported from it is forgotten afterwards."""
    folder = tmp_path / "profile"
    folder.mkdir()
    before = list(sys.path)
    yield Profile(folder)
    sys.path[:] = before
    for name, module in list(sys.modules.items()):
        places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
        if any(place is not None and Path(place).is_relative_to(folder) for place in places):
            del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def smallest(profile: Profile) -> str:
    """The smallest topic, dropped into the profile; its id."""
    shutil.copytree(SMALLEST, profile.topics / SMALLEST.name, ignore=shutil.ignore_patterns("__pycache__"))
    return "smallest"


@pytest.fixture
def open_lab(profile: Profile, qtbot: QtBot) -> Iterator[Callable[..., Window]]:
    """``open_lab()`` shows the window and waits until topics and progress are read; closed after the test."""
    from prayog.ui import startup

    windows: list[Window] = []

    def open_one(*, wait: bool = True, **options: Any) -> Window:
        startup.make_application()
        window = startup.open_window(profile, **options)
        windows.append(window)
        window.resize(1280, 800)
        window.show()
        if wait:
            qtbot.waitUntil(lambda: window.desk.looked and window.desk.store is not None, timeout=30_000)
        return window

    yield open_one
    for window in windows:
        window.close()
        window.deleteLater()
    qtbot.wait(1)


@pytest.fixture
def room(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[Callable[..., Room]]:
    theme.load_fonts()
    theme.apply(qapp, theme.light)
    made: list[Room] = []

    def make(folder: Path = SUMS) -> Room:
        made.append(Room(folder, tmp_path, qtbot))
        return made[-1]

    yield make
    for each in made:
        each.close()
