"""The first minute: Home asks, the answer is written down, and the lesson is on the bench, at rest, with it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from prayog.paths import Profile
from prayog.ui import startup

pytestmark = pytest.mark.timeout(120)


def test_an_answer_on_the_home_page_opens_the_lesson_with_it(qtbot: QtBot, tmp_path: Path) -> None:
    known = {name for name in sys.modules if name.startswith("prayog_consensus")}
    window = startup.open_window(Profile(tmp_path))
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.show()
    qtbot.waitUntil(lambda: window.desk.looked and window.desk.store is not None, timeout=30_000)
    assert {name for name in sys.modules if name.startswith("prayog_consensus")} == known  # reading imports no topic
    guesses = {button.text(): button for button in window.findChildren(QPushButton) if button.text().endswith(" ms")}
    assert list(guesses) == ["50 ms", "200 ms", "1000 ms"]
    guesses["200 ms"].click()
    qtbot.waitUntil(lambda: window.stage.bench is not None, timeout=30_000)
    bench = window.stage.bench
    assert bench is not None
    qtbot.waitUntil(lambda: bench.driver.branch is not None, timeout=30_000)
    lesson = bench.coach.lesson
    assert lesson.lesson is not None
    assert lesson.lesson.id == "king-is-dead"
    assert {name: answer.value for name, answer in lesson.answers.items()} == {"gap": 200}
    assert bench.host.scenario == "raft_leader_dies"
    assert not bench.driver.playing
    assert window.desk.guess is None
    window.close()
