"""STUN (RFC 8489) and the attributes of TURN (RFC 8656) and ICE (RFC 8445): what is my address, seen from there?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from prayog_protocols.engine.dissection import Dissection
from prayog_protocols.engine.spec import (
    Block,
    Call,
    Choose,
    Derive,
    Field,
    Item,
    Kind,
    Protocol,
    Repeat,
    branch,
    bytes_,
    marked,
    text,
    uint,
)
from prayog_protocols.engine.tree import Node

__all__ = ["StunExchange"]

R = "RFC 8489"
METHODS = {1: "Binding", 3: "Allocate", 4: "Refresh", 6: "Send", 7: "Data", 8: "CreatePermission", 9: "ChannelBind"}
CLASSES = {0x00: "request", 0x01: "indication", 0x10: "success", 0x11: "error"}
ATTRIBUTES = {
    0x0001: "MAPPED-ADDRESS", 0x0003: "CHANGE-REQUEST", 0x0006: "USERNAME", 0x0008: "MESSAGE-INTEGRITY",
    0x0009: "ERROR-CODE",
    0x000A: "UNKNOWN-ATTRIBUTES", 0x000C: "CHANNEL-NUMBER", 0x000D: "LIFETIME", 0x0012: "XOR-PEER-ADDRESS",
    0x0013: "DATA",
    0x0014: "REALM", 0x0015: "NONCE", 0x0016: "XOR-RELAYED-ADDRESS", 0x0017: "REQUESTED-ADDRESS-FAMILY", 0x0019:
    "REQUESTED-TRANSPORT", 0x001C: "MESSAGE-INTEGRITY-SHA256", 0x0020: "XOR-MAPPED-ADDRESS", 0x0024: "PRIORITY",
    0x0025: "USE-CANDIDATE", 0x8022: "SOFTWARE", 0x8023: "ALTERNATE-SERVER", 0x8028: "FINGERPRINT",
    0x8029: "ICE-CONTROLLED",
    0x802A: "ICE-CONTROLLING", 0x802B: "RESPONSE-ORIGIN", 0x802C: "OTHER-ADDRESS", 0xC057: "NETWORK-COST",
}  # fmt: skip
FAMILIES = {1: "IPv4", 2: "IPv6"}
COOKIE = 0x2112A442


@dataclass(slots=True)
class StunExchange:
    """A request and its answer, by index of their packets; -1 where one was not seen."""

    request: int = -1
    response: int = -1


RESPONSE_TO = Field(
    "stun.response-to",
    "Answers packet",
    Kind.FRAME,
    derived=True,
    meaning="The request with the same transaction number.",
)
RESPONSE_IN = Field(
    "stun.response-in",
    "Answered in packet",
    Kind.FRAME,
    derived=True,
    meaning="The response with the same transaction number.",
)
TIME = Field(
    "stun.time", "Time to answer", Kind.DURATION, derived=True, unit="s", meaning="From the request to this response."
)
VERSION = Field(
    "stun.network_version",
    "Version",
    derived=True,
    values={3: "RFC 5389/8489"},
    meaning="Which edition of STUN the cookie stands for.",
)
PADDING = Field("stun.att.padding", "Padding", unit="bytes", meaning="Fills up to four bytes.", source=f"{R} §14")


def _known(c: Dissection, out: list[Node], data: bytes, at: int, end: int) -> int:
    exchange, place = c.state, at * 8
    if isinstance(exchange, StunExchange):
        answer = bool(data[at] & 1) if at < end else False
        if answer and exchange.request >= 0:
            out.append(Node(RESPONSE_TO, c.source, place, 0, exchange.request + 1))
            clock = c.context.moment_of(exchange.request), c.context.moment()
            if clock[0] is not None and clock[1] is not None:
                out.append(Node(TIME, c.source, place, 0, clock[1] - clock[0]))
        elif not answer and exchange.response >= 0:
            out.append(Node(RESPONSE_IN, c.source, place, 0, exchange.response + 1))
    return at


_PORT = uint("stun.att.port", 16, "Port", "The port, as it was seen from outside.", f"{R} §14.1")


def _address(xor: bool) -> tuple[Item, ...]:
    """An address and a port; XORed so that no helpful router changes it."""
    head: tuple[Item, ...] = (
        bytes_("stun.att.reserved", 1, "Reserved", "Zero.", f"{R} §14.1", key="reserved"),
        uint(
            "stun.att.family",
            8,
            "Family",
            "IPv4 or IPv6.",
            f"{R} §14.1",
            hex=True,
            values=FAMILIES,
            default=1,
            key="family",
        ),
    )
    if not xor:
        return (*head, _PORT, Choose("family", {
            1: (Field("stun.att.ipv4", "Address", Kind.IPV4, 32, source=f"{R} §14.1", key="ipv4",
                meaning="The address, as it was seen from outside."),),
            2: (Field("stun.att.ipv6", "Address", Kind.IPV6, 128, source=f"{R} §14.1", key="ipv6",
                meaning="The address, as it was seen from outside."),)}))  # fmt: skip
    return (
        *head, bytes_("stun.att.port-xord", 2, "Port, XORed", "The port, combined with the cookie.", f"{R} §14.2",
            key="port_xor"),
        Derive(Field("stun.att.port", "Port", meaning="XORed with the beginning of the cookie.", source=f"{R} §14.2",
            key=""),
               "int_(port_xor, 'big') ^ 0x2112", "port_xor"),
        Choose("family", {
            1: (bytes_("stun.att.ipv4-xord", 4, "Address, XORed",
                "The address, combined with the cookie: some routers rewrite every address that they find.",
                                                                  f"{R} §14.2", key="ipv4_xor"),
                Derive(Field("stun.att.ipv4", "Address", Kind.IPV4, meaning="XORed with the cookie.",
                    source=f"{R} §14.2", key=""),
                       "int_(ipv4_xor, 'big') ^ 0x2112A442", "ipv4_xor")),
            2: (bytes_("stun.att.ipv6-xord", 16, "Address, XORed",
                "The address, combined with cookie and transaction number.", f"{R} §14.2", key="ipv6_xor"),
                Derive(Field("stun.att.ipv6", "Address", Kind.IPV6, meaning="XORed with cookie and id.",
                    source=f"{R} §14.2",
                             key=""), "(int_(ipv6_xor, 'big') ^ int_(cookie + id, 'big')).to_bytes(16, 'big')",
                             "ipv6_xor")),
        }),
    )  # fmt: skip


def _sum(c: Dissection, out: list[Node], data: bytes, at: int, end: int, start: int, found: int) -> int:
    """The fingerprint's CRC covers everything before its attribute."""
    good = crc32(data[start : at - 8]) ^ 0x5354554E == found
    out.append(Node(CRC_STATUS, c.source, (at - 4) * 8, 0, int(good)))
    if not good:
        c.note("error", "The fingerprint does not fit.", (at - 4) * 8, 32)
    return at


CRC_STATUS = Field(
    "stun.att.crc32.status",
    "Fingerprint status",
    derived=True,
    values={0: "bad", 1: "good"},
    meaning="Whether the check sum fits.",
)


def _pad(c: Dissection, out: list[Node], data: bytes, at: int, end: int, length: int) -> int:
    size = min(-length % 4, end - at)
    if size:
        out.append(Node(PADDING, c.source, at * 8, size * 8, size))
    return at + size


def _pad_written(values: Mapping[str, Any]) -> bytes:
    return b""


def _text(name: str, label: str, meaning: str, key: str) -> tuple[Item, ...]:
    return (text(f"stun.att.{name}", "rest", label, meaning, R, key=key),)


_HMAC = (bytes_("stun.att.hmac", "rest", "HMAC", "Over the message, with a password that both know.", f"{R} §14.5"),)
_CONTENT: dict[Any, tuple[Item, ...]] = {
    (0x0001, 0x8023, 0x802B, 0x802C): _address(False),
    (0x0020, 0x0012, 0x0016): _address(True),
    0x0006: _text("username", "User name", "Both fragments of ICE, with a colon.", "username"),
    0x0014: _text("realm", "Realm", "Where the name and its secret are known.", "realm"),
    0x0015: _text("nonce", "Nonce", "A number that the server gave; old answers do not fit it.", "stun_nonce"),
    0x8022: _text("software", "Software", "Who made the message.", "software"),
    (0x0008, 0x001C): _HMAC,
    0x0009: (bytes_("stun.att.reserved", 2, "Reserved", "Zero.", f"{R} §14.8", key="error_reserved"),
             uint("stun.att.error.class", 8, "Class", "The hundreds.", f"{R} §14.8", key="error_class"),
             uint("stun.att.error", 8, "Number", "The rest.", f"{R} §14.8", key="error_number"),
             text("stun.att.error.reason", "rest", "Reason", "The error in words.", f"{R} §14.8", key="reason")),
    0x000C: (uint("stun.att.channelnum", 16, "Channel", "Short for an address of the other side.", "RFC 8656 §18.1",
        hex=True),
             bytes_("stun.att.reserved", 2, "Reserved", "Zero.", "RFC 8656", key="channel_reserved")),
    0x000D: (uint("stun.att.lifetime", 32, "Lifetime", "How long the relay keeps the address.", "RFC 8656 §18.2",
        unit="s"),),
    0x0019: (uint("stun.att.transp", 8, "Transport", "17: UDP.", "RFC 8656 §18.8", hex=True),
             bytes_("stun.att.reserved", 3, "Reserved", "Zero.", "RFC 8656", key="transport_reserved")),
    0x0024: (uint("stun.att.priority", 32, "Priority", "Which pair of addresses is liked best.", "RFC 8445 §5.1.2"),),
    (0x8029, 0x802A): (bytes_("stun.att.tie-breaker", 8, "Tie breaker", "Who decides when both want to.",
        "RFC 8445 §7.1.3"),),
    0x8028: (Field("stun.att.crc32", "CRC-32", Kind.UINT, 32, hex=True, source=f"{R} §14.7", key="fingerprint",
                   meaning="Tells STUN from other messages on the same port."),
             Call(_sum, ("start", "fingerprint"), fields=(CRC_STATUS,))),
    0xC057: (uint("stun.att.google.network_id", 16, "Network", "Which of its networks the sender used."),
        uint("stun.att.google.network_cost", 16, "Cost", "How dear that network is.")),
}  # fmt: skip
_TYPE = Field("stun.att.type", "Attribute", Kind.UINT, 16, hex=True, values=ATTRIBUTES, source=f"{R} §14",
    key="att_type",
              meaning="Which one. From 8000 on it may be passed over by who does not know it.", parts=marked(16,
    Field("stun.att.type.comprehension", "May be passed over", Kind.UINT, 1, hex=True, source=f"{R} §14",
        key="optional", meaning="Not set: who does not know the attribute must refuse the message."),
    Field("stun.att.type.assignment", "Assigned by", Kind.UINT, 1, hex=True, source=f"{R} §18.3", key="assigned",
        meaning="Half of the numbers are given out by the IETF, half by experts."),
    uint("", 14, "Number", key="att_number")))  # fmt: skip
_ATTRIBUTE = Block(
    Field("stun.attribute", "Attribute", Kind.UINT, hex=True, source=f"{R} §14", caption="{att_type}", key="",
        meaning="One thing that the message says."),
    (
        _TYPE, uint("stun.att.length", 16, "Length", "Without padding.", f"{R} §14", unit="bytes", auto="after",
            key="att_length"),
        Block(branch("", "Value"), (Choose("att_type", _CONTENT),), "att_length",
              bytes_("stun.value", 0, "Value", "Of an attribute that this program does not read.", key="att_value"),
              keeps=True),
        Call(_pad, ("att_length",), _pad_written, (PADDING,)),
    ), pad=4,
)  # fmt: skip
_KIND = Field("stun.type", "Type", Kind.UINT, 16, hex=True, source=f"{R} §5", default=1, key="kind",
    meaning="Method and class, woven into each other.")  # fmt: skip


def _derived(name: str, label: str, meaning: str, values: Mapping[int, str]) -> Field:
    return Field(f"stun.type.{name}", label, Kind.UINT, hex=True, source=f"{R} §5", values=values, key="",
                 meaning=meaning)  # fmt: skip


def _relayed(c: Dissection, out: list[Node], data: bytes, at: int, end: int, size: int) -> int:
    """What a relay passes on is shown as data."""
    c.follow_protocol(None, c.source, at, min(end, at + size))
    return at


def _info(layer: Node) -> str:
    channel = layer.child("stun.channel")
    if channel is not None:
        return f"Data in channel {channel:04X}"
    method, kind = layer.child("stun.type.method"), layer.child("stun.type.class")
    return f"{METHODS.get(method, method)} {CLASSES.get(kind, kind)}"


_MESSAGE: tuple[Item, ...] = (
    Call(_known, fields=(RESPONSE_TO, RESPONSE_IN, TIME)),
    _KIND,
    Derive(_derived("class", "Class", "Request, indication, success or error.", CLASSES), "(kind & 0x0110) >> 4",
        "kind"),
    Derive(_derived("method", "Method", "What is asked for.", METHODS), "kind & 0x3EEF", "kind"),
    Derive(_derived("method-assignment", "Assigned by",
        "Half of the methods are given out by the IETF, half by experts.", {}), "kind >> 13 & 1", "kind"),
    uint("stun.length", 16, "Length", "Of the attributes.", f"{R} §5", unit="bytes", auto="size - 20",
        key="stun_length"),
    bytes_("stun.cookie", 4, "Cookie", "Always 2112A442.", f"{R} §5", default=COOKIE.to_bytes(4, "big")),
    bytes_("stun.id", 12, "Transaction", "96 random bits: the answer has the same.", f"{R} §5"),
    Derive(VERSION, "3", "id", "cookie == b'\\x21\\x12\\xa4\\x42'", (96, 0)),
    Block(branch("stun.attributes", "Attributes", "All that the message says.", f"{R} §14"),
        (Repeat("attributes", (_ATTRIBUTE,)),),
          "stun_length", keeps=True),
)  # fmt: skip
_CHANNEL: tuple[Item, ...] = (
    uint("stun.channel", 16, "Channel", "Short for the address of the other side, so that little is added to the data.",
         "RFC 8656 §12.4", hex=True, key="channel"),
    uint("stun.length", 16, "Length", "Of the data.", "RFC 8656 §12.4", unit="bytes", auto="payload",
         key="channel_length"),
    Call(_relayed, ("channel_length",)),
)  # fmt: skip


STUN = Protocol(
    "stun", "Session Traversal Utilities for NAT", short="STUN", source=R, info=_info,
    meaning="Asks a server (or the other peer) from which address my packets seem to come, and keeps holes in NATs "
            "open.",
    entries={"udp.port": (3478,), "tcp.port": (3478,)},
    items=(Choose("first", {range(0x40, 0x80): _CHANNEL}, _MESSAGE, peek=8, made="0x40 if 'channel' in given else 0"),),
)  # fmt: skip

PROTOCOLS = (STUN,)
