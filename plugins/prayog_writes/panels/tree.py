"""Where the tables of a tree are drawn: by bytes or by key range, sub-levels of level 0, overlaps.  No Qt.

Rules
1. In the picture *by bytes* every row is equally high and width stands for bytes, so that area is bytes on all levels.
2. In the picture *by key range* the left and right edges of a table are its first and last key, by their rank among the
   borders of all tables; tables above each other overlap.
3. Level 0 in the picture by key range is divided into sub-levels: a table lies above all older ones that it overlaps.
   Source: Pebble, "L0 sublevels" (cockroachdb/pebble, docs/rocksdb.md).
"""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ["Box", "Keys", "Scale", "in_use", "layout", "order", "overlaps", "sublevels", "told_bytes", "told_key"]

File = Mapping[str, Any]
_ESCAPE = re.compile(rb"\\x([0-9a-f]{2})")
_KEY = 20  # letters of a key that are shown
Levels = Sequence[Sequence[File]]


class Box(NamedTuple):
    """A rectangle: left, top, width, height."""

    x: float
    y: float
    w: float
    h: float

    def towards(self, other: Box, share: float) -> Box:
        """The rectangle `share` (0 to 1) of the way to `other`."""
        return Box(*(a + (b - a) * share for a, b in zip(self, other, strict=True)))


def order(key: str) -> bytes:
    """The bytes of a key, by which it is ordered; what is no text stands in a trace as ``\\xff``."""
    if "\\x" not in key:
        return key.encode()
    return _ESCAPE.sub(lambda found: bytes((int(found[1], 16),)), key.encode())


def overlaps(file: File, below: Sequence[File]) -> list[File]:
    """The tables of the next level whose key range meets that of `file`."""
    low, high = order(file["low"]), order(file["high"])
    return [other for other in below if order(other["low"]) <= high and low <= order(other["high"])]


def sublevels(files: Sequence[File]) -> list[int]:
    """For each table of level 0 (the newest first) its sub-level: 0 lies at the bottom."""
    lanes: list[list[tuple[bytes, bytes]]] = []  # ranges that do not overlap, in order
    heights = []
    for file in reversed(files):
        low, high = order(file["low"]), order(file["high"])
        height = next((n for n in range(len(lanes), 0, -1) if _meets(lanes[n - 1], low, high)), 0)
        if height == len(lanes):
            lanes.append([])
        insort(lanes[height], (low, high))
        heights.append(height)
    return heights[::-1]


def _meets(ranges: Sequence[tuple[bytes, bytes]], low: bytes, high: bytes) -> bool:
    """Whether one of `ranges`, which are apart and in order, has a key from `low` to `high`."""
    place = bisect_left(ranges, low, key=lambda each: each[1])
    return place < len(ranges) and ranges[place][0] <= high


def in_use(levels: Levels) -> list[tuple[int, Sequence[File]]]:
    """The levels that are shown: at least two, and down to the deepest that holds a table."""
    last = max((n for n, files in enumerate(levels) if files), default=1)
    return [(n, levels[n]) for n in range(max(2, last + 1)) if n < len(levels)]


class Keys:
    """The axis of keys: the borders of all tables at equal distances."""

    def __init__(self, files: Iterable[File]) -> None:
        self._borders = sorted({order(file[end]) for file in files for end in ("low", "high")})
        self._rank = {key: rank for rank, key in enumerate(self._borders)}
        self._last = max(1, len(self._borders) - 1)

    def place(self, key: str) -> float:
        """Where `key` lies, 0 to 1.  Between two borders, as far as its letters say."""
        wanted = order(key)
        rank = self._rank.get(wanted)
        if rank is not None:
            return rank / self._last
        right = bisect_left(self._borders, wanted)
        if right in (0, len(self._borders)):
            return min(1.0, right / self._last)
        share = _between(self._borders[right - 1], wanted, self._borders[right])
        return (right - 1 + share) / self._last


def _between(low: bytes, key: bytes, high: bytes) -> float:
    """How far `key` is from `low` to `high`, read as numbers after the bytes that they share."""
    shared = 0
    while shared < min(len(low), len(high)) and low[shared] == high[shared]:
        shared += 1
    a, b, c = (int.from_bytes(word[shared : shared + 8].ljust(8, b"\0")) for word in (low, key, high))
    return (b - a) / (c - a) if c > a else 0.5


class Scale(NamedTuple):
    """Of a picture by bytes: how many rows there are, and how many bytes the whole width stands for."""

    rows: int
    most: int

    @classmethod
    def of(cls, *trees: Levels) -> Scale:
        """One scale for all of `trees`, so that a byte has the same area in each."""
        rows = max((len(in_use(levels)) for levels in trees), default=1)
        most = max((sum(int(f["size"]) for f in files) for levels in trees for files in levels), default=0)
        return cls(max(1, rows), max(1, most))


def layout(
    levels: Levels, by_key: bool, room: Box, keys: Keys | None = None, scale: Scale | None = None
) -> dict[int, Box]:  # fmt: skip
    """The rectangle of every table, by its number.  `room` is divided into rows of equal height for the levels.

    `keys` is the axis and `scale` the scale (else those of these tables).
    """
    shown = in_use(levels)
    scale = scale or Scale.of(levels)
    tall = room.h / scale.rows
    boxes: dict[int, Box] = {}
    if by_key:
        axis = keys or Keys(file for _, files in shown for file in files)
        for row, (level, files) in enumerate(shown):
            lanes = sublevels(files) if level == 0 else [0] * len(files)
            most = max(lanes, default=0) + 1
            for file, lane in zip(files, lanes, strict=True):
                begin, end = axis.place(str(file["low"])), axis.place(str(file["high"]))
                high = (tall - 8) / most
                top = room.y + row * tall + 4 + (most - 1 - lane) * high
                wide = max(3.0, (end - begin) * room.w)
                boxes[file["number"]] = Box(room.x + min(begin * room.w, room.w - wide), top, wide, high)
        return boxes
    for row, (_, files) in enumerate(shown):
        x = room.x
        for file in files:
            wide = room.w * int(file["size"]) / scale.most
            boxes[file["number"]] = Box(x, room.y + row * tall + 4, wide, tall - 8)
            x += wide
    return boxes


def told_key(key: str) -> str:
    """A key for people: what cannot be printed as its code, and a long one cut."""
    said = "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in key[:_KEY])
    return said if len(key) <= _KEY else f"{said}…"


def told_bytes(count: int) -> str:
    """A number of bytes for people."""
    if count < 10_000:
        return f"{count:,} B"
    return f"{count / 1024:,.0f} KiB" if count < 10 << 20 else f"{count / 2**20:,.1f} MiB"
