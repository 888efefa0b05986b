"""Work in the background, and the first kind of it: a memtable becomes a table.

A job does its slow part in `run`, which touches nothing that others see, and takes effect in `install`: one edit of
the MANIFEST.  Who runs it decides how: the writer itself, a thread, a process, or a simulation with a clock of its own.

Rules
1. Tables are written and synced, then the folder, and only then the MANIFEST speaks of them.
2. What is no longer needed is removed after the edit is synced.
3. A job that fails leaves the database as it was; half-written tables are removed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from prayog_writes.engine.edit import Edit
from prayog_writes.engine.memtable import MemTable
from prayog_writes.engine.merge import merged
from prayog_writes.engine.output import TableWriter
from prayog_writes.engine.progress import Progress

if TYPE_CHECKING:
    from prayog_writes.engine.store import Store

__all__ = ["FlushJob", "Job", "written_out"]

PORTION = 2_000
"""Rows that a flush writes in one step."""


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


def written_out(memtable: MemTable, writer: TableWriter, snapshots: Sequence[int] = ()) -> Iterator[Progress]:
    """Write `memtable` in order with `writer`, in steps; what no snapshot can see any more is left out."""
    keys: list[bytes] = []
    for part in memtable.sorted_parts():
        if keys:
            yield Progress(len(keys), key=keys[-1])
        keys += part
    keys.sort()  # Timsort finds the sorted parts again and merges them
    rows, portion = 0, writer.step(PORTION)
    chunks = (memtable.columns(keys[low : low + portion]) for low in range(0, len(keys), portion))
    for chunk in merged([chunks], snapshots) if snapshots else chunks:
        writer.add(chunk)
        rows += len(chunk)
        yield Progress(rows, writer.written, key=chunk.keys[-1])
    writer.finish()


class FlushJob:
    """Writes an immutable memtable as a table of level 0."""

    kind = "flush"
    reads = 0

    def __init__(self, store: Store, memtable: MemTable) -> None:
        self._store = store
        self._memtable = memtable
        self._writer = store.catalogue.writer(0)

    @property
    def writes(self) -> int:
        return self._writer.written

    def told(self) -> dict[str, Any]:
        m = self._memtable
        return {"log": m.log, "rows": len(m), "bytes": m.size, "tombstones": m.tombstones()}

    def run(self) -> Iterator[Progress]:
        try:
            yield from written_out(self._memtable, self._writer, self._store.snapshots())
            self._store.catalogue.sync_folder()
        except Exception:
            self._writer.undo()
            raise

    def install(self) -> None:
        (meta,) = self._writer.done
        store = self._store
        store.stats.flushes += 1
        store.stats.flushed += meta.size
        reason = (
            f"flush: the memtable of log {self._memtable.log} became table {meta.number} in L0 "
            f"({meta.entries:,} rows, {meta.size:,} bytes)"
        )
        store.install(Edit(added=((0, meta),), reason=reason), self._memtable)
