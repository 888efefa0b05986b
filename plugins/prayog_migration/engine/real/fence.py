"""The fence: from one moment on a database refuses the application's writes, and lets the wizard's through.

Triggers do it in every dialect, because nothing else stops an application that connects as a superuser.

Rules
1. Raising it waits for transactions that are open on the tables, and gives up in time (`FenceBusy`): a long
   transaction must not freeze everybody behind it.  It is there for all tables or for none (MySQL, whose DDL cannot be
   undone, takes away what it made).
2. It refuses with a sentence that begins with FENCED, so that an application can tell it from other errors.
3. It outlives the wizard: after a crash it still stands, until it is lowered.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Sequence
from typing import Protocol

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
_MARK = f"@{PREFIX}_worker"


class FenceBusy(Exception):
    """A transaction on the tables did not end in time, so no fence was raised."""


class Fence(Protocol):
    """The fence of one database."""

    def up(self, seconds: float) -> None:
        """Raise it for all tables within so many seconds; harmless when it stands.  Raises `FenceBusy`."""
        ...

    def down(self) -> None:
        """Lower it; harmless when there is none."""
        ...

    def stands(self) -> bool:
        """It is up."""
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


class _Postgres:
    """A statement trigger on each table: one transaction takes all the locks, makes all the triggers, or none."""

    def __init__(self, store: PostgresStore, tables: Sequence[Table]) -> None:
        self._store = store
        self._names = [store.name(table.name, table.schema) for table in tables]
        self._function = store.name(f"{PREFIX}_fence")

    def up(self, seconds: float) -> None:
        with self._store.connect() as connection:
            until = time.monotonic() + seconds
            connection.execute(
                f"CREATE OR REPLACE FUNCTION {self._function}() RETURNS trigger LANGUAGE plpgsql AS"
                f" $$ BEGIN RAISE EXCEPTION '{FENCED}' USING ERRCODE = 'PW001'; END $$".encode()
            )
            while True:
                left = until - time.monotonic()
                try:
                    with connection.transaction():
                        connection.execute(f"SET LOCAL lock_timeout = {max(1, int(min(left, 1.0) * 1000))}".encode())
                        if self._names:
                            names = ", ".join(self._names)
                            connection.execute(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE".encode())
                        for name in self._names:
                            connection.execute(
                                f"CREATE OR REPLACE TRIGGER {PREFIX}_fence"
                                f" BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {name} FOR EACH STATEMENT"
                                f" WHEN (current_setting('{_GUC}', true) IS DISTINCT FROM 'on')"
                                f" EXECUTE FUNCTION {self._function}()".encode()
                            )
                    return
                except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
                    if time.monotonic() > until:
                        raise FenceBusy(_busy(seconds)) from error

    def down(self) -> None:
        with self._store.connect() as connection:
            found = connection.execute(
                "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_trigger t"
                " JOIN pg_class c ON c.oid = tgrelid JOIN pg_namespace n ON n.oid = relnamespace WHERE tgname = %s",
                (f"{PREFIX}_fence",),
            ).fetchall()
            with connection.transaction():
                for (name,) in found:
                    connection.execute(f"DROP TRIGGER IF EXISTS {PREFIX}_fence ON {name}".encode())
                connection.execute(f"DROP FUNCTION IF EXISTS {self._function}()".encode())

    def stands(self) -> bool:
        with self._store.connect() as connection:
            sql = "SELECT 1 FROM pg_trigger WHERE tgname = %s"
            return connection.execute(sql, (f"{PREFIX}_fence",)).fetchone() is not None


class _Mysql:
    """Three triggers on each table; each waits for the transactions on its table."""

    def __init__(self, store: MysqlStore, tables: Sequence[Table]) -> None:
        self._store = store
        self._tables = tables

    def up(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        with contextlib.closing(self._store.connect()) as connection, connection.cursor() as cursor:
            try:
                for table in self._tables:
                    for event in ("INSERT", "UPDATE", "DELETE"):
                        left = max(1, int(until - time.monotonic() + 0.999))
                        cursor.execute(f"SET SESSION lock_wait_timeout = {left}")
                        # DELETE through a cascade sets off no trigger, but its parent's DELETE is refused already.
                        cursor.execute(
                            f"CREATE TRIGGER {self._trigger(table, event)} BEFORE {event}"
                            f" ON {self._store.name(table.name, table.schema)} FOR EACH ROW"
                            f" IF {_MARK} IS NULL THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{FENCED}'; END IF"
                        )
            except pymysql.err.OperationalError as error:
                if error.args[0] not in (1205, 1213):
                    raise
                self.down()
                raise FenceBusy(_busy(seconds)) from error
            except pymysql.err.Error as error:
                if error.args[0] != 1359:  # it is there already
                    raise

    def down(self) -> None:
        with contextlib.closing(self._store.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SET SESSION lock_wait_timeout = 10")
            for table in self._tables:
                for event in ("INSERT", "UPDATE", "DELETE"):
                    cursor.execute(f"DROP TRIGGER IF EXISTS {self._trigger(table, event)}")

    def stands(self) -> bool:
        with contextlib.closing(self._store.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM information_schema.triggers WHERE trigger_schema = database()"
                " AND trigger_name LIKE %s LIMIT 1",
                (PREFIX.replace("_", r"\_") + r"\_fence\_%",),
            )
            return cursor.fetchone() is not None

    def _trigger(self, table: Table, event: str) -> str:
        """Names are cut at 64 characters, so the table's place tells them apart."""
        return self._store.name(f"{PREFIX}_fence_{self._tables.index(table)}_{event.lower()}", table.schema)


def _busy(seconds: float) -> str:
    return (
        f"A transaction on the tables was still open after {seconds:g} s, so the old side was not fenced and goes on "
        "as before. Let the transaction end, then switch over again."
    )
