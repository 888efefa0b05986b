"""A capture to begin with: an afternoon on a small network, made packet by packet, the same in every run.

What happens is ordinary: a name is looked up, a page is fetched (and one that is not there), a segment is lost and
comes again, a file is fetched by FTP, a mail is sent and read, prices come by WebSocket, and somebody asks whether a
machine is there. Everything in it is simulated, and says so."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterator
from struct import pack

from prayog_protocols.engine.building import Draft
from prayog_protocols.engine.capture.capture import Capture
from prayog_protocols.engine.capture.writer import Writer
from prayog_protocols.engine.wire import ACK, HOSTS, PSH, START_NS, Frame, Tcp, Wire

__all__ = ["NAME", "demo", "demo_bytes"]

NAME = "an afternoon"
_PAGE = b"<!doctype html><title>Orders</title><h1>Orders</h1>" + b"<p>Order 7: 2 kg onions, paid by UPI.</p>" * 60
_MAIL = (
    "From: Asha <asha@shop.example>\r\nTo: Ravi <ravi@home.example>\r\nSubject: Your order\r\n"
    "Date: Thu, 01 Jan 2026 05:30:00 +0530\r\nMessage-ID: <7@shop.example>\r\n\r\nOrder 7 is on its way.\r\n"
)


def demo() -> Capture:
    """The capture."""
    return Capture(demo_bytes(), NAME)


def demo_bytes() -> bytes:
    """The same as a file."""
    out = io.BytesIO()
    writer = Writer(out, "made by Prayog: a simulated afternoon")
    writer.interface(1, "made", "simulated packets")
    for frame in _afternoon(Wire(15)):
        note = "simulated: " + frame.words + (" — lost behind this point" if frame.lost else "")
        writer.packet(frame.data, START_NS + frame.at_ns, comment=note)
    return out.getvalue()


def _afternoon(wire: Wire) -> Iterator[Frame]:
    for part in (_who_has, _lookup, _ping, _page, _again, _file, _mail, _read, _prices, _nobody):
        yield from part(wire)
        wire.wait(400)


def _who_has(wire: Wire) -> Iterator[Frame]:
    """ARP (RFC 826): which card has this address?"""
    mine, theirs = bytes.fromhex("020000000001"), bytes.fromhex("020000000004")
    fields = {
        "arp.src.hw_mac": mine,
        "arp.src.proto_ipv4": HOSTS["phone"],
        "arp.dst.hw_mac": bytes(6),
        "arp.dst.proto_ipv4": "192.0.2.1",
    }
    question = [Draft("eth", {"dst": b"\xff" * 6, "src": mine}), Draft("arp", {"opcode": 1, **fields})]
    yield wire.frame(question, "phone", "all", "who has 192.0.2.1?")
    wire.wait(1)
    fields = {
        "arp.src.hw_mac": theirs,
        "arp.src.proto_ipv4": "192.0.2.1",
        "arp.dst.hw_mac": mine,
        "arp.dst.proto_ipv4": HOSTS["phone"],
    }
    answer = [Draft("eth", {"dst": mine, "src": theirs}), Draft("arp", {"opcode": 2, **fields})]
    yield wire.frame(answer, "gateway", "phone", "192.0.2.1 is at 02:00:00:00:00:04")


def _name(name: str) -> bytes:
    return b"".join(bytes((len(part),)) + part.encode() for part in name.split(".")) + b"\0"


def _lookup(wire: Wire) -> Iterator[Frame]:
    """DNS (RFC 1035): the name of the shop; the answer points back to the question's name."""
    port = wire.port()
    question = _name("shop.example") + pack(">HH", 1, 1)
    query = pack(">HHHHHH", 0x51A7, 0x0100, 1, 0, 0, 0) + question
    yield wire.udp("phone", port, "dns", 53, query, "A shop.example?")
    wire.wait(18)
    record = b"\xc0\x0c" + pack(">HHIH", 1, 1, 300, 4) + bytes(map(int, HOSTS["shop"].split(".")))
    yield wire.udp(
        "dns", 53, "phone", port, pack(">HHHHHH", 0x51A7, 0x8180, 1, 1, 0, 0) + question + record, "A 198.51.100.80"
    )


def _ping(wire: Wire) -> Iterator[Frame]:
    """ICMP echo (RFC 792)."""
    for kind, src, dst in ((8, "phone", "shop"), (0, "shop", "phone")):
        draft = Draft("icmp", {"type": kind, "code": 0, "ident": 7, "seq": 1})
        yield wire.packet(src, dst, [draft, b"prayog ping data"], "echo request" if kind else "echo reply")
        wire.wait(30)


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: prayog\r\nAccept: text/html\r\n\r\n".encode()


def _reply(status: str, body: bytes, kind: str = "text/html") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _page(wire: Wire) -> Iterator[Frame]:
    """HTTP (RFC 9112): two requests on one connection; the second asks for what is not there."""
    talk = wire.tcp("phone", "shop", 80)
    yield from talk.open()
    yield from talk.say(">", _get("/orders"), "GET /orders")
    yield from talk.say("<", _reply("200 OK", _PAGE), "200 OK")
    yield talk.segment(">", ACK, words="ACK")
    yield from talk.say(">", _get("/favicon.ico"), "GET /favicon.ico")
    yield from talk.say("<", _reply("404 Not Found", b"nothing here\n", "text/plain"), "404 Not Found")
    yield from talk.close()


def _again(wire: Wire) -> Iterator[Frame]:
    """The segment in the middle is lost; the phone confirms what it has again and again, and gets it once more."""
    talk = wire.tcp("phone", "shop", 80)
    yield from talk.open()
    yield from talk.say(">", _get("/photo.jpg"), "GET /photo.jpg")
    whole = _reply("200 OK", hashlib.shake_128(b"photo").digest(8_400), "application/octet-stream")
    parts = [whole[at : at + 1_460] for at in range(0, len(whole), 1_460)]
    lost = parts[1]
    yield talk.segment("<", ACK, parts[0], "200 OK")
    talk.skip("<", len(lost))
    for part in parts[2:]:
        wire.wait(0.2)
        yield talk.segment("<", ACK | (PSH if part is parts[-1] else 0), part, "more of the photo")
    wire.wait(30)
    for _ in parts[2:]:
        yield talk.duplicate(">", sum(map(len, parts[1:])))
        wire.wait(0.2)
    yield talk.resend("<", lost, sum(map(len, parts[1:])), "the lost part once more")
    wire.wait(15)
    yield talk.segment(">", ACK, words="ACK of everything")
    yield from talk.close()


def _dialogue(talk: Tcp, lines: list[tuple[str, str]]) -> Iterator[Frame]:
    for who, line in lines:
        yield from talk.say(who, line.encode() + b"\r\n", line.partition("\r\n")[0])


def _file(wire: Wire) -> Iterator[Frame]:
    """FTP (RFC 959), passive: the data come on a connection of their own."""
    control = wire.tcp("laptop", "files", 21)
    yield from control.open()
    where = HOSTS["files"].replace(".", ",") + ",195,181"
    yield from _dialogue(control, [
        ("<", "220 files.example ready"), (">", "USER asha"), ("<", "331 Password, please"), (">", "PASS mango"),
        ("<", "230 Logged in"), (">", "PASV"), ("<", f"227 Entering Passive Mode ({where})"), (">", "RETR sales.csv"),
    ])  # fmt: skip
    data = wire.tcp("laptop", "files", 195 * 256 + 181)
    yield from data.open()
    yield from _dialogue(control, [("<", "150 Opening BINARY mode data connection")])
    yield from data.say("<", b"date,orders\r\n2026-01-01,1204\r\n", "sales.csv")
    yield from data.close("<")
    yield from _dialogue(control, [("<", "226 Transfer complete"), (">", "QUIT"), ("<", "221 Goodbye")])
    yield from control.close()


def _mail(wire: Wire) -> Iterator[Frame]:
    """SMTP (RFC 5321): the envelope first, then the letter, ended by a line with one dot."""
    talk = wire.tcp("laptop", "mail", 25)
    yield from talk.open()
    yield from _dialogue(talk, [
        ("<", "220 mail.example ESMTP"), (">", "EHLO laptop.example"), ("<", "250-mail.example\r\n250 SIZE 10485760"),
        (">", "MAIL FROM:<asha@shop.example>"), ("<", "250 OK"), (">", "RCPT TO:<ravi@home.example>"), ("<", "250 OK"),
        (">", "DATA"), ("<", "354 End with <CRLF>.<CRLF>"), (">", _MAIL + "."), ("<", "250 OK queued as 7"),
        (">", "QUIT"), ("<", "221 Bye"),
    ])  # fmt: skip
    yield from talk.close()


def _read(wire: Wire) -> Iterator[Frame]:
    """POP3 (RFC 1939): the letter is fetched; DELE only marks it, QUIT removes it."""
    talk = wire.tcp("tablet", "mail", 110)
    yield from talk.open()
    yield from _dialogue(talk, [
        ("<", "+OK POP3 ready"), (">", "USER ravi"), ("<", "+OK"), (">", "PASS chikoo"), ("<", "+OK 1 message"),
        (">", "STAT"), ("<", f"+OK 1 {len(_MAIL)}"), (">", "RETR 1"), ("<", f"+OK {len(_MAIL)} octets\r\n{_MAIL}."),
        (">", "DELE 1"), ("<", "+OK marked"), (">", "QUIT"), ("<", "+OK removed"),
    ])  # fmt: skip
    yield from talk.close()


def _prices(wire: Wire) -> Iterator[Frame]:
    """WebSocket (RFC 6455): an HTTP request, then frames; those of the client are masked."""
    talk = wire.tcp("laptop", "prices", 80)
    yield from talk.open()
    nonce = base64.b64encode(bytes(range(16))).decode()
    proof = base64.b64encode(hashlib.sha1((nonce + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
    ask = (f"GET /price HTTP/1.1\r\nHost: prices.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           f"Sec-WebSocket-Key: {nonce}\r\nSec-WebSocket-Version: 13\r\n\r\n")  # fmt: skip
    yield from talk.say(">", ask.encode(), "GET /price, Upgrade: websocket")
    answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    answer += f"Sec-WebSocket-Accept: {proof}\r\n\r\n"
    yield from talk.say("<", answer.encode(), "101 Switching Protocols")
    yield from talk.say(">", _framed(1, b"onion", mask=b"\x37\xfa\x21\x3d"), "text: onion")
    for price in (28, 29, 31):
        wire.wait(700)
        yield from talk.say("<", _framed(1, b'{"onion": %d}' % price), "text: a price")
    yield from talk.say(">", _framed(8, b"\x03\xe8", mask=b"\x01\x02\x03\x04"), "close 1000")
    yield from talk.say("<", _framed(8, b"\x03\xe8"), "close 1000")
    yield from talk.close("<")


def _framed(code: int, body: bytes, mask: bytes = b"") -> bytes:
    masked = bytes(byte ^ mask[n % 4] for n, byte in enumerate(body)) if mask else body
    return bytes((0x80 | code, (0x80 if mask else 0) | len(body))) + mask + masked


def _nobody(wire: Wire) -> Iterator[Frame]:
    """A port where nobody listens: the answer to SYN is RST (RFC 9293 §3.5.2)."""
    talk = wire.tcp("phone", "shop", 8_443)
    frames = talk.open()
    yield next(frames)
    wire.wait(30)
    yield talk.refuse()
