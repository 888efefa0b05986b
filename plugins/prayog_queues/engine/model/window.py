"""Which ids came lately: a window of deduplication, for queues and for logs."""

from __future__ import annotations

__all__ = ["Window"]


class Window:
    """Remembers each id for `us` µs from when it came first; a repetition does not make it longer (JetStream's
    ``duplicate_window``, Amazon SQS's deduplication interval)."""

    __slots__ = ("_until", "us")

    def __init__(self, us: int) -> None:
        self.us = us
        self._until: dict[str, int] = {}

    def knows(self, name: str, now: int) -> bool:
        """Whether `name` came within the window; at its very end it counts as new."""
        for known, until in list(self._until.items()):
            if until > now:
                break
            del self._until[known]
        return name in self._until

    def add(self, name: str, now: int) -> None:
        self._until[name] = now + self.us

    def forget(self, name: str) -> None:
        """It was not stored after all, or what was stored is lost: who sends it again must not be told “I have it”."""
        self._until.pop(name, None)

    def clear(self) -> None:
        self._until.clear()
