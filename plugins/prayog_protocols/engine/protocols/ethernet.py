"""Ethernet II and IEEE 802.3 frames, and the VLAN tag between them and what they carry."""

from __future__ import annotations

from typing import Any

from prayog_protocols.engine.dissection import Dissection
from prayog_protocols.engine.spec import (
    Call, Check, Choose, Derive, Field, Kind, Protocol, Then, bits, bytes_, flag, marked, uint,
)  # fmt: skip
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
        f"eth.{tail}.oui", "Maker's number (OUI)", aliases=("eth.addr.oui",), key=f"{key}_oui",
        meaning="The first three bytes of an address say who made the card.", source="IEEE 802-2014 §8.2",
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


PADDING = bytes_("eth.padding", 0, "Padding", "Zeros that fill a frame up to the shortest that Ethernet allows "
                 "(60 bytes and the check sum).", "IEEE 802.3-2018 §4.2.3.3")  # fmt: skip
TRAILER = bytes_("eth.trailer", 0, "Trailer", "Bytes after the packet that the frame carries; nobody reads them.")

ETHERNET = Protocol(
    "eth", "Ethernet II", short="Ethernet", source=_8023,
    meaning="Carries a packet from one station to the next on the same network, by hardware address.",
    entries={"link": (1,), "gre": (0x6558,)},
    items=(
        *_mac("eth.dst", "Destination", "dst", "The station (or group) that should take the frame."),
        *_mac("eth.src", "Source", "src", "The station that sent the frame. It changes with each router on the way."),
        Choose("type_or_length", peek=16, cases={range(0x0600): (
            uint("eth.len", 16, "Length", "Below 1536 this field is a length: an IEEE 802.3 frame.", _8023, key="length",
                 auto="after + payload"),
            Call(_length, ("length",)),
        )}, other=(
            uint("eth.type", 16, "Type", "Which protocol the frame carries; from 1536 on it is a type, below a length.",
                 _8023, hex=True, values=ETHERTYPES, auto="key_of('ethertype', 0x0800)", key="type"),
            Then("ethertype", "type"),
        ), made="0 if 'length' in given else 0x0800"),
    ),
    extra=(PADDING, TRAILER),
)  # fmt: skip

VLAN = Protocol(
    "vlan", "802.1Q Virtual LAN", short="VLAN", source=_8021Q,
    meaning="Four bytes that say to which of several networks on the same wire a frame belongs.",
    entries={"ethertype": (0x8100, 0x88A8, 0x9100)},
    items=(
        *marked(16,
            uint("vlan.priority", 3, "Priority", "0 is best effort, 7 the most urgent; 1 is below 0.", _8021Q, default=0),
            flag("vlan.dei", "May be dropped first", "When the network is full, frames with this bit go first.", _8021Q,
                 default=0),
            uint("vlan.id", 12, "VLAN", "The network, 1 to 4094. 0 carries a priority only; 4095 is reserved.", _8021Q,
                 default=1),
        ),
        Choose("type_or_length", peek=16, cases={range(0x0600): (
            uint("vlan.len", 16, "Length", "Below 1536 this field is a length: IEEE 802.3.", _8023, key="length", auto="after + payload"),
            Call(_length, ("length",)),
        )}, other=(
            uint("vlan.etype", 16, "Type", "Which protocol comes after the tag.", _8021Q, hex=True, values=ETHERTYPES,
                 auto="key_of('ethertype', 0x0800)"),
            Then("ethertype", "etype"),
        ), made="0 if 'length' in given else 0x0800"),
    ),
)  # fmt: skip

PROTOCOLS = (ETHERNET, VLAN)
