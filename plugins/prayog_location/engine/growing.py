"""An R-tree that grows point by point, and tells what it does: the tree of Guttman's paper.

Why it exists: a packed R-tree appears finished. Here one watches a leaf being chosen, its box grow, an
overfull node split, and the root rise by one level.

Source: Guttman, "R-trees: a dynamic index structure for spatial searching" (SIGMOD 1984): ChooseLeaf and
AdjustTree of section 3.2, the quadratic split of section 3.5.2.

Rules
1. A node holds at most `fanout` entries and, but for the root, at least two fifths of that.
2. "Area" is the box's area in square degrees, as in the paper: a rule of thumb for good boxes, while
   distances in searches are exact on the sphere.
3. Nodes are named in the order of their birth: `N0`, `N1`, ...
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import Literal

import numpy as np

from .index import Explained, Kind, Query
from .ordering import Meter
from .points import Ids, Points, Progress
from .region import WORLD, Bounds
from .search import TreeNode, explain_tree

StepKind = Literal["choose", "place", "split", "grow"]


@dataclass(frozen=True, slots=True)
class Growth:
    """One step of an insertion.

    *choose*: `node` was taken on the way down; *place*: the point went into leaf `node`; *split*: `node` was
    cut in two, `bounds` and `sibling_bounds` are the halves; *grow*: `node` is the new root.
    """

    kind: StepKind
    point: int
    node: str
    bounds: Bounds
    sibling: str
    sibling_bounds: Bounds | None
    reason: str


@dataclass(slots=True, eq=False)
class _Node:
    number: int
    leaf: bool
    boxes: list[Bounds] = field(default_factory=list)
    entries: list[int] = field(default_factory=list)  # point ids of a leaf
    nodes: list[_Node] = field(default_factory=list)  # children of an inner node
    points: int = 0

    @property
    def name(self) -> str:
        return f"N{self.number}"

    def bounds(self) -> Bounds:
        box = self.boxes[0]
        for other in self.boxes[1:]:
            box = _join(box, other)
        return box


class GrowingRTree:
    """An R-tree over a table of points, of which only those inserted so far are found."""

    name = "R-tree, growing"
    summary = "Guttman's R-tree: each point goes into the box that grows least; full boxes split."
    node_kind: Kind = "node"

    def __init__(self, points: Points, *, fanout: int = 8) -> None:
        if fanout < 2:
            raise ValueError(f"An R-tree's node must hold at least 2 entries; found fanout {fanout}.")
        self._table, self._most, self._least = points, fanout, max(1, 2 * fanout // 5)
        self._nodes: list[_Node] = []
        self._root = self._new(leaf=True)

    @classmethod
    def build(cls, points: Points, progress: Progress | None = None, *, fanout: int = 8) -> GrowingRTree:
        """Insert every point of a table in order of id: some 100 microseconds a point."""
        tree = cls(points, fanout=fanout)
        meter = Meter(progress, len(points))
        for point in range(len(points)):
            for _ in tree.insert(point):
                pass
            meter.advance(1)
        return tree

    @property
    def points(self) -> Points:
        return self._table

    @property
    def inserted(self) -> int:
        """How many points are in the tree."""
        return self._root.points

    def insert(self, point: int) -> Iterator[Growth]:
        """Insert point `point` of the table. The steps must be drawn to the end for it to be complete."""
        lat, lon = float(self._table.lat[point]), float(self._table.lon[point])
        box = (lat, lon, lat, lon)
        path = [self._root]
        while not path[-1].leaf:
            node = path[-1]
            best = min(range(len(node.nodes)), key=lambda i: (_growth(node.boxes[i], box), _area(node.boxes[i])))
            more = _growth(node.boxes[best], box)
            path.append(node.nodes[best])
            why = (
                "the point lies in its box"
                if more == 0.0
                else f"its box grows least: by {more:.4g} square degrees"
            )
            yield Growth("choose", point, path[-1].name, node.boxes[best], "", None, why)
        leaf = path[-1]
        leaf.entries.append(point)
        leaf.boxes.append(box)
        for node in path:
            node.points += 1
        for child, parent in pairwise(reversed(path)):  # from the leaf up: each box is made of its children's
            parent.boxes[parent.nodes.index(child)] = child.bounds()
        held = f"it now holds {len(leaf.entries)} of at most {self._most} points"
        yield Growth("place", point, leaf.name, leaf.bounds(), "", None, held)
        yield from self._split_upwards(path, point)

    def _split_upwards(self, path: list[_Node], point: int) -> Iterator[Growth]:
        """AdjustTree: split overfull nodes from the leaf upwards."""
        for depth in range(len(path) - 1, -1, -1):
            node = path[depth]
            if len(node.boxes) <= self._most:
                return
            twin, why = self._split(node)
            if depth:
                parent = path[depth - 1]
                parent.boxes[parent.nodes.index(node)] = node.bounds()
                parent.nodes.append(twin)
                parent.boxes.append(twin.bounds())
            yield Growth("split", point, node.name, node.bounds(), twin.name, twin.bounds(), why)
            if not depth:
                root = self._new(leaf=False)
                root.nodes, root.boxes = [node, twin], [node.bounds(), twin.bounds()]
                root.points = node.points + twin.points
                self._root = root
                why = "the root was split: the tree is one level higher"
                yield Growth("grow", point, root.name, root.bounds(), "", None, why)

    def _split(self, node: _Node) -> tuple[_Node, str]:
        """QuadraticSplit: the two entries that waste most area together found the groups (PickSeeds); then
        always the entry with the strongest preference chooses its group (PickNext)."""
        boxes = node.boxes
        waste, first, second = max(
            (_area(_join(boxes[i], boxes[j])) - _area(boxes[i]) - _area(boxes[j]), i, j)
            for i, j in combinations(range(len(boxes)), 2)
        )
        groups, covers = ([first], [second]), [boxes[first], boxes[second]]
        rest = [i for i in range(len(boxes)) if i not in (first, second)]
        while rest:
            short = [g for g in (0, 1) if len(groups[g]) + len(rest) <= self._least]
            if short:  # one group needs all that are left
                chosen, side = rest[0], short[0]
            else:
                chosen = max(rest, key=lambda i: abs(_growth(covers[0], boxes[i]) - _growth(covers[1], boxes[i])))
                side = min((0, 1), key=lambda g: (_growth(covers[g], boxes[chosen]), _area(covers[g]), len(groups[g])))
            groups[side].append(chosen)
            covers[side] = _join(covers[side], boxes[chosen])
            rest.remove(chosen)
        twin = self._new(leaf=node.leaf)
        for target, group in ((twin, groups[1]), (node, groups[0])):
            picked = [node.entries[i] for i in group] if node.leaf else []
            below = [] if node.leaf else [node.nodes[i] for i in group]
            target.boxes, target.entries, target.nodes = [boxes[i] for i in group], picked, below
            target.points = len(picked) + sum(child.points for child in below)
        return twin, f"its two farthest entries would waste {waste:.4g} square degrees together"

    def _new(self, *, leaf: bool) -> _Node:
        node = _Node(len(self._nodes), leaf)
        self._nodes.append(node)
        return node

    def explain(self, query: Query) -> Explained:
        return explain_tree(self, query)

    def root(self) -> TreeNode:
        return self._seen(self._root, 0, "")

    def children(self, node: TreeNode) -> Sequence[TreeNode]:
        assert isinstance(node.key, int)
        return [self._seen(child, node.depth + 1, node.code) for child in self._nodes[node.key].nodes]

    def ids(self, node: TreeNode) -> Ids:
        assert isinstance(node.key, int)
        found: list[int] = []
        stack = [self._nodes[node.key]]
        while stack:
            below = stack.pop()
            found += below.entries
            stack += below.nodes
        return np.array(found, dtype=np.int64)

    def _seen(self, node: _Node, depth: int, parent: str) -> TreeNode:
        bounds = node.bounds() if node.boxes else WORLD
        return TreeNode(node.number, node.name, bounds, node.points, depth, parent, node.leaf)


def _join(a: Bounds, b: Bounds) -> Bounds:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def _area(box: Bounds) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _growth(box: Bounds, added: Bounds) -> float:
    """By how many square degrees a box grows to take another in."""
    return _area(_join(box, added)) - _area(box)
