"""The palette and the key list: what is found, in which order, and all of it by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication

from prayog.ui.commands import Command, matches, score
from prayog.ui.palette import Palette
from prayog.ui.place import Place
from prayog.ui.window import Window

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


def commands(*titles: str) -> list[Command]:
    return [Command(title, "", lambda: None) for title in titles]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("", "Home"),
        ("set", "Settings"),
        ("raft lead", "The leader in Raft"),
        ("leader raft", "The leader in Raft"),
        ("ldr", "The leader in Raft"),
        ("HOME", "Home"),
        ("date-line", "A circle across the date line"),
    ],
)
def test_the_best_answer_is_first(query: str, first: str) -> None:
    found = matches(query, commands("Home", "The leader in Raft", "A circle across the date line", "Reset", "Settings"))
    assert found[0].title == first


@pytest.mark.parametrize("query", ["zzz", "home zzz", "ehom"])
def test_what_is_not_there_is_not_found(query: str) -> None:
    assert matches(query, commands("Home", "Settings")) == []


def test_the_start_of_a_word_beats_its_middle() -> None:
    assert score("topic", "Topics") > score("topic", "A topical thing") > score("opic", "Topics") > 0


@given(st.text(max_size=12), st.lists(st.text(min_size=1, max_size=20), max_size=6))
def test_any_query_gives_a_part_of_what_there_is(query: str, titles: list[str]) -> None:
    found = matches(query, commands(*titles))
    assert len(found) <= len(titles)
    assert {each.title for each in found} <= set(titles)


@given(st.text(alphabet="abcdefghij -_/", min_size=1, max_size=20).filter(str.strip))
def test_a_title_finds_itself(title: str) -> None:
    assert matches(title, commands(title))


@given(st.sampled_from([Place("home"), Place("topic", "gossip"), Place("scenario", "gossip", "rumour"),
                        Place("lesson", "a", "b/c"), Place("settings")]))  # fmt: skip
def test_places_survive_being_written(place: Place) -> None:
    assert Place.parse(str(place)) == place


@given(st.text(max_size=30))
def test_any_text_is_some_place(words: str) -> None:
    assert isinstance(Place.parse(words), Place)


def test_ctrl_k_finds_a_scenario_and_enter_opens_it(
    open_lab: Callable[..., Window], smallest: str, qtbot: QtBot
) -> None:
    window = open_lab()
    qtbot.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    palette = window.shell.popup
    assert isinstance(palette, Palette)
    assert palette.isVisible()
    assert palette.field.hasFocus()
    scenario = window.desk.card(smallest).scenarios[0]  # type: ignore[union-attr]
    qtbot.keyClicks(palette.field, scenario.title[:12])
    assert palette.shown()[0].title == scenario.title
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert palette.isHidden()
    assert window.place == Place("scenario", smallest, scenario.id)
    qtbot.waitUntil(lambda: window.stage.bench is not None, timeout=30_000)
    offered = {command.group for command in window.shell.everything()}
    assert "Bench" in offered


def test_arrows_walk_and_escape_gives_the_keyboard_back(
    open_lab: Callable[..., Window], smallest: str, qtbot: QtBot
) -> None:
    window = open_lab()
    window.go(Place("topics"))
    QApplication.processEvents()
    window.next_pane()
    before = QApplication.focusWidget()
    window.shell.palette()
    palette = window.shell.popup
    assert palette is not None
    assert palette.list.currentIndex().row() == 0
    qtbot.keyClick(palette.field, Qt.Key.Key_Up)
    assert palette.list.currentIndex().row() == len(palette.shown()) - 1
    qtbot.keyClick(palette.field, Qt.Key.Key_Down)
    qtbot.keyClick(palette.field, Qt.Key.Key_Down)
    assert palette.list.currentIndex().row() == 1
    qtbot.keyClick(palette.field, Qt.Key.Key_Escape)
    assert palette.isHidden()
    assert QApplication.focusWidget() is before


def test_the_page_goes_on_living_under_the_palette(open_lab: Callable[..., Window], qtbot: QtBot) -> None:
    window = open_lab()
    window.shell.palette()
    palette = window.shell.popup
    assert palette is not None
    assert not palette.isWindow()
    window.desk.change(theme="dark")
    window.resize(900, 640)
    QApplication.processEvents()
    assert palette.geometry().right() <= window.width()
    qtbot.keyClicks(palette.field, "qqqqqq")
    assert palette.shown() == []
    window.desk.change(theme="light")


def test_the_key_list_names_every_shortcut_of_the_frame(open_lab: Callable[..., Window], qtbot: QtBot) -> None:
    window = open_lab()
    window.shell.keys()
    palette = window.shell.popup
    assert palette is not None
    listed = {QKeySequence(command.keys).toString() for command in palette.shown()} | {"Ctrl+="}
    mine = {each.key().toString() for each in window.findChildren(QShortcut) if each.parent() is window}
    assert mine <= listed
    keys = [command.keys for command in window.shell.commands() if command.keys]
    assert len(keys) == len(set(keys))


def test_every_command_without_a_dialog_can_be_run(open_lab: Callable[..., Window], smallest: str) -> None:
    window = open_lab()
    for command in window.shell.commands():
        if command.title not in ("Quit", "Open a saved run…"):
            command.run()
    assert window.isVisible()
    window.desk.change(theme="light", text_percent=100)
