"""The plan of a move: for every table what is read, what it becomes and where it goes; for everything else a verdict.

A plan is a value: it is made by `planning`, shown and edited, stored with the run as JSON (`planfile`), and every
step of the move works from it and from nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from prayog_migration.engine.kinds import Kind
from prayog_migration.engine.model import Catalogue, Dialect, Routine, Sequence, Table, Trigger, UserType, View

__all__ = ["COST", "Choices", "ColumnMove", "Finding", "Plan", "Server", "TableMove", "Verdict", "ViewMove"]

Verdict = Literal["exact", "converted", "draft", "lost", "blocked"]
"""``exact``: the same on the target.  ``converted``: another form, the same meaning, or the difference is named.
``draft``: written by the lab, to be read by a person.  ``lost``: not on the target.  ``blocked``: the move cannot go on
before somebody decides."""

COST: dict[int, str] = {
    0: "nothing to do",
    1: "read it",
    2: "look at it and decide, minutes",
    3: "change it by hand, an hour",
    4: "rewrite it, a day",
}
"""What each level of a finding costs a person (the levels of ora2pg's report, in fewer words)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What becomes of one object: ``kind`` (table, column, index, …), its ``name`` at the source (``table.column``),
    and what it ``becomes``, in the target's words."""

    kind: str
    name: str
    verdict: Verdict
    reason: str = ""
    level: int = 0
    becomes: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    """What is known of a target before anything is in it."""

    dialect: Dialect
    version: str = ""

    @property
    def mariadb(self) -> bool:
        """MariaDB, not MySQL."""
        return "mariadb" in self.version.lower()


@dataclass(frozen=True, slots=True)
class Choices:
    """What the learner decided, by ``table.column`` of the source: types and policies; tables that stay behind.

    ``rules`` are for whole types (`rules.for_type`): a type as the source writes it, and what it becomes; a decision
    about one column goes before them.
    """

    types: tuple[tuple[str, str], ...] = ()
    policies: tuple[tuple[str, str], ...] = ()
    left_out: tuple[str, ...] = ()
    rules: tuple[tuple[str, str], ...] = ()


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

    ``columns`` are those whose values are copied, in this order; generated columns are not among them.  ``rows`` and
    ``row_bytes`` (the widest row, roughly) come from the profile, 0 when nobody has looked yet.
    """

    source: Table
    target: Table
    columns: tuple[ColumnMove, ...]
    rows: int = 0
    row_bytes: int = 0

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
class ViewMove:
    """A view, and what it will be; None when no draft could be written."""

    source: View
    target: View | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole move from one database to another.

    ``sequences``, ``types``, ``routines`` and ``triggers`` are those to be made on the target, in its dialect.
    """

    source: Catalogue
    server: Server
    tables: tuple[TableMove, ...]
    views: tuple[ViewMove, ...] = ()
    sequences: tuple[Sequence, ...] = ()
    types: tuple[UserType, ...] = ()
    routines: tuple[Routine, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    findings: tuple[Finding, ...] = ()
    renames: tuple[tuple[str, str], ...] = ()

    @property
    def target(self) -> Dialect:
        """The target's dialect."""
        return self.server.dialect

    def table(self, title: str) -> TableMove:
        """The move of the table with this title at the source; `KeyError` when it does not move."""
        for move in self.tables:
            if move.source.title == title:
                return move
        raise KeyError(title)
