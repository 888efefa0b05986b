"""Results that are worth keeping, but not for ever: the oldest go when there are too many entries."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sized
from typing import Generic, TypeVar

__all__ = ["Kept"]

T = TypeVar("T", bound=Sized)
MOST = 500_000  # entries of all results together: about 150 bytes each


class Kept(Generic[T]):
    """Results by number of conversation; `len` of a result is what it costs."""

    def __init__(self, most: int = MOST) -> None:
        self._most, self._total = most, 0
        self._results: OrderedDict[int, T] = OrderedDict()

    def get(self, number: int) -> T | None:
        """A result that is still there."""
        found = self._results.get(number)
        if found is not None:
            self._results.move_to_end(number)
        return found

    def __setitem__(self, number: int, result: T) -> None:
        self._results[number] = result
        self._total += len(result)
        while self._total > self._most and len(self._results) > 1:
            _, gone = self._results.popitem(last=False)
            self._total -= len(gone)
