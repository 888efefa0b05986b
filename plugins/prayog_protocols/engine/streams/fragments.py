"""Datagrams put together from their fragments (RFC 791 §3.2, RFC 8200 §4.5).

Only packets that are marked as fragments are looked at.  Of a datagram the places of its pieces are kept, not the
bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from prayog_protocols.engine.capture.columns import FRAGMENT, IPV4, Columns
from prayog_protocols.engine.capture.records import Bytes, Records

__all__ = ["Datagram", "Fragments", "Part"]

MOST_PARTS = 9000  # an IPv4 datagram has at most 8192 of 8 bytes


@dataclass(frozen=True, slots=True)
class Part:
    """One fragment: which packet, where its data begins in that packet, and where it belongs."""

    index: int
    at: int
    offset: int
    size: int


@dataclass(slots=True)
class Datagram:
    """A datagram whose fragments have been seen, all or some."""

    proto: int
    parts: list[Part] = field(default_factory=list)
    length: int = -1  # known from the last fragment
    done: int = -1  # the packet that completed it

    def complete(self) -> bool:
        """Every byte from the first to the last is there."""
        if self.length < 0:
            return False
        reached = 0
        for part in sorted(self.parts, key=lambda one: one.offset):
            if part.offset > reached:
                return False
            reached = max(reached, part.offset + part.size)
        return reached >= self.length

    def bytes_from(self, data: Bytes, records: Records) -> bytes:
        """The whole datagram; where fragments overlap the earlier one counts."""
        whole = bytearray(self.length)
        for part in reversed(self.parts):
            at = int(records.offsets[part.index]) + part.at
            piece = bytes(data[at : at + part.size])[: max(0, self.length - part.offset)]
            whole[part.offset : part.offset + len(piece)] = piece
        return bytes(whole)


class Fragments:
    """All fragmented datagrams of a capture."""

    def __init__(self, data: Bytes, records: Records, columns: Columns) -> None:
        self.of: dict[int, Datagram] = {}  # packet -> the datagram that it is a piece of
        open_: dict[tuple[bytes, int], Datagram] = {}
        self._sum: dict[int, int] = {}
        for index in np.flatnonzero(columns.marks & FRAGMENT).tolist():
            found = _fragment(data, records, columns, index)
            if found is None:
                continue
            key, proto, part, last = found
            datagram = open_.get(key)
            if datagram is None:
                datagram = open_[key] = Datagram(proto)
            if len(datagram.parts) >= MOST_PARTS:
                continue
            datagram.parts.append(part)
            self.of[index] = datagram
            if last and datagram.length < 0:
                datagram.length = part.offset + part.size
            if datagram.complete() if len(datagram.parts) < 64 or last else self._full(datagram):
                datagram.done = index
                del open_[key]

    def _full(self, datagram: Datagram) -> bool:
        """As `complete`, after a look at the sum, for datagrams of very many pieces."""
        total = self._sum.get(id(datagram))
        total = sum(part.size for part in datagram.parts) if total is None else total + datagram.parts[-1].size
        self._sum[id(datagram)] = total
        return 0 <= datagram.length <= total and datagram.complete()


def _fragment(
    data: Bytes, records: Records, columns: Columns, index: int
) -> tuple[tuple[bytes, int], int, Part, bool] | None:  # fmt: skip
    """Key of the datagram, protocol, piece and whether it is the last one; None for what is cut off."""
    start, size = int(records.offsets[index]), int(records.captured[index])
    packet = bytes(data[start : start + min(size, 2048)])
    at = int(columns.network[index])
    if columns.ethertype[index] == IPV4:
        head = (packet[at] & 15) * 4
        total = packet[at + 2] << 8 | packet[at + 3]
        word = packet[at + 6] << 8 | packet[at + 7]
        first, offset, more = at + head, (word & 0x1FFF) * 8, bool(word & 0x2000)
        length = total - head
        key = (packet[at + 12 : at + 20] + packet[at + 4 : at + 6], packet[at + 9])
        proto = packet[at + 9]
    else:
        following, place = packet[at + 6], at + 40
        while following != 44:
            if place + 8 > len(packet) or following not in (0, 43, 60):
                return None
            following, place = packet[place], place + 8 * (packet[place + 1] + 1)
        if place + 8 > len(packet):
            return None
        word = packet[place + 2] << 8 | packet[place + 3]
        first, offset, more = place + 8, word & 0xFFF8, bool(word & 1)
        length = 40 + (packet[at + 4] << 8 | packet[at + 5]) - (first - at)
        proto = packet[place]
        key = (packet[at + 8 : at + 40] + packet[place + 4 : place + 8], 0)
    if length <= 0 or first + length > size:
        return None
    return key, proto, Part(index, first, offset, length), not more
