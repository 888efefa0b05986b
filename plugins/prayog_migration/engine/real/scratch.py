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

__all__ = ["scratch"]


@contextmanager
def scratch(target: Store, label: str = "scratch") -> Iterator[Store]:
    """An empty database of the target's kind, on the same server, dropped at the end.

    The driver's error is raised when the user of the URL may not create databases.
    """
    if isinstance(target, SqliteStore):
        with tempfile.TemporaryDirectory(prefix="prayog-") as folder:
            yield SqliteStore(f"sqlite:///{Path(folder) / 'scratch.sqlite'}")
        return
    assert isinstance(target, PostgresStore | MysqlStore)
    name = f"{PREFIX}_{label}_{urlsplit(target.url).path.strip('/') or 'db'}"[:60]
    with target.writer() as writer:
        _run(target, writer, f"DROP DATABASE IF EXISTS {target.quote(name)}")
        _run(target, writer, f"CREATE DATABASE {target.quote(name)}{_template(target)}")
    try:
        yield _beside(target, name)
    finally:
        with target.writer() as writer:
            force = " WITH (FORCE)" if isinstance(target, PostgresStore) else ""
            _run(target, writer, f"DROP DATABASE IF EXISTS {target.quote(name)}{force}")


def _run(target: Store, writer: object, sql: str) -> None:
    writer.execute(sql)  # type: ignore[attr-defined]


def _template(target: Store) -> str:
    """template0, as nobody may be connected to the template."""
    return " TEMPLATE template0" if isinstance(target, PostgresStore) else ""


def _beside(target: PostgresStore | MysqlStore, name: str) -> Store:
    """The same server, another database."""
    if isinstance(target, MysqlStore):
        return MysqlStore(urlunsplit(urlsplit(target.url)._replace(path=f"/{name}")))
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    return PostgresStore(make_conninfo("", **{**conninfo_to_dict(target.url), "dbname": name}), target.schema)
