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

from .points import Floats, Points

ATTRIBUTION = "GeoNames, CC BY 4.0"


class Places:
    """Places by id: the first n are the n largest.

    `points`, `population` (people, int32) and `country` (two-letter ISO codes) have one entry a place;
    `names` is read only when it is first asked for.
    """

    def __init__(
        self, points: Points, population: NDArray[np.int32], country: NDArray[np.str_], rows: NDArray[np.int64]
    ) -> None:
        self.points, self.population, self.country = points, population, country
        self._rows = rows

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names in their common spelling, by id."""
        everything = lzma.decompress(read_bytes("geo", "names.xz")).decode().split("\n")
        return tuple(everything[row] for row in self._rows)

    def name(self, place: int) -> str:
        """The name of the place with this id."""
        return self.names[place]


def load_places(country: str | None = None, largest: int | None = None) -> Places:
    """All places, or those of one country (ISO code), or the `largest` n of them.

    Raises `FileNotFoundError` when the lab lacks the files.
    """
    with np.load(io.BytesIO(read_bytes("geo", "places.npz")), allow_pickle=False) as table:
        codes = table["countries"][table["country"]]
        rows = np.arange(len(codes)) if country is None else np.flatnonzero(codes == country)
        rows = rows[:largest]
        points = Points(table["lat"][rows] / 1e6, table["lon"][rows] / 1e6)
        return Places(points, table["population"][rows], codes[rows], rows)


def near_towns(lat: Floats, lon: Floats) -> NDArray[np.bool_]:
    """Which places (degrees) lie in or beside a square degree that holds a town of the shipped table."""
    towns = load_places().points
    mask = np.zeros((180, 360), dtype=np.bool_)
    mask[_degree(towns.lat, 90, 180), _degree(towns.lon, 180, 360)] = True
    mask |= np.roll(mask, 1, axis=1) | np.roll(mask, -1, axis=1)
    mask[1:] |= mask[:-1].copy()
    mask[:-1] |= mask[1:].copy()
    return mask[_degree(lat, 90, 180), _degree(lon, 180, 360)]


def _degree(value: Floats, offset: int, count: int) -> NDArray[np.int64]:
    return np.clip(np.floor(value + offset).astype(np.int64), 0, count - 1)
