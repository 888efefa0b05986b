"""Where each byte of a packet comes from: what was observed at a socket, what was made here.

socket tap      application bytes, addresses and ports are observed; numbers, flags, sums, TTL and MAC are synthesised
kernel          all observed
simulation      all simulated
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SIGNS", "Span", "among", "spans"]

SIGNS = {"observed": "●", "synthesised": "◐", "simulated": "○"}

_ETHERNET = 14


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` to `end` (not included) and their origin: ``observed``, ``synthesised`` or ``simulated``."""

    start: int
    end: int
    origin: str


def spans(frame: bytes, origin: str, link: int = 1) -> list[Span]:
    """The whole frame, cut where the origin changes.  `origin` is that of the packet (`recording.ORIGINS`)."""
    if (
        origin != "synthesised"
        or link != 1
        or len(frame) < _ETHERNET + 20
        or frame[12:14] not in (b"\x08\x00", b"\x86\xdd")
    ):
        return [Span(0, len(frame), origin)]
    if frame[12:14] == b"\x08\x00":
        addresses, size, protocol, transport = 26, 8, frame[23], _ETHERNET + 4 * (frame[14] & 15)
    else:
        addresses, size, protocol, transport = 22, 32, frame[20], _ETHERNET + 40
    if protocol == 17:
        payload = transport + 8
    elif protocol == 6 and transport + 13 <= len(frame):
        payload = transport + 4 * (frame[transport + 12] >> 4)
    else:
        return [Span(0, len(frame), origin)]
    edges = [(0, "synthesised"), (addresses, "observed"), (addresses + size, "synthesised"), (transport, "observed"),
             (transport + 4, "synthesised"), (payload, "observed")]  # fmt: skip
    found: list[Span] = []
    for (start, word), (end, _) in zip(edges, [*edges[1:], (len(frame), "")], strict=True):
        if start >= min(end, len(frame)):
            continue
        if found and found[-1].origin == word:
            found[-1] = Span(found[-1].start, min(end, len(frame)), word)
        else:
            found.append(Span(start, min(end, len(frame)), word))
    return found


def among(found: list[Span], start: int, end: int) -> str:
    """The signs of the origins of bytes `start` to `end` (not included), each once."""
    words = [one.origin for one in found if one.start < end and start < one.end]
    return "".join(sign for word, sign in SIGNS.items() if word in words)
