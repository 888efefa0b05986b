"""The Internet Control Message Protocol (RFC 792): what went wrong, and are you there?"""

from __future__ import annotations

from functools import partial

from prayog_protocols.engine.checksum import internet
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
    branch,
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


EXTENSION = branch("icmp.ext", "Extension", "More about the error, behind the quoted packet.", "RFC 4884 §7")
EXT_VERSION = uint("icmp.ext.version", 4, "Version", "2.", "RFC 4884 §7", key="ext_version")
EXT_RESERVED = uint("icmp.ext.res", 12, "Reserved", "Zeros.", "RFC 4884 §7", hex=True, key="ext_reserved")
EXT_SUM = uint("icmp.ext.checksum", 16, "Check sum", "Over the extension.", "RFC 4884 §7", hex=True, key="ext_sum")
EXT_STATUS = Field("icmp.ext.checksum.status", "Check sum status", values=parts.CHECKSUM_STATUS, derived=True,
                   source="RFC 4884 §7", key="ext_status", meaning="Whether the check sum fits.")  # fmt: skip
OBJECT_LENGTH = uint("icmp.ext.length", 16, "Length", "Of the object.", "RFC 4884 §8", unit="bytes", key="ext_length")
OBJECT_CLASS = uint("icmp.ext.class", 8, "Class", "What it tells.", "RFC 4884 §8", key="ext_class",
                    values={1: "MPLS label stack", 2: "Interface", 3: "Interface that was asked for"})  # fmt: skip
OBJECT_TYPE = uint("icmp.ext.ctype", 8, "Subtype", "Within the class.", "RFC 4884 §8", key="ext_ctype")
OBJECT_DATA = bytes_("icmp.ext.data", 0, "Content", "Of the object.", "RFC 4884 §8", key="ext_data")
_EXTRA = (EXTENSION, EXT_VERSION, EXT_RESERVED, EXT_SUM, EXT_STATUS, OBJECT_LENGTH, OBJECT_CLASS, OBJECT_TYPE,
          OBJECT_DATA)  # fmt: skip


def _extended(c: Dissection, out: list[Node], data: bytes, at: int, end: int, words: int) -> int:
    """A quoted packet of so many words of 4 bytes, and what stands behind it (RFC 4884 §5.2)."""
    first, s = at + 4 * words, c.source
    if first + 4 <= end:
        whole = Node(EXTENSION, s, first * 8, (end - first) * 8, None, [])
        out.append(whole)
        good = 2 if c.is_cut(end) else int(internet(data[first:end]) == 0)
        children: list[Node] = [
            Node(EXT_VERSION, s, first * 8, 4, data[first] >> 4),
            Node(EXT_RESERVED, s, first * 8 + 4, 12, int.from_bytes(data[first : first + 2], "big") & 0xFFF),
            Node(EXT_SUM, s, first * 8 + 16, 16, int.from_bytes(data[first + 2 : first + 4], "big")),
            Node(EXT_STATUS, s, first * 8 + 16, 0, good),
        ]  # fmt: skip
        whole.children = children
        place = first + 4
        while place + 4 <= end:
            size = int.from_bytes(data[place : place + 2], "big")
            children.append(Node(OBJECT_LENGTH, s, place * 8, 16, size))
            children.append(Node(OBJECT_CLASS, s, place * 8 + 16, 8, data[place + 2]))
            children.append(Node(OBJECT_TYPE, s, place * 8 + 24, 8, data[place + 3]))
            stop = min(end, place + size)
            if stop > place + 4:
                children.append(Node(OBJECT_DATA, s, (place + 4) * 8, (stop - place - 4) * 8, data[place + 4 : stop]))
            if size < 4:
                c.note("error", f"An object of {size} bytes; four are the least.", place * 8, 16)
                break
            place += size
    c.cover(end)
    c.quoted = True
    c.follow("ethertype", 0x0800, at, min(first, end))
    return at


_INNER = parts.quoted(0x0800)
_LENGTH = (
    uint("icmp.length", 8, "Length of the quoted packet", "In words of 4 bytes; what comes after it is an extension.",
         "RFC 4884 §5.1", key="quoted_words"),
    Derive(Field("icmp.length.original_datagram", "In bytes", derived=True, unit="bytes", key="",
                 meaning="Four times as many."), "quoted_words * 4", "quoted_words"),
)  # fmt: skip


def _error(*last: Item) -> Choose:
    """The second word of an error: its last two bytes are `last`; the second may say how long the quoted packet is."""
    own = last or (_unused(2),)
    plain = (_unused(2), *last, _INNER) if last else (_unused(4), _INNER)
    extended = (_unused(1), *_LENGTH, *own, Call(_extended, ("quoted_words",), fields=_EXTRA))
    return Choose("data[at + 1] if end - at > 1 else 0", {0: plain}, extended, made="given.get('quoted_words', 0)")


_REST = Call(parts.rest, ())
_CASES: dict[object, tuple[Item, ...]] = {
    (0, 8): (_code({}), _SUM, _STATUS, *_IDENT,
        Call(_echo, ("type", "ident", "seq"), fields=(DATA_TIME, DATA_TIME_RELATIVE))),
    3: (_code(_CODES[3]), _SUM, _STATUS, Choose("code", {4: (_error(
        uint("icmp.mtu", 16, "MTU of the next hop", "The largest packet that gets through.", "RFC 1191 §4",
             unit="bytes")),)}, (_error(),))),
    4: (_code(_CODES[11]), _SUM, _STATUS, _unused(4), _INNER),
    11: (_code(_CODES[11]), _SUM, _STATUS, _error()),
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
