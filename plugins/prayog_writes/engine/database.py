"""The database: put, get, delete, scan, and the promises behind them.

    put ─▶ log ─▶ (sync) ─▶ memtable ─▶ acknowledged

What happens to a full memtable is told in `store`.

Rules
1. A write is in the log before it is in the memtable, and in both before `put` returns (`journal`).
2. A batch is one record of the log, so that a crash keeps all of it or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import count
from typing import Any

from prayog_writes.engine.batch import HEAD, Operation, body_of, encode_put, puts_of
from prayog_writes.engine.coding import MAX_SEQUENCE
from prayog_writes.engine.cursor import Cursor
from prayog_writes.engine.loading import load
from prayog_writes.engine.reading import Snapshot, in_tables, look_up, scan
from prayog_writes.engine.store import Store, Tell

__all__ = ["Database", "Snapshot", "Tell"]


class Database(Store):
    """A database in `files`; see `Store` for how it is opened."""

    # Writing

    def put(self, key: bytes, value: bytes) -> None:
        """Keep `value` under `key`."""
        if not self._plain:
            self.write([(key, value)])
            return
        sequence = self.last + 1
        record = encode_put(sequence, key, value)
        try:
            self.journal.add_put(record)
        except OSError as error:
            self.fail(error, "writing the log")
        memtable = self.memtable
        memtable.rows[key] = (sequence, value)
        memtable.size = size = memtable.size + len(record)
        self.last = sequence
        self.stats.user += len(key) + len(value)
        if size >= self.options.memtable:
            self.full()

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
        body, size = puts_of(keys, values)
        payload = HEAD.pack(first, len(items)) + body
        try:
            self.journal.add(payload)
        except OSError as error:
            self.fail(error, "writing the log")
        memtable = self.memtable
        memtable.rows.update(zip(keys, zip(count(first), values), strict=False))
        memtable.size += len(payload)
        self.last = first + len(keys) - 1
        self.stats.user += size
        if memtable.size >= self.options.memtable:
            self.full()

    def delete(self, key: bytes) -> None:
        """Forget `key`: writes a tombstone, whether there is such a key or not."""
        self.write([(key, None)])

    def write(self, operations: list[Operation]) -> None:
        """Do all of `operations`, or after a crash none.  Returns when they are acknowledged."""
        if not operations:
            return
        self.may_write()
        first = self.last + 1
        payload = HEAD.pack(first, len(operations)) + body_of(operations)
        size = sum(len(key) + len(value or b"") for key, value in operations)
        if self.tell:
            self.tell("write", {"sequence": first, "count": len(operations), "bytes": size, "batch": _told(operations)})
        start, synced = self.journal.size, self.journal.synced
        try:
            self.journal.add(payload)
        except OSError as error:
            self.fail(error, "writing the log")
        self.memtable.apply(first, operations, len(payload), self._snapshots[-1] if self._snapshots else -1)
        self.last = first + len(operations) - 1
        self.stats.batches += 1
        self.stats.user += size
        if self.tell:
            self._tell_written(start, synced)
        if self.memtable.size >= self.options.memtable:
            self.full()

    def _tell_written(self, start: int, synced: int) -> None:
        assert self.tell is not None
        journal, m = self.journal, self.memtable
        if journal.size > start:
            self.tell("wal", {"log": m.log, "start": start, "end": journal.size, "bytes": journal.size - start})
        if journal.synced > synced:
            self.tell("sync", {"log": m.log, "upto": journal.synced})
        self.tell("memtable", {"rows": len(m), "bytes": m.size, "limit": self.options.memtable})

    def sync(self) -> None:
        """Return when all acknowledged writes are on the disk."""
        try:
            self.journal.sync()
        except OSError as error:
            self.fail(error, "syncing the log")

    def load(self, items: Iterable[tuple[bytes, bytes]]) -> int:
        """Write `items`, whose keys ascend, straight into tables; returns how many.  No log: all are kept, or none."""
        self.may_write()
        self.settle()
        self.flush()
        return load(self, items)

    # Reading

    def get(self, key: bytes, snapshot: Snapshot | None = None) -> bytes | None:
        """The value of `key`, or None.  Raises `Corruption` when the table that must be read is damaged."""
        self.stats.gets += 1
        if snapshot is not None or self.immutable:
            row = look_up(self, key, snapshot.sequence if snapshot is not None else MAX_SEQUENCE)
            return None if row is None else row[1]
        row = self.memtable.rows.get(key)
        if row is not None:
            return row[1]
        if self.row_cache is None:
            row = in_tables(self, key, MAX_SEQUENCE)
            return None if row is None else row[1]
        row = self.row_cache.get(key)
        if row is None:
            row = in_tables(self, key, MAX_SEQUENCE)
            if row is None:
                return None
            self.row_cache.put(key, row, len(key) + len(row[1] or b"") + 64)
        return row[1]

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
        self,
        start: bytes | None = None,
        stop: bytes | None = None,
        snapshot: Snapshot | None = None,
        reverse: bool = False,
        fill_cache: bool = True,
    ) -> Iterator[tuple[bytes, bytes]]:
        """Keys and values from `start` (included) to `stop` (not), in order, as they are now; or from the last on.

        ``fill_cache``: keep what is read; leave it out to pass by a whole database once.
        """
        return scan(self, start, stop, snapshot.sequence if snapshot else self.last, reverse, fill_cache)

    def rows(self) -> Iterator[tuple[bytes, bytes]]:
        """Everything, in order, passed by once."""
        return self.scan(fill_cache=False)

    def cursor(self, snapshot: Snapshot | None = None) -> Cursor:
        """A place in the database as it is now (or was), which can be moved forwards and backwards."""
        return Cursor(self, snapshot or self.snapshot(), snapshot is None)

    def snapshot(self) -> Snapshot:
        """Hold on to the database as it is now."""
        self._snapshots.append(self.last)
        self._plain = False
        return Snapshot(self.last, self._release)

    def _release(self, sequence: int) -> None:
        with suppress(ValueError):
            self._snapshots.remove(sequence)
        self._plain = self._is_plain()


def _told(operations: list[Operation]) -> list[list[str]]:
    """The first operations of a batch, readable."""
    return [
        ["delete" if value is None else "put", key.decode("utf-8", "backslashreplace")] for key, value in operations[:8]
    ]
