"""The catalogue: which tables count now, the MANIFEST that says so, and the tables that are open.

LevelDB calls it `VersionSet`.  The database asks it for tables, and gives it edits.

Rules
1. An edit takes effect when it is synced in the MANIFEST, not before.
2. A MANIFEST that ends cleanly is continued, so that its history goes on; else a new one takes its place by a rename.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from contextlib import suppress
from itertools import count
from typing import Any

from prayog_writes.engine.blockcache import BlockCache
from prayog_writes.engine.edit import COMPARATOR, Edit, FileMeta, encode_edit, table_name
from prayog_writes.engine.errors import Corruption
from prayog_writes.engine.files import Files
from prayog_writes.engine.log import LogWriter
from prayog_writes.engine.manifest import CURRENT, History, number_of
from prayog_writes.engine.options import Options
from prayog_writes.engine.output import TableWriter
from prayog_writes.engine.table import Table
from prayog_writes.engine.version import Version

__all__ = ["Catalogue", "described", "file_of"]

NOTES = "LOG"
TEMPORARY = "CURRENT.dbtmp"


class Catalogue:
    """``version``: the tables; ``edits``: how many led to it; ``open``: the tables that were read, by number.

    ``persisted``: the last write that is in a table.
    """

    def __init__(self, files: Files, options: Options, history: History | None, next_file: int) -> None:
        self.files = files
        self.options = options
        self.version = history.version if history else Version()
        self.pointers = dict(history.pointers) if history else {}
        self.edits = len(history.edits) if history else 0
        self.persisted = history.last_sequence if history else 0
        self.cache = BlockCache(options.cache)
        self.name = ""
        self._history = history
        self._writer: LogWriter | None = None
        self._numbers = count(next_file)
        self.open: dict[int, Table] = {}
        self._held: Counter[int] = Counter()
        self._doomed: set[int] = set()
        self._closed = False

    def new_number(self) -> int:
        """A file number that was never used."""
        return next(self._numbers)

    def table(self, number: int) -> Table:
        """The open table `number`.  Raises `Corruption` when it is missing or damaged."""
        found = self.open.get(number)
        if found is None:
            try:
                found = Table(self.files, file_of(self.files, number), self.cache, self.options.broken)
            except FileNotFoundError:
                raise Corruption(table_name(number), 0, "the MANIFEST names it, and the file is missing") from None
            self.open[number] = found
        return found

    def writer(self, size: int) -> TableWriter:
        """A writer of new tables of `size` bytes (0: of one table)."""
        return TableWriter(self.files, self.options, size, iter(self.new_number, None), self.edits)

    def begin(self, edit: Edit) -> None:
        """The first edit after opening: continue the MANIFEST that was found, or begin a new one."""
        history = self._history
        if history is not None and history.clean:
            self.name = history.name
            self._writer = LogWriter(self.files.extend(history.name), history.size)
            self.add(edit)
            return
        self.name = f"MANIFEST-{self.new_number():06d}"
        sink = self.files.create(self.name)
        self._writer = LogWriter(sink)
        if history is not None:
            whole, pointers = tuple(self.version.files()), tuple(self.pointers.items())
            self._writer.add(encode_edit(Edit(COMPARATOR, history.log, None, self.persisted, whole, (), pointers)))
        self.add(edit)
        self.sync_folder()
        current = self.files.create(TEMPORARY)
        current.append(f"{self.name}\n".encode())
        current.sync()
        current.close()
        self.files.rename(TEMPORARY, CURRENT)
        self.sync_folder()

    def add(self, edit: Edit) -> None:
        """Write `edit` to the MANIFEST, sync it, and let it take effect."""
        assert self._writer is not None
        self._writer.add(encode_edit(edit))
        self._writer.sink.sync()
        self.version = self.version.apply(edit)
        self.pointers.update(edit.pointers)
        self.edits += 1
        with suppress(OSError):  # the sentence is a convenience; the edit counts
            self._note(edit)

    def drop(self, numbers: Iterable[int]) -> None:
        """Remove tables that no version needs; those that a scan is still going to read when it ends."""
        for number in numbers:
            if self._held[number]:
                self._doomed.add(number)
                continue
            if (table := self.open.pop(number, None)) is not None:
                table.forget()
            with suppress(OSError):  # what cannot be removed now is removed when the database is opened next
                self.files.remove(file_of(self.files, number))

    def hold(self, numbers: Collection[int]) -> None:
        """A scan is going to read these tables."""
        self._held.update(numbers)

    def let_go(self, numbers: Collection[int]) -> None:
        """The scan has ended."""
        self._held.subtract(numbers)
        free = {number for number in numbers if number in self._doomed and not self._held[number]}
        self._doomed -= free
        if not self._closed:
            self.drop(free)

    def sweep(self, log: int) -> None:
        """Remove what a crash left behind; logs before number `log` are no longer needed."""
        live = {meta.number for _, meta in self.version.files()}
        for name in self.files.names():
            number, kind = number_of(name)
            stale = (
                (kind == "log" and number < log)
                or (kind in ("ldb", "sst") and number not in live)
                or (kind == "MANIFEST" and name != self.name)
                or name == TEMPORARY
            )
            if stale:
                with suppress(OSError):
                    self.files.remove(name)

    def sync_folder(self) -> None:
        """Make the names of new files safe."""
        if "no folder sync" not in self.options.broken:
            self.files.sync_folder()

    def told(self, edit: Edit) -> dict[str, Any]:
        """`edit`, which was just added, as the trace shows it."""
        assert self._writer is not None
        return {
            "edit": self.edits,
            "what": edit.kind,
            "reason": edit.told(),
            "added": [[level, described(meta)] for level, meta in edit.added],
            "deleted": [[level, number] for level, number in edit.deleted],
            "log": edit.log,
            "last_sequence": edit.last_sequence,
            "manifest": self.name,
            "offset": self._writer.size,
        }

    def close(self) -> None:
        """Close all files as they are."""
        self._closed = True
        if self._writer is not None:
            self._writer.sink.close()
        for table in self.open.values():
            table.close()
        self.open.clear()

    def _note(self, edit: Edit) -> None:
        """Write the reason of the newest edit to LOG, a text that people read."""
        there = NOTES in self.files.names()
        sink = self.files.extend(NOTES) if there else self.files.create(NOTES)
        sink.append(f"{self.name} edit {self.edits}: {edit.told()}\n".encode())
        sink.close()


def file_of(files: Files, number: int) -> str:
    """The name of table `number`: ``.ldb``, or ``.sst`` as older versions of LevelDB called it."""
    name = table_name(number)
    old = f"{number:06d}.sst"
    return old if not files.has(name) and files.has(old) else name


def described(meta: FileMeta) -> dict[str, Any]:
    """A table as views show it."""
    return {
        "number": meta.number, "size": meta.size, "low": meta.low.decode("utf-8", "backslashreplace"),
        "high": meta.high.decode("utf-8", "backslashreplace"), "entries": meta.entries,
        "tombstones": meta.tombstones, "born": meta.born,
    }  # fmt: skip
