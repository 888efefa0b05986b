"""The fence: from one moment on a database refuses the application's writes, and lets the wizard's through.

Triggers do it in every dialect, because nothing else stops an application that connects as a superuser.

Rules
1. Raising it waits for transactions that are open on the tables, and gives up in time (`FenceBusy`): a long
   transaction must not freeze everybody behind it.  It is up for all tables or for none.
2. Lowering it waits for nobody.
3. It refuses with a sentence that begins with FENCED, so that an application can tell it from other errors.
4. It outlives the wizard: after a crash it still stands, until it is lowered.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Sequence
from typing import Any, Protocol

import psycopg
import pymysql

from prayog_migration.engine.model import PREFIX, Table
from prayog_migration.engine.real.mysql import MysqlStore
from prayog_migration.engine.real.postgres import PostgresStore
from prayog_migration.engine.real.sqlite import SqliteStore
from prayog_migration.engine.real.store import Store, Writer
from prayog_migration.engine.triggers import FENCED, GATE, drop_fence, fence

__all__ = ["Fence", "FenceBusy", "fence_of", "pass_through"]

_GUC = "prayog.wiz"
_AT_ONCE_S = 1.0
_MARK = f"@{PREFIX}_worker"


class FenceBusy(Exception):
    """A transaction on the tables did not end in time, so no fence was raised."""


class Fence(Protocol):
    """The fence of one database."""

    def prepare(self, seconds: float) -> None:
        """Make beforehand what it is made of, table by table, while the application goes on.  Raises `FenceBusy`."""
        ...

    def up(self, seconds: float) -> None:
        """Raise it for all tables within so many seconds; harmless when it stands.  Raises `FenceBusy`."""
        ...

    def down(self) -> None:
        """Lower it; harmless when there is none."""
        ...

    def stands(self) -> bool:
        """It is up."""
        ...

    def remove(self) -> None:
        """Lower it and take everything away that it was made of; this may wait for readers."""
        ...


def fence_of(store: Store, tables: Sequence[Table]) -> Fence:
    """The fence around `tables` of `store`."""
    if store.dialect == "sqlite":
        assert isinstance(store, SqliteStore)
        return _Sqlite(store, tables)
    if store.dialect == "postgresql":
        assert isinstance(store, PostgresStore)
        return _Postgres(store, tables)
    assert isinstance(store, MysqlStore)
    return _Mysql(store, tables)


def pass_through(writer: Writer, dialect: str) -> bool:
    """Let this session's writes through the fence.  SQLite knows no sessions: there the answer is True when the gate
    must be opened in each transaction, by ``UPDATE _wiz_gate SET open = 1``, and shut before its end."""
    if dialect == "postgresql":
        writer.execute(f"SELECT set_config('{_GUC}', 'on', false)")
    elif dialect == "mysql":
        writer.execute(f"SET {_MARK} = 1")
    else:
        return bool(writer.query("SELECT 1 FROM sqlite_master WHERE name = ?", (GATE,)))
    return False


class _Sqlite:
    def __init__(self, store: SqliteStore, tables: Sequence[Table]) -> None:
        self._store = store
        self._tables = tables

    def prepare(self, seconds: float) -> None:
        """Nothing: all of it takes a millisecond."""

    def up(self, seconds: float) -> None:
        with contextlib.closing(self._store.connect()) as connection:
            connection.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                raise FenceBusy(_busy(seconds)) from error
            for statement in fence(self._tables):
                connection.execute(statement)
            connection.execute("COMMIT")

    def down(self) -> None:
        with contextlib.closing(self._store.connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            for statement in drop_fence(self._tables):
                connection.execute(statement)
            connection.execute("COMMIT")

    def stands(self) -> bool:
        with contextlib.closing(self._store.connect()) as connection:
            sql = f"SELECT 1 FROM sqlite_master WHERE name GLOB '{PREFIX}_fence_*'"
            return connection.execute(sql).fetchone() is not None

    def remove(self) -> None:
        self.down()
        with contextlib.closing(self._store.connect()) as connection:
            connection.execute(f"DROP TABLE IF EXISTS {GATE}")


class _Postgres:
    """A statement trigger on each table asks a sequence: 2 is up.

    Raising takes all locks in one transaction, or none.  Lowering must not wait for readers, as DROP TRIGGER would, so
    it only sets the sequence; and a sequence has no versions: an old snapshot sees its present value too.
    """

    def __init__(self, store: PostgresStore, tables: Sequence[Table]) -> None:
        self._store = store
        self._names = [store.name(table.name, table.schema) for table in tables]
        self._function = store.name(f"{PREFIX}_fence")
        self._flag = store.name(f"{PREFIX}_fence_up")

    def prepare(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        with self._store.connect() as connection:
            connection.execute(f"CREATE SEQUENCE IF NOT EXISTS {self._flag}".encode())
            connection.execute(
                f"CREATE OR REPLACE FUNCTION {self._function}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
                f" $$ BEGIN IF (SELECT last_value FROM {self._flag}) = 2 THEN RAISE EXCEPTION '{FENCED}'"
                " USING ERRCODE = 'PW001'; END IF; RETURN NULL; END $$".encode()
            )
            for name in self._names:
                self._locking(
                    connection, until, seconds,
                    f"CREATE OR REPLACE TRIGGER {PREFIX}_fence BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {name}"
                    f" FOR EACH STATEMENT WHEN (current_setting('{_GUC}', true) IS DISTINCT FROM 'on')"
                    f" EXECUTE FUNCTION {self._function}()",
                )  # fmt: skip

    def up(self, seconds: float) -> None:
        self.prepare(seconds)
        with self._store.connect() as connection:
            statements = [f"SELECT setval('{self._flag.replace(chr(39), 2 * chr(39))}'::regclass, 2)"]
            if self._names:
                statements.insert(0, f"LOCK TABLE {', '.join(self._names)} IN SHARE ROW EXCLUSIVE MODE")
            self._locking(connection, time.monotonic() + seconds, seconds, *statements)

    def _locking(self, connection: psycopg.Connection[Any], until: float, seconds: float, *statements: str) -> None:
        """Run them in one transaction that waits for writers a little at a time, and lets others by in between."""
        while True:
            try:
                with connection.transaction():
                    left = max(1, int(min(until - time.monotonic(), _AT_ONCE_S) * 1000))
                    connection.execute(f"SET LOCAL lock_timeout = {left}".encode())
                    for statement in statements:
                        connection.execute(statement.encode())
                return
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
                if time.monotonic() > until:
                    raise FenceBusy(_busy(seconds)) from error

    def down(self) -> None:
        if self._known():
            with self._store.connect() as connection:
                connection.execute("SELECT setval(%s::regclass, 1)", (self._flag,))

    def stands(self) -> bool:
        if not self._known():
            return False
        with self._store.connect() as connection:
            return connection.execute(f"SELECT last_value FROM {self._flag}".encode()).fetchone() == (2,)

    def _known(self) -> bool:
        with self._store.connect() as connection:
            return connection.execute("SELECT to_regclass(%s)", (self._flag,)).fetchone() != (None,)

    def remove(self) -> None:
        with self._store.connect() as connection:
            for name in self._names:
                connection.execute("SET lock_timeout = '10s'")
                connection.execute(f"DROP TRIGGER IF EXISTS {PREFIX}_fence ON {name}".encode())
            connection.execute(f"DROP FUNCTION IF EXISTS {self._function}()".encode())
            connection.execute(f"DROP SEQUENCE IF EXISTS {self._flag}".encode())


class _Mysql:
    """Three triggers on each table ask a row, with a lock: so they see its present value, and whoever changes it waits
    for the transactions that have written through."""

    def __init__(self, store: MysqlStore, tables: Sequence[Table]) -> None:
        self._store = store
        self._tables = tables
        self._flag = store.name(GATE)

    def prepare(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        with contextlib.closing(self._store.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE IF NOT EXISTS {self._flag} (id int PRIMARY KEY, up int) ENGINE=InnoDB")
            cursor.execute(f"INSERT IGNORE INTO {self._flag} VALUES (1, 0)")
            cursor.execute(
                "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = database()"
                " AND trigger_name LIKE %s",
                (_LIKE,),
            )
            there = {str(row[0]) for row in cursor.fetchall()}
            for number, table in enumerate(self._tables):
                for event in ("INSERT", "UPDATE", "DELETE"):
                    if _trigger(number, event) not in there:
                        self._locking(cursor, until, seconds, self._front(number, table, event))

    def up(self, seconds: float) -> None:
        self.prepare(seconds)
        with contextlib.closing(self._store.connect()) as connection, connection.cursor() as cursor:
            self._locking(cursor, time.monotonic() + seconds, seconds, f"UPDATE {self._flag} SET up = 1")

    def _locking(self, cursor: Any, until: float, seconds: float, statement: str) -> None:
        """Run it, a second at a time: a writer may wait for a row of one who waits for us, and no server sees that."""
        cursor.execute("SET SESSION lock_wait_timeout = 1, innodb_lock_wait_timeout = 1")
        while True:
            try:
                cursor.execute(statement)
                return
            except pymysql.err.OperationalError as error:
                if error.args[0] not in (1205, 1213):
                    raise
                if time.monotonic() > until:
                    raise FenceBusy(_busy(seconds)) from error

    def _front(self, number: int, table: Table, event: str) -> str:
        # A DELETE that cascades sets off no trigger, but its parent's DELETE is refused already.
        return (
            f"CREATE TRIGGER {self._store.name(_trigger(number, event), table.schema)} BEFORE {event}"
            f" ON {self._store.name(table.name, table.schema)} FOR EACH ROW"
            f" IF {_MARK} IS NULL AND (SELECT up FROM {self._flag} LOCK IN SHARE MODE) = 1"
            f" THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{FENCED}'; END IF"
        )

    def down(self) -> None:
        if self._known():
            with contextlib.closing(self._store.connect()) as connection, connection.cursor() as cursor:
                cursor.execute(f"UPDATE {self._flag} SET up = 0")

    def stands(self) -> bool:
        if not self._known():
            return False
        with contextlib.closing(self._store.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT up FROM {self._flag}")
            return bool(cursor.fetchone() == (1,))

    def _known(self) -> bool:
        with contextlib.closing(self._store.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM information_schema.tables WHERE table_schema = database() AND table_name = %s", (GATE,)
            )
            return cursor.fetchone() is not None

    def remove(self) -> None:
        with contextlib.closing(self._store.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SET SESSION lock_wait_timeout = 10")
            for number, table in enumerate(self._tables):
                for event in ("INSERT", "UPDATE", "DELETE"):
                    name = self._store.name(_trigger(number, event), table.schema)
                    cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
            cursor.execute(f"DROP TABLE IF EXISTS {self._flag}")


_LIKE = (PREFIX + "_fence_").replace("_", r"\_") + "%"


def _trigger(number: int, event: str) -> str:
    """Names are cut at 64 characters, so the table's place tells them apart."""
    return f"{PREFIX}_fence_{number}_{event.lower()}"


def _busy(seconds: float) -> str:
    return (
        f"A transaction on the tables was still open after {seconds:g} s, so the old side was not fenced and goes on "
        "as before. Let the transaction end, then switch over again."
    )
