"""PostgreSQL, embedded or by URL, for experiments.

Rules
1. Everything is in a schema of our own, which is dropped in the end; the server's other data are left alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from prayog_sdk.services import ServiceMissing, Services
from prayog_writes.engine.real.sql import Replica, Stop, look
from prayog_writes.engine.real.standby import Standby

__all__ = ["PostgresSql"]


class PostgresSql:
    """A schema of our own in PostgreSQL.  Raises `ServiceMissing`."""

    name = "PostgreSQL"

    def __init__(self, services: Services, folder: Path, stop: Stop) -> None:
        self._url, self._folder, self._stop = services.url("postgres"), folder, stop
        try:
            self._db = psycopg.connect(self._url, autocommit=True, connect_timeout=10)
        except psycopg.Error as error:
            raise ServiceMissing(f"PostgreSQL does not answer: {error}.") from None
        self._schema = f"prayog_writes_{os.getpid()}"
        self._execute(f"DROP SCHEMA IF EXISTS {self._schema} CASCADE")
        self._execute(f"CREATE SCHEMA {self._schema}")
        self._execute(f"SET search_path TO {self._schema}")
        self.wait_for_disk(True)

    def _execute(self, statement: str, values: tuple[Any, ...] = ()) -> psycopg.Cursor[tuple[Any, ...]]:
        return self._db.execute(statement.replace("?", "%s"), values or None)

    def run(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        look(self._stop)
        cursor = self._execute(statement, values)
        return cursor.fetchall() if cursor.description else []

    def many(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        look(self._stop)
        with self._db.cursor() as cursor:
            cursor.executemany(statement.replace("?", "%s"), rows)

    def together(self) -> Any:
        return self._db.transaction()

    def wait_for_disk(self, wait: bool) -> None:
        self._execute(f"SET synchronous_commit TO {'on' if wait else 'off'}")

    def unsafe_bytes(self) -> int:
        return int(self.run("SELECT pg_current_wal_insert_lsn() - pg_current_wal_flush_lsn()")[0][0])

    def fsyncs(self) -> int | None:
        queries = ("SELECT sum(fsyncs) FROM pg_stat_io WHERE object = 'wal'", "SELECT wal_sync FROM pg_stat_wal")
        for query in queries if self._db.info.server_version >= 180_000 else queries[1:]:
            with suppress(psycopg.Error):
                self._execute("SELECT pg_stat_force_next_flush()")
                return int(self._execute(query).fetchall()[0][0])
        return None

    def materialise(self, name: str, query: str) -> None:
        self.run(f"CREATE MATERIALIZED VIEW {name} AS {query}")

    def refresh(self, name: str, query: str) -> None:
        self.run(f"REFRESH MATERIALIZED VIEW {name}")

    def replica(self) -> Replica:
        return Standby(self._url, self._folder / "standby", self._schema, self._db)

    def close(self) -> None:
        with suppress(psycopg.Error):
            self._execute(f"DROP SCHEMA IF EXISTS {self._schema} CASCADE")
        self._db.close()
