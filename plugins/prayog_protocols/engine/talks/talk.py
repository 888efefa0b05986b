"""A TCP stream as the messages of an application protocol, and the packets in which they end.

An `Application` looks at the bytes that one side has sent so far and says how long the next message is, as soon as
that is known; a `Unit` is one such message.  Which application speaks is told by whoever opened the capture, by the
port, or by the first bytes (`choosing`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from prayog_protocols.engine.streams.assembly import Chunk, Hole, Side, in_order

__all__ = ["LARGEST", "SERVER", "Application", "Cut", "Part", "Talk", "Unit", "repeat", "talk"]

SERVER, CLIENT = 0, 1  # who sends
LARGEST = 1 << 25  # bytes of one message that are put together; larger ones are shown in pieces


@dataclass(frozen=True, slots=True)
class Part:
    """Where bytes of a message are: in a packet, or in the plain text of another unit (`unit`, `number`)."""

    index: int
    at: int
    size: int
    before: int = 0  # bytes of the segment in front of it that an earlier segment had brought


@dataclass(slots=True)
class Unit:
    """One message (or several that stand in one packet), to be dissected as `protocol`."""

    index: int  # the packet in which it ends
    direction: int
    protocol: str
    parts: list[Part]
    state: Any = None  # what the dissector needs to know besides the bytes
    inner: list[Unit] = field(default_factory=list)  # messages inside the plain text of this one
    plain: bytes | None = None  # for inner messages: their bytes
    place: tuple[int, int] | None = None  # for inner messages within one plain text: its number and the place there
    number: int = 0  # in the talk, from 0
    position: int = 0  # of its first byte in the stream
    again: list[Chunk] = field(default_factory=list)  # segments that brought pieces of it a second time

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return sum(part.size for part in self.parts)


@dataclass(frozen=True, slots=True)
class Cut:
    """The next message: how many bytes, read by which protocol, and what to know about it."""

    size: int
    protocol: str
    state: Any = None
    then: Application | None = None  # speaks from now on, in both directions
    kept: int = 0  # bytes of plain text that the state holds


class Application(Protocol):
    """Cuts the bytes of a conversation into messages."""

    def cut(self, direction: int, data: bytearray, fresh: bool, index: int) -> Cut | None:
        """The next message at the beginning of `data`, or None when more bytes are needed.

        `fresh`: all of `data` is from the packet `index`; then all whole messages in it may be cut as one.
        """
        ...

    def lost(self, direction: int) -> None:
        """Bytes are missing before those that come now."""
        ...

    def torn(self, direction: int, data: bytearray, index: int) -> Cut | None:
        """Of packet `index` only the beginning was captured, which is `data`: what can still be made of it."""
        return None

    def finish(self, direction: int, data: bytearray, index: int) -> Cut | None:
        """The side has ended with packet `index`, and `data` is left over."""
        ...

    def inside(self, unit: Unit, data: bytes) -> list[Unit]:
        """Messages inside the plain text of a unit that was just cut."""
        ...


@dataclass(slots=True)
class Talk:
    """All messages of a stream."""

    units: list[Unit] = field(default_factory=list)
    ending: dict[int, list[Unit]] = field(default_factory=dict)  # packet -> the units that end in it
    rest: dict[int, list[Part]] = field(default_factory=dict)  # packet -> its parts that belong to later units
    later: dict[int, int] = field(default_factory=dict)  # packet -> packet in which the unit begun here ends
    name: str = ""  # of the application
    bytes_kept: int = 0

    def __len__(self) -> int:
        return len(self.units) + self.bytes_kept // 200

    def add(self, unit: Unit) -> None:
        unit.number = len(self.units)
        self.units.append(unit)
        self.ending.setdefault(unit.index, []).append(unit)
        for part in unit.parts:
            if part.index != unit.index:
                self.rest.setdefault(part.index, []).append(part)
                self.later[part.index] = unit.index


class _Pending:
    """What one side has sent of a message that is not complete."""

    __slots__ = ("begin", "data", "parts")

    def __init__(self) -> None:
        self.begin = 0  # where the first byte of `data` stands in the stream
        self.data = bytearray()
        self.parts: deque[Part] = deque()

    def take(self, size: int) -> list[Part]:
        """Take the first bytes away, and say where they are."""
        del self.data[:size]
        self.begin += size
        taken: list[Part] = []
        while size > 0 and self.parts:
            part = self.parts[0]
            if part.size <= size:
                taken.append(part)
                size -= part.size
                self.parts.popleft()
            else:
                taken.append(Part(part.index, part.at, size, part.before))
                self.parts[0] = Part(part.index, part.at + size, part.size - size)
                size = 0
        return taken


def talk(
    sides: tuple[Side, Side],
    read: Callable[[int, int, int], bytes],
    application: Callable[[int, bytes], Application | None],
) -> Talk:
    """Cut a stream into messages.

    `read(index, at, size)` gives bytes of a packet; `application(direction, first bytes)` chooses who speaks, or
    answers None as long as nobody can tell.
    """
    result = Talk()
    pending = (_Pending(), _Pending())
    speaker: Application | None = None
    for direction, part in in_order(sides):
        side = pending[direction]
        if isinstance(part, Hole):
            if side.data:
                index = side.parts[-1].index
                left = (
                    speaker.torn(direction, side.data, index) if speaker and part.cut and len(side.parts) == 1 else None
                )
                protocol, state = (left.protocol, left.state) if left is not None else ("", None)
                result.add(Unit(index, direction, protocol, side.take(len(side.data)), state))
                speaker = (left.then if left is not None else None) or speaker
            if speaker is not None:
                speaker.lost(direction)
            continue
        fresh = not side.data
        if fresh:
            side.begin = part.position
        side.data += read(part.index, part.at, part.size)
        side.parts.append(Part(part.index, part.at, part.size, part.before))
        if speaker is None:
            speaker = application(direction, bytes(side.data))
            if speaker is None:
                result.add(Unit(part.index, direction, "", side.take(len(side.data))))
                continue
        speaker = _cuts(result, pending, direction, speaker, fresh, part)
    if speaker is not None:
        for direction in (CLIENT, SERVER):
            side = pending[direction]
            while side.data:
                left = speaker.finish(direction, side.data, sides[direction].fin) if sides[direction].fin >= 0 else None
                if left is None or left.size <= 0:
                    break
                index = max(sides[direction].fin, *(one.index for one in side.parts))
                unit = Unit(index, direction, left.protocol, side.take(left.size), left.state)
                result.add(unit)
    if speaker is not None:
        result.name = type(speaker).__name__.lower()
    return result


def repeat(talk: Talk, direction: int, chunks: Iterable[Chunk]) -> None:
    """Tell the messages that were put together which segments brought pieces of them a second time."""
    units = [unit for unit in talk.units if unit.direction == direction and len(unit.parts) > 1]
    begins = [unit.position for unit in units]
    for chunk in chunks:
        place = bisect_right(begins, chunk.position) - 1
        if place >= 0:
            unit = units[place]
            # As in Wireshark, the first piece is there once.
            inside = unit.position < chunk.position and chunk.position + chunk.size <= unit.position + unit.size
            if inside and chunk.index <= unit.index:
                unit.again.append(chunk)


def _cuts(
    result: Talk, pending: tuple[_Pending, _Pending], direction: int, speaker: Application, fresh: bool, part: Chunk
) -> Application:
    """Cut off what is complete."""
    side = pending[direction]
    while side.data:
        cut = speaker.cut(direction, side.data, fresh, part.index)
        if cut is None:
            if len(side.data) > LARGEST:
                result.add(Unit(part.index, direction, "", side.take(len(side.data))))
            break
        data, begin = bytes(side.data[: cut.size]), side.begin
        parts = side.take(cut.size)
        index = max(one.index for one in parts) if parts else part.index
        unit = Unit(index, direction, cut.protocol, parts, cut.state, position=begin)
        unit.inner = speaker.inside(unit, data)
        result.bytes_kept += cut.kept + sum(len(one.plain or b"") for one in unit.inner)
        result.add(unit)
        speaker = cut.then or speaker
        fresh = True
    return speaker
