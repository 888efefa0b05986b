"""Where the lines of the latitude/longitude grid run, and which stretches of its rows a circle meets.

Why it exists: rows of equal height are cut into cells of about equal width on the ground, so each row has
its own number of columns, scaled by cos(latitude). A circle meets a row in one stretch (the haversine
formula solved for longitude), and a stretch of a row is one contiguous run of the sorted points.

Rules
1. Rows span the data's own latitudes; columns its own longitudes when it leaves half the earth empty.
2. A row is measured at the latitude where the circle is widest, and all bounds are padded by `PAD_RAD`:
   a run may hold points outside the circle, but no point inside is ever left out, at the poles and across
   the antimeridian too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .ordering import STEP, Meter
from .points import Floats, Points
from .region import Bounds

Ints = NDArray[np.int64]
POINTS_PER_ROW_SQUARE = 1.0  # mean number of points in a square of one row's height
EDGE_DEG = 1e-9
COLUMNS_PER_SQUARE = 1.0  # cells in such a square


@dataclass(frozen=True, slots=True, eq=False)
class Stretches:
    """Stretches of rows: for query number `query` (ascending) the cells `first`..`last` of `row`."""

    query: Ints
    row: Ints
    first: Ints
    last: Ints


class Circles:
    """The circles of a batch: centres in degrees, `reach` in radians (padded), and of the haversine formula
    the parts that do not depend on the row."""

    __slots__ = ("_big", "_cos", "_hav", "_phi", "_tangent", "degrees", "lat", "lon", "reach")

    def __init__(self, lat: Floats, lon: Floats, reach: Floats) -> None:
        self.lat, self.lon, self.reach = lat, lon, reach
        self.degrees = np.degrees(reach)
        self._phi = np.radians(lat)
        self._cos = np.cos(self._phi)
        self._hav = np.sin(0.5 * reach) ** 2
        spread = (self._cos - np.sin(reach)) * (self._cos + np.sin(reach))
        self._tangent = np.arctan2(np.sin(self._phi), np.sqrt(np.maximum(spread, 0.0)))
        self._big = reach >= 0.5 * np.pi

    def half_width(self, query: Ints, south: Floats, north: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """Degrees of longitude to either side of the centre that each circle reaches in a band (radians),
        and whether it reaches all of them. The vectorised `region.half_width_deg`."""
        at = np.clip(self._tangent[query], south, north)
        spare = self._hav[query] - np.sin(0.5 * (at - self._phi[query])) ** 2
        across = self._cos[query] * np.cos(at)
        whole = (spare >= across) | self._big[query]
        share = np.divide(spare, across, out=np.ones_like(spare), where=~whole)
        half = np.degrees(2.0 * np.arcsin(np.sqrt(np.clip(share, 0.0, 1.0)))) + 1e-9
        return half, whole


class GridLayout:
    """Where the lines of the grid are: rows, columns per row, and cell numbers."""

    __slots__ = ("columns", "first", "height", "row_north", "row_south", "rows", "south", "span", "west")

    def __init__(self, points: Points, meter: Meter) -> None:
        n = len(points)
        self.south = float(points.lat.min()) if n else 0.0
        extent = (float(points.lat.max()) - self.south) if n else 0.0
        self.west, self.span = _longitudes(points.lon)
        meter.advance(n)
        middle = np.radians(self.south + 0.5 * extent)
        band = np.cos(middle) * np.sin(np.radians(0.5 * extent)) * 2.0 / max(np.radians(extent), 1e-12)
        tall, wide = max(extent, 1e-9), max(self.span * max(band, 1e-6), 1e-9)
        squares = max(1.0, n / POINTS_PER_ROW_SQUARE)
        self.rows = int(np.clip(np.ceil(tall / np.sqrt(tall * wide / squares)), 1, min(squares, 1 << 15)))
        # The last row ends a little above the northernmost point, which so needs no special case.
        self.height = tall * (1.0 + 1e-9) / self.rows
        edges = self.south + self.height * np.arange(self.rows + 1)
        self.row_south, self.row_north = np.radians(edges[:-1]), np.radians(edges[1:])
        equator = np.where((edges[:-1] <= 0.0) & (edges[1:] >= 0.0), 0.0, np.minimum(abs(edges[:-1]), abs(edges[1:])))
        shrink = np.cos(np.radians(equator))
        per_row = COLUMNS_PER_SQUARE * squares * shrink / shrink.sum()
        self.columns = np.maximum(1, np.ceil(per_row)).astype(np.int64)
        self.first = np.concatenate([[0], np.cumsum(self.columns)])

    @property
    def cells(self) -> int:
        return int(self.first[-1])

    def row_of(self, lat: Floats) -> Ints:
        """Rows of latitudes in degrees; below 0 or past the end outside the grid."""
        return np.floor((lat - self.south) / self.height).astype(np.int64)

    def east_of_west(self, lon: Floats) -> Floats:
        """Degrees east of the grid's western edge, in [0, 360)."""
        away = lon - self.west
        return np.where(away < 0.0, away + 360.0, away)

    def cell_of(self, row: Ints, east: Floats) -> Ints:
        """Cell numbers; `east` as from `east_of_west`, beyond the grid's span the row's last cell."""
        columns = self.columns[row]
        column = (east * (columns / self.span)).astype(np.int64)
        cell: Ints = self.first[row] + np.minimum(column, columns - 1)
        return cell

    def circles(self, circles: Circles) -> Stretches:
        """The stretches that circles meet."""
        low = np.clip(self.row_of(circles.lat - circles.degrees), 0, self.rows)
        high = np.clip(self.row_of(circles.lat + circles.degrees), -1, self.rows - 1)
        query, row = spread(low, high)
        columns = self.columns[row]
        half, whole = circles.half_width(query, self.row_south[row], self.row_north[row])
        whole |= half + self.span / columns >= 180.0  # the two ends of the stretch could share a cell

        east = self.east_of_west(circles.lon)[query]
        begin, end = np.maximum(east - half, 0.0), np.minimum(east + half, self.span)
        begin[whole], end[whole] = 0.0, self.span
        scale = columns / self.span
        first, last = self.first[row], columns - 1
        from_cell = np.minimum((begin * scale).astype(np.int64), last)
        to_cell = np.minimum((end * scale).astype(np.int64), last)
        found = Stretches(query, row, first + from_cell, first + to_cell)
        meets = begin <= end
        if not meets.all():
            found = _pick(found, meets)
        over = ~whole & ((east - half < 0.0) | (east + half >= 360.0))
        return self._wrapped(found, query, row, east, half, over) if over.any() else found

    def _wrapped(
        self, found: Stretches, query: Ints, row: Ints, east: Floats, half: Floats, over: NDArray[np.bool_]
    ) -> Stretches:
        """Adds the pieces that lie beyond the grid's western edge, seen from the other side."""
        query, row, east, half = query[over], row[over], east[over], half[over]
        to_west = east - half < 0.0
        begin = np.where(to_west, east - half + 360.0, 0.0)
        end = np.where(to_west, self.span, np.minimum(east + half - 360.0, self.span))
        more = Stretches(query, row, self.cell_of(row, begin), self.cell_of(row, end))
        more = _pick(more, begin <= end)
        order = np.argsort(np.concatenate([found.query, more.query]), kind="stable")
        return Stretches(
            np.concatenate([found.query, more.query])[order],
            np.concatenate([found.row, more.row])[order],
            np.concatenate([found.first, more.first])[order],
            np.concatenate([found.last, more.last])[order],
        )

    def window(self, bounds: Bounds) -> list[tuple[int, int, int]]:
        """The stretches (row, first cell, last cell) that bounds meet; they may meet a row twice."""
        south, west, north, east = bounds
        low, high = self.row_of(np.array([south, north]))
        found: list[tuple[int, int, int]] = []
        for row in range(max(0, int(low)), min(self.rows - 1, int(high)) + 1):
            first, last = int(self.first[row]), int(self.first[row + 1]) - 1
            if east - west + self.span / int(self.columns[row]) >= 360.0:
                found.append((row, first, last))
                continue
            begin = float(self.east_of_west(np.array([west]))[0])
            end = begin + (east - west)
            at = np.array([row])
            for a, b in ((begin, min(end, self.span)), (0.0, min(end - 360.0, self.span))):
                if a <= b:
                    a_cell, b_cell = self.cell_of(np.repeat(at, 2), np.array([a, b]))
                    found.append((row, int(a_cell), int(b_cell)))
        return found

    def bounds(self, row: int, first: int, last: int) -> tuple[Bounds, ...]:
        """The bounds of columns `first`..`last` of a row, in two pieces across the antimeridian.

        They are a tenth of a millimetre wider than the cells: a point belongs to its cell by a rounded
        division, and must never lie outside the bounds of its cell.
        """
        width = self.span / int(self.columns[row])
        south = self.south + row * self.height - EDGE_DEG
        north = self.south + (row + 1) * self.height + EDGE_DEG
        west = self.west + first * width - EDGE_DEG
        east = self.west + (last + 1) * width + EDGE_DEG
        if self.span >= 360.0:  # the cells begin and end at the antimeridian
            west, east = max(west, -180.0), min(east, 180.0)
        return around_antimeridian(south, west, north, east)


def around_antimeridian(south: float, west: float, north: float, east: float) -> tuple[Bounds, ...]:
    """Bounds whose west lies below 540 as one or two bounds inside -180..180 and -90..90."""
    south, north = max(-90.0, south), min(90.0, north)
    if west >= 180.0:
        west, east = west - 360.0, east - 360.0
    if east <= 180.0:
        return ((south, max(west, -180.0), north, east),)
    return (south, west, north, 180.0), (south, -180.0, north, east - 360.0)


def spread(low: Ints, high: Ints) -> tuple[Ints, Ints]:
    """All pairs (i, value) with low[i] <= value <= high[i], in order: numbers i and values."""
    taken = np.maximum(high - low + 1, 0)
    owner = np.repeat(np.arange(len(low)), taken)
    ends = np.cumsum(taken)
    return owner, np.arange(len(owner)) + np.repeat(low - ends + taken, taken)


def _pick(found: Stretches, which: NDArray[np.bool_]) -> Stretches:
    return Stretches(found.query[which], found.row[which], found.first[which], found.last[which])


def _longitudes(lon: Floats) -> tuple[float, float]:
    """West edge and span in degrees of the grid's columns (rule 1)."""
    used = np.zeros(720, dtype=np.bool_)
    for low in range(0, len(lon), STEP):
        # Just west of 180 the sum rounds up to 360.
        used[np.minimum((lon[low : low + STEP] + 180.0) * 2.0, 719.0).astype(np.int64)] = True
    slots = np.flatnonzero(used)
    if not len(slots):
        return -180.0, 360.0
    gaps = np.diff(np.concatenate([slots, slots[:1] + 720]))
    widest = int(np.argmax(gaps))
    if gaps[widest] <= 360:
        return -180.0, 360.0
    first = slots[(widest + 1) % len(slots)]
    west = float(first) / 2.0 - 180.0 - 1e-6  # a sum just below a slot's edge may have been rounded up
    span = float((slots[widest] - first) % 720 + 1) / 2.0 + 2e-6
    return (west if west >= -180.0 else west + 360.0), span
