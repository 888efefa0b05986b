"""Where the nodes of a cluster stand: a ring for up to seven, rows for more; no Qt, no pixels.

Places are in a unit square, so the picture fits every window; a learner's own places win over ours.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Place", "arrange", "beside", "grid", "nearest"]

Place = tuple[float, float]
"""x to the right, y downwards, each from 0 to 1."""

RING = 7


def arrange(names: Sequence[str], moved: Mapping[str, Place], aspect: float = 1.6) -> dict[str, Place]:
    """A place for every name, in a picture `aspect` times as wide as high."""
    count = len(names)
    if count <= 1:
        places = [(0.5, 0.5)] * count
    elif count == 2:
        places = [(0.15, 0.5), (0.85, 0.5)]
    elif count <= RING:
        turns = [-math.pi / 2 + 2 * math.pi * i / count for i in range(count)]
        places = _fill([(math.cos(turn), math.sin(turn)) for turn in turns])
    else:
        columns, rows = grid(count, aspect)
        places = []
        for index in range(count):
            row, column = divmod(index, columns)
            here = min(columns, count - row * columns)  # the last row is centred
            x = (column + 0.5 + (columns - here) / 2) / columns
            places.append((x, (row + 0.5) / rows))
    return {name: moved.get(name, place) for name, place in zip(names, places, strict=True)}


def grid(count: int, aspect: float) -> tuple[int, int]:
    """Columns and rows for `count` nodes in a picture `aspect` times as wide as high."""
    columns = max(1, min(count, round(math.sqrt(count * aspect))))
    rows = math.ceil(count / columns)
    return math.ceil(count / rows), rows


def _fill(points: list[Place]) -> list[Place]:
    """`points` stretched over the square."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    wide, high = max(xs) - min(xs), max(ys) - min(ys)
    return [((x - min(xs)) / wide, (y - min(ys)) / high) for x, y in points]


def beside(src: Place, dst: Place, share: float, gap: float, near: float) -> Place:
    """A point at `share` of the way, `gap` to the right of the line, `near` off both ends.

    To the right as seen in the direction of travel: messages there and back do not run over each other.
    """
    dx, dy = dst[0] - src[0], dst[1] - src[1]
    length = math.hypot(dx, dy) or 1.0
    ux, uy = dx / length, dy / length
    reach = max(0.0, length - 2 * near)
    along = min(near, length / 2) + reach * share
    return src[0] + ux * along - uy * gap, src[1] + uy * along + ux * gap


def nearest(here: Place, others: Iterable[tuple[str, Place]], way: Place) -> str:
    """The name of the nearest place in direction `way` (a unit step); ``""`` when there is none.

    Places off to the side count as farther away.
    """
    best, name = math.inf, ""
    for other, (x, y) in others:
        ahead = (x - here[0]) * way[0] + (y - here[1]) * way[1]
        aside = abs((x - here[0]) * way[1]) + abs((y - here[1]) * way[0])
        if ahead > 1e-9 and ahead + 2 * aside < best:
            best, name = ahead + 2 * aside, other
    return name
