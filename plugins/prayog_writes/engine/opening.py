"""Opening a database: from files in any state a crash can leave to one that takes writes.

Rules
1. First everything is read, and nothing changed: when that fails, the files are as they were.
2. Rows found in logs are written as a table before the logs are removed.
3. Everything goes in small steps: a million rows are read without holding anybody up.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prayog_writes.engine.batch import HEAD
from prayog_writes.engine.catalogue import Catalogue, file_of
from prayog_writes.engine.edit import COMPARATOR, Edit, FileMeta, table_name
from prayog_writes.engine.errors import Corruption, DatabaseError
from prayog_writes.engine.files import Files
from prayog_writes.engine.job import written_out
from prayog_writes.engine.manifest import History, log_name, manifest_in_steps, number_of
from prayog_writes.engine.memtable import MemTable
from prayog_writes.engine.options import Options
from prayog_writes.engine.progress import Progress
from prayog_writes.engine.recovery import Replay, replaying

if TYPE_CHECKING:
    from prayog_writes.engine.store import Store

__all__ = ["Found", "read", "settle"]

PORTION = 2_000
"""Rows of a log, or tables, that are read in one step."""


@dataclass(slots=True)
class Found:
    """What the files say.  ``last``: the newest write."""

    catalogue: Catalogue
    memtable: MemTable
    replays: dict[str, Replay] = field(default_factory=dict)
    last: int = 0
    first: bool = False
    """There was no database yet."""


def read(files: Files, options: Options) -> Generator[Progress, None, Found]:
    """Read MANIFEST and logs.  Raises `Corruption` or `DatabaseError`; changes nothing."""
    numbers = [number_of(name) for name in files.names()]
    history = yield from manifest_in_steps(files)
    if history is None:
        if any(kind in ("ldb", "sst") for _, kind in numbers):
            raise DatabaseError(
                "There are tables but no file CURRENT, which names the MANIFEST. Restore it, or choose an empty folder."
            )
        following = 1 + max((n for n, _ in numbers), default=1)
        return Found(Catalogue(files, options, None, following), MemTable(), first=True)
    yield from _tables_are_there(files, history)
    following = max([history.next_file, *(number + 1 for number, _ in numbers)])
    found = Found(Catalogue(files, options, history, following), MemTable(), last=history.last_sequence)
    after: int | None = None
    for number in sorted(n for n, kind in numbers if kind == "log" and n >= history.log):
        name, taken = log_name(number), 0
        replay = found.replays[name] = Replay()
        for sequence, operations in replaying(replay, name, files.read(name), options.mode, after):
            found.memtable.apply(sequence, operations, HEAD.size, -1)
            after = sequence + len(operations) - 1
            taken += len(operations)
            if taken >= PORTION:
                taken = 0
                yield Progress(len(found.memtable))
        if replay.stopped:
            break
    found.last = max(found.last, found.memtable.last)
    return found


def _tables_are_there(files: Files, history: History) -> Iterator[Progress]:
    """Every table is as long as the MANIFEST says, or was never finished."""
    for count, (level, meta) in enumerate(history.version.files()):
        name = file_of(files, meta.number)
        if not files.has(name):
            raise Corruption(
                table_name(meta.number), 0, f"the MANIFEST has it in level {level}, and the file is missing"
            )
        if (size := files.size(name)) != meta.size:
            raise Corruption(name, size, f"it has {size:,} bytes and the MANIFEST says {meta.size:,}")
        if count % PORTION == PORTION - 1:
            yield Progress(count)


def settle(store: Store, found: Found) -> Iterator[Progress]:
    """Write what the logs held as a table, begin a new log and say so in the MANIFEST."""
    catalogue, rows = found.catalogue, len(found.memtable)
    added: tuple[tuple[int, FileMeta], ...] = ()
    if rows:
        writer = catalogue.writer(0)
        try:
            for progress in written_out(found.memtable, writer):
                if rows > PORTION:  # a short log is done at once
                    yield progress
        except OSError:
            writer.undo()
            raise
        added = ((0, writer.done[0]),)
        store.stats.flushed += writer.written
    number = catalogue.new_number()
    store.begin_log(number)
    reason = f"flush: {rows:,} rows that were only in the log" if rows else "open: a new log begins"
    edit = Edit(COMPARATOR if found.first else None, number, catalogue.new_number(), found.last, added, reason=reason)
    catalogue.begin(edit)
    catalogue.persisted = found.last
    store.memtable = MemTable(number)
    if store.tell:
        store.tell("edit", catalogue.told(edit))
    catalogue.sweep(number)
