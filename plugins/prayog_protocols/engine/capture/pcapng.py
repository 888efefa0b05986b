"""The newer capture file: blocks, each with its type and length before and its length again behind.

Unknown blocks are skipped, which is what they are made for.  A new section may turn the byte order round and starts
counting interfaces again; here they are numbered through. Source: draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from struct import Struct

import numpy as np

from prayog_protocols.engine.capture.pcap import TICK
from prayog_protocols.engine.capture.records import Bytes, CaptureError, Interface, Problem, Records, Secrets

__all__ = ["MAGIC", "read"]

MAGIC = b"\x0a\x0d\x0d\x0a"
SECTION, INTERFACE, OLD_PACKET, SIMPLE, ENHANCED, DECRYPTION = 0x0A0D0D0A, 1, 2, 3, 6, 10
_ORDERS = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}
_END, _COMMENT = 0, 1
_LARGEST_BLOCK = 1 << 28
_PACKETS = {ENHANCED: 32, OLD_PACKET: 32, SIMPLE: 16}  # kind -> the least bytes of such a block


def _options(data: Bytes, at: int, end: int, order: str) -> Iterator[tuple[int, bytes]]:
    """The options of a block; a broken one ends the list."""
    head = Struct(order + "HH")
    while at + 4 <= end:
        code, size = head.unpack_from(data, at)
        at += 4
        if code == _END or at + size > end:
            return
        yield code, bytes(data[at : at + size])
        at += size + (-size & 3)


class _Reader:
    """One file at work.

    Packets are only counted while the file is walked through: their blocks are read all at once at the end of a
    *stretch*, which is as long as kind of block and section stay the same.
    """

    def __init__(self, data: Bytes) -> None:
        self.data = data
        self.order = "<"
        self.interfaces: list[Interface] = []
        self.first = 0  # the section's first interface
        self.stretch, self.kind = array("q"), ENHANCED
        self.parts: list[tuple[np.ndarray, ...]] = []  # columns of each stretch
        self.count = 0  # packets in `parts`
        self.comments: dict[int, list[str]] = {}
        self.comment = ""
        self.secrets: list[Secrets] = []
        self.problems: list[Problem] = []
        self.units: list[tuple[int, int, int]] = []  # of each interface: ns = ticks × a // b + c

    def wrong(self, offset: int, sentence: str) -> None:
        if len(self.problems) < 100:
            self.problems.append(Problem(offset, sentence))

    def read(self, progress: Callable[[int], bool] | None) -> Records:
        data, size, at, count = self.data, len(self.data), 0, 0
        head, add, order = Struct("<II").unpack_from, self.stretch.append, "<"
        while at + 12 <= size:
            kind, length = head(data, at)
            if kind == SECTION:
                found = _ORDERS.get(bytes(data[at + 8 : at + 12]))
                if found is None:
                    self.wrong(at + 8, "a section begins here, and its byte-order mark is "
                                       f"{bytes(data[at + 8 : at + 12]).hex(' ')}, which is none")  # fmt: skip
                    break
                self.flush()
                self.order = order = found
                head = Struct(order + "II").unpack_from
                kind, length = head(data, at)
            if length < 12 or length > _LARGEST_BLOCK:
                self.wrong(at + 4, f"a block of {length} bytes: between 12 and {_LARGEST_BLOCK} are possible, so the "
                                   "file is damaged from here on")  # fmt: skip
                break
            if at + length > size:
                self.wrong(
                    at, f"the last block needs {length} bytes and the file ends after {size - at}: it was cut off"
                )
                if kind == ENHANCED and at + 32 <= size:
                    add(at)
                break
            if kind == self.kind and length >= _PACKETS[kind]:
                add(at)
                count += 1
                if not count % TICK and progress is not None and not progress(at):
                    break
            elif kind in _PACKETS and length >= _PACKETS[kind]:
                self.flush()
                self.kind = kind
                add(at)
            else:
                self.block(kind, at, length)
            at += length + (-length & 3)
        else:
            if at < size:
                self.wrong(at, f"{size - at} bytes after the last block: a block takes at least 12")
        self.flush()
        return self.done()

    def flush(self) -> None:
        """Read the packets of the stretch that ends."""
        if not self.stretch:
            return
        data, at = self.data, np.array(self.stretch, np.int64)
        del self.stretch[:]
        words = np.ndarray((len(data) - 3,), np.dtype(f"{self.order}u4"), data, strides=(1,))
        length = words[at + 4].astype(np.int64)
        zero = np.zeros(len(at), np.int64)
        if self.kind == SIMPLE:
            number, ticks, whole, head = zero, zero, words[at + 8].astype(np.int64), 12
            snap = self.interfaces[self.first].snap if self.first < len(self.interfaces) else 0
            kept = np.minimum(whole, snap) if snap else whole
        else:
            number = words[at + 8].astype(np.int64)
            if self.kind == OLD_PACKET:  # 16 bits of interface, 16 of drops
                number = number >> 16 if self.order == ">" else number & 0xFFFF
            ticks = (words[at + 12].astype(np.uint64) << np.uint64(32) | words[at + 16]).view(np.int64)
            kept, whole, head = words[at + 20].astype(np.int64), words[at + 24].astype(np.int64), 28
        room = np.minimum(length - head - 4, len(data) - at - head)
        for bad in np.flatnonzero(kept > room)[:100].tolist():
            if at[bad] + length[bad] <= len(data):
                self.wrong(int(at[bad]) + 20, f"a packet of {kept[bad]} bytes in a block with room for {room[bad]}")
        number += self.first
        known = number < len(self.interfaces)
        if not known.all():
            where = int(at[~known][0])
            self.wrong(where + 8, f"{int((~known).sum())} packets are of interfaces that the section does not "
                                  "describe; they are left out")  # fmt: skip
        kept = np.clip(kept, 0, np.maximum(room, 0))
        columns = [column[known] for column in (at + head, kept, whole, ticks, number, at + length - 4)]
        place, kept, whole, ticks, number, end = columns
        with_options = np.flatnonzero(place + (kept + 3 & ~3) + 4 <= end)
        for index in with_options.tolist() if self.kind != SIMPLE else ():
            first = int(place[index] + (kept[index] + 3 & ~3))
            for code, value in _options(self.data, first, min(int(end[index]), len(data)), self.order):
                if code == _COMMENT:
                    self.comments.setdefault(self.count + int(index), []).append(value.decode("utf-8", "replace"))
        times = np.zeros(len(ticks), np.int64)
        for interface in np.unique(number).tolist():
            mine = number == interface
            times[mine] = self.moments(ticks[mine], interface) if self.kind != SIMPLE else 0
        self.parts.append((place, kept.astype(np.uint32), whole.astype(np.uint32), times, number.astype(np.uint16)))
        self.count += len(place)

    def moments(self, ticks: np.ndarray, interface: int) -> np.ndarray:
        """Nanoseconds since 1970; times that no 64 bits hold are held at the last one."""
        times, over, zero = self.units[interface]
        most, least = (1 << 63) - 1, -(1 << 63)
        highest, lowest = int(ticks.max()), int(ticks.min())
        if over == 1 and lowest >= 0 and highest * times + abs(zero) <= most:
            return ticks * times + zero
        return np.array(
            [max(least, min((tick % 2**64) * times // over + zero, most)) for tick in ticks.tolist()], np.int64
        )

    def block(self, kind: int, at: int, length: int) -> None:
        """Every block but the usual packet."""
        data, order, end = self.data, self.order, at + length - 4
        if kind == SECTION:
            self.first = len(self.interfaces)
            if length >= 28:
                for code, value in _options(data, at + 24, end, order):
                    if code == _COMMENT:
                        self.comment = "\n".join(filter(None, (self.comment, value.decode("utf-8", "replace"))))
        elif kind == INTERFACE and length >= 20:
            self.describe(at, end)
        elif kind == DECRYPTION and length >= 20:
            secret, size = Struct(order + "II").unpack_from(data, at + 8)
            if 16 + size <= end - at:
                self.secrets.append(Secrets(secret, bytes(data[at + 16 : at + 16 + size])))
            else:
                self.wrong(at + 12, f"keys of {size} bytes in a block of {length}")

    def describe(self, at: int, end: int) -> None:
        """An interface description."""
        link, _, snap = Struct(self.order + "HHI").unpack_from(self.data, at + 8)
        if len(self.interfaces) >= 65536:
            self.wrong(at, "more than 65536 interfaces: the rest is left out")
            return
        words: dict[str, str] = {}
        power, zero = 6, 0
        times, over = 1000, 1
        for code, value in _options(self.data, at + 16, end, self.order):
            match code:
                case 1 | 2 | 3:
                    words[("comment", "name", "description")[code - 1]] = value.decode("utf-8", "replace")
                case 9 if value:
                    power = value[0] & 127
                    if value[0] & 128:
                        times, over = 10**9, 1 << power
                    else:
                        times, over = (10 ** (9 - power), 1) if power <= 9 else (1, 10 ** (power - 9))
                case 14 if len(value) == 8:
                    zero = int.from_bytes(value, "big" if self.order == ">" else "little", signed=True) * 10**9
                case _:
                    pass
        self.interfaces.append(Interface(link, snap=snap, unit_ns=times / over, zero_s=zero // 10**9, **words))
        self.units.append((times, over, zero))

    def done(self) -> Records:
        kinds = (np.int64, np.uint32, np.uint32, np.int64, np.uint16)
        if self.parts:
            columns = [np.concatenate(one) if len(one) > 1 else one[0] for one in zip(*self.parts, strict=True)]
        else:
            columns = [np.zeros(0, kind) for kind in kinds]
        place, kept, whole, times, interface = columns
        return Records(
            "pcapng", place, kept, whole, times, self.interfaces, interface if len(self.interfaces) > 1 else None,
            self.comments, self.comment, self.secrets, self.problems,
        )  # fmt: skip


def read(data: Bytes, progress: Callable[[int], bool] | None = None) -> Records:
    """The records of a pcapng file; `progress` as with pcap."""
    if data[:4] != MAGIC:
        raise CaptureError(f"no pcapng file: it begins with {bytes(data[:4]).hex(' ') or 'nothing'}")
    return _Reader(data).read(progress)
