"""The record layer of TLS (RFC 5246 §6, RFC 8446 §5), and what the records hold.

Which records are encrypted, and what is in them where the keys are known, the talk says (`talks.tls`) in a `Flight`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from prayog_protocols.engine.dissection import Dissection, Stop, close
from prayog_protocols.engine.protocols.tls_handshake import handshake
from prayog_protocols.engine.protocols.tls_numbers import ALERTS, CONTENT_TYPES, VERSIONS
from prayog_protocols.engine.showing import meaning_of
from prayog_protocols.engine.spec import Call, Field, Kind, Protocol, branch, bytes_, uint
from prayog_protocols.engine.tree import Marked, Node, walk

__all__ = ["Flight", "Record", "record_content", "records_in_words"]

R = "RFC 8446 §5"


@dataclass(slots=True)
class Record:
    """What is known about one record."""

    encrypted: bool = False
    plain: bytes | None = None  # its content, where the keys are known
    kind: int = 0  # content type of the plain text; 0: as it stands outside
    before: bytes = b""  # the beginning of a handshake message that ends here, from the records before
    goes_on: bool = False  # it neither begins nor ends here
    whole: dict[int, bytes] = field(default_factory=dict)  # DTLS: place of a piece -> the message that it completes


@dataclass(slots=True)
class Flight:
    """The records of one message, and what the handshake has settled so far."""

    version: int = 0x0303
    exchange: str = ""  # "ecdhe" and others: how keys are agreed on
    records: list[Record] = field(default_factory=list)
    inner: list[Any] = field(default_factory=list)  # units of the application inside


class _Words:
    """The fields of the record layer under a prefix."""

    def __init__(self, prefix: str) -> None:
        self.record = branch(f"{prefix}.record", "Record", "A piece of the conversation, protected as a whole.", R)
        self.kind = uint(
            f"{prefix}.record.content_type", 8, "Content type", "What the record holds.", R, values=CONTENT_TYPES
        )
        self.opaque = uint("tls.record.opaque_type", 8, "Outer type",
            "In TLS 1.3 everything encrypted looks like application data from outside.",
            R, values=CONTENT_TYPES)  # fmt: skip
        self.version = uint(f"{prefix}.record.version", 16, "Version",
            "Kept at that of old versions, for the sake of boxes on the way.",
            R, hex=True, values=VERSIONS)  # fmt: skip
        self.epoch = uint("dtls.record.epoch", 16, "Epoch", "Which keys; each change of keys counts one up.",
                          "RFC 6347 §4.1")  # fmt: skip
        self.number = uint("dtls.record.sequence_number", 48, "Record number",
            "Datagrams may be lost: each record says its number.", "RFC 6347 §4.1")  # fmt: skip
        self.length = uint(f"{prefix}.record.length", 16, "Length", "At most 2¹⁴, and a little more when encrypted.", R,
                           unit="bytes")  # fmt: skip
        self.change = branch(f"{prefix}.change_cipher_spec", "Change cipher spec",
            "From here on this side encrypts; in TLS 1.3 only for show.", "RFC 5246 §7.1")  # fmt: skip
        self.alert = branch(f"{prefix}.alert_message", "Alert", "Something is wrong, or the end.", "RFC 8446 §6")
        self.level = uint(
            f"{prefix}.alert_message.level",
            8,
            "Level",
            "A fatal one ends the connection.",
            "RFC 8446 §6",
            values={1: "warning", 2: "fatal"},
        )
        self.reason = uint(
            f"{prefix}.alert_message.desc", 8, "Reason", "What is wrong; 0 says good-bye.", "RFC 8446 §6", values=ALERTS
        )
        self.handshake = branch(f"{prefix}.handshake", "Handshake", "Both sides agree on keys.", "RFC 8446 §4")
        self.data = bytes_(f"{prefix}.app_data", 0, "Encrypted data", "What the applications say to each other.", R)
        self.heartbeat = branch(f"{prefix}.heartbeat_message", "Heartbeat", "Are you there?", "RFC 6520")
        fields = [value for value in vars(self).values() if isinstance(value, Field)]
        self.all = tuple(value for value in fields if value.name.startswith(f"{prefix}."))


TLS_WORDS, DTLS_WORDS = _Words("tls"), _Words("dtls")
HANDSHAKE, DTLS_HANDSHAKE = handshake("tls"), handshake("dtls")
DTLS_BODY = handshake("dtls", body_only=True)
SEGMENTS = Field("tls.segments", "Put together from", Kind.NONE, derived=True, meaning="Records of one message inside.")
SEGMENT = Field(
    "tls.segment", "Piece in packet", Kind.FRAME, derived=True, meaning="A record with a piece of the message."
)
SEGMENT_COUNT = Field("tls.segment.count", "Pieces", derived=True, key="tls_pieces", meaning="How many records.")
WHOLE_LENGTH = Field(
    "tls.reassembled.length",
    "Length of the whole",
    derived=True,
    unit="bytes",
    key="tls_whole",
    meaning="Of all pieces together.",
)
WHOLE = Field(
    "tls.reassembled.data",
    "The whole",
    Kind.BYTES,
    derived=True,
    key="tls_whole_data",
    meaning="All pieces, put together.",
)


def _read(c: Dissection, out: list[Node], data: bytes, at: int, end: int) -> int:
    flight = c.state if isinstance(c.state, Flight) else Flight()
    known = iter(flight.records)
    sources: list[int] = []
    w = TLS_WORDS
    while at < end:
        if end - at < 5:
            c.cut(out, w.record, at, end, 5)
        size = data[at + 3] << 8 | data[at + 4]
        record = next(known, Record())
        node = Node(w.record, c.source, at * 8, 0, None, [])
        out.append(node)
        place = at * 8
        outer = Node(w.kind, c.source, place, 8, data[at])
        modern = record.plain is not None and flight.version >= 0x0304 and record.kind
        if modern:
            outer = Node(w.opaque, c.source, place, 8, data[at])
        inside: list[Node] = [
            outer, Node(w.version, c.source, place + 8, 16, data[at + 1] << 8 | data[at + 2]),
            Node(w.length, c.source, place + 24, 16, size),
        ]  # fmt: skip
        node.children = inside
        if at + 5 + size > end:
            c.note("error", f"The record is said to have {size} bytes, and {end - at - 5} are left.", (at + 3) * 8, 16)
        stop = min(at + 5 + size, end)
        node.bits = (stop - at) * 8
        if modern:
            inside.append(Node(w.kind, c.source, place, 8, record.kind))
        sources.append(record_content(c, inside, w, data, at + 5, stop, record.kind or data[at], record, at, HANDSHAKE))
        at = stop
    if c.over_tcp and c.source == 0 and c.payload_end is not None:
        c.cover(c.payload_end)  # with the beginning of a record that ends in a later packet, as Wireshark has it
    _queue(c, out, flight, sources)
    return at


def record_content(
    c: Dissection, out: list[Node], w: _Words, data: bytes, at: int, stop: int, kind: int, record: Record, start: int,
    message: Protocol,
) -> int:  # fmt: skip
    """The nodes of a record's content; returns the source in which its plain text is."""
    source, place, content, mark = c.source, at, data, None
    size = stop - at
    if record.plain is not None:
        source, place, content, size = c.add_source("Decrypted TLS", record.plain), 0, record.plain, len(record.plain)
        mark = start
    hidden = record.encrypted and record.plain is None
    bits = size * 8

    def node(field_: Field, children: list[Node] | tuple[()] = ()) -> Node:
        if mark is None:
            return Node(field_, source, place * 8, bits, None, children)
        return Marked(field_, source, 0, bits, None, mark, size, children)

    match kind:
        case 20:
            out.append(Node(w.change, source, place * 8, 8, None))
        case 21:
            alert = node(w.alert)
            out.append(alert)
            if not hidden and size >= 2:
                alert.children = [Node(w.level, source, place * 8, 8, content[place]),
                                  Node(w.reason, source, place * 8 + 8, 8, content[place + 1])]  # fmt: skip
        case 22 if hidden:
            out.append(node(w.handshake))
        case 22:
            _messages(c, out, w, content, source, place, place + size, record, mark, message)
        case 23:
            out.append(Node(w.data, c.source, at * 8, (stop - at) * 8, data[at:stop]))
        case 24:
            out.append(node(w.heartbeat))
        case _:
            c.note("error", f"A record of type {kind}: 20 to 24 are possible.", start * 8, 8)
    return source


def _messages(
    c: Dissection, out: list[Node], w: _Words, data: bytes, source: int, at: int, end: int, record: Record,
    mark: int | None,
    message: Protocol,
) -> None:  # fmt: skip
    """Handshake messages one after the other; the first may have begun in a record before."""
    head = 4 if message is HANDSHAKE else 12
    if record.goes_on:
        out.append(Node(w.handshake, source, at * 8, (end - at) * 8, None))
        return
    if record.before:
        need = head + int.from_bytes((record.before + data[at : at + 4])[1:4], "big") - len(record.before)
        whole = record.before + data[at : at + need]
        _message(c, out, w, whole, c.add_source("Reassembled handshake message", whole), 0, len(whole), None, message)
        at += need
    first = at
    while at < end:
        size = head + int.from_bytes(data[at + 1 : at + 4], "big") if message is HANDSHAKE else (
            head + int.from_bytes(data[at + 9 : at + 12], "big"))  # fmt: skip
        entire = at + size <= end and end - at >= head
        stop = min(at + size, end)
        if entire and message is not HANDSHAKE and data[at + 1 : at + 4] != data[at + 9 : at + 12]:
            out.append(_piece(c, w, data, source, at, stop, record.whole.get(at - first)))
        elif entire:
            _message(c, out, w, data, source, at, stop, mark, message)
        else:
            out.append(Node(w.handshake, source, at * 8, (stop - at) * 8, None))
        at = max(stop, at + 1)


def _piece(c: Dissection, w: _Words, data: bytes, source: int, at: int, end: int, body: bytes | None) -> Node:
    """A piece of a handshake message of DTLS; with `body`, which it completes."""
    node = Node(w.handshake, source, at * 8, (end - at) * 8, None, [])
    children: list[Node] = []
    place = at * 8
    for field_ in DTLS_HANDSHAKE.items[:5]:
        assert isinstance(field_, Field)
        value = int.from_bytes(data[place // 8 : (place + field_.bits) // 8], "big")
        children.append(Node(field_, source, place, field_.bits, value))
        place += field_.bits
    node.children = children
    if body is not None:
        outer, c.source, c.hello = c.source, c.add_source("Reassembled DTLS", body), data[at]
        try:
            c.registry.code(DTLS_BODY).tree(c, children, body, 0, len(body))
        except Stop:
            pass
        finally:
            c.source = outer
    return node


def _message(
    c: Dissection,
    out: list[Node],
    w: _Words,
    data: bytes,
    source: int,
    at: int,
    end: int,
    mark: int | None,
    message: Protocol,
) -> None:
    size = end - at
    children: list[Node] = []
    node = Node(w.handshake, source, at * 8, size * 8, None, children)
    if mark is not None and at == 0:
        node = Marked(w.handshake, source, 0, size * 8, None, mark, size, children)
    out.append(node)
    outer, c.source = c.source, source
    try:
        c.registry.code(message).tree(c, children, data, at, end)
    except Stop:
        bits = node.bits
        close(node)
        node.bits = bits
    finally:
        c.source = outer


def _queue(c: Dissection, out: list[Node], flight: Flight, sources: list[int]) -> None:
    """What the application says inside comes next; what stood in several records is put together."""
    queue = []
    records = len(out)
    for unit in flight.inner:
        protocol = c.registry.protocols.get(unit.protocol)
        if unit.place is not None and unit.place[0] < len(sources):
            number, first = unit.place
            queue.append((protocol, sources[number], first, first + unit.size, unit.state))
        elif unit.plain is not None:
            size = len(unit.plain)
            source = c.add_source("Reassembled TLS", unit.plain)
            pieces, place = [], 0
            for part in unit.parts:
                pieces.append(Node(SEGMENT, source, place * 8, part.size * 8, part.index + 1))
                place += part.size
            pieces += [Node(SEGMENT_COUNT, source, 0, 0, len(unit.parts)), Node(WHOLE_LENGTH, source, 0, 0, size),
                       Node(WHOLE, source, 0, size * 8, unit.plain)]  # fmt: skip
            out.insert(
                records, Node(SEGMENTS, source, 0, size * 8, None, pieces)
            )  # the last one first, as in Wireshark
            queue.append((protocol, source, 0, len(unit.plain), unit.state))
    c.queue[0:0] = queue


def _write(values: Any) -> bytes:
    return bytes(values.get("records", b""))


def records_in_words(layer: Node) -> str:
    """What a layer of TLS or DTLS holds: the messages of the handshake, alerts, data."""
    words: list[str] = []
    for record in layer.children:
        told = [
            meaning_of(node)
            for node in walk(record.children)
            if node.name.endswith((".handshake.type", ".message.desc"))
        ]
        kinds = [node for node in record.children if node.name.endswith((".content_type", ".opaque_type"))]
        kind = meaning_of(kinds[0]) if kinds else ""
        encrypted = kind == CONTENT_TYPES[22] and not told
        words += told or [f"{kind} (encrypted)" if encrypted else kind]
    return ", ".join(word for word, _ in groupby(words) if word)


TLS = Protocol(
    "tls", "Transport Layer Security", short="TLS", source="RFC 8446, RFC 5246", info=records_in_words,
    meaning="Makes of a TCP connection one that nobody can read or change: both sides agree on keys, then all is "
            "encrypted.",
    entries={"tcp.port": (443, 465, 563, 636, 853, 989, 990, 992, 993, 994, 995, 8443, 5061)},
    items=(Call(_read, (), _write, TLS_WORDS.all),),
    extra=(SEGMENTS, SEGMENT, SEGMENT_COUNT, WHOLE_LENGTH, WHOLE),
)  # fmt: skip

PROTOCOLS = (TLS, HANDSHAKE)
