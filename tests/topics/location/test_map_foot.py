"""Below the map: whole lines at any text size; and where on the map a question is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from prayog_location.panels.ask_bar import AskBar
from prayog_location.panels.map_foot import MapFoot
from prayog_location.panels.sights import bounds_of, great_circle, padded, wrapped
from prayog_sdk.qt import theme

LONG = "Box 13310, part of 1331 — pruned: its nearest point is 1,194 km away, outside the 300 km circle. " * 4


@pytest.fixture(params=[100, 200])
def percent(request: pytest.FixtureRequest, qapp: QApplication) -> Iterator[int]:
    theme.apply(qapp, theme.light, request.param)
    yield request.param
    theme.apply(qapp, theme.light)


def test_the_sentence_is_seen_in_whole_lines_from_the_first(qtbot: QtBot, percent: int) -> None:
    foot = MapFoot()
    qtbot.addWidget(foot)
    foot.resize(620, 300)
    foot.show()
    foot.say(LONG)
    qtbot.wait(10)
    label = foot.sentence.widget()
    assert isinstance(label, QLabel)
    spacing = label.fontMetrics().lineSpacing()
    seen = foot.sentence.viewport().height()
    assert 0 <= seen - 2 * spacing <= 3  # two lines, and no slice of a third
    assert label.mapTo(foot.sentence.viewport(), label.rect().topLeft()).y() == 0
    assert foot.sentence.verticalScrollBar().maximum() > 0  # the rest can be scrolled to
    foot.say("Short.")
    qtbot.wait(10)
    assert foot.sentence.height() <= spacing + 3


def test_tools_remember_how_far_and_how_many(qtbot: QtBot) -> None:
    bar = AskBar()
    qtbot.addWidget(bar)
    told: list[tuple[str, str]] = []
    points: list[str] = []
    bar.used.connect(lambda name, words: told.append((name, words)))
    bar.asked.connect(points.append)
    bar.use("radius")
    bar._size.setText("75")
    bar.use("nearest")
    assert bar.size_text == "10"
    bar.use("radius")
    assert bar.size_text == "75"
    bar.use("box")
    assert told[-1] == ("box", "Drag a box.")
    bar._size.returnPressed.emit()  # a typed centre asks with a circle
    assert (bar.tool, points) == ("radius", ["22.7196, 75.8577"])


def test_places_across_the_date_line() -> None:
    assert wrapped(181) == -179
    south, west, north, east = padded((-10.0, 170.0, 10.0, -170.0))
    assert west < 170
    assert east > 190
    assert south < -10 < 10 < north
    assert bounds_of({"ask": "box", "box": (0, 179, 1, -179)}) == (0, 179, 1, 181)
    path = great_circle((0.0, 0.0), (0.0, 90.0), pieces=2)
    assert path[1] == pytest.approx([45.0, 0.0])
