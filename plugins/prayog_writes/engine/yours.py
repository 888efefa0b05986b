"""Compaction as the learner writes it: `pick_compaction(levels) -> tables` in the place of a policy.

Why it exists: write, read and space amplification pull in three directions, and a policy is where they are weighed.

Rules
1. The function chooses tables of one level; what they overlap in the next level joins them, as in LevelDB.
2. A choice that would put newer data below older data is refused: it would bring old values back.
3. It is asked again only when the tables have changed: on the same tables it would give the same answer.
4. What is urgent is measured as for the leveled policy, whatever the function does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from prayog_sdk.code.function import events
from prayog_sdk.specs import CodeSpec
from prayog_writes.engine.edit import FileMeta
from prayog_writes.engine.options import Options
from prayog_writes.engine.policy import BOTTOM, Leveled, Pick, level_of
from prayog_writes.engine.version import Version

__all__ = ["COMPACTION", "Level", "Table", "Yours"]

STARTER = '''\
def pick_compaction(levels):
    """Which tables are merged next: a list of tables of one level, or [] for none.

    They are merged with the tables of the next level that they overlap, and what
    comes out lies in the next level.

    levels[0] to levels[6]; of each level:
        level.number
        level.tables      level 0: the newest first, they may overlap;
                          deeper: in the order of keys, none overlaps
        level.bytes       what it holds
        level.target      what it should hold at most (level 0: None)
        level.score       how urgent it is; from 1 on something is due
        level.turn        where the table ended that was taken last, or ""
    of each table:
        table.number      the smaller, the older
        table.level, table.bytes, table.rows, table.tombstones
        table.first, table.last      its first and last key
        table.overlaps(other)        whether they have a part of the keys in common
    """
    top = levels[0]
    if top.score >= 1:
        return list(top.tables)
    return []
'''
COMPACTION = CodeSpec(
    "pick_compaction", "code", "Pick a compaction",
    "Choose the tables that are merged next, so that all three amplifications stay low and nothing is left to do.",
    STARTER, steps=50_000,
)  # fmt: skip


class Table:
    """A table as the learner's function sees it."""

    __slots__ = ("_meta", "bytes", "first", "last", "level", "number", "rows", "tombstones")

    def __init__(self, level: int, meta: FileMeta) -> None:
        self._meta = meta
        self.level, self.number, self.bytes = level, meta.number, meta.size
        self.rows, self.tombstones = meta.entries, meta.tombstones
        self.first = meta.low.decode("utf-8", "backslashreplace")
        self.last = meta.high.decode("utf-8", "backslashreplace")

    def overlaps(self, other: Table) -> bool:
        """Whether the two have a part of the keys in common."""
        return self._meta.overlaps(other._meta.low, other._meta.high)

    @property
    def meta(self) -> FileMeta:
        """The table as the engine knows it."""
        return self._meta

    def __repr__(self) -> str:
        return f"table {self.number} of L{self.level}: {self.bytes:,} bytes, {self.first} to {self.last}"


class Level:
    """A level as the learner's function sees it."""

    __slots__ = ("bytes", "number", "score", "tables", "target", "turn")

    def __init__(self, number: int, tables: list[Table], target: int | None, score: float, turn: str) -> None:
        self.number, self.tables = number, tables
        self.bytes = sum(table.bytes for table in tables)
        self.target, self.score, self.turn = target, score, turn

    def __repr__(self) -> str:
        return f"L{self.number}: {len(self.tables)} tables, {self.bytes:,} bytes, score {self.score:.2f}"


class Yours(Leveled):
    """The policy of the function in ``options.code``; `tell` gets what it prints, and its mistakes once each."""

    def __init__(self, options: Options, tell: Callable[[str, Mapping[str, Any]], None] | None = None) -> None:
        super().__init__(options)
        self._function = COMPACTION.function(options.code)
        self._tell = tell
        self._seen: Version | None = None
        self._told: set[str] = set()

    def pick(self, version: Version, pointers: Mapping[int, bytes]) -> Pick | None:
        if version is self._seen:
            return None
        levels = self._levels(version, pointers)
        outcome = self._function(levels, expect=_wrong(version))
        for kind, data in events(outcome):
            if kind != "code_error" or data["sentence"] not in self._told:
                self._told.add(str(data.get("sentence", "")))
                if self._tell is not None:
                    self._tell(kind, data)
        if not outcome.value:
            self._seen = version
            return None
        files = tuple(table.meta for table in outcome.value)
        level = outcome.value[0].level
        numbers = ", ".join(str(file.number) for file in files[:6]) + (" …" if len(files) > 6 else "")
        return level_of(version, level, files, f"your function picked {numbers} of L{level}")

    def _levels(self, version: Version, pointers: Mapping[int, bytes]) -> list[Level]:
        scores = self.scores(version)
        return [
            Level(
                number, [Table(number, meta) for meta in metas], self.target(number) if number else None,
                scores[number], pointers.get(number, b"")[:-8].decode("utf-8", "backslashreplace"),
            )
            for number, metas in enumerate(version.levels)
        ]  # fmt: skip


def _wrong(version: Version) -> Callable[[Any], str]:
    """What is wrong with a choice of tables."""

    def wrong(value: Any) -> str:
        if value is None or not isinstance(value, list | tuple):
            return f"must return a list of tables, [] for none; it returned {value!r:.60}."
        if not all(type(table) is Table for table in value):
            odd = next(table for table in value if type(table) is not Table)
            return f"must return tables out of levels; it returned {odd!r:.60} among them."
        levels = sorted({table.level for table in value})
        if len(levels) > 1:
            return f"must take tables of one level; it took some of L{levels[0]} and of L{levels[1]}."
        if levels and levels[0] >= BOTTOM:
            return f"cannot merge L{BOTTOM}: there is no level below."
        if len({table.number for table in value}) < len(value):
            return "must take a table once; one is in the list twice."
        return _older(version, value) if levels == [0] else ""

    return wrong


def _older(version: Version, chosen: Sequence[Table]) -> str:
    """A table of level 0 that is older than a chosen one, overlaps it and would be left above it."""
    numbers = {table.number for table in chosen}
    for table in chosen:
        for meta in version.levels[0]:
            older = meta.number < table.number and meta.number not in numbers
            if older and meta.overlaps(table.meta.low, table.meta.high):
                return (
                    f"would put table {table.number} below table {meta.number}, which is older and has the same keys: "
                    "old values would come back. Take the older one too."
                )
    return ""
