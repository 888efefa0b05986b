"""The receiving half of a connection: putting bytes in order, confirming them, and saying how many more may come.

Numbers count from the other side's SYN, which is 0; its first byte is 1 (as Wireshark's relative numbers do).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prayog_protocols.engine.tcp.tuning import Tuning
from prayog_sim.node import Ctx

if TYPE_CHECKING:
    from prayog_protocols.engine.tcp.connection import Connection

__all__ = ["Receiver"]


class Receiver:
    """`nxt`: the next byte that is expected; `edge`: the first one that must not be sent yet."""

    def __init__(self, line: Connection, tuning: Tuning) -> None:
        self.line, self.tuning = line, tuning
        self.nxt = 0
        self.edge = 0
        self.scale = 0
        self.waiting = bytearray()  # in order, not read by the program yet
        self.beyond: list[tuple[int, bytes, int]] = []  # (first byte, bytes, when it last grew): out of order
        self.fin: int | None = None  # the number of the other side's FIN
        self.unconfirmed = 0  # bytes in order for which no ACK was sent
        self.owes = ""  # an ACK “now” or “later”
        self._count = 0
        self._last = (-1, -1)  # acknowledgement and window as sent last

    # -- what came -----------------------------------------------------------------------------------------------

    def take(self, first: int, payload: bytes, fin: bool) -> bool:
        """Data (and perhaps a FIN) from number `first` on; True when the FIN is in order now.

        `settle` follows, once the program had the chance to read and to answer.
        """
        end = first + len(payload)
        if fin:
            self.fin = end
        hole = bool(self.beyond)
        if first > self.nxt:
            self._keep(first, payload[: max(0, self.edge - first)])
            self.owes = "now"  # RFC 5681 §4.2: the sender should hear of the hole
            return False
        fresh = payload[self.nxt - first : max(0, self.edge - first)]
        if not fresh and not (fin and end == self.nxt):  # all of it was here before, or there is no room for it
            self.owes = "now"
            return False
        self.waiting += fresh
        self.nxt += len(fresh)
        if hole:
            self._join()
        done = self.fin == self.nxt
        if done:
            self.nxt += 1
        self.unconfirmed += len(fresh)
        every_second = not self.tuning.delayed_ack_us or self.unconfirmed >= 2 * self.line.sender.mss
        if hole or done or every_second:
            self.owes = "now"
        elif not self.owes:
            self.owes = "later"
        return done

    def _keep(self, first: int, payload: bytes) -> None:
        """Put a piece that came too early aside, joined with its neighbours."""
        if not payload:
            return
        self._count += 1
        if self.tuning.variant == "acks beyond a hole":
            self.waiting += payload  # the fault: it passes for the bytes that are missing
            self.nxt = first + len(payload)
            return
        kept: list[tuple[int, bytes, int]] = []
        for start, piece, when in self.beyond:
            if start > first + len(payload) or start + len(piece) < first:
                kept.append((start, piece, when))
                continue
            low = min(start, first)
            whole = bytearray(max(start + len(piece), first + len(payload)) - low)
            whole[first - low : first - low + len(payload)] = payload
            whole[start - low : start - low + len(piece)] = piece
            first, payload = low, bytes(whole)
        kept.append((first, payload, self._count))
        self.beyond = sorted(kept)

    def _join(self) -> None:
        while self.beyond and self.beyond[0][0] <= self.nxt:
            start, piece, _ = self.beyond.pop(0)
            fresh = piece[self.nxt - start :]
            self.waiting += fresh
            self.nxt += len(fresh)

    # -- confirming ----------------------------------------------------------------------------------------------

    def settle(self, ctx: Ctx) -> None:
        """An ACK now or a little later (RFC 9293 §3.8.6.3), unless a segment took it along already."""
        owes, self.owes = self.owes, ""
        if owes == "now":
            self.confirm(ctx)
        elif owes == "later":
            self.line.start(ctx, "ack", self.tuning.delayed_ack_us)

    def confirm(self, ctx: Ctx) -> None:
        """Send an ACK that carries nothing else."""
        self.line.acknowledge(ctx)

    def told(self, window: int) -> None:
        """A segment with the acknowledgement and this window leaves now, so none has to wait any more."""
        self.unconfirmed = 0
        self.owes = ""
        self._last = (self.nxt, window)

    def field(self) -> int:
        """The window as it stands in the header.

        The edge moves only when that is worth a segment or half the buffer (RFC 9293 §3.8.6.2.2: no silly windows), and
        never back.
        """
        room = self.nxt + self.tuning.buffer - len(self.waiting)
        if room - self.edge >= min(self.tuning.buffer // 2, self.line.sender.mss):
            self.edge = room
        return min(max(0, self.edge - self.nxt) >> self.scale, 0xFFFF)

    def repeats(self, window: int) -> bool:
        """Whether an ACK with this window says the same as the one before."""
        return window > 0 and self._last == (self.nxt, window)

    def sacks(self, room: int) -> tuple[tuple[int, int], ...]:
        """At most `room` stretches beyond the hole, the one that grew last first (RFC 2018 §4)."""
        latest = sorted(self.beyond, key=lambda piece: -piece[2])[:room]
        return tuple((start, start + len(piece)) for start, piece, _ in latest)

    # -- the program ---------------------------------------------------------------------------------------------

    def read(self, ctx: Ctx, size: int) -> bytes:
        """Take up to `size` bytes out of the buffer; says so when the window opened by enough."""
        data = bytes(self.waiting[:size])
        del self.waiting[:size]
        room = self.nxt + self.tuning.buffer - len(self.waiting)
        enough = min(self.tuning.buffer // 2, 2 * self.line.sender.mss)
        # Only where the sender may be stuck: otherwise the next ACK says it anyway.
        if data and self.edge - self.nxt < self.line.sender.mss and room - self.edge >= enough:
            self.line.acknowledge(ctx)
        return data

    def forget(self) -> int:
        """Throw away what lies beyond the hole, as RFC 2018 §8 allows; returns how many bytes."""
        size = sum(len(piece) for _, piece, _ in self.beyond)
        self.beyond = []
        return size
