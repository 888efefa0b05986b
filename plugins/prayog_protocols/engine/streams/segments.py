"""The TCP segments of one connection as columns: what analysis and reassembly need, read without dissecting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from prayog_protocols.engine.capture.columns import FRAGMENT, IPV4

if TYPE_CHECKING:
    from prayog_protocols.engine.capture.capture import Capture

__all__ = ["Datagram", "Segment", "datagrams_of", "segments_of"]

SYN = 2


UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment of a connection."""

    index: int  # of the packet
    time_ns: int
    outward: bool  # sent by the client
    seq: int
    ack: int
    flags: int
    window: int
    at: int  # where its data begins in the packet
    size: int  # bytes of data, as the headers say
    kept: int  # of them in the capture
    scale: int | None  # window scale option of a SYN; `UNKNOWN` where the capture cut it off
    sacks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Datagram:
    """One datagram: its packet, who sent it, and where its payload is."""

    index: int
    outward: bool  # sent by whoever sent the first one
    at: int
    size: int


def segments_of(capture: Capture, number: int) -> list[Segment]:
    """The segments of TCP connection `number`, in the order of the capture."""
    flow = capture.flows.flow(6, number)
    columns, records, data = capture.columns, capture.records, capture.data
    indexes = flow.indexes[(columns.marks[flow.indexes] & FRAGMENT) == 0]
    captured = records.captured[indexes].astype(np.int64)
    transport = columns.transport[indexes].astype(np.int64)
    whole = transport + 20 <= captured
    indexes, captured, transport = indexes[whole], captured[whole], transport[whole]
    start = records.offsets[indexes]
    at = start + transport
    u32 = np.ndarray((len(data) - 3,), np.dtype(">u4"), data, strides=(1,))
    u16 = np.ndarray((len(data) - 1,), np.dtype(">u2"), data, strides=(1,))
    network = columns.network[indexes].astype(np.int64)
    four = columns.ethertype[indexes] == IPV4
    said = np.where(four, u16[start + network + 2], u16[start + network + 4].astype(np.int64) + 40)
    lengths = records.lengths[indexes].astype(np.int64)
    # A length of 0 is written by cards that cut the packet themselves: the whole packet is meant.
    said = np.where(said == np.where(four, 0, 40), lengths - network, said)
    end = np.minimum(network + said, lengths)
    offset = (u16[at + 12] >> 12).astype(np.int64) * 4
    good = (offset >= 20) & (transport + offset <= end)
    size = np.where(good, end - transport - offset, 0)
    kept = np.clip(np.minimum(captured, end) - transport - offset, 0, size)
    flags = columns.flags[indexes]
    source = np.where(columns.src[indexes] == _number(capture, flow.client[0], int(flow.indexes[0])), 1, 0)
    outward = (source == 1) & (columns.sport[indexes] == flow.client[1])
    if flow.client[0] == flow.server[0]:
        outward = columns.sport[indexes] == flow.client[1]
    with_options = (offset > 20) & good & ~((offset == 32) & (u32[np.minimum(at + 20, len(data) - 4)] == 0x0101080A))
    scales: dict[int, int] = {}
    sacks: dict[int, tuple[tuple[int, int], ...]] = {}
    for one in np.flatnonzero(with_options | ((flags & SYN) != 0)).tolist():
        first = int(at[one])
        last = min(first + int(offset[one]), int(start[one] + captured[one]))
        scale, edges = _options(bytes(data[first + 20 : last]))
        if scale is not None:
            scales[one] = scale
        elif last < first + int(offset[one]):
            scales[one] = UNKNOWN
        if edges:
            sacks[one] = edges
    numbers = (indexes, records.times[indexes], outward, u32[at + 4], u32[at + 8], flags, u16[at + 14],
               transport + offset, size, kept)  # fmt: skip
    rows: Iterator[tuple[Any, ...]] = zip(*(column.tolist() for column in numbers), strict=True)
    return [Segment(*(*row, scales.get(place), sacks.get(place, ()))) for place, row in enumerate(rows)]


def datagrams_of(capture: Capture, number: int) -> list[Datagram]:
    """The datagrams of UDP conversation `number` that stand whole in one packet."""
    flow = capture.flows.flow(17, number)
    columns, records = capture.columns, capture.records
    indexes = flow.indexes[(columns.marks[flow.indexes] & FRAGMENT) == 0]
    at = columns.transport[indexes].astype(np.int64) + 8
    size = np.maximum(records.captured[indexes].astype(np.int64) - at, 0)
    outward = (columns.sport[indexes] == flow.client[1]) & (
        columns.src[indexes] == _number(capture, flow.client[0], int(flow.indexes[0]))
    )
    return [Datagram(*row) for row in zip(indexes.tolist(), outward.tolist(), at.tolist(), size.tolist(), strict=True)]


def _number(capture: Capture, address: bytes, index: int) -> int:
    """An address as its column has it."""
    if len(address) == 4:
        return int.from_bytes(address, "big")
    columns = capture.columns
    source, target = int(columns.src[index]), int(columns.dst[index])
    return source if columns.addresses6[source].tobytes() == address else target


def _options(options: bytes) -> tuple[int | None, tuple[tuple[int, int], ...]]:
    """Window scale and SACK edges."""
    scale: int | None = None
    edges: list[tuple[int, int]] = []
    at = 0
    while at < len(options):
        kind = options[at]
        if kind == 0:
            break
        if kind == 1:
            at += 1
            continue
        size = options[at + 1] if at + 1 < len(options) else 0
        if size < 2 or at + size > len(options):
            break
        if kind == 3 and size == 3:
            scale = options[at + 2]
        elif kind == 5:
            for place in range(at + 2, at + size - 7, 8):
                edges.append((
                    int.from_bytes(options[place : place + 4], "big"),
                    int.from_bytes(options[place + 4 : place + 8], "big"),
                ))  # fmt: skip
        at += size
    return scale, tuple(edges)
