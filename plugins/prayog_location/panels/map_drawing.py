"""Draws on the map what was gathered from the trace: places, the question, the cells that were visited, the answer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from PySide6.QtCore import QCoreApplication

from prayog_location.panels.gathering import ACTIONS, Gathered
from prayog_location.panels.map_foot import MapFoot
from prayog_location.panels.sights import bounds_of, great_circle, padded, visit_words
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

__all__ = ["MapDrawing"]

DRAWN_PLACES = 20_000
DRAWN_CELLS = 4_000
STYLES: Mapping[str, OverlayStyle] = {"pruned": PRUNED, "visited": VISITED, "refined": REFINED, "inside": INSIDE}
translate = partial(QCoreApplication.translate, "MapDrawing")


class MapDrawing:
    """The overlays of one map; what is to be said about them goes to its foot."""

    def __init__(self, view: MapView, foot: MapFoot, gathered: Gathered) -> None:
        self._map = view
        self._foot = foot
        self._gathered = gathered
        self._drawn_table: Any = None
        self._brought: Mapping[str, Any] | None = None
        """The question that was brought into view."""

    def forget(self) -> None:
        """Another run: its places are to be drawn again."""
        self._drawn_table = None

    def draw(self) -> None:
        """Everything but the places."""
        self._draw_question()
        self._draw_visits()
        self._draw_answer()
        self._draw_pins()

    def draw_places(self, table: Any) -> None:
        """The places of `table`, once."""
        if table is None or table is self._drawn_table:
            return
        self._drawn_table = table
        points = table.points
        self._map.set_points("places", points.lat[:DRAWN_PLACES], points.lon[:DRAWN_PLACES], PLACE)
        for name in ("pins", "route"):
            self._map.clear_overlay(name)
        described = self._gathered.table
        if described and described["bounds"] and len(points) < DRAWN_PLACES:
            self._map.fit(*padded(described["bounds"]))
        if described and described["problems"]:
            more = len(described["problems"]) - 1
            rest = translate(" (and {n} more)").replace("{n}", str(more)) if more else ""
            self._foot.say(described["problems"][0] + rest)
        elif len(points) > DRAWN_PLACES:
            shown = translate("The map draws {n} of {all} places; the index holds them all.")
            self._foot.say(shown.replace("{n}", f"{DRAWN_PLACES:,}").replace("{all}", f"{len(points):,}"))

    def _draw_question(self) -> None:
        from prayog_sdk.qt import mapshapes

        query = self._gathered.query
        if query is None:
            self._map.clear_overlay("question")
            self._map.clear_overlay("centre")
            return
        ask = query["ask"]
        if ask in ("radius", "same_cell", "nine_cells"):
            lat, lon = query["point"]
            self._map.set_overlay("question", mapshapes.circle(lat, lon, query["metres"]), QUERY)
        elif ask == "box":
            self._map.set_overlay("question", [query["box"]], QUERY)
        elif ask == "polygon":
            rings = [[[lon, lat] for lat, lon in ring] for ring in query["rings"]]
            closed = [[*ring, ring[0]] for ring in rings]
            self._map.set_overlay("question", {"type": "Polygon", "coordinates": closed}, QUERY)
        else:
            answer = self._gathered.answer
            reach = answer["nearest"][-1]["metres"] if answer and answer["nearest"] else 0
            self._map.set_overlay("question", mapshapes.circle(query["point"][0], query["point"][1], reach), QUERY)
        if "point" in query:
            self._map.set_points("centre", [query["point"][0]], [query["point"][1]], CENTRE)
        else:
            self._map.clear_overlay("centre")
        if query is not self._brought:
            self._brought = query
            self._look_at(query)

    def _look_at(self, query: Mapping[str, Any]) -> None:
        """Bring a new question into view, unless it is in view already at a size that can be read."""
        bounds = bounds_of(query)
        if bounds is None:
            return
        south, west, north, east = self._map.bounds
        seen = south <= bounds[0] and bounds[2] <= north and west <= bounds[1] and bounds[3] <= east
        small = (bounds[2] - bounds[0]) * 12 < north - south
        if not seen or small:
            self._map.fit(*padded(bounds))

    def _draw_visits(self) -> None:
        for action in ACTIONS:
            visits = self._gathered.visits[action]
            self._foot.count(action, len(visits))
            cells = [visit["bounds"] for visit in visits[-DRAWN_CELLS:]]
            if cells:
                self._map.set_overlay(action, cells, STYLES[action])
            else:
                self._map.clear_overlay(action)
        last = self._gathered.last
        if last is not None:
            self._foot.say(visit_words(last))

    def _draw_answer(self) -> None:
        answer, oracle = self._gathered.answer, self._gathered.oracle
        table = self._drawn_table
        if answer is None or table is None:
            self._map.clear_overlay("answer")
            self._map.clear_overlay("missed")
            self._foot.show_found("")
            return
        points = table.points
        self._map.set_points("answer", points.lat[answer["ids"]], points.lon[answer["ids"]], ANSWER)
        words = translate("● {n} found").replace("{n}", f"{answer['count']:,}")
        if oracle is not None and oracle["missing"]:
            ids = oracle["missing_ids"]
            self._map.set_points("missed", points.lat[ids], points.lon[ids], CENTRE)
            words += (
                translate(", {n} missed: {names}")
                .replace("{n}", f"{oracle['missing']:,}")
                .replace("{names}", ", ".join(oracle["missing_names"]))
            )
        elif oracle is not None:
            words += translate(", the same as a full scan")
            self._map.clear_overlay("missed")
        self._foot.show_found(words)

    def _draw_pins(self) -> None:
        pins = self._gathered.pins
        if pins is None:
            return
        (lat1, lon1), (lat2, lon2) = pins["from"], pins["to"]
        self._map.set_points("pins", [lat1, lat2], [lon1, lon2], CENTRE)
        line = {"type": "LineString", "coordinates": great_circle((lat1, lon1), (lat2, lon2))}
        self._map.set_overlay("route", line, ROUTE)
        bounds = (min(lat1, lat2), min(lon1, lon2), max(lat1, lat2), max(lon1, lon2))
        if not self._gathered.rulers:
            self._map.fit(*padded(bounds))

    def explain(self, overlay: str, ident: object) -> None:
        """Why this cell: the visit behind a click."""
        visits = self._gathered.visits.get(overlay)
        if visits is not None and isinstance(ident, int):
            shown = visits[-DRAWN_CELLS:]
            if 0 <= ident < len(shown):
                self._foot.say(visit_words(shown[ident]))
        elif overlay in ("places", "answer") and isinstance(ident, int) and self._drawn_table is not None:
            place = ident
            if overlay == "answer" and self._gathered.answer is not None:
                place = self._gathered.answer["ids"][ident]
            points = self._drawn_table.points
            name = self._drawn_table.label(place)
            self._foot.say(f"{name}: {points.lat[place]:.5f}, {points.lon[place]:.5f}")
