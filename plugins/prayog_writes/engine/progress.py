"""Work in small steps: what long work tells on its way, and how it is done at once where nobody waits for a window."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

__all__ = ["Progress", "finished"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: rows and bytes written, old versions and tombstones left out, and the key it has reached."""

    rows: int = 0
    written: int = 0
    dropped_versions: int = 0
    dropped_tombstones: int = 0
    key: bytes = b""

    def told(self) -> dict[str, Any]:
        """As the trace shows it."""
        return {
            "rows": self.rows, "written": self.written, "old": self.dropped_versions,
            "tombstones": self.dropped_tombstones, "key": self.key.decode("utf-8", "backslashreplace"),
        }  # fmt: skip


def finished(steps: Generator[Progress, None, T]) -> T:
    """Do all steps now; what the generator returns."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            value: T = end.value
            return value
