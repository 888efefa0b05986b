"""Makes the demo sources: the shop in any of the three dialects, and *Nasty*."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from prayog_migration.engine import nasty, shop
from prayog_migration.engine.real.sqlite import SqliteStore
from prayog_migration.engine.real.store import Store, Writer

__all__ = ["make_nasty", "make_shop"]

_CHUNK = 50_000


def make_shop(
    store: Store, total: int, seed: int, progress: Callable[[int, int], None] = lambda done, total: None
) -> None:
    """Fill an empty database with a shop of about `total` rows; the same seed makes the same rows.

    `progress` is told rows done and rows in all; it may raise to stop.
    """
    counts = shop.row_counts(total)
    done, all_rows = 0, sum(counts.values())
    with store.writer() as writer:
        for statement in shop.ddl(store.dialect):
            writer.execute(statement)
        for table in shop.TABLES:
            rows = shop.rows(table, total, seed)
            while some := list(islice(rows, _CHUNK)):
                with writer.transaction():
                    writer.insert(store.name(table), shop.columns(table), iter(some))
                done += len(some)
                progress(done, all_rows)
        _number_on(store, writer)


def _number_on(store: Store, writer: Writer) -> None:
    """PostgreSQL's identities know nothing of numbers that were given."""
    if store.dialect != "postgresql":
        return
    for table in shop.TABLES:
        if shop.columns(table)[0] == "id":
            writer.query(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {store.name(table)}))"
            )


def make_nasty(store: SqliteStore) -> None:
    """Fill an empty SQLite file with *Nasty*."""
    with store.writer() as writer:
        for statement in nasty.SCHEMA:
            writer.execute(statement)
        with writer.transaction():
            for statement, values in nasty.rows():
                writer.execute(statement, values)
