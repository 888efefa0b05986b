"""Bloom filters: "certainly not here" or "maybe", from a few bits for each key.

A filter of `n` keys has ``bits · n`` bits, and each key sets ``k = bits · ln 2`` of them.  A key of which one bit is
missing is certainly not there; with 10 bits a key 0.8 % of absent keys look present.  The hash and the layout are
LevelDB's, one filter for every 2 KiB of the file, so that either program reads the other's.

Source: Bloom, CACM 13 (1970); LevelDB `util/bloom.cc`, `util/hash.cc`, `table/filter_block.cc`.
"""

from __future__ import annotations

import math
from struct import unpack_from

import numpy as np
import numpy.typing as npt

__all__ = ["SPAN", "Filters", "build_filters", "false_positive_rate", "hash_key", "hash_keys", "probes"]

SPAN = 11
"""A filter covers the blocks that begin in 2^11 bytes of the file."""
_SEED, _M, _WORD = 0xBC9F1D34, 0xC6A4A793, 0xFFFFFFFF


def probes(bits: int) -> int:
    """How many bits a key sets when it is given `bits` bits (LevelDB rounds down)."""
    return max(1, min(30, int(bits * 0.69)))


def false_positive_rate(bits: int) -> float:
    """The share of absent keys that look present: (1 − e^(−k/bits))^k."""
    k = probes(bits)
    return (1 - math.exp(-k / bits)) ** k if bits else 1.0


def hash_key(key: bytes) -> int:
    """LevelDB's hash of a key, 32 bits (like MurmurHash)."""
    size = len(key)
    value = _SEED ^ (size * _M & _WORD)
    whole = size & ~3
    for word in unpack_from(f"<{whole >> 2}I", key):
        value = (value + word) * _M & _WORD
        value ^= value >> 16
    if size > whole:
        value = (value + int.from_bytes(key[whole:], "little")) * _M & _WORD
        value ^= value >> 24
    return value


def hash_keys(keys: list[bytes]) -> npt.NDArray[np.uint32]:
    """`hash_key` of many keys; keys of one length are hashed together."""
    sizes = set(map(len, keys))
    if len(sizes) == 1:
        return _hash_equal(keys, sizes.pop())
    out = np.empty(len(keys), np.uint32)
    lengths = np.fromiter(map(len, keys), np.int64, len(keys))
    for size in sizes:
        chosen = np.flatnonzero(lengths == size)
        out[chosen] = _hash_equal([keys[i] for i in chosen.tolist()], size)
    return out


def _hash_equal(keys: list[bytes], size: int) -> npt.NDArray[np.uint32]:
    words = -(-size // 4)
    padded = np.zeros((len(keys), 4 * words), np.uint8)
    padded[:, :size] = np.frombuffer(b"".join(keys), np.uint8).reshape(len(keys), size)
    column = padded.view("<u4")
    value = np.full(len(keys), _SEED ^ (size * _M & _WORD), np.uint32)
    factor = np.uint32(_M)
    for at in range(words):
        value = (value + column[:, at]) * factor
        value ^= value >> np.uint32(24 if 4 * at + 4 > size else 16)
    return value


def build_filters(hashes: npt.NDArray[np.uint32], offsets: npt.NDArray[np.int64], bits: int) -> bytes:
    """The filter block of a table.

    ``hashes``: those of all its keys; ``offsets[i]``: where the block of key i begins; ``bits``: for each key.
    """
    number = offsets >> SPAN
    count = int(number[-1]) + 1 if len(hashes) else 0
    keys_in = np.bincount(number, minlength=count)
    size = np.where(keys_in > 0, (np.maximum(keys_in * bits, 64) + 7) // 8, 0)
    ends = np.cumsum(size + (size > 0))
    starts = ends - size - (size > 0)
    array = np.zeros(8 * int(ends[-1] if count else 0), bool)
    k = probes(bits)
    value = hashes
    delta = value >> np.uint32(17) | value << np.uint32(15)
    modulus, base = (8 * size[number]).astype(np.uint32), 8 * starts[number]
    for _ in range(k):
        array[base + value % modulus] = True
        value = value + delta
    data = np.packbits(array, bitorder="little")
    data[starts[size > 0] + size[size > 0]] = k
    table = np.append(starts, ends[-1] if count else 0).astype("<u4").tobytes()
    return data.tobytes() + table + bytes((SPAN,))


class Filters:
    """The filter block of a table, to be asked.  `wrong` is the broken variant that forgets half of each hash."""

    __slots__ = ("_count", "_data", "_shift", "_starts", "_table", "_wrong")

    def __init__(self, block: bytes, wrong: bool = False) -> None:
        self._data = block
        self._shift = block[-1]
        self._table = int.from_bytes(block[-5:-1], "little")
        self._count = (len(block) - 5 - self._table) // 4
        self._starts: list[int] = np.frombuffer(block, "<u4", self._count + 1, self._table).tolist()
        self._wrong = wrong

    def may_hold(self, value: int, offset: int) -> bool:
        """Whether the block at `offset` may hold the key whose hash is `value`."""
        number = offset >> self._shift
        if number >= self._count:
            return True
        start, stop = self._starts[number], self._starts[number + 1]
        if stop - start < 2:
            return stop - start == 1
        data = self._data
        k = data[stop - 1]
        if k > 30:  # reserved for other kinds of filters
            return True
        bits = 8 * (stop - 1 - start)
        if self._wrong:
            value ^= value >> 16
        delta = (value >> 17 | value << 15) & _WORD
        for _ in range(k):
            place = value % bits
            if not data[start + (place >> 3)] >> (place & 7) & 1:
                return False
            value = (value + delta) & _WORD
        return True

    @property
    def count(self) -> int:
        """How many filters there are."""
        return self._count
