"""Blocks of a sorted file: rows of which each shares the beginning of its key with the row before.

    varint shared | varint rest of the key | varint size of the value | rest of the key | value

Every 16th row is a *restart*: it shares nothing, and its place stands at the end of the block, so that a reader could
search among the restarts.  This engine decodes a block once, whole, and keeps it decoded: then a search is one
`bisect`.

Source: LevelDB `table/block_builder.cc`, `doc/table_format.md`.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from struct import pack

import numpy as np
import numpy.typing as npt

from prayog_writes.engine.coding import take_varint, varint
from prayog_writes.engine.columns import Columns

__all__ = ["RESTART", "decode", "encode", "pairs", "plain", "shared_prefixes", "sizes_of"]

RESTART = 16


class _Heads(dict[tuple[int, int, int], bytes]):
    """The three numbers before a row; each combination is made once."""

    def __missing__(self, numbers: tuple[int, int, int]) -> bytes:
        head = b"".join(map(varint, numbers))
        if len(self) < 100_000:
            self[numbers] = head
        return head


_HEADS = _Heads()


def _shared(a: bytes, b: bytes) -> int:
    return next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def shared_prefixes(keys: list[bytes]) -> npt.NDArray[np.int64]:
    """How many bytes each key shares with the one before it (the first shares none)."""
    shared = np.zeros(len(keys), np.int64)
    if len(keys) < 2:
        return shared
    lengths = np.fromiter(map(len, keys), np.int64, len(keys))
    longest = int(lengths.max())
    if not 0 < longest <= 256:
        return np.array([0, *(_shared(a, b) for a, b in pairwise(keys))], np.int64)
    # Shorter keys are filled up with NULs; what they seem to share beyond their end is cut off again.
    letters = np.array(keys, f"S{longest}").view(np.uint8).reshape(len(keys), longest)
    differs = np.ones((len(keys) - 1, longest + 1), bool)
    np.not_equal(letters[1:], letters[:-1], out=differs[:, :longest])
    shared[1:] = np.minimum(differs.argmax(axis=1), np.minimum(lengths[1:], lengths[:-1]))
    return shared


def sizes_of(rows: Columns, shared: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Bytes each row takes, about: the three numbers before it are counted as 3 bytes, and 1 more for a long value."""
    count = len(rows)
    keys = np.fromiter(map(len, rows.keys), np.int64, count)
    values = np.fromiter(map(len, rows.values), np.int64, count)
    return keys - shared + values + 11 + (values > 127)


def encode(rows: Columns, shared: list[int]) -> bytes:
    """The block of `rows`; `shared[i]` is how much row i may share (a restart shares nothing anyway)."""
    heads = _HEADS
    sharing = shared.copy()
    sharing[::RESTART] = [0] * len(sharing[::RESTART])
    pieces = [
        heads[s, len(key) + 8 - s, len(value)] + key[s:] + tag + value
        for s, key, tag, value in zip(sharing, rows.keys, rows.tags, rows.values, strict=True)
    ]
    places = list(accumulate(map(len, pieces), initial=0))
    restarts = places[:-1:RESTART] or [0]
    pieces.append(pack(f"<{len(restarts) + 1}I", *restarts, len(restarts)))
    return b"".join(pieces)


def plain(entries: list[tuple[bytes, bytes]]) -> bytes:
    """A block of few entries whose keys are no internal keys, or are so already: index, metaindex."""
    parts, restarts, at = [], [], 0
    for key, value in entries:
        row = b"".join((_HEADS[0, len(key), len(value)], key, value))
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


def _decode_any(block: bytes) -> Columns:
    entries: list[tuple[bytes, bytes]] = pairs(block)
    if any(len(key) < 8 for key, _ in entries):
        raise ValueError("a key is shorter than its trailer of 8 bytes")
    return Columns([k[:-8] for k, _ in entries], [k[-8:] for k, _ in entries], [v for _, v in entries])
