"""The start: nothing heavy before the first paint, a crash offers safe mode, a topic's exception is a card."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from prayog.paths import Profile
from prayog.ui.place import Place
from prayog.ui.window import Window
from prayog_sdk.qt import theme
from prayog_sdk.qt.state import ProblemCard

HEAVY = ("numpy", "pyqtgraph", "sqlalchemy", "folium", "jinja2", "requests", "pluggy", "prayog_location",
         "prayog_smallest", "PySide6.QtWebEngineCore", "PySide6.QtWebEngineWidgets", "markdown_it")  # fmt: skip

WATCH = """
import json, os, sys
from prayog.ui import startup
make = startup.open_window
def open_window(*args, **kwargs):
    window = make(*args, **kwargs)
    window.painted.disconnect()
    def painted():
        print(json.dumps(sorted(sys.modules)), flush=True)
        os._exit(0)
    window.painted.connect(painted)
    return window
startup.open_window = open_window
from prayog.cli import main
main(["--profile", sys.argv[1]])
"""


def test_nothing_heavy_is_loaded_at_the_first_paint(profile: Profile, smallest: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WATCH, str(profile.folder)],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout))
    assert "prayog.ui.home" in loaded
    assert not loaded & set(HEAVY)


def test_a_map_says_nothing_on_the_terminal(profile: Profile) -> None:
    """Without D-Bus and a graphics card Qt and Chromium would."""
    if os.name == "nt":
        pytest.skip("a program with a window has no terminal on Windows")
    kit = profile.folder / "kit.toml"
    kit.parent.mkdir(parents=True, exist_ok=True)
    kit.write_text('open = "location/near_indore"\n', encoding="utf-8")
    asked = {"QT_QPA_PLATFORM": "offscreen", "QTWEBENGINE_DISABLE_SANDBOX": "1", "PRAYOG_QUIT": "opened"}
    done = subprocess.run(
        [sys.executable, "-m", "prayog", "--profile", str(profile.folder), "--kit", str(kit)],
        env={**os.environ, **asked}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "opened\n", "")


def test_topics_are_found_without_importing_one(open_lab: Callable[..., Window], smallest: str) -> None:
    window = open_lab()
    card = window.desk.card(smallest)
    assert card is not None
    assert card.title == "Gossip"
    assert [each.id for each in card.scenarios] == ["rumour"]
    assert "prayog_smallest" not in sys.modules


def test_a_marker_of_a_dead_process_offers_safe_mode(
    profile: Profile, open_lab: Callable[..., Window], smallest: str
) -> None:
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    profile.opened.write_text(json.dumps({"pid": int(gone.stdout), "topic": smallest}))
    window = open_lab()
    (notice,) = window.notices()
    assert "stopped unexpectedly" in notice.accessibleName()
    assert smallest in notice.accessibleName()
    button = next(each for each in notice.findChildren(QPushButton) if "safe" in each.text())
    button.click()
    assert window.desk.safe
    assert not window.notices()


def test_safe_mode_has_only_what_comes_with_the_lab(open_lab: Callable[..., Window], smallest: str) -> None:
    window = open_lab(safe=True)
    assert {card.found.source for card in window.desk.cards} <= {"built-in"}
    assert "Safe mode" in window.notices()[0].accessibleName()


def test_a_long_run_is_seldom_walked_through_by_the_collector(open_lab: Callable[..., Window]) -> None:
    open_lab()
    assert gc.isenabled()
    assert gc.get_threshold()[2] >= 100


def test_a_clean_close_leaves_no_marker(profile: Profile, open_lab: Callable[..., Window]) -> None:
    window = open_lab()
    assert profile.opened.is_file()
    window.close()
    assert not profile.opened.exists()


def test_damaged_settings_are_said_in_a_bar(profile: Profile, open_lab: Callable[..., Window]) -> None:
    profile.settings.write_text("{ not json")
    window = open_lab()
    assert any("settings were damaged" in notice.accessibleName() for notice in window.notices())


def test_the_place_of_the_last_time_is_restored(
    profile: Profile, open_lab: Callable[..., Window], smallest: str
) -> None:
    first = open_lab()
    first.go(Place("topic", smallest))
    first.resize(1000, 700)
    first.close()
    second = open_lab()
    assert second.place == Place("topic", smallest)


@pytest.mark.parametrize("text", ["", "[]", '{"version": 99}', '{"version": 1, "place": 3}', "nonsense"])
def test_a_strange_window_file_means_defaults(profile: Profile, open_lab: Callable[..., Window], text: str) -> None:
    profile.layouts.mkdir(parents=True)
    (profile.layouts / "window.json").write_text(text)
    assert open_lab().place == Place("home")


def test_an_exception_in_a_slot_of_a_topic_becomes_a_card(
    open_lab: Callable[..., Window], smallest: str, qtbot: object, capsys: pytest.CaptureFixture[str]
) -> None:
    window = open_lab()
    window.go(Place("scenario", smallest, "rumour"))
    qtbot.waitUntil(lambda: window.stage.topic is not None, timeout=20_000)  # type: ignore[attr-defined]
    topic = window.stage.topic
    assert topic is not None
    code = compile("def tick():\n    raise ValueError('the sum was wrong')\n", "topic.py", "exec")
    scope = {"__name__": "prayog_smallest.panels.clock"}
    exec(code, scope)
    entry = window.desk.registry.get(smallest)
    assert entry is not None
    for strike in (1, 2, 3):
        _raise_in_slot(scope["tick"])  # type: ignore[arg-type]
        assert entry.strikes == strike
    assert entry.state == "failed"
    cards = window.stage.findChildren(ProblemCard)
    assert any("the sum was wrong" in card.report() for card in cards)
    assert window.isVisible()


def _raise_in_slot(tick: Callable[[], None]) -> None:
    """As Qt does it: the exception of a slot goes to `sys.excepthook`."""
    try:
        tick()
    except ValueError as error:
        sys.excepthook(type(error), error, error.__traceback__)


def test_an_exception_of_the_lab_itself_is_passed_on_and_told_once(open_lab: Callable[..., Window]) -> None:
    heard = []
    before, sys.excepthook = sys.excepthook, lambda *found: heard.append(found)
    try:
        window = open_lab()
        for _ in range(3):  # a paint event raises with every frame
            _raise_in_slot(lambda: int("x") and None)
        assert len(heard) == 3
        QApplication.processEvents()  # what was just put into a layout is shown by an event
        told = [notice.accessibleName() for notice in window.notices()]
        assert [text for text in told if "Something in the lab itself went wrong: ValueError" in text] == told
        assert len(told) == 1
    finally:
        sys.excepthook = before


def test_the_theme_follows_the_setting_live(open_lab: Callable[..., Window]) -> None:
    window = open_lab()
    window.desk.change(theme="light")
    light = window.grab().toImage().pixelColor(300, 700)
    window.desk.change(theme="dark")
    dark = window.grab().toImage().pixelColor(300, 700)
    assert light.name() == theme.light.window
    assert dark.name() == theme.dark.window
    window.desk.change(theme="light")


def test_text_size_reaches_what_is_open(open_lab: Callable[..., Window]) -> None:
    window = open_lab()
    window.desk.change(text_percent=100)
    title = window.findChild(QLabel)
    assert title is not None
    before = title.sizeHint().height()
    window.desk.change(text_percent=200)
    assert title.sizeHint().height() > 1.8 * before
    window.desk.change(text_percent=100)
