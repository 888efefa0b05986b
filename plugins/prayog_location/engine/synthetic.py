"""Made-up points, as many as you like, the same for the same seed in every process.

Why it exists: an index has to be seen on ten million points, and no such table is shipped. Real places
crowd into towns, so these do too: towns of different size and width, with a thin scatter in between.
"""

from __future__ import annotations

import math

import numpy as np

from .ordering import STEP, Meter
from .points import EARTH_RADIUS_M, Points, Progress

MOST_POINTS = 10_000_000
SCATTERED = 0.1  # share of points that belong to no town


def clusters(count: int, seed: int, progress: Progress | None = None, *, towns: int = 400) -> Points:
    """`count` points (at most 10 million) in `towns` clusters, 5 to 200 km wide, strewn over the sphere.

    Sizes of the towns follow Zipf's law, as real ones nearly do. Raises `ValueError` outside the limits.
    """
    _check(count, towns)
    rng = np.random.Generator(np.random.PCG64(seed))
    at_lat = np.degrees(np.arcsin(rng.uniform(-0.94, 0.94, towns)))
    at_lon = rng.uniform(-180.0, 180.0, towns)
    width = np.degrees(np.exp(rng.uniform(math.log(5e3), math.log(2e5), towns)) / EARTH_RADIUS_M)
    share = 1.0 / np.arange(1, towns + 1)
    bounds = np.cumsum(share) / share.sum()
    meter = Meter(progress, count)
    lat, lon = np.empty(count), np.empty(count)
    for low in range(0, count, STEP):
        n = min(STEP, count - low)
        town = np.minimum(np.searchsorted(bounds, rng.uniform(size=n)), towns - 1)
        north = at_lat[town] + width[town] * rng.standard_normal(n)
        east = at_lon[town] + width[town] * rng.standard_normal(n) / np.cos(np.radians(at_lat[town]))
        alone = rng.uniform(size=n) < SCATTERED
        north[alone] = np.degrees(np.arcsin(rng.uniform(-1.0, 1.0, int(alone.sum()))))
        east[alone] = rng.uniform(-180.0, 180.0, int(alone.sum()))
        lat[low : low + n], lon[low : low + n] = np.clip(north, -90.0, 90.0), east
        meter.advance(n)
    return Points(lat, lon)


def uniform(count: int, seed: int, progress: Progress | None = None) -> Points:
    """`count` points (at most 10 million), evenly strewn over the sphere."""
    _check(count, 1)
    rng = np.random.Generator(np.random.PCG64(seed))
    meter = Meter(progress, count)
    lat, lon = np.empty(count), np.empty(count)
    for low in range(0, count, STEP):
        n = min(STEP, count - low)
        lat[low : low + n] = np.degrees(np.arcsin(rng.uniform(-1.0, 1.0, n)))
        lon[low : low + n] = rng.uniform(-180.0, 180.0, n)
        meter.advance(n)
    return Points(lat, lon)


def _check(count: int, towns: int) -> None:
    if not 0 <= count <= MOST_POINTS:
        raise ValueError(f"Synthetic tables have 0 to {MOST_POINTS:,} points; found {count:,}.")
    if towns < 1:
        raise ValueError(f"Clusters need at least one town; found {towns}.")
