"""Who talked with whom, and how much: conversations and endpoints, counted on the columns."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from prayog_protocols.engine.capture.columns import IPV4, IPV6
from prayog_protocols.engine.streams.flows import NONE

if TYPE_CHECKING:
    from prayog_protocols.engine.capture.capture import Capture

__all__ = ["KINDS", "Conversation", "Endpoint", "conversations", "endpoints"]

KINDS = {"tcp": 6, "udp": 17, "ip": 0}
Numbers = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Conversation:
    """All packets between two ends.  A is who sent the first of them."""

    kind: str  # "tcp", "udp" or "ip"
    number: int  # the stream, as tcp.stream and udp.stream count; of "ip" the place in the list
    a: str  # address
    a_port: int  # 0 for "ip"
    b: str
    b_port: int
    a_packets: int  # that A sent
    a_bytes: int  # on the wire, all layers
    b_packets: int
    b_bytes: int
    first: int  # index of its first packet
    start_ns: int  # since the first packet of the capture
    duration_ns: int


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One end, and what it sent and received."""

    kind: str
    address: str
    port: int  # 0 for "ip"
    sent_packets: int
    sent_bytes: int
    received_packets: int
    received_bytes: int


def conversations(capture: Capture, kind: str = "tcp") -> list[Conversation]:
    """The conversations of a kind, in the order in which they began."""
    members, group = _members(capture, kind)
    if not len(members):
        return []
    columns, records = capture.columns, capture.records
    count = int(group.max()) + 1
    first = np.full(count, len(columns.src), np.int64)
    np.minimum.at(first, group, members)
    opener = first[group]
    outward = (columns.src[members] == columns.src[opener]) & (columns.sport[members] == columns.sport[opener])
    if kind == "ip":
        outward = columns.src[members] == columns.src[opener]
    lengths = records.lengths[members].astype(np.float64)
    packets = [np.bincount(group[side], minlength=count) for side in (outward, ~outward)]
    sums = [np.bincount(group[side], lengths[side], count).astype(np.int64) for side in (outward, ~outward)]
    starts, ends = np.full(count, np.iinfo(np.int64).max), np.full(count, np.iinfo(np.int64).min)
    np.minimum.at(starts, group, records.times[members])
    np.maximum.at(ends, group, records.times[members])
    zero = int(records.times[0])
    found = []
    for number in np.flatnonzero(first < len(columns.src)).tolist():
        index = int(first[number])
        (a, a_port), (b, b_port) = capture.flows.ends(index)
        ports = (0, 0) if kind == "ip" else (a_port, b_port)
        found.append(
            Conversation(
                kind, number, str(ip_address(a)), ports[0], str(ip_address(b)), ports[1],
                int(packets[0][number]), int(sums[0][number]), int(packets[1][number]), int(sums[1][number]),
                index, int(starts[number]) - zero, int(ends[number] - starts[number]),
            )
        )  # fmt: skip
    return found


def _members(capture: Capture, kind: str) -> tuple[Numbers, Numbers]:
    """The packets of a kind, and of each the number of its conversation."""
    columns = capture.columns
    if kind != "ip":
        stream = capture.flows.stream
        members = np.flatnonzero((columns.proto == KINDS[kind]) & (stream != NONE))
        return members, stream[members].astype(np.int64)
    members = np.flatnonzero(_is_ip(capture))
    six = (columns.ethertype[members] == IPV6).astype(np.uint64) << np.uint64(63)
    low = np.minimum(columns.src[members], columns.dst[members]).astype(np.uint64)
    high = np.maximum(columns.src[members], columns.dst[members]).astype(np.uint64)
    pair = np.stack([six | low, high])
    _, first, group = np.unique(pair, axis=1, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    return members, rank[group.reshape(-1)]


def _is_ip(capture: Capture) -> npt.NDArray[np.bool_]:
    columns = capture.columns
    return np.asarray(np.isin(columns.ethertype, (IPV4, IPV6)) & (columns.transport != 0), bool)


def endpoints(capture: Capture, kind: str = "ip") -> list[Endpoint]:
    """The ends of all conversations of a kind, the busiest first."""
    sums: dict[tuple[str, int], list[int]] = {}
    for one in conversations(capture, kind):
        a = sums.setdefault((one.a, one.a_port), [0, 0, 0, 0])
        b = sums.setdefault((one.b, one.b_port), [0, 0, 0, 0])
        for place, value in enumerate((one.a_packets, one.a_bytes, one.b_packets, one.b_bytes)):
            a[place] += value
            b[(place + 2) % 4] += value
    found = [Endpoint(kind, address, port, *numbers) for (address, port), numbers in sums.items()]
    return sorted(found, key=lambda one: -(one.sent_bytes + one.received_bytes))
