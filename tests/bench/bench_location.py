"""Speed of the topic `location` against the libraries people use, as ratios taken in one run.

    python tests/bench/bench_location.py [--quick]

Peers: scikit-learn BallTree (haversine), SciPy cKDTree on unit vectors (one thread), Shapely STRtree (box, then
haversine), pyproj Geod, python-geohash. Batches of 1,000 queries beside points of the table; every contender
answers the same batch in turn, the best of several rounds counts, and the answers are compared. A ratio is the
peer's time divided by ours; a missed target is printed as MISSED. `--quick` leaves out the 10 million points.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from prayog_location.engine import synthetic
from prayog_location.engine.geodesy import haversine_m
from prayog_location.engine.geohash import encode_array
from prayog_location.engine.grid import LatLonGrid
from prayog_location.engine.places import load_places
from prayog_location.engine.points import EARTH_RADIUS_M, Points, metres_to_chord2, unit_xyz
from prayog_location.engine.vincenty_array import inverse_array

BATCH = 1_000
K = 10
missed: list[str] = []


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def ratio(what: str, peer: str, ours: float, theirs: float, target: float | None) -> None:
    """One line: the ratio, and whether the target is met."""
    verdict = ""
    if target is not None:
        verdict = f"  target {target:g}: {'met' if theirs / ours >= target else 'MISSED'}"
        if theirs / ours < target:
            missed.append(f"{what} against {peer}: {theirs / ours:.2f} of {target:g}")
    figures = f"({ours * 1e6:9.2f} us against {theirs * 1e6:9.2f})"
    print(f"    {what:<22} {theirs / ours:7.2f} x {peer:<14} {figures}{verdict}")


def vectors(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    return np.column_stack(unit_xyz(lat, lon))


@dataclass(frozen=True, slots=True)
class Contenders:
    """Our grid and the peers' indexes on one table; the slow peers may be None."""

    points: Points
    grid: LatLonGrid
    tree: Any
    ball: Any
    boxes: Any


def build_all(points: Points, slow_peers: bool, judged: bool) -> Contenders:
    """Build everything from latitudes and longitudes; each peer's conversion of them is part of its time."""
    import shapely
    from scipy.spatial import cKDTree
    from sklearn.neighbors import BallTree

    ours, grid = min((seconds(lambda: LatLonGrid.build(points)) for _ in range(3)), key=lambda t: t[0])
    taken, tree = min((seconds(lambda: cKDTree(vectors(points.lat, points.lon))) for _ in range(3)), key=lambda t: t[0])
    ratio("build", "cKDTree", ours, taken, 1.0 if judged else None)
    if not slow_peers:
        return Contenders(points, grid, tree, None, None)
    pairs = np.radians(np.column_stack([points.lat, points.lon]))
    taken, ball = seconds(lambda: BallTree(pairs, metric="haversine"))
    ratio("build", "BallTree", ours, taken, None)
    taken, boxes = seconds(lambda: shapely.STRtree(shapely.points(points.lon, points.lat)))
    ratio("build", "STRtree", ours, taken, None)
    return Contenders(points, grid, tree, ball, boxes)


def one_round(all_of: Contenders, lat: np.ndarray, lon: np.ndarray, metres: float, best: dict[str, float]) -> int:
    """Every contender answers one batch. Keeps the best seconds a query, compares answers, returns ties."""

    def timed(name: str, work: Callable[[], Any]) -> Any:
        taken, result = seconds(work)
        best[name] = min(best.get(name, np.inf), taken / len(lat))
        return result

    grid, tree, ball = all_of.grid, all_of.tree, all_of.ball
    chord = float(np.sqrt(metres_to_chord2(metres)))
    within = timed("radius", lambda: grid.radius_batch(lat, lon, metres, distances=False))
    timed("radius+distances", lambda: grid.radius_batch(lat, lon, metres))
    theirs = timed("radius cKDTree", lambda: tree.query_ball_point(vectors(lat, lon), chord, return_sorted=False))
    nearest = timed("nearest", lambda: grid.knn_batch(lat, lon, K))
    their_chords, their_ids = timed("nearest cKDTree", lambda: tree.query(vectors(lat, lon), K))
    mine = [within.ids[a:b] for a, b in pairwise(within.offsets.tolist())]
    same_sets(mine, theirs, "cKDTree radius")
    ties = same_nearest(nearest.ids, nearest.distances_m, their_ids, their_chords)
    if ball is not None:
        place = np.radians(np.column_stack([lat, lon]))
        theirs = timed("radius BallTree", lambda: ball.query_radius(place, metres / EARTH_RADIUS_M))
        same_sets(mine, theirs, "BallTree radius")
        angles, their_ids = timed("nearest BallTree", lambda: ball.query(place, K))
        ties += same_nearest(nearest.ids, nearest.distances_m, their_ids, 2 * np.sin(angles / 2))
        theirs = timed("radius STRtree", lambda: box_then_haversine(all_of.boxes, all_of.points, lat, lon, metres))
        same_sets(mine, theirs, "STRtree radius")
    return ties


def table(title: str, points: Points, metres: float, rounds: int, slow_peers: bool, judged: bool = True) -> None:
    """Build, radius and k nearest on one table. `judged` tables have targets."""
    print(f"\n{title}: {len(points):,} points, radius {metres / 1000:g} km, {K} nearest")
    all_of = build_all(points, slow_peers, judged)
    rng = np.random.default_rng(5)
    best: dict[str, float] = {}
    ties = 0
    # Boxes of a planar tree do not cross the antimeridian: the places keep away from it, for all alike.
    fair = np.flatnonzero((np.abs(points.lat) < 75) & (np.abs(points.lon) < 170))
    for _ in range(rounds):
        near = rng.choice(fair, BATCH)
        lat, lon = points.lat[near] + rng.normal(0, 0.1, BATCH), points.lon[near] + rng.normal(0, 0.1, BATCH)
        ties += one_round(all_of, lat, lon, metres, best)
    goal = (1.0, 0.5, 5.0 if len(points) == 1_000_000 else None, 10.0) if judged else (None,) * 4
    ratio("radius", "cKDTree", best["radius"], best["radius cKDTree"], goal[0])
    ratio("radius, with distances", "cKDTree", best["radius+distances"], best["radius cKDTree"], None)
    ratio("nearest", "cKDTree", best["nearest"], best["nearest cKDTree"], goal[1])
    if all_of.ball is not None:
        ratio("radius", "BallTree", best["radius"], best["radius BallTree"], goal[2])
        ratio("nearest", "BallTree", best["nearest"], best["nearest BallTree"], goal[3])
        ratio("radius", "STRtree", best["radius"], best["radius STRtree"], None)
    print(f"    answers equal in {rounds} x {BATCH:,} queries; {ties} times equally far points in another order")


def box_then_haversine(boxes: Any, points: Points, lat: np.ndarray, lon: np.ndarray, metres: float) -> list[np.ndarray]:
    """What one does with a planar tree: the enclosing boxes, then the real distance."""
    import shapely

    high = np.degrees(metres / EARTH_RADIUS_M) * 1.0001
    wide = high / np.cos(np.radians(np.minimum(np.abs(lat) + high, 89.0)))
    query, found = boxes.query(shapely.box(lon - wide, lat - high, lon + wide, lat + high))
    kept = haversine_m(lat[query], lon[query], points.lat[found], points.lon[found]) <= metres
    return np.split(found[kept], np.searchsorted(query[kept], np.arange(1, len(lat))))


def same_sets(mine: list[np.ndarray], theirs: Any, peer: str) -> None:
    for i, (a, b) in enumerate(zip(mine, theirs, strict=True)):
        if not np.array_equal(np.sort(a), np.sort(np.asarray(b, dtype=np.int64))):
            raise SystemExit(f"{peer} found other points for query {i}: {sorted(a)} against {sorted(b)}")


def same_nearest(ids: np.ndarray, metres: np.ndarray, their_ids: np.ndarray, their_chords: np.ndarray) -> int:
    """How many places differ, which may only happen between points that are equally far."""
    their_metres = 2 * EARTH_RADIUS_M * np.arcsin(their_chords / 2)
    if np.abs(metres - their_metres).max() > 1e-3:
        raise SystemExit("The distances of the nearest points differ.")
    return int((ids != their_ids).sum())


def geodesics() -> None:
    from pyproj import Geod

    rng = np.random.default_rng(3)
    lat, lon = np.degrees(np.arcsin(rng.uniform(-1, 1, (2, 200_000)))), rng.uniform(-180, 180, (2, 200_000))
    geod = Geod(ellps="WGS84")
    ours, theirs = np.inf, np.inf
    for _ in range(5):
        taken, (metres, failed) = seconds(lambda: inverse_array(lat[0], lon[0], lat[1], lon[1]))
        ours = min(ours, taken / lat.shape[1])
        taken, (_, _, exact) = seconds(lambda: geod.inv(lon[0], lat[0], lon[1], lat[1]))
        theirs = min(theirs, taken / lat.shape[1])
    print("\nGeodesics, 200,000 random pairs (pyproj also computes the azimuths, which ours does not)")
    ratio("Vincenty, array", "pyproj", ours, theirs, 0.9)
    off = np.abs(metres - exact).max() * 1e3
    print(f"    greatest difference {off:.3f} mm; {len(failed)} pairs handed to Karney's method")


def geohashes() -> None:
    import geohash

    points = load_places().points
    lat, lon = points.lat.tolist(), points.lon.tolist()
    ours, theirs = np.inf, np.inf
    for _ in range(5):
        taken, words = seconds(lambda: encode_array(points.lat, points.lon, 9))
        ours = min(ours, taken / len(points))
        taken, expected = seconds(lambda: [geohash.encode(a, b, 9) for a, b in zip(lat, lon, strict=True)])
        theirs = min(theirs, taken / len(points))
    if [word.decode() for word in words] != expected:
        raise SystemExit("python-geohash gives other words.")
    print(f"\nGeohash of {len(points):,} places, 9 letters, all words equal")
    ratio("encode, array", "python-geohash", ours, theirs, 10.0)


def memory() -> None:
    """Growth of the peak resident memory while 10 million points are made and indexed, in a fresh process."""
    status = Path("/proc/self/status")
    if not status.exists():
        print("\nMemory: not measured, this system does not tell a process its own peak.")
        return
    script = (
        "import re, numpy\n"
        "from prayog_location.engine import synthetic\n"
        "from prayog_location.engine.grid import LatLonGrid\n"
        "peak = lambda: int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]) / 1000\n"
        "before = peak()\n"
        "points = synthetic.uniform(10_000_000, 1)\n"
        "grid = LatLonGrid.build(points)\n"
        "print(peak() - before)\n"
    )
    grown = float(subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout)
    verdict = "met" if grown <= 600 else "MISSED"
    print(f"\nMemory: 10,000,000 points and their grid: {grown:.0f} MB at the peak  target 600: {verdict}")
    if grown > 600:
        missed.append(f"memory: {grown:.0f} MB of 600")


def main() -> int:
    quick = "--quick" in sys.argv[1:]
    rounds = 3 if quick else 7
    geohashes()
    geodesics()
    table("Cities", load_places().points, 50_000.0, rounds, slow_peers=True)
    table("1 million, even", synthetic.uniform(1_000_000, 1), 50_000.0, rounds, slow_peers=True)
    table("1 million, clustered", synthetic.clusters(1_000_000, 1), 5_000.0, rounds, slow_peers=False, judged=False)
    if not quick:
        table("10 million, even", synthetic.uniform(10_000_000, 1), 15_000.0, rounds, slow_peers=True)
        memory()
    print("\nAll targets are met." if not missed else "\nMissed: " + "; ".join(missed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
