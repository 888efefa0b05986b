"""Indexes by the name that the learner chooses."""

from __future__ import annotations

from collections.abc import Callable

from .brute import BruteForce
from .curve_index import CurveIndex
from .curves import HILBERT, Z_ORDER
from .geohash_index import GeohashIndex
from .grid import LatLonGrid
from .growing import GrowingRTree
from .index import SpatialIndex
from .points import Points, Progress
from .quadtree import Quadtree
from .rtree import RTree
from .tables import Table

__all__ = ["INDEXES", "builder"]

Build = Callable[[Points, int, Progress | None], SpatialIndex]

INDEXES: dict[str, Build] = {
    "grid": lambda points, leaf, progress: LatLonGrid.build(points, progress),
    "R-tree (STR)": lambda points, leaf, progress: RTree.build(points, progress, fanout=leaf, packing="str"),
    "R-tree (Hilbert)": lambda points, leaf, progress: RTree.build(points, progress, fanout=leaf, packing="hilbert"),
    "R-tree (inserted)": lambda points, leaf, progress: GrowingRTree.build(points, progress, fanout=leaf),
    "quadtree": lambda points, leaf, progress: Quadtree.build(points, progress, capacity=leaf),
    "geohash": lambda points, leaf, progress: GeohashIndex.build(points, progress),
    "Z-order": lambda points, leaf, progress: CurveIndex.build(points, progress, curve=Z_ORDER),
    "Hilbert": lambda points, leaf, progress: CurveIndex.build(points, progress, curve=HILBERT),
    "scan": lambda points, leaf, progress: BruteForce(points),
}


def builder(index: str, leaf: int, progress: Progress | None = None) -> Callable[[Table], SpatialIndex]:
    """How to build `index` (a key of `INDEXES`) with `leaf` points in a leaf where it is a tree."""
    build = INDEXES[index]
    return lambda table: build(table.points, leaf, progress)
