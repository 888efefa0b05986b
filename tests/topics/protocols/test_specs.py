"""The specs: each one builds what it reads, knows what its fields mean, and calls them as Wireshark does."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from prayog_protocols.engine.building import BuildError, Draft, Force, build, drafts_of
from prayog_protocols.engine.capture.capture import Capture
from prayog_protocols.engine.dissection import Dissection
from prayog_protocols.engine.protocols import REGISTRY
from prayog_protocols.engine.showing import bit_picture, display, explain, literal, title
from prayog_protocols.engine.spec import Field, Kind, Protocol, fields_of
from prayog_protocols.engine.tree import Packet

from .making import Made

# Names under which a layer or an old reader of Wireshark knows a field, and that `tshark -G fields` does not list.
NOT_LISTED = {"tcp.flags.ns", "dtls.handshake.body", "rtcdc-message"}

UDP = Draft("udp", {"dstport": 9})
HTTP = {"message": {"start": "GET /orders HTTP/1.1", "headers": [("Host", "shop.example")], "body": b"two"}}
STACKS: list[tuple[str, list[Draft | bytes]]] = [
    ("arp", [Draft("eth"), Draft("arp", {"opcode": 2, "sender_mac": "02:00:00:00:00:07", "target_ipv4": "10.0.0.9"})]),
    ("vlan", [Draft("eth"), Draft("vlan", {"id": 100, "priority": 5}), Draft("ip"), UDP, b"x"]),
    ("ieee8021ad", [Draft("eth"), Draft("ieee8021ad", {"id": 7}), Draft("vlan", {"id": 8}), Draft("ip"), UDP]),
    ("ip", [Draft("eth"), Draft("ip", {"ttl": 3, "flags": {"df"}, "options": [{"option_type": 1}]}), UDP, b"abc"]),
    ("ipv6", [Draft("eth"), Draft("ipv6", {"src": "2001:db8::1", "hlim": 9}), UDP, b"abc"]),
    ("icmp", [Draft("eth"), Draft("ip"), Draft("icmp", {"type": 8, "ident": 9, "seq": 4}), b"ping"]),
    ("icmpv6", [Draft("eth"), Draft("ipv6"), Draft("icmpv6", {"type": 128, "identifier": 9, "sequence_number": 4}),
                b"ping"]),
    ("tcp", [Draft("eth"), Draft("ip"), Draft("tcp", {"flags": {"syn"}, "seq_raw": 7, "options": [
        {"option_kind": 2, "mss_val": 1460}, {"option_kind": 4}, {"option_kind": 3, "shift": 7},
        {"option_kind": 8, "timestamp.tsval": 5, "timestamp.tsecr": 6}]})]),
    ("udp", [Draft("eth"), Draft("ip"), Draft("udp", {"srcport": 5, "dstport": 6}), b"payload"]),
    ("dns", [Draft("eth"), Draft("ip"), Draft("udp"),
             Draft("dns", {"id": 7, "questions": [{"qry_name": "shop.example"}]})]),
    ("http", [Draft("eth"), Draft("ip"), Draft("tcp", {"flags": {"ack", "push"}}), Draft("http", HTTP)]),
    ("smtp", [Draft("eth"), Draft("ip"), Draft("tcp", {"dstport": 25, "flags": {"ack"}}),
              Draft("smtp", {"lines": ["EHLO shop.example"]})]),
    ("ftp", [Draft("eth"), Draft("ip"), Draft("tcp", {"dstport": 21, "flags": {"ack"}}),
             Draft("ftp", {"lines": ["PASV"]})]),
    ("websocket", [Draft("websocket", {"text": "Namaste", "masking_key": "01:02:03:04"})]),
    ("stun", [Draft("stun", {"kind": 1})]),
    ("rtp", [Draft("rtp", {"seq": 3, "ssrc": 9}), b"sound"]),
    ("sdp", [Draft("sdp", {"lines": ["v=0", "o=- 1 1 IN IP4 10.0.0.1", "s=-", "m=audio 9 RTP/AVP 0"]})]),
    ("sll", [Draft("sll", {"pkttype": 4, "hatype": 1}), Draft("ip"), UDP, b"x"]),
    ("null", [Draft("null"), Draft("ip"), UDP, b"x"]),
    ("sctp", [Draft("ip"), Draft("sctp", {"verification_tag": 5, "chunks": [{"chunk_type": 11}]})]),
]  # fmt: skip


LINKS = {"eth": 1, "sll": 113, "null": 0, "ip": 101}  # outermost layer -> link type


def link_of(stack: list[Draft | bytes]) -> str:
    first = stack[0]
    return first.protocol if isinstance(first, Draft) else ""


LINKED = [(name, stack) for name, stack in STACKS if link_of(stack) in LINKS]


def taken(protocol: str, data: bytes) -> Packet:
    dissection = Dissection(REGISTRY, data)
    dissection.run(REGISTRY.protocols[protocol])
    return dissection.packet


def every_field(protocol: Protocol) -> Iterator[Field]:
    waiting = [*fields_of(protocol.items), *protocol.extra]
    while waiting:
        field = waiting.pop()
        yield field
        waiting += field.parts


def same(given: Any, found: Any) -> bool:
    if isinstance(found, bytes) and isinstance(given, str):
        return found == bytes.fromhex(given.replace(":", "")) if ":" in given else found == given.encode()
    return given == found


@pytest.mark.parametrize(("name", "stack"), STACKS, ids=[name for name, _ in STACKS])
def test_what_is_built_is_read_again(name: str, stack: list[Draft | bytes]) -> None:
    built = build(REGISTRY, stack)
    packet = taken(link_of(stack), built.data)
    assert not [note for note in packet.notes if note.severity == "error"]
    assert packet.layer(name) is not None
    for layer in built.layers:
        node = packet.layer(layer.protocol)
        assert node is not None
        assert node.start == layer.at * 8
    wanted = next(draft for draft in stack if isinstance(draft, Draft) and draft.protocol == name)
    read = packet.layer(name)
    assert read is not None
    for key, value in wanted.values.items():
        if isinstance(value, int | bytes) and key not in ("text",):
            assert same(value, read.child(key)), key


@pytest.mark.parametrize(("name", "stack"), LINKED, ids=[name for name, _ in LINKED])
def test_a_packet_turns_into_drafts_that_build_it_again(name: str, stack: list[Draft | bytes]) -> None:
    data = build(REGISTRY, stack).data
    assert build(REGISTRY, drafts_of(REGISTRY, data, LINKS[link_of(stack)])).data == data


def test_nothing_said_is_worked_out_and_force_writes_what_is_wrong() -> None:
    good = build(REGISTRY, [Draft("eth"), Draft("ip"), Draft("udp"), b"0123456789"]).data
    packet = taken("eth", good)
    assert (packet.value("ip.len"), packet.value("udp.length")) == (38, 18)
    dissection = Dissection(REGISTRY, good, verify=True)
    dissection.run(REGISTRY.protocols["eth"])
    assert dissection.packet.value("udp.checksum.status") == 1
    forced = Draft("udp", {"length": Force(4000), "checksum": Force(0xBEEF)})
    wrong = taken("eth", build(REGISTRY, [Draft("eth"), Draft("ip"), forced, b"0123456789"]).data)
    assert (wrong.value("udp.length"), wrong.value("udp.checksum")) == (4000, 0xBEEF)


@pytest.mark.parametrize(
    ("protocol", "values", "said"),
    [
        ("ip", {"ttl": 256}, "0 to 255, not 256"), ("ip", {"src": "10.0.0.999"}, "10.0.0.999"),
        ("tcp", {"nonsense": 1}, "nonsense"),
        ("tcp", {"flags": {"sin"}}, "sin"), ("eth", {"dst": "zz"}, "zz"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_refused_with_a_sentence(protocol: str, values: dict[str, Any], said: str) -> None:
    with pytest.raises(BuildError, match=said):
        build(REGISTRY, [Draft(protocol, values)])


def test_every_field_has_a_meaning() -> None:
    silent = [field.name for protocol in REGISTRY.protocols.values() for field in every_field(protocol)
              if field.name and not field.meaning]  # fmt: skip
    assert silent == []


def test_fields_of_a_header_fill_it_without_gap_or_overlap() -> None:
    stack: list[Draft | bytes] = [
        Draft("eth"),
        Draft("ip"),
        Draft("tcp", {"options": [{"option_kind": 2, "mss_val": 9}]}),
        b"x",
    ]
    packet = taken("eth", build(REGISTRY, stack).data)
    for layer, size in (("eth", 14), ("ip", 20), ("tcp", 24)):
        node = packet.layer(layer)
        assert node is not None
        at = node.start
        for child in node.children:
            if child.bits and not child.field.derived and at <= child.start and at < node.start + size * 8:
                assert child.start == at, child  # what begins before it lies within another field
                at = child.end
        assert at == node.start + size * 8, layer


def test_a_field_is_shown_explained_and_drawn() -> None:
    made = Made()
    made.tcp(80, [(">", b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n")])
    packet = taken(
        "eth", build(REGISTRY, [Draft("eth"), Draft("ip", {"ttl": 64}), Draft("tcp", {"flags": {"syn"}})]).data
    )
    ttl = packet.find("ip.ttl")[0]
    assert (title(ttl), literal(ttl), display(ttl)) == ("Time to live: 64", "64", "64")
    assert "RFC 791" in explain(ttl).source
    syn = packet.find("tcp.flags.syn")[0]
    assert bit_picture(syn).replace(" ", "").endswith("......1.")
    assert packet.at(0, ttl.start + 3) is ttl
    assert packet.at(0, syn.start) is syn


@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed, so its names of fields are not known")
def test_names_are_those_of_wireshark() -> None:
    listed = subprocess.run(["tshark", "-G", "fields"], capture_output=True, text=True, check=True).stdout.splitlines()
    known = {line.split("\t")[2] for line in listed if line[:2] in ("F\t", "P\t")}
    names = {name for name in REGISTRY.fields if name}
    assert names - known - NOT_LISTED == set()


def test_kinds_agree_with_their_values() -> None:
    types = {Kind.TEXT: str, Kind.BYTES: bytes, Kind.MAC: bytes, Kind.IPV6: bytes, Kind.REAL: float}
    made = Made()
    made.tcp(80, [(">", b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n"), ("<", b"HTTP/1.1 200 OK\r\n\r\nhello")])
    made.udp(
        53, [(">", bytes.fromhex("0007010000010000000000000473686f7007657861 6d706c650000010001".replace(" ", "")))]
    )
    capture = Capture(made.done())
    for index in range(len(capture)):
        for node in capture.packet(index).walk():
            if node.field.kind not in (Kind.NONE, Kind.PROTOCOL) and node.value is not None:
                assert isinstance(node.value, types.get(node.field.kind, int)), node
