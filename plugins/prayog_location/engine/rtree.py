"""An R-tree packed in one go: points in boxes, boxes in larger boxes.

Why it exists: it is the index behind PostGIS, SQLite's R*Tree, MySQL and Oracle. It groups *objects*; it
does not cut the map. Boxes may overlap, and a search may have to descend into several.

Sources: Guttman, "R-trees" (SIGMOD 1984); packing by Sort-Tile-Recursive: Leutenegger, Lopez & Edgington,
"STR: a simple and efficient algorithm for R-tree packing" (ICDE 1997); packing along the Hilbert curve:
Kamel & Faloutsos, "On packing R-trees" (CIKM 1993). `growing` shows the tree that grows by insertion.

Rules
1. Boxes are latitude/longitude boxes inside -180..180: a box never crosses the antimeridian, a query may.
2. Levels are numbered from the leaves: `L0-17` is the 18th leaf. Every node but the last of a level is full.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from .cells import curve_numbers
from .curves import HILBERT
from .index import Explained, Kind, Query
from .ordering import Meter, stable_argsort
from .points import Floats, Ids, Points, Progress
from .search import TreeNode, explain_tree

Packing = Literal["str", "hilbert"]


class RTree:
    """A packed R-tree over a table of points."""

    name = "R-tree"
    node_kind: Kind = "node"

    def __init__(self, points: Points, order: Ids, levels: Sequence[Floats], fanout: int, packing: Packing) -> None:
        self._points, self._order, self._levels, self.fanout = points, order, levels, fanout
        way = "Sort-Tile-Recursive" if packing == "str" else "the Hilbert curve"
        self.summary = f"Points in boxes, boxes in larger boxes, packed by {way}."

    @classmethod
    def build(
        cls, points: Points, progress: Progress | None = None, *, packing: Packing = "str", fanout: int = 16
    ) -> RTree:
        """Build from a table. `fanout` is the number of points in a leaf and of boxes in a node."""
        if fanout < 2:
            raise ValueError(f"An R-tree's node must hold at least 2 entries; found fanout {fanout}.")
        meter = Meter(progress, 4 * len(points))
        if packing == "str":
            order = _tile(points, fanout, meter)
        else:
            order = stable_argsort(curve_numbers(points, HILBERT, 24, meter), meter)
        levels: list[Floats] = []
        if len(points):
            lat, lon = points.lat[order], points.lon[order]
            levels.append(_enclose(np.column_stack([lat, lon, lat, lon]), fanout))
            meter.advance(len(points))
            while len(levels[-1]) > 1:
                levels.append(_enclose(levels[-1], fanout))
        return cls(points, order.astype(np.int64), levels, fanout, packing)

    @property
    def points(self) -> Points:
        return self._points

    @property
    def height(self) -> int:
        """Number of levels."""
        return len(self._levels)

    @property
    def nodes(self) -> int:
        """Number of nodes on all levels."""
        return sum(len(level) for level in self._levels)

    def explain(self, query: Query) -> Explained:
        return explain_tree(self, query)

    def root(self) -> TreeNode:
        return self._node(self.height - 1, 0, "")

    def children(self, node: TreeNode) -> Sequence[TreeNode]:
        assert isinstance(node.key, tuple)
        level, row = node.key
        first, past = row * self.fanout, min((row + 1) * self.fanout, len(self._levels[level - 1]))
        return [self._node(level - 1, child, node.code) for child in range(first, past)]

    def ids(self, node: TreeNode) -> Ids:
        assert isinstance(node.key, tuple)
        return self._order[self._run(*node.key)]

    def _run(self, level: int, row: int) -> slice:
        held = self.fanout ** (level + 1)
        return slice(row * held, min((row + 1) * held, len(self._order)))

    def _node(self, level: int, row: int, parent: str) -> TreeNode:
        south, west, north, east = self._levels[level][row].tolist()
        run = self._run(level, row)
        depth = self.height - 1 - level
        bounds = (south, west, north, east)
        return TreeNode((level, row), f"L{level}-{row}", bounds, run.stop - run.start, depth, parent, level == 0)


def _tile(points: Points, fanout: int, meter: Meter) -> Ids:
    """Sort-Tile-Recursive: vertical slices of sqrt(leaves) leaves each, sorted by longitude; inside a slice
    the points are sorted by latitude."""
    order = stable_argsort(points.lon, meter)
    leaves = -(-len(points) // fanout)
    slice_points = math.ceil(math.sqrt(leaves)) * fanout if leaves else 1
    for low in range(0, len(points), slice_points):
        tile = order[low : low + slice_points]
        order[low : low + slice_points] = tile[np.argsort(points.lat[tile], kind="stable")]
        meter.advance(len(tile))
    return order


def _enclose(boxes: Floats, fanout: int) -> Floats:
    """The boxes round every `fanout` consecutive boxes."""
    starts = np.arange(0, len(boxes), fanout)
    low = np.minimum.reduceat(boxes[:, :2], starts, axis=0)
    high = np.maximum.reduceat(boxes[:, 2:], starts, axis=0)
    return np.hstack([low, high])
