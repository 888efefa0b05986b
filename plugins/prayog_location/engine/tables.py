"""The tables of points that a run can be asked about, and what was noticed while reading them.

Real places ship with the lab; a file of the learner's own is read the same way as the one with swapped axes
that a lesson brings along.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .geodesy import destination
from .places import Places, load_places
from .points import Points, Progress
from .readers import Loaded, read_file
from .synthetic import clusters

__all__ = ["INDIA", "TABLES", "Table", "make"]

INDIA = (6.0, 68.0, 36.0, 98.0)
"""South, west, north, east of a box that holds India."""
RIDER = (22.7196, 75.8577)
"""The study notes' own point for Indore: 14 m below the top edge of geohash cell tsjcn."""
TABLES = ("world", "India", "cabs in Indore", "clusters", "swapped axes", "my file")
_CABS = 240


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Points with names.  `label(id)` is a short name; `reread` reads the same file with the axes swapped."""

    title: str
    points: Points
    label: Callable[[int], str]
    problems: tuple[str, ...] = ()
    swapped: bool = False
    reread: Callable[[], Table] | None = field(default=None)

    def described(self) -> Mapping[str, Any]:
        """What the trace says of the table: size, bounds, how many lie in India, the first place, what was noticed."""
        lat, lon = self.points.lat, self.points.lon
        south, west, north, east = INDIA
        in_india = (lat >= south) & (lat <= north) & (lon >= west) & (lon <= east)
        return {
            "title": self.title,
            "points": len(lat),
            "swapped": self.swapped,
            "in_india": int(np.count_nonzero(in_india)),
            "bounds": [float(lat.min()), float(lon.min()), float(lat.max()), float(lon.max())] if len(lat) else None,
            "first": self.label(0) if len(lat) else "",
            "first_at": [float(lat[0]), float(lon[0])] if len(lat) else None,
            "problems": list(self.problems[:20]),
        }


def make(name: str, count: int, seed: int, file: str, progress: Progress | None = None) -> Table:
    """The table called `name` (one of `TABLES`).

    `count` and `seed` are for synthetic clusters, `file` for a file of the learner's own.  Raises `ValueError`
    with a sentence when there is no such file or nothing in it can be used.
    """
    match name:
        case "India":
            return _of_places("Places in India", load_places("IN"))
        case "cabs in Indore":
            return _cabs(seed)
        case "clusters":
            points = clusters(count, seed, progress)
            return Table(f"{count:,} points in clusters", points, lambda i: f"point {i}")
        case "swapped axes":
            return _from_file(Path(__file__).parent.parent / "data" / "india_swapped.geojson", False)
        case "my file":
            if not file:
                raise ValueError("No file was chosen: set “My file” to a CSV or GeoJSON file with places.")
            return _from_file(Path(file), False)
        case _:
            return _of_places("Places of the world", load_places())


def _of_places(title: str, places: Places) -> Table:
    return Table(title, places.points, places.name)


def _cabs(seed: int) -> Table:
    """Cabs round the rider: number 0 is 22 m north of him, across the edge of his cell; the others are strewn about.

    None of the others is nearer than 300 m, so that the cab at 22 m is the one worth finding.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    bearings, metres = rng.uniform(0, 360, _CABS), rng.uniform(300, 6_000, _CABS)
    bearings[0], metres[0] = 0.0, 22.0
    lat, lon = destination(np.full(_CABS, RIDER[0]), np.full(_CABS, RIDER[1]), bearings, metres)
    return Table("Cabs in Indore", Points(lat, lon), lambda i: f"cab {i + 1}")


def _from_file(path: Path, swap: bool) -> Table:
    loaded: Loaded = read_file(path, swap=swap)
    if not len(loaded.points):
        first = loaded.problems[0].sentence if loaded.problems else "there is no place in it"
        raise ValueError(f"Nothing in {path.name} can be used: {first}")
    problems = tuple(f"line {p.line}: {p.sentence}" if p.line else p.sentence for p in loaded.problems)
    return Table(
        path.name, loaded.points, lambda i: loaded.names[i] or f"row {i + 1}", problems, swap,
        lambda: _from_file(path, not swap),
    )  # fmt: skip
