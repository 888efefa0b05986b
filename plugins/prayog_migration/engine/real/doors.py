"""Whether a database of the learner's own can be opened at all, asked before a migration begins.

A worker waits and tries again when a connection breaks; for a path with a slip of the pen it would wait for ever.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from prayog_migration.engine.real.sqlite import SqliteStore
from prayog_migration.engine.real.store import Store
from prayog_sdk.services import masked

__all__ = ["Unopened", "check_source", "check_target"]

_MAGIC = b"SQLite format 3\0"


class Unopened(ValueError):
    """One side cannot be opened; the message is a sentence for the learner."""


def check_source(store: Store) -> None:
    """Raises `Unopened` when there is nothing to be read."""
    if isinstance(store, SqliteStore):
        _check_file(store.path)
    _open(store, "source")


def check_target(store: Store, source: Store) -> None:
    """Raises `Unopened` when nothing can be written there, or it is the source itself."""
    if isinstance(store, SqliteStore):
        folder = store.path.parent
        if isinstance(source, SqliteStore) and source.path.resolve() == store.path.resolve():
            raise Unopened(f"Source and target are the same file, {store.path}. Choose another file as the target.")
        if store.path.is_dir():
            raise Unopened(f"The target {store.path} is a folder. Name a file in it, a new one or an empty database.")
        if not folder.is_dir():
            raise Unopened(f"The folder {folder} of the target does not exist. Make it, or choose another one.")
        try:
            if store.path.exists():
                store.path.open("r+b").close()
            tempfile.TemporaryFile(dir=folder).close()  # SQLite keeps its log beside the file
        except OSError as error:
            raise Unopened(
                f"Nothing can be written to {store.path} ({error.strerror}). Choose a folder of your own."
            ) from None
        if store.path.exists() and store.path.stat().st_size:
            _check_magic(store.path)
        return
    if store.url == source.url:
        raise Unopened("Source and target are the same database. Choose another one as the target.")
    _open(store, "target")


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise Unopened(f"The source {path} is a folder. Choose the SQLite file in it.")
    if not path.exists():
        raise Unopened(f"There is no file {path}. Choose the SQLite file that shall move.")
    if not os.access(path, os.R_OK):
        raise Unopened(f"The file {path} may not be read by you. Change its permissions, or copy it.")
    if not path.stat().st_size:
        raise Unopened(f"The file {path} is empty: no database was made in it yet, so there is nothing to move.")
    _check_magic(path)


def _check_magic(path: Path) -> None:
    with path.open("rb") as file:
        found = file.read(len(_MAGIC))
    if found != _MAGIC:
        raise Unopened(
            f"{path} is no SQLite database: such a file begins with “SQLite format 3”, this one with {found[:12]!r}."
        )


def _open(store: Store, side: str) -> None:
    """Connect, ask one question and close again; what is answered is put into a sentence, without the password."""
    is_file = isinstance(store, SqliteStore)
    where = str(store.path) if isinstance(store, SqliteStore) else masked(store.url)
    try:
        with store.reader() as reader:
            found = reader.query("SELECT count(*) FROM sqlite_master" if is_file else "SELECT 1")[0][0]
    except Exception as error:  # noqa: BLE001 - whatever a driver raises is told
        said = " ".join(store.fault(error).sentence.split()).rstrip(".")
        mend = (
            "Close the program that uses it, and begin again." if is_file
            else "Look at host, port, user, password and the name of the database; its server must be running."
        )  # fmt: skip
        raise Unopened(f"The {side} {where} cannot be opened: {said}. {mend}") from None
    if not found:
        raise Unopened(f"The database {where} has no table, so there is nothing to move.")
