"""SQL of MySQL and MariaDB for the objects of a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from prayog_migration.engine.columns import quoted
from prayog_migration.engine.model import Check, Column, ForeignKey, Index, Part, Table, Unique, View
from prayog_migration.engine.model import Sequence as NumberSequence

__all__ = ["MysqlWords"]

_BINARY = {True: "utf8mb4_nopad_bin", False: "utf8mb4_0900_bin"}
"""The collation that compares as SQLite and PostgreSQL do: byte by byte, spaces at the end counted."""


def _q(name: str) -> str:
    return quoted(name, "mysql")


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


class MysqlWords:
    """Writes CREATE and ALTER statements; with `same` charsets, collations and engines are the source's."""

    def __init__(self, place: Callable[[str, str], str], mariadb: bool, same: bool = False) -> None:
        self._place = place
        self._mariadb = mariadb
        self._same = same

    def table(self, table: Table) -> str:
        lines = [self.column(column) for column in table.columns]
        if table.key:
            lines.append(f"PRIMARY KEY ({self._parts(table.key.columns, table.key.parts)})")
        unique = self._numbering(table)
        lines += [f"UNIQUE KEY {_q(one.name)} ({self._parts(one.columns, one.parts)})" for one in unique]
        lines += [f"KEY ({_q(name)})" for name in self._unkeyed(table) if not unique]
        lines += [_check(check) for check in table.checks]
        engine = table.engine or "InnoDB"
        if self._same:
            collation = f" DEFAULT CHARSET={table.charset} COLLATE={table.collation}" if table.collation else ""
        else:
            collation = f" DEFAULT CHARSET=utf8mb4 COLLATE={_BINARY[self._mariadb]}"
        comment = f" COMMENT={_text(table.comment)}" if table.comment else ""
        by = table.partitioning.by if table.partitioning and self._same else ""
        partition = f" PARTITION BY {by}" if by else ""
        body = ",\n  ".join(lines)
        name = self._place(table.name, "")
        return f"CREATE TABLE {name} (\n  {body}\n) ENGINE={engine}{collation}{comment}{partition}"

    def _unkeyed(self, table: Table) -> list[str]:
        """AUTO_INCREMENT columns that are not the key's first: the server wants an index on them from the start."""
        first = table.key.columns[0] if table.key else ""
        return [column.name for column in table.columns if column.identity and column.name != first]

    def _numbering(self, table: Table) -> list[Unique]:
        """UNIQUEs that serve as that index."""
        numbered = self._unkeyed(table)
        return [one for one in table.uniques if one.columns[0] in numbered][:1]

    def column(self, column: Column) -> str:
        """One line of CREATE TABLE."""
        parts = [_q(column.name), column.type]
        if column.collation and not column.type.lower().startswith("json"):
            charset = column.charset or column.collation.partition("_")[0]
            parts.append(f"CHARACTER SET {charset} COLLATE {column.collation}")
        if column.generated is not None:
            parts.append(f"GENERATED ALWAYS AS ({column.generated}) {'STORED' if column.stored else 'VIRTUAL'}")
        else:
            # A TIMESTAMP that is not told to allow NULL may not, on older servers.
            parts.append("NULL" if column.nullable else "NOT NULL")
        if column.invisible:
            parts.append("INVISIBLE")
        if column.identity:
            parts.append("AUTO_INCREMENT")
        elif column.default is not None and column.generated is None:
            parts.append(f"DEFAULT {column.default}")
        if column.on_update:
            parts.append(f"ON UPDATE {column.on_update}")
        if column.comment:
            parts.append(f"COMMENT {_text(column.comment)}")
        return " ".join(parts)

    def _parts(self, columns: Sequence[str], parts: Sequence[Part]) -> str:
        return ", ".join(map(_part, parts)) if parts else ", ".join(map(_q, columns))

    def comments(self, table: Table) -> Iterator[str]:
        """Part of CREATE TABLE."""
        return iter(())

    def unique(self, table: Table, unique: Unique) -> str:
        if unique in self._numbering(table):
            return ""
        parts = self._parts(unique.columns, unique.parts)
        return f"ALTER TABLE {self._place(table.name, '')} ADD UNIQUE KEY {_q(unique.name)} ({parts})"

    def index(self, table: Table, index: Index) -> str:
        kind = {"fulltext": "FULLTEXT ", "spatial": "SPATIAL "}.get(index.method, "UNIQUE " if index.unique else "")
        parts = ", ".join(map(_part, index.parts))
        return f"ALTER TABLE {self._place(table.name, '')} ADD {kind}KEY {_q(index.name)} ({parts})"

    def later(self, table: Table) -> Iterator[tuple[str, str]]:
        """Nothing more."""
        return iter(())

    def foreign_key(self, table: Table, key: ForeignKey) -> str:
        return (
            f"ALTER TABLE {self._place(table.name, '')} ADD CONSTRAINT {_q(key.name)} FOREIGN KEY"
            f" ({', '.join(map(_q, key.columns))}) REFERENCES {self._place(key.parent, key.parent_schema)}"
            f" ({', '.join(map(_q, key.parent_columns))}) ON DELETE {key.on_delete} ON UPDATE {key.on_update}"
        )

    def sequence(self, one: NumberSequence) -> str:
        """MariaDB only."""
        minimum = f" MINVALUE {one.minimum}" if one.minimum is not None else ""
        maximum = f" MAXVALUE {min(one.maximum, 2**63 - 2)}" if one.maximum is not None else ""
        return (
            f"CREATE SEQUENCE {self._place(one.name, '')} START WITH {one.start} INCREMENT BY {one.step}"
            f"{minimum}{maximum}{' CYCLE' if one.cycle else ''}"
        )

    def view(self, view: View) -> Iterator[str]:
        columns = f" ({', '.join(map(_q, view.columns))})" if view.columns else ""
        check = f" WITH {view.check_option} CHECK OPTION" if view.check_option else ""
        yield f"CREATE VIEW {self._place(view.name, '')}{columns} AS {view.query}{check}"


def _check(check: Check) -> str:
    label = f"CONSTRAINT {_q(check.name)} " if check.name else ""
    return f"{label}CHECK ({check.expression})"


def _part(part: Part) -> str:
    text = f"({part.text})" if part.expression else _q(part.text)
    return text + (f"({part.prefix})" if part.prefix else "") + (" DESC" if part.descending else "")
