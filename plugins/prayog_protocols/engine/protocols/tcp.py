"""The Transmission Control Protocol (RFC 9293): the segment.  What the segments before say is in `streams`."""

from __future__ import annotations

from prayog_protocols.engine.dissection import Dissection
from prayog_protocols.engine.protocols.tcp_derived import DERIVED, LABELS, PAYLOAD, STATUS
from prayog_protocols.engine.protocols.tcp_options import OPTIONS
from prayog_protocols.engine.protocols.udp import checked
from prayog_protocols.engine.spec import (
    Block,
    Call,
    Check,
    Field,
    Kind,
    Protocol,
    Repeat,
    When,
    bits,
    bytes_,
    flag,
    uint,
)
from prayog_protocols.engine.tree import Node, walk

R = "RFC 9293 §3.1"


def _after(
    c: Dissection,
    out: list[Node],
    data: bytes,
    at: int,
    end: int,
    start: int,
    hdr_len: int,
    src: int,
    dst: int,
    flags: int,
) -> int:
    status = 2
    if c.verify:
        status = checked(c, data, start, end - start, 6) if not c.is_cut(end) else 2
        if status == 0:
            c.note("error", "The check sum does not fit. On the sending machine it is often not filled in yet.",
                   (start + 16) * 8, 16)  # fmt: skip
    out.append(Node(STATUS, c.source, (start + 16) * 8, 0, status))
    if not c.context.transport(c, out, data, at, end, src, dst) and end > at:
        out.append(Node(PAYLOAD, c.source, at * 8, (end - at) * 8, data[at:end]))
        c.follow_port("tcp.port", src, dst, at, end)
    return at


def _info(layer: Node) -> str:
    values = {node.name: node.value for node in walk(layer.children)}
    labels = [node.field.label for node in walk(layer.children) if node.name in _LABELS]
    letters = values.get("tcp.flags") or 0
    flags = ", ".join(name for bit, name in _FLAGS if letters & bit)
    words = [f"[{label}]" for label in labels]
    words.append(f"{values.get('tcp.srcport')} → {values.get('tcp.dstport')} [{flags}]")
    words.append(f"Seq={values.get('tcp.seq', values.get('tcp.seq_raw'))}")
    if letters & 0x10:
        words.append(f"Ack={values.get('tcp.ack', values.get('tcp.ack_raw'))}")
    words.append(f"Win={values.get('tcp.window_size', values.get('tcp.window_size_value'))}")
    if "tcp.len" in values:
        words.append(f"Len={values['tcp.len']}")
    if "tcp.options.mss_val" in values:
        words.append(f"MSS={values['tcp.options.mss_val']}")
    if "tcp.reassembled_in" in values:
        words.append(f"[message ends in packet {values['tcp.reassembled_in']}]")
    return " ".join(words)


_LABELS = {label.name for label in LABELS}
_FLAGS = (
    (2, "SYN"),
    (1, "FIN"),
    (4, "RST"),
    (8, "PSH"),
    (16, "ACK"),
    (32, "URG"),
    (64, "ECE"),
    (128, "CWR"),
    (256, "AE"),
)
TCP = Protocol(
    "tcp", "Transmission Control Protocol", short="TCP", source="RFC 9293", info=_info,
    meaning="Carries a stream of bytes in both directions, in order, each byte counted, confirmed and repeated when "
            "lost.",
    entries={"ip.proto": (6,)},
    items=(
        uint("tcp.srcport", 16, "Source port", "The program that sent it.", R, aliases=("tcp.port",), default=40000),
        uint("tcp.dstport", 16, "Destination port", "The program that should have it.", R, aliases=("tcp.port",),
            default=80),
        uint("tcp.seq_raw", 32, "Sequence number (raw)",
            "The number of the first byte of data. SYN and FIN count as one byte each.", R, default=0),
        uint("tcp.ack_raw", 32, "Acknowledgement number (raw)",
            "The next byte that the sender of this segment expects: all before it have arrived. Valid with the ACK "
            "flag.", R, default=0),
        uint("tcp.hdr_len", 4, "Header length", "Where the header ends: 20 to 60 bytes. On the wire it counts words of "
                                                "4 bytes, and RFC 9293 calls it data "
                                                "offset.", R, scale=4, unit="bytes", auto="size"),
        bits("tcp.flags", 12, "Flags", (
            uint("tcp.flags.res", 3, "Reserved", "Must be 0.", R),
            flag("tcp.flags.ae", "Accurate ECN", "With the two flags after it: how much congestion was seen.",
                 "draft-ietf-tcpm-accurate-ecn", aliases=("tcp.flags.ns",)),
            flag("tcp.flags.cwr", "Congestion window reduced", "The sender heard of congestion and slowed down.",
                 "RFC 3168 §6.1"),
            flag("tcp.flags.ece", "ECN echo", "A router marked a packet: please slow down.", "RFC 3168 §6.1"),
            flag("tcp.flags.urg", "Urgent", "The urgent pointer counts.", R),
            flag("tcp.flags.ack", "Acknowledgement",
                "The acknowledgement number counts: set in all segments but the first.",
                 R),
            flag("tcp.flags.push", "Push", "Give what you have to the program without waiting for more.", R),
            flag("tcp.flags.reset", "Reset", "The connection ends at once, or never was.", R),
            flag("tcp.flags.syn", "Synchronise",
                "The first segment of a direction: its number is where counting begins.", R),
            flag("tcp.flags.fin", "Finish", "No more data will come from this side.", R),
        ), "What this segment does besides carrying data.", R, default=0x10),
        uint("tcp.window_size_value", 16, "Window",
            "How many more bytes the sender of this segment will take, before "
            "scaling.", R, default=64240, key="window"),
        uint("tcp.checksum", 16, "Check sum", "Over addresses, header and data.", R, hex=True, auto="transport_sum(6)"),
        uint("tcp.urgent_pointer", 16, "Urgent pointer", "Where urgent data ends; rarely used (RFC 6093).", R,
            default=0),
        Check("hdr_len >= 20", "A header of {hdr_len} bytes; 20 are the least.", "hdr_len", stop=True),
        When("hdr_len > 20", (Block(
            Field("tcp.options", "Options", Kind.BYTES,
                meaning="What the two sides agree on, mostly in the first segments.",
                  source="RFC 9293 §3.2"),
            (Repeat("options", (OPTIONS,), while_="option_kind != 0"),), "hdr_len - 20",
            bytes_("", 0, "Padding", "Fills the last word.", R, key="padding"), keeps=True, pad=4,
        ),)),
        Call(_after, ("start", "hdr_len", "srcport", "dstport", "flags")),
    ),
    extra=(STATUS, PAYLOAD, *DERIVED),
)  # fmt: skip

PROTOCOLS = (TCP,)
