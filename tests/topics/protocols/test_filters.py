"""The filter language: what it selects, on columns and in packets alike, and what it says of what makes no sense."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prayog_protocols.engine.building import Draft
from prayog_protocols.engine.capture.capture import Capture
from prayog_protocols.engine.filter import FilterError, compile_filter, complete, explain

from .making import Made

QUESTION = bytes.fromhex("000701000001000000000000") + b"\x04shop\x07example\x00\x00\x01\x00\x01"
FILTERS = [
    "tcp.port == 80", "tcp.port == 80 && http.request", "!tcp", "not http and tcp.flags.syn == 1", "udp || icmp",
    'http.request.method in {"GET", "PUT"}', "ip.addr == 10.0.0.2", "ip.addr != 10.0.0.1", "ip.src == 10.0.0.0/31",
    "tcp.flags & 2", "tcp.flags.syn == 1 && tcp.flags.ack == 0", 'http.host contains "exam"',
    'http.host matches "EXAM.*e$"', "tcp.payload[0:3] == 47:45:54", 'tcp.payload[0:3] == "GET"', "frame.len > 100",
    "frame.number in {1..3, 7}", "http.response.code >= 400", "tcp.len > 0 and tcp.srcport == 80",
    "len(http.request.uri) > 5", "tcp.stream == 1", 'lower(http.host) == "shop.example"', "udp.dstport == 53 or dns",
    "eth.src[0:2] == 02:00", "http.content_length == 5", 'http contains "hello"', "ip.ttl == 64 and ip.proto == 6",
    "frame.time_relative < 0.005", "tcp.window_size_value > 1", "tcp.srcport > tcp.dstport", "count(ip.addr) > 1",
    'dns.qry.name == "shop.example"', "tcp.checksum != 0", "ip.id >= 5", "tcp.seq == 1",
    "tcp.analysis.bytes_in_flight > 20", "(tcp.port == 80 or udp) and not frame.len < 70", "icmp.type == 8",
    "ip.dsfield.dscp == 0", "udp.length in {30..40}", "tcp.hdr_len > 20", "arp", "tcp.port in {25, 80}",
    "ip.flags.df == 0",
]  # fmt: skip
TSHARK = shutil.which("tshark")


@pytest.fixture(scope="module")
def capture() -> Capture:
    made = Made()
    made.tcp(80, [
        (">", b"GET /orders HTTP/1.1\r\nHost: shop.example\r\n\r\n"),
        ("<", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
        (">", b"PUT /a HTTP/1.1\r\nHost: SHOP.example\r\nContent-Length: 1\r\n\r\nx"), ("<",
            b"HTTP/1.1 404 Not Found\r\n\r\n"),
    ])  # fmt: skip
    made.tcp(25, [("<", b"220 ready\r\n"), (">", b"QUIT\r\n")])
    made.udp(53, [(">", QUESTION)])
    made.udp(9, [(">", b"x" * 25)])
    made.packet(Draft("icmp", {"type": 8}), b"ping")
    made.packet(
        Draft("icmp", {"type": 3, "code": 3}),
        bytes.fromhex("4500002100010000401100000a0000010a000002") + b"\x9c\x40\x00\x50\0\x0d\0\0",
    )
    return Capture(made.done())


@pytest.mark.parametrize("text", FILTERS)
def test_columns_and_packets_agree(capture: Capture, text: str) -> None:
    found = compile_filter(text)
    selected = found.select(capture).tolist()
    assert selected == [index for index in range(len(capture)) if found.matches(capture.packet(index))]
    assert found.among(capture, np.arange(len(capture))).tolist() == selected
    assert [index for batch in found.stream(capture) for index in batch.tolist()] == selected


def test_filters_select_something_and_not_everything(capture: Capture) -> None:
    counts = {text: len(compile_filter(text).select(capture)) for text in FILTERS}
    idle = {text for text, count in counts.items() if count in (0, len(capture))}
    assert idle == {"ip.addr == 10.0.0.2", "ip.addr != 10.0.0.1", "ip.dsfield.dscp == 0",
                    "eth.src[0:2] == 02:00", "count(ip.addr) > 1", "arp"}  # fmt: skip


@pytest.mark.skipif(TSHARK is None, reason="tshark is not installed, so its filters cannot be asked")
def test_tshark_selects_the_same(capture: Capture, tmp_path: Path) -> None:
    path = tmp_path / "filtered.pcapng"
    path.write_bytes(bytes(capture.data))
    for text in FILTERS[::3]:
        done = subprocess.run(["tshark", "-n", "-r", str(path), "-Y", text, "-T", "fields", "-e", "frame.number"],
                              capture_output=True, text=True, check=True)  # fmt: skip
        theirs = [int(word) - 1 for word in done.stdout.split()]
        assert compile_filter(text).select(capture).tolist() == theirs, text


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("tcp.prt == 80", 0, "Did you mean tcp.port"), ("tcp.port == abc", 12, "abc"), ("tcp.port ==", 11, "missing"),
        ("(tcp", 4, "bracket"), ("tcp.port == 80 udp", 15, "udp"), ("ip.addr == 300.1.1.1", 11, "300.1.1.1"),
        ('http.host == "x', 13, "quotation"), ('http.host matches "("', 18, "regular expression"),
        ("tcp.port in {80", 15, "set"), ("5 == 5", 0, "field"), ("tcp == 5", 7, "no value of its own"),
        ("tcp §", 4, "§"),
        ("tcp[", 4, "number"), ("upper(tcp.port) == 5", 0, "texts"), ("frame.time_relative < x", 22, "x"),
        ("!" * 300 + "tcp", 100, "within each other"), ("ip.src == ip.ttl", 7, "cannot be compared"), ("", -1, ""),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_said_at_its_column(text: str, column: int, said: str) -> None:
    if column < 0:
        assert len(compile_filter(text).text) == 0
        return
    with pytest.raises(FilterError) as error:
        compile_filter(text)
    assert error.value.column == column
    assert said in error.value.sentence


def test_a_filter_in_words() -> None:
    assert explain("") == "All packets."
    assert explain("tcp.flags.syn == 1 && !udp") == "Packets whose TCP synchronise is set and without UDP."
    assert explain("ip.proto == 6") == "Packets whose IPv4 protocol is 6 (TCP)."
    assert (
        explain('http.request.method in {"GET","PUT"} or dns')
        == "Packets whose HTTP method is “GET” or “PUT” or with DNS."
    )
    assert explain("tcp.payload[0:2] == 16:03") == "Packets whose TCP payload (bytes 0 to 1) is 16:03."


def test_what_could_be_written_next() -> None:
    assert "tcp.port" in [one.text for one in complete("tcp.po", 6)]
    assert [one.text for one in complete("tcp.port ", 9)][:2] == ["==", "!="]
    assert '"GET"' in [one.text for one in complete("http.request.method == ", 23)]
    first = complete("ip.proto == ", 12)[0]
    assert (first.start, first.end) == (12, 12)
    assert complete('http.host == "', 14) == []


@settings(max_examples=300, deadline=None)
@given(
    st.text(st.sampled_from(list("tcphudp.ort=!<>&|()[]{}\"',:0123456789/~ inéx§")), max_size=40), st.integers(0, 40)
)
def test_any_text_is_a_filter_or_a_sentence(text: str, cursor: int) -> None:
    complete(text, min(cursor, len(text)))
    wrong: FilterError | None = None
    try:
        compile_filter(text)
    except FilterError as error:
        wrong = error
    assert wrong is None or (0 <= wrong.column <= len(text) and wrong.sentence)


@pytest.mark.parametrize("text", ["tcp.payload[-2:] == 0d:0a", "tcp.payload[-1] == 0a", "tcp.payload[1-3] == 45:54:20"])
def test_slices_from_the_end_and_from_byte_to_byte(text: str) -> None:
    made = Made()
    made.tcp(80, [(">", b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")])
    assert len(compile_filter(text).select(Capture(made.done()))) > 0


def test_an_empty_text_cannot_be_looked_for() -> None:
    with pytest.raises(FilterError, match="at least one letter") as problem:
        compile_filter('http.host contains ""')
    assert problem.value.column == 19


def test_longer_bytes_are_more_as_in_wireshark() -> None:
    made = Made()
    made.udp(9, [(">", b"abcd")])
    capture = Capture(made.done())
    assert len(compile_filter("udp.payload[0:2] > ff").select(capture)) == 1
    assert len(compile_filter("udp.payload[0:2] > 00:00:00").select(capture)) == 0
    assert len(compile_filter("udp.payload[0:2] > 61:61").select(capture)) == 1


def test_true_and_false_are_values() -> None:
    made = Made()
    made.tcp(80, [])
    capture = Capture(made.done())
    assert list(compile_filter("tcp.flags.syn == True").select(capture)) == [0, 1]
    assert compile_filter("tcp.flags.syn == false && tcp").select(capture)[0] == 2
