"""The lab's own words in Hinglish: the catalogue fits the code, and the window speaks it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication
from pytestqt.qtbot import QtBot

import prayog
import prayog_resources
from prayog.settings import CHOICES
from prayog.ui.place import Place
from prayog.ui.tongue import Tongue, entries
from prayog.ui.window import Window

SHELL = Path(prayog.__file__).parent
CATALOGUE = entries(prayog_resources.read_text("languages", "hi-Latn.po"))
WHOLE = ["ui/rail.py", "ui/bench/transport.py", "ui/bench/lesson_pane.py", "ui/bench/step_page.py",
         "ui/bench/end_page.py", "ui/bench/dots.py", "ui/bench/predict_card.py"]  # fmt: skip


def texts(file: Path) -> Iterator[str]:
    """Everything that `file` hands to `tr`."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "tr":
            text = node.args[0]
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                yield text.value


def holes(text: str) -> list[str]:
    return sorted(re.findall(r"\{\w*\}", text))


def test_every_language_of_the_settings_has_a_catalogue() -> None:
    for lang in CHOICES["language"]:
        assert Tongue(lang).isEmpty() == (lang == "en")


def test_no_entry_is_of_a_text_that_went_away_and_every_hole_is_kept() -> None:
    said = {text for file in SHELL.rglob("*.py") for text in texts(file)}
    assert sorted(set(CATALOGUE) - said) == []
    assert [text for text, words in CATALOGUE.items() if holes(text) != holes(words)] == []


@pytest.mark.parametrize("name", WHOLE)
def test_what_a_learner_presses_in_a_lesson_is_translated_whole(name: str) -> None:
    assert [text for text in texts(SHELL / name) if text not in CATALOGUE] == []


def test_a_line_that_is_none_is_pointed_at() -> None:
    assert entries('msgid "a"\nmsgstr ""\n"b"\n"c"\n') == {"a": "bc"}
    assert entries('# note\nmsgid "not yet"\nmsgstr ""\n') == {}
    with pytest.raises(ValueError, match="line 2 of the catalogue"):
        entries('msgid "a"\nmsgster "b"\n')


def test_the_window_changes_its_language_and_back(open_lab: Callable[..., Window], qtbot: QtBot) -> None:
    window = open_lab()

    def rail() -> set[str]:
        return {button.text() for button in window.rail.findChildren(type(window.rail._finder))}

    assert {"Home", "Find"} <= rail()
    window.go(Place("settings"))
    before = window.stack.currentWidget()
    window.desk.change(language="hi-Latn")
    qtbot.waitUntil(lambda: {"Ghar", "Khojein"} <= rail(), timeout=10_000)
    assert window.stack.currentWidget() is not before  # made anew, in the new language
    assert window.place == Place("settings")
    assert QCoreApplication.translate("Transport", "Step back") == "Ek step peeche"
    assert QCoreApplication.translate("Anything", "Nobody has translated this") == "Nobody has translated this"
    window.desk.change(language="en")
    qtbot.waitUntil(lambda: {"Home", "Find"} <= rail(), timeout=10_000)


def test_a_lab_that_is_opened_in_hinglish_speaks_it_at_once_and_no_longer_than_it_lives(
    open_lab: Callable[..., Window],
) -> None:
    window = open_lab()
    window.desk.change(language="hi-Latn")
    window.close()
    assert QCoreApplication.translate("Rail", "Home") == "Home"
