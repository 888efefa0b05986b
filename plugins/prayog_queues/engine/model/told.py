"""What a broker tells: the words of docs/queues-events.md, collected until whoever drives it fetches them."""

from __future__ import annotations

from typing import Any

__all__ = ["Told"]


class Told:
    """Collects ``(kind, data)``; with `on` off nothing is kept (to measure what recording costs)."""

    __slots__ = ("log", "on")

    def __init__(self, on: bool = True) -> None:
        self.on = on
        self.log: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, kind: str, **data: Any) -> None:
        if self.on:
            self.log.append((kind, data))

    def drain(self) -> list[tuple[str, dict[str, Any]]]:
        """All that was told since the last call."""
        told, self.log = self.log, []
        return told
