"""SCTP (RFC 9260) and the protocol that opens WebRTC data channels (RFC 8832)."""

from __future__ import annotations

from typing import Any

from prayog_protocols.engine.checksum import crc32c
from prayog_protocols.engine.dissection import Dissection
from prayog_protocols.engine.spec import (
    Block,
    Call,
    Choose,
    Field,
    Item,
    Kind,
    Protocol,
    Repeat,
    When,
    branch,
    bytes_,
    flag,
    marked,
    text,
    uint,
)
from prayog_protocols.engine.tree import Node, walk

R = "RFC 9260 §3"
CHUNKS = {
    0: "DATA", 1: "INIT", 2: "INIT ACK", 3: "SACK", 4: "HEARTBEAT", 5: "HEARTBEAT ACK", 6: "ABORT", 7: "SHUTDOWN",
    8: "SHUTDOWN ACK", 9: "ERROR", 10: "COOKIE ECHO", 11: "COOKIE ACK", 14: "SHUTDOWN COMPLETE", 64: "I-DATA",
    130: "RE-CONFIG", 132: "PAD", 192: "FORWARD TSN",
}  # fmt: skip
PARAMETERS = {
    1: "Heartbeat info", 5: "IPv4 address", 6: "IPv6 address", 7: "State cookie", 8: "Unrecognised",
    9: "Cookie preservative", 11: "Host name", 12: "Address types", 13: "Outgoing SSN reset", 14: "Incoming SSN reset",
    15: "TSN reset",
    16: "Reset response", 0x8000: "ECN", 0x8008: "Extensions", 0xC000: "Partial reliability",
}  # fmt: skip
PAYLOADS = {50: "WebRTC control (DCEP)", 51: "WebRTC string", 53: "WebRTC binary", 56: "WebRTC empty string",
    57: "WebRTC empty binary"}  # fmt: skip
STATUS = Field("sctp.checksum.status", "Check sum status", derived=True, source="RFC 9260 §6.8",
               values={0: "bad", 1: "good", 2: "not checked"}, meaning="Whether the CRC fits.")  # fmt: skip
_PADDING = bytes_("sctp.chunk_padding", 0, "Padding", "Fills up to four bytes.", R)


def _status(c: Dissection, out: list[Node], data: bytes, at: int, end: int, start: int, checksum: int) -> int:
    value = 2
    if c.verify and not c.is_cut(end):
        value = int(crc32c(data[start : start + 8] + bytes(4) + data[start + 12 : end]) == checksum)
        if not value:
            c.note("error", "The check sum does not fit.", (start + 8) * 8, 32)
    out.append(Node(STATUS, c.source, (start + 8) * 8, 0, value))
    return at


def _pad(c: Dissection, out: list[Node], data: bytes, at: int, end: int, length: int) -> int:
    size = min(-length % 4, end - at)
    if size:
        out.append(Node(_PADDING, c.source, at * 8, size * 8, data[at : at + size]))
    return at + size


def _payload(c: Dissection, out: list[Node], data: bytes, at: int, end: int, ppid: int, flags: int, length: int) -> int:
    """What a DATA chunk carries: a layer of its own, when it is whole."""
    if at < end:
        whole = flags & 3 == 3
        protocol = c.registry.find("sctp.ppid", ppid) if whole else None
        c.queue.append((protocol, c.source, at, end, None))
    return end

CAUSES = {
    1: "No such stream", 2: "Parameter missing", 3: "Cookie too old", 4: "Out of resources", 5: "Unknown address",
    6: "Unknown chunk", 7: "Invalid parameter", 8: "Unknown parameters", 9: "No data", 10: "Cookie while shutting down",
    11: "Restart with new addresses", 12: "The user ended it", 13: "Against the protocol",
}  # fmt: skip


def _pair(name: str, label: str, meaning: str, key: str) -> tuple[Item, ...]:
    """A transmission sequence number: Wireshark shows it relative and raw; alone both are the same."""
    raw = uint(f"sctp.{name}_raw", 32, label, meaning, f"{R}.3.1", key=key)
    return (raw,)


def _parameters(key: str = "parameters") -> Repeat:
    kind = Field("sctp.parameter_type", "Parameter", Kind.UINT, 16, hex=True, values=PARAMETERS, source=f"{R}.2.1",
        key="parameter",
                 meaning="Which one.", parts=marked(16,
        flag("sctp.parameter_bit_1", "Pass over if unknown", "Set: pass over the parameter when it is unknown.",
            f"{R}.2.1", key="parameter_skip"),
        flag("sctp.parameter_bit_2", "Report if unknown", "Set: say so when it is unknown.", f"{R}.2.1",
            key="parameter_report"),
        uint("", 14, "Number", key="parameter_number")))  # fmt: skip
    return Repeat(key, (Block(branch("", "Parameter", caption="{parameter}"), (
        kind, uint("sctp.parameter_length", 16, "Length", "With these four bytes.", f"{R}.2.1", auto="size",
            key="parameter_size"),
        Block(branch("", "Content"), (Choose("parameter", {
            5: (Field("sctp.parameter_ipv4_address", "Address", Kind.IPV4, 32, source=f"{R}.3.2.1",
                key="parameter_ipv4", meaning="Another address of the sender."),),
            6: (Field("sctp.parameter_ipv6_address", "Address", Kind.IPV6, 128, source=f"{R}.3.2.1",
                key="parameter_ipv6", meaning="Another address of the sender."),),
            7: (bytes_("sctp.parameter_state_cookie", "rest", "Cookie",
                "Everything the server needs to know comes back with it: until then it remembers "
                "nothing.", f"{R}.3.3", key="state_cookie"),),
            1: (bytes_("sctp.parameter_heartbeat_information", "rest", "Information", "Comes back as it is.",
                f"{R}.3.5",
                       key="heartbeat"),),
            0x8008: (Repeat("extensions",
                (uint("sctp.supported_chunk_type", 8, "Chunk", "A kind of chunk that the sender knows.",
                    "RFC 5061 §4.2.7", values=CHUNKS,
                                                key="extension_chunk"),)),),
        }, (bytes_("sctp.parameter_value", "rest", "Value", "As bytes.", R, key="parameter_value"),)),),
        "parameter_size - 4",
        keeps=True),
        Call(_pad, ("parameter_size",)),
    ), pad=4),))  # fmt: skip


def _init(prefix: str) -> tuple[Item, ...]:
    return (
        uint(f"sctp.{prefix}_initiate_tag", 32, "Tag", "The other side must put it into each packet.", f"{R}.3.2",
            hex=True,
             key="tag"),
        uint(f"sctp.{prefix}_credit", 32, "Window", "Bytes that this side will take.", f"{R}.3.2", unit="bytes",
            key="credit"),
        uint(f"sctp.{prefix}_nr_out_streams", 16, "Streams out", "How many streams the sender wants to use.",
            f"{R}.3.2", key="streams_out"),
        uint(f"sctp.{prefix}_nr_in_streams", 16, "Streams in", "How many streams it takes at most.", f"{R}.3.2",
            key="streams_in"),
        uint(f"sctp.{prefix}_initial_tsn", 32, "First number", "Of this side's data.", f"{R}.3.2", key="initial_tsn"),
        _parameters(),
    )  # fmt: skip


_CAUSE = Block(branch("", "Cause", caption="{cause}"), (
    uint("sctp.cause_code", 16, "Cause", "What is wrong.", f"{R}.3.10", hex=True, values=CAUSES, key="cause"),
    uint("sctp.cause_length", 16, "Length", "With these four bytes.", f"{R}.3.10", auto="size", key="cause_size"),
    Block(branch("", "Content"), (Choose("cause", {
        1: (uint("sctp.cause_stream_identifier", 16, "Stream", "That does not exist.", f"{R}.3.10.1", key="cause_sid"),
            uint("sctp.cause_reserved", 16, "Reserved", "Zeros.", f"{R}.3.10.1", key="cause_reserved")),
        3: (uint("sctp.cause_measure_of_staleness", 32, "Too old by", "In microseconds.", f"{R}.3.10.3", unit="µs",
                 key="staleness"),),
        9: (uint("sctp.cause_tsn", 32, "Number", "Of the chunk without data.", f"{R}.3.10.9", key="cause_tsn"),),
    }, (bytes_("sctp.cause_information", "rest", "Information", "As bytes.", f"{R}.3.10", key="cause_data"),)),),
        "cause_size - 4", keeps=True),
    Call(_pad, ("cause_size",)),
), pad=4)  # fmt: skip
_DATA_FLAGS = Field("sctp.chunk_flags", "Flags", Kind.UINT, 8, hex=True, source=f"{R}.3.1", key="chunk_flags",
    default=3,
                    meaning="Which part of a message.", parts=(
    uint("", 4, "Reserved", key="data_reserved"),
    flag("sctp.data_i_bit", "At once", "Please confirm at once.", "RFC 7053"),
    flag("sctp.data_u_bit", "Unordered", "May be delivered before others.", f"{R}.3.1"),
    flag("sctp.data_b_bit", "Beginning", "The first part of a message.", f"{R}.3.1"),
    flag("sctp.data_e_bit", "Ending", "The last part of a message.", f"{R}.3.1")))  # fmt: skip
_FLAGS = uint(
    "sctp.chunk_flags",
    8,
    "Flags",
    "Their meaning depends on the type.",
    f"{R}.2",
    hex=True,
    key="chunk_flags",
    default=0,
)
_BODY: dict[Any, tuple[Item, ...]] = {
    0: (*_pair("data_tsn", "Transmission number", "Counts the chunks of this side.", "tsn"),
        uint("sctp.data_sid", 16, "Stream", "One of several within the association.", f"{R}.3.1", hex=True, key="sid"),
        uint("sctp.data_ssn", 16, "Number in the stream", "The order within the stream.", f"{R}.3.1", key="ssn"),
        uint("sctp.data_payload_proto_id", 32, "Payload protocol", "What it carries.", f"{R}.3.1", values=PAYLOADS,
            key="ppid"),
        Call(_payload, ("ppid", "chunk_flags", "chunk_length"), lambda values: bytes(values.get("payload_data", b"")))),
    1: _init("init"), 2: _init("initack"),
    3: (*_pair("sack_cumulative_tsn_ack", "All up to", "Everything up to this number has arrived.", "cumulative"),
        uint("sctp.sack_a_rwnd", 32, "Window", "Room that is left.", f"{R}.3.4", unit="bytes", key="rwnd"),
        uint("sctp.sack_number_of_gap_blocks", 16, "Pieces beyond", "How many pieces behind a gap arrived.",
            f"{R}.3.4", auto="count('gaps')",
            key="gap_count"),
        uint("sctp.sack_number_of_duplicated_tsns", 16, "Doubles", "How many came twice.", f"{R}.3.4",
            auto="count('doubles')",
            key="double_count"),
        Repeat("gaps", (uint("sctp.sack_gap_block_start", 16, "From", "Counted from the number that is confirmed.",
            f"{R}.3.4", key="gap_start"),
                        uint("sctp.sack_gap_block_end", 16, "To", "Counted from the number that is confirmed.",
                            f"{R}.3.4", key="gap_end")), count="gap_count"),
        Repeat("doubles", (uint("sctp.sack_duplicate_tsn", 32, "Double", "It came once more.", f"{R}.3.4",
            key="double"),),
            count="double_count")),
    (4, 5): (_parameters(),),
    (6, 9): (Repeat("causes", (_CAUSE,)),),
    7: (uint("sctp.shutdown_cumulative_tsn_ack", 32, "All up to", "All of the other side's data has arrived.",
             f"{R}.3.8", key="cumulative"),),
    10: (bytes_("sctp.cookie", "rest", "Cookie", "What the server gave.", f"{R}.3.11", key="cookie"),),
    192: (uint("sctp.forward_tsn_tsn", 32, "New number", "Do not wait for what is before.", "RFC 3758 §3.2",
        key="forward"),
          Repeat("skipped", (uint("sctp.forward_tsn_sid", 16, "Stream", "The stream in which a message is given up.",
              "RFC 3758 §3.2", key="skipped_sid"),
                             uint("sctp.forward_tsn_ssn", 16, "Number",
                                 "The last message of the stream that is given up.", "RFC 3758 §3.2",
                                 key="skipped_ssn")))),
    130: (_parameters(),),
}  # fmt: skip
_TYPE = Field("sctp.chunk_type", "Chunk type", Kind.UINT, 8, values=CHUNKS, source=f"{R}.2", key="chunk_type",
    default=0,
              meaning="What the chunk is.", parts=(
    flag("sctp.chunk_bit_1", "Pass over if unknown",
        "What to do when the type is unknown: set, go on with the next chunk.", f"{R}.2", key="chunk_skip"),
    flag("sctp.chunk_bit_2", "Report if unknown", "Set: say so when the type is unknown.", f"{R}.2",
        key="chunk_report"),
    uint("", 6, "Number", key="chunk_number")))  # fmt: skip
_CHUNK = Block(branch("", "Chunk", caption="{chunk_type}"), (
    _TYPE, Choose("chunk_type", {0: (_DATA_FLAGS,)}, (_FLAGS,)),
    uint("sctp.chunk_length", 16, "Length", "With these four bytes, without padding.", f"{R}.2", auto="size",
        key="chunk_length"),
    Block(branch("", "Content"), (Choose("chunk_type", _BODY),), "chunk_length - 4",
          bytes_("sctp.chunk_value", 0, "Content", "As bytes.", R, key="chunk_value"), keeps=True),
    Call(_pad, ("chunk_length",), None, (_PADDING,)),
), pad=4)  # fmt: skip


def _info(layer: Node) -> str:
    kinds = [node.value for node in walk(layer.children) if node.field is _TYPE]
    return ", ".join(CHUNKS.get(kind, f"chunk {kind}") for kind in kinds)


def _close(c: Dissection, out: list[Node], data: bytes, at: int, end: int) -> int:
    """Where the layer ends: before the content of a last DATA chunk, as in Wireshark."""
    last = out[-1].first("sctp.data_payload_proto_id") if out else None
    return at if last is None else last.end >> 3


SCTP = Protocol(
    "sctp", "Stream Control Transmission Protocol", short="SCTP", source="RFC 9260", info=_info,
    meaning="Messages, in several streams at once, reliable or not, as one likes. WebRTC speaks it inside DTLS.",
    entries={"ip.proto": (132,), "link": (248,)},
    items=(
        uint("sctp.srcport", 16, "Source port", "The program that sent it.", f"{R}.1", aliases=("sctp.port",),
            default=5000),
        uint("sctp.dstport", 16, "Destination port", "The program that should have it.", f"{R}.1",
            aliases=("sctp.port",), default=5000),
        uint("sctp.verification_tag", 32, "Verification tag",
            "The one that the other side asked for: strangers do not know it.",
             f"{R}.1", hex=True),
        uint("sctp.checksum", 32, "Check sum", "A CRC-32C over the packet.", "RFC 9260 §6.8", hex=True,
             auto="crc32c(header + body)"),
        Call(_status, ("start", "checksum"), fields=(STATUS,)),
        Repeat("chunks", (_CHUNK,)),
        Call(_close),
    ),
    extra=(STATUS,),
)  # fmt: skip


def _channel(layer: Node) -> str:
    if layer.child("dcep") == 3:
        return f"Open channel “{layer.child('rtcdc.label') or ''}”"
    return "Channel opened" if layer.child("dcep") == 2 else "Unknown message"


DCEP = Protocol(
    "rtcdc", "WebRTC Datachannel Establishment Protocol", short="DCEP", source="RFC 8832", info=_channel,
    meaning="Opens a channel: its name, and whether it is reliable and in order.",
    entries={"sctp.ppid": (50,)},
    items=(
        uint("rtcdc.message_type", 8, "Message", "Open a channel, or confirm that it is open.", "RFC 8832 §5",
            values={2: "acknowledge", 3: "open"}, default=3,
            key="dcep"),
        When("dcep == 3", (
            uint("rtcdc.channel_type", 8, "Channel type", "How hard is tried to bring messages over.",
                "RFC 8832 §5.1", hex=True, values={
                0: "reliable, in order", 0x80: "reliable, unordered", 1: "limited repeats", 0x81:
                    "limited repeats, unordered",
                2: "limited time", 0x82: "limited time, unordered"}),
            uint("rtcdc.priority", 16, "Priority", "Greater ones go first.", "RFC 8832 §5.1"),
            uint("rtcdc.reliability_parameter", 32, "Limit", "Repeats, or milliseconds.", "RFC 8832 §5.1",
                key="reliability"),
            uint("rtcdc.label_length", 16, "Name length", "How many bytes follow.", "RFC 8832 §5.1",
                auto="sizeof('label')"),
            uint("rtcdc.protocol_length", 16, "Protocol length", "How many bytes follow.", "RFC 8832 §5.1",
                auto="sizeof('protocol')"),
            text("rtcdc.label", "label_length", "Name", "The name of the channel.", "RFC 8832 §5.1"),
            text("rtcdc.protocol", "protocol_length", "Protocol", "What is spoken in the channel.", "RFC 8832 §5.1"),
        )),
    ),
)  # fmt: skip
MESSAGE = Protocol(
    "rtcdc-message", "WebRTC message", short="Message", source="RFC 8831 §8", meaning="What an application sent.",
    entries={"sctp.ppid": (51,)}, items=(text("", "rest", "Text", "", "RFC 8831 §8", key="message_text"),),
)  # fmt: skip

PROTOCOLS = (SCTP, DCEP, MESSAGE)
