"""HTTP/1.0 and 1.1 (RFC 9110, RFC 9112): requests and responses, read tolerantly.

A message that does not look like HTTP is shown as the continuation of another one.
"""

from __future__ import annotations

import binascii
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from prayog_protocols.engine.dissection import Dissection
from prayog_protocols.engine.protocols import http_fields as f
from prayog_protocols.engine.protocols.lines import line_at, text_node
from prayog_protocols.engine.spec import Call, Field, Protocol, branch
from prayog_protocols.engine.tree import LongText, Marked, Node

__all__ = ["HTTP", "Exchange", "Message", "chunk_size", "start_line", "unpacked"]

MOST_UNPACKED = 1 << 24  # bytes that a compressed content may become
MOST_CHUNKS = 5_000  # of one message that are shown one by one
_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*\r?(?:;|\Z)")
_REQUEST = re.compile(rb"([A-Z][A-Z-]{1,30}) (\S{1,65000}) (HTTP/\d\.\d)\Z|([A-Z][A-Z-]{1,30}) (\S{1,65000}) ?\Z")
_RESPONSE = re.compile(rb"(HTTP/\d\.\d) (\d{3})(?: (.*))?\Z", re.DOTALL)
_READ_BY_OTHERS = {
    "application/json", "application/xml", "application/x-www-form-urlencoded", "application/javascript",
    "application/octet-stream", "application/x-javascript", "application/xhtml+xml", "application/soap+xml",
    "multipart/form-data",
}  # fmt: skip
_START = branch("", "Start line", "What is asked, or how it went.", "RFC 9112 §2.1", caption="{line}")
_EMPTY = branch("", "End of headers", "An empty line; the content begins after it.", "RFC 9112 §2.1")
_CHUNKS = branch(
    "", "Content in chunks", "Pieces with their lengths, because the whole length was not known.", "RFC 9112 §7.1"
)
_CHUNK = branch("", "Chunk", "One piece.", "RFC 9112 §7.1")
_ENCODED = branch("", "Compressed content", "As it was sent.", "RFC 9110 §8.4")


@dataclass(slots=True)
class Exchange:
    """A request and its response, by index of their packets; -1 where one was not seen."""

    number: int
    request: int = -1
    response: int = -1
    method: str = ""
    uri: str = ""  # with the host
    before: Exchange | None = None
    after: Exchange | None = None
    answer: int = 0  # number of the response


@dataclass(slots=True)
class Message:
    """What the talk knows about a message."""

    kind: str  # "request", "response", "continuation"
    exchange: Exchange | None = None
    head: int = 0  # bytes of start line and headers
    times: dict[str, int] = field(default_factory=dict)
    secure: bool = False


def start_line(line: bytes) -> tuple[str, re.Match[bytes] | None]:
    """Whether a line begins a request or a response, and its parts."""
    found = _RESPONSE.match(line)
    if found:
        return "response", found
    found = _REQUEST.match(line)
    if found and (found[3] or found[4].decode() in f.METHODS):
        return "request", found
    return "", None


def _read(c: Dissection, out: list[Node], data: bytes, at: int, end: int) -> tuple[int, Any]:
    start, s = at, c.source
    message = c.state if isinstance(c.state, Message) else None
    stop, after = line_at(data, at, end)
    kind, found = start_line(data[at:stop])
    if not found or (message and message.kind == "continuation"):
        if at < end:
            out.append(LongText(f.FILE_DATA, s, at * 8, (end - at) * 8, data[at:end]))
            c.follow_protocol(None, s, at, end)
            c.cover(end)
        return at, {"continuation": data[at:end]}
    line = Node(_START, s, at * 8, (after - at) * 8, None, [])
    out.append(line)
    _start_nodes(line, kind, found, s, data, at)
    told: dict[str, Any] = {"start": data[at:stop].decode("latin-1"), "headers": []}
    headers: dict[str, str] = {}
    # Where the first message of the packet begins: Wireshark adds that to some places once too often.
    base = next((layer.start >> 3 for layer in c.packet.layers if layer.name == "http" and layer.source == s), start)
    at = after
    while at < end:
        stop, after = line_at(data, at, end)
        if after == end and data[end - 1] != 10 and c.is_cut(end):
            c.note("error", "The capture kept only the beginning of this line.", at * 8, (end - at) * 8)
            _derived(c, out, kind, found, headers, message, start, start + base if start > base else start)
            return end, told
        if stop == at:
            out.append(Node(_EMPTY, s, at * 8, (after - at) * 8, None))
            at = after
            break
        name, value, _ = _header(out, s, data, at, stop, after, kind, base)
        told["headers"].append((name, value))
        headers[name.lower()] = value
        at = after
    _derived(c, out, kind, found, headers, message, start, start + base if start > base else start)
    body = at
    if at < end:
        at = _content(c, out, data, at, end, headers, start)
        told["body"] = data[body:end]
    return body, told


def _start_nodes(line: Node, kind: str, found: re.Match[bytes], s: int, data: bytes, at: int) -> None:
    children: list[Node] = []
    if kind == "response":
        children.append(text_node(f.RESPONSE_VERSION, s, data, at + found.start(1), at + found.end(1)))
        code = int(found[2])
        children.append(text_node(f.CODE, s, data, at + found.start(2), at + found.end(2), code))
        meant = f.STATUS.get(code, f"Unknown ({code})")
        children.append(text_node(f.CODE_TEXT, s, data, at + found.start(2), at + found.end(2), meant))
        if found[3]:
            children.append(text_node(f.PHRASE, s, data, at + found.start(3), at + found.end(3)))
    else:
        first = 1 if found[3] else 4
        children.append(text_node(f.METHOD, s, data, at + found.start(first), at + found.end(first)))
        uri = text_node(f.URI, s, data, at + found.start(first + 1), at + found.end(first + 1))
        children.append(uri)
        mark = found[first + 1].find(b"?")
        if mark >= 0:
            begin, stop = at + found.start(first + 1), at + found.end(first + 1)
            uri.children = [text_node(f.PATH, s, data, begin, begin + mark)]
            query = text_node(f.QUERY, s, data, begin + mark + 1, stop)
            uri.children.append(query)
            place = begin + mark + 1
            parameters = []
            for piece in data[place:stop].split(b"&")[:500]:
                parameters.append(text_node(f.PARAMETER, s, data, place, place + len(piece)))
                place += len(piece) + 1
            query.children = parameters
        if found[3]:
            children.append(text_node(f.REQUEST_VERSION, s, data, at + found.start(3), at + found.end(3)))
    line.children = children


def _header(
    out: list[Node], s: int, data: bytes, at: int, stop: int, after: int, kind: str, base: int
) -> tuple[str, str, int]:  # fmt: skip
    """One header line: its node, and the name and value."""
    colon = data.find(b":", at, stop)
    place, bits = at * 8, (after - at) * 8
    whole = Node(f.REQUEST_LINE if kind == "request" else f.RESPONSE_LINE, s, place, bits,
                 data[at:after].decode("utf-8", "replace"))  # fmt: skip
    if colon < 0:
        out.append(whole)
        return data[at:stop].decode("latin-1"), "", stop
    name = data[at:colon].decode("latin-1").strip()
    first = colon + 1
    while first < stop and data[first] in b" \t":
        first += 1
    value = data[first:stop].decode("utf-8", "replace").rstrip()
    known = f.HEADERS.get(name.lower())
    if known is None:
        out.append(whole)
        return name, value, first
    node = Node(known, s, place, bits, value)
    out.append(node)
    node.children = _inside_header(name.lower(), value, node, s, data, first, stop, base)
    out.append(whole)
    return name, value, first


def _inside_header(
    name: str, value: str, node: Node, s: int, data: bytes, at: int, stop: int, base: int
) -> list[Node] | tuple[()]:
    if name == "content-length" and value.isascii() and value.isdigit():
        return [Node(f.LENGTH, s, node.start, node.bits, int(value[:19]))]
    if name == "cookie":
        pairs = []
        for piece in data[at:stop].split(b";")[:500]:
            inner = len(piece) - len(piece.lstrip())
            pairs.append(text_node(f.COOKIE_PAIR, s, data, at + inner, at + len(piece)))
            at += len(piece) + 1
        return pairs
    if name == "authorization" and value[:6].lower() == "basic ":
        try:
            plain = binascii.a2b_base64(value[6:]).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            return ()
        return [Marked(f.BASIC, s, node.end, 0, plain, (node.start >> 3) + base, 0)]
    return ()


def _derived(
    c: Dissection, out: list[Node], kind: str, found: re.Match[bytes], headers: Mapping[str, str],
    message: Message | None, start: int, shown: int,
) -> None:  # fmt: skip
    """What is known from other messages of the connection."""
    s, place = c.source, start * 8
    exchange = message.exchange if message else None

    def add(field_: Field, value: Any) -> None:
        out.append(Marked(field_, s, place, 0, value, shown, 0))

    if kind == "request":
        uri = (found[2] or found[5]).decode("utf-8", "replace")
        full = full_uri((found[1] or found[4]).decode(), uri, headers.get("host", ""), bool(message and message.secure))
        if full:
            add(f.FULL_URI, full)
        add(f.IS_REQUEST, 1)
    else:
        add(f.IS_RESPONSE, 1)
    if exchange is None:
        return
    if kind == "request":
        add(f.REQUEST_NUMBER, exchange.number)
        if exchange.before is not None and exchange.before.request >= 0:
            add(f.PREVIOUS_REQUEST, exchange.before.request + 1)
        if exchange.response >= 0:
            add(f.RESPONSE_IN, exchange.response + 1)
        if exchange.after is not None and exchange.after.request >= 0:
            add(f.NEXT_REQUEST, exchange.after.request + 1)
        return
    add(f.RESPONSE_NUMBER, exchange.answer or exchange.number)
    if exchange.request >= 0:
        clock = c.context.moment_of(exchange.request), c.context.moment_of(c.number - 1)
        if clock[0] is not None and clock[1] is not None:
            add(f.TIME, clock[1] - clock[0])
    if exchange.before is not None:
        if exchange.before.request >= 0:
            add(f.PREVIOUS_REQUEST, exchange.before.request + 1)
        if exchange.before.response >= 0:
            add(f.PREVIOUS_RESPONSE, exchange.before.response + 1)
    if exchange.request >= 0:
        add(f.REQUEST_IN, exchange.request + 1)
    if exchange.uri:
        add(f.RESPONSE_FOR, exchange.uri)


def full_uri(method: str, uri: str, host: str, secure: bool) -> str:
    """Host and target as one address; empty when the host is not known."""
    if "://" in uri or method == "CONNECT":
        return uri
    return f"{'https' if secure else 'http'}://{host}{uri}" if host else ""


# ── content ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _content(
    c: Dissection, out: list[Node], data: bytes, at: int, end: int, headers: Mapping[str, str], start: int
) -> int:  # fmt: skip
    s = c.source
    content, source, place = data[at:end], s, at
    if "chunked" in headers.get("transfer-encoding", "").lower():
        content = _chunked(c, out, data, at, end)
        source = c.add_source("Content without chunks", content)
        place = 0
    encoding = headers.get("content-encoding", "").lower()
    if encoding in ("gzip", "x-gzip", "deflate") and content:
        out.append(Node(_ENCODED, source, place * 8, len(content) * 8, None))
        plain, problem = unpacked(content, encoding)
        if problem:
            c.note("warning", problem, place * 8, len(content) * 8, source)
        if plain:
            content, place = plain, 0
            source = c.add_source("Content unpacked", plain)
    if not content:
        return end
    kind = headers.get("content-type", "").split(";")[0].strip().lower()
    if kind in ("", "application/octet-stream"):
        c.follow_protocol(None, source, place, place + len(content))
    if not kind.startswith(("text/", "image/gif", "image/jpeg")) and kind not in _READ_BY_OTHERS:
        c.cover(end)  # Wireshark's layer ends with the headers where another dissector takes the content
    if source == s:
        out.append(LongText(f.FILE_DATA, source, place * 8, len(content) * 8, content))
    else:
        text = content.decode("utf-8", "replace")
        out.append(Marked(f.FILE_DATA, source, 0, len(content) * 8, text, start, len(content)))
    return end


def chunk_size(line: bytes) -> int | None:
    """The size that a line before a chunk says; None when it says none."""
    found = _SIZE.match(line)
    return int(found[1], 16) if found else None


def _chunked(c: Dissection, out: list[Node], data: bytes, at: int, end: int) -> bytes:
    """Nodes of the chunks; returns the content without them."""
    s = c.source
    whole = Node(_CHUNKS, s, at * 8, (end - at) * 8, None, [])
    out.append(whole)
    pieces: list[bytes] = []
    nodes: list[Node] = []
    while at < end:
        stop, after = line_at(data, at, end)
        size = chunk_size(data[at:stop])
        if size is None:
            c.note("error", "A chunk's size is no hexadecimal number.", at * 8, (stop - at) * 8)
            break
        last = min(after + size, end)
        if len(nodes) == MOST_CHUNKS and size and last + 2 <= end:
            if len(pieces) == MOST_CHUNKS:
                c.note("note", f"The chunks after the first {MOST_CHUNKS} are not shown one by one.", at * 8, 0)
            pieces.append(data[after:last])
            at = last + 2
            continue
        chunk = Node(_CHUNK, s, at * 8, 0, None, [])
        chunk.children = [text_node(f.CHUNK_SIZE, s, data, at, after, size)]
        if size:
            chunk.children.append(text_node(f.CHUNK_DATA, s, data, after, last))
            pieces.append(data[after:last])
        nodes.append(chunk)
        if size == 0:
            chunk.bits = (after - at) * 8
            at = after
            while at < end:
                stop, after = line_at(data, at, end)
                if stop > at:
                    nodes.append(text_node(f.TRAILER, s, data, at, after))
                at = after
                if stop == at:
                    break
            break
        if after + size > end:
            c.note("error", f"A chunk of {size} bytes, and {end - after} are left.", after * 8, (end - after) * 8)
        bound = min(last + 2, end)
        if bound > last:
            chunk.children.append(text_node(f.CHUNK_END, s, data, last, bound))
        chunk.bits = (bound - at) * 8
        at = bound
    whole.children = nodes
    return b"".join(pieces)


def unpacked(content: bytes, encoding: str) -> tuple[bytes, str]:
    """Content without its compression, and what was wrong with it."""
    for window in (31, 15, -15) if encoding == "deflate" else (31,):
        machine = zlib.decompressobj(window)
        try:
            plain = machine.decompress(content, MOST_UNPACKED)
        except zlib.error:
            continue
        if machine.unconsumed_tail:
            return plain, f"The content unpacks to more than {MOST_UNPACKED} bytes: only these are shown."
        return plain, "" if machine.eof else "The compressed content is cut off."
    return b"", f"The content is said to be {encoding}, and cannot be unpacked."


def _write(values: Mapping[str, Any]) -> bytes:
    message = values.get("message", {})
    if "continuation" in message:
        return bytes(message["continuation"])
    start = message.get("start", "GET / HTTP/1.1")
    lines = [start, *(f"{name}: {value}" for name, value in message.get("headers", ()))]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + bytes(message.get("body", b""))


def _info(layer: Node) -> str:
    method, uri = layer.child("http.request.method"), layer.child("http.request.uri")
    if method:
        return f"{method} {uri} {layer.child('http.request.version') or ''}".strip()
    code = layer.child("http.response.code")
    if code:
        return f"{layer.child('http.response.version')} {code} {layer.child('http.response.phrase') or ''}".strip()
    return "Continuation"


HTTP = Protocol(
    "http", "Hypertext Transfer Protocol", short="HTTP", source="RFC 9110, RFC 9112", info=_info,
    meaning="The client asks for something by name, the server answers. Each request can be understood alone.",
    entries={"tcp.port": (80, 3128, 3132, 5985, 8080, 8088, 11371, 1900, 2869, 2710, 8000)},
    items=(Call(_read, (), _write, f.FIELDS, "message"),),
)  # fmt: skip

PROTOCOLS = (HTTP,)
