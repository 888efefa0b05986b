"""Streams of operations: the six of YCSB, and shapes that hurt a log-structured merge tree in one way each.

| name | reads | writes | keys |
| --- | --- | --- | --- |
| YCSB A, B, C | 50, 95, 100 % | updates | Zipfian |
| YCSB D | 95 % | inserts | the latest |
| YCSB E | 95 % scans | inserts | Zipfian |
| YCSB F | 50 % | read, change, write | Zipfian |
| random, overwrite, ascending | | all | uniform, few, rising |
| delete-heavy | | half are deletes | uniform |
| burst | | all, ten times as fast in the second half | uniform |

Sources: Cooper et al., "Benchmarking Cloud Serving Systems with YCSB" (SoCC 2010), section 4; the Zipfian draw is that
of Gray et al., "Quickly generating billion-record synthetic databases" (SIGMOD 1994), with constant 0.99.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from prayog_sim.rng import Rng

__all__ = ["WORKLOADS", "Op", "Zipf", "number_of_key", "operations", "value_of"]

WORKLOADS = (
    "random", "overwrite", "ascending", "delete-heavy", "burst",
    "YCSB A", "YCSB B", "YCSB C", "YCSB D", "YCSB E", "YCSB F",
)  # fmt: skip
_READS = {"YCSB A": 0.5, "YCSB B": 0.95, "YCSB C": 1.0, "YCSB D": 0.95, "YCSB E": 0.95, "YCSB F": 0.5}


@dataclass(frozen=True, slots=True)
class Op:
    """One operation.  ``what``: ``put``, ``delete``, ``get``, ``scan`` or ``update`` (read, then write)."""

    what: str
    key: bytes
    value: bytes = b""
    speed: float = 1.0
    """How much faster than usual it comes."""


class Zipf:
    """Draws 0 … n − 1; 0 is the most frequent, and k about (k + 1)^−0.99 times as frequent."""

    def __init__(self, n: int, rng: Rng, theta: float = 0.99) -> None:
        self._n, self._rng, self._theta = n, rng, theta
        self._zeta = sum(1 / i**theta for i in range(1, min(n, 10_000) + 1))
        if n > 10_000:  # the rest of the sum as an integral
            self._zeta += (n ** (1 - theta) - 10_000 ** (1 - theta)) / (1 - theta)
        self._alpha = 1 / (1 - theta)
        zeta2 = 1 + 0.5**theta
        self._eta = (1 - (2 / n) ** (1 - theta)) / (1 - zeta2 / self._zeta) if n > 2 else 0.5
        self._second = zeta2

    def draw(self) -> int:
        """The next number."""
        u = self._rng.random()
        uz = u * self._zeta
        if uz < 1 or self._n == 1:
            return 0
        if uz < self._second:
            return 1
        share: float = (self._eta * u - self._eta + 1) ** self._alpha
        return min(self._n - 1, math.floor(self._n * share))


def value_of(number: int, size: int) -> bytes:
    """A value of `size` bytes that tells which operation wrote it."""
    text = b"%d." % number
    return (text * (size // len(text) + 1))[:size]


def _key(number: int) -> bytes:
    return b"user%08d" % number


def number_of_key(key: bytes) -> int:
    """The number of a workload's `key`; −1 for any other key."""
    return int(key[4:]) if key.startswith(b"user") and key[4:].isdigit() else -1


def _scattered(number: int, keys: int) -> int:
    """YCSB scatters the popular keys over the key space; a multiplication by a large prime does so."""
    return number * 2_654_435_761 % keys


def operations(name: str, count: int, keys: int, size: int, seed: int, start: int = 0) -> Iterator[Op]:
    """`count` operations on `keys` keys with values of `size` bytes; `start`: operations that went before."""
    rng = Rng.derive(seed, "workload", name, str(start))
    zipf = Zipf(keys, rng)
    reads = _READS.get(name)
    inserted = keys + start
    for number in range(start, start + count):
        value = value_of(number, size)
        if reads is not None:
            yield _ycsb(name, reads, rng, zipf, keys, inserted, value)
            inserted += 1
        elif name == "ascending":
            yield Op("put", _key(number), value)
        elif name == "overwrite":
            yield Op("put", _key(rng.randint(0, max(1, keys // 20) - 1)), value)
        elif name == "delete-heavy":
            key = _key(rng.randint(0, keys - 1))
            yield Op("delete", key) if rng.random() < 0.5 else Op("put", key, value)
        else:
            fast = name == "burst" and number - start >= count // 2
            yield Op("put", _key(rng.randint(0, keys - 1)), value, 10.0 if fast else 1.0)


def _ycsb(name: str, reads: float, rng: Rng, zipf: Zipf, keys: int, inserted: int, value: bytes) -> Op:
    reading = rng.random() < reads
    if name == "YCSB D":
        key = _key(max(0, inserted - 1 - zipf.draw())) if reading else _key(inserted)
        return Op("get", key) if reading else Op("put", key, value)
    key = _key(_scattered(zipf.draw(), keys))
    if name == "YCSB E":
        return Op("scan", key) if reading else Op("put", _key(inserted), value)
    if reading:
        return Op("get", key)
    return Op("update" if name == "YCSB F" else "put", key, value)
