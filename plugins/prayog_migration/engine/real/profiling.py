"""Looks at the values of a source, every row of it, and says how far it is."""

from __future__ import annotations

from collections.abc import Callable

from prayog_migration.engine.model import Catalogue, Dialect
from prayog_migration.engine.plan import TableMove
from prayog_migration.engine.profile import ColumnProfile, TableProfile
from prayog_migration.engine.real.store import Reader, Store
from prayog_migration.engine.values import fit_of

__all__ = ["profile_table"]

_ROWS = 500
_BYTES = 4_000_000


def profile_table(
    store: Store,
    reader: Reader,
    catalogue: Catalogue,
    move: TableMove,
    target: Dialect,
    progress: Callable[[int], None] = lambda rows: None,
    limit: int | None = None,
) -> TableProfile:
    """Read all rows of a table (the first `limit`), and note what does not fit the types of `move`.

    `progress` is told the number of rows so far, several times a second; it may raise to stop.
    """
    walk = store.walk(move.source)
    hidden = len(walk.keys) if walk and walk.hidden else 0
    places = walk.places(move.reads) if walk and (walk.hidden or set(walk.columns) <= set(move.reads)) else ()
    fits = [fit_of(catalogue.dialect, one.kind, target, one.target_kind) for one in move.columns]
    columns = [
        ColumnProfile(
            one.source,
            temporal=one.kind.name in ("date", "time", "timestamp"),
            numeric=one.kind.name in ("integer", "decimal", "boolean"),
        )
        for one in move.columns
    ]
    profile = TableProfile(move.source.title, {column.name: column for column in columns})
    size = max(1, min(_ROWS, _BYTES // max(1, _widest(store, reader, move))))
    for some in reader.batches(move.source, move.reads, walk, limit=limit, size=size):
        keys = [tuple(row[place] for place in places) for row in some]
        for values, column, fit in zip(list(zip(*some, strict=True))[hidden:], columns, fits, strict=True):
            column.feed(values, keys, fit)
        profile.rows += len(some)
        profile.widest_row = sum(column.widest or 8 for column in columns)
        progress(profile.rows)
    profile.complete = limit is None or profile.rows < limit
    return profile


def _widest(store: Store, reader: Reader, move: TableMove) -> int:
    """At most so many bytes has the widest row, in columns that may be long: memory is bounded by it."""
    long = [one.source for one in move.columns if one.kind.name in _LONG and (one.kind.size or _ROWS) >= _ROWS]
    if not long:
        return 0
    function = {"sqlite": "length({})", "postgresql": "octet_length({}{})", "mysql": "length({})"}[store.dialect]
    kinds = {one.source: one.kind.name for one in move.columns}
    parts = []
    for name in long:
        cast = "" if kinds[name] in ("text", "bytes") else "::text"
        parts.append(f"coalesce(max({function.format(store.quote(name), cast)}), 0)")
    name = store.name(move.source.name, move.source.schema)
    (row,) = reader.query(f"SELECT {', '.join(parts)} FROM {name}")
    characters = 4 if store.dialect == "sqlite" else 1
    return characters * sum(map(int, row))


_LONG = {"text", "bytes", "json", "xml", "any", "other", "array", "geometry", "search"}
