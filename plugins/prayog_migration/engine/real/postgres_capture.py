"""Capture from PostgreSQL: a publication, a replication slot, and its stream, decoded by us.

Rules
1. A published table without a replica identity refuses UPDATE and DELETE: the application would break (error 55000).
   So identities are set first, then the publication is made; `remove` does it the other way round.
2. The slot is made first and exports its snapshot; the copy reads in exactly that snapshot, so that the stream begins
   where the copy ends: nothing twice, nothing between.
3. A slot that is lost is never made anew silently: what it would have said is gone, so the copy begins again
   (Debezium lost data that way: DBZ-5739).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg

from prayog_migration.engine.changes import Bag, Change, Folding, Key, folded, merged
from prayog_migration.engine.identity import Identity, identity
from prayog_migration.engine.model import PREFIX
from prayog_migration.engine.pgoutput import (
    Begin,
    Cell,
    Commit,
    Decoder,
    Delete,
    Insert,
    Message,
    Relation,
    Truncate,
    Update,
    lsn_number,
    lsn_text,
)
from prayog_migration.engine.plan import Plan, TableMove
from prayog_migration.engine.real.capture import (
    Batch,
    CannotCapture,
    Capture,
    CaptureLost,
    Drift,
    Lag,
    Memory,
    View,
    key_places,
)
from prayog_migration.engine.real.postgres import PostgresReader, PostgresStore
from prayog_migration.engine.real.publication import Publication
from prayog_migration.engine.real.replication import Stream, replication_connection
from prayog_migration.engine.real.store import Row

__all__ = ["PostgresCapture"]

_WAIT_SECONDS = 0.02  # for more of the log before a batch is handed over
_BATCH_SECONDS = 0.2
_PIECE = 200_000  # changes of one transaction that are held in memory
_EPOCH_2000_US = 946_684_800_000_000
_BYTEA = 17


class _Table:
    """One table of the plan, and how its rows stand in the stream."""

    def __init__(self, number: int, move: TableMove, named: Identity, types: dict[str, list[int]]) -> None:
        self.number = number
        self.move = move
        self.whole = named.whole
        self.key = () if named.whole else key_places(move.reads, named.columns)
        self.types = types
        self.places: tuple[int, ...] = ()
        self.binary: frozenset[int] = frozenset()

    def describe(self, relation: Relation) -> str:
        """Take the stream's columns; what is not as planned, in words."""
        said = []
        known = {column.name for column in self.move.source.columns}
        sent = {column.name: column for column in relation.columns}
        said += [f"column {name} is new" for name in sent if name not in known]
        said += [f"column {name} is gone" for name in self.move.reads if name not in sent]
        for name, column in sent.items():
            if name in self.types and self.types[name] != [column.type_oid, column.modifier]:
                said.append(f"column {name} has another type")
        if not said:
            order = [column.name for column in relation.columns]
            self.places = tuple(order.index(name) for name in self.move.reads)
            self.binary = frozenset(
                n for n, place in enumerate(self.places) if relation.columns[place].type_oid == _BYTEA
            )
        return ", ".join(said)

    def row(self, cells: Sequence[Cell]) -> tuple[Any, ...]:
        """The copied columns in exchange form."""
        row: list[Any] = [cells[place] for place in self.places]
        for n in self.binary:
            if isinstance(row[n], str):
                row[n] = bytes.fromhex(row[n][2:])
        return tuple(row)

    def name(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """What names `row`."""
        return row if self.whole else tuple(row[place] for place in self.key)


class PostgresCapture:
    """Positions are LSNs as numbers: the end of a commit."""

    def __init__(self, store: PostgresStore, plan: Plan, tag: str, memory: Memory) -> None:
        self._store = store
        self._slot = f"{PREFIX}_{tag}"
        self._memory = memory
        self._moves = plan.tables
        self._publication = Publication(store, self._slot, plan, memory)
        self._tables = [
            _Table(n, move, identity(move.source, "postgresql"), memory.get("types", {}).get(str(n), {}))
            for n, move in enumerate(plan.tables)
        ]
        self._by_name = {(t.move.source.schema or store.schema, t.move.source.name): t for t in self._tables}
        self._connection: psycopg.Connection[Any] | None = None
        self._exporter: psycopg.Connection[Any] | None = None
        self._exported = ""
        self._stream: Stream | None = None
        self._position = -1
        self._decoder = Decoder()
        self._drift = ""
        self._unread: Message | None = None
        """The beginning of a transaction beyond the position that was asked for."""
        self._pending: list[Change] = []
        """Of a transaction whose COMMIT has not come yet."""

    # -- the source --------------------------------------------------------------------------------------------

    def prepare(self) -> str:
        self.remove()
        self._publication.create(self._sql)
        for table in self._tables:
            table.types = self._memory["types"][str(table.number)]
        self._exporter = replication_connection(self._store)
        self._exporter.execute("SET lock_timeout = '8s'")
        command = f"CREATE_REPLICATION_SLOT {self._slot} LOGICAL pgoutput (SNAPSHOT 'export')"
        try:
            row = self._exporter.execute(command.encode()).fetchone()
        except psycopg.errors.LockNotAvailable:
            self.remove()
            raise CannotCapture(
                f"The log cannot be followed while an older transaction is open{self._oldest()}. Let it end."
            ) from None
        except psycopg.errors.ConfigurationLimitExceeded as error:
            self.remove()
            raise CannotCapture(f"{error.diag.message_primary}: raise max_replication_slots on the source.") from None
        assert row is not None
        self._exported = str(row[2])
        return str(lsn_number(row[1]))

    def snapshot(self) -> tuple[PostgresReader, str]:
        if self._exporter is not None:
            reader = PostgresReader(self._store, self._exported)
            self._exporter.close()
            self._exporter = None
            return reader, "0"
        # A later snapshot may have seen transactions that the stream will bring: all that are in the log by now.
        reader = PostgresReader(self._store)
        return reader, self.now()

    def rows(self, number: int, keys: Sequence[Key]) -> Iterator[Row]:
        move = self._moves[number]
        with PostgresReader(self._store) as reader:
            yield from reader.by_key(move.source, move.reads, identity(move.source, "postgresql").columns, keys)

    def settle(self) -> None:
        """Nothing is held."""

    def now(self) -> str:
        # A message of our own in the log: the stream passes it even when nobody writes to the tables.
        row = self._sql.execute("SELECT pg_logical_emit_message(true, %s, 'mark')", (PREFIX,)).fetchone()
        assert row is not None
        return str(lsn_number(row[0]))

    def reached(self, position: str, other: str) -> bool:
        return int(position) >= int(other)

    def lag(self, after: str) -> Lag:
        row = self._sql.execute(
            "SELECT pg_current_wal_lsn() - %s::pg_lsn, pg_current_wal_lsn() - restart_lsn, wal_status,"
            " (SELECT setting::bigint FROM pg_settings WHERE name = 'max_slot_wal_keep_size')"
            " FROM pg_replication_slots WHERE slot_name = %s",
            (lsn_text(int(after)), self._slot),
        ).fetchone()
        if row is None or row[2] == "lost":
            raise self._lost("")
        cap = int(row[3])
        return Lag(
            bytes=max(0, int(row[0])), kept_bytes=int(row[1] or 0), cap_bytes=cap * 1_048_576 if cap >= 0 else -1
        )

    def forget(self, upto: str) -> None:
        if self._stream is not None:
            self._stream.confirm(int(upto))

    def hand_over(self, heir: Capture) -> None:
        """The two directions share nothing."""

    def remove(self) -> list[str]:
        self._close_stream()
        if self._exporter is not None:
            self._exporter.close()
            self._exporter = None
        return self._publication.remove(self._sql)

    def close(self) -> None:
        self._close_stream()
        for connection in (self._connection, self._exporter):
            if connection is not None:
                connection.close()
        self._connection = self._exporter = None

    @property
    def _sql(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = self._store.connect()
        return self._connection

    def _oldest(self) -> str:
        row = self._sql.execute(
            "SELECT pid, coalesce(nullif(application_name, ''), usename), xact_start::text FROM pg_stat_activity"
            " WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid() ORDER BY xact_start LIMIT 1"
        ).fetchone()
        return f" (process {row[0]} of {row[1]}, since {row[2]})" if row else ""

    # -- the stream --------------------------------------------------------------------------------------------

    def fix(self) -> View:
        # Only a new slot tells the position of a snapshot; a temporary one is gone with its connection.
        with replication_connection(self._store) as connection:
            connection.execute("SET lock_timeout = '8s'")
            command = f"CREATE_REPLICATION_SLOT {self._slot}_fix TEMPORARY LOGICAL pgoutput (SNAPSHOT 'export')"
            row = connection.execute(command.encode()).fetchone()
            assert row is not None
            self.now()  # so that the stream comes to the position also when nobody writes
            return View(PostgresReader(self._store, str(row[2])), str(lsn_number(row[1])))

    def read(self, after: str, limit: int, exact_from: str, view: View | None = None) -> Batch | None:
        if self._drift:
            raise Drift(self._drift)
        if self._stream is None or int(after) != self._position:
            self._open(int(after))
        assert self._stream is not None
        exact, border = int(after) >= int(exact_from), int(exact_from)
        changes: list[Change] = []
        transactions, committed = 0, 0
        until = time.monotonic() + _BATCH_SECONDS
        try:
            while (message := self._next()) is not None:
                if isinstance(message, Begin) and view is not None and message.final_lsn >= int(view.position):
                    self._unread = message
                    self._position = int(view.position)
                    return Batch(self._fold(changes, exact), view.position, exact, transactions, committed)
                if isinstance(message, Commit):
                    changes += self._pending
                    self._pending = []
                    transactions += 1
                    self._position, committed = message.end_lsn, message.committed_us + _EPOCH_2000_US
                    enough = len(changes) >= limit or time.monotonic() > until
                    if enough or (not exact and self._position >= border):
                        break
                elif isinstance(message, Relation):
                    self._drift = self._describe(message)
                    if self._drift:
                        break
                else:
                    self._pending += self._changes(message)
                    if len(self._pending) >= _PIECE and not transactions:
                        piece, self._pending = self._pending, []
                        return Batch(self._fold(piece, exact), after, exact, full=False, ends=False)
        except psycopg.Error as error:
            self._close_stream()
            if "replication slot" in str(error):
                raise self._lost(str(error)) from None
            raise
        if not transactions:
            if self._drift:
                raise Drift(self._drift)
            return None
        full = exact or self._position >= border
        return Batch(self._fold(changes, exact), str(self._position), exact, transactions, committed, full)

    def _next(self) -> Message | None:
        """The next message; None when none comes for a moment."""
        if self._unread is not None:
            message, self._unread = self._unread, None
            return message
        assert self._stream is not None
        data = self._stream.next(_WAIT_SECONDS)
        return None if data is None else self._decoder.feed(data)

    def _fold(self, changes: list[Change], exact: bool) -> dict[int, Folding | Bag]:
        return folded(
            changes,
            [move.source.title for move in self._moves],
            exact,
            [table.whole for table in self._tables],
        )

    def _open(self, after: int) -> None:
        self._close_stream()
        slot = self._sql.execute(
            "SELECT wal_status, confirmed_flush_lsn - %s::pg_lsn, active_pid FROM pg_replication_slots"
            " WHERE slot_name = %s",
            (lsn_text(after), self._slot),
        ).fetchone()
        if slot is None:
            raise self._lost("it is gone")
        if slot[0] == "lost":
            raise self._lost("")
        if slot[1] is not None and slot[1] > 0:
            raise self._lost(f"it begins {slot[1]:,.0f} bytes after what the target has")
        if slot[2] is not None:  # a worker that died or hangs; the slot has room for one
            self._sql.execute("SELECT pg_terminate_backend(%s, 5000)", (slot[2],))
        self._decoder, self._pending, self._unread, self._position = Decoder(), [], None, after
        self._stream = Stream(self._store, self._slot, self._slot, after)

    def _close_stream(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _describe(self, relation: Relation) -> str:
        table = self._by_name.get((relation.schema, relation.name))
        if table is None:
            return ""
        said = table.describe(relation)
        return f"Table {table.move.source.title} has changed: {said}. Plan again to take it along." if said else ""

    def _changes(self, message: Message) -> list[Change]:
        if isinstance(message, Truncate):
            names = [(relation.schema, relation.name) for relation in message.relations]
            return [Change(self._by_name[name].number, "truncate") for name in names if name in self._by_name]
        if not isinstance(message, Insert | Update | Delete):
            return []
        table = self._by_name.get((message.relation.schema, message.relation.name))
        if table is None:
            return []
        if isinstance(message, Insert):
            row = table.row(message.new)
            return [Change(table.number, "insert", after=table.name(row), row=row)]
        if isinstance(message, Delete):
            return [Change(table.number, "delete", before=table.name(table.row(message.old)))]
        row = table.row(message.new)
        if message.old is None:
            key = table.name(row)
            return [Change(table.number, "update", before=key, after=key, row=row)]
        old = table.row(message.old)
        if message.kind == "O":  # the old row is whole, so nothing is unknown
            row = merged(old, row)
        return [Change(table.number, "update", before=table.name(old), after=table.name(row), row=row)]

    def _lost(self, why: str) -> CaptureLost:
        return CaptureLost(
            f"PostgreSQL no longer keeps the changes that were not copied yet (slot {self._slot}"
            f"{': ' + why if why else ' grew past max_slot_wal_keep_size'}). What they said is unknown, so the copy "
            "begins again."
        )
