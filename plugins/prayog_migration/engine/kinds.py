"""What a type means, whatever a dialect calls it: the middle of every translation from one dialect to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Kind", "KindName"]

KindName = Literal[
    "integer", "decimal", "real", "boolean", "text", "bytes", "bit",
    "date", "time", "timestamp", "interval", "year",
    "json", "xml", "uuid", "enum", "set", "array", "network", "money", "range", "search", "geometry",
    "any", "other",
]  # fmt: skip
"""``any``: SQLite's typeless columns, which hold values of every storage class; ``other``: a type known by its name
only, which goes over unchanged between databases of one kind and as text everywhere else."""


@dataclass(frozen=True, slots=True)
class Kind:
    """``size``: bits of integer and real, characters of text, bytes of bytes, bits of bit, precision of decimal and
    of fractions of a second; ``fixed``: padded to its size; ``zone``: a moment in time, not a reading of a clock.
    """

    name: KindName
    size: int | None = None
    scale: int | None = None
    unsigned: bool = False
    fixed: bool = False
    zone: bool = False
    values: tuple[str, ...] = ()
    element: Kind | None = None
    type: str = ""
