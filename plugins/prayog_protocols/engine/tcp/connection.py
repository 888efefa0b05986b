"""One end of a connection: the state machine of RFC 9293, with a sending and a receiving half.

`arrive` follows §3.10.7 step by step.  Numbers are kept relative to both first numbers and without an end; only on the
wire they are 32 bits wide, and `_near` undoes that: of all numbers that look the same it takes the one that is closest
to what is expected (§3.4).
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
_HALF = 1 << 31
_SHOWN_THRESHOLD = 1 << 29  # above it the threshold was never set


def _near(wire: int, first: int, expected: int) -> int:
    """The number, counted from `first`, that looks like `wire` and is closest to `expected`."""
    return expected + ((wire - first - expected + _HALF) & _MASK) - _HALF


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
        self._passive = False
        self._syns = 0
        self._scale = 0  # of the windows that the other side tells
        self._stamps = False
        self._echo = 0  # TS.Recent of RFC 7323
        self._shown: tuple[float, int] = (0.0, 0)

    @property
    def key(self) -> str:
        """The name of this end, in timers and views."""
        return f"{self.peer}:{max(self.ports)}"

    # -- what the program asks for -------------------------------------------------------------------------------

    def listen(self, ctx: Ctx) -> None:
        """Wait for the other side."""
        self._passive = True
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
            self._end(ctx)
        elif self.state in ("SYN-RECEIVED", "ESTABLISHED", "CLOSE-WAIT"):
            self.sender.closing = True
            TABLE.fire(self, "close", ctx)
            self.sender.push(ctx)

    def abort(self, ctx: Ctx) -> None:
        """End it at once with RST (§3.10.5)."""
        if self.state in SYNCHRONISED[:4] or self.state == "SYN-RECEIVED":
            self.put(ctx, self._segment(self.sender.nxt, RST | ACK), "RST", "rst")
        TABLE.fire(self, "abort", ctx)
        self._end(ctx)

    def give_up(self, ctx: Ctx) -> None:
        """Nobody answered for too long (§3.8.3)."""
        ctx.note(f"{self.host.me} gives up: {self.peer} has not answered for 100 s")
        TABLE.fire(self, "abort", ctx)
        self._end(ctx)

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
                self._end(ctx)
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
        if self.tuning.stamps if opening and not flags & ACK else self._stamps:
            stamps = (self._clock(), self._echo)
        sacks: tuple[tuple[int, int], ...] = ()
        if self.sender.sack and flags & ACK and self.receiver.beyond:
            sacks = tuple(((self.irs + start) & _MASK, (self.irs + end) & _MASK)
                          for start, end in self.receiver.sacks(3 if stamps else 4))  # fmt: skip
        answer = bool(flags & ACK)
        return Segment(
            *self.ports, (self.iss + first) & _MASK, ack, flags, window, payload,
            self.tuning.mss if opening else 0,
            self.tuning.scale if opening and self.tuning.scale and (not answer or self._scale >= 0) else -1,
            opening and self.tuning.sack and (not answer or self.sender.sack), stamps, sacks,
        )  # fmt: skip

    def put(self, ctx: Ctx, segment: Segment, words: str, why: str, first: int = 0, tries: int = 1,
            full: bool = False) -> None:  # fmt: skip
        """Hand a segment to the network.  It carries the newest acknowledgement, so none has to wait any more."""
        if segment.flags & ACK:
            self.receiver.repeats(segment.window)
            self.receiver.told()
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
        self._syns += 1
        again = self._syns > 1
        self.put(ctx, self._segment(0, flags), flag_words(flags) + " again" * again, "timeout" if again else "new",
                 0, self._syns)  # fmt: skip
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
        segment = self._segment(self.sender.nxt if self.sender.nxt == self.sender.high else self.sender.high, ACK)
        repeats = segment.window > 0 and self.receiver._last == (self.receiver.nxt, segment.window)
        words = f"ACK {self.receiver.nxt}" + " again" * repeats
        if segment.sacks:
            reported = self.receiver.sacks(len(segment.sacks))
            words += ", has " + ", ".join(f"{start}–{end - 1}" for start, end in reported)
        if not segment.window:
            words += ", no room"
        self.put(ctx, segment, words, "duplicate" if repeats else "ack")

    # -- what arrives --------------------------------------------------------------------------------------------

    def arrive(self, ctx: Ctx, segment: Segment) -> None:
        """A segment for this connection (§3.10.7)."""
        if self.tuning.keep_alive_us:
            self.start(ctx, "alive", self.tuning.keep_alive_us)
        if self.state == "LISTEN":
            self._in_listen(ctx, segment)
        elif self.state == "SYN-SENT":
            self._in_syn_sent(ctx, segment)
        elif self.state != "CLOSED":
            self._in_others(ctx, segment)

    def _in_listen(self, ctx: Ctx, segment: Segment) -> None:
        if segment.flags & ACK:
            self.host.refuse(ctx, self.peer, segment)
        elif segment.flags & SYN and not segment.flags & RST:
            self._agree(segment)
            TABLE.fire(self, "SYN", ctx)
            self.repeat_syn(ctx)

    def _in_syn_sent(self, ctx: Ctx, segment: Segment) -> None:
        ack = _near(segment.ack, self.iss, 1)
        if segment.flags & ACK and ack != 1:
            if not segment.flags & RST:
                self.host.refuse(ctx, self.peer, segment)
            return
        if segment.flags & RST:
            if segment.flags & ACK:
                ctx.note(f"{self.peer} refuses: nobody listens on port {self.ports[1]}")
                TABLE.fire(self, "RST", ctx)
                self._end(ctx)
            return
        if not segment.flags & SYN:
            return
        self._agree(segment)
        if segment.flags & ACK:
            TABLE.fire(self, "SYN, ACK", ctx)
            self._established(ctx, segment)
        else:
            TABLE.fire(self, "SYN", ctx)
            self._syns = 0
            self.repeat_syn(ctx)

    def _agree(self, segment: Segment) -> None:
        """What the SYN of the other side says: its first number, and which options it knows."""
        self.irs = segment.seq
        self.receiver.nxt = 1
        self.receiver.edge = 1 + min(self.tuning.buffer, 0xFFFF)
        self.sender.sack = self.tuning.sack and segment.sack_permitted
        both = segment.scale >= 0 and self.tuning.scale > 0
        self._scale = min(segment.scale, 14) if both else 0  # RFC 7323 §2.3
        self.receiver.scale = self.tuning.scale if both else 0
        self._stamps = self.tuning.stamps and segment.stamps is not None
        if segment.stamps is not None:
            self._echo = segment.stamps[0]
        self.sender.mss = min(self.tuning.mss, segment.mss or 536) - (12 if self._stamps else 0)  # §3.7.1

    def _established(self, ctx: Ctx, segment: Segment) -> None:
        """Both sides know each other; our SYN is confirmed."""
        s = self.sender
        self.wait(ctx, "", 0)
        s.row = 0
        s.una = 1
        s.begin(s.mss, self._syns > 1)
        if self._syns == 1:
            s.timed = None
        s.wnd = s.widest = segment.window << (0 if segment.flags & SYN else self._scale)
        if segment.flags & SYN and segment.flags & ACK and self.state == "ESTABLISHED":
            self.acknowledge(ctx)
        self.program.opened(self, ctx)
        s.push(ctx)

    def _in_others(self, ctx: Ctx, segment: Segment) -> None:
        r = self.receiver
        seq = _near(segment.seq, self.irs, r.nxt)
        flags, takes = segment.flags, segment.takes
        if flags & SYN and self.state == "SYN-RECEIVED" and seq == 0 and flags & ACK:
            flags, takes, seq = flags & ~SYN, 0, 1  # both opened at once (§3.5, figure 8)
        inside = r.nxt <= seq <= r.edge if not takes else seq < max(r.edge, r.nxt) and seq + takes > r.nxt
        stamps = segment.stamps
        if stamps is not None and self._stamps and (stamps[0] - self._echo) & _MASK >= _HALF and not flags & RST:
            inside = False  # RFC 7323 §5, PAWS: an old segment from before the numbers wrapped
        if not inside:
            self._outside(ctx, segment, seq, flags)
            return
        if flags & RST:
            if seq == r.nxt:
                ctx.note(f"{self.peer} reset the connection")
                TABLE.fire(self, "RST", ctx)
                self._end(ctx)
            else:
                self.acknowledge(ctx)  # a challenge (RFC 5961 §3.2)
            return
        if flags & SYN:
            self.acknowledge(ctx)  # RFC 5961 §4.2
            return
        if not flags & ACK:
            return
        if stamps is not None and seq <= r.nxt:
            self._echo = stamps[0]
        if not self._confirmed(ctx, segment, seq, flags):
            return
        if segment.payload or flags & FIN:
            self._data(ctx, segment, seq, flags)

    def _outside(self, ctx: Ctx, segment: Segment, seq: int, flags: int) -> None:
        """Not acceptable (§3.10.7.4, first step): say what is expected, unless it is a reset."""
        if flags & RST:
            return
        if flags & ACK and seq == self.receiver.nxt and self.state in SYNCHRONISED:
            self._confirmed(ctx, segment, seq, flags)  # no room for its data, but its acknowledgement counts
        if self.state == "TIME-WAIT" and flags & FIN:
            self.start(ctx, "2MSL", 2 * self.tuning.msl_us)
        if self.state != "CLOSED":
            self.acknowledge(ctx)

    def _confirmed(self, ctx: Ctx, segment: Segment, seq: int, flags: int) -> bool:
        """The acknowledgement (§3.10.7.4, fifth step); False when nothing else of the segment is looked at."""
        s = self.sender
        ack = _near(segment.ack, self.iss, s.una)
        if self.state == "SYN-RECEIVED":
            if not 1 <= ack <= s.high:
                self.host.refuse(ctx, self.peer, segment)
                return False
            if s.una < 1:
                TABLE.fire(self, "ACK of SYN", ctx)
                self._established(ctx, segment)
        blocks = tuple(
            (_near(start, self.iss, ack), _near(end, self.iss, ack)) for start, end in segment.sacks
        )
        echo = -1
        if self._stamps and segment.stamps is not None and segment.stamps[1]:
            echo = max(0, ctx.now - (segment.stamps[1] - 1) * 1_000)
        bare = not segment.payload and not flags & FIN
        if not s.on_ack(ctx, seq, ack, segment.window << self._scale, blocks, bare, echo):
            self.acknowledge(ctx)
            return False
        if s.fin_confirmed and self.state in ("FIN-WAIT-1", "CLOSING", "LAST-ACK"):
            TABLE.fire(self, "ACK of FIN", ctx)
            if self.state == "TIME-WAIT":
                self._linger(ctx)
            elif self.state == "CLOSED":
                self._end(ctx)
                return False
        return True

    def _data(self, ctx: Ctx, segment: Segment, seq: int, flags: int) -> None:
        """Its bytes and its FIN (§3.10.7.4, seventh and eighth step)."""
        if self.state not in ("ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2"):
            self.acknowledge(ctx)
            return
        early = seq > self.receiver.nxt
        if early and segment.payload:
            ctx.emit("held", first=seq, size=len(segment.payload), flow=self.flow)
        ended = self.receiver.take(seq, segment.payload, bool(flags & FIN))
        if self.receiver.waiting:
            self.program.arrived(self, ctx)
        self.receiver.settle(ctx)
        if ended:
            TABLE.fire(self, "FIN", ctx)
            if self.state == "TIME-WAIT":
                self._linger(ctx)
            self.program.ended(self, ctx)

    def _linger(self, ctx: Ctx) -> None:
        self.wait(ctx, "", 0)
        self.start(ctx, "2MSL", 2 * self.tuning.msl_us)

    def _end(self, ctx: Ctx) -> None:
        """Nothing is left to be done: no timer runs, and the host forgets the connection."""
        self.wait(ctx, "", 0)
        if self._acking:
            ctx.cancel_timer(f"ack {self.key}")
        if self.state == "CLOSED":
            self.host.forget(self)

    def listened(self, ctx: Ctx) -> bool:
        """Whether this end waited for the other (a guard of the table)."""
        return self._passive

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
