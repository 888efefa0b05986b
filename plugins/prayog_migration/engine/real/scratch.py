"""A scratch database beside the target, in which a plan is tried before anything is made."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from prayog_migration.engine.model import PREFIX
from prayog_migration.engine.real.mysql import MysqlStore
from prayog_migration.engine.real.postgres import PostgresStore
from prayog_migration.engine.real.sqlite import SqliteStore
from prayog_migration.engine.real.store import Store

__all__ = ["drop_beside", "made_beside", "scratch"]


@contextmanager
def scratch(target: Store, label: str = "scratch") -> Iterator[Store]:
    """An empty database of the target's kind, on the same server, dropped at the end.

    The driver's error is raised when the user of the URL may not create databases.
    """
    if isinstance(target, SqliteStore):
        with tempfile.TemporaryDirectory(prefix="prayog-") as folder:
            yield SqliteStore(f"sqlite:///{Path(folder) / 'scratch.sqlite'}")
        return
    drop_beside(target, label)
    try:
        yield made_beside(target, label)
    finally:
        drop_beside(target, label)


def made_beside(target: Store, label: str) -> Store:
    """The database of that label on the target's server (no file), made when it is not there; it is kept."""
    assert isinstance(target, PostgresStore | MysqlStore)
    name = _named(target, label)
    with target.writer() as writer:
        if isinstance(target, MysqlStore):
            writer.execute(f"CREATE DATABASE IF NOT EXISTS {target.quote(name)}")
        elif not writer.query("SELECT 1 FROM pg_database WHERE datname = ?", (name,)):
            # template0, as nobody may be connected to the template
            writer.execute(f"CREATE DATABASE {target.quote(name)} TEMPLATE template0")
    return _beside(target, name)


def drop_beside(target: Store, label: str) -> None:
    """Drop it, whoever is connected."""
    assert isinstance(target, PostgresStore | MysqlStore)
    force = " WITH (FORCE)" if isinstance(target, PostgresStore) else ""
    with target.writer() as writer:
        writer.execute(f"DROP DATABASE IF EXISTS {target.quote(_named(target, label))}{force}")


def _named(target: Store, label: str) -> str:
    return f"{PREFIX}_{label}_{urlsplit(target.url).path.strip('/') or 'db'}"[:60]


def _beside(target: PostgresStore | MysqlStore, name: str) -> Store:
    """The same server, another database."""
    if isinstance(target, MysqlStore):
        return MysqlStore(urlunsplit(urlsplit(target.url)._replace(path=f"/{name}")))
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    return PostgresStore(make_conninfo("", **{**conninfo_to_dict(target.url), "dbname": name}), target.schema)
