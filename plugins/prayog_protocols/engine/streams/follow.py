"""Following a conversation: what both sides said, in order, without the headers around it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from prayog_protocols.engine.protocols.tls import Flight
from prayog_protocols.engine.streams.assembly import Hole, in_order
from prayog_protocols.engine.streams.segments import datagrams_of
from prayog_protocols.engine.talks.talk import CLIENT, Unit
from prayog_protocols.engine.tree import Node, Packet

if TYPE_CHECKING:
    from prayog_protocols.engine.capture.capture import Capture

__all__ = ["KINDS", "Followed", "Part", "follow", "kinds_of"]

KINDS = ("tcp", "udp", "tls", "http", "websocket")
MOST = 1 << 24  # bytes that are followed


@dataclass(frozen=True, slots=True)
class Part:
    """Something that one side said, or a hole."""

    outward: bool  # from the client
    data: bytes  # empty for a hole
    frame: int  # number of the packet in which it ends; 0 for a hole
    missing: int = 0  # bytes that were not captured


@dataclass(frozen=True, slots=True)
class Followed:
    """A conversation without headers."""

    kind: str
    number: int  # of the stream
    parts: tuple[Part, ...]
    more: bool = False  # there is more than is followed here


def kinds_of(capture: Capture, index: int) -> list[str]:
    """The ways in which the conversation of a packet can be followed."""
    found = capture.flows.of(index)
    if found is None:
        return []
    proto, number = found
    if proto != 6:
        return ["udp"] if proto == 17 else []
    units = capture.talk(number).units
    spoken = {name for unit in units for name in _names(unit)}
    plain = any(True for unit in units for _ in _plain(unit))
    return ["tcp", *(["tls"] if plain else []), *(kind for kind in ("http", "websocket") if kind in spoken)]


def follow(capture: Capture, index: int, kind: str, most: int = MOST) -> Followed:
    """The conversation of packet `index`: "tcp" and "udp" as it is, "tls" decrypted, "http" and "websocket" unpacked.

    Raises `ValueError` with a sentence when the packet is in no such conversation.
    """
    found = capture.flows.of(index)
    if found is None or kind not in KINDS or found[0] != (17 if kind == "udp" else 6):
        raise ValueError(f"packet {index + 1} is in no conversation that could be followed as {kind!r}")
    number = found[1]
    parts = {"tcp": _tcp, "udp": _udp, "tls": _tls}.get(kind)
    source = parts(capture, number) if parts is not None else _layers(capture, number, kind)
    taken: list[Part] = []
    size = 0
    for part in source:
        if size >= most:
            return Followed(kind, number, tuple(taken), True)
        size += len(part.data)
        last = taken[-1] if taken else None
        if (
            kind == "tcp"
            and last is not None
            and last.frame == part.frame
            and last.outward == part.outward
            and part.frame
        ):
            taken[-1] = Part(part.outward, last.data + part.data, part.frame)
        else:
            taken.append(part)
    return Followed(kind, number, tuple(taken))


def _tcp(capture: Capture, number: int) -> Iterator[Part]:
    for direction, part in in_order(capture.sides(number)):
        if isinstance(part, Hole):
            yield Part(direction == CLIENT, b"", 0, part.size)
        else:
            yield Part(direction == CLIENT, capture.piece(part.index, part.at, part.size), part.index + 1)


def _udp(capture: Capture, number: int) -> Iterator[Part]:
    for one in datagrams_of(capture, number):
        yield Part(one.outward, capture.piece(one.index, one.at, one.size), one.index + 1)


def _tls(capture: Capture, number: int) -> Iterator[Part]:
    for unit in capture.talk(number).units:
        for plain in _plain(unit):
            yield Part(unit.direction == CLIENT, plain, unit.index + 1)


def _layers(capture: Capture, number: int, kind: str) -> Iterator[Part]:
    """The layers of a protocol, packet by packet, as they were taken apart."""
    told: set[int] = set()
    for unit in capture.talk(number).units:
        if unit.index in told or kind not in _names(unit):
            continue
        told.add(unit.index)
        packet = capture.packet(unit.index)
        for layer, after in zip_longest(packet.layers, packet.layers[1:]):
            if layer.name == kind:
                data = _message(packet, layer) if kind == "http" else _payload(packet, layer, after)
                if data:
                    yield Part(unit.direction == CLIENT, data, unit.index + 1)


def _names(unit: Unit) -> set[str]:
    """The protocols of a unit, and of what is in it."""
    inside = [*unit.inner, *(unit.state.inner if isinstance(unit.state, Flight) else ())]
    return {unit.protocol, *(one.protocol for one in inside)}


def _plain(unit: Unit) -> Iterator[bytes]:
    """What applications said in records of TLS, where it could be decrypted."""
    for record in unit.state.records if isinstance(unit.state, Flight) else ():
        if record.plain is not None and record.kind in (0, 23):
            yield record.plain


def _message(packet: Packet, layer: Node) -> bytes:
    """A message of HTTP: its head as it is, its content put together and unpacked."""
    content = layer.first("http.file_data")
    data = packet.sources[layer.source].data[layer.start >> 3 :]
    if content is None or content.source == layer.source:
        return data[: (max(layer.end, content.end if content is not None else 0) - layer.start) >> 3]
    blank = re.search(rb"\r?\n\r?\n", data)
    return data[: blank.end() if blank else len(data)] + packet.bytes_of(content)


def _payload(packet: Packet, layer: Node, after: Node | None) -> bytes:
    """What a WebSocket frame says, without the mask; of a message in pieces the whole, at its end."""
    payload = layer.first("websocket.payload")
    if payload is None:
        return b""
    if payload.children:
        return packet.bytes_of(payload.children[0])
    return packet.bytes_of(after) if after is not None and after.name == "data" else b""
