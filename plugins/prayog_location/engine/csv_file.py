"""Reads places from CSV text: header names, separators, decimal commas, and faults named by line.

Rules
1. The columns are found by name (`LATITUDE`, `LONGITUDE`, `NAME` below, any case); without a header the
   first two columns of numbers are latitude and longitude, and that is said.
2. The file is read line by line and never held as a whole; a line longer than `LONGEST_LINE` is refused.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import TextIO

from .readers import Gathering, Loaded

LATITUDE = frozenset({"lat", "latitude", "y"})
LONGITUDE = frozenset({"lon", "lng", "long", "longitude", "x"})
NAME = frozenset({"name", "title", "label", "place", "city", "town", "village"})
SEPARATORS = (";", "\t", "|", ",")
LONGEST_LINE = 1 << 20
RULE = "the columns are perhaps named the wrong way round"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def read_csv(text: TextIO, into: Gathering) -> Loaded:
    """Read all rows of an open file into `into`."""
    lines = _lines(text, into)
    first, skipped = "", 0
    for first in lines:
        skipped += 1
        if first.strip():
            break
    if not first.strip():
        into.problem(0, "The file is empty; rows with a latitude and a longitude were expected.")
        return into.finished(RULE)
    separator = _separator(first)
    header = next(csv.reader([first], delimiter=separator))
    columns = _named_columns(header)
    rows = csv.reader(lines, delimiter=separator)
    if columns is None:
        columns = _number_columns(header, separator)
        if columns is None:
            found = ", ".join(repr(cell.strip()[:30]) for cell in header[:12])
            into.problem(
                skipped, f"No columns for latitude and longitude (such as lat and lon) were found; found {found}."
            )
            return into.finished(RULE)
        into.problem(
            0,
            f"The file has no header; column {columns[0] + 1} was taken for the latitude and column "
            f"{columns[1] + 1} for the longitude.",
        )
        _row(header, columns, separator, skipped, len(header), into)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return into.finished(RULE)
        except csv.Error as error:
            into.problem(skipped + rows.line_num, f"The row cannot be read ({error}); it was left out.")
            continue
        if row and not into.full:
            _row(row, columns, separator, skipped + rows.line_num, len(header), into)


def _row(
    row: list[str], columns: tuple[int, int, int], separator: str, line: int, width: int, into: Gathering
) -> None:
    """Take one row over. The name column is -1 where there is none."""
    at_lat, at_lon, at_name = columns
    if not any(cell.strip() for cell in row):
        return
    if len(row) <= max(at_lat, at_lon):
        into.problem(line, f"The row has {len(row)} of {width} columns; it was left out.")
        return
    if separator == "," and len(row) == width + 2 and row[-1].strip() and row[-2].strip():
        into.problem(
            line,
            f"The row has {len(row)} columns instead of {width}: decimal commas in a file that is separated by "
            f"commas? Separate it by semicolons. The row was left out.",
        )
        return
    numbers = []
    for what, at in (("latitude", at_lat), ("longitude", at_lon)):
        value = number(row[at], separator)
        if value is None:
            found = repr(row[at].strip()[:40]) if row[at].strip() else "nothing"
            into.problem(line, f"The {what} must be a decimal number; found {found}. The row was left out.")
            return
        numbers.append(value)
    into.add(line, numbers[0], numbers[1], row[at_name] if 0 <= at_name < len(row) else "")


def number(cell: str, separator: str) -> float | None:
    """A cell as a number, with a decimal point or (unless commas separate) a decimal comma."""
    cell = cell.strip().replace("\u2212", "-")
    if separator != "," or "." not in cell:
        cell = cell.replace(",", ".")
    return float(cell) if _NUMBER.fullmatch(cell) else None


def _lines(text: TextIO, into: Gathering) -> Iterator[str]:
    """Lines of a file, none longer than `LONGEST_LINE`; longer ones become empty."""
    line = 0
    while part := text.readline(LONGEST_LINE):
        line += 1
        if len(part) < LONGEST_LINE or part.endswith("\n"):
            yield part
            continue
        into.problem(line, f"The line is longer than {LONGEST_LINE:,} letters; it was left out.")
        while part and not part.endswith("\n"):
            part = text.readline(LONGEST_LINE)
        yield "\n"


def _separator(line: str) -> str:
    """The separator of a header or first row: the one that makes its columns known or most numerous."""
    for separator in SEPARATORS:
        if _named_columns(next(csv.reader([line], delimiter=separator))):
            return separator
    return max(SEPARATORS, key=lambda s: (line.count(s) > 0, -SEPARATORS.index(s)))


def _named_columns(header: list[str]) -> tuple[int, int, int] | None:
    """Columns of latitude, longitude and name (-1 without one) by their names."""
    words = [re.findall(r"[a-z]+", cell.lower()) for cell in header]
    found = []
    for names in (LATITUDE, LONGITUDE, NAME):
        whole = [i for i, cell in enumerate(header) if cell.strip(' \t\r\n\ufeff"').lower() in names]
        begins = [i for i, cell in enumerate(words) if cell and cell[0] in names and i not in found]
        found.append([*whole, *begins, -1][0])
    return None if -1 in found[:2] or found[0] == found[1] else (found[0], found[1], found[2])


def _number_columns(row: list[str], separator: str) -> tuple[int, int, int] | None:
    """The first two columns of numbers of a file without a header, and the first of words."""
    numeric = [i for i, cell in enumerate(row) if number(cell, separator) is not None]
    wordy = [i for i, cell in enumerate(row) if i not in numeric and cell.strip()]
    return (numeric[0], numeric[1], [*wordy, -1][0]) if len(numeric) >= 2 else None
