"""WebSocket after the handshake: frames, messages in several frames, and compressed ones (RFC 7692)."""

from __future__ import annotations

import zlib
from typing import Any

from prayog_protocols.engine.protocols.websocket import FrameState, unmasked
from prayog_protocols.engine.talks.talk import LARGEST, Application, Cut, Unit

__all__ = ["WebSocket"]


class WebSocket(Application):
    """Frames in both directions."""

    def __init__(self, extensions: bytes = b"") -> None:
        words = extensions.lower()
        self.compressed = b"permessage-deflate" in words
        self.fresh = (b"server_no_context_takeover" in words, b"client_no_context_takeover" in words)
        self._inflaters: list[Any] = [None, None]
        self._open: list[tuple[int, bool, list[bytes], list[tuple[int, int]]] | None] = [None, None]
        self._size = [0, 0]  # of the message that is open
        self._skip = [0, 0]

    def cut(self, direction: int, data: bytearray, fresh: bool, index: int) -> Cut | None:
        if self._skip[direction]:
            size = min(self._skip[direction], len(data))
            self._skip[direction] -= size
            return Cut(size, "")
        if len(data) < 2:
            return None
        length, head = data[1] & 127, 2
        if length >= 126:
            wide = 2 if length == 126 else 8
            if len(data) < 2 + wide:
                return None
            length, head = int.from_bytes(data[2 : 2 + wide], "big"), 2 + wide
        key = b""
        if data[1] & 128:
            key = bytes(data[head : head + 4])
            head += 4
        if length > LARGEST:
            self._skip[direction] = min(length, 1 << 62)
            return Cut(min(head, len(data)), "websocket")
        if len(data) < head + length:
            return None
        piece = bytes(data[head : head + length])
        state = self._message(direction, data[0], unmasked(piece, key) if key else piece, index)
        return Cut(head + length, "websocket", state)

    def _message(self, direction: int, first: int, plain: bytes, index: int) -> FrameState | None:
        """The whole message, when this frame ends one that came in pieces or compressed."""
        opcode, fin, packed = first & 15, bool(first & 128), bool(first & 64) and self.compressed
        if opcode >= 8:
            return None
        if opcode:
            if fin and not packed:
                return None
            self._open[direction] = (opcode, packed, [], [])
            self._size[direction] = 0
        state = self._open[direction]
        if state is None:
            return None
        kind, packed, pieces, places = state
        pieces.append(plain)
        places.append((index, len(plain)))
        self._size[direction] += len(plain)
        if self._size[direction] > LARGEST:
            self._open[direction] = None
            return None
        if not fin:
            return None
        self._open[direction] = None
        message = b"".join(pieces)
        if not packed:
            return FrameState(message, kind, tuple(places))
        return FrameState(self._inflated(direction, message), kind, tuple(places), message)

    def _inflated(self, direction: int, packed: bytes) -> bytes:
        machine = self._inflaters[direction]
        if machine is None or self.fresh[direction]:
            machine = self._inflaters[direction] = zlib.decompressobj(-15)
        try:
            return bytes(machine.decompress(packed + b"\x00\x00\xff\xff", 1 << 24))
        except zlib.error:
            self._inflaters[direction] = None
            return packed

    def lost(self, direction: int) -> None:
        self._skip[direction] = 0
        self._open[direction] = None
        self._inflaters[direction] = None

    def finish(self, direction: int, data: bytearray, index: int) -> Cut | None:
        return None

    def inside(self, unit: Unit, data: bytes) -> list[Unit]:
        return []
