"""PostgreSQL as a `Store`: text in, text out, and COPY for bulk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import psycopg
from psycopg import sql as pg
from psycopg.adapt import Buffer, Loader
from psycopg.copy import LibpqWriter
from psycopg.types.string import TextLoader

from prayog_migration.engine.copytext import copy_text
from prayog_migration.engine.model import Catalogue, Dialect, Table
from prayog_migration.engine.real.connected import Connected, Writing
from prayog_migration.engine.real.store import Columns, Fault, FaultKind, Position, Row, Walk, Written, marked

__all__ = ["SESSION_OPTIONS", "PostgresReader", "PostgresStore", "PostgresWriter", "exact_text"]

_FETCH_BYTES = 2_000_000
_ROWS_AT_ONCE = 400
_FLUSH_BYTES = 65_536
"""Sent on as soon as so much is there, so that the server works while the next rows are made ready."""
SESSION_OPTIONS = (
    "-c DateStyle=ISO,YMD -c IntervalStyle=postgres -c TimeZone=UTC -c extra_float_digits=1 -c bytea_output=hex"
)
"""Of every session of ours, so that the same value has the same text whatever the server's settings are."""


class _Bytes(Loader):
    """bytea's hex text as bytes."""

    def load(self, data: Buffer) -> bytes:
        return bytes.fromhex(bytes(data)[2:].decode())


def exact_text(connection: psycopg.Connection[Any] | psycopg.Cursor[Any]) -> None:
    """Give every value as PostgreSQL's own text: no Python type holds all of numeric, timestamp or interval."""
    for info in psycopg.postgres.types:
        for oid in (info.oid, info.array_oid):
            if oid:
                connection.adapters.register_loader(oid, TextLoader)
    connection.adapters.register_loader("bytea", _Bytes)


class PostgresStore:
    """The database at a URL; objects of `schema` have the schema ""."""

    dialect: Dialect = "postgresql"

    def __init__(self, url: str, schema: str = "public") -> None:
        self.url = url
        self.schema = schema

    def connect(self) -> psycopg.Connection[Any]:
        """A connection in autocommit mode that speaks UTC and ISO dates."""
        connection = psycopg.connect(
            self.url, autocommit=True, connect_timeout=10, options=SESSION_OPTIONS, client_encoding="UTF8"
        )
        path = [pg.Identifier(self.schema)]
        if self.schema != "public":
            path.append(pg.Identifier("public"))  # extensions' types live there
        connection.execute(pg.SQL("SET search_path TO {}").format(pg.SQL(", ").join(path)))
        return connection

    def catalogue(self) -> Catalogue:
        from prayog_migration.engine.real.postgres_catalogue import read

        with self.connect() as connection:
            return read(connection, self.schema)

    def reader(self, snapshot: str = "") -> PostgresReader:
        return PostgresReader(self, snapshot)

    def writer(self) -> PostgresWriter:
        return PostgresWriter(self)

    def walk(self, table: Table) -> Walk | None:
        nullable = {column.name for column in table.columns if column.nullable}
        candidates = [table.key.columns] if table.key else []
        candidates += [unique.columns for unique in table.uniques if not unique.deferrable]
        for columns in candidates:
            if not nullable.intersection(columns):
                return Walk(tuple(map(self.quote, columns)), columns)
        return None

    def quote(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    def name(self, name: str, schema: str = "") -> str:
        return f"{self.quote(schema or self.schema)}.{self.quote(name)}"

    def own(self, table: Table) -> str:
        """Of a table that others inherit from only its own rows are meant; a partitioned one is read as a whole."""
        name = self.name(table.name, table.schema)
        return name if table.partitioning and table.partitioning.by else f"ONLY {name}"

    def fault(self, error: BaseException) -> Fault:
        if isinstance(error, UnicodeError):
            return Fault("row", "22021", str(error))
        if not isinstance(error, psycopg.Error):
            return Fault("fatal", type(error).__name__, str(error))
        state, diag = error.sqlstate or "", error.diag
        sentence = diag.message_primary or str(error).strip().split("\n")[0]
        kind: FaultKind = "fatal"
        if state.startswith(("22", "23")) or state == "54000" or (not state and isinstance(error, psycopg.DataError)):
            kind = "row"  # 54000: an index row that is too long
        elif state in ("53100", "53200", "54023"):
            kind = "space"
        elif state in ("40001", "40P01", "55P03", "57014"):
            kind = "retry"
        elif state.startswith(("08", "57P")) or (not state and isinstance(error, psycopg.OperationalError)):
            kind = "connection"
        elif state.startswith(("42P01", "42703", "3F")):
            kind = "schema"
        return Fault(kind, state, sentence, diag.constraint_name or diag.column_name or "")


class PostgresReader(Connected):
    """A REPEATABLE READ, READ ONLY transaction: one snapshot for everything."""

    def __init__(self, store: PostgresStore, snapshot: str = "") -> None:
        self._store = store
        self.connection = store.connect()
        exact_text(self.connection)
        self.connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        if snapshot:
            self.connection.execute(pg.SQL("SET TRANSACTION SNAPSHOT {}").format(pg.Literal(snapshot)))
        self.connection.execute("SELECT 1")
        self._cursors = 0

    def rows(
        self,
        table: Table,
        columns: Sequence[str],
        walk: Walk | None = None,
        after: Position | None = None,
        until: Position | None = None,
        limit: int | None = None,
    ) -> Iterator[Row]:
        for batch in self.batches(table, columns, walk, after, until, limit, _ROWS_AT_ONCE):
            yield from batch

    def batches(
        self,
        table: Table,
        columns: Sequence[str],
        walk: Walk | None = None,
        after: Position | None = None,
        until: Position | None = None,
        limit: int | None = None,
        size: int = 400,
    ) -> Iterator[list[Row]]:
        shown = ", ".join(map(self._store.quote, columns)) or "NULL"
        sql = f"SELECT {shown} FROM {self._store.own(table)}"
        given: list[Any] = []
        if walk:
            keys, marks = ", ".join(walk.keys), ", ".join("?" * len(walk.keys))
            terms = []
            for sign, position in ((">", after), ("<=", until)):
                if position is not None:
                    terms.append(f"({keys}) {sign} ({marks})")
                    given += position
            sql += f" WHERE {' AND '.join(terms)}" if terms else ""
            sql += f" ORDER BY {keys}"
        if limit is not None:
            sql += f" LIMIT {limit}"
        self._cursors += 1
        with self.connection.cursor(name=f"_wiz_{self._cursors}") as cursor:
            cursor.execute(*_statement(sql, given))
            some = min(100, size)
            while rows := cursor.fetchmany(some):
                yield rows
                if len(rows) < some:
                    return
                width = sum(len(v) for row in rows[::10] for v in row if v is not None) / len(rows[::10])
                some = int(max(1, min(size, _FETCH_BYTES / (width + 1))))

    def by_key(
        self, table: Table, columns: Sequence[str], key: Sequence[str], keys: Sequence[Position]
    ) -> Iterator[Row]:
        quote = self._store.quote
        sql = f"SELECT {', '.join(map(quote, columns))} FROM {self._store.own(table)} WHERE "
        sql += f"({', '.join(map(quote, key))}) IN (%s)"
        for low in range(0, len(keys), 1_000):
            some = pg.SQL(", ").join(
                pg.SQL("({})").format(pg.SQL(", ").join(map(pg.Literal, values))) for values in keys[low : low + 1_000]
            )
            yield from self.connection.execute(sql.replace("%s", some.as_string(self.connection)).encode())

    def count(self, table: Table) -> int:
        row = self.connection.execute(f"SELECT count(*) FROM {self._store.own(table)}".encode()).fetchone()
        assert row is not None
        return int(row[0])

    def last(self, table: Table, walk: Walk) -> Position | None:
        order = ", ".join(f"{key} DESC" for key in walk.keys)
        rows = self.query(f"SELECT {', '.join(walk.keys)} FROM {self._store.own(table)} ORDER BY {order} LIMIT 1")
        return rows[0] if rows else None

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        return self.connection.execute(*_statement(sql, parameters)).fetchall()

    def close(self) -> None:
        self.connection.close()


class _Counting(LibpqWriter):
    """Counts what COPY sends."""

    def __init__(self, cursor: psycopg.Cursor[Any]) -> None:
        super().__init__(cursor)
        self.bytes = 0

    def write(self, data: Buffer) -> None:
        self.bytes += len(data)
        super().write(data)


class PostgresWriter(Writing):
    """A connection that writes."""

    def __init__(self, store: PostgresStore) -> None:
        self._store = store
        self.connection = store.connect()

    def _begun(self) -> AbstractContextManager[Any]:
        return self.connection.transaction()

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        with self.connection.transaction():
            yield

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> Written:
        names = ", ".join(map(self._store.quote, columns))
        count = 0
        with self.connection.cursor() as cursor:
            writer = _Counting(cursor)
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN".encode(), writer=writer) as copy:
                write = copy.write_row
                for row in rows:
                    write(row)
                    count += 1
            if cursor.rowcount != count:
                raise psycopg.DataError(f"{count} rows were sent to {table}, {cursor.rowcount} were stored")
        return Written(count, writer.bytes)

    def insert_columns(self, table: str, columns: Sequence[str], batches: Iterable[Columns]) -> Written:
        names = ", ".join(map(self._store.quote, columns))
        count = size = 0
        with self.connection.cursor() as cursor:
            steady = LibpqWriter(cursor, flush_threshold=_FLUSH_BYTES)
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN".encode(), writer=steady) as copy:
                for batch in batches:
                    data = copy_text(batch)
                    copy.write(data)
                    count += len(batch[0])
                    size += len(data)
            if cursor.rowcount != count:
                raise psycopg.DataError(f"{count} rows were sent to {table}, {cursor.rowcount} were stored")
        return Written(count, size)

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        return self.connection.execute(*_statement(sql, parameters)).rowcount

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        return self.connection.execute(*_statement(sql, parameters)).fetchall()

    def exact(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        with self.connection.cursor() as cursor:
            exact_text(cursor)
            return cursor.execute(*_statement(sql, parameters)).fetchall()

    def close(self) -> None:
        self.connection.close()


def _statement(sql: str, parameters: Sequence[Any]) -> tuple[bytes, Sequence[Any] | None]:
    """For psycopg: its own marks for parameters; without any, nothing in the text is special."""
    if not parameters:
        return sql.encode(), None
    return marked(sql).encode(), parameters
