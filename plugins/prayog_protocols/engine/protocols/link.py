"""What stands before the network header where there is no Ethernet: Linux "any", loopback, and LLC inside 802.3."""

from __future__ import annotations

from prayog_protocols.engine.dissection import Dissection
from prayog_protocols.engine.protocols.ethernet import ETHERTYPES
from prayog_protocols.engine.spec import Call, Choose, Field, Kind, Protocol, Then, bits, bytes_, flag, uint
from prayog_protocols.engine.tree import Node

_SLL = "tcpdump.org, LINKTYPE_LINUX_SLL"
_SLL2 = "tcpdump.org, LINKTYPE_LINUX_SLL2"
_PACKET_TYPES = {0: "to us", 1: "broadcast", 2: "multicast", 3: "to somebody else", 4: "sent by us"}
_HARDWARE = {1: "Ethernet", 512: "PPP", 772: "Loopback", 778: "GRE", 801: "Wi-Fi", 803: "Wi-Fi monitor", 65534: "none"}
# Number by which a system names a protocol family; they differ from system to system.
_FAMILIES = {2: "IPv4", 10: "IPv6 (Linux)", 24: "IPv6 (NetBSD)", 28: "IPv6 (FreeBSD)", 30: "IPv6 (macOS)"}


def _address(c: Dissection, out: list[Node], data: bytes, at: int, end: int, size: int) -> int:
    """A hardware address and what fills it up to 8 bytes."""
    if end - at < 8:
        c.cut(out, ADDRESS, at, end, 8)
    used = min(size, 8)
    field = MAC_ADDRESS if size == 6 else ADDRESS
    if used:
        out.append(Node(field, c.source, at * 8, used * 8, data[at : at + used]))
    if used < 8:
        out.append(Node(UNUSED, c.source, (at + used) * 8, (8 - used) * 8, data[at + used : at + 8]))
    return at + 8


ADDRESS = bytes_("sll.src.other", 0, "Sender", "The hardware address of the sender, where there is one.", _SLL)
MAC_ADDRESS = Field("sll.src.eth", "Sender", Kind.MAC, meaning="The hardware address of the sender.", source=_SLL)
UNUSED = bytes_("sll.unused", 0, "Unused", "Fills the address up to 8 bytes.", _SLL)

SLL = Protocol(
    "sll", "Linux cooked capture", short="SLL", source=_SLL,
    meaning="A header made up by Linux for captures on all interfaces at once; it was never on a wire.",
    entries={"link": (113,)},
    items=(
        uint("sll.pkttype", 16, "Packet type", "Whether the packet came or went.", _SLL, values=_PACKET_TYPES),
        uint("sll.hatype", 16, "Hardware type", "What kind of interface it was.", _SLL, values=_HARDWARE),
        uint("sll.halen", 16, "Address length", "Bytes of the address that are used.", _SLL, unit="bytes"),
        Call(_address, ("halen",), lambda values: bytes(8), (ADDRESS, MAC_ADDRESS, UNUSED)),
        uint("sll.etype", 16, "Protocol", "What the packet is.", _SLL, hex=True, values=ETHERTYPES,
             auto="key_of('ethertype', 0x0800)"),
        Then("ethertype", "etype"),
    ),
)  # fmt: skip

SLL2 = Protocol(
    "sll", "Linux cooked capture, version 2", short="SLL", source=_SLL2,
    meaning="As version 1, and it says on which interface the packet was.",
    entries={"link": (276,)},
    items=(
        uint("sll.etype", 16, "Protocol", "What the packet is.", _SLL2, hex=True, values=ETHERTYPES,
             auto="key_of('ethertype', 0x0800)"),
        bytes_("", 2, "Reserved", "", _SLL2, key="sll_reserved"),
        uint("sll.ifindex", 32, "Interface", "Its number on that machine.", _SLL2),
        uint("sll.hatype", 16, "Hardware type", "What kind of interface it was.", _SLL2, values=_HARDWARE),
        uint("sll.pkttype", 8, "Packet type", "Whether the packet came or went.", _SLL2, values=_PACKET_TYPES),
        uint("sll.halen", 8, "Address length", "Bytes of the address that are used.", _SLL2, unit="bytes"),
        Call(_address, ("halen",), lambda values: bytes(8), (ADDRESS, MAC_ADDRESS, UNUSED)),
        Then("ethertype", "etype"),
    ),
)  # fmt: skip


def _family(c: Dissection, out: list[Node], data: bytes, at: int, end: int) -> int:
    """Four bytes in the order of the machine that captured."""
    if end - at < 4:
        c.cut(out, FAMILY, at, end, 4)
    number = int.from_bytes(data[at : at + 4], "big")
    if number > 0xFFFF:
        number = int.from_bytes(data[at : at + 4], "little")
    out.append(Node(FAMILY, c.source, at * 8, 32, number))
    c.follow("family", number, at + 4, end)
    return at + 4


FAMILY = Field("null.family", "Family", Kind.UINT, values=_FAMILIES, source="tcpdump.org, LINKTYPE_NULL",
               meaning="The protocol, by the number that the capturing system has for it.")  # fmt: skip
LOOPBACK = Protocol(
    "null", "Loopback", short="Loopback", source="tcpdump.org, LINKTYPE_NULL",
    meaning="Four bytes before a packet that stayed on the machine.",
    entries={"link": (0, 108)},
    items=(Call(_family, (), lambda values: b"\2\0\0\0", (FAMILY,)),),
)  # fmt: skip


def _raw(c: Dissection, out: list[Node], data: bytes, at: int, end: int) -> int:
    version = data[at] >> 4 if at < end else 0
    c.follow("ethertype", {4: 0x0800, 6: 0x86DD}.get(version), at, end)
    c.cover(end)
    return at


RAW = Protocol(
    "raw", "Raw packet data", short="Raw", source="tcpdump.org, LINKTYPE_RAW",
    meaning="The capture begins with the IP header.",
    entries={"link": (12, 14, 101)},
    items=(Call(_raw, ()),),
)  # fmt: skip

_LLC = "IEEE 802.2 §3"
_SAPS = {
    0x00: "null",
    0x06: "IP",
    0x42: "spanning tree",
    0xAA: "SNAP",
    0xE0: "NetWare",
    0xF0: "NetBIOS",
    0xFE: "ISO network",
}
LLC = Protocol(
    "llc", "Logical Link Control", short="LLC", source=_LLC,
    meaning="In frames with a length instead of a type: says what the frame carries.",
    items=(
        bits("llc.dsap", 8, "Destination", (
            uint("llc.dsap.sap", 7, "Access point", "The number of the protocol.", _LLC),
            flag("llc.dsap.ig", "Group", "Set: for a group of protocols.", _LLC),
        ), "Which protocol should take it.", _LLC, values=_SAPS, default=0xAA),
        bits("llc.ssap", 8, "Source", (
            uint("llc.ssap.sap", 7, "Access point", "The number of the protocol.", _LLC, key="source_sap"),
            flag("llc.ssap.cr", "Response", "Set: an answer; not set: a command.", _LLC),
        ), "Which protocol sent it.", _LLC, values=_SAPS, default=0xAA),
        Choose("control_first", {tuple(x for x in range(256) if x & 3 == 3): (
            uint("llc.control", 8, "Control", "3: plain data, unnumbered.", _LLC, hex=True, default=3),
            Choose("dsap", {0xAA: (
                uint("llc.oui", 24, "Organisation", "0: the number after it is an Ethernet type.", "RFC 1042",
                    default=0),
                uint("llc.type", 16, "Type", "As in Ethernet II.", "RFC 1042", hex=True, values=ETHERTYPES,
                     auto="key_of('ethertype', 0x0800)"),
                Then("ethertype", "type"),
            ), 6: (Then("ethertype", "0x0800"),)}, (Then("llc.dsap", "dsap"),)),
        )}, (uint("llc.control", 16, "Control", "Numbered or supervisory.", _LLC, hex=True), Then("llc.dsap", "dsap")),
            peek=8, made="3"),
    ),
)  # fmt: skip

PROTOCOLS = (SLL, LOOPBACK, RAW, LLC)
SECOND = SLL2  # the same name as `SLL`, for another link type
