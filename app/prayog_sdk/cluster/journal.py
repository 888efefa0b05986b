"""The journals of all processes as one sequence: by vector clock first, by wall time among what is concurrent.

A line may come once every step that it knows of has come (its vector clock says which).  Among those that may come,
the earliest goes first; the clock is one for all processes of a machine, so this is also the order in which things
were seen to happen.  To let late lines find their place, everything is held back for `HOLD` µs.

Rules
1. Lines of one journal keep their order.
2. A line whose cause never comes (its journal was lost) goes on after `PATIENCE` µs: a damaged journal must not stop
   the trace.
3. A line that was cut off by a kill is no line.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

__all__ = ["HOLD", "PATIENCE", "Line", "Merge", "Tail"]

HOLD = 15_000
PATIENCE = 1_000_000


@dataclass(slots=True)
class Line:
    """One step as a journal has it: ``kind`` and ``data`` as in a trace, messages and effects still encoded."""

    node: str
    at: int
    kind: str
    data: dict[str, Any]
    effects: list[Any] = field(default_factory=list)
    clock: Mapping[str, int] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    """What `watched.Attributes` says, where there are invariants."""


class Tail:
    """Reads a journal as it grows."""

    def __init__(self, node: str, path: Path) -> None:
        self.node = node
        self._path = path
        self._file: IO[bytes] | None = None
        self._rest = b""

    def read(self) -> list[Line]:
        """The lines that are new and complete."""
        if self._file is None:
            if not self._path.exists():
                return []
            self._file = open(self._path, "rb")  # noqa: SIM115 - followed until `close`
        self._rest += self._file.read()
        *whole, self._rest = self._rest.split(b"\n")
        return [line for text in whole if (line := self._parse(text)) is not None]

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _parse(self, text: bytes) -> Line | None:
        try:
            row = json.loads(text)
            return Line(
                self.node, int(row["at"]), str(row["k"]), dict(row["d"]), row.get("fx", []), row["v"], row.get("s", {}),
                row.get("w", {}),
            )  # fmt: skip
        except (ValueError, KeyError, TypeError):
            return None


class Merge:
    """Orders the lines of the nodes `names`; "" stands for the lab itself."""

    def __init__(self, names: Iterable[str]) -> None:
        self._waiting: dict[str, deque[Line]] = {name: deque() for name in (*names, "")}
        self._seen: dict[str, int] = {}

    def add(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self._waiting[line.node].append(line)

    def next(self, now: int, flush: bool = False) -> Line | None:
        """The next line, or None when what there is must wait; `flush`: nothing is held back for time's sake."""
        heads = [queue[0] for queue in self._waiting.values() if queue]
        ready = [line for line in heads if self._may_come(line) or line.at < now - PATIENCE]
        first = min(ready, key=lambda line: line.at, default=None)
        if first is None or not (flush or first.at <= now - HOLD):
            return None
        self._waiting[first.node].popleft()
        if first.node in first.clock:
            self._seen[first.node] = first.clock[first.node]
        return first

    @property
    def empty(self) -> bool:
        return not any(self._waiting.values())

    def _may_come(self, line: Line) -> bool:
        return all(self._seen.get(name, 0) >= count for name, count in line.clock.items() if name != line.node)
