"""Reading: where a get looks, and how a scan walks over all runs at once.

A get asks the newest place first and stops at the first that knows the key: memtable, immutable memtables, level 0
table by table, then one table of each deeper level.  A filter that says "certainly not here" saves the block.
A scan asks no filter: it must merge all runs.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from prayog_writes.engine.columns import Columns, alive, visible
from prayog_writes.engine.memtable import Row
from prayog_writes.engine.merge import merged
from prayog_writes.engine.table import Table

if TYPE_CHECKING:
    from prayog_writes.engine.store import Store

__all__ = ["Snapshot", "in_tables", "look_up", "scan"]

AHEAD = 16
"""Blocks that a scan which passes by everything reads at once."""


class Snapshot:
    """The database as it was after write `sequence`; give it back with `release` or ``with``."""

    def __init__(self, sequence: int, release: Callable[[int], None]) -> None:
        self.sequence = sequence
        self._release = release

    def release(self) -> None:
        """Let compactions drop what only this snapshot could see."""
        self._release(self.sequence)

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(self, *error: object) -> None:
        self.release()


def look_up(store: Store, key: bytes, snapshot: int, told: list[dict[str, Any]] | None = None) -> Row | None:
    """The newest version of `key` at or before sequence `snapshot`.  Every place looked at is added to `told`."""
    for memtable in (store.memtable, *reversed(store.immutable)):
        row = memtable.get(key, snapshot)
        if told is not None:
            name = "memtable" if memtable is store.memtable else "immutable"
            told.append({"where": name, "rows": len(memtable), "found": row is not None})
        if row is not None:
            return row
    return in_tables(store, key, snapshot, told)


def in_tables(store: Store, key: bytes, snapshot: int, told: list[dict[str, Any]] | None = None) -> Row | None:
    """The same, of what is on the disk."""
    catalogue, stats, hashed = store.catalogue, store.stats, -1
    tables, version = catalogue.open, catalogue.version
    for low, high, meta in version.top:
        if low <= key <= high:
            table = tables.get(meta.number) or catalogue.table(meta.number)
            tell = None if told is None else _teller(told, 0, meta.number)
            row, hashed = table.get(key, hashed, snapshot, stats, tell)
            if row is not None:
                return row
    for level, highs, lows, files in version.deep:
        place = bisect_left(highs, key)
        if place < len(highs) and lows[place] <= key:
            number = files[place].number
            table = tables.get(number) or catalogue.table(number)
            tell = None if told is None else _teller(told, level, number)
            row, hashed = table.get(key, hashed, snapshot, stats, tell)
            if row is not None:
                return row
    return None


def _teller(told: list[dict[str, Any]], level: int, table: int) -> Callable[[str, int, bool], None]:
    def tell(what: str, offset: int, found: bool) -> None:
        told.append({"where": what, "level": level, "table": table, "offset": offset, "found": found})

    return tell


def scan(
    store: Store, start: bytes | None, stop: bytes | None, snapshot: int, reverse: bool, keep: bool = True
) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values from `start` to `stop` at sequence `snapshot`, from the tables that count now."""
    runs: list[Iterator[Columns]] = [
        memtable.chunks(start, stop, reverse)
        for memtable in (store.memtable.frozen(), *reversed(store.immutable))
        if memtable.rows
    ]
    needed: list[int] = []
    for level, files in enumerate(store.version.levels):
        chosen = [f.number for f in files if (start is None or f.high >= start) and (stop is None or f.low < stop)]
        needed += chosen
        if level:
            runs.append(_walk(store, chosen, start, stop, reverse, keep))
        else:
            runs += [_walk(store, [number], start, stop, reverse, keep) for number in chosen]
    if snapshot < store.last:
        runs = [_seen(run, snapshot) for run in runs]
    windows = _holding(store, needed, merged(runs, reverse=reverse))
    next(windows)  # from here on the tables are held, until the last row was read or the scan is thrown away
    if reverse:
        return chain.from_iterable(reversed(list(alive(rows))) for rows in windows)
    return chain.from_iterable(alive(rows) for rows in windows)


def _holding(store: Store, numbers: list[int], windows: Iterator[Columns]) -> Iterator[Columns]:
    store.catalogue.hold(numbers)
    try:
        yield Columns()
        yield from windows
    finally:
        store.catalogue.let_go(numbers)


def _walk(
    store: Store, numbers: list[int], start: bytes | None, stop: bytes | None, reverse: bool, keep: bool
) -> Iterator[Columns]:
    """The rows of tables that follow each other; each is opened when it is its turn."""
    walk = _back if reverse else _forth
    for number in reversed(numbers) if reverse else numbers:
        yield from walk(store.catalogue.table(number), start, stop, keep, store.options.step(AHEAD))


def _seen(run: Iterator[Columns], snapshot: int) -> Iterator[Columns]:
    return (visible(rows, snapshot) for rows in run)


def _forth(table: Table, start: bytes | None, stop: bytes | None, keep: bool, ahead: int) -> Iterator[Columns]:
    # One that fills the cache reads a block at first and then ever more: it may end soon.
    for rows in table.scan(start, 1 if keep else ahead, 2 * AHEAD if keep else ahead, keep):
        if stop is not None and len(rows) and rows.keys[-1] >= stop:
            yield rows.within(None, stop)
            return
        yield rows


def _back(table: Table, start: bytes | None, stop: bytes | None, keep: bool, ahead: int) -> Iterator[Columns]:
    for rows in table.scan_back(stop, 1 if keep else ahead, 2 * AHEAD if keep else ahead, keep):
        if start is not None and len(rows) and rows.keys[0] < start:
            yield rows.within(start, None)
            return
        yield rows
