"""Capture from MariaDB and MySQL: which rows were touched is read from the binlog, the rows themselves by their keys.

The values of an event have lost what the wizard needs (a zero date is None, a FLOAT is rounded, text may be garbled),
so only keys are taken from it.  The rows are read again in a snapshot whose binlog position is known: MariaDB tells it
with the snapshot (Binlog_snapshot_position), MySQL is asked under a short global read lock.  A batch that ends at the
snapshot's position is therefore exactly what the source was there.

Rules
1. `mysql-replication` is used with log_file, log_pos and resume_stream; never with is_mariadb and blocking=False, which
   ignores the position and delivers the same rows for ever.
2. The binlog must hold rows with their names, types and character sets: binlog_format=ROW, binlog_row_image=FULL,
   binlog_row_metadata=FULL.  The last is set by `prepare` and restored by `remove`.
3. A statement in place of rows means that a session logs statements: what it did is unknown, and nothing is guessed.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import Any

import pymysql

from prayog_migration.engine.changes import Bag, Change, Folding, Key, folded, state
from prayog_migration.engine.identity import identity
from prayog_migration.engine.model import PREFIX
from prayog_migration.engine.plan import Plan
from prayog_migration.engine.real.binlog_keys import key_text, order, split
from prayog_migration.engine.real.capture import (
    Batch,
    CannotCapture,
    Capture,
    CaptureLost,
    Drift,
    Lag,
    Memory,
    View,
    difference,
    key_places,
)
from prayog_migration.engine.real.cascades import edges
from prayog_migration.engine.real.mysql import MysqlReader, MysqlStore
from prayog_migration.engine.real.store import Row

__all__ = ["BinlogCapture"]

_DDL = re.compile(r"^\s*(create|alter|drop|rename|truncate|optimize|analyze|repair|flush|grant|revoke)\b", re.I)
_TRUNCATE = re.compile(
    r"^\s*truncate\s+(?:table\s+)?(?:`?(?P<schema>[^`.\s]+)`?\s*\.\s*)?`?(?P<table>[^`;\s]+)`?", re.I
)
_WRITES = re.compile(r"^\s*(?:/\*.*?\*/\s*)*(insert|update|delete|replace|load|with|call)\b", re.I | re.S)
_SETTINGS = {"binlog_format": "ROW", "binlog_row_image": "FULL"}


class BinlogCapture:
    """Positions are ``file:position``."""

    def __init__(self, store: MysqlStore, plan: Plan, tag: str, memory: Memory) -> None:
        self._store = store
        self._moves = plan.tables
        self._memory = memory
        self._server_id = 1_000_000 + secrets.randbelow(2_000_000_000)
        self._named = [identity(move.source, "mysql") for move in plan.tables]
        self._keys = [
            key_places(move.reads, named.columns) for move, named in zip(self._moves, self._named, strict=True)
        ]
        self._texts = [
            [key_text(move.source.column(name), move.source.title) for name in named.columns]
            for move, named in zip(self._moves, self._named, strict=True)
        ]
        self._by_name = {
            (move.source.schema or store.database, move.source.name): n for n, move in enumerate(self._moves)
        }
        found = edges(plan)
        self._parents = frozenset(edge.parent for edge in found)
        self._children = frozenset(edge.child for edge in found)
        self._reader: MysqlReader | None = None
        self._defined = False
        """Somebody has defined something anew since the tables were looked at."""
        self._latest: MysqlReader | None = None
        """The reader of the last batch."""

    # -- the source --------------------------------------------------------------------------------------------

    def prepare(self) -> str:
        self._demand()
        with self._asking() as ask:
            metadata = ask("SELECT @@GLOBAL.binlog_row_metadata")[0][0]
            if metadata.upper() != "FULL":
                self._memory.setdefault("binlog_row_metadata", metadata)
                self._memory.keep()
                try:
                    ask("SET GLOBAL binlog_row_metadata = 'FULL'")
                except pymysql.Error:
                    raise CannotCapture(
                        "The binlog does not name columns and character sets, and this user may not change that. Let "
                        "an administrator run SET GLOBAL binlog_row_metadata = 'FULL' on the source."
                    ) from None
        return self.now()

    def snapshot(self) -> tuple[MysqlReader, str]:
        reader = MysqlReader(self._store)
        return reader, self._fix(reader)

    def rows(self, number: int, keys: Sequence[Key]) -> Iterator[Row]:
        assert self._latest is not None, "rows are asked for after a batch was read"
        move = self._moves[number]
        yield from self._latest.by_key(move.source, move.reads, self._named[number].columns, keys)

    def settle(self) -> None:
        # A transaction that has read a table keeps everybody from defining it anew: no fence could be raised.
        if self._reader is not None:
            self._reader.query("COMMIT")

    def now(self) -> str:
        with self._asking() as ask:
            return _current(ask)

    def reached(self, position: str, other: str) -> bool:
        return order(position) >= order(other)

    def lag(self, after: str) -> Lag:
        with self._asking() as ask:
            logs = [(str(row[0]), int(row[1])) for row in ask("SHOW BINARY LOGS")]
            here, (file, place) = order(_current(ask)), split(after)
        if file not in {name for name, _ in logs}:
            raise self._purged(file)
        waiting = sum(size for name, size in logs if order(f"{name}:4") > order(f"{file}:4")) - place
        size_here = dict(logs).get(file, 0)
        return Lag(bytes=max(0, waiting + size_here), kept_bytes=-1) if here else Lag()

    def forget(self, upto: str) -> None:
        """The server purges its binlog by its own rules (binlog_expire_logs_seconds); nothing is kept for us."""

    def hand_over(self, heir: Capture) -> None:
        """Both sides on one server: the setting is needed as long as one of the two captures, and is put back by it."""
        if isinstance(heir, BinlogCapture) and "binlog_row_metadata" in self._memory and self._server == heir._server:
            heir._memory["binlog_row_metadata"] = self._memory["binlog_row_metadata"]
            heir._memory.keep()
            del self._memory["binlog_row_metadata"]
            self._memory.keep()

    @property
    def _server(self) -> tuple[Any, ...]:
        with self._asking() as ask:
            return tuple(ask("SELECT @@hostname, @@port, @@datadir")[0])

    def remove(self) -> list[str]:
        metadata = self._memory.pop("binlog_row_metadata", None)
        if metadata is None:
            return []
        with self._asking() as ask:
            ask(f"SET GLOBAL binlog_row_metadata = '{metadata}'")
        self._memory.keep()
        return [f"setting binlog_row_metadata (again {metadata})"]

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    # -- the stream --------------------------------------------------------------------------------------------

    def fix(self) -> View:
        reader = MysqlReader(self._store)
        return View(reader, self._fix(reader))

    def read(self, after: str, limit: int, exact_from: str, view: View | None = None) -> Batch | None:
        if view is not None:
            assert isinstance(view.reader, MysqlReader)
            reader, here = view.reader, view.position
        else:
            reader, here = self._look()
        self._latest = reader
        if not order(here) > order(after):
            return None
        changes: list[Change] = []
        pending: list[Change] = []
        position, transactions, committed = after, 0, 0
        with closing(self._events(after, here)) as events:
            for kind, place, found, at in events:
                pending += found
                if kind == "end":
                    transactions, position, committed = transactions + 1, place, at
                    changes += pending
                    pending = []
                    if len(changes) >= limit:
                        break
        if self._defined:
            self._check_columns()
            self._defined = False
        full = not pending and (order(position) >= order(here) or len(changes) < limit)
        position = here if full else position
        if not changes:
            return Batch({}, position, exact=True) if position != after else None
        exact = full and order(after) >= order(exact_from)
        moves: dict[int, list[tuple[Key, Key | None]]] = {}
        for change in changes:
            if change.table in self._parents and change.before is not None:
                moves.setdefault(change.table, []).append((change.before, change.after))
        tables = self._with_rows(reader, changes, exact)
        exact_from = "" if full else here
        return Batch(tables, position, exact, transactions, committed, full, exact_from=exact_from, moves=moves)

    def _look(self) -> tuple[MysqlReader, str]:
        """A fresh snapshot on the connection that is kept, and its position."""
        try:
            if self._reader is None:
                self._reader = MysqlReader(self._store)
            else:
                self._reader.query("COMMIT")
                self._reader.query("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            return self._reader, self._fix(self._reader)
        except pymysql.Error:
            self.close()
            raise

    def _fix(self, reader: MysqlReader) -> str:
        """The binlog position of the reader's snapshot."""
        told: dict[str, str] = dict(reader.query("SHOW STATUS LIKE 'Binlog_snapshot_%'"))
        if told.get("Binlog_snapshot_file"):
            return f"{told['Binlog_snapshot_file']}:{told['Binlog_snapshot_position']}"
        with self._asking() as ask:  # MySQL: nobody commits while the lock is held
            ask("FLUSH TABLES WITH READ LOCK")
            try:
                reader.query("COMMIT")
                reader.query("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
                return _current(ask)
            finally:
                ask("UNLOCK TABLES")

    def _events(self, after: str, here: str) -> Generator[tuple[str, str, list[Change], int], None, None]:
        """(kind, position behind it, changes, time) of what the binlog holds; kind ``end`` ends a transaction."""
        from pymysqlreplication import BinLogStreamReader
        from pymysqlreplication.event import QueryEvent, RotateEvent, XidEvent
        from pymysqlreplication.row_event import DeleteRowsEvent, UpdateRowsEvent, WriteRowsEvent

        file, place = split(after)
        stream = BinLogStreamReader(
            connection_settings=dict(self._store.address),
            server_id=self._server_id,
            log_file=file,
            log_pos=place,
            resume_stream=True,
            blocking=False,
            only_events=[QueryEvent, XidEvent, RotateEvent, WriteRowsEvent, UpdateRowsEvent, DeleteRowsEvent],
            only_schemas=[self._store.database],
            ignore_decode_errors=True,  # of columns that are not asked for; keys are checked by type
            enable_logging=False,
        )
        try:
            for event in stream:
                if isinstance(event, RotateEvent):
                    continue
                at = f"{stream.log_file}:{stream.log_pos}"
                stamp = int(event.timestamp) * 1_000_000
                if isinstance(event, XidEvent):
                    yield "end", at, [], stamp
                elif isinstance(event, QueryEvent):
                    found = self._query(event)
                    if found is not None:
                        yield "end", at, found, stamp
                else:
                    yield "rows", at, list(self._changes(event)), stamp
                if order(at) >= order(here):
                    return
        except pymysql.err.OperationalError as error:
            if error.args and error.args[0] == 1236:  # could not find the first log file, or the position is not in it
                raise self._purged(file) from None
            raise
        finally:
            stream.close()

    def _query(self, event: Any) -> list[Change] | None:
        """What a statement in the log means; None for those that end no transaction."""
        text, schema = event.query, event.schema
        schema = schema.decode() if isinstance(schema, bytes) else schema
        if text.upper() in ("BEGIN", "SAVEPOINT") or text.upper().startswith(("SAVEPOINT", "# DUM")):
            return None
        if found := _TRUNCATE.match(text):
            number = self._by_name.get((found["schema"] or schema, found["table"]))
            return [] if number is None else [Change(number, "truncate")]
        if schema != self._store.database:
            return []
        if _DDL.match(text):
            self._defined = self._defined or PREFIX not in text
        elif _WRITES.match(text):
            raise CaptureLost(
                "The binlog holds a statement where it should hold rows: a session of the source writes with "
                "binlog_format STATEMENT or MIXED. What it changed is unknown. Set binlog_format = ROW globally, let "
                "all sessions reconnect, and begin the copy again."
            )
        return []

    def _check_columns(self) -> None:
        """Something was defined anew: the tables of the plan must still have the columns of the plan."""
        found = {(table.schema, table.name): table for table in self._store.catalogue().tables}
        for move in self._moves:
            said = difference(move.source, found.get((move.source.schema, move.source.name)))
            if said:
                raise Drift(f"{said}. Plan again to take it along.")

    def _changes(self, event: Any) -> Iterator[Change]:
        number = self._by_name.get((event.schema, event.table))
        if number is None:
            return
        names = {column.name for column in event.columns}
        source = self._moves[number].source
        if not any(names):
            raise CaptureLost(
                "The binlog names columns no longer: somebody set binlog_row_metadata back on the server. Set it to "
                "FULL and begin the copy again."
            )
        if missing := [name for name in self._named[number].columns if name not in names]:
            self._check_columns()
            raise Drift(f"Table {source.title} has changed: column {missing[0]} is gone. Plan again to take it along.")
        for row in event.rows:
            if "after_values" in row:
                before, after = self._key(number, row["before_values"]), self._key(number, row["after_values"])
                yield Change(number, "update", before=before, after=after, row=())
            elif type(event).__name__ == "WriteRowsEvent":
                yield Change(number, "insert", after=self._key(number, row["values"]), row=())
            else:
                yield Change(number, "delete", before=self._key(number, row["values"]))

    def _key(self, number: int, values: dict[str, Any]) -> Key:
        columns = self._named[number].columns
        return tuple(text(values[name]) for text, name in zip(self._texts[number], columns, strict=True))

    def _with_rows(self, reader: MysqlReader, changes: list[Change], exact: bool) -> dict[int, Folding | Bag]:
        """`changes` folded, and each row that is left with its values in the reader's snapshot."""
        logged = [change for change in changes if change.table not in self._children]
        tables = folded(logged, [move.source.title for move in self._moves], exact)
        for number, folding in tables.items():
            assert isinstance(folding, Folding)
            nets = [net for net in folding.nets() if net.key is not None]
            found = self._found(reader, number, [net.key for net in nets if net.key is not None])
            for net in nets:
                assert net.key is not None
                net.row = found.get(net.key)
                if net.row is None and exact:
                    raise Drift(
                        f"A row of {self._moves[number].source.title} with key {net.key!r} is in the binlog and not in "
                        "the table. Its rows are changed by something that is not logged; plan again without it."
                    )
        # What foreign keys do to these tables is not in the log, so the log cannot say what was there before.
        touched: dict[int, list[Change]] = {}
        for change in changes:
            if change.table in self._children:
                touched.setdefault(change.table, []).append(change)
        for number, some in touched.items():
            keys = dict.fromkeys(key for one in some for key in (one.before, one.after) if key is not None)
            found = self._found(reader, number, list(keys))
            tables[number] = state(self._moves[number].source.title, keys, found, len(some))
            tables[number].truncated = any(one.op == "truncate" for one in some)
        return tables

    def _found(self, reader: MysqlReader, number: int, keys: list[Key]) -> dict[Key, Row]:
        move, places = self._moves[number], self._keys[number]
        rows = reader.by_key(move.source, move.reads, self._named[number].columns, keys)
        return {tuple(row[place] for place in places): row for row in rows}

    def _demand(self) -> None:
        with self._asking() as ask:
            if not int(ask("SELECT @@GLOBAL.log_bin")[0][0]):
                raise CannotCapture(
                    "The source keeps no binlog, so its changes cannot be followed. Start the server with log_bin and "
                    "binlog_format = ROW, or choose the big bang, which copies while nobody writes."
                )
            for name, wanted in _SETTINGS.items():
                found = ask(f"SELECT @@GLOBAL.{name}")[0][0]
                if found.upper() != wanted:
                    raise CannotCapture(
                        f"The source has {name} = {found}, and rows can be followed only with {wanted}. Run SET GLOBAL "
                        f"{name} = '{wanted}' and let the application reconnect."
                    )

    def _purged(self, file: str) -> CaptureLost:
        return CaptureLost(
            f"The source has purged its binlog from {file} on, where the changes begin that were not copied yet. What "
            "they said is unknown, so the copy begins again."
        )

    def _asking(self) -> _Asking:
        return _Asking(self._store)


class _Asking:
    """A short connection of its own: ``with _Asking(store) as ask: rows = ask(sql)``."""

    def __init__(self, store: MysqlStore) -> None:
        self._store = store

    def __enter__(self) -> Callable[[str], list[Any]]:
        self._connection = self._store.connect()

        def ask(sql: str) -> list[Any]:
            with self._connection.cursor() as cursor:
                cursor.execute(sql)
                return list(cursor.fetchall())

        return ask

    def __exit__(self, *exc: object) -> None:
        self._connection.close()


def _current(ask: Callable[[str], list[Any]]) -> str:
    for statement in ("SHOW MASTER STATUS", "SHOW BINARY LOG STATUS"):  # MySQL 8.4 has only the second
        try:
            row = ask(statement)[0]
        except (pymysql.Error, IndexError):
            continue
        return f"{row[0]}:{row[1]}"
    raise CannotCapture(
        "The source does not tell the position of its binlog. The wizard's user needs the right BINLOG MONITOR "
        "(MariaDB) or REPLICATION CLIENT (MySQL)."
    )
