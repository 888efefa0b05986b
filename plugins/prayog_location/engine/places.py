"""The table of real places that ships with the lab: some 170,000 towns, largest first.

Why it exists: an index is only convincing on data that one can check against a map in one's head.
Data: GeoNames, CC BY 4.0 (`ATTRIBUTION`); `packaging/build_places.py` makes the files.
"""

from __future__ import annotations

import io
import lzma
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from prayog_resources import read_bytes

from .points import Points

ATTRIBUTION = "GeoNames, CC BY 4.0"


class Places:
    """Places by id: the first n are the n largest.

    `points`, `population` (people, int32) and `country` (two-letter ISO codes) have one entry a place;
    `names` is read only when it is first asked for.
    """

    def __init__(self, points: Points, population: NDArray[np.int32], country: NDArray[np.str_]) -> None:
        self.points, self.population, self.country = points, population, country

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names in their common spelling, by id."""
        everything = lzma.decompress(read_bytes("geo", "names.xz")).decode()
        return tuple(everything.split("\n")[: len(self.points)])


def load_places(largest: int | None = None) -> Places:
    """All places, or the `largest` n of them. Raises `FileNotFoundError` when the lab lacks the files."""
    with np.load(io.BytesIO(read_bytes("geo", "places.npz")), allow_pickle=False) as table:
        part = slice(None, largest)
        points = Points(table["lat"][part] / 1e6, table["lon"][part] / 1e6)
        return Places(points, table["population"][part], table["countries"][table["country"][part]])
