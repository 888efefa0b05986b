"""DTLS (RFC 6347): TLS in datagrams.  Each record says its number, and large handshake messages come in pieces."""

from __future__ import annotations

from prayog_protocols.engine.checksum import crc32c
from prayog_protocols.engine.dissection import Dissection
from prayog_protocols.engine.protocols.tls import (
    DTLS_BODY,
    DTLS_HANDSHAKE,
    DTLS_WORDS,
    Flight,
    Record,
    record_content,
    records_in_words,
)
from prayog_protocols.engine.spec import Call, Protocol
from prayog_protocols.engine.tree import Node


def _read(c: Dissection, out: list[Node], data: bytes, at: int, end: int) -> int:
    flight = c.state if isinstance(c.state, Flight) else Flight()
    known = iter(flight.records)
    w, first = DTLS_WORDS, True
    inside: list[tuple[int, int]] = []
    while at < end:
        if end - at < 13:
            c.cut(out, w.record, at, end, 13)
        if not first and not 20 <= data[at] <= 26:
            break
        first = False
        size = data[at + 11] << 8 | data[at + 12]
        record = next(known, Record())
        place, s = at * 8, c.source
        node = Node(w.record, s, place, 0, None, [])
        out.append(node)
        stop = min(at + 13 + size, end)
        node.bits = (stop - at) * 8
        children: list[Node] = [
            Node(w.kind, s, place, 8, data[at]),
            Node(w.version, s, place + 8, 16, int.from_bytes(data[at + 1 : at + 3], "big")),
            Node(w.epoch, s, place + 24, 16, int.from_bytes(data[at + 3 : at + 5], "big")),
            Node(w.number, s, place + 40, 48, int.from_bytes(data[at + 5 : at + 11], "big")),
            Node(w.length, s, place + 88, 16, size),
        ]  # fmt: skip
        node.children = children
        if at + 13 + size > end:
            c.note(
                "error", f"The record is said to have {size} bytes, and {end - at - 13} are left.", (at + 11) * 8, 16
            )
        source = record_content(c, children, w, data, at + 13, stop, data[at], record, at, DTLS_HANDSHAKE)
        if data[at] == 23 and record.plain is not None:
            inside.append((source, len(record.plain)))
        at = stop
    find, sources = c.registry.protocols.get, c.packet.sources
    c.queue[0:0] = [(find(_inside(sources[one].data)), one, 0, size, None) for one, size in inside if size]
    return at


def _inside(plain: bytes) -> str:
    """What data under DTLS are: SCTP (RFC 8261) when its check sum says so; anybody else may use DTLS, too."""
    sctp = len(plain) >= 16 and len(plain) % 4 == 0 and (
        crc32c(plain[:8] + bytes(4) + plain[12:]) == int.from_bytes(plain[8:12], "big")
    )  # fmt: skip
    return "sctp" if sctp else ""


DTLS = Protocol(
    "dtls", "Datagram Transport Layer Security", short="DTLS", source="RFC 6347, RFC 9147", info=records_in_words,
    meaning="TLS for UDP: the same handshake, with numbers on everything because datagrams may be lost or doubled.",
    entries={"udp.port": (4433, 853)},
    items=(Call(_read, (), lambda values: bytes(values.get("records", b"")), DTLS_WORDS.all),),
)  # fmt: skip

PROTOCOLS = (DTLS, DTLS_HANDSHAKE, DTLS_BODY)
