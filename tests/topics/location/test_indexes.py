"""Every index gives the ids of a full scan, and tells truthfully what it did."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prayog_location.engine import synthetic
from prayog_location.engine.brute import BruteForce
from prayog_location.engine.curve_index import CurveIndex
from prayog_location.engine.curves import Z_ORDER
from prayog_location.engine.geodesy import destination, haversine_m
from prayog_location.engine.geohash_index import GeohashIndex
from prayog_location.engine.grid import LatLonGrid
from prayog_location.engine.growing import GrowingRTree
from prayog_location.engine.index import (
    InBox,
    Nearest,
    Query,
    Radius,
    SameCell,
    SpatialIndex,
    ask,
)
from prayog_location.engine.plan import run
from prayog_location.engine.points import Points
from prayog_location.engine.quadtree import Quadtree
from prayog_location.engine.region import Box
from prayog_location.engine.rtree import RTree

from .cases import METRES, centres, questions, tables

INDEXES: dict[str, Callable[[Points], SpatialIndex]] = {
    "grid": LatLonGrid.build,
    "quadtree": lambda points: Quadtree.build(points, capacity=4),
    "R-tree, STR": lambda points: RTree.build(points, fanout=4),
    "R-tree, Hilbert": lambda points: RTree.build(points, packing="hilbert"),
    "R-tree, growing": lambda points: GrowingRTree.build(points, fanout=5),
    "geohash": GeohashIndex.build,
    "geohash, 1 letter": lambda points: GeohashIndex.build(points, precision=1),
    "Z-order": lambda points: CurveIndex.build(points, curve=Z_ORDER),
    "Hilbert": CurveIndex.build,
}


@pytest.mark.parametrize("name", INDEXES)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_the_answer_is_that_of_a_full_scan(name: str, data: st.DataObject) -> None:
    points = data.draw(tables())
    index, scan = INDEXES[name](points), BruteForce(points)
    for _ in range(3):
        query = data.draw(questions(points))
        expected, found = ask(scan, query), ask(index, query)
        assert found.ids.tolist() == expected.ids.tolist()
        assert found.distances_m.tolist() == expected.distances_m.tolist()


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_batches_of_the_grid_give_the_answers_of_a_full_scan(data: st.DataObject) -> None:
    points = data.draw(tables())
    places = data.draw(st.lists(centres(points), min_size=1, max_size=6))
    lat, lon = np.array(places).T
    grid, scan = LatLonGrid.build(points), BruteForce(points)
    metres, k = data.draw(METRES), data.draw(st.integers(1, 30))
    near, within = grid.knn_batch(lat, lon, k), grid.radius_batch(lat, lon, metres)
    for i, place in enumerate(places):
        expected = ask(scan, Nearest(*place, k))
        assert near.ids[i].tolist() == expected.ids.tolist()
        assert near.distances_m[i].tolist() == expected.distances_m.tolist()
        mine = slice(within.offsets[i], within.offsets[i + 1])
        expected = ask(scan, Radius(*place, metres))
        assert sorted(within.ids[mine].tolist()) == sorted(expected.ids.tolist())
        assert sorted(within.distances_m[mine].tolist()) == expected.distances_m.tolist()


def test_large_batches_cross_every_chunk_border() -> None:
    """More queries than a chunk, more candidates than a piece, and one query larger than a piece."""
    rng = np.random.default_rng(4)
    points = Points(np.degrees(np.arcsin(rng.uniform(-1, 1, 90_000))), rng.uniform(-180, 180, 90_000))
    grid = LatLonGrid.build(points)
    lat, lon = rng.uniform(-90, 90, 2_500), rng.uniform(-180, 180, 2_500)
    found = grid.radius_batch(lat, lon, 300_000.0)
    for i in range(0, 2_500, 97):
        expected = np.flatnonzero(haversine_m(lat[i], lon[i], points.lat, points.lon) <= 300_000.0)
        assert np.array_equal(np.sort(found.ids[found.offsets[i] : found.offsets[i + 1]]), expected)
    assert grid.radius_batch(lat[:3], lon[:3], 2.1e7).offsets.tolist() == [0, 90_000, 180_000, 270_000]
    many = grid.knn_batch(lat[:4], lon[:4], 80_000)
    for i in range(4):
        expected = np.argsort(haversine_m(lat[i], lon[i], points.lat, points.lon), kind="stable")[:80_000]
        assert (many.ids[i] == expected).mean() > 0.9999  # haversine rounds differently in the last digit
        assert (np.diff(many.distances_m[i]) >= 0.0).all()


def test_clusters_in_a_wide_world_are_searched_through_the_finer_grid() -> None:
    """Cells that hold a town are cut; circles then meet whole cells, gaps and small cells in one row."""
    points = synthetic.clusters(30_000, 8, towns=6)
    grid, scan = LatLonGrid.build(points), BruteForce(points)
    assert grid.refined is not None
    rng = np.random.default_rng(6)
    lat = np.concatenate([points.lat[::600], rng.uniform(-90, 90, 50)])
    lon = np.concatenate([points.lon[::600], rng.uniform(-180, 180, 50)])
    for metres in (50.0, 5_000.0, 400_000.0):
        within = grid.radius_batch(lat, lon, metres)
        for i in range(len(lat)):
            expected = ask(scan, Radius(lat[i], lon[i], metres)).ids
            assert np.array_equal(np.sort(within.ids[within.offsets[i] : within.offsets[i + 1]]), np.sort(expected))
            assert ask(grid, Radius(lat[i], lon[i], metres)).ids.tolist() == expected.tolist()
    near = grid.knn_batch(lat, lon, 12)
    for i in range(len(lat)):
        assert near.ids[i].tolist() == ask(scan, Nearest(lat[i], lon[i], 12)).ids.tolist()


@pytest.mark.parametrize("name", INDEXES)
def test_millimetres_beside_the_pole(name: str) -> None:
    """A circle of 2 mm, 11 mm from the pole, spans many degrees of longitude without holding the pole."""
    points = Points(np.full(8, 89.9999999), np.array([0.0, 90.0, 172.771, 175.0, -180.0, -175.0, -172.0, -90.0]))
    query = Radius(89.9999999, -179.99999999999997, 0.0023)
    assert ask(INDEXES[name](points), query).ids.tolist() == ask(BruteForce(points), query).ids.tolist()
    assert len(ask(BruteForce(points), query).ids) == 5


def test_a_crowd_of_duplicates_is_ordered_by_id() -> None:
    points = Points(np.full(5_000, 22.7196), np.full(5_000, 75.8577))
    for build in INDEXES.values():
        some = build(Points(points.lat[:300], points.lon[:300]))
        assert ask(some, Nearest(0.0, 0.0, 7)).ids.tolist() == list(range(7))
    assert LatLonGrid.build(points).knn_batch(np.array([0.0, 22.7196]), np.array([0.0, 75.8577]), 3).ids.tolist() == [
        [0, 1, 2],
        [0, 1, 2],
    ]


@given(points=tables(), data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_full_scan_agrees_with_the_haversine_formula(points: Points, data: st.DataObject) -> None:
    place, k = data.draw(centres(points)), data.draw(st.integers(1, 40))
    answer = ask(BruteForce(points), Nearest(*place, k))
    metres = haversine_m(*place, points.lat, points.lon)
    # The arcsine is steep near the antipode: there both formulas are good to a metre only.
    assert answer.distances_m == pytest.approx(np.sort(metres)[:k], abs=1.0, rel=1e-9)


@pytest.mark.parametrize("name", INDEXES)
def test_visits_account_for_every_point(name: str) -> None:
    rng = np.random.default_rng(9)
    points = Points(rng.normal(22.7, 3.0, 3_000), rng.normal(75.8, 3.0, 3_000))
    index = INDEXES[name](points)
    questions: list[Query] = [
        Radius(22.7, 75.8, 150_000.0),
        Nearest(22.7, 75.8, 12),
        InBox(Box(22.0, 75.0, 24.0, 77.0)),
    ]
    for query in questions:
        told = run(index, query)
        read = sum(v.points for v in told.visits if v.action in ("refined", "inside"))
        assert told.answer.funnel.candidates == read
        assert told.answer.funnel.refined == sum(v.points for v in told.visits if v.action == "refined")
        assert told.answer.funnel.answer == len(told.answer.ids) <= read <= 3_000
        assert all(v.reason and v.bounds[0] <= v.bounds[2] and v.bounds[1] <= v.bounds[3] for v in told.visits)
        assert told.plan[0].startswith("Answer: ")
        if isinstance(query, Radius):
            pruned = [v for v in told.visits if v.action == "pruned" and v.points]
            assert all((v.lower_bound_m or 0.0) > query.metres for v in pruned)


@pytest.mark.parametrize("name", ["quadtree", "R-tree, STR", "R-tree, growing", "geohash", "Hilbert", "Z-order"])
def test_the_nearest_are_searched_best_first(name: str) -> None:
    """Bounds never fall from one visit to the next, and no part is opened beyond the k-th distance."""
    rng = np.random.default_rng(10)
    index = INDEXES[name](Points(rng.uniform(8, 35, 4_000), rng.uniform(68, 97, 4_000)))
    told = run(index, Nearest(22.7196, 75.8577, 5))
    bounds = [v.lower_bound_m or 0.0 for v in told.visits]
    assert bounds == sorted(bounds)
    opened = [v.lower_bound_m or 0.0 for v in told.visits if v.action != "pruned"]
    assert max(opened) <= told.answer.distances_m[-1] + 1e-3
    assert told.answer.funnel.candidates < 400


def test_the_cab_across_the_edge() -> None:
    """The rider's own cell misses a cab 22 m away; the cell and its neighbours find it."""
    rider = 22.7196, 75.8577
    lat, lon = destination(*rider, [0.0, 180.0], [22.0, 900.0])
    index = GeohashIndex.build(Points(lat, lon))
    alone = run(index, SameCell(*rider, 5))
    assert [v.code for v in alone.visits] == ["tsjcn"]
    assert alone.answer.ids.tolist() == [1]
    with_neighbours = run(index, SameCell(*rider, 5, neighbours=True, metres=100.0))
    assert len(with_neighbours.visits) == 9
    assert with_neighbours.answer.ids.tolist() == [0]
    assert with_neighbours.answer.distances_m[0] == pytest.approx(22.0, abs=1e-6)


def test_a_question_that_makes_no_sense_is_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="latitude between -90 and 90"):
        Radius(91.0, 0.0, 5.0)
    with pytest.raises(ValueError, match="metres from 0 up"):
        Radius(0.0, 0.0, float("nan"))
    with pytest.raises(ValueError, match="1 or more"):
        Nearest(0.0, 0.0, 0)
    with pytest.raises(ValueError, match="south <= north"):
        Box(10.0, 0.0, 5.0, 1.0)
    with pytest.raises(ValueError, match="Point 1 is not on the earth"):
        Points(np.array([0.0, 95.0]), np.array([0.0, 0.0]))
