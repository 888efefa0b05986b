"""A packet as one line of a list: who, to whom, which protocol, and what it says."""

from __future__ import annotations

from dataclasses import dataclass

from prayog_protocols.engine.registry import Registry
from prayog_protocols.engine.showing import literal
from prayog_protocols.engine.tree import Node, Packet

__all__ = ["Row", "row"]

LONGEST = 200
_QUOTING = ("icmp", "icmpv6")  # what follows them was quoted, and was not sent by this packet
_GRAVITY = ("", "chat", "note", "warning", "error")


@dataclass(frozen=True, slots=True)
class Row:
    """A packet as a list shows it."""

    number: int
    time_ns: int  # since the first packet
    source: str
    destination: str
    protocol: str
    length: int
    info: str
    gravity: str = ""  # of the worst note: "error", "warning", "note", "chat" or none


def row(registry: Registry, packet: Packet, time_ns: int, length: int) -> Row:
    """The line of a packet."""
    layers = _own(packet)
    source, destination = _ends(layers)
    protocol, info = _summary(registry, layers)
    worst = max((_GRAVITY.index(note.severity) for note in packet.notes), default=0)
    return Row(packet.number, time_ns, source, destination, protocol, length, info, _GRAVITY[worst])


def _own(packet: Packet) -> list[Node]:
    """The layers up to one that quotes another packet."""
    names = [layer.name for layer in packet.layers]
    first = min((names.index(name) for name in _QUOTING if name in names), default=len(names))
    return packet.layers[: first + 1]


def _ends(layers: list[Node]) -> tuple[str, str]:
    """Sender and receiver, as near to the application as addresses go."""
    found = ("", "")
    for layer in layers:
        match layer.name:
            case "ip" | "ipv6" as name:
                pair = [_first(layer, f"{name}.{end}") for end in ("src", "dst")]
            case "eth":
                pair = [_first(layer, "eth.src"), _first(layer, "eth.dst")]
            case "sll":
                pair = [_first(layer, "sll.src.eth"), None]
            case _:
                continue
        found = literal(pair[0]) if pair[0] else "", literal(pair[1]) if pair[1] else ""
    return found


def _first(layer: Node, name: str) -> Node | None:
    return next((node for node in layer.children if node.name == name), None)


def _summary(registry: Registry, layers: list[Node]) -> tuple[str, str]:
    """The protocol that says most, and what it says; several messages of it are told one after the other."""
    telling = [layer for layer in layers if (found := registry.protocols.get(layer.name)) is not None and found.info]
    if not telling:
        last = registry.protocols.get(layers[-1].name) if layers else None
        return (last.short or last.title, "") if last is not None else ("", "")
    name = telling[-1].name
    protocol = registry.protocols[name]
    assert protocol.info is not None
    told: list[str] = []
    for layer in telling:
        if layer.name == name and len(told) < 20:
            words = protocol.info(layer)
            if words and words not in told[-1:]:
                told.append(words)
    line = ", ".join(told)
    shown = "".join(letter if letter.isprintable() else "·" for letter in line[: LONGEST + 1])
    return protocol.short or protocol.title, shown if len(shown) <= LONGEST else shown[:LONGEST] + "…"
