"""Databases of the tests: servers that are started once a run, fresh databases on them, and a plain way to copy."""

from __future__ import annotations

import contextlib
import getpass
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pymysql

from prayog_migration.engine.kind_of import kind_of
from prayog_migration.engine.model import Catalogue
from prayog_migration.engine.plan import ColumnMove, Plan, Server, TableMove
from prayog_migration.engine.real.job import Order
from prayog_migration.engine.real.store import Reader, Store, open_store
from prayog_migration.engine.real.worker import Worker
from prayog_migration.engine.values import Converter
from prayog_sdk.services.postgres import EmbeddedPostgres


class Mariadb:
    """A MariaDB with a binlog in a temporary folder."""

    def __init__(self, folder: Path) -> None:
        install = ["mariadb-install-db", "--no-defaults", f"--datadir={folder}/data", "--skip-test-db",
                   "--auth-root-authentication-method=normal", f"--user={_me()}"]  # fmt: skip
        for _ in range(3):  # once in many runs it fails beside other servers that are just starting
            shutil.rmtree(folder / "data", ignore_errors=True)
            done = subprocess.run(install, check=False, capture_output=True, text=True)
            if not done.returncode:
                break
        else:
            raise AssertionError(f"mariadb-install-db: {(done.stderr or done.stdout)[-400:]}")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self._process = subprocess.Popen(
            ["mariadbd", "--no-defaults", f"--datadir={folder}/data", f"--socket={folder}/s", f"--port={self.port}",
             "--bind-address=127.0.0.1", f"--pid-file={folder}/pid", f"--log-bin={folder}/data/bin",
             "--binlog-format=ROW", "--server-id=77", "--innodb-flush-log-at-trx-commit=2", f"--user={_me()}",
             "--innodb-buffer-pool-size=64M", "--sync-binlog=0", "--skip-log-error", "--character-set-server=utf8mb4"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until = time.monotonic() + 30
        while True:
            try:
                pymysql.connect(host="127.0.0.1", port=self.port, user="root").close()
                return
            except pymysql.Error:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def url(self, database: str) -> str:
        return f"mysql://root@127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        self._process.kill()  # nobody needs its files again, and an orderly end takes seconds
        self._process.wait(30)


def _me() -> str:
    return getpass.getuser()


def has_mariadb() -> bool:
    return shutil.which("mariadbd") is not None and shutil.which("mariadb-install-db") is not None


class Databases:
    """Makes databases on demand; everything is gone after `close`."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="prayog_migration_"))
        self._postgres = EmbeddedPostgres(self.folder / "pg", logical=True)
        self._mariadb: Mariadb | None = None
        self._count = 0

    def sqlite(self) -> str:
        self._count += 1
        path = self.folder / f"db{self._count}.sqlite"
        path.touch()
        return f"sqlite:///{quote(str(path))}"

    def postgres(self) -> str:
        url = self._postgres.url()
        if not self._count:  # the machine does not crash in these tests, only servers do
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")
        self._count += 1
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE prayog_{self._count}".encode())
        return url.replace("/postgres?", f"/prayog_{self._count}?").replace("@/postgres", f"@/prayog_{self._count}")

    @property
    def server(self) -> EmbeddedPostgres:
        return self._postgres

    def mariadb(self) -> str:
        if self._mariadb is None:
            (self.folder / "my").mkdir(exist_ok=True)
            self._mariadb = Mariadb(self.folder / "my")
        self._count += 1
        with pymysql.connect(host="127.0.0.1", port=self._mariadb.port, user="root") as connection:
            connection.cursor().execute(f"CREATE DATABASE prayog_{self._count}")
        return self._mariadb.url(f"prayog_{self._count}")

    def make(self, dialect: str) -> str:
        return {"sqlite": self.sqlite, "postgresql": self.postgres, "mysql": self.mariadb}[dialect]()

    def close(self) -> None:
        self._postgres.stop()
        if self._mariadb is not None:
            self._mariadb.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def run(url: str, *statements: str) -> None:
    """Statements on a connection of their own, each committed."""
    store = open_store(url)
    connection = store.connect("rwc") if store.dialect == "sqlite" else store.connect()  # type: ignore[call-arg]
    with contextlib.closing(connection):
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)


def plan_between(source: Store, target: Store) -> Plan:
    """A plan for two databases that have the same tables already, by their names."""
    old, new = source.catalogue(), target.catalogue()
    return Plan(old, Server(new.dialect, new.version), tuple(_move(old, new, table.name) for table in old.tables))


def _move(old: Catalogue, new: Catalogue, name: str) -> TableMove:
    table, to = old.table(name), new.table(name)
    columns = tuple(
        ColumnMove(
            c.name,
            c.name,
            kind_of(old, table, c),
            c.type,
            to.column(c.name).type,
            kind_of(new, to, to.column(c.name)),
        )
        for c in table.plain_columns
    )
    return TableMove(table, to, columns)


def copy(plan: Plan, reader: Reader, target: Store) -> None:
    """Every row that `reader` sees, converted and inserted."""
    with target.writer() as writer, writer.transaction():
        if target.dialect == "postgresql":
            writer.execute("SET LOCAL session_replication_role = replica")
        for move in plan.tables:
            converter = Converter(plan.source.dialect, move, plan.target)
            rows, bad = converter.rows(list(reader.rows(move.source, move.reads)))
            assert not bad, bad[:3]
            writer.insert(target.name(move.target.name), move.writes, rows)


def rows_of(store: Store) -> dict[str, list[Any]]:
    """Everything in a database but the wizard's tables, as plain text, in an order of its own."""
    found = {}
    with contextlib.closing(store.connect()) as connection:
        cursor = connection.cursor()
        for table in sorted(store.catalogue().tables, key=lambda one: one.name):
            columns = ", ".join(_plain(store, column) for column in table.plain_columns)
            cursor.execute(f"SELECT {columns} FROM {store.name(table.name)}")
            found[table.name] = sorted((tuple(row) for row in cursor.fetchall()), key=repr)
    return found


def _plain(store: Store, column: Any) -> str:
    name = store.quote(column.name)
    if store.dialect == "postgresql":
        return f"{name}::text"
    return name


class Wizard:
    """A worker in this process, for tests that need no kill: commands one after the other, and what it said."""

    def __init__(self, source: str, target: str, **order: Any) -> None:
        self.said: list[tuple[str, str, Mapping[str, Any]]] = []
        self.worker = Worker(Order(source, target, tag="test", **order), self._hear)
        self._heard = threading.Condition()
        self._thread = threading.Thread(target=self.worker.run, daemon=True)
        self._thread.start()

    def _hear(self, kind: str, node: str, data: Mapping[str, Any]) -> None:
        with self._heard:
            self.said.append((kind, node, data))
            self._heard.notify_all()

    def do(self, *names: str, seconds: float = 60.0) -> str:
        """Give commands and wait for each; how the last one ended."""
        ended = ""
        for name in names:
            seen = len(self.said)
            self.worker.hear({"do": name})
            ended = self.wait(("done", "refused", "drift", "contradiction", "cancelled"), name, seen, seconds)[0]
        return ended

    def wait(
        self, kinds: tuple[str, ...], node: str = "", since: int = 0, seconds: float = 60.0
    ) -> tuple[str, str, Mapping[str, Any]]:
        """The first event of one of `kinds`, after the first `since` ones."""
        until = time.monotonic() + seconds
        with self._heard:
            while True:
                for one in self.said[since:]:
                    if one[0] in kinds and node in ("", one[1]):
                        return one
                left = until - time.monotonic()
                assert left > 0, f"no {kinds} of {node or 'any'} in {seconds} s; last: {self.said[-3:]}"
                self._heard.wait(left)

    def last(self, kind: str) -> Mapping[str, Any]:
        """The data of the last event of a kind."""
        return next(data for k, _, data in reversed(self.said) if k == kind)

    def close(self) -> None:
        self.worker.end()
        self._thread.join(20)
        assert not self._thread.is_alive()
