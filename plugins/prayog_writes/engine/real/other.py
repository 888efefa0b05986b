"""A folder of somebody else, opened to look: LevelDB by our own reader, RocksDB through `rocksdict`.

The steps are those of our own engine (``edit``), so that the same views show them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from prayog_sdk.run import Emit
from prayog_writes.engine.catalogue import described
from prayog_writes.engine.disk import DiskFiles
from prayog_writes.engine.edit import FileMeta
from prayog_writes.engine.errors import Corruption, DatabaseError
from prayog_writes.engine.viewing import Viewer, file_meta

__all__ = ["look_into", "refusal"]


def look_into(folder: Path) -> Iterator[Emit]:
    """Edits and tables of the database in `folder`; nothing is changed.  Raises `DatabaseError` with a sentence."""
    why = refusal(folder)
    if why:
        raise DatabaseError(why)
    yield from _rocksdb(folder) if _is_rocksdb(folder) else _leveldb(folder)


def refusal(folder: Path) -> str:
    """Why `folder` cannot be looked into, as a sentence; empty when it looks like a database."""
    if not folder.is_dir():
        return f"{folder} is no folder. Choose the folder that holds the files CURRENT and MANIFEST-…."
    if not (folder / "CURRENT").exists():
        return f"{folder} has no file CURRENT, so it is no LevelDB or RocksDB database."
    if _is_rocksdb(folder) and not find_spec("rocksdict"):
        return (
            f"{folder} is a RocksDB database, whose files differ from LevelDB\u2019s. The lab opens it through the "
            "Python package rocksdict, which is not installed (pip install rocksdict)."
        )
    return ""


def _is_rocksdb(folder: Path) -> bool:
    return any(folder.glob("OPTIONS-*"))


def _leveldb(folder: Path) -> Iterator[Emit]:
    viewer = Viewer(DiskFiles(folder))
    for edit in viewer.edits():
        yield "edit", "database", edit
    rows = blocks = damaged = 0
    for seen in viewer.tables():
        rows += seen.meta.entries
        blocks += seen.blocks
        damaged += bool(seen.damage)
        yield "table", "database", {
            "level": seen.level, **described(seen.meta), "blocks": seen.blocks, "filters": seen.filters,
            "damage": seen.damage,
        }  # fmt: skip
    damage = [[name, found.start, found.end, found.why] for name, found in viewer.log_damage]
    yield "viewed", "database", {
        "engine": "LevelDB", "edits": len(viewer.history.edits), "rows_in_tables": rows, "blocks": blocks,
        "rows_in_logs": len(viewer.memtable), "log_damage": damage, "damaged": damaged + len(damage),
    }  # fmt: skip


def _rocksdb(folder: Path) -> Iterator[Emit]:
    kit: Any = import_module("rocksdict")
    try:
        db = kit.Rdict(str(folder), kit.Options(raw_mode=True), access_type=kit.AccessType.read_only())
    except Exception as error:  # noqa: BLE001 - the binding raises kinds of its own
        raise Corruption(str(folder), 0, f"RocksDB says: {error}") from None
    files: list[tuple[int, FileMeta]] = []
    for found in db.live_files():
        number = int(re.sub(r"\D", "", str(found["name"])) or 0)
        low, high = bytes(found["start_key"] or b""), bytes(found["end_key"] or b"")
        meta = file_meta(number, found["size"], low, high, found["num_entries"], found["num_deletions"])
        files.append((found["level"], meta))
    db.close()
    yield "edit", "database", {
        "edit": 1, "what": "start", "reason": f"{len(files)} tables as RocksDB reports them", "manifest": "",
        "offset": 0, "added": [[level, described(meta)] for level, meta in files], "deleted": [],
        "log": None, "last_sequence": None,
    }  # fmt: skip
    total = sum(meta.entries for _, meta in files)
    yield "viewed", "database", {"engine": "RocksDB", "edits": 1, "rows_in_tables": total, "blocks": None,
                                 "rows_in_logs": None, "log_damage": [], "damaged": 0}  # fmt: skip
