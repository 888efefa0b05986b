"""The learner's own k nearest on a quadtree: what the function is given, what of it is counted, and what is told.

Why it exists: best first (see `search`) is a dozen lines, and whoever has written them once knows what an index saves.

Rules
1. The function sees the tree through `Part` only.  A part is *opened* when its places or the parts below it are asked
   for; asking again costs nothing more.
2. Distances are made here, so that it is about the search and not about spheres; ``at_least`` is a true bound.
3. Every part that was opened is a visit in the trace, in the order of opening, also when the function failed.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any

import numpy as np

from prayog_sdk.code.function import Function, events
from prayog_sdk.run import Emit
from prayog_sdk.specs import CodeSpec

from .index import Answer, Explained, Funnel, Nearest, Query, Visit
from .points import Points, Progress, chord2_to_metres
from .quadtree import Quadtree
from .region import nearest_in_bounds_m, slack_m
from .search import TreeNode, explain_tree
from .tables import Table

__all__ = ["NEAREST", "Part", "YourTree", "builder"]

STARTER = '''\
def nearest(root, k):
    """The ids of the k nearest places, nearest first.

    root is the whole map, cut in four, and each crowded part in four again.
    Of a part you can ask, for nothing:

        part.at_least   nothing in it is nearer than so many metres
        part.count      how many places it holds

    and these open it:

        part.parts      the parts that it is cut into, or () at the end
        part.places     its places as (metres, id), or () in one that is cut

    At the same distance the smaller id comes first.  This function opens every
    part there is; open fewer than 20 % of them.
    """
    found = []
    todo = [root]
    while todo:
        part = todo.pop()
        found += part.places
        todo += part.parts
    found.sort()
    return [id for metres, id in found[:k]]
'''
NEAREST = CodeSpec(
    "nearest", "code", "k nearest on a quadtree",
    "Find the k nearest places without opening every part of the tree: fewer than 20 % of them, and never miss one.",
    STARTER, steps=100_000,
)  # fmt: skip


class Part:
    """A part of the map as the learner's function sees it."""

    __slots__ = ("_node", "_open", "_tree", "at_least", "count")

    def __init__(self, tree: _Asked, node: TreeNode) -> None:
        self._tree, self._node = tree, node
        self._open = False
        self.count = node.points
        self.at_least = tree.bound(node)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts below this one."""
        return self._tree.parts(self._opened())

    @property
    def places(self) -> tuple[tuple[float, int], ...]:
        """Metres and id of each place, unless the part is cut."""
        return self._tree.places(self._opened())

    def _opened(self) -> TreeNode:
        if not self._open:
            self._open = True
            self._tree.opened.append(self._node)
        return self._node

    def __repr__(self) -> str:
        return f"part {self._node.code}: {self.count} places, at least {self.at_least:,.0f} m away"


class _Asked:
    """One question to a tree, and the parts that were opened for it."""

    def __init__(self, tree: Quadtree, query: Nearest) -> None:
        self._tree, self._query = tree, query
        self._parts: dict[str, tuple[Part, ...]] = {}
        self.opened: list[TreeNode] = []

    def bound(self, node: TreeNode) -> float:
        metres = nearest_in_bounds_m(self._query.lat, self._query.lon, node.bounds)
        return max(0.0, metres - slack_m(metres))

    def parts(self, node: TreeNode) -> tuple[Part, ...]:
        if node.leaf:
            return ()
        if node.code not in self._parts:  # the same parts again, so that nothing is opened twice
            self._parts[node.code] = tuple(Part(self, child) for child in self._tree.children(node))
        return self._parts[node.code]

    def places(self, node: TreeNode) -> tuple[tuple[float, int], ...]:
        if not node.leaf:
            return ()
        ids = self._tree.ids(node)
        metres = chord2_to_metres(self._tree.points.chord2(self._query.lat, self._query.lon, ids))
        return tuple(zip(metres.tolist(), ids.tolist(), strict=True))


class YourTree:
    """A quadtree that is searched by `function`."""

    name = "Your search"
    summary = "A quadtree, searched by the function that you write."

    def __init__(self, tree: Quadtree, function: Function) -> None:
        self.tree, self.function = tree, function
        self.parts = _count(tree)

    @property
    def points(self) -> Points:
        return self.tree.points

    def explain(self, query: Query) -> Explained:
        """What the lab's own search says; the learner's is asked by `told`."""
        return explain_tree(self.tree, query)

    def told(self, query: Nearest) -> Generator[Emit, None, Answer | None]:
        """Call the function and tell what it did; returns its answer, or None when it has none."""
        asked = _Asked(self.tree, query)
        root = Part(asked, self.tree.root())
        outcome = self.function(root, query.k, expect=_ids_below(len(self.points)))
        for number, node in enumerate(asked.opened, 1):
            yield "visit", self.name, _visit(asked, node, number)
        for kind, data in events(outcome):
            yield kind, self.name, data
        if outcome.mistake is not None:
            return None
        opened, seen = len(asked.opened), sum(node.points for node in asked.opened if node.leaf)
        share = round(100 * opened / self.parts, 1)
        yield "effort", self.name, {"opened": opened, "parts": self.parts, "share": share, "steps": outcome.steps}
        ids = np.array(outcome.value, dtype=np.int64)
        metres = chord2_to_metres(self.points.chord2(query.lat, query.lon, ids))
        return Answer(ids, metres, Funnel(len(self.points), seen, seen, len(ids)))


def builder(leaf: int, text: str, progress: Progress | None = None) -> Callable[[Table], YourTree]:
    """How to build the tree that the function in `text` searches."""
    function = NEAREST.function(text)
    return lambda table: YourTree(Quadtree.build(table.points, progress, capacity=leaf), function)


def _count(tree: Quadtree) -> int:
    """Parts with something in them: the others are never shown."""
    found, todo = 0, [tree.root()] if len(tree.points) else []
    while todo:
        node = todo.pop()
        found += 1
        if not node.leaf:
            todo += tree.children(node)
    return max(found, 1)


def _visit(asked: _Asked, node: TreeNode, number: int) -> Mapping[str, Any]:
    bound = asked.bound(node)
    visit = Visit(
        Quadtree.node_kind, node.code, node.bounds, "refined" if node.leaf else "visited",
        f"your function opened it as number {number}", node.points, node.depth, bound, node.parent,
    )  # fmt: skip
    return visit_data(visit)


def visit_data(visit: Visit) -> Mapping[str, Any]:
    """A visit as the trace holds it."""
    return {
        "kind": visit.kind, "code": visit.code, "bounds": [round(edge, 7) for edge in visit.bounds],
        "action": visit.action, "reason": visit.reason, "points": visit.points, "depth": visit.depth,
        "lower_bound_m": None if visit.lower_bound_m is None else round(visit.lower_bound_m, 3),
        "parent": visit.parent,
    }  # fmt: skip


def _ids_below(most: int) -> Callable[[Any], str]:
    """What is wrong with an answer: it must be a list of different ids."""

    def wrong(value: Any) -> str:
        if not isinstance(value, list | tuple):
            return f"must return a list of ids; it returned {_short(value)}."
        for each in value:
            if type(each) is not int or not 0 <= each < most:
                return f"must return ids from 0 to {most - 1:,}; it returned {_short(each)} among them."
        if len(set(value)) < len(value):
            twice = next(each for each in value if value.count(each) > 1)
            return f"must return each place once; {twice} is there twice."
        return ""

    return wrong


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
