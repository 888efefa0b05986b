"""Polygons on the map and the test whether a point lies in one.

Why it exists: "inside this city" is a polygon query, and the two places where polygon code usually
breaks are the antimeridian and the poles.

Rules
1. Edges are straight lines in the latitude/longitude plane, as RFC 7946 (GeoJSON), section 3.1.1, says;
   they are not great circles.
2. An edge takes the shorter way round in longitude, so a ring may cross the antimeridian freely (exactly
   half a turn goes east). A box round the whole earth is therefore a `Box`, not a polygon.
3. A ring that goes round the earth (an odd number of times) holds a pole: the one nearer to its mean
   latitude.
4. Several rings count by the even-odd rule: a hole is a ring inside another.
5. A point is inside when a ray from it to the north pole crosses the edges an odd number of times (even
   when the north pole itself is inside). Intervals are half open: of two polygons that share an edge
   exactly one holds a point on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .points import Floats, fold_longitude
from .region import Bounds

Relation = Literal["outside", "inside", "crosses"]
LatLon = tuple[float, float]
TOUCH_DEG = 1e-9  # an edge this near to a box counts as crossing it: then points are tested one by one


class Polygon:
    """An area with holes. `rings` are sequences of (lat, lon) in degrees, closed or not.

    Raises `ValueError` with a sentence for a ring of fewer than three corners or off the earth.
    """

    __slots__ = ("_edges", "north_pole_inside", "rings", "windows")

    def __init__(self, rings: Iterable[Sequence[LatLon]]) -> None:
        self.rings = tuple(tuple((float(lat), float(lon)) for lat, lon in ring) for ring in rings)
        if not self.rings:
            raise ValueError("A polygon needs at least one ring of corners; found none.")
        self.north_pole_inside = False
        edges: list[Floats] = []
        spans: list[tuple[float, float]] = []
        south, north = 90.0, -90.0
        for number, ring in enumerate(self.rings, 1):
            lat, lon, step = _closed(ring, number)
            turns = round(float(step.sum()) / 360.0)
            if turns % 2:
                at_north = float(lat.mean()) >= 0.0
                self.north_pole_inside ^= at_north
                south, north = (south, 90.0) if at_north else (-90.0, north)
                spans.append((-180.0, 180.0))
            else:
                unrolled = lon[0] + np.concatenate([[0.0], np.cumsum(step)])
                # Sums of steps are rounded: the windows must not lose a corner by it.
                spans.append((float(unrolled.min()) - TOUCH_DEG, float(unrolled.max()) + TOUCH_DEG))
            south, north = min(south, float(lat.min())), max(north, float(lat.max()))
            edges.append(_cut_at_antimeridian(lat, lon))
        self._edges = np.concatenate(edges)
        self.windows: tuple[Bounds, ...] = tuple(
            (south, west, north, east) for west, east in _covering_arcs(spans)
        )

    def contains(self, lat: Floats, lon: Floats) -> NDArray[np.bool_]:
        """Which points (degrees, longitudes in [-180, 180)) lie inside, by rule 5."""
        found = np.full(lat.shape, self.north_pole_inside)
        for lat_a, lon_a, lat_b, lon_b in self._edges:
            spanned = np.flatnonzero((lon >= lon_a) & (lon < lon_b))
            if len(spanned):
                height = lat_a + (lon[spanned] - lon_a) / (lon_b - lon_a) * (lat_b - lat_a)
                found[spanned] ^= lat[spanned] < height
        return found

    def relation(self, bounds: Bounds) -> Relation:
        """Whether bounds lie outside, inside, or meet the polygon's outline ("crosses")."""
        south, west, north, east = bounds
        if _segments_meet(self._edges, bounds):
            return "crosses"
        middle = self.contains(np.array([0.5 * (south + north)]), np.array([0.5 * (west + east)]))
        return "inside" if middle[0] else "outside"


def _closed(ring: Sequence[LatLon], number: int) -> tuple[Floats, Floats, Floats]:
    """Latitudes, folded longitudes and signed longitude steps of a ring, one per edge."""
    corners = np.array(ring, dtype=np.float64).reshape(-1, 2)
    if len(corners) > 1 and (corners[0] == corners[-1]).all():
        corners = corners[:-1]
    if len(corners) < 3:
        raise ValueError(f"Ring {number} of the polygon has {len(corners)} corners; it needs three or more.")
    if not (np.isfinite(corners).all() and (np.abs(corners[:, 0]) <= 90.0).all()):
        raise ValueError(f"Ring {number} of the polygon has a corner that is not on the earth.")
    lat, lon = corners[:, 0], fold_longitude(corners[:, 1].copy())
    step = np.roll(lon, -1) - lon
    step = np.where(step > 180.0, step - 360.0, np.where(step <= -180.0, step + 360.0, step))
    return lat, lon, step


def _cut_at_antimeridian(lat: Floats, lon: Floats) -> Floats:
    """Edges as rows (lat, lon, lat, lon) from west to east, none of them across +-180.

    Every end is a corner's own number, never a sum, so that neighbours meet without a gap. North-south
    edges have no width and cross no ray, but `relation` must see them.
    """
    pieces: list[tuple[float, float, float, float]] = []
    corners = list(zip(lat.tolist(), lon.tolist(), strict=True))
    for here, there in zip(corners, corners[1:] + corners[:1], strict=True):
        move = there[1] - here[1]
        crosses = not -180.0 < move <= 180.0
        (a_lat, a_lon), (b_lat, b_lon) = (here, there) if (move >= 0.0) != crosses else (there, here)
        if not crosses:
            pieces.append((a_lat, a_lon, b_lat, b_lon))
        else:
            at = a_lat + (180.0 - a_lon) / (b_lon + 360.0 - a_lon) * (b_lat - a_lat)
            pieces.append((a_lat, a_lon, at, 180.0))
            pieces.append((at, -180.0, b_lat, b_lon))
    return np.array(pieces, dtype=np.float64)


def _covering_arcs(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Merged longitude arcs inside [-180, 180] that cover all spans (which may run past +-180)."""
    arcs: list[tuple[float, float]] = []
    for west, east in spans:
        if east - west >= 360.0:
            return [(-180.0, 180.0)]
        for shift in (-360.0, 0.0, 360.0):
            low, high = max(-180.0, west + shift), min(180.0, east + shift)
            if low <= high:
                arcs.append((low, high))
    arcs.sort()
    merged = [arcs[0]]
    for low, high in arcs[1:]:
        if low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return merged


def _segments_meet(edges: Floats, bounds: Bounds) -> bool:
    """Whether any edge meets the bounds, widened by `TOUCH_DEG` (clipping after Liang & Barsky 1984)."""
    south, west, north, east = bounds
    enter, leave = np.zeros(len(edges)), np.ones(len(edges))
    possible = np.ones(len(edges), dtype=np.bool_)
    for start, end, low, high in (
        (edges[:, 0], edges[:, 2], south - TOUCH_DEG, north + TOUCH_DEG),
        (edges[:, 1], edges[:, 3], west - TOUCH_DEG, east + TOUCH_DEG),
    ):
        move = end - start
        still = move == 0.0
        safe = np.where(still, 1.0, move)
        with np.errstate(over="ignore"):  # an edge may be 1e-300 degrees long: infinity is right
            one, two = (low - start) / safe, (high - start) / safe
        enter = np.where(still, enter, np.maximum(enter, np.minimum(one, two)))
        leave = np.where(still, leave, np.minimum(leave, np.maximum(one, two)))
        possible &= ~still | ((start >= low) & (start <= high))
    return bool((possible & (enter <= leave)).any())
