"""What the order of TCP segments tells, labelled as Wireshark labels it.

The rules are those of the Wireshark User's Guide (§7.5, TCP Analysis), applied to each segment in the order of the
capture. A direction remembers how far it has sent and confirmed; a segment is compared with what both directions
remember, and then remembered itself.  Numbers wrap at 2³²; `_after(a, b)` says whether a comes after b.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import IntFlag

from prayog_protocols.engine.streams.segments import Segment

__all__ = ["Finding", "Label", "analyse"]

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
_ENDS = FIN | SYN | RST
_MOST_SCANNED = 5_000_000  # looks at waiting segments of one side; a capture that needs more was made to hurt
_MOST_UNCONFIRMED = 10_000
_FAST_NS, _ORDER_NS = 20_000_000, 3_000_000


class Label(IntFlag):
    """What is remarkable about a segment."""

    NONE = 0
    RETRANSMISSION = 1
    FAST = 2
    SPURIOUS = 4
    OUT_OF_ORDER = 8
    LOST = 16
    ACK_LOST = 32
    DUPLICATE_ACK = 64
    KEEP_ALIVE = 128
    KEEP_ALIVE_ACK = 256
    WINDOW_UPDATE = 512
    WINDOW_FULL = 1024
    ZERO_WINDOW = 2048
    PROBE = 4096
    PROBE_ACK = 8192
    REUSED = 16384


@dataclass(slots=True)
class Finding:
    """What is known about one segment besides its own bits.  Numbers of packets count from 1; 0 for none."""

    seq: int = 0  # relative
    next_seq: int = 0
    ack: int = 0  # as it stands there without the ACK flag
    window: int = 0  # scaled
    scale: int | None = None  # the factor; -1 unknown, -2 not used; None for a SYN
    completeness: int = 0
    since_first_ns: int = 0
    since_last_ns: int = 0
    flags: int = 0
    labels: Label = Label.NONE
    acks: int = 0  # packet whose segment this one confirms
    ack_rtt_ns: int = 0
    initial_rtt_ns: int = 0
    in_flight: int = 0
    counted: bool = False  # the bytes in flight were counted, whatever came out
    push_sent: int = 0
    rto_ns: int = 0
    rto_since: int = 0  # packet
    duplicate: int = 0  # which repetition
    duplicate_of: int = 0  # packet
    peer_base: int = 0  # first number of the other direction: what SACK edges count from


@dataclass(slots=True)
class _Sent:
    """A segment that waits to be confirmed."""

    frame: int
    seq: int
    next_seq: int
    time_ns: int


@dataclass(slots=True)
class _Side:
    """What one direction remembers."""

    base: int | None = None
    next_seq: int | None = None  # the highest seen
    next_frame: int = 0
    next_time: int = 0
    contiguous: int | None = None  # what may be confirmed: sent without a hole
    window: int = -1
    scale: int = -1
    last_ack: int | None = None
    last_ack_time: int = 0
    duplicates: int = 0
    first_of_duplicates: int = 0
    last_labels: Label = Label.NONE
    waiting: deque[_Sent] = field(default_factory=deque)
    ordered: bool = True  # each that waits begins and ends behind those before it
    scanned: int = 0  # how many that waited were looked at
    exact: bool = True  # bytes in flight can be told
    since_push: int = 0
    pushed: bool = False
    sacks: tuple[tuple[int, int], ...] = ()


def _after(a: int, b: int) -> bool:
    return 0 < (a - b & 0xFFFFFFFF) < 0x80000000


def analyse(segments: list[Segment], reused: bool = False, announced: bool = False) -> list[Finding]:
    """A finding for each segment of a connection.

    `reused`: its ports had another connection before; `announced`: FTP said that it would come (but for PORT), and
    Wireshark, which knows it already, does not count its first SYN.
    """
    sides = (_Side(), _Side())
    findings: list[Finding] = []
    first = last = segments[0].time_ns if segments else 0
    syn_time: int | None = None
    initial_rtt = 0
    complete = 1 if reused else 0
    for segment in segments:
        own, peer = sides[segment.outward], sides[not segment.outward]
        finding = Finding(
            flags=segment.flags, since_first_ns=segment.time_ns - first, since_last_ns=segment.time_ns - last
        )
        last = segment.time_ns
        flags = segment.flags
        if own.base is None or (flags & (SYN | ACK) == SYN | ACK and segment.seq != own.base):
            if own.base is not None:
                finding.labels |= Label.REUSED
            own.base = segment.seq if flags & SYN else segment.seq - 1 & 0xFFFFFFFF
        if peer.base is None and flags & ACK:
            peer.base = segment.ack - 1 & 0xFFFFFFFF
        finding.completeness = complete
        if (findings or flags & SYN) and not (announced and flags & (SYN | ACK) == SYN):
            complete = _completeness(complete, segment)
        if flags & SYN:
            if segment.scale is not None:
                own.scale = segment.scale
            elif own.scale == -1:  # a SYN without the option: nobody scales
                own.scale = peer.scale = -2
            if flags & ACK and peer.scale == -2:
                own.scale = -2
            if not flags & ACK:
                syn_time = segment.time_ns
        if not initial_rtt and syn_time is not None and flags & (SYN | ACK) == ACK:
            initial_rtt = segment.time_ns - syn_time
        finding.seq = segment.seq - own.base & 0xFFFFFFFF
        step = segment.size + bool(flags & (SYN | FIN))
        finding.next_seq = finding.seq + step & 0xFFFFFFFF
        finding.ack = segment.ack - (peer.base or 0) & 0xFFFFFFFF if flags & ACK else segment.ack
        finding.peer_base = peer.base or 0
        finding.window = segment.window
        if not flags & SYN:
            finding.scale = own.scale if own.scale < 0 else 1 << min(own.scale, 14)
            if own.scale > 0:
                finding.window <<= min(own.scale, 14)
        if reused and not findings:
            finding.labels |= Label.REUSED
        _sequence(segment, own, peer, finding, initial_rtt)
        finding.initial_rtt_ns = initial_rtt
        findings.append(finding)
    return findings


def _completeness(before: int, segment: Segment) -> int:
    """Which parts of a connection were seen: 1 SYN, 2 SYN-ACK, 4 ACK, 8 data, 16 FIN, 32 RST."""
    flags = segment.flags
    if flags & SYN:
        seen = before | (2 if flags & ACK else 1) | (8 if segment.size else 0)  # data at once: RFC 7413
        return seen | (32 if flags & RST else 0)
    if flags & RST:
        before |= 32
    if flags & FIN:
        before |= 16
    if segment.size:
        before |= 8
    elif flags & ACK:
        before |= 4
    return before


def _sequence(segment: Segment, own: _Side, peer: _Side, finding: Finding, initial_rtt: int) -> None:
    """The labels of one segment, and what is remembered of it."""
    seq, ack, flags, size, now = segment.seq, segment.ack, segment.flags, segment.size, segment.time_ns
    window = segment.window
    labels = _window_and_ack(segment, own, peer, finding)
    # What is confirmed but was not seen.
    news = own.last_ack is None or peer.next_seq is None or not _after(own.last_ack, peer.next_seq)
    if flags & ACK and peer.contiguous is not None and _after(ack, peer.contiguous) and news:
        labels |= Label.ACK_LOST
        peer.contiguous = peer.next_seq
    if ack != own.last_ack:
        own.first_of_duplicates, own.duplicates = segment.index + 1, 0
    step = size + bool(flags & SYN) + bool(flags & FIN)
    next_seq = seq + step & 0xFFFFFFFF
    if step and not labels & Label.KEEP_ALIVE:
        labels |= _again(segment, own, peer, finding, next_seq, initial_rtt)
    if step and len(own.waiting) < _MOST_UNCONFIRMED:
        last = own.waiting[-1] if own.waiting else None
        if last is None:
            own.ordered = True
        elif _after(last.seq, seq) or _after(last.next_seq, next_seq):
            own.ordered = False
        own.waiting.append(_Sent(segment.index + 1, seq, next_seq, now))
    if not labels & Label.PROBE:
        if own.next_seq is None or _after(next_seq, own.next_seq):
            own.next_seq, own.next_frame, own.next_time = next_seq, segment.index + 1, now
        if own.contiguous is None or seq == own.contiguous:
            own.contiguous = own.next_seq
    own.window, own.last_ack, own.last_ack_time, own.last_labels = window, ack, now, labels
    own.sacks = segment.sacks
    _confirm(segment, peer, finding)
    if flags & ACK:
        peer.exact = True
    if size and own.exact:
        _flight(segment, own, peer, finding)
    finding.labels |= labels


def _window_and_ack(segment: Segment, own: _Side, peer: _Side, finding: Finding) -> Label:
    """Labels that windows and confirmations give."""
    seq, ack, size, window = segment.seq, segment.ack, segment.size, segment.window
    plain = not segment.flags & _ENDS
    labels = Label(0)
    if size == 1 and seq == own.next_seq and peer.window == 0:
        return Label.PROBE
    if window == 0 and plain:
        labels |= Label.ZERO_WINDOW
    if own.next_seq is not None and _after(seq, own.next_seq) and not segment.flags & RST:
        labels |= Label.LOST
        own.exact = False
    if plain and size <= 1 and own.next_seq is not None and seq == own.next_seq - 1 & 0xFFFFFFFF:
        labels |= Label.KEEP_ALIVE
    same = plain and size == 0 and seq == own.next_seq and ack == own.last_ack
    if same and window and window != own.window:
        labels |= Label.WINDOW_UPDATE
    if plain and size and peer.scale != -1 and peer.last_ack is not None:
        edge = peer.last_ack + (peer.window << max(peer.scale, 0))
        if seq + size & 0xFFFFFFFF == edge & 0xFFFFFFFF:
            labels |= Label.WINDOW_FULL
    if same and window and window == own.window and peer.last_labels & Label.KEEP_ALIVE:
        return labels | Label.KEEP_ALIVE_ACK
    if same and window == 0 and own.window == 0 and peer.last_labels & Label.PROBE:
        return labels | Label.PROBE_ACK
    if same and window and window == own.window:
        own.duplicates += 1
        labels |= Label.DUPLICATE_ACK
        finding.duplicate, finding.duplicate_of = own.duplicates, own.first_of_duplicates
    return labels


def _again(
    segment: Segment, own: _Side, peer: _Side, finding: Finding, next_seq: int, initial_rtt: int
) -> Label:  # fmt: skip
    """Whether bytes are sent again, and which kind of again it is."""
    seq, size, now = segment.seq, segment.size, segment.time_ns
    if size and peer.last_ack is not None and not _after(seq + size & 0xFFFFFFFF, peer.last_ack):
        return Label.SPURIOUS
    if own.next_seq is None or not _after(own.next_seq, seq):
        return Label(0)
    if size > 1 and seq == own.next_seq - 1 & 0xFFFFFFFF:  # goes on after a probe of one byte
        return Label(0)
    recent = now - peer.last_ack_time < _FAST_NS
    if recent and peer.duplicates >= 2 and peer.last_ack == seq:
        return Label.FAST
    if now - own.next_time < (initial_rtt or _ORDER_NS) and own.next_seq != next_seq:
        return Label.OUT_OF_ORDER
    # The eldest segment that waits is most likely the one that is sent again.
    since, frame = (own.waiting[0].time_ns, own.waiting[0].frame) if own.waiting else (own.next_time, own.next_frame)
    finding.rto_ns, finding.rto_since = now - since, frame
    return Label.RETRANSMISSION


def _confirm(segment: Segment, peer: _Side, finding: Finding) -> None:
    """Take what is confirmed off the other side's waiting segments."""
    ack, waiting = segment.ack, peer.waiting
    kept: list[_Sent] = []
    while waiting:
        sent = waiting.popleft()
        peer.scanned += 1
        if sent.next_seq == ack:
            if not finding.acks:
                finding.acks, finding.ack_rtt_ns = sent.frame, segment.time_ns - sent.time_ns
        elif _after(ack, sent.seq) and not _after(ack, sent.next_seq):
            sent.seq = ack
            kept.append(sent)
        elif _after(sent.next_seq, ack):
            kept.append(sent)
            if peer.ordered or peer.scanned > _MOST_SCANNED:
                break  # all that follow are not confirmed either
    waiting.extendleft(reversed(kept))


def _flight(segment: Segment, own: _Side, peer: _Side, finding: Finding) -> None:
    """Bytes sent and not confirmed, and bytes since the last PSH."""
    if not own.waiting or own.scanned > _MOST_SCANNED:
        return
    base = own.base or 0
    low, high = own.waiting[0].seq - base & 0xFFFFFFFF, own.waiting[-1].next_seq - base & 0xFFFFFFFF
    if not own.ordered or low > high:
        low = min(sent.seq - base & 0xFFFFFFFF for sent in own.waiting)
        high = max(sent.next_seq - base & 0xFFFFFFFF for sent in own.waiting)
        own.scanned += len(own.waiting)
    in_flight = high - low - sum(right - left & 0xFFFFFFFF for left, right in peer.sacks)
    in_flight -= bool(segment.flags & (SYN | FIN))  # no byte of data
    finding.counted = True
    own.since_push = segment.size if own.pushed else own.since_push + segment.size
    own.pushed = bool(segment.flags & PSH)
    if 0 < in_flight < 2_000_000_000:
        finding.in_flight, finding.push_sent = in_flight, own.since_push
