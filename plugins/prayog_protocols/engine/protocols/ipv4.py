"""The Internet Protocol, version 4 (RFC 791), with its options; fragments are put together by the capture."""

from __future__ import annotations

from dataclasses import replace

from prayog_protocols.engine.checksum import internet
from prayog_protocols.engine.dissection import Dissection
from prayog_protocols.engine.spec import (
    Block,
    Call,
    Check,
    Choose,
    Field,
    Item,
    Kind,
    Let,
    Protocol,
    Repeat,
    When,
    bits,
    branch,
    bytes_,
    flag,
    uint,
)
from prayog_protocols.engine.tree import Node

R791, R2474, R3168 = "RFC 791 §3.1", "RFC 2474 §3", "RFC 3168 §5"

IP_PROTOCOLS = {
    0: "IPv6 hop-by-hop options", 1: "ICMP", 2: "IGMP", 4: "IPv4", 6: "TCP", 8: "EGP", 17: "UDP", 33: "DCCP",
    41: "IPv6", 43: "IPv6 routing", 44: "IPv6 fragment", 46: "RSVP", 47: "GRE", 50: "ESP", 51: "AH", 58: "ICMPv6",
    59: "nothing follows", 60: "IPv6 destination options", 88: "EIGRP", 89: "OSPF", 103: "PIM", 112: "VRRP",
    115: "L2TP", 132: "SCTP", 135: "Mobility", 136: "UDP-Lite", 139: "HIP", 140: "Shim6", 255: "reserved",
}  # fmt: skip
DSCP = {
    0: "CS0, best effort", 1: "LE, lower effort", 8: "CS1", 10: "AF11", 12: "AF12", 14: "AF13", 16: "CS2", 18: "AF21",
    20: "AF22", 22: "AF23", 24: "CS3", 26: "AF31", 28: "AF32", 30: "AF33", 32: "CS4", 34: "AF41", 36: "AF42",
    38: "AF43", 40: "CS5", 44: "VOICE-ADMIT", 46: "EF, expedited (voice)", 48: "CS6", 56: "CS7",
}  # fmt: skip
ECN = {0: "not ECN-capable", 1: "ECN-capable, ECT(1)", 2: "ECN-capable, ECT(0)", 3: "congestion experienced"}
CHECKSUM_STATUS = {0: "bad", 1: "good", 2: "not checked", 3: "not present"}
OPTIONS = {
    0: "End of options", 1: "No operation", 7: "Record route", 10: "Experimental measurement", 11: "MTU probe",
    12: "MTU reply", 25: "Quick-Start", 30: "Experiment", 68: "Timestamp", 82: "Traceroute", 94: "Experiment",
    130: "Security", 131: "Loose source route", 133: "Extended security", 134: "Commercial security (CIPSO)",
    136: "Stream identifier", 137: "Strict source route", 147: "Address extension", 148: "Router alert",
    158: "Experiment",
    222: "Experiment",
}  # fmt: skip

_KIND = Field(
    "ip.opt.type", "Type", Kind.UINT, 8, values=OPTIONS, source=R791, key="option_type", default=1,
    meaning="Which option this is. Its first bit says whether every fragment carries the option.",
    parts=(
        flag("ip.opt.type.copy", "Copied", "Set: every fragment carries the option; not set: only the first.", R791),
        uint("ip.opt.type.class", 2, "Class", "0 control, 2 debugging and measurement.", R791, key="option_class",
             values={0: "control", 1: "reserved", 2: "debugging and measurement", 3: "reserved"}),
        uint("ip.opt.type.number", 5, "Number", "The option within its class.", R791),
    ),
)  # fmt: skip
_SIZE = uint("ip.opt.len", 8, "Length", "Bytes of the whole option, type and length included.", R791, key="option_len",
             auto="size")  # fmt: skip
_POINTER = uint("ip.opt.ptr", 8, "Pointer", "The byte of the option, counted from 1, where the next address goes.",
    R791,
                default=4)  # fmt: skip
_REST = bytes_("", 0, "Bytes that this program has no names for", key="rest")


def _option(name: str, kind: int, meaning: str, *items: Item, source: str = R791) -> Block:
    """One option: its type, its length and `items`."""
    own = Field(name, OPTIONS.get(kind, "Option"), Kind.BYTES, meaning=meaning, source=source)
    if kind in (0, 1):
        return Block(own, (_KIND,))
    head = (_KIND, _SIZE) if name else tuple(replace(one, name="", parts=(), key=one.key) for one in (_KIND, _SIZE))
    enough = Check("option_len >= 2", "An option of {option_len} bytes; two are the least.", "option_len", stop=True)
    return Block(own, (*head, enough, *items), "data[at + 1] if end - at > 1 else 2", _REST)


def _hop(name: str, label: str, meaning: str) -> Field:
    return Field(name, label, Kind.IPV4, 32, meaning=meaning, source=R791, key="hop", aliases=(f"{name}_host",))


def _route(c: Dissection, out: list[Node], data: bytes, at: int, end: int, first: int, pointer: int) -> int:
    """The addresses of a route: those before the pointer are used up or recorded, the others still empty."""
    while at + 4 <= end:
        field = RECORDED if at - first + 1 < pointer else EMPTY
        out.append(Node(field, c.source, at * 8, 32, int.from_bytes(data[at : at + 4], "big")))
        at += 4
    return at


DESTINATION = Field(
    "ip.dst", "Destination address", Kind.IPV4, 32, aliases=("ip.addr", "ip.dst_host", "ip.host"), source=R791,
    meaning="Where it should go.", default=0x0A000002,
)  # fmt: skip


def _source_route(
    c: Dissection, out: list[Node], data: bytes, at: int, end: int, first: int, pointer: int
) -> int:  # fmt: skip
    """The addresses of a source route: passed ones are recorded; of those still ahead the last is the real goal."""
    open_ = pointer + 3 <= end - first
    while at + 4 <= end:
        field = RECORDED if at - first + 1 < pointer else SOURCE_ROUTE
        if open_ and at + 8 > end:
            field = DESTINATION
        out.append(Node(field, c.source, at * 8, 32, int.from_bytes(data[at : at + 4], "big")))
        at += 4
    return at


RECORDED = _hop("ip.rec_rt", "Recorded route", "A router on the way wrote its address here.")
EMPTY = _hop("ip.empty_rt", "Empty slot", "Room for the address of a router that comes later.")
SOURCE_ROUTE = _hop("ip.src_rt", "Source route", "A router through which the sender wants the packet to go.")
CURRENT_ROUTE = _hop("ip.cur_rt", "Next station", "The router of the source route to which the packet goes now.")
_STAMP = uint("ip.opt.time_stamp", 32, "Time stamp", "Milliseconds since midnight UTC.", R791, unit="ms")
_STAMPS = (
    _POINTER,
    uint("ip.opt.overflow", 4, "Overflow", "Routers that found no room for their time.", R791, default=0),
    uint("ip.opt.flag", 4, "Flag", "What each router writes.", R791, hex=True, key="stamp_flag", default=0,
         values={0: "time stamps only", 1: "address and time stamp", 3: "addresses given in advance"}),
    Repeat("stamps", (
        When("stamp_flag != 0", (
            Field("ip.opt.time_stamp_addr", "Address", Kind.IPV4, 32, meaning="The router that wrote the time.",
                source=R791),
        )),
        _STAMP,
    ), while_="data[at - 1] >= 0 and at + (8 if stamp_flag else 4) <= option_start + option_len"),
)  # fmt: skip
_OPTIONS: dict[int, tuple[Item, ...]] = {
    0: (_option("ip.options.eol", 0, "The bytes after it fill up to a full word."),),
    1: (_option("ip.options.nop", 1, "One byte to fill up."),),
    7: (Let("option_start", "at"), _option("ip.options.record_route", 7, "Every router writes its address.", _POINTER,
        Call(_route, ("option_start", "ptr"), fields=(RECORDED, EMPTY)))),
    11: (_option("ip.options.mtu_probe", 11, "Asked for the smallest MTU of the path (obsolete).",
                 uint("ip.opt.mtu", 16, "MTU", "The smallest seen so far.", "RFC 1063"), source="RFC 1063"),),
    12: (_option("ip.options.mtu_reply", 12, "Answers an MTU probe (obsolete).",
                 uint("ip.opt.mtu", 16, "MTU", "The smallest on the path.", "RFC 1063"), source="RFC 1063"),),
    68: (Let("option_start", "at"), _option("ip.options.timestamp", 68, "Every router writes the time.", *_STAMPS)),
    131: (Let("option_start", "at"),
        _option("ip.options.route", 131, "Routers to pass, others allowed between.", _POINTER,
          Call(_source_route, ("option_start", "ptr"), fields=(RECORDED, SOURCE_ROUTE)))),
    137: (Let("option_start", "at"),
        _option("ip.options.source_route", 137, "The routers to pass, and no others.", _POINTER,
          Call(_source_route, ("option_start", "ptr"), fields=(RECORDED, SOURCE_ROUTE)))),
    136: (_option("ip.options.sid", 136, "A SATNET stream (obsolete).",
                  uint("ip.opt.sid", 16, "Stream", "Its number.", R791)),),
    148: (_option("ip.options.routeralert", 148, "Routers on the way should look inside.",
                  uint("ip.opt.ra", 16, "Value", "0: every router examines the packet.", "RFC 2113 §2.1", default=0),
                  source="RFC 2113"),),
    82: (_option("ip.options.traceroute", 82, "Asked routers to report (obsolete).",
                 uint("ip.opt.id_number", 16, "ID", "Of this trace.", "RFC 1393"),
                 uint("ip.opt.ohc", 16, "Outbound hops", "Routers passed on the way out.", "RFC 1393"),
                 uint("ip.opt.rhc", 16, "Return hops", "Routers passed on the way back.", "RFC 1393"),
                 Field("ip.opt.originator", "Originator", Kind.IPV4, 32, meaning="Who asked.", source="RFC 1393"),
                 source="RFC 1393"),),
    **{kind: (_option(name, kind, meaning),) for kind, name, meaning in (
        (130, "ip.options.security", "How secret the packet is (military use)."),
        (133, "ip.options.ext_security", "More about the secrecy of the packet."),
        (134, "ip.options.cipso", "A security label of commercial systems."),
        (25, "ip.options.qs", "Asks routers how fast the sender may begin."),
    )},
}  # fmt: skip


def _after(
    c: Dissection, out: list[Node], data: bytes, at: int, end: int, start: int, hdr_len: int, total: int, more: int,
    offset: int, proto: int, src: int, dst: int,
) -> int:  # fmt: skip
    """The check sum, the real end of the packet, fragments, and what follows."""
    if c.verify:
        status = Node(STATUS, c.source, (start + 10) * 8, 0, 1 if internet(data[start : start + hdr_len]) == 0 else 0)
        if status.value == 0:
            c.note(
                "error", "The header's check sum does not fit: a router would drop the packet.", (start + 10) * 8, 16
            )
    else:
        status = Node(STATUS, c.source, (start + 10) * 8, 0, 2)
    out.append(status)
    stop = min(end, start + total) if total >= hdr_len else end
    goal = source_routed_to(data[start + 20 : start + hdr_len]) or dst.to_bytes(4, "big")
    if goal != dst.to_bytes(4, "big"):
        place = next((n for n, node in enumerate(out) if node.start == (start + 16) * 8 and node.bits == 32), None)
        if place is not None:  # as in Wireshark, the destination is where the route ends
            out[place] = Node(CURRENT_ROUTE, c.source, (start + 16) * 8, 32, dst)
    c.outer = {"src": src.to_bytes(4, "big"), "dst": goal, "proto": proto, "name": "ip",
               "size": total - hdr_len if total >= hdr_len else end - at}  # fmt: skip
    c.packet_end(stop)
    if more or offset:
        whole = c.context.fragment(c, out, at, stop)
        if whole is None:
            c.fragment = not offset
            if not offset and c.is_cut(stop):  # it can never be put together: at least the header above is told
                c.follow("ip.proto", proto, at, stop)
            else:
                c.follow_protocol(None, c.source, at, stop)
            return at
        source, first, last = whole
        c.outer["size"] = last - first
        c.follow_protocol(c.registry.find("ip.proto", proto), source, first, last)
        return at
    c.follow("ip.proto", proto, at, stop)
    return at


def source_routed_to(options: bytes) -> bytes:
    """The last station of a source route that is not used up: check sums above are made with it (RFC 1122 §4.1.3.5)."""
    at = 0
    while at + 2 < len(options) and options[at] != 0:
        kind, size = options[at], 1 if options[at] == 1 else options[at + 1]
        if kind in (131, 137) and 7 <= size <= len(options) - at and options[at + 2] + 3 <= size:
            return options[at + 3 + (size - 7) // 4 * 4 :][:4]
        at += max(1, size)
    return b""


STATUS = Field(
    "ip.checksum.status", "Check sum status", values=CHECKSUM_STATUS, derived=True, source=R791,
    meaning="Whether the header's check sum fits. Captures on the sending machine often hold unfinished ones.",
)  # fmt: skip

FRAGMENTS = Field(
    "ip.fragments", "Put together from", Kind.BYTES, derived=True, meaning="The fragments of this packet."
)
FRAGMENT = Field("ip.fragment", "Fragment in packet", Kind.FRAME, derived=True, meaning="One piece.")
FRAGMENT_COUNT = Field("ip.fragment.count", "Fragments", derived=True, meaning="How many pieces.", key="fragment_count")
REASSEMBLED_LENGTH = Field(
    "ip.reassembled.length",
    "Length of the whole",
    derived=True,
    unit="bytes",
    key="whole_length",
    meaning="Of all fragments together.",
)
REASSEMBLED_DATA = Field(
    "ip.reassembled.data",
    "The whole",
    Kind.BYTES,
    derived=True,
    key="whole_data",
    meaning="All fragments, put together.",
)
REASSEMBLED_IN = Field("ip.reassembled_in", "Complete in packet", Kind.FRAME, derived=True,
                       meaning="The packet with the last missing piece.")  # fmt: skip


def _info(layer: Node) -> str:
    proto = layer.child("proto")
    name = IP_PROTOCOLS.get(proto, f"protocol {proto}").partition(",")[0]
    at, more = layer.child("frag_offset"), layer.child("mf")
    if not at and not more:
        return name
    whole = layer.child("ip.reassembled_in")
    return f"Fragment of {name}, from byte {(at or 0) * 8}{'' if more else ', the last'}" + (
        f", put together in packet {whole}" if whole else "")  # fmt: skip


IPV4 = Protocol(
    "ip", "Internet Protocol Version 4", short="IPv4", source="RFC 791", info=_info,
    meaning="Carries a packet from one host to another across networks. It may be lost, doubled or overtaken.",
    entries={"ethertype": (0x0800,), "ip.proto": (4,), "family": (2,), "link": (228,)},
    items=(
        uint("ip.version", 4, "Version", "4.", R791, default=4),
        uint("ip.hdr_len", 4, "Header length", "Where the header ends: 20 bytes, and up to 40 of options. On the wire "
                                               "it counts words of 4 bytes.", R791, scale=4, unit="bytes", auto="size"),
        Check("version == 4", "Version {version} in a packet that should be IPv4.", "version", stop=True),
        Check("hdr_len >= 20", "A header of {hdr_len} bytes; 20 are the least.", "hdr_len", stop=True),
        bits("ip.dsfield", 8, "Differentiated services", (
            uint("ip.dsfield.dscp", 6, "DSCP", "How routers should treat the packet.", R2474, values=DSCP),
            uint("ip.dsfield.ecn", 2, "ECN", "Routers that are nearly full say so here instead of dropping.", R3168,
                 values=ECN),
        ), "Once called type of service.", R2474, default=0),
        uint("ip.len", 16, "Total length", "Header and everything after it.", R791, unit="bytes", auto="size + payload",
             key="total"),
        uint("ip.id", 16, "Identification", "All fragments of one packet share it.", R791, hex=True, default=0),
        bits("ip.flags", 3, "Flags", (
            flag("ip.flags.rb", "Reserved", "Must be 0.", R791),
            flag("ip.flags.df", "Don't fragment",
                "A router that would have to cut the packet drops it and says so by ICMP; that is how the path's MTU "
                "is found.", R791),
            flag("ip.flags.mf", "More fragments", "Set in every fragment but the last.", R791),
        ), "Whether the packet may be cut, and whether this is the last piece.", R791, default=2),
        uint("ip.frag_offset", 13, "Fragment offset",
            "Where this piece belongs in the whole. On the wire it counts 8 bytes.",
             R791, unit="× 8 bytes", default=0),
        uint("ip.ttl", 8, "Time to live", "Each router takes 1 away; at 0 the packet is dropped, so that none circles "
                                          "for ever.", R791, default=64),
        uint("ip.proto", 8, "Protocol", "What the packet carries.", R791, values=IP_PROTOCOLS,
             auto="key_of('ip.proto', 59)"),
        uint("ip.checksum", 16, "Header check sum",
            "Over the header only; each router computes it anew, because the time to live "
            "changes.", "RFC 791 §3.1, RFC 1071", hex=True, auto="internet(header)"),
        Field("ip.src", "Source address", Kind.IPV4, 32, aliases=("ip.addr", "ip.src_host", "ip.host"), source=R791,
              meaning="Who sent it, as far as the sender is honest.", default=0x0A000001),
        DESTINATION,
        Check("total >= hdr_len or total == 0", "A total length of {total} bytes is less than the header.", "total",
            stop=True),
        When("hdr_len > 20", (Block(
            branch("", "Options", "Rarely used, and often dropped by routers.", R791),
            (Repeat("options", (Choose("option_type", _OPTIONS, (
                _option("", 255, "An option that this program does not know."),), peek=8),),
                    while_="option_type != 0"),),
            "hdr_len - 20", bytes_("", 0, "Padding", "Fills the last word.", R791, key="padding"), keeps=True, pad=4,
        ),)),
        Call(_after, ("start", "hdr_len", "total", "mf", "frag_offset", "proto", "src", "dst")),
    ),
    extra=(STATUS, CURRENT_ROUTE, FRAGMENTS, FRAGMENT, FRAGMENT_COUNT, REASSEMBLED_LENGTH, REASSEMBLED_DATA,
           REASSEMBLED_IN),
)  # fmt: skip

PROTOCOLS = (IPV4,)
