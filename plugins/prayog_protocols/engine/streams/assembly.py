"""The bytes of a TCP stream in order, with its holes.

Each direction becomes a list of chunks: pieces of segments that follow each other without overlap.  Where segments
overlap, the one counts that begins earlier in the stream, as in Wireshark; of two that begin together, the one that was
captured first.  What no segment of the capture holds is a hole, and stays one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from prayog_protocols.engine.streams.segments import Segment

__all__ = ["Chunk", "Hole", "Side", "assemble", "in_order"]

SYN, FIN = 2, 1


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes of one segment."""

    position: int  # in the stream, from 0
    index: int  # of the packet
    at: int  # in that packet
    size: int
    before: int = 0  # bytes of the segment in front of it that an earlier segment had brought


@dataclass(frozen=True, slots=True)
class Hole:
    """Bytes that nobody captured."""

    position: int
    size: int
    cut: bool = False  # the segment before it was captured in part


@dataclass(slots=True)
class Side:
    """One direction of a stream."""

    parts: list[Chunk | Hole]
    fin: int = -1  # index of the packet with FIN
    first: int = 0  # sequence number of position 0
    again: list[Chunk] = field(default_factory=list)  # segments that bring nothing new


def assemble(segments: list[Segment]) -> tuple[Side, Side]:
    """Both directions: first what the server sent, then what the client sent (as `Segment.outward` counts)."""
    return _side([one for one in segments if not one.outward]), _side([one for one in segments if one.outward])


def _side(segments: list[Segment]) -> Side:
    if not segments:
        return Side([])
    base: int | None = None
    places: list[tuple[int, Segment]] = []
    here = segments[0].seq
    place = 0  # of `here`, unwrapped
    fin = -1
    for segment in segments:
        place += (segment.seq - here + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        here = segment.seq
        if segment.flags & SYN:
            if base is None:
                base = place + 1
            if segment.size:
                places.append((place + 1, segment))
            continue
        if segment.flags & FIN and fin < 0:
            fin = segment.index
        if segment.size:
            places.append((place, segment))
    if not places:
        return Side([], fin)
    if base is None:
        base = places[0][0]
    # A keep-alive repeats one old byte, mostly a made-up one: it must not win over the real one.
    ordered = sorted(range(len(places)), key=lambda n: (places[n][0], n))
    parts: list[Chunk | Hole] = []
    reached = base
    again: list[Chunk] = []
    taken: list[tuple[int, int, Segment]] = []  # begin, end, segment
    for number in ordered:
        begin, segment = places[number]
        end = begin + segment.size
        if end <= reached or (begin < base and end <= base):
            if begin >= base:
                again.append(Chunk(begin - base, segment.index, segment.at, segment.kept))
            continue
        start = max(begin, reached)
        taken.append((start, end, segment))
        reached = end
    reached = base
    first = segments[0].seq - (0 - base) if base else segments[0].seq
    for start, end, segment in taken:
        if start > reached:
            parts.append(Hole(reached - base, start - reached))
        begin = end - segment.size
        offset = start - begin
        size = max(0, min(segment.kept - offset, end - start))
        if size:
            parts.append(Chunk(start - base, segment.index, segment.at + offset, size, min(offset, start - base)))
        if size < end - start:
            parts.append(Hole(start - base + size, end - start - size, True))
        reached = end
    return Side(parts, fin, first & 0xFFFFFFFF, again)


def in_order(sides: tuple[Side, Side]) -> list[tuple[int, Chunk | Hole]]:
    """The parts of both directions as (direction, part), in the order in which they could be delivered.

    A chunk behind one that came late waits for it; a hole keeps nobody waiting.
    """
    ready: list[tuple[int, int, int, Chunk | Hole]] = []
    for direction, side in enumerate(sides):
        latest = 0
        for number, part in enumerate(side.parts):
            if isinstance(part, Chunk):
                latest = max(latest, part.index)
            ready.append((latest, direction, number, part))
    ready.sort(key=lambda one: one[:3])
    return [(direction, part) for _, direction, _, part in ready]
