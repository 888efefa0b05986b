"""A folder of somebody else, opened to look: LevelDB by our own reader, RocksDB through `rocksdict`.

The steps are those of our own engine (``edit``), so that the same views show them.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from prayog_sdk.run import Emit
from prayog_sdk.services import to_install
from prayog_writes.engine.catalogue import described
from prayog_writes.engine.disk import DiskFiles
from prayog_writes.engine.edit import FileMeta
from prayog_writes.engine.errors import DatabaseError
from prayog_writes.engine.viewing import Viewer, file_meta

__all__ = ["look_into", "refusal"]

NOTES = "rocksdict-config.json"


def look_into(folder: Path) -> Iterator[Emit]:
    """Edits and tables of the database in `folder`; nothing is changed.  Raises `DatabaseError` with a sentence."""
    why = refusal(folder)
    if why:
        raise DatabaseError(why)
    try:
        yield from _rocksdb(folder) if _is_rocksdb(folder) else _leveldb(folder)
    except OSError as error:
        raise DatabaseError(f"{error.filename or folder} cannot be read: {error.strerror or error}.") from None


def refusal(folder: Path) -> str:
    """Why `folder` cannot be looked into, as a sentence; empty when it looks like a database."""
    if not folder.is_dir():
        return f"{folder} is no folder. Choose the folder that holds the files CURRENT and MANIFEST-…."
    if not (folder / "CURRENT").is_file():
        left = max((path.name for path in folder.glob("MANIFEST-*")), default="")
        if left:
            return f"{folder} has no file CURRENT, which names the MANIFEST. {left} is here: write that name into it."
        return f"{folder} has no file CURRENT, so it is no LevelDB or RocksDB database."
    if _is_rocksdb(folder) and not find_spec("rocksdict"):
        return (
            f"{folder} is a RocksDB database, whose files differ from LevelDB\u2019s. The lab opens it through the "
            f"Python package rocksdict, which is not here. {to_install('rocksdict')}"
        )
    return ""


def _is_rocksdb(folder: Path) -> bool:
    return any(folder.glob("OPTIONS-*"))


def _leveldb(folder: Path) -> Iterator[Emit]:
    viewer = Viewer(DiskFiles(folder))
    for edit in viewer.edits():
        yield "edit", "database", edit
    if viewer.damage is not None:
        sentence = f"{viewer.damage} What is shown is how it stood before; later edits are not known."
        yield "problem", "database", {
            "sentence": sentence, "type": "Corruption", "file": viewer.damage.file, "offset": viewer.damage.offset,
        }  # fmt: skip
    rows = blocks = 0
    damaged = int(viewer.damage is not None)
    for seen in viewer.tables():
        rows += max(seen.meta.entries, 0)
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
        "left_over": viewer.left_over,
    }  # fmt: skip


def _rocksdb(folder: Path) -> Iterator[Emit]:
    kit: Any = import_module("rocksdict")
    with tempfile.TemporaryDirectory(prefix="prayog-rocksdb-") as scratch:
        shadow = Path(scratch)
        raw = _shadow(folder, shadow)
        try:
            db = kit.Rdict(str(shadow), kit.Options(raw_mode=raw), access_type=kit.AccessType.read_only())
        except Exception as error:  # noqa: BLE001 - the binding raises kinds of its own
            said = str(error).replace(scratch, str(folder)).splitlines()[0].rstrip(".")
            raise DatabaseError(f"RocksDB does not open {folder}: {said}.") from None
        files: dict[int, tuple[int, FileMeta]] = {}
        for found in db.live_files():
            number = int(re.sub(r"\D", "", str(found["name"])) or 0)
            low, high = _bytes(found["start_key"]), _bytes(found["end_key"])
            meta = file_meta(number, found["size"], low, high, found["num_entries"], found["num_deletions"])
            files[number] = found["level"], meta
        yield "edit", "database", {
            "edit": 1, "what": "start", "reason": f"{len(files)} tables as RocksDB reports them", "manifest": "",
            "offset": 0, "added": [[level, described(meta)] for level, meta in files.values()], "deleted": [],
            "log": None, "last_sequence": None,
        }  # fmt: skip
        rows, problems = _read_through(kit, db, shadow)
        db.close()
    for problem in problems:
        named = re.search(r"(\d+)\.sst", problem)
        if named is None or int(named[1]) not in files:
            yield "problem", "database", {"sentence": f"RocksDB says: {problem}.", "type": "Corruption"}
            continue
        level, meta = files[int(named[1])]
        yield "table", "database", {
            "level": level, **described(meta), "blocks": 0, "filters": 0, "damage": f"RocksDB says: {problem}.",
        }  # fmt: skip
    total = sum(meta.entries for _, meta in files.values())
    yield "viewed", "database", {
        "engine": "RocksDB", "edits": 1, "rows_in_tables": total, "rows": rows, "blocks": None, "rows_in_logs": None,
        "log_damage": [], "damaged": len(problems), "left_over": [],
    }  # fmt: skip


def _read_through(kit: Any, db: Any, folder: Path) -> tuple[int, list[str]]:
    """All rows of all column families: how many could be read, and what RocksDB said where they could not."""
    rows, problems = 0, []
    for name in kit.Rdict.list_cf(str(folder)):
        try:
            family = db if name == "default" else db.get_column_family(name)
            walk = family.iter()
            walk.seek_to_first()
            while walk.valid():
                rows += 1
                walk.next()
            walk.status()  # it ends at damage without a word, and says so only here
        except Exception as error:  # noqa: BLE001 - as above
            problems.append(str(error).replace(f"{folder}/", "").splitlines()[0].rstrip("."))
    return rows, problems


def _shadow(folder: Path, shadow: Path) -> bool:
    """Fill `shadow` with links to the files in `folder`: RocksDB and its binding write notes even where they only read.

    Returns whether keys are plain bytes; else the binding made them of Python objects, in an order of its own.
    """
    raw = True
    for path in folder.iterdir():
        if path.name == NOTES:
            with suppress(ValueError, AttributeError):
                raw = bool(json.loads(path.read_text(encoding="utf-8", errors="replace")).get("raw_mode", True))
            shutil.copy(path, shadow / NOTES)
        elif path.is_file() and path.name not in ("LOCK", "LOG"):
            try:
                (shadow / path.name).symlink_to(path.resolve())
            except OSError:  # Windows gives links to few
                shutil.copy(path, shadow / path.name)
    return raw


def _bytes(key: Any) -> bytes:
    """A key as bytes; an object of Python as it is shown."""
    return key if isinstance(key, bytes) else str("" if key is None else key).encode()
