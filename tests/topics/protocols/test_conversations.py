"""Conversations: numbers, labels of segments, streams with holes, fragments, following, ladders, transcripts."""

from __future__ import annotations

import gzip
import io
import random
import struct
from typing import Any

import pytest

from prayog_protocols.engine.building import Draft, build
from prayog_protocols.engine.capture.capture import Capture
from prayog_protocols.engine.capture.writer import Writer
from prayog_protocols.engine.filter import compile_filter
from prayog_protocols.engine.protocols import REGISTRY
from prayog_protocols.engine.showing import literal
from prayog_protocols.engine.streams.conversations import conversations, endpoints
from prayog_protocols.engine.streams.follow import follow, kinds_of
from prayog_protocols.engine.streams.hierarchy import hierarchy
from prayog_protocols.engine.streams.ladder import ladder, mermaid
from prayog_protocols.engine.streams.transcript import transcript

from .making import Made

SYN, ACK, PSH, FIN, RST = 2, 16, 8, 1, 4


class Wire:
    """A TCP connection written down segment by segment: numbers are relative, time is in milliseconds."""

    def __init__(self, port: int = 9) -> None:
        self.out = io.BytesIO()
        self.writer = Writer(self.out)
        self.writer.interface(1)
        self.port = port
        self.now = 0.0

    def frame(self, data: bytes, after_ms: float = 1.0) -> None:
        self.now += after_ms
        self.writer.packet(data, 1_700_000_000 * 10**9 + int(self.now * 10**6))

    def say(self, who: str, seq: int, ack: int, flags: int = ACK, data: bytes = b"", **more: Any) -> None:
        after, window = more.pop("after_ms", 1.0), more.pop("window", 1000)
        there = {"src": "10.0.0.1", "dst": "10.0.0.2"}
        ends = there if who == ">" else {"src": "10.0.0.2", "dst": "10.0.0.1"}
        ports = (40000, self.port) if who == ">" else (self.port, 40000)
        mine, other = (1000, 5000) if who == ">" else (5000, 1000)
        head = {"srcport": ports[0], "dstport": ports[1], "seq_raw": seq + mine, "flags": flags, "window": window,
                "ack_raw": ack + other if flags & ACK else 0, **more}  # fmt: skip
        self.frame(build(REGISTRY, [Draft("eth"), Draft("ip", ends), Draft("tcp", head), data]).data, after)

    def open(self) -> None:
        self.say(">", 0, 0, SYN)
        self.say("<", 0, 1, SYN | ACK)
        self.say(">", 1, 1)

    def capture(self) -> Capture:
        return Capture(self.out.getvalue())


def labels(capture: Capture) -> list[set[str]]:
    names = ("retransmission", "fast_retransmission", "spurious_retransmission", "out_of_order", "duplicate_ack",
             "zero_window", "zero_window_probe", "keep_alive", "keep_alive_ack", "window_update", "window_full",
             "lost_segment", "ack_lost_segment", "reused_ports")  # fmt: skip
    return [
        {name for name in names if capture.packet(index).find(f"tcp.analysis.{name}")} for index in range(len(capture))
    ]


def test_relative_numbers_windows_and_round_trips() -> None:
    wire = Wire()
    wire.say(">", 0, 0, SYN, options=[{"option_kind": 3, "shift": 7}])
    wire.say("<", 0, 1, SYN | ACK, options=[{"option_kind": 3, "shift": 2}])
    wire.say(">", 1, 1)
    wire.say(">", 1, 1, ACK | PSH, b"x" * 100)
    wire.say("<", 1, 101)
    capture = wire.capture()
    sent, confirmed = capture.packet(3), capture.packet(4)
    assert [sent.value(f"tcp.{name}") for name in ("seq", "nxtseq", "ack", "len", "window_size")] == [
        1,
        101,
        1,
        100,
        128_000,
    ]
    assert sent.value("tcp.seq_raw") == 1001
    assert confirmed.value("tcp.analysis.acks_frame") == 4
    assert confirmed.value("tcp.analysis.ack_rtt") == 10**6
    assert confirmed.value("tcp.window_size") == 4000
    assert capture.packet(3).value("tcp.analysis.initial_rtt") == 2 * 10**6
    assert capture.packet(3).value("tcp.analysis.bytes_in_flight") == 100


def test_labels_of_what_was_lost_and_sent_again() -> None:
    wire = Wire()
    wire.open()
    wire.say(">", 1, 1, data=b"a" * 100)
    wire.say("<", 1, 101)
    wire.say(">", 101, 1, data=b"b" * 100)
    wire.say(">", 101, 1, data=b"b" * 100, after_ms=300)  # 6: nobody confirmed it in time
    wire.say("<", 1, 201)
    wire.say(">", 101, 1, data=b"b" * 100, after_ms=300)  # 8: it had been confirmed
    wire.say(">", 301, 1, data=b"d" * 100)  # 9: the piece before is not in the capture
    wire.say("<", 1, 201, after_ms=1)  # 10, 11, 12: the same confirmation again
    wire.say("<", 1, 201)
    wire.say("<", 1, 201)
    wire.say(">", 201, 1, data=b"c" * 100)  # 13: at once after the third
    found = labels(wire.capture())
    assert found[6] == {"retransmission"}
    assert "spurious_retransmission" in found[8]
    assert found[9] == {"lost_segment"}
    assert [found[index] for index in (10, 11, 12)] == [{"duplicate_ack"}] * 3
    assert "fast_retransmission" in found[13]
    assert wire.capture().packet(12).value("tcp.analysis.duplicate_ack_num") == 3


def test_labels_of_order_windows_and_keep_alives() -> None:
    wire = Wire()
    wire.open()
    wire.say(">", 101, 1, data=b"b" * 100)  # 3: the piece before comes …
    wire.say(">", 1, 1, data=b"a" * 100, after_ms=0.1)  # 4: … right after it
    wire.say("<", 1, 201, window=0)  # 5
    wire.say(">", 201, 1, data=b"x", after_ms=200)  # 6: asks with one byte
    wire.say("<", 1, 201, window=0)  # 7
    wire.say("<", 1, 201, window=500)  # 8
    wire.say(">", 200, 1, after_ms=9000)  # 9: one old number and no data: is anybody there?
    wire.say("<", 1, 201, window=500)  # 10
    found = labels(wire.capture())
    assert found[3] == {"lost_segment"}
    assert found[4] == {"out_of_order"}
    assert found[5] == {"zero_window"}
    assert found[6] == {"zero_window_probe"}
    assert found[8] == {"window_update"}
    assert "keep_alive" in found[9]
    assert "keep_alive_ack" in found[10]


def test_ports_that_are_used_again_are_another_connection() -> None:
    wire = Wire()
    for seq in (0, 900_000):
        wire.say(">", seq, 0, SYN)
        wire.say("<", seq, seq + 1, SYN | ACK)
        wire.say(">", seq + 1, seq + 1)
    capture = wire.capture()
    assert [capture.packet(index).value("tcp.stream") for index in range(6)] == [0, 0, 0, 1, 1, 1]
    assert "reused_ports" in labels(capture)[3]


def test_a_stream_is_put_in_order_and_each_byte_counts_once() -> None:
    wire = Wire(80)
    wire.open()
    text = b"GET /orders HTTP/1.1\r\nHost: shop.example\r\n\r\n"
    wire.say(">", 1 + 20, 1, data=text[20:])
    wire.say(">", 1 + 10, 1, data=text[10:25].upper())  # reaches into what is there already, and begins earlier
    wire.say(">", 1 + 10, 1, data=b"." * 15)  # the same piece again, and other bytes: too late
    wire.say(">", 1, 1, data=text[:10])
    capture = wire.capture()
    said = follow(capture, 0, "tcp").parts
    assert b"".join(part.data for part in said) == text[:10] + text[10:25].upper() + text[25:]
    request = capture.packet(6)
    assert request.value("http.host") == "shop.example"
    assert [(node.value, node.position, node.size, bool(node.children)) for node in request.find("tcp.segment")] == [
        (7, 0, 10, False), (5, 10, 15, False), (4, 20, len(text) - 20, True)  # its first bytes overlap
    ]  # fmt: skip


def test_a_hole_is_shown_as_a_hole() -> None:
    wire = Wire()
    wire.open()
    wire.say(">", 1, 1, data=b"before")
    wire.say(">", 107, 1, data=b"after")
    parts = follow(wire.capture(), 3, "tcp").parts
    assert [(part.data, part.missing) for part in parts] == [(b"before", 0), (b"", 100), (b"after", 0)]
    assert "[100 bytes were not captured]" in transcript(wire.capture(), 0)


def fragments(payload: bytes, size: int, version: int) -> list[bytes]:
    whole = build(REGISTRY, [Draft("udp", {"srcport": 7, "dstport": 9}), payload]).data
    frames = []
    for at in range(0, len(whole), size):
        piece, more = whole[at : at + size], at + size < len(whole)
        if version == 4:
            head = {"id": 77, "flags": {"mf"} if more else set(), "frag_offset": at // 8, "proto": 17}
            frames.append(build(REGISTRY, [Draft("eth"), Draft("ip", head), piece]).data)
        else:
            row = {
                "extension": 44,
                "fraghdr.nxt": 17,
                "fragment_offset": at // 8,
                "more": int(more),
                "fraghdr.ident": 77,
            }
            frames.append(build(REGISTRY, [Draft("eth"), Draft("ipv6", {"extensions": [row]}), piece]).data)
    return frames


def test_fragments_are_put_together_whatever_their_order() -> None:
    payload = bytes(range(256)) * 12
    frames = fragments(payload, 1024, 4)
    for order in (frames, frames[::-1], [frames[1], frames[0], *frames[2:]]):
        wire = Wire()
        for frame in order:
            wire.frame(frame)
        capture = wire.capture()
        last = capture.packet(len(order) - 1)
        assert last.value("udp.length") == len(payload) + 8
        assert last.value("ip.fragment.count") == len(frames)
        assert last.sources[1].data[8:] == payload
        assert capture.packet(0).value("ip.reassembled_in") == len(order)


def test_a_fragment_that_never_comes_leaves_the_others_alone() -> None:
    wire = Wire()
    for frame in fragments(bytes(4000), 1024, 4)[:-1]:
        wire.frame(frame)
    capture = wire.capture()
    assert not capture.packet(0).find("ip.reassembled_in")
    assert capture.packet(2).layer("udp") is None


def test_content_in_chunks_and_packed_is_shown_as_it_was_meant() -> None:
    page = b"<html>" + b"namaste " * 400 + b"</html>"
    packed = gzip.compress(page, mtime=0)
    chunks = b"".join(
        b"%x\r\n%b\r\n" % (len(packed[at : at + 50]), packed[at : at + 50]) for at in range(0, len(packed), 50)
    )
    made = Made()
    made.tcp(80, [
        (">", b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n"),
        ("<", b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("<", chunks + b"0\r\n\r\n"),
    ], mss=40)  # fmt: skip
    capture = Capture(made.done())
    response = next(
        packet for index in range(len(capture)) if (packet := capture.packet(index)).find("http.response.code")
    )
    assert response.value("http.file_data") == page.decode()
    said = follow(capture, 0, "http").parts
    assert said[1].data.endswith(page)
    assert kinds_of(capture, 0) == ["tcp", "http"]


def test_who_talked_how_much() -> None:
    made = Made()
    made.tcp(80, [(">", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), ("<", b"HTTP/1.1 204 No Content\r\n\r\n")])
    made.udp(9, [(">", b"question"), ("<", b"answer, which is longer")])
    capture = Capture(made.done())
    tcp, udp = conversations(capture, "tcp"), conversations(capture, "udp")
    assert [(one.a, one.b_port) for one in tcp] == [("10.0.0.1", 80)]
    assert (udp[0].a_packets, udp[0].b_packets, udp[0].b_bytes - udp[0].a_bytes) == (1, 1, 15)
    lengths = int(capture.records.lengths.sum())
    for kind, found in (("ip", conversations(capture, "ip")),):
        assert sum(one.a_bytes + one.b_bytes for one in found) == lengths, kind
    assert {one.address for one in endpoints(capture, "ip")} == {"10.0.0.1", "10.0.0.2"}
    assert sum(one.sent_bytes for one in endpoints(capture, "ip")) == lengths
    root = hierarchy(capture).root
    assert root.packets == len(capture)
    below = root.inside["eth"].inside["ip"].inside
    assert set(below) == {"tcp", "udp"}
    assert below["tcp"].inside["http"].packets == 2
    assert below["udp"].packets == 2


def test_a_ladder_has_a_lane_for_each_end() -> None:
    made = Made()
    made.udp(53, [(">", bytes.fromhex("000701000001000000000000") + b"\x04shop\x00\x00\x01\x00\x01")])
    made.tcp(80, [(">", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")])
    capture = Capture(made.done())
    drawn = ladder(capture, range(5))
    assert drawn.lanes == ("10.0.0.1", "10.0.0.2")
    assert [(arrow.source, arrow.target) for arrow in drawn.arrows] == [(0, 1), (0, 1), (1, 0), (0, 1), (0, 1)]
    assert drawn.arrows[0].row.info == "Question: A shop"
    text = mermaid(drawn)
    assert text.startswith("sequenceDiagram\n    participant L0 as 10.0.0.1")
    assert "L0->>L1: HTTP GET / HTTP/1.1" in text


def test_a_transcript_says_who_said_what() -> None:
    made = Made()
    made.tcp(25, [("<", b"220 ready\r\n"), (">", b"EHLO shop.example\r\n"), ("<", b"250 hello\r\n")])
    text = transcript(Capture(made.done()), 0)
    lines = [line.split(None, 1)[1] for line in text.splitlines()[3:]]
    assert [line.split("    ")[0] for line in lines] == ["S  220 ready", "C  EHLO shop.example", "S  250 hello"]
    with pytest.raises(ValueError, match="in no conversation"):
        transcript(Capture(made.done()), 0, "udp")


def test_a_port_speaks_what_it_is_said_to_speak() -> None:
    made = Made()
    made.tcp(8025, [("<", b"220 ready\r\n"), (">", b"EHLO shop.example\r\n"), ("<", b"250 hello\r\n")])
    capture = Capture(made.done())
    capture.speaks[8025] = "smtp"
    assert capture.packet(5).value("smtp.req.command") == "EHLO"
    assert capture.row(5).protocol == "SMTP"


def test_any_order_of_segments_gives_the_same_stream() -> None:
    rng = random.Random(4)
    data = rng.randbytes(5_000)
    for _ in range(6):
        cuts = sorted(rng.sample(range(1, len(data)), 12))
        pieces = [(a, data[a:b]) for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
        pieces += [(at, piece) for at, piece in rng.sample(pieces, 3)]
        rng.shuffle(pieces)
        wire = Wire()
        wire.open()
        for at, piece in pieces:
            wire.say(">", 1 + at, 1, data=piece)
        assert b"".join(part.data for part in follow(wire.capture(), 0, "tcp").parts) == data


def test_a_source_routed_packet_goes_to_the_end_of_its_route() -> None:
    """As in Wireshark, `ip.dst` is the last station while the route is not used up; the header names the next one."""
    for pointer, wanted, current in ((4, "9.9.9.9", ["10.0.0.2"]), (12, "10.0.0.2", [])):
        head = bytearray(build(REGISTRY, [Draft("eth"), Draft("ip", {"proto": 17})]).data)
        option = bytes([131, 11, pointer, 1, 1, 1, 1, 9, 9, 9, 9, 0])
        udp = bytes.fromhex("0007000900080000")
        head[14], head[16:18] = 0x48, (20 + 12 + 8).to_bytes(2, "big")
        made = Made()
        made.frame(bytes(head[:34]) + option + udp)
        capture = Capture(made.done())
        nodes = list(capture.packet(0).walk())
        assert [literal(node) for node in nodes if node.field.name == "ip.dst"] == [wanted]
        assert [literal(node) for node in nodes if node.field.name == "ip.cur_rt"] == current
        assert len(compile_filter(f"ip.dst == {wanted}").select(capture)) == 1


def test_a_first_fragment_that_was_cut_tells_its_ports() -> None:
    whole = build(REGISTRY, [Draft("udp", {"srcport": 7, "dstport": 9}), bytes(1000)]).data
    first = build(REGISTRY, [Draft("eth"), Draft("ip", {"flags": {"mf"}, "proto": 17}), whole[:800]]).data
    capture = Capture(snapped(first, 96))
    assert "udp" in [layer.field.name for layer in capture.packet(0).layers]
    assert len(compile_filter("udp.port == 9").select(capture)) == 1


def snapped(frame: bytes, keep: int) -> bytes:
    """A classic capture file of one frame of which only the beginning was kept."""
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, keep, 1)
    return head + struct.pack("<IIII", 1, 0, keep, len(frame)) + frame[:keep]


def test_an_empty_line_before_a_request_is_read_over() -> None:
    made = Made()
    made.tcp(80, [(">", b"\r\nGET /late HTTP/1.1\r\nHost: a.example\r\n\r\n"), ("<", b"HTTP/1.1 204 No\r\n\r\n")])
    capture = Capture(made.done())
    assert len(compile_filter('http.request.uri == "/late"').select(capture)) == 1


def test_what_follows_a_literal_of_imap_is_the_clients() -> None:
    made = Made()
    made.tcp(143, [("<", b"* OK ready\r\n"), (">", b"a1 LOGIN {4}\r\n"), ("<", b"+ go\r\n"), (">", b"asha {6}\r\n"),
                   ("<", b"+ go\r\n"), (">", b"secret\r\n"), ("<", b"a1 OK in\r\n")])  # fmt: skip
    capture = Capture(made.done())
    assert len(compile_filter("imap.isrequest == 1").select(capture)) == 3
