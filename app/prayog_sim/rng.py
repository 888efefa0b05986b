"""Named random streams: the same seed and name give the same numbers everywhere, for ever.

A run needs many independent streams (one per node, two per link, …), each cheap to make, to copy into a
checkpoint and to name, so that a draw more in one node never shifts the draws of another.  The generator is
BLAKE2b in counter mode: block *i* of a stream is ``BLAKE2b(key ‖ i)``, and the key is the BLAKE2b hash of the
seed and the name (RFC 7693).  Its whole state is a key and a position.

Rules
1. Never Python's ``hash()``: it changes from process to process.
2. Every method takes its numbers from `_word` alone, so a stream does not depend on the Python version.
"""

from __future__ import annotations

import math
from collections.abc import MutableSequence, Sequence
from hashlib import blake2b
from struct import Struct
from typing import TypeVar

__all__ = ["MAX_SEED", "Rng", "short_words", "stream_key"]

T = TypeVar("T")
MAX_SEED = 10**18 - 1
"""The largest seed that people may choose: 18 digits, which every generator of numbers takes."""

_LONG = Struct("<8Q").unpack
_SHORT = Struct("<64H").unpack


def stream_key(seed: int, *path: str) -> bytes:
    """The key of the stream named `path` under `seed`."""
    name = "\0".join((str(seed), *path))
    return blake2b(name.encode(), digest_size=32, person=b"prayog stream").digest()


def short_words(key: bytes, block: int) -> tuple[int, ...]:
    """Blocks number ``2 * block`` and the next of the stream `key`, as 64 numbers in 0 … 65,535."""
    first, second = (2 * block).to_bytes(8, "little"), (2 * block + 1).to_bytes(8, "little")
    return _SHORT(blake2b(key + first).digest() + blake2b(key + second).digest())


class Rng:
    """One stream of random numbers.  Make it with `Rng.derive`; equal names give equal streams."""

    __slots__ = ("_block", "_key", "_words")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._block = 0
        self._words: list[int] = []

    @classmethod
    def derive(cls, seed: int, *path: str) -> Rng:
        """The stream named `path` under `seed`: ``Rng.derive(7, "link", "n1", "n2")``."""
        return cls(stream_key(seed, *path))

    def copy(self) -> Rng:
        """A stream that gives the same numbers from here on."""
        twin = Rng(self._key)
        twin._block, twin._words = self._block, self._words.copy()
        return twin

    def _word(self) -> int:
        """The next 64 random bits."""
        if not self._words:
            block = blake2b(self._key + self._block.to_bytes(8, "little")).digest()
            self._words = list(_LONG(block))
            self._block += 1
        return self._words.pop()

    def random(self) -> float:
        """A number in [0, 1) with 53 random bits."""
        return (self._word() >> 11) * 2.0**-53

    def randint(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        if high < low:
            raise ValueError(f"randint needs low <= high, not {low} and {high}")
        return low + (self._word() * (high - low + 1) >> 64)

    def choice(self, options: Sequence[T]) -> T:
        """One of `options`, each as likely as the others."""
        if not options:
            raise IndexError("there is nothing to choose from")
        return options[self._word() * len(options) >> 64]

    def sample(self, options: Sequence[T], count: int) -> list[T]:
        """`count` different items of `options`, in random order."""
        if count > len(options):
            raise ValueError(f"cannot take {count} of {len(options)} items")
        left = list(options)
        self.shuffle(left)
        return left[:count]

    def shuffle(self, items: MutableSequence[T]) -> None:
        """Put `items` into random order, in place (Fisher and Yates)."""
        for i in range(len(items) - 1, 0, -1):
            j = self._word() * (i + 1) >> 64
            items[i], items[j] = items[j], items[i]

    def expovariate(self, rate: float) -> float:
        """An exponentially distributed number with mean ``1 / rate``."""
        return -math.log(1.0 - self.random()) / rate

    def gauss(self, mu: float = 0.0, sigma: float = 1.0) -> float:
        """A normally distributed number (Box and Muller)."""
        radius = math.sqrt(-2.0 * math.log(1.0 - self.random()))
        return mu + sigma * radius * math.cos(math.tau * self.random())
