"""The store: memtables, the log and tables on disk, and the work that keeps them in order.

    log ─▶ memtable ─full▶ immutable memtable ─flush▶ L0 ─compaction▶ L1 ─▶ L2 …

`database` puts reading and writing on top.

Rules
1. A log is removed only when the table that replaces it is synced and the MANIFEST names it (`catalogue`).
2. After an error of the disk the store takes no more writes: what is on disk is a prefix of what was asked.
3. One thread at a time; `engine.real.shared` serves many.  Everything that happens is told to `tell`, when it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from errno import ENOSPC
from typing import Any, NoReturn, Self

from prayog_writes.engine import opening
from prayog_writes.engine.cache import Cache
from prayog_writes.engine.compaction import CompactionJob
from prayog_writes.engine.edit import Edit
from prayog_writes.engine.errors import DatabaseError, DiskFull, ReadOnly
from prayog_writes.engine.files import Files
from prayog_writes.engine.job import FlushJob, Job
from prayog_writes.engine.journal import Journal
from prayog_writes.engine.log import LogWriter
from prayog_writes.engine.manifest import log_name
from prayog_writes.engine.memtable import MemTable, Row
from prayog_writes.engine.options import Options
from prayog_writes.engine.policy import Pick, everything, level_of, policy
from prayog_writes.engine.progress import Progress, finished
from prayog_writes.engine.stats import Stats
from prayog_writes.engine.version import LEVELS, Version

__all__ = ["Store", "Tell"]

Tell = Callable[[str, Mapping[str, Any]], None]


class Store:
    """What a database in `files` consists of; opened, or made when there is none.

    ``clock`` gives µs, for the sync policy ``every``.  Raises `Corruption` or `DatabaseError` when it cannot be opened.
    After opening, `read_only` says why it takes no writes, or is empty; `recovered` is what the logs gave.
    """

    journal: Journal

    def __init__(
        self,
        files: Files,
        options: Options | None = None,
        tell: Tell | None = None,
        clock: Callable[[], int] | None = None,
    ) -> None:
        finished(self._opening(files, options or Options(), tell, clock or (lambda: 0)))

    @classmethod
    def in_steps(
        cls, files: Files, options: Options, tell: Tell, clock: Callable[[], int]
    ) -> Generator[Progress, None, Self]:
        """Open a database a little at a time; what the generator returns is the store."""
        db = cls.__new__(cls)
        yield from db._opening(files, options, tell, clock)
        return db

    def _opening(
        self, files: Files, options: Options, tell: Tell | None, clock: Callable[[], int]
    ) -> Generator[Progress, None, None]:
        self.files = files
        self.options = options
        self.tell = tell
        self.stats = Stats()
        self.row_cache: Cache[Row] | None = Cache(options.row_cache) if options.row_cache else None
        self.immutable: list[MemTable] = []
        self.policy = policy(options, tell)
        self.read_only = ""
        self._clock = clock
        self._snapshots: list[int] = []
        self._closed = False
        found = yield from opening.read(files, options)
        self.catalogue = found.catalogue
        self.memtable = found.memtable
        self.recovered = found.replays
        self.last = self._opened_with = found.last
        self.loaded = 0
        try:
            yield from opening.settle(self, found)
        except OSError as error:
            if error.errno != ENOSPC:
                raise
            self.read_only = str(DiskFull("opening the database"))
        self._plain = self._is_plain()

    @property
    def version(self) -> Version:
        """The tables that count now."""
        return self.catalogue.version

    @property
    def writes(self) -> int:
        """Operations since it was opened."""
        return self.last - self._opened_with + self.loaded

    @property
    def edits(self) -> int:
        """How many edits of the MANIFEST led to `version`."""
        return self.catalogue.edits

    @property
    def log(self) -> LogWriter:
        """The log that takes writes."""
        return self.journal.writer

    def snapshots(self) -> list[int]:
        """Sequences of the snapshots that are held, ascending."""
        return sorted(set(self._snapshots))

    def fail(self, error: OSError, doing: str) -> NoReturn:
        """The disk failed: take no more writes, and say so.  Always raises `DatabaseError`."""
        full = DiskFull(doing) if error.errno == ENOSPC else DatabaseError(f"The disk failed while {doing}: {error}.")
        self.refuse(full, error)

    def refuse(self, error: DatabaseError, cause: Exception | None = None) -> NoReturn:
        """Take no more writes because of `error`, which is raised."""
        self.read_only = str(error)
        self._plain = False
        if self.tell:
            self.tell("failed", {"sentence": str(error)})
        raise error from cause

    def rotate(self, sync: bool = True) -> None:
        """The memtable becomes immutable; a new log begins.

        With `sync` the old log and the name of the new one are made safe first, whatever the policy: the next log must
        never survive a crash that this one does not.  Without, the caller flushes the memtable before it lets anything
        be written: then the table is safe, and with it the folder.
        """
        if not self.memtable.rows:
            return
        old = self.memtable
        try:
            self.journal.end(sync)
            self.stats.wal += self.journal.size
            number = self.catalogue.new_number()
            self.begin_log(number, sync)
        except OSError as error:
            self.fail(error, "beginning a new log")
        if self.tell:
            self.tell("rotate", {"log": old.log, "next": number, "rows": len(old), "bytes": old.size})
        old.last = self.last
        self.immutable = [*self.immutable, old]
        self.memtable = MemTable(number)

    def begin_log(self, number: int, sync: bool = True) -> None:
        """Begin log `number`; its name is safe before the first write is acknowledged."""
        self.journal = Journal(self.files, self.options, self.stats, self._clock, number)
        if sync:
            self.catalogue.sync_folder()

    def next_job(self) -> Job | None:
        """The most urgent flush or compaction; None when there is nothing to do."""
        if self.read_only:
            return None
        if self.immutable:
            return FlushJob(self, self.immutable[0])
        pick = self.policy.pick(self.version, self.catalogue.pointers)
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

    def settle(self) -> None:
        """Wait for work that is done elsewhere; here none is (`engine.real.parallel`)."""

    def may_write(self) -> None:
        """Raise `DatabaseError` when no writes are taken."""
        if self._closed:
            raise DatabaseError("this database was closed; open it again")
        if self.read_only:
            raise ReadOnly(self.read_only)

    def flush(self) -> None:
        """Write the memtable as a table now."""
        self.may_write()
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
        self.settle()
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

    def full(self) -> None:
        """The memtable has reached its size."""
        inline = self.options.jobs == "inline"  # with `manual` jobs the owner looks at `pressure`
        if not self.immutable:
            self.rotate(sync=not inline)
        if inline:
            self.work()

    def install(self, edit: Edit, flushed: MemTable | None = None) -> None:
        """Let `edit` take effect, then remove the files that nothing needs any more."""
        catalogue, log = self.catalogue, None
        if flushed is not None:
            catalogue.persisted = flushed.last
            log = self.immutable[1].log if len(self.immutable) > 1 else self.memtable.log
        number, persisted = catalogue.new_number(), catalogue.persisted
        full = Edit(None, log, number, persisted, edit.added, edit.deleted, edit.pointers, edit.reason)
        catalogue.add(full)
        if flushed is not None:
            if self.row_cache is not None:
                for key in flushed.rows:
                    self.row_cache.drop(key)
            self.immutable = self.immutable[1:]
        elif edit.deleted and not edit.added and self.row_cache is not None:
            self.row_cache.clear()
        if self.tell:
            self.tell("edit", catalogue.told(full))
        catalogue.drop({number for _, number in full.deleted} - {f.number for _, f in full.added})
        if flushed is not None:
            with suppress(OSError):
                self.files.remove(log_name(flushed.log))

    def wal_bytes(self) -> int:
        """Bytes written to logs since opening."""
        return self.stats.wal + self.journal.size

    def verify(self) -> int:
        """Check every block of every table; returns how many.  Raises `Corruption` at the first that is damaged."""
        return sum(self.catalogue.table(meta.number).verify() for _, meta in self.version.files())

    def close(self) -> None:
        """Sync and close.  Everything acknowledged is kept."""
        if self._closed:
            return
        try:
            self.settle()
        finally:
            if not self.read_only:
                with suppress(OSError):
                    self.journal.end(sync=True)
            self.abandon()

    def abandon(self) -> None:
        """Close the files as they are: what the death of the process does."""
        self._closed, self._plain = True, False
        if hasattr(self, "journal"):
            self.journal.writer.sink.close()
        self.catalogue.close()

    def _is_plain(self) -> bool:
        """Whether a put may take the short way: nobody listens, nothing is broken or read-only, no snapshot is held."""
        return not (self.tell or self._snapshots or self.read_only or self.options.broken or self._closed)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
