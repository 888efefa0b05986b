"""Captures taken apart: hostile bytes never raise, packets build again byte for byte, and tshark agrees."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prayog_protocols.engine.building import build, drafts_of
from prayog_protocols.engine.capture.capture import Capture, CaptureError
from prayog_protocols.engine.capture.writer import Writer
from prayog_protocols.engine.demo import demo_bytes
from prayog_protocols.engine.filter import compile_filter
from prayog_protocols.engine.protocols import REGISTRY

from .pdml import compare


def captured(frames: list[bytes], link: int = 1) -> Capture:
    file = io.BytesIO()
    writer = Writer(file)
    interface = writer.interface(link=link, name="made")
    for number, frame in enumerate(frames):
        writer.packet(frame, 1_000_000 * number, interface=interface)
    return Capture(file.getvalue(), "made")


def whole(capture: Capture) -> int:
    """Walk every node of every packet; how many there are."""
    return sum(1 for index in range(len(capture)) for _ in capture.packet(index).walk())


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=160), min_size=1, max_size=4), st.sampled_from([0, 1, 101, 113, 248]))
def test_bytes_of_no_meaning_never_raise(frames: list[bytes], link: int) -> None:
    whole(captured(frames, link))


def test_a_packet_that_is_cut_anywhere_is_still_shown() -> None:
    demo = Capture(demo_bytes(), "demo")
    frames = [bytes(demo.raw(index)) for index in range(len(demo))]
    for frame in frames[::9]:
        assert whole(captured([frame[:end] for end in range(0, len(frame), 7)])) > 0


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_flipped_byte_in_any_packet_never_raises(data: st.DataObject) -> None:
    demo = Capture(demo_bytes(), "demo")
    frames = [bytearray(demo.raw(index)) for index in range(len(demo))]
    for _ in range(8):
        frame = data.draw(st.sampled_from(frames))
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    whole(captured([bytes(frame) for frame in frames]))


def test_a_file_that_is_cut_is_read_up_to_there() -> None:
    data = demo_bytes()
    with pytest.raises(CaptureError, match="the file is empty"):
        Capture(b"", "cut")
    for end in range(997, len(data), 997):
        assert len(Capture(data[:end], "cut")) <= 115
        whole(Capture(data[:end], "cut"))


def test_drafts_of_a_packet_build_the_same_bytes() -> None:
    demo = Capture(demo_bytes(), "demo")
    for index in range(len(demo)):
        frame = bytes(demo.raw(index))
        assert build(REGISTRY, drafts_of(REGISTRY, frame, 1)).data == frame, index + 1


@pytest.mark.parametrize(
    ("text", "least"), [("tcp", 20), ("dns && udp", 2), ('http.request.method in {"GET", "PUT"}', 1), ("!arp", 100)]
)
def test_a_filter_selects_what_its_packets_match(text: str, least: int) -> None:
    demo = Capture(demo_bytes(), "demo")
    chosen = compile_filter(text)
    found = {int(index) for index in chosen.select(demo)}
    assert len(found) >= least
    assert found == {index for index in range(len(demo)) if chosen.matches(demo.packet(index))}


@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed, so fields cannot be compared with it")
def test_fields_of_the_demo_are_those_of_tshark(tmp_path: Path) -> None:
    path = tmp_path / "demo.pcapng"
    path.write_bytes(demo_bytes())
    report = compare(Capture(demo_bytes(), "demo"), path)
    assert report.compared > 1_000
    assert report.share >= 0.999, report.examples


@pytest.mark.parametrize(
    ("link", "packet"),
    [  # a source route of IPv4, a routing header of type 0, segment routing: made with scapy 2.6
        (228, "4800002d000100004011cb9d0a0000010a000002830b040a0000090a0000080003e807d0000d9c4168656c6c6f"),
        (229, "6000000000322b40fd000000000000000000000000000001fd0000000000000000000000000000021104000200000000fd00"
              "0000000000000000000000000005fd00000000000000000000000000000600080009000a934c7274"),
        (229, "6000000000332b40fd000000000000000000000000000001fd0000000000000000000000000000021104040101000000fd00"
              "0000000000000000000000000005fd00000000000000000000000000000600080009000b2a4d737268"),
    ],
    ids=["source route", "type 0", "segments"],
)  # fmt: skip
def test_a_check_sum_is_made_with_the_last_station_of_a_route(link: int, packet: str) -> None:
    capture = captured([bytes.fromhex(packet)], link)
    capture.verify = True
    (status,) = capture.packet(0).find("udp.checksum.status")
    assert status.value == 1
