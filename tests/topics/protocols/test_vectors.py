"""Published examples: what the RFCs print, byte for byte, and what must be read from it."""

from __future__ import annotations

from prayog_protocols.engine.building import Draft, build
from prayog_protocols.engine.capture.capture import Capture
from prayog_protocols.engine.checksum import crc32c, internet
from prayog_protocols.engine.dissection import Dissection
from prayog_protocols.engine.protocols import REGISTRY
from prayog_protocols.engine.showing import display, literal
from prayog_protocols.engine.streams.follow import follow
from prayog_protocols.engine.tree import Packet

from . import rfc8448
from .making import Made


def taken(protocol: str, data: bytes) -> Packet:
    """One layer alone."""
    dissection = Dissection(REGISTRY, data)
    dissection.run(REGISTRY.protocols[protocol])
    return dissection.packet


def shown(packet: Packet, *names: str) -> list[str]:
    return [literal(node) for name in names for node in packet.find(name)]


def conversation(port: int, said: list[tuple[str, bytes]], secrets: str = "") -> Capture:
    made = Made()
    if secrets:
        made.secrets(secrets)
    made.tcp(port, said)
    return Capture(made.done())


def layers(capture: Capture, name: str) -> list[Packet]:
    return [packet for index in range(len(capture)) if (packet := capture.packet(index)).layer(name) is not None]


def test_sums() -> None:
    assert internet(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF ^ 0xDDF2  # RFC 1071 §3
    assert internet(bytes.fromhex("0001f203f4f5f6")) == 0xFFFF ^ 0xDCFB  # an odd byte counts as if 0 followed
    # RFC 3720 B.4 prints AA 36 91 8A as it goes over the wire, which is how SCTP reads it.
    assert crc32c(bytes(32)) == 0xAA36918A
    assert crc32c(b"\xff" * 32) == 0x43ABA862


def test_the_ip_header_of_a_textbook() -> None:
    header = bytes.fromhex("4500003c1c4640004006b1e6ac100a63ac100a0c")
    packet = taken("ip", header)
    assert shown(packet, "ip.src", "ip.dst", "ip.ttl", "ip.id", "ip.flags.df") == [
        "172.16.10.99", "172.16.10.12", "64", "0x1c46", "1",
    ]  # fmt: skip
    assert internet(header) == 0
    values = {"src": "172.16.10.99", "dst": "172.16.10.12", "id": 0x1C46, "flags": {"df"}, "proto": 6, "total": 60}
    built = build(REGISTRY, [Draft("ip", values)])
    assert built.data == header


def test_stun_request_and_response_of_rfc_5769() -> None:
    request = bytes.fromhex(
        "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff80290008932ff9b1"
        "51263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf"
    )
    packet = taken("stun", request)
    assert shown(packet, "stun.att.software", "stun.att.username", "stun.att.crc32") == [
        "STUN test client", "evtj:h6vY", "0xe57a3bcf",
    ]  # fmt: skip
    assert packet.value("stun.att.crc32.status") == 1
    response = bytes.fromhex(
        "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643"
        "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96"
    )
    packet = taken("stun", response)
    assert shown(packet, "stun.att.ipv4", "stun.att.port") == ["192.0.2.1", "32853"]
    assert packet.value("stun.att.crc32.status") == 1


def test_the_headers_of_rfc_7541_appendix_c() -> None:
    def frame(block: str, stream: int) -> bytes:
        data = bytes.fromhex(block)
        return len(data).to_bytes(3, "big") + b"\x01\x05" + stream.to_bytes(4, "big") + data

    requests = [
        frame("828684418cf1e3c2e5f23a6ba0ab90f4ff", 1),  # C.4.1
        frame("828684be5886a8eb10649cbf", 3),  # C.4.2
        frame("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf", 5),  # C.4.3
    ]
    magic = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    capture = conversation(80, [(">", magic), *((">", request) for request in requests)])
    found = layers(capture, "http2")[1:]
    paths = [(packet.value("http2.headers.scheme"), packet.value("http2.headers.path")) for packet in found]
    assert paths == [("http", "/"), ("http", "/"), ("https", "/index.html")]
    assert shown(found[1], "http2.headers.cache_control") == ["no-cache"]
    assert [node.value for node in found[2].find("http2.header.name")][-1] == "custom-key"
    assert [node.value for node in found[2].find("http2.header.value")][-1] == "custom-value"
    assert shown(found[0], "http2.headers.authority") == ["www.example.com"]


def test_the_frames_of_rfc_6455_section_5_7() -> None:
    handshake = (
        b"GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    accepted = (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    )
    capture = conversation(80, [
        (">", handshake), ("<", accepted),
        ("<", bytes.fromhex("810548656c6c6f")),  # unmasked
        (">", bytes.fromhex("818537fa213d7f9f4d5158")),  # masked
        ("<", bytes.fromhex("010348656c")), ("<", bytes.fromhex("80026c6f")),  # in two pieces
        ("<", bytes.fromhex("890548656c6c6f")), (">", bytes.fromhex("8a8537fa213d7f9f4d5158")),  # ping and pong
        ("<", bytes.fromhex("827e0100") + bytes(256)), ("<", bytes.fromhex("827f0000000000010000") + bytes(65536)),
    ])  # fmt: skip
    found = layers(capture, "websocket")
    texts = [node.value for packet in found for node in packet.find("websocket.payload.text")]
    assert texts == ["Hello", "Hello", "Hello"]
    assert [packet.value("websocket.opcode") for packet in found] == [1, 1, 1, 0, 9, 10, 2, 2]
    assert [packet.value("websocket.payload.pong") for packet in found if packet.value("websocket.opcode") == 10] == [
        b"Hello"
    ]
    assert found[-1].value("websocket.payload_length_ext_64") == 65536
    said = follow(capture, 0, "websocket").parts
    assert [part.data for part in said[:2]] == [b"Hello", b"Hello"]
    assert len(said[-1].data) == 65536


def test_the_handshake_of_rfc_8448_opens_with_its_secrets() -> None:
    capture = conversation(
        443,
        [
            (">", bytes.fromhex(rfc8448.CLIENT_HELLO)),
            ("<", bytes.fromhex(rfc8448.SERVER_HELLO + rfc8448.SERVER_FLIGHT)),
            (">", bytes.fromhex(rfc8448.CLIENT_FINISHED + rfc8448.CLIENT_DATA + rfc8448.CLIENT_ALERT)),
        ],
        rfc8448.KEY_LOG,
    )
    found = layers(capture, "tls")
    types = [display(node) for packet in found for node in packet.find("tls.handshake.type")]
    assert [word.rpartition(" (")[0] for word in types] == [
        "Client Hello", "Server Hello", "Encrypted Extensions", "Certificate", "Certificate Verify", "Finished",
        "Finished",
    ]  # fmt: skip
    assert found[0].value("tls.handshake.extensions_server_name") == "server"
    finished = [packet.bytes_of(node) for packet in found for node in packet.find("tls.handshake.verify_data")]
    assert finished[0].hex() == "9b9b141d906337fbd2cbdce71df4deda4ab42c309572cb7fffee5454b78f0718"
    assert finished[1].hex() == "a8ec436d677634ae525ac1fcebe11a039ec17694fac6e98527b642f2edd5ce61"
    data = [part for part in follow(capture, 3, "tls").parts if part.outward]
    assert data[0].data == bytes(range(50))
    assert found[-1].value("tls.alert_message.desc") == 0  # close notify


def test_without_secrets_the_same_records_stay_closed() -> None:
    capture = conversation(443, [(">", bytes.fromhex(rfc8448.CLIENT_HELLO)),
                                 ("<", bytes.fromhex(rfc8448.SERVER_HELLO + rfc8448.SERVER_FLIGHT))])  # fmt: skip
    found = layers(capture, "tls")
    assert [node.value for packet in found for node in packet.find("tls.handshake.type")] == [1, 2]
    assert not [node for packet in found for node in packet.find("tls.handshake.verify_data")]


def test_the_mail_of_rfc_5321_appendix_d() -> None:
    text = b"Blah blah blah...\r\n..a line that began with a dot\r\n.\r\n"
    capture = conversation(25, [
        ("<", b"220 foo.com Simple Mail Transfer Service Ready\r\n"), (">", b"EHLO bar.com\r\n"),
        ("<", b"250-foo.com greets bar.com\r\n250-8BITMIME\r\n250-SIZE\r\n250-DSN\r\n250 HELP\r\n"),
        (">", b"MAIL FROM:<Smith@bar.com>\r\n"), ("<", b"250 OK\r\n"), (">", b"RCPT TO:<Green@foo.com>\r\n"),
        ("<", b"550 No such user here\r\n"), (">", b"DATA\r\n"),
        ("<", b"354 Start mail input; end with <CRLF>.<CRLF>\r\n"),
        (">", text), ("<", b"250 OK\r\n"), (">", b"QUIT\r\n"),
        ("<", b"221 foo.com Service closing transmission channel\r\n"),
    ])  # fmt: skip
    found = layers(capture, "smtp")
    commands = [node.value for packet in found for node in packet.find("smtp.req.command")]
    codes = [node.value for packet in found for node in packet.find("smtp.response.code")]
    assert commands == ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]
    assert codes == [220, 250, 250, 250, 250, 250, 250, 550, 354, 250, 221]
    mail = next(packet for packet in found if packet.layer("imf"))
    assert b"\r\n.a line" in mail.sources[mail.layers[-1].source].data  # the dot that was added is gone


def test_the_mailbox_of_rfc_1939_section_10() -> None:
    capture = conversation(110, [
        ("<", b"+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>\r\n"),
        (">", b"APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n"),
        ("<", b"+OK mrose's maildrop has 2 messages (320 octets)\r\n"),
        (">", b"STAT\r\n"), ("<", b"+OK 2 320\r\n"), (">", b"LIST\r\n"),
        ("<", b"+OK 2 messages (320 octets)\r\n1 120\r\n2 200\r\n.\r\n"), (">", b"RETR 1\r\n"),
        ("<", b"+OK 120 octets\r\nFrom: a@b.c\r\n\r\n..\r\nbye\r\n.\r\n"), (">", b"DELE 1\r\n"),
        ("<", b"+OK message 1 deleted\r\n"),
        (">", b"QUIT\r\n"), ("<", b"+OK dewey POP3 server signing off (maildrop empty)\r\n"),
    ])  # fmt: skip
    found = layers(capture, "pop")
    commands = [node.value for packet in found for node in packet.find("pop.request.command")]
    assert commands == ["APOP", "STAT", "LIST", "RETR", "DELE", "QUIT"]
    assert all(node.value == "+OK" for packet in found for node in packet.find("pop.response.indicator"))


def test_the_session_of_rfc_3501_section_8() -> None:
    capture = conversation(143, [
        ("<", b"* OK IMAP4rev1 Service Ready\r\n"), (">", b"a001 login mrc secret\r\n"),
        ("<", b"a001 OK LOGIN completed\r\n"),
        (">", b"a002 select inbox\r\n"),
        ("<", b"* 18 EXISTS\r\n* FLAGS (\\Answered \\Seen)\r\n* 2 RECENT\r\na002 OK [READ-WRITE] SELECT completed\r\n"),
        (">", b"a004 fetch 12 body[header]\r\n"),
        ("<", b"* 12 FETCH (BODY[HEADER] {20}\r\na003 OK is no answer\r\n)\r\na004 OK FETCH completed\r\n"),
        (">", b"a006 logout\r\n"), ("<", b"* BYE server terminating connection\r\na006 OK LOGOUT completed\r\n"),
    ])  # fmt: skip
    found = layers(capture, "imap")
    asked = [node.value for packet in found for node in packet.find("imap.request.command")]
    assert asked == ["login", "select", "fetch", "logout"]
    tags = [node.value for packet in found for node in packet.find("imap.response_tag")]
    assert [tag for tag in tags if tag.startswith("a")] == [
        "a001",
        "a002",
        "a004",
        "a006",
    ]  # what is in a literal is no answer


def test_names_of_rfc_1035_section_4_1_4_share_their_ends() -> None:
    head = bytes.fromhex("0001818000000003 00000000".replace(" ", ""))
    body = b""
    place = 12
    names = (b"\x01F\x03ISI\x04ARPA\x00", b"\x03FOO\xc0\x0c", b"\xc0\x12")
    for name in names:
        body += name + bytes.fromhex("00010001000000050004") + bytes([10, 0, 0, 1])
        place += len(name)
    packet = taken("dns", head + body)
    assert [node.value for node in packet.find("dns.resp.name")] == ["F.ISI.ARPA", "FOO.F.ISI.ARPA", "ARPA"]
