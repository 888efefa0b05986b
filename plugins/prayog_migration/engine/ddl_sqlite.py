"""SQL of SQLite for the objects of a plan: whole tables at once, as nothing can be added to them later."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from prayog_migration.engine.columns import quoted
from prayog_migration.engine.model import Column, ForeignKey, Index, Part, Table, Unique, View

__all__ = ["SqliteWords"]


def _q(name: str) -> str:
    return quoted(name, "sqlite")


class SqliteWords:
    """Writes CREATE statements; with `same` those of the source, which are SQLite's too."""

    def __init__(self, place: Callable[[str, str], str], same: bool = False) -> None:
        self._place = place
        self._same = same

    def table(self, table: Table) -> str:
        if self._same and table.sql:
            return table.sql
        alone = table.key is not None and len(table.key.columns) == 1
        rowid = table.column(table.key.columns[0]) if table.key and alone else None
        numbered = rowid is not None and bool(rowid.identity)
        lines = []
        for column in table.columns:
            key = " PRIMARY KEY AUTOINCREMENT" if numbered and column is rowid else ""
            lines.append(self.column(column) + key)
        if table.key and not numbered:
            lines.append(f"PRIMARY KEY ({_list(table.key.columns)})")
        lines += [f"{_constraint(one.name)}UNIQUE ({_list(one.columns)})" for one in table.uniques]
        lines += [f"{_constraint(one.name)}CHECK ({one.expression})" for one in table.checks]
        lines += [self._references(key) for key in table.foreign_keys]
        return f"CREATE TABLE {self._place(table.name, '')} (\n  " + ",\n  ".join(lines) + "\n)"

    def column(self, column: Column) -> str:
        """One line of CREATE TABLE."""
        parts = [_q(column.name), column.type]
        parts += [] if column.nullable else ["NOT NULL"]
        parts += [f"COLLATE {column.collation}"] if column.collation else []
        if column.generated is not None:
            parts.append(f"GENERATED ALWAYS AS ({column.generated}) {'STORED' if column.stored else 'VIRTUAL'}")
        elif column.default is not None:
            parts.append(f"DEFAULT {column.default}")
        return " ".join(filter(None, parts))

    def _references(self, key: ForeignKey) -> str:
        deferring = " DEFERRABLE" if key.deferrable else ""
        deferring += " INITIALLY DEFERRED" if key.initially_deferred else ""
        return (
            f"{_constraint(key.name)}FOREIGN KEY ({_list(key.columns)}) REFERENCES {_q(key.parent)}"
            f" ({_list(key.parent_columns)}) ON DELETE {key.on_delete} ON UPDATE {key.on_update}{deferring}"
        )

    def comments(self, table: Table) -> Iterator[str]:
        """SQLite has none."""
        return iter(())

    def unique(self, table: Table, unique: Unique) -> str:
        """Part of CREATE TABLE."""
        return ""

    def index(self, table: Table, index: Index) -> str:
        if self._same and index.sql:
            return index.sql
        unique, where = "UNIQUE " if index.unique else "", f" WHERE {index.where}" if index.where else ""
        parts = ", ".join(map(_part, index.parts))
        # The name of an index takes the schema, the table after ON does not.
        return f"CREATE {unique}INDEX {self._place(index.name, '')} ON {_q(table.name)} ({parts}){where}"

    def later(self, table: Table) -> Iterator[tuple[str, str]]:
        """Nothing can be added to a table."""
        return iter(())

    def foreign_key(self, table: Table, key: ForeignKey) -> str:
        """Part of CREATE TABLE."""
        return ""

    def view(self, view: View) -> Iterator[str]:
        if self._same and view.sql:
            yield view.sql
            return
        columns = f" ({_list(view.columns)})" if view.columns else ""
        yield f"CREATE VIEW {self._place(view.name, '')}{columns} AS {view.query}"


def _constraint(name: str) -> str:
    return f"CONSTRAINT {_q(name)} " if name else ""


def _list(names: Sequence[str]) -> str:
    return ", ".join(map(_q, names))


def _part(part: Part) -> str:
    words = [f"({part.text})" if part.expression else _q(part.text)]
    words += [f"COLLATE {part.collation}"] if part.collation else []
    words += ["DESC"] if part.descending else []
    return " ".join(words)
