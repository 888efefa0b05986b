"""Repairing a loss without waiting for the timer: fast retransmit, and the three ways to go on from it.

* After Tahoe's, everything behind the hole is sent again in slow start.
* Reno inflates its window by one segment for each duplicate ACK, and stops with the first new ACK (RFC 5681 §3.2);
  NewReno stays until all is confirmed, and takes each partial ACK for another hole (RFC 6582).
* With SACK the scoreboard says what is missing (RFC 6675), whichever control sets the window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prayog_sim.node import Ctx

if TYPE_CHECKING:
    from prayog_protocols.engine.tcp.sending import Sender

__all__ = ["Recovery"]

_THRESHOLD = 3  # duplicate ACKs (RFC 5681 §3.2)


class Recovery:
    """What a sender knows about the loss that it repairs."""

    def __init__(self, sender: Sender) -> None:
        self.sender = sender
        self.duplicates = 0
        self.active = False
        self.point = 0  # what had been sent when the loss was found: confirmed, it is over
        self.guard = 0  # RFC 6582 §3.2: no second fast retransmit for what was sent before the last one or a timeout
        self.again = 0  # HighRxt of RFC 6675
        self.rescued = 0  # RescueRxt; 0: none yet
        self._partial = False
        self._limited = 0  # bytes that limited transmit let out

    @property
    def by_board(self) -> bool:
        """SACK says what is missing."""
        return self.active and self.sender.sack

    @property
    def extra(self) -> int:
        """Limited transmit (RFC 3042): the first two duplicate ACKs each let one new segment out."""
        if self.active or not self.sender.tuning.limited_transmit or self.sender.nxt < self.sender.high:
            return 0
        return min(self.duplicates, _THRESHOLD - 1) * self.sender.mss

    def restarts_timer(self) -> bool:
        """A new ACK restarts the timer, but of partial ones only the first (RFC 6582 §4, “impatient”)."""
        if not self.active or self.by_board:
            return True
        first, self._partial = not self._partial, True
        return first

    def duplicate(self, ctx: Ctx) -> None:
        """An ACK that says the same again: something behind the hole arrived."""
        s = self.sender
        self.duplicates += 1
        if self.active:
            if not self.by_board:
                s.control.cwnd += s.mss  # a segment has left the network
                s.line.gauges(ctx)
            return
        threshold = 1 if s.tuning.variant == "one duplicate" else _THRESHOLD
        enough = self.duplicates >= threshold or (s.sack and s.board.is_lost(s.una))
        if enough and (s.una > self.guard or (s.sack and s.una >= self.guard)):
            self._enter(ctx)
        elif self.duplicates < _THRESHOLD:
            self._limited += s.mss

    def _enter(self, ctx: Ctx) -> None:
        s, control = self.sender, self.sender.control
        flight = max(s.mss, s.flight - (min(self._limited, s.flight) if self.extra else 0))
        control.on_loss(flight, ctx.now)
        self.point = s.high
        if control.recovery != "one" or s.sack:
            self.guard = s.high
        ctx.emit("fast_retransmit", first=s.una, duplicates=self.duplicates, flow=s.line.flow,
                 reported=s.board.signs(s.una))  # fmt: skip
        if control.recovery == "slow start":
            control.cwnd = s.mss
            s.nxt = s.una
            s.board.clear()
            s.one(ctx, "fast")
            self.duplicates = self._limited = 0
        else:
            self.active = True
            self.rescued, self._limited, self._partial = 0, 0, False
            control.cwnd = control.ssthresh + (0 if s.sack else _THRESHOLD * s.mss)
            self.again = self._resend(ctx, s.una, "fast")
        s.arm(ctx, restart=True)
        s.line.gauges(ctx)

    def progress(self, ctx: Ctx, acked: int, busy: int) -> None:
        """`acked` bytes were confirmed; `busy` were on the way before."""
        s, control = self.sender, self.sender.control
        if not self.active:
            self.duplicates = self._limited = 0
            # A window that was not used up is not known to be too small (RFC 7661).
            used = busy + s.mss > control.cwnd or (control.cwnd < control.ssthresh and 2 * busy >= control.cwnd)
            if used:
                control.on_ack(acked, ctx.now, s.rto.srtt or 0.0)
            return
        if s.una >= self.point or (control.recovery == "one" and not s.sack):
            self.active = False
            self.duplicates = 0
            control.cwnd = control.ssthresh
            if control.recovery == "all" and not s.sack:  # RFC 6582 §3.2, step 3, option 1
                control.cwnd = min(control.ssthresh, max(s.flight, s.mss) + s.mss)
            ctx.emit("recovered", flow=s.line.flow, first=s.una)
        elif self.by_board:
            self.again = max(self.again, s.una)
        else:
            self._resend(ctx, s.una, "partial")
            control.cwnd = max(control.cwnd - acked, 0) + (s.mss if acked >= s.mss else 0)

    def timeout(self) -> None:
        """The timer was first."""
        self.active = False
        self.duplicates = self._limited = 0
        self.guard = self.sender.high

    def _resend(self, ctx: Ctx, first: int, why: str, end: int = 0) -> int:
        """Send a segment again from `first` on; returns the number behind it."""
        s = self.sender
        stop = min(end or first + s.mss, s.end, s.high)
        if s.board.held and s.board.held[0][0] > first:
            stop = min(stop, s.board.held[0][0])
        fin = s.closing and stop == s.end and s.high > s.end and stop - first < s.mss
        s.transmit(ctx, first, stop - first, fin, why)
        return stop + fin

    def fill(self, ctx: Ctx) -> None:
        """RFC 6675 §5, step C: as long as there is room for a segment, the one that NextSeg names."""
        s = self.sender
        while s.control.cwnd - s.board.pipe(s.una, s.high, self.again) >= s.mss:
            if (hole := s.board.next_hole(s.una, s.high, self.again, lost=True)) is not None:
                self.again = self._again(ctx, hole, "sack")
            elif self._new(ctx):
                pass
            elif (hole := s.board.next_hole(s.una, s.high, self.again, lost=False)) is not None:
                self.again = self._again(ctx, hole, "sack")
            elif s.una > self.rescued and (holes := s.board.holes(s.una, s.high)) and holes[-1][1] > self.again:
                start, end = holes[-1]
                self.rescued = self.point
                self._again(ctx, (max(start, end - s.mss), end), "rescue")
            else:
                break

    def _again(self, ctx: Ctx, hole: tuple[int, int], why: str) -> int:
        s = self.sender
        start, end = hole
        fin = s.closing and end > s.end
        s.transmit(ctx, start, min(end, s.end) - start, fin, why)
        return end

    def _new(self, ctx: Ctx) -> bool:
        """Rule 2: data that was never sent, as far as the receiver has room."""
        s = self.sender
        size = min(s.end - s.high, s.una + s.wnd - s.high, s.mss)
        fin = s.closing and s.high + size == s.end
        if size <= 0 and not (fin and s.high == s.end):
            return False
        s.transmit(ctx, s.high, max(size, 0), fin, "new")
        return True
