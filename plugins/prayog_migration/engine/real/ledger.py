"""What a worker must write with its rows: that it is still the worker, and how far the stream has come.

Rules
1. A worker *claims* the target: it takes the lock, ends the session of whoever holds it, and raises the epoch.  Every
   transaction touches the row of the epoch; a worker that slept through its successor's claim finds another number
   there, and its transaction fails (`Fenced`) instead of being committed.
2. The position of a stream is written in the transaction of the rows (promise P1).
3. The application reads one row, `_wiz_route`: which side is in charge, and since which epoch of the route.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from prayog_migration.engine.model import PREFIX
from prayog_migration.engine.real.state import State
from prayog_migration.engine.real.store import Store, Writer

__all__ = ["ROUTE", "SESSION", "Fenced", "Ledger", "Progress", "Route", "Side"]

Side = Literal["source", "target"]
ROUTE = f"{PREFIX}_route"
WORKER = f"{PREFIX}_worker"
SYNC = f"{PREFIX}_sync"
EVENT = f"{PREFIX}_event"
TABLES: Mapping[str, str] = {
    WORKER: "k {key} PRIMARY KEY, epoch {number}, beat {number}",
    SYNC: (
        "link {key} PRIMARY KEY, position {text}, exact_from {text}, transactions {number}, changes {number},"
        " committed_us {number}"
    ),
    ROUTE: "part {key} PRIMARY KEY, epoch {number}, side {key}",
    EVENT: "seq {number} PRIMARY KEY, at_us {number}, kind {key}, data {text}",
}
SESSION = f"{PREFIX}_worker_"
"""Begins the name under which PostgreSQL shows the sessions of a worker; the rest tells one worker from another."""
_LOCK = 0x5F77697A  # "_wiz"
_PATIENCE_S = 15.0


class Fenced(Exception):
    """Another worker has claimed the target since; this one must end without writing anything."""

    def __init__(self) -> None:
        super().__init__("Another worker has taken over; this one ends without writing.")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stream (``link``) is on the target."""

    position: str
    exact_from: str
    transactions: int = 0
    changes: int = 0
    committed_us: int = 0


@dataclass(frozen=True, slots=True)
class Route:
    """Which side the application must use for a part ("" is everything), and since which change of mind."""

    epoch: int
    side: Side


class Ledger:
    """The wizard's tables of the worker in the target `store`."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.state = State(store)
        self.epoch = 0
        self._lock: Any = None

    # -- who works ---------------------------------------------------------------------------------------------

    def claim(self) -> int:
        """Become the worker; the new epoch.  Sessions of an earlier one are ended."""
        self._take_lock()  # first: it ends every other session that bears our name
        with self.store.writer() as writer:
            self.state.create(writer)
            self.state.create(writer, TABLES)
            name = self.store.name(WORKER)
            with writer.transaction():
                if not writer.execute(f"UPDATE {name} SET epoch = epoch + 1 WHERE k = 'worker'"):
                    writer.execute(f"INSERT INTO {name} (k, epoch, beat) VALUES ('worker', 1, 0)")
                self.epoch = int(writer.query(f"SELECT epoch FROM {name} WHERE k = 'worker'")[0][0])
        return self.epoch

    def rejoin(self) -> int:
        """After a lost connection: be the worker again, or for the first time, but never against a successor.

        Raises `Fenced` when there is one: he who was away must not end the sessions of who took over.
        """
        if self.epoch:
            with self.store.writer() as writer:
                rows = writer.query(f"SELECT epoch FROM {self.store.name(WORKER)} WHERE k = 'worker'")
            if not rows or int(rows[0][0]) != self.epoch:
                raise Fenced
        return self.claim()

    def touch(self, writer: Writer) -> None:
        """In every transaction: it is committed only if this is still the worker.  Raises `Fenced`."""
        name = self.store.name(WORKER)
        if writer.execute(f"UPDATE {name} SET beat = beat + 1 WHERE k = 'worker' AND epoch = ?", (self.epoch,)) != 1:
            raise Fenced

    def release(self) -> None:
        """Let go of the lock."""
        if self._lock is not None:
            with contextlib.suppress(Exception):  # the server may be gone, and the lock with it
                self._lock.close()
            self._lock = None

    def _take_lock(self) -> None:
        """A lock of the server's that dies with our session.  SQLite needs none: it has one writer, and the epoch."""
        if self.store.dialect == "sqlite":
            return
        self.release()
        self._lock = self.store.connect()
        if self.store.dialect == "postgresql":
            ask = self._lock.execute
            until = time.monotonic() + _PATIENCE_S
            while not ask("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()[0]:
                _patient(until)
                ask(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND"
                    " granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
                    (_LOCK,),
                )
                time.sleep(0.05)
            # Its other sessions too: one may be in the middle of a transaction that would go on without it.
            ask(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database()"
                " AND starts_with(application_name, %s) AND application_name <> current_setting('application_name')",
                (SESSION,),
            )
            return
        with self._lock.cursor() as cursor:
            name = f"{PREFIX}_{self._lock.db.decode() if isinstance(self._lock.db, bytes) else self._lock.db}"
            until = time.monotonic() + _PATIENCE_S
            while True:
                _patient(until)
                cursor.execute("SELECT GET_LOCK(%s, 0)", (name,))
                if cursor.fetchone()[0] == 1:
                    return
                cursor.execute("SELECT IS_USED_LOCK(%s)", (name,))
                holder = cursor.fetchone()[0]
                if holder is not None:
                    with contextlib.suppress(Exception):  # it ended by itself meanwhile
                        cursor.execute(f"KILL {int(holder)}")
                time.sleep(0.05)

    # -- how far a stream is -----------------------------------------------------------------------------------

    def progress(self, writer: Writer, link: str) -> Progress | None:
        """How far `link` has come; None before it began."""
        rows = writer.query(
            f"SELECT position, exact_from, transactions, changes, committed_us FROM {self.store.name(SYNC)}"
            " WHERE link = ?",
            (link,),
        )
        return Progress(rows[0][0], rows[0][1], *map(int, rows[0][2:])) if rows else None

    def begin(self, writer: Writer, link: str, position: str, exact_from: str = "0") -> None:
        """A stream begins at `position`; in the caller's transaction."""
        name = self.store.name(SYNC)
        writer.execute(f"DELETE FROM {name} WHERE link = ?", (link,))
        writer.execute(
            f"INSERT INTO {name} (link, position, exact_from, transactions, changes, committed_us)"
            " VALUES (?, ?, ?, 0, 0, 0)",
            (link, position, exact_from),
        )

    def advance(self, writer: Writer, link: str, done: Progress) -> None:
        """The rows up to ``done.position`` are in this transaction (counts are added to what was).

        It is ours only if the epoch still is.  Raises `Fenced`.
        """
        self.touch(writer)
        moved = writer.execute(
            f"UPDATE {self.store.name(SYNC)} SET position = ?, exact_from = ?, transactions = transactions + ?,"
            " changes = changes + ?, committed_us = ? WHERE link = ?",
            (done.position, done.exact_from, done.transactions, done.changes, done.committed_us, link),
        )
        if moved != 1:
            raise Fenced

    def set_exact_from(self, writer: Writer, link: str, exact_from: str) -> None:
        """The stream may repeat what the copy saw until it has come so far."""
        writer.execute(f"UPDATE {self.store.name(SYNC)} SET exact_from = ? WHERE link = ?", (exact_from, link))

    def end(self, writer: Writer, link: str) -> None:
        """The stream is over."""
        writer.execute(f"DELETE FROM {self.store.name(SYNC)} WHERE link = ?", (link,))

    # -- which side is in charge -------------------------------------------------------------------------------

    def route(self, writer: Writer, part: str = "") -> Route:
        """The route of `part`; before anything was promoted it is the source."""
        rows = writer.query(f"SELECT epoch, side FROM {self.store.name(ROUTE)} WHERE part = ?", (part,))
        return Route(int(rows[0][0]), rows[0][1]) if rows else Route(1, "source")

    def promote(self, writer: Writer, side: Side, part: str = "") -> Route:
        """The one moment at which the other side is in charge; in the caller's transaction."""
        name, route = self.store.name(ROUTE), Route(self.route(writer, part).epoch + 1, side)
        if not writer.execute(f"UPDATE {name} SET epoch = ?, side = ? WHERE part = ?", (route.epoch, side, part)):
            writer.execute(f"INSERT INTO {name} (part, epoch, side) VALUES (?, ?, ?)", (part, route.epoch, side))
        return route


def _patient(until: float) -> None:
    if time.monotonic() > until:
        raise TimeoutError(
            "Another session holds the wizard's lock on the target, and this user may not end it. End the other run, "
            "or let an administrator end its session."
        )
