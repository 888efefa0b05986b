"""Where the records of a capture file are: what `pcap` and `pcapng` find out without looking inside a packet."""

from __future__ import annotations

from dataclasses import dataclass, field
from mmap import mmap

import numpy as np
import numpy.typing as npt

__all__ = ["LARGEST", "Bytes", "CaptureError", "Interface", "Problem", "Records", "Secrets"]

Bytes = bytes | mmap
LARGEST = 1 << 24  # bytes of one packet that are believed


class CaptureError(ValueError):
    """The bytes are no capture file; the sentence says what was found instead."""


@dataclass(frozen=True, slots=True)
class Interface:
    """A place where packets were captured."""

    link: int  # link type, of the registry at tcpdump.org
    name: str = ""
    description: str = ""
    comment: str = ""
    snap: int = 0  # bytes kept of each packet; 0: all
    unit_ns: float = 1000.0  # nanoseconds of one tick
    zero_s: int = 0  # seconds to add to every time


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with the file, and at which byte."""

    offset: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Secrets:
    """Keys that the file brings along: a TLS key log, as NSS writes it (type 0x544C534B)."""

    kind: int
    data: bytes


@dataclass(slots=True)
class Records:
    """The records, as columns: one element a packet."""

    format: str  # "pcap" or "pcapng"
    offsets: npt.NDArray[np.int64]  # of the packet's first byte in the file
    captured: npt.NDArray[np.uint32]  # bytes in the file
    lengths: npt.NDArray[np.uint32]  # bytes on the wire
    times: npt.NDArray[np.int64]  # nanoseconds since 1970
    interfaces: list[Interface]
    interface: npt.NDArray[np.uint16] | None = None  # None: all are of the first
    comments: dict[int, list[str]] = field(default_factory=dict)  # of packets, by index from 0
    comment: str = ""  # of the file
    secrets: list[Secrets] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.offsets)
