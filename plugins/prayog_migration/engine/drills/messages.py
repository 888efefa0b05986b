"""What the nodes of a drill say to each other.  A key is a number, a value too; None means that the row is gone."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "Applied", "Apply", "Changes", "Done", "Fence", "Fenced", "Fetch", "Rows", "Sum", "Summed", "Tail", "Use", "Where",
    "Write",
]  # fmt: skip

Change = tuple[int, int, int | None]
"""Position in the log, key, value.  Key −1 is a marker: its value is the number of the comparison."""


@dataclass(frozen=True, slots=True)
class Write:
    """An application writes; ``request`` comes back with the answer."""

    request: int
    key: int
    value: int | None


@dataclass(frozen=True, slots=True)
class Done:
    """The store took the write, or refused it because it is fenced."""

    request: int
    ok: bool


@dataclass(frozen=True, slots=True)
class Fetch:
    """Rows with keys above ``after``, please."""

    after: int
    limit: int


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows as they are now; ``end`` is the end of the log at that moment."""

    rows: tuple[tuple[int, int], ...]
    last: bool
    end: int


@dataclass(frozen=True, slots=True)
class Tail:
    """Changes behind a position of the log, please."""

    after: int
    limit: int


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes, and where the log ends."""

    changes: tuple[Change, ...]
    end: int


@dataclass(frozen=True, slots=True)
class Apply:
    """Make these rows so; as often as it is said, the result is the same."""

    rows: tuple[tuple[int, int | None], ...]
    position: int


@dataclass(frozen=True, slots=True)
class Applied:
    """They are so."""

    position: int


@dataclass(frozen=True, slots=True)
class Fence:
    """Take no more writes of applications (``up``), or take them again."""

    up: bool


@dataclass(frozen=True, slots=True)
class Fenced:
    """It is so, and this is the end of the log."""

    up: bool
    end: int


@dataclass(frozen=True, slots=True)
class Sum:
    """Count the rows, or add them up; ``mark``: leave a mark in the log at that very place."""

    number: int
    mark: bool = False


@dataclass(frozen=True, slots=True)
class Summed:
    """The answer."""

    number: int
    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class Use:
    """Write to this side from now on."""

    side: str


@dataclass(frozen=True, slots=True)
class Where:
    """Which side takes writes now?"""
