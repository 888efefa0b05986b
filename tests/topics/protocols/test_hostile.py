"""Captures made to hurt: damaged copies of real conversations, sizes that lie, content that unpacks without end."""

from __future__ import annotations

import gzip
import io
import random
import struct
import zlib
from collections.abc import Callable

import pytest

from prayog_protocols.engine.building import Draft, build
from prayog_protocols.engine.capture.capture import Capture
from prayog_protocols.engine.capture.writer import Writer
from prayog_protocols.engine.protocols import REGISTRY
from prayog_protocols.engine.streams.follow import follow, kinds_of
from prayog_protocols.engine.tree import Packet

from . import talking
from .making import Made

MOST = 40_000_000  # bytes that the sources of one packet may hold
ETHERNET = bytes(12)


def read(capture: Capture) -> list[Packet]:
    """Every packet, none of which may need the last safety net or grow without bounds."""
    packets = [capture.packet(index) for index in range(len(capture))]
    for packet in packets:
        assert not [note.sentence for note in packet.notes if "fault of the program" in note.sentence]
        assert sum(len(source.data) for source in packet.sources) < MOST
        for node in packet.walk():
            assert 0 <= node.start <= len(packet.sources[node.source].data) * 8
    return packets


def frames(*data: bytes) -> Capture:
    file = io.BytesIO()
    writer = Writer(file)
    writer.interface(1)
    for number, one in enumerate(data):
        writer.packet(one, 1_700_000_000_000_000_000 + number * 1000)
    return Capture(file.getvalue())


def udp(port: int, payload: bytes) -> bytes:
    ports = Draft("udp", {"srcport": port, "dstport": port})
    return build(REGISTRY, [Draft("eth"), Draft("ip"), ports, payload]).data


@pytest.mark.parametrize("kind", talking.ALL)
def test_damaged_conversations_are_still_shown(kind: str) -> None:
    whole = talking.made(kind)
    records = Capture(whole).records
    rng = random.Random(kind)
    for _ in range(4):
        data = bytearray(whole)
        for offset, size in zip(records.offsets.tolist(), records.captured.tolist(), strict=True):
            for _ in range(rng.choice((0, 1, 2, 5))):
                data[offset + rng.randrange(14, size)] = rng.choice((0, 1, 0x7F, 0xC0, 0xFF, rng.randrange(256)))
        capture = Capture(bytes(data))
        read(capture)
        for index in range(0, len(capture), 7):
            for how in kinds_of(capture, index):
                follow(capture, index, how)


def _tunnels() -> bytes:
    inner = b""
    for depth in range(2000):
        proto = 4 if depth else 17
        inner = struct.pack(">BBHHHBBHII", 0x45, 0, 20 + len(inner), 0, 0, 64, proto, 0, 1, 2) + inner
    return ETHERNET + b"\x08\0" + inner


def _names() -> bytes:
    long = b"".join(b"\x3f" + bytes((97 + part,)) * 63 for part in range(3)) + b"\x3c" + b"z" * 60 + b"\0"
    return b"\0\1\x81\x80\0\1\x10\0\0\0\0\0" + long + b"\0\1\0\1" + (b"\xc0\x0c\0\x10\0\1" + bytes(6)) * 4000


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (ETHERNET + b"\x81\0\0\1" * 15_000, "layers"),
        (_tunnels(), "layers"),
        (ETHERNET + b"\x86\xdd" + struct.pack(">IHBB32x", 6 << 28, 60_000, 0, 64) + b"\x3c\0\1\4\0\0\0\0" * 7500, ""),
        (udp(53, b"\0\1\x81\x80" + b"\xff" * 8 + b"\xc0\x0c" * 30_000), "pointer"),
        (udp(53, _names()), "beyond"),
        (udp(3478, b"\0\1\xea\x60\x21\x12\xa4\x42" + bytes(60_012)), ""),
        (build(REGISTRY, [Draft("eth"), Draft("ip", {"proto": 132}), bytes(12) + bytes(40_000)]).data, "-4 bytes"),
    ],
    ids=["tags", "tunnels", "extensions", "pointers", "names", "attributes", "chunks"],
)  # fmt: skip
def test_what_has_no_end_ends(frame: bytes, said: str) -> None:
    packet = read(frames(frame))[0]
    assert len(packet.layers) < 50
    assert said in " ".join(note.sentence for note in packet.notes)


def test_headers_at_the_end_of_the_file() -> None:
    """SCTP needs 12 bytes, and the file ends with them."""
    frame = build(REGISTRY, [Draft("eth"), Draft("ip", {"proto": 132}), struct.pack(">HHII", 1, 2, 3, 4)]).data
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + struct.pack("<8xII", *[len(frame)] * 2)
    assert read(Capture(head + frame))[0].value("sctp.srcport") == 1


def _packed_page(made: Made) -> None:
    packed = gzip.compress(bytes(100_000_000), 9)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    made.tcp(80, [(">", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), ("<", head + packed)])


def _packed_message(made: Made) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(bytes(100_000_000)) + packer.flush(zlib.Z_SYNC_FLUSH)
    upgrade = (b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
               b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n")  # fmt: skip
    frame = b"\xc2\x7f" + len(packed[:-4]).to_bytes(8, "big") + packed[:-4]
    made.tcp(80, [(">", b"GET / HTTP/1.1\r\nHost: a\r\n" + upgrade),
                  ("<", b"HTTP/1.1 101 Switching\r\n" + upgrade + frame)])  # fmt: skip


def _packed_headers(made: Made) -> None:
    entry = b"\x40\x01a\x7f\x80\x1e" + b"v" * (127 + 0x1E * 128)  # enters the table, and one byte repeats it

    def frame(block: bytes) -> bytes:
        return len(block).to_bytes(3, "big") + b"\x01\x04\0\0\0\x01" + block

    made.tcp(80, [(">", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), (">", frame(entry + b"\xbe" * 12_000)),
                  *[(">", frame(b"\xbe" * 16_000)) for _ in range(10)]])  # fmt: skip


@pytest.mark.parametrize(
    ("bomb", "said"), [(_packed_page, "unpacks to more"), (_packed_message, ""), (_packed_headers, "unpack to more")]
)
def test_what_unpacks_without_end_is_cut_off(bomb: Callable[[Made], None], said: str) -> None:
    made = Made()
    bomb(made)
    packets = read(Capture(made.done()))
    assert said in " ".join(note.sentence for packet in packets for note in packet.notes)
