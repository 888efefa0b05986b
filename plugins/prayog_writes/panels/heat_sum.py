"""Key ranges over time, summed up from what the portions of workloads tell.  No Qt.

Portions count in ranges of `width` keys, a power of two; a later, coarser portion makes all earlier ones coarser.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from prayog_sim.trace import Step

__all__ = ["Column", "HeatSum"]

Counts = npt.NDArray[np.int64]


class Column:
    """One portion of a workload: its step, and the operations that were done before it and with it."""

    __slots__ = ("begin", "end", "reads", "seq", "width", "writes")

    def __init__(self, seq: int, begin: int, end: int, heat: Mapping[str, Any]) -> None:
        self.seq, self.begin, self.end = seq, begin, end
        self.width = int(heat["width"])
        self.reads, self.writes = heat["reads"], heat["writes"]


class HeatSum:
    """Takes the steps of a trace; `table` is a matrix of counts, the lowest keys first."""

    def __init__(self) -> None:
        self.columns: list[Column] = []
        self._before = self._done = 0
        self._cause = -1  # the action that the last portion belongs to

    def take(self, step: Step) -> None:
        """Take in the next step."""
        if step.kind == "work" and "heat" in step.data:
            done = int(step.data["done"])
            if step.cause != self._cause:  # another workload began
                self._before, self._done, self._cause = self._before + self._done, 0, step.cause
            self.columns.append(Column(step.seq, self._before + self._done, self._before + done, step.data["heat"]))
            self._done = done

    @property
    def width(self) -> int:
        """Keys in a range of `table`."""
        return max((column.width for column in self.columns), default=1)

    def table(self, what: str, most: int) -> tuple[Counts, Sequence[Sequence[Column]]]:
        """Counts of ``reads`` or ``writes`` by range and group of columns; there are at most `most` groups."""
        each = max(1, -(-len(self.columns) // max(1, most)))
        groups = [self.columns[low : low + each] for low in range(0, len(self.columns), each)]
        width = self.width
        summed = [sum((_coarser(getattr(c, what), width // c.width) for c in group), _nothing()) for group in groups]
        counts = np.stack(summed, axis=1) if summed else np.zeros((0, 0), np.int64)
        used = np.flatnonzero(counts.sum(axis=1))
        return counts[: int(used[-1]) + 1 if len(used) else 0], groups


def _nothing() -> Counts:
    from prayog_writes.engine.heat import RANGES

    return np.zeros(RANGES, np.int64)


def _coarser(counts: Sequence[int], times: int) -> Counts:
    """The same counts in ranges `times` as wide."""
    total = _nothing()
    np.add.at(total, np.arange(len(counts)) // times, counts)
    return total
