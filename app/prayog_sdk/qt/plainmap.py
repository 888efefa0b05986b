"""The simple back-end of the map: pyqtgraph and QPainter, for machines that have no web view, and for quick tests.

It exists so that every lesson can be finished without WebEngine: the same overlays, tools, keys and signals as
`webmap.py`. A pyqtgraph view box does panning and zooming; `mappaint.py` draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, cos, log2, log10, radians
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import QColor, QFont, QKeyEvent, QMouseEvent, QPainter, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QToolButton, QVBoxLayout, QWidget

from prayog_sdk.qt.mapmarkers import Screen
from prayog_sdk.qt.mapoutline import Detail, outline
from prayog_sdk.qt.mappaint import Mark, Painted, Parts, paint_aim, paint_marks, paint_overlay, paint_world, write
from prayog_sdk.qt.mapshapes import Shapes, mercator
from prayog_sdk.qt.mapstyle import SKETCH, MapColours, OverlayStyle
from prayog_sdk.qt.maptools import Corner, Drawing, wrapped
from prayog_sdk.qt.mapwidget import MapWidget

__all__ = ["PlainMap", "World", "load_world"]

MIN_ZOOM, MAX_ZOOM = 1.0, 14.0
FINE_FROM_ZOOM = 3.5
KEY_STEP_PX = 80
METRES_PER_DEGREE = 111_319.49  # of longitude on the equator
MOVED_AFTER_MS = 120  # a drag is told once, when it has come to rest


World = Mapping[Detail, tuple[Parts, Parts]]
"""Land and borders for each level of detail."""


def load_world() -> World:
    return {"110m": outline("110m"), "50m": outline("50m")}


def latitude(y: float) -> float:
    """Mercator degrees back to latitude (Snyder 1987, eq. 7-4)."""
    return float(np.degrees(np.arcsin(np.tanh(np.radians(y)))))


class _Box(pg.ViewBox):  # type: ignore[misc]  # pyqtgraph has no types
    """Pans and zooms as pyqtgraph does, and gives clicks and box drags to the map."""

    def __init__(self, owner: PlainMap) -> None:
        super().__init__(enableMenu=False, lockAspect=1.0)
        self._owner = owner
        self.state["wheelScaleFactor"] = -1.0 / 6.0

    def mouseClickEvent(self, event: Any) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            event.accept()
            drawing = self._owner.drawing
            if event.double() and drawing.tool == "polygon":
                drawing.end_polygon()
            elif drawing.tool != "box":
                drawing.corner(self._owner.corner_at(event.scenePos()))
            self._owner.redraw()

    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:
        drawing = self._owner.drawing
        if drawing.tool != "box" or event.button() != Qt.MouseButton.LeftButton:
            super().mouseDragEvent(event, axis)
            return
        event.accept()
        a, b = self._owner.corner_at(event.buttonDownScenePos()), self._owner.corner_at(event.scenePos())
        if event.isFinish():
            drawing.end_box(a, b)
        else:
            drawing.sketch_box(a, b)
        self._owner.redraw()


class _Scene(pg.GraphicsObject):  # type: ignore[misc]
    """The one item of the view: it covers everything and paints in pixels."""

    def __init__(self, owner: PlainMap) -> None:
        super().__init__()
        self._owner = owner

    def boundingRect(self) -> QRectF:
        return QRectF(-1e4, -1e4, 2e4, 2e4)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        painter.save()
        painter.resetTransform()
        ratio = painter.device().devicePixelRatioF() if painter.device() else 1.0
        painter.scale(ratio, ratio)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        self._owner.paint(painter)
        painter.restore()


class _View(pg.GraphicsView):  # type: ignore[misc]
    def __init__(self, owner: PlainMap) -> None:
        super().__init__(owner)
        self._owner = owner
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFrameShape(pg.GraphicsView.Shape.NoFrame)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._owner.key(event.key()):
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._owner.keys_used = False
        super().mousePressEvent(event)


class PlainMap(MapWidget):
    """See `prayog_sdk.qt.map.Backend` for what each method means."""

    def __init__(self, attribution: str, world: World, parent: QWidget | None = None) -> None:
        """`world` comes from `load_world`, which may run on another thread."""
        super().__init__(parent)
        self._attribution = attribution
        self._colours = MapColours.light()
        self._font = QFont(self.font())
        self._world = world
        self._overlays: dict[str, tuple[Painted, OverlayStyle]] = {}
        self._ground: tuple[Any, QPixmap, list[Mark]] | None = None
        self.drawing = Drawing(self.clicked.emit, self.box_drawn.emit, self.polygon_drawn.emit)
        self.keys_used = False
        self._lat, self._lon, self._zoom = 0.0, 0.0, 2.0
        self._placing = False
        self._view = _View(self)
        self._view.setAccessibleName(self.tr("Map"))
        self._view.viewport().setAccessibleName(self.tr("Map"))
        self._box = _Box(self)
        self._scene = _Scene(self)
        self._box.addItem(self._scene, ignoreBounds=True)
        self._view.setCentralItem(self._box)
        self._box.sigRangeChanged.connect(self._on_range)
        self._view.scene().sigMouseMoved.connect(self._on_hover)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._view)
        self._zoom_in = self._button("+", "Zoom in", 1.0)
        self._zoom_out = self._button("−", "Zoom out", -1.0)
        self.setFocusProxy(self._view)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(MOVED_AFTER_MS)
        self._rest.timeout.connect(self._tell_moved)
        QTimer.singleShot(0, self, self.ready.emit)

    # -- what MapView calls ------------------------------------------------------------------------------------

    def set_overlay(self, name: str, shapes: Shapes, style: OverlayStyle, colours: MapColours) -> None:
        self._overlays[name] = (Painted(shapes), style)
        self.redraw()

    def clear_overlay(self, name: str) -> None:
        self._overlays.pop(name, None)
        self.redraw()

    def set_theme(self, values: Mapping[str, Any], colours: MapColours) -> None:
        self._colours = colours
        self._font = QFont(self.font())
        self._font.setPixelSize(round(values["fontPx"]))
        side = max(28, round(values["fontPx"] * 2))
        style = (
            f"QToolButton {{ background: {colours.surface}; color: {colours.text}; border: 1px solid {colours.edge};"
            f" border-radius: 8px; font-size: {round(values['fontPx'] * 1.25)}px; font-weight: 500; }}"
            f" QToolButton:hover {{ background: {colours.land}; }}"
            f" QToolButton:focus {{ border: 2px solid {colours.accent}; }}"
        )
        for place, button in enumerate((self._zoom_in, self._zoom_out)):
            button.setStyleSheet(style)
            button.setGeometry(10, 10 + place * (side + 4), side, side)
        self._view.setBackground(QColor(colours.sea))
        self.redraw()

    def set_tool(self, tool: str) -> None:
        self.drawing.take(tool)
        self.redraw()
        self._view.setCursor(Qt.CursorShape.OpenHandCursor if tool == "pan" else Qt.CursorShape.CrossCursor)

    def set_view(self, lat: float, lon: float, zoom: float) -> None:
        self._lat, self._lon = lat, lon
        self._zoom = min(MAX_ZOOM, max(MIN_ZOOM, zoom))
        self._place()

    def fit(self, south: float, west: float, north: float, east: float) -> None:
        (x0, y0), (x1, y1) = mercator(np.array([[west, south], [east, north]]))
        width, height = max(1, self._view.width() - 48), max(1, self._view.height() - 48)
        k = min(width / max(x1 - x0, 1e-9), height / max(y1 - y0, 1e-9))
        self.set_view(latitude((y0 + y1) / 2), (west + east) / 2, floor_quarter(log2(k * 360 / 256)))

    # -- view --------------------------------------------------------------------------------------------------

    def _screen(self) -> Screen:
        k = 256.0 * 2.0**self._zoom / 360.0
        width, height = float(self._view.width()), float(self._view.height())
        y = float(mercator(np.array([[self._lon, self._lat]]))[0, 1])
        return Screen(k, width / 2 - self._lon * k, height / 2 + y * k, width, height)

    def _place(self) -> None:
        """Make pyqtgraph show what `_lat`, `_lon` and `_zoom` say."""
        s = self._screen()
        self._placing = True
        narrowest, widest = (s.width * 360.0 / (256.0 * 2.0**zoom) for zoom in (MAX_ZOOM, MIN_ZOOM))
        self._box.setLimits(minXRange=narrowest, maxXRange=widest)
        west, north = -s.x0 / s.k, s.y0 / s.k
        self._box.setRange(QRectF(west, north - s.height / s.k, s.width / s.k, s.height / s.k), padding=0)
        self._placing = False
        self._rest.start()
        self.redraw()

    def _on_range(self) -> None:
        if self._placing:
            return
        (west, east), (south, north) = self._box.viewRange()
        y = (south + north) / 2
        self._lon, self._lat = (west + east) / 2, latitude(min(175.0, max(-175.0, y)))
        self._zoom = min(MAX_ZOOM, max(MIN_ZOOM, log2(self._view.width() / (east - west) * 360 / 256)))
        if abs(y) > 175.0:
            self._place()
        if self.drawing.tool == "box":
            self.drawing.hover((self._lat, self._lon))
        self._rest.start()
        self.redraw()

    def _tell_moved(self) -> None:
        s = self._screen()
        south, north = latitude((s.y0 - s.height) / s.k), latitude(s.y0 / s.k)
        self.moved.emit(
            self._lat, wrapped(self._lon), self._zoom, south, -s.x0 / s.k, north, (s.width - s.x0) / s.k
        )  # fmt: skip

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _button(self, text: str, name: str, levels: float) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setAccessibleName(name)
        button.setToolTip(name)
        button.clicked.connect(lambda: self.set_view(self._lat, self._lon, self._zoom + levels))
        return button

    # -- drawing -----------------------------------------------------------------------------------------------

    def paint(self, p: QPainter) -> None:
        screen = self._screen()
        detail: Detail = "50m" if self._zoom >= FINE_FROM_ZOOM else "110m"
        wanted = (screen, detail, self._colours, self._font.pixelSize(), p.device().devicePixelRatioF())
        if self._ground is None or self._ground[0] != wanted:  # kept, so that a new overlay or sketch costs only itself
            self._ground = (wanted, *self._paint_ground(screen, detail, p.device().devicePixelRatioF()))
        _, ground, marks = self._ground
        p.drawPixmap(QPointF(0, 0), ground)
        for painted, style in sorted(self._overlays.values(), key=lambda pair: pair[1].order):
            paint_overlay(p, screen, painted, style.paint(self._colours))
        if self.drawing.sketch is not None:
            paint_overlay(p, screen, Painted(self.drawing.sketch), SKETCH.paint(self._colours))
        paint_marks(p, marks, self._colours, self._font)
        self._scale(p, screen)
        if self.keys_used and self.drawing.tool != "pan" and self._view.hasFocus():
            paint_aim(p, screen, self._colours)
        if self._view.hasFocus() and self.keys_used:
            p.setPen(QPen(QColor(self._colours.accent), 2.0))
            p.setBrush(Qt.BrushStyle.NoBrush)
            p.drawRect(QRectF(1, 1, screen.width - 2, screen.height - 2))

    def _paint_ground(self, screen: Screen, detail: Detail, ratio: float) -> tuple[QPixmap, list[Mark]]:
        ground = QPixmap(ceil(screen.width * ratio), ceil(screen.height * ratio))
        ground.setDevicePixelRatio(ratio)
        p = QPainter(ground)
        p.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        marks = paint_world(p, screen, *self._world[detail], self._colours, self._font.pixelSize())
        p.end()
        return ground, marks

    def redraw(self) -> None:
        self._scene.update()

    def _scale(self, p: QPainter, s: Screen) -> None:
        """The scale bar (true at the middle of the map) and where the data is from."""
        small = QFont(self._font)
        small.setPixelSize(max(8, round(self._font.pixelSize() * 0.8)))
        p.setFont(small)
        metrics = p.fontMetrics()
        per_px = METRES_PER_DEGREE * cos(radians(self._lat)) / s.k
        length = _round_length(140 * per_px)
        x, y, width = 10.0, s.height - 10.0, length / per_px
        ground = QColor(self._colours.sea)
        ground.setAlphaF(0.75)
        note = metrics.horizontalAdvance(self._attribution)
        p.fillRect(QRectF(x, y - metrics.height() - 4, width, metrics.height() + 4), ground)
        p.fillRect(QRectF(s.width - note - 16, y - metrics.height(), note + 16, metrics.height() + 10), ground)
        p.setPen(QPen(QColor(self._colours.text), 1.5))
        p.drawPolyline([QPointF(x, y - 6), QPointF(x, y), QPointF(x + width, y), QPointF(x + width, y - 6)])
        text = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
        write(p, QPointF(x + 5, y - 5), text, self._colours.text, self._colours.sea)
        at = QPointF(s.width - note - 8, y - metrics.descent() + 4)
        write(p, at, self._attribution, self._colours.muted, self._colours.sea)

    # -- tools -------------------------------------------------------------------------------------------------

    def corner_at(self, scene: QPointF) -> Corner:
        at = self._box.mapSceneToView(scene)
        return latitude(at.y()), float(at.x())

    def key(self, key: int) -> bool:
        """Act on a key of the map; False when it is none."""
        k, middle = Qt.Key, (self._lat, self._lon)
        shifts = {k.Key_Left: (-1, 0), k.Key_Right: (1, 0), k.Key_Up: (0, 1), k.Key_Down: (0, -1)}
        if key in shifts:
            dx, dy = shifts[Qt.Key(key)]
            s = self._screen()
            y = (s.y0 - s.height / 2) / s.k + dy * KEY_STEP_PX / s.k
            self.set_view(latitude(min(175.0, max(-175.0, y))), self._lon + dx * KEY_STEP_PX / s.k, self._zoom)
        elif key in (k.Key_Plus, k.Key_Equal, k.Key_Minus):
            self.set_view(*middle, self._zoom + (-1 if key == k.Key_Minus else 1))
        elif key == k.Key_Space or (key in (k.Key_Return, k.Key_Enter) and self.drawing.tool != "polygon"):
            self.drawing.corner(middle)
        elif key in (k.Key_Return, k.Key_Enter):
            self.drawing.end_polygon()
        elif key == k.Key_Backspace and self.drawing:
            self.drawing.back()
        elif key == k.Key_Escape and self.drawing:
            self.drawing.give_up()
        else:
            return False
        self.keys_used = True
        self.redraw()
        return True

    def _on_hover(self, scene: QPointF) -> None:
        if self.drawing:
            self.drawing.hover(self.corner_at(scene))
            self.redraw()


def floor_quarter(zoom: float) -> float:
    """The zoom levels of the web map: quarters."""
    return float(np.floor(zoom * 4) / 4)


def _round_length(longest_m: float) -> float:
    """The longest length of 1, 2, 3 or 5 times a power of ten that is not above `longest_m`."""
    power = 10.0 ** (ceil(log10(longest_m)) - 1)
    return power * next(step for step in (10, 5, 3, 2, 1) if step * power <= longest_m)
