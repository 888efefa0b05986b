"""SQLite files as a `Store`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from prayog_migration.engine.model import Catalogue, Dialect, Table
from prayog_migration.engine.real.connected import Connected, Writing
from prayog_migration.engine.real.store import Columns, Fault, FaultKind, Position, Row, Walk, Written

__all__ = ["SqliteReader", "SqliteStore", "SqliteWriter"]

_BUSY_SECONDS = 10.0
_ROWS_AT_ONCE = 20
_KEYS_AT_ONCE = 500
"""Parameters of one statement stay below SQLite's old limit of 999."""


class SqliteStore:
    """The file of ``sqlite:///relative`` or ``sqlite:////absolute``."""

    dialect: Dialect = "sqlite"

    def __init__(self, url: str) -> None:
        self.url = url
        self.path = Path(unquote(urlsplit(url).path[1:]))

    def connect(self, mode: str = "rw") -> sqlite3.Connection:
        """A connection in autocommit mode; `mode` is SQLite's: ``ro``, ``rw``, or ``rwc``, which makes the file."""
        address = f"file:{quote(str(self.path.absolute()))}?mode={mode}"
        return sqlite3.connect(address, uri=True, isolation_level=None, timeout=_BUSY_SECONDS, check_same_thread=False)

    def catalogue(self) -> Catalogue:
        from prayog_migration.engine.real.sqlite_catalogue import read

        with self.reader() as reader:
            return read(reader.connection)

    def reader(self, snapshot: str = "") -> SqliteReader:
        return SqliteReader(self)

    def writer(self) -> SqliteWriter:
        return SqliteWriter(self)

    def walk(self, table: Table) -> Walk | None:
        if table.kind != "table":
            return None
        if table.without_rowid:
            assert table.key is not None, "WITHOUT ROWID needs a PRIMARY KEY"
            return Walk(tuple(map(self.quote, table.key.columns)), table.key.columns)
        for column in table.columns:
            if column.identity:  # INTEGER PRIMARY KEY is the rowid (manual, “Rowid Tables”)
                return Walk((self.quote(column.name),), (column.name,))
        taken = {column.name.lower() for column in table.columns}
        name = next((name for name in ("rowid", "_rowid_", "oid") if name not in taken), None)
        return Walk((name,), (), hidden=True, bounds_move=True) if name else None

    def quote(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    def name(self, name: str, schema: str = "") -> str:
        return f"main.{self.quote(name)}"

    def own(self, table: Table) -> str:
        return self.name(table.name, table.schema)

    def fault(self, error: BaseException) -> Fault:
        text = str(error)
        code = getattr(error, "sqlite_errorname", None) or type(error).__name__
        kind: FaultKind = "fatal"
        of_row = code.startswith(("SQLITE_CONSTRAINT", "SQLITE_TOOBIG", "SQLITE_MISMATCH"))
        if of_row or isinstance(error, sqlite3.IntegrityError | UnicodeError | OverflowError):
            kind = "row"
        elif code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            kind = "retry"
        elif code.startswith("SQLITE_FULL"):
            kind = "space"
        elif code.startswith(("SQLITE_CANTOPEN", "SQLITE_IOERR")):
            kind = "connection"
        elif "no such table" in text or "no such column" in text or code == "SQLITE_SCHEMA":
            kind = "schema"
        return Fault(kind, code, text, text.partition("failed: ")[2])


def _lenient(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


class SqliteReader(Connected):
    """A read transaction on a file."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.connection = store.connect()
        self.connection.execute("PRAGMA query_only = ON")
        self.connection.execute("BEGIN")
        self.connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # BEGIN alone takes no snapshot

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
        shown = [*(walk.keys if walk and walk.hidden else ()), *map(self._store.quote, columns)]
        sql = f"SELECT {', '.join(shown) or 'NULL'} FROM {self._store.name(table.name)}"
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
        yield from self._batches(sql, given, size)

    def by_key(
        self, table: Table, columns: Sequence[str], key: Sequence[str], keys: Sequence[Position]
    ) -> Iterator[Row]:
        quote = self._store.quote
        select = f"SELECT {', '.join(map(quote, columns))} FROM {self._store.name(table.name)} WHERE "
        one = "(" + " AND ".join(f"{quote(name)} IS ?" for name in key) + ")"
        at_once = max(1, _KEYS_AT_ONCE // max(1, len(key)))
        for low in range(0, len(keys), at_once):
            some = keys[low : low + at_once]
            if len(key) == 1:
                yield from self._stream(
                    f"{select}{quote(key[0])} IN ({', '.join('?' * len(some))})", [value for (value,) in some]
                )
            else:
                yield from self._stream(select + " OR ".join([one] * len(some)), [v for keys in some for v in keys])

    def count(self, table: Table) -> int:
        return int(self.connection.execute(f"SELECT count(*) FROM {self._store.name(table.name)}").fetchone()[0])

    def last(self, table: Table, walk: Walk) -> Position | None:
        order = ", ".join(f"{key} DESC" for key in walk.keys)
        sql = f"SELECT {', '.join(walk.keys)} FROM {self._store.name(table.name)} ORDER BY {order} LIMIT 1"
        return next(self._stream(sql, ()), None)

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        return list(self._stream(sql, parameters))

    def _stream(self, sql: str, parameters: Sequence[Any]) -> Iterator[Row]:
        for batch in self._batches(sql, parameters, _ROWS_AT_ONCE):
            yield from batch

    def _batches(self, sql: str, parameters: Sequence[Any], size: int) -> Iterator[list[Row]]:
        """Rows as fast as `sqlite3` can; from the first text that is no UTF-8 on, a slower way that keeps its bytes."""
        given = 0
        cursor = self.connection.execute(sql, parameters)
        try:
            while batch := cursor.fetchmany(size):
                yield batch
                given += len(batch)
            return
        except sqlite3.OperationalError as error:
            if "decode to UTF-8" not in str(error):
                raise
        self.connection.text_factory = _lenient
        cursor = self.connection.execute(sql, parameters)
        while given and cursor.fetchone():
            given -= 1
        while batch := cursor.fetchmany(size):
            yield batch

    def close(self) -> None:
        self.connection.close()


class SqliteWriter(Writing):
    """A connection that writes."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.connection = store.connect("rwc")
        # Pages of progress are read while a worker writes; in WAL mode neither waits for the other.
        self.connection.execute("PRAGMA journal_mode = WAL")

    @contextmanager
    def _begun(self) -> Iterator[None]:
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._alive:
                self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    @property
    def _alive(self) -> bool:
        return self.connection.in_transaction  # a full disk has undone it already

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> Written:
        names, marks = ", ".join(map(self._store.quote, columns)), ", ".join("?" * len(columns))
        size = count = 0
        row: Row = ()
        left = iter(rows)

        def counted() -> Iterator[Row]:
            nonlocal size, count, row
            for row in left:
                size += sum(len(v) if isinstance(v, str | bytes) else 8 for v in row)
                count += 1
                yield row

        try:
            cursor = self.connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", counted())
        except UnicodeEncodeError:
            if count != 1 or next(left, None) is not None:
                raise  # the caller halves until there is one row
            return self._no_utf8(table, names, row)
        return Written(max(cursor.rowcount, 0), size)

    def _no_utf8(self, table: str, names: str, row: Row) -> Written:
        """Text that is no UTF-8, as other SQLite files hold it: `sqlite3` takes its bytes only."""
        texts = [isinstance(value, str) for value in row]
        marks = ", ".join("CAST(? AS TEXT)" if text else "?" for text in texts)
        given = [value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value for value in row]
        self.connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", given)
        return Written(1, sum(len(value) if isinstance(value, bytes) else 8 for value in given))

    def insert_columns(self, table: str, columns: Sequence[str], batches: Iterable[Columns]) -> Written:
        return self.insert(table, columns, chain.from_iterable(zip(*batch, strict=True) for batch in batches))

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        return self.connection.execute(sql, parameters).rowcount

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        return self.connection.execute(sql, parameters).fetchall()

    exact = query

    def close(self) -> None:
        self.connection.close()
