"""Where a migration comes from and goes to: the demo shop and its target are made here, or found again.

Rules
1. A demo source, and what was made of it, is kept in the profile with the knobs that made it.  A session with the same
   knobs finds both and goes on where the last one stopped; with other knobs both are made anew.
2. A database of the learner's own is used as it is; nothing is made or dropped.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from prayog_migration.engine.model import PREFIX
from prayog_migration.engine.real.demo import make_nasty, make_shop
from prayog_migration.engine.real.doors import Unopened, check_source, check_target
from prayog_migration.engine.real.secrets import whole
from prayog_migration.engine.real.sqlite import SqliteStore
from prayog_migration.engine.real.store import Store, open_store
from prayog_migration.engine.setup import DIALECTS, SOURCES, Setup
from prayog_sdk.hookspecs import Progress
from prayog_sdk.services import Services
from prayog_sdk.services.postgres import EmbeddedPostgres

__all__ = ["Places", "find_places"]

_OWNER = "migration"
_SOURCE, _TARGET = "prayog_migration_source", "prayog_migration_target"


@dataclass(frozen=True, slots=True)
class Places:
    """URLs of both sides; ``server`` is the target's when it is the lab's own; ``resumed``: an earlier session's."""

    source: str
    target: str
    source_dialect: str
    target_dialect: str
    tag: str
    demo: bool
    resumed: bool
    server: EmbeddedPostgres | None = None


def find_places(setup: Setup, seed: int, services: Services, progress: Progress) -> Places:
    """Both sides of the migration that `setup` describes.  Raises `ServiceMissing` or `Unopened`."""
    place = _Place(services)
    demo = setup.source in SOURCES
    knobs = [setup.source, setup.source_on, setup.target, setup.rows if setup.source == "shop" else 0, seed]
    known = place.folder / "demo.json"
    resumed = demo and known.exists() and json.loads(known.read_text()) == knobs
    if demo and not resumed:
        known.unlink(missing_ok=True)
    target = place.target(setup.target, fresh=demo and not resumed)
    if demo:
        on = "sqlite" if setup.source == "nasty" else setup.source_on
        source = place.database(on, _SOURCE, fresh=not resumed)
        if not resumed:
            _make(open_store(source), setup, seed, progress)
            known.write_text(json.dumps(knobs))
    else:
        source = _own(setup.source)
    try:
        stores = open_store(source), open_store(target)
    except ValueError as error:
        raise Unopened(str(error)) from None
    if not demo:
        check_source(stores[0])
    if setup.target not in DIALECTS:
        check_target(stores[1], stores[0])
    dialects = stores[0].dialect, stores[1].dialect
    server = place.server if setup.target == "postgresql" else None
    return Places(source, target, *dialects, "lab", setup.source == "shop", resumed, server)


def _make(store: Store, setup: Setup, seed: int, progress: Progress) -> None:
    if setup.source == "nasty":
        assert isinstance(store, SqliteStore)
        make_nasty(store)
        return
    told: Callable[[int, int], None] = lambda done, total: progress(done, total, "The shop is being filled")  # noqa: E731
    make_shop(store, setup.rows, seed, told)


def _own(text: str) -> str:
    """A URL, or the path of a SQLite file, as a URL."""
    text = whole(text)
    if "://" in text:
        return text
    path = Path(text).expanduser().resolve()
    return f"sqlite:///{quote(str(path))}"


class _Place:
    """Databases of the lab's own, by dialect."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.folder = services.folder(_OWNER)
        self.server = services.own_postgres(_OWNER)

    def target(self, wanted: str, fresh: bool) -> str:
        """The target: of the lab's own, or the learner's."""
        return self.database(wanted, _TARGET, fresh) if wanted in DIALECTS else _own(wanted)

    def database(self, dialect: str, name: str, fresh: bool) -> str:
        """A database called `name`, emptied when it is to be `fresh`."""
        makers: dict[str, Callable[[str, bool], str]] = {
            "sqlite": self._sqlite, "postgresql": self._postgres, "mysql": self._mysql,
        }  # fmt: skip
        return makers[dialect](name, fresh)

    def _sqlite(self, name: str, fresh: bool) -> str:
        path = self.folder / f"{name}.sqlite"
        if fresh:
            for end in ("", "-wal", "-shm"):
                path.with_name(path.name + end).unlink(missing_ok=True)
        return f"sqlite:///{quote(str(path))}"

    def _postgres(self, name: str, fresh: bool) -> str:
        import psycopg

        url = self.server.url()
        with psycopg.connect(url, autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
            if found and fresh:
                for (slot,) in connection.execute(
                    "SELECT slot_name FROM pg_replication_slots WHERE database = %s AND starts_with(slot_name, %s)",
                    (name, PREFIX),
                ).fetchall():
                    connection.execute("SELECT pg_drop_replication_slot(%s)", (slot,))
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
            if not found or fresh:
                connection.execute(f"CREATE DATABASE {name}".encode())
        return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))

    def _mysql(self, name: str, fresh: bool) -> str:
        import pymysql

        own = not self._services.named("mysql")
        parts = urlsplit(self._services.own_mariadb(_OWNER).url() if own else self._services.url("mysql"))
        with (
            contextlib.closing(
                pymysql.connect(
                    host=parts.hostname or "127.0.0.1",
                    port=parts.port or 3306,
                    user=unquote(parts.username or "root"),
                    password=unquote(parts.password or ""),
                )
            ) as connection,
            connection.cursor() as cursor,
        ):
            if fresh:
                cursor.execute(f"DROP DATABASE IF EXISTS {name}")
            cursor.execute(f"CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb4")
        return urlunsplit(parts._replace(path=f"/{name}"))
