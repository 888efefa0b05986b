"""The table of points that every index is built on, and the one way to measure in it.

Why it exists: indexes must agree to the last bit on which point is nearer, or "the same ids as brute
force" would depend on rounding. So all of them compare the same number, the squared chord between two
unit vectors, and it is computed only here.

Rules
1. Latitude and longitude in degrees, north and east positive, float64. Longitude is folded into
   [-180, 180); 180 and -180 are one meridian.
2. A point's id is its position in the table.
3. The haversine of an angle is a quarter of its squared chord (hav t = sin^2(t/2), chord = 2 sin(t/2)):
   comparing chords *is* comparing haversine distances, with three multiplications and no sine.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]
Progress = Callable[[int, int], None]  # (work done, work in all); raises to cancel

EARTH_RADIUS_M = 6_371_008.8  # mean radius R1 of the GRS 80 and WGS 84 ellipsoids (Moritz 2000)
HALF_TURN_M = math.pi * EARTH_RADIUS_M


class Points:
    """An immutable table of points on the earth.

    `lat` and `lon` are degrees, shape (n,), read-only. Raises `ValueError` with a sentence naming the
    first bad point when a latitude is beyond a pole or a number is not finite.
    """

    __slots__ = ("_xyz", "lat", "lon")

    def __init__(self, lat: ArrayLike, lon: ArrayLike) -> None:
        self.lat = np.ascontiguousarray(lat, dtype=np.float64)
        self.lon = fold_longitude(np.ascontiguousarray(lon, dtype=np.float64))
        self._xyz: tuple[Floats, Floats, Floats] | None = None
        if self.lat.ndim != 1 or self.lat.shape != self.lon.shape:
            raise ValueError(
                f"Latitudes and longitudes must be two lists of one length; "
                f"found shapes {self.lat.shape} and {self.lon.shape}."
            )
        bad = ~(np.abs(self.lat) <= 90.0) | ~np.isfinite(self.lon)
        if bad.any():
            i = int(np.argmax(bad))
            raise ValueError(
                f"Point {i} is not on the earth: latitude {self.lat[i]}, longitude {self.lon[i]}. "
                f"A latitude lies between -90 and 90."
            )
        self.lat.flags.writeable = self.lon.flags.writeable = False

    def __len__(self) -> int:
        return len(self.lat)

    @property
    def xyz(self) -> tuple[Floats, Floats, Floats]:
        """Unit vectors of all points, three arrays of shape (n,); kept after the first use."""
        if self._xyz is None:
            self._xyz = unit_xyz(self.lat, self.lon)
        return self._xyz

    def chord2(self, lat: float, lon: float, ids: Ids | None = None) -> Floats:
        """Squared chords from (lat, lon) in degrees to the points `ids` (all when None)."""
        x, y, z = self.xyz if ids is None else tuple(axis[ids] for axis in self.xyz)
        x0, y0, z0 = unit_xyz(np.array([lat]), fold_longitude(np.array([lon])))
        return squared_chord(x - x0, y - y0, z - z0)


def fold_longitude(lon: Floats) -> Floats:
    """Longitudes folded into [-180, 180). Values already there come back bit for bit."""
    outside = (lon < -180.0) | (lon >= 180.0)
    if not outside.any():
        return lon
    folded = np.where(outside, np.mod(lon + 180.0, 360.0) - 180.0, lon)
    folded[folded >= 180.0] = -180.0  # mod of a tiny negative number rounds up to 360
    return folded


def unit_xyz(lat: Floats, lon: Floats) -> tuple[Floats, Floats, Floats]:
    """Unit vectors (x to 0 N 0 E, y to 0 N 90 E, z to the north pole) of degrees, three arrays.

    Both poles are set exactly, so that a pole is one point whatever its longitude.
    """
    phi, lam = np.radians(lat), np.radians(lon)
    across = np.cos(phi)
    across[np.abs(lat) == 90.0] = 0.0
    return across * np.cos(lam), across * np.sin(lam), np.sin(phi)


def squared_chord(dx: Floats, dy: Floats, dz: Floats) -> Floats:
    """dx^2 + dy^2 + dz^2, always summed in this order (rule: one arithmetic for every index)."""
    return dx * dx + dy * dy + dz * dz


def chord2_to_metres(chord2: Floats) -> Floats:
    """Great-circle metres of squared chords on the unit sphere: the haversine formula's last step."""
    return 2.0 * EARTH_RADIUS_M * np.arcsin(np.minimum(1.0, 0.5 * np.sqrt(chord2)))


def metres_to_chord2(metres: float) -> float:
    """The squared chord of a great-circle distance; infinite from half a turn on (everything is near)."""
    if metres >= HALF_TURN_M:
        return math.inf
    return float((2.0 * math.sin(metres / (2.0 * EARTH_RADIUS_M))) ** 2)
