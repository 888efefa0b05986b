"""The values of the headers from Ethernet to TCP and UDP, at once and without a tree: for counting over many packets.

One function is written out from the heads that the specs describe; it reads the packets where they are, in the mapped
file.  What it gives of a packet is a list of layers, each the protocol's name and the values in the order of
`Eager.names`; options stand at the end of "ip" and "tcp", as bytes.

    eager = Eager(capture.registry)
    for layers in eager.all(capture):
        …
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from struct import Struct
from typing import TYPE_CHECKING, Any

from prayog_protocols.engine.heads import Placed, head
from prayog_protocols.engine.registry import Registry
from prayog_protocols.engine.spec import Kind

if TYPE_CHECKING:
    from prayog_protocols.engine.capture.capture import Capture

__all__ = ["Eager", "Layers"]

Layers = list[tuple[str, tuple[Any, ...]]]
_WORDS = {8: "B", 16: "H", 32: "I", 64: "Q"}
# Which field says what comes next, and in which table.
_NEXT = {"eth": ("type", "ethertype"), "vlan": ("etype", "ethertype"), "ieee8021ad": ("etype", "ethertype"),
         "ip": ("proto", "ip.proto"), "ipv6": ("nxt", "ip.proto")}  # fmt: skip
_LENGTH = {"ip": "hdr_len", "tcp": "hdr_len"}  # the field that says where the header ends
_WITHIN = {"ethertype": ("ip", "ipv6", "arp", "vlan", "ieee8021ad"), "ip.proto": ("tcp", "udp")}
_FIRST = {1: "eth", 101: "ip", 12: "ip", 14: "ip"}  # link type -> protocol; others are not read


class Eager:
    """A reader that was made for the specs of a registry."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.names: dict[str, tuple[str, ...]] = {}  # protocol -> names of its values, in order
        self._known: dict[str, Any] = {}
        lines = []
        for name in ("eth", "ip", "ipv6", "arp", "vlan", "ieee8021ad", "tcp", "udp"):
            lines += self._function(name)
        exec(compile("\n".join(lines), "<eager>", "exec"), self._known)
        self._first: dict[int, Callable[[Any, int, int, Layers], None]] = {
            link: self._known[f"read_{name}"] for link, name in _FIRST.items()
        }

    def read(self, data: Any, at: int, end: int, link: int = 1) -> Layers:
        """The layers of the packet from byte `at` to `end`; those that are cut off are not among them."""
        out: Layers = []
        first = self._first.get(link)
        if first is not None:
            first(data, at, end, out)
        return out

    def all(self, capture: Capture) -> Iterator[Layers]:
        """The layers of every packet, in order."""
        records, data = capture.records, capture.data
        numbers = records.interface.tolist() if records.interface is not None else None
        links = [interface.link for interface in records.interfaces]
        same = self._first.get(links[0]) if links and len(set(links)) == 1 else None
        places = zip(records.offsets.tolist(), records.captured.tolist(), strict=True)
        for index, (at, size) in enumerate(places):
            out: Layers = []
            first = same or self._first.get(links[numbers[index] if numbers is not None else 0])
            if first is not None:
                first(data, at, at + size, out)
            yield out

    def _function(self, name: str) -> list[str]:
        """The text of the function that reads a protocol and goes on to the next one."""
        fields = head(self._registry.protocols[name], parts=False)
        letters, variables, values, keys = self._plan(fields)
        unpack = Struct(f">{letters}")
        self._known[f"unpack_{name}"] = unpack.unpack_from
        self.names[name] = tuple(one.field.name for one in fields) + ((f"{name}.options",) if name in _LENGTH else ())
        lines = [
            f"def read_{name}(data, at, end, out):",
            f"    if end - at < {unpack.size}: return",
            f"    {', '.join(variables)}, = unpack_{name}(data, at)",
        ]
        size: str | int = unpack.size
        if name in _LENGTH:
            size = "size"
            lines += [f"    size = {keys[_LENGTH[name]]}", f"    if size < {unpack.size} or end - at < size: return"]
            values.append(f"data[at + {unpack.size}:at + size] if size > {unpack.size} else b''")
        lines.append(f"    out.append(({name!r}, ({', '.join(values)},)))")
        if name in _NEXT:
            key, table = _NEXT[name]
            if name == "ip":  # only the first fragment has a header, and padding is not part of the packet
                lines.append(f"    if {keys['frag_offset']}: return")
                lines.append(f"    end = min(end, at + ({keys['total']} or end - at))")
            for other in _WITHIN[table]:
                numbers = tuple(self._registry.protocols[other].entries.get(table, ()))
                lines.append(f"    if {keys[key]} in {numbers!r}: return read_{other}(data, at + {size}, end, out)")
        return lines

    @staticmethod
    def _plan(fields: list[Placed]) -> tuple[str, list[str], list[str], dict[str, str]]:
        """Letters for `struct`, its variables, the expressions of the values, and of each key its expression."""
        letters = ""
        variables: list[str] = []
        values: list[str] = []
        keys: dict[str, str] = {}
        place = 0
        while place < len(fields):
            first, width, together = fields[place].at, 0, []
            while not width or width % 8:
                together.append(fields[place])
                width += fields[place].bits
                place += 1
            variable = f"x{len(variables)}"
            variables.append(variable)
            raw = len(together) == 1 and together[0].field.kind in (Kind.MAC, Kind.IPV6, Kind.BYTES)
            letters += f"{width // 8}s" if raw or width not in _WORDS else _WORDS[width]
            for one in together:
                shift = first + width - one.at - one.bits
                value = variable if one.bits == width else f"({variable} >> {shift} & {(1 << one.bits) - 1})"
                if one.field.scale != 1:
                    value = f"{value} * {one.field.scale}"
                values.append(value)
                keys[one.field.key] = value
        return letters, variables, values, keys
