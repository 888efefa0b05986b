"""Virtual time: integer microseconds, how they are written and read, and a node's own (wrong) clock.

Floats would make two events tie on one machine and not on another; integers never do.  Nodes do not see the
true time but their own clock, which a fault can set wrong (`offset`) or let run wrong (`rate`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Clock", "format_us", "ms", "parse_duration", "s", "us"]

_DURATION = re.compile(r"\s*([+-]?)(\d+)(?:\.(\d+))?\s*(us|µs|ms|s|min)\s*")
_UNITS = {"us": 1, "µs": 1, "ms": 1_000, "s": 1_000_000, "min": 60_000_000}


def us(amount: float) -> int:
    """`amount` microseconds as a time of the kernel."""
    return round(amount)


def ms(amount: float) -> int:
    """`amount` milliseconds in µs: ``ms(2.5) == 2500``."""
    return round(amount * 1_000)


def s(amount: float) -> int:
    """`amount` seconds in µs."""
    return round(amount * 1_000_000)


def parse_duration(text: str) -> int:
    """``"2s"``, ``"150ms"``, ``"10us"``, ``"1.5 min"`` as µs; raises `ValueError` with a sentence."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration: write a number and a unit, such as 2s, 150ms or 10us")
    sign, whole, part, unit = match.groups()
    amount = int(whole) * _UNITS[unit]
    if part:
        amount += int(part) * _UNITS[unit] // 10 ** len(part)
    return -amount if sign == "-" else amount


def format_us(at: int) -> str:
    """A time as people read it: ``850 µs``, ``12.5 ms``, ``1.204 s``."""
    sign, size = ("−" if at < 0 else ""), abs(at)
    if size < 1_000:
        return f"{sign}{size} µs"
    if size < 1_000_000:
        return f"{sign}{_trim(size, 1_000)} ms"
    return f"{sign}{_trim(size, 1_000_000)} s"


def _trim(size: int, unit: int) -> str:
    return f"{size / unit:.3f}".rstrip("0").rstrip(".")


@dataclass(frozen=True, slots=True)
class Clock:
    """A node's clock: it shows true time + `offset`, and since `since` it gains `rate` µs per µs.

    ``Clock(offset=5_000)`` is 5 ms ahead; ``Clock(rate=-0.01)`` loses 10 ms per second.
    """

    offset: int = 0
    rate: float = 0.0
    since: int = 0

    def local(self, at: int) -> int:
        """What the clock shows at true time `at` (µs)."""
        return at + self.offset + round((at - self.since) * self.rate)

    def span(self, local_us: int) -> int:
        """How long (true µs) it takes until the clock has moved on by `local_us`."""
        return round(local_us / (1.0 + self.rate)) if self.rate else local_us
