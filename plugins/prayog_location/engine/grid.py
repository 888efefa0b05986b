"""The latitude/longitude grid: the fast path of this topic.

Why it exists: there is no tree to climb. Points are sorted by cell, `starts` says where each cell begins
(compressed sparse rows), and whole batches of queries become a few dozen operations on long arrays.

Rules
1. The final test is the exact one of `Points`, so the ids are those of a full scan.
2. Unit vectors are kept in cell order, so that a run of cells is read from memory front to back.
3. Memory per point: 24 bytes of unit vector, 4 of id and some 8 of cell starts, besides the table's 16.
4. The k nearest are found by circles that start from the local density and grow until they hold k points.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from . import grid_batch
from .area import area_of
from .grid_batch import KNearest, WithinRadius
from .grid_layout import GridLayout
from .index import Action, Explained, Nearest, Query, Radius, Visit, answer_by_distance, nearest_first
from .ordering import STEP, Meter, stable_argsort
from .points import EARTH_RADIUS_M, Floats, Ids, Points, Progress, fold_longitude, metres_to_chord2, unit_xyz
from .region import PAD_RAD, Bounds, nearest_in_bounds_m
from .wording import count, distance

DENSE_ENOUGH = 4  # points in a block from which its density is believed


class LatLonGrid:
    """A grid over a table of points; answers single questions and batches."""

    name = "Latitude/longitude grid"
    summary = "Rows of equal height, cut into cells of equal width on the ground; one sorted array."

    def __init__(
        self, points: Points, layout: GridLayout, starts: NDArray[np.int32], order: NDArray[np.int32],
        xyz: tuple[Floats, Floats, Floats], density: Floats,
    ) -> None:  # fmt: skip
        self._points, self.layout = points, layout
        self.starts, self.order, self.xyz, self.density = starts, order, xyz, density

    @classmethod
    def build(cls, points: Points, progress: Progress | None = None) -> LatLonGrid:
        """Build from a table of fewer than 2^31 points. `progress` may raise to cancel."""
        n = len(points)
        meter = Meter(progress, 6 * n)
        layout = GridLayout(points, meter)
        keys = np.empty(n, dtype=np.int32)
        sizes = np.zeros(layout.cells + 1, dtype=np.int32)
        raster = np.zeros(grid_batch.raster_shape(layout, n), dtype=np.int64)
        for low in range(0, n, STEP):
            part = slice(low, low + STEP)
            row, east = layout.row_of(points.lat[part]), layout.east_of_west(points.lon[part])
            keys[part] = layout.cell_of(row, east)
            r, c = grid_batch.raster_cell(layout, raster.shape, row, east)
            np.add.at(raster.reshape(-1), r * raster.shape[1] + c, 1)
            meter.advance(len(row))
        order = stable_argsort(keys, meter).astype(np.int32)
        x, y, z = np.empty(n), np.empty(n), np.empty(n)
        for low in range(0, n, STEP):
            part = slice(low, low + STEP)
            ids = order[part]
            x[part], y[part], z[part] = unit_xyz(points.lat[ids], points.lon[ids])
            cells = keys[ids]
            held = np.bincount(cells - cells[0])
            sizes[cells[0] + 1 : cells[0] + 1 + len(held)] += held.astype(np.int32)
            meter.advance(2 * len(ids))
        starts = np.cumsum(sizes, dtype=np.int32, out=sizes)
        density = grid_batch.block_densities(layout, raster, DENSE_ENOUGH)
        return cls(points, layout, starts, order, (x, y, z), density)

    @property
    def points(self) -> Points:
        return self._points

    def radius_batch(
        self, lats: Floats, lons: Floats, metres: float, *, distances: bool = True
    ) -> WithinRadius:
        """All points within `metres` of each place (degrees, arrays of one length).

        Ids come in the grid's order within each query; see `WithinRadius`.
        """
        return grid_batch.radius(self, lats, lons, metres, distances)

    def knn_batch(self, lats: Floats, lons: Floats, k: int) -> KNearest:
        """The k nearest points of each place (degrees), nearest first, ties by id."""
        return grid_batch.nearest(self, lats, lons, k)

    def explain(self, query: Query) -> Explained:
        if isinstance(query, Nearest):
            return (yield from self._grow(query))
        area = area_of(query, self._points)
        found: list[Ids] = []
        candidates = refined = 0
        for row, first, last in self._stretches(query, area.windows()):
            ids = self._ids_of(first, last)
            pieces = self._pieces(row, first, last)
            relations = [area.relation(bounds) for bounds in pieces]
            candidates += len(ids)
            if all(relation == "inside" for relation, _ in relations):
                found.append(ids)
                action: Action = "inside"
                why = area.reason(*relations[0])
            else:
                refined += len(ids)
                found.append(ids[area.keeps(ids)])
                action = "refined"
                why = f"the area meets these cells: {len(found[-1])} of {count(len(ids), 'point')} kept"
            bound = None if relations[0][1] is None else min(lower or 0.0 for _, lower in relations)
            yield from self._visits(row, first, last, action, why, len(ids), 1, bound)
        ids = np.concatenate(found) if found else np.empty(0, dtype=np.int64)
        return area.answer(ids, candidates, refined)

    def _grow(self, query: Nearest) -> Explained:
        """The k nearest by circles that grow (rule 4)."""
        k = min(query.k, len(self._points))
        place = np.array([query.lat]), fold_longitude(np.array([query.lon]))
        ids: Ids = np.empty(0, dtype=np.int64)
        chord2 = np.empty(0)
        read = tries = 0
        reach = grid_batch.start_reach(self, *place, k) if k else np.empty(0)
        while len(ids) < k:
            tries += 1
            found = self.layout.circles(*place, reach)
            stretches = list(zip(found.row.tolist(), found.first.tolist(), found.last.tolist(), strict=True))
            sizes = [int(self.starts[last + 1] - self.starts[first]) for _, first, last in stretches]
            circle = f"circle {tries} of {distance(float(reach[0]) * EARTH_RADIUS_M)}"
            enough = sum(sizes) >= k or reach[0] >= math.pi
            for (row, first, last), size in zip(stretches, sizes, strict=True):
                bounds = self._pieces(row, first, last)
                bound = min(nearest_in_bounds_m(query.lat, query.lon, piece) for piece in bounds)
                why = f"{circle}: {count(size, 'point')} measured" if enough else (
                    f"{circle}: its cells hold only {sum(sizes)} of {k}, so none is read"
                )  # fmt: skip
                action: Action = "refined" if enough else "visited"
                yield from self._visits(row, first, last, action, why, size, tries, bound)
            held = sum(sizes)
            if enough:
                ids = np.concatenate([self._ids_of(first, last) for _, first, last in stretches])
                read += len(ids)
                chord2 = self._points.chord2(query.lat, query.lon, ids)
                limit = metres_to_chord2((float(reach[0]) - PAD_RAD) * EARTH_RADIUS_M)
                near = np.flatnonzero((chord2 <= limit) | (reach[0] >= math.pi))
                ids, chord2 = nearest_first(ids[near], chord2[near])
                held = len(ids)
            reach = np.minimum(reach * grid_batch.growth(k, np.array([held])), math.pi)
        return answer_by_distance(ids[:k], chord2[:k], len(self._points), read, read)

    def _stretches(self, query: Query, windows: tuple[Bounds, ...]) -> list[tuple[int, int, int]]:
        """Stretches (row, first cell, last cell) to read for an area, in row order, none twice."""
        if isinstance(query, Radius):
            reach = np.array([min(query.metres / EARTH_RADIUS_M + PAD_RAD, math.pi)])
            found = self.layout.circles(np.array([query.lat]), fold_longitude(np.array([query.lon])), reach)
            return list(zip(found.row.tolist(), found.first.tolist(), found.last.tolist(), strict=True))
        merged: list[tuple[int, int, int]] = []
        for row, first, last in sorted(piece for window in windows for piece in self.layout.window(window)):
            if merged and merged[-1][0] == row and first <= merged[-1][2] + 1:
                merged[-1] = (row, merged[-1][1], max(last, merged[-1][2]))
            else:
                merged.append((row, first, last))
        return merged

    def _ids_of(self, first: int, last: int) -> Ids:
        return self.order[self.starts[first] : self.starts[last + 1]].astype(np.int64)

    def _pieces(self, row: int, first: int, last: int) -> tuple[Bounds, ...]:
        start = int(self.layout.first[row])
        return self.layout.bounds(row, first - start, last - start)

    def _visits(
        self, row: int, first: int, last: int, action: Action, why: str, size: int, depth: int, bound: float | None
    ) -> Iterator[Visit]:
        """One visit; a second without points where the stretch goes on across the antimeridian."""
        start = int(self.layout.first[row])
        code = f"row {row}, columns {first - start}-{last - start}"
        for number, bounds in enumerate(self._pieces(row, first, last)):
            if number:
                why, size = "the same stretch, across the antimeridian", 0
            yield Visit("range", code, bounds, action, why, size, depth, bound, "grid")
