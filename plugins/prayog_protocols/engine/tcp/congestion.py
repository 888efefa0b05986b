"""How much may be on the way at once: the congestion window, in four well-known ways.

`sending` asks for `cwnd` and tells what happened; the classes say how the window answers.  Bytes and µs.

Rules
1. A control knows no segments and no timers.  What is sent again, and when, is `recovery`'s.
2. `recovery` names what follows three duplicate ACKs: ``slow start`` (Tahoe), ``one`` (Reno: over with the first new
   ACK) or ``all`` (NewReno: over when everything sent before the loss is confirmed).
"""

from __future__ import annotations

from typing import ClassVar

__all__ = ["CONTROLS", "Control", "Cubic", "NewReno", "Reno", "Tahoe", "make"]

_ENDLESS = 1 << 30  # “arbitrarily high” (RFC 5681 §3.1)


class Control:
    """Slow start and congestion avoidance of RFC 5681."""

    name: ClassVar[str] = ""
    recovery: ClassVar[str] = "all"

    def __init__(self, mss: int, initial: int) -> None:
        self.mss = mss
        self.cwnd = initial
        self.ssthresh = _ENDLESS
        self._counted = 0  # bytes confirmed since the window last grew

    def on_ack(self, acked: int, now: int, srtt_us: float) -> None:
        """`acked` new bytes were confirmed, and there is no loss to be repaired."""
        if self.cwnd < self.ssthresh:
            self.cwnd += min(acked, self.mss)  # RFC 5681 equation (2)
        else:
            self.avoid(acked, now, srtt_us)

    def avoid(self, acked: int, now: int, srtt_us: float) -> None:
        """One segment more for each window that was confirmed: the byte counting that RFC 5681 §3.1 recommends."""
        self._counted += acked
        if self._counted >= self.cwnd:
            self._counted -= self.cwnd
            self.cwnd += self.mss

    def on_loss(self, flight: int, now: int) -> None:
        """Three duplicate ACKs: half of what is on the way is the new threshold (RFC 5681 equation (4))."""
        self.ssthresh = max(flight // 2, 2 * self.mss)
        self._counted = 0

    def on_timeout(self, flight: int, now: int) -> None:
        """The timer ran out for a segment that was not sent again before."""
        self.on_loss(flight, now)

    def restart(self, window: int) -> None:
        """Nothing was sent for longer than the timer: what was learned is old (RFC 5681 §4.1)."""
        self.cwnd = min(self.cwnd, window)


class Tahoe(Control):
    """4.3BSD-Tahoe (1988): every loss leads back to slow start with one segment."""

    name = "tahoe"
    recovery = "slow start"


class Reno(Control):
    """4.3BSD-Reno (1990): fast recovery, over with the first new ACK (RFC 5681 §3.2)."""

    name = "reno"
    recovery = "one"


class NewReno(Control):
    """RFC 6582: a new ACK that does not confirm all tells of the next hole."""

    name = "newreno"


class Cubic(Control):
    """RFC 9438: the window is a cubic function of the time since the last loss, whatever the round trip is."""

    name = "cubic"
    C, BETA = 0.4, 0.7  # §5, §4.6
    ALPHA = 3 * (1 - BETA) / (1 + BETA)  # §4.3: as fast as Reno on average

    def __init__(self, mss: int, initial: int) -> None:
        super().__init__(mss, initial)
        self.w_max = 0.0  # segments; the window at the last loss
        self.k = 0.0  # seconds until the curve is back there
        self.begun: int | None = None  # when this stage of congestion avoidance began
        self.w_est = 0.0  # what Reno would have
        self._exact = 0.0  # cwnd in segments
        self._prior = 0.0

    def curve(self, seconds: float) -> float:
        """W_cubic(t) in segments (§4.2, figure 1)."""
        return self.C * (seconds - self.k) ** 3 + self.w_max

    def avoid(self, acked: int, now: int, srtt_us: float) -> None:
        segments = acked / self.mss
        if self.begun is None:
            self._begin(now)
        assert self.begun is not None
        since = (now - self.begun) / 1e6
        # §4.3: Reno's window, first as fast as it is on average, from the old maximum on one segment a round trip.
        alpha = 1.0 if self.w_est >= self._prior else self.ALPHA
        self.w_est += alpha * segments / self._exact
        if self.curve(since) < self.w_est:
            self._exact = max(self._exact, self.w_est)
        else:
            aim = min(max(self.curve(since + srtt_us / 1e6), self._exact), 1.5 * self._exact)  # §4.2
            self._exact += (aim - self._exact) / self._exact * segments  # §4.4, §4.5
        self.cwnd = max(self.cwnd, int(self._exact * self.mss))

    def _begin(self, now: int) -> None:
        self.begun = now
        self._exact = self.w_est = self.cwnd / self.mss
        if self.w_max > self._exact:
            self.k = ((self.w_max - self._exact) / self.C) ** (1 / 3)  # §4.2, figure 2
        else:  # after a timeout, or without a loss: the curve begins on its flat part (§4.8, §4.10)
            self.k, self.w_max = 0.0, self._exact

    def on_loss(self, flight: int, now: int) -> None:
        window = self.cwnd / self.mss
        self._prior = window
        # §4.7, fast convergence: a window that is smaller than last time leaves room for somebody new.
        self.w_max = window * (1 + self.BETA) / 2 if window < self.w_max else window
        self.ssthresh = max(int(flight * self.BETA), 2 * self.mss)  # §4.6
        self.begun = None

    def on_timeout(self, flight: int, now: int) -> None:
        super().on_timeout(flight, now)
        self.w_max = 0.0  # what the network bore before is not trusted any more (§4.8)


CONTROLS: dict[str, type[Control]] = {kind.name: kind for kind in (Tahoe, Reno, NewReno, Cubic)}


def make(name: str, mss: int, initial: int) -> Control:
    """The control called `name`, with a window of `initial` bytes to begin with."""
    return CONTROLS[name](mss, initial)
