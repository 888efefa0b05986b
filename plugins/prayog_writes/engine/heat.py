"""Which keys are hot: reads and writes counted by key range, a portion of a workload at a time.

The keys of workloads are numbered, so a range is `width` numbers.  The width is a power of two that grows with the
largest number seen: an earlier, finer portion can be added to a later, coarser one without loss.

Source: the idea of TiKV's Key Visualizer and of Google's for Bigtable: key ranges over time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from prayog_writes.engine.workload import Op, number_of_key

__all__ = ["RANGES", "Heat"]

RANGES = 64
"""Key ranges of one portion."""


class Heat:
    """Counts what a workload touches.  ``width``: keys in one range."""

    def __init__(self) -> None:
        self.width = 1

    def portion(self, operations: Iterable[Op]) -> dict[str, Any]:
        """``reads`` and ``writes`` for each of `RANGES` ranges of `width` keys, from key number 0 on.

        An update is both; a scan counts as a read of the key that it begins with.
        """
        touched = [(number, op.what) for op in operations if (number := number_of_key(op.key)) >= 0]
        largest = max((number for number, _ in touched), default=0)
        while largest >= RANGES * self.width:
            self.width *= 2
        reads, writes = [0] * RANGES, [0] * RANGES
        for number, what in touched:
            place = number // self.width
            reads[place] += what in ("get", "scan", "update")
            writes[place] += what in ("put", "delete", "update")
        return {"width": self.width, "reads": tuple(reads), "writes": tuple(writes)}
