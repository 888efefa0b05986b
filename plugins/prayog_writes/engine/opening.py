"""Opening a database: from files in any state a crash can leave to one that takes writes; and what is written then.

Rules
1. First everything is read, and nothing changed: when that fails, the files are as they were.
2. Rows found in logs are written as a table before the logs are removed.
3. A MANIFEST that ends cleanly is continued, so that its history goes on; else a new one takes its place by a rename.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from operator import lt
from typing import TYPE_CHECKING, Any, NoReturn

from prayog_writes.engine.batch import HEAD
from prayog_writes.engine.coding import PUT, TRAILER
from prayog_writes.engine.columns import Columns
from prayog_writes.engine.edit import COMPARATOR, Edit, FileMeta, encode_edit, table_name
from prayog_writes.engine.errors import Corruption, DatabaseError
from prayog_writes.engine.files import Files
from prayog_writes.engine.job import TableWriter
from prayog_writes.engine.log import LogWriter
from prayog_writes.engine.manifest import CURRENT, History, log_name, number_of, read_manifest
from prayog_writes.engine.memtable import MemTable
from prayog_writes.engine.recovery import Replay, replay
from prayog_writes.engine.version import LEVELS, Version

if TYPE_CHECKING:
    from prayog_writes.engine.database import Database

__all__ = ["Opened", "begin_log", "file_of", "load", "note", "read", "settle", "told"]

NOTES = "LOG"
_CHUNK = 2_000


@dataclass(slots=True)
class Opened:
    """What the files say."""

    history: History | None
    version: Version
    pointers: dict[int, bytes]
    memtable: MemTable
    replays: dict[str, Replay] = field(default_factory=dict)
    last: int = 0
    persisted: int = 0
    next_file: int = 2
    edits: int = 0


def file_of(files: Files, number: int) -> str:
    """The name of table `number`: ``.ldb``, or ``.sst`` as older versions of LevelDB called it."""
    name = table_name(number)
    old = f"{number:06d}.sst"
    return old if name not in files.names() and old in files.names() else name


def read(db: Database) -> Opened:
    """Read MANIFEST and logs.  Raises `Corruption` or `DatabaseError`; changes nothing."""
    files, names = db.files, db.files.names()
    history = read_manifest(files)
    numbers = [number_of(name) for name in names]
    if history is None:
        if any(kind in ("ldb", "sst") for _, kind in numbers):
            raise DatabaseError(
                "There are tables but no file CURRENT, which names the MANIFEST. Restore it, or choose an empty folder."
            )
        return Opened(None, Version(), {}, MemTable(), next_file=1 + max((n for n, _ in numbers), default=1))
    version, edits = history.version, len(history.edits)
    there = {number for number, kind in numbers if kind in ("ldb", "sst")}
    for level, meta in version.files():
        if meta.number not in there:
            raise Corruption(
                table_name(meta.number), 0, f"the MANIFEST has it in level {level}, and the file is missing"
            )
        name = file_of(files, meta.number)
        if (size := files.size(name)) != meta.size:  # a table is as long as the MANIFEST says, or was never finished
            raise Corruption(name, size, f"it has {size:,} bytes and the MANIFEST says {meta.size:,}")
    opened = Opened(history, version, dict(history.pointers), MemTable(), last=history.last_sequence, edits=edits)
    opened.persisted = history.last_sequence
    opened.next_file = max([history.next_file, *(number + 1 for number, _ in numbers)])
    after: int | None = None
    for number in sorted(n for n, kind in numbers if kind == "log" and n >= history.log):
        name = log_name(number)
        found = replay(name, files.read(name), db.options.mode, after)
        opened.replays[name] = found
        for sequence, operations in found.batches:
            opened.memtable.apply(sequence, operations, HEAD.size, -1)
            after = sequence + len(operations) - 1
        if found.stopped:
            break
    opened.last = max(opened.last, opened.memtable.last)
    return opened


def settle(db: Database, opened: Opened) -> None:
    """Write what the logs held as a table, begin a new log and say so in the MANIFEST."""
    added: tuple[tuple[int, FileMeta], ...] = ()
    if opened.memtable.rows:
        writer = TableWriter(db, 0)
        writer.add(opened.memtable.columns())
        try:
            writer.finish()
        except OSError:
            writer.undo()
            raise
        added = ((0, writer.done[0]),)
        db.stats.flushed += writer.written
    number = db.new_number()
    begin_log(db, number)
    rows = len(opened.memtable)
    reason = f"flush: {rows:,} rows that were only in the log" if rows else "open: a new log begins"
    first = opened.history is None
    edit = Edit(COMPARATOR if first else None, number, db.new_number(), opened.last, added, reason=reason)
    _continue_manifest(db, opened, edit)
    db.version = opened.version.apply(edit)
    db.edits = opened.edits + 1
    db._persisted = opened.last
    db.memtable = MemTable(number)
    with suppress(OSError):
        note(db, edit)
    if db.tell:
        db.tell("edit", told(db, edit))
    _sweep(db, number)


def _continue_manifest(db: Database, opened: Opened, edit: Edit) -> None:
    history = opened.history
    if history is not None and history.clean:
        db.manifest_name = history.name
        db.manifest = LogWriter(db.files.extend(history.name), history.size)
        db.manifest.add(encode_edit(edit))
        db.manifest.sink.sync()
        return
    db.manifest_name = f"MANIFEST-{db.new_number():06d}"
    sink = db.files.create(db.manifest_name)
    db.manifest = LogWriter(sink)
    if history is not None:
        whole = tuple(opened.version.files())
        pointers = tuple(opened.pointers.items())
        db.manifest.add(encode_edit(Edit(COMPARATOR, history.log, None, opened.persisted, whole, (), pointers)))
    db.manifest.add(encode_edit(edit))
    sink.sync()
    db.sync_folder()
    current = db.files.create("CURRENT.dbtmp")
    current.append(f"{db.manifest_name}\n".encode())
    current.sync()
    current.close()
    db.files.rename("CURRENT.dbtmp", CURRENT)
    db.sync_folder()


def _sweep(db: Database, log: int) -> None:
    """Remove what a crash left behind."""
    live = {meta.number for _, meta in db.version.files()}
    for name in db.files.names():
        number, kind = number_of(name)
        stale = (
            (kind == "log" and number < log)
            or (kind in ("ldb", "sst") and number not in live)
            or (kind == "MANIFEST" and name != db.manifest_name)
            or name == "CURRENT.dbtmp"
        )
        if stale:
            with suppress(OSError):
                db.files.remove(name)


def begin_log(db: Database, number: int) -> None:
    """Begin log `number`; its name is safe before the first write is acknowledged."""
    db.log = LogWriter(db.files.create(log_name(number)))
    db.sync_folder()


def note(db: Database, edit: Edit) -> None:
    """Write the reason of the newest edit to LOG, a text that people read."""
    sink = db.files.extend(NOTES) if NOTES in db.files.names() else db.files.create(NOTES)
    sink.append(f"{db.manifest_name} edit {db.edits}: {edit.told()}\n".encode())
    sink.close()


def told(db: Database, edit: Edit) -> dict[str, Any]:
    """`edit` as the trace shows it."""
    return {
        "edit": db.edits,
        "what": edit.kind,
        "reason": edit.told(),
        "added": [[level, described(meta)] for level, meta in edit.added],
        "deleted": [[level, number] for level, number in edit.deleted],
        "log": edit.log,
        "last_sequence": edit.last_sequence,
        "manifest": db.manifest_name,
        "offset": db.manifest.size,
    }


def described(meta: FileMeta) -> dict[str, Any]:
    """A table as views show it."""
    return {
        "number": meta.number, "size": meta.size, "low": meta.low.decode("utf-8", "backslashreplace"),
        "high": meta.high.decode("utf-8", "backslashreplace"), "entries": meta.entries,
        "tombstones": meta.tombstones, "born": meta.born,
    }  # fmt: skip


def load(db: Database, items: Iterable[tuple[bytes, bytes]], fail: Callable[[OSError, str], NoReturn]) -> int:
    """Write `items`, whose keys ascend, as tables in the deepest level where nothing overlaps at or above it."""
    sequence = db.last + 1
    tag = TRAILER.pack(sequence << 8 | PUT)
    writer = TableWriter(db, db.options.file)
    total = user = 0
    try:
        for keys, values in _chunks(items):
            writer.add(Columns(keys, [tag] * len(keys), values))
            total += len(keys)
            user += sum(map(len, keys)) + sum(map(len, values))
        writer.finish()
        db.sync_folder()
    except OSError as error:
        writer.undo()
        fail(error, "loading")
    except BaseException:
        writer.undo()
        raise
    if not writer.done:
        return 0
    low, high = writer.done[0].low, writer.done[-1].high
    level = 0
    while level + 1 < LEVELS and not any(db.version.overlapping(n, low, high) for n in range(level + 2)):
        level += 1
    db.last = db._persisted = sequence
    db.memtable.last = sequence
    db.stats.loaded += writer.written
    db.stats.writes += total
    db.stats.user += user
    reason = f"load: {total:,} rows that were sorted already, into L{level}"
    db.install(Edit(added=tuple((level, meta) for meta in writer.done), reason=reason))
    if db.row_cache is not None:
        db.row_cache.clear()
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
