"""The bank of a real run: the ledger where effects happen, and the inbox beside it in the same database.

It is a SQLite file of the run; for the PostgreSQL queue it is two tables beside the queue, so that effect, inbox and
acknowledgement can be one transaction.

Rules
1. Each step is one transaction: it happened, or it did not, whatever dies.
2. A row of `effects` is an effect; nothing else is.  What a killed consumer could not tell any more is read from here.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from psycopg import sql

from prayog_queues.engine.envelope import Delivery
from prayog_queues.engine.real.postgres_queue import PostgresBroker
from prayog_queues.engine.real.wire import now_us

__all__ = ["Effect", "Ledger", "PostgresLedger", "SqliteLedger", "open_ledger"]

_TABLES = (
    "CREATE TABLE IF NOT EXISTS {effects} (id {id} PRIMARY KEY, message text, key text, number int, queue text,"
    " receipt text, attempt int, consumer text, stale int, at_us bigint)",
    "CREATE TABLE IF NOT EXISTS {inbox} (name text PRIMARY KEY)",
    "CREATE TABLE IF NOT EXISTS {tokens} (name text PRIMARY KEY, token int)",
)
_INSERT = (
    "INSERT INTO {effects} (message, key, number, queue, receipt, attempt, consumer, stale, at_us)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
_FIELDS = "message, key, number, queue, receipt, attempt, consumer, stale, at_us"


@dataclass(frozen=True, slots=True)
class Effect:
    """One row of the ledger."""

    message: str
    key: str
    number: int
    queue: str
    receipt: str
    attempt: int
    consumer: str
    stale: bool
    at_us: int


class Ledger(Protocol):
    """What a consumer asks of the bank."""

    joins: bool
    """Whether its transactions can hold the queue's acknowledgement too."""

    def serve(
        self, step: str, delivery: Delivery, consumer: str, *, fencing: bool = False,
        before_commit: Callable[[], None] = lambda: None, ack: Callable[[Delivery], None] | None = None,
    ) -> str:  # fmt: skip
        """Do ``ask``, ``charge``, ``record`` or ``charge and record``; ``new``, ``known``, ``done`` or ``stale``.

        `before_commit` is called when all is written and nothing is committed; `ack` joins the transaction.
        """
        ...

    def effects(self) -> list[Effect]:
        """All of them, oldest first."""
        ...

    def close(self) -> None: ...


class _Bank:
    """The steps, over any database: `ask` runs a statement in the transaction that `together` begins."""

    joins = False

    def ask(self, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        raise NotImplementedError

    def together(self) -> contextlib.AbstractContextManager[Any]:
        raise NotImplementedError

    def serve(
        self, step: str, delivery: Delivery, consumer: str, *, fencing: bool = False,
        before_commit: Callable[[], None] = lambda: None, ack: Callable[[Delivery], None] | None = None,
    ) -> str:  # fmt: skip
        name = f"{delivery.message.id} @ {delivery.queue}"
        with self.together():
            if step == "ask":
                return "known" if self.ask("SELECT 1 FROM {inbox} WHERE name = %s", (name,)) else "new"
            if fencing:
                newest = self.ask("SELECT token FROM {tokens} WHERE name = %s", (name,))
                if newest and delivery.attempt < newest[0][0]:
                    return "stale"
                self.ask(
                    "INSERT INTO {tokens} VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET token = excluded.token",
                    (name, delivery.attempt),
                )
            found = "done"
            if "record" in step:
                there = self.ask("INSERT INTO {inbox} VALUES (%s) ON CONFLICT DO NOTHING RETURNING name", (name,))
                found = "done" if there or step == "record" else "known"
            if "charge" in step and found == "done":
                self._charge(delivery, consumer)
            if ack is not None:
                ack(delivery)
            before_commit()
        return found

    def _charge(self, delivery: Delivery, consumer: str) -> None:
        message, until, now = delivery.message, delivery.lease_until_us, now_us()
        stale = int(until is not None and now > until)
        values = (
            message.id, message.key, message.number, delivery.queue, delivery.receipt, delivery.attempt, consumer,
            stale, now,
        )  # fmt: skip
        self.ask(_INSERT, values)

    def effects(self) -> list[Effect]:
        return [Effect(*row) for row in self.ask(f"SELECT {_FIELDS} FROM {{effects}} ORDER BY id")]


class SqliteLedger(_Bank):
    """Ledger and inbox in the file `path`."""

    def __init__(self, path: Path | str) -> None:
        self._db = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")  # only processes are killed here, and a file survives that
        for line in _TABLES:
            self.ask(line)

    def ask(self, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        text = statement.format(effects="effects", inbox="inbox", tokens="tokens", id="integer").replace("%s", "?")
        return self._db.execute(text, values).fetchall()

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def close(self) -> None:
        self._db.close()


class PostgresLedger(_Bank):
    """Ledger and inbox in the schema of the queue, on the queue's own connection."""

    joins = True

    def __init__(self, broker: PostgresBroker) -> None:
        self._broker = broker
        self._names = {name: sql.Identifier(broker.schema, name) for name in ("effects", "inbox", "tokens")}
        with self.together():
            self.ask("SELECT pg_advisory_xact_lock(hashtext('prayog_queues'))")  # see PostgresBroker.declare
            for line in _TABLES:
                self.ask(line)

    def ask(self, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        number = sql.SQL("bigint GENERATED ALWAYS AS IDENTITY")
        text = sql.SQL(statement).format(**self._names, id=number)
        cursor = self._broker.db.execute(text, values)
        return cursor.fetchall() if cursor.description else []

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        with self._broker.asking(), self._broker.db.transaction():
            self._broker.db.execute("SET LOCAL synchronous_commit = on")  # a bank syncs, however lazy the queue is
            yield

    def remove(self) -> None:
        """Take its tables away."""
        for name in self._names.values():
            self._broker.db.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(name))

    def close(self) -> None:
        """The connection is the queue's."""


def open_ledger(broker: object, path: str) -> Ledger:
    """The bank for a run on `broker`; `path` is its file where it is one."""
    return PostgresLedger(broker) if isinstance(broker, PostgresBroker) else SqliteLedger(path)
