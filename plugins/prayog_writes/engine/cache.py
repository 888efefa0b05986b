"""A cache bounded in bytes: what was used lately stays.

Two generations instead of a list: a hit in the old one moves to the young one, and when the young one has half of the
room, the old one is dropped.  That is close to "least recently used" and costs one dict look-up.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

__all__ = ["Cache"]

V = TypeVar("V")


class Cache(Generic[V]):
    """At most about `capacity` bytes of values."""

    __slots__ = ("_half", "_old", "_young", "_young_bytes")

    def __init__(self, capacity: int) -> None:
        self._half = capacity // 2
        self._young: dict[Hashable, tuple[V, int]] = {}
        self._old: dict[Hashable, tuple[V, int]] = {}
        self._young_bytes = 0

    def get(self, key: Hashable) -> V | None:
        """What was kept under `key`."""
        found = self._young.get(key)
        if found is None:
            found = self._old.pop(key, None)
            if found is None:
                return None
            self._add(key, found)
        return found[0]

    def put(self, key: Hashable, value: V, size: int) -> None:
        """Keep `value`, which takes `size` bytes; with a capacity of 0 nothing is kept."""
        if not self._half:
            return
        self._add(key, (value, size))

    def drop(self, key: Hashable) -> None:
        """Forget `key`."""
        self._young.pop(key, None)
        self._old.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._young, self._old, self._young_bytes = {}, {}, 0

    def _add(self, key: Hashable, entry: tuple[V, int]) -> None:
        self._young[key] = entry
        self._young_bytes += entry[1]
        if self._young_bytes > self._half:
            self._old, self._young, self._young_bytes = self._young, {}, 0
