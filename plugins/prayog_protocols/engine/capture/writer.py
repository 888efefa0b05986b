"""Writes pcapng: packets with comments, several interfaces, and the keys to read them.

The file goes to anything with `write`; the writer itself opens nothing. Source: draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

from struct import pack
from typing import Protocol

__all__ = ["TLS_KEYS", "Writer"]

TLS_KEYS = 0x544C534B  # "TLSK": a key log as NSS writes it
_INBOUND, _OUTBOUND = 1, 2


class _Sink(Protocol):
    def write(self, data: bytes, /) -> object: ...


class Writer:
    """A pcapng file at work: `interface` first, then `packet` as often as needed.  Times are nanoseconds since 1970."""

    def __init__(self, sink: _Sink, comment: str = "", application: str = "Prayog") -> None:
        self._sink = sink
        self._interfaces = 0
        options = _option(1, comment) + _option(4, application)
        self._block(0x0A0D0D0A, pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + _ended(options))

    def interface(self, link: int = 1, name: str = "", description: str = "", comment: str = "", snap: int = 0) -> int:
        """Describe an interface of a link type (1 Ethernet, 101 IP, 248 SCTP); returns its number."""
        options = _option(1, comment) + _option(2, name) + _option(3, description) + _option(9, b"\x09")
        self._block(1, pack("<HHI", link, 0, snap) + _ended(options))
        self._interfaces += 1
        return self._interfaces - 1

    def secrets(self, log: str | bytes, kind: int = TLS_KEYS) -> None:
        """Keys for the packets that follow."""
        data = log.encode() if isinstance(log, str) else log
        self._block(10, pack("<II", kind, len(data)) + _padded(data))

    def packet(
        self, data: bytes, time_ns: int, interface: int = 0, comment: str = "", wire_size: int | None = None,
        outbound: bool | None = None,
    ) -> None:  # fmt: skip
        """One packet; `wire_size` is larger than `data` where only its beginning was kept."""
        if not 0 <= interface < self._interfaces:
            raise ValueError(f"there is no interface {interface}: {self._interfaces} were described")
        options = _option(1, comment)
        if outbound is not None:
            options += _option(2, pack("<I", _OUTBOUND if outbound else _INBOUND))
        size = len(data) if wire_size is None else wire_size
        head = pack("<IIIII", interface, time_ns >> 32 & 0xFFFFFFFF, time_ns & 0xFFFFFFFF, len(data), size)
        self._block(6, head + _padded(data) + _ended(options))

    def _block(self, kind: int, body: bytes) -> None:
        size = pack("<I", len(body) + 12)
        self._sink.write(pack("<I", kind) + size + body + size)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) & 3)


def _option(code: int, value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    if not data:
        return b""
    data = data[:65535] if isinstance(value, bytes) else data[:65535].decode("utf-8", "ignore").encode()
    return pack("<HH", code, len(data)) + _padded(data)


def _ended(options: bytes) -> bytes:
    return options + bytes(4) if options else b""
