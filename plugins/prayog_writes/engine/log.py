"""A log file: records in blocks of 32 KiB, each with its length and checksum.  WAL and MANIFEST are written so.

    4 bytes masked CRC-32C of type and data | 2 bytes length | 1 byte type | data

Type 1 is a whole record; 2, 3 and 4 are the first, a middle and the last fragment of one that does not fit into its
block.  Fewer than 7 bytes at the end of a block are zeros.  Because every block begins with a fresh record or
fragment, a reader finds its way again after damage.

Source: LevelDB `doc/log_format.md`.

Rules
1. `records` never raises: what is wrong is an item of its own (`Damage`), and the caller decides (`recovery`).
2. Nothing is guessed: a fragment without its beginning or its end is damage, not data.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct

from prayog_writes.engine.crc import crc32c, masked
from prayog_writes.engine.files import Sink

__all__ = ["BLOCK", "HEADER", "Damage", "LogWriter", "Record", "records"]

BLOCK = 32 * 1024
HEADER = 7
WHOLE, FIRST, MIDDLE, LAST = 1, 2, 3, 4
_HEAD = Struct("<IH")
_TYPED = [bytes((t,)) for t in range(5)]


@dataclass(frozen=True, slots=True)
class Record:
    """A record that lies at bytes `start` … `end` of the file, and what it holds."""

    start: int
    end: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes `start` … `end` are no record.  ``tail``: the file simply ends too early, as after a crash."""

    start: int
    end: int
    why: str
    tail: bool


class LogWriter:
    """Appends records to `sink`, which already holds `size` bytes of log."""

    __slots__ = ("_append", "_full", "sink", "size")

    def __init__(self, sink: Sink, size: int = 0) -> None:
        self.sink = sink
        self.size = size
        self._append = sink.append
        self._full = size - size % BLOCK + BLOCK

    def framed(self, data: bytes) -> bytes:
        """`data` as it will stand in the file from byte `size` on."""
        room = BLOCK - self.size % BLOCK
        if len(data) + HEADER <= room:  # by far the most frequent case
            typed = b"\x01" + data
            return _HEAD.pack(masked(crc32c(typed)), len(data)) + typed
        parts, at, kind = [], 0, FIRST
        while True:
            if room < HEADER:
                parts.append(bytes(room))
                room = BLOCK
            piece = data[at : at + room - HEADER]
            at += len(piece)
            if at == len(data):
                kind = WHOLE if kind == FIRST else LAST
            typed = _TYPED[kind] + piece
            parts.append(_HEAD.pack(masked(crc32c(typed)), len(piece)) + typed)
            if at == len(data):
                return b"".join(parts)
            room, kind = BLOCK, MIDDLE

    def add_typed(self, typed: bytes) -> None:
        """Append a record that has its type, 1, in front already: the short way for a single put."""
        end = self.size + HEADER - 1 + len(typed)
        if end > self._full:
            self.add(typed[1:])
            return
        crc = (crc32c(typed) * 0x100000001 >> 15) + 0xA282EAD8 & 0xFFFFFFFF  # `masked`, an operation shorter
        self._append(_HEAD.pack(crc, len(typed) - 1) + typed)
        self.size = end

    def add(self, data: bytes) -> None:
        """Append a record."""
        frame = self.framed(data)
        self._append(frame)
        self.size += len(frame)
        self._full = self.size - self.size % BLOCK + BLOCK


def records(data: bytes) -> Iterator[Record | Damage]:
    """Everything in a log file, in order: the records, and what is between them that is none."""
    at, end = 0, len(data)
    begin, parts = 0, None
    while at < end:
        left = BLOCK - at % BLOCK
        if left < HEADER:
            at += left
            continue
        if end - at < HEADER:
            if any(data[at:end]):
                yield Damage(at if parts is None else begin, end, f"{end - at} bytes are no header of {HEADER}", True)
                return
            break
        (stored, size), kind = _HEAD.unpack_from(data, at), data[at + 6]
        if not (stored or size or kind):  # room that was reserved, or lost by the disk
            if not data[at:end].lstrip(b"\0"):
                yield Damage(at if parts is None else begin, end, "nothing but zeros up to the end", True)
                return
            upto = min(at + left, end)
            yield Damage(at, upto, "zeros where a record should be", False)
            at, parts = upto, None
            continue
        stop = at + HEADER + size
        if stop > end and HEADER + size <= left:
            why = f"{size} bytes were announced, {end - at - HEADER} are there"
            yield Damage(at if parts is None else begin, end, why, True)
            return
        if HEADER + size > left:
            yield Damage(at, min(at + left, end), f"the length {size} does not fit into its block", False)
            at, parts = at + left, None
            continue
        if masked(crc32c(data[at + 6 : stop])) != stored:
            # The length itself may be what is wrong, so the rest of the block cannot be trusted.
            upto = min(at + left, end)
            yield Damage(at, upto, f"the checksum of a record of {size} bytes does not match", False)
            at, parts = upto, None
            continue
        piece = data[at + HEADER : stop]
        if kind in (WHOLE, FIRST):
            if parts is not None:
                yield Damage(begin, at, "a record breaks off before its last fragment", False)
            begin, parts = at, [piece]
        elif kind not in (MIDDLE, LAST):
            yield Damage(at, stop, f"unknown type {kind}", False)
            parts = None
        elif parts is None:
            yield Damage(at, stop, "a fragment without its beginning", False)
        else:
            parts.append(piece)
        at = stop
        if kind in (WHOLE, LAST) and parts is not None:
            yield Record(begin, at, b"".join(parts))
            parts = None
    if parts is not None:
        yield Damage(begin, end, "the last record breaks off between two fragments", True)
