"""Capture files: both formats in both byte orders, what is damaged in them, and packed ones with their limit."""

from __future__ import annotations

import gzip
import io
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

from prayog_protocols.engine.capture import packed
from prayog_protocols.engine.capture.capture import Capture, CaptureError
from prayog_protocols.engine.capture.writer import Writer
from prayog_protocols.engine.real.files import open_capture

from .making import Made

FRAME = bytes.fromhex("020000000002020000000001080600010800060400010200000000010a0000010000000000000a000002")
MOMENT = 1_700_000_000_123_456_789
TSHARK = shutil.which("tshark")


def pcap(order: str, nano: bool, frames: list[bytes], link: int = 1) -> bytes:
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    out = struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 262144, link)
    for frame in frames:
        part = MOMENT % 10**9 // (1 if nano else 1000)
        out += struct.pack(f"{order}IIII", MOMENT // 10**9, part, len(frame), len(frame) + 5) + frame
    return out


def block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + size + body + size


def option(order: str, code: int, value: bytes) -> bytes:
    return struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order: str) -> bytes:
    return block(order, 0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1) + option(order, 1, b"whole file"))


def interface(order: str, link: int, *options: bytes) -> bytes:
    return block(order, 1, struct.pack(f"{order}HHI", link, 0, 0) + b"".join(options) + bytes(4))


def enhanced(order: str, number: int, ticks: int, frame: bytes, *options: bytes) -> bytes:
    head = struct.pack(f"{order}IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame))
    return block(order, 6, head + frame + bytes(-len(frame) % 4) + b"".join(options) + bytes(4 if options else 0))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nano", [False, True])
def test_pcap_in_both_orders_and_both_units(order: str, nano: bool) -> None:
    capture = Capture(pcap(order, nano, [FRAME, FRAME]))
    assert len(capture) == 2
    assert capture.raw(1) == FRAME
    assert int(capture.records.times[0]) == (MOMENT if nano else MOMENT // 1000 * 1000)
    assert capture.packet(0).value("frame.len") == len(FRAME) + 5
    assert capture.packet(0).value("arp.dst.proto_ipv4") == 0x0A000002
    assert not capture.records.problems


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_with_several_interfaces_comments_secrets_and_unknown_blocks(order: str) -> None:
    log = b"CLIENT_RANDOM " + b"ab" * 32 + b" " + b"cd" * 48 + b"\n"
    data = (
        section(order)
        + interface(order, 1, option(order, 2, b"eth7"), option(order, 9, b"\x09"))
        + interface(order, 101, option(order, 2, b"tun0"), option(order, 9, b"\x8a"))  # ticks of 2⁻¹⁰ s
        + block(order, 10, struct.pack(f"{order}II", 0x544C534B, len(log)) + log)
        + block(order, 0x0BAD, b"nobody knows this block")
        + enhanced(order, 0, MOMENT, FRAME, option(order, 1, b"first"), option(order, 1, b"and more"))
        + enhanced(order, 1, 1024 * 1_700_000_000 + 512, bytes.fromhex("4500001400000000400600007f0000017f000001"))
        + block(order, 3, struct.pack(f"{order}I", len(FRAME)) + FRAME)
    )
    capture = Capture(data)
    assert len(capture) == 3
    assert capture.records.comment == "whole file"
    assert capture.records.comments == {0: ["first", "and more"]}
    assert [capture.interface(index).name for index in range(3)] == ["eth7", "tun0", "eth7"]
    assert capture.records.times[:2].tolist() == [MOMENT, 1_700_000_000_500_000_000]
    assert capture.packet(1).layer("ip") is not None
    assert capture.packet(2).layer("arp") is not None
    assert capture.records.secrets[0].data == log
    assert capture.keys.secret("CLIENT_RANDOM", bytes.fromhex("ab" * 32)) == bytes.fromhex("cd" * 48)
    assert not capture.records.problems


def test_two_sections_of_different_order_in_one_file() -> None:
    data = b"".join(section(order) + interface(order, 1) + enhanced(order, 0, 5, FRAME) for order in "<>")
    capture = Capture(data)
    assert [capture.raw(index) for index in range(2)] == [FRAME, FRAME]
    assert capture.records.times.tolist() == [5000, 5000]


def test_what_is_cut_off_is_said_at_the_byte() -> None:
    data = pcap("<", False, [FRAME, FRAME])
    second = 24 + 16 + len(FRAME)
    capture = Capture(data[:-3])
    assert capture.raw(1) == FRAME[:-3]  # what is there of it can be looked at
    assert capture.records.problems[0].offset in range(second, len(data))
    assert "cut off" in capture.records.problems[0].sentence
    written = section("<") + interface("<", 1) + enhanced("<", 0, 5, FRAME) + enhanced("<", 0, 6, FRAME)[:-9]
    capture = Capture(written)
    assert capture.raw(0) == FRAME
    assert capture.records.problems[0].offset == len(section("<") + interface("<", 1) + enhanced("<", 0, 5, FRAME))


def test_lengths_that_no_file_has_are_not_believed() -> None:
    huge = pcap("<", False, [])[:24] + struct.pack("<IIII", 1, 1, 0xFFFFFFF0, 1) + FRAME
    assert len(Capture(huge)) == 0
    assert "no network carries that" in Capture(huge).records.problems[0].sentence
    for length in (0, 4, 13, 0xFFFFFFFC):
        broken = section("<") + interface("<", 1) + struct.pack("<II", 6, length) + FRAME
        capture = Capture(broken)
        assert len(capture) == 0
        assert capture.records.problems


@pytest.mark.parametrize("data", [b"", b"\0\0", b"GIF89a" * 9, b"\x1f\x8b\x08" + bytes(20)])
def test_other_files_are_refused_with_a_sentence(data: bytes) -> None:
    with pytest.raises(CaptureError) as refused:
        Capture(data)
    assert len(str(refused.value)) > 30


def test_what_the_writer_writes_is_read_again() -> None:
    out = io.BytesIO()
    writer = Writer(out, "a comment about the file")
    first, second = writer.interface(1, "lo", "tap"), writer.interface(101, "tun")
    writer.secrets("CLIENT_RANDOM " + "00" * 32 + " " + "11" * 48)
    writer.packet(FRAME, MOMENT, first, "nämlich", outbound=True)
    writer.packet(FRAME[:20], MOMENT + 1, second, wire_size=99)
    capture = Capture(out.getvalue())
    assert [capture.raw(index) for index in range(2)] == [FRAME, FRAME[:20]]
    assert capture.records.times.tolist() == [MOMENT, MOMENT + 1]
    assert capture.records.lengths.tolist() == [len(FRAME), 99]
    assert capture.records.comments == {0: ["nämlich"]}
    assert (capture.interface(0).link, capture.interface(1).link) == (1, 101)
    with pytest.raises(ValueError, match="no interface 2"):
        writer.packet(FRAME, 1, 2)


@pytest.mark.skipif(TSHARK is None, reason="tshark is not installed, so it cannot be asked what it thinks of the file")
def test_tshark_reads_what_the_writer_writes(tmp_path: Path) -> None:
    made = Made()
    made.secrets("CLIENT_RANDOM " + "00" * 32 + " " + "11" * 48)
    made.tcp(80, [(">", b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n"), ("<", b"HTTP/1.1 204 No Content\r\n\r\n")])
    path = tmp_path / "written.pcapng"
    path.write_bytes(made.done())
    command = ["tshark", "-n", "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-r", str(path), "-T",
               "fields", "-e", "frame.number", "-e", "tcp.checksum.status", "-e", "_ws.malformed"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(rows) == len(Capture(made.done()))
    assert {row[1] for row in rows} == {"1"}  # every check sum fits
    assert {row[2] for row in rows} == {""}


def test_a_packed_file_is_unpacked_and_a_damaged_one_up_to_there(tmp_path: Path) -> None:
    frames = [FRAME + bytes([n % 256]) * 40 for n in range(300)]
    data = pcap("<", False, frames)
    whole = gzip.compress(data)
    for name, content, least in (("whole", whole, 300), ("cut", whole[: len(whole) // 2], 1), ("two", whole[:-1], 299)):
        path = tmp_path / f"{name}.pcap.gz"
        path.write_bytes(content)
        capture = open_capture(path)
        assert len(capture) >= least
        assert bool(capture.records.problems) == (name != "whole")
        assert capture.raw(0) == frames[0]
        capture.close()
    with pytest.raises(CaptureError, match="cannot be opened"):
        open_capture(tmp_path / "nowhere.pcap")


def test_a_file_that_unpacks_without_end_is_refused() -> None:
    bomb = io.BytesIO(gzip.compress(bytes(30 << 20)))
    kept = 0

    def write(piece: bytes) -> None:
        nonlocal kept
        kept += len(piece)

    with pytest.raises(CaptureError, match="no capture packs so well"):
        packed.unpack(bomb.read, write, largest=10 << 20)
    assert kept <= 10 << 20


def test_a_packet_costs_at_most_64_bytes_beside_the_file() -> None:
    capture = Capture(pcap("<", False, [FRAME] * 5_000))
    assert capture.flows.count(6) == 0
    parts = [capture.columns, capture.records]
    held = sum(getattr(part, name).nbytes for part in parts for name in part.__slots__
               if isinstance(getattr(part, name), np.ndarray))  # fmt: skip
    held += capture.flows.stream.nbytes
    assert held / len(capture) <= 64
