"""Packets as a ladder: a lane for each machine, an arrow for each packet, time running downwards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prayog_protocols.engine.listing import Row

if TYPE_CHECKING:
    from prayog_protocols.engine.capture.capture import Capture

__all__ = ["Arrow", "Ladder", "ladder", "mermaid"]


@dataclass(frozen=True, slots=True)
class Arrow:
    """A packet on its way."""

    index: int
    time_ns: int  # since the first packet of the capture
    source: int  # lane
    target: int
    row: Row


@dataclass(frozen=True, slots=True)
class Ladder:
    """Lanes from left to right, arrows from early to late."""

    lanes: tuple[str, ...]
    arrows: tuple[Arrow, ...]


def ladder(capture: Capture, indexes: Iterable[int]) -> Ladder:
    """The ladder of some packets.

    A lane is an address.  Where both ends have the same one, as on a loopback, a lane is an address with its port.
    """
    rows = [(index, capture.row(index)) for index in indexes]
    alone = all(row.source != row.destination for _, row in rows)
    lanes: dict[str, int] = {}
    arrows: list[Arrow] = []
    for index, row in rows:
        ends = [row.source, row.destination]
        if not alone:
            columns = capture.columns
            ports = int(columns.sport[index]), int(columns.dport[index])
            ends = [f"{end}:{port}" if port else end for end, port in zip(ends, ports, strict=True)]
        source, target = (lanes.setdefault(end or "unknown", len(lanes)) for end in ends)
        arrows.append(Arrow(index, row.time_ns, source, target, row))
    return Ladder(tuple(lanes), tuple(arrows))


def mermaid(drawn: Ladder) -> str:
    """The ladder as a sequence diagram of Mermaid."""
    lines = ["sequenceDiagram"]
    lines += [f"    participant L{number} as {_safe(lane)}" for number, lane in enumerate(drawn.lanes)]
    lines += [
        f"    L{one.source}->>L{one.target}: {_safe(f'{one.row.protocol} {one.row.info}')}" for one in drawn.arrows
    ]
    return "\n".join(lines) + "\n"


def _safe(text: str) -> str:
    """Without the signs that mean something to Mermaid."""
    return text.replace("#", "#35;").replace(";", "#59;").replace("#35#59;", "#35;").replace("\n", " ") or "…"
