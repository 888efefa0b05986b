"""Latitude/longitude boxes on the sphere: how near, how far, does it overlap.

Why it exists: a tree index prunes a box when the query cannot reach it, and a planar answer to "how
near is this box" prunes true neighbours (it did in more than one well-known library). The bounds here
are exact on the sphere, at the antimeridian and at the poles.

Rules
1. `Bounds` is (south, west, north, east) in degrees with west <= east: what an index node owns.
2. `Box` is what a person asks for: west > east means that it crosses the antimeridian.
3. A pole has every longitude: a box that reaches 90 N holds the north pole, whatever its west and east.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .points import EARTH_RADIUS_M, HALF_TURN_M, Floats

Bounds = tuple[float, float, float, float]
WORLD: Bounds = (-90.0, -180.0, 90.0, 180.0)
PAD_RAD = 1e-9  # 6 mm: bounds are widened by it so that rounding never loses a true answer


@dataclass(frozen=True, slots=True)
class Box:
    """A latitude/longitude box, edges included, degrees; west > east crosses the antimeridian.

    Raises `ValueError` with a sentence when south > north or a number is out of range.
    """

    south: float
    west: float
    north: float
    east: float

    def __post_init__(self) -> None:
        if not -90.0 <= self.south <= self.north <= 90.0:
            raise ValueError(
                f"A box needs -90 <= south <= north <= 90; found south {self.south}, north {self.north}."
            )
        if not (-180.0 <= self.west <= 180.0 and -180.0 <= self.east <= 180.0):
            raise ValueError(
                f"A box needs west and east between -180 and 180; found west {self.west}, east {self.east}."
            )
        if self.west == 180.0:
            object.__setattr__(self, "west", -180.0)
            if self.east == 180.0:
                object.__setattr__(self, "east", -180.0)

    def contains(self, lat: Floats, lon: Floats) -> NDArray[np.bool_]:
        """Which points (degrees, longitudes in [-180, 180)) lie in the box, edges included."""
        if self.west <= self.east:
            across = (lon >= self.west) & (lon <= self.east)
            if self.east == 180.0:
                across |= lon == -180.0
        else:
            across = (lon >= self.west) | (lon <= self.east)
        if self.north == 90.0:
            across |= lat == 90.0
        if self.south == -90.0:
            across |= lat == -90.0
        return across & (lat >= self.south) & (lat <= self.north)

    def windows(self) -> tuple[Bounds, ...]:
        """The box as bounds that do not cross the antimeridian, in reading order west to east.

        A pole and the meridian 180 = -180 appear as extra windows of no width or height (rule 3).
        """
        south, north = self.south, self.north
        if self.west <= self.east:
            found = [(south, self.west, north, self.east)]
            if self.east == 180.0 and self.west > -180.0:
                found.append((south, -180.0, north, -180.0))
        else:
            found = [(south, self.west, north, 180.0), (south, -180.0, north, self.east)]
        if found[0][1] > -180.0 or found[0][3] < 180.0:
            found += [(pole, -180.0, pole, 180.0) for pole in (-90.0, 90.0) if pole in (south, north)]
        return tuple(found)


def overlap(a: Bounds, b: Bounds) -> bool:
    """Whether two bounds share a point (touching counts)."""
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


def inside(a: Bounds, b: Bounds) -> bool:
    """Whether bounds `a` lie wholly in bounds `b`."""
    return b[0] <= a[0] and a[2] <= b[2] and b[1] <= a[1] and a[3] <= b[3]


def nearest_in_bounds_m(lat: float, lon: float, bounds: Bounds) -> float:
    """Least great-circle distance in metres from a point (degrees) to any point of the bounds.

    Within the longitudes of the box the way runs along a meridian. Otherwise it ends on the west or the
    east edge: at the foot of the perpendicular on that meridian, or at a corner.
    """
    south, west, north, east = bounds
    if west <= lon <= east or lon + 360.0 <= east or west <= lon - 360.0:
        away = max(south - lat, lat - north, 0.0)
        return math.radians(away) * EARTH_RADIUS_M
    phi = math.radians(lat)
    low, high = math.radians(south), math.radians(north)
    least = 1.0
    for edge in (west, east):
        turn = math.radians(lon - edge)
        foot = math.atan2(math.sin(phi), math.cos(phi) * math.cos(turn))
        across = math.cos(phi) * math.sin(0.5 * turn) ** 2
        for at in (low, high, min(max(foot, low), high)):
            least = min(least, math.sin(0.5 * (phi - at)) ** 2 + across * math.cos(at))
    return 2.0 * EARTH_RADIUS_M * math.asin(math.sqrt(max(least, 0.0)))


def farthest_in_bounds_m(lat: float, lon: float, bounds: Bounds) -> float:
    """Greatest distance in metres from a point to any point of the bounds.

    What is farthest from a point is nearest to its antipode.
    """
    return HALF_TURN_M - nearest_in_bounds_m(-lat, lon - 180.0 if lon >= 0.0 else lon + 180.0, bounds)


def slack_m(nearest_m: float) -> float:
    """How far a distance from `nearest_in_bounds_m` may be wrong: prune only beyond it.

    A micrometre; but within 1,000 km of the antipode the arcsine is so steep that 16 digits give only
    decimetres, and it is a metre.
    """
    return 1.0 if nearest_m > HALF_TURN_M - 1e6 else 1e-6


def half_width_deg(lat: float, metres: float, south: float, north: float) -> float:
    """How many degrees of longitude a circle reaches to either side within south..north.

    The haversine formula solved for the longitude: hav(dlon) = (hav(r) - hav(dlat)) / (cos cos), at the
    latitude of the band where it is greatest (the tangent point sin(lat) / cos(r), or the band's nearer
    edge). 180 when the circle holds a pole or the whole band; 0 when it only touches it.
    """
    reach = metres / EARTH_RADIUS_M + PAD_RAD
    if reach >= 0.5 * math.pi:
        return 180.0
    phi = math.radians(lat)
    # As an arctangent: an arcsine would lose centimetres beside a pole.
    spread = (math.cos(phi) - math.sin(reach)) * (math.cos(phi) + math.sin(reach))
    tangent = math.atan2(math.sin(phi), math.sqrt(max(0.0, spread)))
    at = min(max(tangent, math.radians(south)), math.radians(north))
    spare = math.sin(0.5 * reach) ** 2 - math.sin(0.5 * (at - phi)) ** 2
    across = math.cos(phi) * math.cos(at)
    if spare >= across:
        return 180.0
    return math.degrees(2.0 * math.asin(math.sqrt(max(0.0, spare / across)))) + 1e-9


def circle_windows(lat: float, lon: float, metres: float) -> tuple[Bounds, ...]:
    """The circle's enclosing box as one or two bounds that do not cross the antimeridian."""
    reach = math.degrees(metres / EARTH_RADIUS_M + PAD_RAD)
    south, north = max(-90.0, lat - reach), min(90.0, lat + reach)
    half = half_width_deg(lat, metres, south, north)
    if half >= 180.0:
        return ((south, -180.0, north, 180.0),)
    west, east = lon - half, lon + half
    if west < -180.0:
        return ((south, west + 360.0, north, 180.0), (south, -180.0, north, east))
    if east >= 180.0:
        return ((south, west, north, 180.0), (south, -180.0, north, east - 360.0))
    return ((south, west, north, east),)
