"""What is chosen on the bench, as a word: a packet, or some bits of it.  No Qt.

``packet 12`` is the twelfth packet (as Wireshark counts); ``packet 12 tcp.flags@376+12`` the field that begins at bit
376 of its frame; ``packet 12 http.host@1:80+88`` one in the second of its sources."""

from __future__ import annotations

import re
from dataclasses import dataclass

from prayog_protocols.engine.tree import Node, Packet

__all__ = ["Choice", "of_node", "read"]

_WORD = re.compile(r"packet (\d+)(?: ([^@ ]*)@(?:(\d+):)?(\d+)\+(\d+))?\Z")


@dataclass(frozen=True, slots=True)
class Choice:
    """A packet (`index` counts from 0) and perhaps a field of it."""

    index: int
    name: str = ""
    source: int = 0
    start: int = 0  # first bit within the source
    bits: int = -1  # -1: the packet as a whole

    def __str__(self) -> str:
        if self.bits < 0:
            return f"packet {self.index + 1}"
        source = f"{self.source}:" if self.source else ""
        return f"packet {self.index + 1} {self.name}@{source}{self.start}+{self.bits}"

    def node_in(self, packet: Packet) -> Node | None:
        """The node of `packet` that is meant; None for the packet as a whole, or when there is none such."""
        if self.bits < 0:
            return None
        for node in packet.walk():
            if (node.source, node.start, node.bits, node.name) == (self.source, self.start, self.bits, self.name):
                return node
        return None


def of_node(index: int, node: Node) -> Choice:
    """The choice of one field."""
    return Choice(index, node.name, node.source, node.start, node.bits)


def read(word: str) -> Choice | None:
    """What a selection of the bench means; None when it is no packet."""
    found = _WORD.match(word)
    if found is None or found[1] == "0":
        return None
    if found[4] is None:
        return Choice(int(found[1]) - 1)
    return Choice(int(found[1]) - 1, found[2], int(found[3] or 0), int(found[4]), int(found[5]))
