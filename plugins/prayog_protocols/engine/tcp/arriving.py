"""What a connection does with a segment that comes, step by step as RFC 9293 §3.10.7 has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prayog_protocols.engine.tcp.frames import ACK, FIN, RST, SYN, Segment
from prayog_protocols.engine.tcp.states import SYNCHRONISED, TABLE
from prayog_sim.node import Ctx

if TYPE_CHECKING:
    from prayog_protocols.engine.tcp.connection import Connection

__all__ = ["arrive"]

_MASK = 0xFFFFFFFF
_HALF = 1 << 31


def arrive(line: Connection, ctx: Ctx, segment: Segment) -> None:
    """A segment for this connection (§3.10.7)."""
    if line.tuning.keep_alive_us:
        line.start(ctx, "alive", line.tuning.keep_alive_us)
    if line.state == "LISTEN":
        _in_listen(line, ctx, segment)
    elif line.state == "SYN-SENT":
        _in_syn_sent(line, ctx, segment)
    elif line.state != "CLOSED":
        _in_others(line, ctx, segment)


def _in_listen(line: Connection, ctx: Ctx, segment: Segment) -> None:
    if segment.flags & ACK:
        line.host.refuse(ctx, line.peer, segment)
    elif segment.flags & SYN and not segment.flags & RST:
        _agree(line, segment)
        TABLE.fire(line, "SYN", ctx)
        line.repeat_syn(ctx)


def _in_syn_sent(line: Connection, ctx: Ctx, segment: Segment) -> None:
    ack = _near(segment.ack, line.iss, 1)
    if segment.flags & ACK and ack != 1:
        if not segment.flags & RST:
            line.host.refuse(ctx, line.peer, segment)
        return
    if segment.flags & RST:
        if segment.flags & ACK:
            ctx.note(f"{line.peer} refuses: nobody listens on port {line.ports[1]}")
            TABLE.fire(line, "RST", ctx)
            line.end(ctx)
        return
    if not segment.flags & SYN:
        return
    _agree(line, segment)
    if segment.flags & ACK:
        TABLE.fire(line, "SYN, ACK", ctx)
        _established(line, ctx, segment)
    else:
        TABLE.fire(line, "SYN", ctx)
        line.syns = 0
        line.repeat_syn(ctx)


def _agree(line: Connection, segment: Segment) -> None:
    """What the SYN of the other side says: its first number, and which options it knows."""
    line.irs = segment.seq
    line.receiver.nxt = 1
    line.receiver.edge = 1 + min(line.tuning.buffer, 0xFFFF)
    line.sender.sack = line.tuning.sack and segment.sack_permitted
    both = segment.scale >= 0 and line.tuning.scale > 0
    line.scale = min(segment.scale, 14) if both else 0  # RFC 7323 §2.3
    line.receiver.scale = line.tuning.scale if both else 0
    line.stamps = line.tuning.stamps and segment.stamps is not None
    if segment.stamps is not None:
        line.echo = segment.stamps[0]
    line.sender.mss = min(line.tuning.mss, segment.mss or 536) - (12 if line.stamps else 0)  # §3.7.1


def _established(line: Connection, ctx: Ctx, segment: Segment) -> None:
    """Both sides know each other; our SYN is confirmed."""
    s = line.sender
    line.wait(ctx, "", 0)
    s.row = 0
    s.una = 1
    s.begin(s.mss, line.syns > 1)
    if line.syns == 1:  # the first round trip; after a repeated SYN nobody knows which one was answered (Karn)
        s.measured(ctx, ctx.now - line.begun, 1)
    s.wnd = s.widest = segment.window << (0 if segment.flags & SYN else line.scale)
    if segment.flags & SYN and segment.flags & ACK and line.state == "ESTABLISHED":
        line.acknowledge(ctx)
    line.program.opened(line, ctx)
    s.push(ctx)


def _in_others(line: Connection, ctx: Ctx, segment: Segment) -> None:
    r = line.receiver
    seq = _near(segment.seq, line.irs, r.nxt)
    flags, takes = segment.flags, segment.takes
    if flags & SYN and line.state == "SYN-RECEIVED" and seq == 0 and flags & ACK:
        flags, takes, seq = flags & ~SYN, 0, 1  # both opened at once (§3.5, figure 8)
    inside = r.nxt <= seq <= r.edge if not takes else seq < max(r.edge, r.nxt) and seq + takes > r.nxt
    stamps = segment.stamps
    if stamps is not None and line.stamps and (stamps[0] - line.echo) & _MASK >= _HALF and not flags & RST:
        inside = False  # RFC 7323 §5, PAWS: an old segment from before the numbers wrapped
    if not inside:
        _outside(line, ctx, segment, seq, flags)
        return
    if flags & RST:
        if seq == r.nxt:
            ctx.note(f"{line.peer} reset the connection")
            TABLE.fire(line, "RST", ctx)
            line.end(ctx)
        else:
            line.acknowledge(ctx)  # a challenge (RFC 5961 §3.2)
        return
    if flags & SYN:
        line.acknowledge(ctx)  # RFC 5961 §4.2
        return
    if not flags & ACK:
        return
    if stamps is not None and seq <= r.nxt:
        line.echo = stamps[0]
    if not _confirmed(line, ctx, segment, seq, flags):
        return
    if segment.payload or flags & FIN:
        _data(line, ctx, segment, seq, flags)


def _outside(line: Connection, ctx: Ctx, segment: Segment, seq: int, flags: int) -> None:
    """Not acceptable (§3.10.7.4, first step): say what is expected, unless it is a reset."""
    if flags & RST:
        return
    if flags & ACK and seq == line.receiver.nxt and line.state in SYNCHRONISED:
        _confirmed(line, ctx, segment, seq, flags)  # no room for its data, but its acknowledgement counts
    if line.state == "TIME-WAIT" and flags & FIN:
        line.start(ctx, "2MSL", 2 * line.tuning.msl_us)
    if line.state != "CLOSED":
        line.acknowledge(ctx)


def _confirmed(line: Connection, ctx: Ctx, segment: Segment, seq: int, flags: int) -> bool:
    """The acknowledgement (§3.10.7.4, fifth step); False when nothing else of the segment is looked at."""
    s = line.sender
    ack = _near(segment.ack, line.iss, s.una)
    if line.state == "SYN-RECEIVED":
        if not 1 <= ack <= s.high:
            line.host.refuse(ctx, line.peer, segment)
            return False
        if s.una < 1:
            TABLE.fire(line, "ACK of SYN", ctx)
            _established(line, ctx, segment)
    blocks = tuple(
        (_near(start, line.iss, ack), _near(end, line.iss, ack)) for start, end in segment.sacks
    )
    echo = -1
    if line.stamps and segment.stamps is not None and segment.stamps[1]:
        echo = max(0, ctx.now - (segment.stamps[1] - 1) * 1_000)
    bare = not segment.payload and not flags & FIN
    if not s.on_ack(ctx, seq, ack, segment.window << line.scale, blocks, bare, echo):
        line.acknowledge(ctx)
        return False
    if s.fin_confirmed and line.state in ("FIN-WAIT-1", "CLOSING", "LAST-ACK"):
        TABLE.fire(line, "ACK of FIN", ctx)
        if line.state == "TIME-WAIT":
            line.linger(ctx)
        elif line.state == "CLOSED":
            line.end(ctx)
            return False
    return True


def _data(line: Connection, ctx: Ctx, segment: Segment, seq: int, flags: int) -> None:
    """Its bytes and its FIN (§3.10.7.4, seventh and eighth step)."""
    if line.state not in ("ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2"):
        line.acknowledge(ctx)
        return
    early = seq > line.receiver.nxt
    if early and segment.payload:
        ctx.emit("held", first=seq, size=len(segment.payload), flow=line.flow)
    ended = line.receiver.take(seq, segment.payload, bool(flags & FIN))
    if line.receiver.waiting:
        line.program.arrived(line, ctx)
    line.receiver.settle(ctx)
    if ended:
        TABLE.fire(line, "FIN", ctx)
        if line.state == "TIME-WAIT":
            line.linger(ctx)
        line.program.ended(line, ctx)


def _near(wire: int, first: int, expected: int) -> int:
    """The number, counted from `first`, that looks like `wire` and is closest to `expected` (RFC 9293 §3.4)."""
    return expected + ((wire - first - expected + _HALF) & _MASK) - _HALF
