"""An index on geohash words: sorted keys, looked up by beginning.

Why it exists: it is what a plain B-tree or a sorted set (Redis) can do, and where its one trap shows: the
points just across a cell's edge. `SameCell` asks the naive question on purpose.

How it answers: a circle, box or polygon is covered with cells of one size (the size is chosen so that
`max_cells` suffice), each cell is one run of the sorted keys, and the points of the runs are tested. The k
nearest are searched best first through the tree that beginnings form (32 children each).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from . import geohash
from .area import Area, CircleArea, area_of
from .index import (
    Action,
    Explained,
    InBox,
    InPolygon,
    Kind,
    Nearest,
    Query,
    Radius,
    SameCell,
    Visit,
    answer_by_distance,
)
from .ordering import STEP, Meter, stable_argsort
from .points import Ids, Points, Progress
from .region import WORLD, Box
from .search import TreeNode, explain_tree
from .wording import count

LEAF_POINTS = 32  # beginnings with so few points are read, not divided
SHIFT_BITS = 5 * geohash.MAX_PRECISION


class GeohashIndex:
    """Points sorted by their 12-letter geohash."""

    name = "Geohash"
    summary = "Each point has a word; an area is a handful of beginnings of words."
    node_kind: Kind = "cell"

    def __init__(self, points: Points, keys: Ids, order: Ids, max_cells: int, precision: int | None) -> None:
        self._points, self._keys, self._order = points, keys, order
        self._max_cells, self._precision = max_cells, precision

    @classmethod
    def build(
        cls,
        points: Points,
        progress: Progress | None = None,
        *,
        max_cells: int = 24,
        precision: int | None = None,
    ) -> GeohashIndex:
        """Build from a table. `precision` fixes the size of the covering cells; None lets each query
        choose the finest that needs at most `max_cells` cells."""
        if precision is not None:
            geohash.bits_of(precision)
        meter = Meter(progress, 3 * len(points))
        keys = np.empty(len(points), dtype=np.int64)
        for low in range(0, len(points), STEP):
            part = slice(low, low + STEP)
            keys[part] = geohash.numbers(points.lat[part], points.lon[part], geohash.MAX_PRECISION)
            meter.advance(STEP)
        order = stable_argsort(keys, meter)
        return cls(points, keys[order], order.astype(np.int64), max_cells, precision)

    @property
    def points(self) -> Points:
        return self._points

    def explain(self, query: Query | SameCell) -> Explained:
        match query:
            case Nearest():
                return (yield from explain_tree(self, query))
            case SameCell():
                return (yield from self._same_cell(query))
            case _:
                area = area_of(query, self._points)
                return (yield from self._cover(area, self.covering(query)))

    def covering(self, query: Radius | InBox | InPolygon) -> tuple[str, ...]:
        """The cells that will be read for an area, ascending."""
        if isinstance(query, Radius):
            place = query.lat, query.lon, query.metres
            precision = self._precision or geohash.precision_for(*place, self._max_cells)
            return geohash.cover_circle(*place, precision)
        boxes = [Box(*window) for window in area_of(query, self._points).windows()]
        if self._precision is not None:
            return _union(boxes, self._precision, geohash.MAX_COVER)
        best = _union(boxes, 1, geohash.MAX_COVER)
        for precision in range(2, geohash.MAX_PRECISION + 1):
            try:
                best = _union(boxes, precision, self._max_cells)
            except ValueError:  # finer cells would be too many
                break
        return best

    def _cover(self, area: Area, cells: Sequence[str]) -> Explained:
        found: list[Ids] = []
        candidates = refined = 0
        for code in cells:
            bounds = geohash.bounds(code)
            relation, lower = area.relation(bounds)
            reason = area.reason(relation, lower)
            ids = self._ids_of(geohash.number_of(code), len(code))
            parent = code[:-1] or "root"
            if relation == "outside" or not len(ids):
                why = reason if relation == "outside" else "no key begins like this"
                yield Visit("cell", code, bounds, "pruned", why, len(ids), len(code), lower, parent)
                continue
            candidates += len(ids)
            if relation == "crosses":
                refined += len(ids)
                kept = ids[area.keeps(ids)]
                reason = f"{reason}: {len(kept)} of {count(len(ids), 'point')} kept"
                yield Visit("cell", code, bounds, "refined", reason, len(ids), len(code), lower, parent)
                found.append(kept)
            else:
                yield Visit("cell", code, bounds, "inside", reason, len(ids), len(code), lower, parent)
                found.append(ids)
        ids = np.concatenate(found) if found else np.empty(0, dtype=np.int64)
        return area.answer(ids, candidates, refined)

    def _same_cell(self, query: SameCell) -> Explained:
        home = geohash.encode(query.lat, query.lon, query.precision)
        cells = {home: "it is the cell of the place asked for"}
        if query.neighbours:
            for direction, code in geohash.neighbours(home).items():
                cells.setdefault(code, f"it is the neighbour {direction.upper()} of {home}")
        metres = query.metres
        found: list[Ids] = []
        area = None if metres is None else CircleArea(Radius(query.lat, query.lon, metres), self._points)
        for code, why in cells.items():
            ids = self._ids_of(geohash.number_of(code), len(code))
            found.append(ids if area is None else ids[area.keeps(ids)])
            action: Action = "inside" if area is None else "refined"
            kept = f"{len(found[-1])} of {count(len(ids), 'point')} kept"
            bounds = geohash.bounds(code)
            yield Visit("cell", code, bounds, action, f"{why}: {kept}", len(ids), len(code), None, code[:-1])
        ids = np.concatenate(found)
        read = sum(len(self._ids_of(geohash.number_of(code), len(code))) for code in cells)
        chord2 = self._points.chord2(query.lat, query.lon, ids)
        return answer_by_distance(ids, chord2, len(self._points), read, 0 if area is None else read)

    def root(self) -> TreeNode:
        return TreeNode((0, 0), "root", WORLD, len(self._points), 0, "", len(self._points) <= LEAF_POINTS)

    def children(self, node: TreeNode) -> Sequence[TreeNode]:
        assert isinstance(node.key, tuple)
        number, letters = node.key
        shift = SHIFT_BITS - 5 * (letters + 1)
        edges = np.searchsorted(self._keys, (32 * number + np.arange(33)) << shift)
        prefix = "" if node.code == "root" else node.code
        found = []
        for digit in np.flatnonzero(np.diff(edges)):
            code = prefix + geohash.ALPHABET[digit]
            size = int(edges[digit + 1] - edges[digit])
            leaf = size <= LEAF_POINTS or len(code) == geohash.MAX_PRECISION
            key = (32 * number + int(digit), letters + 1)
            found.append(TreeNode(key, code, geohash.bounds(code), size, len(code), node.code, leaf))
        return found

    def ids(self, node: TreeNode) -> Ids:
        assert isinstance(node.key, tuple)
        return self._ids_of(*node.key)

    def _ids_of(self, number: int, letters: int) -> Ids:
        shift = SHIFT_BITS - 5 * letters
        low, high = np.searchsorted(self._keys, np.array([number, number + 1]) << shift)
        return self._order[low:high]


def _union(boxes: Sequence[Box], precision: int, most: int) -> tuple[str, ...]:
    """Cells of all boxes, at most `most` for each of them."""
    return tuple(sorted({code for box in boxes for code in geohash.cover_box(box, precision, most)}))
