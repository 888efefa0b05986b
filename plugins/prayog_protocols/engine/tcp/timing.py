"""When to give up waiting for an ACK: the retransmission timer of RFC 6298.

Times are µs; the smoothed values are kept as real numbers, as the formulas have them.
"""

from __future__ import annotations

__all__ = ["GRANULARITY_US", "INITIAL_US", "LONGEST_US", "Rto"]

INITIAL_US = 1_000_000  # RFC 6298 §2.1
LONGEST_US = 60_000_000  # §2.5 allows no less
GRANULARITY_US = 1_000  # G of §2: the clock's grain
ALPHA, BETA, K = 1 / 8, 1 / 4, 4


class Rto:
    """SRTT, RTTVAR and RTO.  `floor_us`: 1 s in the RFC (§2.4), 200 ms in Linux."""

    def __init__(self, floor_us: int) -> None:
        self.floor_us = floor_us
        self.srtt: float | None = None
        self.rttvar = 0.0
        self.value = INITIAL_US

    def sample(self, rtt_us: int) -> None:
        """A round trip was measured (§2.2 for the first, §2.3 for those after it)."""
        if self.srtt is None:
            self.srtt, self.rttvar = float(rtt_us), rtt_us / 2
        else:
            self.rttvar = (1 - BETA) * self.rttvar + BETA * abs(self.srtt - rtt_us)
            self.srtt = (1 - ALPHA) * self.srtt + ALPHA * rtt_us
        wanted = self.srtt + max(GRANULARITY_US, K * self.rttvar)
        self.value = min(max(round(wanted), self.floor_us), LONGEST_US)

    def back_off(self) -> None:
        """The timer ran out: twice as long (§5.5)."""
        self.value = min(self.value * 2, LONGEST_US)
