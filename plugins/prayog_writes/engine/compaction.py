"""Compaction: tables become other tables, as a policy picked.

The slow part, `Merge`, knows only files and numbers, so that another process can do it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prayog_writes.engine.building import BLOCK_SIZE
from prayog_writes.engine.columns import Columns
from prayog_writes.engine.edit import Edit, FileMeta
from prayog_writes.engine.merge import Dropped, merged
from prayog_writes.engine.options import Options
from prayog_writes.engine.output import TableWriter
from prayog_writes.engine.policy import Pick
from prayog_writes.engine.progress import Progress
from prayog_writes.engine.table import Table
from prayog_writes.engine.version import LEVELS

if TYPE_CHECKING:
    from prayog_writes.engine.store import Store

__all__ = ["CompactionJob", "Merge", "Merged"]

STEP = 1_000
"""Rows that a merge reads, at least, before it tells how far it is."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge gave: the new tables, and what was left out."""

    tables: tuple[FileMeta, ...]
    dropped: Dropped

    @property
    def bytes(self) -> int:
        """Bytes of the new tables."""
        return sum(f.size for f in self.tables)


@dataclass(frozen=True, slots=True)
class Merge:
    """Everything that a merge has to know.

    ``runs``: numbers of tables that follow each other, newest run first.  ``snapshots``: sequences that may still be
    read.  ``older``: per level the first and the last keys of tables that may hold older versions.  ``size``: bytes of
    a table (0: one table).
    """

    runs: tuple[tuple[int, ...], ...]
    snapshots: tuple[int, ...]
    older: tuple[tuple[list[bytes], list[bytes]], ...]
    size: int
    options: Options

    def run(self, table: Callable[[int], Table], writer: TableWriter, dropped: Dropped) -> Iterator[Progress]:
        """Do it, in steps of some thousand rows."""
        # Blocks; in smaller steps where somebody else waits.
        at_once = 160 if self.options.jobs == "inline" else self.options.step(48)
        chunk = max(1, min(32, self.options.file // BLOCK_SIZE // 2, at_once // len(self.runs)))
        cursors = [_cursor(map(table, numbers), chunk) for numbers in self.runs]
        broken, rows_out, told, key = self.options.broken, 0, 0, b""
        older = self._is_older if "drops tombstones early" not in broken else lambda key: False
        for rows in merged(cursors, self.snapshots, older, dropped, "keeps the oldest" in broken):
            writer.add(rows)
            rows_out, key = rows_out + len(rows), rows.keys[-1]
            if (read := rows_out + dropped.versions) - told >= self.options.step(STEP):
                told = read
                yield Progress(rows_out, writer.written, dropped.versions, dropped.tombstones, key)
        writer.finish()
        yield Progress(rows_out, writer.written, dropped.versions, dropped.tombstones, key)

    def _is_older(self, key: bytes) -> bool:
        for firsts, lasts in self.older:
            place = bisect_left(lasts, key)
            if place < len(lasts) and firsts[place] <= key:
                return True
        return False


def _cursor(tables: Iterator[Table], chunk: int) -> Iterator[Columns]:
    """The rows of tables that follow each other, `chunk` blocks at a time."""
    for table in tables:
        yield from table.scan(None, chunk, chunk, keep=False)


class CompactionJob:
    """Does what a policy picked."""

    kind = "compaction"

    def __init__(self, store: Store, pick: Pick, scores: tuple[float, ...] = ()) -> None:
        self._store = store
        self.pick = pick
        self._scores = scores
        self._writer = store.catalogue.writer(0 if pick.whole else store.options.file)
        self.reads = 0 if pick.move or pick.drop else pick.bytes
        self.merged: Merged | None = None
        """The result, once there is one."""

    @property
    def writes(self) -> int:
        return self.merged.bytes if self.merged else self._writer.written

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

    @property
    def rewrites(self) -> bool:
        """Whether tables are read and written; else one only changes its level, or goes."""
        return not (self.pick.move or self.pick.drop)

    def merge(self) -> Merge:
        """What is to be merged."""
        store, pick = self._store, self.pick
        runs: dict[int, list[FileMeta]] = {}
        for level, meta in pick.inputs:  # every table of level 0 is a run of its own
            runs.setdefault(level if level else -meta.number, []).append(meta)
        order = sorted(runs, key=lambda run: (run > 0, run))  # newest first: level 0 by number, then the levels
        numbers = tuple(tuple(f.number for f in sorted(runs[run], key=lambda f: f.low)) for run in order)
        size = 0 if pick.whole else store.options.file
        return Merge(numbers, tuple(store.snapshots()), self._older(), size, store.options)

    def _older(self) -> tuple[tuple[list[bytes], list[bytes]], ...]:
        version, inputs = self._store.version, {f.number for _, f in self.pick.inputs}
        low = min(f.low for _, f in self.pick.inputs)
        high = max(f.high for _, f in self.pick.inputs)
        runs = [version.overlapping(level, low, high) for level in range(self.pick.output + 1, LEVELS)]
        if self.pick.output == 0:
            runs += [(f,) for f in version.overlapping(0, low, high)]
        rest = [[f for f in run if f.number not in inputs] for run in runs]
        return tuple(([f.low for f in run], [f.high for f in run]) for run in rest if run)

    def run(self) -> Iterator[Progress]:
        if not self.rewrites:
            return
        catalogue, dropped = self._store.catalogue, Dropped()
        try:
            yield from self.merge().run(catalogue.table, self._writer, dropped)
            catalogue.sync_folder()
        except Exception:
            self._writer.undo()
            raise
        self.merged = Merged(tuple(self._writer.done), dropped)

    def install(self) -> None:
        store, pick, stats = self._store, self.pick, self._store.stats
        deleted = tuple((level, f.number) for level, f in pick.inputs)
        pointers = (pick.pointer,) if pick.pointer else ()
        if pick.move:
            (level, meta), = pick.inputs  # fmt: skip
            stats.moves += 1
            reason = f"move: table {meta.number} from L{level} to L{pick.output}; {pick.reason}"
            store.install(Edit(added=((pick.output, meta),), deleted=deleted, pointers=pointers, reason=reason))
            return
        if pick.drop:
            store.install(Edit(deleted=deleted, reason=f"drop: {pick.reason}"))
            return
        assert self.merged is not None
        dropped = self.merged.dropped
        stats.compactions += 1
        stats.compact_read += pick.bytes
        stats.compact_written += self.writes
        stats.dropped_versions += dropped.versions
        stats.dropped_tombstones += dropped.tombstones
        reason = (
            f"compaction: {pick.reason}; {pick.bytes:,} bytes in, {self.writes:,} out, {dropped.versions:,} old "
            f"versions and {dropped.tombstones:,} tombstones dropped"
        )
        added = tuple((pick.output, meta) for meta in self.merged.tables)
        store.install(Edit(added=added, deleted=deleted, pointers=pointers, reason=reason))
