"""What a database consists of, as plain values: the catalogue that a reader fills and that everything else works on.

Rules
1. Names are exactly as in the source, with their case, unquoted.
2. Types, defaults and expressions are text in the source's own dialect; nothing is translated here.
3. ``schema`` is "" for objects in the store's default schema (PostgreSQL: the one the store was opened with, usually
   ``public``; SQLite: ``main``; MySQL: the database), so that names compare across dialects.
4. Objects whose name begins with ``_wiz`` are the wizard's own and are in no catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "PREFIX",
    "Catalogue",
    "Check",
    "Column",
    "Dialect",
    "Exclusion",
    "ForeignKey",
    "Grant",
    "Index",
    "Key",
    "Other",
    "Part",
    "Partitioning",
    "Routine",
    "Sequence",
    "Table",
    "Trigger",
    "Unique",
    "UserType",
    "View",
    "title",
]

Dialect = Literal["sqlite", "postgresql", "mysql"]
"""``mysql`` covers MariaDB; `Catalogue.version` tells them apart."""

PREFIX = "_wiz"
"""Begins every name that the wizard adds on either side."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column.  ``type`` is "" where SQLite was given none; ``default`` and ``generated`` are SQL of the source.

    ``identity``: ``always`` or ``by default`` (PostgreSQL), ``auto`` (AUTO_INCREMENT, or SQLite's INTEGER PRIMARY
    KEY, which hands out numbers by itself).  ``stored`` is about ``generated`` only.  ``conflict`` is SQLite's clause
    of NOT NULL.  ``values`` are the members of an inline ENUM or SET.  ``sequence`` names the sequence whose
    ``nextval`` is the default.  ``invisible``: left out of ``SELECT *``.
    """

    name: str
    type: str = ""
    nullable: bool = True
    default: str | None = None
    generated: str | None = None
    stored: bool = False
    identity: str = ""
    collation: str = ""
    charset: str = ""
    on_update: str = ""
    comment: str = ""
    conflict: str = ""
    values: tuple[str, ...] = ()
    sequence: str = ""
    invisible: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an index: the name of a column, or an expression in the source's SQL.

    ``prefix``: only so many characters are indexed (MySQL); ``nulls``: ``first`` or ``last`` where it was said.
    """

    text: str
    expression: bool = False
    collation: str = ""
    descending: bool = False
    nulls: str = ""
    opclass: str = ""
    prefix: int | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """The primary key.  ``conflict``: SQLite's ON CONFLICT clause.  ``parts`` only where collation or order is told."""

    columns: tuple[str, ...]
    name: str = ""
    conflict: str = ""
    parts: tuple[Part, ...] = ()
    deferrable: bool = False
    initially_deferred: bool = False
    include: tuple[str, ...] = ()
    autoincrement: bool = False


@dataclass(frozen=True, slots=True)
class Unique:
    """A UNIQUE constraint (a unique index that is no constraint is an `Index`)."""

    columns: tuple[str, ...]
    name: str = ""
    conflict: str = ""
    parts: tuple[Part, ...] = ()
    deferrable: bool = False
    initially_deferred: bool = False
    nulls_distinct: bool = True
    include: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """``parent_columns`` is () where they were not told and are the parent's key."""

    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...] = ()
    parent_schema: str = ""
    name: str = ""
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"
    match: str = ""
    deferrable: bool = False
    initially_deferred: bool = False
    validated: bool = True


@dataclass(frozen=True, slots=True)
class Index:
    """An index that no constraint made.  ``method``: btree, gin, fulltext, …; ``where``: the rows in it."""

    name: str
    parts: tuple[Part, ...]
    unique: bool = False
    where: str = ""
    method: str = "btree"
    include: tuple[str, ...] = ()
    nulls_distinct: bool = True
    comment: str = ""
    sql: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A CHECK; ``column`` is the column it was written at, "" for one of the table."""

    expression: str
    name: str = ""
    column: str = ""
    validated: bool = True
    enforced: bool = True


@dataclass(frozen=True, slots=True)
class Exclusion:
    """PostgreSQL's EXCLUDE: ``definition`` is the whole constraint in its SQL."""

    name: str
    definition: str


@dataclass(frozen=True, slots=True)
class Partitioning:
    """``by``: ``RANGE (day)`` on the table that is divided; ``parent`` and ``bound`` on a part of it."""

    by: str = ""
    parent: str = ""
    bound: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One table.  ``next_number``: what AUTOINCREMENT or AUTO_INCREMENT hands out next, where it is known.

    ``kind``: ``table``; ``virtual`` (SQLite module ``engine``), ``shadow`` (kept by a virtual table), ``foreign``.
    """

    name: str
    columns: tuple[Column, ...]
    schema: str = ""
    key: Key | None = None
    uniques: tuple[Unique, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    indexes: tuple[Index, ...] = ()
    checks: tuple[Check, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    partitioning: Partitioning | None = None
    kind: str = "table"
    strict: bool = False
    without_rowid: bool = False
    unlogged: bool = False
    row_security: bool = False
    inherits: tuple[str, ...] = ()
    engine: str = ""
    charset: str = ""
    collation: str = ""
    next_number: int | None = None
    comment: str = ""
    sql: str = ""

    @property
    def title(self) -> str:
        """The name for people, with the schema where it is not the default one."""
        return title(self.schema, self.name)

    def column(self, name: str) -> Column:
        """The column called `name`; `KeyError` when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def plain_columns(self) -> tuple[Column, ...]:
        """The columns that hold data of their own: all but the generated ones."""
        return tuple(column for column in self.columns if column.generated is None)


@dataclass(frozen=True, slots=True)
class Trigger:
    """``timing``: BEFORE, AFTER or INSTEAD OF; ``sql``: how it was created."""

    name: str
    table: str
    timing: str
    events: tuple[str, ...]
    sql: str
    schema: str = ""
    columns: tuple[str, ...] = ()
    when: str = ""
    each_row: bool = True
    routine: str = ""
    enabled: bool = True
    body: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """``query`` is the SELECT alone; ``columns`` are the names it shows, as far as they are known."""

    name: str
    query: str
    schema: str = ""
    columns: tuple[str, ...] = ()
    materialised: bool = False
    check_option: str = ""
    indexes: tuple[Index, ...] = ()
    comment: str = ""
    sql: str = ""


@dataclass(frozen=True, slots=True)
class Sequence:
    """``last`` is the last number handed out (None: none yet); ``owner`` is (table, column) it belongs to.

    ``identity``: the sequence is the inner part of an identity column.
    """

    name: str
    schema: str = ""
    type: str = "bigint"
    start: int = 1
    step: int = 1
    minimum: int | None = None
    maximum: int | None = None
    cycle: bool = False
    last: int | None = None
    owner: tuple[str, str] | None = None
    identity: bool = False


@dataclass(frozen=True, slots=True)
class Routine:
    """A function, procedure, aggregate or (MySQL) event; ``sql``: how it was created."""

    name: str
    kind: str
    sql: str
    schema: str = ""
    arguments: str = ""
    returns: str = ""
    language: str = "sql"


@dataclass(frozen=True, slots=True)
class UserType:
    """A type that the database's users made: ``enum`` (``labels``), ``domain`` (``base`` with rules), ``composite``
    or ``range`` (``sql``)."""

    name: str
    kind: str
    schema: str = ""
    labels: tuple[str, ...] = ()
    base: str = ""
    nullable: bool = True
    default: str | None = None
    checks: tuple[Check, ...] = ()
    collation: str = ""
    comment: str = ""
    sql: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """``privileges`` on ``object`` (``kind``: table, sequence, …) for ``grantee``."""

    grantee: str
    object: str
    kind: str
    privileges: tuple[str, ...]
    schema: str = ""
    grantable: bool = False


@dataclass(frozen=True, slots=True)
class Other:
    """Anything else that was found, so that nothing goes unmentioned: an extension, a rule, a policy, …"""

    kind: str
    name: str
    sql: str = ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that was found in one database.  ``encoding`` and ``collation`` are the database's own."""

    dialect: Dialect
    version: str = ""
    tables: tuple[Table, ...] = ()
    views: tuple[View, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    sequences: tuple[Sequence, ...] = ()
    routines: tuple[Routine, ...] = ()
    types: tuple[UserType, ...] = ()
    grants: tuple[Grant, ...] = ()
    others: tuple[Other, ...] = ()
    encoding: str = "UTF-8"
    collation: str = ""

    @property
    def mariadb(self) -> bool:
        """MariaDB, not MySQL: they differ in CHECK, JSON, UUID, sequences and collations."""
        return "mariadb" in self.version.lower()

    def table(self, name: str, schema: str = "") -> Table:
        """The table of that name; `KeyError` when there is none."""
        for table in self.tables:
            if table.name == name and table.schema == schema:
                return table
        raise KeyError(title(schema, name))


def title(schema: str, name: str) -> str:
    """A name for people, with the schema where it is not the default one."""
    return f"{schema}.{name}" if schema else name
