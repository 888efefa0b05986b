"""Single questions to the grid, told stretch by stretch.

Why it exists: a batch is fast because it says nothing. Here the same stretches are read one at a time, so
that each can be drawn and explained.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from . import grid_batch
from .area import area_of
from .grid_batch import Grid
from .grid_layout import Circles, Stretches
from .index import Action, Explained, Nearest, Query, Radius, Visit, answer_by_distance, nearest_first
from .points import EARTH_RADIUS_M, Ids, fold_longitude, metres_to_chord2
from .region import PAD_RAD, Bounds, nearest_in_bounds_m
from .wording import count, distance


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of cells that is one run of the sorted points: positions `begin`..`end`."""

    code: str
    parent: str
    pieces: tuple[Bounds, ...]
    begin: int
    end: int

    def visits(self, action: Action, why: str, depth: int, bound: float | None) -> Iterator[Visit]:
        """One visit; a second without points where the stretch goes on across the antimeridian."""
        size = self.end - self.begin
        for number, bounds in enumerate(self.pieces):
            if number:
                why, size = "the same stretch, across the antimeridian", 0
            yield Visit("range", self.code, bounds, action, why, size, depth, bound, self.parent)


def explain(grid: Grid, query: Query) -> Explained:
    """Answer any query, telling every stretch that is read."""
    if isinstance(query, Nearest):
        return (yield from _grow(grid, query))
    area = area_of(query, grid.points)
    found: list[Ids] = []
    candidates = refined = 0
    if isinstance(query, Radius):
        reach = min(query.metres / EARTH_RADIUS_M + PAD_RAD, math.pi)
        runs = _circle_runs(grid, query.lat, query.lon, reach)
    else:
        runs = _window_runs(grid, area.windows())
    for run in runs:
        ids = grid.order[run.begin : run.end].astype(np.int64)
        relations = [area.relation(bounds) for bounds in run.pieces]
        candidates += len(ids)
        action: Action = "inside"
        why = area.reason(*relations[0])
        if any(relation != "inside" for relation, _ in relations):
            action = "refined"
            refined += len(ids)
            ids = ids[area.keeps(ids)]
            why = f"the area meets these cells: {len(ids)} of {count(run.end - run.begin, 'point')} kept"
        found.append(ids)
        bound = None if relations[0][1] is None else min(lower or 0.0 for _, lower in relations)
        yield from run.visits(action, why, 1, bound)
    ids = np.concatenate(found) if found else np.empty(0, dtype=np.int64)
    return area.answer(ids, candidates, refined)


def _grow(grid: Grid, query: Nearest) -> Explained:
    """The k nearest by circles that start from the local density and grow until they hold k points."""
    k = min(query.k, len(grid.points))
    ids: Ids = np.empty(0, dtype=np.int64)
    chord2 = np.empty(0)
    read = tries = 0
    place = np.array([query.lat]), fold_longitude(np.array([query.lon]))
    reach = float(grid_batch.start_reach(grid, *place, k)[0]) if k else 0.0
    while len(ids) < k:
        tries += 1
        runs = _circle_runs(grid, query.lat, query.lon, reach)
        held = sum(run.end - run.begin for run in runs)
        enough = held >= k or reach >= math.pi
        circle = f"circle {tries} of {distance(reach * EARTH_RADIUS_M)}"
        for run in runs:
            bound = min(nearest_in_bounds_m(query.lat, query.lon, piece) for piece in run.pieces)
            if enough:
                why = f"{circle}: {count(run.end - run.begin, 'point')} measured"
                yield from run.visits("refined", why, tries, bound)
            else:
                why = f"{circle}: its cells hold only {held} of {k}, so none is read"
                yield from run.visits("visited", why, tries, bound)
        if enough:
            ids = np.concatenate([grid.order[run.begin : run.end] for run in runs]).astype(np.int64)
            read += len(ids)
            chord2 = grid.points.chord2(query.lat, query.lon, ids)
            limit = math.inf if reach >= math.pi else metres_to_chord2((reach - PAD_RAD) * EARTH_RADIUS_M)
            near = np.flatnonzero(chord2 <= limit)
            ids, chord2 = nearest_first(ids[near], chord2[near])
            held = len(ids)
        reach = min(reach * float(grid_batch.growth(k, np.array([held]))[0]), math.pi)
    return answer_by_distance(ids[:k], chord2[:k], len(grid.points), read, read)


def _circle_runs(grid: Grid, lat: float, lon: float, reach: float) -> list[Run]:
    circles = Circles(np.array([lat]), fold_longitude(np.array([lon])), np.array([reach]))
    found = grid.layout.circles(circles)
    if grid.refined is None:
        return [_plain(grid, *stretch) for stretch in _rows(found)]
    gaps, small = grid.refined.split(found, circles)
    runs = [_plain(grid, *stretch) for stretch in sorted(_rows(gaps)) if stretch[1] <= stretch[2]]
    which = zip(*(a.tolist() for a in (small.which, small.row, small.first, small.last)), strict=True)
    return runs + [_small(grid, *stretch) for stretch in which]


def _window_runs(grid: Grid, windows: Iterable[Bounds]) -> list[Run]:
    """What to read for windows of the map, none twice."""
    windows = tuple(windows)
    stretches = _merged(piece for window in windows for piece in grid.layout.window(window))
    refined = grid.refined
    if refined is None:
        return [_plain(grid, *stretch) for stretch in stretches]
    runs: list[Run] = []
    for row, opening, last in stretches:
        first = opening
        low, high = np.searchsorted(refined.cell, [opening, last + 1]).tolist()
        for which in range(low, high):
            cell = int(refined.cell[which])
            if first < cell:
                runs.append(_plain(grid, row, first, cell - 1))
            first = cell + 1
            pieces = _merged(piece for window in windows for piece in refined.window(which, window))
            runs += [_small(grid, which, *piece) for piece in pieces]
        if first <= last:
            runs.append(_plain(grid, row, first, last))
    return runs


def _rows(found: Stretches) -> list[tuple[int, int, int]]:
    return list(zip(found.row.tolist(), found.first.tolist(), found.last.tolist(), strict=True))


def _merged(pieces: Iterable[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Stretches (row, first, last) in order, overlapping and touching ones of a row joined."""
    merged: list[tuple[int, int, int]] = []
    for row, first, last in sorted(pieces):
        if merged and merged[-1][0] == row and first <= merged[-1][2] + 1:
            merged[-1] = (row, merged[-1][1], max(last, merged[-1][2]))
        else:
            merged.append((row, first, last))
    return merged


def _plain(grid: Grid, row: int, first: int, last: int) -> Run:
    """A stretch of whole cells."""
    base = int(grid.layout.first[row])
    leaves = [first, last + 1]
    if grid.refined is not None:
        leaves = grid.refined.leaf_of_cell[leaves].tolist()
    pieces = grid.layout.bounds(row, first - base, last - base)
    code = f"row {row}, columns {first - base}-{last - base}"
    return Run(code, "grid", pieces, *grid.starts[leaves].tolist())


def _small(grid: Grid, which: int, row: int, first: int, last: int) -> Run:
    """A stretch of small cells of crowded cell number `which`."""
    refined = grid.refined
    assert refined is not None
    cell = int(refined.cell[which])
    at = int(np.searchsorted(grid.layout.first, cell, side="right")) - 1
    parent = f"row {at}, column {cell - int(grid.layout.first[at])}"
    base = int(refined.leaf[which]) + row * int(refined.side[which])
    code = f"{parent}: small row {row}, columns {first - base}-{last - base}"
    return Run(code, parent, refined.bounds(which, row, first, last), *grid.starts[[first, last + 1]].tolist())
