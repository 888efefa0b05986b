"""Blocks of a sorted file: rows of which each shares the beginning of its key with the row before.

    varint shared | varint rest of the key | varint size of the value | rest of the key | value

Every 16th row is a *restart*: it shares nothing, and its place stands at the end of the block, so that a reader could
search among the restarts.  This engine decodes a block once, whole, and keeps it decoded: then a search is one
`bisect`.

Many blocks are encoded at once (`encode`): rows are laid side by side in a matrix of bytes, wide enough for the
longest, and a mask says which of its bytes are written.  That is four times as quick as row by row, which remains for
rows that are very long or of very different lengths.

Source: LevelDB `table/block_builder.cc`, `doc/table_format.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from struct import pack

import numpy as np
import numpy.typing as npt

from prayog_writes.engine.coding import take_varint, varint
from prayog_writes.engine.columns import Columns

__all__ = ["RESTART", "Shape", "decode", "decode_all", "encode", "pairs", "plain", "shape_of"]

RESTART = 16
Numbers = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Shape:
    """Of every row: the lengths of its key and value, and how many bytes its key shares with the key before."""

    keys: Numbers
    values: Numbers
    shared: Numbers

    def sizes(self) -> Numbers:
        """Bytes that each row takes in a block."""
        rest = self.keys + 8 - self.shared
        return rest + self.values + _width(rest) + _width(self.values) + _width(self.shared)

    def cut(self, count: int) -> Shape:
        """The first `count` rows."""
        return Shape(self.keys[:count], self.values[:count], self.shared[:count])


def _width(numbers: Numbers) -> Numbers:
    """Bytes of each number as a varint (below 2^28, as LevelDB's lengths practically are)."""
    return 1 + (numbers > 0x7F) + (numbers > 0x3FFF) + (numbers > 0x1FFFFF)


def shape_of(rows: Columns) -> Shape:
    """Measure `rows`."""
    count = len(rows)
    keys = np.fromiter(map(len, rows.keys), np.int64, count)
    return Shape(keys, np.fromiter(map(len, rows.values), np.int64, count), _shared(rows.keys, keys))


def _shared(keys: list[bytes], lengths: Numbers) -> Numbers:
    shared = np.zeros(len(keys), np.int64)
    if len(keys) < 2:
        return shared
    longest = int(lengths.max())
    if longest > 256:
        shared[1:] = [_common(a, b) for a, b in pairwise(keys)]
        return shared
    # Shorter keys are filled up with NULs; what they seem to share beyond their end is cut off again.
    letters = _letters(keys, longest, lengths)
    differs = np.ones((len(keys) - 1, longest + 1), bool)
    np.not_equal(letters[1:], letters[:-1], out=differs[:, :longest])
    shared[1:] = np.minimum(differs.argmax(axis=1), np.minimum(lengths[1:], lengths[:-1]))
    return shared


def _common(a: bytes, b: bytes) -> int:
    return next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _letters(strings: list[bytes], longest: int, lengths: Numbers) -> Bytes:
    """One string a line, filled up with NULs."""
    if not longest or int(lengths.min()) == longest:
        return np.frombuffer(b"".join(strings), np.uint8).reshape(len(strings), longest)
    return np.array(strings, f"S{longest}").view(np.uint8).reshape(len(strings), longest)


def encode(rows: Columns, shape: Shape, bounds: list[int]) -> list[bytes]:
    """Blocks: number i holds rows ``bounds[i]`` … ``bounds[i + 1]`` − 1.  `shape` measures all of `rows`."""
    begins, counts = np.array(bounds[:-1]), np.diff(bounds)
    restart = (np.arange(len(rows)) - np.repeat(begins, counts)) % RESTART == 0
    shared = np.where(restart, 0, shape.shared)
    body, at = _written(rows, Shape(shape.keys, shape.values, shared))
    restarts = (at[:-1] - np.repeat(at[begins], counts))[restart].astype("<u4").tobytes()
    cuts = at[bounds].tolist()
    blocks, done = [], 0
    for low, high, count in zip(cuts, cuts[1:], counts.tolist(), strict=False):
        number = -(-count // RESTART)
        places = restarts[4 * done : 4 * (done + number)]
        blocks.append(b"".join((body[low:high], places, number.to_bytes(4, "little"))))
        done += number
    return blocks


def _written(rows: Columns, shape: Shape) -> tuple[bytes, Numbers]:
    """All rows one after the other, and where each begins (and the last ends)."""
    at = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(shape.sizes(), out=at[1:])
    longest, most = int(shape.keys.max()), int(shape.values.max())
    if longest < 120 and most < 16_384 and len(rows) * (longest + most) <= 2 * int(at[-1]):
        return _matrix(rows, shape, longest, most), at
    numbers = zip(shape.shared.tolist(), shape.keys.tolist(), shape.values.tolist(), strict=True)
    heads = [varint(shared) + varint(key + 8 - shared) + varint(value) for shared, key, value in numbers]
    parts = zip(heads, shape.shared.tolist(), rows.keys, rows.tags, rows.values, strict=True)
    return b"".join([head + key[shared:] + tag + value for head, shared, key, tag, value in parts]), at


def _matrix(rows: Columns, shape: Shape, longest: int, most: int) -> bytes:
    """The same for keys below 120 and values below 16,384 bytes: of the three numbers only the last may take two."""
    count, key = len(rows), 3 if most < 128 else 4
    tag, value = key + longest, key + longest + 8
    lines = np.empty((count, value + most), np.uint8)
    written = np.ones(lines.shape, bool)
    lines[:, 0] = shape.shared
    lines[:, 1] = shape.keys + 8 - shape.shared
    lines[:, 2] = shape.values
    if most >= 128:
        long = shape.values >= 128
        lines[:, 2] |= long.astype(np.uint8) << 7
        lines[:, 3] = shape.values >> 7
        written[:, 3] = long
    lines[:, key:tag] = _letters(rows.keys, longest, shape.keys)
    lines[:, tag:value] = np.frombuffer(b"".join(rows.tags), np.uint8).reshape(count, 8)
    lines[:, value:] = _letters(rows.values, most, shape.values)
    columns = np.arange(max(longest, most))
    written[:, key:tag] = columns[:longest] >= shape.shared[:, None]
    if int(shape.keys.min()) < longest:
        written[:, key:tag] &= columns[:longest] < shape.keys[:, None]
    if int(shape.values.min()) < most:
        written[:, value:] = columns[:most] < shape.values[:, None]
    return lines[written].tobytes()


def plain(entries: list[tuple[bytes, bytes]]) -> bytes:
    """A block of few entries whose keys are no internal keys, or are so already: index, metaindex."""
    parts, restarts, at = [], [], 0
    for key, value in entries:
        row = b"".join((b"\0", varint(len(key)), varint(len(value)), key, value))
        restarts.append(at)
        at += len(row)
        parts.append(row)
    restarts = restarts or [0]
    return b"".join((*parts, pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))))


def _end(block: bytes) -> int:
    end = len(block) - 4 - 4 * int.from_bytes(block[-4:], "little")
    if len(block) < 4 or end < 0:
        raise ValueError(f"a block of {len(block)} bytes cannot hold the restarts that it announces")
    return end


def pairs(block: bytes) -> list[tuple[bytes, bytes]]:
    """All entries, with keys as they stand there.  Raises `ValueError`."""
    end, at, key = _end(block), 0, b""
    out = []
    while at < end:
        shared, at = take_varint(block, at)
        fresh, at = take_varint(block, at)
        size, at = take_varint(block, at)
        key = key[:shared] + block[at : at + fresh]
        at += fresh + size
        out.append((key, block[at - size : at]))
    if at != end:
        raise ValueError("the last row of a block reaches into its restarts")
    return out


def decode(block: bytes) -> Columns:
    """All rows, with internal keys taken apart.  Raises `ValueError`."""
    end, at, key = _end(block), 0, b""
    rows = Columns()
    add_key, add_tag, add_value = rows.keys.append, rows.tags.append, rows.values.append
    while at < end:
        shared, fresh, size = block[at], block[at + 1], block[at + 2]
        at += 3
        if shared > 127 or fresh > 127 or fresh < 8 or size > 127:  # a long number, or a trailer that is shared too
            if shared < 128 and 8 <= fresh < 128 and block[at] < 128:
                size = size & 127 | block[at] << 7
                at += 1
            else:
                return _decode_any(block)
        middle = at + fresh
        cut = middle - 8
        key = key[:shared] + block[at:cut] if shared else block[at:cut]
        at = middle + size
        add_key(key)
        add_tag(block[cut:middle])
        add_value(block[middle:at])
    if at != end:
        raise ValueError("the last row of a block reaches into its restarts")
    return rows


def decode_all(blocks: list[bytes]) -> Columns:
    """All rows of blocks that follow each other.  Raises `ValueError`."""
    rows = _decode_even(blocks)
    if rows is None:
        rows = Columns()
        for block in blocks:
            rows.extend(decode(block))
    return rows


def _decode_even(blocks: list[bytes]) -> Columns | None:
    """The same at one stroke where all keys have one length and all values too; None where not."""
    first, data = blocks[0], b"".join(blocks)
    if len(first) < 15 or first[0] or not 8 < first[1] < 128 or (first[2] > 127 and first[3] > 127):
        return None
    head = first[2:3] if first[2] < 128 else first[2:4]
    size, key = take_varint(head, 0)[0], first[1] - 8
    row, base, places = 2 + len(head) + key + 8 + size, 0, []
    for block in blocks:
        at, end = base, base + _end(block)
        while at < end:
            places.append(at)
            shared = data[at]
            if shared > key:
                return None
            at += row - shared
        if at != end:
            return None
        base += len(block)
    at_all, letters = np.array(places), np.frombuffer(data, np.uint8)
    shares = letters[at_all]
    if (letters[at_all + 1] != key + 8 - shares).any() or any(
        (letters[at_all + 2 + n] != byte).any() for n, byte in enumerate(head)
    ):
        return None
    tags = at_all + 2 + len(head) + key - shares
    values = _cuts(data, tags + 8, size) if size else [b""] * len(places)
    # What is written of a key stands before its tag; the beginning comes from the last key that wrote it.
    keys = np.array(np.ndarray((len(data),), f"V{key}", bytes(key) + data, strides=(1,))[tags])
    columns, numbers = keys.view(np.uint8).reshape(len(places), key), np.arange(len(places))
    for column in range(int(shares.max())):
        source = np.maximum.accumulate(np.where(shares <= column, numbers, 0))
        columns[:, column] = columns[source, column]
    return Columns(keys.tolist(), _cuts(data, tags, 8), values)


def _cuts(data: bytes, places: Numbers, size: int) -> list[bytes]:
    """`size` bytes from each place on."""
    windows = np.ndarray((len(data) - size + 1,), f"V{size}", data, strides=(1,))
    cuts: list[bytes] = windows[places].tolist()
    return cuts


def _decode_any(block: bytes) -> Columns:
    entries: list[tuple[bytes, bytes]] = pairs(block)
    if any(len(key) < 8 for key, _ in entries):
        raise ValueError("a key is shorter than its trailer of 8 bytes")
    return Columns([k[:-8] for k, _ in entries], [k[-8:] for k, _ in entries], [v for _, v in entries])
