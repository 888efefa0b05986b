"""The pages of the shell: what each shows, offers and does."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QCheckBox, QLabel, QPushButton, QWidget

from prayog.paths import Profile
from prayog.settings import Settings
from prayog.ui.accuracy import AccuracyLine, running_share
from prayog.ui.catalogue import Catalogue, TopicButton
from prayog.ui.grid import CardGrid
from prayog.ui.my_work import MyWork, RunCard
from prayog.ui.pieces import RowButton
from prayog.ui.place import Place
from prayog.ui.plugins_page import PluginsPage
from prayog.ui.services_page import ServicesPage, has_password
from prayog.ui.settings_page import SettingsPage
from prayog.ui.shelf import arrange, topic_text
from prayog.ui.standing import Standing
from prayog.ui.window import Window
from prayog_sdk.qt.cards import CardButton
from prayog_sdk.saved import SavedRun
from prayog_sdk.services import ServiceState

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

TESTS = Path(__file__).parent.parent
W = TypeVar("W", bound=QWidget)


@pytest.fixture
def rich(profile: Profile) -> str:
    """A topic with lessons, a myth, a challenge and a page of its own; its id."""
    folder = profile.topics / "prayog_rich"
    for name, words in {
        "plugin.toml": 'id = "rich"\napi = "1.0"\ntitle = "Rich topic"\nsummary = "All there is."\nminutes = 25\n'
        'module = "prayog_rich.topic"\nneeds = ["webengine", "redis"]\nlanguages = ["en", "hi-Latn"]\n'
        'authors = ["Asha Rao"]\n',
        "__init__.py": "",
        "scenarios/one.lab": "title First try\nabout See what happens.\nminutes 1\nworld seed=3\n",
        "lessons/en/topic.md": "# Rich\nThe big idea.\n\n## Glossary\n**Word**: what.\n\n## Sources\n* A book.\n",
        "lessons/en/01-a.md": '+++\ntitle = "Lesson A"\nminutes = 5\nscenario = "one"\nsummary = "What A is."\n+++\n'
        '## s: Step\nText.\n```myth\nsays = "It is always so."\ntruth = "On Sundays."\nsource = "A book"\n```\n',
        "lessons/hi-Latn/01-a.md": '+++\ntitle = "Path A"\n+++\n## s: Kadam\nText.\n',
        "challenges/en/c.md": '+++\ntitle = "Do it"\nminutes = 9\nscenario = "one"\ngoal = "Reach the goal."\n'
        "checks = ['count(\"x\") >= 1']\nseeds = [1, 2, 3]\n+++\nBody.\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(words, encoding="utf-8")
    return "rich"


def page_of(window: Window, place: Place, kind: type[W]) -> W:
    window.go(place)
    for _ in range(50):  # what is below the fold comes piece by piece
        QApplication.processEvents()
    page = window.stack.currentWidget()
    assert isinstance(page, kind)
    return page


def words(widget: QWidget) -> str:
    """All visible words of a page."""
    labels = [each.text() for each in widget.findChildren(QLabel) if each.isVisible()]
    buttons = [each.text() for each in widget.findChildren(QPushButton) if each.isVisible()]
    return "\n".join((*labels, *buttons))


def button(widget: QWidget, title: str) -> QPushButton:
    QApplication.processEvents()
    return next(each for each in widget.findChildren(QPushButton) if each.text() == title and each.isVisible())


def settle(window: Window, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not window.desk.jobs.busy, timeout=20_000)
    QApplication.processEvents()


# Home


def test_the_first_start_offers_one_thing_to_do(open_lab: Callable[..., Window], rich: str, qtbot: QtBot) -> None:
    window = open_lab()
    for card in window.desk.cards:
        window.desk.turn(card.id, on=card.id == rich)
    QApplication.processEvents()
    home = page_of(window, Place("home"), QWidget)
    assert "Start here" in words(home)
    assert "“It is always so.”" in words(home)
    button(home, "Open it on the bench").click()
    assert window.place.kind == "scenario"


def test_home_goes_on_where_the_learner_stopped(open_lab: Callable[..., Window], rich: str, qtbot: QtBot) -> None:
    window = open_lab()
    store = window.desk.store
    assert store is not None
    store.record("tried", rich, "scenario/one")
    store.record("tried", rich, "lesson/a")
    window.desk.read_progress()
    settle(window, qtbot)
    home = page_of(window, Place("home"), QWidget)
    assert "Where you stopped" in words(home)
    assert "Lesson A" in words(home)
    rows = [each.place for each in home.findChildren(RowButton) if each.isVisible()]
    asked = []
    home.wanted.connect(asked.append)  # type: ignore[attr-defined]
    home.wanted.disconnect(window.go)  # type: ignore[attr-defined]
    button(home, "Continue").click()
    assert asked == [Place("lesson", rich, "a")]
    assert len(rows) == 2


def test_home_without_topics_says_where_they_come_from(profile: Profile, open_lab: Callable[..., Window]) -> None:
    window = open_lab()
    window.desk.change(disabled=tuple(card.id for card in window.desk.cards))
    window.desk.topics_changed.emit()
    home = page_of(window, Place("home"), QWidget)
    assert "No topic is here" in words(home)


# Catalogue


def test_the_filter_and_the_order(open_lab: Callable[..., Window], rich: str, smallest: str) -> None:
    window = open_lab()
    page = page_of(window, Place("topics"), Catalogue)

    def shown() -> list[str]:
        QApplication.processEvents()
        return [each.topic_id for each in page.findChildren(TopicButton) if each.isVisible()]

    assert {"rich", "smallest"} <= set(shown())
    page.filter.setText("lesson a")
    assert shown() == ["rich"]
    page.filter.setText("nothing like that")
    assert shown() == []
    assert "No topic matches" in words(page)
    page.filter.clear()
    page.sort.setCurrentIndex(page.sort.findData("title"))
    titles = [window.desk.card(each).title.lower() for each in shown()]  # type: ignore[union-attr]
    assert titles == sorted(titles)


def test_arrows_walk_the_cards(open_lab: Callable[..., Window], rich: str, smallest: str, qtbot: QtBot) -> None:
    window = open_lab()
    page = page_of(window, Place("topics"), Catalogue)
    settle(window, qtbot)
    buttons = [each for each in page.findChildren(TopicButton) if each.isVisible()]
    buttons[0].setFocus()
    qtbot.keyClick(buttons[0], Qt.Key.Key_Right)
    assert QApplication.focusWidget() is buttons[1]
    qtbot.keyClick(buttons[1], Qt.Key.Key_Left)
    assert QApplication.focusWidget() is buttons[0]


def test_a_refresh_leaves_the_keyboard_on_its_card(open_lab: Callable[..., Window], rich: str, qtbot: QtBot) -> None:
    window = open_lab()
    page = page_of(window, Place("topics"), Catalogue)
    settle(window, qtbot)
    next(each for each in page.findChildren(TopicButton) if each.topic_id == rich).setFocus()
    window.desk.topics_changed.emit()
    qtbot.wait(50)
    focus = QApplication.focusWidget()
    assert isinstance(focus, TopicButton)
    assert focus.topic_id == rich


def test_needs_are_said_in_words(open_lab: Callable[..., Window], rich: str, qtbot: QtBot) -> None:
    window = open_lab()
    settle(window, qtbot)
    window.desk._probed({"redis": ServiceState("redis", "Redis", "missing", "No Redis was named.")})
    page = page_of(window, Place("topics"), Catalogue)
    assert "Redis missing" in words(page)
    window.desk._probed({"redis": ServiceState("redis", "Redis", "running", "Answers.", "7.0")})
    QApplication.processEvents()
    assert "✓ Redis" in words(page)


def test_a_web_view_that_cannot_run_is_not_said_to_be_there(
    open_lab: Callable[..., Window], rich: str, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prayog.ui.card_words.web_view_missing", lambda: "the web view does not run as root")
    window = open_lab()
    settle(window, qtbot)
    page = page_of(window, Place("topics"), Catalogue)
    assert "Web view missing" in words(page)
    assert any("does not run as root, so maps" in each.toolTip() for each in page.findChildren(QLabel))


def test_an_outside_topic_shows_its_author_and_source(open_lab: Callable[..., Window], rich: str) -> None:
    page = page_of(open_lab(), Place("topics"), Catalogue)
    assert "From your folder of topics · By Asha Rao" in words(page)


def test_topics_that_cannot_be_used_come_last(open_lab: Callable[..., Window], rich: str, profile: Profile) -> None:
    (profile.topics / "aaa").mkdir()
    cards = arrange(open_lab().desk.cards, "", "title", lambda _: 0.0)
    assert cards[-1].manifest is None


# Topic page


def test_the_topic_page_has_its_doors_myths_and_sections(open_lab: Callable[..., Window], rich: str) -> None:
    window = open_lab()
    page = page_of(window, Place("topic", rich), QWidget)
    text = words(page)
    for expected in ("Rich topic", "Learn", "Play", "Prove", "Lesson A", "First try", "Do it", "“It is always so.”",
                     "What notes get wrong", "Glossary", "Sources"):  # fmt: skip
        assert expected in text, expected
    places = {each.place for each in page.findChildren(RowButton)}
    assert {Place("lesson", rich, "a"), Place("scenario", rich, "one"), Place("challenge", rich, "c")} <= places


def test_what_is_done_is_marked(open_lab: Callable[..., Window], rich: str, qtbot: QtBot) -> None:
    window = open_lab()
    assert window.desk.store is not None
    window.desk.store.record("passed", rich, "lesson/a")
    window.desk.store.record("passed", rich, "challenge/c", {"reason": "All checks hold on 3 seeds."})
    window.desk.read_progress()
    settle(window, qtbot)
    page = page_of(window, Place("topic", rich), QWidget)
    names = {each.place: each.accessibleName() for each in page.findChildren(RowButton)}
    assert "done" in names[Place("lesson", rich, "a")]
    card = window.desk.card(rich)
    assert card is not None
    assert window.desk.standing.finished(card) == 2
    challenges = page_of(window, Place("challenges"), QWidget)
    assert "✓ Passed" in words(challenges)
    assert "All checks hold on 3 seeds." in words(challenges)


def test_the_language_reaches_cards_and_page(open_lab: Callable[..., Window], rich: str, qtbot: QtBot) -> None:
    window = open_lab()
    page_of(window, Place("topic", rich), QWidget)
    window.desk.change(language="hi-Latn")
    settle(window, qtbot)
    assert "Path A" in words(page_of(window, Place("topic", rich), QWidget))  # made anew in the other language


def test_a_topic_that_went_away_is_said(open_lab: Callable[..., Window], rich: str) -> None:
    page = page_of(open_lab(), Place("topic", "gone"), QWidget)
    assert "not here any more" in words(page)


def test_topic_text_is_split_at_its_headings() -> None:
    text = topic_text("# Name\nIdea one.\n\nIdea two.\n## A\nx\n### A1\ny\n## B\n")
    assert text.idea == "Idea one.\n\nIdea two."
    assert text.sections == (("A", "x\n### A1\ny"), ("B", ""))


# Challenges


def test_all_challenges_are_there_and_open(open_lab: Callable[..., Window], rich: str) -> None:
    window = open_lab()
    page = page_of(window, Place("challenges"), QWidget)
    card = next(each for each in page.findChildren(CardButton) if each.accessibleName() == "Do it")
    assert "3 seeds" in words(page)
    card.click()
    assert window.place == Place("challenge", rich, "c")


# My work


def save_run(window: Window, topic: str, folder: Path) -> Path:
    path = folder / "my run.prayog"
    SavedRun(topic=topic, version="0.1.0", scenario="rumour", params={}, seed=3).save(path)
    assert window.desk.store is not None
    window.desk.store.add_saved_run(path, topic, "rumour", "My run", 12)
    return path


def test_deleting_a_run_asks_first(
    open_lab: Callable[..., Window], smallest: str, tmp_path: Path, qtbot: QtBot
) -> None:
    window = open_lab()
    path = save_run(window, smallest, tmp_path)
    page = page_of(window, Place("work"), MyWork)
    settle(window, qtbot)
    card = page.findChildren(RunCard)[-1]
    card.delete.click()
    assert path.exists()
    button(card, "Keep it").click()
    card.delete.click()
    card.yes.click()
    settle(window, qtbot)
    settle(window, qtbot)
    assert not path.exists()
    assert "No saved runs yet" in words(page)


def test_a_saved_run_opens_on_the_bench(
    open_lab: Callable[..., Window], smallest: str, tmp_path: Path, qtbot: QtBot
) -> None:
    window = open_lab()
    path = save_run(window, smallest, tmp_path)
    page = page_of(window, Place("work"), MyWork)
    settle(window, qtbot)
    button(page.findChildren(RunCard)[-1], "Open").click()
    qtbot.waitUntil(lambda: window.stage.bench is not None, timeout=30_000)
    assert window.place == Place("saved", smallest, path.name)


def test_a_copy_of_a_run_is_a_run(open_lab: Callable[..., Window], smallest: str, tmp_path: Path, qtbot: QtBot) -> None:
    window = open_lab()
    path = save_run(window, smallest, tmp_path)
    page = page_of(window, Place("work"), MyWork)
    page.copy_to(path, tmp_path / "copy.prayog")
    settle(window, qtbot)
    assert (tmp_path / "copy.prayog").read_bytes() == path.read_bytes()
    assert [each.name for each in tmp_path.iterdir() if each.name.endswith(".part")] == []


def test_a_run_of_a_topic_that_is_not_here_is_said(
    open_lab: Callable[..., Window], tmp_path: Path, qtbot: QtBot
) -> None:
    window = open_lab()
    path = save_run(window, "unknown_topic", tmp_path)
    page = page_of(window, Place("work"), MyWork)
    page.open_file(path)
    settle(window, qtbot)
    assert "needs the topic “unknown_topic”" in window.status.text()
    (tmp_path / "bad.prayog").write_bytes(b"no zip")
    page.open_file(tmp_path / "bad.prayog")
    settle(window, qtbot)
    assert "bad.prayog is damaged or not a saved run" in window.status.text()


def test_predictions_are_counted_once_and_drawn(open_lab: Callable[..., Window], rich: str, qtbot: QtBot) -> None:
    window = open_lab()
    store = window.desk.store
    assert store is not None
    for item, ok in (("a/s1", False), ("a/s1", True), ("a/s2", True), ("a/s3", True)):
        store.record("predicted", rich, f"lesson/{item}", {"ok": ok})
    window.desk.read_progress()
    page = page_of(window, Place("work"), MyWork)
    settle(window, qtbot)
    assert "2 of 3 predictions right" in words(page)
    assert page.findChildren(AccuracyLine)


def test_running_share() -> None:
    assert running_share([True, False, True, True], 2) == [1.0, 0.5, 0.5, 1.0]
    assert Standing().predictions == ()


# Services


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://127.0.0.1:6379", False),
        ("redis://:secret@127.0.0.1", True),
        ("mysql://a:b@127.0.0.1/x", True),
        ("", False),
    ],
)
def test_a_password_is_seen(url: str, expected: bool) -> None:
    assert has_password(url) is expected


def test_an_address_with_a_password_is_never_written(
    profile: Profile, open_lab: Callable[..., Window], qtbot: QtBot
) -> None:
    window = open_lab()
    page = page_of(window, Place("services"), ServicesPage)
    card = page.cards["redis"]
    card.url.setText("redis://:hush-hush@127.0.0.1:1/0")
    card.use()
    settle(window, qtbot)
    card.url.setText("redis://127.0.0.1:1/0")
    card.use()
    settle(window, qtbot)
    for file in profile.folder.rglob("*"):
        if file.is_file():
            assert b"hush-hush" not in file.read_bytes(), file
    assert window.desk.settings.services == {"redis": "redis://127.0.0.1:1/0"}
    card.forget()
    assert window.desk.settings.services == {}


def test_a_wrong_address_is_said_beside_the_field(open_lab: Callable[..., Window], qtbot: QtBot) -> None:
    window = open_lab()
    page = page_of(window, Place("services"), ServicesPage)
    card = page.cards["redis"]
    card.url.setText("not an address")
    card.use()
    assert card._problem.text()
    assert not card._problem.isHidden()
    settle(window, qtbot)


@pytest.mark.parametrize("status", ["running", "ready", "missing", "failed"])
def test_each_state_of_a_service_has_words(open_lab: Callable[..., Window], qtbot: QtBot, status: str) -> None:
    window = open_lab()
    page = page_of(window, Place("services"), ServicesPage)
    settle(window, qtbot)
    state = ServiceState("redis", "Redis", status, "A sentence.", way_forward="Do this.")  # type: ignore[arg-type]
    window.desk._probed({"redis": state})
    assert "A sentence. Do this." in words(page)
    assert page.cards["redis"].start.isVisible() is (status == "ready")


# Plugins


def test_a_topic_can_be_turned_off_and_on(open_lab: Callable[..., Window], rich: str, qtbot: QtBot) -> None:
    window = open_lab()
    page = page_of(window, Place("plugins"), PluginsPage)
    box = next(each for each in page.findChildren(QCheckBox) if each.accessibleName() == "Rich topic is on")
    box.click()
    assert window.desk.settings.disabled == (rich,)
    catalogue = page_of(window, Place("topics"), Catalogue)
    assert "You turned this topic off." in words(catalogue)
    button(catalogue, "Turn on").click()
    QApplication.processEvents()
    assert rich in {each.topic_id for each in catalogue.findChildren(TopicButton) if each.isVisible()}


def test_a_folder_is_shown_before_it_is_added(
    profile: Profile, open_lab: Callable[..., Window], tmp_path: Path, qtbot: QtBot
) -> None:
    outside = tmp_path / "prayog_smallest"
    shutil.copytree(TESTS / "plugins" / "smallest" / "prayog_smallest", outside)
    window = open_lab()
    page = page_of(window, Place("plugins"), PluginsPage)
    page.consider(outside)
    settle(window, qtbot)
    assert "Add “Gossip”?" in words(page)
    assert "can do on this machine what you can do" in words(page)
    assert not profile.topics.exists()
    page.add_button.click()
    qtbot.waitUntil(lambda: window.desk.card("smallest") is not None, timeout=20_000)
    assert (profile.topics / "prayog_smallest" / "plugin.toml").is_file()
    page.add(outside)
    settle(window, qtbot)
    assert "is in the folder of topics already" in window.status.text()


def test_what_is_no_topic_cannot_be_added(
    profile: Profile, open_lab: Callable[..., Window], tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "holiday").mkdir()
    window = open_lab()
    page = page_of(window, Place("plugins"), PluginsPage)
    page.consider(tmp_path / "holiday")
    settle(window, qtbot)
    assert "holiday cannot be added" in words(page)
    assert "plugin.toml" in words(page)


# Settings


def test_settings_apply_at_once_and_are_kept(profile: Profile, open_lab: Callable[..., Window], qtbot: QtBot) -> None:
    window = open_lab()
    page = page_of(window, Place("settings"), SettingsPage)
    page.segments["theme"].buttons["dark"].click()
    page.segments["announcements"].buttons["all"].click()
    page.text_size.setValue(150)
    assert QApplication.instance().property("prayogTheme") == "dark"  # type: ignore[union-attr]
    assert QApplication.font().pointSizeF() == 15.0
    kept = json.loads(profile.settings.read_text())
    assert (kept["theme"], kept["announcements"], kept["text_percent"]) == ("dark", "all", 150)
    button(page, "Reset to defaults").click()
    assert window.desk.settings.theme == "dark"
    button(page, "Reset").click()
    assert window.desk.settings == Settings()
    assert page.segments["theme"].buttons["system"].isChecked()


def test_settings_show_what_was_changed_elsewhere(open_lab: Callable[..., Window]) -> None:
    window = open_lab()
    page = page_of(window, Place("settings"), SettingsPage)
    window.desk.change(theme="dark", language="hi-Latn")
    assert page.segments["theme"].buttons["dark"].isChecked()
    assert page.segments["language"].buttons["hi-Latn"].isChecked()
    window.desk.change(theme="light")


# The grid


@pytest.mark.parametrize(("width", "columns"), [(200, 1), (330, 1), (676, 2), (1160, 3), (3000, 3)])
def test_as_many_columns_as_fit(qapp: QApplication, width: int, columns: int) -> None:
    holder = QWidget()
    grid = CardGrid(holder, least=330, most=3)
    assert grid.columns(width) == columns
