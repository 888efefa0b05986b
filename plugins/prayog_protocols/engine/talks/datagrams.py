"""UDP conversations: which protocol each datagram is, and what the datagrams before it say about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from prayog_protocols.engine.streams.segments import Datagram
from prayog_protocols.engine.talks.dns import Matching
from prayog_protocols.engine.talks.talk import CLIENT, SERVER
from prayog_protocols.engine.talks.webrtc import DtlsSession, StunMatching, kind_of, relayed
from prayog_protocols.engine.tls.keylog import KeyLog

__all__ = ["Talked", "listen"]


@dataclass(slots=True)
class Talked:
    """What is known about the datagrams of a conversation, by index of the packet."""

    protocol: dict[int, str] = field(default_factory=dict)
    state: dict[int, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.protocol)


PORTS = {53: "dns", 5353: "mdns", 5355: "llmnr", 3478: "stun"}


def listen(
    ports: tuple[int, int],
    said: str,
    datagrams: Iterable[Datagram],
    read: Callable[[int, int, int], bytes],
    keys: KeyLog,
) -> Talked:
    """Go through a conversation between two ports; `said` is the protocol that its user knows ("" none)."""
    result = Talked()
    named = said or next((PORTS[port] for port in sorted(ports) if port in PORTS), "")
    matching, stun = Matching(), StunMatching()
    dtls: DtlsSession | None = None
    client = True  # whoever sent the Client Hello
    rtp = False
    for datagram in datagrams:
        if named in ("dns", "mdns", "llmnr"):
            result.protocol[datagram.index] = named
            result.state[datagram.index] = matching.seen(
                read(datagram.index, datagram.at, min(4, datagram.size)), datagram.index
            )
            continue
        head = read(datagram.index, datagram.at, min(24, datagram.size))
        kind = kind_of(head) or (named if named != "stun" or said or relayed(head, datagram.size) else "")
        if kind == "stun":
            result.state[datagram.index] = stun.seen(head, datagram.index)
        elif kind == "dtls":
            data = read(datagram.index, datagram.at, datagram.size)
            if data[:1] == b"\x16" and data[3:5] == b"\0\0" and data[13:14] == b"\x01":
                client = datagram.outward
            dtls = dtls or DtlsSession(keys)
            result.state[datagram.index] = dtls.datagram(CLIENT if datagram.outward == client else SERVER, data)
            rtp = True
        elif rtp and not named and len(head) >= 12 and 128 <= head[0] < 192 and not 192 <= head[1] < 224:
            kind = "rtp"  # beside DTLS on one port (RFC 7983); 192 to 223 would be RTCP
        if kind:
            result.protocol[datagram.index] = kind
    return result
