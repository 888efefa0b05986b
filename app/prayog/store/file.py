"""The SQLite file itself: checked, set aside, copied and brought up to date before SQLAlchemy sees it.

It is held exclusively while it is open, so that two windows on one profile cannot write over each other: the
second one is told.
"""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from prayog.paths import free_name
from prayog.store import StoreProblem
from prayog.store.migrations import VERSION, migrate

__all__ = ["Opened", "connect", "open_file", "problem"]

_WAIT_S = 0.2  # how long another window may take to finish closing


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection that is ready for use, and a sentence when something had to be done about the file."""

    connection: sqlite3.Connection
    notice: str = ""


def open_file(path: Path) -> Opened:
    """Open the file, making, mending or migrating it as needed.

    Raises `StoreProblem` with a sentence: in use, made by a newer lab, folder not writable, disk full.
    """
    notice = ""
    db: sqlite3.Connection | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        db = connect(path)
        if not _sound(db):
            db.close()
            notice = _set_aside(path)
            db = connect(path)
            _hold(db)
        return Opened(db, notice + _update(db, path))
    except Exception as error:
        if db is not None:
            db.close()  # and with it the lock
        if isinstance(error, sqlite3.Error | OSError):
            raise problem(error, path) from error
        raise


def problem(error: Exception, path: Path) -> StoreProblem:
    """`error` of SQLite or the system as a sentence."""
    text = str(getattr(error, "orig", error)).lower()
    if "locked" in text:
        return StoreProblem(
            f"Another window of the lab uses the profile {path.parent}. Progress is not saved in this one; close the "
            "other, or start this one with --profile DIR."
        )
    if "full" in text or "no space" in text:
        return StoreProblem(f"The disk that holds {path.parent} is full, so progress is not saved; free some space.")
    # SQLite may name the same cause "disk I/O error", when it is a log beside the file that cannot be written
    denied = "readonly" in text or "unable to open" in text or not os.access(path.parent, os.W_OK)
    if denied or isinstance(error, PermissionError | FileExistsError):
        return StoreProblem(f"The folder {path.parent} cannot be written to, so progress is not saved.")
    return StoreProblem(f"Progress cannot be kept in {path}: {getattr(error, 'orig', error)}.")


def connect(path: Path) -> sqlite3.Connection:
    # one connection for all threads (Repo has a lock); transactions are begun by whoever writes
    return sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False)


def _sound(db: sqlite3.Connection) -> bool:
    try:
        _hold(db)
        return bool(db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    except sqlite3.OperationalError:  # locked, full, read-only: nothing is wrong with the contents
        raise
    except sqlite3.DatabaseError:
        return False


def _hold(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA locking_mode = EXCLUSIVE")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")  # with WAL: a power cut may take the last lines, never the file
    db.execute("BEGIN EXCLUSIVE")  # the lock is taken by the first write, and kept
    db.execute("COMMIT")


def _update(db: sqlite3.Connection, path: Path) -> str:
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version == VERSION:
        return ""
    if version > VERSION:
        raise StoreProblem(
            f"The progress in {path} was written by a newer lab (form {version}; this one knows {VERSION}). It is left "
            "alone and nothing is saved; update the lab, or use another profile with --profile DIR."
        )
    notice = ""
    if version > 0:
        copy = free_name(path, f"before-{VERSION}")
        target = sqlite3.connect(copy)
        try:
            db.backup(target)
        finally:
            target.close()
        notice = f"Your progress was brought to this lab's form; the file as it was is kept as {copy.name}."
    migrate(db, version)
    return notice


def _set_aside(path: Path) -> str:
    aside = free_name(path, "damaged")
    for ending in ("-wal", "-shm", ""):
        if os.path.exists(f"{path}{ending}"):
            os.rename(f"{path}{ending}", f"{aside}{ending}")
    return f"The progress file was damaged. It was set aside as {aside.name} and a new one was begun."
