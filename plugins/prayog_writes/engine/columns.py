"""Versions of keys as three lists of one length: what files are decoded to, merged as and written from.

Plain lists, because CPython's own loops over them (`dict.update`, `sorted`, `join`) are quicker here than anything
that touches one version at a time.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Columns", "alive", "visible"]


@dataclass(slots=True)
class Columns:
    """User keys in ascending order, their 8-byte trailers (`coding`) and values; of one key the newest is first."""

    keys: list[bytes] = field(default_factory=list)
    tags: list[bytes] = field(default_factory=list)
    values: list[bytes] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.keys)

    def cut(self, low: int, high: int) -> Columns:
        """Rows `low` … `high` − 1."""
        return Columns(self.keys[low:high], self.tags[low:high], self.values[low:high])

    def within(self, start: bytes | None, stop: bytes | None) -> Columns:
        """Rows whose key is at least `start` and less than `stop` (None: no bound)."""
        low = 0 if start is None else bisect_left(self.keys, start)
        high = len(self.keys) if stop is None else bisect_left(self.keys, stop)
        return self if low == 0 and high == len(self.keys) else self.cut(low, high)

    def upto(self, key: bytes, begin: int) -> int:
        """The place after the last row whose key is at most `key`, searched from `begin` on."""
        return bisect_right(self.keys, key, begin)

    def extend(self, more: Columns) -> None:
        """Append rows that come after all that are here."""
        self.keys += more.keys
        self.tags += more.tags
        self.values += more.values

    def kinds(self) -> bytes:
        """One byte a row: 1 a value, 0 a tombstone."""
        return b"".join(self.tags)[::8]

    def sequences(self) -> list[int]:
        """The sequence number of each row."""
        return [int.from_bytes(tag, "little") >> 8 for tag in self.tags]

    def bytes(self) -> int:
        """Bytes of all keys, trailers and values."""
        return sum(map(len, self.keys)) + sum(map(len, self.values)) + 8 * len(self.keys)


def visible(rows: Columns, snapshot: int) -> Columns:
    """The rows written at or before sequence `snapshot`."""
    seen = [i for i, sequence in enumerate(rows.sequences()) if sequence <= snapshot]
    if len(seen) == len(rows):
        return rows
    return Columns([rows.keys[i] for i in seen], [rows.tags[i] for i in seen], [rows.values[i] for i in seen])


def alive(rows: Columns) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values without the tombstones; of each key there is one row."""
    kinds = rows.kinds()
    if 0 not in kinds:
        return zip(rows.keys, rows.values, strict=True)
    return ((k, v) for k, v, kind in zip(rows.keys, rows.values, kinds, strict=True) if kind)
