"""The geometry that an overlay draws, as flat arrays, and how it is made from boxes, circles, points and GeoJSON.

It exists so that both map back-ends, hit-testing and export work on one exact form. No Qt here.

Rules
1. Longitudes are *unwrapped*: along one ring they never jump, so a ring over the date line runs past 180 (or below
   -180). Back-ends draw a shape again at every 360 degrees that is in view; so there is no seam to split at.
2. Outer rings run counter-clockwise and holes clockwise, so that one path filled by the non-zero rule shows the
   union of all areas, also where they overlap.
3. A ring around a pole is closed along the pole for filling; that part of it is not stroked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["EARTH_RADIUS_M", "MAX_MERCATOR_LAT", "Lines", "Shapes", "boxes", "circle", "geojson", "mercator", "points"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius R1 of WGS 84 (Moritz, Geodetic Reference System 1980)."""
MAX_MERCATOR_LAT = 85.05112877980659
"""Where the Mercator map is as high as it is wide; nothing beyond it can be shown."""
CHUNK = 48
"""Rings in one path."""
SEAM = 1e-9
"""Degrees by which a ring round the world may miss its own beginning through rounding."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Rings or lines: `xy` (n, 2) longitude and latitude in degrees, `ends` the index after the last point of each,
    `owner` the feature that each belongs to, `stroke` whether its outline is drawn."""

    xy: Floats
    ends: Ints
    owner: Ints
    stroke: NDArray[np.bool_]

    @classmethod
    def of(cls, parts: Sequence[Floats], owner: Sequence[int], stroke: bool = True) -> Lines:
        if not parts:
            return cls(np.empty((0, 2)), np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.bool_))
        return cls(
            np.concatenate(parts),
            np.cumsum([len(part) for part in parts], dtype=np.int32),
            np.asarray(owner, np.int32),
            np.full(len(parts), stroke),
        )

    def __len__(self) -> int:
        return len(self.ends)

    def chunks(self) -> Ints:
        """Where to cut a long list of rings into paths of about `CHUNK` (numbers of rings, each the end of a path).

        Filling takes more than proportionally longer for a path of many rings. A feature is never cut, because its
        holes belong to its outline."""
        if not len(self):
            return np.empty(0, np.int32)
        first = np.flatnonzero(np.diff(self.owner, prepend=-1))  # where each feature begins
        _, starts = np.unique(first // CHUNK, return_index=True)
        return np.append(first[starts[1:]], len(self)).astype(np.int32)

    def bounds(self) -> Floats:
        """(k, 4): west, south, east, north of each ring or line."""
        if not len(self):
            return np.empty((0, 4))
        starts = np.concatenate([[0], self.ends[:-1]])
        return np.hstack([np.minimum.reduceat(self.xy, starts), np.maximum.reduceat(self.xy, starts)])


def _no_lines() -> Lines:
    return Lines.of([], [])


@dataclass(frozen=True, slots=True)
class Shapes:
    """Everything one overlay draws: filled `rings`, `lines`, `points` (n, 2), and the id of every feature."""

    rings: Lines = field(default_factory=_no_lines)
    lines: Lines = field(default_factory=_no_lines)
    points: Floats = field(default_factory=lambda: np.empty((0, 2)))
    point_owner: Ints = field(default_factory=lambda: np.empty(0, np.int32))
    ids: Sequence[int | str] = ()

    def hit(self, lat: float, lon: float, tolerance_deg: float) -> int | str | None:
        """The id of the feature under a click: the nearest point within `tolerance_deg` of Mercator longitude (a
        number of pixels at the present zoom), or else the smallest area around it; None when there is neither."""
        if len(self.points):
            d = mercator(self.points) - mercator(np.array([[lon, lat]]))
            d[:, 0] = (d[:, 0] + 180.0) % 360.0 - 180.0
            square = np.einsum("ij,ij->i", d, d)
            nearest = int(square.argmin())
            if square[nearest] <= tolerance_deg**2:
                return self.ids[int(self.point_owner[nearest])]
        if not len(self.rings):
            return None
        box = self.rings.bounds()
        best: tuple[float, int] | None = None
        first = np.ceil((box[:, 0].min() - lon) / 360.0)
        last = np.floor((box[:, 2].max() + SEAM - lon) / 360.0)
        for x in lon + 360.0 * np.arange(first, last + 1):
            near = (box[:, 0] <= x) & (x <= box[:, 2] + SEAM) & (box[:, 1] <= lat) & (lat <= box[:, 3])
            inside: dict[int, list[int]] = {}
            for ring in np.flatnonzero(near):
                if _ring_contains(self._ring(int(ring)), x, lat):
                    inside.setdefault(int(self.rings.owner[ring]), []).append(int(ring))
            for owner, rings in inside.items():
                area = float(min(np.prod(box[r, 2:] - box[r, :2]) for r in rings))
                if len(rings) % 2 and (best is None or area < best[0]):  # an even count means: in a hole
                    best = (area, owner)
        return None if best is None else self.ids[best[1]]

    def _ring(self, index: int) -> Floats:
        return self.rings.xy[(self.rings.ends[index - 1] if index else 0) : self.rings.ends[index]]


def _ring_contains(ring: Floats, x: float, y: float) -> bool:
    """Even-odd rule: does a ray to the east cross the ring an odd number of times?"""
    a, b = ring, np.roll(ring, -1, axis=0)
    crosses = (a[:, 1] > y) != (b[:, 1] > y)
    a, b = a[crosses], b[crosses]
    at = a[:, 0] + (y - a[:, 1]) / (b[:, 1] - a[:, 1]) * (b[:, 0] - a[:, 0])
    return bool(np.count_nonzero(at > x - SEAM) % 2)


def mercator(xy: Floats) -> Floats:
    """Longitude and latitude to the spherical Mercator plane in degrees: both axes run from -180 to 180.

    Latitudes beyond `MAX_MERCATOR_LAT` are put on the edge (Snyder, *Map Projections*, 1987, eq. 7-1, 7-2)."""
    lat = np.radians(np.clip(xy[:, 1], -MAX_MERCATOR_LAT, MAX_MERCATOR_LAT))
    return np.column_stack([xy[:, 0], np.degrees(np.arctanh(np.sin(lat)))])


def boxes(bounds: ArrayLike, ids: Sequence[int | str] | None = None) -> Shapes:
    """Rectangles (n, 4): south, west, north, east in degrees. East below west means: over the date line."""
    b = np.asarray(bounds, np.float64).reshape(-1, 4)
    south, west, north = b[:, 0], b[:, 1], b[:, 2]
    east = np.where(b[:, 3] < west, b[:, 3] + 360.0, b[:, 3])
    x = np.stack([west, east, east, west], axis=1)
    y = np.stack([south, south, north, north], axis=1)
    n = len(b)
    rings = Lines(
        np.stack([x, y], axis=2).reshape(-1, 2),
        np.arange(4, 4 * n + 4, 4, dtype=np.int32),
        np.arange(n, dtype=np.int32),
        np.ones(n, np.bool_),
    )
    return Shapes(rings=rings, ids=range(n) if ids is None else ids)


def points(lats: ArrayLike, lons: ArrayLike, ids: Sequence[int | str] | None = None) -> Shapes:
    """Points in degrees. Without `ids`, a point's id is its index."""
    xy = np.column_stack([np.asarray(lons, np.float64), np.asarray(lats, np.float64)])
    return Shapes(
        points=xy, point_owner=np.arange(len(xy), dtype=np.int32), ids=range(len(xy)) if ids is None else ids
    )


def circle(lat: float, lon: float, radius_m: float, id: int | str = 0, corners: int = 256) -> Shapes:
    """All places within `radius_m` of a point on the sphere, as its true outline.

    The outline is the point at distance `radius_m` in each of `corners` directions (great-circle direct problem).
    With a pole inside, the area reaches up to that pole; with both, everything but a patch round the antipode."""
    angle = radius_m / EARTH_RADIUS_M
    world = np.array([[-180.0, -90.0], [180.0, -90.0], [180.0, 90.0], [-180.0, 90.0]])
    if angle >= np.pi:
        return Shapes(rings=Lines.of([world], [0], stroke=False), ids=(id,))
    bearing = np.linspace(0.0, -2.0 * np.pi, corners + 1)  # west first: counter-clockwise on the map
    phi, lam = np.radians(lat), np.radians(lon)
    y = np.arcsin(np.clip(np.sin(phi) * np.cos(angle) + np.cos(phi) * np.sin(angle) * np.cos(bearing), -1, 1))
    x = lam + np.arctan2(
        np.sin(bearing) * np.sin(angle) * np.cos(phi), np.cos(angle) - np.sin(phi) * np.sin(y)
    )
    outline = np.degrees(np.column_stack([np.unwrap(x), y]))
    north, south = 90.0 - lat < np.degrees(angle), 90.0 + lat < np.degrees(angle)
    if north and south:
        outline[:, 0] += 360.0 * np.round((lon + 180.0 - outline[:, 0].mean()) / 360.0)
        around = world + np.array([outline[:, 0].mean(), 0.0])
        filled, line = [around, outline[:-1] if _area(outline) < 0 else outline[-2::-1]], outline
    elif north or south:
        pole = 90.0 if north else -90.0
        cap = np.vstack([outline, [[outline[-1, 0], pole], [outline[0, 0], pole]]])
        filled, line = [cap if _area(cap) > 0 else cap[::-1]], outline
    else:
        return Shapes(rings=Lines.of([outline[:-1]], [0]), ids=(id,))
    return Shapes(rings=Lines.of(filled, [0] * len(filled), stroke=False), lines=Lines.of([line], [0]), ids=(id,))


def geojson(document: Mapping[str, Any]) -> Shapes:
    """Shapes of a GeoJSON object (RFC 7946): a geometry, a Feature or a FeatureCollection.

    A feature's id is its `id`, else its position. Raises `ValueError` with a sentence for anything else."""
    kind = document.get("type")
    features: Sequence[Mapping[str, Any]]
    if kind == "FeatureCollection":
        features = document["features"]
    else:
        features = [document] if kind == "Feature" else [{"type": "Feature", "geometry": document}]
    rings: list[Floats] = []
    lines: list[Floats] = []
    dots: list[Floats] = []
    owners: tuple[list[int], list[int], list[int]] = ([], [], [])
    for owner, feature in enumerate(features):
        for part, into in _parts(feature.get("geometry")):
            (rings, lines, dots)[into].append(part)
            owners[into].append(owner)
    return Shapes(
        rings=Lines.of(rings, owners[0]),
        lines=Lines.of(lines, owners[1]),
        points=np.concatenate(dots) if dots else np.empty((0, 2)),
        point_owner=np.repeat(np.asarray(owners[2], np.int32), [len(d) for d in dots]),
        ids=[feature.get("id", place) for place, feature in enumerate(features)],
    )


def _parts(geometry: Mapping[str, Any] | None) -> list[tuple[Floats, int]]:
    """The rings (0), lines (1) and points (2) of one geometry."""
    if geometry is None:
        return []
    kind, at = geometry.get("type"), geometry.get("coordinates", ())
    if kind == "Polygon":
        return [(_ring(ring, hole=i > 0), 0) for i, ring in enumerate(at)]
    if kind == "MultiPolygon":
        return [(_ring(ring, hole=i > 0), 0) for polygon in at for i, ring in enumerate(polygon)]
    if kind == "LineString":
        return [(_unwrapped(at), 1)]
    if kind == "MultiLineString":
        return [(_unwrapped(line), 1) for line in at]
    if kind in ("Point", "MultiPoint"):
        return [(np.asarray([at] if kind == "Point" else at, np.float64)[:, :2], 2)]
    if kind == "GeometryCollection":
        return [part for member in geometry["geometries"] for part in _parts(member)]
    raise ValueError(f"The map draws GeoJSON geometries; it was given an object of type {kind!r}.")


def _unwrapped(coordinates: Sequence[Sequence[float]]) -> Floats:
    xy = np.array([pair[:2] for pair in coordinates], np.float64)
    xy[:, 0] = np.unwrap(xy[:, 0], period=360.0)
    return xy


def _ring(coordinates: Sequence[Sequence[float]], hole: bool) -> Floats:
    ring = _unwrapped(coordinates)
    if len(ring) > 1 and np.array_equal(ring[0], ring[-1]):
        ring = ring[:-1]
    return ring[::-1] if (_area(ring) > 0) == hole else ring


def _area(ring: Floats) -> float:
    """Signed area in square degrees; positive when counter-clockwise."""
    x, y = ring[:, 0], ring[:, 1]
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) / 2.0)
