"""What a person can ask, what an index answers, and what it tells on the way.

Why it exists: every index here is asked with the same four questions and explains itself in the same
words, so that one panel, one check and one test can compare them all.

Rules
1. Every index returns the same ids as `BruteForce`, to the last tie: nearer first, then the smaller id.
2. `explain` yields a `Visit` for everything the index looks at, in the order in which it does, and
   returns the `Answer`; `ask` drops the commentary.
3. Distances are great-circle metres on the mean sphere (haversine).
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from .points import Floats, Ids, Points, chord2_to_metres
from .polygon import Polygon
from .region import Bounds, Box

Kind = Literal["cell", "box", "range", "node"]
Action = Literal["visited", "pruned", "refined", "inside"]


@dataclass(frozen=True, slots=True)
class Radius:
    """All points within `metres` of (lat, lon) in degrees, the circle's line included."""

    lat: float
    lon: float
    metres: float

    def __post_init__(self) -> None:
        require_on_earth(self.lat, self.lon)
        if not (math.isfinite(self.metres) and self.metres >= 0.0):
            raise ValueError(f"A radius is a number of metres from 0 up; found {self.metres}.")


@dataclass(frozen=True, slots=True)
class Nearest:
    """The `k` points nearest to (lat, lon) in degrees; all of them when there are fewer."""

    lat: float
    lon: float
    k: int

    def __post_init__(self) -> None:
        require_on_earth(self.lat, self.lon)
        if self.k < 1:
            raise ValueError(f"k is the number of neighbours wanted, 1 or more; found {self.k}.")


@dataclass(frozen=True, slots=True)
class InBox:
    """All points in a latitude/longitude box."""

    box: Box


@dataclass(frozen=True, slots=True)
class InPolygon:
    """All points in a polygon."""

    polygon: Polygon


@dataclass(frozen=True, slots=True)
class SameCell:
    """The naive question: all points whose geohash has the same first `precision` letters.

    Only a geohash index takes it. With `neighbours` the eight cells round it as well. With `metres` the
    exact distance decides at the end; without it every point of the cells is an answer.
    """

    lat: float
    lon: float
    precision: int
    neighbours: bool = False
    metres: float | None = None


Query = Radius | Nearest | InBox | InPolygon


@dataclass(frozen=True, slots=True)
class Visit:
    """One thing that an index looked at.

    `action`: *visited* (opened, its children follow), *pruned* (left out with all it holds), *refined*
    (its points were tested one by one), *inside* (all its points are answers, none was tested).
    `points` is the number of points it holds. `lower_bound_m` is the least possible distance from the
    centre of the query to any point in it, None when the query has no centre.
    """

    kind: Kind
    code: str
    bounds: Bounds
    action: Action
    reason: str
    points: int
    depth: int
    lower_bound_m: float | None
    parent: str


@dataclass(frozen=True, slots=True)
class Funnel:
    """How the table shrank: `total` points -> `candidates` handed over by the index -> `refined`
    (tested one by one with the exact rule) -> `answer`. A good index makes the first step big."""

    total: int
    candidates: int
    refined: int
    answer: int


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """The ids found, with distances in metres (nearest first; empty for boxes and polygons, whose ids
    come in ascending order), and the funnel."""

    ids: Ids
    distances_m: Floats
    funnel: Funnel


Explained = Generator[Visit, None, Answer]


class SpatialIndex(Protocol):
    """What every index offers. `name` and `summary` are for people."""

    name: str
    summary: str

    @property
    def points(self) -> Points: ...

    def explain(self, query: Query) -> Explained:
        """Answer the query, telling every visit on the way; the generator returns the `Answer`."""
        ...


def ask(index: SpatialIndex, question: Query) -> Answer:
    """The answer alone."""
    steps = index.explain(question)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            answer: Answer = end.value
            return answer


def require_on_earth(lat: float, lon: float) -> None:
    """Raise `ValueError` with a sentence unless -90 <= lat <= 90 and -180 <= lon <= 180."""
    if not (-90.0 <= lat <= 90.0 and -180.0 <= lon <= 180.0):
        raise ValueError(
            f"A place needs a latitude between -90 and 90 and a longitude between -180 and 180; "
            f"found {lat}, {lon}."
        )


def nearest_first(ids: Ids, chord2: Floats) -> tuple[Ids, Floats]:
    """Ids and squared chords ordered by distance, ties by id (rule 1)."""
    order = np.lexsort((ids, chord2))
    return ids[order], chord2[order]


def answer_by_distance(ids: Ids, chord2: Floats, total: int, candidates: int, refined: int) -> Answer:
    """An answer in distance order, from ids and their squared chords."""
    ids, chord2 = nearest_first(ids, chord2)
    return Answer(ids, chord2_to_metres(chord2), Funnel(total, candidates, refined, len(ids)))


def answer_by_id(ids: Ids, total: int, candidates: int, refined: int) -> Answer:
    """An answer in id order, for areas that have no centre."""
    return Answer(np.sort(ids), np.empty(0), Funnel(total, candidates, refined, len(ids)))
