"""No index at all: every point is measured. The oracle of all tests, and the learner's starting point."""

from __future__ import annotations

import numpy as np

from .area import area_of
from .index import Explained, Nearest, Query, Radius, Visit, answer_by_distance, nearest_first
from .points import Points, Progress
from .region import WORLD
from .wording import count


class BruteForce:
    """A full table scan."""

    name = "Full scan"
    summary = "No index: every point is measured."

    def __init__(self, points: Points) -> None:
        self._points = points

    @classmethod
    def build(cls, points: Points, progress: Progress | None = None) -> BruteForce:
        """Nothing to build."""
        return cls(points)

    @property
    def points(self) -> Points:
        return self._points

    def explain(self, query: Query) -> Explained:
        total = len(self._points)
        bound = 0.0 if isinstance(query, Radius | Nearest) else None
        why = f"there is no index: {count(total, 'point')} must be tested one by one"
        yield Visit("box", "table", WORLD, "refined", why, total, 0, bound, "")
        ids = np.arange(total, dtype=np.int64)
        if isinstance(query, Nearest):
            ids, chord2 = nearest_first(ids, self._points.chord2(query.lat, query.lon))
            return answer_by_distance(ids[: query.k], chord2[: query.k], total, total, total)
        area = area_of(query, self._points)
        return area.answer(ids[area.keeps(ids)], total, total)
