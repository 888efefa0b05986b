"""Stage 8, clean up: everything whose name begins with `_wiz` goes, on both sides.

Rules
1. It can be called again after any interruption, and also without a plan: it looks for names, not into a memory.
2. The tables that remember go last, on the target, so that an interrupted clean-up is found again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from prayog_migration.engine.identity import Unfollowable
from prayog_migration.engine.model import PREFIX
from prayog_migration.engine.real.job import Job
from prayog_migration.engine.real.ledger import EVENT, WORKER
from prayog_migration.engine.real.resting import wake
from prayog_migration.engine.real.store import Store

__all__ = ["clean", "leftovers", "sweep"]

_LAST = {WORKER, EVENT, f"{PREFIX}_state"}


def clean(job: Job) -> list[str]:
    """Take everything away; what was taken away."""
    gone: list[str] = []
    for direction in ("forward", "reverse"):
        if job.plan is not None and job.order.live:
            with contextlib.suppress(Unfollowable):  # then nothing was ever captured
                gone += job.link(direction).capture.remove()
                job.forget_link(direction)
    for ledger in (job.back_ledger, job.ledger):
        if f"table {PREFIX}_state" in leftovers(ledger.store):
            wake(ledger.store, ledger.state)
    job.back_ledger.release()
    for store in (job.source, job.target):
        gone += sweep(store, keep=store is job.target)
    gone += sweep(job.target)
    return gone


def sweep(store: Store, keep: bool = False) -> list[str]:
    """Drop all that has our prefix in one database; with `keep` not the tables that remember."""
    gone = []
    for kind, name, sql in list(_found(store)):
        if keep and kind == "table" and name in _LAST:
            continue
        with contextlib.closing(store.connect()) as connection, contextlib.closing(connection.cursor()) as cursor:
            cursor.execute(sql)
        gone.append(f"{kind} {name}")
    return gone


def leftovers(store: Store) -> list[str]:
    """What is still there with our prefix."""
    return [f"{kind} {name}" for kind, name, _ in _found(store)]


def _found(store: Store) -> Iterator[tuple[str, str, str]]:
    """(kind, name, statement that drops it), in an order in which they can be dropped."""
    with contextlib.closing(store.connect()) as connection, contextlib.closing(connection.cursor()) as cursor:

        def ask(sql: str) -> list[tuple[Any, ...]]:
            cursor.execute(sql)
            return [tuple(row) for row in cursor.fetchall()]

        quote = store.quote
        if store.dialect == "sqlite":
            for kind in ("trigger", "view", "index", "table"):
                for (name,) in ask(f"SELECT name FROM sqlite_master WHERE type = '{kind}' AND name GLOB '{PREFIX}_*'"):
                    yield kind, name, f"DROP {kind.upper()} IF EXISTS {quote(name)}"
        elif store.dialect == "postgresql":
            yield from _postgres(ask, quote)
        else:
            like = PREFIX.replace("_", r"\_") + r"\_%"
            for (name,) in ask(
                f"SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = database()"
                f" AND trigger_name LIKE '{like}'"
            ):
                yield "trigger", name, f"DROP TRIGGER IF EXISTS {quote(name)}"
            for (name,) in ask(
                f"SELECT table_name FROM information_schema.tables WHERE table_schema = database()"
                f" AND table_name LIKE '{like}'"
            ):
                yield "table", name, f"DROP TABLE IF EXISTS {quote(name)}"


def _postgres(ask: Any, quote: Any) -> Iterator[tuple[str, str, str]]:
    like = PREFIX.replace("_", r"\_") + r"\_%"
    for (name,) in ask(
        f"SELECT slot_name FROM pg_replication_slots WHERE slot_name LIKE '{like}' AND database = current_database()"
        " AND NOT temporary"
    ):
        yield "slot", name, f"SELECT pg_drop_replication_slot('{name}')"
    for (name,) in ask(f"SELECT pubname FROM pg_publication WHERE pubname LIKE '{like}'"):
        yield "publication", name, f"DROP PUBLICATION IF EXISTS {quote(name)}"
    for name, schema, table in ask(
        "SELECT tgname, n.nspname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid"
        f" JOIN pg_namespace n ON n.oid = relnamespace WHERE tgname LIKE '{like}' AND NOT tgisinternal"
        " AND tgparentid = 0"
    ):
        yield "trigger", f"{name} on {table}", f"DROP TRIGGER IF EXISTS {quote(name)} ON {quote(schema)}.{quote(table)}"
    for name, schema in ask(
        "SELECT proname, nspname FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace"
        f" WHERE proname LIKE '{like}'"
    ):
        yield "function", name, f"DROP FUNCTION IF EXISTS {quote(schema)}.{quote(name)}"
    for name, schema, kind in ask(
        "SELECT relname, nspname, relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
        f" WHERE relname LIKE '{like}' AND relkind IN ('r', 'p', 'v', 'i', 'S') AND nspname NOT LIKE 'pg_temp%'"
        " AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = c.oid) ORDER BY relkind DESC"
    ):
        word = {"r": "table", "p": "table", "v": "view", "i": "index", "S": "sequence"}[kind]
        yield word, name, f"DROP {word.upper()} IF EXISTS {quote(schema)}.{quote(name)}"
    for (name,) in ask(f"SELECT nspname FROM pg_namespace WHERE nspname LIKE '{like}'"):
        yield "schema", name, f"DROP SCHEMA IF EXISTS {quote(name)} CASCADE"
