"""Batches of queries on the grid, worked out with long arrays instead of loops.

How it works: circles become stretches of rows (`GridLayout.circles`), stretches become runs of the sorted
points, runs become one flat list of candidates, and each candidate is measured with a squared chord. All
queries of a chunk go through every step together; chunks keep the arrays inside the processor's cache and the
memory bounded whatever the number of queries.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .grid_layout import COLUMNS_PER_SQUARE, Circles, GridLayout, Ints, Stretches
from .grid_refined import Refinement
from .points import EARTH_RADIUS_M, Floats, Ids, Points, chord2_to_metres, fold_longitude, metres_to_chord2, unit_xyz
from .region import PAD_RAD

QUERIES = 1 << 10  # queries worked on together
CANDIDATES = 1 << 16  # candidates measured together: half a megabyte an array
POSITION_BITS = 20
MOST_SHRINKS = 10


@dataclass(frozen=True, slots=True, eq=False)
class WithinRadius:
    """Answers of a batch: query i owns `ids[offsets[i]:offsets[i + 1]]` and the distances beside them
    (metres; empty when they were not asked for). Ids are not ordered within a query."""

    offsets: Ints
    ids: Ids
    distances_m: Floats


@dataclass(frozen=True, slots=True, eq=False)
class KNearest:
    """`ids` and `distances_m` of shape (queries, k), nearest first, ties by id. There are fewer columns
    when the table holds fewer than k points."""

    ids: Ids
    distances_m: Floats


class Grid(Protocol):
    layout: GridLayout
    refined: Refinement | None
    starts: NDArray[np.int32]
    order: NDArray[np.int32]
    xyz: Floats
    density: Floats

    @property
    def points(self) -> Points: ...


def radius(grid: Grid, lats: Floats, lons: Floats, metres: float, distances: bool) -> WithinRadius:
    lats, lons = _places(lats, lons)
    limit = metres_to_chord2(metres)
    sizes = np.zeros(len(lats) + 1, dtype=np.int64)
    ids: list[Ids] = []
    squares: list[Floats] = []
    for low in range(0, len(lats), QUERIES):
        lat, lon = lats[low : low + QUERIES], lons[low : low + QUERIES]
        reach = np.full(len(lat), min(metres / EARTH_RADIUS_M + PAD_RAD, math.pi))
        query, begin, end = _runs(grid, lat, lon, reach)
        centre = np.column_stack(unit_xyz(lat, lon))
        for part in _pieces(query, end - begin):
            position, owner_counts, first = _candidates(query[part], begin[part], end[part])
            chord2 = _measure(grid, centre, position, owner_counts, first)
            hits = np.flatnonzero(chord2 <= limit)
            ids.append(grid.order[position[hits]].astype(np.int64))
            if distances:
                squares.append(chord2[hits])
            edges = np.concatenate([[0], np.cumsum(owner_counts)])
            sizes[low + first + 1 : low + first + 1 + len(owner_counts)] += np.diff(np.searchsorted(hits, edges))
    metres_found = chord2_to_metres(np.concatenate(squares)) if squares else np.empty(0)
    found = np.concatenate(ids) if ids else np.empty(0, dtype=np.int64)
    return WithinRadius(np.cumsum(sizes), found, metres_found)


def nearest(grid: Grid, lats: Floats, lons: Floats, k: int) -> KNearest:
    if k < 1:
        raise ValueError(f"k is the number of neighbours wanted, 1 or more; found {k}.")
    lats, lons = _places(lats, lons)
    k = min(k, len(grid.order))
    ids = np.empty((len(lats), k), dtype=np.int64)
    chord2 = np.empty((len(lats), k))
    if k:
        for low in range(0, len(lats), QUERIES):
            part = slice(low, low + QUERIES)
            _nearest_chunk(grid, lats[part], lons[part], k, ids[part], chord2[part])
    return KNearest(ids, chord2_to_metres(chord2))


def start_reach(grid: Grid, lat: Floats, lon: Floats, k: int) -> Floats:
    """Angular radii (radians) of circles that should hold k points, from the density of the block."""
    layout = grid.layout
    row = np.clip(layout.row_of(lat), 0, layout.rows - 1)
    east = np.minimum(layout.east_of_west(lon), layout.span)
    density = grid.density[raster_cell(layout, grid.density.shape, row, east)]
    if grid.refined is not None:
        density = grid.refined.density_at(layout.cell_of(row, east), lat, lon, density)
    return np.minimum(np.sqrt(_wanted(k) / (math.pi * density)) + PAD_RAD, math.pi)


def growth(k: int, counts: Ints) -> Floats:
    """By how much circles that hold `counts` points, fewer than k, should grow: generously, for each further
    round costs more than the points that it saves."""
    return np.clip(1.5 * np.sqrt(_wanted(k) / np.maximum(counts, 0.5)), 1.5, 6.0)


def _wanted(k: int) -> float:
    """Points to aim for: k and 1.5 standard deviations of a Poisson count, so that most circles suffice."""
    return k + 1.5 * math.sqrt(k) + 1.0


def _nearest_chunk(grid: Grid, lat: Floats, lon: Floats, k: int, ids: Ids, chord2: Floats) -> None:
    """Fill `ids` and `chord2` (views, one row a query).

    Circles grow while their cells hold too few points, and shrink while they hold far too many; neither reads
    a point. Then the points are measured. If the circle holds k of them, these are the answer. If it does not,
    the k-th of all that were measured bounds the answer, and a circle of that size settles it.
    """
    centre = np.column_stack(unit_xyz(lat, lon))
    reach = start_reach(grid, lat, lon, k)
    # The largest circle known to hold too few points and the smallest known to hold far too many.
    too_small, too_large = np.zeros(len(lat)), np.full(len(lat), np.inf)
    bounded = np.zeros(len(lat), dtype=np.bool_)  # the circle is known to suffice
    open_ = np.arange(len(lat))
    for attempt in count():
        if not len(open_):
            return
        now = reach[open_]
        query, begin, end = _runs(grid, lat[open_], lon[open_], now)
        counts = np.bincount(query, weights=end - begin, minlength=len(open_)).astype(np.int64)
        few = (counts < k) & (now < math.pi)
        # A crowd of twins stays a crowd in the smallest circle, so shrinking must end.
        many = (counts > 8 * k + 64) & (now > 1.5 * too_small[open_]) & ~bounded[open_] & (attempt < MOST_SHRINKS)
        too_small[open_[few]], too_large[open_[many]] = now[few], now[many]
        larger = np.minimum(growth(k, counts) * now, np.maximum(np.sqrt(too_large[open_] * now), 1.3 * now))
        smaller = np.maximum(np.sqrt(3.0 * k / np.maximum(counts, 1)), np.sqrt(too_small[open_] / now)) * now
        aim = np.where(many, smaller, larger)
        done = np.zeros(len(open_), dtype=np.bool_)
        ready = ~(few | many)
        if not ready.all():
            kept = ready[query]
            query, begin, end = query[kept], begin[kept], end[kept]
        limit = np.where(now >= math.pi, 4.1, (2.0 * np.sin(0.5 * (now - PAD_RAD))) ** 2)
        mine = centre[open_]
        for part in _pieces(query, end - begin):
            position, sizes, first = _candidates(query[part], begin[part], end[part])
            squares = _measure(grid, mine, position, sizes, first)
            owners = first + np.flatnonzero(sizes)
            sizes = sizes[sizes > 0]
            starts = np.cumsum(sizes) - sizes
            scale = limit[owners]
            inside = squares <= np.repeat(scale, sizes)
            held = np.add.reduceat(inside, starts, dtype=np.int64)
            full = held >= k
            if not full.all():
                inside |= np.repeat(~full, sizes)
                held = np.where(full, held, sizes)
                scale = np.where(full, scale, np.maximum.reduceat(squares, starts))
            hits = np.flatnonzero(inside)
            found_ids, found = _first_k(squares[hits], grid.order[position[hits]], held, k, scale)
            ids[open_[owners]], chord2[open_[owners]] = found_ids, found
            done[owners] = full
            bounded[open_[owners]] = True
            bound = 2.0 * np.arcsin(np.minimum(1.0, 0.5 * np.sqrt(found[:, -1])))
            aim[owners] = bound * (1.0 + 1e-9) + 2.0 * PAD_RAD
        reach[open_] = np.minimum(aim, math.pi)
        open_ = open_[~done]


def _first_k(squares: Floats, names: NDArray[np.int32], found: Ints, k: int, limit: Floats) -> tuple[Ids, Floats]:
    """The k nearest of each owner's hits, as (owners, k) arrays. `found` counts the hits of each owner (k or
    more), which follow one another; `limit` is at least the greatest squared chord of each.

    One sort of packed integers does it: owner, then the squared chord as a fraction of the circle's in 33
    bits, then the place in the list. Owners with hits that 33 bits cannot tell apart, ties above all,
    are ordered again by the exact chord and the id.
    """
    ends = np.cumsum(found)
    take = (ends - found)[:, None] + np.arange(k)
    unclear = np.ones(len(found), dtype=np.bool_)
    chosen = take
    if len(squares) < 1 << POSITION_BITS:
        packed = (squares * np.repeat(float(1 << 33) / np.maximum(limit, 1e-300), found)).astype(np.int64)
        np.minimum(packed, (1 << 33) - 1, out=packed)
        packed <<= POSITION_BITS
        packed |= np.repeat(np.arange(len(found)) << 53, found)
        packed |= np.arange(len(squares))
        packed.sort()
        chosen = packed[take] & ((1 << POSITION_BITS) - 1)
        unclear[:] = False
        same = np.flatnonzero((packed[1:] ^ packed[:-1]) < 1 << POSITION_BITS)
        who = packed[same] >> 53
        unclear[who[same - (ends - found)[who] < k]] = True  # what follows the k nearest may stay unclear
    if unclear.any():
        again = np.flatnonzero(np.repeat(unclear, found))
        owner = np.repeat(np.flatnonzero(unclear), found[unclear])
        exact = again[np.lexsort((names[again], squares[again], owner))]
        inner = np.cumsum(found[unclear]) - found[unclear]
        chosen[unclear] = exact[inner[:, None] + np.arange(k)]
    return names[chosen].astype(np.int64), squares[chosen]


def _places(lats: Floats, lons: Floats) -> tuple[Floats, Floats]:
    lat, lon = np.asarray(lats, dtype=np.float64), fold_longitude(np.asarray(lons, dtype=np.float64))
    if lat.shape != lon.shape or lat.ndim != 1 or not ((np.abs(lat) <= 90.0) & np.isfinite(lon)).all():
        raise ValueError(
            "The places of a batch are two arrays of one length, latitudes between -90 and 90 and longitudes "
            "in degrees; found something else."
        )
    return lat, lon


def _runs(grid: Grid, lat: Floats, lon: Floats, reach: Floats) -> tuple[Ints, Ints, Ints]:
    """Runs of sorted points that hold the circles: query numbers (ascending), begins, ends."""
    circles = Circles(lat, lon, reach)
    found = grid.layout.circles(circles)
    refined = grid.refined
    if refined is None:
        return found.query, _start(grid, found.first), _start(grid, found.last + 1)
    first, past = refined.leaf_of_cell[found.first], refined.leaf_of_cell[found.last + 1]
    crowded = np.flatnonzero(past - first != found.last + 1 - found.first)
    begin, end = _start(grid, first), _start(grid, past)
    if not len(crowded):
        return found.query, begin, end
    mixed = Stretches(found.query[crowded], found.row[crowded], found.first[crowded], found.last[crowded])
    gaps, small = refined.split(mixed, circles)
    end[crowded] = begin[crowded]  # these are read as gaps and small stretches instead
    query = np.concatenate([found.query, gaps.query, small.query])
    begin = np.concatenate([begin, _start(grid, refined.leaf_of_cell[gaps.first]), _start(grid, small.first)])
    end = np.concatenate([end, _start(grid, refined.leaf_of_cell[gaps.last + 1]), _start(grid, small.last + 1)])
    kept = np.flatnonzero(begin < end)
    kept = kept[np.argsort(query[kept], kind="stable")]
    return query[kept], begin[kept], end[kept]


def _start(grid: Grid, leaf: NDArray[Any]) -> Ints:
    position: Ints = grid.starts[leaf].astype(np.int64)
    return position


def _pieces(query: Ints, sizes: Ints) -> Iterator[slice]:
    """Cuts a list of runs into pieces of about `CANDIDATES` points, never inside a query."""
    if not len(query):
        return
    ends = np.cumsum(sizes)
    low = 0
    while low < len(query):
        before = int(ends[low - 1]) if low else 0
        high = int(np.searchsorted(ends, before + CANDIDATES, side="right"))
        if high < len(query):
            high = int(np.searchsorted(query, query[max(high, low)]))  # back to where that query begins
            if high <= low:  # one query larger than a piece
                high = int(np.searchsorted(query, query[low], side="right"))
        yield slice(low, high)
        low = high


def _candidates(query: Ints, begin: Ints, end: Ints) -> tuple[Ints, Ints, int]:
    """Positions of all points of some runs, how many belong to each query, and the first query number.

    Queries without runs between the first and the last count 0.
    """
    sizes = end - begin
    ends = np.cumsum(sizes)
    position = np.repeat(begin - ends + sizes, sizes)
    position += np.arange(len(position))
    first = int(query[0])
    counts = np.bincount(query - first, weights=sizes).astype(np.int64)
    return position, counts, first


def _measure(grid: Grid, centre: Floats, position: Ints, counts: Ints, first: int) -> Floats:
    """Squared chords of candidates, by the arithmetic of `points.squared_chord`."""
    found = grid.xyz.take(position, axis=0)
    total = np.zeros(0)
    for axis in range(3):
        away = found[:, axis] - np.repeat(centre[first : first + len(counts), axis], counts)
        away *= away
        if axis:
            total += away
        else:
            total = away
    return total


def raster_shape(layout: GridLayout, n: int) -> tuple[int, int]:
    """Rows and columns (powers of two) of the raster on which local density is counted."""
    cells = min(max(n, 1), 1 << 20)
    ratio = layout.columns.max() / COLUMNS_PER_SQUARE / layout.rows
    rows = 1 << int(np.clip(round(math.log2(math.sqrt(cells / ratio))), 0, 15))
    columns = 1 << int(np.clip(round(math.log2(cells / rows)), 0, 15))
    return rows, columns


def raster_cell(layout: GridLayout, shape: tuple[int, ...], row: Ints, east: Floats) -> tuple[Ints, Ints]:
    """Raster cells of grid rows and degrees east of the grid's west edge."""
    column = (east * (shape[1] / layout.span)).astype(np.int64)
    return row * shape[0] // layout.rows, np.minimum(column, shape[1] - 1)


def block_densities(layout: GridLayout, raster: Ints, enough: int) -> Floats:
    """Points per steradian round every raster cell: of the smallest aligned block with `enough` points."""
    rows, columns = raster.shape
    south = math.radians(layout.south)
    height = math.radians(layout.height * layout.rows)
    edges = np.clip(south + height * np.arange(rows + 1) / rows, -0.5 * math.pi, 0.5 * math.pi)
    strips = np.maximum(np.diff(np.sin(edges)), 1e-15) * math.radians(layout.span) / columns
    levels = [raster.astype(np.float64)]
    while levels[-1].size > 1:
        counts = levels[-1]
        if counts.shape[0] > 1:
            counts = counts[0::2] + counts[1::2]
        if counts.shape[1] > 1:
            counts = counts[:, 0::2] + counts[:, 1::2]
        levels.append(counts)
    density = np.zeros((1, 1))
    for counts in reversed(levels):  # from the whole map down: a block without enough points takes its parent's
        area = strips.reshape(len(counts), -1).sum(axis=1)[:, None] * (columns // counts.shape[1])
        tall, wide = len(counts) // len(density), counts.shape[1] // density.shape[1]
        above = np.repeat(np.repeat(density, tall, axis=0), wide, axis=1)
        believed = (counts >= enough) | (counts.size == 1)
        density = np.where(believed, np.maximum(counts, 1.0) / area, above)
    return density
