"""The latitude/longitude grid: the fast path of this topic.

Why it exists: there is no tree to climb. Points are sorted by cell, `starts` says where each cell begins
(compressed sparse rows), and whole batches of queries become a few dozen operations on long arrays.

Rules
1. The final test is the exact one of `Points`, so the ids are those of a full scan.
2. Unit vectors are kept in cell order, so that a run of cells is read from memory front to back.
3. Memory per point: 24 bytes of unit vector, 4 of id and some 4 to 12 of cell starts, besides the table's 16.
4. The k nearest are found by circles that start from the local density and grow until they hold k points.
5. Crowded cells are cut into a finer grid of their own (`grid_refined`), so that clusters are no slower.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import grid_batch, grid_told
from .grid_batch import KNearest, WithinRadius
from .grid_layout import GridLayout
from .grid_refined import CROWDED, Refinement
from .index import Explained, Query
from .ordering import Meter, stable_argsort
from .points import Floats, Points, Progress, unit_xyz

PIECE = 1 << 15  # points a step: the arrays between two steps stay in the processor's cache
DENSE_ENOUGH = 4  # points in a block from which its density is believed


class LatLonGrid:
    """A grid over a table of points; answers single questions and batches."""

    name = "Latitude/longitude grid"
    summary = "Rows of equal height, cut into cells of equal width on the ground; one sorted array."

    def __init__(
        self, points: Points, layout: GridLayout, refined: Refinement | None, starts: NDArray[np.int32],
        order: NDArray[np.int32], xyz: Floats, density: Floats,
    ) -> None:  # fmt: skip
        self._points, self.layout, self.refined = points, layout, refined
        self.starts, self.order, self.xyz, self.density = starts, order, xyz, density

    @classmethod
    def build(cls, points: Points, progress: Progress | None = None) -> LatLonGrid:
        """Build from a table of fewer than 2^31 points. `progress` may raise to cancel."""
        n = len(points)
        meter = Meter(progress, 9 * n)
        layout = GridLayout(points, meter)
        keys = np.empty(n, dtype=np.int32)
        raster = np.zeros(grid_batch.raster_shape(layout, n), dtype=np.int64)
        for low in range(0, n, PIECE):
            part = slice(low, low + PIECE)
            row, east = layout.row_of(points.lat[part]), layout.east_of_west(points.lon[part])
            keys[part] = layout.cell_of(row, east)
            r, c = grid_batch.raster_cell(layout, raster.shape, row, east)
            np.add.at(raster.reshape(-1), r * raster.shape[1] + c, 1)
            meter.advance(len(row))
        order = stable_argsort(keys, meter).astype(np.int32)
        sizes = np.zeros(layout.cells + 1, dtype=np.int32)  # one place late: the running sum makes them starts
        for low in range(0, n, PIECE):
            cells = keys[order[low : low + PIECE]]
            held = np.bincount(cells - cells[0])
            sizes[cells[0] + 1 : cells[0] + 1 + len(held)] += held.astype(np.int32)
            meter.advance(len(cells))
        del keys
        refined, starts = _refine(points, layout, order, sizes, meter)
        xyz = np.empty((n, 3))  # side by side: a run of points is one stretch of memory, not three
        for low in range(0, n, PIECE):
            part = slice(low, low + PIECE)
            xyz[part] = np.column_stack(unit_xyz(points.lat[order[part]], points.lon[order[part]]))
            meter.advance(len(xyz[part]))
        density = grid_batch.block_densities(layout, raster, DENSE_ENOUGH)
        return cls(points, layout, refined, starts, order, xyz, density)

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
        return grid_told.explain(self, query)


def _refine(
    points: Points, layout: GridLayout, order: NDArray[np.int32], sizes: NDArray[np.int32], meter: Meter
) -> tuple[Refinement | None, NDArray[np.int32]]:
    """Cuts crowded cells and sorts their points again, within `order`. Returns the cuts and the leaves' starts.

    `sizes` holds the cells' sizes one place late and is used up.
    """
    crowded = np.flatnonzero(sizes[1:] > CROWDED)
    if not len(crowded):
        meter.advance(3 * len(points))
        return None, np.cumsum(sizes, dtype=np.int32, out=sizes)
    held = sizes[crowded + 1].astype(np.int64)
    refined = Refinement(layout, crowded, held)
    leaves = np.zeros(refined.leaves + 1, dtype=np.int32)
    for low in range(0, layout.cells, PIECE):
        at = refined.leaf_of_cell[low : min(low + PIECE, layout.cells)] + 1
        leaves[at] = sizes[low + 1 : low + 1 + len(at)]
    leaves[refined.leaf + 1] = 0  # these are counted anew, leaf by leaf
    begin = np.cumsum(sizes, dtype=np.int32, out=sizes)[crowded].astype(np.int64)
    refined.sort(points, order, begin, held, leaves, meter)
    meter.advance(3 * (len(points) - int(held.sum())))
    return refined, np.cumsum(leaves, dtype=np.int32, out=leaves)
