"""Many rows at once, in the words of each dialect: what `apply` asks of a target table.

Rules
1. Everything happens on one writer, inside the transaction that the caller has begun.
2. Rows are removed by key and inserted plainly; how many were meant is counted against how many it were.
3. Foreign keys and triggers of the target rest meanwhile: the source has carried them out, and their effects are in
   the stream (`rest`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prayog_migration.engine.model import PREFIX
from prayog_migration.engine.plan import TableMove
from prayog_migration.engine.real.capture import CannotCapture
from prayog_migration.engine.real.store import Columns, Row, Store, Writer

__all__ = ["Bulk", "bulk", "rest"]

_WORTH_A_FILE = 5_000
"""Deleted rows in a temporary table of PostgreSQL from which on it is truncated."""


def rest(writer: Writer, dialect: str) -> None:
    """Foreign keys and triggers rest in this session.  Raises `CannotCapture` where that is not allowed."""
    if dialect == "sqlite":
        return  # foreign keys are off unless a session asks for them; triggers are made at the switch-over
    if dialect == "mysql":
        writer.execute("SET SESSION foreign_key_checks = 0, unique_checks = 1")
        return
    import psycopg

    try:
        writer.execute("SET session_replication_role = replica")
    except psycopg.errors.InsufficientPrivilege:
        raise CannotCapture(
            "The target's user may not let foreign keys rest while changes are applied. Let an administrator run GRANT "
            "SET ON PARAMETER session_replication_role TO this user, or use a superuser."
        ) from None
    # Nested loops over the key's index: a temporary table has no statistics, and a hash join would read all of the
    # target for every small batch.
    writer.execute("SET enable_hashjoin = off")
    writer.execute("SET enable_mergejoin = off")


class Bulk:
    """One table of the target.  ``key`` are the target's names of the identity's columns, () for a bag."""

    def __init__(self, store: Store, writer: Writer, number: int, move: TableMove, key: Sequence[str]) -> None:
        self.store = store
        self.writer = writer
        self.move = move
        self.key = tuple(key)
        self.table = store.name(move.target.name, move.target.schema)
        self.own = store.own(move.target)
        self._keys = store.quote(f"{PREFIX}_k{number}")
        self._rows = store.quote(f"{PREFIX}_r{number}")
        self._staged = False
        self._used: dict[str, int] = {}
        self._quoted_key = [store.quote(name) for name in self.key]
        self._quoted = [store.quote(name) for name in move.writes]

    def clear(self) -> int:
        """All rows go.  (TRUNCATE is refused while other tables refer to this one.)"""
        return self.writer.execute(f"DELETE FROM {self.own}")

    def remove(self, keys: Columns) -> int:
        """The rows with these keys go; how many there were."""
        raise NotImplementedError

    def insert(self, columns: Columns) -> None:
        """New rows, plainly."""
        if columns and columns[0]:
            self.writer.insert_columns(self.table, self.move.writes, [columns])

    def stage(self, rows: Sequence[tuple[Row, Row, str]]) -> list[int]:
        """Rows that take cells from the row with a key as it is now: (key, row, mask with ``u`` for such cells).

        Returns which of them have no such row.  They are inserted by `insert_staged`, after the removals.
        """
        raise NotImplementedError

    def insert_staged(self) -> int:
        """Insert what `stage` has completed; how many."""
        raise NotImplementedError

    def remove_equal(self, row: Row, count: int) -> int:
        """At most `count` of the rows that equal `row` go (a table without a key)."""
        raise NotImplementedError


class _Server(Bulk):
    """What PostgreSQL and MySQL have in common: temporary tables with the types of the target's columns."""

    def _temporary(self) -> None:
        raise NotImplementedError

    def _stage(self) -> None:
        if not self._staged:
            self._temporary()
            self._staged = True

    def remove(self, keys: Columns) -> int:
        if not keys or not keys[0]:
            return 0
        self._stage()
        names = [f"_o{n}" for n in range(len(self.key))]
        self.writer.insert_columns(self._keys, names, [keys])
        same = " AND ".join(f"t.{name} = k._o{n}" for n, name in enumerate(self._quoted_key))
        count = self.writer.execute(self._delete(same))
        self._empty(self._keys, len(keys[0]))
        return count

    def _empty(self, table: str, rows: int) -> None:
        """A temporary table that held so many rows is used again for the next batch."""
        self.writer.execute(f"DELETE FROM {table}")

    def _delete(self, same: str) -> str:
        raise NotImplementedError

    def stage(self, rows: Sequence[tuple[Row, Row, str]]) -> list[int]:
        self._stage()
        names = [*(f"_o{n}" for n in range(len(self.key))), "_n", "_mask", *self.move.writes]
        self.writer.insert(self._rows, names, [(*key, n, mask, *row) for n, (key, row, mask) in enumerate(rows)])
        same = " AND ".join(f"t.{name} = s._o{n}" for n, name in enumerate(self._quoted_key))
        for mask in {mask for _, _, mask in rows}:
            cells = [name for name, letter in zip(self._quoted, mask, strict=True) if letter == "u"]
            self.writer.execute(self._fill(cells, same), (mask,))
        lone = self.writer.query(
            f"SELECT _n FROM {self._rows} s WHERE NOT EXISTS (SELECT 1 FROM {self.table} t WHERE {same})"
        )
        missing = sorted(int(n) for (n,) in lone)
        for n in missing:
            self.writer.execute(f"DELETE FROM {self._rows} WHERE _n = ?", (n,))
        return missing

    def _fill(self, cells: Sequence[str], same: str) -> str:
        raise NotImplementedError

    def insert_staged(self) -> int:
        names = ", ".join(self._quoted)
        count = self.writer.execute(
            f"INSERT INTO {self.table} ({names}) {self._overriding}SELECT {names} FROM {self._rows}"
        )
        self._empty(self._rows, count)
        return count

    _overriding = ""


class _Postgres(_Server):
    _overriding = "OVERRIDING SYSTEM VALUE "

    def _empty(self, table: str, rows: int) -> None:
        # Nothing vacuums a temporary table, and reading it gets slower with what was deleted; TRUNCATE has a new file
        # made, which for a few rows takes longer than anything else.
        used = self._used.get(table, 0) + rows
        self._used[table] = 0 if used > _WORTH_A_FILE else used
        self.writer.execute(f"{'TRUNCATE' if used > _WORTH_A_FILE else 'DELETE FROM'} {table}")

    def _temporary(self) -> None:
        keys = ", ".join(f"{name} AS _o{n}" for n, name in enumerate(self._quoted_key))
        self.writer.execute(f"CREATE TEMP TABLE {self._keys} AS SELECT {keys} FROM {self.table} WITH NO DATA")
        self.writer.execute(
            f"CREATE TEMP TABLE {self._rows} AS SELECT {keys}, 0 AS _n, ''::text AS _mask, {', '.join(self._quoted)}"
            f" FROM {self.table} WITH NO DATA"
        )

    def _delete(self, same: str) -> str:
        return f"DELETE FROM {self.own} t USING {self._keys} k WHERE {same}"

    def _fill(self, cells: Sequence[str], same: str) -> str:
        values = ", ".join(f"{name} = t.{name}" for name in cells)
        return f"UPDATE {self._rows} s SET {values} FROM {self.own} t WHERE {same} AND s._mask = ?"

    def remove_equal(self, row: Row, count: int) -> int:
        # As text: json and point have no equality, and what was written is what the stream says.
        terms = " AND ".join(f"{name}::text IS NOT DISTINCT FROM ?" for name in self._quoted)
        values = [f"\\x{value.hex()}" if isinstance(value, bytes) else value for value in row]
        return self.writer.execute(
            f"DELETE FROM {self.own} WHERE (tableoid, ctid) IN (SELECT tableoid, ctid FROM {self.own} WHERE {terms}"
            f" LIMIT {count})",
            values,
        )


class _Mysql(_Server):
    def _temporary(self) -> None:
        keys = ", ".join(f"t.{name} AS _o{n}" for n, name in enumerate(self._quoted_key))
        # The outer join makes every column nullable.
        none = f"(SELECT 1 AS _x) AS x LEFT JOIN {self.table} t ON FALSE"
        columns = ", ".join(f"t.{name} AS {name}" for name in self._quoted)
        self.writer.execute(f"CREATE TEMPORARY TABLE {self._keys} AS SELECT {keys} FROM {none} LIMIT 0")
        self.writer.execute(
            f"CREATE TEMPORARY TABLE {self._rows} AS SELECT {keys}, 0 AS _n, CAST('' AS CHAR(4096)) AS _mask, {columns}"
            f" FROM {none} LIMIT 0"
        )

    def _delete(self, same: str) -> str:
        return f"DELETE t FROM {self._keys} k STRAIGHT_JOIN {self.table} t ON {same}"

    def _fill(self, cells: Sequence[str], same: str) -> str:
        values = ", ".join(f"s.{name} = t.{name}" for name in cells)
        return f"UPDATE {self._rows} s JOIN {self.table} t ON {same} SET {values} WHERE s._mask = ?"

    def remove_equal(self, row: Row, count: int) -> int:
        terms = " AND ".join(f"{name} <=> ?" for name in self._quoted)
        return self.writer.execute(f"DELETE FROM {self.table} WHERE {terms} LIMIT {count}", row)


class _Sqlite(Bulk):
    """In the same process a prepared statement is quicker than any staging."""

    def __init__(self, store: Store, writer: Writer, number: int, move: TableMove, key: Sequence[str]) -> None:
        super().__init__(store, writer, number, move, key)
        self._complete: list[Row] = []

    def remove(self, keys: Columns) -> int:
        if not keys or not keys[0]:
            return 0
        terms = " AND ".join(f"{name} = ?" for name in self._quoted_key)
        connection: Any = self.writer
        cursor = connection.connection.executemany(
            f"DELETE FROM {self.table} WHERE {terms}", zip(*keys, strict=True)
        )
        return int(cursor.rowcount)

    def stage(self, rows: Sequence[tuple[Row, Row, str]]) -> list[int]:
        terms = " AND ".join(f"{name} = ?" for name in self._quoted_key)
        sql = f"SELECT {', '.join(self._quoted)} FROM {self.table} WHERE {terms}"
        missing = []
        for n, (key, row, mask) in enumerate(rows):
            found = self.writer.query(sql, key)
            if found:
                self._complete.append(
                    tuple(old if m == "u" else new for old, new, m in zip(found[0], row, mask, strict=True))
                )
            else:
                missing.append(n)
        return missing

    def insert_staged(self) -> int:
        rows, self._complete = self._complete, []
        self.insert(list(zip(*rows, strict=True)))
        return len(rows)

    def remove_equal(self, row: Row, count: int) -> int:
        terms = " AND ".join(f"{name} IS ?" for name in self._quoted)
        return self.writer.execute(
            f"DELETE FROM {self.table} WHERE rowid IN (SELECT rowid FROM {self.table} WHERE {terms} LIMIT {count})", row
        )


def bulk(store: Store, writer: Writer, number: int, move: TableMove, key: Sequence[str]) -> Bulk:
    """The words for `store`'s dialect."""
    kinds: dict[str, type[Bulk]] = {"postgresql": _Postgres, "mysql": _Mysql, "sqlite": _Sqlite}
    return kinds[store.dialect](store, writer, number, move, key)
