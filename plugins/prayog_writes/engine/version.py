"""A version: which tables there are, level by level, at one moment.  It never changes; an edit makes the next one.

Rules
1. Level 0 holds tables that may overlap, the newest first.  In every deeper level no two tables overlap.
2. Of two tables that hold a key, the one in the higher level (smaller number) is newer; in level 0 the one with the
   greater file number.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from operator import lt

from prayog_writes.engine.edit import Edit, FileMeta

__all__ = ["LEVELS", "Draft", "Version"]

LEVELS = 7


class _Level:
    """The tables of one level in their order, and their first and last user keys."""

    __slots__ = ("bytes", "files", "highs", "lows", "number")

    def __init__(self, number: int, files: tuple[FileMeta, ...]) -> None:
        self.number = number
        self.files = files
        self.lows = [f.low for f in files]
        self.highs = [f.high for f in files]
        self.bytes = sum(f.size for f in files)
        if number and not all(map(lt, self.highs, self.lows[1:])):
            place = next(i for i, high in enumerate(self.highs) if high >= self.lows[i + 1])
            a, b = files[place : place + 2]
            raise ValueError(f"tables {a.number} and {b.number} of level {number} overlap")


class Version:
    """Tables by level.  ``top`` and ``deep`` are for reading: level 0, and the deeper levels that hold tables."""

    __slots__ = ("_levels", "deep", "levels", "top")

    def __init__(self, levels: tuple[_Level, ...] | None = None) -> None:
        self._levels = levels or tuple(_Level(number, ()) for number in range(LEVELS))
        self.levels = tuple(level.files for level in self._levels)
        first = self._levels[0]
        self.top = list(zip(first.lows, first.highs, first.files, strict=True))
        self.deep = [(n.number, n.highs, n.lows, n.files) for n in self._levels[1:] if n.files]

    def apply(self, edit: Edit) -> Version:
        """The version after `edit`.  Raises `ValueError` when it does not fit."""
        draft = Draft(self)
        draft.add(edit)
        return draft.version()

    def files(self) -> Iterator[tuple[int, FileMeta]]:
        """All tables with their levels, newest data first."""
        for level, files in enumerate(self.levels):
            for meta in files:
                yield level, meta

    def overlapping(self, level: int, low: bytes, high: bytes) -> tuple[FileMeta, ...]:
        """The tables of `level` that overlap ``low`` … ``high``."""
        here = self._levels[level]
        if level == 0:
            return tuple(f for f in here.files if f.overlaps(low, high))
        begin = stop = bisect_left(here.highs, low)
        while stop < len(here.files) and here.lows[stop] <= high:
            stop += 1
        return here.files[begin:stop]

    def bytes(self, level: int) -> int:
        """Bytes in `level`."""
        return self._levels[level].bytes

    def runs(self) -> int:
        """Sorted runs: every table of level 0 is one, every other level with tables is one."""
        return len(self.levels[0]) + sum(bool(files) for files in self.levels[1:])

    def total(self) -> int:
        """Bytes of all tables."""
        return sum(level.bytes for level in self._levels)


class Draft:
    """A version in the making: many edits are added up, and what levels look like is worked out once (LevelDB's
    `VersionSet::Builder`)."""

    def __init__(self, before: Version) -> None:
        self._before = before
        self._changed: dict[int, dict[int, FileMeta]] = {}

    def add(self, edit: Edit) -> None:
        """Take one more edit.  Raises `ValueError` when it does not fit."""
        for level, number in edit.deleted:
            if self._level(level).pop(number, None) is None:
                raise ValueError(f"an edit removes table {number} from level {level}, where it is not")
        for level, meta in edit.added:
            self._level(level)[meta.number] = meta

    def version(self) -> Version:
        """What all edits add up to.  Raises `ValueError` when two tables of a deep level overlap."""
        levels = list(self._before._levels)
        for number, tables in self._changed.items():
            order = sorted(tables.values(), key=(lambda f: f.low) if number else (lambda f: -f.number))
            levels[number] = _Level(number, tuple(order))
        return Version(tuple(levels))

    def _level(self, level: int) -> dict[int, FileMeta]:
        if level >= LEVELS:
            raise ValueError(f"an edit speaks of level {level}; there are {LEVELS}, from 0 on")
        if level not in self._changed:
            self._changed[level] = {f.number: f for f in self._before.levels[level]}
        return self._changed[level]
