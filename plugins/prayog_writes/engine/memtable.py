"""The table in memory that takes every write, until it is full and becomes a sorted file.

A dict, sorted when somebody wants order (a flush, a scan): Timsort needs 0.3 µs a row for it, a balanced tree or
skip list in Python would need several for every single write.  LevelDB and RocksDB keep a skip list instead, because
there other threads read in order all the time.

Rules
1. The newest version of a key is in `rows`.  Older ones are kept in `older` only while a snapshot may look.
2. A tombstone is a row like any other: a key whose value is None.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice
from operator import itemgetter

import numpy as np

from prayog_writes.engine.batch import Operation
from prayog_writes.engine.coding import TRAILER
from prayog_writes.engine.columns import Columns

__all__ = ["MemTable", "Row"]

SORTED_AT_ONCE = 50_000
Row = tuple[int, bytes | None]
"""A version: its sequence and its value (None: deleted)."""


class MemTable:
    """Versions of keys in memory.

    ``size``: bytes of log that it stands for; ``log``: number of that log file; ``last``: its newest sequence, known
    when it takes no more.
    """

    def __init__(self, log: int = 0) -> None:
        self.rows: dict[bytes, Row] = {}
        self.older: dict[bytes, list[Row]] = {}
        self.size = 0
        self.log = log
        self.last = 0
        self._order: list[bytes] = []

    def __len__(self) -> int:
        return len(self.rows)

    def apply(self, sequence: int, operations: list[Operation], size: int, snapshot: int) -> None:
        """Take a batch whose first operation has `sequence`.  `snapshot`: the newest that may still be read, or −1."""
        rows = self.rows
        if snapshot >= 0:
            self.keep([key for key, _ in operations], snapshot)
        for number, (key, value) in enumerate(operations, sequence):
            rows[key] = (number, value)
        self.size += size
        self.last = sequence + len(operations) - 1

    def keep(self, keys: list[bytes], snapshot: int) -> None:
        """Before `keys` are written over: move to `older` what a snapshot up to `snapshot` can see."""
        for key in keys:
            row = self.rows.get(key)
            if row is not None and row[0] <= snapshot:
                self.older.setdefault(key, []).append(row)

    def get(self, key: bytes, snapshot: int) -> Row | None:
        """The newest version of `key` at or before sequence `snapshot`."""
        row = self.rows.get(key)
        if row is None or row[0] <= snapshot:
            return row
        return next((old for old in reversed(self.older.get(key, ())) if old[0] <= snapshot), None)

    def tombstones(self) -> int:
        """How many rows are deletes."""
        return list(map(itemgetter(1), self.rows.values())).count(None)

    def sorted_parts(self) -> Iterator[list[bytes]]:
        """All keys in portions that are sorted each: sorting very many at once would take long."""
        rest = iter(self.rows)
        while part := list(islice(rest, SORTED_AT_ONCE)):
            yield _sorted(part)

    def order(self) -> list[bytes]:
        """All keys in order.  Sorted once; later only what is new is put in its place (Timsort merges it)."""
        if len(self._order) < len(self.rows):
            self._order = sorted([*self._order, *islice(reversed(self.rows), len(self.rows) - len(self._order))])
        return self._order

    def frozen(self) -> MemTable:
        """The same rows, whatever is written later."""
        copy = MemTable(self.log)
        copy.rows, copy._order = dict(self.rows), self.order()
        copy.older = {key: list(rows) for key, rows in self.older.items()}
        return copy

    def chunks(self, start: bytes | None, stop: bytes | None, reverse: bool, size: int = 500) -> Iterator[Columns]:
        """The rows from `start` to `stop`, some keys at a time; in `reverse` the last ones first."""
        keys = self.order()
        low = 0 if start is None else bisect_left(keys, start)
        high = len(keys) if stop is None else bisect_left(keys, stop)
        places = range(low, high, size)
        for place in reversed(places) if reverse else places:
            yield self.columns(keys[place : min(place + size, high)])

    def columns(self, keys: list[bytes] | None = None) -> Columns:
        """All versions of `keys`, which are in order (None: of all keys)."""
        keys = self.order() if keys is None else keys
        if self.older:
            pairs = [(key, row) for key in keys for row in self._versions(key)]
            keys, versions = [key for key, _ in pairs], [row for _, row in pairs]
        else:
            versions = list(map(self.rows.__getitem__, keys))
        pack = TRAILER.pack
        tags = [pack(number << 8 | (value is not None)) for number, value in versions]
        return Columns(keys, tags, [value or b"" for _, value in versions])

    def _versions(self, key: bytes) -> Iterator[Row]:
        yield self.rows[key]
        yield from reversed(self.older.get(key, ()))


def _sorted(keys: list[bytes]) -> list[bytes]:
    """Different `keys` in order.

    Keys of one length are sorted by numpy, by the eight bytes that begin where they begin to differ: three times as
    quick as comparing keys that lie scattered in memory.  Where those bytes do not decide, Python sorts.
    """
    size = len(keys[0])
    if len(keys) < 100 or not size or set(map(len, keys)) != {size}:
        return sorted(keys)
    letters = np.frombuffer(b"".join(keys), np.uint8).reshape(len(keys), size)
    begin = int((letters != letters[0]).any(axis=0).argmax())
    heads = np.zeros((len(keys), 8), np.uint8)
    part = letters[:, begin : begin + 8]
    heads[:, : part.shape[1]] = part
    numbers = heads.view(">u8").ravel().astype(np.uint64)
    order = np.argsort(numbers)
    ordered = numbers[order]
    if (ordered[1:] == ordered[:-1]).any():
        return sorted(keys)
    return list(itemgetter(*order.tolist())(keys))
