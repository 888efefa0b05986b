"""What the messages of ICMP for IPv4 and for IPv6 have in common: a code, a quoted packet, pings and their answers."""

from __future__ import annotations

from collections.abc import Mapping

from prayog_protocols.engine.dissection import Dissection
from prayog_protocols.engine.protocols.ipv4 import CHECKSUM_STATUS
from prayog_protocols.engine.spec import Call, Field, Kind, uint
from prayog_protocols.engine.tree import Node

__all__ = ["CHECKSUM_STATUS", "code", "quoted", "response_in", "response_time", "response_to", "rest", "status"]


def code(protocol: str, source: str, values: Mapping[int, str]) -> Field:
    """The exact case within a type."""
    return uint(f"{protocol}.code", 8, "Code", "The exact case within the type.", source, values=values, default=0)


def status(protocol: str, source: str) -> Field:
    """Whether the check sum fits."""
    return Field(f"{protocol}.checksum.status", "Check sum status", values=CHECKSUM_STATUS, derived=True, source=source,
                 meaning="Whether the check sum fits.")  # fmt: skip


def response_to(protocol: str) -> Field:
    """Which packet a reply answers."""
    return Field(f"{protocol}.resp_to", "Answers packet", Kind.FRAME, derived=True,
                 meaning="The request with the same numbers.")  # fmt: skip


def response_in(protocol: str) -> Field:
    """Which packet answers a request."""
    return Field(f"{protocol}.resp_in", "Answered in packet", Kind.FRAME, derived=True,
                 meaning="The reply with the same numbers.")  # fmt: skip


def response_time(protocol: str) -> Field:
    """How long a ping was on its way."""
    return Field(f"{protocol}.resptime", "Round trip", Kind.REAL, derived=True, unit="ms",
                 meaning="From the request to this reply.")  # fmt: skip


def rest(c: Dissection, out: list[Node], data: bytes, at: int, end: int) -> int:
    """Everything left is data of the message."""
    if at < end:
        c.follow_protocol(None, c.source, at, end)
    c.cover(end)
    return at


def quoted(ethertype: int) -> Call:
    """The beginning of the packet that caused the message."""

    def read(c: Dissection, out: list[Node], data: bytes, at: int, end: int) -> int:
        c.cover(end)
        c.quoted = True
        c.follow("ethertype", ethertype, at, end)
        return at

    return Call(read, ())
