"""The map: where the places are, what was asked, which parts the index looked at and why, and what it found."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from prayog_location.panels.gathered_panel import GatheredPanel
from prayog_location.panels.gathering import ACTIONS
from prayog_location.panels.run_table import RunTable
from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.icons import icon
from prayog_sdk.qt.map import MapView
from prayog_sdk.qt.mapstyle import (
    ANSWER,
    CENTRE,
    INSIDE,
    PLACE,
    PRUNED,
    QUERY,
    REFINED,
    ROUTE,
    VISITED,
    OverlayStyle,
)
from prayog_sdk.qt.panel import Bench
from prayog_sim.run import Action, View

__all__ = ["MapPanel"]

DRAWN_PLACES = 20_000
DRAWN_CELLS = 4_000
STYLES: Mapping[str, OverlayStyle] = {"pruned": PRUNED, "visited": VISITED, "refined": REFINED, "inside": INSIDE}
LEGEND = {
    "visited": "▣ opened",
    "refined": "▨ tested one by one",
    "inside": "■ taken whole",
    "pruned": "▢ left out",
}
TOOLS = (
    ("pan", "Move", "drag to move the map"),
    ("radius", "Circle", "click a centre, or type it and press Ask"),
    ("nearest", "Nearest", "click a place to start from"),
    ("box", "Box", "drag a box"),
    ("polygon", "Polygon", "click corners, double-click to finish"),
    ("measure", "Two pins", "click two places"),
)


class MapPanel(GatheredPanel):
    """Click to ask, look to understand."""

    title = "Map"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._drawn_table: object = None
        self._table = RunTable(self._draw_places)
        self._pin: tuple[float, float] | None = None
        self._tool = "radius"
        self._brought: Mapping[str, Any] | None = None
        """The question that was brought into view."""
        self._sizes = {"radius": "50", "nearest": "10"}
        self.map = MapView.create(self)
        self.map.setMinimumHeight(120)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._bar())
        layout.addWidget(self.map, 1)
        layout.addWidget(self._foot())
        self.map.clicked.connect(self._clicked)
        self.map.box_drawn.connect(self._box)
        self.map.polygon_drawn.connect(self._polygon)
        self.map.feature_clicked.connect(self._explain)
        self._use_tool("radius")

    # -- the controls --------------------------------------------------------------------------------------------

    def _bar(self) -> QWidget:
        bar = QWidget()
        row = FlowLayout(bar)
        row.setContentsMargins(theme.UNIT, theme.UNIT // 2, theme.UNIT, theme.UNIT // 2)
        self._tools = QComboBox()
        self._tools.setAccessibleName(self.tr("What a click on the map does"))
        for name, title, hint in TOOLS:
            self._tools.addItem(self.tr(title), name)
            self._tools.setItemData(self._tools.count() - 1, self.tr(hint), Qt.ItemDataRole.ToolTipRole)
        self._tools.currentIndexChanged.connect(lambda _index: self._use_tool(self._tools.currentData()))
        self._size = QLineEdit("50")
        self._size.setFixedWidth(theme.scaled(64))
        self._size.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._size.returnPressed.connect(self._ask_at_centre)
        self._unit = QLabel("km")
        self._centre = QLineEdit("22.7196, 75.8577")
        self._centre.setAccessibleName(self.tr("Centre: latitude, longitude"))
        self._centre.setToolTip(self.tr("Latitude, longitude. Enter asks."))
        self._centre.setMinimumWidth(theme.scaled(140))
        self._centre.returnPressed.connect(self._ask_at_centre)
        here = QToolButton()
        here.setIcon(icon("pin"))
        here.setToolTip(self.tr("Take the middle of the map as the centre"))
        here.setAccessibleName(here.toolTip())
        here.clicked.connect(self._take_middle)
        ask = QPushButton(self.tr("Ask"))
        ask.setProperty("kind", "primary")
        ask.clicked.connect(self._ask_at_centre)
        for widget in (self._tools, self._size, self._unit, self._centre, here, ask):
            row.addWidget(widget)
        return bar

    def _foot(self) -> QWidget:
        foot = QWidget()
        column = QVBoxLayout(foot)
        column.setContentsMargins(theme.UNIT, theme.UNIT // 2, theme.UNIT, theme.UNIT // 2)
        column.setSpacing(theme.UNIT // 2)
        legend = QWidget()
        row = FlowLayout(legend)
        row.setContentsMargins(0, 0, 0, 0)
        self._counts: dict[str, QLabel] = {}
        for action, words in LEGEND.items():
            label = QLabel(words)
            label.setProperty("kind", "muted")
            self._counts[action] = label
            row.addWidget(label)
        self._found = QLabel("")
        row.addWidget(self._found)
        self._why = QLabel("")
        self._why.setWordWrap(True)
        self._why.setMaximumHeight(2 * self._why.fontMetrics().lineSpacing() + 4)  # the rest is in the tooltip
        self._why.setAccessibleName(self.tr("Why this cell"))
        column.addWidget(legend)
        column.addWidget(self._why)
        self._legend = legend
        return foot

    def _use_tool(self, name: str) -> None:
        self._tools.setCurrentIndex([tool for tool, _, _ in TOOLS].index(name))
        before, self._tool = self._tool, name
        self._pin = None
        drawing = {"pan": "pan", "box": "box", "polygon": "polygon"}.get(name, "click")
        self.map.set_tool(drawing)  # type: ignore[arg-type] # the four names above are tools
        sized = name in ("radius", "nearest")
        self._size.setEnabled(sized)
        if sized and before != name:
            self._sizes[before] = self._size.text()
            self._size.setText(self._sizes.get(name, "10" if name == "nearest" else "50"))
        self._size.setAccessibleName(self.tr("How many") if name == "nearest" else self.tr("Radius in km"))
        self._unit.setText(self.tr("places") if name == "nearest" else "km")
        self._say(self.tr(next(hint for tool, _, hint in TOOLS if tool == name)).capitalize() + ".")

    def _take_middle(self) -> None:
        lat, lon = self.map.center
        self._centre.setText(f"{lat:.4f}, {_wrapped(lon):.4f}")

    def _ask_at_centre(self) -> None:
        """Enter in the field, or the button: the way without a mouse."""
        point = self._centre.text().strip()
        if self._tool not in ("radius", "nearest"):
            self._use_tool("radius")
        self._ask(point)

    # -- asking --------------------------------------------------------------------------------------------------

    def _clicked(self, lat: float, lon: float) -> None:
        lon = _wrapped(lon)
        self._centre.setText(f"{lat:.4f}, {lon:.4f}")
        if self._tool != "measure":
            self._ask([round(lat, 6), round(lon, 6)])
        elif self._pin is None:
            self._pin = (lat, lon)
            self.map.set_points("pins", [lat], [lon], CENTRE)
            self._say(self.tr("Now click the second place."))
        else:
            here, self._pin = self._pin, None
            self._do("measure", {"from": [round(x, 6) for x in here], "to": [round(lat, 6), round(lon, 6)]})

    def _ask(self, point: str | Sequence[float]) -> None:
        if self._tool == "nearest":
            self._do("nearest", {"point": point, "k": self._size.text()})
        else:
            self._do("radius", {"point": point, "km": self._size.text()})

    def _box(self, south: float, west: float, north: float, east: float) -> None:
        edges = {"south": south, "west": _wrapped(west), "north": north, "east": _wrapped(east)}
        self._do("box", {name: round(value, 6) for name, value in edges.items()})

    def _polygon(self, corners: Sequence[tuple[float, float]]) -> None:
        self._do("polygon", {"corners": [[round(lat, 6), round(_wrapped(lon), 6)] for lat, lon in corners]})

    def _do(self, name: str, args: Mapping[str, Any]) -> None:
        if self.bench is not None:
            self.bench.do(Action(name, args))

    # -- drawing -------------------------------------------------------------------------------------------------

    def bind(self, bench: Bench) -> None:
        super().bind(bench)
        self._drawn_table = None

    def on_seek(self, view: View) -> None:
        super().on_seek(view)
        if self._gathered.query is None:
            self._say(self.tr("Click the map to ask. Then click a cell to see why the index looked at it."))

    def draw(self) -> None:
        self._draw_places()
        self._draw_question()
        self._draw_visits()
        self._draw_answer()
        self._draw_pins()

    def _draw_places(self) -> None:
        table = self._table.of(self.bench) if self.bench else None
        if table is None or table is self._drawn_table:
            return
        self._drawn_table = table
        points = table.points
        self.map.set_points("places", points.lat[:DRAWN_PLACES], points.lon[:DRAWN_PLACES], PLACE)
        for name in ("pins", "route"):
            self.map.clear_overlay(name)
        described = self._gathered.table
        if described and described["bounds"] and len(points) < DRAWN_PLACES:
            self.map.fit(*_padded(described["bounds"]))
        if described and described["problems"]:
            more = len(described["problems"]) - 1
            rest = self.tr(" (and {n} more)").replace("{n}", str(more)) if more else ""
            self._say(described["problems"][0] + rest)
        elif len(points) > DRAWN_PLACES:
            shown = self.tr("The map draws {n} of {all} places; the index holds them all.")
            self._say(shown.replace("{n}", f"{DRAWN_PLACES:,}").replace("{all}", f"{len(points):,}"))

    def _draw_question(self) -> None:
        from prayog_sdk.qt import mapshapes

        query = self._gathered.query
        if query is None:
            self.map.clear_overlay("question")
            self.map.clear_overlay("centre")
            return
        ask = query["ask"]
        if ask in ("radius", "same_cell", "nine_cells"):
            lat, lon = query["point"]
            self.map.set_overlay("question", mapshapes.circle(lat, lon, query["metres"]), QUERY)
        elif ask == "box":
            self.map.set_overlay("question", [query["box"]], QUERY)
        elif ask == "polygon":
            rings = [[[lon, lat] for lat, lon in ring] for ring in query["rings"]]
            closed = [[*ring, ring[0]] for ring in rings]
            self.map.set_overlay("question", {"type": "Polygon", "coordinates": closed}, QUERY)
        else:
            answer = self._gathered.answer
            reach = answer["nearest"][-1]["metres"] if answer and answer["nearest"] else 0
            self.map.set_overlay("question", mapshapes.circle(query["point"][0], query["point"][1], reach), QUERY)
        if "point" in query:
            self.map.set_points("centre", [query["point"][0]], [query["point"][1]], CENTRE)
        else:
            self.map.clear_overlay("centre")
        if query is not self._brought:
            self._brought = query
            self._look_at(query)

    def _look_at(self, query: Mapping[str, Any]) -> None:
        """Bring a new question into view, unless it is in view already at a size that can be read."""
        bounds = _bounds_of(query)
        if bounds is None:
            return
        south, west, north, east = self.map.bounds
        seen = south <= bounds[0] and bounds[2] <= north and west <= bounds[1] and bounds[3] <= east
        small = (bounds[2] - bounds[0]) * 12 < north - south
        if not seen or small:
            self.map.fit(*_padded(bounds))

    def _draw_visits(self) -> None:
        for action in ACTIONS:
            visits = self._gathered.visits[action]
            self._counts[action].setText(f"{LEGEND[action]} {len(visits):,}")
            cells = [visit["bounds"] for visit in visits[-DRAWN_CELLS:]]
            if cells:
                self.map.set_overlay(action, cells, STYLES[action])
            else:
                self.map.clear_overlay(action)
        last = self._gathered.last
        if last is not None:
            self._say(_words(last))

    def _draw_answer(self) -> None:
        answer, oracle = self._gathered.answer, self._gathered.oracle
        table = self._drawn_table
        if answer is None or table is None:
            self.map.clear_overlay("answer")
            self.map.clear_overlay("missed")
            self._found.setText("")
            return
        points = table.points  # type: ignore[attr-defined] # a Table
        self.map.set_points("answer", points.lat[answer["ids"]], points.lon[answer["ids"]], ANSWER)
        words = self.tr("● {n} found").replace("{n}", f"{answer['count']:,}")
        if oracle is not None and oracle["missing"]:
            ids = oracle["missing_ids"]
            self.map.set_points("missed", points.lat[ids], points.lon[ids], CENTRE)
            words += (
                self.tr(", {n} missed: {names}")
                .replace("{n}", f"{oracle['missing']:,}")
                .replace("{names}", ", ".join(oracle["missing_names"]))
            )
        elif oracle is not None:
            words += self.tr(", the same as a full scan")
            self.map.clear_overlay("missed")
        self._found.setText(words)

    def _draw_pins(self) -> None:
        pins = self._gathered.pins
        if pins is None:
            return
        (lat1, lon1), (lat2, lon2) = pins["from"], pins["to"]
        self.map.set_points("pins", [lat1, lat2], [lon1, lon2], CENTRE)
        line = {"type": "LineString", "coordinates": great_circle((lat1, lon1), (lat2, lon2))}
        self.map.set_overlay("route", line, ROUTE)
        bounds = (min(lat1, lat2), min(lon1, lon2), max(lat1, lat2), max(lon1, lon2))
        if not self._gathered.rulers:
            self.map.fit(*_padded(bounds))

    def _explain(self, overlay: str, ident: object) -> None:
        """Why this cell: the visit behind a click."""
        visits = self._gathered.visits.get(overlay)
        if visits is not None and isinstance(ident, int):
            shown = visits[-DRAWN_CELLS:]
            if 0 <= ident < len(shown):
                self._say(_words(shown[ident]))
        elif overlay in ("places", "answer") and isinstance(ident, int) and self._drawn_table is not None:
            place = ident
            if overlay == "answer" and self._gathered.answer is not None:
                place = self._gathered.answer["ids"][ident]
            points = self._drawn_table.points  # type: ignore[attr-defined]
            name = self._drawn_table.label(place)  # type: ignore[attr-defined]
            self._say(f"{name}: {points.lat[place]:.5f}, {points.lon[place]:.5f}")

    def _say(self, sentence: str) -> None:
        self._why.setText(sentence)
        self._why.setToolTip(sentence)

    # -- the rest ------------------------------------------------------------------------------------------------

    def on_theme(self) -> None:
        self._why.setMaximumHeight(2 * self._why.fontMetrics().lineSpacing() + 4)
        self.map.set_theme(theme.current().name == "dark")

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        return {"html": lambda path: self.map.export_html(path, self.title)}

    def outline(self) -> str:
        query = self._gathered.query
        if query is None:
            return self.tr("A map of places; nothing was asked yet.")
        counts = ", ".join(f"{len(v)} {action}" for action, v in self._gathered.visits.items() if v)
        return f"{query['question']}: {counts}. {self._found.text()}"

    def unbind(self) -> None:
        super().unbind()
        self.map.release()

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._legend.setVisible(self.height() > theme.scaled(300))  # the map comes first where there is little room

    def hideEvent(self, event: Any) -> None:
        super().hideEvent(event)
        QTimer.singleShot(0, self._redraw_when_shown)

    def _redraw_when_shown(self) -> None:
        self._dirty = True


def _words(visit: Mapping[str, Any]) -> str:
    """A visit in a sentence or two."""
    south, west, north, east = visit["bounds"]
    part_of = f", part of {visit['parent']}" if visit["parent"] else ""
    return (
        f"{visit['kind'].capitalize()} {visit['code']}{part_of} — {visit['action']}: {visit['reason']}. "
        f"{visit['points']:,} points, {south:.3f}…{north:.3f}° N, {west:.3f}…{east:.3f}° E."
    )


def _wrapped(lon: float) -> float:
    return (lon + 180.0) % 360.0 - 180.0


def _padded(bounds: Sequence[float]) -> tuple[float, float, float, float]:
    south, west, north, east = bounds
    if east < west:
        east += 360.0
    tall, wide = max(0.002, 0.2 * (north - south)), max(0.002, 0.2 * (east - west))
    return max(-85.0, south - tall), west - wide, min(85.0, north + tall), east + wide


def _bounds_of(query: Mapping[str, Any]) -> tuple[float, float, float, float] | None:
    """A box that shows the question."""
    match query["ask"]:
        case "radius" | "same_cell" | "nine_cells":
            lat, lon = query["point"]
            reach = query["metres"] / 111_195
            wide = reach / max(0.05, math.cos(math.radians(lat)))
            return lat - reach, lon - wide, lat + reach, lon + wide
        case "box":
            south, west, north, east = query["box"]
            return south, west, north, east if east >= west else east + 360.0
        case "polygon":
            corners = query["rings"][0]
            lats, lons = [c[0] for c in corners], [c[1] for c in corners]
            return min(lats), min(lons), max(lats), max(lons)
        case _:
            return None


def great_circle(here: tuple[float, float], there: tuple[float, float], pieces: int = 64) -> list[list[float]]:
    """The shortest way on a ball as [longitude, latitude] pairs, for drawing (spherical interpolation)."""
    ends = []
    for lat, lon in (here, there):
        phi, lam = math.radians(lat), math.radians(lon)
        ends.append((math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)))
    a, b = ends
    angle = math.acos(max(-1.0, min(1.0, sum(p * q for p, q in zip(a, b, strict=True)))))
    if angle < 1e-9 or angle > math.pi - 1e-9:
        return [[here[1], here[0]], [there[1], there[0]]]
    path = []
    for step in range(pieces + 1):
        t = step / pieces
        p, q = math.sin((1 - t) * angle) / math.sin(angle), math.sin(t * angle) / math.sin(angle)
        x, y, z = (p * u + q * v for u, v in zip(a, b, strict=True))
        path.append([math.degrees(math.atan2(y, x)), math.degrees(math.asin(max(-1.0, min(1.0, z))))])
    return path
