"""One end of a connection: the state machine of RFC 9293, with a sending and a receiving half.

What the program asks for and what leaves is here; what arrives is in `arriving`.  Numbers are kept relative to both
first numbers (iss and irs) and without an end; only on the wire they are 32 bits wide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prayog_protocols.engine.tcp.frames import ACK, FIN, PSH, RST, SYN, Segment, flag_words
from prayog_protocols.engine.tcp.receiving import Receiver
from prayog_protocols.engine.tcp.sending import Sender
from prayog_protocols.engine.tcp.states import SYNCHRONISED, TABLE
from prayog_protocols.engine.tcp.tuning import Tuning
from prayog_sim.node import Ctx

if TYPE_CHECKING:
    from prayog_protocols.engine.tcp.host import Host
    from prayog_protocols.engine.tcp.programs import Program

__all__ = ["Connection"]

_MASK = 0xFFFFFFFF
_SHOWN_THRESHOLD = 1 << 29  # above it the threshold was never set


class Connection:
    """`state` is one of the eleven.  What leaves goes through `host`; what arrives in order goes to `program`."""

    def __init__(self, host: Host, peer: str, ports: tuple[int, int], tuning: Tuning, iss: int, program: Program,
                 flow: str) -> None:  # fmt: skip
        self.host, self.peer, self.ports, self.tuning = host, peer, ports, tuning
        self.program, self.flow = program, flow
        self.state = TABLE.start
        self.iss, self.irs = iss, 0
        self.sender = Sender(self, tuning)
        self.receiver = Receiver(self, tuning)
        self.running = ""  # which of the timers “rto” and “persist” runs
        self._acking = False  # a delayed ACK waits
        self.passive = False
        self.syns = 0  # SYNs sent
        self.begun = 0  # when the first of them was
        self.scale = 0  # of the windows that the other side tells
        self.stamps = False
        self.echo = 0  # TS.Recent of RFC 7323
        self._shown: tuple[float, int] = (0.0, 0)

    @property
    def key(self) -> str:
        """The name of this end, in timers and views."""
        return f"{self.peer}:{max(self.ports)}"

    # -- what the program asks for -------------------------------------------------------------------------------

    def listen(self, ctx: Ctx) -> None:
        """Wait for the other side."""
        self.passive = True
        TABLE.fire(self, "listen", ctx)

    def open(self, ctx: Ctx) -> None:
        """Send SYN."""
        TABLE.fire(self, "open", ctx)
        self.repeat_syn(ctx)

    def write(self, ctx: Ctx, data: bytes) -> None:
        """Hand over bytes; before the connection is open they wait."""
        ctx.emit("written", bytes=len(data), flow=self.flow)
        self.sender.write(ctx, data)

    def close(self, ctx: Ctx) -> None:
        """Nothing more will be written: a FIN follows the data that waits (§3.6)."""
        if self.state in ("LISTEN", "SYN-SENT"):
            TABLE.fire(self, "close", ctx)
            self.end(ctx)
        elif self.state in ("SYN-RECEIVED", "ESTABLISHED", "CLOSE-WAIT"):
            self.sender.closing = True
            TABLE.fire(self, "close", ctx)
            self.sender.push(ctx)

    def abort(self, ctx: Ctx) -> None:
        """End it at once with RST (§3.10.5)."""
        if self.state in SYNCHRONISED[:4] or self.state == "SYN-RECEIVED":
            self.put(ctx, self._segment(self.sender.nxt, RST | ACK), "RST", "rst")
        TABLE.fire(self, "abort", ctx)
        self.end(ctx)

    def give_up(self, ctx: Ctx) -> None:
        """Nobody answered for too long (§3.8.3)."""
        ctx.note(f"{self.host.me} gives up: {self.peer} has not answered for 100 s")
        TABLE.fire(self, "abort", ctx)
        self.end(ctx)

    # -- timers --------------------------------------------------------------------------------------------------

    def wait(self, ctx: Ctx, what: str, after: int) -> None:
        """Let the timer `what` (“rto”, “persist” or none) run, and no other."""
        if self.running and self.running != what:
            ctx.cancel_timer(f"{self.running} {self.key}")
        self.running = what
        if what:
            ctx.set_timer(f"{what} {self.key}", after)

    def start(self, ctx: Ctx, what: str, after: int) -> None:
        """Start another timer, unless a delayed ACK is waiting already."""
        if what == "ack":
            if self._acking:
                return
            self._acking = True
        ctx.set_timer(f"{what} {self.key}", after)

    def on_timer(self, ctx: Ctx, what: str) -> None:
        """A timer of this connection ran out."""
        if what in ("rto", "persist"):
            self.running = ""
        match what:
            case "rto":
                self.sender.on_rto(ctx)
            case "persist":
                self.sender.on_persist(ctx)
            case "ack":
                self._acking = False
                self.receiver.confirm(ctx)
            case "2MSL":
                TABLE.fire(self, "2 MSL", ctx)
                self.end(ctx)
            case "alive":
                self._ask_alive(ctx)

    def _ask_alive(self, ctx: Ctx) -> None:
        """§3.8.4: the last byte's number once more, with nothing in it, asks whether anybody is there."""
        if self.state == "ESTABLISHED" and not self.sender.flight:
            head = self._segment(self.sender.nxt - 1, ACK)
            self.put(ctx, head, "is anybody there?", "keep-alive")
            self.start(ctx, "alive", self.tuning.keep_alive_us)

    # -- what leaves ---------------------------------------------------------------------------------------------

    def _segment(self, first: int, flags: int, payload: bytes = b"") -> Segment:
        """A segment with everything in its header that the state says."""
        opening = bool(flags & SYN)
        ack = (self.irs + self.receiver.nxt) & _MASK if flags & ACK else 0
        window = min(self.tuning.buffer, 0xFFFF) if opening else self.receiver.field()
        stamps = None
        if self.tuning.stamps if opening and not flags & ACK else self.stamps:
            stamps = (self._clock(), self.echo)
        sacks: tuple[tuple[int, int], ...] = ()
        if self.sender.sack and flags & ACK and self.receiver.beyond:
            sacks = tuple(((self.irs + start) & _MASK, (self.irs + end) & _MASK)
                          for start, end in self.receiver.sacks(3 if stamps else 4))  # fmt: skip
        answer = bool(flags & ACK)
        return Segment(
            *self.ports, (self.iss + first) & _MASK, ack, flags, window, payload,
            self.tuning.mss if opening else 0,
            self.tuning.scale if opening and self.tuning.scale and (not answer or self.scale >= 0) else -1,
            opening and self.tuning.sack and (not answer or self.sender.sack), stamps, sacks,
        )  # fmt: skip

    def put(self, ctx: Ctx, segment: Segment, words: str, why: str, first: int = 0, tries: int = 1,
            full: bool = False) -> None:  # fmt: skip
        """Hand a segment to the network."""
        if segment.flags & ACK:
            self.receiver.told(segment.window)
            if self._acking:
                self._acking = False
                ctx.cancel_timer(f"ack {self.key}")
        ack = edge = 0
        if segment.flags & ACK:
            ack = self.receiver.nxt
            edge = ack + (segment.window << (0 if segment.flags & SYN else self.receiver.scale))
        self.host.put(ctx, self.peer, segment, words, why, first, len(segment.payload), tries, full, ack, edge)

    def repeat_syn(self, ctx: Ctx) -> None:
        """SYN, or SYN and ACK; also when nobody answered the one before."""
        flags = SYN if self.state == "SYN-SENT" else SYN | ACK
        self.syns += 1
        again = self.syns > 1
        self.begun = self.begun if again else ctx.now
        self.put(ctx, self._segment(0, flags), flag_words(flags) + " again" * again, "timeout" if again else "new",
                 0, self.syns)  # fmt: skip
        self.sender.nxt, self.sender.high = max(1, self.sender.nxt), max(1, self.sender.high)
        self.wait(ctx, "rto", self.sender.rto.value)

    def send(self, ctx: Ctx, first: int, payload: bytes, *, push: bool, fin: bool, why: str, tries: int,
             full: bool) -> None:  # fmt: skip
        """Data, a FIN, or both."""
        flags = ACK | (PSH if push and payload else 0) | (FIN if fin else 0)
        words = f"bytes {first}–{first + len(payload) - 1}" if payload else ""
        if why == "probe":
            words = f"byte {first}: is there room now?"
        elif tries > 1:
            words += " again"
        if fin:
            words = f"{words} and FIN" if payload else "FIN" + " again" * (tries > 1)
        self.put(ctx, self._segment(first, flags, payload), words, why, first, tries, full)

    def acknowledge(self, ctx: Ctx) -> None:
        """An ACK that carries nothing."""
        segment = self._segment(self.sender.high, ACK)
        repeats = self.receiver.repeats(segment.window)
        words = f"ACK {self.receiver.nxt}" + " again" * repeats
        if segment.sacks:
            reported = self.receiver.sacks(len(segment.sacks))
            words += ", has " + ", ".join(f"{start}–{end - 1}" for start, end in reported)
        if not segment.window:
            words += ", no room"
        self.put(ctx, segment, words, "duplicate" if repeats else "ack")

    # -- its end ------------------------------------------------------------------------------------------------

    def linger(self, ctx: Ctx) -> None:
        self.wait(ctx, "", 0)
        self.start(ctx, "2MSL", 2 * self.tuning.msl_us)

    def end(self, ctx: Ctx) -> None:
        """Nothing is left to be done: no timer runs, and the host forgets the connection."""
        self.wait(ctx, "", 0)
        if self._acking:
            ctx.cancel_timer(f"ack {self.key}")
        if self.state == "CLOSED":
            self.host.forget(self)

    def listened(self, ctx: Ctx) -> bool:
        """Whether this end waited for the other (a guard of the table)."""
        return self.passive

    def _clock(self) -> int:
        """The time stamp: milliseconds, never 0 (RFC 7323 §5.4 allows 1 ms to 1 s)."""
        return self.host.clock // 1_000 + 1

    def gauges(self, ctx: Ctx) -> None:
        """Say how large the window is now, in segments."""
        s = self.sender
        shown = (s.control.cwnd / s.mss, s.control.ssthresh)
        if shown == self._shown or s.end <= 1:
            return
        if shown[0] != self._shown[0]:
            ctx.gauge("cwnd", round(shown[0], 3))
        if shown[1] != self._shown[1] and shown[1] < _SHOWN_THRESHOLD:
            ctx.gauge("ssthresh", round(s.control.ssthresh / s.mss, 3))
        self._shown = shown
