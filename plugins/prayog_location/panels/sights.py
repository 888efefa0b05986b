"""Where on the map a question is, the way between two places, and a visit in words.  No Qt here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["bounds_of", "great_circle", "padded", "visit_words", "wrapped"]

Bounds = tuple[float, float, float, float]
"""South, west, north, east, in degrees."""


def visit_words(visit: Mapping[str, Any]) -> str:
    """A visit in a sentence or two."""
    south, west, north, east = visit["bounds"]
    part_of = f", part of {visit['parent']}" if visit["parent"] else ""
    return (
        f"{visit['kind'].capitalize()} {visit['code']}{part_of} — {visit['action']}: {visit['reason']}. "
        f"{visit['points']:,} points, {south:.3f}…{north:.3f}° N, {west:.3f}…{east:.3f}° E."
    )


def wrapped(lon: float) -> float:
    """A longitude between -180 and 180."""
    return (lon + 180.0) % 360.0 - 180.0


def padded(bounds: Sequence[float]) -> Bounds:
    """With a margin, and east of its west."""
    south, west, north, east = bounds
    if east < west:
        east += 360.0
    tall, wide = max(0.002, 0.2 * (north - south)), max(0.002, 0.2 * (east - west))
    return max(-85.0, south - tall), west - wide, min(85.0, north + tall), east + wide


def bounds_of(query: Mapping[str, Any]) -> Bounds | None:
    """A box that shows the question."""
    match query["ask"]:
        case "radius" | "same_cell" | "nine_cells":
            lat, lon = query["point"]
            reach = query["metres"] / 111_195
            wide = reach / max(0.05, math.cos(math.radians(lat)))
            return lat - reach, lon - wide, lat + reach, lon + wide
        case "box":
            south, west, north, east = query["box"]
            return south, west, north, east if east >= west else east + 360.0
        case "polygon":
            corners = query["rings"][0]
            lats, lons = [c[0] for c in corners], [c[1] for c in corners]
            return min(lats), min(lons), max(lats), max(lons)
        case _:
            return None


def great_circle(here: tuple[float, float], there: tuple[float, float], pieces: int = 64) -> list[list[float]]:
    """The shortest way on a ball as [longitude, latitude] pairs, for drawing (spherical interpolation)."""
    ends = []
    for lat, lon in (here, there):
        phi, lam = math.radians(lat), math.radians(lon)
        ends.append((math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)))
    a, b = ends
    angle = math.acos(max(-1.0, min(1.0, sum(p * q for p, q in zip(a, b, strict=True)))))
    if angle < 1e-9 or angle > math.pi - 1e-9:
        return [[here[1], here[0]], [there[1], there[0]]]
    path = []
    for step in range(pieces + 1):
        t = step / pieces
        p, q = math.sin((1 - t) * angle) / math.sin(angle), math.sin(t * angle) / math.sin(angle)
        x, y, z = (p * u + q * v for u, v in zip(a, b, strict=True))
        path.append([math.degrees(math.atan2(y, x)), math.degrees(math.asin(max(-1.0, min(1.0, z))))])
    return path
