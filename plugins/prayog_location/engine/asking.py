"""From the words of an action to a question, and from a question to its description in the trace.

The arguments come from a form, a script or a click, as text or numbers; what is wrong with them is said in a
sentence that names the argument.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from prayog_sdk.run import Emit
from prayog_sim.run import ActionError

from .curves import HILBERT, Z_ORDER, jump_lengths, window_runs
from .index import InBox, InPolygon, Nearest, Query, Radius, SameCell
from .polygon import Polygon
from .region import Box
from .wording import question

__all__ = ["ACTIONS", "Place", "cell", "curve_ranges", "described", "letters", "query", "two_places"]

Place = tuple[float, float]
ACTIONS = ("radius", "nearest", "box", "polygon", "same_cell", "nine_cells", "measure", "ranges", "swap_axes")
MOST_CORNERS = 2_000
MOST_ORDER = 7


def query(name: str, args: Mapping[str, Any]) -> Query:
    """The question of an action `radius`, `nearest`, `box` or `polygon`; raises `ActionError`."""
    try:
        match name:
            case "radius":
                return Radius(*_place(args, "point"), 1_000 * _number(args, "km", 0, 20_100))
            case "nearest":
                return Nearest(*_place(args, "point"), int(_number(args, "k", 1, 10_000)))
            case "box":
                edges = (("south", 90), ("west", 180), ("north", 90), ("east", 180))
                return InBox(Box(*(_number(args, edge, -limit, limit) for edge, limit in edges)))
            case _:
                return InPolygon(Polygon((_corners(args),)))
    except ActionError:
        raise
    except ValueError as error:  # the engines' own sentences
        raise ActionError(str(error)) from error


def letters(args: Mapping[str, Any]) -> int:
    """How long the words of the geohash cells shall be that cover a circle; 0 leaves it to the index."""
    return int(_number(args, "letters", 0, 9, 0))


def cell(args: Mapping[str, Any], *, neighbours: bool) -> tuple[SameCell, Radius]:
    """The naive geohash question and the true question that it stands for."""
    lat, lon = _place(args, "point")
    metres = 1_000 * _number(args, "km", 0, 20_100, 0.5)
    precision = int(_number(args, "precision", 1, 12, 5))
    # The naive query trusts the cell; asking the neighbours too only makes sense with the exact distance after it.
    naive = SameCell(lat, lon, precision, neighbours, metres)
    return naive, Radius(lat, lon, metres)


def described(asked: Query | SameCell) -> Mapping[str, Any]:
    """The question as JSON, for the trace and for drawing."""
    match asked:
        case Radius(lat, lon, metres):
            shape: dict[str, Any] = {"ask": "radius", "point": [lat, lon], "metres": metres}
        case Nearest(lat, lon, k):
            shape = {"ask": "nearest", "point": [lat, lon], "k": k}
        case InBox(box):
            shape = {"ask": "box", "box": [box.south, box.west, box.north, box.east]}
        case InPolygon(polygon):
            shape = {"ask": "polygon", "rings": [[list(map(float, corner)) for corner in r] for r in polygon.rings]}
        case SameCell(lat, lon, precision, neighbours, metres):
            ask = "nine_cells" if neighbours else "same_cell"
            cells = "the cell and its 8 neighbours" if neighbours else "one cell only"
            shape = {"ask": ask, "point": [lat, lon], "precision": precision, "metres": metres}
            return {**shape, "question": f"{cells}, geohash of {precision} letters"}
    return {**shape, "question": question(asked)}


def two_places(args: Mapping[str, Any]) -> tuple[Place, Place]:
    """The two pins of a measurement."""
    return _place(args, "from"), _place(args, "to")


def curve_ranges(args: Mapping[str, Any]) -> Iterator[Emit]:
    """A window on a grid of 2^order x 2^order cells as runs of keys, on both curves."""
    order = int(_number(args, "order", 1, MOST_ORDER, 5))
    last = 2**order - 1
    x0, y0, x1, y1 = (int(_number(args, name, 0, last)) for name in ("x0", "y0", "x1", "y1"))
    if x0 > x1 or y0 > y1:
        raise ActionError(f"A window goes from its lower left to its upper right cell; found {x0},{y0} to {x1},{y1}.")
    return _ranges((x0, y0, x1, y1), order)


def _ranges(window: tuple[int, int, int, int], order: int) -> Iterator[Emit]:
    x0, y0, x1, y1 = window
    cells = (x1 - x0 + 1) * (y1 - y0 + 1)
    yield "window", "curves", {"window": list(window), "order": order, "cells": cells}
    for curve in (Z_ORDER, HILBERT):
        runs = window_runs(curve, window, order)
        jumps = jump_lengths(curve, order)
        yield "ranges", curve.name, {
            "curve": curve.name, "title": curve.title, "count": len(runs), "runs": runs.tolist(), "cells": cells,
            "longest_jump": round(float(jumps.max()), 3),
        }  # fmt: skip


def _place(args: Mapping[str, Any], name: str) -> Place:
    value: Any = args.get(name)
    if isinstance(value, str):
        value = value.replace(";", ",").split(",")
    try:
        lat, lon = (float(part) for part in value)
    except (TypeError, ValueError):
        raise ActionError(
            f"{name} is a latitude and a longitude, such as {name}=22.7196,75.8577; found {args.get(name)!r}."
        ) from None
    if not (abs(lat) <= 90 and abs(lon) <= 180):
        hint = " Are the two swapped? Latitude comes first here." if abs(lat) <= 180 and abs(lon) <= 90 else ""
        raise ActionError(
            f"{name} needs a latitude from -90 to 90 and a longitude from -180 to 180; found {lat:g}, {lon:g}.{hint}"
        )
    return lat, lon


def _number(args: Mapping[str, Any], name: str, low: float, high: float, default: float | None = None) -> float:
    value: Any = args.get(name, default)
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not low <= number <= high:
        raise ActionError(f"{name} is a number from {low:g} to {high:g}; found {value!r}.")
    return number


def _corners(args: Mapping[str, Any]) -> list[Place]:
    value = args.get("corners")
    if isinstance(value, str):
        value = [part for part in value.split("|") if part.strip()]
    if not isinstance(value, list | tuple) or not 3 <= len(value) <= MOST_CORNERS:
        raise ActionError(
            f'corners are 3 to {MOST_CORNERS} places, such as corners="22,75|23,75|23,76"; found {value!r}.'
        )
    return [_place({"corner": corner}, "corner") for corner in value]
