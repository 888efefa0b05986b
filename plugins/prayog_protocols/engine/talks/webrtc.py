"""What shares one UDP port in WebRTC: STUN, DTLS, RTP, told apart by the first byte (RFC 7983)."""

from __future__ import annotations

from prayog_protocols.engine.protocols.stun import StunExchange
from prayog_protocols.engine.protocols.tls import Flight, Record
from prayog_protocols.engine.talks.tls import Session
from prayog_protocols.engine.tls.keylog import KeyLog

__all__ = ["DtlsSession", "StunMatching", "kind_of", "relayed"]

COOKIE = b"\x21\x12\xa4\x42"


def kind_of(head: bytes) -> str:
    """The protocol of a datagram by its first bytes; empty when it is none of these."""
    if len(head) < 12:
        return ""
    first = head[0]
    if first < 4 and head[4:8] == COOKIE and len(head) >= 20:
        return "stun"
    if 20 <= first <= 25 and head[1] == 0xFE and head[2] in (0xFF, 0xFD, 0xFC):
        return "dtls"
    return ""


def relayed(head: bytes, size: int) -> bool:
    """Whether a datagram at STUN's port is STUN without a cookie (RFC 3489) or data in a channel (RFC 8656 §12.4)."""
    if len(head) < 4:
        return False
    said = head[2] << 8 | head[3]
    if head[0] < 4:
        return said + 20 == size
    return 0x40 <= head[0] < 0x80 and said + 4 <= size < said + 8


class StunMatching:
    """Requests by transaction, until they are answered."""

    def __init__(self) -> None:
        self._asked: dict[bytes, StunExchange] = {}

    def seen(self, head: bytes, index: int) -> StunExchange | None:
        """What is known about a message."""
        if len(head) < 20:
            return None
        kind, transaction = int.from_bytes(head[:2], "big") & 0x0110, head[8:20]
        if kind == 0:
            return self._asked.setdefault(transaction, StunExchange(index))
        if kind in (0x0100, 0x0110):
            known = self._asked.get(transaction)
            if known is not None and known.response < 0:
                known.response = index
            return known
        return None


class DtlsSession:
    """A DTLS conversation: each datagram becomes a flight of records."""

    def __init__(self, keys: KeyLog) -> None:
        self.session = Session(keys)
        self._pieces: dict[tuple[int, int], dict[int, bytes]] = {}

    def datagram(self, direction: int, data: bytes) -> Flight:
        """The records of one datagram; `direction` is that of the client for whoever sent the Client Hello."""
        flight, at, session = Flight(), 0, self.session
        while at + 13 <= len(data) and 20 <= data[at] <= 26:
            size = data[at + 11] << 8 | data[at + 12]
            content = data[at + 13 : at + 13 + size]
            epoch = data[at + 3] << 8 | data[at + 4]
            kind, version = data[at], data[at + 1] << 8 | data[at + 2]
            if epoch and not session.encrypted[direction]:
                session.changed(direction)
            record = Record()
            if epoch:
                record = session.opened(
                    direction, kind, version, content, int.from_bytes(data[at + 3 : at + 11], "big")
                )
            flight.records.append(record)
            if kind == 20 and not epoch:
                session.changed(direction)
            elif kind == 22 and not (record.encrypted and record.plain is None):
                self._handshake(direction, content if record.plain is None else record.plain, record)
            at += 13 + size
        flight.version, flight.exchange = session.version, session.exchange
        return flight

    def _handshake(self, direction: int, content: bytes, record: Record) -> None:
        at = 0
        while at + 12 <= len(content):
            total = int.from_bytes(content[at + 1 : at + 4], "big")
            number = int.from_bytes(content[at + 4 : at + 6], "big")
            offset = int.from_bytes(content[at + 6 : at + 9], "big")
            size = int.from_bytes(content[at + 9 : at + 12], "big")
            piece = content[at + 12 : at + 12 + size]
            if total < 1 << 16:
                whole = self._piece(direction, content[at], number, total, offset, piece)
                if whole is not None and size != total:
                    record.whole[at] = whole
            at += 12 + size

    def _piece(self, direction: int, kind: int, number: int, total: int, offset: int, piece: bytes) -> bytes | None:
        pieces = self._pieces.setdefault((direction, number), {})
        pieces[offset] = piece
        whole, reached = bytearray(), 0
        for place in sorted(pieces):
            if place > reached:
                return None
            whole[place:] = pieces[place]
            reached = len(whole)
        if reached < total:
            return None
        del self._pieces[direction, number]
        body = bytes(whole[:total])
        self.session.message(direction, bytes((kind,)) + total.to_bytes(3, "big") + bytes(8) + body, True)
        return body
