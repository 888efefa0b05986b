"""Reading: where a get looks, and how a scan walks over all runs at once.

A get asks the newest place first and stops at the first that knows the key: memtable, immutable memtables, level 0
table by table, then one table of each deeper level.  A filter that says "certainly not here" saves the block.
A scan asks no filter: it must merge all runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from prayog_writes.engine.columns import Columns, alive, visible
from prayog_writes.engine.memtable import Row
from prayog_writes.engine.merge import merged
from prayog_writes.engine.table import Table

if TYPE_CHECKING:
    from prayog_writes.engine.database import Database

__all__ = ["look_up", "scan"]


def look_up(db: Database, key: bytes, snapshot: int, told: list[dict[str, Any]] | None) -> Row | None:
    """The newest version of `key` at or before sequence `snapshot`.  Every place looked at is added to `told`."""
    for memtable in (db.memtable, *reversed(db.immutable)):
        row = memtable.get(key, snapshot)
        if told is not None:
            name = "memtable" if memtable is db.memtable else "immutable"
            told.append({"where": name, "rows": len(memtable), "found": row is not None})
        if row is not None:
            return row
    stats, hashed = db.stats, -1
    for level, meta in db.version.holding(key):
        table = db.table(meta.number)
        stats.tables_asked += 1
        tell = None if told is None else _teller(told, level, meta.number)
        row, hashed = table.get(key, hashed, snapshot, stats, tell)
        if row is not None:
            return row
    return None


def _teller(told: list[dict[str, Any]], level: int, table: int) -> Callable[[str, int, bool], None]:
    def tell(what: str, offset: int, found: bool) -> None:
        told.append({"where": what, "level": level, "table": table, "offset": offset, "found": found})

    return tell


def scan(db: Database, start: bytes | None, stop: bytes | None, snapshot: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values from `start` to `stop` at sequence `snapshot`, which is held by the files that are open now."""
    runs: list[Iterator[Columns]] = [
        iter([memtable.columns().within(start, stop)])
        for memtable in (db.memtable, *reversed(db.immutable))
        if memtable.rows
    ]
    for level, files in enumerate(db.version.levels):
        chosen = [f for f in files if (start is None or f.high >= start) and (stop is None or f.low < stop)]
        tables = [db.table(f.number) for f in chosen]  # open now: a compaction may remove their names meanwhile
        if level:
            runs.append(chain.from_iterable(_upto(table, start, stop) for table in tables))
        else:
            runs += [_upto(table, start, stop) for table in tables]
    past = snapshot < db.last
    if past:
        runs = [(visible(rows, snapshot) for rows in run) for run in runs]
    return chain.from_iterable(alive(rows) for rows in merged(runs))


def _upto(table: Table, start: bytes | None, stop: bytes | None) -> Iterator[Columns]:
    for rows in table.scan(start, 1, 32):  # a short scan reads one block, a long one reads ahead
        if stop is not None and len(rows) and rows.keys[-1] >= stop:
            yield rows.within(None, stop)
            return
        yield rows
