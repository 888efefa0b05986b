"""The headers of all packets at once, as numpy columns: what a list, a filter and a conversation need at first.

One gather over the mapped file reads a header field of every packet.  Per packet there are 47 bytes of columns here
and in `Records`; that is all the memory that a capture takes, besides the file itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prayog_protocols.engine.capture.records import Bytes, Records
from prayog_protocols.engine.protocols.ipv4 import source_routed_to

__all__ = ["COMPLEX", "FRAGMENT", "IPV4", "IPV6", "ROUTED", "Columns", "read"]

IPV4, IPV6 = 0x0800, 0x86DD
FRAGMENT = 1  # a piece of a packet: ports are known only for the piece that completes it
ROUTED = 4  # has an IPv6 routing header that is not used up: it goes on to another address than `dst`
COMPLEX = 2  # carries another packet inside (a tunnel, an ICMP error): the columns tell only the outer one
_PORTS = (6, 17, 33, 132, 136)  # transport protocols that begin with two ports
_EXTENSIONS = (0, 43, 60, 44, 51, 135, 139, 140)
_BLOCK = 1 << 16  # packets at a time: what is gathered stays in the cache


@dataclass(slots=True)
class Columns:
    """One element a packet.  0 where a packet has no such header."""

    ethertype: npt.NDArray[np.uint16]
    proto: npt.NDArray[np.uint8]  # of the last IP header; 0 when `ethertype` is no IP
    src: npt.NDArray[np.uint32]  # IPv4: the address; IPv6: its place in `addresses6`
    dst: npt.NDArray[np.uint32]
    sport: npt.NDArray[np.uint16]
    dport: npt.NDArray[np.uint16]
    flags: npt.NDArray[np.uint16]  # of TCP
    network: npt.NDArray[np.uint16]  # where the IP header begins in the packet
    transport: npt.NDArray[np.uint16]  # where the transport header begins
    marks: npt.NDArray[np.uint8]  # FRAGMENT, COMPLEX, ROUTED
    addresses6: npt.NDArray[np.uint8]  # IPv6 addresses that occur, 16 bytes a row


def read(data: Bytes, records: Records) -> Columns:
    """The columns of all records."""
    count = len(records)
    columns = Columns(
        ethertype=np.zeros(count, np.uint16), proto=np.zeros(count, np.uint8),
        src=np.zeros(count, np.uint32), dst=np.zeros(count, np.uint32),
        sport=np.zeros(count, np.uint16), dport=np.zeros(count, np.uint16), flags=np.zeros(count, np.uint16),
        network=np.zeros(count, np.uint16), transport=np.zeros(count, np.uint16), marks=np.zeros(count, np.uint8),
        addresses6=np.zeros((0, 16), np.uint8),
    )  # fmt: skip
    if not count:
        return columns
    view = _View(data)
    links = np.array([interface.link for interface in records.interfaces] or [1], np.uint32)
    for first in range(0, count, _BLOCK):
        _block(view, records, columns, links, slice(first, min(count, first + _BLOCK)))
    _addresses(view, records, columns)
    return columns


class _View:
    """The file as overlapping big-endian numbers: element n begins at byte n."""

    def __init__(self, data: Bytes) -> None:
        self.bytes = np.frombuffer(data, np.uint8)
        size = len(self.bytes)
        self.u16 = np.ndarray((max(0, size - 1),), np.dtype(">u2"), data, strides=(1,))
        self.u32 = np.ndarray((max(0, size - 3),), np.dtype(">u4"), data, strides=(1,))


def _block(view: _View, records: Records, columns: Columns, links: npt.NDArray[np.uint32], part: slice) -> None:
    at = records.offsets[part]
    size = records.captured[part].astype(np.int64)
    link = np.full(len(at), links[0]) if records.interface is None else links[records.interface[part]]
    ethertype = np.zeros(len(at), np.uint16)
    network = np.full(len(at), 0, np.int64)
    for kind in np.unique(link).tolist():
        mine = np.flatnonzero(link == kind)
        _link(view, kind, mine, at, size, ethertype, network)
    columns.ethertype[part] = ethertype
    columns.network[part] = np.minimum(network, 65535)
    proto, transport = np.zeros(len(at), np.uint8), np.zeros(len(at), np.int64)
    marks, whole = np.zeros(len(at), np.uint8), np.zeros(len(at), bool)
    _ipv4(view, columns, part, at, size, proto, transport, marks, whole)
    _ipv6(view, at, size, network, ethertype, proto, transport, marks, whole)
    columns.proto[part] = proto
    columns.transport[part] = np.minimum(transport, 65535)
    ported = np.flatnonzero(whole & np.isin(proto, _PORTS) & (transport + 4 <= size))
    place = at[ported] + transport[ported]
    sport, dport = np.zeros(len(at), np.uint16), np.zeros(len(at), np.uint16)
    both = view.u32[place]
    sport[ported], dport[ported] = both >> 16, both & 0xFFFF
    columns.sport[part], columns.dport[part] = sport, dport
    tcp = np.flatnonzero(whole & (proto == 6) & (transport + 14 <= size))
    flags = np.zeros(len(at), np.uint16)
    flags[tcp] = view.u16[at[tcp] + transport[tcp] + 12] & 0xFFF
    columns.flags[part] = flags
    icmp = np.flatnonzero(whole & ((proto == 1) | (proto == 58)) & (transport < size))
    kind = view.bytes[at[icmp] + transport[icmp]]
    marks[icmp[np.isin(kind, (3, 4, 5, 11, 12, 1, 2, 137))]] |= COMPLEX
    marks[whole & np.isin(proto, (4, 41, 47))] |= COMPLEX
    marks[_odd(view, at, size, network, ethertype, proto, transport, whole)] |= COMPLEX
    columns.marks[part] = marks


def _odd(view: _View, at, size, network, ethertype, proto, transport, whole) -> npt.NDArray[np.bool_]:  # type: ignore[no-untyped-def]
    """Packets whose headers are cut off or contradict each other, or that are of the old kind with a length."""
    odd: npt.NDArray[np.bool_] = (ethertype < 0x0600) | (np.isin(ethertype, (IPV4, IPV6)) & (transport == 0))
    ip = np.flatnonzero(whole & np.isin(proto, _PORTS))
    place = at[ip] + network[ip]
    four = ethertype[ip] == IPV4
    total = np.where(four, view.u16[place + 2], view.u16[place + 4].astype(np.int64) + 40)
    end = np.where(total == np.where(four, 0, 40), size[ip], np.minimum(size[ip], network[ip] + total))
    least = np.select([proto[ip] == 6, proto[ip] == 17], [20, 8], 12)
    cut = transport[ip] + least > end
    odd[ip[cut]] = True
    ip = ip[~cut]
    tcp, udp = ip[proto[ip] == 6], ip[proto[ip] == 17]
    odd[tcp[view.bytes[at[tcp] + transport[tcp] + 12] >> 4 < 5]] = True
    odd[udp[view.u16[at[udp] + transport[udp] + 4] < 8]] = True
    return odd


def _link(view: _View, kind: int, mine, at, size, ethertype, network) -> None:  # type: ignore[no-untyped-def]
    """Where the network header begins, and its type, by link type."""
    match kind:
        case 1:
            mine = mine[size[mine] >= 14]
            types, place = view.u16[at[mine] + 12].astype(np.uint16), np.full(len(mine), 14, np.int64)
        case 113:
            mine = mine[size[mine] >= 16]
            types, place = view.u16[at[mine] + 14].astype(np.uint16), np.full(len(mine), 16, np.int64)
        case 276:
            mine = mine[size[mine] >= 20]
            types, place = view.u16[at[mine]].astype(np.uint16), np.full(len(mine), 20, np.int64)
        case 0 | 108:
            mine = mine[size[mine] >= 4]
            family = view.u32[at[mine]]
            family = np.where(family > 0xFFFF, family >> 24, family)
            types = np.where(family == 2, IPV4, np.where(np.isin(family, (10, 24, 28, 30)), IPV6, 0)).astype(np.uint16)
            place = np.full(len(mine), 4, np.int64)
        case 12 | 14 | 101 | 228 | 229:
            mine = mine[size[mine] >= 1]
            version = view.bytes[at[mine]] >> 4
            types = np.where(version == 4, IPV4, np.where(version == 6, IPV6, 0)).astype(np.uint16)
            place = np.zeros(len(mine), np.int64)
        case _:
            return
    for _ in range(4):
        tagged = np.flatnonzero(np.isin(types, (0x8100, 0x88A8, 0x9100)) & (place + 4 <= size[mine]))
        if not len(tagged):
            break
        types[tagged] = view.u16[at[mine[tagged]] + place[tagged] + 2]
        place[tagged] += 4
    ethertype[mine], network[mine] = types, place


def _ipv4(view: _View, columns: Columns, part: slice, at, size, proto, transport, marks, whole) -> None:  # type: ignore[no-untyped-def]
    network = columns.network[part].astype(np.int64)
    ip = np.flatnonzero((columns.ethertype[part] == IPV4) & (network + 20 <= size))
    place = at[ip] + network[ip]
    first = view.bytes[place]
    good = (first >> 4 == 4) & (first & 15 >= 5)
    ip, place, first = ip[good], place[good], first[good]
    proto[ip] = view.bytes[place + 9]
    fragment = view.u16[place + 6] & 0x3FFF
    src, dst = np.zeros(len(at), np.uint32), np.zeros(len(at), np.uint32)
    src[ip], dst[ip] = view.u32[place + 12], view.u32[place + 16]
    for one, begin in zip(ip[first & 15 > 5].tolist(), place[first & 15 > 5].tolist(), strict=True):
        options = bytes(view.bytes[begin + 20 : begin + (int(view.bytes[begin]) & 15) * 4])
        if goal := source_routed_to(options):
            dst[one] = int.from_bytes(goal, "big")
    columns.src[part], columns.dst[part] = src, dst
    transport[ip] = network[ip] + (first & 15).astype(np.int64) * 4
    marks[ip[fragment != 0]] |= FRAGMENT
    # A first fragment of which the capture kept a part is never put together: it tells its ports by itself.
    cut = network[ip] + view.u16[place + 2].astype(np.int64) > size[ip]
    whole[ip] = (fragment == 0) | (((fragment & 0x1FFF) == 0) & cut)


def _ipv6(view: _View, at, size, network, ethertype, proto, transport, marks, whole) -> None:  # type: ignore[no-untyped-def]
    ip = np.flatnonzero((ethertype == IPV6) & (network + 40 <= size))
    if not len(ip):
        return
    ip = ip[view.bytes[at[ip] + network[ip]] >> 4 == 6]
    following = view.bytes[at[ip] + network[ip] + 6].copy()
    place = network[ip] + 40
    entire = np.ones(len(ip), bool)
    for _ in range(12):
        more = np.flatnonzero(np.isin(following, _EXTENSIONS) & (place + 8 <= size[ip]) & entire)
        if not len(more):
            break
        here = at[ip[more]] + place[more]
        kind = following[more]
        length = np.where(kind == 51, (view.bytes[here + 1].astype(np.int64) + 2) * 4,
                          (view.bytes[here + 1].astype(np.int64) + 1) * 8)  # fmt: skip
        fragment = kind == 44
        length[fragment] = 8
        cut = fragment & ((view.u16[here + 2] & 0xFFF9) != 0)
        marks[ip[more[cut]]] |= FRAGMENT
        entire[more[cut]] = False
        marks[ip[more[(kind == 43) & (view.bytes[here + 3] != 0)]]] |= ROUTED
        following[more] = view.bytes[here]
        place[more] += length
    proto[ip], transport[ip] = following, place
    whole[ip] = entire & ~np.isin(following, _EXTENSIONS)


def _addresses(view: _View, records: Records, columns: Columns) -> None:
    """Number the IPv6 addresses that occur."""
    ip = np.flatnonzero((columns.ethertype == IPV6) & (columns.network.astype(np.int64) + 40 <= records.captured))
    if not len(ip):
        return
    place = records.offsets[ip] + columns.network[ip]
    both = np.concatenate([place + 8, place + 24])
    words = [view.u32[both + shift].astype(np.uint64) for shift in (0, 4, 8, 12)]
    high, low = words[0] << np.uint64(32) | words[1], words[2] << np.uint64(32) | words[3]
    order = np.lexsort((low, high))
    new = np.ones(len(order), bool)
    new[1:] = (high[order][1:] != high[order][:-1]) | (low[order][1:] != low[order][:-1])
    number = np.empty(len(order), np.uint32)
    number[order] = np.cumsum(new) - 1
    firsts = both[order[new]]
    columns.addresses6 = view.bytes[firsts[:, None] + np.arange(16)]
    columns.src[ip], columns.dst[ip] = number[: len(ip)], number[len(ip) :]
