"""The parts of a `Course`: a table on its way, a look at the lag, a change of sides, and something that was broken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Blow", "Data", "Lag", "Load", "Switch"]

Data = Mapping[str, Any]


@dataclass(slots=True)
class Load:
    """One table on its way: rows and bytes so far, of how many rows (0: not known), rows a second."""

    rows: int = 0
    bytes: int = 0
    of: int = 0
    rows_s: float = 0.0
    quarantined: int = 0
    done: bool = False


@dataclass(frozen=True, slots=True)
class Lag:
    """One look at the stream; ``changes`` is −1 where only bytes are known."""

    at_us: int
    changes: int
    bytes: int
    behind_us: int
    applied_s: float
    kept_bytes: int
    cap_bytes: int


@dataclass(slots=True)
class Switch:
    """One change of sides: marks in µs since the fence; ``freeze_us`` is None while it goes on or was called off."""

    to: str
    at_us: int
    marks: list[tuple[str, int]] = field(default_factory=list)
    freeze_us: int | None = None
    undone: str = ""


_FOLLOWED = 4


@dataclass(slots=True)
class Blow:
    """A fault button that was pressed: what it did, and what the wizard said of it afterwards."""

    what: str
    at_us: int
    did: str
    then: list[str] = field(default_factory=list)

    def follow(self, sentence: str) -> None:
        """Something that came of it; only the first few are kept, and each once."""
        known = {_gist(one) for one in self.then}
        if sentence and _gist(sentence) not in known and len(self.then) < _FOLLOWED:
            self.then.append(sentence)


def _gist(sentence: str) -> str:
    """Without what differs each time it is said: numbers, and what the driver said in brackets."""
    return "".join(letter for letter in sentence.partition(" (")[0] if not letter.isdigit())
