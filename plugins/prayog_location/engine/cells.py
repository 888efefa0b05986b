"""The map cut into 2^bits columns and rows of equal degrees: the grid under geohash, curves and quadtree.

Rules
1. Column 0 starts at 180 W, row 0 at 90 S. A point on a line belongs to the cell north or east of it;
   the north pole belongs to the last row.
2. Cell edges are exact binary fractions, and `columns`/`rows` agree with repeated halving for every
   float64: no point is ever put one cell too far by rounding.
"""

from __future__ import annotations

import numpy as np

from .curves import Curve, Numbers
from .ordering import STEP, Meter
from .points import Floats, Points
from .region import Bounds


def columns(lon: Floats, bits: int) -> Numbers:
    """Column of each longitude in [-180, 180], at most 31 bits."""
    return _index(lon, 360.0, bits)


def rows(lat: Floats, bits: int) -> Numbers:
    """Row of each latitude in [-90, 90], at most 31 bits."""
    return _index(lat, 180.0, bits)


def _index(degrees: Floats, extent: float, bits: int) -> Numbers:
    cells = 1 << bits
    index = ((degrees + 0.5 * extent) / extent * cells).astype(np.int64)
    # Adding half the extent may round up over a cell's edge, never down: the edge itself is exact.
    index -= degrees < index * extent / cells - 0.5 * extent
    return np.minimum(index, cells - 1, out=index)


def cell_bounds(x: int, y: int, x_bits: int, y_bits: int) -> Bounds:
    """The bounds of column x, row y."""
    width, height = 360.0 / (1 << x_bits), 180.0 / (1 << y_bits)
    west, south = x * width - 180.0, y * height - 90.0
    return south, west, south + height, west + width


def cells_of(bounds: Bounds, x_bits: int, y_bits: int) -> tuple[int, int, int, int]:
    """The cells that bounds touch: (x0, y0, x1, y1), inclusive."""
    south, west, north, east = bounds
    x0, x1 = columns(np.array([west, east]), x_bits)
    y0, y1 = rows(np.array([south, north]), y_bits)
    return int(x0), int(y0), int(x1), int(y1)


def curve_numbers(points: Points, curve: Curve, order: int, meter: Meter) -> Numbers:
    """Every point's number along a curve on the 2^order x 2^order map. Advances the meter by 1 a point."""
    numbers = np.empty(len(points), dtype=np.int64)
    for low in range(0, len(points), STEP):
        part = slice(low, low + STEP)
        x, y = columns(points.lon[part], order), rows(points.lat[part], order)
        numbers[part] = curve.encode(x, y, order)
        meter.advance(len(x))
    return numbers
