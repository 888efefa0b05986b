"""Vincenty's inverse method on long arrays.

Why it exists: refining a thousand candidates one by one takes a thousand times as long. All pairs go through
the same iteration together; those that stand still leave the *active set*, so that the few slow ones do not
hold up the rest. Equations and sources are those of `vincenty`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .geodesy import WGS84_A_M, WGS84_B_M, WGS84_F, karney_inverse
from .points import Floats

STEP = 1 << 13  # pairs worked on together: the arrays stay in the processor's cache
SECOND_ECCENTRICITY2 = (WGS84_A_M**2 - WGS84_B_M**2) / WGS84_B_M**2
TOLERANCE = 1e-12
MOST_ITERATIONS = 40


def inverse_array(
    lat1: ArrayLike, lon1: ArrayLike, lat2: ArrayLike, lon2: ArrayLike
) -> tuple[Floats, NDArray[np.int64]]:
    """Geodesic metres between pairs of places in degrees (shapes broadcast to one dimension), and the
    positions of the pairs for which Vincenty's method failed and Karney's answered."""
    arrays = np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in (lat1, lon1, lat2, lon2)))
    pairs = [np.atleast_1d(a) for a in arrays]
    metres = np.empty(pairs[0].shape)
    failed: list[NDArray[np.int64]] = []
    for low in range(0, len(metres), STEP):
        part = [a[low : low + STEP] for a in pairs]
        metres[low : low + STEP], lost = _chunk(*part)
        failed.append(lost + low)
    handed = np.concatenate(failed) if failed else np.empty(0, dtype=np.int64)
    for i in handed:
        metres[i] = karney_inverse(*(float(a[i]) for a in pairs)).metres
    return metres, handed


def _chunk(lat1: Floats, lon1: Floats, lat2: Floats, lon2: Floats) -> tuple[Floats, NDArray[np.int64]]:
    tan1, tan2 = ((1.0 - WGS84_F) * np.tan(np.radians(lat)) for lat in (lat1, lat2))
    cos1, cos2 = 1.0 / np.sqrt(1.0 + tan1 * tan1), 1.0 / np.sqrt(1.0 + tan2 * tan2)
    sin1, sin2 = tan1 * cos1, tan2 * cos2
    turn = np.radians(np.mod(lon2 - lon1 + 180.0, 360.0) - 180.0)
    metres = np.full(len(lat1), np.nan)
    active = np.arange(len(lat1))
    guess = turn
    ss, cc, sc, cs = sin1 * sin2, cos1 * cos2, sin1 * cos2, cos1 * sin2
    for _ in range(MOST_ITERATIONS):
        sin_g, cos_g = np.sin(guess), np.cos(guess)
        east, north = cos2 * sin_g, cs - sc * cos_g
        sin_s = np.sqrt(east * east + north * north)  # (14)
        cos_s = ss + cc * cos_g  # (15)
        sigma = np.arctan2(sin_s, cos_s)  # (16)
        sin_a = cc * sin_g / np.maximum(sin_s, 1e-300)  # (17)
        cos2_a = np.maximum(1.0 - sin_a * sin_a, 0.0)
        cos_2m = np.where(cos2_a > 1e-15, cos_s - 2.0 * ss / np.maximum(cos2_a, 1e-15), 0.0)  # (18)
        c = WGS84_F / 16.0 * cos2_a * (4.0 + WGS84_F * (4.0 - 3.0 * cos2_a))  # (10)
        bulge = sigma + c * sin_s * (cos_2m + c * cos_s * (2.0 * cos_2m * cos_2m - 1.0))
        new = turn + (1.0 - c) * WGS84_F * sin_a * bulge  # (11)
        still = np.abs(new - guess) < TOLERANCE
        lost = np.abs(new) > np.pi
        guess = new
        stop = still | lost
        if stop.any():
            ready = still & ~lost
            metres[active[ready]] = _metres(*(a[ready] for a in (sigma, sin_s, cos_s, cos_2m, cos2_a)))
            keep = ~stop
            active = active[keep]
            if not len(active):
                break
            guess, turn, cos2, ss, cc, sc, cs = (a[keep] for a in (guess, turn, cos2, ss, cc, sc, cs))
    return metres, np.flatnonzero(np.isnan(metres))


def _metres(sigma: Floats, sin_s: Floats, cos_s: Floats, cos_2m: Floats, cos2_a: Floats) -> Floats:
    u2 = cos2_a * SECOND_ECCENTRICITY2
    big_a = 1.0 + u2 / 16384.0 * (4096.0 + u2 * (-768.0 + u2 * (320.0 - 175.0 * u2)))  # (3)
    big_b = u2 / 1024.0 * (256.0 + u2 * (-128.0 + u2 * (74.0 - 47.0 * u2)))  # (4)
    square = cos_2m * cos_2m
    deep = big_b / 6.0 * cos_2m * (4.0 * sin_s * sin_s - 3.0) * (4.0 * square - 3.0)
    bend = big_b * sin_s * (cos_2m + big_b / 4.0 * (cos_s * (2.0 * square - 1.0) - deep))  # (6)
    return WGS84_B_M * big_a * (sigma - bend)  # (19)
