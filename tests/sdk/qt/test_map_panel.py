"""The stock map draws what a topic's views put on it."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from prayog_sdk.qt import stock
from prayog_sdk.qt.mappanel import MapPanel, layers
from prayog_sdk.testing.offered import STOCK
from prayog_sim.run import NodeView, View


def test_nodes_with_a_place_and_layers_of_facts() -> None:
    pune = NodeView("pune", volatile={"lat": 18.52, "lon": 73.86})
    view = View(0, 0, {"pune": pune, "plain": NodeView("plain")}, facts={"map": {"cells": {"boxes": [[1, 2, 3, 4]]}}})
    nodes = {"style": "centre", "points": [[18.52, 73.86]]}
    assert layers(view) == {"cells": {"boxes": [[1, 2, 3, 4]]}, "nodes": nodes}
    assert layers(View(-1, 0)) == {}


def test_every_stock_name_can_be_made(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QTWEBENGINE_DISABLE_SANDBOX", "0")
    assert set(stock.STOCK) == set(STOCK), "the conformance suite knows the same names"
    panel = stock.make("map")
    qtbot.addWidget(panel)
    assert isinstance(panel, MapPanel)
    with pytest.raises(ValueError, match="there is no stock panel 'globe'"):
        stock.make("globe")
