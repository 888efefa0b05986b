"""Conversations of every protocol, made for tests: what is said is real, the packets around it are built."""

from __future__ import annotations

import gzip
import ssl
import struct
import tempfile
import warnings
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from prayog_protocols.engine.building import Draft, build
from prayog_protocols.engine.protocols import REGISTRY

from .making import Made, Said

CRLF = "\r\n"


def http(made: Made) -> None:
    packed = gzip.compress(b"namaste " * 500, mtime=0)
    chunks = b"".join(
        b"%x\r\n%b\r\n" % (len(packed[at : at + 60]), packed[at : at + 60]) for at in range(0, len(packed), 60)
    )
    made.tcp(80, [
        (">", b"GET /orders?city=Pune&n=2 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: test\r\nCookie: a=1; "
              b"b=2\r\n\r\n"),
        ("<", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\nTransfer-Encoding: "
              b"chunked\r\n\r\n"),
        ("<", chunks + b"0\r\n\r\n"),
        (">", b"POST /orders HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\nContent-Length: "
              b"11\r\n\r\n"),
        (">", b'{"item": 1}'), ("<", b"HTTP/1.1 201 Created\r\nLocation: /orders/9\r\nContent-Length: 0\r\n\r\n"),
        (">", b"HEAD / HTTP/1.1\r\nHost: shop.example\r\n\r\n"), ("<",
            b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n"),
        (">", b"GET /big HTTP/1.1\r\nHost: shop.example\r\n\r\n"),
        ("<", b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9000\r\n\r\n" + b"line\n" * 1800),
        (">", b"GET /none HTTP/1.1\r\nHost: shop.example\r\n\r\n"), ("<",
            b"HTTP/1.1 404 Not Found\r\n\r\nnothing here"),
    ])  # fmt: skip


def websocket(made: Made) -> None:
    def frame(first: int, data: bytes, key: bytes = b"") -> bytes:
        size = len(data) if len(data) < 126 else 126
        wide = struct.pack(">H", len(data)) if size == 126 else b""
        masked = bytes(byte ^ key[at % 4] for at, byte in enumerate(data)) if key else data
        return bytes([first, size | (128 if key else 0)]) + wide + key + masked

    made.tcp(80, [
        (">", b"GET /chat HTTP/1.1\r\nHost: shop.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"),
        ("<", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"),
        (">", frame(0x81, "नमस्ते".encode(), b"\1\2\3\4")), ("<", frame(0x81, b"Hello")),
        (">", frame(0x89, b"ping", b"abcd")),
        ("<", frame(0x8A, b"ping")), ("<", frame(0x82, bytes(300))), (">", frame(0x88, b"\x03\xe8bye", b"wxyz")),
        ("<", frame(0x88, b"\x03\xe8")),
    ])  # fmt: skip


def names(made: Made) -> None:
    def name(text: str) -> bytes:
        return b"".join(bytes([len(part)]) + part.encode() for part in text.split(".")) + b"\0"

    def record(kind: int, data: bytes, ttl: int = 300, owner: bytes = b"\xc0\x0c") -> bytes:
        return owner + struct.pack(">HHIH", kind, 1, ttl, len(data)) + data

    rows = {
        1: bytes([10, 0, 0, 9]), 28: bytes(15) + b"\1", 5: name("www.shop.example"),
        15: b"\0\x0a" + name("mail.shop.example"),
        16: b"\x0dv=spf1 -all !\x03two", 2: name("ns1.shop.example"), 12: b"\x01x\xc0\x0c",
        6: name("ns1.shop.example") + name("asha.shop.example") + struct.pack(">IIIII", 1, 2, 3, 4, 5),
        33: struct.pack(">HHH", 1, 2, 80) + name("h.shop.example"), 257: b"\0\x05issueca.example",
    }  # fmt: skip
    edns = b"\0" + struct.pack(">HHBBHH", 41, 1232, 0, 0, 0x8000, 12) + struct.pack(">HH", 10, 8) + bytes(range(8))
    for number, (kind, data) in enumerate(rows.items()):
        asked = name("shop.example") + struct.pack(">HH", kind, 1)
        question = struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 1) + asked + edns
        answer = struct.pack(">HHHHHH", number, 0x8180, 1, 2, 0, 1) + asked + record(kind, data) * 2 + edns
        if number % 2:
            made.udp(53, [(">", question), ("<", answer)])
        else:
            made.tcp(53, [(who, struct.pack(">H", len(said)) + said) for who, said in ((">", question), ("<", answer))])
    made.udp(53, [(">", question), ("<", question[:2] + b"\x81\x83" + question[4:])])


def mail(made: Made) -> None:
    letter = (
        "From: Asha <asha@shop.example>\r\nTo: ravi@mail.example\r\nSubject: Your order\r\n\r\nIt is on its way.\r\n"
    )
    made.tcp(25, _lines("<220 mail.example ready", ">EHLO shop.example", "<250-mail.example", "<250 SIZE 10000",
                        ">MAIL FROM:<asha@shop.example>", "<250 ok", ">RCPT TO:<ravi@mail.example>", "<250 ok", ">DATA",
                        "<354 go on", ">" + letter + ".", "<250 queued", ">NOOP", "<250 ok", ">QUIT",
                        "<221 bye"))  # fmt: skip
    made.tcp(110, _lines("<+OK ready", ">USER ravi", "<+OK", ">PASS secret", "<-ERR no", ">STAT", "<+OK 1 99", ">LIST",
                         "<+OK\r\n1 99\r\n.", ">DELE 1", "<+OK", ">QUIT", "<+OK bye"))  # fmt: skip
    made.tcp(143, _lines("<* OK ready", ">a1 LOGIN ravi secret", "<a1 OK done", ">a2 SELECT INBOX",
                         "<* 1 EXISTS\r\n* FLAGS (\\Seen)\r\na2 OK [READ-WRITE] done", ">a3 LOGOUT",
                         "<* BYE\r\na3 OK done"))  # fmt: skip
    made.tcp(21, _lines("<220 ready", ">USER ravi", "<331 password", ">PASS x", "<230 in", ">PASV",
                        "<227 Entering Passive Mode (10,0,0,2,200,10).", ">EPSV", "<229 Extended (|||50001|)",
                        ">PORT 10,0,0,1,195,80", "<200 ok", ">SYST", "<215 UNIX", ">QUIT", "<221 bye"))  # fmt: skip


def _lines(*said: str) -> list[Said]:
    return [(line[0], (line[1:] + CRLF).encode()) for line in said]


def http2(made: Made) -> None:
    def frame(kind: int, flags: int, stream: int, data: bytes) -> bytes:
        return len(data).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + data

    magic = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    request = bytes.fromhex("828684418cf1e3c2e5f23a6ba0ab90f4ff")
    response = bytes.fromhex("885f87497ca58ae819aa")  # :status 200, content-type: text/plain
    made.tcp(80, [
        (">", magic + frame(4, 0, 0, struct.pack(">HIHI", 3, 100, 4, 65535))),
        ("<", frame(4, 0, 0, b"") + frame(4, 1, 0, b"")),
        (">", frame(4, 1, 0, b"") + frame(1, 5, 1, request)), ("<", frame(1, 4, 1, response)),
        ("<", frame(0, 0, 1, b"first half, ") + frame(0, 1, 1, b"second half")), (">", frame(6, 0, 0, b"01234567")),
        ("<", frame(6, 1, 0, b"01234567")), (">", frame(8, 0, 0, struct.pack(">I", 1000))),
        ("<", frame(3, 0, 1, struct.pack(">I", 8))), ("<", frame(7, 0, 0, struct.pack(">II", 1, 0) + b"bye")),
    ])  # fmt: skip


def internet(made: Made) -> None:
    made.packet(Draft("icmp", {"type": 8, "ident": 7, "seq": 1}), bytes(48))
    made.packet(Draft("icmp", {"type": 0, "ident": 7, "seq": 1}), bytes(48), src="10.0.0.2", dst="10.0.0.1")
    refused = build(REGISTRY, [Draft("ip"), Draft("udp", {"srcport": 9, "dstport": 9}), b"nobody"]).data
    made.packet(Draft("icmp", {"type": 3, "code": 3}), refused, src="10.0.0.2", dst="10.0.0.1")
    made.packet(Draft("icmp", {"type": 11}), refused, src="10.0.0.9", dst="10.0.0.1")
    for op, ends in ((1, ("10.0.0.1", "10.0.0.2")), (2, ("10.0.0.2", "10.0.0.1"))):
        arp = {"opcode": op, "proto_ipv4": ends[0], "target_ipv4": ends[1], "sender_mac": "02:00:00:00:00:01"}
        made.frame(build(REGISTRY, [Draft("eth"), Draft("arp", arp), bytes(18)]).data)
    udp = Draft("udp", {"srcport": 7, "dstport": 9})
    made.frame(
        build(REGISTRY, [Draft("eth"), Draft("vlan", {"id": 5, "priority": 3}), Draft("ip"), udp, b"tagged"]).data
    )
    for flags in ({"syn"}, {"syn", "ack"}, {"reset"}):
        options = [{"option_kind": 2, "mss_val": 1440}, {"option_kind": 4}, {"option_kind": 8, "timestamp.tsval": 1,
                   "timestamp.tsecr": 2}, {"option_kind": 3, "shift": 7}]  # fmt: skip
        tcp = Draft("tcp", {"srcport": 5, "dstport": 6, "flags": flags, "options": options})
        made.frame(build(REGISTRY, [Draft("eth"), Draft("ipv6", {"hlim": 9}), tcp]).data)
    for kind in (128, 129):
        echo = Draft("icmpv6", {"type": kind, "identifier": 3, "sequence_number": 1})
        made.frame(build(REGISTRY, [Draft("eth"), Draft("ipv6"), echo, bytes(20)]).data)
    whole = build(REGISTRY, [Draft("udp", {"srcport": 7, "dstport": 9}), bytes(2500)]).data
    for at in range(0, len(whole), 1200):
        more = at + 1200 < len(whole)
        head = {"id": 600, "flags": {"mf"} if more else set(), "frag_offset": at // 8, "proto": 17}
        made.frame(build(REGISTRY, [Draft("eth"), Draft("ip", head), whole[at : at + 1200]]).data)


_OPTIONS = (
    "02040218", "0303070001", "0402", "050a0000000100000002", "080a0000303900000012", "1312" + "ab" * 16,
    "1d10010203" + "cd" * 11, "220a1122334455667788", "2202", "1e0c0181" + "11" * 8, "1e0c1005" + "22" * 8,
    "1e101005" + "33" * 12, "1e142005" + "44" * 16, "1e082001" + "55" * 4, "1e083402" + "0a000009", "1e044007",
    "1e0351",
    "1e0c6000" + "66" * 8, "1e0c7000" + "77" * 8, "1c04800a", "4d05aabbcc",
)  # fmt: skip


def options(made: Made) -> None:
    """Each option of TCP by itself, in raw bytes, also those of Multipath TCP (RFC 8684) and Fast Open (RFC 7413)."""
    for number, option in enumerate(_OPTIONS):
        bits = bytes.fromhex(option)
        bits += b"\x01" * (-len(bits) % 4)
        words = 5 + len(bits) // 4
        head = struct.pack(">HHIIHHHH", 41000 + number, 9, 7, 0, words << 12 | 2, 1000, 0, 0)
        made.packet(head + bits, src="10.0.0.3")


def unusual(made: Made) -> None:
    """What other programs do: mail that does not wait, TURN's channel data, errors of SCTP, rare records."""
    made.tcp(25, [
        ("<", b"220 ready\r\n"), (">", b"EHLO me\r\n"), ("<", b"250-mail\r\n250 PIPELINING\r\n"),
        (">", b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"), (">", b"To: c\r\n\r\nHi\r\n.\r\n"),
        ("<", b"250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n"), (">", b"QUIT\r\n"), ("<", b"221 bye\r\n"),
    ])  # fmt: skip
    made.udp(3478, [(">", bytes.fromhex("4000000461626364"))])
    question = b"\x01a\x02in\0"
    for kind, data in (
        (37, b"\0\1\0\5\x08" + bytes(30)), (62, bytes(4) + b"\0\3\0\1\x40"),
        (32769, b"\0\3\5\1" + bytes(20)),
        (250, b"\x03key\0" + bytes(6) + b"\1\x2c\0\x04abcd\0\1\0\0\0\0"),
    ):  # fmt: skip
        record = b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data
        head = struct.pack(">HHHHHH", 5, 0x8180, 1, 1, 0, 0) + question + struct.pack(">HH", kind, 1)
        made.udp(53, [("<", head + record)])
    quoted = build(REGISTRY, [Draft("ip", {"ttl": 1}), Draft("udp", {"srcport": 9, "dstport": 33434}), b"x" * 32]).data
    label = bytes.fromhex("2000dfff0008010100011140")  # of MPLS (RFC 4950)
    late = b"\x0b\0\0\0\0\x20\0\0" + quoted.ljust(128, b"\0") + label
    made.frame(build(REGISTRY, [Draft("eth"), Draft("ip", {"proto": 1}), late]).data)
    for chunk in ("0600000c000c000875736572", "0900000c0001000800050000"):
        made.packet(Draft("sctp", {"srcport": 5000, "dstport": 5000}), bytes.fromhex(chunk))


@cache
def _certificate() -> tuple[str, str]:
    """Certificate and key of shop.example, as PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.example")])
    now = datetime.now(UTC)
    made = (x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(key.public_key())
            .serial_number(7).not_valid_before(now).not_valid_after(now + timedelta(days=1))
            .sign(key, hashes.SHA256()))  # fmt: skip
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.public_bytes(serialization.Encoding.PEM).decode(), pem.decode()


def tls(version: ssl.TLSVersion, ciphers: str = "") -> Callable[[Made], None]:
    """A request over TLS, said by Python's own TLS without any socket."""

    def talk(made: Made) -> None:
        with tempfile.TemporaryDirectory() as folder:
            certificate, key, log = (Path(folder, name) for name in ("cert.pem", "key.pem", "keys.log"))
            for path, text in zip((certificate, key), _certificate(), strict=True):
                path.write_text(text)
            server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            server.load_cert_chain(certificate, key)
            client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
            with warnings.catch_warnings():  # of versions that nobody should speak any more (RFC 8996)
                warnings.simplefilter("ignore", DeprecationWarning)
                client.minimum_version = client.maximum_version = version
                server.minimum_version = min(version, server.minimum_version)
            if ciphers:
                client.set_ciphers(ciphers)
                server.set_ciphers(ciphers)
            client.keylog_filename = str(log)
            said = _tls_said(client, server)
            made.secrets(log.read_text())
            made.tcp(443, said)

    return talk


def _tls_said(client: ssl.SSLContext, server: ssl.SSLContext) -> list[Said]:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(to_client, to_server, server_hostname="shop.example")
    answering = server.wrap_bio(to_server, to_client, server_side=True)
    said: list[Said] = []
    def spoken(who: str, buffer: ssl.MemoryBIO) -> None:
        """What a side wrote is read by the other side later: keep it for the capture, and put it back."""
        data = buffer.read()
        if data:
            said.append((who, data))
            buffer.write(data)

    for _ in range(4):
        for who, side, buffer in ((">", asking, to_server), ("<", answering, to_client)):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
            if buffer.pending:
                spoken(who, buffer)
    asking.write(b"GET /orders HTTP/1.1\r\nHost: shop.example\r\n\r\n")
    spoken(">", to_server)
    answering.read(1000)
    answering.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 20000\r\n\r\n" + b"x" * 20000)
    spoken("<", to_client)
    return said


ALL: dict[str, Callable[[Made], None]] = {
    "http": http, "websocket": websocket, "dns": names, "mail": mail, "http2": http2, "internet": internet,
    "options": options, "unusual": unusual,
    "tls 1.3": tls(ssl.TLSVersion.TLSv1_3), "tls 1.2": tls(ssl.TLSVersion.TLSv1_2),
    "tls 1.2 chacha": tls(ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-CHACHA20-POLY1305"),
    "tls 1.1": tls(ssl.TLSVersion.TLSv1_1, "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"),
    "tls 1.0": tls(ssl.TLSVersion.TLSv1, "ECDHE-ECDSA-AES256-SHA:@SECLEVEL=0"),
}  # fmt: skip


def made(*kinds: str) -> bytes:
    """A capture of some kinds of conversation, or of all."""
    capture = Made()
    for kind in kinds or ALL:
        ALL[kind](capture)
    return capture.done()
