"""Capture from a SQLite file: the log of keys that triggers keep, read together with the rows as they are now."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from prayog_migration.engine.changes import Bag, Folding, Key, state
from prayog_migration.engine.model import PREFIX
from prayog_migration.engine.plan import Plan
from prayog_migration.engine.real.capture import Batch, Capture, CaptureLost, Drift, Lag, View, key_places
from prayog_migration.engine.real.sqlite import SqliteReader, SqliteStore
from prayog_migration.engine.real.store import Row
from prayog_migration.engine.triggers import CAPTURE_TRIGGERS, GUARD, LOG, UPTO, followed, install, log_keys

__all__ = ["SqliteCapture", "writing"]


class SqliteCapture:
    """Positions are numbers of the log.

    A batch has each touched key once, with the row as the file has it at the moment of reading: that is newer than the
    log says if more of the log waits, so only a batch that reads the log to its end is ``full``.
    """

    def __init__(self, store: SqliteStore, plan: Plan) -> None:
        self._store = store
        self._moves = plan.tables
        self._followed = followed([move.source for move in plan.tables])
        self._keys = [
            key_places(move.reads, one.identity.columns) for move, one in zip(self._moves, self._followed, strict=True)
        ]
        self._schema: Any = None
        self._known = [(move.source.name, _columns(move.source.columns)) for move in plan.tables]

    def prepare(self) -> str:
        with writing(self._store) as connection:
            _drop(connection)  # one of an earlier try; no copy relies on it any more
            for statement in install(self._followed):
                connection.execute(statement)
            return str(self._last(connection))

    def snapshot(self) -> tuple[SqliteReader, str]:
        return SqliteReader(self._store), "0"

    def read(self, after: str, limit: int, exact_from: str, view: View | None = None) -> Batch | None:
        if view is not None:
            assert isinstance(view.reader, SqliteReader)
            return self._read(view.reader, int(after), limit)
        with SqliteReader(self._store) as reader:
            return self._read(reader, int(after), limit)

    def _read(self, reader: SqliteReader, since: int, limit: int) -> Batch | None:
        """The log after `since` and the rows, both in the reader's transaction."""
        self._check(reader.connection)
        log = reader.connection.execute(
            f"SELECT seq, tab, {log_keys(self._width)} FROM {LOG} WHERE seq > ? ORDER BY seq LIMIT ?", (since, limit)
        ).fetchall()
        last = self._last(reader.connection)
        self._whole(since, log, last, limit)
        if not log:
            return None
        touched: dict[int, dict[Key, None]] = {}
        for _, number, *key in log:
            touched.setdefault(number, {})[tuple(key[: len(self._keys[number])])] = None
        tables: dict[int, Folding | Bag] = {
            number: self._rows(reader, number, keys) for number, keys in touched.items()
        }
        return Batch(tables, str(log[-1][0]), exact=False, full=log[-1][0] == last)

    def fix(self) -> View:
        reader = SqliteReader(self._store)
        return View(reader, str(self._last(reader.connection)))

    def rows(self, number: int, keys: Sequence[Key]) -> Iterator[Row]:
        with SqliteReader(self._store) as reader:
            move = self._moves[number]
            yield from reader.by_key(move.source, move.reads, self._followed[number].identity.columns, keys)

    def settle(self) -> None:
        """Nothing is held."""

    def now(self) -> str:
        with SqliteReader(self._store) as reader:
            return str(self._last(reader.connection))

    def reached(self, position: str, other: str) -> bool:
        return int(position) >= int(other)

    def lag(self, after: str) -> Lag:
        return Lag(changes=int(self.now()) - int(after))

    def forget(self, upto: str) -> None:
        # A hundred thousand at a time: the application's writers wait for this transaction.  The last entry stays, or
        # its number might be given again (see `_last`).
        with writing(self._store) as connection:
            connection.execute(f"UPDATE {UPTO} SET seq = ? WHERE seq < ?", (int(upto), int(upto)))
            connection.execute(
                f"DELETE FROM {LOG} WHERE seq <= ? AND seq < (SELECT min(seq) FROM {LOG}) + 100000"
                f" AND seq < (SELECT max(seq) FROM {LOG})",
                (int(upto),),
            )

    def hand_over(self, heir: Capture) -> None:
        """The two directions share nothing."""

    def remove(self) -> list[str]:
        if not self._store.path.exists():
            return []
        with writing(self._store) as connection:
            return _drop(connection)

    def close(self) -> None:
        """Nothing is held between two reads."""

    @property
    def _width(self) -> int:
        return max((len(places) for places in self._keys), default=1)

    def _rows(self, reader: SqliteReader, number: int, keys: dict[Key, None]) -> Folding:
        move, places = self._moves[number], self._keys[number]
        if any(None in key for key in keys):
            raise Drift(
                f"A row of {move.source.title} has a key that is NULL now, so it cannot be told from others. Give it a "
                "value and go on, or begin again without this table."
            )
        columns = self._followed[number].identity.columns
        # by_key compares as the column does: with NOCASE it finds "a" when it is asked for "A".
        found = {
            tuple(row[place] for place in places): row
            for row in reader.by_key(move.source, move.reads, columns, list(keys))
        }
        return state(move.source.title, keys, found, len(keys))

    def _last(self, connection: sqlite3.Connection) -> int:
        return int(connection.execute(f"SELECT coalesce(max(seq), 0) FROM {LOG}").fetchone()[0])

    def _whole(self, since: int, log: list[tuple[Any, ...]], last: int, limit: int) -> None:
        """Numbers have no gaps (rule 5 of `triggers`), so a missing one was deleted by somebody."""
        expected = min(limit, last - since)
        if expected < 0 or len(log) != expected or (log and log[-1][0] != since + expected):
            raise CaptureLost(
                f"The log of changes in {self._store.path.name} should hold {expected} entries after number {since} "
                f"and holds {len(log)}: somebody deleted from it. What they said is unknown, so the copy begins again."
            )

    def _check(self, connection: sqlite3.Connection) -> None:
        """The tables are what the plan says, and all triggers are there."""
        version = connection.execute("PRAGMA schema_version").fetchone()
        if version == self._schema:
            return
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
        if GUARD not in names:
            raise CaptureLost(
                f"The trigger that keeps the log of changes in {self._store.path.name} was dropped. What was deleted "
                "since is unknown, so the copy begins again."
            )
        for one, (table, columns) in zip(self._followed, self._known, strict=True):
            found = _found(connection, self._store.quote(table))
            if not found:
                raise Drift(f"Table {table} is gone from {self._store.path.name}. Plan again to go on without it.")
            if found != columns:
                raise Drift(f"Table {table} has changed: {_difference(columns, found)}. Plan again to take it along.")
            if any(f"_wiz_{kind}_{one.table.name}" not in names for kind in CAPTURE_TRIGGERS):
                raise CaptureLost(
                    f"A trigger that logs the changes of {table} was dropped. What happened since is unknown, so the "
                    "copy begins again."
                )
        self._schema = version


@contextmanager
def writing(store: SqliteStore) -> Iterator[sqlite3.Connection]:
    """A transaction on the source.  Unlike a `SqliteWriter` it leaves the file's journal mode as it is."""
    with closing(store.connect()) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


def _drop(connection: sqlite3.Connection) -> list[str]:
    """Take log and triggers away, of whatever plan they are; their names."""
    kinds = ", ".join(f"'{PREFIX}_{kind}_'" for kind in CAPTURE_TRIGGERS)
    gone = [
        name
        for (name,) in connection.execute(
            f"SELECT name FROM sqlite_master WHERE type = 'trigger' AND substr(name, 1, 8) IN ({kinds}) ORDER BY name"
        ).fetchall()
    ]
    for name in gone:
        connection.execute(f'DROP TRIGGER "{name.replace(chr(34), 2 * chr(34))}"')
    for name in (LOG, UPTO):  # the guard goes with the log
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)).fetchone():
            connection.execute(f"DROP TABLE {name}")
            gone.append(name)
    return gone


def _columns(columns: Any) -> list[tuple[str, str]]:
    return [(column.name, column.type) for column in columns]


def _found(connection: sqlite3.Connection, table: str) -> list[tuple[str, str]]:
    # Hidden: 2 and 3 are generated columns, 1 those of virtual tables.
    return [(row[1], row[2]) for row in connection.execute(f"PRAGMA main.table_xinfo({table})") if row[6] != 1]


def _difference(planned: list[tuple[str, str]], found: list[tuple[str, str]]) -> str:
    old, new = dict(planned), dict(found)
    said = [f"column {name} is new" for name in new if name not in old]
    said += [f"column {name} is gone" for name in old if name not in new]
    said += [
        f"column {name} was {old[name] or 'untyped'} and is {new[name] or 'untyped'}"
        for name in new
        if name in old and old[name].upper() != new[name].upper()
    ]
    return ", ".join(said) or "the order of its columns is another"
