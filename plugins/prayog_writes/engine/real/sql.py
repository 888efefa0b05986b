"""SQL databases behind one small interface, so that an experiment is written once; and SQLite, the first of them.

Rules
1. What an experiment makes is its own, and is removed in the end.
2. Every call looks whether the learner has cancelled.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from prayog_sdk.run import Cancelled

__all__ = ["Replica", "Sql", "SqliteSql", "Stop", "look"]

Stop = Callable[[], bool]


class Replica(Protocol):
    """A copy of a database that only answers."""

    def count(self, table: str) -> int:
        """Rows of `table` in the copy; 0 while it does not know the table."""
        ...

    def catch_up(self) -> None:
        """Bring it up to date, or wait until it is."""
        ...

    def close(self) -> None:
        """Give it back."""
        ...


class Sql(Protocol):
    """A connection that commits each statement by itself, but for those inside `together`."""

    name: str

    def run(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Execute one statement; ``?`` stands for a value.  Rows that it gives."""
        ...

    def many(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Execute one statement for each of `rows`."""
        ...

    def together(self) -> Any:
        """A ``with`` block: what is in it is committed as one."""
        ...

    def wait_for_disk(self, wait: bool) -> None:
        """Whether a commit returns only when it is on the disk."""
        ...

    def unsafe_bytes(self) -> int:
        """Bytes of the log that were acknowledged and may not be on the disk yet."""
        ...

    def fsyncs(self) -> int | None:
        """fsyncs of the log since the server started; None when it does not tell."""
        ...

    def materialise(self, name: str, query: str) -> None:
        """Keep the result of `query`."""
        ...

    def refresh(self, name: str, query: str) -> None:
        """Bring the kept result up to date."""
        ...

    def replica(self) -> Replica:
        """A copy; raises `ServiceMissing` when none can be made."""
        ...

    def close(self) -> None:
        """Remove what was made, and close."""
        ...


class SqliteSql:
    """A SQLite file in `folder`, with a write-ahead log."""

    name = "SQLite"

    def __init__(self, folder: Path, stop: Stop) -> None:
        self._path, self._stop = folder / "experiment.sqlite", stop
        self._db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self.wait_for_disk(True)

    def run(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        look(self._stop)
        return self._db.execute(statement, values).fetchall()

    def many(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        look(self._stop)
        self._db.executemany(statement, rows)

    @contextmanager
    def together(self) -> Iterator[None]:
        self._db.execute("BEGIN")
        yield
        self._db.execute("COMMIT")

    def wait_for_disk(self, wait: bool) -> None:
        self._db.execute(f"PRAGMA synchronous={'FULL' if wait else 'NORMAL'}")
        self._db.execute(f"PRAGMA wal_autocheckpoint={1000 if wait else 0}")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def unsafe_bytes(self) -> int:
        return Path(f"{self._path}-wal").stat().st_size  # with NORMAL it is synced at checkpoints only

    def fsyncs(self) -> int | None:
        return None

    def materialise(self, name: str, query: str) -> None:
        self.run(f"CREATE TABLE {name} AS {query}")

    def refresh(self, name: str, query: str) -> None:
        with self.together():
            self.run(f"DELETE FROM {name}")
            self.run(f"INSERT INTO {name} {query}")

    def replica(self) -> Replica:
        return _SqliteCopy(self._db, self._path.with_suffix(".copy"))

    def close(self) -> None:
        self._db.close()
        for path in self._path.parent.glob("experiment.*"):
            path.unlink()


class _SqliteCopy:
    """A backup: SQLite has no replicas of its own."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._db, self._copy = db, sqlite3.connect(path, check_same_thread=False)
        self.catch_up()

    def count(self, table: str) -> int:
        rows: int = self._copy.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        return rows

    def catch_up(self) -> None:
        self._db.backup(self._copy)

    def close(self) -> None:
        self._copy.close()


def look(stop: Stop) -> None:
    """Whether the learner has cancelled; raises `Cancelled`."""
    if stop():
        raise Cancelled
