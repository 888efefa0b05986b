"""The Internet Protocol, version 6 (RFC 8200), and its extension headers."""

from __future__ import annotations

from dataclasses import replace

from prayog_protocols.engine.dissection import Dissection
from prayog_protocols.engine.protocols.ipv4 import DSCP, ECN, IP_PROTOCOLS
from prayog_protocols.engine.spec import (
    Block,
    Call,
    Check,
    Choose,
    Derive,
    Field,
    Item,
    Kind,
    Let,
    Protocol,
    Repeat,
    branch,
    bytes_,
    flag,
    marked,
    uint,
)
from prayog_protocols.engine.tree import Node, walk

R = "RFC 8200"
_ACTIONS = {0: "skip it", 1: "drop the packet", 2: "drop and send ICMP", 3: "drop, send ICMP unless multicast"}
_OPTIONS = {
    0x00: "Pad1", 0x01: "PadN", 0x04: "Tunnel limit", 0x05: "Router alert", 0x07: "CALIPSO", 0x26: "Quick-Start",
    0x63: "RPL", 0xC2: "Jumbo payload", 0xC9: "Home address", 0x6D: "MPL", 0x8B: "ILNP nonce",
}  # fmt: skip
_TYPE = Field(
    "ipv6.opt.type", "Type", Kind.UINT, 8, hex=True, values=_OPTIONS, source=f"{R} §4.2", key="option_type", default=1,
    meaning="Which option; its first bits say what to do with it when it is not known.",
    parts=(
        uint("ipv6.opt.type.action", 2, "If unknown", "What a node does that does not know the option.", f"{R} §4.2",
             values=_ACTIONS),
        flag("ipv6.opt.type.change", "May change on the way", "Set: routers may change the option on the way.",
            f"{R} §4.2"),
        uint("ipv6.opt.type.rest", 5, "Number", "Which option it is.", f"{R} §4.2", hex=True),
    ),
)  # fmt: skip
_SIZE = uint("ipv6.opt.length", 8, "Length", "Bytes of the content.", f"{R} §4.2", auto="size - 2", key="option_len")


def _option(label: str, source: str, *items: Item) -> tuple[Item, ...]:
    own = branch("ipv6.opt", label, "An option of the header around it.", source)
    rest = bytes_(
        "ipv6.opt.unknown", 0, "Content", "Of an option that this program does not know.", source, key="option_data"
    )
    return (Block(own, (_TYPE, _SIZE, *items), "2 + (data[at + 1] if end - at > 1 else 0)", rest),)


_PAD1 = (Block(branch("ipv6.opt", "Pad1", "One byte to fill up.", f"{R} §4.2"), (
    replace(_TYPE, parts=()), Derive(Field("ipv6.opt.pad1", "Pad1", Kind.NONE, meaning="A single byte that fills up."),
        "None", "option_type"))),)  # fmt: skip
OPTION = Choose("option_type", {
    0x00: _PAD1,
    0x01: _option("PadN", f"{R} §4.2",
        bytes_("ipv6.opt.padn", "option_len", "Padding", "Zeros.", f"{R} §4.2", key="padding")),
    0x04: _option("Tunnel limit", "RFC 2473 §4.1.1",
                  uint("ipv6.opt.tel", 8, "Limit", "How many more tunnels.", "RFC 2473 §4.1.1")),
    0x05: _option("Router alert", "RFC 2711", uint("ipv6.opt.router_alert", 16, "Value",
        "0: multicast listener discovery.",
                                                   "RFC 2711 §2.1")),
    0xC2: _option("Jumbo payload", "RFC 2675", uint("ipv6.opt.jumbo", 32, "Payload length", "More than 65535 bytes.",
                                                    "RFC 2675 §2")),
    0xC9: _option("Home address", "RFC 6275 §6.3", Field("ipv6.opt.mipv6.home_address", "Home address", Kind.IPV6, 128,
                                                         meaning="Where a travelling host is at home.",
                                                         source="RFC 6275 §6.3")),
}, _option("Option", f"{R} §4.2"), peek=8)  # fmt: skip


def _header(name: str, label: str, meaning: str, source: str, *items: Item) -> tuple[Item, ...]:
    """An extension header: what follows, its length in words of 8 bytes beyond the first, and `items`."""
    own = branch(f"ipv6.{name}", label, meaning, source)
    length = uint(f"ipv6.{name}.len", 8, "Length", "In words of 8 bytes, the first not counted.", source, key="words",
                  auto="size // 8 - 1")  # fmt: skip
    octets = Field(
        f"ipv6.{name}.len_oct", "Length in bytes", unit="bytes", derived=True, key="", meaning="8 × (length + 1)."
    )
    following = uint(f"ipv6.{name}.nxt", 8, "Next header", "What follows.", source, values=IP_PROTOCOLS,
        key="following",
                     auto="next_row('extension', key_of('ip.proto', 59))")  # fmt: skip
    return (Block(own, (following, length, Derive(octets, "(words + 1) * 8", "words"), *items),
                  "8 * (1 + data[at + 1]) if end - at > 1 else 8",
                  bytes_("", 0, "Rest of the header", key="header_rest"), pad=8, key=name),)  # fmt: skip


_ADDRESSES = "(words * 8) // 16"
_ROUTING = (
    uint("ipv6.routing.type", 8, "Type", "0: source route, forbidden since RFC 5095; 2: mobility; 4: segments.",
        f"{R} §4.4",
         values={0: "source route (deprecated)", 2: "mobile IPv6", 3: "RPL", 4: "segment routing"}, key="routing_type"),
    uint("ipv6.routing.segleft", 8, "Segments left", "Stations still to be visited.", f"{R} §4.4"),
    Choose("routing_type", {
        0: (bytes_("ipv6.routing.src.reserved", 4, "Reserved", "Zeros.", f"{R} §4.4", key="routing_reserved"),
            Repeat("stations", (Field("ipv6.routing.src.addr", "Station", Kind.IPV6, 128, meaning="A router to pass.",
                                      source="RFC 5095", key="station"),), count=_ADDRESSES)),
        2: (bytes_("ipv6.routing.mipv6.reserved", 4, "Reserved", "Zeros.", "RFC 6275 §6.4", key="routing_reserved"),
            Field("ipv6.routing.mipv6.home_address", "Home address", Kind.IPV6, 128, meaning="Of the travelling host.",
                  source="RFC 6275 §6.4", key="home")),
        4: (uint("ipv6.routing.srh.last_entry", 8, "Last entry", "Index of the last segment in the list.",
            "RFC 8754 §2"),
            uint("ipv6.routing.srh.flags", 8, "Flags", "None is defined yet.", "RFC 8754 §2", hex=True,
                key="srh_flags"),
            bytes_("ipv6.routing.srh.tag", 2, "Tag", "Marks packets that belong together.", "RFC 8754 §2"),
            Repeat("segments", (Field("ipv6.routing.srh.addr", "Segment", Kind.IPV6, 128, source="RFC 8754 §2",
                                      meaning="A station; the list runs backwards.", key="segment"),),
                   count="min(last_entry + 1, words // 2)")),
    }, (bytes_("ipv6.routing.undecoded", "max(0, words * 8 + 4)", "Content",
        "Of a type that this program does not know.", f"{R} §4.4", key="routing_data"),)),
)  # fmt: skip
_FRAGMENT = (Block(branch("ipv6.fraghdr", "Fragment header", "This is a piece of a packet; only the sender may cut.",
                          f"{R} §4.5"), (
    uint("ipv6.fraghdr.nxt", 8, "Next header", "What follows in the whole.", f"{R} §4.5", values=IP_PROTOCOLS,
         key="following", auto="next_row('extension', key_of('ip.proto', 59))"),
    uint("ipv6.fraghdr.reserved_octet", 8, "Reserved", "Zero.", f"{R} §4.5", hex=True, key="fragment_reserved"),
    *marked(16,
        uint("ipv6.fraghdr.offset", 13, "Offset", "Where the piece belongs, in units of 8 bytes.", f"{R} §4.5",
             unit="× 8 bytes", key="fragment_offset", default=0),
        uint("ipv6.fraghdr.reserved_bits", 2, "Reserved", "Zeros.", f"{R} §4.5"),
        flag("ipv6.fraghdr.more", "More fragments", "Set in every piece but the last.", f"{R} §4.5"),
    ),
    uint("ipv6.fraghdr.ident", 32, "Identification", "All pieces of one packet share it.", f"{R} §4.5", hex=True),
), key="fragment"),)  # fmt: skip
_AUTHENTICATION = (Block(branch("ah", "Authentication header", "Proves who sent the packet.", "RFC 4302"), (
    uint("ah.next_header", 8, "Next header", "What follows.", "RFC 4302 §2", values=IP_PROTOCOLS, key="following",
         auto="next_row('extension', key_of('ip.proto', 59))"),
    uint("ah.length", 8, "Length", "In words of 4 bytes, two not counted.", "RFC 4302 §2", key="ah_words",
        auto="size // 4 - 2"),
    bytes_("ah.reserved", 2, "Reserved", "Zeros.", "RFC 4302 §2", key="ah_reserved"),
    uint("ah.spi", 32, "Security parameters", "Which agreement applies.", "RFC 4302 §2", hex=True),
    uint("ah.sequence", 32, "Sequence number", "Against replays.", "RFC 4302 §2"),
    bytes_("ah.icv", "max(0, (ah_words - 1) * 4)", "Check value", "The proof that nothing was changed.", "RFC 4302 §2"),
), key="authentication"),)  # fmt: skip

_EXTENSIONS = {
    0: _header("hopopts", "Hop-by-hop options", "For every router on the way.", f"{R} §4.3",
               Repeat("options", (OPTION,))),
    43: _header("routing", "Routing header", "Stations that the packet should pass.", f"{R} §4.4", *_ROUTING),
    60: _header("dstopts", "Destination options", "For the host at the end.", f"{R} §4.6",
                Repeat("options", (OPTION,))),
    44: _FRAGMENT,
    51: _AUTHENTICATION,
}  # fmt: skip


def _after(
    c: Dissection, out: list[Node], data: bytes, at: int, end: int, start: int, plen: int, following: int, src: bytes,
    dst: bytes, more: int, offset: int, fragmented: int,
) -> int:  # fmt: skip
    """Where the packet ends, its fragments, and what follows."""
    said = start + 40 + plen if plen else end
    stop = min(end, said)
    goal = routed_to(data, start + 6, start + 40, at) or dst
    c.outer = {"src": src, "dst": goal, "proto": following, "name": "ipv6", "size": said - at}
    c.packet_end(stop)
    if fragmented and (more or offset):
        whole = c.context.fragment(c, out, at, stop)
        if whole is None:
            c.fragment = not offset
            c.follow_protocol(None, c.source, at, stop)
        else:
            source, first, last = whole
            c.outer["size"] = last - first
            c.follow_protocol(c.registry.find("ip.proto", following), source, first, last)
        return at if whole is not None else at - 8  # Wireshark's layer ends before the fragment header
    if following == 59:
        if at < stop:
            c.follow_protocol(None, c.source, at, stop)
        return at
    c.follow("ip.proto", following, at, stop)
    return at


def routed_to(data: bytes, nxt: int, at: int, end: int) -> bytes:
    """The last station of a routing header that is not used up: check sums above are made with it (RFC 8200 §8.1).

    The header before says at `nxt` what begins at `at`."""
    while at + 8 <= end and data[nxt] in _EXTENSIONS:
        kind, words = data[nxt], data[at + 1]
        size = 8 if kind == 44 else (words + 2) * 4 if kind == 51 else (words + 1) * 8
        if kind == 43 and data[at + 3] and size >= 24 and at + size <= end:
            match data[at + 2]:
                case 0 | 2:
                    return data[at + 8 + (size - 24) // 16 * 16 :][:16]
                case 4:  # the list runs backwards
                    return data[at + 8 : at + 24]
        nxt, at = at, at + size
    return b""


FRAGMENTS = Field(
    "ipv6.fragments", "Put together from", Kind.NONE, derived=True, meaning="The fragments of this packet."
)
FRAGMENT = Field("ipv6.fragment", "Fragment in packet", Kind.FRAME, derived=True, meaning="One piece.")
FRAGMENT_COUNT = Field(
    "ipv6.fragment.count", "Fragments", derived=True, meaning="How many pieces.", key="fragment_count"
)
REASSEMBLED_LENGTH = Field(
    "ipv6.reassembled.length",
    "Length of the whole",
    derived=True,
    unit="bytes",
    key="whole_length",
    meaning="Of all fragments together.",
)
REASSEMBLED_DATA = Field(
    "ipv6.reassembled.data",
    "The whole",
    Kind.BYTES,
    derived=True,
    key="whole_data",
    meaning="All fragments, put together.",
)
REASSEMBLED_IN = Field("ipv6.reassembled.in", "Complete in packet", Kind.FRAME, derived=True,
                       meaning="The packet with the last missing piece.")  # fmt: skip


def _info(layer: Node) -> str:
    at, more = layer.child("fragment_offset"), layer.child("more")
    following = [node.value for node in walk(layer.children) if node.name.endswith(".nxt")]
    name = IP_PROTOCOLS.get(following[-1], f"next header {following[-1]}").partition(",")[0] if following else ""
    if not at and not more:
        return name
    whole = layer.child("ipv6.reassembled.in")
    return f"Fragment of {name}, from byte {(at or 0) * 8}{'' if more else ', the last'}" + (
        f", put together in packet {whole}" if whole else "")  # fmt: skip


IPV6 = Protocol(
    "ipv6", "Internet Protocol Version 6", short="IPv6", source=R,
    meaning="As IPv4, with longer addresses, a header of fixed size and no check sum; more is said in extension "
            "headers.", info=_info,
    entries={"ethertype": (0x86DD,), "ip.proto": (41,), "family": (10, 24, 28, 30), "link": (229,)},
    items=(
        uint("ipv6.version", 4, "Version", "6.", f"{R} §3", default=6, aliases=("ip.version",)),
        Field("ipv6.tclass", "Traffic class", Kind.UINT, 8, hex=True, source=f"{R} §7", trail=2, default=0,
              meaning="As the differentiated services of IPv4.", parts=(
                  uint("ipv6.tclass.dscp", 6, "DSCP", "How routers should treat the packet.", "RFC 2474 §3",
                      values=DSCP,
                       trail=2),
                  uint("ipv6.tclass.ecn", 2, "ECN", "Routers that are nearly full say so here.", "RFC 3168 §5",
                      values=ECN,
                       lead=1, trail=2),
              )),
        uint("ipv6.flow", 20, "Flow label", "Packets of one conversation may share a number, so that routers treat "
                                            "them alike.", "RFC 6437", hex=True, default=0),
        uint("ipv6.plen", 16, "Payload length", "Everything after these 40 bytes.", f"{R} §3", unit="bytes",
             auto="size - 40 + payload"),
        uint("ipv6.nxt", 8, "Next header", "What follows: an extension header or a transport protocol.", f"{R} §3",
             values=IP_PROTOCOLS, auto="first_row('extensions', 'extension', key_of('ip.proto', 59))"),
        uint("ipv6.hlim", 8, "Hop limit", "Each router takes 1 away; at 0 the packet is dropped.", f"{R} §3",
            default=64),
        Field("ipv6.src", "Source address", Kind.IPV6, 128, aliases=("ipv6.addr", "ipv6.src_host", "ipv6.host"),
              meaning="Who sent it.", source=f"{R} §3", default=bytes.fromhex("20010db8000000000000000000000001")),
        Field("ipv6.dst", "Destination address", Kind.IPV6, 128, aliases=("ipv6.addr", "ipv6.dst_host", "ipv6.host"),
              meaning="Where it should go.", source=f"{R} §3",
              default=bytes.fromhex("20010db8000000000000000000000002")),
        Check("version == 6", "Version {version} in a packet that should be IPv6.", "version", stop=True),
        Let("following", "nxt"),
        Let("fragmented", "0"),
        Repeat("extensions", (
            Let("fragmented", "fragmented or following == 44"),
            Let("extension", "following", kept=True),
            Choose("extension", _EXTENSIONS),
        ), while_="following in (0, 43, 44, 51, 60) and not (fragmented and fragment_offset)"),
        Call(_after, ("start", "plen", "following", "src", "dst", "more", "fragment_offset", "fragmented")),
    ),
    extra=(FRAGMENTS, FRAGMENT, FRAGMENT_COUNT, REASSEMBLED_LENGTH, REASSEMBLED_DATA, REASSEMBLED_IN),
)  # fmt: skip

PROTOCOLS = (IPV6,)
