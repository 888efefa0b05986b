"""From what sockets did to packets: headers around the bytes that were observed.

A sender's call becomes segments of at most `mss` bytes.  A reader's call becomes the acknowledgement of what was sent
so far: never of more, or the capture would acknowledge what it does not hold.  First sequence numbers are made from the
seed and the connection's place, so the same conversation gives the same numbers.

Rules
1. What the sockets did not do is not invented: no retransmission, no window that closes, no reset that nobody saw.
2. A packet is *synthesised* when its bytes were observed and its headers made; *simulated* when the lab's network
   dropped it.
3. Times never go back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from prayog_protocols.engine.building import Draft, build
from prayog_protocols.engine.protocols import REGISTRY

__all__ = ["Headers", "Made"]

Address = tuple[str, int]
_MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")
_WINDOW, _SHIFT = 65535, 7
_SHUT = "a gateway that lets nobody in dropped it; a real client would try for minutes"
_DROPPED = "the lab’s network dropped it: nobody received this"


@dataclass(frozen=True, slots=True)
class Made:
    """One packet: its frame, and what is known about it."""

    frame: bytes
    time_ns: int
    origin: str
    sender: str  # "client" or "server"
    comment: str = ""
    caller: tuple[str, int, str] | None = None
    payload: int = 0  # bytes of the application


@dataclass(slots=True)
class _Connection:
    """A TCP connection; of each pair the first is whoever connected."""

    ends: tuple[Address, Address]
    names: tuple[str, str]
    number: list[int]  # the next sequence number of each
    begun: bool = False  # the handshake is through
    acked: list[int] = field(default_factory=lambda: [0, 0])  # of what each sent, acknowledged so far
    read: list[int] = field(default_factory=lambda: [0, 0])  # bytes that each has read
    first: list[int] = field(default_factory=lambda: [0, 0])
    ended: list[bool] = field(default_factory=lambda: [False, False])


class Headers:
    """Takes records of the tap in their order, and gives packets."""

    def __init__(self, seed: int = 0, mss: int = 1460) -> None:
        self._seed, self.mss = seed, mss
        self._of: dict[int, tuple[_Connection, int]] = {}  # socket -> connection and side
        self._known: dict[tuple[Address, Address], _Connection] = {}
        self._count = 0
        self._ids = [0, 0]
        self._first: dict[tuple[int, int], int] = {}  # of two ports that exchange datagrams, whose owner began
        self._last = 0
        self.servers: set[int] = set()  # ports at which somebody listens

    def take(self, record: Any) -> Iterator[Made]:
        """The packets of one record."""
        time_ns, what, number, fact, caller = record
        self._last = time_ns = max(self._last, time_ns)
        if what in ("sendto", "lost"):
            if fact and fact[1]:
                yield self._datagram(time_ns, what == "lost", fact, caller)
            return
        if what == "connect":
            yield from self._connect(time_ns, number, fact, caller)
            return
        if what == "accept":
            local, peer = (tuple(end) for end in fact)
            connection = self._known.get((peer, local))
            if connection is not None:
                self._of[number] = (connection, 1)
                yield from self._begin(connection, time_ns, caller)
            return
        connection, side = self._of.get(number, (None, 0))
        if connection is None:
            return
        if what == "send" and fact:
            yield from self._begin(connection, time_ns, caller)
            yield from self._send(connection, side, time_ns, fact, caller)
        elif what == "recv":
            connection.read[side] += len(fact)
            yield from self._acknowledge(connection, side, time_ns, caller)
        elif (what == "shutdown" and fact in (1, 2)) or what == "close":
            yield from self._end(connection, side, time_ns, caller)
            if what == "close":
                self._of.pop(number, None)

    # -- TCP -----------------------------------------------------------------------------------------------------------

    def _connect(self, at: int, number: int, fact: Any, caller: Any) -> Iterator[Made]:
        local, peer, state = tuple(fact[0]), tuple(fact[1]), fact[2]
        if state == "failed":
            return
        ends: tuple[Address, Address] = (local, peer)
        if number in self._of:  # a second look at a connection that was begun
            return
        server_calls = bool(caller) and "/servers/" in caller[0].replace("\\", "/")
        names = ("server", "client") if server_calls else ("client", "server")
        first = [self._isn(0), self._isn(1)]
        self._count += 1
        connection = _Connection(ends, names, list(first), acked=list(first), first=first)
        self._of[number] = (connection, 0)
        self._known[ends] = connection
        if state == "blocked":
            yield self._segment(connection, 0, at, {"syn"}, caller=caller, origin="simulated", comment=_SHUT)
            return
        yield self._segment(connection, 0, at, {"syn"}, caller=caller)
        if state == "refused":
            connection.number[0] += 1
            yield self._segment(connection, 1, at, {"reset", "ack"}, comment="nobody listens at this port")

    def _isn(self, side: int) -> int:
        text = f"{self._seed} {self._count} {side}".encode()
        return int.from_bytes(sha256(text).digest()[:4], "big")

    def _begin(self, connection: _Connection, at: int, caller: Any) -> Iterator[Made]:
        """The rest of the handshake, when it is seen to be through."""
        if connection.begun:
            return
        connection.begun = True
        connection.number[0] += 1
        connection.acked[0] = connection.number[0]
        yield self._segment(connection, 1, at, {"syn", "ack"}, caller=caller)
        connection.number[1] += 1
        connection.acked = list(connection.number)
        yield self._segment(connection, 0, at, {"ack"})

    def _send(self, connection: _Connection, side: int, at: int, data: bytes, caller: Any) -> Iterator[Made]:
        for begin in range(0, len(data), self.mss):
            piece = data[begin : begin + self.mss]
            flags = {"ack", "push"} if begin + self.mss >= len(data) else {"ack"}
            yield self._segment(connection, side, at, flags, piece, caller)
            connection.number[side] += len(piece)

    def _acknowledge(self, connection: _Connection, side: int, at: int, caller: Any) -> Iterator[Made]:
        other = 1 - side
        reached = min(connection.first[other] + 1 + connection.read[side], connection.number[other])
        if reached > connection.acked[other]:
            connection.acked[other] = reached
            yield self._segment(connection, side, at, {"ack"}, caller=caller)

    def _end(self, connection: _Connection, side: int, at: int, caller: Any) -> Iterator[Made]:
        if connection.ended[side] or not connection.begun:
            return
        connection.ended[side] = True
        yield self._segment(connection, side, at, {"fin", "ack"}, caller=caller)
        connection.number[side] += 1
        connection.acked[side] = connection.number[side]  # the other end’s kernel answers at once
        yield self._segment(connection, 1 - side, at, {"ack"})
        if all(connection.ended):
            self._known.pop(connection.ends, None)

    def _segment(
        self, connection: _Connection, side: int, at: int, flags: set[str], data: bytes = b"", caller: Any = None,
        origin: str = "synthesised", comment: str = "",
    ) -> Made:  # fmt: skip
        values: dict[str, Any] = {
            "srcport": connection.ends[side][1], "dstport": connection.ends[1 - side][1],
            "seq_raw": connection.number[side] & 0xFFFFFFFF, "flags": flags, "window": _WINDOW,
            "ack_raw": (connection.acked[1 - side] if connection.begun else connection.number[1 - side]) & 0xFFFFFFFF
            if "ack" in flags else 0,
        }  # fmt: skip
        if "syn" in flags:
            size, selective, nothing = {"option_kind": 2, "mss_val": self.mss}, {"option_kind": 4}, {"option_kind": 1}
            scale = {"option_kind": 3, "shift": _SHIFT}
            values["options"] = [size, selective, nothing, nothing, nothing, scale]
        hosts = connection.ends[side][0], connection.ends[1 - side][0]
        frame = self._frame(side, hosts, Draft("tcp", values), data)
        return Made(frame, at, origin, connection.names[side], comment, caller, len(data))

    # -- UDP -----------------------------------------------------------------------------------------------------------

    def _datagram(self, at: int, lost: bool, fact: Any, caller: Any) -> Made:
        local, peer, data = tuple(fact[0]), tuple(fact[1]), fact[2]
        home = (
            "127.0.0.1" if local[0] in ("0.0.0.0", "") else local[0]
        )  # the address is not chosen before it is connected
        pair = (min(local[1], peer[1]), max(local[1], peer[1]))
        first = self._first.setdefault(pair, peer[1] if local[1] in self.servers else local[1])
        side = 0 if local[1] == first else 1
        draft = Draft("udp", {"srcport": local[1], "dstport": peer[1]})
        frame = self._frame(side, (home, peer[0]), draft, data)
        origin, comment = ("simulated", _DROPPED) if lost else ("synthesised", "")
        return Made(frame, at, origin, "server" if side else "client", comment, caller, len(data))

    def _frame(self, side: int, hosts: tuple[str, str], transport: Draft, data: bytes) -> bytes:
        self._ids[side] = self._ids[side] + 1 & 0xFFFF
        ip = (
            Draft("ipv6", {"src": hosts[0], "dst": hosts[1]}) if ":" in hosts[0]
            else Draft("ip", {"src": hosts[0], "dst": hosts[1], "id": self._ids[side]})
        )  # fmt: skip
        eth = Draft("eth", {"src": _MACS[side], "dst": _MACS[1 - side]})
        return build(REGISTRY, [eth, ip, transport, *([data] if data else [])]).data
