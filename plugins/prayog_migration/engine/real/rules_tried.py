"""Tries to break every rule of the target on purpose, in a transaction that is undone.

A constraint that exists is not yet one that works: it may be NOT VALID, disabled, or about another column.  Each rule
is tried with a row that is there: a copy of its key, a NULL, a parent that does not exist, a value that makes a CHECK
false.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from prayog_migration.engine.model import Check, ForeignKey, Table
from prayog_migration.engine.plan import Plan
from prayog_migration.engine.real.store import Store, Writer

__all__ = ["Tried", "try_rules"]

Outcome = Literal["refused", "accepted", "not tried"]


@dataclass(frozen=True, slots=True)
class Tried:
    """One rule and what happened: ``refused`` is as it should be; ``said`` is the target's words, or why not tried."""

    table: str
    kind: str
    name: str
    outcome: Outcome
    said: str


class _Undo(Exception):
    """Ends the transaction without a trace."""


def try_rules(target: Store, plan: Plan) -> list[Tried]:
    """Every key, UNIQUE, NOT NULL, foreign key and CHECK of the plan's tables; nothing is changed."""
    found: list[Tried] = []
    tables = {(move.target.schema, move.target.name): move.target for move in plan.tables}
    with target.writer() as writer:
        if target.dialect == "sqlite":
            writer.execute("PRAGMA foreign_keys = ON")
        for move in plan.tables:
            try:
                with writer.transaction():
                    if target.dialect == "postgresql":  # a trigger could put right what is tried
                        name = target.name(move.target.name, move.target.schema)
                        writer.execute(f"ALTER TABLE {name} DISABLE TRIGGER USER")
                    found += _Trying(target, writer, move.target, tables).all()
                    raise _Undo
            except _Undo:
                continue
    return found


_ODD = ("-1", "0", "999999999", "''", "'~'", "'x'", "'0001-01-01'", "NULL", f"'{'x' * 300}'")
"""Values of which one makes most conditions false."""


_OTHERWISE = ("REPLACE", "IGNORE")
"""SQLite's conflict clauses that put something else in the place of what is refused."""


class _Trying:
    def __init__(
        self, target: Store, writer: Writer, table: Table, tables: Mapping[tuple[str, str], Table]
    ) -> None:
        self._tables = tables
        self._target, self._writer, self._table = target, writer, table
        self._name = target.name(table.name, table.schema)
        self._q = target.quote
        self._key = [self._q(name) for name in table.key.columns] if table.key else []
        self._here = self._row(0)

    def _row(self, offset: int) -> str:
        """A condition that only one row fulfils; "" when there is none."""
        if not self._key:
            return ""
        order = ", ".join(self._key)
        rows = self._writer.exact(f"SELECT {order} FROM {self._name} ORDER BY {order} LIMIT 1 OFFSET {offset}")
        if not rows:
            return ""
        return " AND ".join(f"{key} = {self._literal(value)}" for key, value in zip(self._key, rows[0], strict=True))

    def all(self) -> Iterator[Tried]:
        table = self._table
        columns = [column for column in table.columns if column.generated is None]
        if table.key:
            names = ", ".join(self._q(column.name) for column in columns)
            over = " OVERRIDING SYSTEM VALUE" if self._target.dialect == "postgresql" else ""
            sql = f"INSERT INTO {self._name} ({names}){over} SELECT {names} FROM {self._name} WHERE {self._here}"
            yield self._tried("key", ", ".join(table.key.columns), sql)
        for unique in table.uniques:
            if unique.conflict in _OTHERWISE:
                label = unique.name or ", ".join(unique.columns)
                yield Tried(table.title, "unique", label, "not tried", f"ON CONFLICT {unique.conflict} puts it right")
                continue
            yield self._unique(unique.name, unique.columns)
        for index in table.indexes:
            if index.unique and not any(part.expression for part in index.parts) and not index.where:
                yield self._unique(index.name, tuple(part.text for part in index.parts))
        for column in columns:
            # MySQL puts the time into a TIMESTAMP that is given NULL.
            stamped = self._target.dialect == "mysql" and column.type.lower().startswith("timestamp")
            if column.conflict in _OTHERWISE:
                yield Tried(table.title, "not null", column.name, "not tried", f"ON CONFLICT {column.conflict}")
            elif not column.nullable and not column.identity and not stamped:
                sql = f"UPDATE {self._name} SET {self._q(column.name)} = NULL WHERE {self._here}"
                yield self._tried("not null", column.name, sql)
        for key in table.foreign_keys:
            yield self._foreign_key(key)
        for check in table.checks:
            yield self._check(check)

    def _tried(self, kind: str, name: str, sql: str) -> Tried:
        if not self._here:
            why = "the table has no key" if not self._key else "the table is empty"
            return Tried(self._table.title, kind, name, "not tried", why)
        error = self._refused(sql)
        return Tried(self._table.title, kind, name, "refused" if error else "accepted", error or sql)

    def _refused(self, sql: str) -> str:
        """What the target said against the statement, "" when it took it; either way it is undone."""
        try:
            with self._writer.savepoint():
                changed = self._writer.execute(sql)
                if self._target.dialect == "postgresql":
                    self._writer.execute("SET CONSTRAINTS ALL IMMEDIATE")
                if self._target.dialect == "sqlite" and self._writer.query("PRAGMA foreign_key_check"):
                    return "FOREIGN KEY constraint failed, at the latest at COMMIT"
                raise _Undo if changed else ValueError("no row was there to try it with")
        except _Undo:
            return ""
        except Exception as error:
            fault = self._target.fault(error)
            if fault.kind in ("connection", "space"):
                raise
            return fault.sentence

    def _unique(self, name: str, columns: tuple[str, ...]) -> Tried:
        other = self._row(1)
        if not other:
            return Tried(self._table.title, "unique", name, "not tried", "fewer than two rows")
        known = " AND ".join(f"{self._q(column)} IS NOT NULL" for column in columns)
        names = ", ".join(map(self._q, columns))
        rows = self._writer.exact(f"SELECT {names} FROM {self._name} WHERE {known} AND NOT ({other}) LIMIT 1")
        if not rows:
            return Tried(self._table.title, "unique", name, "not tried", "no row has a value there")
        values = ", ".join(f"{self._q(c)} = {self._literal(v)}" for c, v in zip(columns, rows[0], strict=True))
        return self._tried("unique", name, f"UPDATE {self._name} SET {values} WHERE {other}")

    def _foreign_key(self, key: ForeignKey) -> Tried:
        above = self._tables.get((key.parent_schema, key.parent))
        columns = key.parent_columns or (above.key.columns if above and above.key else ())
        if above is None or not columns:  # SQLite takes a reference to a table that is not there
            return Tried(self._table.title, "foreign key", key.name, "not tried", f"{key.parent} is not on the target")
        parent = self._target.name(key.parent, key.parent_schema)
        values = []
        for child, column in zip(key.columns, columns, strict=True):
            rows = self._writer.exact(f"SELECT max({self._q(column)}) FROM {parent}")
            highest = rows[0][0]
            number = isinstance(highest, int) or str(highest or "").lstrip("-").isdigit()
            other = str(int(highest) + 1) if number else self._literal("none such")
            values.append(f"{self._q(child)} = {other}")
        sql = f"UPDATE {self._name} SET {', '.join(values)} WHERE {self._here}"
        return self._tried("foreign key", key.name, sql)

    def _check(self, check: Check) -> Tried:
        """Sets each column that the condition names to odd values until it is false."""
        if not self._here:
            return self._tried("check", check.name, "")
        for column in self._table.columns:
            if self._q(column.name) not in check.expression and column.name not in check.expression:
                continue
            for value in _ODD:
                sql = f"UPDATE {self._name} SET {self._q(column.name)} = {value} WHERE {self._here}"
                outcome = self._false(sql, check)
                if outcome is not None:
                    return Tried(self._table.title, "check", check.name, *outcome)
        return Tried(self._table.title, "check", check.name, "not tried", "no value was found that makes it false")

    def _false(self, sql: str, check: Check) -> tuple[Outcome, str] | None:
        """What became of a change; None when the condition holds after it, or something else stood in the way."""
        try:
            with self._writer.savepoint():
                self._writer.execute(sql)
                broken = f"SELECT count(*) FROM {self._name} WHERE NOT ({check.expression})"
                raise _Undo(int(self._writer.query(broken)[0][0]))
        except _Undo as undo:
            return ("accepted", sql) if undo.args[0] else None
        except Exception as error:
            fault = self._target.fault(error)
            if fault.kind in ("connection", "space"):
                raise
            about = check.name.lower() in f"{fault.sentence} {fault.constraint}".lower()
            return ("refused", fault.sentence) if about else None

    def _literal(self, value: object) -> str:
        """A value in exchange form as SQL."""
        if value is None:
            return "NULL"
        if isinstance(value, bytes):
            return f"'\\x{value.hex()}'" if self._target.dialect == "postgresql" else f"x'{value.hex()}'"
        if isinstance(value, int | float):
            return repr(value)
        text = str(value).replace("'", "''")
        return "'" + (text.replace("\\", "\\\\") if self._target.dialect == "mysql" else text) + "'"
