"""Three rulers on one pair of places, with the rounds that the third one needs, as JSON for the trace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .geodesy import flat_m, haversine_m
from .vincenty import inverse

__all__ = ["SHOWN_ROUNDS", "three_rulers"]

SHOWN_ROUNDS = 24
"""A formula that does not converge repeats itself; its first rounds tell the story."""

Place = tuple[float, float]


def three_rulers(here: Place, there: Place) -> Iterator[Mapping[str, Any]]:
    """Flat map, sphere and ellipsoid between two places (degrees); metres to the millimetre."""
    yield {
        "name": "flat", "title": "Flat map", "metres": round(float(flat_m(*here, *there)), 3),
        "note": "Pythagoras on degrees, longitudes scaled at the middle latitude",
    }  # fmt: skip
    yield {
        "name": "sphere", "title": "Sphere (haversine)", "metres": round(float(haversine_m(*here, *there)), 3),
        "note": "great circle on a ball of radius 6,371.0088 km",
    }  # fmt: skip
    found = inverse(*here, *there)
    rounds = [
        {
            "round": step.number, "lambda_deg": round(step.guess_deg, 9),
            "change_rad": step.change_rad, "metres": round(step.metres, 3),
        }
        for step in found.iterations[:SHOWN_ROUNDS]
    ]  # fmt: skip
    if found.converged:
        note = f"Vincenty on WGS 84, {len(found.iterations)} rounds"
    else:
        note = f"Vincenty did not converge in {len(found.iterations)} rounds; Karney’s method answers in its place"
    yield {
        "name": "ellipsoid", "title": "Ellipsoid (WGS 84)", "metres": round(found.metres, 3), "note": note,
        "iterations": len(found.iterations), "converged": found.converged, "method": found.method, "rounds": rounds,
    }  # fmt: skip
