"""The three questions that ask for an area (circle, box, polygon) seen through one interface.

Why it exists: an index needs only four things of an area: can this box hold an answer, must it, which
points of it are answers, and which windows of the map enclose it. With these each index has one search
for all three questions.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .index import Answer, InBox, InPolygon, Radius, answer_by_distance, answer_by_id
from .points import HALF_TURN_M, Floats, Ids, Points, metres_to_chord2
from .polygon import Polygon, Relation
from .region import (
    Bounds,
    Box,
    circle_windows,
    farthest_in_bounds_m,
    inside,
    nearest_in_bounds_m,
    overlap,
    slack_m,
)
from .wording import distance


class Area(Protocol):
    """A region of the map that a query asks about."""

    def windows(self) -> tuple[Bounds, ...]:
        """Bounds that together enclose the area and do not cross the antimeridian."""
        ...

    def relation(self, bounds: Bounds) -> tuple[Relation, float | None]:
        """How bounds lie to the area, and the least distance of the centre to them in metres."""
        ...

    def reason(self, relation: Relation, lower_bound_m: float | None) -> str:
        """The relation in words."""
        ...

    def keeps(self, ids: Ids) -> NDArray[np.bool_]:
        """Which of the points `ids` lie in the area: the exact test."""
        ...

    def answer(self, ids: Ids, candidates: int, refined: int) -> Answer:
        """The answer made of the points `ids`."""
        ...


class CircleArea:
    """The circle of a `Radius` query."""

    def __init__(self, query: Radius, points: Points) -> None:
        self._query, self._points = query, points
        self._limit = metres_to_chord2(query.metres)

    def windows(self) -> tuple[Bounds, ...]:
        return circle_windows(self._query.lat, self._query.lon, self._query.metres)

    def relation(self, bounds: Bounds) -> tuple[Relation, float | None]:
        centre = self._query.lat, self._query.lon
        nearest = nearest_in_bounds_m(*centre, bounds)
        if nearest - slack_m(nearest) > self._query.metres:
            return "outside", nearest
        farthest = farthest_in_bounds_m(*centre, bounds)
        if farthest + slack_m(HALF_TURN_M - farthest) < self._query.metres:
            return "inside", nearest
        return "crosses", nearest

    def reason(self, relation: Relation, lower_bound_m: float | None) -> str:
        radius = distance(self._query.metres)
        if relation == "outside":
            return f"its nearest point is {distance(lower_bound_m or 0.0)} away, outside the {radius} circle"
        if relation == "inside":
            return f"all of it lies within the {radius} circle"
        return f"the {radius} circle cuts it"

    def chord2(self, ids: Ids) -> Floats:
        return self._points.chord2(self._query.lat, self._query.lon, ids)

    def keeps(self, ids: Ids) -> NDArray[np.bool_]:
        return self.chord2(ids) <= self._limit

    def answer(self, ids: Ids, candidates: int, refined: int) -> Answer:
        return answer_by_distance(ids, self.chord2(ids), len(self._points), candidates, refined)


class BoxArea:
    """The box of an `InBox` query."""

    def __init__(self, box: Box, points: Points) -> None:
        self._box, self._points, self._windows = box, points, box.windows()

    def windows(self) -> tuple[Bounds, ...]:
        return self._windows

    def relation(self, bounds: Bounds) -> tuple[Relation, float | None]:
        if not any(overlap(bounds, window) for window in self._windows):
            return "outside", None
        return ("inside" if any(inside(bounds, window) for window in self._windows) else "crosses"), None

    def reason(self, relation: Relation, lower_bound_m: float | None) -> str:
        return {
            "outside": "it does not overlap the box asked for",
            "inside": "all of it lies in the box asked for",
            "crosses": "it overlaps the box asked for in part",
        }[relation]

    def keeps(self, ids: Ids) -> NDArray[np.bool_]:
        return self._box.contains(self._points.lat[ids], self._points.lon[ids])

    def answer(self, ids: Ids, candidates: int, refined: int) -> Answer:
        return answer_by_id(ids, len(self._points), candidates, refined)


class PolygonArea:
    """The polygon of an `InPolygon` query."""

    def __init__(self, polygon: Polygon, points: Points) -> None:
        self._polygon, self._points = polygon, points

    def windows(self) -> tuple[Bounds, ...]:
        return self._polygon.windows

    def relation(self, bounds: Bounds) -> tuple[Relation, float | None]:
        if not any(overlap(bounds, window) for window in self._polygon.windows):
            return "outside", None
        return self._polygon.relation(bounds), None

    def reason(self, relation: Relation, lower_bound_m: float | None) -> str:
        return {
            "outside": "no part of it lies in the polygon",
            "inside": "all of it lies in the polygon",
            "crosses": "the polygon's outline runs through it",
        }[relation]

    def keeps(self, ids: Ids) -> NDArray[np.bool_]:
        return self._polygon.contains(self._points.lat[ids], self._points.lon[ids])

    def answer(self, ids: Ids, candidates: int, refined: int) -> Answer:
        return answer_by_id(ids, len(self._points), candidates, refined)


def area_of(query: Radius | InBox | InPolygon, points: Points) -> Area:
    """The area that a query asks about."""
    match query:
        case Radius():
            return CircleArea(query, points)
        case InBox(box):
            return BoxArea(box, points)
        case InPolygon(polygon):
            return PolygonArea(polygon, points)
