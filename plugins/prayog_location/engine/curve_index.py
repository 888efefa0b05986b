"""An index on curve numbers: sorted keys, asked for a few runs.

Why it exists: with Z-order or Hilbert numbers an ordinary one-dimensional index answers questions about the
map. How many runs a window breaks into is what tells the two curves apart.

How it answers: the windows that enclose a circle, box or polygon are cut into squares about an eighth of
their size, squares into runs of keys, and the points of the runs are tested. The k nearest are searched best
first: by rule 3 of `curves` every square of every level is one run.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .area import Area, area_of
from .cells import cell_bounds, cells_of, curve_numbers
from .curves import HILBERT, Curve, Numbers, merge_runs, window_runs
from .index import Explained, Kind, Nearest, Query, Visit
from .ordering import Meter, stable_argsort
from .points import Ids, Points, Progress
from .region import WORLD, Bounds
from .search import TreeNode, explain_tree
from .wording import count

ORDER = 20  # squares of 38 m along the equator, 19 m along a meridian
LEAF_POINTS = 16
SPLIT_LEVELS = 3  # a window is covered with squares of at most 1/2^3 of its longer side


class CurveIndex:
    """Points sorted by their number along a space-filling curve."""

    node_kind: Kind = "range"

    def __init__(self, points: Points, curve: Curve, keys: Numbers, order: Ids) -> None:
        self._points, self.curve, self._keys, self._order = points, curve, keys, order
        self.name = f"{curve.title} curve"
        self.summary = "One line through the whole map; an area is a few stretches of the line."

    @classmethod
    def build(cls, points: Points, progress: Progress | None = None, *, curve: Curve = HILBERT) -> CurveIndex:
        """Build from a table along `curve`."""
        meter = Meter(progress, 3 * len(points))
        keys = curve_numbers(points, curve, ORDER, meter)
        order = stable_argsort(keys, meter)
        return cls(points, curve, keys[order], order.astype(np.int64))

    @property
    def points(self) -> Points:
        return self._points

    def explain(self, query: Query) -> Explained:
        if isinstance(query, Nearest):
            return (yield from explain_tree(self, query))
        return (yield from self._read_runs(area_of(query, self._points)))

    def runs(self, windows: Sequence[Bounds]) -> Numbers:
        """The runs of keys, shape (runs, 2): first, past the last, that cover windows of the map."""
        found = []
        for window in windows:
            x0, y0, x1, y1 = cells_of(window, ORDER, ORDER)
            level = ORDER - max(x1 - x0, y1 - y0).bit_length() + SPLIT_LEVELS
            found.append(window_runs(self.curve, (x0, y0, x1, y1), ORDER, max(0, level)))
        return merge_runs(np.concatenate(found))

    def _read_runs(self, area: Area) -> Explained:
        found: list[Ids] = []
        candidates = 0
        runs = self.runs(area.windows())
        edges = np.searchsorted(self._keys, runs)
        for number, ((first, past), (low, high)) in enumerate(zip(runs.tolist(), edges.tolist(), strict=True), 1):
            bounds = self._run_bounds(first, past)
            lower = area.relation(bounds)[1]
            code = f"{first}..{past - 1}"
            where = f"run {number} of {len(runs)}"
            size = int(high - low)
            if not size:
                yield Visit("range", code, bounds, "pruned", f"{where}: no key lies in it", 0, 1, lower, "line")
                continue
            ids = self._order[low:high]
            found.append(ids[area.keeps(ids)])
            candidates += size
            kept = f"{where}: {len(found[-1])} of {count(size, 'point')} kept"
            yield Visit("range", code, bounds, "refined", kept, size, 1, lower, "line")
        ids = np.concatenate(found) if found else np.empty(0, dtype=np.int64)
        return area.answer(ids, candidates, candidates)

    def _run_bounds(self, first: int, past: int) -> Bounds:
        """Bounds of the squares that make up a run: the largest aligned ones, as one reads them off."""
        south, west, north, east = 90.0, 180.0, -90.0, -180.0
        while first < past:
            level = ORDER
            while level and first % 4 ** (ORDER - level + 1) == 0 and first + 4 ** (ORDER - level + 1) <= past:
                level -= 1
            square = self._square(first >> 2 * (ORDER - level), level)
            south, west = min(south, square[0]), min(west, square[1])
            north, east = max(north, square[2]), max(east, square[3])
            first += 4 ** (ORDER - level)
        return south, west, north, east

    def _square(self, number: int, level: int) -> Bounds:
        x, y = self.curve.decode(np.array([number]), level)
        return cell_bounds(int(x[0]), int(y[0]), level, level)

    def root(self) -> TreeNode:
        return TreeNode((0, 0), "line", WORLD, len(self._points), 0, "", len(self._points) <= LEAF_POINTS)

    def children(self, node: TreeNode) -> Sequence[TreeNode]:
        assert isinstance(node.key, tuple)
        number, level = node.key
        size = 2 * (ORDER - level - 1)
        edges = np.searchsorted(self._keys, (4 * number + np.arange(5)) << size)
        found = []
        for quarter in np.flatnonzero(np.diff(edges)):
            child = 4 * number + int(quarter)
            held = int(edges[quarter + 1] - edges[quarter])
            code = f"{child << size}..{((child + 1) << size) - 1}"
            leaf = held <= LEAF_POINTS or level + 1 == ORDER
            bounds = self._square(child, level + 1)
            found.append(TreeNode((child, level + 1), code, bounds, held, level + 1, node.code, leaf))
        return found

    def ids(self, node: TreeNode) -> Ids:
        assert isinstance(node.key, tuple)
        number, level = node.key
        size = 2 * (ORDER - level)
        low, high = np.searchsorted(self._keys, np.array([number, number + 1]) << size)
        return self._order[low:high]
