"""HTTP/2: frames, and headers unpacked in the order in which they were sent (RFC 7541)."""

from __future__ import annotations

from typing import Any

from prayog_protocols.engine.protocols.http2 import Body, Header, Headers
from prayog_protocols.engine.talks.talk import CLIENT, LARGEST, Application, Cut, Unit

__all__ = ["MAGIC", "Http2", "representation"]

MAGIC = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_LARGEST_BLOCK = 1 << 18
_MOST_STREAMS = 10_000  # that are open at once
_LARGEST_LIST = 1 << 20  # bytes of headers that one block may unpack to, counted as RFC 9113 §10.5.1 does
_MOST_HEADERS = 1 << 24  # of one connection
_WORDS = {
    "indexed": "Indexed Header Field", "kept": "Literal Header Field with Incremental Indexing",
    "plain": "Literal Header Field without Indexing", "never": "Literal Header Field never Indexed",
}  # fmt: skip


def _number(data: bytes, at: int, bits: int) -> tuple[int, int]:
    """An integer of HPACK and the place after it (RFC 7541 §5.1); raises `IndexError` at the end of the data."""
    most = (1 << bits) - 1
    value = data[at] & most
    at += 1
    if value < most:
        return value, at
    shift = 0
    while shift < 35:
        byte = data[at]
        at += 1
        value += (byte & 127) << shift
        shift += 7
        if not byte & 128:
            break
    return value, at


def representation(data: bytes, at: int) -> tuple[int, str, int]:
    """Where the header that is packed at `at` ends, how it is packed, and its index (RFC 7541 §6).

    Raises `IndexError` when the data end before it does.
    """
    first = data[at]
    if first & 128:
        index, at = _number(data, at, 7)
        return at, _WORDS["indexed"], index
    if first & 0xE0 == 0x20:
        size, at = _number(data, at, 5)
        return at, "", size
    kind, bits = ("kept", 6) if first & 64 else ("never", 4) if first & 16 else ("plain", 4)
    index, at = _number(data, at, bits)
    for _ in range(1 if index else 2):
        size, at = _number(data, at, 7)
        at += size
        if at > len(data):
            raise IndexError("a string goes beyond the block")
    return at, f"{_WORDS[kind]} - {'Indexed' if index else 'New'} Name", index


class Http2(Application):
    """A connection with streams."""

    def __init__(self, secure: bool = False) -> None:
        self.secure = secure
        self._decoders: list[Any] = [_decoder(), _decoder()]
        self._open: list[bytearray | None] = [None, None]  # a header block that goes on
        self._begun = False
        self._bodies: dict[tuple[int, int], list[tuple[int, bytes]]] = {}  # by direction and stream
        self._encodings: dict[tuple[int, int], str] = {}
        self._held = 0  # bytes of bodies that have not ended
        self._told = 0  # bytes of headers

    def cut(self, direction: int, data: bytearray, fresh: bool, index: int) -> Cut | None:
        if direction == CLIENT and not self._begun:
            if data[:24] == MAGIC:
                self._begun = True
                return Cut(24, "http2")
            if MAGIC.startswith(bytes(data[:24])):
                return None
            self._begun = True
        if len(data) < 9:
            return None
        size = 9 + int.from_bytes(data[:3], "big")
        if len(data) < size:
            return None
        frame = bytes(data[:size])
        if frame[3] == 0:
            body = self._content(direction, frame, index)
            return Cut(size, "http2", body, kept=len(body.data) if body is not None else 0)
        return Cut(size, "http2", self._headers(direction, frame))

    def _content(self, direction: int, frame: bytes, index: int) -> Body | None:
        """The whole content of a message, when its last frame is this one."""
        key = direction, int.from_bytes(frame[5:9], "big")
        at, end = 9, len(frame)
        if frame[4] & 8 and at < end:
            end -= frame[at]
            at += 1
        pieces = self._bodies.setdefault(key, [])
        if at < end:
            pieces.append((index, frame[at:end]))
            self._held += end - at
        if self._held > LARGEST or len(self._bodies) > _MOST_STREAMS:
            self._bodies.clear()
            self._held = 0
            return None
        if not frame[4] & 1:
            return None
        del self._bodies[key]
        data = b"".join(piece for _, piece in pieces)
        self._held -= len(data)
        return Body(data, tuple((index, len(piece)) for index, piece in pieces), self._encodings.pop(key, ""))

    def _headers(self, direction: int, frame: bytes) -> Headers | None:
        kind, flags, at, end = frame[3], frame[4], 9, len(frame)
        if kind not in (1, 5, 9):
            return None
        if kind != 9:
            if flags & 8 and at < end:
                end -= frame[at]
                at += 1
            at += (5 if flags & 32 else 0) if kind == 1 else 4
        block = frame[at:end] if at <= end else b""
        before = self._open[direction] if kind == 9 else None
        whole = bytes(before) + block if before else block
        headers, used = self._unpacked(direction, whole)
        problem = "" if used == len(whole) or self._decoders[direction] or not headers else (
            f"The headers unpack to more than {_LARGEST_LIST:,} bytes, or cannot be unpacked: the rest is not shown."
        )  # fmt: skip
        left = whole[used:]
        # A header may be split between two frames.
        self._open[direction] = bytearray(left) if not flags & 4 and len(left) <= _LARGEST_BLOCK else None
        named = {header.name: header.value for header in headers}
        if "content-encoding" in named and len(self._encodings) < _MOST_STREAMS:
            self._encodings[direction, int.from_bytes(frame[5:9], "big")] = named["content-encoding"].strip().lower()
        uri = ""
        if ":path" in named and ":authority" in named:
            uri = f"{named.get(':scheme', 'https')}://{named[':authority']}{named[':path']}"
        return Headers(tuple(headers), uri, len(before) if before else 0, problem)

    def _unpacked(self, direction: int, block: bytes) -> tuple[list[Header], int]:
        """The headers that are whole in a block, and how many bytes they took."""
        decoder, headers, at, size = self._decoders[direction], [], 0, 0
        while at < len(block) and decoder is not None:
            try:
                end, how, index = representation(block, at)
            except IndexError:
                break
            try:
                found = decoder.decode(block[at:end], raw=True)
            except Exception:  # noqa: BLE001 - the table is lost with the first mistake, and all after it with the table
                self._decoders[direction] = None
                break
            if not how:
                headers.append(Header(at, end - at, "", "", "", index))
            size += sum(len(name) + len(value) + 32 for name, value, *_ in found)
            if size > _LARGEST_LIST or self._told + size > _MOST_HEADERS:
                self._decoders[direction] = None
                break
            for name, value, *_ in found:
                text = value.decode("utf-8", "surrogateescape")
                headers.append(Header(at, end - at, name.decode("utf-8", "replace"), text, how, index))
            at = end
        self._told += size
        return headers, at

    def lost(self, direction: int) -> None:
        self._decoders[direction] = None  # a table with a gap is worse than none
        self._open[direction] = None

    def finish(self, direction: int, data: bytearray, index: int) -> Cut | None:
        return None

    def inside(self, unit: Unit, data: bytes) -> list[Unit]:
        return []


def _decoder() -> Any:
    try:
        from hpack import Decoder
    except ImportError:
        return None
    decoder = Decoder(max_header_list_size=1 << 20)
    decoder.max_allowed_table_size = 1 << 16
    return decoder
