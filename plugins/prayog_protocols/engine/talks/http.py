"""HTTP/1.x: how long each message is, and which response answers which request (RFC 9112 §6.3)."""

from __future__ import annotations

import re
from collections import deque

from prayog_protocols.engine.protocols.http import Exchange, Message, chunk_size, full_uri, start_line
from prayog_protocols.engine.talks.talk import LARGEST, SERVER, Application, Cut, Unit

__all__ = ["Http"]

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_EMPTY_LINES = re.compile(rb"(?:\r\n)+")
LONGEST_HEAD = 1 << 16
_TRAILER = 1 << 16  # bytes of lines after the last chunk that are waited for


class _Side:
    """What is known of the message that one side is sending."""

    def __init__(self) -> None:
        self.seen = 0  # bytes already searched for the end of the headers
        self.chunk_at = 0  # where the next chunk of the present message begins
        self.skip = 0  # bytes of a content that is too large to be put together
        self.stream = False  # events without end: each piece is shown as it comes
        self.state: Message | None = None  # of the message at work
        self.head = 0


class Http(Application):
    """A connection on which HTTP is spoken."""

    def __init__(self, secure: bool = False) -> None:
        self.sides = (_Side(), _Side())
        self.secure = secure
        self.waiting: deque[Exchange] = deque()  # requests without a response
        self.unasked = False  # there was a response, and no request waited
        self.last: Exchange | None = None
        self.answered = 0
        self.tunnel = False
        self.upgrade = ""

    def cut(self, direction: int, data: bytearray, fresh: bool, index: int) -> Cut | None:
        side = self.sides[direction]
        if side.skip:
            size = min(side.skip, len(data))
            side.skip -= size
            return Cut(size, "")
        if side.stream:
            return Cut(len(data), "http", Message("continuation"))
        if not side.head:
            empty = _EMPTY_LINES.match(data)
            if empty and not side.seen:  # before a message: read over (RFC 9112 §2.2)
                return Cut(empty.end(), "")
            found = _HEAD_END.search(data, max(0, side.seen - 3))
            if found is None:
                line, _, rest = bytes(data[:LONGEST_HEAD]).partition(b"\n")
                hopeless = rest and not start_line(line.rstrip(b"\r"))[1]
                if hopeless or not self._promising(data) or len(data) > LONGEST_HEAD:
                    side.seen = 0
                    return Cut(len(data), "http", Message("continuation"))
                side.seen = len(data)
                return None
            side.head, side.seen = found.end(), 0
            side.chunk_at = side.head
            side.state = None
        return self._message(direction, side, data, index)

    @staticmethod
    def _promising(data: bytearray) -> bool:
        """An incomplete first line may still become one."""
        line = bytes(data[:100]).split(b"\n")[0]
        if b"HTTP/"[: len(line)] == line[:5]:
            return True
        return bool(re.match(rb"[A-Z][A-Z-]{0,30}(?: \S*(?: \S*)?)?\r?\Z", line))

    def torn(self, direction: int, data: bytearray, index: int) -> Cut | None:
        self.sides[direction].seen = self.sides[direction].head = 0
        lines = [line.rstrip(b"\r") for line in bytes(data).split(b"\n")[:-1]]
        kind, found = start_line(lines[0]) if lines else ("", None)
        if found is None:
            return Cut(len(data), "http", Message("continuation"))
        state = Message(kind, secure=self.secure)
        headers = _headers(lines)
        if kind == "request":
            state.exchange = self._asked(found, headers, index)
        else:
            state.exchange = self._answered(int(found[2]), index)
            return Cut(len(data), "http", state, self._switched(int(found[2]), headers, state.exchange))
        return Cut(len(data), "http", state)

    def _message(self, direction: int, side: _Side, data: bytearray, index: int) -> Cut | None:
        head = bytes(data[: side.head])
        lines = [line.rstrip(b"\r") for line in head.split(b"\n")]
        kind, found = start_line(lines[0])
        if found is None:
            side.head = 0
            return Cut(len(data), "http", Message("continuation"))
        headers = _headers(lines)
        size = self._size(kind, int(found[2]) if kind == "response" else 0, side, data, headers)
        if size is None:
            return None
        state = Message(kind, head=side.head, secure=self.secure)
        then: Application | None = None
        if kind == "request":
            state.exchange = self._asked(found, headers, index)
        else:
            state.exchange = self._answered(int(found[2]), index)
            then = self._switched(int(found[2]), headers, state.exchange)
        if size > LARGEST:
            side.skip, size = size - side.head, side.head
        if (
            kind == "response"
            and headers.get(b"content-type", b"").startswith(b"text/event-stream")
            and (b"content-length" not in headers and b"transfer-encoding" not in headers)
        ):
            side.stream = True
        side.head = 0
        return Cut(size, "http", state, then)

    def _size(self, kind: str, code: int, side: _Side, data: bytearray, headers: dict[bytes, bytes]) -> int | None:
        """Bytes of the whole message; None when it is not known yet or not all there."""
        exchange = self.waiting[0] if self.waiting else None
        bodiless = kind == "response" and (
            100 <= code < 200 or code in (204, 304) or (exchange is not None and (
                exchange.method == "HEAD" or (exchange.method == "CONNECT" and 200 <= code < 300)))
        )  # fmt: skip
        if bodiless:
            return side.head
        if b"chunked" in headers.get(b"transfer-encoding", b"").lower():
            return self._chunks(side, data)
        length = headers.get(b"content-length", b"").split(b",")[0].strip()
        if length.isdigit() and len(length) < 19:
            size = side.head + int(length)
            return size if size <= len(data) or size > LARGEST else None
        if kind == "request":
            return side.head
        if headers.get(b"content-type", b"").startswith(b"text/event-stream"):
            return side.head
        return None  # until the connection ends

    def _chunks(self, side: _Side, data: bytearray) -> int | None:
        at = side.chunk_at
        while True:
            end = data.find(b"\n", at)
            if end < 0:
                return None if len(data) - at < 4096 else len(data)
            size = chunk_size(bytes(data[at:end]))
            if size is None:
                return len(data)
            if size == 0:
                return _after_trailer(data, end + 1)
            if size > LARGEST:
                return len(data)
            if end + 1 + size + 2 > len(data):
                return None
            at = end + 1 + size
            at += 2 if data[at : at + 2] == b"\r\n" else 1
            side.chunk_at = at

    def _asked(self, found: re.Match[bytes], headers: dict[bytes, bytes], index: int) -> Exchange:
        method = (found[1] or found[4]).decode()
        uri = (found[2] or found[5]).decode("utf-8", "replace")
        host = headers.get(b"host", b"").decode("utf-8", "replace")
        # Wireshark counts a response to nothing (as 100 Continue, before the request is complete) as an exchange, too.
        step = 2 if self.unasked else 1
        self.unasked = False
        exchange = Exchange(self.last.number + step if self.last else step, index, -1, method,
                            full_uri(method, uri, host, self.secure), self.last)  # fmt: skip
        if self.last is not None:
            self.last.after = exchange
        self.last = exchange
        self.waiting.append(exchange)
        self.upgrade = headers.get(b"upgrade", b"").decode("latin-1").lower()
        return exchange

    def _answered(self, code: int, index: int) -> Exchange:
        self.answered += 1
        if not self.waiting:
            self.unasked = True
            return Exchange(self.answered, -1, index)
        exchange = self.waiting[0]
        exchange.answer = self.answered
        if code >= 200 or code == 101:
            self.waiting.popleft()
            exchange.response = index
            return exchange
        early = Exchange(exchange.number, -1, index, exchange.method, exchange.uri, exchange.before)
        early.answer = self.answered
        return early

    def _switched(self, code: int, headers: dict[bytes, bytes], exchange: Exchange) -> Application | None:
        from prayog_protocols.engine.talks.choosing import Guess, after_upgrade

        if code == 101:
            return after_upgrade(headers.get(b"upgrade", b"").decode("latin-1").lower(), headers)
        if exchange.method == "CONNECT" and 200 <= code < 300:
            return Guess()
        return None

    def lost(self, direction: int) -> None:
        side = self.sides[direction]
        side.seen = side.head = side.skip = 0

    def finish(self, direction: int, data: bytearray, index: int) -> Cut | None:
        side = self.sides[direction]
        if direction != SERVER or not side.head:
            return None
        head = bytes(data[: side.head])
        kind, found = start_line(head.split(b"\n")[0].rstrip(b"\r"))
        if kind != "response" or found is None:
            return None
        state = Message(kind, self._answered(int(found[2]), index), side.head, secure=self.secure)
        return Cut(len(data), "http", state)

    def inside(self, unit: Unit, data: bytes) -> list[Unit]:
        return []


def _after_trailer(data: bytearray, at: int) -> int | None:
    """Where the lines after the last chunk end; None when that is not there yet."""
    if data[at : at + 1] == b"\n":
        return at + 1
    if data[at : at + 2] == b"\r\n":
        return at + 2
    ends = [place + len(mark) for mark in (b"\r\n\r\n", b"\n\n") if (place := data.find(mark, at, at + _TRAILER)) >= 0]
    if ends:
        return min(ends)
    return len(data) if len(data) - at > _TRAILER else None


def _headers(lines: list[bytes]) -> dict[bytes, bytes]:
    """The headers after the first line, with their names in small letters."""
    return {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])}
