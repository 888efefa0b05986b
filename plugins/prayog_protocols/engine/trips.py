"""How many round trips lie between “connect” and the first byte of a request: TCP, TLS and QUIC.

Sources: RFC 9293 §3.5 (TCP), RFC 8446 §2 (TLS 1.3), RFC 5246 §7.3 (TLS 1.2), RFC 9000 §7 and RFC 9001 §4 (QUIC).  The
encrypted parts are filled with made-up bytes of the right size: nobody can read the real ones either.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from struct import pack

from prayog_protocols.engine import quic
from prayog_protocols.engine.story import Story
from prayog_protocols.engine.wire import Frame, Tcp, Wire
from prayog_sdk.run import Emit, Facts
from prayog_sim.run import Action, ActionError
from prayog_sim.trace import Step

__all__ = ["WAYS", "Trips"]

WAYS = ("TCP", "TCP + TLS 1.2", "TCP + TLS 1.3", "QUIC", "QUIC 0-RTT")
_REQUEST = b"GET /orders/7 HTTP/1.1\r\nHost: shop.example\r\n\r\n"
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\npaid\n"
_CERTIFICATE = (  # of shop.example, signed by itself, valid for 2026 to 2036
    "MIIBGjCBwaADAgECAgEHMAoGCCqGSM49BAMCMBcxFTATBgNVBAMMDHNob3AuZXhhbXBsZTAeFw0yNjAxMDEwMDAwMDBaFw0zNjAx"
    "MDEwMDAwMDBaMBcxFTATBgNVBAMMDHNob3AuZXhhbXBsZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABFlgKAU4sHvBufyqfBRH"
    "3rN0htnc6wxrWkPrUotmXPeZ+xIg2JxrgZpkhIVdXSawQF4Cn9hna0PgZX+/kdAd+bMwCgYIKoZIzj0EAwIDSAAwRQIgfF4evdzC"
    "DmXGoEMIeTofmWWLV8DWs0QyRSAjn7DhtpYCIQDlzopfNLt+Fx7CtHEviz7vdq/VahHPAMv2mOlBh+b2RA=="
)


class Trips(Story):
    """Each action ``connect`` opens one connection in one way."""

    about = "Choose how the phone connects to the shop."

    def __init__(self, round_trip_ms: float) -> None:
        self._wire = Wire(round_trip_ms / 2)
        self._round_trip = round_trip_ms
        super().__init__()
        self.begin("network", round_trip_ms=round_trip_ms)

    def learn(self, state: Facts, step: Step) -> Facts:
        if step.kind != "first_byte":
            return state
        return {**state, "round_trips": {**state.get("round_trips", {}), step.data["way"]: step.data["round_trips"]}}

    def perform(self, action: Action) -> Iterator[Emit]:
        way = str(action.args.get("way", "TCP"))
        if action.name != "connect" or way not in WAYS:
            raise ActionError(f"Connect in one of these ways: {', '.join(WAYS)}.")
        return self._connect(way)

    def _connect(self, way: str) -> Iterator[Emit]:
        wire = self._wire
        wire.wait(500)
        began = wire.now
        frames = self._quic(way == "QUIC 0-RTT") if way.startswith("QUIC") else self._tcp(way)
        for frame in frames:
            yield frame.emit()
            if frame.words.startswith("request"):
                ms = (frame.at_ns - began) / 1e6
                trips = round(ms / self._round_trip)
                yield "first_byte", frame.src, {"way": way, "round_trips": trips, "ms": ms}

    def _tcp(self, way: str) -> Iterator[Frame]:
        talk = self._wire.tcp("phone", "shop", 80 if way == "TCP" else 443)
        yield from talk.open()
        if way == "TCP":
            yield from talk.say(">", _REQUEST, "request")
            yield from talk.say("<", _ANSWER, "answer")
            return
        yield from self._tls13(talk) if way.endswith("1.3") else self._tls12(talk)
        yield from talk.say(">", _sealed(_REQUEST, b"request"), "request (encrypted)")
        yield from talk.say("<", _sealed(_ANSWER, b"answer"), "answer (encrypted)")

    @staticmethod
    def _tls13(talk: Tcp) -> Iterator[Frame]:
        """One round trip: the server's whole flight comes back at once, and the client may speak after its own."""
        yield from talk.say(">", _client_hello(True), "ClientHello with a key share")
        flight = _server_hello(True) + _change() + _sealed(bytes(1_900), b"certificate")
        yield from talk.say("<", flight, "ServerHello, certificate, Finished")
        talk_on = _change() + _sealed(bytes(36), b"finished")
        yield talk.segment(">", 0x18, talk_on, "Finished (and the request may follow at once)")

    @staticmethod
    def _tls12(talk: Tcp) -> Iterator[Frame]:
        """Two round trips: keys are agreed on in the second."""
        yield from talk.say(">", _client_hello(False), "ClientHello")
        certificate = _handshake(11, _sized(_sized(base64.b64decode(_CERTIFICATE))))
        flight = _server_hello(False) + certificate + _handshake(12, _key_exchange()) + _handshake(14, b"")
        yield from talk.say("<", flight, "ServerHello, certificate, key exchange")
        keys = _handshake(16, b"\x20" + _made(32, b"client key")) + _change() + _record(22, _made(40, b"finished"))
        yield from talk.say(">", keys, "client key exchange, Finished")
        yield from talk.say("<", _change() + _record(22, _made(40, b"server finished")), "Finished")

    def _quic(self, known: bool) -> Iterator[Frame]:
        """UDP: the hello is in the very first datagram, which is at least 1,200 bytes long (RFC 9000 §14.1)."""
        wire = self._wire
        port = wire.port()
        client, server = _made(8, b"client%d" % port), _made(8, b"server%d" % port)

        def datagram(who: str, payload: bytes, words: str) -> Frame:
            ends = ("phone", port, "shop", 443) if who == ">" else ("shop", 443, "phone", port)
            return wire.udp(*ends, payload, words)

        hello, reply = _client_hello(True)[5:], _server_hello(True)[5:]  # without TLS's record around them
        yield datagram(">", quic.initial(client, client, b"", hello, server=False), "QUIC Initial: ClientHello")
        if known:  # with keys from an earlier visit (RFC 9001 §4.6); such a request can be replayed by others
            sealed = quic.long(quic.ZERO_RTT, client, b"", _made(90, b"early"))
            yield datagram(">", sealed, "request (0-RTT, encrypted with keys from last time)")
        wire.now += wire.delay
        yield datagram("<", quic.initial(client, b"", server, reply, server=True), "QUIC Initial: ServerHello")
        flight = quic.long(quic.HANDSHAKE, b"", server, _made(1_100, b"flight"))
        yield datagram("<", flight, "QUIC Handshake: certificate, Finished")
        wire.now += wire.delay
        yield datagram(">", quic.long(quic.HANDSHAKE, server, b"", _made(60, b"finish")), "QUIC Handshake: Finished")
        if not known:
            yield datagram(">", quic.short(server, _made(90, b"asked")), "request (encrypted)")
        wire.now += wire.delay
        yield datagram("<", quic.short(b"", _made(110, b"answered")), "answer (encrypted)")
        wire.now += wire.delay


def _made(size: int, word: bytes) -> bytes:
    """`size` bytes that look like chance and are the same every time."""
    return hashlib.shake_128(word).digest(size)


def _record(kind: int, body: bytes) -> bytes:
    return pack(">BHH", kind, 0x0303, len(body)) + body


def _handshake(kind: int, body: bytes) -> bytes:
    return _record(22, pack(">I", kind << 24 | len(body)) + body)


def _key_exchange() -> bytes:
    """An x25519 share, signed (RFC 8422 §5.4)."""
    signature = b"\x30\x44" + (b"\x02\x20\x11" + _made(31, b"r")) + (b"\x02\x20\x22" + _made(31, b"s"))
    return pack(">BHB", 3, 0x001D, 32) + _made(32, b"server key") + pack(">HH", 0x0403, len(signature)) + signature


def _sized(body: bytes) -> bytes:
    return len(body).to_bytes(3, "big") + body


def _change() -> bytes:
    return _record(20, b"\x01")  # kept for old boxes on the way: RFC 8446 §D.4


def _sealed(plain: bytes, word: bytes) -> bytes:
    return _record(23, _made(len(plain) + 17, word))  # one byte of type, 16 of authentication


def _extension(kind: int, body: bytes) -> bytes:
    return pack(">HH", kind, len(body)) + body


def _client_hello(new: bool) -> bytes:
    name = b"shop.example"
    extensions = _extension(0, pack(">HBH", len(name) + 3, 0, len(name)) + name)
    extensions += _extension(10, pack(">HH", 2, 0x001D)) + _extension(13, pack(">HHH", 4, 0x0403, 0x0804))
    if new:
        extensions += _extension(43, b"\x02\x03\x04") + _extension(
            51, pack(">HHH", 36, 0x001D, 32) + _made(32, b"share")
        )
    suites = pack(">HHH", 4, 0x1301 if new else 0xC02F, 0x1303 if new else 0xC030)
    body = b"\x03\x03" + _made(32, b"client random") + b"\x20" + _made(32, b"session") + suites + b"\x01\x00"
    return _handshake(1, body + pack(">H", len(extensions)) + extensions)


def _server_hello(new: bool) -> bytes:
    extensions = b""
    if new:
        extensions = _extension(43, b"\x03\x04") + _extension(51, pack(">HH", 0x001D, 32) + _made(32, b"server share"))
    body = b"\x03\x03" + _made(32, b"server random") + b"\x20" + _made(32, b"session")
    body += pack(">HB", 0x1301 if new else 0xC02F, 0)
    return _handshake(2, body + pack(">H", len(extensions)) + extensions)
