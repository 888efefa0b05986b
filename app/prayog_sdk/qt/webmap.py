"""The web back-end of the map: folium's page in a web view, with no network.

It exists because Leaflet is the map that learners will use elsewhere, and a page can be saved and sent. All drawing
after the start goes through functions of `lab-map.js`; all input comes back over one web channel object.

Rules
1. The view, its page and its profile are children of this widget in that order, so that Qt deletes the page before
   the profile ("Release of profile requested but WebEnginePage still not deleted" otherwise, and a crash).
2. The profile is off the record: nothing is written to disk, and the helper processes end with the widget.
3. What is larger than `SCRIPT_LIMIT` travels as `lab://data/…`, not inside a script.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from PySide6.QtCore import QObject, QUrl, Slot
from PySide6.QtWebChannel import QWebChannel
from PySide6.QtWebEngineCore import QWebEnginePage, QWebEngineProfile
from PySide6.QtWebEngineWidgets import QWebEngineView
from PySide6.QtWidgets import QVBoxLayout, QWidget

from prayog_sdk.qt.mappage import packed
from prayog_sdk.qt.mapshapes import Shapes
from prayog_sdk.qt.mapstyle import MapColours, OverlayStyle
from prayog_sdk.qt.mapwidget import MapWidget
from prayog_sdk.qt.webscheme import SCHEME, Guard, Library, register_scheme

__all__ = ["WebMap"]

SCRIPT_LIMIT = 1_000_000
PAGE = "lab://page/index.html"


class _Bridge(QObject):
    """What the page can call: `qt.webChannelTransport` offers only this object's slots."""

    def __init__(self, owner: WebMap) -> None:
        super().__init__(owner)
        self._owner = owner

    @Slot()
    def ready(self) -> None:
        self._owner.ready.emit()

    @Slot(float, float)
    def click(self, lat: float, lon: float) -> None:
        self._owner.clicked.emit(lat, lon)

    @Slot(float, float, float, float)
    def box(self, south: float, west: float, north: float, east: float) -> None:
        self._owner.box_drawn.emit(south, west, north, east)

    @Slot(str)
    def polygon(self, corners: str) -> None:
        self._owner.polygon_drawn.emit([(float(lat), float(lon)) for lat, lon in json.loads(corners)])

    @Slot(float, float, float, float, float, float, float)
    def moved(self, lat: float, lon: float, zoom: float, s: float, w: float, n: float, e: float) -> None:
        self._owner.moved.emit(lat, lon, zoom, s, w, n, e)


class _Page(QWebEnginePage):
    """Stays on the map and keeps what the console says, so that a fault in the page is not silent."""

    def __init__(self, profile: QWebEngineProfile, parent: QObject) -> None:
        super().__init__(profile, parent)
        self.errors: list[str] = []

    def acceptNavigationRequest(
        self, url: QUrl | str, type: QWebEnginePage.NavigationType, isMainFrame: bool
    ) -> bool:
        return QUrl(url).scheme().encode() == SCHEME

    def javaScriptConsoleMessage(
        self, level: QWebEnginePage.JavaScriptConsoleMessageLevel, message: str, lineNumber: int, sourceID: str
    ) -> None:
        if level is QWebEnginePage.JavaScriptConsoleMessageLevel.ErrorMessageLevel:
            self.errors.append(f"{sourceID}:{lineNumber}: {message}")


class WebMap(MapWidget):
    """See `prayog_sdk.qt.map.Backend` for what each method means."""

    def __init__(self, html: str, background: str, parent: QWidget | None = None) -> None:
        """`html` comes from `mappage.page`. Raises `RuntimeError` when the `lab:` scheme cannot be had."""
        super().__init__(parent)
        if not register_scheme():
            raise RuntimeError("another part of the program started the web engine first")
        self._view = QWebEngineView(self)
        self._profile = QWebEngineProfile(self)  # no name: off the record
        self.library = Library(self._profile)
        self.library.pages["index.html"] = html.encode()
        self.guard = Guard(self._profile)
        self._profile.installUrlSchemeHandler(SCHEME, self.library)
        self._profile.setUrlRequestInterceptor(self.guard)
        self.page = _Page(self._profile, self._view)
        self._channel = QWebChannel(self.page)
        self._channel.registerObject("bridge", _Bridge(self))
        self.page.setWebChannel(self._channel)
        self.page.loadFinished.connect(self._on_loaded)
        self.page.renderProcessTerminated.connect(self._on_terminated)
        self.page.setBackgroundColor(background)  # the default is white, which flashes in the dark
        self._view.setPage(self.page)
        self._view.setAcceptDrops(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._view)
        self.setFocusProxy(self._view)
        self._sent = 0
        self.page.load(QUrl(PAGE))

    def set_overlay(self, name: str, shapes: Shapes, style: OverlayStyle, colours: MapColours) -> None:
        body = json.dumps(packed(shapes), separators=(",", ":"))
        paint = json.dumps(asdict(style.paint(colours)))
        self._forget(name)
        if len(body) <= SCRIPT_LIMIT:
            self._run(f"lab.setOverlay({json.dumps(name)},{body},{paint})")
            return
        self._sent += 1
        path = f"{self._sent}/{name}"
        self.library.data[path] = body.encode()
        address = QUrl(f"lab://data/{self._sent}/")
        address.setPath(f"/{path}")
        self._run(f"lab.loadOverlay({json.dumps(name)},{json.dumps(address.toString())},{paint})")

    def clear_overlay(self, name: str) -> None:
        self._forget(name)
        self._run(f"lab.clearOverlay({json.dumps(name)})")

    def set_theme(self, values: Mapping[str, Any], colours: MapColours) -> None:
        self.page.setBackgroundColor(colours.sea)
        self._run(f"lab.setTheme({json.dumps(values)})")

    def set_tool(self, tool: str) -> None:
        self._run(f"lab.setTool({json.dumps(tool)})")

    def set_view(self, lat: float, lon: float, zoom: float) -> None:
        self._run(f"lab.view({lat!r},{lon!r},{zoom!r})")

    def fit(self, south: float, west: float, north: float, east: float) -> None:
        self._run(f"lab.fit({south!r},{west!r},{north!r},{east!r})")

    def _run(self, script: str) -> None:
        self.page.runJavaScript(script)

    def _forget(self, name: str) -> None:
        for path in [path for path in self.library.data if path.partition("/")[2] == name]:
            del self.library.data[path]

    def _on_loaded(self, ok: bool) -> None:
        self.page.loadFinished.disconnect(self._on_loaded)  # later ones are navigations that were refused
        if not ok:
            self.failed.emit("the map page did not load")

    def _on_terminated(self, status: QWebEnginePage.RenderProcessTerminationStatus, code: int) -> None:
        if status is not QWebEnginePage.RenderProcessTerminationStatus.NormalTerminationStatus:
            self.failed.emit(f"the web view's process ended (code {code})")
