"""The map without a web view: what is drawn where, the tools by mouse and keyboard, and falling back."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton

from prayog_sdk.qt import map as map_module
from prayog_sdk.qt import theme
from prayog_sdk.qt.map import MapView
from prayog_sdk.qt.mapshapes import boxes, mercator
from prayog_sdk.qt.mapstyle import ANSWER, CENTRE, INSIDE, PLACE, QUERY, REFINED, VISITED, MapColours


@pytest.fixture
def view(qtbot):
    made = MapView.create(None, prefer="plain")
    qtbot.addWidget(made)
    made.resize(800, 600)
    with qtbot.waitSignal(made.ready, timeout=10_000):
        made.show()
    made.center_on(0.0, 0.0, 4.0)
    yield made
    made.release()


def pixel_of(view, lat, lon):
    """Where a place is drawn, worked out from the view alone."""
    k = 256 * 2**view.zoom / 360
    (x, y), (cx, cy) = mercator(np.array([[lon, lat], [view.center[1], view.center[0]]]))
    return QPoint(round(view.width() / 2 + (x - cx) * k), round(view.height() / 2 - (y - cy) * k))


def colour_at(view, lat, lon):
    return view.grab().toImage().pixelColor(pixel_of(view, lat, lon))


def close_to(colour, wanted, by=12):
    return all(abs(a - b) <= by for a, b in zip(colour.getRgb()[:3], QColor(wanted).getRgb()[:3], strict=True))


def mixed(over, under, opacity):
    pairs = zip(QColor(over).getRgb()[:3], QColor(under).getRgb()[:3], strict=True)
    return QColor(*(round(a * opacity + b * (1 - opacity)) for a, b in pairs))


def canvas(view):
    """The widget that takes the mouse."""
    return view.focusProxy().focusProxy().viewport()


def click(view, lat, lon):
    QTest.mouseClick(canvas(view), Qt.MouseButton.LeftButton, pos=pixel_of(view, lat, lon))


def test_the_shell_can_import_the_map_without_its_heavy_parts():
    code = (
        "import sys, prayog_sdk.qt.map, prayog_sdk.qt.mapstyle;"
        "heavy = {'numpy', 'pyqtgraph', 'folium', 'PySide6.QtWebEngineCore'} & set(sys.modules);"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_land_sea_and_overlays_are_where_they_belong_in_both_themes(view):
    for dark, colours in ((False, MapColours.light()), (True, MapColours.dark())):
        view.set_theme(dark)
        view.clear_overlay("cell")
        assert close_to(colour_at(view, 3.1, 23.3), colours.land)  # the Congo basin
        assert close_to(colour_at(view, -3.1, -7.3), colours.sea)  # the Gulf of Guinea
        view.set_overlay("cell", [[5.0, 12.0, 10.0, 18.0]], INSIDE)
        assert close_to(colour_at(view, 5.9, 17.3), mixed(colours.good, colours.land, INSIDE.fill))
        assert close_to(colour_at(view, 3.1, 23.3), colours.land)


def test_a_view_over_the_date_line_has_no_seam(view):
    view.center_on(-17.0, 180.0, 4.0)
    view.set_overlay("fiji", boxes([[-20.0, 172.0, -10.0, -172.0]]), VISITED)
    empty = colour_at(view, -5.3, 178.0)
    east, west = colour_at(view, -12.3, 176.3), colour_at(view, -12.3, 183.7)
    assert east == west != empty


def test_areas_are_no_darker_where_they_overlap_however_many_there_are(view):
    view.center_on(-20.0, -20.0, 4.0)
    once = None
    for copies in (1, 2, 200):  # 200 are drawn on a sheet of their own
        view.set_overlay("pile", boxes([[-25.0, -25.0, -15.0, -15.0]] * copies), VISITED)
        here = colour_at(view, -21.3, -21.3)
        once = once or here
        assert close_to(here, once, by=2)


def test_a_click_tells_its_place_only_with_the_click_tool(view, qtbot):
    told = []
    view.clicked.connect(lambda lat, lon: told.append((lat, lon)))
    click(view, 10.0, 20.0)
    assert told == []
    view.set_tool("click")
    with qtbot.waitSignal(view.clicked, timeout=2000):
        click(view, 10.0, 20.0)
    assert told[0] == pytest.approx((10.0, 20.0), abs=0.2)


def test_a_click_names_the_feature_on_top(view, qtbot):
    view.set_overlay("cells", boxes([[0, 0, 20, 20], [5, 5, 8, 8]], ids=["0", "03"]), REFINED)
    view.set_points("answers", [6.0], [7.0], ANSWER)
    told = []
    view.feature_clicked.connect(lambda *feature: told.append(feature))
    for place in ((6.0, 7.0), (7.5, 5.6), (15.0, 15.0), (-15.0, -15.0)):
        click(view, *place)
    assert told == [("answers", 0), ("cells", "03"), ("cells", "0")]


def test_a_drag_draws_a_box_also_over_the_date_line(view, qtbot):
    view.set_tool("box")
    for centre, corners, wanted in (
        (0.0, ((-10.0, -5.0), (10.0, 15.0)), (-10.0, -5.0, 10.0, 15.0)),
        (180.0, ((10.0, 170.0), (-10.0, 190.0)), (-10.0, 170.0, 10.0, -170.0)),
    ):
        view.center_on(0.0, centre, 4.0)
        start, end = (pixel_of(view, *corner) for corner in corners)
        with qtbot.waitSignal(view.box_drawn, timeout=2000) as drawn:
            target = canvas(view)
            QTest.mousePress(target, Qt.MouseButton.LeftButton, pos=start)
            for step in (0.4, 0.7, 1.0):
                at = QPointF(start) + (QPointF(end) - QPointF(start)) * step
                QTest.mouseMove(target, at.toPoint())
                QTest.qWait(20)
            QTest.mouseRelease(target, Qt.MouseButton.LeftButton, pos=end)
        assert drawn.args == pytest.approx(wanted, abs=0.4)


def test_a_polygon_can_be_drawn_with_keys_alone(view, qtbot):
    view.set_tool("polygon")
    keys = canvas(view).parentWidget()
    keys.setFocus()
    at = []
    with qtbot.waitSignal(view.polygon_drawn, timeout=2000) as drawn:
        for move in (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Down):
            QTest.keyClick(keys, Qt.Key.Key_Space)
            QTest.keyClick(keys, move)
            at.append(move)
        QTest.keyClick(keys, Qt.Key.Key_Backspace)  # takes the fourth corner back
        QTest.keyClick(keys, Qt.Key.Key_Return)
    corners = drawn.args[0]
    assert len(corners) == 3
    step = 80 * 360 / (256 * 2**4.0)
    assert corners[0] == pytest.approx((0.0, 0.0), abs=1e-6)
    assert corners[1] == pytest.approx((0.0, step), abs=1e-6)
    assert corners[2][1] == pytest.approx(step, abs=1e-6)
    assert corners[2][0] < 0


def test_escape_gives_a_drawing_up(view):
    view.set_tool("polygon")
    keys = canvas(view).parentWidget()
    bare = view.grab().toImage()
    QTest.keyClick(keys, Qt.Key.Key_Space)
    assert view.grab().toImage() != bare
    QTest.keyClick(keys, Qt.Key.Key_Escape)
    keys.clearFocus()
    view._drawing.keys_used = False
    assert view.grab().toImage() == bare


def test_the_view_is_told_and_can_be_asked_for(view, qtbot):
    with qtbot.waitSignal(view.moved, timeout=2000):
        view.fit(8.0, 68.0, 37.0, 97.0)
    south, west, north, east = view.bounds
    assert south <= 8.0
    assert west <= 68.0
    assert north >= 37.0
    assert east >= 97.0
    assert view.center[1] == pytest.approx(82.5, abs=0.01)
    with qtbot.waitSignal(view.moved, timeout=2000):
        view.fit(-20.0, 170.0, -10.0, -170.0)
    assert abs(view.center[1]) == pytest.approx(180.0, abs=0.01)


def test_the_zoom_buttons_have_names_and_work(view, qtbot):
    buttons = {b.accessibleName(): b for b in view.findChildren(QToolButton)}
    assert set(buttons) == {"Zoom in", "Zoom out"}
    assert all(min(b.width(), b.height()) >= 24 for b in buttons.values())
    with qtbot.waitSignal(view.moved, timeout=2000):
        buttons["Zoom in"].click()
    assert view.zoom == 5.0


def test_what_was_set_before_the_start_is_drawn(qtbot):
    made = MapView.create(None, prefer="plain")
    qtbot.addWidget(made)
    made.resize(400, 300)
    made.set_overlay("query", [[-5.0, -30.0, 5.0, -20.0]], QUERY)
    made.set_points("places", [0.0], [-25.0], CENTRE)
    made.center_on(0.0, -25.0, 5.0)
    with qtbot.waitSignal(made.ready, timeout=10_000):
        made.show()
    QTest.qWait(50)
    seen = {made.grab().toImage().pixelColor(200, y).name() for y in range(120, 150)}
    assert theme.light.bad in seen  # the pin
    made.release()


def test_a_hundred_thousand_points_are_drawn_once_for_each_spot(view):
    rng = np.random.default_rng(3)
    view.set_points("places", rng.uniform(-40, 40, 170_000), rng.uniform(-60, 60, 170_000), PLACE)
    image = view.grab().toImage()
    inked = sum(
        not close_to(image.pixelColor(x, y), MapColours.light().sea, 3)
        for x in range(300, 340)
        for y in range(300, 340)
    )
    assert inked > 400


@pytest.mark.parametrize("missing", ["", "the web view (PySide6-Addons) is not installed"])
def test_without_a_web_view_the_simple_map_comes_with_a_reason(qtbot, monkeypatch, missing):
    monkeypatch.setattr(map_module, "web_view_missing", lambda: missing)
    if not missing:  # it is there, but loading it fails, as with a missing shared library

        def broken(*_):
            raise ImportError("libnss3.so: cannot open shared object file")

        monkeypatch.setattr("prayog_sdk.qt.mappage.page", broken)
    made = MapView.create(None, prefer="web")
    qtbot.addWidget(made)
    made.set_points("places", [0.0], [0.0], CENTRE)
    with qtbot.waitSignal(made.ready, timeout=10_000):
        made.show()
    assert made.backend == "plain"
    assert made.reason == missing or "libnss3" in made.reason
    made.release()


def test_closing_while_it_starts_leaves_nothing(qtbot, no_leaks):
    made = MapView.create(None, prefer="plain")
    made.show()
    made.close()
    made.deleteLater()
    QTest.qWait(50)
