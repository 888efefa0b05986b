"""By which columns a change names its row, so that it can be found again on the other side.

Rules
1. The primary key where it can hold no NULL, else a UNIQUE rule whose columns can hold none.
2. PostgreSQL logs whole old rows where it is told to: without a key all columns together are the identity, and one of
   several equal rows is as good as the other.
3. From SQLite and MySQL rows are read again by their key (see `triggers`, `real.binlog`): a table without a usable one
   cannot be followed, and the sentence says what can be done instead.
"""

from __future__ import annotations

from dataclasses import dataclass

from prayog_migration.engine.model import Dialect, Table

__all__ = ["Identity", "Unfollowable", "identity"]


class Unfollowable(ValueError):
    """Changes of this table cannot be followed; the sentence says why and what can be done."""


@dataclass(frozen=True, slots=True)
class Identity:
    """``columns`` name one row; with ``whole`` they are all columns and may name several equal ones.

    ``index`` is the unique index behind it, "" for the primary key (PostgreSQL must be told).
    """

    columns: tuple[str, ...]
    whole: bool = False
    index: str = ""


def identity(table: Table, dialect: Dialect) -> Identity:
    """How rows of `table` are named.  Raises `Unfollowable`."""
    never_null = {column.name for column in table.columns if _never_null(table, column.name, dialect)}
    if (
        table.key
        and never_null.issuperset(table.key.columns)
        and not (dialect == "postgresql" and table.key.deferrable)
    ):
        return Identity(table.key.columns)
    for unique in table.uniques:
        prefixed = any(part.prefix for part in unique.parts)
        if never_null.issuperset(unique.columns) and not unique.deferrable and not prefixed:
            return Identity(unique.columns, index=unique.name)
    for index in table.indexes:
        plain = not any(part.expression or part.prefix for part in index.parts)
        columns = tuple(part.text for part in index.parts)
        if index.unique and plain and not index.where and never_null.issuperset(columns):
            return Identity(columns, index=index.name)
    if dialect != "postgresql":
        raise Unfollowable(
            f"Table {table.title} has no key that is never NULL, so changes of its rows cannot be told apart. Add one "
            "(a PRIMARY KEY, or UNIQUE on columns that are NOT NULL), leave the table out, or choose the big "
            "bang, which copies while nobody writes."
        )
    columns = tuple(column.name for column in table.plain_columns)
    if not columns:
        raise Unfollowable(f"Table {table.title} has no column of its own, so there is nothing to follow.")
    return Identity(columns, whole=True)


def _never_null(table: Table, name: str, dialect: Dialect) -> bool:
    column = table.column(name)
    if column.generated is not None:
        return False  # it is not among the copied columns, so a change does not carry it
    in_key = table.key is not None and name in table.key.columns
    if dialect == "sqlite":
        # PRIMARY KEY does not mean NOT NULL here, except for the rowid and in WITHOUT ROWID and STRICT tables
        # (manual, “Quirks, Caveats, and Gotchas”, 5; “STRICT Tables”, 2).
        return not column.nullable or bool(column.identity) or (in_key and (table.without_rowid or table.strict))
    return not column.nullable or in_key
