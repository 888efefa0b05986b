"""What each byte of a log is: checksum, length, type, sequence, count, writes, or nothing that can be read.  No Qt.

It walks over the file as `prayog_writes.engine.log.records` does; where that gives up, bytes are ``broken``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prayog_writes.engine.crc import crc32c, masked
from prayog_writes.engine.log import BLOCK, HEADER

__all__ = ["ROLES", "Part", "fates", "part_at", "parts"]

ROLES = {
    "checksum": "checksum (CRC-32C) of the type and of everything behind it",
    "length": "length of what follows the type",
    "type": "type: 1 a whole record, 2 its first piece, 3 a middle one, 4 the last",
    "sequence": "sequence number of the first write",
    "count": "how many writes are in this batch",
    "writes": "the writes: keys and values",
    "padding": "zeros: room that was not used",
    "broken": "cannot be read",
}
_HEAD = (("checksum", 4), ("length", 2), ("type", 1))
_BATCH = (("sequence", 8), ("count", 4))
_WHOLE, _FIRST = 1, 2


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes ``start`` … ``end`` have one role.  ``record``: number of the record, −1 for none."""

    start: int
    end: int
    role: str
    record: int = -1


def parts(data: bytes) -> list[Part]:
    """All of `data`, without gaps."""
    found: list[Part] = []
    at, end, record = 0, len(data), -1
    while at < end:
        left = BLOCK - at % BLOCK
        stop = min(at + left, end)
        if left < HEADER or not any(data[at : at + HEADER]):
            filled = any(data[at:stop]) and left >= HEADER
            found.append(Part(at, stop, "broken" if filled else "padding"))
            at = stop
            continue
        size = int.from_bytes(data[at + 4 : at + 6], "little")
        whole = at + HEADER + size
        right = (
            end - at >= HEADER and whole <= stop
            and masked(crc32c(data[at + 6 : whole])) == int.from_bytes(data[at : at + 4], "little")
        )  # fmt: skip
        if not right:  # the length may be what is wrong, so the rest of the block cannot be trusted
            found.append(Part(at, stop, "broken"))
            at = stop
            continue
        first = data[at + 6] in (_WHOLE, _FIRST)
        record += first
        fields = (*_HEAD, *(_BATCH if first else ()), ("writes", size))
        for role, wide in fields:
            until = min(at + wide, whole)
            if until > at:
                found.append(Part(at, until, role, record))
            at = until
    return found


def part_at(found: Sequence[Part], byte: int) -> Part | None:
    """The part that `byte` lies in."""
    place = bisect_right(found, byte, key=lambda part: part.start) - 1
    return found[place] if place >= 0 and byte < found[place].end else None


def fates(
    records: Sequence[Mapping[str, Any]], now: Mapping[str, Any], modes: Mapping[str, Mapping[str, Any]]
) -> list[list[str]]:  # fmt: skip
    """For each of `records` of the log as the crash left it: its state in the file now, and its fate in each mode.

    ``✓`` its writes come back, ``✗`` they do not, ``–`` the mode opens no database, empty: not tried.
    """
    whole = {(record["start"], record["end"], record["sequence"]) for record in now["records"]}
    found = []
    for record in records:
        if (record["start"], record["end"], record["sequence"]) in whole:
            state = "whole"
        else:
            state = "cut off" if record["end"] > now["bytes"] else "damaged"
        found.append([state, *(_fate(record, mode) for mode in modes.values())])
    return found


def _fate(record: Mapping[str, Any], mode: Mapping[str, Any]) -> str:
    if not mode:
        return ""
    if not mode["opens"]:
        return "–"
    first, last = record["sequence"], record["sequence"] + record["count"] - 1
    return "✓" if _holds(mode["taken"], first, last) else "✗"


def _holds(spans: Iterable[Sequence[int]], first: int, last: int) -> bool:
    return any(begin <= first and last <= end for begin, end in spans)
