"""Which shard a row belongs to: by the digest of a column, or by ranges of it.

The rule is a function of one value and nothing else, so that whoever asks, today or after the move, gets one answer.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from prayog_migration.engine.canonical import digests
from prayog_migration.engine.model import Catalogue, Table

__all__ = ["Sharding", "shards_of", "split"]


@dataclass(frozen=True, slots=True)
class Sharding:
    """``by`` hash: ``shards`` parts of nearly equal size, neighbours apart.  ``by`` range: shard n holds the values
    from ``bounds[n-1]`` up to but not including ``bounds[n]``; neighbours together, hot spots too.

    ``column`` is the shard key, in every table that is divided; tables without it are copied to every shard.
    """

    column: str
    shards: int
    by: Literal["hash", "range"] = "hash"
    bounds: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        if self.by == "range" and len(self.bounds) != self.shards - 1:
            raise ValueError(f"{self.shards} ranges need {self.shards - 1} bounds; {len(self.bounds)} are given.")
        if list(self.bounds) != sorted(set(self.bounds)):
            raise ValueError("The bounds of ranges must rise.")


def shards_of(how: Sharding, values: Sequence[Any]) -> list[int]:
    """The shard of each value; a row without a value (NULL) belongs to the first."""
    if how.by == "hash":
        return [number % how.shards for number in digests(["" if value is None else str(value) for value in values])]
    numbers = bool(how.bounds) and isinstance(how.bounds[0], int | float)
    return [
        0 if value is None else bisect_right(how.bounds, float(value) if numbers else str(value)) for value in values
    ]


def split(how: Sharding, catalogue: Catalogue) -> tuple[list[Table], list[Table], list[str]]:
    """The tables that are divided, those that every shard gets whole, and what will not hold any more, in sentences."""
    divided = [table for table in catalogue.tables if any(column.name == how.column for column in table.columns)]
    whole = [table for table in catalogue.tables if table not in divided]
    names = {table.title for table in divided}
    warnings = []
    for table in divided:
        unique = [table.key.columns] if table.key else []
        for columns in (*unique, *(one.columns for one in table.uniques)):
            if how.column not in columns:
                warnings.append(
                    f"{table.title} ({', '.join(columns)}) is unique within each shard only: {how.column} is not in it."
                )
    for table in whole:
        for key in table.foreign_keys:
            if key.parent in names:
                warnings.append(f"{table.title} refers to {key.parent}, of which each shard has a part only.")
    return divided, whole, warnings
