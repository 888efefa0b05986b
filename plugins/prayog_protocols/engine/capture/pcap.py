"""The classic capture file: a header of 24 bytes, then records of 16 bytes and a packet.

Four magic numbers say in which order bytes stand and whether the second half of a time is in µs or ns. Source:
draft-ietf-opsawg-pcap.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from struct import Struct

import numpy as np

from prayog_protocols.engine.capture.records import LARGEST, Bytes, CaptureError, Interface, Problem, Records

__all__ = ["MAGICS", "read"]

# magic as it stands in the file -> (byte order, nanoseconds of one tick, extra bytes of a record)
MAGICS = {
    b"\xa1\xb2\xc3\xd4": (">", 1000, 0), b"\xd4\xc3\xb2\xa1": ("<", 1000, 0),
    b"\xa1\xb2\x3c\x4d": (">", 1, 0), b"\x4d\x3c\xb2\xa1": ("<", 1, 0),
    b"\xa1\xb2\xcd\x34": (">", 1000, 8), b"\x34\xcd\xb2\xa1": ("<", 1000, 8),  # Kuznetzov's: with interface and more
}  # fmt: skip
TICK = 1 << 16  # records between two reports of progress


def read(data: Bytes, progress: Callable[[int], bool] | None = None) -> Records:
    """The records of a pcap file.

    `progress` is told the byte reached now and then; when it answers False, reading stops there.
    """
    magic = bytes(data[:4])
    if magic not in MAGICS:
        raise CaptureError(f"no pcap file: it begins with {magic.hex(' ') or 'nothing'}")
    if len(data) < 24:
        raise CaptureError(f"the header of a pcap file takes 24 bytes, and the file has {len(data)}")
    order, tick, extra = MAGICS[magic]
    major, minor, _, _, snap, link = Struct(order + "HHiIII").unpack_from(data, 4)
    problems: list[Problem] = []
    if (major, minor) != (2, 4):
        problems.append(Problem(4, f"version {major}.{minor} of the format; this program knows 2.4 and tries"))
    offsets = array("q")
    at, size, head = 24, len(data), 16 + extra
    length_at, add = Struct(order + "I").unpack_from, offsets.append
    count = 0
    while at + head <= size:
        (kept,) = length_at(data, at + 8)
        if kept > LARGEST:
            problems.append(Problem(at + 8, f"a packet of {kept} bytes is announced; no network carries that, so the "
                                            "file is damaged from here on"))  # fmt: skip
            break
        if at + head + kept > size:
            problems.append(Problem(at, f"the last packet needs {kept} bytes and the file ends after "
                                        f"{size - at - head}: it was cut off"))  # fmt: skip
            if size > at + head:
                add(at)
            at = size
            break
        add(at)
        at += head + kept
        count += 1
        if not count % TICK and progress is not None and not progress(at):
            break
    else:
        if at < size:
            problems.append(Problem(at, f"{size - at} bytes after the last packet: a record's header takes {head}"))
    return _columns(data, np.frombuffer(offsets, np.int64), order, tick, head, Interface(
        link & 0x0FFFFFFF, snap=snap, unit_ns=float(tick)), problems)  # fmt: skip


def _columns(
    data: Bytes, places: np.ndarray, order: str, tick: int, head: int, interface: Interface, problems: list[Problem]
) -> Records:  # fmt: skip
    """The headers of the records, read all at once: `places` says where they are."""
    if not len(places):
        none32, none64 = np.zeros(0, np.uint32), np.zeros(0, np.int64)
        return Records("pcap", none64, none32, none32, none64, [interface], problems=problems)
    # A view of all overlapping 4-byte numbers of the file: element n begins at byte n.
    words = np.ndarray((len(data) - 3,), np.dtype(f"{order}u4"), data, strides=(1,))
    seconds = words[places].astype(np.int64)
    parts = words[places + 4].astype(np.int64)
    kept = words[places + 8].astype(np.uint32)
    lengths = words[places + 12].astype(np.uint32)
    places = places + head
    np.minimum(kept, len(data) - places, out=kept, casting="unsafe")
    return Records("pcap", places, kept, lengths, seconds * 10**9 + parts * tick, [interface], problems=problems)
