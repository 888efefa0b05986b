"""Versions of a value, and which of two supersedes the other: by clocks, or by what their writers had seen.

Every write has a *dot*, (master, number), which no other write has.  With it goes the *context*: the version vector of
what its writer had seen.  Version a came before b exactly if b's context covers a's dot (Preguiça et al., "Dotted
version vectors", 2010; the vectors are those of Parker et al., IEEE TSE 9(3), 1983).  If neither came before the
other, they are concurrent: *siblings*, a conflict that somebody has to resolve.

Rules
1. A vector detects concurrency, it does not resolve it: `merge` with ``vv`` keeps all siblings.
2. ``lww`` keeps the version with the latest time stamp, and so drops one of two concurrent writes without a word; and
   if a clock is wrong, it drops the newer one.
3. `past` is the truth for the checkers, and no master looks at it: the dots that this write's author had seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Dot", "Vector", "Version", "covers", "drops", "join", "merge", "vector"]

Dot = tuple[str, int]
Vector = tuple[Dot, ...]
"""Master → how many of its writes were seen, sorted by master."""


@dataclass(frozen=True, slots=True)
class Version:
    """One write.  ``stamp`` is the master's clock (µs); `past` includes the write itself."""

    value: Any
    dot: Dot
    context: Vector
    stamp: int
    past: tuple[Dot, ...]

    def __str__(self) -> str:
        return f"{self.value}@{self.dot[0]}.{self.dot[1]}"


def covers(context: Vector, dot: Dot) -> bool:
    """Whether `context` includes the write `dot`."""
    return dict(context).get(dot[0], 0) >= dot[1]


def join(*vectors: Vector) -> Vector:
    """The least vector that covers all of them."""
    merged: dict[str, int] = {}
    for vector in vectors:
        for name, count in vector:
            merged[name] = max(merged.get(name, 0), count)
    return tuple(sorted(merged.items()))


def vector(version: Version) -> Vector:
    """The version vector of a write: its context and its own dot."""
    return join(version.context, (version.dot,))


def merge(versions: tuple[Version, ...], policy: str, variant: str = "") -> tuple[Version, ...]:
    """What is kept of `versions` of one key, in the order of their dots.  ``policy``: ``vv`` or ``lww``."""
    distinct = sorted({version.dot: version for version in versions}.values(), key=lambda version: version.dot)
    if not distinct:
        return ()
    if policy == "lww":
        return (max(distinct, key=lambda version: (version.stamp, version.dot)),)
    if variant == "compares-lexicographically":
        return (max(distinct, key=lambda version: (vector(version), version.dot)),)
    return tuple(a for a in distinct if not any(covers(b.context, a.dot) for b in distinct if b is not a))


def drops(before: tuple[Version, ...], after: tuple[Version, ...]) -> list[tuple[Version, Version, str]]:
    """Writes that are gone although nobody overwrote them knowingly: (dropped, kept, how).

    ``newer``: its author had seen what is kept now, so an older value came back.  ``concurrent``: the kept one's
    author did not know it.
    """
    kept = {version.dot for version in after}
    found = []
    for gone in before:
        if gone.dot in kept or any(gone.dot in version.past for version in after):
            continue
        rival = next((version for version in after if version.dot in gone.past), None)
        found.append((gone, rival or after[0], "newer" if rival else "concurrent"))
    return found
