"""The plan of a move: for every table what is read, what it becomes and where it goes.

A plan is a value: it is made by `planning`, shown and edited, stored with the run as JSON (`planfile`), and every
step of the move works from it and from nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from prayog_migration.engine.kinds import Kind
from prayog_migration.engine.model import Catalogue, Dialect, Table

__all__ = ["ColumnMove", "Plan", "TableMove"]


@dataclass(frozen=True, slots=True)
class ColumnMove:
    """One column that is copied.  ``kind`` is what its values mean here, ``target_kind`` there; ``policy`` what is
    done with one that does not fit (`values.POLICIES`)."""

    source: str
    target: str
    kind: Kind
    source_type: str
    target_type: str
    target_kind: Kind
    policy: str = "quarantine"


@dataclass(frozen=True, slots=True)
class TableMove:
    """One table: ``source`` as it was found, ``target`` as it will be, in the target's dialect and names.

    ``columns`` are those whose values are copied, in this order; generated columns are not among them.
    """

    source: Table
    target: Table
    columns: tuple[ColumnMove, ...]

    @property
    def reads(self) -> tuple[str, ...]:
        """Source names of the copied columns."""
        return tuple(column.source for column in self.columns)

    @property
    def writes(self) -> tuple[str, ...]:
        """Target names of the copied columns."""
        return tuple(column.target for column in self.columns)

    def target_of(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Target names of the source columns `names`."""
        known = {column.source: column.target for column in self.columns}
        return tuple(known[name] for name in names)


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole move from one database to another."""

    source: Catalogue
    target: Dialect
    tables: tuple[TableMove, ...]


Convert = Callable[[tuple[Any, ...]], tuple[Any, ...]]
"""A row in the source's exchange form → the row that the target's `Writer.insert` takes; raises `ValueError`
(`values.Misfit`) for a row that the policy sends into quarantine."""
