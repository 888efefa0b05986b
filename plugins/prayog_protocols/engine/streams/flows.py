"""Who talks with whom: every TCP connection and UDP conversation of a capture, numbered as Wireshark numbers them.

A conversation is all packets between two pairs of address and port.  A SYN with another first number begins a new TCP
connection between the same ports.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prayog_protocols.engine.capture.columns import COMPLEX, IPV6, ROUTED, Columns
from prayog_protocols.engine.capture.records import Bytes, Records
from prayog_protocols.engine.protocols.ipv6 import routed_to
from prayog_protocols.engine.streams.fragments import Fragments

__all__ = ["NONE", "Flow", "Flows"]

NONE = 0xFFFFFFFF  # no conversation
TCP, UDP, SCTP = 6, 17, 132
SYN, ACK = 2, 16


@dataclass(frozen=True, slots=True)
class Flow:
    """One conversation.  The client is whoever sent the first packet that was captured (or the SYN)."""

    proto: int
    number: int
    client: tuple[bytes, int]  # address, port
    server: tuple[bytes, int]
    indexes: npt.NDArray[np.int64]  # its packets


class Flows:
    """The conversations of one capture."""

    def __init__(self, data: Bytes, records: Records, columns: Columns) -> None:
        self._data, self._records, self._columns = data, records, columns
        self.fragments = Fragments(data, records, columns)
        self._complete()
        self.stream = np.full(len(records), NONE, np.uint32)  # of each packet, within its protocol
        self.again: set[int] = set()  # TCP connections between ports that an earlier one used
        self.quoted: dict[int, tuple[int, int]] = {}  # ICMP error -> protocol and number of the packet that it quotes
        self._quoting: list[tuple[int, tuple[int, int, int]]] | None = None
        self._count: dict[int, int] = {}
        self._goals = self._routes()
        self._order: dict[int, tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]] = {}
        for proto in (TCP, UDP):
            self._number(proto)

    def _complete(self) -> None:
        """Give the packets that complete a datagram the ports of the whole."""
        columns, records = self._columns, self._records
        for index, datagram in self.fragments.of.items():
            if datagram.done != index or datagram.proto not in (TCP, UDP, SCTP):
                continue
            first = next((part for part in datagram.parts if part.offset == 0), None)
            if first is None or first.size < 4:
                continue
            at = int(records.offsets[first.index]) + first.at
            columns.sport[index] = int.from_bytes(self._data[at : at + 2], "big")
            columns.dport[index] = int.from_bytes(self._data[at + 2 : at + 4], "big")

    def _members(self, proto: int) -> npt.NDArray[np.int64]:
        """The packets of a protocol of which the ports are known."""
        columns = self._columns
        ported = (columns.sport != 0) | (columns.dport != 0) | (columns.flags != 0)
        return np.flatnonzero((columns.proto == proto) & ported)

    def _number(self, proto: int) -> None:
        columns = self._columns
        members = self._members(proto)
        six = (columns.ethertype[members] == IPV6).astype(np.uint64) << np.uint64(63)
        source = six | columns.src[members].astype(np.uint64) << np.uint64(16) | columns.sport[members]
        goal = columns.dst[members].astype(np.uint64)
        if self._goals:
            goal = np.array([self._goals.get(i, to) for i, to in zip(members.tolist(), goal.tolist(), strict=True)],
                            np.uint64)  # fmt: skip
        target = six | goal << np.uint64(16) | columns.dport[members]
        quotes = self._quotes(proto)
        count = len(members)
        if quotes:
            # A packet that an ICMP error quotes begins a conversation, too, if none is there.
            members = np.concatenate([members, np.array([one[0] for one in quotes], np.int64)])
            source = np.concatenate([source, np.array([one[1] for one in quotes], np.uint64)])
            target = np.concatenate([target, np.array([one[2] for one in quotes], np.uint64)])
        low, high = np.minimum(source, target), np.maximum(source, target)
        # Two sorts, because `lexsort` keeps the interpreter lock and with it the window waiting.
        order = np.argsort(low, kind="stable")
        order = order[np.argsort(high[order], kind="stable")]
        low, high = low[order], high[order]
        new = np.ones(len(order), bool)
        new[1:] = low[1:] != low[:-1]
        new[1:] |= high[1:] != high[:-1]
        group = np.empty(len(order), np.int64)
        group[order] = np.cumsum(new) - 1
        if proto == TCP:
            group[:count] = self._split(members[:count], group[:count], int(group.max(initial=-1)) + 1)
        group, number = _by_first(members, group)
        self.again = {int(number[old]) for old in self.again} if proto == TCP else self.again
        self._count[proto] = int(group.max(initial=-1)) + 1
        self.quoted.update(
            {int(index): (proto, int(number)) for index, number in zip(members[count:], group[count:], strict=True)}
        )
        members, group = members[:count], group[:count]
        self.stream[members] = group
        order = np.argsort(group, kind="stable")
        starts = np.searchsorted(group[order], np.arange(self._count[proto] + 1))
        self._order[proto] = (members[order].astype(np.uint32), starts)

    def _routes(self) -> dict[int, int]:
        """Packets that a routing header sends on: the number of the address where the route ends."""
        columns, records = self._columns, self._records
        found: dict[int, int] = {}
        known: dict[bytes, int] = {}
        for index in np.flatnonzero(columns.marks & ROUTED).tolist():
            known = known or {row.tobytes(): number for number, row in enumerate(columns.addresses6)}
            at = int(records.offsets[index]) + int(columns.network[index])
            data = bytes(self._data[at : int(records.offsets[index]) + int(records.captured[index])])
            goal = routed_to(data, 6, 40, len(data))
            if goal:
                found[index] = known.setdefault(goal, len(known))
        return found

    def _quotes(self, proto: int) -> list[tuple[int, int, int]]:
        """(packet, source, target) of the packets of a protocol that ICMP errors quote."""
        columns, records = self._columns, self._records
        if self._quoting is None:
            self._quoting = []
            known: dict[bytes, int] = {}
            for index in np.flatnonzero(((columns.marks & COMPLEX) != 0) & np.isin(columns.proto, (1, 58))).tolist():
                at = int(records.offsets[index]) + int(columns.transport[index]) + 8
                packet = bytes(self._data[at : int(records.offsets[index]) + int(records.captured[index])][:80])
                if len(packet) >= 20 and packet[0] >> 4 == 4:
                    inner, place, addresses = packet[9], (packet[0] & 15) * 4, (packet[12:16], packet[16:20])
                    if (packet[6] << 8 | packet[7]) & 0x1FFF:
                        continue
                elif len(packet) >= 40 and packet[0] >> 4 == 6:
                    inner, place, addresses = packet[6], 40, (packet[8:24], packet[24:40])
                else:
                    continue
                if len(packet) < place + 4:
                    continue
                if len(addresses[0]) == 16 and not known:
                    known = {row.tobytes(): number for number, row in enumerate(columns.addresses6)}
                ends = []
                for side, address in enumerate(addresses):
                    port = int.from_bytes(packet[place + side * 2 : place + side * 2 + 2], "big")
                    if len(address) == 16:
                        ends.append(1 << 63 | known.setdefault(address, len(known)) << 16 | port)
                    else:
                        ends.append(int.from_bytes(address, "big") << 16 | port)
                self._quoting.append((inner, (index, ends[0], ends[1])))
        return [quote for inner, quote in self._quoting if inner == proto]

    def _split(self, members: npt.NDArray[np.int64], group: npt.NDArray[np.int64], fresh: int) -> npt.NDArray[np.int64]:
        """Give connections between ports that are used again numbers of their own."""
        columns = self._columns
        flags = columns.flags[members]
        opens = np.flatnonzero((flags & (SYN | ACK)) == SYN)
        counts = np.bincount(group[opens], minlength=1) if len(opens) else np.zeros(1, np.int64)
        starts = np.flatnonzero(counts > 1)
        if not len(starts):
            return group
        order = np.argsort(group, kind="stable")
        edges = np.searchsorted(group[order], starts), np.searchsorted(group[order], starts, side="right")
        for first, last in zip(*(edge.tolist() for edge in edges), strict=True):
            mine = order[first:last]  # one group, in the order of the capture
            begin = 0
            for here in np.flatnonzero((flags[mine] & (SYN | ACK)) == SYN).tolist():
                if here > begin and self._base(members, flags, mine, begin, here) not in (
                    None, self._number_at(int(members[mine[here]]), 4)
                ):  # fmt: skip
                    group[mine[here:]] = fresh
                    self.again.add(fresh)
                    fresh, begin = fresh + 1, here
        return group

    def _base(
        self, members: npt.NDArray[np.int64], flags: npt.NDArray[np.uint16], mine: npt.NDArray[np.int64], begin: int,
        here: int,
    ) -> int | None:  # fmt: skip
        """The first sequence number of the side that sent segment `here`, in the connection that began at `begin`."""
        columns = self._columns
        index = int(members[mine[here]])
        side = columns.src[index], columns.sport[index]
        for place in range(begin, here):
            other, flag = int(members[mine[place]]), int(flags[mine[place]])
            if (columns.src[other], columns.sport[other]) == side:
                seq = self._number_at(other, 4)
                return seq if flag & SYN else seq - 1 & 0xFFFFFFFF
            if flag & ACK:
                return self._number_at(other, 8) - 1 & 0xFFFFFFFF
        return None

    def _number_at(self, index: int, place: int) -> int:
        """Four bytes of the TCP header of a packet."""
        at = int(self._records.offsets[index]) + int(self._columns.transport[index]) + place
        return int.from_bytes(self._data[at : at + 4], "big")

    # ── asking ──────────────────────────────────────────────────────────────────────────────────────────────────

    def count(self, proto: int) -> int:
        """How many conversations there are."""
        return self._count.get(proto, 0)

    def of(self, index: int) -> tuple[int, int] | None:
        """Protocol and number of the conversation of a packet."""
        number = int(self.stream[index])
        return None if number == NONE else (int(self._columns.proto[index]), number)

    def size(self, proto: int, number: int) -> int:
        """How many packets a conversation has."""
        starts = self._order[proto][1]
        return int(starts[number + 1] - starts[number])

    def indexes(self, proto: int, number: int) -> npt.NDArray[np.int64]:
        """The packets of a conversation, in order."""
        order, starts = self._order[proto]
        return order[starts[number] : starts[number + 1]].astype(np.int64)

    def flow(self, proto: int, number: int) -> Flow:
        """A conversation with its two ends."""
        indexes = self.indexes(proto, number)
        first = int(indexes[0])
        here, there = self.ends(first)
        if proto == TCP and int(self._columns.flags[first]) & (SYN | ACK) == SYN | ACK:
            here, there = there, here
        return Flow(proto, number, here, there, indexes)

    def ends(self, index: int) -> tuple[tuple[bytes, int], tuple[bytes, int]]:
        """Who sent a packet, and to whom."""
        columns = self._columns
        return (
            (self.address(index, int(columns.src[index])), int(columns.sport[index])),
            (self.address(index, int(columns.dst[index])), int(columns.dport[index])),
        )

    def address(self, index: int, number: int) -> bytes:
        """The bytes of an address from its column."""
        columns = self._columns
        if columns.ethertype[index] == IPV6:
            return bytes(columns.addresses6[number])
        return number.to_bytes(4, "big")


def _by_first(
    members: npt.NDArray[np.int64], group: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:  # fmt: skip
    """Groups numbered in the order of their first packets, and the new number of each old one."""
    if not len(group):
        return group, group
    first = np.full(int(group.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, group, members)
    used = np.flatnonzero(first != np.iinfo(np.int64).max)
    number = np.zeros(len(first), np.int64)
    number[used[np.argsort(first[used], kind="stable")]] = np.arange(len(used))
    return number[group], number
