"""What the other side has beyond the hole: the scoreboard of RFC 6675.

Stretches are pairs of numbers (first byte, byte after the last), counted from the first byte of the stream.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Scoreboard"]

_THRESHOLD = 3  # DupThresh of RFC 6675 §2


class Scoreboard:
    """Which bytes were reported by SACK, and what follows from it."""

    def __init__(self, mss: int) -> None:
        self.mss = mss
        self.held: list[tuple[int, int]] = []  # reported stretches, sorted, apart

    def update(self, blocks: Sequence[tuple[int, int]], una: int) -> int:
        """Take in the blocks of an ACK; returns how many bytes in them are news."""
        if not self.held and not blocks:
            return 0
        before = sum(end - start for start, end in self.held)
        gone = sum(min(end, una) - start for start, end in self.held if start < una)
        stretches = sorted(
            (max(start, una), end) for start, end in (*self.held, *blocks) if end > una and end > start
        )
        merged: list[tuple[int, int]] = []
        for start, end in stretches:
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        self.held = merged
        return sum(end - start for start, end in merged) - (before - gone)

    def clear(self) -> None:
        """Forget all: after a timeout, as the receiver may have thrown away what it reported (RFC 2018 §8)."""
        self.held = []

    def signs(self, number: int) -> int:
        """How many signs of a loss at `number` there are: stretches, or segments begun, reported behind it."""
        behind = [(start, end) for start, end in self.held if start > number]
        return max(len(behind), -(-sum(end - start for start, end in behind) // self.mss))

    def is_lost(self, number: int) -> bool:
        """IsLost of §4: three stretches, or more than two segments, are reported behind `number`."""
        return self.signs(number) >= _THRESHOLD

    def holes(self, una: int, high: int) -> list[tuple[int, int]]:
        """What is not reported, from `una` up to `high`."""
        found, at = [], una
        for start, end in self.held:
            if start >= high:
                break
            if start > at:
                found.append((at, start))
            at = max(at, end)
        if at < high:
            found.append((at, high))
        return found

    def pipe(self, una: int, high: int, again: int) -> int:
        """SetPipe of §4: an estimate of the bytes on the way.  `again`: HighRxt, sent again up to here."""
        size = 0
        for start, end in self.holes(una, high):
            if not self.is_lost(start):
                size += end - start
            size += max(0, min(end, again) - start)
        return size

    def next_hole(self, una: int, high: int, again: int, *, lost: bool) -> tuple[int, int] | None:
        """Rules 1 and 3 of NextSeg (§4): the first hole behind `again` and below what is reported.

        `lost`: only one that `is_lost` (rule 1).
        """
        top = self.held[-1][1] if self.held else una
        for start, end in self.holes(una, min(high, top)):
            first = max(start, again)
            if first < end and (not lost or self.is_lost(first)):
                return first, min(end, first + self.mss)
        return None
