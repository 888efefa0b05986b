"""The User Datagram Protocol (RFC 768)."""

from __future__ import annotations

from prayog_protocols.engine.checksum import internet, pseudo_header
from prayog_protocols.engine.dissection import Dissection
from prayog_protocols.engine.protocols.ipv4 import CHECKSUM_STATUS
from prayog_protocols.engine.spec import Call, Check, Field, Kind, Protocol, bytes_, uint
from prayog_protocols.engine.tree import Node

R768 = "RFC 768"

STATUS = Field("udp.checksum.status", "Check sum status", values=CHECKSUM_STATUS, derived=True, source=R768,
               meaning="Whether the check sum fits.")  # fmt: skip
STREAM = Field("udp.stream", "Stream", derived=True,
    meaning="The number of this conversation in the capture, from 0. A conversation is all packets between the same "
            "two addresses and ports.")  # fmt: skip
RELATIVE = Field("udp.time_relative", "Time since the first datagram", Kind.DURATION, derived=True,
                 meaning="Since this conversation began.", unit="s")  # fmt: skip
DELTA = Field("udp.time_delta", "Time since the datagram before", Kind.DURATION, derived=True,
              meaning="Since the last datagram of this conversation.", unit="s")  # fmt: skip
PAYLOAD = bytes_(
    "udp.payload", 0, "Payload", "What the application sent, in one piece: a datagram is never split by UDP."
)


def checked(c: Dissection, data: bytes, start: int, size: int, proto: int) -> int:
    """1 when the sum over pseudo header, header and data fits, 0 when not."""
    outer = c.outer
    if "src" not in outer:
        return 2
    pseudo = pseudo_header(outer["src"], outer["dst"], proto, size)
    return int(internet(pseudo, data[start : start + size]) == 0)


def _after(
    c: Dissection,
    out: list[Node],
    data: bytes,
    at: int,
    end: int,
    start: int,
    length: int,
    checksum: int,
    src: int,
    dst: int,
) -> int:
    size = length or end - start
    stop = min(end, start + size)
    status = 2
    if checksum == 0:
        status = 3
        if c.outer.get("name") == "ipv6":
            c.note("error", "Over IPv6 a datagram must have a check sum (RFC 8200 §8.1).", (start + 6) * 8, 16)
    elif c.verify and start + size <= end:
        status = checked(c, data, start, size, 17)
        if status == 0:
            c.note("error", "The check sum does not fit.", (start + 6) * 8, 16)
    out.append(Node(STATUS, c.source, (start + 6) * 8, 16 if status == 3 else 0, status))
    if start + size > end and c.source == 0 and len(data) == c.wire_size:
        c.note("error", f"The length says {size} bytes, and the packet holds {end - start}.", (start + 4) * 8, 16)
    if not c.context.transport(c, out, data, at, stop, src, dst):
        payload(c, out, data, at, stop)
        c.follow_port("udp.port", src, dst, at, stop)
    return at


def payload(c: Dissection, out: list[Node], data: bytes, at: int, end: int) -> None:
    """The node that holds what the application sent."""
    if end > at:
        out.append(Node(PAYLOAD, c.source, at * 8, (end - at) * 8, data[at:end]))


def _info(layer: Node) -> str:
    return f"{layer.child('srcport')} → {layer.child('dstport')} Len={max(0, (layer.child('length') or 8) - 8)}"


UDP = Protocol(
    "udp", "User Datagram Protocol", short="UDP", source=R768,
    meaning="Carries one message from port to port, as fast as it goes. Nothing is repeated, ordered or confirmed.",
    info=_info,
    entries={"ip.proto": (17,)},
    items=(
        uint("udp.srcport", 16, "Source port", "The program that sent it; answers go there.", R768,
            aliases=("udp.port",),
             default=40000),
        uint("udp.dstport", 16, "Destination port", "The program that should have it.", R768, aliases=("udp.port",),
             default=53),
        uint("udp.length", 16, "Length", "Header (8 bytes) and data.", R768, unit="bytes", auto="size + payload"),
        uint("udp.checksum", 16, "Check sum", "Over addresses, header and data. 0 means that none was computed, which "
                                              "IPv6 forbids; a sum of 0 is sent as "
                                              "FFFF.", R768, hex=True, auto="transport_sum(17) or 0xFFFF"),
        Check("length >= 8 or length == 0", "A length of {length} bytes; the header alone takes 8.", "length",
            stop=True),
        Call(_after, ("start", "length", "checksum", "srcport", "dstport")),
    ),
    extra=(STATUS, STREAM, RELATIVE, DELTA, PAYLOAD),
)  # fmt: skip

PROTOCOLS = (UDP,)
