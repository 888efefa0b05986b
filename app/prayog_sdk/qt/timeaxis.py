"""Round marks on a time axis, with units that suit the distance between them; no Qt."""

from __future__ import annotations

import math

from prayog_sim.clock import format_us

__all__ = ["marks"]


def marks(start_us: float, stop_us: float, most: int) -> list[tuple[int, str]]:
    """At most `most` marks from `start_us` to `stop_us`, at 1, 2 or 5 times a power of ten µs: (time, text)."""
    span = max(1.0, stop_us - start_us)
    rough = span / max(1, most)
    power = 10 ** max(0, math.floor(math.log10(max(rough, 1))))
    step = next(int(power * factor) for factor in (1, 2, 5, 10, 20) if power * factor >= rough)
    first = math.ceil(start_us / step) * step
    return [(at, format_us(at)) for at in range(first, math.floor(stop_us) + 1, step)]
