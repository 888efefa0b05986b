"""UDP conversations: which protocol each datagram is, and what the datagrams before it say about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from prayog_protocols.engine.streams.segments import Datagram
from prayog_protocols.engine.talks.dns import Matching

__all__ = ["Talked", "listen"]


@dataclass(slots=True)
class Talked:
    """What is known about the datagrams of a conversation, by index of the packet."""

    protocol: dict[int, str] = field(default_factory=dict)
    state: dict[int, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.protocol)


PORTS = {53: "dns", 5353: "mdns", 5355: "llmnr"}


def listen(
    ports: tuple[int, int], said: str, datagrams: Iterable[Datagram], read: Callable[[int, int, int], bytes]
) -> Talked:
    """Go through a conversation between two ports; `said` is the protocol that its user knows ("" none)."""
    result = Talked()
    named = said or next((PORTS[port] for port in sorted(ports) if port in PORTS), "")
    matching = Matching()
    for datagram in datagrams:
        if named in ("dns", "mdns", "llmnr"):
            result.protocol[datagram.index] = named
            result.state[datagram.index] = matching.seen(read(datagram.index, datagram.at, min(4, datagram.size)), datagram.index)
        elif named:
            result.protocol[datagram.index] = named
    return result
