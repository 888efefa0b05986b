"""MySQL and MariaDB as a `Store`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any
from urllib.parse import unquote, urlsplit

import pymysql
from pymysql.constants import CLIENT
from pymysql.cursors import SSCursor

from prayog_migration.engine.model import Catalogue, Dialect, Table
from prayog_migration.engine.real.connected import Connected, Writing
from prayog_migration.engine.real.store import Columns, Fault, FaultKind, Position, Row, Walk, Written, marked

__all__ = ["MysqlReader", "MysqlStore", "MysqlWriter"]

_ROWS_AT_ONCE = 100
_SPACE = {1021, 1041, 1114, 3675}
_RETRY = {1205, 1213, 1020}
_CONNECTION = {2002, 2003, 2006, 2013, 2014, 1040, 1053, 1927}
_SCHEMA = {1054, 1146, 1049}
_ROW = {1048, 1062, 1153, 1264, 1265, 1292, 1364, 1366, 1406, 1411, 1451, 1452, 1526, 1690, 3140, 3819, 4025}
_MODE = "STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO,ERROR_FOR_DIVISION_BY_ZERO"
"""Strict, so that nothing is cut silently; zero dates and a 0 in an AUTO_INCREMENT column are data."""


class MysqlStore:
    """The database of ``mysql://user:password@host:port/database``."""

    dialect: Dialect = "mysql"

    def __init__(self, url: str) -> None:
        self.url = url
        parts = urlsplit(url)
        self.database = unquote(parts.path.lstrip("/"))
        if not self.database:
            raise ValueError("The URL of a MySQL or MariaDB database ends with its name, such as …:3306/shop.")
        self.address = {
            "host": parts.hostname or "127.0.0.1",
            "port": parts.port or 3306,
            "user": unquote(parts.username or "root"),
            "password": unquote(parts.password or ""),
            "database": self.database,
        }

    def connect(self, **more: Any) -> pymysql.connections.Connection[Any]:
        """A connection in autocommit mode that speaks UTC, utf8mb4 and strict SQL; no value is changed on its way."""
        connection = pymysql.connect(
            **self.address,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=10,
            binary_prefix=True,
            client_flag=CLIENT.FOUND_ROWS,
            **more,
        )
        with connection.cursor() as cursor:
            cursor.execute(f"SET SESSION time_zone='+00:00', sql_mode='{_MODE}', net_write_timeout=3600")
        return connection

    def catalogue(self) -> Catalogue:
        from prayog_migration.engine.real.mysql_catalogue import read

        connection = self.connect()
        try:
            return read(connection, self.database)
        finally:
            connection.close()

    def reader(self, snapshot: str = "") -> MysqlReader:
        return MysqlReader(self)

    def writer(self) -> MysqlWriter:
        return MysqlWriter(self)

    def walk(self, table: Table) -> Walk | None:
        by_name = {column.name: column for column in table.columns}
        candidates = [table.key.columns] if table.key else []
        candidates += [u.columns for u in table.uniques if not any(part.prefix for part in u.parts)]
        for columns in candidates:
            if any(by_name[name].nullable for name in columns):
                continue
            # ENUM and SET sort by number and compare as text, BIT has no literal; as numbers all three do both.
            odd = [by_name[name].type.lower().startswith(("enum", "set", "bit", "float")) for name in columns]
            if any(odd):
                keys = tuple(self.quote(n) + ("+0" if o else "") for n, o in zip(columns, odd, strict=True))
                return Walk(keys, (), hidden=True)
            return Walk(tuple(map(self.quote, columns)), columns)
        return None

    def quote(self, name: str) -> str:
        return "`" + name.replace("`", "``") + "`"

    def name(self, name: str, schema: str = "") -> str:
        return f"{self.quote(schema or self.database)}.{self.quote(name)}"

    def own(self, table: Table) -> str:
        return self.name(table.name, table.schema)

    def fault(self, error: BaseException) -> Fault:
        if isinstance(error, UnicodeError):
            return Fault("row", "1366", str(error))
        if not isinstance(error, pymysql.Error):
            return Fault("fatal", type(error).__name__, str(error))
        number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        sentence = str(error.args[1]) if len(error.args) > 1 else str(error)
        kind: FaultKind = "fatal"
        if number in _ROW or (not number and isinstance(error, pymysql.DataError | pymysql.ProgrammingError)):
            kind = "row"  # 1153: one value is longer than max_allowed_packet; no number: inf and nan
        elif number in _SPACE:
            kind = "space"
        elif number in _RETRY:
            kind = "retry"
        elif number in _CONNECTION or (not number and isinstance(error, pymysql.InterfaceError)):
            kind = "connection"
        elif number in _SCHEMA:
            kind = "schema"
        return Fault(kind, str(number or type(error).__name__), sentence)


class MysqlReader(Connected):
    """A consistent snapshot (REPEATABLE READ); tables of engines without transactions are read as they are."""

    def __init__(self, store: MysqlStore) -> None:
        self._store = store
        self.connection = store.connect(conv={})
        self.connection.encoders = pymysql.converters.encoders  # without decoders every number and date stays text
        with self.connection.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")

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
        shown = [*(walk.keys if walk and walk.hidden else ()), *(self._exact(table, name) for name in columns)]
        sql = f"SELECT {', '.join(shown) or 'NULL'} FROM {self._store.name(table.name, table.schema)}"
        given: list[Any] = []
        if walk:
            terms = []
            for last, position in ((">", after), ("<=", until)):
                if position is not None:
                    term, values = _beyond(walk.keys, position, last)
                    terms.append(term)
                    given += values
            sql += f" WHERE {' AND '.join(terms)}" if terms else ""
            sql += f" ORDER BY {', '.join(walk.keys)}"
        if limit is not None:
            sql += f" LIMIT {limit}"
        with self.connection.cursor(SSCursor) as cursor:
            cursor.execute(*_statement(sql, given))
            while batch := cursor.fetchmany(size):
                yield list(batch)

    def _exact(self, table: Table, name: str) -> str:
        """A FLOAT is shown with six digits; as a DOUBLE it shows all of them."""
        quoted = self._store.quote(name)
        kind = next((column.type for column in table.columns if column.name == name), "")
        return f"({quoted} + 0e0)" if kind.lower().startswith("float") else quoted

    def by_key(
        self, table: Table, columns: Sequence[str], key: Sequence[str], keys: Sequence[Position]
    ) -> Iterator[Row]:
        quote = self._store.quote
        shown = ", ".join(self._exact(table, name) for name in columns)
        sql = f"SELECT {shown} FROM {self._store.name(table.name, table.schema)} WHERE "
        sql += f"({', '.join(map(quote, key))}) IN ("
        one = f"({', '.join('?' * len(key))})"
        for low in range(0, len(keys), 1_000):
            some = keys[low : low + 1_000]
            yield from self.query(sql + ", ".join([one] * len(some)) + ")", [v for values in some for v in values])

    def count(self, table: Table) -> int:
        return int(self.query(f"SELECT count(*) FROM {self._store.name(table.name, table.schema)}")[0][0])

    def last(self, table: Table, walk: Walk) -> Position | None:
        order = ", ".join(f"{key} DESC" for key in walk.keys)
        name = self._store.name(table.name, table.schema)
        rows = self.query(f"SELECT {', '.join(walk.keys)} FROM {name} ORDER BY {order} LIMIT 1")
        return rows[0] if rows else None

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        with self.connection.cursor() as cursor:
            cursor.execute(*_statement(sql, parameters))
            return list(cursor.fetchall())

    def close(self) -> None:
        self.connection.close()


class MysqlWriter(Writing):
    """A connection that writes.  DDL commits by itself in this dialect."""

    def __init__(self, store: MysqlStore) -> None:
        self._store = store
        self.connection = store.connect()

    @contextmanager
    def _begun(self) -> Iterator[None]:
        self.connection.begin()
        try:
            yield
        except BaseException:
            if self._alive:
                self.connection.rollback()
            raise
        self.connection.commit()

    @property
    def _alive(self) -> bool:
        return bool(self.connection.open)

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> Written:
        names, marks = ", ".join(map(self._store.quote, columns)), ", ".join(["%s"] * len(columns))
        sql = f"INSERT INTO {table} ({names})".replace("%", "%%") + f" VALUES ({marks})"
        count = size = 0
        rows = iter(rows)
        with self.connection.cursor() as cursor:
            while some := list(islice(rows, 1_000 if size < 200 * count else 50)):
                size += sum(len(v) if isinstance(v, str | bytes) else 8 for row in some for v in row)
                stored = cursor.executemany(sql, some) or 0
                count += len(some)
                if stored != len(some):
                    raise pymysql.DataError(f"{len(some)} rows were sent to {table}, {stored} were stored")
        return Written(count, size)

    def insert_columns(self, table: str, columns: Sequence[str], batches: Iterable[Columns]) -> Written:
        return self.insert(table, columns, chain.from_iterable(zip(*batch, strict=True) for batch in batches))

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        with self.connection.cursor() as cursor:
            return int(cursor.execute(*_statement(sql, parameters)))

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        with self.connection.cursor() as cursor:
            cursor.execute(*_statement(sql, parameters))
            return list(cursor.fetchall())

    def exact(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        usual, self.connection.decoders = self.connection.decoders, {}
        try:
            return self.query(sql, parameters)
        finally:
            self.connection.decoders = usual

    def close(self) -> None:
        if self.connection.open:
            self.connection.close()


def _beyond(keys: Sequence[str], position: Position, sign: str) -> tuple[str, list[Any]]:
    """``(a, b) > (x, y)`` written out: only so does the server use the index."""
    strict, alternatives = sign[0], []
    given: list[Any] = []
    for n, key in enumerate(keys):
        alternatives.append(" AND ".join([f"{k} = ?" for k in keys[:n]] + [f"{key} {strict} ?"]))
        given += position[: n + 1]
    if "=" in sign:
        alternatives.append(" AND ".join(f"{key} = ?" for key in keys))
        given += position
    return "(" + " OR ".join(f"({one})" for one in alternatives) + ")", given


def _statement(sql: str, parameters: Sequence[Any]) -> tuple[str, Sequence[Any] | None]:
    """For PyMySQL: its own marks for parameters; without any, nothing in the text is special."""
    if not parameters:
        return sql, None
    return marked(sql), parameters
