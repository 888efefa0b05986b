"""Geohash: a cell of the map as a short word, whose beginning names the larger cells round it.

Why it exists: with geohashes any ordered index on text (a B-tree, a sorted set) becomes a spatial index.

Source: Gustavo Niemeyer, geohash.org (2008); the bits are Morton's (1966), longitude first, five to a
letter of the alphabet below. Decoded `ezs42` is 42.605 N, 5.603 W (near Leon, Spain); Indore is `tsjcn`.

Rules
1. A hash of p letters has ceil(5p/2) bits of longitude and floor(5p/2) of latitude: cells of an even p are
   wider than tall (in degrees twice), of an odd p square in degrees (8 times 4 letters a step).
2. A shared beginning means near. Near does not mean a shared beginning: see `neighbours` and `cover_circle`.
3. Beyond +-180 the map goes on at the other side; beyond a pole it comes back on the opposite meridian.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .cells import cell_bounds, cells_of, columns, rows
from .curves import Numbers, spread_bits, z_decode
from .index import require_on_earth
from .points import EARTH_RADIUS_M, Floats
from .region import PAD_RAD, Bounds, Box, half_width_deg

ALPHABET = "0123456789bcdefghjkmnpqrstuvwxyz"  # digits and letters without a, i, l, o
MAX_PRECISION = 12  # 60 bits: cells of 37 by 19 mm
DIRECTIONS = {
    "n": (0, 1), "ne": (1, 1), "e": (1, 0), "se": (1, -1),
    "s": (0, -1), "sw": (-1, -1), "w": (-1, 0), "nw": (-1, 1),
}  # fmt: skip
MAX_COVER = 4096
_LETTERS = np.frombuffer(ALPHABET.encode(), dtype=np.uint8)
# Three letters are 15 bits: 8 of the coordinate that begins them and 7 of the other. Their first, second and
# third letter, by those 8 and 7 bits side by side: no bit has to be interleaved when many words are made.
_PAIRS = np.arange(1 << 15, dtype=np.uint64)
_WOVEN = spread_bits(_PAIRS >> np.uint64(7)) | (spread_bits(_PAIRS & np.uint64(127)) << np.uint64(1))
_OF_GROUP = tuple(_LETTERS[(_WOVEN >> np.uint64(shift)) & np.uint64(31)] for shift in (10, 5, 0))


def bits_of(precision: int) -> tuple[int, int]:
    """Bits of longitude and of latitude in a hash of `precision` letters (rule 1)."""
    if not 1 <= precision <= MAX_PRECISION:
        raise ValueError(f"A geohash has 1 to {MAX_PRECISION} letters here; found {precision}.")
    return (5 * precision + 1) // 2, 5 * precision // 2


def cell_size_deg(precision: int) -> tuple[float, float]:
    """Height and width of a cell in degrees."""
    x_bits, y_bits = bits_of(precision)
    return 180.0 / (1 << y_bits), 360.0 / (1 << x_bits)


def encode(lat: float, lon: float, precision: int = 9) -> str:
    """The geohash of a place in degrees."""
    require_on_earth(lat, lon)
    return str(encode_array(np.array([lat]), np.array([lon]), precision)[0], "ascii")


def numbers(lat: Floats, lon: Floats, precision: int) -> Numbers:
    """Geohashes as integers of 5 * precision bits, shape as the arguments: they sort as the words do."""
    x, y = _cells(lat, lon, precision)
    return _interleave(x.view(np.uint64), y.view(np.uint64), precision)


def _cells(lat: Floats, lon: Floats, precision: int) -> tuple[Numbers, Numbers]:
    """Columns and rows of places in the grid of a precision."""
    x_bits, y_bits = bits_of(precision)
    x = columns(lon, x_bits)
    x[lon == 180.0] = 0  # 180 is -180 (rule 3)
    return x, rows(lat, y_bits)


def _interleave(x: NDArray[np.uint64], y: NDArray[np.uint64], precision: int) -> Numbers:
    x, y = spread_bits(x), spread_bits(y)
    if precision % 2:  # an odd number of bits ends with longitude, an even one with latitude
        return (x | (y << np.uint64(1))).view(np.int64)
    return ((x << np.uint64(1)) | y).view(np.int64)


def encode_array(lat: Floats, lon: Floats, precision: int = 9) -> NDArray[np.bytes_]:
    """Geohashes of many places in degrees, shape (n,), dtype `S<precision>`."""
    found = np.empty((len(lat), precision), dtype=np.uint8)
    x_bits, y_bits = bits_of(precision)
    groups = -(-precision // 3)
    x_pad, y_pad = (15 * groups + 1) // 2 - x_bits, 15 * groups // 2 - y_bits  # as if the last group were full
    step = 1 << 14  # the intermediate arrays stay in the processor's cache
    for low in range(0, len(lat), step):
        part = slice(low, low + step)
        x, y = _cells(lat[part], lon[part], precision)
        x <<= x_pad
        y <<= y_pad
        (left, first), (right, second) = (x_bits + x_pad, x), (y_bits + y_pad, y)
        for group in range(groups):
            left, right = left - 8, right - 7
            bits = ((first >> left) & 255) << 7
            bits |= (second >> right) & 127
            for place in range(3 * group, min(3 * group + 3, precision)):
                found[part, place] = _OF_GROUP[place - 3 * group].take(bits)
            (left, first), (right, second) = (right, second), (left, first)  # 15 is odd: the other one begins
    return found.reshape(-1).view(f"S{precision}")


def word(number: int, precision: int) -> str:
    """The word of an integer geohash."""
    return "".join(ALPHABET[(number >> 5 * i) & 31] for i in range(precision - 1, -1, -1))


def number_of(code: str) -> int:
    """The integer of a geohash word. Raises `ValueError` with a sentence for a letter it cannot hold."""
    bits_of(len(code))
    value = 0
    for letter in code.lower():
        place = ALPHABET.find(letter)
        if place < 0:
            raise ValueError(f"{code!r} is no geohash: it has no letter {letter!r} (a, i, l and o are unused).")
        value = 32 * value + place
    return value


def cell(code: str) -> tuple[int, int]:
    """Column and row of a geohash in the grid of its precision."""
    value = number_of(code)
    even, odd = z_decode(np.array([value]), 0)
    return (int(even[0]), int(odd[0])) if len(code) % 2 else (int(odd[0]), int(even[0]))


def at_cell(x: int, y: int, precision: int) -> str:
    """The geohash of column x, row y."""
    pair = np.array([x], dtype=np.uint64), np.array([y], dtype=np.uint64)
    return word(int(_interleave(*pair, precision)[0]), precision)


def bounds(code: str) -> Bounds:
    """South, west, north, east of a cell in degrees."""
    return cell_bounds(*cell(code), *bits_of(len(code)))


def decode(code: str) -> tuple[float, float]:
    """Latitude and longitude of a cell's middle in degrees."""
    south, west, north, east = bounds(code)
    return 0.5 * (south + north), 0.5 * (west + east)


def neighbours(code: str) -> dict[str, str]:
    """The cells round a cell by direction (`n`, `ne`, ... `nw`), over +-180 and over the poles (rule 3).

    In the rows at the poles, and in the coarsest grids, one cell may be the neighbour in two directions.
    """
    x, y = cell(code)
    x_bits, y_bits = bits_of(len(code))
    found = {}
    for direction, (dx, dy) in DIRECTIONS.items():
        to_x, to_y = x + dx, y + dy
        if not 0 <= to_y < 1 << y_bits:
            to_x, to_y = to_x + (1 << (x_bits - 1)), y
        found[direction] = at_cell(to_x % (1 << x_bits), to_y, len(code))
    return found


def cover_box(box: Box, precision: int, most: int = MAX_COVER) -> tuple[str, ...]:
    """All cells that a box touches, ascending. Raises `ValueError` with a sentence above `most` cells."""
    spans = (
        (y, x0, x1)
        for x0, y0, x1, y1 in (cells_of(window, *bits_of(precision)) for window in box.windows())
        for y in range(y0, y1 + 1)
    )
    return _words(spans, precision, most)


def cover_circle(lat: float, lon: float, metres: float, precision: int) -> tuple[str, ...]:
    """All cells that a circle touches, ascending: as many as it takes, not 3 by 3.

    Raises `ValueError` with a sentence above `MAX_COVER` cells.
    """
    return _words(_circle_spans(lat, lon, metres, precision), precision, MAX_COVER)


def precision_for(lat: float, lon: float, metres: float, max_cells: int = 12) -> int:
    """The finest precision at which a circle touches at most `max_cells` cells (1 when none does)."""
    best = 1
    for precision in range(1, MAX_PRECISION + 1):
        cells = 0
        for _, x0, x1 in _circle_spans(lat, lon, metres, precision):
            cells += x1 - x0 + 1
            if cells > max_cells:
                return best
        best = precision
    return best


def _circle_spans(lat: float, lon: float, metres: float, precision: int) -> Iterator[tuple[int, int, int]]:
    """Row by row the cells that a circle touches: (y, first x, last x), two pieces across +-180."""
    require_on_earth(lat, lon)
    x_bits, y_bits = bits_of(precision)
    height = 180.0 / (1 << y_bits)
    reach = np.degrees(metres / EARTH_RADIUS_M + PAD_RAD)
    y0, y1 = rows(np.array([max(-90.0, lat - reach), min(90.0, lat + reach)]), y_bits)
    for y in range(int(y0), int(y1) + 1):
        half = half_width_deg(lat, metres, y * height - 90.0, (y + 1) * height - 90.0)
        last = (1 << x_bits) - 1
        if half >= 180.0:
            yield y, 0, last
            continue
        west, east = lon - half, lon + half
        if west < -180.0 or east >= 180.0:
            x0 = int(columns(np.array([west + 360.0 if west < -180.0 else west]), x_bits)[0])
            x1 = int(columns(np.array([east - 360.0 if east >= 180.0 else east]), x_bits)[0])
            if x0 <= x1:  # both ends fell into one cell the long way round
                yield y, 0, last
            else:
                yield y, 0, x1
                yield y, x0, last
        else:
            x0, x1 = (int(x) for x in columns(np.array([west, east]), x_bits))
            yield y, x0, x1


def _words(spans: Iterator[tuple[int, int, int]], precision: int, most: int) -> tuple[str, ...]:
    found: set[str] = set()
    for y, x0, x1 in spans:
        if len(found) + x1 - x0 + 1 > most:
            raise ValueError(f"Precision {precision} needs more than {most:,} cells for this area: take a smaller one.")
        found.update(at_cell(x, y, precision) for x in range(x0, x1 + 1))
    return tuple(sorted(found))
