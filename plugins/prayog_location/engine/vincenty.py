"""Vincenty's geodesics on the ellipsoid, step by step and in bulk.

Why it exists: there is no closed formula for the distance on an ellipsoid. Vincenty guesses the difference
of longitude on an auxiliary sphere, corrects it, and repeats until it stands still; each repetition is kept
so that it can be watched. For nearly antipodal points it never stands still: then it says so, and Karney's
method answers in its place, so that no caller ever gets NaN.

Source: T. Vincenty, "Direct and inverse solutions of geodesics on the ellipsoid with application of nested
equations" (Survey Review 23(176), 1975). Numbers in comments are his equations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from .geodesy import WGS84_A_M, WGS84_B_M, WGS84_F, karney_direct, karney_inverse

TOLERANCE = 1e-12  # radians: 6 micrometres on the ground
MOST_ITERATIONS = 200
Method = Literal["Vincenty", "Karney"]


@dataclass(frozen=True, slots=True)
class Iteration:
    """One repetition: the new guess in degrees, how far it moved in radians, and the metres it stands for."""

    number: int
    guess_deg: float
    change_rad: float
    metres: float


@dataclass(frozen=True, slots=True)
class Inverse:
    """Distance in metres and azimuths in degrees from north at both ends.

    `converged` tells whether Vincenty's method did; `iterations` are its repetitions in either case;
    `method` is the one that gave the numbers.
    """

    metres: float
    azimuth_start: float
    azimuth_end: float
    iterations: tuple[Iteration, ...]
    converged: bool
    method: Method


@dataclass(frozen=True, slots=True)
class Direct:
    """Where a geodesic arrives, degrees, and the repetitions that it took."""

    lat: float
    lon: float
    iterations: tuple[Iteration, ...]
    converged: bool
    method: Method


def inverse(lat1: float, lon1: float, lat2: float, lon2: float) -> Inverse:
    """How far, and in which direction: the inverse problem."""
    u1, u2 = _reduced(lat1), _reduced(lat2)
    sin1, cos1, sin2, cos2 = math.sin(u1), math.cos(u1), math.sin(u2), math.cos(u2)
    turn = math.radians(math.remainder(lon2 - lon1, 360.0))
    guess = turn
    steps: list[Iteration] = []
    for number in range(1, MOST_ITERATIONS + 1):
        sin_g, cos_g = math.sin(guess), math.cos(guess)
        sin_s = math.hypot(cos2 * sin_g, cos1 * sin2 - sin1 * cos2 * cos_g)  # (14)
        cos_s = sin1 * sin2 + cos1 * cos2 * cos_g  # (15)
        if sin_s == 0.0:
            if cos_s > 0.0:  # one and the same point
                return Inverse(0.0, 0.0, 0.0, (), True, "Vincenty")
            break  # exactly antipodal: every direction is as good
        sigma = math.atan2(sin_s, cos_s)  # (16)
        sin_a = cos1 * cos2 * sin_g / sin_s  # (17)
        cos2_a = 1.0 - sin_a * sin_a
        cos_2m = cos_s - 2.0 * sin1 * sin2 / cos2_a if cos2_a > 1e-15 else 0.0  # (18); 0 on the equator
        c = WGS84_F / 16.0 * cos2_a * (4.0 + WGS84_F * (4.0 - 3.0 * cos2_a))  # (10)
        bulge = sigma + c * sin_s * (cos_2m + c * cos_s * (2.0 * cos_2m * cos_2m - 1.0))
        new = turn + (1.0 - c) * WGS84_F * sin_a * bulge  # (11)
        change, guess = new - guess, new
        steps.append(Iteration(number, math.degrees(new), change, _metres(sigma, sin_s, cos_s, cos_2m, cos2_a)))
        # A guess beyond half a turn means nearly antipodal points and "no solution", says the paper; it is
        # still followed, so that its wandering can be watched, but never believed.
        if abs(change) < TOLERANCE and abs(guess) <= math.pi:
            sin_g, cos_g = math.sin(guess), math.cos(guess)
            start = math.atan2(cos2 * sin_g, cos1 * sin2 - sin1 * cos2 * cos_g)  # (20)
            end = math.atan2(cos1 * sin_g, -sin1 * cos2 + cos1 * sin2 * cos_g)  # (21)
            metres = steps[-1].metres
            return Inverse(metres, math.degrees(start), math.degrees(end), tuple(steps), True, "Vincenty")
    exact = karney_inverse(lat1, lon1, lat2, lon2)
    return Inverse(exact.metres, exact.azimuth_start, exact.azimuth_end, tuple(steps), False, "Karney")


def direct(lat: float, lon: float, azimuth: float, metres: float) -> Direct:
    """Where one arrives after `metres` in the direction `azimuth` (degrees from north): the direct problem."""
    alpha = math.radians(azimuth)
    u1 = _reduced(lat)
    sigma1 = math.atan2(math.tan(u1), math.cos(alpha))  # (1)
    sin_a = math.cos(u1) * math.sin(alpha)  # (2)
    cos2_a = 1.0 - sin_a * sin_a
    big_a, big_b = _series(cos2_a)
    first = metres / (WGS84_B_M * big_a)
    sigma = first
    steps: list[Iteration] = []
    for number in range(1, MOST_ITERATIONS + 1):
        cos_2m = math.cos(2.0 * sigma1 + sigma)  # (5)
        new = first + _bend(sigma, math.sin(sigma), math.cos(sigma), cos_2m, big_b)  # (6), (7)
        change, sigma = new - sigma, new
        steps.append(Iteration(number, math.degrees(new), change, WGS84_B_M * big_a * new))
        if abs(change) < TOLERANCE:
            break
    else:
        return Direct(*karney_direct(lat, lon, azimuth, metres), tuple(steps), False, "Karney")
    sin_s, cos_s, cos_2m = math.sin(sigma), math.cos(sigma), math.cos(2.0 * sigma1 + sigma)
    sin1, cos1 = math.sin(u1), math.cos(u1)
    aside = sin1 * sin_s - cos1 * cos_s * math.cos(alpha)
    tan2 = sin1 * cos_s + cos1 * sin_s * math.cos(alpha)
    phi2 = math.atan2(tan2, (1.0 - WGS84_F) * math.hypot(sin_a, aside))  # (8)
    guess = math.atan2(sin_s * math.sin(alpha), cos1 * cos_s - sin1 * sin_s * math.cos(alpha))  # (9)
    c = WGS84_F / 16.0 * cos2_a * (4.0 + WGS84_F * (4.0 - 3.0 * cos2_a))  # (10)
    bulge = sigma + c * sin_s * (cos_2m + c * cos_s * (2.0 * cos_2m * cos_2m - 1.0))
    turn = guess - (1.0 - c) * WGS84_F * sin_a * bulge  # (11)
    to_lon = math.remainder(lon + math.degrees(turn), 360.0)
    return Direct(math.degrees(phi2), to_lon, tuple(steps), True, "Vincenty")


def _reduced(lat: float) -> float:
    """Reduced latitude U of a latitude in degrees: tan U = (1 - f) tan lat."""
    return math.atan2((1.0 - WGS84_F) * math.sin(math.radians(lat)), math.cos(math.radians(lat)))


def _series(cos2_a: float) -> tuple[float, float]:
    u2 = cos2_a * (WGS84_A_M**2 - WGS84_B_M**2) / WGS84_B_M**2
    big_a = 1.0 + u2 / 16384.0 * (4096.0 + u2 * (-768.0 + u2 * (320.0 - 175.0 * u2)))  # (3)
    big_b = u2 / 1024.0 * (256.0 + u2 * (-128.0 + u2 * (74.0 - 47.0 * u2)))  # (4)
    return big_a, big_b


def _bend(sigma: float, sin_s: float, cos_s: float, cos_2m: float, big_b: float) -> float:
    """The difference between arc and distance, (6)."""
    twice = 2.0 * cos_2m * cos_2m - 1.0
    deep = big_b / 6.0 * cos_2m * (4.0 * sin_s * sin_s - 3.0) * (4.0 * cos_2m * cos_2m - 3.0)
    return big_b * sin_s * (cos_2m + big_b / 4.0 * (cos_s * twice - deep))


def _metres(sigma: float, sin_s: float, cos_s: float, cos_2m: float, cos2_a: float) -> float:
    big_a, big_b = _series(cos2_a)
    return WGS84_B_M * big_a * (sigma - _bend(sigma, sin_s, cos_s, cos_2m, big_b))  # (19)
