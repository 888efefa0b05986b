"""Our packets against tshark's, field by field, on conversations of every protocol.

The same comparison runs on any capture: ``python tests/topics/protocols/pdml.py FILE…``.
"""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import pytest

from prayog_protocols.engine.capture.capture import Capture

from . import talking
from .making import Made
from .pdml import Report, compare
from .test_conversations import ACK, FIN, PSH, SYN, Wire

pytestmark = pytest.mark.skipif(
    not shutil.which("tshark"), reason="tshark is not installed, so our fields cannot be compared with its"
)


def compared(data: bytes, folder: Path) -> Report:
    path = folder / "made.pcapng"
    path.write_bytes(data)
    return compare(Capture(data), path)


@pytest.mark.parametrize("kind", talking.ALL)
def test_a_conversation(kind: str, tmp_path: Path) -> None:
    report = compared(talking.made(kind), tmp_path)
    assert report.compared > 1000
    assert report.share >= 0.999, report.examples


def test_a_connection_on_which_much_goes_wrong(tmp_path: Path) -> None:
    wire = Wire(80)
    wire.open()
    text = b"POST /orders HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 3000\r\n\r\n" + bytes(3000)
    wire.say(">", 1, 1, ACK, text[:1000])
    wire.say(">", 2001, 1, ACK, text[2000:3000])
    wire.say("<", 1, 1001)
    wire.say(">", 1001, 1, ACK, text[1000:2000], after_ms=0.2)
    wire.say("<", 1, 3001, window=0)
    wire.say(">", 3001, 1, ACK, text[3000:3001], after_ms=300)
    wire.say("<", 1, 3001, window=0)
    wire.say("<", 1, 3001, window=900)
    wire.say(">", 3001, 1, ACK | PSH, text[3000:])
    wire.say("<", 1, 1 + len(text), ACK | PSH, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    wire.say("<", 1, 1 + len(text), ACK | PSH, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", after_ms=300)
    wire.say(">", 1 + len(text), 40)
    for _ in range(3):
        wire.say(">", 1 + len(text), 40)
    wire.say(">", len(text), 40, after_ms=9000)
    wire.say("<", 40, 1 + len(text))
    wire.say("<", 40, 1 + len(text), ACK | FIN)
    wire.say(">", 1 + len(text), 41, ACK | FIN)
    wire.say(">", 900_000, 0, SYN)
    report = compared(wire.out.getvalue(), tmp_path)
    assert report.share >= 0.999, report.examples
    assert not [name for name in report.only_ours if name.startswith("tcp.analysis")]


@pytest.mark.parametrize("link", [0, 101, 113, 276])
def test_other_link_types(link: int, tmp_path: Path) -> None:
    """The same packets behind another header, cut after 200 bytes, in a big-endian file."""
    ethernet = Capture(talking.made("http", "dns", "internet"))
    out = struct.pack(">IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 200, link)
    for index in range(len(ethernet)):
        frame = ethernet.raw(index)
        kind = int.from_bytes(frame[12:14], "big")
        if kind not in (0x0800, 0x86DD):
            continue
        head = {
            0: struct.pack("<I", 2 if kind == 0x0800 else 10), 101: b"",
            113: struct.pack(">HHH8sH", 4, 1, 6, frame[6:12] + b"\0\0", kind),
            276: struct.pack(">HHIHBB8s", kind, 0, 3, 1, 4, 6, frame[6:12] + b"\0\0"),
        }[link]  # fmt: skip
        data = head + frame[14:]
        moment = int(ethernet.records.times[index])
        out += struct.pack(">IIII", moment // 10**9, moment % 10**9 // 1000, len(data[:200]), len(data)) + data[:200]
    report = compared(out, tmp_path)
    assert report.packets > 60
    assert report.share >= 0.999, report.examples


def test_a_port_decoded_as_another_protocol(tmp_path: Path) -> None:
    made = Made()
    made.tcp(
        8025, [("<", b"220 ready\r\n"), (">", b"EHLO shop.example\r\n"), ("<", b"250 hello\r\n"), (">", b"QUIT\r\n")]
    )
    path = tmp_path / "made.pcapng"
    path.write_bytes(made.done())
    capture = Capture(made.done())
    capture.speaks[8025] = "smtp"
    report = compare(capture, path, ("-d", "tcp.port==8025,smtp"))
    assert report.share >= 0.999, report.examples
    assert not report.only_ours.keys() & {"smtp.req.command", "smtp.response.code"}
