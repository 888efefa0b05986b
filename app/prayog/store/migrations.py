"""The history of the tables: one function per version, run in order on a new file and on an old one alike.

Rules
1. A migration that was released never changes; a change of the tables is a new one at the end.
2. They speak SQL and never import `models`, which describes only the newest form.
"""

from __future__ import annotations

from collections.abc import Callable
from sqlite3 import Connection

__all__ = ["MIGRATIONS", "VERSION", "migrate"]


def _journal(db: Connection) -> None:
    db.execute(
        "CREATE TABLE event (id INTEGER NOT NULL PRIMARY KEY, at INTEGER NOT NULL, kind VARCHAR(12) NOT NULL, "
        "topic VARCHAR(40) NOT NULL, item VARCHAR(200) NOT NULL, data JSON NOT NULL)"
    )
    db.execute("CREATE INDEX event_by_topic ON event (topic, kind, item)")


def _run_files(db: Connection) -> None:
    db.execute(
        "CREATE TABLE run_file (path VARCHAR NOT NULL PRIMARY KEY, at INTEGER NOT NULL, topic VARCHAR(40) NOT NULL, "
        "scenario VARCHAR(80) NOT NULL, title VARCHAR(200) NOT NULL, steps INTEGER NOT NULL)"
    )


def _bookmarks(db: Connection) -> None:
    db.execute(
        "CREATE TABLE bookmark (id INTEGER NOT NULL PRIMARY KEY, at INTEGER NOT NULL, topic VARCHAR(40) NOT NULL, "
        "title VARCHAR(200) NOT NULL, data JSON NOT NULL)"
    )
    db.execute("CREATE INDEX bookmark_by_topic ON bookmark (topic)")


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (_journal, _run_files, _bookmarks)
VERSION = len(MIGRATIONS)
"""The version that this lab writes; the file keeps its own in ``PRAGMA user_version``."""


def migrate(db: Connection, version: int) -> None:
    """Bring the tables from `version` to `VERSION`; all of it happens or nothing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        for step in MIGRATIONS[version:]:
            step(db)
        db.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
