"""SQL of PostgreSQL for the objects of a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from prayog_migration.engine.columns import quoted
from prayog_migration.engine.model import Check, Column, ForeignKey, Index, Part, Table, Unique, UserType, View
from prayog_migration.engine.model import Sequence as NumberSequence

__all__ = ["PostgresWords"]


def _q(name: str) -> str:
    return quoted(name, "postgresql")


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


class PostgresWords:
    """Writes CREATE and ALTER statements; `place` gives a qualified name."""

    def __init__(self, place: Callable[[str, str], str], sequences: Sequence[NumberSequence] = ()) -> None:
        self._place = place
        self._sequences = {one.owner: one for one in sequences if one.owner and one.identity}

    def schema(self, name: str) -> str:
        return f"CREATE SCHEMA IF NOT EXISTS {_q(name)}"

    def extension(self, name: str) -> str:
        return f"CREATE EXTENSION IF NOT EXISTS {_q(name)}"

    def user_type(self, one: UserType) -> str:
        name = self._place(one.name, one.schema)
        if one.kind == "enum":
            return f"CREATE TYPE {name} AS ENUM ({', '.join(map(_text, one.labels))})"
        if one.kind == "composite":
            return f"CREATE TYPE {name} AS ({one.sql})"
        if one.kind == "range":
            return f"CREATE TYPE {name} AS RANGE (SUBTYPE = {one.sql})"
        parts = [f"CREATE DOMAIN {name} AS {one.base}"]
        parts += [f"COLLATE {_q(one.collation)}"] if one.collation else []
        parts += [f"DEFAULT {one.default}"] if one.default is not None else []
        parts += [] if one.nullable else ["NOT NULL"]
        parts += [f"CONSTRAINT {_q(check.name)} CHECK ({check.expression})" for check in one.checks]
        return " ".join(parts)

    def sequence(self, one: NumberSequence) -> str:
        return f"CREATE SEQUENCE {self._place(one.name, one.schema)} AS {one.type}{_numbers(one)}"

    def owner(self, one: NumberSequence) -> str:
        """The sequence is dropped with its column."""
        table, column = one.owner or ("", "")
        column_name = f"{self._place(table, one.schema)}.{_q(column)}"
        return f"ALTER SEQUENCE {self._place(one.name, one.schema)} OWNED BY {column_name}"

    def table(self, table: Table) -> str:
        name, part = self._place(table.name, table.schema), table.partitioning
        head = "CREATE UNLOGGED TABLE" if table.unlogged else "CREATE TABLE"
        end = f" PARTITION BY {part.by}" if part and part.by else ""
        if part and part.parent:
            return f"{head} {name} PARTITION OF {self._place(part.parent, table.schema)} {part.bound}{end}"
        lines = [self.column(column, table) for column in table.columns]
        if table.key:
            key = table.key
            label = f"CONSTRAINT {_q(key.name)} " if key.name else ""
            lines.append(
                f"{label}PRIMARY KEY ({_list(key.columns)}){_include(key.include)}"
                + _deferring(key.deferrable, key.initially_deferred)
            )
        lines += [_check(check) for check in table.checks if check.validated and check.enforced]
        inherits = f" INHERITS ({', '.join(self._place(one, table.schema) for one in table.inherits)})"
        return f"{head} {name} (\n  " + ",\n  ".join(lines) + f"\n){inherits if table.inherits else ''}{end}"

    def column(self, column: Column, table: Table) -> str:
        """One line of CREATE TABLE."""
        parts = [_q(column.name), column.type]
        parts += [f"COLLATE {_q(column.collation)}"] if column.collation else []
        parts += [] if column.nullable else ["NOT NULL"]
        if column.generated is not None:
            parts.append(f"GENERATED ALWAYS AS ({column.generated}) {'STORED' if column.stored else 'VIRTUAL'}")
        elif column.identity:
            numbers = self._sequences.get((table.name, column.name))
            options = f" ({_numbers(numbers).strip()})" if numbers else ""
            parts.append(f"GENERATED {column.identity.upper()} AS IDENTITY{options}")
        elif column.default is not None:
            parts.append(f"DEFAULT {column.default}")
        return " ".join(parts)

    def comments(self, table: Table) -> Iterator[str]:
        name = self._place(table.name, table.schema)
        if table.comment:
            yield f"COMMENT ON TABLE {name} IS {_text(table.comment)}"
        for column in table.columns:
            if column.comment:
                yield f"COMMENT ON COLUMN {name}.{_q(column.name)} IS {_text(column.comment)}"

    def unique(self, table: Table, unique: Unique) -> str:
        nulls = "" if unique.nulls_distinct else " NULLS NOT DISTINCT"
        return (
            f"ALTER TABLE {self._place(table.name, table.schema)} ADD CONSTRAINT {_q(unique.name)} UNIQUE{nulls}"
            f" ({_list(unique.columns)}){_include(unique.include)}"
            + _deferring(unique.deferrable, unique.initially_deferred)
        )

    def index(self, table: Table, index: Index) -> str:
        unique = "UNIQUE " if index.unique else ""
        nulls = "" if index.nulls_distinct else " NULLS NOT DISTINCT"
        where = f" WHERE {index.where}" if index.where else ""
        parts = ", ".join(map(_part, index.parts))
        return (
            f"CREATE {unique}INDEX {_q(index.name)} ON {self._place(table.name, table.schema)} USING {index.method}"
            f" ({parts}){_include(index.include)}{nulls}{where}"
        )

    def later(self, table: Table) -> Iterator[tuple[str, str]]:
        """Constraints that are added when the rows are there: (name, statement)."""
        alter = f"ALTER TABLE {self._place(table.name, table.schema)} ADD"
        for check in table.checks:
            if not check.validated:
                yield check.name, f"{alter} {_check(check)} NOT VALID"
        for exclusion in table.exclusions:
            yield exclusion.name, f"{alter} CONSTRAINT {_q(exclusion.name)} {exclusion.definition}"

    def foreign_key(self, table: Table, key: ForeignKey) -> str:
        valid = "" if key.validated else " NOT VALID"
        match = f" MATCH {key.match}" if key.match else ""
        return (
            f"ALTER TABLE {self._place(table.name, table.schema)} ADD CONSTRAINT {_q(key.name)}"
            f" FOREIGN KEY ({_list(key.columns)}) REFERENCES {self._place(key.parent, key.parent_schema)}"
            f" ({_list(key.parent_columns)}){match} ON DELETE {key.on_delete} ON UPDATE {key.on_update}"
            + _deferring(key.deferrable, key.initially_deferred)
            + valid
        )

    def view(self, view: View) -> Iterator[str]:
        name = self._place(view.name, view.schema)
        columns = f" ({_list(view.columns)})" if view.columns else ""
        check = f" WITH {view.check_option} CHECK OPTION" if view.check_option else ""
        kind = "MATERIALIZED VIEW" if view.materialised else "VIEW"
        yield f"CREATE {kind} {name}{columns} AS {view.query}{check}"
        for index in view.indexes:
            yield self.index(Table(view.name, (), view.schema), index)


def _numbers(one: NumberSequence) -> str:
    made = f" START WITH {one.start} INCREMENT BY {one.step}"
    made += f" MINVALUE {one.minimum}" if one.minimum is not None else ""
    made += f" MAXVALUE {one.maximum}" if one.maximum is not None else ""
    return made + (" CYCLE" if one.cycle else "")


def _list(names: Sequence[str]) -> str:
    return ", ".join(map(_q, names))


def _include(names: Sequence[str]) -> str:
    return f" INCLUDE ({_list(names)})" if names else ""


def _deferring(deferrable: bool, deferred: bool) -> str:
    return (" DEFERRABLE" if deferrable else "") + (" INITIALLY DEFERRED" if deferred else "")


def _check(check: Check) -> str:
    label = f"CONSTRAINT {_q(check.name)} " if check.name else ""
    return f"{label}CHECK ({check.expression})"


def _part(part: Part) -> str:
    words = [f"({part.text})" if part.expression else _q(part.text)]
    words += [f"COLLATE {_q(part.collation)}"] if part.collation else []
    words += [part.opclass] if part.opclass else []
    words += ["DESC"] if part.descending else []
    words += [f"NULLS {part.nulls.upper()}"] if part.nulls else []
    return " ".join(words)
