"""Long builds report progress, can be cancelled, and sort exactly as one big sort would."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from prayog_location.engine import synthetic
from prayog_location.engine.curve_index import CurveIndex
from prayog_location.engine.geohash_index import GeohashIndex
from prayog_location.engine.grid import LatLonGrid
from prayog_location.engine.ordering import STEP, Meter, stable_argsort
from prayog_location.engine.points import Points
from prayog_location.engine.quadtree import Quadtree
from prayog_location.engine.rtree import RTree


class CancelledError(Exception):
    pass


@pytest.mark.parametrize("keys", ["random", "few", "one", "sorted", "floats"])
def test_sorting_in_steps_is_a_stable_argsort(keys: str) -> None:
    n = 3 * STEP + 17
    rng = np.random.default_rng(1)
    array: np.ndarray[Any, np.dtype[Any]] = {
        "random": lambda: rng.integers(0, 1 << 60, n),
        "few": lambda: rng.integers(0, 3, n).astype(np.int32),
        "one": lambda: np.zeros(n, dtype=np.int64),
        "sorted": lambda: np.arange(n),
        "floats": lambda: rng.normal(size=n),
    }[keys]()
    assert np.array_equal(stable_argsort(array, Meter(None, 1)), np.argsort(array, kind="stable"))


@pytest.mark.parametrize("build", [LatLonGrid.build, RTree.build, Quadtree.build, GeohashIndex.build, CurveIndex.build])
def test_progress_is_told_often_and_stops_a_build(build: Callable[..., object]) -> None:
    points = synthetic.uniform(2 * STEP + 5, 3)
    told: list[tuple[int, int]] = []
    build(points, lambda done, total: told.append((done, total)))
    shares = [done / total for done, total in told]
    assert shares == sorted(shares)
    assert shares[-1] > 0.7
    assert max(np.diff([0.0, *shares])) < 0.35

    def cancel(done: int, total: int) -> None:
        if done > total / 3:
            raise CancelledError

    with pytest.raises(CancelledError):
        build(points, cancel)


def test_made_up_points_depend_on_the_seed_alone() -> None:
    first, again, other = (synthetic.clusters(STEP + 9, seed) for seed in (5, 5, 6))
    assert np.array_equal(first.lat, again.lat)
    assert np.array_equal(first.lon, again.lon)
    assert not np.array_equal(first.lat, other.lat)
    # The first numbers themselves, so that another process or version is noticed.
    assert synthetic.uniform(2, 7).lon.tolist() == pytest.approx([99.24684849, -98.92541160], abs=1e-6)
    with pytest.raises(ValueError, match="0 to 10,000,000 points"):
        synthetic.clusters(10_000_001, 1)


def test_an_empty_table_and_a_single_point_are_tables_too() -> None:
    for n in (0, 1):
        points = Points(np.full(n, 22.7196), np.full(n, 75.8577))
        for build in (LatLonGrid.build, RTree.build, Quadtree.build, GeohashIndex.build, CurveIndex.build):
            build(points)
        grid = LatLonGrid.build(points)
        assert grid.knn_batch(np.zeros(3), np.zeros(3), 5).ids.shape == (3, n)
        assert grid.radius_batch(np.zeros(3), np.zeros(3), 1e7).offsets.tolist() == [0, n, 2 * n, 3 * n]
