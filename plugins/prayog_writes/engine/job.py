"""Work in the background: a memtable becomes a table, tables become other tables.

A job does its slow part in `run`, which touches nothing that others see, and takes effect in `install`: one edit of
the MANIFEST.  Who runs it decides how: the writer itself, a thread, or a simulation with a clock of its own.

Rules
1. Tables are written and synced, then the folder, and only then the MANIFEST speaks of them.
2. What is no longer needed is removed after the edit is synced.
3. A job that fails leaves the database as it was; half-written tables are removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from prayog_writes.engine.building import BLOCK_SIZE, TableBuilder
from prayog_writes.engine.columns import Columns
from prayog_writes.engine.edit import Edit, FileMeta, table_name
from prayog_writes.engine.files import Sink
from prayog_writes.engine.memtable import MemTable
from prayog_writes.engine.merge import Dropped, merged
from prayog_writes.engine.policy import Pick

if TYPE_CHECKING:
    from prayog_writes.engine.database import Database

__all__ = ["CompactionJob", "FlushJob", "Job", "Progress", "TableWriter"]

PORTION = 1_000
"""Rows that a flush writes in one step."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: rows and bytes so far, and the key it has reached."""

    rows: int
    written: int
    dropped_versions: int
    dropped_tombstones: int
    key: bytes


class Job(Protocol):
    """A flush or a compaction."""

    kind: str
    reads: int
    """Bytes that it reads from the disk."""

    @property
    def writes(self) -> int:
        """Bytes that it wrote to the disk so far."""
        ...

    def told(self) -> dict[str, Any]:
        """What it is about to do, and why."""
        ...

    def run(self) -> Iterator[Progress]:
        """The slow part, in steps."""
        ...

    def install(self) -> None:
        """Let it take effect."""
        ...


class TableWriter:
    """Writes rows that come in order as tables of at least `size` bytes (0: one table)."""

    def __init__(self, db: Database, size: int) -> None:
        self._db = db
        self._size = size
        self._open: tuple[int, Sink, TableBuilder] | None = None
        self.done: list[FileMeta] = []

    @property
    def written(self) -> int:
        """Bytes of finished tables."""
        return sum(f.size for f in self.done)

    def add(self, rows: Columns) -> None:
        """Take rows; never parts the versions of one key when they come together."""
        if self._open is None:
            number, options = self._db.new_number(), self._db.options
            sink = self._db.files.create(table_name(number))
            self._open = number, sink, TableBuilder(sink, options.bits, options.compression == "snappy")
        self._open[2].add(rows)
        if self._size and self._open[2].size >= self._size:
            self.finish()

    def finish(self) -> None:
        """End the table that is being written."""
        if self._open is None:
            return
        number, sink, builder = self._open
        numbers = builder.finish()
        if "manifest first" not in self._db.options.broken:
            sink.sync()
        sink.close()
        self._open = None
        meta = FileMeta(
            number,
            numbers.size,
            numbers.smallest,
            numbers.largest,
            numbers.entries,
            numbers.tombstones,
            self._db.edits,
        )
        self.done.append(meta)

    def undo(self) -> None:
        """Remove the tables again, the unfinished one too."""
        numbers = [meta.number for meta in self.done]
        if self._open is not None:
            number, sink, _ = self._open
            sink.close()
            numbers.append(number)
        for number in numbers:
            with suppress(OSError):
                self._db.files.remove(table_name(number))


class FlushJob:
    """Writes an immutable memtable as a table of level 0."""

    kind = "flush"
    reads = 0

    def __init__(self, db: Database, memtable: MemTable) -> None:
        self._db = db
        self._memtable = memtable
        self._writer = TableWriter(db, 0)

    @property
    def writes(self) -> int:
        return self._writer.written

    def told(self) -> dict[str, Any]:
        m = self._memtable
        return {"log": m.log, "rows": len(m), "bytes": m.size, "tombstones": m.tombstones()}

    def run(self) -> Iterator[Progress]:
        rows = self._memtable.columns()
        if self._db.snapshots():
            rows = next(merged([iter([rows])], self._db.snapshots()))
        try:
            for low in range(0, len(rows), PORTION):
                part = rows.cut(low, low + PORTION)
                self._writer.add(part)
                yield Progress(min(low + PORTION, len(rows)), self.writes, 0, 0, part.keys[-1])
            self._writer.finish()
            self._db.sync_folder()
        except OSError:
            self._writer.undo()
            raise

    def install(self) -> None:
        (meta,) = self._writer.done
        db = self._db
        db.stats.flushes += 1
        db.stats.flushed += meta.size
        reason = (
            f"flush: the memtable of log {self._memtable.log} became table {meta.number} in L0 "
            f"({meta.entries:,} rows, {meta.size:,} bytes)"
        )
        db.install(Edit(added=((0, meta),), reason=reason), self._memtable)


class CompactionJob:
    """Does what a policy picked."""

    kind = "compaction"

    def __init__(self, db: Database, pick: Pick, scores: tuple[float, ...] = ()) -> None:
        self._db = db
        self.pick = pick
        self._scores = scores
        self._writer = TableWriter(db, 0 if pick.whole else db.options.file)
        self._dropped = Dropped()
        self.reads = 0 if pick.move or pick.drop else pick.bytes

    @property
    def writes(self) -> int:
        return self._writer.written

    def told(self) -> dict[str, Any]:
        pick = self.pick
        return {
            "reason": pick.reason,
            "inputs": [[level, f.number] for level, f in pick.inputs],
            "bytes": pick.bytes,
            "output": pick.output,
            "move": pick.move,
            "drop": pick.drop,
            "scores": [round(score, 3) for score in self._scores],
        }

    def run(self) -> Iterator[Progress]:
        if self.pick.move or self.pick.drop:
            return
        chunk = max(1, min(32, self._db.options.file // BLOCK_SIZE // 2))
        try:
            yield from self._merge(chunk)
            self._writer.finish()
            self._db.sync_folder()
        except OSError:
            self._writer.undo()
            raise

    def _merge(self, chunk: int) -> Iterator[Progress]:
        db, rows_out = self._db, 0
        runs: dict[int, list[FileMeta]] = {}
        for level, meta in self.pick.inputs:  # every table of level 0 is a run of its own
            runs.setdefault(level if level else -meta.number, []).append(meta)
        order = sorted(runs, key=lambda run: (run > 0, run))  # newest first: level 0 by number, then the levels
        cursors = [_cursor(db, sorted(runs[run], key=lambda f: f.low), chunk) for run in order]
        broken = db.options.broken
        older = self._older() if "drops tombstones early" not in broken else lambda key: False
        for rows in merged(cursors, db.snapshots(), older, self._dropped, "keeps the oldest" in broken):
            self._writer.add(rows)
            rows_out += len(rows)
            yield Progress(rows_out, self.writes, self._dropped.versions, self._dropped.tombstones, rows.keys[-1])

    def _older(self) -> Callable[[bytes], bool]:
        """Whether a table that is older than the output, and no input, may hold a key."""
        version, inputs = self._db.version, {f.number for _, f in self.pick.inputs}
        rest = [f for level, f in version.files() if level > self.pick.output and f.number not in inputs]
        if self.pick.output == 0:
            rest += [f for f in version.levels[0] if f.number not in inputs]
        low = min(f.low for _, f in self.pick.inputs)
        high = max(f.high for _, f in self.pick.inputs)
        near = [(f.low, f.high) for f in rest if f.overlaps(low, high)]
        return lambda key: any(first <= key <= last for first, last in near)

    def install(self) -> None:
        db, pick, stats = self._db, self.pick, self._db.stats
        deleted = tuple((level, f.number) for level, f in pick.inputs)
        pointers = (pick.pointer,) if pick.pointer else ()
        if pick.move:
            (level, meta), = pick.inputs  # fmt: skip
            stats.moves += 1
            reason = f"move: table {meta.number} from L{level} to L{pick.output}; {pick.reason}"
            db.install(Edit(added=((pick.output, meta),), deleted=deleted, pointers=pointers, reason=reason))
            return
        if pick.drop:
            db.install(Edit(deleted=deleted, reason=f"drop: {pick.reason}"))
            return
        stats.compactions += 1
        stats.compact_read += pick.bytes
        stats.compact_written += self.writes
        stats.dropped_versions += self._dropped.versions
        stats.dropped_tombstones += self._dropped.tombstones
        reason = (
            f"compaction: {pick.reason}; {pick.bytes:,} bytes in, {self.writes:,} out, {self._dropped.versions:,} old "
            f"versions and {self._dropped.tombstones:,} tombstones dropped"
        )
        added = tuple((pick.output, meta) for meta in self._writer.done)
        db.install(Edit(added=added, deleted=deleted, pointers=pointers, reason=reason))


def _cursor(db: Database, files: list[FileMeta], chunk: int) -> Iterator[Columns]:
    """The rows of tables that follow each other, `chunk` blocks at a time."""
    for meta in files:
        yield from db.table(meta.number).scan(None, chunk, chunk, keep=False)
