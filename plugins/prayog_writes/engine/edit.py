"""The MANIFEST: a log of edits, each saying which files of which level came and went.

The set of files that *is* the database is the sum of all edits; the file CURRENT names the MANIFEST that counts.  An
edit is one log record, so a crash keeps it whole or loses it whole.

Source: LevelDB `db/version_edit.cc`; the numbers of the fields are its tags.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from prayog_writes.engine.coding import sized, take_sized, take_varint, varint

__all__ = ["COMPARATOR", "Edit", "FileMeta", "decode_edit", "encode_edit", "table_name"]

COMPARATOR = b"leveldb.BytewiseComparator"


@dataclass(frozen=True, slots=True)
class FileMeta:
    """A table of a version.  ``smallest`` and ``largest`` are internal keys; numbers that are unknown are −1."""

    number: int
    size: int
    smallest: bytes
    largest: bytes
    entries: int = field(default=-1, compare=False)
    tombstones: int = field(default=-1, compare=False)
    born: int = field(default=-1, compare=False)
    """How many edits there had been when it came: its age."""

    @property
    def low(self) -> bytes:
        """Its first user key."""
        return self.smallest[:-8]

    @property
    def high(self) -> bytes:
        """Its last user key."""
        return self.largest[:-8]

    def overlaps(self, low: bytes, high: bytes) -> bool:
        """Whether its range has a key in common with ``low`` … ``high``."""
        return self.low <= high and low <= self.high


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of the set of files.  ``log``: logs with a smaller number are no longer needed.

    ``reason`` is told and written to LOG; the MANIFEST has no field for it, so that LevelDB can read ours.
    """

    comparator: bytes | None = None
    log: int | None = None
    next_file: int | None = None
    last_sequence: int | None = None
    added: tuple[tuple[int, FileMeta], ...] = ()
    deleted: tuple[tuple[int, int], ...] = ()
    pointers: tuple[tuple[int, bytes], ...] = ()
    reason: str = field(default="", compare=False)

    @property
    def kind(self) -> str:
        """What led to it, read from its shape: ``start``, ``flush``, ``move``, ``drop``, ``compaction``, ``log``."""
        if self.comparator is not None:
            return "start"
        if self.added and not self.deleted:
            return "flush" if all(level == 0 for level, _ in self.added) else "load"
        if self.deleted and not self.added:
            return "drop"
        if self.added and {f.number for _, f in self.added} == {number for _, number in self.deleted}:
            return "move"
        return "compaction" if self.added else "log"

    def told(self) -> str:
        """The reason, or what can be said from the shape alone."""
        if self.reason:
            return self.reason
        came = ", ".join(f"{f.number} to L{level}" for level, f in self.added) or "nothing"
        went = ", ".join(f"{number} from L{level}" for level, number in self.deleted)
        return f"{self.kind}: {came}" + (f"; gone: {went}" if went else "")


def table_name(number: int) -> str:
    """The file name of a table."""
    return f"{number:06d}.ldb"


def encode_edit(edit: Edit) -> bytes:
    """`edit` as a record of the MANIFEST."""
    parts = []
    if edit.comparator is not None:
        parts.append(varint(1) + sized(edit.comparator))
    for tag, number in ((2, edit.log), (3, edit.next_file), (4, edit.last_sequence)):
        if number is not None:
            parts.append(varint(tag) + varint(number))
    parts += [varint(5) + varint(level) + sized(key) for level, key in edit.pointers]
    parts += [varint(6) + varint(level) + varint(number) for level, number in edit.deleted]
    for level, f in edit.added:
        parts += (varint(7), varint(level), varint(f.number), varint(f.size), sized(f.smallest), sized(f.largest))
    return b"".join(parts)


def decode_edit(data: bytes) -> Edit:
    """What `encode_edit` wrote, or LevelDB.  Raises `ValueError` with what is wrong."""
    comparator: bytes | None = None
    numbers: dict[int, int] = {}
    added, deleted, pointers = [], [], []
    at = 0
    try:
        while at < len(data):
            tag, at = take_varint(data, at)
            if tag == 1:
                comparator, at = take_sized(data, at)
            elif tag in (2, 3, 4, 9):
                numbers[tag], at = take_varint(data, at)
            elif tag in (5, 6, 7):
                level, at = take_varint(data, at)
                if tag == 5:
                    key, at = take_sized(data, at)
                    pointers.append((level, key))
                    continue
                number, at = take_varint(data, at)
                if tag == 6:
                    deleted.append((level, number))
                    continue
                size, at = take_varint(data, at)
                smallest, at = take_sized(data, at)
                largest, at = take_sized(data, at)
                added.append((level, FileMeta(number, size, smallest, largest)))
            else:
                raise ValueError(f"a field of unknown number {tag}; RocksDB writes such, LevelDB does not")
    except IndexError:
        raise ValueError("the edit ends inside a field") from None
    return Edit(
        comparator, numbers.get(2), numbers.get(3), numbers.get(4), tuple(added), tuple(deleted), tuple(pointers)
    )
