"""Ethernet II and IEEE 802.3 frames, and the VLAN tag between them and what they carry."""

from __future__ import annotations

from typing import Any

from prayog_protocols.engine.dissection import Dissection
from prayog_protocols.engine.spec import (
    Call,
    Choose,
    Derive,
    Field,
    Kind,
    Protocol,
    Then,
    bytes_,
    flag,
    marked,
    uint,
)
from prayog_protocols.engine.tree import Node

ETHERTYPES = {
    0x0800: "IPv4", 0x0806: "ARP", 0x0842: "Wake-on-LAN", 0x22F3: "TRILL", 0x6558: "Transparent Ethernet bridging",
    0x8035: "RARP", 0x8100: "802.1Q VLAN", 0x8137: "IPX", 0x86DD: "IPv6", 0x8808: "Ethernet flow control",
    0x8809: "Slow protocols (LACP)", 0x8847: "MPLS", 0x8848: "MPLS with upstream label", 0x8863: "PPPoE discovery",
    0x8864: "PPPoE session", 0x888E: "802.1X authentication", 0x88A8: "802.1ad provider VLAN", 0x88CC: "LLDP",
    0x88E5: "MACsec", 0x88F7: "PTP", 0x8906: "FCoE", 0x9100: "VLAN (old double tag)",
}  # fmt: skip
_8023 = "IEEE 802.3-2018 §3.2"
_8021Q = "IEEE 802.1Q-2018 §9.6"


def _mac(name: str, label: str, key: str, meaning: str) -> tuple[Any, ...]:
    """An address, and the two bits of its first byte that mean something."""
    either = (f"{name.rpartition('.')[0]}.addr",)
    tail = name.rpartition(".")[2]
    local = Field(
        f"eth.{tail}.lg", "Locally administered", Kind.BOOL, trail=2, aliases=("eth.lg",), key=f"{key}_lg",
        meaning="Set: somebody gave this address by hand or by program. Not set: the maker of the card gave it.",
        source="IEEE 802-2014 §8.4",
        values={0: "given by the maker", 1: "given locally"},
    )  # fmt: skip
    group = Field(
        f"eth.{tail}.ig", "Group address", Kind.BOOL, trail=2, aliases=("eth.ig",), key=f"{key}_ig",
        meaning="Set: for a group of stations (multicast, broadcast). Not set: for one station.",
        source="IEEE 802-2014 §8.2", values={0: "one station", 1: "a group"},
    )  # fmt: skip
    oui = Field(
        f"eth.{tail}.oui",
        "Maker's number (OUI)",
        aliases=("eth.addr.oui",),
        key=f"{key}_oui",
        meaning="The first three bytes of an address say who made the card.",
        source="IEEE 802-2014 §8.2",
    )
    return (
        Field(name, label, Kind.MAC, 48, meaning=meaning, source=_8023, key=key, aliases=either,
              default=bytes(5) + (b"\x01" if key == "dst" else b"\x02")),
        Derive(oui, f"int_({key}[:3], 'big')", key, part=(0, 24)),
        Derive(local, f"{key}[0] >> 1 & 1", key, part=(6, 1)),
        Derive(group, f"{key}[0] & 1", key, part=(7, 1)),
    )  # fmt: skip


def _length(c: Dissection, out: list[Node], data: bytes, at: int, end: int, length: int) -> int:
    """IEEE 802.3: the field is a length, and LLC follows."""
    c.follow_protocol(c.registry.protocols.get("llc"), c.source, at, min(end, at + length))
    return at


def _register(c: Dissection, out: list[Node], data: bytes, at: int, end: int) -> int:
    c.later.append(lambda: _trailer(c, out, data, end))
    return at


def _trailer(c: Dissection, out: list[Node], data: bytes, end: int) -> None:
    """What the frame holds after the packet: padding, anything else, and perhaps the frame's check sum.

    Most captures are without the check sum; as Wireshark does, four bytes at the end of a frame that is long enough
    with them are taken for it.
    """
    at = c.payload_end
    if at is None or at >= end or len(data) < c.wire_size:
        return
    filled = min(60, end)
    if at < filled and not any(data[at:filled]):
        out.append(Node(PADDING, c.source, at * 8, (filled - at) * 8, data[at:filled]))
        at = filled
    if end - at >= 4 and end >= 64:
        if end - 4 > at:
            out.append(Node(TRAILER, 0, at * 8, (end - 4 - at) * 8, data[at : end - 4]))
        out.append(Node(SUM, 0, (end - 4) * 8, 32, int.from_bytes(data[end - 4 : end], "big")))
        out.append(Node(SUM_STATUS, 0, (end - 4) * 8, 0, 2))
    elif at < end:
        out.append(Node(TRAILER, 0, at * 8, (end - at) * 8, data[at:end]))


SUM = uint("eth.fcs", 32, "Frame check sequence",
    "A CRC-32 over the frame; the card checks it and most captures lack it.",
           _8023, hex=True)  # fmt: skip
SUM_STATUS = Field("eth.fcs.status", "Check sequence status", derived=True, meaning="Whether the check sequence fits.",
                   values={0: "bad", 1: "good", 2: "not checked"}, source=_8023)  # fmt: skip
PADDING = bytes_("eth.padding", 0, "Padding", "Zeros that fill a frame up to the shortest that Ethernet allows (60 "
                                              "bytes and the check sum).", "IEEE 802.3-2018 §4.2.3.3")  # fmt: skip
TRAILER = bytes_("eth.trailer", 0, "Trailer", "Bytes after the packet that the frame carries; nobody reads them.")

ETHERNET = Protocol(
    "eth", "Ethernet II", short="Ethernet", source=_8023,
    meaning="Carries a packet from one station to the next on the same network, by hardware address.",
    entries={"link": (1,), "gre": (0x6558,)},
    items=(
        *_mac("eth.dst", "Destination", "dst", "The station (or group) that should take the frame."),
        *_mac("eth.src", "Source", "src", "The station that sent the frame. It changes with each router on the way."),
        Choose("type_or_length", peek=16, cases={range(0x0600): (
            uint("eth.len", 16, "Length", "Below 1536 this field is a length: an IEEE 802.3 frame.", _8023,
                key="length",
                 auto="after + payload"),
            Call(_length, ("length",)),
        )}, other=(
            uint("eth.type", 16, "Type", "Which protocol the frame carries; from 1536 on it is a type, below a length.",
                 _8023, hex=True, values=ETHERTYPES, auto="key_of('ethertype', 0x0800)", key="type"),
            Then("ethertype", "type"),
        ), made="0 if 'length' in given else 0x0800"),
        Call(_register),
    ),
    extra=(PADDING, TRAILER, SUM, SUM_STATUS),
)  # fmt: skip


def _tag(name: str, title: str, types: tuple[int, ...], meaning: str, type_name: str) -> Protocol:
    mark = (lambda *parts: marked(16, *parts)) if name == "vlan" else (lambda *parts: parts)
    return Protocol(
        name, title, short="VLAN", source=_8021Q, meaning=meaning, entries={"ethertype": types},
        items=(
            *mark(
                uint(f"{name}.priority", 3, "Priority", "0 is best effort, 7 the most urgent; 1 is below 0.", _8021Q,
                     default=0),
                flag(f"{name}.dei", "May be dropped first", "When the network is full, frames with this bit go first.",
                     _8021Q, default=0),
                uint(f"{name}.id", 12, "VLAN", "The network, 1 to 4094. 0 carries a priority only; 4095 is reserved.",
                     _8021Q, default=1),
            ),
            Choose("type_or_length", peek=16, cases={range(0x0600): (
                uint("vlan.len" if name == "vlan" else "", 16, "Length",
                     "Below 1536 this field is a length: IEEE 802.3.", _8023, key="length",
                     auto="after + payload"),
                Call(_length, ("length",)),
            )}, other=(
                uint(type_name, 16, "Type", "Which protocol comes after the tag.", _8021Q, hex=True, values=ETHERTYPES,
                     auto="key_of('ethertype', 0x0800)", key="etype"),
                Then("ethertype", "etype"),
            ), made="0 if 'length' in given else 0x0800"),
        ),
    )  # fmt: skip


VLAN = _tag("vlan", "802.1Q Virtual LAN", (0x8100, 0x9100),
    "Four bytes that say to which of several networks on the same wire a frame belongs.", "vlan.etype")  # fmt: skip
PROVIDER = _tag("ieee8021ad", "802.1ad provider VLAN", (0x88A8,), "The tag of a provider, around the customer's own.",
                "ieee8021ah.etype")  # fmt: skip

PROTOCOLS = (ETHERNET, VLAN, PROVIDER)
