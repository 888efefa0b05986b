"""What the picture of a flow is made of: messages as tokens, and edges along which they run."""

from __future__ import annotations

from collections import deque

__all__ = ["WINDOW_US", "Edge", "Token"]

WINDOW_US = 1_000_000
"""Rates of edges look back over so much."""


class Token:
    """One message in one queue, for drawing."""

    __slots__ = ("attempt", "before", "expired", "key", "message", "moved_us", "number", "place", "queue")

    def __init__(self, message: str, key: str, number: int, queue: str, place: str, before: str, at: int) -> None:
        self.message, self.key, self.number, self.queue = message, key, number, queue
        self.place, self.before, self.moved_us = place, before, at
        self.attempt = 0
        self.expired = False


class Edge:
    """What ran along it: all of it, and lately."""

    __slots__ = ("_times", "count")

    def __init__(self) -> None:
        self.count = 0
        self._times: deque[int] = deque()

    def add(self, at: int) -> None:
        self.count += 1
        self._times.append(at)

    def rate(self, now: float) -> float:
        """Messages a second, over the last second."""
        while self._times and self._times[0] < now - WINDOW_US:
            self._times.popleft()
        return 1e6 * len(self._times) / WINDOW_US
