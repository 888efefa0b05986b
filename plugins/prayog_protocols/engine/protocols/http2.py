"""HTTP/2 frames (RFC 9113).  The headers in them are packed (HPACK, RFC 7541); the talk unpacks them in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from prayog_protocols.engine.dissection import Dissection
from prayog_protocols.engine.protocols.http import unpacked
from prayog_protocols.engine.spec import (
    Block,
    Call,
    Choose,
    Derive,
    Field,
    Item,
    Kind,
    Let,
    Protocol,
    Repeat,
    When,
    branch,
    bytes_,
    flag,
    marked,
    text,
    uint,
)
from prayog_protocols.engine.tree import Marked, Node

__all__ = ["Body", "Header", "Headers"]

R = "RFC 9113"
TYPES = {0: "DATA", 1: "HEADERS", 2: "PRIORITY", 3: "RST_STREAM", 4: "SETTINGS", 5: "PUSH_PROMISE", 6: "PING",
    7: "GOAWAY",
         8: "WINDOW_UPDATE", 9: "CONTINUATION", 10: "ALTSVC", 12: "ORIGIN", 16: "PRIORITY_UPDATE"}  # fmt: skip
ERRORS = {
    0: "no error", 1: "protocol error", 2: "internal error", 3: "flow control error", 4: "settings timeout",
    5: "stream closed", 6: "frame size error", 7: "stream refused", 8: "cancelled", 9: "compression error",
    10: "connect error", 11: "enhance your calm", 12: "inadequate security", 13: "HTTP/1.1 required",
}  # fmt: skip
SETTINGS = {1: "header table size", 2: "server push", 3: "streams at once", 4: "initial window", 5: "largest frame",
            6: "largest header list", 8: "extended CONNECT"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Header:
    """One header as it was packed."""

    first: int  # byte within the block
    size: int
    name: str
    value: str
    how: str  # how it was packed
    index: int = 0


@dataclass(frozen=True, slots=True)
class Headers:
    """The headers that end in a frame."""

    headers: tuple[Header, ...]
    uri: str = ""
    before: int = 0  # bytes of the block that stand in the frame before
    problem: str = ""  # why not all are there


@dataclass(frozen=True, slots=True)
class Body:
    """The content of a message that ends in a frame of type DATA."""

    data: bytes
    pieces: tuple[tuple[int, int], ...]  # of each frame with a part of it: index of the packet, and bytes
    encoding: str = ""


def _flag(name: str, label: str, meaning: str, source: str) -> Field:
    return flag(f"http2.flags.{name}", label, meaning, source, key=f"flag_{name.replace('.', '_')}")


def _none(width: int, number: int) -> Field:
    return uint("", width, "Unused", "", R, key=f"unused_{number}")


def _unused(width: int, name: str) -> Field:
    return uint(f"http2.flags.{name}", width, "Unused", "Must be 0.", R, hex=True, key=name)


def _flags(*parts: Field) -> Field:
    return Field("http2.flags", "Flags", Kind.UINT, 8, hex=True, parts=parts, meaning="What the type says they mean.",
                 source=f"{R} §4.1", key="frame_flags", default=0)  # fmt: skip


_END = _flag("end_stream", "End of stream", "This side says no more on this stream.", f"{R} §6.1")
_EH = _flag("eh", "End of headers", "No CONTINUATION follows.", f"{R} §6.2")
_PADDED = _flag("padded", "Padded", "Zeros at the end hide the real length.", f"{R} §6.1")
_PRIORITY = _flag("priority", "Priority", "The priority stands in front (no longer used).", f"{R} §6.2")
_BY_TYPE: dict[Any, Field] = {
    0: _flags(_none(4, 1), _PADDED, _none(2, 2), _END),
    1: _flags(_none(2, 1), _PRIORITY, _none(1, 2), _PADDED, _EH, _none(1, 3), _END),
    4: _flags(
        _unused(7, "unused_settings"), _flag("ack.settings", "Confirmed", "I have applied your settings.", f"{R} §6.5")
    ),
    5: _flags(_none(4, 1), _PADDED, _EH, _none(2, 2)),
    6: _flags(_unused(7, "unused_ping"), _flag("ack.ping", "Answer", "The answer to a ping.", f"{R} §6.7")),
    9: _flags(_none(5, 1), _EH, _none(2, 2)),
}

HEADERS = bytes_("http2.headers", 0, "Header block", "Headers, packed.", "RFC 7541")
PROMISED = bytes_("http2.push_promise.header", 0, "Header block", "Of the promised request, packed.", "RFC 7541")
CONTINUED = bytes_("http2.continuation.header", 0, "Header block", "Headers, packed: what did not fit before.",
                   "RFC 7541")  # fmt: skip
TABLE_UPDATE = branch("http2.header_table_size_update", "Table size", "How much the table may hold from here on.",
                      "RFC 7541 §6.3")  # fmt: skip
TABLE_SIZE = uint("http2.header_table_size_update.header_table_size", 0, "Size", "Of the table.", "RFC 7541 §6.3",
                  unit="bytes", key="table_size")  # fmt: skip
_BLOCKS = {5: PROMISED, 9: CONTINUED}
HEADER_LENGTH = Field(
    "http2.header.length",
    "Length unpacked",
    derived=True,
    unit="bytes",
    meaning="How long the headers are when they are unpacked.",
)
HEADER_COUNT = Field("http2.header.count", "Headers", derived=True, meaning="How many headers the block holds.")
HEADER = branch(
    "http2.header", "Header", "One name and its value.", "RFC 7541 §6", caption="{header_name}: {header_value}"
)
NAME_LENGTH = Field(
    "http2.header.name.length",
    "Name length",
    derived=True,
    unit="bytes",
    key="name_length",
    meaning="Letters of the name.",
)
NAME = Field("http2.header.name", "Name", Kind.TEXT,
    meaning="In small letters; those with a colon come from the request line.",
             source=f"{R} §8.3", key="header_name")  # fmt: skip
VALUE_LENGTH = Field(
    "http2.header.value.length",
    "Value length",
    derived=True,
    unit="bytes",
    key="value_length",
    meaning="Letters of the value.",
)
VALUE = Field("http2.header.value", "Value", Kind.TEXT, meaning="What it says.", source=f"{R} §8.2", key="header_value")
UNESCAPED = Field(
    "http2.header.unescaped",
    "Value, %-signs undone",
    Kind.TEXT,
    derived=True,
    meaning="With %20 and the like as the letters they stand for.",
)
HOW = Field("http2.header.repr", "Packed as", Kind.TEXT, derived=True, source="RFC 7541 §6",
    meaning="A number of a table that both sides keep, or text, which may enter the table.")  # fmt: skip
INDEX = Field(
    "http2.header.index", "Index", derived=True, source="RFC 7541 §2.3.3", meaning="1 to 61 are in every table."
)
FULL_URI = Field(
    "http2.request.full_uri",
    "Whole address",
    Kind.TEXT,
    derived=True,
    meaning="Scheme, authority and path as one address.",
)
_KNOWN = (
    "method", "path", "scheme", "authority", "status", "accept", "accept_charset", "accept_encoding", "accept_language",
    "accept_ranges", "age", "allow", "authorization", "cache_control", "content_disposition", "content_encoding",
    "content_language", "content_length", "content_location", "content_range", "content_type", "cookie", "date", "etag",
    "expect", "expires", "from", "if_match", "if_modified_since", "if_none_match", "if_range", "if_unmodified_since",
    "last_modified", "link", "location", "max_forwards", "proxy_authenticate", "proxy_authorization", "range",
    "referer", "refresh", "retry_after", "server", "set_cookie", "strict_transport_security", "user_agent", "vary",
    "via", "www_authenticate",
)  # fmt: skip
KNOWN = {name: Field(f"http2.headers.{name}", name.replace("_", "-"), Kind.TEXT, source="RFC 9110", derived=True,
                     meaning="The value under its own name.", key=f"known_{name}") for name in _KNOWN}  # fmt: skip


def _block(c: Dissection, out: list[Node], data: bytes, at: int, end: int, start: int, kind: int) -> int:
    """A packed block, and what the talk unpacked from it."""
    size = end - at
    s, frame = c.source, start * 8
    if size:
        out.append(Node(_BLOCKS.get(kind, HEADERS), s, at * 8, size * 8, data[at:end]))
    state = c.state if isinstance(c.state, Headers) else None
    if state is None:
        return end
    plain = b"".join(_entry(header) for header in state.headers if header.how)
    source = c.add_source("Headers unpacked", plain)
    out.append(Node(HEADER_LENGTH, s, frame, 8, len(plain)))
    out.append(Node(HEADER_COUNT, s, frame, 8, len(state.headers)))
    offset = 0
    for header in state.headers:
        first = at + max(0, header.first - state.before)
        if not header.how:
            place, bits = first * 8, header.size * 8
            out.append(Node(TABLE_UPDATE, s, place, bits, None, [Node(TABLE_SIZE, s, place, bits, header.index)]))
            continue
        node = Node(HEADER, s, first * 8, (at + header.first + header.size - state.before - first) * 8, None, [])
        out.append(node)
        node.children = _header(header, source, offset, s, first * 8)
        offset += len(_entry(header))
    if state.problem:
        place = at + max(0, sum(header.size for header in state.headers) - state.before)
        c.note("error", state.problem, min(place, end) * 8, max(0, end - place) * 8)
    if state.uri:
        out.append(Node(FULL_URI, s, frame, 0, state.uri))
    return end


def _data(
    c: Dissection, out: list[Node], data: bytes, at: int, end: int, frame: int, length: int, pad: int | None, flags: int
) -> tuple[int, bytes]:
    """The content of a frame; at the end of a message the whole of it, put together and unpacked."""
    s = c.source
    size = max(0, length - (pad or 0) - (1 if flags & 8 else 0))
    content = data[at : min(at + size, end)]
    body = c.state if isinstance(c.state, Body) else None
    whole, place = content, at
    if body is not None and len(body.pieces) > 1:
        s, whole, place = c.add_source("HTTP/2 body", body.data), body.data, 0
        out.append(Marked(FRAGMENTS, s, 0, len(whole) * 8, None, frame, len(whole), _pieces(body, s)))
    if body is not None and body.encoding in ("gzip", "deflate"):
        out.append(Node(ENCODED, s, place * 8, len(whole) * 8, None))
        whole, problem = unpacked(whole, body.encoding)
        if problem:
            c.note("warning", problem, at * 8, len(content) * 8)
        s, place = c.add_source("Content unpacked", whole), 0
        out.append(Node(DATA, s, 0, len(whole) * 8, whole))
    elif s != c.source:
        out.append(Marked(DATA, s, 0, len(whole) * 8, whole, frame, len(whole)))
    elif content:
        out.append(Node(DATA, s, place * 8, len(whole) * 8, whole))
    return at + len(content), content


def _pieces(body: Body, source: int) -> list[Node]:
    nodes, place = [], 0
    for index, size in body.pieces:
        nodes.append(Node(FRAGMENT, source, place * 8, size * 8, index + 1))
        place += size
    nodes.append(Node(FRAGMENT_COUNT, source, 0, 0, len(body.pieces)))
    nodes.append(Node(WHOLE_LENGTH, source, 0, 0, len(body.data)))
    nodes.append(Node(WHOLE, source, 0, len(body.data) * 8, body.data))
    return nodes


def _entry(header: Header) -> bytes:
    name, value = header.name.encode(), header.value.encode("utf-8", "surrogateescape")
    return len(name).to_bytes(4, "big") + name + len(value).to_bytes(4, "big") + value


def _header(header: Header, unpacked: int, at: int, place: int, here: int) -> list[Node]:
    name, value = len(header.name.encode()), len(header.value.encode("utf-8", "surrogateescape"))
    after = at + 4 + name

    def node(field: Field, place_: int, size: int, shown: Any) -> Node:
        # Wireshark adds the place of the packed header to a smaller one.
        position = place_ + here // 8 if place_ < here // 8 else place_
        return Marked(field, unpacked, place_ * 8, size * 8, shown, position, size)

    nodes = [
        node(NAME_LENGTH, at, 4, name), node(NAME, at + 4, name, header.name), node(VALUE_LENGTH, after, 4, value),
        node(VALUE, after + 4, value, header.value),
    ]  # fmt: skip
    known = KNOWN.get(header.name.lstrip(":").replace("-", "_"))
    if known is not None:
        nodes.append(node(known, after + 4, value, header.value))
    nodes.append(node(UNESCAPED, after + 4, value, unquote(header.value)))
    nodes.append(Node(HOW, place, here, 8, header.how))
    if header.index:
        nodes.append(Node(INDEX, place, here, 8, header.index))
    return nodes


def _setting(number: int, name: str) -> tuple[Item, ...]:
    return (uint(f"http2.settings.{name}", 32, "Value", SETTINGS[number], f"{R} §6.5.2", key=f"setting_{number}"),)


_SETTINGS = Repeat("settings", (Block(branch("http2.settings", "Setting", "How this side wants it.", f"{R} §6.5"), (
    uint("http2.settings.id", 16, "Which", "Which setting.", f"{R} §6.5.2", values=SETTINGS, key="setting"),
    Choose("setting", {
        1: _setting(1, "header_table_size"), 2: _setting(2, "enable_push"), 3: _setting(3, "max_concurrent_streams"),
        4: _setting(4, "initial_window_size"), 5: _setting(5, "max_frame_size"), 6: _setting(6, "max_header_list_size"),
        8: _setting(8, "extended_connect"),
    }, (uint("http2.settings.unknown", 32, "Value", "Of a setting that this program does not know.", f"{R} §6.5",
        key="setting_other"),)),
)),))  # fmt: skip
_WEIGHT = (
    *marked(32, flag("http2.exclusive", "Exclusive", "Priorities of this kind are no longer used.", f"{R} §5.3.2",
        key="exclusive"),
            uint("http2.stream_dependency", 31, "Depends on", "The stream that should go first; no longer used.",
                f"{R} §5.3.2")),
    uint("http2.headers.weight", 8, "Weight", "Its share of the bandwidth; no longer used.", f"{R} §5.3.2",
        key="weight"),
)  # fmt: skip
_PAD = When("frame_flags & 8", (uint("http2.padding", 8, "Padding", "Bytes at the end.", f"{R} §6.1", hex=True,
                                            key="pad"),))  # fmt: skip
_NO_PAD = Derive(Field("http2.pad_length", "Padding", derived=True, key="", source=f"{R} §6.1",
    meaning="None in this frame."), "0", "streamid",
                 "not frame_flags & 8", (31, 0))  # fmt: skip
DATA = bytes_("http2.data.data", 0, "Data", "Part of the content; at its end the whole.", f"{R} §6.1", key="content")
FRAGMENTS = Field(
    "http2.body.fragments",
    "Put together from",
    Kind.NONE,
    derived=True,
    source=f"{R} §8.1",
    meaning="The DATA frames of one message.",
)
FRAGMENT = Field(
    "http2.body.fragment", "Piece in packet", Kind.FRAME, derived=True, meaning="A DATA frame with a piece of it."
)
FRAGMENT_COUNT = Field(
    "http2.body.fragment.count", "Pieces", derived=True, key="body_pieces", meaning="How many DATA frames."
)
WHOLE_LENGTH = Field(
    "http2.body.reassembled.length",
    "Length of the whole",
    derived=True,
    unit="bytes",
    key="body_length",
    meaning="Of all pieces together.",
)
WHOLE = Field(
    "http2.body.reassembled.data",
    "The whole",
    Kind.BYTES,
    derived=True,
    key="body_data",
    meaning="All pieces, put together.",
)
ENCODED = branch("", "Compressed content", "As it was sent.", "RFC 9110 §8.4")
_DATA = Call(_data, ("frame", "length", "pad", "frame_flags"), lambda values: bytes(values.get("content", b"")),
             (DATA, FRAGMENTS, FRAGMENT, FRAGMENT_COUNT, WHOLE_LENGTH, WHOLE, ENCODED), "content")  # fmt: skip
_PADDING = bytes_("http2.data.padding", "pad or 0", "Padding", "Zeros.", f"{R} §6.1", key="padding")
_BLOCK = Call(_block, ("start", "frame_type"), lambda values: bytes(values.get("block", b"")),
              (HEADERS, PROMISED, CONTINUED, TABLE_UPDATE, TABLE_SIZE,
                  HEADER_LENGTH, HEADER_COUNT, HEADER, NAME_LENGTH, NAME, VALUE_LENGTH, VALUE, UNESCAPED, HOW,
                  INDEX,
               FULL_URI, *KNOWN.values()))  # fmt: skip
_STREAM = marked(
    32,
    flag("http2.push_promise.r", "Reserved", "Must be 0.", f"{R} §5.1.1", key="promised_reserved"),
    uint(
        "http2.push_promise.promised_stream_id",
        31,
        "Promised stream",
        "The stream on which the response will come unasked.",
        f"{R} §6.6",
        key="promised",
    ),
)
_BODY: dict[Any, tuple[Item, ...]] = {
    0: (_PAD, _NO_PAD, _DATA, _PADDING),
    1: (_PAD, _NO_PAD, When("frame_flags & 32", _WEIGHT), Block(branch("", "Headers"), (_BLOCK,),
        "frame_end - at - (pad or 0)"), _PADDING),
    2: _WEIGHT,
    3: (uint("http2.rst_stream.error", 32, "Error", "Why the stream ends.", f"{R} §6.4", values=ERRORS, key="error"),),
    4: (_SETTINGS,),
    5: (_PAD, _NO_PAD, *_STREAM, Block(branch("", "Headers"), (_BLOCK,), "frame_end - at - (pad or 0)"), _PADDING),
    6: (Choose("frame_flags & 1",
        {1: (bytes_("http2.pong", 8, "Pong", "What the ping held.", f"{R} §6.7", key="ping"),)}, (
        bytes_("http2.ping", 8, "Ping", "Comes back as it is.", f"{R} §6.7"),)),),
    7: (*marked(32, flag("http2.goway.r", "Reserved", "Must be 0.", f"{R} §6.8", key="goaway_r"),
                uint("http2.goaway.last_stream_id", 31, "Last stream", "Later ones were not looked at.", f"{R} §6.8",
                     key="last_stream")),
        uint("http2.goaway.error", 32, "Error", "Why the connection ends.", f"{R} §6.8", values=ERRORS, key="error"),
        bytes_("http2.goaway.addata", "frame_end - at", "More", "In words, perhaps.", f"{R} §6.8", key="more")),
    8: marked(32, flag("http2.window_update.r", "Reserved", "Must be 0.", f"{R} §6.9", key="window_r"),
              uint("http2.window_update.window_size_increment", 31, "More room", "So many bytes more may be sent.",
                   f"{R} §6.9", key="increment")),
    9: (_BLOCK,),
    10: (uint("http2.altsvc.origin.len", 16, "Origin length", "How many bytes follow.", "RFC 7838 §4",
              auto="sizeof('origin')", key="origin_length"),
         text("http2.altsvc.origin", "origin_length", "Origin", "Whose content can also be had elsewhere.",
              "RFC 7838 §4", key="origin"),
         text("http2.altsvc.field_value", "frame_end - at", "Where", "Protocol, host and port.", "RFC 7838 §4",
              key="alternative")),
}  # fmt: skip


def _left(kind: int, name: str, mask: int) -> Derive:
    """The bits of the flags that mean nothing in frames of a type, as Wireshark shows them: as one number."""
    field = Field(f"http2.flags.{name}", "Unused", hex=True, bits=8, derived=True, source=f"{R} §4.1", key=name,
                  meaning="Bits that mean nothing here; they must be 0.")  # fmt: skip
    return Derive(field, f"frame_flags & {mask}", "frame_flags", f"frame_type == {kind}")


_UNUSED = (_left(0, "unused_data", 0xF6), _left(1, "unused_headers", 0xD2), _left(5, "unused_push_promise", 0xF3),
           _left(9, "unused_continuation", 0xFB))  # fmt: skip


def _frame() -> Block:
    kind = uint("http2.type", 8, "Type", "What kind of frame.", f"{R} §4.1", values=TYPES, key="frame_type")
    flags = Choose("frame_type", {key: (value,) for key, value in _BY_TYPE.items()},
                   (_flags(_unused(8, "unused")),))  # fmt: skip
    return Block(branch("http2.stream", "Frame", "A frame of a stream.", f"{R} §4.1",
        caption="{frame_type} on stream {streamid}"), (
        uint("http2.length", 24, "Length", "Of the content.", f"{R} §4.1", unit="bytes", auto="after - 6"),
        kind, flags, Let("frame", "at - 5"), Let("frame_end", "at + 4 + length"), *_UNUSED,
        *marked(32, Field("http2.r", "Reserved", Kind.UINT, 1, hex=True, source=f"{R} §4.1", meaning="Must be 0.",
            key="r"),
                uint("http2.streamid", 31, "Stream", "0: the connection itself; odd: begun by the client.",
                    f"{R} §5.1.1",
                     default=1)),
        Block(branch("", "Content"), (Choose("frame_type", _BODY),), "length",
            bytes_("http2.unknown", 0, "Content", key="unknown",
                meaning="Of a frame type that this program does not know."),
              keeps=True),
    ))  # fmt: skip


MAGIC = Field("http2.magic", "Magic", Kind.TEXT, 192, meaning="No HTTP/1 server would take this for a request.",
              source=f"{R} §3.4", default="PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")  # fmt: skip


def _info(layer: Node) -> str:
    words = []
    for frame in layer.children:
        kind, stream = frame.child("frame_type"), frame.child("http2.streamid")
        if kind is None:
            words.append("Magic" if frame.child("http2.magic") else "")
            continue
        said = (
            frame.child("http2.headers.method"),
            frame.child("http2.headers.path"),
            frame.child("http2.headers.status"),
        )
        told = " ".join(str(word) for word in said if word is not None)
        words.append(f"{TYPES.get(kind, f'type {kind}')}[{stream}]{': ' + told if told else ''}")
    return ", ".join(word for word in words if word)


HTTP2 = Protocol(
    "http2", "HyperText Transfer Protocol 2", short="HTTP2", source=R, info=_info,
    meaning="The same requests and answers as HTTP/1.1, in frames: many at once over one connection, headers packed.",
    items=(
        Choose("first", {0x505249: (Block(branch("http2.stream", "Magic", meaning="One frame."), (MAGIC,)),)},
            (_frame(),), peek=24,
               made="0x505249 if 'magic' in given else 0"),
    ),
)  # fmt: skip

PROTOCOLS = (HTTP2,)
