"""Reading a MANIFEST: from CURRENT to the set of tables, with every edit on the way.

Rules
1. An edit that breaks off at the very end was never acknowledged, and is left out.  Any other damage is `Corruption`.
2. Nothing is changed here: other people's databases are read by the same function.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from prayog_writes.engine.edit import COMPARATOR, Edit, decode_edit
from prayog_writes.engine.errors import Corruption
from prayog_writes.engine.files import Files
from prayog_writes.engine.log import Damage, records
from prayog_writes.engine.version import Version

__all__ = ["CURRENT", "History", "log_name", "number_of", "read_manifest"]

CURRENT = "CURRENT"


@dataclass(slots=True)
class History:
    """All edits with their places in the file, and what they add up to.  ``clean``: the file may be appended to."""

    name: str
    size: int = 0
    edits: list[tuple[int, Edit]] = field(default_factory=list)
    version: Version = field(default_factory=Version)
    log: int = 0
    next_file: int = 2
    last_sequence: int = 0
    pointers: dict[int, bytes] = field(default_factory=dict)
    clean: bool = True

    def add(self, place: int, edit: Edit) -> None:
        """Take one more edit; raises `ValueError` when it does not fit."""
        self.version = self.version.apply(edit)
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
    return (int(stem), kind) if stem.isdigit() else (0, "")


def read_manifest(files: Files) -> History | None:
    """The history that CURRENT points to; None when there is no CURRENT.  Raises `Corruption`."""
    if CURRENT not in files.names():
        return None
    name = files.read(CURRENT).decode("ascii", "replace").rstrip("\n")
    if name not in files.names():
        raise Corruption(CURRENT, 0, f"it names {name!r}, and there is no such file", "Restore the MANIFEST.")
    data = files.read(name)
    history = History(name, len(data))
    for item in records(data):
        if isinstance(item, Damage):
            if not item.tail:
                raise Corruption(name, item.start, item.why, "The MANIFEST says which tables count; restore it.")
            history.clean = False
            break
        try:
            edit = decode_edit(item.data)
            if edit.comparator not in (None, COMPARATOR):
                raise ValueError(f"keys are ordered by {edit.comparator!r}, the lab knows only {COMPARATOR.decode()}")
            history.add(item.start, edit)
        except ValueError as error:
            raise Corruption(name, item.start, str(error)) from None
    if not history.edits:
        raise Corruption(name, 0, "it holds no edit")
    return history
