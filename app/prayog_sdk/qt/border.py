"""The line between the sides of a partition: where it runs, when one straight line can part them.  No Qt here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from prayog_sdk.qt.arrange import Place

__all__ = ["border"]

_TURNS = 60  # directions that are tried: every 3°


def border(side: Sequence[Place], others: Iterable[Place], low: Place, high: Place) -> tuple[Place, Place] | None:
    """Both ends, on the edge of the rectangle from `low` to `high`, of the line that keeps farthest from all places.

    None when no straight line has `side` on its one hand and `others` on the other.
    """
    rest = list(others)
    best: tuple[float, float, float, float] | None = None  # gap, direction across the line, and where it is along that
    for turn in range(_TURNS):
        x, y = math.cos(math.pi * turn / _TURNS), math.sin(math.pi * turn / _TURNS)
        mine, theirs = ([px * x + py * y for px, py in places] for places in (side, rest))
        for before, after in ((max(mine), min(theirs)), (max(theirs), min(mine))):
            if after - before > (best[0] if best else 1e-6):
                best = after - before, x, y, (before + after) / 2
    return None if best is None else _ends(*best[1:], low, high)


def _ends(x: float, y: float, far: float, low: Place, high: Place) -> tuple[Place, Place] | None:
    """Where the line ``x*px + y*py = far`` crosses the edge of the rectangle."""
    found: list[Place] = []
    if abs(y) > 1e-9:
        found += [(px, (far - x * px) / y) for px in (low[0], high[0])]
    if abs(x) > 1e-9:
        found += [((far - y * py) / x, py) for py in (low[1], high[1])]
    slack = 1e-6
    inside = [
        (px, py)
        for px, py in found
        if low[0] - slack <= px <= high[0] + slack and low[1] - slack <= py <= high[1] + slack
    ]
    if len(inside) < 2:
        return None
    first = min(inside)
    return first, max(inside, key=lambda place: math.dist(place, first))
