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
from struct import Struct

from prayog_writes.engine import block as blocks
from prayog_writes.engine import snappy
from prayog_writes.engine.blockcache import Block, BlockCache, Kept
from prayog_writes.engine.bloom import Filters, hash_key
from prayog_writes.engine.coding import take_varint
from prayog_writes.engine.columns import Columns
from prayog_writes.engine.crc import crc32c, masked
from prayog_writes.engine.errors import Corruption
from prayog_writes.engine.files import Files, Source
from prayog_writes.engine.stats import Stats

__all__ = ["FILTER", "FOOTER", "MAGIC", "NUMBERS", "PLAIN", "SNAPPY", "TRAILER", "Table"]

PLAIN, SNAPPY = 0, 1
"""How a block is stored."""
_OTHERS = {2: "with Zstandard"}
FILTER = b"filter.leveldb.BuiltinBloomFilter2"
NUMBERS = b"prayog.numbers"
MAGIC = 0xDB4775248B80FB57
TRAILER = Struct("<BI")
"""Behind every block: how it is stored, and its masked CRC-32C."""
FOOTER = Struct("<40sQ")


class Table:
    """A table that is open for reading.  ``cache`` keeps decoded blocks of all tables."""

    def __init__(self, files: Files, name: str, cache: BlockCache, broken: frozenset[str] = frozenset()) -> None:
        self.name = name
        self._trusting = "no checksums" in broken
        self._source: Source = files.open(name)
        self._cache = cache
        size = self._source.size
        if size < FOOTER.size:
            raise Corruption(name, 0, f"a table has at least {FOOTER.size} bytes, this file has {size}")
        handles, magic = FOOTER.unpack(self._source.read(size - FOOTER.size, FOOTER.size))
        if magic != MAGIC:
            raise Corruption(name, size - 8, "the last 8 bytes are not those of a LevelDB table")
        self.filters: Filters | None = None
        self.entries = self.tombstones = self.oldest = self.newest = -1
        try:
            self._read_parts(handles, "wrong filter" in broken)
        except (ValueError, IndexError) as error:
            raise Corruption(name, size - FOOTER.size, f"its footer or index cannot be read ({error})") from None

    def _read_parts(self, handles: bytes, wrong: bool) -> None:
        (offset, length), at = _handle(handles, 0)
        meta = dict(blocks.pairs(self.raw(offset, length)))
        self.extra = [_handle(value)[0] for value in meta.values()]
        """Blocks that hold no rows, such as the filters."""
        (offset, length), at = _handle(handles, at)
        index = blocks.pairs(self.raw(offset, length))
        self.lasts = [key[:-8] for key, _ in index]
        """For every block a user key that is not less than any in it."""
        self.handles = [_handle(value)[0] for _, value in index]
        after = 0
        for offset, length in self.handles:
            if offset < after:
                raise Corruption(self.name, offset, "the index names a block that lies before the one before it")
            after = offset + length + TRAILER.size
        if after > self._source.size:
            raise Corruption(self.name, self._source.size, "the index names a block behind the end of the file")
        self._kept: Kept = [None] * len(self.handles)
        if FILTER in meta:
            self.filters = Filters(self.raw(*_handle(meta[FILTER])[0]), wrong)
        if NUMBERS in meta:
            data, at = self.raw(*_handle(meta[NUMBERS])[0]), 0
            self.entries, at = take_varint(data, at)
            self.tombstones, at = take_varint(data, at)
            self.oldest, at = take_varint(data, at)
            self.newest, at = take_varint(data, at)

    def close(self) -> None:
        """Give the file back."""
        self._source.close()

    def raw(self, offset: int, size: int) -> bytes:
        """A block, checked and decompressed.  Raises `Corruption`."""
        return self._checked(self._stored(offset, size), offset, size)

    def _stored(self, offset: int, size: int) -> bytes:
        if offset + size + TRAILER.size > self._source.size:  # before a damaged length asks for more than there is
            raise Corruption(self.name, offset, f"a block of {size} bytes was announced and the file ends")
        return self._source.read(offset, size + TRAILER.size)

    def _checked(self, data: bytes, offset: int, size: int) -> bytes:
        """The block in `data`, which its trailer ends."""
        kind = self._check(data, offset, size)
        if kind == PLAIN:
            return data[:size]
        if kind != SNAPPY:
            how = _OTHERS.get(kind, f"in a way (type {kind})")
            raise Corruption(self.name, offset, f"the block is compressed {how}, which the lab cannot read")
        try:
            return snappy.decompress(data[:size])
        except ValueError as error:
            raise Corruption(self.name, offset, str(error)) from None

    def _check(self, data: bytes, offset: int, size: int) -> int:
        """How the block in `data` is stored, when its checksum is right."""
        kind, stored = TRAILER.unpack_from(data, size)
        if masked(crc32c(data[: size + 1])) != stored and not self._trusting:
            raise Corruption(
                self.name, offset, f"the checksum of a block of {size} bytes does not match", "Restore the file."
            )
        return int(kind)

    def rows_of(self, number: int, keep: bool = True) -> Columns:
        """The rows of block `number`; from memory when it is there, and kept there when `keep`."""
        block = self._kept[number]
        if block is None:
            if not keep:
                return self._decoded(number, number + 1)
            block = self._read(number)
        block.used = True
        return block.rows

    def _read(self, number: int) -> Block:
        """Block `number` from the disk, into the cache."""
        block = Block(self._decoded(number, number + 1))
        self._cache.add(self._kept, number, block, self.handles[number][1])
        return block

    def forget(self) -> None:
        """Nobody will ask for its blocks any more."""
        self._kept[:] = [None] * len(self._kept)

    def get(
        self, key: bytes, hashed: int, snapshot: int, stats: Stats, told: Callable[[str, int, bool], None] | None = None
    ) -> tuple[tuple[int, bytes | None] | None, int]:
        """The newest version of `key` at or before `snapshot`: (sequence, value or None when deleted), and its hash.

        ``hashed``: `bloom.hash_key` of the key, or −1 while nobody needed it.  A block that is in memory is asked at
        once: it answers more quickly than the filter.  ``told(what, offset, found)``: what was looked at, ``filter``,
        ``block`` (from the disk) or ``cached``.
        """
        lasts = self.lasts
        number = bisect_left(lasts, key)
        while number < len(lasts):
            block = self._kept[number]
            if block is not None:
                block.used = True
                stats.blocks_cached += 1
                what = "cached"
            else:
                if self.filters is not None:
                    hashed = hash_key(key) if hashed < 0 else hashed
                    offset = self.handles[number][0]
                    maybe = self.filters.may_hold(hashed, offset)
                    if told is not None:
                        told("filter", offset, maybe)
                    if not maybe:
                        stats.filters_no += 1
                        return None, hashed
                stats.blocks_read += 1
                block, what = self._read(number), "block"
            place = block.places.get(key)
            row = None if place is None else _version(block.rows, key, place, snapshot)
            if told is not None:
                told(what, self.handles[number][0], row is not None)
            if row is not None or lasts[number] != key:
                return row, hashed
            number += 1  # older versions of the key may go on in the next block
        return None, hashed

    def scan(self, start: bytes | None = None, chunk: int = 1, most: int = 1, keep: bool = True) -> Iterator[Columns]:
        """All rows from `start` on: `chunk` blocks at first, then ever more, up to `most` at a time."""
        number = 0 if start is None else bisect_left(self.lasts, start)
        while number < len(self.handles):
            stop = min(number + chunk, len(self.handles))
            rows = self._blocks(number, stop, keep)
            yield rows if start is None else rows.within(start, None)
            start, number, chunk = None, stop, min(2 * chunk, most)

    def _blocks(self, number: int, stop: int, keep: bool = True) -> Columns:
        """The rows of some blocks that follow each other, as one."""
        if stop == number + 1:
            return self.rows_of(number, keep)
        if not keep:
            return self._decoded(number, stop)
        rows = Columns()
        for other in range(number, stop):
            rows.extend(self.rows_of(other))
        return rows

    def _decoded(self, number: int, stop: int) -> Columns:
        """Blocks from the disk, past the cache."""
        handles = self.handles[number:stop]
        first, (last, size) = handles[0][0], handles[-1]
        try:
            data = self._source.read(first, last + size + TRAILER.size - first)  # they lie one behind the other
            cuts = [(data[at - first : at - first + n + TRAILER.size], at, n) for at, n in handles]
            return blocks.decode_all([self._checked(*cut) for cut in cuts])
        except (ValueError, IndexError) as error:
            raise Corruption(self.name, first, str(error)) from None

    def scan_back(
        self, stop: bytes | None = None, chunk: int = 1, most: int = 1, keep: bool = True
    ) -> Iterator[Columns]:
        """All rows before `stop`, the last blocks first; inside a chunk the rows ascend."""
        number = len(self.handles) if stop is None else min(bisect_left(self.lasts, stop) + 1, len(self.handles))
        while number:
            start = max(number - chunk, 0)
            rows = self._blocks(start, number, keep)
            yield rows if stop is None else rows.within(None, stop)
            stop, number, chunk = None, start, min(2 * chunk, most)

    def verify(self) -> int:
        """Read and check every block; returns how many.  Raises `Corruption` at the first that is damaged."""
        for offset, size in (*self.handles, *self.extra):
            self._check(self._stored(offset, size), offset, size)
        return len(self.handles)


def _version(rows: Columns, key: bytes, place: int, snapshot: int) -> tuple[int, bytes | None] | None:
    """Of the versions of `key`, which begin at `place`, the newest that `snapshot` sees."""
    while place < len(rows) and rows.keys[place] == key:
        tag = int.from_bytes(rows.tags[place], "little")
        if tag >> 8 <= snapshot:
            return tag >> 8, rows.values[place] if tag & 1 else None
        place += 1
    return None


def _handle(data: bytes, at: int = 0) -> tuple[tuple[int, int], int]:
    """Offset and size of a block, and the place after them."""
    offset, at = take_varint(data, at)
    size, at = take_varint(data, at)
    return (offset, size), at
