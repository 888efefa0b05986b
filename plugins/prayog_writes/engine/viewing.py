"""Other people's databases: a LevelDB folder read from the outside, with every checksum looked at and nothing changed.

Rules
1. Nothing is written, no lock is taken; of a database that is in use the newest writes may be missing.
2. What is damaged is listed, and the rest is shown all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from prayog_writes.engine.cache import Cache
from prayog_writes.engine.catalogue import described, file_of
from prayog_writes.engine.coding import DELETE, PUT, TRAILER
from prayog_writes.engine.columns import Columns, alive
from prayog_writes.engine.edit import FileMeta, table_name
from prayog_writes.engine.errors import Corruption
from prayog_writes.engine.files import Files
from prayog_writes.engine.log import Damage
from prayog_writes.engine.manifest import History, log_name, number_of, read_manifest
from prayog_writes.engine.memtable import MemTable
from prayog_writes.engine.merge import merged
from prayog_writes.engine.recovery import replay
from prayog_writes.engine.table import Table

__all__ = ["TableSeen", "Viewer", "file_meta"]


@dataclass(frozen=True, slots=True)
class TableSeen:
    """A table that was read through: ``damage`` is a sentence, or empty."""

    level: int
    meta: FileMeta
    blocks: int
    filters: int
    damage: str


class Viewer:
    """A LevelDB database in `files`.  Raises `Corruption` when MANIFEST or CURRENT cannot be read."""

    def __init__(self, files: Files) -> None:
        self.files = files
        history = read_manifest(files)
        if history is None:
            raise Corruption("CURRENT", 0, "it is missing, so this folder is no LevelDB database")
        self.history: History = history
        self.memtable = MemTable()
        self.log_damage: list[tuple[str, Damage]] = []
        self._cache: Cache[Columns] = Cache(8 << 20)
        for number in sorted(n for n, kind in map(number_of, files.names()) if kind == "log" and n >= history.log):
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
        """Every table that counts, read through block by block."""
        for level, meta in self.history.version.files():
            blocks = rows = tombstones = filters = 0
            try:
                table = Table(self.files, file_of(self.files, meta.number), self._cache)
                blocks, filters = len(table.handles), 0 if table.filters is None else table.filters.count
                for chunk in table.scan(keep=False):
                    rows += len(chunk)
                    tombstones += chunk.kinds().count(DELETE)
                table.close()
                damage = ""
            except Corruption as error:
                damage = str(error)
            except OSError:
                damage = f"{table_name(meta.number)} is missing."
            yield TableSeen(level, replace(meta, entries=rows, tombstones=tombstones), blocks, filters, damage)

    def rows(self) -> Iterator[tuple[bytes, bytes]]:
        """Everything that counts, in order.  Raises `Corruption` at a damaged block."""
        runs: list[Iterator[Columns]] = [iter([self.memtable.columns()])] if self.memtable.rows else []
        for level, metas in enumerate(self.history.version.levels):
            scans = [Table(self.files, file_of(self.files, m.number), self._cache).scan(None, 1, 32) for m in metas]
            runs += [chain.from_iterable(scans)] if level else scans
        return chain.from_iterable(alive(rows) for rows in merged(runs))


def file_meta(number: int, size: int, low: bytes, high: bytes, entries: int, tombstones: int) -> FileMeta:
    """A table of another engine, whose internal keys are not known."""
    unknown = TRAILER.pack(PUT)
    return FileMeta(number, size, low + unknown, high + unknown, entries, tombstones)
