"""Other engines behind one small interface, for the reality check; each only where it is installed.

LevelDB through `plyvel`, RocksDB through `rocksdict`, LMDB through `lmdb`, and SQLite, which Python brings along.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from prayog_sdk.services import to_install
from prayog_writes.engine.batch import Operation
from prayog_writes.engine.database import Database
from prayog_writes.engine.disk import DiskFiles
from prayog_writes.engine.options import Options
from prayog_writes.engine.real.shared import now_us

__all__ = ["PEERS", "Peer", "missing", "open_peer"]

PEERS = {"prayog": "", "leveldb": "plyvel", "rocksdb": "rocksdict", "sqlite": "sqlite3", "lmdb": "lmdb"}
"""Engine → the Python package that it needs."""


class Peer(Protocol):
    """A key-value store in a folder."""

    def write(self, operations: list[Operation]) -> None:
        """One batch, atomically; synced when the peer was opened so."""
        ...

    def get(self, key: bytes) -> bytes | None:
        """The value of `key`."""
        ...

    def rows(self) -> Iterator[tuple[bytes, bytes]]:
        """Everything, in order."""
        ...

    def close(self) -> None:
        """Close it cleanly."""
        ...


def missing(name: str) -> str:
    """Why peer `name` cannot be opened here, as a sentence; empty when it can."""
    package = PEERS[name]
    if not package or find_spec(package) is not None:
        return ""
    return f"{name} is left out: the Python package {package} is not here. {to_install(package)}"


def open_peer(name: str, folder: Path, sync: bool, options: Options) -> Peer:
    """Open peer `name` in `folder`."""
    made: dict[str, Callable[[], Peer]] = {
        "prayog": lambda: _Ours(folder, options),
        "leveldb": lambda: _LevelDb(folder, sync, options),
        "rocksdb": lambda: _RocksDb(folder, sync, options),
        "sqlite": lambda: _Sqlite(folder, sync),
        "lmdb": lambda: _Lmdb(folder, sync),
    }
    return made[name]()


class _Ours:
    def __init__(self, folder: Path, options: Options) -> None:
        self.db = Database(DiskFiles(folder), options, clock=now_us)
        self.write = self.db.write
        self.get = self.db.get
        self.rows = self.db.rows
        self.close = self.db.close


class _LevelDb:
    def __init__(self, folder: Path, sync: bool, options: Options) -> None:
        plyvel = import_module("plyvel")
        self._db: Any = plyvel.DB(
            str(folder), create_if_missing=True, bloom_filter_bits=options.bits, write_buffer_size=options.memtable,
            compression=None,
        )  # fmt: skip
        self._sync = sync
        self.get = self._db.get
        self.close = self._db.close

    def write(self, operations: list[Operation]) -> None:
        with self._db.write_batch(sync=self._sync) as batch:
            for key, value in operations:
                if value is None:
                    batch.delete(key)
                else:
                    batch.put(key, value)

    def rows(self) -> Iterator[tuple[bytes, bytes]]:
        return iter(self._db)


class _RocksDb:
    def __init__(self, folder: Path, sync: bool, options: Options) -> None:
        self._kit: Any = import_module("rocksdict")
        chosen = self._kit.Options(raw_mode=True)
        chosen.create_if_missing(True)
        chosen.set_write_buffer_size(options.memtable)
        chosen.set_target_file_size_base(options.file)
        chosen.set_max_bytes_for_level_base(options.base)
        chosen.set_max_bytes_for_level_multiplier(options.fanout)
        chosen.set_compression_type(self._kit.DBCompressionType.none())
        self._db: Any = self._kit.Rdict(str(folder), chosen)
        self._how = self._kit.WriteOptions()
        self._how.sync = sync
        self.close = self._db.close

    def write(self, operations: list[Operation]) -> None:
        batch = self._kit.WriteBatch(raw_mode=True)
        for key, value in operations:
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        self._db.write(batch, self._how)

    def get(self, key: bytes) -> bytes | None:
        found: bytes | None = self._db.get(key)
        return found

    def rows(self) -> Iterator[tuple[bytes, bytes]]:
        return iter(self._db.items())


class _Sqlite:
    def __init__(self, folder: Path, sync: bool) -> None:
        self._db = sqlite3.connect(folder / "kv.sqlite", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute(f"PRAGMA synchronous={'FULL' if sync else 'NORMAL'}")
        self._db.execute("CREATE TABLE IF NOT EXISTS kv (k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID")

    def write(self, operations: list[Operation]) -> None:
        self._db.execute("BEGIN")
        for key, value in operations:
            if value is None:
                self._db.execute("DELETE FROM kv WHERE k = ?", (key,))
            else:
                self._db.execute("INSERT OR REPLACE INTO kv VALUES (?, ?)", (key, value))
        self._db.execute("COMMIT")

    def get(self, key: bytes) -> bytes | None:
        row = self._db.execute("SELECT v FROM kv WHERE k = ?", (key,)).fetchone()
        return None if row is None else row[0]

    def rows(self) -> Iterator[tuple[bytes, bytes]]:
        return iter(self._db.execute("SELECT k, v FROM kv ORDER BY k"))

    def close(self) -> None:
        self._db.close()


class _Lmdb:
    def __init__(self, folder: Path, sync: bool) -> None:
        lmdb: Any = import_module("lmdb")
        self._db: Any = lmdb.open(str(folder), map_size=1 << 30, sync=sync)
        self.close = self._db.close

    def write(self, operations: list[Operation]) -> None:
        with self._db.begin(write=True) as change:
            for key, value in operations:
                if value is None:
                    change.delete(key)
                else:
                    change.put(key, value)

    def get(self, key: bytes) -> bytes | None:
        with self._db.begin() as look:
            found: bytes | None = look.get(key)
            return found

    def rows(self) -> Iterator[tuple[bytes, bytes]]:
        with self._db.begin() as look:
            yield from ((bytes(k), bytes(v)) for k, v in look.cursor())
