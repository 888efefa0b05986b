"""Reads the learner's own places from a CSV or GeoJSON file, and says what is wrong with it, line by line.

Why it exists: real files have a byte-order mark, semicolons, decimal commas, a missing longitude in line 17
and latitude and longitude the wrong way round. None of that may end in a traceback; good rows are always kept.

Rules
1. A problem names its line (0 when it concerns the whole file) and says what was expected and found.
2. Swapped axes are never repaired silently: the evidence is said, `swapped` is set, and the caller may read
   again with `swap=True`.
3. A file may hold `MOST_POINTS` points (GeoJSON also `MOST_JSON_BYTES`, since it is read as a whole); what is
   beyond is left out, and that is said.
4. At most `MOST_PROBLEMS` problems are listed; a last one counts the rest.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .places import near_towns
from .points import Points
from .polygon import Polygon

MOST_JSON_BYTES = 256 * 1024 * 1024
MOST_POINTS = 10_000_000
MOST_POLYGONS = 10_000
FEWEST_FOR_EVIDENCE = 5  # fewer places may lie anywhere
MOST_PROBLEMS = 200
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in line `line` of the file (0: in the file as a whole), in a sentence."""

    line: int
    sentence: str


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """What a file gave: points, their names (empty where there was none), polygons, and problems.

    `swapped` tells that latitude and longitude are probably the wrong way round in the file; a problem then
    gives the evidence. It is False when the file was read with `swap=True`.
    """

    points: Points
    names: tuple[str, ...]
    polygons: tuple[Polygon, ...]
    problems: tuple[Problem, ...]
    swapped: bool


@dataclass(slots=True)
class Gathering:
    """Rows while a file is being read. `swap` exchanges the two numbers of every row."""

    swap: bool
    lat: array[float] = field(default_factory=lambda: array("d"))
    lon: array[float] = field(default_factory=lambda: array("d"))
    names: list[str] = field(default_factory=list)
    polygons: list[Polygon] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    more_problems: int = 0
    beyond_pole: int = 0  # rows whose "latitude" is beyond 90 but would do as a longitude
    full: bool = False

    def problem(self, line: int, sentence: str) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(line, sentence))
        else:
            self.more_problems += 1

    def polygon(self, line: int, rings: list[list[tuple[float, float]]]) -> None:
        """Take over a polygon of (lat, lon) corners, or say why not."""
        if len(self.polygons) >= MOST_POLYGONS:
            self.problem(line, f"The file holds more than {MOST_POLYGONS:,} polygons; this one was left out.")
            return
        try:
            self.polygons.append(Polygon([[(b, a) for a, b in ring] for ring in rings] if self.swap else rings))
        except ValueError as error:
            self.problem(line, f"{error} The polygon was left out.")

    def add(self, line: int, lat: float, lon: float, name: str) -> None:
        """Take a point over, or say why not."""
        if self.swap:
            lat, lon = lon, lat
        if self.full:
            return
        if not (math.isfinite(lat) and math.isfinite(lon)):
            self.problem(line, f"The position ({lat}, {lon}) is not a pair of numbers; the row was left out.")
        elif not -90.0 <= lat <= 90.0:
            self.beyond_pole += abs(lat) <= 180.0 and abs(lon) <= 90.0
            self.problem(line, f"Latitude {lat:g} is not between -90 and 90; the row was left out.")
        elif not -180.0 <= lon <= 180.0:
            self.problem(line, f"Longitude {lon:g} is not between -180 and 180; the row was left out.")
        elif len(self.lat) >= MOST_POINTS:
            self.full = True
            self.problem(line, f"The file holds more than {MOST_POINTS:,} points; the rest was left out.")
        else:
            self.lat.append(lat)
            self.lon.append(lon)
            self.names.append(name[:LONGEST_NAME].strip())

    def finished(self, format_rule: str) -> Loaded:
        """The result. `format_rule` says in words how the file told which number is which."""
        points = Points(np.frombuffer(self.lat), np.frombuffer(self.lon))
        problems = list(self.problems)
        if self.more_problems:
            problems.append(Problem(0, f"{self.more_problems:,} more problems are not listed."))
        why = "" if self.swap else swap_evidence(points, self.beyond_pole, format_rule)
        if why:
            problems.insert(0, Problem(0, why))
        return Loaded(points, tuple(self.names), tuple(self.polygons), tuple(problems), bool(why))


def swap_evidence(points: Points, beyond_pole: int, format_rule: str) -> str:
    """Why latitude and longitude are probably the wrong way round; empty when they seem right.

    `beyond_pole` rows were refused for a latitude that would do as a longitude.
    """
    advice = f"({format_rule}). Read the file with the axes swapped to repair it."
    if beyond_pole > len(points):
        return (
            f"Latitude and longitude seem to be swapped: in {beyond_pole:,} of {beyond_pole + len(points):,} rows the "
            f"latitude is beyond 90 degrees, but the other way round they are places on earth {advice}"
        )
    if len(points) < FEWEST_FOR_EVIDENCE or not (np.abs(points.lon) <= 90.0).all():
        return ""
    as_is, swapped = (float(near_towns(*axes).mean()) for axes in ((points.lat, points.lon), (points.lon, points.lat)))
    if as_is >= 0.5 or swapped <= 0.8:
        return ""
    return (
        f"Latitude and longitude seem to be swapped: {100 * as_is:.0f} % of the places lie near a town, but "
        f"{100 * swapped:.0f} % would the other way round {advice}"
    )


def read_file(path: Path | str, *, swap: bool = False) -> Loaded:
    """Read a CSV or GeoJSON file; its contents tell which it is. `swap` exchanges latitude and longitude.

    Never raises for what is in the file: every fault becomes a `Problem`.
    """
    from .csv_file import read_csv
    from .geojson_file import read_geojson

    path = Path(path)
    into = Gathering(swap)
    try:
        with path.open("rb") as file:
            head = file.read(1 << 16)
        encoding = _encoding(head)
        if encoding is None:
            return _nothing(into, f"{path.name} is not a text file; a CSV or GeoJSON file was expected.")
        if encoding == "cp1252":
            into.problem(0, "The file is not UTF-8; it was read as Windows-1252, so some names may look wrong.")
        start = head.decode(encoding, errors="replace").lstrip("\ufeff \t\r\n")[:1]
        with path.open(encoding=encoding, errors="replace", newline="") as text:
            if start not in ("{", "["):
                return read_csv(text, into)
            if path.stat().st_size > MOST_JSON_BYTES:
                size = f"{MOST_JSON_BYTES // 1024**2} MB"
                return _nothing(into, f"{path.name} is larger than {size}, the most that is read of GeoJSON.")
            return read_geojson(text.read(), into)
    except IsADirectoryError:
        return _nothing(into, f"{path.name} is a folder; a CSV or GeoJSON file was expected.")
    except OSError as error:
        return _nothing(into, f"{path.name} could not be read: {error.strerror or error}.")


def _nothing(into: Gathering, sentence: str) -> Loaded:
    into.problem(0, sentence)
    return into.finished("")


def _encoding(head: bytes) -> str | None:
    """The encoding that the beginning of a file suggests; None for a file that is not text."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if b"\0" in head:
        return None
    try:
        # The cut may have split the last letter.
        head[: head.rfind(b"\n") + 1 or len(head) - 4 if len(head) > 4 else len(head)].decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"
