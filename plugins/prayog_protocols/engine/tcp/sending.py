"""The sending half of a connection: which bytes leave now, and which wait for a window or a timer.

Numbers count from our SYN, which is 0; the first byte of data is 1.  `una` is the first one that is not confirmed,
`nxt` the next to be sent, `high` the one behind all that was ever sent: after a timeout `nxt` goes back to `una` while
`high` stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prayog_protocols.engine.tcp import congestion
from prayog_protocols.engine.tcp.recovery import Recovery
from prayog_protocols.engine.tcp.scoreboard import Scoreboard
from prayog_protocols.engine.tcp.timing import LONGEST_US, Rto
from prayog_protocols.engine.tcp.tuning import GIVE_UP_US, Tuning
from prayog_sim.node import Ctx

if TYPE_CHECKING:
    from prayog_protocols.engine.tcp.connection import Connection

__all__ = ["Sender"]

_MAY_SEND = ("ESTABLISHED", "CLOSE-WAIT", "FIN-WAIT-1", "CLOSING", "LAST-ACK")
_AFTER_LOST_SYN_US = 3_000_000  # RFC 6298 §5.7


class Sender:
    """One direction of a connection, as its sender sees it."""

    def __init__(self, line: Connection, tuning: Tuning) -> None:
        self.line, self.tuning = line, tuning
        self.una = self.nxt = self.high = 0
        self.data = bytearray()  # from `una` on (from 1, while the SYN is not confirmed)
        self.end = 1  # the number behind the last byte that the program wrote
        self.closing = False  # the program will write no more: a FIN has the number `end`
        self.wnd = self.widest = 0
        self._told = (0, 0)  # segment and acknowledgement that told the window
        self.mss = tuning.mss
        self.sack = False
        self.rto = Rto(tuning.floor_us if tuning.variant != "timer without a floor" else 0)
        self.control = congestion.make(tuning.control, self.mss, self.mss)
        self.board = Scoreboard(self.mss)
        self.recovery = Recovery(self)
        self.timed: tuple[int, int, int] | None = None  # (number that must be confirmed, sent at, tries)
        self.tries: dict[int, int] = {}  # first byte -> how often it was sent, where more than once
        self.row = 0  # timeouts one after the other
        self._since = self._last_sent = 0
        self.probes = 0
        self._probed = 0  # behind the byte of the last probe

    def begin(self, mss: int, lost_syn: bool) -> None:
        """The other side answered: `mss` bytes fit into a segment."""
        self.mss = mss
        first = 1 if lost_syn else self.tuning.initial_window  # RFC 5681 §3.1: one segment after a lost SYN
        self.control = congestion.make(self.tuning.control, mss, first * mss)
        self.board = Scoreboard(mss)
        if lost_syn:
            self.rto.value = max(self.rto.value, _AFTER_LOST_SYN_US)

    @property
    def flight(self) -> int:
        """Bytes sent and not confirmed."""
        return self.nxt - self.una

    @property
    def fin_confirmed(self) -> bool:
        return self.closing and self.una > self.end

    # -- what leaves ---------------------------------------------------------------------------------------------

    def write(self, ctx: Ctx, data: bytes) -> None:
        """The program hands over more bytes."""
        self.data += data
        self.end += len(data)
        if self.una:
            self.line.gauges(ctx)
        self.push(ctx)

    def push(self, ctx: Ctx, why: str = "") -> None:
        """Send what windows and the rules against small segments allow.  `why` is said of the first segment."""
        if self.line.state not in _MAY_SEND:
            return
        if self.recovery.by_board:
            self.recovery.fill(ctx)
        else:
            self._rest(ctx)
            while self.one(ctx, why):
                why = ""
        self.arm(ctx)

    def one(self, ctx: Ctx, why: str = "") -> bool:
        """Send one segment from `nxt` on, if it may be sent."""
        again = self.nxt < self.high
        limit = self.end
        if again and self.board.held:  # what is reported need not be sent again
            for start, end in self.board.held:
                if start <= self.nxt < end:
                    self.nxt = end
                elif start > self.nxt:
                    limit = min(limit, start)
                    break
            again = self.nxt < self.high
        window = self.control.cwnd + self.recovery.extra
        if self.tuning.variant != "window ignored":
            window = min(window, self.wnd)
        room = self.una + window - self.nxt
        size = max(0, min(limit - self.nxt, room, self.mss))
        fin = self.closing and self.nxt + size == self.end and (self.high <= self.end or again)
        if not fin and (size <= 0 or not self._worth(size, again)):
            return False
        if fin and self.flight and not again and self.flight + size > self.control.cwnd:
            return False
        self.transmit(ctx, self.nxt, size, fin, why or ("go back" if again else "new"))
        return True

    def _worth(self, size: int, again: bool) -> bool:
        """RFC 9293 §3.7.4 (Nagle) and §3.8.6.2.1 (no silly windows on the sending side)."""
        if size == self.mss or again:
            return True
        alone = not self.flight or not self.tuning.nagle
        if self.nxt + size == self.end:
            return alone
        return alone and size >= self.widest // 2

    def transmit(self, ctx: Ctx, first: int, size: int, fin: bool, why: str) -> None:
        """Bytes `first` to `first + size`, as one segment."""
        at = first - max(self.una, 1)
        payload = bytes(self.data[at : at + size])
        end = first + size + fin
        tries = 1
        if first < self.high:
            tries = self.tries[first] = self.tries.get(first, 1) + 1
        sees_all = self.tuning.variant == "no Karn"
        if self.timed is not None and tries > 1:  # RFC 6298 §3, Karn: what was sent twice measures nothing
            self.timed = (*self.timed[:2], tries) if sees_all else None
        elif self.timed is None and tries == 1 and size:
            self.timed = (end, ctx.now, 1)
        self.nxt = max(self.nxt, end)
        self.high = max(self.high, end)
        self._last_sent = ctx.now
        push = first + size == self.end
        full = size > 0 and first + size == self.una + self.wnd
        self.line.send(ctx, first, payload, push=push, fin=fin, why=why, tries=tries, full=full)

    def _rest(self, ctx: Ctx) -> None:
        """RFC 5681 §4.1: after a pause the window is what a new connection would have."""
        if not self.flight and self._last_sent and ctx.now - self._last_sent > self.rto.value:
            self.control.restart(self.tuning.initial_window * self.mss)

    # -- timers --------------------------------------------------------------------------------------------------

    def arm(self, ctx: Ctx, restart: bool = False) -> None:
        """The timer that fits: for what is on the way, for a window that is shut, or none (RFC 6298 §5)."""
        line = self.line
        if self.flight > 0:
            if restart or line.running != "rto":
                line.wait(ctx, "rto", self.rto.value)
        elif self.end > self.nxt:
            if self.tuning.variant == "no probes":
                line.wait(ctx, "", 0)
            elif line.running != "persist":
                self.probes = 0
                line.wait(ctx, "persist", self.rto.value)
        else:
            line.wait(ctx, "", 0)

    def on_rto(self, ctx: Ctx) -> None:
        """RFC 6298 §5.4 to §5.7, RFC 5681 §3.1."""
        if self.una == self.high:
            return
        if not self.row:
            self._since = ctx.now
        self.row += 1
        if ctx.now - self._since > GIVE_UP_US:
            self.line.give_up(ctx)
            return
        ctx.emit("timeout", rto_ms=round(self.rto.value / 1e3, 3), row=self.row, flow=self.line.flow, first=self.una)
        if self.tuning.variant != "no backoff":
            self.rto.back_off()
            ctx.gauge("rto_ms", self.rto.value / 1e3)
        if self.tuning.variant != "no Karn":
            self.timed = None
        if self.una == 0:
            self.line.repeat_syn(ctx)
            return
        if self.row == 1:
            self.control.on_timeout(self.flight, ctx.now)
        self.control.cwnd = self.mss
        self.recovery.timeout()
        if self.tuning.variant != "trusts SACK":
            self.board.clear()
        self.nxt = self.una
        self.push(ctx, "timeout")
        self.line.gauges(ctx)

    def on_persist(self, ctx: Ctx) -> None:
        """A window that is shut, or too small, is asked about (RFC 9293 §3.8.6.1)."""
        left = min(self.end - self.nxt, self.mss, self.una + self.wnd - self.nxt)
        if left > 0:
            self.transmit(ctx, self.nxt, left, fin=False, why="new")
            self.arm(ctx)
            return
        self.probes += 1
        self._probed = self.nxt + 1
        at = self.nxt - max(self.una, 1)
        byte = bytes(self.data[at : at + 1])
        self.line.send(ctx, self.nxt, byte, push=True, fin=False, why="probe", tries=self.probes, full=False)
        self.line.running = ""
        self.line.wait(ctx, "persist", min(self.rto.value << self.probes, LONGEST_US))

    # -- what is confirmed ---------------------------------------------------------------------------------------

    def on_ack(self, ctx: Ctx, seq: int, ack: int, window: int, blocks: tuple[tuple[int, int], ...], bare: bool,
               echo: int) -> bool:  # fmt: skip
        """An acknowledgement; False when it confirms what was never sent.

        `bare`: nothing else is in the segment.  `echo`: µs since the time stamp that it repeats, or -1.
        """
        if ack > max(self.high, self._probed):
            return False
        if ack < self.una:
            return True
        news = self.board.update(blocks, ack) if self.sack else 0
        same = window == self.wnd
        if (seq, ack) >= self._told:  # SND.WL1, SND.WL2 of RFC 9293 §3.10.7.4
            self._told, self.wnd, self.widest = (seq, ack), window, max(self.widest, window)
        if ack > self.una:
            self._progress(ctx, ack, echo)
        # RFC 5681 §2, and with SACK RFC 6675 §2: what makes an ACK a duplicate.
        elif bare and self.high > self.una and (news > 0 if self.sack and blocks else same):
            self.recovery.duplicate(ctx)
        self.push(ctx)
        return True

    def _progress(self, ctx: Ctx, ack: int, echo: int) -> None:
        acked, busy = ack - self.una, self.flight
        if echo >= 0:
            self.measured(ctx, echo, 1)
        elif self.timed is not None and ack >= self.timed[0]:
            self.measured(ctx, ctx.now - self.timed[1], self.timed[2])
        if self.timed is not None and ack >= self.timed[0]:
            self.timed = None
        del self.data[: min(ack, self.end) - max(self.una, 1)]
        self.una = ack
        self.nxt, self.high = max(self.nxt, ack), max(self.high, ack)
        self.row = 0
        if self.tries:
            self.tries = {first: count for first, count in self.tries.items() if first >= ack}
        self.recovery.progress(ctx, acked, busy)
        if self.recovery.restarts_timer():
            self.arm(ctx, restart=True)
        self.line.gauges(ctx)

    def measured(self, ctx: Ctx, rtt_us: int, tries: int) -> None:
        """A round trip, with a segment that was sent `tries` times."""
        self.rto.sample(rtt_us)
        assert self.rto.srtt is not None
        ctx.gauge("rtt_ms", rtt_us / 1e3)
        ctx.gauge("rtt_tries", tries)
        ctx.gauge("srtt_ms", round(self.rto.srtt / 1e3, 3))
        ctx.gauge("rto_ms", self.rto.value / 1e3)


