"""Distances on the earth, from the simplest model to the exact one: flat, sphere, ellipsoid.

Why it exists: "how far" has three answers. The flat one is a map's, the haversine one a ball's, and the
geodesic one the earth's; learners put them side by side. Vincenty's method has its own module.

Rules
1. Degrees in, metres out; latitude before longitude; arrays and numbers alike, shapes broadcast.
2. Sphere: mean radius 6,371.0088 km (`points.EARTH_RADIUS_M`). Ellipsoid: WGS 84.

Sources: haversine: Sinnott, "Virtues of the haversine" (Sky & Telescope 68(2), 1984). WGS 84: NGA.STND.0036
(2014), table 3.1. Exact geodesics: Karney, "Algorithms for geodesics" (J. Geodesy 87, 2013), by his own
library `geographiclib`; unlike Vincenty's method it converges for every pair of points.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .points import EARTH_RADIUS_M, Floats, unit_xyz

WGS84_A_M = 6_378_137.0  # equatorial radius
WGS84_F = 1.0 / 298.257223563  # flattening
WGS84_B_M = WGS84_A_M * (1.0 - WGS84_F)  # polar radius


def haversine_m(lat1: ArrayLike, lon1: ArrayLike, lat2: ArrayLike, lon2: ArrayLike) -> Floats:
    """Great-circle metres: d = 2 R asin(sqrt(sin^2(dlat/2) + cos lat1 cos lat2 sin^2(dlon/2)))."""
    phi1, phi2 = np.radians(lat1), np.radians(lat2)
    half_lat, half_lon = 0.5 * (phi2 - phi1), 0.5 * np.radians(np.subtract(lon2, lon1))
    hav = np.sin(half_lat) ** 2 + np.cos(phi1) * np.cos(phi2) * np.sin(half_lon) ** 2
    found: Floats = 2.0 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(1.0, hav)))
    return found


def flat_m(lat1: ArrayLike, lon1: ArrayLike, lat2: ArrayLike, lon2: ArrayLike) -> Floats:
    """Metres by Pythagoras on a flat map (equirectangular, true at the middle latitude).

    Good within a city, ever worse with distance; the shorter way round in longitude is taken.
    """
    turn = np.mod(np.subtract(lon2, lon1) + 180.0, 360.0) - 180.0
    middle = np.radians(0.5 * np.add(lat1, lat2))
    found: Floats = EARTH_RADIUS_M * np.hypot(np.radians(np.subtract(lat2, lat1)), np.radians(turn) * np.cos(middle))
    return found


def degrees_as_a_plane(lat1: ArrayLike, lon1: ArrayLike, lat2: ArrayLike, lon2: ArrayLike) -> Floats:
    """The naive mistake: Euclid on the degrees themselves, each taken for 111.195 km."""
    degrees = np.hypot(np.subtract(lat2, lat1), np.subtract(lon2, lon1))
    found: Floats = EARTH_RADIUS_M * np.radians(degrees)
    return found


def bearing_deg(lat1: ArrayLike, lon1: ArrayLike, lat2: ArrayLike, lon2: ArrayLike) -> Floats:
    """Direction in which a great circle leaves the first point, degrees clockwise from north, [0, 360)."""
    phi1, phi2 = np.radians(lat1), np.radians(lat2)
    turn = np.radians(np.subtract(lon2, lon1))
    east = np.sin(turn) * np.cos(phi2)
    north = np.cos(phi1) * np.sin(phi2) - np.sin(phi1) * np.cos(phi2) * np.cos(turn)
    found: Floats = np.mod(np.degrees(np.arctan2(east, north)), 360.0)
    return found


def destination(lat: ArrayLike, lon: ArrayLike, bearing: ArrayLike, metres: ArrayLike) -> tuple[Floats, Floats]:
    """Where one arrives on the sphere after `metres` in a direction (degrees clockwise from north).

    Latitudes and longitudes in degrees, the latter in [-180, 180). `vincenty.direct` does it on the ellipsoid.
    """
    phi, theta = np.radians(lat), np.radians(bearing)
    way = np.divide(metres, EARTH_RADIUS_M)
    # As a vector seen from the starting meridian; arctangents stay exact at the poles, an arcsine would not.
    up = np.sin(phi) * np.cos(way) + np.cos(phi) * np.sin(way) * np.cos(theta)
    ahead = np.cos(phi) * np.cos(way) - np.sin(phi) * np.sin(way) * np.cos(theta)
    east = np.sin(way) * np.sin(theta)
    to_lat = np.arctan2(up, np.hypot(ahead, east))
    to_lon = np.add(lon, np.degrees(np.arctan2(east, ahead)))
    return np.degrees(to_lat), np.mod(to_lon + 180.0, 360.0) - 180.0


def chord_m(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Metres straight through the ball, which a kd-tree on unit vectors compares: 2 R sin(d / 2R)."""
    a = np.array(unit_xyz(np.array([lat1, lat2]), np.array([lon1, lon2])))
    return float(EARTH_RADIUS_M * np.linalg.norm(a[:, 0] - a[:, 1]))


@dataclass(frozen=True, slots=True)
class Geodesic:
    """The shortest way on the ellipsoid: metres, and its direction at both ends (degrees from north)."""

    metres: float
    azimuth_start: float
    azimuth_end: float


@functools.cache
def _wgs84() -> Any:
    """`geographiclib`'s WGS 84, imported when it is first needed."""
    from geographiclib.geodesic import Geodesic as Karney

    return Karney.WGS84


def karney_inverse(lat1: float, lon1: float, lat2: float, lon2: float) -> Geodesic:
    """The exact geodesic between two points, by Karney's method: nanometres, and it never fails."""
    found = _wgs84().Inverse(lat1, lon1, lat2, lon2)
    return Geodesic(float(found["s12"]), float(found["azi1"]), float(found["azi2"]))


def karney_direct(lat: float, lon: float, azimuth: float, metres: float) -> tuple[float, float]:
    """Where a geodesic arrives: latitude and longitude in degrees."""
    found = _wgs84().Direct(lat, lon, azimuth, metres)
    return float(found["lat2"]), float(found["lon2"])
