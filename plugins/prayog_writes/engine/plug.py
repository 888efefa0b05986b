"""The plug in the learner's hand: crashes, damage to files, and what is there when the database is opened again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prayog_sdk.run import Emit
from prayog_writes.engine.apparatus import Apparatus, steps
from prayog_writes.engine.database import Database
from prayog_writes.engine.errors import DatabaseError
from prayog_writes.engine.files import MemoryFiles
from prayog_writes.engine.logview import describing, taken
from prayog_writes.engine.manifest import log_name
from prayog_writes.engine.options import MODES

__all__ = ["cut", "fill", "flip", "meant", "place", "pull", "reopen", "try_modes"]


def pull(lab: Apparatus, how: str, torn: float | None) -> Iterator[Emit]:
    """The end of the process (`torn` None: everything written stays), or of the power: `torn` of what was not synced
    stays all the same."""
    db, image = lab.opened(), lab.files.image
    log, written = log_name(db.memtable.log), db.log.size
    db.abandon()
    lab.disk = image.after_kill() if torn is None else image.after_power_failure(torn)
    lab.db = None
    lab.forget_news()
    yield "down", "database", {
        "how": how, "acknowledged": lab.memory.acknowledged, "log": log, "log_bytes": written,
        "log_kept": len(lab.disk.get(log, b"")), "now": round(lab.device.now),
        "files": {name: len(data) for name, data in lab.disk.items()},
    }  # fmt: skip
    yield from _log(log, lab.disk.get(log, b""))


def _log(name: str, data: bytes) -> Iterator[Emit]:
    described = yield from steps("log", describing(name, data))
    yield "log", "database", described


def cut(lab: Apparatus, at: int) -> Iterator[Emit]:
    """Remove the log's end from byte `at` on (negative: from the end)."""
    name = meant("log", lab.disk)
    data = lab.disk[name]
    where = place(name, len(data), at, beyond=1)
    lab.disk[name] = data[:where]
    yield "cut", "database", {"file": name, "at": where, "removed": len(data) - where}
    yield from _log(name, lab.disk[name])


def flip(lab: Apparatus, file: str, at: int, bit: int) -> Iterator[Emit]:
    """Flip one bit of a file."""
    name = meant(file, lab.disk)
    data = bytearray(lab.disk[name])
    where = place(name, len(data), at)
    data[where] ^= 1 << bit % 8
    lab.disk[name] = bytes(data)
    yield "flipped", "database", {"file": name, "at": where, "bit": bit % 8}
    if name.endswith(".log"):
        yield from _log(name, lab.disk[name])


def meant(file: str, names: Iterable[str]) -> str:
    """The newest of `names` that `file` means: ``log``, ``table``, ``MANIFEST`` or a name."""
    ending = {"log": ".log", "table": ".ldb"}.get(file, "?")
    found = [name for name in names if name == file or name.endswith(ending) or name.split("-")[0] == file]
    if not found:
        raise DatabaseError(f"There is no file {file!r} on the disk; there are: {', '.join(sorted(names)) or 'none'}.")
    return max(found)


def place(name: str, size: int, at: int, beyond: int = 0) -> int:
    """Byte `at` of a file of `size` bytes, from its beginning (negative: it was counted from the end).

    ``beyond``: how many places behind the end count too.
    """
    where = at if at >= 0 else size + at
    if not 0 <= where < size + beyond:
        raise DatabaseError(f"{name} has {size:,} bytes; byte {at} is not among them.")
    return where


def reopen(lab: Apparatus, mode: str) -> Iterator[Emit]:
    """Recover in `mode`, and compare with all that was acknowledged."""
    before, lab.files = lab.files, MemoryFiles(lab.disk)
    try:
        db = yield from steps("open", lab.opening(mode))
    except DatabaseError as error:
        lab.files = before
        yield "refused", "database", {"mode": mode, "sentence": str(error)}
        return
    lab.db = db
    yield from lab.told()
    for name, replay in db.recovered.items():
        yield "replayed", "database", {
            "log": name, "batches": len(replay.batches), "stopped": replay.stopped,
            "damage": [[d.start, d.end, d.why, d.tail] for d in replay.damage],
        }  # fmt: skip
    finding = yield from steps("compare", lab.memory.compared(db.rows, db.last))
    lab.memory.accept(finding)
    yield "survival", "database", {"mode": mode, **finding.told()}


def try_modes(lab: Apparatus) -> Iterator[Emit]:
    """What each recovery mode would bring back; nothing is changed."""
    for mode in MODES:
        files, options = MemoryFiles(lab.disk), lab.setup.with_mode(mode)
        try:
            db = yield from steps("open", Database.in_steps(files, options, lambda kind, data: None, lambda: 0))
            finding = yield from steps("compare", lab.memory.compared(db.rows, db.last))
        except DatabaseError as error:
            yield "mode", mode, {"mode": mode, "opens": False, "sentence": str(error), "survived": None}
            continue
        yield "mode", mode, {
            "mode": mode, "opens": True, "sentence": "", "taken": taken(db.recovered.values()), **finding.told(),
        }  # fmt: skip


def fill(lab: Apparatus, room: int) -> Iterator[Emit]:
    """Leave only `room` bytes on the disk."""
    lab.opened()
    lab.files.capacity = lab.files.used() + room
    yield "filled", "database", {"room": room}
