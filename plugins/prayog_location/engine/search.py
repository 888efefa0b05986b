"""The two searches that all tree-shaped indexes share: descend into an area, and best first to the k nearest.

Why it exists: an R-tree, a quadtree, geohash prefixes and curve prefixes differ in how they cut the map,
not in how they are searched. Best-first search is Hjaltason & Samet, "Distance browsing in spatial
databases" (ACM TODS 24(2), 1999): a priority queue ordered by the least possible distance, which opens no
node that it does not have to.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .area import Area, area_of
from .index import Action, Answer, Explained, Kind, Nearest, Query, Visit, answer_by_distance, nearest_first
from .points import Ids, Points, chord2_to_metres
from .region import Bounds, nearest_in_bounds_m, slack_m
from .wording import count, distance


@dataclass(frozen=True, slots=True)
class TreeNode:
    """A node as the search sees it. `key` is the index's own handle to it."""

    key: int | tuple[int, int]
    code: str
    bounds: Bounds
    points: int
    depth: int
    parent: str
    leaf: bool


class Tree(Protocol):
    """What an index must offer to be searched as a tree."""

    node_kind: Kind

    @property
    def points(self) -> Points: ...

    def root(self) -> TreeNode: ...

    def children(self, node: TreeNode) -> Sequence[TreeNode]:
        """The nodes directly below an inner node; nodes without points may be left out."""
        ...

    def ids(self, node: TreeNode) -> Ids:
        """The ids of all points at or below a node."""
        ...


def explain_tree(tree: Tree, query: Query) -> Explained:
    """Answer any query on a tree, telling every visit."""
    if isinstance(query, Nearest):
        return (yield from _best_first(tree, query))
    return (yield from _descend(tree, area_of(query, tree.points)))


def _visit(tree: Tree, node: TreeNode, action: Action, reason: str, bound: float | None) -> Visit:
    return Visit(
        tree.node_kind, node.code, node.bounds, action, reason, node.points, node.depth, bound, node.parent
    )


def _descend(tree: Tree, area: Area) -> Explained:
    found: list[Ids] = []
    candidates = refined = 0
    stack = [tree.root()] if len(tree.points) else []
    while stack:
        node = stack.pop()
        relation, bound = area.relation(node.bounds)
        reason = area.reason(relation, bound)
        if relation == "outside":
            yield _visit(tree, node, "pruned", reason, bound)
        elif relation == "inside":
            yield _visit(tree, node, "inside", reason, bound)
            found.append(tree.ids(node))
            candidates += node.points
        elif node.leaf:
            ids = tree.ids(node)
            kept = ids[area.keeps(ids)]
            yield _visit(
                tree, node, "refined", f"{reason}: {len(kept)} of {count(len(ids), 'point')} kept", bound
            )
            found.append(kept)
            candidates += len(ids)
            refined += len(ids)
        else:
            yield _visit(tree, node, "visited", f"{reason}: look at its parts", bound)
            stack.extend(reversed(tree.children(node)))
    ids = np.concatenate(found) if found else np.empty(0, dtype=np.int64)
    return area.answer(ids, candidates, refined)


def _best_first(tree: Tree, query: Nearest) -> Explained:
    best_ids = np.empty(0, dtype=np.int64)
    best = np.empty(0)
    read = 0
    farthest = math.inf  # distance of the k-th best so far
    heap: list[tuple[float, int, TreeNode]] = []
    pushed = 0

    def push(node: TreeNode) -> None:
        nonlocal pushed
        bound = nearest_in_bounds_m(query.lat, query.lon, node.bounds)
        heapq.heappush(heap, (bound, pushed, node))
        pushed += 1

    if len(tree.points):
        push(tree.root())
    while heap:
        bound, _, node = heapq.heappop(heap)
        if bound - slack_m(bound) > farthest:
            why = f"nothing in it is nearer than {distance(bound)}; number {query.k} is {distance(farthest)} away"
            yield _visit(tree, node, "pruned", why, bound)
        elif node.leaf:
            ids = tree.ids(node)
            read += len(ids)
            chord2 = tree.points.chord2(query.lat, query.lon, ids)
            best_ids, best = nearest_first(np.concatenate([best_ids, ids]), np.concatenate([best, chord2]))
            best_ids, best = best_ids[: query.k], best[: query.k]
            if len(best) == query.k:
                farthest = float(chord2_to_metres(best[-1:])[0])
            yield _visit(tree, node, "refined", _progress_words(query.k, len(best), farthest, bound), bound)
        else:
            yield _visit(
                tree, node, "visited", f"it is the nearest unopened part, {distance(bound)} away", bound
            )
            for child in tree.children(node):
                push(child)
    answer: Answer = answer_by_distance(best_ids, best, len(tree.points), read, read)
    return answer


def _progress_words(k: int, found: int, farthest: float, bound: float) -> str:
    start = f"it is the nearest unopened part, {distance(bound)} away"
    if found < k:
        return f"{start}; {found} of {k} found so far"
    return f"{start}; number {k} is now {distance(farthest)} away"
