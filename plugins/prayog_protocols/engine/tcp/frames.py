"""A segment as a value and as bytes: the whole Ethernet frame, equal to what `engine.building` makes of the specs.

A simulated megabyte is a thousand frames, and the general builder takes a millisecond for each; so the three headers
are packed here directly (RFC 791 §3.1, RFC 9293 §3.1, RFC 768).  Tests compare both byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address
from struct import Struct
from typing import NamedTuple

from prayog_protocols.engine.checksum import internet
from prayog_protocols.engine.wire import HOSTS

__all__ = [
    "ACK", "FIN", "PSH", "RST", "SYN", "Carried", "Datagram", "Segment", "ends_of", "flag_words", "read", "write",
]  # fmt: skip

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
_ETHERNET, _IP = Struct(">6s6sH"), Struct(">BBHHHBBH4s4s")
_TCP, _UDP = Struct(">HHIIHHHH"), Struct(">HHHH")
_STAMPS, _EDGES = Struct(">II"), Struct(">II")
_ADDRESS = {name: IPv4Address(address).packed for name, address in HOSTS.items()}
_NAME = {address: name for name, address in _ADDRESS.items()}
_MAC = {name: bytes((2, 0, 0, 0, 0, number)) for number, name in enumerate(HOSTS, 1)}  # as in `wire`
_TTL, _WHOLE = 64, 0x4000  # never in fragments, as every system sends TCP


class Segment(NamedTuple):  # made twice for each packet: a third of the time that a dataclass takes
    """What TCP says in one packet.  Numbers are those on the wire; `window` is not scaled yet."""

    src_port: int
    dst_port: int
    seq: int
    ack: int
    flags: int
    window: int
    payload: bytes = b""
    mss: int = 0  # 0: the option is not there
    scale: int = -1  # -1: the option is not there
    sack_permitted: bool = False
    stamps: tuple[int, int] | None = None  # (own clock, echo)
    sacks: tuple[tuple[int, int], ...] = ()

    @property
    def takes(self) -> int:
        """Sequence numbers that it uses: its bytes, and one each for SYN and FIN (RFC 9293 §3.4)."""
        return len(self.payload) + bool(self.flags & SYN) + bool(self.flags & FIN)


@dataclass(frozen=True, slots=True)
class Datagram:
    """What UDP says in one packet."""

    src_port: int
    dst_port: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Carried:
    """A frame on its way.  Only `frame` is on the wire; the rest is what its sender knows about it.

    ``why``: ``new``, or why it is sent again (``fast``, ``partial``, ``sack``, ``rescue``, ``timeout``, ``go back``),
    or ``probe``, ``keep-alive``, ``duplicate`` (an ACK that says nothing new), ``ack``, ``rst``, ``datagram``.
    ``first`` and ``size``: the stretch of the stream in it, counted from 1.  ``tries``: how often its bytes were sent,
    this included.
    """

    frame: bytes
    words: str
    why: str
    first: int = 0
    size: int = 0
    tries: int = 1
    full: bool = False  # it ends where the window ends
    ack: int = 0  # relative; 0: none
    edge: int = 0  # the first byte that the other side must not send yet; 0: none


def options(segment: Segment) -> bytes:
    """The options in the order in which Linux sends them; NOPs bring numbers to even places."""
    if not (segment.mss or segment.stamps or segment.sacks or segment.scale >= 0 or segment.sack_permitted):
        return b""
    made = b""
    if segment.mss:
        made += b"\x02\x04" + segment.mss.to_bytes(2, "big")
    if segment.sack_permitted:
        made += b"\x04\x02" if segment.stamps else b"\x01\x01\x04\x02"
    if segment.stamps:
        made += (b"" if segment.sack_permitted else b"\x01\x01") + b"\x08\x0a" + _STAMPS.pack(*segment.stamps)
    if segment.scale >= 0:
        made += b"\x01\x03\x03" + bytes((segment.scale,))
    if segment.sacks:
        made += b"\x01\x01\x05" + bytes((2 + 8 * len(segment.sacks),))
        made += b"".join(_EDGES.pack(*edges) for edges in segment.sacks)
    return made


def write(src: str, dst: str, ident: int, said: Segment | Datagram) -> bytes:
    """The frame of a segment or datagram between two of `HOSTS`.  `ident`: the identification of the IP packet."""
    source, target = _ADDRESS[src], _ADDRESS[dst]
    if isinstance(said, Segment):
        more = options(said)
        head = _TCP.pack(said.src_port, said.dst_port, said.seq, said.ack,
                         (5 + len(more) // 4) << 12 | said.flags, said.window, 0, 0) + more  # fmt: skip
        protocol, at = 6, 16
    else:
        head = _UDP.pack(said.src_port, said.dst_port, 8 + len(said.payload), 0)
        protocol, at = 17, 6
    size = len(head) + len(said.payload)
    pseudo = source + target + bytes((0, protocol)) + size.to_bytes(2, "big")
    # A UDP sum of 0 would say “not computed”, so it is sent as FFFF (RFC 768).
    summed = internet(pseudo, head, said.payload) or (0xFFFF if protocol == 17 else 0)
    ip = _IP.pack(0x45, 0, 20 + size, ident, _WHOLE, _TTL, protocol, 0, source, target)
    ip = ip[:10] + internet(ip).to_bytes(2, "big") + ip[12:]
    return b"".join((
        _ETHERNET.pack(_MAC[dst], _MAC[src], 0x0800), ip, head[:at], summed.to_bytes(2, "big"), head[at + 2 :],
        said.payload,
    ))  # fmt: skip


def ends_of(frame: bytes) -> tuple[str, str]:
    """Who sent a frame, and to whom."""
    return _NAME[frame[26:30]], _NAME[frame[30:34]]


def read(frame: bytes) -> Segment | Datagram:
    """What is said in a frame that `write` made."""
    if frame[23] == 17:
        src_port, dst_port, size, _ = _UDP.unpack_from(frame, 34)
        return Datagram(src_port, dst_port, frame[42 : 34 + size])
    src_port, dst_port, seq, ack, offset, window, _, _ = _TCP.unpack_from(frame, 34)
    start = 34 + (offset >> 12) * 4
    if start == 54:
        return Segment(src_port, dst_port, seq, ack, offset & 0xFF, window, frame[54:])
    return _with_options(frame, start, (src_port, dst_port, seq, ack, offset & 0xFF, window))


def _with_options(frame: bytes, start: int, head: tuple[int, int, int, int, int, int]) -> Segment:
    mss, scale, permitted = 0, -1, False
    stamps: tuple[int, int] | None = None
    sacks: tuple[tuple[int, int], ...] = ()
    at = 54
    while at < start and frame[at]:
        kind = frame[at]
        if kind == 1:
            at += 1
            continue
        size = frame[at + 1]
        if kind == 2:
            mss = int.from_bytes(frame[at + 2 : at + 4], "big")
        elif kind == 3:
            scale = frame[at + 2]
        elif kind == 4:
            permitted = True
        elif kind == 5:
            sacks = tuple(_EDGES.iter_unpack(frame[at + 2 : at + size]))
        elif kind == 8:
            stamps = _STAMPS.unpack_from(frame, at + 2)
        at += size
    return Segment(*head, frame[start:], mss, scale, permitted, stamps, sacks)


def flag_words(flags: int) -> str:
    """``SYN, ACK``"""
    names = ((SYN, "SYN"), (FIN, "FIN"), (RST, "RST"), (ACK, "ACK"))
    return ", ".join(name for bit, name in names if flags & bit)
