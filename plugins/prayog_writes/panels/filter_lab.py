"""A Bloom filter to play with: LevelDB's hash, any number of bits, hashes and keys.  No Qt.

It belongs to no run: what is shown follows from bits, hashes and keys alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from prayog_writes.engine.bloom import hash_key, hash_keys, probes

__all__ = ["ABSENT", "FilterLab", "absent_hashes", "expected", "measured"]

ABSENT = 10_000
"""Keys that were never added, asked to measure how often the filter errs."""
_WORD = 0xFFFFFFFF
Hashes = npt.NDArray[np.uint32]


class FilterLab:
    """One filter of ``bits`` for each of `keys`, in which each key sets ``hashes`` (0: the best number) bits."""

    def __init__(self, bits: int, hashes: int, keys: Sequence[str]) -> None:
        self.hashes = hashes or probes(bits)
        self.keys = list(keys)
        self.size = max(1, bits * len(self.keys))
        self._present = set(self.keys)
        self._hashed = hash_keys([key.encode() for key in self.keys])
        self.array = _filled(self._hashed, self.size, self.hashes)

    def places(self, key: str) -> list[int]:
        """The bits that `key` asks for, in order."""
        value = hash_key(key.encode())
        delta = (value >> 17 | value << 15) & _WORD
        return [(value + turn * delta & _WORD) % self.size for turn in range(self.hashes)]

    def may_hold(self, key: str) -> bool:
        """Whether all bits of `key` are set: maybe it is there.  False is certain."""
        return all(bool(self.array[place]) for place in self.places(key))

    def holds(self, key: str) -> bool:
        """Whether `key` was really added."""
        return key in self._present

    def measured(self, asked: Hashes) -> float:
        """The share of keys with these hashes, none of which was added, that look present."""
        return _wrong(self.array, asked, self.hashes)


def absent_hashes() -> Hashes:
    """The hashes of `ABSENT` keys that nobody adds."""
    return hash_keys([b"absent%07d" % number for number in range(ABSENT)])


def expected(bits: int, hashes: int) -> float:
    """The formula: (1 − e^(−k/b))^k for b bits a key and k hashes (0: the best number).  Bloom, CACM 13 (1970)."""
    k = hashes or probes(bits)
    return float((1 - math.exp(-k / bits)) ** k)


def measured(hashes: int, keys: Sequence[str], most: int) -> list[tuple[int, float]]:
    """(bits, share of wrong answers) for 1 … `most` bits a key."""
    present, asked = hash_keys([key.encode() for key in keys]), absent_hashes()
    found = []
    for bits in range(1, most + 1):
        k = hashes or probes(bits)
        found.append((bits, _wrong(_filled(present, max(1, bits * len(keys)), k), asked, k)))
    return found


def _filled(hashed: Hashes, size: int, hashes: int) -> npt.NDArray[np.bool_]:
    array = np.zeros(size, bool)
    value, delta = hashed.copy(), hashed >> np.uint32(17) | hashed << np.uint32(15)
    for _ in range(hashes):
        array[value % np.uint32(size)] = True
        value += delta
    return array


def _wrong(array: npt.NDArray[np.bool_], asked: Hashes, hashes: int) -> float:
    value, delta = asked.copy(), asked >> np.uint32(17) | asked << np.uint32(15)
    maybe = np.ones(len(asked), bool)
    for _ in range(hashes):
        maybe &= array[value % np.uint32(len(array))]
        value += delta
    return float(maybe.mean())
