"""A database on this disk whose compactions are done by a second process.

Python runs one thread at a time, so a compaction in a thread would take its time from the writer; LevelDB's has a core
of its own.  A merge knows only files and numbers (`compaction.Merge`); what comes back tells the new files.  Flushes
stay with the writer: the memtable is in its memory.

Rules
1. One merge is under way at most.  It is installed by the writer, between two writes.
2. The process ends when the database is closed, and when the program that opened it dies: its pipe breaks.
"""

from __future__ import annotations

import multiprocessing
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NoReturn

from prayog_writes.engine.blockcache import BlockCache
from prayog_writes.engine.catalogue import file_of
from prayog_writes.engine.compaction import CompactionJob, Merge, Merged
from prayog_writes.engine.database import Database, Tell
from prayog_writes.engine.disk import DiskFiles
from prayog_writes.engine.errors import DatabaseError
from prayog_writes.engine.merge import Dropped
from prayog_writes.engine.options import Options
from prayog_writes.engine.output import TableWriter
from prayog_writes.engine.real.shared import now_us
from prayog_writes.engine.table import Table

__all__ = ["ParallelDatabase"]

DELAY_S = 0.05
"""How long a full memtable waits while writes are to be slowed down."""


class ParallelDatabase(Database):
    """A database in a folder of this machine; the second process is started with it."""

    def __init__(self, files: DiskFiles, options: Options | None = None, tell: Tell | None = None) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipe, there = spawn.Pipe()
        task = there, str(files.folder)
        self._process = spawn.Process(target=_serve, args=task, name="writes-compaction", daemon=True)
        self._process.start()
        there.close()  # so that the pipe breaks with the process that holds it
        self._merging: CompactionJob | None = None
        try:
            super().__init__(files, options, tell, now_us)
        except BaseException:
            self._end()
            raise

    def work(self) -> None:
        """Flush here, install what the other process has done, and give it what is due next."""
        self._collect(0)
        while True:
            if self._merging is not None and not self.immutable:
                pressure, _ = self.pressure()
                if pressure == "none":
                    return
                self._collect(None if pressure == "stop" else DELAY_S)
                if pressure == "slowdown":
                    return
                continue
            job = self.next_job()
            if job is None:
                return
            if isinstance(job, CompactionJob) and job.rewrites:
                self._hand_over(job)
            else:
                self.do(job)

    def settle(self) -> None:
        """Wait for the merge that is under way, and install it."""
        self._collect(None)

    def abandon(self) -> None:
        """Close everything as it is; a merge that is under way dies with it."""
        super().abandon()
        self._end()

    def _end(self) -> None:
        self._merging = None
        self._pipe.close()
        self._process.kill()
        self._process.join()

    def _hand_over(self, job: CompactionJob) -> None:
        if self.tell:
            self.tell("compaction_begin", job.told())
        merge = job.merge()
        count = 2 + (2 * job.reads // merge.size if merge.size else 0)  # more than it should need
        numbers = [self.catalogue.new_number() for _ in range(count)]
        try:
            self._pipe.send((merge, numbers, self.edits))
        except OSError:
            self._died()
        self._merging = job

    def _collect(self, seconds: float | None) -> None:
        """Install what was merged, when it is there within `seconds` (None: however long it takes)."""
        job = self._merging
        if job is None:
            return
        try:
            if not self._pipe.poll(seconds):
                return
            result = self._pipe.recv()
        except (EOFError, OSError):
            self._merging = None
            self._died()
        self._merging = None
        if isinstance(result, OSError):
            self.fail(result, "writing a compaction")
        if isinstance(result, Exception):
            raise result
        job.merged = result
        job.install()

    def _died(self) -> NoReturn:
        told = "The process that merges tables has died. Nothing that was acknowledged is lost."
        self.refuse(DatabaseError(f"{told} Open the database again."))


def _serve(pipe: Connection, folder: str) -> None:
    """What the second process does: merge what it is given, until nobody is there any more."""
    while True:
        try:
            merge, numbers, born = pipe.recv()
        except EOFError:
            return
        try:
            result: Merged | Exception = _merged(Path(folder), merge, numbers, born)
        except Exception as error:  # noqa: BLE001 - it belongs to the one who asked
            result = error
        try:
            pipe.send(result)
        except OSError:
            return


def _merged(folder: Path, merge: Merge, numbers: list[int], born: int) -> Merged:
    files, cache, dropped, broken = DiskFiles(folder), BlockCache(0), Dropped(), merge.options.broken
    writer = TableWriter(files, merge.options, merge.size, iter(numbers), born)
    try:
        for _ in merge.run(lambda number: Table(files, file_of(files, number), cache, broken), writer, dropped):
            pass
        if "no folder sync" not in broken:
            files.sync_folder()
    except Exception:
        writer.undo()
        raise
    return Merged(tuple(writer.done), dropped)
