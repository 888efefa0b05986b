"""A version: which tables there are, level by level, at one moment.  It never changes; an edit makes the next one.

Rules
1. Level 0 holds tables that may overlap, the newest first.  In every deeper level no two tables overlap.
2. Of two tables that hold a key, the one in the higher level (smaller number) is newer; in level 0 the one with the
   greater file number.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise

from prayog_writes.engine.edit import Edit, FileMeta

__all__ = ["LEVELS", "Version"]

LEVELS = 7


class Version:
    """Tables by level.  Raises `ValueError` when two tables of a deep level overlap."""

    __slots__ = ("_deep", "_highs", "_top", "levels")

    def __init__(self, levels: tuple[tuple[FileMeta, ...], ...] = ((),) * LEVELS) -> None:
        self.levels = levels
        self._highs = [[f.high for f in files] for files in levels]
        self._top = [(f.low, f.high, f) for f in levels[0]]
        self._deep = [(n, self._highs[n], [f.low for f in levels[n]]) for n in range(1, LEVELS) if levels[n]]

    def apply(self, edit: Edit) -> Version:
        """The version after `edit`."""
        levels = [list(files) for files in self.levels]
        for level, number in edit.deleted:
            left = [f for f in levels[level] if f.number != number]
            if len(left) == len(levels[level]):
                raise ValueError(f"an edit removes table {number} from level {level}, where it is not")
            levels[level] = left
        for level, meta in edit.added:
            if level >= LEVELS:
                raise ValueError(f"an edit adds a table to level {level}; there are {LEVELS}")
            levels[level].append(meta)
        levels[0].sort(key=lambda f: -f.number)
        for level, files in enumerate(levels[1:], 1):
            files.sort(key=lambda f: f.smallest)
            for a, b in pairwise(files):
                if a.high >= b.low:
                    raise ValueError(f"tables {a.number} and {b.number} of level {level} overlap")
        return Version(tuple(tuple(files) for files in levels))

    def files(self) -> Iterator[tuple[int, FileMeta]]:
        """All tables with their levels, newest data first."""
        for level, files in enumerate(self.levels):
            for meta in files:
                yield level, meta

    def holding(self, key: bytes) -> Iterator[tuple[int, FileMeta]]:
        """The tables whose range holds `key`, newest data first: where a get has to look."""
        for low, high, meta in self._top:
            if low <= key <= high:
                yield 0, meta
        for level, highs, lows in self._deep:
            place = bisect_left(highs, key)
            if place < len(highs) and lows[place] <= key:
                yield level, self.levels[level][place]

    def overlapping(self, level: int, low: bytes, high: bytes) -> tuple[FileMeta, ...]:
        """The tables of `level` that overlap ``low`` … ``high``."""
        if level == 0:
            return tuple(f for f in self.levels[0] if f.overlaps(low, high))
        begin = bisect_left(self._highs[level], low)
        files = self.levels[level]
        stop = begin
        while stop < len(files) and files[stop].low <= high:
            stop += 1
        return files[begin:stop]

    def bytes(self, level: int) -> int:
        """Bytes in `level`."""
        return sum(f.size for f in self.levels[level])

    def runs(self) -> int:
        """Sorted runs: every table of level 0 is one, every other level with tables is one."""
        return len(self.levels[0]) + sum(bool(files) for files in self.levels[1:])

    def total(self) -> int:
        """Bytes of all tables."""
        return sum(f.size for _, f in self.files())
