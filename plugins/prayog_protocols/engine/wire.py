"""Packets for a story: two machines talk, and each thing that they say becomes a frame with right headers.

    wire = Wire()
    talk = wire.tcp("phone", "shop", 80)
    yield talk.open()                     # each call gives frames, in order, with their times
    talk.say(">", b"GET / HTTP/1.1…")

Time is in nanoseconds and only moves when somebody says so. What is made here is *simulated*: no congestion control,
no loss but the one that the story tells. For TCP as it really behaves see `tcp`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from prayog_protocols.engine.building import Draft, build
from prayog_protocols.engine.protocols import REGISTRY
from prayog_protocols.engine.recording import packet_data

__all__ = ["HOSTS", "START_NS", "Frame", "Tcp", "Wire"]

START_NS = 1_767_225_600_000_000_000  # 1 January 2026, 00:00 UTC
HOSTS = {  # RFC 5737 addresses: nobody's
    "phone": "192.0.2.10", "laptop": "192.0.2.11", "tablet": "192.0.2.12", "home": "203.0.113.1",
    "shop": "198.51.100.80", "files": "198.51.100.21", "mail": "198.51.100.25", "dns": "198.51.100.53",
    "prices": "198.51.100.90",
}  # fmt: skip
SYN, ACK, PSH, FIN, RST = 2, 16, 8, 1, 4
MSS = 1460


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame on its way."""

    data: bytes
    at_ns: int  # when it was sent
    src: str
    dst: str
    words: str  # "SYN", "GET /orders/7"
    lost: bool = False

    def emit(self) -> tuple[str, str, dict[str, Any]]:
        """As a step of a trace."""
        note = self.words + (" — lost on the way" if self.lost else "")
        data = packet_data(self.data, START_NS + self.at_ns, "simulated", comment=note, src=self.src, dst=self.dst,
                           words=self.words, lost=self.lost, at_ms=round(self.at_ns / 1e6, 3))  # fmt: skip
        return "packet", self.src, data


class Wire:
    """A clock and the numbers that headers need."""

    def __init__(self, delay_ms: float = 50.0) -> None:
        self.now = 0  # ns
        self.delay = round(delay_ms * 1e6)  # one way
        self._id = 0
        self._port = 49_152  # RFC 6335 §6: ports that are given out for a while
        self._mac = {name: bytes((2, 0, 0, 0, 0, n)) for n, name in enumerate(HOSTS, 1)}  # locally administered

    def port(self) -> int:
        """A fresh port of a client."""
        self._port += 1
        return self._port

    def wait(self, milliseconds: float) -> None:
        """Time passes."""
        self.now += round(milliseconds * 1e6)

    def packet(self, src: str, dst: str, layers: Sequence[Draft | bytes], words: str, lost: bool = False) -> Frame:
        """An IPv4 packet, sent now."""
        self._id += 1
        ip = {"src": HOSTS.get(src, src), "dst": HOSTS.get(dst, dst), "id": self._id, "ttl": 64}
        eth = {"src": self._mac.get(src, bytes(6)), "dst": self._mac.get(dst, bytes(6))}
        data = build(REGISTRY, [Draft("eth", eth), Draft("ip", ip), *layers]).data
        return Frame(data, self.now, src, dst, words, lost)

    def frame(self, layers: Sequence[Draft | bytes], src: str, dst: str, words: str) -> Frame:
        """Any frame, sent now."""
        return Frame(build(REGISTRY, layers).data, self.now, src, dst, words)

    def udp(self, src: str, sport: int, dst: str, dport: int, payload: bytes, words: str) -> Frame:
        """A datagram."""
        return self.packet(src, dst, [Draft("udp", {"srcport": sport, "dstport": dport}), payload], words)

    def tcp(self, client: str, server: str, port: int, sport: int = 0) -> Tcp:
        """A connection that `client` will open."""
        return Tcp(self, client, server, sport or self.port(), port)


class Tcp:
    """One connection: counts bytes, and confirms what arrived.  ``>`` is the client, ``<`` the server."""

    def __init__(self, wire: Wire, client: str, server: str, sport: int, dport: int) -> None:
        self._wire = wire
        self._ends = {">": (client, server, sport, dport), "<": (server, client, dport, sport)}
        # A first number that is not 0 (RFC 9293 §3.4.1), and the same in every run.
        self._seq = {">": 1_000_000 + sport, "<": 7_000_000 + sport}
        self._seen = {">": 0, "<": 0}  # what each side has of the other's bytes

    def segment(
        self, who: str, flags: int, payload: bytes = b"", words: str = "", lost: bool = False, again: bool = False
    ) -> Frame:  # fmt: skip
        """One segment, sent now.  `again`: the bytes that were said last are said once more."""
        src, dst, sport, dport = self._ends[who]
        takes = len(payload) + bool(flags & SYN) + bool(flags & FIN)
        seq = self._seq[who] - (takes if again else 0)
        head: dict[str, Any] = {"srcport": sport, "dstport": dport, "seq_raw": seq & 0xFFFFFFFF, "flags": flags}
        head["ack_raw"] = self._seen[who] if flags & ACK else 0
        head["window"] = 64_240 if flags & SYN else 502  # scaled by 2^7 from the second segment on (RFC 7323 §2.2)
        if flags & SYN:
            head["options"] = [{"option_kind": 2, "mss_val": MSS}, {"option_kind": 1}, {"option_kind": 3, "shift": 7}]
        if not again:
            self._seq[who] += takes
        other = "<" if who == ">" else ">"
        if not lost:
            self._seen[other] = self._seq[who]
        return self._wire.packet(src, dst, [Draft("tcp", head), payload], words or _flags(flags), lost)

    def open(self) -> Iterator[Frame]:
        """SYN, SYN-ACK, ACK: one round trip until the client may send (RFC 9293 §3.5)."""
        yield self.segment(">", SYN, words="SYN")
        self._wire.now += self._wire.delay
        yield self.segment("<", SYN | ACK, words="SYN, ACK")
        self._wire.now += self._wire.delay
        yield self.segment(">", ACK, words="ACK")

    def say(self, who: str, data: bytes, words: str, lost: bool = False) -> Iterator[Frame]:
        """`data` in segments; the clock stands at the arrival of the last when it is over."""
        for at in range(0, len(data), MSS):
            part = data[at : at + MSS]
            last = at + MSS >= len(data)
            more = words if at == 0 else f"{words} (continued)"
            yield self.segment(who, ACK | (PSH if last else 0), part, more, lost)
        self._wire.now += self._wire.delay

    def skip(self, who: str, size: int) -> None:
        """`size` bytes were sent and lost before this place: the capture never sees them."""
        self._seq[who] += size

    def duplicate(self, who: str, missing: int) -> Frame:
        """A bare ACK for what lies before the last `missing` bytes of the other side."""
        seen, self._seen[who] = self._seen[who], self._seen[who] - missing
        frame = self.segment(who, ACK, words="ACK: something is missing")
        self._seen[who] = seen
        return frame

    def resend(self, who: str, payload: bytes, back: int, words: str) -> Frame:
        """Bytes that begin `back` bytes before what `who` will say next, once more."""
        now, self._seq[who] = self._seq[who], self._seq[who] - back
        frame = self.segment(who, ACK, payload, words)
        self._seq[who] = now
        self._seen["<" if who == ">" else ">"] = now
        return frame

    def refuse(self) -> Frame:
        """The answer of a port where nobody listens."""
        return self.segment("<", RST | ACK, words="RST: nobody listens")

    def close(self, who: str = ">") -> Iterator[Frame]:
        """FIN both ways; the second FIN carries the ACK of the first (RFC 9293 §3.6)."""
        other = "<" if who == ">" else ">"
        yield self.segment(who, FIN | ACK, words="FIN")
        self._wire.now += self._wire.delay
        yield self.segment(other, FIN | ACK, words="FIN, ACK")
        self._wire.now += self._wire.delay
        yield self.segment(who, ACK, words="ACK")


def _flags(flags: int) -> str:
    names = ((SYN, "SYN"), (FIN, "FIN"), (RST, "RST"), (PSH, "PSH"), (ACK, "ACK"))
    return ", ".join(name for bit, name in names if flags & bit)
