"""The Internet Control Message Protocol (RFC 792): what went wrong, and are you there?"""

from __future__ import annotations

from functools import partial

from prayog_protocols.engine.dissection import Dissection
from prayog_protocols.engine.protocols import icmp_parts as parts
from prayog_protocols.engine.spec import (
    Call,
    Choose,
    Derive,
    Field,
    Item,
    Kind,
    Protocol,
    Repeat,
    bytes_,
    uint,
)
from prayog_protocols.engine.tree import Node

R = "RFC 792"
TYPES = {
    0: "Echo reply", 3: "Destination unreachable", 4: "Source quench (deprecated)", 5: "Redirect", 8: "Echo request",
    9: "Router advertisement", 10: "Router solicitation", 11: "Time exceeded", 12: "Parameter problem",
    13: "Timestamp request", 14: "Timestamp reply", 15: "Information request", 16: "Information reply",
    17: "Address mask request", 18: "Address mask reply", 30: "Traceroute", 40: "Photuris", 42: "Extended echo request",
    43: "Extended echo reply",
}  # fmt: skip
_CODES = {
    3: {0: "network", 1: "host", 2: "protocol", 3: "port: no program listens there",
        4: "too large, and must not be cut", 5: "source route failed", 6: "network unknown", 7: "host unknown",
        8: "source host isolated", 9: "network prohibited", 10: "host prohibited",
        11: "network, for this type of service", 12: "host, for this type of service", 13: "forbidden by a filter",
        14: "precedence violation",
        15: "precedence cutoff"},
    5: {0: "network", 1: "host", 2: "network and type of service", 3: "host and type of service"},
    9: {0: "normal", 16: "does not route common traffic"},
    11: {0: "time to live was used up", 1: "a fragment did not come in time"},
    12: {0: "the pointer says where", 1: "an option is missing", 2: "bad length"},
    43: {0: "no error", 1: "malformed query", 2: "no such interface", 3: "no such entry", 4: "several interfaces"},
}  # fmt: skip


_code = partial(parts.code, "icmp", R)
_SUM = uint("icmp.checksum", 16, "Check sum", "Over the whole message.", f"{R}, RFC 1071", hex=True,
            auto="internet(header, body)")  # fmt: skip
STATUS = parts.status("icmp", R)
_STATUS = Derive(STATUS, "c.sum_status(data, start, end, 0, 'icmp')", "checksum", part=(0, 0))
_IDENT = (
    uint("icmp.ident", 16, "Identifier", "Which ping program it belongs to.", R, default=1),
    Derive(Field("icmp.ident_le", "Identifier (least byte first)", derived=True, meaning="As some systems write it."),
           "ident >> 8 | (ident & 255) << 8", "ident"),
    uint("icmp.seq", 16, "Sequence number", "Which ping of the row.", R, default=1),
    Derive(Field("icmp.seq_le", "Sequence number (least byte first)", derived=True,
        meaning="As some systems write it."),
           "seq >> 8 | (seq & 255) << 8", "seq"),
)  # fmt: skip
RESPONSE_TO, RESPONSE_IN = parts.response_to("icmp"), parts.response_in("icmp")
RESPONSE_TIME = parts.response_time("icmp")
DATA_TIME = Field(
    "icmp.data_time", "Time in the data", Kind.TIME, meaning="Many pings write their clock into the data."
)
DATA_TIME_RELATIVE = Field("icmp.data_time_relative", "Age of that time", Kind.DURATION, unit="s", derived=True,
                           meaning="When the packet was captured, compared with the time in it.")  # fmt: skip


def _unused(size: int) -> Field:
    return bytes_("icmp.unused", size, "Unused", "Zeros.", R, key=f"unused_{size}")


def _echo(c: Dissection, out: list[Node], data: bytes, at: int, end: int, kind: int, ident: int, seq: int) -> int:
    c.context.exchange(c, out, "icmp", kind == 8, (ident, seq))
    clock = c.context.moment()
    if end - at >= 8 and clock is not None:
        for order in ("little", "big"):
            seconds = int.from_bytes(data[at : at + 4], order)
            micro = int.from_bytes(data[at + 4 : at + 8], order)
            moment = seconds * 10**9 + micro * 1000
            if micro < 10**6 and abs(clock - moment) < 86400 * 10**9:  # only a time near the capture's is one
                out.append(Node(DATA_TIME, c.source, at * 8, 64, moment))
                out.append(Node(DATA_TIME_RELATIVE, c.source, at * 8, 64, clock - moment))
                at += 8
                break
    return parts.rest(c, out, data, at, end)


_INNER = parts.quoted(0x0800)
_REST = Call(parts.rest, ())
_CASES: dict[object, tuple[Item, ...]] = {
    (0, 8): (_code({}), _SUM, _STATUS, *_IDENT,
        Call(_echo, ("type", "ident", "seq"), fields=(DATA_TIME, DATA_TIME_RELATIVE))),
    3: (_code(_CODES[3]), _SUM, _STATUS, Choose("code", {4: (
        _unused(2), uint("icmp.mtu", 16, "MTU of the next hop", "The largest packet that gets through.", "RFC 1191 §4",
                         unit="bytes"))}, (_unused(4),)), _INNER),
    (4, 11): (_code(_CODES[11]), _SUM, _STATUS, _unused(4), _INNER),
    5: (_code(_CODES[5]), _SUM, _STATUS, Field("icmp.redir_gw", "Better router", Kind.IPV4, 32, source=R,
                                               meaning="Send packets for that destination here."), _INNER),
    9: (_code(_CODES[9]), _SUM, _STATUS,
        uint("icmp.num_addrs", 8, "Addresses", "How many follow.", "RFC 1256 §3", auto="count('routers')"),
        uint("icmp.addr_entry_size", 8, "Entry size", "In words of 4 bytes.", "RFC 1256 §3", default=2),
        uint("icmp.lifetime", 16, "Lifetime", "How long the addresses hold.", "RFC 1256 §3", unit="s", default=1800),
        Repeat("routers", (
            Field("icmp.router_address", "Router", Kind.IPV4, 32, meaning="Its address.", source="RFC 1256 §3"),
            Field("icmp.pref_level", "Preference", Kind.INT, 32, meaning="The highest is used.", source="RFC 1256 §3"),
        ), count="num_addrs"), _REST),
    10: (_code({}), _SUM, _STATUS, bytes_("icmp.reserved", 4, "Reserved", "Zeros.", "RFC 1256 §3"), _REST),
    12: (_code(_CODES[12]), _SUM, _STATUS, uint("icmp.pointer", 8, "Pointer", "The byte that is wrong.", R),
        _unused(3), _INNER),
    (13, 14): (_code({}), _SUM, _STATUS, *_IDENT,
               uint("icmp.originate_timestamp", 32, "Sent", "Milliseconds since midnight UTC.", R, unit="ms"),
               uint("icmp.receive_timestamp", 32, "Received", "Milliseconds since midnight UTC.", R, unit="ms"),
               uint("icmp.transmit_timestamp", 32, "Sent back", "Milliseconds since midnight UTC.", R, unit="ms"),
               _REST),
    (15, 16): (_code({}), _SUM, _STATUS, *_IDENT, _REST),
    (17, 18): (_code({}), _SUM, _STATUS, *_IDENT,
               Field("icmp.address_mask", "Address mask", Kind.IPV4, 32, meaning="Of the network.", source="RFC 950"),
               _REST),
}  # fmt: skip


def _info(layer: Node) -> str:
    kind, code = layer.child("type"), layer.child("code")
    words = TYPES.get(kind, f"type {kind}")
    said = _CODES.get(kind, {}).get(code, "") if code is not None else ""
    numbers = [f"{key}={value}" for key in ("ident", "seq") if (value := layer.child(key)) is not None]
    answer = layer.child("icmp.resp_in"), layer.child("icmp.resp_to")
    numbers += [
        f"{word} packet {frame}" for word, frame in zip(("answered in", "answers"), answer, strict=True) if frame
    ]
    return " ".join([f"{words}: {said}" if said else words, ", ".join(numbers)]).strip()


ICMP = Protocol(
    "icmp", "Internet Control Message Protocol", short="ICMP", source=R,
    meaning="Routers and hosts tell each other what went wrong, and ping asks whether somebody is there.", info=_info,
    entries={"ip.proto": (1,)},
    items=(
        uint("icmp.type", 8, "Type", "What the message is.", R, values=TYPES, default=8),
        Choose("type", _CASES, (_code({}), _SUM, _STATUS, _REST)),
    ),
    extra=(RESPONSE_TO, RESPONSE_IN, RESPONSE_TIME),
)  # fmt: skip

PROTOCOLS = (ICMP,)
