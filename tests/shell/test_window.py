"""The window: every broken topic leaves it usable, everything is reached by keyboard, nothing is left behind."""

from __future__ import annotations

import gc
import itertools
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAccessible, QFontMetrics
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLabel,
    QLineEdit,
    QSlider,
    QTextEdit,
    QToolButton,
    QWidget,
)

from prayog.paths import Profile
from prayog.ui.bench.pace import MAX
from prayog.ui.catalogue import Catalogue, TopicButton
from prayog.ui.pieces import RowButton
from prayog.ui.place import PAGES, Place
from prayog.ui.rail import RailButton
from prayog.ui.stage import Stage
from prayog.ui.window import Window
from prayog_sdk.qt import theme
from prayog_sdk.qt.state import ProblemCard
from prayog_sdk.testing.leaks import left_since, now_held

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

NONE = Qt.KeyboardModifier.NoModifier
TESTS = Path(__file__).parent.parent


@pytest.fixture
def specimens(profile: Profile) -> Iterator[list[object]]:
    """Every broken topic of `tests/badplugins`, dropped into the profile."""
    sys.path.insert(0, str(TESTS))
    try:
        import badplugins

        badplugins.fill(profile.topics)
        yield list(badplugins.SPECIMENS)
    finally:
        sys.path.remove(str(TESTS))
        for name in [name for name in sys.modules if name.partition(".")[0] == "badplugins"]:
            del sys.modules[name]


def press(qtbot: QtBot, widget: QWidget | None, key: Qt.Key, keys: Qt.KeyboardModifier = NONE) -> None:
    """Press a key and let the window answer."""
    qtbot.keyClick(widget, key, keys)
    QApplication.processEvents()


def go(window: Window, place: Place) -> QWidget:
    """Lead to `place`; its page, with everything on it shown."""
    window.go(place)
    for _ in range(50):  # what is below the fold comes piece by piece
        QApplication.processEvents()
    page = window.stack.currentWidget()
    assert page is not None
    return page


def open_bench(window: Window, place: Place, qtbot: QtBot) -> None:
    window.go(place)
    qtbot.waitUntil(lambda: window.stage.bench is not None, timeout=30_000)


def test_every_broken_topic_is_visible_and_the_window_works(
    open_lab: Callable[..., Window], specimens: list[object], qtbot: QtBot
) -> None:
    window = open_lab()
    catalogue = go(window, Place("topics"))
    assert isinstance(catalogue, Catalogue)
    reports = [card.report() for card in catalogue.findChildren(ProblemCard) if not card.isHidden()]
    titles = {button.topic_id for button in catalogue.findChildren(TopicButton) if not button.isHidden()}
    for specimen in specimens:
        if specimen.state == "blocked":  # type: ignore[attr-defined]
            assert any(specimen.sentence in report for report in reports), specimen  # type: ignore[attr-defined]
        else:
            assert specimen.id in titles, specimen  # type: ignore[attr-defined]
    for page in PAGES:
        window.go(Place(page))
        assert window.stack.currentWidget().isVisible()


def test_a_topic_that_cannot_be_loaded_is_a_card_with_retry(
    open_lab: Callable[..., Window], specimens: list[object], qtbot: QtBot
) -> None:
    window = open_lab()
    window.go(Place("scenario", "bad_import", "first"))
    qtbot.waitUntil(lambda: window.stage.findChild(ProblemCard) is not None, timeout=20_000)
    card = window.stage.findChild(ProblemCard)
    assert card is not None
    assert "a_library_that_nobody_has" in card.report()
    assert "Traceback" in card.report()
    card.retry.emit()
    qtbot.waitUntil(lambda: window.desk.registry.get("bad_import").state == "failed", timeout=20_000)  # type: ignore[union-attr]
    window.go(Place("home"))
    assert window.stack.currentWidget().isVisible()


def test_every_topic_that_opens_is_survived_on_the_bench(
    open_lab: Callable[..., Window], specimens: list[object], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prayog.ui.bench.stepper.PATIENCE_S", 0.3)
    monkeypatch.setattr(sys, "excepthook", lambda *_: None)  # a timer of `bad_panels` raises, and the window tells
    window = open_lab()
    for entry in window.desk.registry.entries:  # wheels ask first; that is tested in test_kit.py
        if unknown := window.desk.unknown_wheel(entry.id):
            window.desk.change(trusted=(*window.desk.settings.trusted, unknown[1]))
    told = {
        "bad_build": "the model file is not there (topic.py, line",
        "bad_endless_step": "did not come back in time, so it was ended; look for a loop without an end (topic.py",
        "bad_step_raises": "two is one too many (topic.py, line",
    }
    good = 0
    for specimen in specimens:
        if specimen.state != "open" or specimen.id == "bad_crash":  # type: ignore[attr-defined]
            continue
        name: str = specimen.id  # type: ignore[attr-defined]
        said: list[str] = []
        heard = window.desk.said.connect(lambda sentence, _, said=said: said.append(sentence))
        window.go(Place("scenario", name, "three" if name == "good_anywhere" else "first"))
        stage = window.stage

        def shown(stage: Stage = stage) -> bool:
            return (stage.bench is not None and stage.bench.driver.branch is not None) or bool(
                stage.findChild(ProblemCard)
            )

        qtbot.waitUntil(shown, timeout=20_000)
        assert stage.bench is not None, name
        driver = stage.bench.driver
        driver.speed = MAX
        driver.play()
        if name == "bad_endless_run":
            qtbot.waitUntil(lambda d=driver: d.at > 100)
            driver.pause()
        qtbot.waitUntil(lambda d=driver: not d.moving, timeout=20_000)
        qtbot.waitUntil(lambda n=name, s=said: told.get(n, "") in " ".join(s))
        good += name.startswith("good_") and [step.kind for step in driver.run.trace[1:]] == ["count"] * 3
        window.desk.said.disconnect(heard)
    assert good == 3
    window.go(Place("home"))
    assert window.stack.currentWidget().isVisible()


def test_a_topic_dropped_into_the_folder_appears(
    profile: Profile, open_lab: Callable[..., Window], qtbot: QtBot
) -> None:
    window = open_lab()
    assert window.desk.card("smallest") is None
    shutil.copytree(TESTS / "plugins" / "smallest" / "prayog_smallest", profile.topics / "prayog_smallest")
    with qtbot.waitSignal(window.desk.topics_changed, timeout=20_000):
        press(qtbot, window, Qt.Key.Key_F5)
    window.go(Place("topics"))
    assert "smallest" in {button.topic_id for button in window.stack.currentWidget().findChildren(TopicButton)}


def test_from_home_to_a_scenario_by_keyboard_alone(
    open_lab: Callable[..., Window], smallest: str, qtbot: QtBot
) -> None:
    window = open_lab(safe=False)
    press(qtbot, window, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    assert window.place == Place("topics")
    press(qtbot, window, Qt.Key.Key_F6)
    focus = QApplication.focusWidget()
    assert focus is not None
    catalogue = window.stack.currentWidget()
    for _ in range(20):
        focus = QApplication.focusWidget()
        if isinstance(focus, TopicButton) and focus.topic_id == smallest:
            break
        press(qtbot, focus, Qt.Key.Key_Tab)
    assert isinstance(focus, TopicButton), catalogue
    press(qtbot, focus, Qt.Key.Key_Return)
    assert window.place == Place("topic", smallest)
    for _ in range(30):
        focus = QApplication.focusWidget()
        if isinstance(focus, RowButton) and focus.place == Place("scenario", smallest, "rumour"):
            break
        press(qtbot, focus or window, Qt.Key.Key_Tab)
    assert isinstance(focus, RowButton)
    press(qtbot, focus, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: window.stage.bench is not None, timeout=30_000)
    assert window.place.kind == "scenario"
    press(qtbot, window, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert window.place == Place("topic", smallest)
    press(qtbot, window, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    assert window.stack.currentWidget() is window.stage


class Shown(QObject):
    """Notes every widget that is shown as a window of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.names.append(f"{type(watched).__name__} {watched.accessibleName()}")
        return False


def test_no_part_flashes_up_as_a_window(open_lab: Callable[..., Window], smallest: str, qtbot: QtBot) -> None:
    window = open_lab()
    shown = Shown()
    QApplication.instance().installEventFilter(shown)  # type: ignore[union-attr]
    for _ in every_page(window, smallest):
        pass
    open_bench(window, Place("scenario", smallest, "rumour"), qtbot)
    qtbot.wait(300)
    QApplication.instance().removeEventFilter(shown)  # type: ignore[union-attr]
    assert shown.names == []


def test_f6_walks_through_all_parts(open_lab: Callable[..., Window], smallest: str, qtbot: QtBot) -> None:
    window = open_lab()
    seen = set()
    for _ in range(3):
        press(qtbot, window, Qt.Key.Key_F6)
        focus = QApplication.focusWidget()
        assert focus is not None
        seen.add("rail" if window.rail.isAncestorOf(focus) else "page")
    assert seen == {"rail", "page"}


def test_up_and_down_walk_the_rail(open_lab: Callable[..., Window], qtbot: QtBot) -> None:
    window = open_lab()
    first = window.rail.findChild(RailButton)
    assert first is not None
    first.setFocus()
    press(qtbot, first, Qt.Key.Key_Down)
    focus = QApplication.focusWidget()
    assert isinstance(focus, RailButton)
    assert focus.text() == "Topics"
    press(qtbot, focus, Qt.Key.Key_Space)
    assert window.place == Place("topics")


@pytest.mark.parametrize("words", ["scenario/smallest/rumour", "scenario/location/date_line"])
def test_opening_and_closing_a_topic_leaves_nothing(
    open_lab: Callable[..., Window], smallest: str, qtbot: QtBot, words: str
) -> None:
    window = open_lab()
    place, times = Place.parse(words), 8

    def visit() -> None:
        open_bench(window, place, qtbot)
        window.stage.close_topic()
        window.go(Place("home"), back=True)
        QApplication.processEvents()

    for _ in range(2):  # what is made once and kept
        visit()
    _settle()
    qtbot.waitUntil(lambda: not window.desk.jobs.busy, timeout=20_000)
    held, widgets = now_held(), len(QApplication.allWidgets())
    for _ in range(times):
        visit()
    qtbot.waitUntil(lambda: not window.desk.jobs.busy, timeout=20_000)
    assert left_since(held) == []
    _settle()
    assert len(QApplication.allWidgets()) <= widgets


def _settle() -> None:
    for _ in range(3):
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QApplication.processEvents()
        gc.collect()


def every_page(window: Window, smallest: str) -> Iterator[QWidget]:
    for place in [*(Place(page) for page in PAGES), Place("topic", smallest)]:
        yield go(window, place)


def test_every_control_has_a_name(open_lab: Callable[..., Window], smallest: str) -> None:
    window = open_lab()
    window.shell.palette()
    for _ in every_page(window, smallest):
        for widget in window.findChildren(QWidget):
            if isinstance(widget, QAbstractButton | QLineEdit | QSlider) and widget.isVisible():
                face = QAccessible.queryAccessibleInterface(widget)
                name = face.text(QAccessible.Text.Name)
                assert name.strip(), f"{type(widget).__name__} in {window.place} has no name"


def test_every_target_is_large_enough(open_lab: Callable[..., Window], smallest: str) -> None:
    window = open_lab()
    window.desk.change(text_percent=100)
    for _ in every_page(window, smallest):
        for button in window.findChildren(QAbstractButton):
            if button.isVisible():
                assert min(button.width(), button.height()) >= 24, f"{button.accessibleName() or button.text()}"


@pytest.mark.parametrize("percent", [100, 200])
def test_no_text_is_cut_off(open_lab: Callable[..., Window], smallest: str, percent: int) -> None:
    window = open_lab()
    window.desk.change(text_percent=percent)
    try:
        for page in every_page(window, smallest):
            page.repaint()
            for label in window.findChildren(QLabel):
                if label.isVisible() and label.text() and not window.status.isAncestorOf(label):
                    assert label.height() + 1 >= _needed(label), f"{label.text()!r} in {window.place}"
                    if not label.wordWrap():
                        assert label.width() >= label.sizeHint().width(), f"{label.text()!r} in {window.place}"
            for button in window.findChildren(QAbstractButton):
                if isinstance(button, RailButton) and button.compact:  # its label is its tool tip then
                    continue
                if button.isVisible() and button.text() and not isinstance(button, RowButton):
                    wide = QFontMetrics(button.font()).horizontalAdvance(button.text().partition("\t")[0])
                    small = wide * 0.85 if isinstance(button, RailButton) else wide
                    assert button.width() >= small, f"{button.text()!r} in {window.place}"
    finally:
        window.desk.change(text_percent=100)


def _needed(label: QLabel) -> int:
    return label.heightForWidth(label.width()) if label.wordWrap() else label.sizeHint().height()


def test_text_views_show_all_of_their_text(open_lab: Callable[..., Window], smallest: str) -> None:
    window = open_lab()
    window.desk.change(text_percent=200)
    try:
        window.go(Place("topic", smallest))
        for view in window.findChildren(QTextEdit):
            if view.isVisible():
                assert view.height() + 1 >= view.document().size().height()
    finally:
        window.desk.change(text_percent=100)


def test_the_window_fits_a_small_screen_with_large_text(open_lab: Callable[..., Window]) -> None:
    window = open_lab()
    window.desk.change(text_percent=200)
    try:
        window.resize(800, 520)
        QApplication.processEvents()
        assert window.height() <= 520
        assert window.width() <= 800
        buttons = sorted((each for each in window.rail.findChildren(RailButton) if each.isVisible()), key=QWidget.y)
        assert len(buttons) == 8
        for upper, lower in itertools.pairwise(buttons):
            assert upper.geometry().bottom() < lower.y()
        assert buttons[-1].geometry().bottom() <= window.rail.height()
    finally:
        window.desk.change(text_percent=100)


def test_announcements_follow_their_level(open_lab: Callable[..., Window], qtbot: QtBot) -> None:
    window = open_lab()
    desk, status = window.desk, window.status
    desk.change(announcements="important")
    desk.say("quiet news")
    desk.say("important news", important=True)
    qtbot.waitUntil(lambda: bool(status.spoken), timeout=2_000)
    assert status.spoken == ["important news"]
    assert status.text() == "important news"
    desk.change(announcements="off")
    desk.say("more news", important=True)
    qtbot.wait(600)
    assert status.spoken == ["important news"]


def test_keys_of_the_view_change_the_settings(open_lab: Callable[..., Window], qtbot: QtBot) -> None:
    window = open_lab()
    control = Qt.KeyboardModifier.ControlModifier
    both = control | Qt.KeyboardModifier.ShiftModifier
    press(qtbot, window, Qt.Key.Key_Plus, control)
    assert window.desk.settings.text_percent == 110
    press(qtbot, window, Qt.Key.Key_0, control)
    assert window.desk.settings.text_percent == 100
    press(qtbot, window, Qt.Key.Key_L, both)
    assert window.desk.settings.language == "hi-Latn"
    press(qtbot, window, Qt.Key.Key_A, both)
    assert window.desk.settings.announcements == "all"


def test_f1_says_what_the_control_is_for(open_lab: Callable[..., Window], smallest: str, qtbot: QtBot) -> None:
    window = open_lab()
    go(window, Place("topics"))
    button = next(b for b in window.findChildren(TopicButton) if b.topic_id == smallest)
    button.setFocus()
    press(qtbot, button, Qt.Key.Key_F1)
    assert "How a rumour reaches everyone" in window.status.text()


def test_a_setting_reaches_the_open_bench(open_lab: Callable[..., Window], smallest: str, qtbot: QtBot) -> None:
    window = open_lab()
    open_bench(window, Place("scenario", smallest, "rumour"), qtbot)
    bench = window.stage.bench
    assert bench is not None
    assert not bench.host.reduced_motion
    window.desk.change(motion="reduced")
    assert bench.host.reduced_motion


def test_the_window_wears_the_look_which_is_much_quicker_than_the_application(
    open_lab: Callable[..., Window], smallest: str, qtbot: QtBot, qapp: QApplication
) -> None:
    window = open_lab()
    open_bench(window, Place("scenario", smallest, "rumour"), qtbot)
    bench = window.stage.bench
    assert bench is not None

    def menus() -> list[QToolButton]:
        return [button for button in bench.tools.findChildren(QToolButton) if button.menu() is not None]

    qtbot.waitUntil(lambda: bool(menus()))
    menu = menus()[0]
    light = menu.icon().pixmap(14, 14).toImage()
    window.desk.change(theme="dark")
    QApplication.processEvents()
    assert qapp.styleSheet() == ""
    assert theme.dark.accent in window.styleSheet()
    assert menu.icon().pixmap(14, 14).toImage() != light


def test_another_topic_takes_the_place_of_the_open_one(
    open_lab: Callable[..., Window], smallest: str, qtbot: QtBot
) -> None:
    window = open_lab()
    open_bench(window, Place("scenario", smallest, "rumour"), qtbot)
    window.go(Place("scenario", "location", "date_line"))
    qtbot.waitUntil(lambda: window.stage.topic is not None and window.stage.topic.id == "location", timeout=30_000)
    states = {entry.id: entry.state for entry in window.desk.registry.entries}
    assert states["location"] == "open"
    assert states[smallest] == "closed"


def test_what_was_said_of_one_run_is_not_said_of_the_next(
    open_lab: Callable[..., Window], smallest: str, qtbot: QtBot
) -> None:
    window = open_lab()
    open_bench(window, Place("scenario", smallest, "rumour"), qtbot)
    window.desk.say("Nothing more happens by itself.")
    window.go(Place("topics"))
    assert window.status.text() == "Nothing more happens by itself."
    window.go(Place("scenario", "location", "date_line"))
    assert window.status.text() == ""


def test_a_topic_asked_for_while_another_loads_is_the_one_that_opens(
    open_lab: Callable[..., Window], smallest: str, qtbot: QtBot
) -> None:
    window = open_lab()
    window.go(Place("scenario", "location", "date_line"))
    window.go(Place("scenario", smallest, "rumour"))
    qtbot.waitUntil(lambda: window.stage.topic is not None, timeout=30_000)
    assert window.stage.topic is not None
    assert window.stage.topic.id == smallest
    qtbot.waitUntil(lambda: window.desk.registry.get("location").state in ("closed", "ready", "failed"), timeout=30_000)  # type: ignore[union-attr]
    assert window.stage.topic.id == smallest


def test_an_item_asked_for_at_once_waits_for_the_topics(
    open_lab: Callable[..., Window], smallest: str, qtbot: QtBot
) -> None:
    window = open_lab(wait=False)
    qtbot.waitUntil(lambda: hasattr(window, "stage"), timeout=10_000)
    assert not window.desk.looked
    open_bench(window, Place("scenario", smallest, "rumour"), qtbot)
    assert window.place == Place("scenario", smallest, "rumour")


def test_a_late_failure_does_not_cover_what_was_opened_meanwhile(
    open_lab: Callable[..., Window], specimens: list[object], smallest: str, qtbot: QtBot
) -> None:
    window = open_lab()
    window.go(Place("scenario", "bad_import", "first"))
    window.go(Place("scenario", smallest, "rumour"))
    qtbot.waitUntil(lambda: not window.desk.jobs.busy, timeout=30_000)
    assert window.stage.topic is not None
    assert window.stage.topic.id == smallest
    assert window.stage.bench is not None
    assert window.stage.currentWidget() is window.stage.bench


def test_an_item_that_went_away_is_a_sentence(open_lab: Callable[..., Window], smallest: str, qtbot: QtBot) -> None:
    window = open_lab()
    window.go(Place("lesson", smallest, "nosuch"))
    qtbot.waitUntil(lambda: window.stage.findChild(ProblemCard) is not None, timeout=30_000)
    assert "The lesson 'nosuch' is not in this topic any more" in window.stage.findChild(ProblemCard).report()
    open_bench(window, Place("scenario", smallest, "rumour"), qtbot)
    qtbot.waitUntil(lambda: window.stage.bench.driver.branch is not None, timeout=30_000)
    window.go(Place("scenario", smallest, "rumuor"))
    assert "did you mean rumour?" in window.status.text()
    assert window.stage.bench.driver.branch is not None
