"""What a run has used of its bounds, as one number: counters of 8 bits side by side, then a bit for each action."""

from __future__ import annotations

__all__ = ["ACTIONS", "CRASHES", "DROPS", "DUPLICATES", "PAUSES", "TIMERS", "TORN", "spent"]

DROPS, DUPLICATES, CRASHES, TIMERS, TORN, PAUSES, ACTIONS = 0, 8, 16, 24, 32, 40, 48
"""The lowest bit of each."""


def spent(used: int, counter: int) -> int:
    """How often `counter` was used."""
    return used >> counter & 255
