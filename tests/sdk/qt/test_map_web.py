"""The map in a web view: it needs no network, draws what it is told, tells what is done, and leaves no process."""

from __future__ import annotations

import os
import re
import sys

import numpy as np
import psutil
import pytest
from PySide6.QtCore import QPoint, Qt, QTimer, QUrl
from PySide6.QtGui import QColor
from PySide6.QtNetwork import QHostAddress, QTcpServer
from PySide6.QtTest import QTest

from prayog_sdk.qt.map import MapView
from prayog_sdk.qt.mapshapes import boxes, circle
from prayog_sdk.qt.mapstyle import ANSWER, INSIDE, PLACE, QUERY, VISITED, MapColours

pytestmark = [
    pytest.mark.xdist_group("webengine"),
    # What Chromium says where there is no graphics card.
    pytest.mark.qt_log_ignore("QRhi", "Failed to create RHI", "QVulkanInstance", "GBM is not supported", "GPUInfo"),
]


@pytest.fixture(scope="module", autouse=True)
def _web_engine():
    with pytest.MonkeyPatch.context() as patch:
        if sys.platform == "linux" and os.geteuid() == 0:  # Chromium does not start as root with its sandbox
            patch.setenv("QTWEBENGINE_DISABLE_SANDBOX", "1")
        try:
            import PySide6.QtWebEngineWidgets  # noqa: F401
        except ImportError as error:
            pytest.skip(f"This machine has no web view: {error}.")
        yield


@pytest.fixture(scope="module")
def shown(qapp, _web_engine):
    """One map for the whole file: starting Chromium costs more than all tests together."""
    made = MapView.create(None, prefer="web")
    made.resize(800, 600)
    done = []
    made.ready.connect(lambda: done.append(True))
    made.show()
    for _ in range(1000):
        if done:
            break
        QTest.qWait(20)
    assert made.backend == "web", made.reason
    yield made
    made.release()
    made.deleteLater()
    QTest.qWait(100)


@pytest.fixture
def view(shown, qtbot):
    for name in list(shown._overlays):
        shown.clear_overlay(name)
    shown.set_tool("pan")
    shown.set_theme(False)
    look_at(qtbot, shown, 0.0, 0.0)
    yield shown
    assert shown._drawing.page.errors == []
    shown._drawing.guard.blocked.clear()


def look_at(qtbot, view, lat, lon, zoom=4.0):
    """Move the map, and wait until the page tells that it has."""
    view._box = None
    view.center_on(lat, lon, zoom)

    def there():
        wanted = pytest.approx((lat, (lon + 180) % 360 - 180, zoom), abs=1e-6)
        return view.bounds is not None and (*view.center, view.zoom) == wanted

    view._drawing._run("lab.view(1, 1, 3)")  # so that there is something to tell
    view.center_on(lat, lon, zoom)
    qtbot.waitUntil(there, timeout=5000)


def ask(qtbot, view, script):
    """What a script in the page answers."""
    answers = []
    view._drawing.page.runJavaScript(script, 0, answers.append)
    qtbot.waitUntil(lambda: bool(answers), timeout=5000)
    return answers[0]


def pixel_of(view, lat, lon):
    k = 256 * 2**view.zoom / 360

    def rise(v):
        return np.degrees(np.arctanh(np.sin(np.radians(v))))

    x = view.width() / 2 + (lon - view.center[1]) * k
    return QPoint(round(x), round(view.height() / 2 - (rise(lat) - rise(view.center[0])) * k))


def close_to(colour, wanted, by=14):
    return all(abs(a - b) <= by for a, b in zip(colour.getRgb()[:3], QColor(wanted).getRgb()[:3], strict=True))


def target(view):
    return view._drawing._view.focusProxy()


def test_land_sea_overlays_and_no_request_leaves_the_machine(view, qtbot):
    for dark, colours in ((False, MapColours.light()), (True, MapColours.dark())):
        view.set_theme(dark)
        view.set_overlay("cell", [[5.0, 12.0, 10.0, 18.0]], INSIDE)

        def looks_right(colours=colours):
            image = view.grab().toImage()
            under = QColor(colours.land)
            mixed = [round(a * INSIDE.fill + b * (1 - INSIDE.fill)) for a, b in zip(
                QColor(colours.good).getRgb()[:3], under.getRgb()[:3], strict=True)]  # fmt: skip
            return (
                close_to(image.pixelColor(pixel_of(view, 3.1, 23.3)), colours.land)
                and close_to(image.pixelColor(pixel_of(view, -3.1, -7.3)), colours.sea)
                and close_to(image.pixelColor(pixel_of(view, 5.9, 17.3)), QColor(*mixed))
            )

        qtbot.waitUntil(looks_right, timeout=8000)
    assert view._drawing.guard.blocked == []


def test_a_remote_address_is_stopped_and_written_down(view, qtbot):
    from PySide6.QtWebEngineCore import QWebEnginePage

    # A reserved name (RFC 2606), so nothing could answer even if nothing stopped it.
    address = "https://example.invalid/tile.png"
    ask(qtbot, view, f"window.went = ''; fetch('{address}').then(() => went = 'got', () => went = 'stopped'); 1")
    qtbot.waitUntil(lambda: ask(qtbot, view, "went") == "stopped", timeout=5000)
    view._drawing.page.load(QUrl(address))  # the page stays where it is
    QTest.qWait(50)
    assert view._drawing.page.url().scheme() == "lab"
    view._drawing.page.errors.clear()  # the console reports the fetch that was stopped

    # Chromium itself stops a page of a local scheme, as above; a page that it lets go out meets the guard.
    server = QTcpServer()
    assert server.listen(QHostAddress.SpecialAddress.LocalHost)
    address = f"http://127.0.0.1:{server.serverPort()}/"
    other = QWebEnginePage(view._drawing._profile)
    with qtbot.waitSignal(other.loadFinished, timeout=5000) as loaded:
        other.load(QUrl(address))
        QTimer.singleShot(1000, other, lambda: other.triggerAction(QWebEnginePage.WebAction.Stop))
    assert loaded.args == [False]
    assert view._drawing.guard.blocked == [address]
    assert not server.hasPendingConnections()
    server.close()
    with qtbot.waitSignal(other.destroyed):
        other.deleteLater()


def test_many_cells_arrive_whole_and_a_name_is_replaced(view, qtbot):
    rng = np.random.default_rng(1)
    south, west = rng.uniform(-60, 60, 5000), rng.uniform(-179, 170, 5000)
    view.set_overlay("cells", boxes(np.column_stack([south, west, south + 1, west + 1])), VISITED)
    qtbot.waitUntil(lambda: ask(qtbot, view, "lab.overlays.get('cells')?.shapes.rings.ends.length") == 5000)
    view.set_overlay("cells", boxes([[0, 0, 1, 1]]), VISITED)
    qtbot.waitUntil(lambda: ask(qtbot, view, "lab.overlays.get('cells')?.shapes.rings.ends.length") == 1)
    view.clear_overlay("cells")
    assert ask(qtbot, view, "lab.overlays.size") == 0


def test_what_is_too_large_for_a_script_goes_through_the_library(view, qtbot):
    rng = np.random.default_rng(2)
    name = "places; ü/?#"  # any name is fine
    view.set_points(name, rng.uniform(-60, 60, 170_000), rng.uniform(-180, 180, 170_000), PLACE)
    assert len(view._drawing.library.data) == 1
    qtbot.waitUntil(lambda: ask(qtbot, view, "[...lab.overlays.values()][0]?.shapes.points.length") == 340_000)
    view.set_points(name, [1.0], [2.0], PLACE)
    assert view._drawing.library.data == {}
    qtbot.waitUntil(lambda: ask(qtbot, view, "[...lab.overlays.values()][0].shapes.points.length") == 2)


def test_a_click_tells_its_place_and_its_feature(view, qtbot):
    view.set_tool("click")
    view.set_points("answers", [10.0], [20.0], ANSWER)
    places = []
    view.clicked.connect(lambda lat, lon: places.append((lat, lon)))
    with qtbot.waitSignal(view.feature_clicked, timeout=5000) as feature:
        QTest.mouseClick(target(view), Qt.MouseButton.LeftButton, pos=pixel_of(view, 10.0, 20.0))
    assert places == [pytest.approx((10.0, 20.0), abs=0.2)]
    assert feature.args == ["answers", 0]


def test_a_drag_draws_a_box_over_the_date_line(view, qtbot):
    look_at(qtbot, view, 0.0, 180.0)
    view.set_tool("box")
    ask(qtbot, view, "1")
    half = view.width() // 2
    with qtbot.waitSignal(view.box_drawn, timeout=5000) as drawn:
        QTest.mousePress(target(view), Qt.MouseButton.LeftButton, pos=QPoint(half - 100, 200))
        for x in (-50, 0, 60, 100):
            QTest.mouseMove(target(view), QPoint(half + x, 350))
            QTest.qWait(20)
        QTest.mouseRelease(target(view), Qt.MouseButton.LeftButton, pos=QPoint(half + 100, 350))
    south, west, north, east = drawn.args
    degrees = 100 * 360 / (256 * 2**4)
    assert (west, east) == pytest.approx((180 - degrees, -180 + degrees), abs=0.3)
    assert south < 0 < north


def test_a_polygon_can_be_drawn_with_keys_alone(view, qtbot):
    view.set_tool("polygon")
    target(view).setFocus()
    ask(qtbot, view, "document.querySelector('.leaflet-container').focus(); 1")
    with qtbot.waitSignal(view.polygon_drawn, timeout=8000) as drawn:
        for key in (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Left):
            QTest.keyClick(target(view), Qt.Key.Key_Space)
            with qtbot.waitSignal(view.moved, timeout=5000):
                QTest.keyClick(target(view), key)
        QTest.keyClick(target(view), Qt.Key.Key_Return)
    corners = drawn.args[0]
    assert len(corners) == 3
    assert corners[0] == pytest.approx((0.0, 0.0), abs=0.2)
    assert corners[1][1] > 3
    assert corners[2][0] < -3


def test_fit_shows_the_whole_box_and_the_view_can_be_asked_for(view, qtbot):
    with qtbot.waitSignal(view.moved, timeout=5000):
        view.fit(8.0, 68.0, 37.0, 97.0)
    south, west, north, east = view.bounds
    assert south <= 8.0
    assert west <= 68.0
    assert north >= 37.0
    assert east >= 97.0
    assert view.center[1] == pytest.approx(82.5, abs=0.1)


def test_a_saved_map_is_one_file_that_asks_for_nothing(view, qtbot, tmp_path):
    from PySide6.QtWebEngineCore import QWebEnginePage, QWebEngineProfile

    from prayog_sdk.qt.webscheme import Guard

    view.set_overlay("q {{ 7*7 }} </script>", circle(22.72, 75.86, 450_000), QUERY)
    saved = tmp_path / "map.html"
    view.export_html(saved, title="Near Indore")
    text = saved.read_text(encoding="utf-8")
    assert "<title>Near Indore</title>" in text
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=", text)
    assert "lab://" not in text

    class HereToo(Guard):  # the file itself may be opened
        def interceptRequest(self, info):
            if info.requestUrl() != QUrl.fromLocalFile(str(saved)):
                super().interceptRequest(info)

    profile = QWebEngineProfile()
    guard = HereToo(profile)
    profile.setUrlRequestInterceptor(guard)
    page = QWebEnginePage(profile)
    with qtbot.waitSignal(page.loadFinished, timeout=10_000):
        page.load(QUrl.fromLocalFile(str(saved)))
    found = []
    page.runJavaScript("[...lab.overlays.keys()].join()", 0, found.append)
    qtbot.waitUntil(lambda: bool(found), timeout=5000)
    assert found == ["q {{ 7*7 }} </script>"]
    assert guard.blocked == []
    with qtbot.waitSignal(page.destroyed):
        page.deleteLater()
    profile.deleteLater()


def test_the_page_names_no_server(view):
    from folium import Map

    from prayog_sdk.qt.mappage import OfflineMap, page
    from prayog_sdk.qt.mapstyle import theme_values

    assert any("http" in url for _, url in Map.default_js)  # what is replaced, and why
    for _, url in [*OfflineMap.default_js, *OfflineMap.default_css]:
        assert url.startswith("lab://")
    html = page("Map", (0.0, 0.0, 2.0), theme_values(MapColours.light(), 13, {}))
    assert "http:" not in html
    assert "https:" not in html


def test_the_library_gives_out_its_own_files_only(view):
    library = view._drawing.library
    assert library.find("files", "leaflet/leaflet.js")
    assert library.find("qt", "qwebchannel.js")
    for path in (
        "../prayog_resources/__init__.py",
        "leaflet/../__init__.py",
        "__init__.py",
        "icons/play.svg",
        "",
        "map",
    ):
        assert library.find("files", path) is None, path


def test_when_the_web_view_dies_the_simple_map_takes_over_and_no_process_is_left(qapp, qtbot):
    def processes():
        return len(psutil.Process().children(recursive=True))

    made = MapView.create(None, prefer="web")
    qtbot.addWidget(made)
    made.set_points("answers", [0.0], [0.0], ANSWER)
    with qtbot.waitSignal(made.ready, timeout=20_000):
        made.show()
    assert made.backend == "web"
    during = processes()  # Chromium keeps some of them to start others from
    with qtbot.waitSignal(made.ready, timeout=20_000):
        made._drawing.failed.emit("the web view's process ended (code 9)")
    assert made.backend == "plain"
    assert "ended" in made.reason
    qtbot.waitUntil(lambda: processes() < during, timeout=10_000)
    made.release()
