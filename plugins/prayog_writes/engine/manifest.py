"""Reading a MANIFEST: from CURRENT to the set of tables, with every edit on the way.

Rules
1. An edit that breaks off at the very end was never acknowledged, and is left out.  Any other damage is `Corruption`.
2. Nothing is changed here: other people's databases are read by the same function.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field

from prayog_writes.engine.edit import COMPARATOR, Edit, decode_edit
from prayog_writes.engine.errors import Corruption, DatabaseError
from prayog_writes.engine.files import Files
from prayog_writes.engine.log import Damage, records
from prayog_writes.engine.progress import Progress, finished
from prayog_writes.engine.version import Draft, Version

__all__ = ["CURRENT", "History", "log_name", "manifest_in_steps", "number_of", "read_manifest"]

CURRENT = "CURRENT"
PORTION = 100
"""Edits that are read in one step."""


@dataclass(slots=True)
class History:
    """All edits with their places in the file, and what they add up to.  ``clean``: the file may be appended to."""

    name: str
    size: int = 0
    edits: list[tuple[int, Edit]] = field(default_factory=list)
    version: Version = field(default_factory=Version)
    """Known when all edits are read."""
    log: int = 0
    next_file: int = 2
    last_sequence: int = 0
    pointers: dict[int, bytes] = field(default_factory=dict)
    clean: bool = True
    damage: Corruption | None = None
    """Where reading ended, when damage was tolerated."""
    draft: Draft = field(default_factory=lambda: Draft(Version()))

    def add(self, place: int, edit: Edit) -> None:
        """Take one more edit; raises `ValueError` when it does not fit."""
        self.draft.add(edit)
        self.edits.append((place, edit))
        self.log = edit.log if edit.log is not None else self.log
        self.next_file = edit.next_file if edit.next_file is not None else self.next_file
        self.last_sequence = edit.last_sequence if edit.last_sequence is not None else self.last_sequence
        self.pointers.update(edit.pointers)


def log_name(number: int) -> str:
    """The file name of a write-ahead log."""
    return f"{number:06d}.log"


def number_of(name: str) -> tuple[int, str]:
    """The number in a file name and what kind of file it is (``log``, ``ldb``, ``sst``, ``MANIFEST``); 0: none."""
    stem, _, kind = name.partition(".")
    if name.startswith("MANIFEST-"):
        stem, kind = name[9:], "MANIFEST"
    return (int(stem), kind) if stem.isascii() and stem.isdecimal() else (0, "")


def read_manifest(files: Files) -> History | None:
    """The history that CURRENT points to; None when there is no CURRENT.  Raises `Corruption` or `DatabaseError`."""
    return finished(manifest_in_steps(files))


def manifest_in_steps(files: Files, tolerant: bool = False) -> Generator[Progress, None, History | None]:
    """The same, some edits at a time.

    ``tolerant``: reading ends at damage, which is kept in the history; also at an edit that breaks off at the end.
    """
    if not files.has(CURRENT):
        return None
    name = _current(files)
    data = files.read(name)
    history = History(name, len(data))
    place = 0
    try:
        for item in records(data):
            place = item.start
            if isinstance(item, Damage):
                if tolerant or not item.tail:
                    raise Corruption(name, item.start, item.why, "The MANIFEST says which tables count; restore it.")
                history.clean = False
                break
            edit = decode_edit(item.data)
            if edit.comparator not in (None, COMPARATOR):
                order = edit.comparator.decode("utf-8", "backslashreplace")
                raise DatabaseError(
                    f"This database orders its keys by {order!r}. The lab reads databases in the order of their bytes "
                    f"({COMPARATOR.decode()})."
                )
            history.add(item.start, edit)
            if len(history.edits) % PORTION == 0:
                yield Progress(len(history.edits))
    except (Corruption, ValueError) as error:
        problem = error if isinstance(error, Corruption) else Corruption(name, place, str(error))
        if not tolerant or not history.edits:
            raise problem from None
        history.damage, history.clean = problem, False
    if not history.edits:
        raise Corruption(name, 0, "it holds no edit", "The MANIFEST says which tables count; restore it.")
    try:
        history.version = history.draft.version()
    except ValueError as error:
        raise Corruption(name, place, str(error)) from None
    return history


def _current(files: Files) -> str:
    """The MANIFEST that CURRENT names."""
    text = files.read(CURRENT)
    name = text.decode("ascii", "backslashreplace").rstrip("\n")
    there = [other for other in files.names() if number_of(other)[1] == "MANIFEST"]
    if name in there:
        return name
    found = f"it names {name[:40]!r}, and there is no such file" if name else "it is empty"
    if name and number_of(name)[1] != "MANIFEST":
        found = f"it holds {name[:40]!r}, which is no name of a MANIFEST"
    advice = f"Here are: {', '.join(there)}; write the newest name into it." if there else "Restore the MANIFEST."
    raise Corruption(CURRENT, 0, found, advice)
