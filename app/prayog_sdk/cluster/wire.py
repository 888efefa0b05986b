"""What travels between a node and the proxy: one envelope per message, by UDP or TCP on 127.0.0.1.

An envelope is a JSON object.  ``k`` is the cluster's own word, so that nobody else's datagram is taken for one of
ours; ``f`` and ``t`` say from whom to whom, ``i`` is the message's number, ``v`` the sender's vector clock, ``l`` its
label, ``m`` the encoded message.  One with ``h`` instead only says where its sender can be reached.
"""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["HOST", "IDENTS", "LARGEST", "LIFE", "TWINS", "Frames", "Port", "framed", "pack", "unpack"]

HOST = "127.0.0.1"
LARGEST = 65_000
"""Bytes that fit into one datagram."""
IDENTS = 64
"""Message numbers are ``count * IDENTS + index of the node``."""
TWINS = IDENTS - 1
"""The index in the numbers of copies that the proxy makes."""
LIFE = 1_000_000
"""Steps and messages that one life of a node may have; the next life counts on from there."""


def pack(envelope: Mapping[str, Any]) -> bytes:
    """The bytes of `envelope`."""
    return json.dumps(envelope, separators=(",", ":")).encode()


def unpack(data: bytes, word: str) -> dict[str, Any] | None:
    """The envelope in `data`, or None when it is not one of this cluster."""
    try:
        envelope = json.loads(data)
    except ValueError:
        return None
    return envelope if isinstance(envelope, dict) and envelope.get("k") == word else None


class Frames:
    """A stream of bytes cut into messages: each has its length in front, in four bytes."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The messages that are complete with `data`."""
        self._rest += data
        while len(self._rest) >= 4:
            size = int.from_bytes(self._rest[:4], "big")
            if len(self._rest) < 4 + size:
                return
            yield self._rest[4 : 4 + size]
            self._rest = self._rest[4 + size :]


def framed(data: bytes) -> bytes:
    """`data` with its length in front."""
    return len(data).to_bytes(4, "big") + data


class Port:
    """A node's way to the proxy at `port`."""

    def __init__(self, transport: str, port: int) -> None:
        self._stream = transport == "tcp"
        kind = socket.SOCK_STREAM if self._stream else socket.SOCK_DGRAM
        self.socket = socket.socket(socket.AF_INET, kind)
        self.socket.connect((HOST, port))
        if self._stream:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._frames = Frames()

    def send(self, envelope: Mapping[str, Any]) -> None:
        """Send it.  When the lab has gone it is lost, as is this process in a moment."""
        data = pack(envelope)
        with contextlib.suppress(OSError):
            if self._stream:
                self.socket.sendall(framed(data))
            else:
                self.socket.send(data)

    def receive(self) -> list[bytes]:
        """What has arrived; called when there is something."""
        try:
            data = self.socket.recv(65_536)
        except OSError:
            return []
        return list(self._frames.feed(data)) if self._stream else [data]
