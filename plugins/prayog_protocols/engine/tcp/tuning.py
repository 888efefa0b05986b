"""What one end of a connection may be told: its options, its timers and the fault that it may have."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CORRECT", "GIVE_UP_US", "Tuning"]

CORRECT = "correct"
GIVE_UP_US = 100_000_000
"""R2 of RFC 9293 §3.8.3: so long the same bytes are sent again before the connection is given up."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """Times in µs, sizes in bytes."""

    control: str = "newreno"
    mss: int = 1_460
    initial_window: int = 10  # segments (RFC 6928)
    buffer: int = 65_535  # of the receiver
    scale: int = 0  # the window is sent divided by 2 to this power (RFC 7323 §2)
    sack: bool = True
    stamps: bool = False
    nagle: bool = True
    limited_transmit: bool = True
    delayed_ack_us: int = 40_000  # 0: every segment is confirmed at once
    floor_us: int = 200_000  # the least RTO
    msl_us: int = 1_000_000  # RFC 9293 says two minutes; nobody waits so long here
    keep_alive_us: int = 0
    variant: str = CORRECT
