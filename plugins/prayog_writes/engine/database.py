"""The database: a log, a table in memory, tables on disk, and the promises that hold them together.

    put ─▶ log ─▶ (sync) ─▶ memtable ─▶ acknowledged
                               │ full
                               ▼
               immutable memtable ─flush▶ L0 ─compaction▶ L1 ─▶ L2 …

Rules
1. A write is in the log before it is in the memtable, and in both before `put` returns.  With the policy ``always`` it
   is synced by then.
2. A log is removed only when the table that replaces it is synced and the MANIFEST names it.
3. After an error of the disk the database takes no more writes: what is on disk is a prefix of what was asked.
4. One thread at a time; `engine.real.shared` serves many.  Everything that happens is told to `tell`, when it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from errno import ENOSPC
from itertools import count
from typing import Any, NoReturn

from prayog_writes.engine import opening
from prayog_writes.engine.batch import HEAD, Operation, body_of, encode_put, puts_of
from prayog_writes.engine.cache import Cache
from prayog_writes.engine.coding import MAX_SEQUENCE
from prayog_writes.engine.columns import Columns
from prayog_writes.engine.edit import Edit, encode_edit, table_name
from prayog_writes.engine.errors import Corruption, DatabaseError, DiskFull, ReadOnly
from prayog_writes.engine.files import Files
from prayog_writes.engine.job import CompactionJob, FlushJob, Job
from prayog_writes.engine.log import LogWriter
from prayog_writes.engine.manifest import log_name
from prayog_writes.engine.memtable import MemTable, Row
from prayog_writes.engine.options import Options
from prayog_writes.engine.policy import Pick, everything, level_of, policy
from prayog_writes.engine.reading import look_up, scan
from prayog_writes.engine.stats import Stats
from prayog_writes.engine.table import Table
from prayog_writes.engine.version import LEVELS, Version

__all__ = ["Database", "Snapshot", "Tell"]

Tell = Callable[[str, Mapping[str, Any]], None]


class Snapshot:
    """The database as it was after write `sequence`; give it back with `release` or ``with``."""

    def __init__(self, db: Database, sequence: int) -> None:
        self._db = db
        self.sequence = sequence

    def release(self) -> None:
        """Let compactions drop what only this snapshot could see."""
        self._db.release(self)

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(self, *error: object) -> None:
        self.release()


class Database:
    """A database in `files`; opened, or made when there is none.

    ``clock`` gives µs, for the sync policy ``every``.  Raises `Corruption` or `DatabaseError` when it cannot be opened.
    After opening, `read_only` says why it takes no writes, or is empty; `recovered` is what the logs gave.
    """

    def __init__(
        self,
        files: Files,
        options: Options | None = None,
        tell: Tell | None = None,
        clock: Callable[[], int] | None = None,
    ) -> None:
        self.files = files
        self.options = options or Options()
        self.tell = tell
        self.stats = Stats()
        self.cache: Cache[Columns] = Cache(self.options.cache)
        self.row_cache: Cache[Row] | None = Cache(self.options.row_cache) if self.options.row_cache else None
        self.immutable: list[MemTable] = []
        self.policy = policy(self.options)
        self.read_only = ""
        self._clock = clock or (lambda: 0)
        self._synced_at = self._clock()
        self._snapshots: list[int] = []
        self._tables: dict[int, Table] = {}
        self._held: list[bytes] = []
        opened = opening.read(self)
        self.version: Version = opened.version
        self.pointers = opened.pointers
        self.memtable = opened.memtable
        self.recovered = opened.replays
        self.last = opened.last
        self.edits = opened.edits
        self._numbers = count(opened.next_file)
        self._persisted = opened.persisted
        self._closed = False
        try:
            opening.settle(self, opened)
        except OSError as error:
            if error.errno != ENOSPC:
                raise
            self.read_only = str(DiskFull("opening the database"))
        self._plain = self._is_plain()

    log: LogWriter
    manifest: LogWriter
    manifest_name: str

    # Writing

    def put(self, key: bytes, value: bytes) -> None:
        """Keep `value` under `key`."""
        if not self._plain:
            self.write([(key, value)])
            return
        memtable, sequence = self.memtable, self.last + 1
        record = encode_put(sequence, key, value)
        try:
            self.log.add_typed(record)
            if self.options.sync != "never":
                self._sync_due()
        except OSError as error:
            self.fail(error, "writing the log")
        memtable.rows[key] = (sequence, value)
        memtable.size = size = memtable.size + len(record)
        memtable.last = self.last = sequence
        stats = self.stats
        stats.writes += 1
        stats.user += len(key) + len(value)
        if size >= self.options.memtable:
            self._full()

    def put_many(self, items: Iterable[tuple[bytes, bytes]]) -> None:
        """Keep all of `items`, or after a crash none of them."""
        items = list(items)
        if not items:
            return
        if not self._plain:
            self.write(list(items))
            return
        keys, values = [key for key, _ in items], [value for _, value in items]
        first = self.last + 1
        payload = HEAD.pack(first, len(items)) + puts_of(keys, values)
        try:
            self.log.add(payload)
            if self.options.sync != "never":
                self._sync_due()
        except OSError as error:
            self.fail(error, "writing the log")
        memtable = self.memtable
        memtable.rows.update(zip(keys, zip(range(first, first + len(keys)), values, strict=True), strict=True))
        memtable.size += len(payload)
        memtable.last = self.last = first + len(keys) - 1
        self.stats.writes += len(keys)
        self.stats.user += sum(map(len, keys)) + sum(map(len, values))
        if memtable.size >= self.options.memtable:
            self._full()

    def delete(self, key: bytes) -> None:
        """Forget `key`: writes a tombstone, whether there is such a key or not."""
        self.write([(key, None)])

    def write(self, operations: list[Operation]) -> None:
        """Do all of `operations`, or after a crash none.  Returns when they are acknowledged."""
        if not operations:
            return
        if self._closed:
            raise DatabaseError("this database was closed; open it again")
        if self.read_only:
            raise ReadOnly(self.read_only)
        first = self.last + 1
        payload = HEAD.pack(first, len(operations)) + body_of(operations)
        size = sum(len(key) + len(value or b"") for key, value in operations)
        if self.tell:
            self.tell("write", {"sequence": first, "count": len(operations), "bytes": size, "batch": _told(operations)})
        try:
            self._log(payload)
        except OSError as error:
            self.fail(error, "writing the log")
        self.memtable.apply(first, operations, len(payload), self._snapshots[-1] if self._snapshots else -1)
        self.last = first + len(operations) - 1
        self.stats.writes += len(operations)
        self.stats.batches += 1
        self.stats.user += size
        if self.tell:
            m = self.memtable
            self.tell("memtable", {"rows": len(m), "bytes": m.size, "limit": self.options.memtable})
        if self.memtable.size >= self.options.memtable:
            self._full()

    def _log(self, payload: bytes) -> None:
        if "acknowledges first" in self.options.broken:  # it will be written together with the next one
            self._held.append(payload)
            while len(self._held) > 1:
                self.log.add(self._held.pop(0))
            return
        start = self.log.size
        self.log.add(payload)
        if self.tell:
            data = {"log": self.memtable.log, "start": start, "end": self.log.size, "bytes": self.log.size - start}
            self.tell("wal", data)
        if self.options.sync != "never":
            self._sync_due()

    def _sync_due(self) -> None:
        if self.options.sync == "every":
            now = self._clock()
            if now - self._synced_at < self.options.every_us:
                return
            self._synced_at = now
        if "forgets to sync" not in self.options.broken:
            self.sync()

    def sync(self) -> None:
        """Return when all acknowledged writes are on the disk."""
        self.log.sink.sync()
        self.stats.syncs += 1
        if self.tell:
            self.tell("sync", {"log": self.memtable.log, "upto": self.log.size})

    def sync_folder(self) -> None:
        """Make the names of new files safe."""
        if "no folder sync" not in self.options.broken:
            self.files.sync_folder()

    def fail(self, error: OSError, doing: str) -> NoReturn:
        """The disk failed: take no more writes, and say so.  Always raises `DatabaseError`."""
        full = DiskFull(doing) if error.errno == ENOSPC else DatabaseError(f"The disk failed while {doing}: {error}.")
        self.read_only = str(full)
        self._plain = False
        if self.tell:
            self.tell("failed", {"sentence": str(full)})
        raise full from error

    def load(self, items: Iterable[tuple[bytes, bytes]]) -> int:
        """Write `items`, whose keys ascend, straight into tables; returns how many.  No log: all are kept, or none."""
        if self.read_only:
            raise ReadOnly(self.read_only)
        self.flush()
        return opening.load(self, items, self.fail)

    # Reading

    def get(self, key: bytes, snapshot: Snapshot | None = None) -> bytes | None:
        """The value of `key`, or None.  Raises `Corruption` when the table that must be read is damaged."""
        self.stats.gets += 1
        if snapshot is None:
            row = self.memtable.rows.get(key)
            if row is None and self.row_cache is not None and not self.immutable:
                row = self.row_cache.get(key)
            if row is not None:
                return row[1]
        row = look_up(self, key, snapshot.sequence if snapshot else MAX_SEQUENCE, None)
        if self.row_cache is not None and snapshot is None and row is not None:
            self.row_cache.put(key, row, len(key) + len(row[1] or b"") + 64)
        return None if row is None else row[1]

    def multi_get(self, keys: list[bytes]) -> list[bytes | None]:
        """The values of `keys`, in their order."""
        rows = self.memtable.rows.get
        if self.row_cache is None or self.immutable:
            get = self.get
            return [row[1] if (row := rows(key)) is not None else get(key) for key in keys]
        cached, get = self.row_cache.get, self.get
        self.stats.gets += len(keys)
        return [row[1] if (row := rows(key) or cached(key)) is not None else get(key) for key in keys]

    def explain(self, key: bytes, snapshot: Snapshot | None = None) -> tuple[bytes | None, list[dict[str, Any]]]:
        """The value of `key`, and every place that was looked at for it, in order."""
        seen: list[dict[str, Any]] = []
        self.stats.gets += 1
        row = look_up(self, key, snapshot.sequence if snapshot else MAX_SEQUENCE, seen)
        return (None if row is None else row[1]), seen

    def scan(
        self, start: bytes | None = None, stop: bytes | None = None, snapshot: Snapshot | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Keys and values from `start` (included) to `stop` (not), in order, as they are now."""
        return scan(self, start, stop, snapshot.sequence if snapshot else self.last)

    def snapshot(self) -> Snapshot:
        """Hold on to the database as it is now."""
        self._snapshots.append(self.last)
        self._plain = False
        return Snapshot(self, self.last)

    def release(self, snapshot: Snapshot) -> None:
        """Give `snapshot` back."""
        with suppress(ValueError):
            self._snapshots.remove(snapshot.sequence)
        self._plain = self._is_plain()

    def snapshots(self) -> list[int]:
        """Sequences of the snapshots that are held, ascending."""
        return sorted(set(self._snapshots))

    # Background work

    def rotate(self) -> None:
        """The memtable becomes immutable; a new log begins."""
        if not self.memtable.rows:
            return
        try:
            # Also when nothing else is synced: the next log must never survive a crash that this one does not.
            self._flush_held()
            self.log.sink.sync()
            self.log.sink.close()
            self.stats.wal += self.log.size
            old, number = self.memtable, self.new_number()
            opening.begin_log(self, number)
        except OSError as error:
            self.fail(error, "beginning a new log")
        if self.tell:
            self.tell("rotate", {"log": old.log, "next": number, "rows": len(old), "bytes": old.size})
        self.immutable = [*self.immutable, old]
        self.memtable = MemTable(number)

    def next_job(self) -> Job | None:
        """The most urgent flush or compaction; None when there is nothing to do."""
        if self.read_only:
            return None
        if self.immutable:
            return FlushJob(self, self.immutable[0])
        pick = self.policy.pick(self.version, self.pointers)
        return CompactionJob(self, pick, self.policy.scores(self.version)) if pick else None

    def do(self, job: Job) -> None:
        """Do all of `job` now."""
        try:
            if self.tell:
                self.tell(f"{job.kind}_begin", job.told())
            for _ in job.run():
                pass
            job.install()
        except OSError as error:
            self.fail(error, f"writing a {job.kind}")

    def work(self) -> None:
        """Do all flushes and compactions that are due."""
        while (job := self.next_job()) is not None:
            self.do(job)

    def flush(self) -> None:
        """Write the memtable as a table now."""
        if self.read_only:
            raise ReadOnly(self.read_only)
        self.rotate()
        while self.immutable:
            self.do(FlushJob(self, self.immutable[0]))

    def picked(self, level: int | None = None) -> Pick | None:
        """A compaction by hand: of one level into the next, or (None) of everything."""
        if level is None:
            return everything(self.version, "asked for")
        if not 0 <= level < LEVELS - 1:
            raise DatabaseError(f"A level from 0 to {LEVELS - 2} can be compacted into the next; found {level}.")
        files = self.version.levels[level]
        return level_of(self.version, level, files, f"L{level} was asked for") if files else None

    def compact(self, level: int | None = None) -> None:
        """Compact by hand, after a flush."""
        self.flush()
        pick = self.picked(level)
        if pick is not None:
            self.do(CompactionJob(self, pick))

    def pressure(self) -> tuple[str, str]:
        """Whether writes should wait: ``none``, ``slowdown`` or ``stop``, and why.  Stop is looked at first."""
        tables = len(self.version.levels[0])
        if tables >= self.options.stop:
            return "stop", f"L0 has {tables} tables, writes stop at {self.options.stop}"
        if self.memtable.size >= self.options.memtable and self.immutable:
            return "stop", "the memtable is full and the one before it is still being flushed"
        if tables >= self.options.slowdown:
            return "slowdown", f"L0 has {tables} tables, writes are delayed from {self.options.slowdown} on"
        return "none", ""

    def _full(self) -> None:
        if self.immutable:  # with `manual` jobs: the owner looks at `pressure`
            return
        self.rotate()
        if self.options.jobs == "inline":
            self.work()

    # What jobs and readers need

    def new_number(self) -> int:
        """A file number that was never used."""
        return next(self._numbers)

    def table(self, number: int) -> Table:
        """The open table `number`.  Raises `Corruption` when it is missing or damaged."""
        found = self._tables.get(number)
        if found is None:
            try:
                found = Table(self.files, opening.file_of(self.files, number), self.cache, self.options.broken)
            except FileNotFoundError:
                raise Corruption(table_name(number), 0, "the MANIFEST names it, and the file is missing") from None
            self._tables[number] = found
        return found

    def install(self, edit: Edit, flushed: MemTable | None = None) -> None:
        """Let `edit` take effect, then remove the files that nothing needs any more."""
        log = None
        if flushed is not None:
            self._persisted = flushed.last
            log = self.immutable[1].log if len(self.immutable) > 1 else self.memtable.log
        full = Edit(None, log, self.new_number(), self._persisted, edit.added, edit.deleted, edit.pointers, edit.reason)
        self.manifest.add(encode_edit(full))
        self.manifest.sink.sync()
        self.version = self.version.apply(full)
        self.pointers.update(full.pointers)
        self.edits += 1
        if flushed is not None:
            if self.row_cache is not None:
                for key in flushed.rows:
                    self.row_cache.drop(key)
            self.immutable = self.immutable[1:]
        elif edit.deleted and not edit.added and self.row_cache is not None:
            self.row_cache.clear()
        with suppress(OSError):  # the sentence is a convenience; the edit counts
            opening.note(self, full)
        if self.tell:
            self.tell("edit", opening.told(self, full))
        gone = {number for _, number in full.deleted} - {f.number for _, f in full.added}
        for number in gone:
            self._tables.pop(number, None)
            with suppress(OSError):  # a file that is still open elsewhere is removed when the database is opened next
                self.files.remove(opening.file_of(self.files, number))
        if flushed is not None:
            with suppress(OSError):
                self.files.remove(log_name(flushed.log))

    def wal_bytes(self) -> int:
        """Bytes written to logs since opening."""
        return self.stats.wal + self.log.size

    def verify(self) -> int:
        """Check every block of every table; returns how many.  Raises `Corruption` at the first that is damaged."""
        return sum(self.table(meta.number).verify() for _, meta in self.version.files())

    def close(self) -> None:
        """Sync and close.  Everything acknowledged is kept."""
        if self._closed:
            return
        self._closed, self._plain = True, False
        if not self.read_only:
            with suppress(OSError):
                self._flush_held()
                self.log.sink.sync()
        self.abandon()

    def abandon(self) -> None:
        """Close the files as they are: what the death of the process does."""
        self._closed, self._plain = True, False
        for writer in (getattr(self, "log", None), getattr(self, "manifest", None)):
            if writer is not None:
                writer.sink.close()
        for table in self._tables.values():
            table.close()
        self._tables.clear()

    def _flush_held(self) -> None:
        while self._held:
            self.log.add(self._held.pop(0))

    def _is_plain(self) -> bool:
        """Whether a put may take the short way: nobody listens, nothing is broken or read-only, no snapshot is held."""
        return not (self.tell or self._snapshots or self.read_only or self.options.broken or self._closed)

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _told(operations: list[Operation]) -> list[list[str]]:
    """The first operations of a batch, readable."""
    return [
        ["delete" if value is None else "put", key.decode("utf-8", "backslashreplace")] for key, value in operations[:8]
    ]
