"""Writing a sorted file: rows in, blocks, filters, index and footer out.  What it is made of stands in `table`.

Rules
1. Rows come in order; the file is written from front to back, a few blocks at a time, and never touched again.
2. A compressed block is kept only when it saves an eighth; a smaller gain is not worth undoing it at every read
   (LevelDB `TableBuilder::WriteBlock`).
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prayog_writes.engine import block as blocks
from prayog_writes.engine import snappy
from prayog_writes.engine.bloom import build_filters, hash_keys
from prayog_writes.engine.coding import varint
from prayog_writes.engine.columns import Columns
from prayog_writes.engine.crc import crc32c, masked
from prayog_writes.engine.files import Sink
from prayog_writes.engine.table import FILTER, FOOTER, MAGIC, NUMBERS, PLAIN, SNAPPY, TRAILER

__all__ = ["BLOCK_SIZE", "Numbers", "TableBuilder"]

BLOCK_SIZE = 4096


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
    """Writes rows as a table with `bits` bits of filter a key (0: none).  Does not sync.  ``size``: bytes so far."""

    def __init__(self, sink: Sink, bits: int, compress: bool = False) -> None:
        self.size = 0
        self._sink = sink
        self._bits = bits
        self._compress = compress
        self._waiting = Columns()
        self._smallest = self._largest = b""
        self._hashes: list[npt.NDArray[np.uint32]] = []
        self._index: list[tuple[bytes, bytes]] = []
        self._starts: list[int] = []
        self._counts: list[int] = []
        self._entries = self._tombstones = 0
        self._oldest, self._newest = 1 << 56, 0

    def add(self, rows: Columns) -> None:
        """Take rows, and write the blocks that are full."""
        if not len(rows):
            return
        self._smallest = self._smallest or rows.keys[0] + rows.tags[0]
        self._largest = rows.keys[-1] + rows.tags[-1]
        tags = np.frombuffer(b"".join(rows.tags), "<u8")
        self._entries += len(rows)
        self._tombstones += int((tags & np.uint64(1) == 0).sum())
        self._oldest = min(self._oldest, int(tags.min()) >> 8)
        self._newest = max(self._newest, int(tags.max()) >> 8)
        if self._bits:
            self._hashes.append(hash_keys(rows.keys))
        self._waiting.extend(rows)
        self._blocks(last=False)

    def finish(self) -> Numbers:
        """Write the rest; there was at least one row."""
        self._blocks(last=True)
        parts: list[bytes] = []
        meta: list[tuple[bytes, bytes]] = []
        if self._bits:
            offsets = np.repeat(np.array(self._starts, np.int64), self._counts)
            meta.append((FILTER, self._seal(parts, build_filters(np.concatenate(self._hashes), offsets, self._bits))))
        numbers = (self._entries, self._tombstones, self._oldest, self._newest)
        meta.append((NUMBERS, self._seal(parts, b"".join(map(varint, numbers)))))
        lists = [self._seal(parts, blocks.plain(entries), self._compress) for entries in (meta, self._index)]
        parts.append(FOOTER.pack(b"".join(lists), MAGIC))
        self._sink.append(b"".join(parts))
        self.size += FOOTER.size
        return Numbers(
            self.size, self._entries, self._tombstones, self._smallest, self._largest, self._oldest, self._newest
        )

    def _blocks(self, last: bool) -> None:
        """Write the full blocks of the rows that wait, or all of them."""
        rows = self._waiting
        shape = blocks.shape_of(rows)
        bounds = _bounds(shape.sizes(), last)
        if len(bounds) == 1:
            return
        parts: list[bytes] = []
        whole = rows.cut(0, bounds[-1])
        for data, low, high in zip(
            blocks.encode(whole, shape.cut(bounds[-1]), bounds), bounds, bounds[1:], strict=False
        ):
            self._starts.append(self.size)
            self._counts.append(high - low)
            self._index.append((rows.keys[high - 1] + rows.tags[high - 1], self._seal(parts, data, self._compress)))
        self._waiting = rows.cut(bounds[-1], len(rows))
        self._sink.append(b"".join(parts))

    def _seal(self, parts: list[bytes], data: bytes, compress: bool = False) -> bytes:
        """Add a block and its trailer; returns its handle."""
        kind = PLAIN
        if compress and len(packed := snappy.compress(data)) < len(data) - len(data) // 8:
            kind, data = SNAPPY, packed
        handle = varint(self.size) + varint(len(data))
        parts += (data, TRAILER.pack(kind, masked(crc32c(data + bytes((kind,))))))
        self.size += len(data) + TRAILER.size
        return handle


def _bounds(sizes: npt.NDArray[np.int64], last: bool) -> list[int]:
    """Where blocks begin and end, in rows of `sizes` bytes: each ends as soon as it has `BLOCK_SIZE` bytes."""
    ends, bounds, before = np.cumsum(sizes).tolist(), [0], 0
    while bounds[-1] < len(ends):
        full = bisect_left(ends, before + BLOCK_SIZE, bounds[-1]) + 1
        if full > len(ends):
            if last:
                bounds.append(len(ends))
            break
        bounds.append(full)
        before = ends[full - 1]
    return bounds
