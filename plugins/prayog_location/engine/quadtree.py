"""A quadtree: the map in four parts, each in four again, until a part holds few points.

Why it exists: it is the easiest index to see, and the shape of every tile pyramid.

Source: Finkel & Bentley, "Quad trees" (Acta Informatica 4, 1974). This is the bucket variant on regular
quarters (PR quadtree; Samet, "The quadtree and related hierarchical data structures", ACM Computing
Surveys 16(2), 1984, section 3.1), built from the Z-order numbers of the points, in which every quarter of
every quarter is one run (Gargantini, "An effective way to represent quadtrees", CACM 25(12), 1982).

Rules
1. The root is the whole map, -90..90 by -180..180. A point on a dividing line belongs to the north or east.
2. A part's code is its path: 0 south-west, 1 south-east, 2 north-west, 3 north-east of the part above.
3. A part that holds more than `capacity` points is split, down to `DEPTH` levels (about 2 m): duplicates
   may overfill the last.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .cells import curve_numbers
from .curves import Z_ORDER, Numbers
from .index import Explained, Kind, Query
from .ordering import Meter, stable_argsort
from .points import Ids, Points, Progress
from .region import Bounds
from .search import TreeNode, explain_tree

DEPTH = 24


class Quadtree:
    """A bucket quadtree over a table of points."""

    name = "Quadtree"
    summary = "The map is cut in four, and each crowded part in four again."
    node_kind: Kind = "box"

    def __init__(self, points: Points, order: Ids, starts: Numbers, children: Numbers) -> None:
        self._points, self._order = points, order
        self._starts, self._children = starts, children

    @classmethod
    def build(cls, points: Points, progress: Progress | None = None, *, capacity: int = 16) -> Quadtree:
        """Build from a table. `capacity` is the number of points that a part may hold unsplit."""
        if capacity < 1:
            raise ValueError(f"A quadtree's part must hold at least 1 point; found capacity {capacity}.")
        meter = Meter(progress, 4 * len(points))
        numbers = curve_numbers(points, Z_ORDER, DEPTH, meter)
        order = stable_argsort(numbers, meter)
        starts, children = _split(numbers[order], capacity)
        meter.advance(len(points))
        return cls(points, order.astype(np.int64), starts, children)

    @property
    def points(self) -> Points:
        return self._points

    @property
    def nodes(self) -> int:
        """Number of parts, inner ones included."""
        return len(self._children)

    def explain(self, query: Query) -> Explained:
        return explain_tree(self, query)

    def root(self) -> TreeNode:
        return self._node(0, "", "")

    def children(self, node: TreeNode) -> Sequence[TreeNode]:
        first = int(self._children[_row(node)])
        path = "" if node.code == "root" else node.code
        quarters = [self._node(first + i, f"{path}{i}", node.code) for i in range(4)]
        return [quarter for quarter in quarters if quarter.points]

    def ids(self, node: TreeNode) -> Ids:
        low, high = self._starts[_row(node)]
        return self._order[low:high]

    def _node(self, row: int, path: str, parent: str) -> TreeNode:
        low, high = self._starts[row]
        leaf = bool(self._children[row] < 0)
        return TreeNode(row, path or "root", path_bounds(path), int(high - low), len(path), parent, leaf)


def _row(node: TreeNode) -> int:
    assert isinstance(node.key, int)
    return node.key


def path_bounds(path: str) -> Bounds:
    """The bounds of a part from its path (rule 2)."""
    south, west, height, width = -90.0, -180.0, 180.0, 360.0
    for step in path:
        height, width = 0.5 * height, 0.5 * width
        south += height * (int(step) >> 1)
        west += width * (int(step) & 1)
    return south, west, south + height, west + width


def _split(numbers: Numbers, capacity: int) -> tuple[Numbers, Numbers]:
    """All parts, level by level: their runs in the sorted numbers, shape (parts, 2), and the row of the
    first of their four children, -1 for a leaf."""
    runs = [np.array([[0, len(numbers)]], dtype=np.int64)]
    children: list[Numbers] = []
    prefixes = np.zeros(1, dtype=np.int64)
    made = 1
    for level in range(DEPTH + 1):
        starts = runs[-1]
        split = (starts[:, 1] - starts[:, 0] > capacity) & (level < DEPTH)
        first = np.full(len(starts), -1, dtype=np.int64)
        first[split] = made + 4 * np.arange(int(split.sum()))
        children.append(first)
        if not split.any():
            break
        prefixes = (4 * prefixes[split][:, None] + np.arange(4)).ravel()
        shift = 2 * (DEPTH - level - 1)
        low = np.searchsorted(numbers, prefixes << shift)
        high = np.concatenate([low[1:], low[-1:]])
        last_of_four = np.arange(len(low)) % 4 == 3
        high[last_of_four] = starts[split, 1]
        runs.append(np.column_stack([low, high]))
        made += len(low)
    return np.concatenate(runs), np.concatenate(children)
