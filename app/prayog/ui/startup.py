"""From the command line to a painted window by the shortest way, and everything else after it.

Rules
1. Before the first paint nothing is imported but Qt, the frame and the home page: no topic, no pluggy, SQLAlchemy,
   numpy, pyqtgraph, WebEngine or folium (`tests/shell/test_start.py`).
2. After it, topics and progress are read in jobs, and the pages fill.
3. A marker says that the lab is at work; when it is still there at the next start, the last one died, and a bar
   (not a dialog) offers safe mode.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QLoggingCategory, Qt, QTimer, SignalInstance
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from prayog import settings as _settings
from prayog.paths import Profile
from prayog.ui.desk import Desk
from prayog.ui.place import Place, first_place
from prayog.ui.window import Window
from prayog_sdk.qt import theme

if TYPE_CHECKING:
    from prayog.kit import Kit

__all__ = ["main", "make_application", "open_window"]

_SWITCH_SECONDS = 0.001  # two busy worker threads hold up the window for 100 ms at Python's default of 5 ms
_PANELS_MS = 500  # the panels in front are made within it
_ROOM_PERCENT = 125  # of text in a workshop's simple mode: also the back row reads it
_QUIET = "default.warning=false\ndefault.info=false"
"""What Qt remarks about a machine without a graphics card or D-Bus is nothing that a learner can mend.
`QT_LOGGING_RULES` of the environment goes before it."""
_FULL_COLLECTIONS = 500  # each walks through every step of a long run: 200 ms for a trace of 70,000 steps


def main(profile: Profile, args: argparse.Namespace) -> int:
    """Open the window on `profile` and run until it is closed; the exit status."""
    app = make_application()
    QLoggingCategory.setFilterRules(_QUIET)
    window = open_window(profile, safe=args.safe, kit=args.kit, own=getattr(args, "own", None))
    window.show()
    _quit_when(window, os.environ.get("PRAYOG_QUIT", ""))
    try:
        return app.exec()
    finally:
        window.deleteLater()


def _quit_when(window: Window, moment: str) -> None:
    """Close the window by itself when it is ``painted``, or a bench ``opened``: so a built lab is looked at."""

    def leave() -> None:
        print(moment, flush=True)
        window.close()

    def look() -> None:
        bench = window.stage.bench
        if bench is not None and bench.driver.branch is not None:
            watch.stop()
            QTimer.singleShot(_PANELS_MS, window, leave)

    if moment == "painted":
        window.painted.connect(leave)
    elif moment == "opened":
        watch = QTimer(window, interval=50)
        watch.timeout.connect(look)
        watch.start()


def make_application() -> QApplication:
    """The one `QApplication`, with what must be set before it is made."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.set_threshold(*gc.get_threshold()[:2], _FULL_COLLECTIONS)  # ten by default
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)  # so WebEngine may come late
    QCoreApplication.setApplicationName("Prayog")
    app = QApplication(sys.argv[:1])
    app.setApplicationDisplayName("Prayog")
    theme.load_fonts(theme.SANS)
    return app


def open_window(
    profile: Profile, *, safe: bool = False, kit: Kit | None = None, own: Path | None = None
) -> Window:
    """The window on `profile`, not yet shown; after its first paint it reads topics and progress by itself.

    `own` is the folder of a topic that is being written (`prayog dev`): the window opens on it.
    """
    loaded = _settings.load(profile.settings)
    settings = loaded.settings
    if kit is not None and not profile.settings.exists():  # what the learner chose comes first
        percent = _ROOM_PERCENT if kit.simple else settings.text_percent
        settings = replace(settings, language=kit.language or settings.language, text_percent=percent)
    desk = Desk(profile, settings, safe=safe, kit=kit, own=own)
    window = Window(desk)
    place = window.restore()
    if own is not None:
        place = first_place(own)
        window.painted.connect(lambda: _write_along(window, own, place), Qt.ConnectionType.QueuedConnection)
    elif kit is not None and kit.open:
        place = Place("scenario", *kit.open.split("/"))
    window.painted.connect(lambda: _after_paint(window, loaded.sentences, place))
    return window


def _after_paint(window: Window, sentences: tuple[str, ...], place: Place) -> None:
    from prayog.bootstrap import CrashLog, crashed
    from prayog.ui.bars import Bars
    from prayog.ui.notice import Notice
    from prayog.ui.rescue import Rescue

    gc.enable()  # `prayog.cli` turned it off
    window.complete()
    desk = window.desk
    rescue = Rescue(window)
    rescue.install()
    crash = None if desk.safe else crashed(desk.profile)
    log = CrashLog(desk.profile)
    window.kept = (rescue, log)  # a connection to a bound method does not keep its object alive
    window.stage.opened.connect(log.opened)
    window.closed.connect(rescue.remove)
    window.closed.connect(log.close)
    bars = Bars(window)
    if crash is not None:
        bars.offer_safe_mode(crash)
    if desk.safe:
        bars.say_safe_mode()
    for sentence in sentences:
        window.notice(Notice(sentence))
    QGuiApplication.styleHints().colorSchemeChanged.connect(desk.dress)
    desk.noticed.connect(lambda sentence: window.notice(Notice(sentence)))
    if place != window.place:  # pages need the topics; home does not, and is shown already
        _once(desk.topics_changed, lambda: window.go(place))
    QTimer.singleShot(0, window, desk.look)  # another turn of the event loop, so that keys are answered in between


def _write_along(window: Window, own: Path, place: Place) -> None:
    from prayog.ui.author import Author

    window.kept = (*window.kept, Author(window, own, place))


def _once(signal: SignalInstance, act: Callable[[], object]) -> None:
    def run() -> None:
        signal.disconnect(run)
        act()

    signal.connect(run)
