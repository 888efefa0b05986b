"""Bulk loading: rows that are sorted already become tables at once, without log and memtable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from operator import lt
from typing import TYPE_CHECKING

from prayog_writes.engine.coding import PUT, TRAILER
from prayog_writes.engine.columns import Columns
from prayog_writes.engine.edit import Edit
from prayog_writes.engine.errors import DatabaseError
from prayog_writes.engine.version import LEVELS

if TYPE_CHECKING:
    from prayog_writes.engine.store import Store

__all__ = ["load"]

_CHUNK = 2_000


def load(store: Store, items: Iterable[tuple[bytes, bytes]]) -> int:
    """Write `items`, whose keys ascend, as tables in the deepest level where nothing overlaps at or above it.

    The memtable is empty.  All rows share one sequence number: they are one write.
    """
    catalogue, sequence = store.catalogue, store.last + 1
    tag = TRAILER.pack(sequence << 8 | PUT)
    writer = catalogue.writer(store.options.file)
    total = user = 0
    try:
        for keys, values in _chunks(items):
            writer.add(Columns(keys, [tag] * len(keys), values))
            total += len(keys)
            user += sum(map(len, keys)) + sum(map(len, values))
        writer.finish()
        catalogue.sync_folder()
    except OSError as error:
        writer.undo()
        store.fail(error, "loading")
    except BaseException:
        writer.undo()
        raise
    if not writer.done:
        return 0
    low, high = writer.done[0].low, writer.done[-1].high
    level = 0
    while level + 1 < LEVELS and not any(store.version.overlapping(n, low, high) for n in range(level + 2)):
        level += 1
    store.last = catalogue.persisted = sequence
    store.stats.loaded += writer.written
    store.loaded += total - 1  # one sequence number for all
    store.stats.user += user
    reason = f"load: {total:,} rows that were sorted already, into L{level}"
    store.install(Edit(added=tuple((level, meta) for meta in writer.done), reason=reason))
    if store.row_cache is not None:
        store.row_cache.clear()
    return total


def _chunks(items: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[list[bytes], list[bytes]]]:
    rest = iter(items)
    last: list[bytes] = []
    while chunk := list(islice(rest, _CHUNK)):
        keys, values = [key for key, _ in chunk], [value for _, value in chunk]
        ordered = last + keys
        if not all(map(lt, ordered, ordered[1:])):
            raise DatabaseError("load takes keys that ascend, each once; sort them first, or use put_many.")
        last = keys[-1:]
        yield keys, values
