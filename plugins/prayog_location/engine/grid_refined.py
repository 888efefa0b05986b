"""Crowded cells of the grid, cut into a finer grid of their own.

Why it exists: real points come in clusters, and a cell that suits the countryside holds half a city. Each
cell with more than `CROWDED` points is cut into side x side cells. One level is enough for densities that
differ a millionfold.

Rules
1. Leaves are the cells that are not cut and the small cells of those that are, numbered in the order of the
   grid: a stretch of a row is still one run of leaves, and so is a stretch of a small row.
2. The small cell of a point and the small cells of a circle come from the same rounded arithmetic, clipped to
   the cell: a point is never outside its own cell's stretches.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .grid_layout import EDGE_DEG, Circles, GridLayout, Ints, Stretches, around_antimeridian, spread
from .ordering import STEP, Meter, stable_argsort
from .points import Floats, Points
from .region import Bounds

CROWDED = 32
POINTS_PER_LEAF = 2.0
LARGEST_SIDE = 4096
LEAVES_PER_BLOCK = 4  # along a side: density is counted on blocks of 4 x 4 leaves


@dataclass(frozen=True, slots=True, eq=False)
class SmallStretches:
    """Stretches of small rows: for query `query` the leaves `first`..`last` of `row` of crowded cell `which`."""

    query: Ints
    which: Ints
    row: Ints
    first: Ints
    last: Ints


class Refinement:
    """The crowded cells of a grid, in ascending order; one entry each in every array.

    `cell` is the number in the grid, `south` and `west` the corner in degrees, `height` and `width` the size
    of the whole cell, `side` the number of small cells along an edge, `leaf` the first leaf.
    """

    __slots__ = (
        "_block", "_blocks", "cell", "density", "height", "leaf", "leaf_of_cell", "side", "south", "west", "width",
    )  # fmt: skip

    def __init__(self, layout: GridLayout, cell: Ints, held: Ints) -> None:
        self.cell = cell
        row = np.searchsorted(layout.first, cell, side="right") - 1
        self.height = np.full(len(cell), layout.height)
        self.width = layout.span / layout.columns[row]
        self.south = layout.south + layout.height * row
        self.west = layout.west + self.width * (cell - layout.first[row])
        self.side = np.clip(np.ceil(np.sqrt(held / POINTS_PER_LEAF)), 2, LARGEST_SIDE).astype(np.int64)
        leaves = np.ones(layout.cells + 1, dtype=np.int32)
        leaves[cell + 1] = self.side**2
        leaves[0] = 0
        # First leaf of every cell of the grid, and one past the last.
        self.leaf_of_cell = np.cumsum(leaves, dtype=np.int32, out=leaves)
        self.leaf = self.leaf_of_cell[cell].astype(np.int64)
        self._blocks = -(-self.side // LEAVES_PER_BLOCK)
        self._block = np.concatenate([[0], np.cumsum(self._blocks**2)])
        self.density = np.zeros(int(self._block[-1]))

    @property
    def leaves(self) -> int:
        return int(self.leaf_of_cell[-1])

    def position(self, which: Ints, lat: Floats, lon: Floats) -> tuple[Ints, Ints]:
        """Small row and column of places in crowded cells, clipped to the cell."""
        last = self.side[which] - 1
        row = np.floor((lat - self.south[which]) * ((last + 1) / self.height[which])).astype(np.int64)
        column = (self._east(which, lon) * ((last + 1) / self.width[which])).astype(np.int64)
        return np.clip(row, 0, last), np.clip(column, 0, last)

    def _east(self, which: Ints, lon: Floats) -> Floats:
        """Degrees east of the cell's western edge, the short way round."""
        away: Floats = np.mod(lon - self.west[which] + 180.0, 360.0) - 180.0
        return away

    def sort(
        self, points: Points, order: NDArray[np.int32], begin: Ints, held: Ints, sizes: NDArray[np.int32], meter: Meter
    ) -> None:
        """Sort each crowded cell's points (`held` of them from position `begin` of `order`) by leaf, in place.

        Adds the leaves' sizes to `sizes`, one place late, and counts the density of the blocks.
        """
        counts = np.zeros(len(self.density))
        ends = np.cumsum(held)
        low = 0
        while low < len(held):
            before = int(ends[low - 1]) if low else 0
            high = max(low + 1, int(np.searchsorted(ends, before + STEP, side="right")))
            which, place = spread(begin[low:high], begin[low:high] + held[low:high] - 1)
            which += low
            ids = order[place]
            row, column = self.position(which, points.lat[ids], points.lon[ids])
            leaf = self.leaf[which] + row * self.side[which] + column
            order[place] = ids[stable_argsort(leaf, meter)]
            base = int(self.leaf[low])
            found = np.bincount(leaf - base)
            sizes[base + 1 : base + 1 + len(found)] += found.astype(np.int32)
            block = self._block_of(which, row, column)
            base = int(self._block[low])
            found = np.bincount(block - base)
            counts[base : base + len(found)] += found
            meter.advance(len(ids))
            low = high
        middle = np.radians(self.south + 0.5 * self.height)
        area = np.radians(self.height) * np.radians(self.width) * np.maximum(np.cos(middle), 1e-9)
        share = area / self._blocks**2
        self.density = np.maximum(counts, 1.0) / np.repeat(share, self._blocks**2)

    def _block_of(self, which: Ints, row: Ints, column: Ints) -> Ints:
        block: Ints = self._block[which] + row // LEAVES_PER_BLOCK * self._blocks[which] + column // LEAVES_PER_BLOCK
        return block

    def density_at(self, cell: Ints, lat: Floats, lon: Floats, elsewhere: Floats) -> Floats:
        """Points per steradian round places in the grid's cells `cell`; `elsewhere` where they are not crowded."""
        crowded = np.flatnonzero(self.leaf_of_cell[cell + 1] - self.leaf_of_cell[cell] > 1)
        if not len(crowded):
            return elsewhere
        found = elsewhere.copy()
        which = np.searchsorted(self.cell, cell[crowded])
        found[crowded] = self.density[self._block_of(which, *self.position(which, lat[crowded], lon[crowded]))]
        return found

    def split(self, found: Stretches, circles: Circles) -> tuple[Stretches, SmallStretches]:
        """Stretches without their crowded cells, and what the circles meet of those."""
        low = np.searchsorted(self.cell, found.first)
        high = np.searchsorted(self.cell, found.last, side="right") - 1
        owner, which = spread(low, high)
        # The gaps: one before each crowded cell, one after the last.
        inner = self.cell[which]
        opens = np.concatenate([[True], owner[1:] != owner[:-1]])[: len(owner)]
        start = np.where(opens, found.first[owner], np.concatenate([[0], inner[:-1] + 1])[: len(owner)])
        rest = np.where(high >= low, self.cell[np.maximum(high, 0)] + 1, found.first)
        gaps = Stretches(
            np.concatenate([found.query[owner], found.query]),
            np.concatenate([found.row[owner], found.row]),
            np.concatenate([start, rest]),
            np.concatenate([inner - 1, found.last]),
        )
        return gaps, self._circles(found.query[owner], which, circles)

    def _circles(self, query: Ints, which: Ints, circles: Circles) -> SmallStretches:
        """The stretches of small rows that circles meet in crowded cells, at least one cell each."""
        last = self.side[which] - 1
        scale = (last + 1) / self.height[which]
        below = (circles.lat - circles.degrees)[query] - self.south[which]
        above = (circles.lat + circles.degrees)[query] - self.south[which]
        low = np.clip(np.floor(below * scale).astype(np.int64), 0, last)
        high = np.clip(np.floor(above * scale).astype(np.int64), 0, last)
        pair, row = spread(low, high)
        query, which, last = query[pair], which[pair], last[pair]
        tall = self.height[which] / (last + 1)
        south = self.south[which] + tall * row
        half, whole = circles.half_width(query, np.radians(south), np.radians(south + tall))
        width = self.width[which]
        whole |= half + width >= 180.0
        east = self._east(which, circles.lon[query])
        across = (last + 1) / width
        first = np.clip((np.where(whole, 0.0, east - half) * across).astype(np.int64), 0, last)
        final = np.clip((np.where(whole, width, east + half) * across).astype(np.int64), 0, last)
        leaf = self.leaf[which] + row * (last + 1)
        return SmallStretches(query, which, row, leaf + first, leaf + final)

    def window(self, which: int, bounds: Bounds) -> list[tuple[int, int, int]]:
        """The stretches (small row, first leaf, last leaf) of a crowded cell that bounds may meet."""
        corner = np.array([which, which])
        row, column = self.position(corner, np.array([bounds[0], bounds[2]]), np.array([bounds[1], bounds[3]]))
        west, east = self._east(corner, np.array([bounds[1], bounds[3]]))
        side, leaf = int(self.side[which]), int(self.leaf[which])
        if bounds[3] - bounds[1] >= 180.0 or east < west:  # the short ways round do not tell what is between
            column = np.array([0, side - 1])
        return [
            (r, leaf + r * side + int(column[0]), leaf + r * side + int(column[1])) for r in range(row[0], row[1] + 1)
        ]

    def bounds(self, which: int, row: int, first: int, last: int) -> tuple[Bounds, ...]:
        """The bounds of leaves `first`..`last` of a small row, a little widened as `GridLayout.bounds`."""
        side = int(self.side[which])
        tall, wide = float(self.height[which]) / side, float(self.width[which]) / side
        base = int(self.leaf[which]) + row * side
        south = float(self.south[which]) + row * tall
        west = float(self.west[which]) + (first - base) * wide - EDGE_DEG
        east = float(self.west[which]) + (last - base + 1) * wide + EDGE_DEG
        return around_antimeridian(south - EDGE_DEG, west, south + tall + EDGE_DEG, east)
