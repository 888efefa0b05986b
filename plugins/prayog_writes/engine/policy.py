"""Compaction policies: which tables are merged next, and why.

| policy | keeps | pays with |
| --- | --- | --- |
| leveled | one sorted run a level, each `fanout` times the one before | rewriting the next level's overlap |
| size-tiered | few runs of growing size (RocksDB: universal) | space: old versions stay until runs meet |
| major | everything merged into one run, whenever there are `trigger` runs | rewriting everything |
| FIFO | the newest bytes; the oldest table is dropped whole | data, on purpose: a log or a cache |
| none | every flush as it is | every read |

Sources: LevelDB `doc/impl.md`, `db/version_set.cc` (PickCompaction, IsTrivialMove); RocksDB wiki "Leveled Compaction",
"Universal Compaction" (size_ratio 1, max_size_amplification_percent 200), "FIFO compaction style".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from prayog_writes.engine.edit import FileMeta
from prayog_writes.engine.options import YOURS, Options
from prayog_writes.engine.version import LEVELS, Version

__all__ = ["Pick", "Policy", "everything", "level_of", "policy"]

BOTTOM = LEVELS - 1
MOST_GRANDPARENTS = 10
"""A table is moved without rewriting only while it overlaps at most this many times its size two levels down."""


@dataclass(frozen=True, slots=True)
class Pick:
    """What to merge: tables with their levels (newest data first), the level it goes to, and why.

    ``move``: nothing overlaps, so that one table only changes its level.  ``drop``: the tables are just removed.
    ``whole``: the output is one table, however large.  ``pointer``: where the next pick of this level begins.
    """

    inputs: tuple[tuple[int, FileMeta], ...]
    output: int
    reason: str
    move: bool = False
    drop: bool = False
    whole: bool = False
    pointer: tuple[int, bytes] | None = None

    @property
    def bytes(self) -> int:
        """Bytes that are read."""
        return sum(f.size for _, f in self.inputs)


class Policy(Protocol):
    """Chooses the next compaction."""

    def scores(self, version: Version) -> tuple[float, ...]:
        """How urgent each level is; 1 or more means that there is something to do."""
        ...

    def pick(self, version: Version, pointers: Mapping[int, bytes]) -> Pick | None:
        """The next compaction, or None.  `pointers`: per level the last key that was compacted."""
        ...


def policy(options: Options, tell: Callable[[str, Mapping[str, Any]], None] | None = None) -> Policy:
    """The policy that `options` name; a function of the learner's has things to `tell`."""
    if options.policy == YOURS:
        from prayog_writes.engine.yours import Yours  # it is a leveled policy, so it cannot be imported above

        return Yours(options, tell)
    made: Mapping[str, type[_Base]] = {
        "leveled": Leveled, "size-tiered": SizeTiered, "major": Major, "FIFO": Fifo, "none": _Base,
    }  # fmt: skip
    return made[options.policy](options)


class _Base:
    """No compaction at all: the policy “none”, and what the others have in common."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def scores(self, version: Version) -> tuple[float, ...]:
        return (0.0,) * LEVELS

    def pick(self, version: Version, pointers: Mapping[int, bytes]) -> Pick | None:
        return None


class Leveled(_Base):
    """LevelDB's policy: the level with the highest score gives one table to the level below."""

    def target(self, level: int) -> int:
        """Bytes that `level` (1 or deeper) should hold."""
        return self._options.base * int(self._options.fanout ** (level - 1))

    def scores(self, version: Version) -> tuple[float, ...]:
        first = len(version.levels[0]) / self._options.trigger
        return (first, *(version.bytes(level) / self.target(level) for level in range(1, BOTTOM)), 0.0)

    def pick(self, version: Version, pointers: Mapping[int, bytes]) -> Pick | None:
        scores = self.scores(version)
        level = max(range(LEVELS), key=scores.__getitem__)
        if scores[level] < 1:
            return None
        if level == 0:
            files = version.levels[0]
            why = f"L0 has {len(files)} tables, the limit is {self._options.trigger}: score {scores[0]:.2f}"
        else:
            files = (_after(version.levels[level], pointers.get(level, b"")),)
            why = (
                f"L{level} has {version.bytes(level):,} bytes of {self.target(level):,}: score {scores[level]:.2f}; "
                f"table {files[0].number} is next in turn"
            )
        return level_of(version, level, files, why)


def level_of(version: Version, level: int, files: tuple[FileMeta, ...], why: str) -> Pick:
    """Compact `files` of `level` into the next one."""
    low, high = min(f.low for f in files), max(f.high for f in files)
    below = version.overlapping(level + 1, low, high)
    inputs = (*((level, f) for f in files), *((level + 1, f) for f in below))
    pointer = (level, max(f.largest for f in files))
    if len(files) == 1 and not below and (level or len(version.overlapping(0, low, high)) == 1):
        grand = version.overlapping(level + 2, low, high) if level + 2 < LEVELS else ()
        if sum(f.size for f in grand) <= MOST_GRANDPARENTS * files[0].size:
            return Pick(inputs, level + 1, f"{why}; nothing overlaps in L{level + 1}, so it only moves", move=True,
                        pointer=pointer)  # fmt: skip
    return Pick(inputs, level + 1, f"{why}; {len(below)} tables of L{level + 1} overlap", pointer=pointer)


def _after(files: tuple[FileMeta, ...], pointer: bytes) -> FileMeta:
    """The first table behind `pointer` (an internal key), or the first of all: level by level in turn."""
    return next((f for f in files if f.high > pointer[:-8]), files[0])


@dataclass(frozen=True, slots=True)
class _Run:
    level: int
    files: tuple[FileMeta, ...]
    size: int


def _runs(version: Version) -> list[_Run]:
    """The sorted runs, newest first."""
    runs = [_Run(0, (f,), f.size) for f in version.levels[0]]
    return runs + [_Run(n, files, version.bytes(n)) for n, files in enumerate(version.levels) if n and files]


class SizeTiered(_Base):
    """RocksDB's universal compaction: merge the newest runs while they are of similar size."""

    SIMILAR = 1.01
    """A run joins while it is at most this times the sum of the newer ones (size_ratio 1 %)."""
    MOST_SPACE = 2.0
    """Newer runs may have at most this times the bytes of the oldest (max_size_amplification_percent 200)."""

    def scores(self, version: Version) -> tuple[float, ...]:
        return (version.runs() / self._options.trigger, *(0.0,) * BOTTOM)

    def pick(self, version: Version, pointers: Mapping[int, bytes]) -> Pick | None:
        runs = _runs(version)
        if len(runs) < self._options.trigger or len(runs) < 2:
            return None
        newer = sum(run.size for run in runs[:-1])
        if newer >= self.MOST_SPACE * runs[-1].size:
            share = newer / max(runs[-1].size, 1)
            return _merge(
                runs, 0, len(runs), f"the newer runs have {share:.1f} × the bytes of the oldest, 2 are allowed"
            )
        for begin in range(len(runs) - 1):
            end, size = begin + 1, runs[begin].size
            while end < len(runs) and runs[end].size <= self.SIMILAR * size:
                size += runs[end].size
                end += 1
            # A result in level 0 counts as the newest there, so newer runs may only be passed over for a deep one.
            if end - begin > 1 and (begin == 0 or end == len(runs) or runs[end].level > 1):
                which = "newest" if begin == 0 else "next"
                return _merge(runs, begin, end, f"the {end - begin} {which} runs are of similar size")
        count = len(runs) - self._options.trigger + 2
        return _merge(
            runs, 0, count, f"{len(runs)} runs, {self._options.trigger} are the limit: the {count} newest join"
        )


def _merge(runs: list[_Run], begin: int, end: int, why: str) -> Pick:
    """Merge runs `begin` … `end` − 1; the result lies as deep as the next older run allows."""
    inputs = tuple((run.level, f) for run in runs[begin:end] for f in run.files)
    output = BOTTOM if end == len(runs) else max(runs[end].level - 1, 0)
    return Pick(inputs, output, why, whole=output == 0)


class Major(_Base):
    """Everything into one run, again and again: what “major compaction” means, as the only policy."""

    def scores(self, version: Version) -> tuple[float, ...]:
        return (version.runs() / self._options.trigger, *(0.0,) * BOTTOM)

    def pick(self, version: Version, pointers: Mapping[int, bytes]) -> Pick | None:
        if version.runs() < max(self._options.trigger, 2):
            return None
        return everything(version, f"{version.runs()} runs, {self._options.trigger} are the limit")


class Fifo(_Base):
    """The oldest table is dropped whole when there are too many bytes."""

    def scores(self, version: Version) -> tuple[float, ...]:
        return (version.total() / self._options.fifo, *(0.0,) * BOTTOM)

    def pick(self, version: Version, pointers: Mapping[int, bytes]) -> Pick | None:
        if version.total() <= self._options.fifo or len(version.levels[0]) < 2:
            return None
        oldest = version.levels[0][-1]
        why = f"{version.total():,} bytes, {self._options.fifo:,} are the limit: the oldest table is dropped"
        return Pick(((0, oldest),), 0, why, drop=True)


def everything(version: Version, why: str) -> Pick | None:
    """A major compaction: all tables into the deepest level in use (at least 1); None when there is nothing to gain."""
    inputs = tuple(version.files())
    if not inputs:
        return None
    return Pick(inputs, max(1, *(level for level, _ in inputs)), f"major compaction of {len(inputs)} tables: {why}")
