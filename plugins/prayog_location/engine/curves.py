"""Space-filling curves: Z-order and Hilbert numbers of a grid's cells, and windows as runs of numbers.

Why it exists: a B-tree orders one number, a map has two. A curve threads all cells of a 2^order x 2^order
grid on one line; a window of the map then becomes a few runs of consecutive numbers.

Sources: Morton, "A computer oriented geodetic data base" (IBM 1966) for Z-order; Hilbert (Math. Ann. 38,
1891) in the form of Hamilton & Rau-Chaplin, "Compact Hilbert indices" (Inf. Proc. Letters 105(5), 2008),
section 2, for two dimensions. Number of runs: Moon, Jagadish, Faloutsos & Saltz, "Analysis of the
clustering properties of the Hilbert space-filling curve" (IEEE TKDE 13(1), 2001).

Rules
1. x counts columns from the west, y rows from the south; both in [0, 2^order), order at most 31.
2. Both curves start at (0, 0). Hilbert ends at (2^order - 1, 0), Z at the far corner.
3. Dropping the last two bits of a number gives the cell's number in the grid half as fine, on both
   curves: a square of the coarser grid is one run of the finer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.int64]
CurveName = Literal["z", "hilbert"]


def spread_bits(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Bits 0..31 moved to the even places 0..62 (magic masks, Hacker's Delight, section 7-2)."""
    for shift, mask in (
        (16, 0x0000FFFF0000FFFF),
        (8, 0x00FF00FF00FF00FF),
        (4, 0x0F0F0F0F0F0F0F0F),
        (2, 0x3333333333333333),
        (1, 0x5555555555555555),
    ):
        value = (value | (value << np.uint64(shift))) & np.uint64(mask)
    return value


def squeeze_bits(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The inverse of `spread_bits`: even places only."""
    value = value & np.uint64(0x5555555555555555)
    for shift, mask in (
        (1, 0x3333333333333333),
        (2, 0x0F0F0F0F0F0F0F0F),
        (4, 0x00FF00FF00FF00FF),
        (8, 0x0000FFFF0000FFFF),
        (16, 0x00000000FFFFFFFF),
    ):
        value = (value | (value >> np.uint64(shift))) & np.uint64(mask)
    return value


def z_encode(x: ArrayLike, y: ArrayLike, order: int) -> Numbers:
    """Z-order numbers: the bits of y and x in turn, y first. Shape as x and y."""
    left, right = np.asarray(x, dtype=np.uint64), np.asarray(y, dtype=np.uint64)
    return (spread_bits(left) | (spread_bits(right) << np.uint64(1))).astype(np.int64)


def z_decode(number: ArrayLike, order: int) -> tuple[Numbers, Numbers]:
    """Cells (x, y) of Z-order numbers."""
    code = np.asarray(number, dtype=np.uint64)
    return squeeze_bits(code).astype(np.int64), squeeze_bits(code >> np.uint64(1)).astype(np.int64)


def hilbert_encode(x: ArrayLike, y: ArrayLike, order: int) -> Numbers:
    """Hilbert numbers. One pass per level from the coarsest: pick the quadrant's rank along the curve,
    then turn or mirror the quadrant so that the next level looks like this one."""
    x, y = np.array(x, dtype=np.int64), np.array(y, dtype=np.int64)
    number = np.zeros(np.broadcast(x, y).shape, dtype=np.int64)
    for level in range(order - 1, -1, -1):
        right, top = (x >> level) & 1, (y >> level) & 1
        number = (number << 2) | ((3 * right) ^ top)
        mirror = np.where(top == 0, -right, 0)  # all ones where the lower right quadrant is mirrored
        x, y = x ^ mirror, y ^ mirror
        swap = (x ^ y) * (1 - top)
        x, y = x ^ swap, y ^ swap
    return number


def hilbert_decode(number: ArrayLike, order: int) -> tuple[Numbers, Numbers]:
    """Cells (x, y) of Hilbert numbers: the encoder backwards, from the finest level."""
    code = np.asarray(number, dtype=np.int64)
    x, y = np.zeros(code.shape, dtype=np.int64), np.zeros(code.shape, dtype=np.int64)
    for level in range(order):
        pair = (code >> (2 * level)) & 3
        right, top = pair >> 1, (pair ^ (pair >> 1)) & 1
        swap = (x ^ y) * (1 - top)
        x, y = x ^ swap, y ^ swap
        mirror = np.where((top == 0) & (right == 1), (np.int64(1) << level) - 1, 0)
        x, y = x ^ mirror, y ^ mirror
        x, y = x | (right << level), y | (top << level)
    return x, y


@dataclass(frozen=True, slots=True)
class Curve:
    """One of the two curves: `encode(x, y, order)` and `decode(number, order)`, vectorised."""

    name: CurveName
    title: str
    encode: Callable[[ArrayLike, ArrayLike, int], Numbers]
    decode: Callable[[ArrayLike, int], tuple[Numbers, Numbers]]


Z_ORDER = Curve("z", "Z-order", z_encode, z_decode)
HILBERT = Curve("hilbert", "Hilbert", hilbert_encode, hilbert_decode)


def jump_lengths(curve: Curve, order: int) -> NDArray[np.float64]:
    """Distances between consecutive cells along the curve, in cells; shape (4^order - 1,).

    Hilbert's are all 1. Z-order's longest is nearly the whole width of the map.
    """
    x, y = curve.decode(np.arange(4**order), order)
    return np.hypot(np.diff(x), np.diff(y))


def window_runs(
    curve: Curve, window: tuple[int, int, int, int], order: int, finest: int | None = None
) -> Numbers:
    """The window (x0, y0, x1, y1, inclusive) as runs of numbers, shape (runs, 2): first, past the last.

    Exact and with the fewest possible runs when `finest` is None (or equals `order`). With a coarser
    `finest`, squares are split only down to that level: fewer runs, which cover the window and a rim of
    other cells round it.
    """
    x0, y0, x1, y1 = window
    finest = order if finest is None else min(finest, order)
    xs, ys = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    found: list[Numbers] = []
    for level in range(finest + 1):
        side = order - level
        left, low = xs << side, ys << side
        right, high = left + (1 << side) - 1, low + (1 << side) - 1
        meets = (left <= x1) & (right >= x0) & (low <= y1) & (high >= y0)
        within = (left >= x0) & (right <= x1) & (low >= y0) & (high <= y1)
        done = within if level < finest else meets
        first = curve.encode(xs[done], ys[done], level) << (2 * side)
        found.append(np.column_stack([first, first + (np.int64(1) << (2 * side))]))
        split = meets & ~done
        xs = (2 * xs[split][:, None] + np.array([0, 1, 0, 1])).ravel()
        ys = (2 * ys[split][:, None] + np.array([0, 0, 1, 1])).ravel()
        if not len(xs):
            break
    return merge_runs(np.concatenate(found))


def merge_runs(runs: Numbers) -> Numbers:
    """Runs in ascending order with touching and overlapping ones joined."""
    runs = runs[np.argsort(runs[:, 0], kind="stable")]
    if not len(runs):
        return runs
    ends = np.maximum.accumulate(runs[:, 1])
    opens = np.concatenate([[True], runs[1:, 0] > ends[:-1]])
    closes = np.concatenate([opens[1:], [True]])
    return np.column_stack([runs[opens, 0], ends[closes]])
