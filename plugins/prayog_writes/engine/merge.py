"""Merging sorted runs: of every key the newest version stays, tombstones go where nothing older can be.

The runs are merged a window at a time: up to the smallest of the last keys at hand, all runs are complete.  Inside a
window the runs are put behind each other, the newest first, and sorted: Timsort finds them again and merges them.  That
is five times as quick here as a heap of cursors.  Backwards it goes the same way, from the largest keys down.

Rules
1. A version that a snapshot can see stays.  Of the versions between two snapshots the newest stays.
2. A tombstone stays unless no older table can hold its key (`older`) and no snapshot is older than it.

Source of rule 2: Chang et al., "Bigtable" (OSDI 2006), section 5.4; LevelDB `DoCompactionWork`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import itemgetter, ne

from prayog_writes.engine.columns import Columns

__all__ = ["Dropped", "merged"]


@dataclass(slots=True)
class Dropped:
    """What a merge left out so far."""

    versions: int = 0
    tombstones: int = 0


def merged(
    runs: Sequence[Iterator[Columns]],
    snapshots: Sequence[int] = (),
    older: Callable[[bytes], bool] | None = None,
    dropped: Dropped | None = None,
    oldest_wins: bool = False,
    reverse: bool = False,
) -> Iterator[Columns]:
    """The rows of `runs` (newest first) in windows.

    ``snapshots``: sequences, ascending, that may still be read.  ``older(key)``: whether an older table may hold the
    key; None keeps all tombstones.  ``oldest_wins`` is the broken variant.  ``reverse``: the chunks of each run come
    from the last to the first, and so do the windows; rows inside a chunk or window always ascend.
    """
    dropped = dropped or Dropped()
    heads = [_Back(run) if reverse else _Forth(run) for run in runs]
    while bounds := [bound for head in heads if (bound := head.bound()) is not None]:
        bound = max(bounds) if reverse else min(bounds)
        parts = [part for head in heads for part in head.take(bound)]
        rows = _versions(parts, snapshots) if snapshots else _newest(parts, oldest_wins)
        dropped.versions += sum(map(len, parts)) - len(rows)
        if older is not None:
            rows = _without_tombstones(rows, older, snapshots, dropped)
        if len(rows):
            yield rows


class _Forth:
    """A run that is read forwards: the chunk at hand, and how many of its rows were taken."""

    def __init__(self, run: Iterator[Columns]) -> None:
        self._run = run
        self._head = Columns()
        self._place = 0

    def bound(self) -> bytes | None:
        """The last key at hand; None at the end of the run."""
        return self._head.keys[-1] if self._filled() else None

    def take(self, bound: bytes) -> list[Columns]:
        """All rows up to the key `bound`, which are at hand but for more versions of that very key."""
        parts = []
        while self._filled():
            stop = bisect_right(self._head.keys, bound, self._place)
            if stop > self._place:
                parts.append(self._head.cut(self._place, stop))
            self._place = stop
            if stop < len(self._head):
                break
        return parts

    def _filled(self) -> bool:
        while self._place == len(self._head):
            following = next(self._run, None)
            if following is None:
                return False
            self._head, self._place = following, 0
        return True


class _Back:
    """A run that is read backwards: the chunk at hand, and how many of its rows are left."""

    def __init__(self, run: Iterator[Columns]) -> None:
        self._run = run
        self._head = Columns()
        self._left = 0

    def bound(self) -> bytes | None:
        """The first key at hand; None at the end of the run."""
        return self._head.keys[0] if self._filled() else None

    def take(self, bound: bytes) -> list[Columns]:
        """All rows from the key `bound` on; newer versions of a key are in the chunk that comes later."""
        parts: list[Columns] = []
        while self._filled():
            start = bisect_left(self._head.keys, bound, 0, self._left)
            if start < self._left:
                parts.insert(0, self._head.cut(start, self._left))
            self._left = start
            if start:
                break
        return parts

    def _filled(self) -> bool:
        while not self._left:
            following = next(self._run, None)
            if following is None:
                return False
            self._head, self._left = following, len(following)
        return True


def _newest(parts: list[Columns], oldest_wins: bool) -> Columns:
    """One version of each key.  `parts` go from newest to oldest, and so do equal keys inside one."""
    if len(parts) == 1:
        keys = parts[0].keys
        if len(set(keys)) == len(keys):
            return parts[0]
    rows = Columns()
    for part in reversed(parts) if oldest_wins else parts:
        rows.extend(part)
    # Timsort finds the parts again and merges them; it is stable, so that of equal keys the newest comes first.
    order = sorted(range(len(rows)), key=rows.keys.__getitem__)
    pick = itemgetter(*order)
    keys = pick(rows.keys)
    fresh = [True, *map(ne, keys[1:], keys)]
    if all(fresh):
        return Columns(list(keys), list(pick(rows.tags)), list(pick(rows.values)))
    columns = (keys, pick(rows.tags), pick(rows.values))
    return Columns(*(list(compress(column, fresh)) for column in columns))


def _versions(parts: list[Columns], snapshots: Sequence[int]) -> Columns:
    """The versions that somebody may still ask for, newest first within a key."""
    rows = sorted(
        (key, -int.from_bytes(tag, "little"), tag, value)
        for part in parts
        for key, tag, value in zip(part.keys, part.tags, part.values, strict=True)
    )
    kept = Columns()
    last: tuple[bytes, int] | None = None
    for key, order, tag, value in rows:
        stripe = bisect_left(snapshots, -order >> 8)  # the first snapshot that sees this version
        if last != (key, stripe):
            kept.keys.append(key)
            kept.tags.append(tag)
            kept.values.append(value)
        last = key, stripe
    return kept


def _without_tombstones(
    rows: Columns, older: Callable[[bytes], bool], snapshots: Sequence[int], dropped: Dropped
) -> Columns:
    kinds = rows.kinds()
    if 0 not in kinds:
        return rows
    oldest = snapshots[0] if snapshots else None
    keep = [
        bool(kind) or older(key) or (oldest is not None and int.from_bytes(tag, "little") >> 8 > oldest)
        for key, tag, kind in zip(rows.keys, rows.tags, kinds, strict=True)
    ]
    left = [i for i, kept in enumerate(keep) if kept]
    dropped.tombstones += len(rows) - len(left)
    if len(left) == len(rows):
        return rows
    return Columns([rows.keys[i] for i in left], [rows.tags[i] for i in left], [rows.values[i] for i in left])
