"""The growing R-tree keeps Guttman's rules after every insertion, and its steps tell what happened."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prayog_location.engine.growing import GrowingRTree
from prayog_location.engine.points import Points
from prayog_location.engine.search import TreeNode

from .cases import tables


def check(tree: GrowingRTree, fanout: int) -> None:
    """Boxes enclose exactly their children, nodes are neither over- nor underfull, leaves are level."""
    levels = set()

    def walk(node: TreeNode, root: bool) -> list[int]:
        lat, lon = tree.points.lat, tree.points.lon
        if node.leaf:
            levels.add(node.depth)
            ids = tree.ids(node).tolist()
            size = len(ids)
        else:
            children = tree.children(node)
            size = len(children)
            ids = [i for child in children for i in walk(child, False)]
        assert size <= fanout
        assert root or size >= max(1, 2 * fanout // 5)
        assert node.points == len(ids)
        assert node.bounds == (lat[ids].min(), lon[ids].min(), lat[ids].max(), lon[ids].max())
        return ids

    assert sorted(walk(tree.root(), True)) == list(range(tree.inserted))
    assert len(levels) == 1


@given(points=tables().filter(len), fanout=st.integers(2, 9))
@settings(max_examples=40, deadline=None)
def test_the_rules_hold_after_every_insertion(points: Points, fanout: int) -> None:
    tree = GrowingRTree(points, fanout=fanout)
    for point in range(len(points)):
        kinds = [step.kind for step in tree.insert(point)]
        assert kinds.count("place") == 1
        assert kinds == sorted(kinds, key=["choose", "place", "split", "grow"].index)
        if point < 30 or point == len(points) - 1:
            check(tree, fanout)


def test_the_first_split_is_told_with_both_halves() -> None:
    """Two groups of cabs, one north and one south: the fifth overfills the leaf, and it splits between them."""
    points = Points(np.array([22.70, 22.71, 22.90, 22.91, 22.72]), np.array([75.85, 75.86, 75.85, 75.86, 75.87]))
    tree = GrowingRTree(points, fanout=4)
    for point in range(4):
        assert [step.kind for step in tree.insert(point)] == ["place"]
    place, split, grow = tree.insert(4)
    assert (place.kind, split.kind, grow.kind) == ("place", "split", "grow")
    halves = {split.bounds, split.sibling_bounds}
    assert halves == {(22.70, 75.85, 22.72, 75.87), (22.90, 75.85, 22.91, 75.86)}
    assert "one level higher" in grow.reason


def test_a_node_of_one_entry_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2 entries"):
        GrowingRTree(Points(np.zeros(1), np.zeros(1)), fanout=1)
