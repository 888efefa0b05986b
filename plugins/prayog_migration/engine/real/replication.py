"""PostgreSQL's streaming replication over psycopg: a connection that COPYs both ways.

psycopg has no replication of its own, but it leaves a connection in COPY BOTH alone, and its `pgconn` is libpq: so
START_REPLICATION is sent as a query, and the messages of the manual's “Streaming Replication Protocol” (PostgreSQL 18,
54.4) are read and answered here.
"""

from __future__ import annotations

import contextlib
import select
import struct
import time
from typing import Any

import psycopg

from prayog_migration.engine.pgoutput import lsn_text
from prayog_migration.engine.real.postgres import PostgresStore

__all__ = ["Stream", "replication_connection"]

_DATA = struct.Struct(">QQq")
_ALIVE = struct.Struct(">QqB")
_STATUS = struct.Struct(">cQQQqB")
_EPOCH_2000_S = 946_684_800
_STATUS_SECONDS = 5.0
"""The server gives up after wal_sender_timeout (60 s) without an answer."""


def replication_connection(store: PostgresStore) -> psycopg.Connection[Any]:
    """A connection that takes replication commands; values are written as in every other session of ours."""
    from prayog_migration.engine.real.postgres import SESSION_OPTIONS

    return psycopg.connect(
        store.url,
        autocommit=True,
        connect_timeout=10,
        options=SESSION_OPTIONS,
        client_encoding="UTF8",
        replication="database",
    )


class Stream:
    """The log of one slot from `start` on, decoded by pgoutput for `publication`."""

    def __init__(self, store: PostgresStore, slot: str, publication: str, start: int) -> None:
        self._connection = replication_connection(store)
        self._pg = self._connection.pgconn
        command = (
            f"START_REPLICATION SLOT {slot} LOGICAL {lsn_text(start)} "
            f"(proto_version '1', publication_names '{publication}', messages 'true')"
        )
        self._connection.execute(command.encode())
        self.seen = start
        """Everything before this position was sent, or there was nothing for us."""
        self._safe = start
        self._answered = time.monotonic()

    def confirm(self, lsn: int) -> None:
        """The target has everything before `lsn` for good: the server may forget it."""
        self._safe = max(self._safe, lsn)
        self._answer()

    def next(self, seconds: float) -> bytes | None:
        """The next message of the plugin; None when none came in so many seconds.  Raises `psycopg.Error`."""
        until = time.monotonic() + seconds
        while True:
            size, data = self._pg.get_copy_data(1)
            if size > 0:
                message = bytes(data)
                if message[:1] == b"w":
                    start, _, _ = _DATA.unpack_from(message, 1)
                    self.seen = max(self.seen, start)
                    return message[25:]
                if message[:1] == b"k":
                    end, _, wanted = _ALIVE.unpack_from(message, 1)
                    self.seen = max(self.seen, end)
                    if wanted:
                        self._answer()
                continue
            if size == -1:
                result = self._pg.get_result()
                said = result.error_message.decode(errors="replace").strip() if result else ""
                raise psycopg.OperationalError(f"the server ended the stream of changes: {said or 'without a reason'}")
            if time.monotonic() - self._answered > _STATUS_SECONDS:
                self._answer()
            left = until - time.monotonic()
            if left <= 0:
                return None
            select.select([self._pg.socket], [], [], min(left, 1.0))
            self._pg.consume_input()

    def _answer(self) -> None:
        now = int((time.time() - _EPOCH_2000_S) * 1_000_000)
        self._pg.put_copy_data(_STATUS.pack(b"r", self._safe, self._safe, self._safe, now, 0))
        self._pg.flush()
        self._answered = time.monotonic()

    def close(self) -> None:
        """End the connection; the slot stays."""
        with contextlib.suppress(psycopg.Error):
            self._connection.close()
