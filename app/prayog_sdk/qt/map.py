"""A map in a panel: one interface, and behind it a web view with folium or, without WebEngine, a simple map.

It exists so that a topic draws places, cells, circles and answers once, and the learner can click, draw and save the
map, whatever the machine has. What was set is kept here, so it survives the page's start and a change of back-end.

    view = MapView.create(self)
    view.set_overlay("visited", boxes(cells), VISITED)       # mapshapes, mapstyle
    view.set_points("cities", lats, lons, PLACE)
    view.clicked.connect(self.on_centre)

Rules
1. Nothing heavy is imported before the map is first shown, and then on another thread: folium, numpy and pyqtgraph
   there, only WebEngine itself here (it starts Chromium).
2. Every failure of the web view ends in the simple map, with the reason in `reason`; never in an empty panel.
3. Latitude comes first in every call, south-west-north-east in every box; east below west means: over the date line.
4. A program that shows a map sets `Qt.AA_ShareOpenGLContexts` before it makes its `QApplication`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QFontInfo, QShowEvent
from PySide6.QtWidgets import QApplication, QLabel, QStackedLayout, QWidget

from prayog_sdk.qt import theme as _theme
from prayog_sdk.qt.jobs import Ctx, JobManager
from prayog_sdk.qt.mapstyle import ATTRIBUTION, MapColours, OverlayStyle, theme_values

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from prayog_sdk.qt.mapshapes import Shapes
    from prayog_sdk.qt.plainmap import World

__all__ = ["Backend", "MapView", "Tool", "web_view_missing"]

Tool = Literal["pan", "click", "box", "polygon"]
Kind = Literal["web", "plain"]

START_LIMIT_MS = 20_000
"""A page that is not ready after this long counts as failed."""


class Backend(Protocol):
    """What draws: `WebMap` or `PlainMap`. Signals are Qt signals; `moved` is latitude, longitude, zoom, box."""

    ready: Any
    failed: Any
    clicked: Any
    box_drawn: Any
    polygon_drawn: Any
    moved: Any

    def set_overlay(self, name: str, shapes: Shapes, style: OverlayStyle, colours: MapColours) -> None: ...
    def clear_overlay(self, name: str) -> None: ...
    def set_theme(self, values: Mapping[str, Any], colours: MapColours) -> None: ...
    def set_tool(self, tool: str) -> None: ...
    def set_view(self, lat: float, lon: float, zoom: float) -> None: ...
    def fit(self, south: float, west: float, north: float, east: float) -> None: ...


def web_view_missing() -> str:
    """Why this machine has no web view, as the end of a sentence; empty when nothing is known to be missing."""
    if find_spec("PySide6.QtWebEngineWidgets") is None:
        return "the web view (PySide6-Addons) is not installed"
    root = sys.platform == "linux" and os.geteuid() == 0
    if root and os.environ.get("QTWEBENGINE_DISABLE_SANDBOX") != "1":
        return "the web view does not run as root"
    if sys.platform == "linux" and not os.access("/dev/shm", os.W_OK | os.X_OK):  # Chromium would end the whole lab
        return "the web view needs /dev/shm, where you may not write (sudo chmod 1777 /dev/shm)"
    return ""


class MapView(QWidget):
    """The map. Make it with `create`; use it at once, it draws when it is ready."""

    ready = Signal()
    """The map can be seen, and shows what was set."""
    clicked = Signal(float, float)
    """Latitude, longitude: a click (or the space bar, at the middle of the map) with the tool ``click``."""
    feature_clicked = Signal(str, object)
    """Overlay and id of the feature under a click, with the tools ``pan`` and ``click``."""
    box_drawn = Signal(float, float, float, float)
    """South, west, north, east."""
    polygon_drawn = Signal(list)
    """A list of (latitude, longitude), not closed."""
    moved = Signal(float, float, float, float, float)
    """South, west, north, east (not wrapped: west below -180 or east above 180 is over the date line) and zoom."""

    def __init__(self, parent: QWidget | None = None, prefer: Kind = "web") -> None:
        super().__init__(parent)
        self.setAccessibleName("Map")
        self.reason = web_view_missing() if prefer == "web" else ""
        """Why the simple map is shown although the web view was asked for; empty otherwise."""
        self.backend: Kind = "plain" if self.reason else prefer
        self._colours = MapColours.of(_theme.current())
        self._overlays: dict[str, tuple[Shapes, OverlayStyle]] = {}
        self._view = (20.0, 78.0, 4.0)
        self._fit: tuple[float, float, float, float] | None = None
        self._box = (0.0, 0.0, 0.0, 0.0)
        self._tool: Tool = "pan"
        self._drawing: Backend | None = None
        self._is_ready = False
        self._jobs = JobManager(self, threads=1, interval_ms=15)
        self._released = False
        self._note = QLabel("Loading the map…", self)
        self._note.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._note.setProperty("kind", "muted")
        self._note.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._layers = QStackedLayout(self)
        self._layers.setStackingMode(QStackedLayout.StackingMode.StackAll)  # a hidden page would not know its size
        self._layers.addWidget(self._note)
        self._limit = QTimer(self)
        self._limit.setSingleShot(True)
        self._limit.timeout.connect(lambda: self._fall_back("the map page did not start in time"))
        app = QApplication.instance()
        if app is not None:
            app.aboutToQuit.connect(self.release)

    @classmethod
    def create(  # type: ignore[override]  # QWidget.create makes a native window; nobody calls it on a map
        cls, parent: QWidget | None = None, prefer: Kind = "web"
    ) -> MapView:
        """A map that uses the web view if it can, else the simple map; `backend` and `reason` say which and why."""
        return cls(parent, prefer)

    # -- what is drawn -----------------------------------------------------------------------------------------

    def set_overlay(self, name: str, features: Shapes | Mapping[str, Any] | ArrayLike, style: OverlayStyle) -> None:
        """Draw `features` under `name`, in place of what had that name.

        They are `Shapes` (from `mapshapes.boxes`, `circle`, `points`), GeoJSON, or an array (n, 4) of boxes south,
        west, north, east. Raises `ValueError` for GeoJSON that is none."""
        from prayog_sdk.qt.mapshapes import Shapes, boxes, geojson

        if isinstance(features, Mapping):
            shapes = geojson(features)
        else:
            shapes = features if isinstance(features, Shapes) else boxes(features)
        self._overlays[name] = (shapes, style)
        if self._is_ready and self._drawing is not None:
            self._drawing.set_overlay(name, shapes, style, self._colours)

    def set_points(self, name: str, lats: ArrayLike, lons: ArrayLike, style: OverlayStyle) -> None:
        """Draw points under `name`; hundreds of thousands are fine. A point's id is its index."""
        from prayog_sdk.qt.mapshapes import points

        self.set_overlay(name, points(lats, lons), style)

    def clear_overlay(self, name: str) -> None:
        """Take an overlay away; a name that is not there is no error."""
        self._overlays.pop(name, None)
        if self._is_ready and self._drawing is not None:
            self._drawing.clear_overlay(name)

    def set_theme(self, dark: bool) -> None:
        self._colours = MapColours.dark() if dark else MapColours.light()
        self._send_theme()

    # -- view and tools ----------------------------------------------------------------------------------------

    @property
    def center(self) -> tuple[float, float]:
        """Latitude and longitude of the middle of the map (what "use the map's centre" needs)."""
        return self._view[0], self._view[1]

    @property
    def zoom(self) -> float:
        """The world is 256 · 2**zoom pixels wide."""
        return self._view[2]

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """South, west, north, east of what is in view."""
        return self._box

    def center_on(self, lat: float, lon: float, zoom: float | None = None) -> None:
        self._fit = None
        self._view = (float(lat), float(lon), float(self._view[2] if zoom is None else zoom))
        if self._is_ready and self._drawing is not None:
            self._drawing.set_view(*self._view)

    def fit(self, south: float, west: float, north: float, east: float) -> None:
        """Show a whole box."""
        self._fit = (float(south), float(west), float(north), float(east + 360.0 if east < west else east))
        if self._is_ready and self._drawing is not None:
            self._drawing.fit(*self._fit)

    def set_tool(self, tool: Tool) -> None:
        """``pan``: drag moves. ``click``: a click tells its place. ``box``: a drag, or the space bar at two corners,
        draws a box. ``polygon``: clicks (or space) set corners, a double click or Enter ends, Backspace takes the
        last corner back, Escape gives up. Arrow keys and + - move the map with every tool."""
        self._tool = tool
        if self._is_ready and self._drawing is not None:
            self._drawing.set_tool(tool)

    # -- saving ------------------------------------------------------------------------------------------------

    def export_html(self, path: Path, title: str = "Map") -> None:
        """Save the map as it is, with its overlays, as one HTML file that opens with no network."""
        self.html_writer(title)(path)

    def html_writer(self, title: str = "Map") -> Callable[[Path], None]:
        """What `export_html` does, with the map as it is now: it touches no Qt, so it can run in a worker thread
        (it takes some tenths of a second)."""
        view, values, overlays, colours = self._view, self._theme_values(), dict(self._overlays), self._colours

        def write(path: Path) -> None:
            from prayog_sdk.qt.mappage import saved_page

            Path(path).write_text(saved_page(title, view, values, overlays, colours), encoding="utf-8")

        return write

    def grab_png(self, path: Path) -> None:
        """Save what is to be seen. Raises `OSError` when the file cannot be written."""
        if not self.grab().save(str(path), "PNG"):
            raise OSError(f"The picture of the map could not be written to {path}.")

    # -- starting, and falling back ----------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._drawing is None and not self._jobs.busy and not self._released:
            self._load()

    def _load(self) -> None:
        values, view = self._theme_values(), self._view

        def web(ctx: Ctx) -> str:
            from prayog_sdk.qt.mappage import page

            return page("Map", view, values)

        def plain(ctx: Ctx) -> World:
            from prayog_sdk.qt.plainmap import load_world

            return load_world()

        if self.backend == "web":
            self._start(web, self._start_web, self._fall_back)
        else:
            self._start(plain, self._start_plain, self._give_up)

    def _start(
        self, work: Callable[[Ctx], Any], done: Callable[[Any], None], failed: Callable[[str], None]
    ) -> None:
        job = self._jobs.submit(work)
        job.succeeded.connect(done)
        job.failed.connect(lambda sentence, _: failed(sentence))

    def _start_web(self, html: str) -> None:
        try:
            from prayog_sdk.qt.webmap import WebMap
        except ImportError as error:
            self._fall_back(str(error))
            return

        def open_page() -> None:
            if self._released:
                return
            try:
                self._attach(WebMap(html, self._colours.sea, self))
            except RuntimeError as error:
                self._fall_back(str(error))
                return
            self._limit.start(START_LIMIT_MS)

        QTimer.singleShot(0, self, open_page)  # importing and starting Chromium both take long: not in one go

    def _start_plain(self, world: World) -> None:
        from prayog_sdk.qt.plainmap import PlainMap

        self._attach(PlainMap(ATTRIBUTION, world, self))

    def _attach(self, drawing: QWidget) -> None:
        self._drawing = drawing  # type: ignore[assignment]  # both are QWidgets that keep the protocol
        drawing.ready.connect(self._on_ready)  # type: ignore[attr-defined]
        drawing.failed.connect(self._fall_back)  # type: ignore[attr-defined]
        drawing.clicked.connect(self._on_clicked)  # type: ignore[attr-defined]
        drawing.box_drawn.connect(self.box_drawn)  # type: ignore[attr-defined]
        drawing.polygon_drawn.connect(self.polygon_drawn)  # type: ignore[attr-defined]
        drawing.moved.connect(self._on_moved)  # type: ignore[attr-defined]
        self._layers.addWidget(drawing)
        self._layers.setCurrentWidget(self._note)
        self.setFocusProxy(drawing)

    def _fall_back(self, reason: str) -> None:
        """The web view does not work: say why and go on with the simple map."""
        if self.backend == "plain" or self._released:
            return
        self.reason, self.backend = reason, "plain"
        self._drop()
        self._note.show()
        self._load()

    def _give_up(self, reason: str) -> None:
        self._note.setText(f"The map cannot be drawn: {reason}.")
        self._note.setWordWrap(True)

    def _on_ready(self) -> None:
        if self._drawing is None or self._is_ready:
            return
        self._limit.stop()
        self._is_ready = True
        self._note.hide()
        self._layers.setCurrentWidget(self._drawing)  # type: ignore[arg-type]
        self._send_theme()
        for name, (shapes, style) in self._overlays.items():
            self._drawing.set_overlay(name, shapes, style, self._colours)
        self._drawing.set_tool(self._tool)
        if self._fit is not None:
            self._drawing.fit(*self._fit)
        else:
            self._drawing.set_view(*self._view)
        self.ready.emit()

    def _send_theme(self) -> None:
        if self._is_ready and self._drawing is not None:
            self._drawing.set_theme(self._theme_values(), self._colours)

    def _theme_values(self) -> dict[str, Any]:
        styles = {name: style for name, (_, style) in self._overlays.items()}
        return theme_values(self._colours, QFontInfo(self.font()).pixelSize(), styles)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._send_theme()

    def _on_moved(self, lat: float, lon: float, zoom: float, s: float, w: float, n: float, e: float) -> None:
        self._view, self._box = (lat, lon, zoom), (s, w, n, e)
        self.moved.emit(s, w, n, e, zoom)

    def _on_clicked(self, lat: float, lon: float) -> None:
        if self._tool == "click":
            self.clicked.emit(lat, lon)
        tolerance = 6.0 * 360.0 / (256.0 * 2.0**self.zoom)  # six pixels
        by_order = sorted(self._overlays.items(), key=lambda item: -item[1][1].order)
        for name, (shapes, _) in by_order:
            found = shapes.hit(lat, lon, tolerance)
            if found is not None:
                self.feature_clicked.emit(name, found)
                return

    def closeEvent(self, event: QCloseEvent) -> None:
        self.release()
        super().closeEvent(event)

    def release(self) -> None:
        """Let go of the web view and its processes (also done on close and when the program quits)."""
        self._released = True
        self._jobs.shutdown(0.0)
        self._drop()

    def _drop(self) -> None:
        self._limit.stop()
        self._is_ready = False
        drawing, self._drawing = self._drawing, None
        if drawing is not None:
            self.setFocusProxy(None)  # type: ignore[arg-type]
            drawing.setParent(None)  # type: ignore[attr-defined]
            drawing.deleteLater()  # type: ignore[attr-defined]
