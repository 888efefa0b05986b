"""A sorted file (SSTable): blocks of rows, filters, an index of the blocks, a footer.  Written once, never changed.

    data blocks | filter block | numbers of this file | metaindex | index | footer of 48 bytes

Behind every block stand one byte (0 plain, 1 Snappy) and its masked CRC-32C.  The index holds for every data block a
key that is not less than any in it, and where it lies.

Source: LevelDB `doc/table_format.md`, `table/format.cc`.  The block of our own, ``prayog.numbers``, is one that
LevelDB's readers pass over.

Rules
1. A block whose checksum does not match is never used: `Corruption` names file and byte.
2. A table is complete and synced before the MANIFEST speaks of it (`job`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from struct import Struct

import numpy as np

from prayog_writes.engine import block as blocks
from prayog_writes.engine import snappy
from prayog_writes.engine.bloom import Filters, build_filters, hash_key
from prayog_writes.engine.cache import Cache
from prayog_writes.engine.coding import TRAILER, take_varint, varint
from prayog_writes.engine.columns import Columns
from prayog_writes.engine.crc import crc32c, masked
from prayog_writes.engine.errors import Corruption
from prayog_writes.engine.files import Files, Sink, Source
from prayog_writes.engine.stats import Stats

__all__ = ["BLOCK_SIZE", "Numbers", "Table", "TableBuilder"]

BLOCK_SIZE = 4096
FILTER = b"filter.leveldb.BuiltinBloomFilter2"
NUMBERS = b"prayog.numbers"
MAGIC = 0xDB4775248B80FB57
_TRAILER = Struct("<BI")
_FOOTER = Struct("<40sQ")


@dataclass(frozen=True, slots=True)
class Numbers:
    """A finished table: bytes, rows, tombstones, its first and last internal key, its range of sequences."""

    size: int
    entries: int
    tombstones: int
    smallest: bytes
    largest: bytes
    oldest: int
    newest: int


class TableBuilder:
    """Writes rows, which come in order, as a table with `bits` bits of filter a key (0: none).  Does not sync."""

    def __init__(self, sink: Sink, bits: int) -> None:
        self._sink = sink
        self._bits = bits
        self._at = 0
        self._waiting = Columns()
        self._keys: list[bytes] = []
        self._tags: list[bytes] = []
        self._index: list[tuple[bytes, bytes]] = []
        self._starts: list[int] = []
        self._counts: list[int] = []

    def add(self, rows: Columns) -> None:
        """Take rows, and write the blocks that are full."""
        self._waiting.extend(rows)
        self._keys += rows.keys
        self._tags += rows.tags
        self._blocks(last=False)

    def finish(self) -> Numbers:
        """Write the rest; there was at least one row."""
        self._blocks(last=True)
        parts: list[bytes] = []
        meta: list[tuple[bytes, bytes]] = []
        if self._bits:
            data = build_filters(self._keys, np.repeat(np.array(self._starts, np.int64), self._counts), self._bits)
            meta.append((FILTER, self._seal(parts, data)))
        tags = np.frombuffer(b"".join(self._tags), "<u8")
        sequences = tags >> np.uint64(8)
        tombstones = int((tags & np.uint64(1) == 0).sum())
        oldest, newest = int(sequences.min()), int(sequences.max())
        meta.append((NUMBERS, self._seal(parts, b"".join(map(varint, (len(tags), tombstones, oldest, newest))))))
        handles = b"".join([self._seal(parts, blocks.plain(entries)) for entries in (meta, self._index)])
        parts.append(_FOOTER.pack(handles, MAGIC))
        self._sink.append(b"".join(parts))
        smallest, largest = self._keys[0] + self._tags[0], self._keys[-1] + self._tags[-1]
        return Numbers(self._at + _FOOTER.size, len(tags), tombstones, smallest, largest, oldest, newest)

    def _blocks(self, last: bool) -> None:
        rows = self._waiting
        shared = blocks.shared_prefixes(rows.keys)
        ends = np.cumsum(blocks.sizes_of(rows, shared))
        sharing = shared.tolist()
        parts: list[bytes] = []
        low = before = 0
        while low < len(rows):
            full = int(np.searchsorted(ends, before + BLOCK_SIZE))
            if full >= len(rows) and not last:
                break
            high = max(low + 1, full)
            self._starts.append(self._at)
            self._counts.append(high - low)
            handle = self._seal(parts, blocks.encode(rows.cut(low, high), sharing[low:high]))
            self._index.append((rows.keys[high - 1] + rows.tags[high - 1], handle))
            low, before = high, int(ends[high - 1])
        self._waiting = rows.cut(low, len(rows))
        if parts:
            self._sink.append(b"".join(parts))

    def _seal(self, parts: list[bytes], data: bytes) -> bytes:
        """Add a block and its trailer; returns its handle."""
        handle = varint(self._at) + varint(len(data))
        parts += (data, _TRAILER.pack(0, masked(crc32c(data + b"\0"))))
        self._at += len(data) + _TRAILER.size
        return handle


class Table:
    """A table that is open for reading.  ``cache`` keeps decoded blocks of all tables."""

    def __init__(self, files: Files, name: str, cache: Cache[Columns], broken: frozenset[str] = frozenset()) -> None:
        self.name = name
        self._trusting = "no checksums" in broken
        self._source: Source = files.open(name)
        self._cache = cache
        size = self._source.size
        if size < _FOOTER.size:
            raise Corruption(name, 0, f"a table has at least {_FOOTER.size} bytes, this file has {size}")
        handles, magic = _FOOTER.unpack(self._source.read(size - _FOOTER.size, _FOOTER.size))
        if magic != MAGIC:
            raise Corruption(name, size - 8, "the last 8 bytes are not those of a LevelDB table")
        offset, at = take_varint(handles, 0)
        length, at = take_varint(handles, at)
        meta = dict(self._parsed(offset, length, blocks.pairs))
        offset, at = take_varint(handles, at)
        length, at = take_varint(handles, at)
        index = self._parsed(offset, length, blocks.pairs)
        self.lasts = [key[:-8] for key, _ in index]
        """For every block a user key that is not less than any in it."""
        self.handles = [_handle(value) for _, value in index]
        self.filters: Filters | None = None
        if FILTER in meta:
            self.filters = Filters(self.raw(*_handle(meta[FILTER])), "wrong filter" in broken)
        self.entries = self.tombstones = self.oldest = self.newest = -1
        if NUMBERS in meta:
            data, at = self.raw(*_handle(meta[NUMBERS])), 0
            self.entries, at = take_varint(data, at)
            self.tombstones, at = take_varint(data, at)
            self.oldest, at = take_varint(data, at)
            self.newest, at = take_varint(data, at)

    def close(self) -> None:
        """Give the file back."""
        self._source.close()

    def raw(self, offset: int, size: int) -> bytes:
        """A block, checked and decompressed.  Raises `Corruption`."""
        data = self._source.read(offset, size + _TRAILER.size)
        if len(data) < size + _TRAILER.size:
            raise Corruption(self.name, offset, f"a block of {size} bytes was announced and the file ends")
        kind, stored = _TRAILER.unpack_from(data, size)
        if masked(crc32c(data[: size + 1])) != stored and not self._trusting:
            raise Corruption(
                self.name, offset, f"the checksum of a block of {size} bytes does not match", "Restore the file."
            )
        if kind == 0:
            return data[:size]
        if kind != 1:
            raise Corruption(
                self.name, offset, f"the block is compressed in a way (type {kind}) that the lab cannot read"
            )
        try:
            return snappy.decompress(data[:size])
        except ValueError as error:
            raise Corruption(self.name, offset, str(error)) from None

    def _parsed(
        self, offset: int, size: int, parse: Callable[[bytes], list[tuple[bytes, bytes]]]
    ) -> list[tuple[bytes, bytes]]:
        try:
            return parse(self.raw(offset, size))
        except (ValueError, IndexError) as error:
            raise Corruption(self.name, offset, str(error)) from None

    def block(self, number: int, keep: bool = True) -> Columns:
        """Block `number`, decoded; from the cache when it is there, and kept in it when `keep`."""
        offset, size = self.handles[number]
        found = self._cache.get((self.name, offset))
        if found is not None:
            return found
        try:
            rows = blocks.decode(self.raw(offset, size))
        except (ValueError, IndexError) as error:
            raise Corruption(self.name, offset, str(error)) from None
        if keep:
            self._cache.put((self.name, offset), rows, size)
        return rows

    def get(
        self, key: bytes, hashed: int, snapshot: int, stats: Stats, told: Callable[[str, int, bool], None] | None = None
    ) -> tuple[tuple[int, bytes | None] | None, int]:
        """The newest version of `key` at or before `snapshot`: (sequence, value or None when deleted), and its hash.

        ``hashed``: `bloom.hash_key` of the key, or −1 while nobody needed it.  A block that is decoded already is asked
        at once: it answers more quickly than the filter.  ``told(what, offset, found)``: what was looked at,
        ``filter``, ``block`` (from the disk) or ``cached``.
        """
        lasts = self.lasts
        number = bisect_left(lasts, key)
        while number < len(lasts):
            offset = self.handles[number][0]
            rows = self._cache.get((self.name, offset))
            if rows is not None:
                stats.blocks_cached += 1
            else:
                if self.filters is not None:
                    if hashed < 0:
                        hashed = hash_key(key)
                    maybe = self.filters.may_hold(hashed, offset)
                    if told is not None:
                        told("filter", offset, maybe)
                    if not maybe:
                        stats.filters_no += 1
                        return None, hashed
                stats.blocks_read += 1
            what = "block" if rows is None else "cached"
            rows = rows or self.block(number)
            row, more = _row(rows, key, snapshot)
            if told is not None:
                told(what, offset, row is not None)
            if row is not None or not more or lasts[number] != key:
                return row, hashed
            number += 1  # older versions of the key may go on in the next block
        return None, hashed

    def scan(self, start: bytes | None = None, chunk: int = 1, most: int = 1, keep: bool = True) -> Iterator[Columns]:
        """All rows from `start` on: `chunk` blocks at first, then ever more, up to `most` at a time."""
        number = 0 if start is None else bisect_left(self.lasts, start)
        while number < len(self.handles):
            stop = min(number + chunk, len(self.handles))
            rows = self.block(number, keep)
            if stop > number + 1:
                rows = Columns(rows.keys[:], rows.tags[:], rows.values[:])
                for other in range(number + 1, stop):
                    rows.extend(self.block(other, keep))
            yield rows if start is None else rows.within(start, None)
            start, number, chunk = None, stop, min(2 * chunk, most)

    def verify(self) -> int:
        """Read and check every block; returns how many.  Raises `Corruption` at the first that is damaged."""
        for offset, size in self.handles:
            self.raw(offset, size)
        return len(self.handles)


def _row(rows: Columns, key: bytes, snapshot: int) -> tuple[tuple[int, bytes | None] | None, bool]:
    """The row of `key` that `snapshot` sees, and whether the block ended before that was clear."""
    keys = rows.keys
    place = bisect_left(keys, key)
    while place < len(keys) and keys[place] == key:
        tag: int = TRAILER.unpack(rows.tags[place])[0]
        if tag >> 8 <= snapshot:
            return (tag >> 8, rows.values[place] if tag & 1 else None), False
        place += 1
    return None, place == len(keys)


def _handle(data: bytes) -> tuple[int, int]:
    offset, at = take_varint(data, 0)
    return offset, take_varint(data, at)[0]
