"""The Address Resolution Protocol (RFC 826): who has this IP address?"""

from __future__ import annotations

from prayog_protocols.engine.protocols.ethernet import ETHERTYPES
from prayog_protocols.engine.showing import literal
from prayog_protocols.engine.spec import Choose, Derive, Field, Item, Kind, Protocol, bytes_, uint
from prayog_protocols.engine.tree import Node

R = "RFC 826"
OPERATIONS = {
    1: "request", 2: "reply", 3: "reverse request", 4: "reverse reply", 8: "inverse request", 9: "inverse reply",
}  # fmt: skip
_HARDWARE = {1: "Ethernet", 6: "IEEE 802", 15: "Frame Relay", 18: "Fibre Channel", 24: "FireWire", 32: "InfiniBand"}


def _noted(name: str, label: str, meaning: str, when: str) -> Derive:
    return Derive(
        Field(f"arp.{name}", label, Kind.BOOL, derived=True, meaning=meaning, source="RFC 5227"), "1", when=when
    )


_IPV4: tuple[Item, ...] = (
    _noted("isgratuitous", "Announces itself", "Asks for its own address: whoever has an old entry should change it.",
           "opcode < 3 and data[at + 6:at + 10] == data[at + 16:at + 20] and end - at >= 20 and data[at + 6:at + 10] "
           "!= b'\\0\\0\\0\\0'"),
    _noted("isprobe", "Probe", "Is anybody using this address already?",
           "opcode == 1 and end - at >= 20 and data[at + 6:at + 10] == b'\\0\\0\\0\\0' and data[at + 10:at + 16] == "
           "b'\\0\\0\\0\\0\\0\\0' and data[at + 16:at + 20] != b'\\0\\0\\0\\0'"),
    _noted("isannouncement", "Announcement", "From now on this address is mine.",
           "opcode == 1 and data[at + 6:at + 10] == data[at + 16:at + 20] and end - at >= 20 and data[at + 10:at + 16] "
           "== b'\\0\\0\\0\\0\\0\\0' and data[at + 6:at + 10] != b'\\0\\0\\0\\0'"),
    Field("arp.src.hw_mac", "Sender's hardware address", Kind.MAC, 48, meaning="Who asks or answers.", source=R,
          default=bytes.fromhex("020000000001"), key="sender_mac"),
    Field("arp.src.proto_ipv4", "Sender's IP address", Kind.IPV4, 32, meaning="Its IP address.", source=R,
        default=0x0A000001),
    Field("arp.dst.hw_mac", "Target's hardware address", Kind.MAC, 48,
        meaning="Zeros in a question: that is what is asked.",
          source=R, key="target_mac"),
    Field("arp.dst.proto_ipv4", "Target's IP address", Kind.IPV4, 32, meaning="The address that is looked for.",
        source=R,
          default=0x0A000002, key="target_ipv4"),
)  # fmt: skip
_OTHER: tuple[Item, ...] = (
    bytes_(
        "arp.src.hw",
        "hardware_size",
        "Sender's hardware address",
        "Of who asks or answers, in the size that the header says.",
        R,
        key="sender_hw",
    ),
    bytes_(
        "arp.src.proto", "proto_size", "Sender's protocol address", "Of who asks or answers.", R, key="sender_proto"
    ),
    bytes_(
        "arp.dst.hw",
        "hardware_size",
        "Target's hardware address",
        "Of who is looked for; unknown in a question.",
        R,
        key="target_hw",
    ),
    bytes_(
        "arp.dst.proto",
        "proto_size",
        "Target's protocol address",
        "The address that is looked for.",
        R,
        key="target_proto",
    ),
)


def _info(layer: Node) -> str:
    shown = {key: literal(node) if (node := layer.first(key)) is not None else "?" for key in _SHOWN}
    if layer.child("opcode") == 1:
        return f"Who has {shown['target_ipv4']}? Tell {shown['proto_ipv4']}"
    if layer.child("opcode") == 2:
        return f"{shown['proto_ipv4']} is at {shown['sender_mac']}"
    return OPERATIONS.get(layer.child("opcode"), "")


_SHOWN = ("proto_ipv4", "target_ipv4", "sender_mac")
ARP = Protocol(
    "arp", "Address Resolution Protocol", short="ARP", source=R,
    meaning="Finds the hardware address that belongs to an IP address on the same network. Nobody checks the answer.",
    entries={"ethertype": (0x0806, 0x8035)}, info=_info,
    items=(
        uint("arp.hw.type", 16, "Hardware type", "1: Ethernet.", R, values=_HARDWARE, default=1, key="hardware"),
        uint("arp.proto.type", 16, "Protocol type", "Whose addresses are looked for.", R, hex=True, values=ETHERTYPES,
             default=0x0800, key="protocol_type"),
        uint("arp.hw.size", 8, "Hardware address size", "6 for Ethernet.", R, unit="bytes", default=6,
            key="hardware_size"),
        uint("arp.proto.size", 8, "Protocol address size", "4 for IPv4.", R, unit="bytes", default=4, key="proto_size"),
        uint("arp.opcode", 16, "Operation", "Question or answer.", R, values=OPERATIONS, default=1),
        Choose("hardware_size == 6 and proto_size == 4 and protocol_type == 0x0800", {True: _IPV4}, _OTHER),
    ),
)  # fmt: skip

PROTOCOLS = (ARP,)
