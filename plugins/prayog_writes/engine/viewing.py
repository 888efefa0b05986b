"""Other people's databases: a LevelDB folder read from the outside, with every checksum looked at and nothing changed.

Rules
1. Nothing is written, no lock is taken; of a database that is in use the newest writes may be missing.
2. What is damaged is listed, and the rest is shown all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from errno import ENOENT
from itertools import chain
from typing import Any

from prayog_writes.engine.blockcache import BlockCache
from prayog_writes.engine.catalogue import described, file_of
from prayog_writes.engine.coding import DELETE, PUT, TRAILER
from prayog_writes.engine.columns import Columns, alive
from prayog_writes.engine.edit import FileMeta, table_name
from prayog_writes.engine.errors import Corruption
from prayog_writes.engine.files import Files
from prayog_writes.engine.log import Damage
from prayog_writes.engine.manifest import CURRENT, History, log_name, manifest_in_steps, number_of
from prayog_writes.engine.memtable import MemTable
from prayog_writes.engine.merge import merged
from prayog_writes.engine.progress import finished
from prayog_writes.engine.recovery import replay
from prayog_writes.engine.table import Table

__all__ = ["TableSeen", "Viewer", "file_meta"]


@dataclass(frozen=True, slots=True)
class TableSeen:
    """A table that was read through: ``damage`` is a sentence, or empty; then ``blocks`` could be read."""

    level: int
    meta: FileMeta
    blocks: int
    filters: int
    damage: str


class Viewer:
    """A LevelDB database in `files`.  Raises `DatabaseError` when CURRENT or the first edit cannot be read.

    ``damage``: where the MANIFEST could not be read any further; ``log_damage``: what in the logs is no record;
    ``left_over``: files that nothing needs any more.
    """

    def __init__(self, files: Files) -> None:
        self.files = files
        history = finished(manifest_in_steps(files, tolerant=True))
        if history is None:
            raise Corruption(CURRENT, 0, "it is missing, so this folder is no LevelDB database")
        self.history: History = history
        self.damage = history.damage
        self.memtable = MemTable()
        self.log_damage: list[tuple[str, Damage]] = []
        self.left_over: list[str] = []
        self._cache = BlockCache(0)
        live, logs = {meta.number for _, meta in history.version.files()}, []
        for name in files.names():
            number, kind = number_of(name)
            if kind == "log" and number >= history.log:
                logs.append(number)
            elif (
                kind == "log"
                or (kind in ("ldb", "sst") and number not in live)
                or (kind == "MANIFEST" and name != history.name)
            ):
                self.left_over.append(name)
        for number in sorted(logs):
            name = log_name(number)
            found = replay(name, files.read(name), "skip any corrupted record")
            self.log_damage += [(name, damage) for damage in found.damage]
            for sequence, operations in found.batches:
                self.memtable.apply(sequence, operations, 0, -1)

    def edits(self) -> Iterator[dict[str, Any]]:
        """Every edit of the MANIFEST as the trace shows it, with its place in the file."""
        for count, (place, edit) in enumerate(self.history.edits, 1):
            yield {
                "edit": count, "what": edit.kind, "reason": edit.told(), "manifest": self.history.name, "offset": place,
                "added": [[level, described(replace(meta, born=count))] for level, meta in edit.added],
                "deleted": [[level, number] for level, number in edit.deleted], "log": edit.log,
                "last_sequence": edit.last_sequence,
            }  # fmt: skip

    def tables(self) -> Iterator[TableSeen]:
        """Every table that counts, read through block by block, with all checksums."""
        for level, meta in self.history.version.files():
            try:
                yield self._seen(level, meta)
            except Corruption as error:
                yield TableSeen(level, meta, 0, 0, str(error))
            except OSError as error:
                why = "is missing" if error.errno == ENOENT else f"cannot be read ({error.strerror})"
                yield TableSeen(level, meta, 0, 0, f"{table_name(meta.number)} {why}.")

    def _seen(self, level: int, meta: FileMeta) -> TableSeen:
        name = file_of(self.files, meta.number)
        if (size := self.files.size(name)) != meta.size:
            raise Corruption(name, size, f"it has {size:,} bytes and the MANIFEST says {meta.size:,}")
        table = Table(self.files, name, self._cache)
        rows = tombstones = good = 0
        problems: list[Corruption] = []
        first = last = b""
        for number in range(len(table.handles)):
            try:
                block = table.rows_of(number, keep=False)
            except Corruption as error:
                problems.append(error)
                continue
            good += 1
            rows += len(block)
            tombstones += block.kinds().count(DELETE)
            if len(block):
                first, last = first or block.keys[0] + block.tags[0], block.keys[-1] + block.tags[-1]
        for offset, length in table.extra:
            try:
                table.raw(offset, length)
            except Corruption as error:
                problems.append(error)
        filters = 0 if table.filters is None else table.filters.count
        table.close()
        damage = str(problems[0]) if problems else ""
        if len(problems) > 1:
            damage += f" And {len(problems) - 1:,} more."
        elif not problems and (first, last) != (meta.smallest, meta.largest):
            damage = str(Corruption(name, 0, "its first or last key is not the one that the MANIFEST says"))
        return TableSeen(level, replace(meta, entries=rows, tombstones=tombstones), good, filters, damage)

    def rows(self) -> Iterator[tuple[bytes, bytes]]:
        """Everything that counts, in order.  Raises `Corruption` at a damaged block."""
        runs: list[Iterator[Columns]] = [iter([self.memtable.columns()])] if self.memtable.rows else []
        for level, metas in enumerate(self.history.version.levels):
            tables = [Table(self.files, file_of(self.files, m.number), self._cache) for m in metas]
            scans = [table.scan(None, 1, 32, keep=False) for table in tables]
            runs += [chain.from_iterable(scans)] if level else scans
        return chain.from_iterable(alive(rows) for rows in merged(runs))


def file_meta(number: int, size: int, low: bytes, high: bytes, entries: int, tombstones: int) -> FileMeta:
    """A table of another engine, whose internal keys are not known."""
    unknown = TRAILER.pack(PUT)
    return FileMeta(number, size, low + unknown, high + unknown, entries, tombstones)
