"""Decoded blocks that are kept in memory: the block cache.

Every table holds its own blocks, so that one is found by its number; the cache knows the order in which they came, and
lets the first go that was not used since.  That is CLOCK (Corbató, "A paging experiment with the Multics system",
1969), which comes close to "least recently used" at the price of one mark a hit.
"""

from __future__ import annotations

from collections import deque

from prayog_writes.engine.columns import Columns

__all__ = ["Block", "BlockCache", "Kept"]


class Block:
    """A decoded block: its `rows`, and in ``places`` where the newest version of each key stands among them."""

    __slots__ = ("places", "rows", "used")

    def __init__(self, rows: Columns) -> None:
        self.rows = rows
        self.places = dict(zip(reversed(rows.keys), range(len(rows) - 1, -1, -1), strict=True))
        self.used = False


Kept = list[Block | None]
"""The blocks of one table by number; None: not in memory."""


class BlockCache:
    """At most about `capacity` bytes of blocks, counted as they lie on the disk; 0 keeps none."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._bytes = 0
        self._ring: deque[tuple[Kept, int, int]] = deque()

    def add(self, kept: Kept, number: int, block: Block, size: int) -> None:
        """Keep `block`, which takes `size` bytes, as block `number` of the table that `kept` belongs to."""
        if not self._capacity:
            return
        kept[number] = block
        self._ring.append((kept, number, size))
        self._bytes += size
        while self._bytes > self._capacity:
            kept, number, size = self._ring.popleft()
            oldest = kept[number]
            if oldest is not None and oldest.used:
                oldest.used = False
                self._ring.append((kept, number, size))
                continue
            kept[number] = None
            self._bytes -= size
