"""What is known of a TCP segment only by looking at the segments before it.  The values come from `streams`."""

from __future__ import annotations

from typing import Any

from prayog_protocols.engine.protocols.ipv4 import CHECKSUM_STATUS
from prayog_protocols.engine.spec import Field, Kind, bytes_

R = "RFC 9293"
_GUIDE = "Wireshark User’s Guide §7.5"


def _derived(name: str, label: str, meaning: str, kind: Kind = Kind.UINT, source: str = "", **more: Any) -> Field:
    return Field(f"tcp.{name}", label, kind, meaning=meaning, source=source, derived=True, **more)


STATUS = _derived(
    "checksum.status", "Check sum status", "Whether the check sum fits.", source=R, values=CHECKSUM_STATUS
)
PAYLOAD = bytes_("tcp.payload", 0, "Payload", "The bytes of the stream that this segment carries.")
SEGMENT_DATA = bytes_("tcp.segment_data", 0, "Part of a message",
    "These bytes belong to a message that ends in a later segment, or that began in an earlier one.")  # fmt: skip

STREAM = _derived("stream", "Stream", "The number of this connection in the capture, from 0.")
COMPLETENESS = _derived("completeness", "What was seen of it",
    "Adds up: 1 SYN, 2 SYN-ACK, 4 ACK, 8 data, 16 FIN, 32 RST.",
                        source=_GUIDE)  # fmt: skip
LENGTH = _derived("len", "Bytes of data", "How much of the stream the segment carries.", unit="bytes")
SEQ = _derived(
    "seq", "Sequence number", "Relative: 0 is the SYN, so the first byte of data is 1.", source=R, unit="(relative)"
)
NEXT_SEQ = _derived("nxtseq", "Next sequence number", "Where the next segment should begin.", unit="(relative)")
ACK = _derived("ack", "Acknowledgement number", "Relative: the next byte that this side expects.", source=R,
               unit="(relative)")  # fmt: skip
FLAG_LETTERS = _derived("flags.str", "Flags in letters", "One letter for each flag that is set.", Kind.TEXT)
WINDOW = _derived("window_size", "Window in bytes", "The window times the factor that was agreed on with the SYNs.",
                  source="RFC 7323 §2.3", unit="bytes")  # fmt: skip
SCALE = _derived("window_size_scalefactor", "Window factor",
    "From the window scale options; -1: the SYNs were not seen, -2: no scaling.",
    Kind.INT, "RFC 7323 §2.2")  # fmt: skip
RELATIVE = _derived("time_relative", "Time since the first segment", "Of this connection.", Kind.DURATION, unit="s")
DELTA = _derived("time_delta", "Time since the segment before", "Of this connection.", Kind.DURATION, unit="s")

ANALYSIS = _derived("analysis", "What the order of segments tells", "Compared with what was sent and confirmed before.",
                    Kind.NONE, _GUIDE)  # fmt: skip
FLAGS = _derived(
    "analysis.flags", "Remarkable", "What is unusual about the segment.", Kind.NONE, _GUIDE, key="analysis_flags"
)
ACKS_FRAME = _derived(
    "analysis.acks_frame", "Confirms the segment in packet", "Its last byte is confirmed here.", Kind.FRAME, _GUIDE
)
ACK_RTT = _derived("analysis.ack_rtt", "Round trip", "From that segment to this confirmation.", Kind.DURATION, unit="s")
INITIAL_RTT = _derived("analysis.initial_rtt", "Round trip of the handshake",
    "From SYN to the ACK that ends the handshake.",
                       Kind.DURATION, unit="s")  # fmt: skip
IN_FLIGHT = _derived(
    "analysis.bytes_in_flight", "Bytes in flight", "Sent by this side and not yet confirmed.", unit="bytes"
)
PUSH_SENT = _derived(
    "analysis.push_bytes_sent",
    "Bytes since the last PSH",
    "Sent by this side since it last asked to hand over what is there.",
    unit="bytes",
)
RTO = _derived(
    "analysis.rto",
    "Waited before sending again",
    "From the lost segment to this repetition.",
    Kind.DURATION,
    "RFC 6298",
    unit="s",
)
RTO_FRAME = _derived(
    "analysis.rto_frame", "Waited since packet", "The segment that was not confirmed.", Kind.FRAME, "RFC 6298"
)
DUPLICATE_NUMBER = _derived("analysis.duplicate_ack_num", "Which repetition",
    "The third one makes the sender repeat at once.",
                            source="RFC 5681 §3.2")  # fmt: skip
DUPLICATE_OF = _derived(
    "analysis.duplicate_ack_frame",
    "Repeats the ACK of packet",
    "The first segment that said this.",
    Kind.FRAME,
    "RFC 5681 §3.2",
)


def _label(name: str, label: str, meaning: str, source: str = "") -> Field:
    return _derived(f"analysis.{name}", label, meaning, Kind.NONE, source or _GUIDE)


RETRANSMISSION = _label("retransmission", "Retransmission", "These bytes were sent before and not confirmed in time.",
                        "RFC 6298 §5")  # fmt: skip
FAST = _label("fast_retransmission", "Fast retransmission",
    "Sent again at once, because the other side repeated its confirmation: it misses exactly this.",
    "RFC 5681 §3.2")  # fmt: skip
SPURIOUS = _label("spurious_retransmission", "Spurious retransmission",
    "Sent again although the other side had already confirmed it.")  # fmt: skip
OUT_OF_ORDER = _label("out_of_order", "Out of order",
    "It comes later than segments that follow it: overtaken on the way, and not sent twice.")  # fmt: skip
LOST = _label("lost_segment", "A segment before is missing", "The capture does not hold all that was sent before.")
ACK_LOST = _label("ack_lost_segment", "Confirms what was not captured",
    "The other side confirms bytes that the capture does not hold.")  # fmt: skip
DUPLICATE = _label("duplicate_ack", "Duplicate ACK",
    "It repeats a confirmation: something after it arrived, and the piece itself is missing.",
    "RFC 5681 §2")  # fmt: skip
KEEP_ALIVE = _label("keep_alive", "Keep-alive", "Asks with one old byte or none whether the other side is still there.",
                    "RFC 9293 §3.8.4")  # fmt: skip
KEEP_ALIVE_ACK = _label("keep_alive_ack", "Keep-alive answered", "Still there.", "RFC 9293 §3.8.4")
WINDOW_UPDATE = _label("window_update", "Window update", "Confirms nothing new: there is room for more data.")
WINDOW_FULL = _label(
    "window_full", "Window full", "With this segment the receiver's room is used up: the sender must wait."
)
ZERO_WINDOW = _label("zero_window", "Zero window", "No room: please stop sending.", "RFC 9293 §3.8.6")
PROBE = _label(
    "zero_window_probe", "Zero-window probe", "One byte, to ask whether there is room again.", "RFC 9293 §3.8.6.1"
)
PROBE_ACK = _label("zero_window_probe_ack", "Answer to a probe", "Still no room, or room again.", "RFC 9293 §3.8.6.1")
REUSED = _label("reused_ports", "Ports used again", "A new connection between the same ports as an earlier one.")

SEGMENTS = _derived(
    "segments", "Put together from", "The segments that make up the message which ends here.", Kind.NONE
)
SEGMENT = _derived("segment", "Piece in packet", "A segment with a piece of the message.", Kind.FRAME)
OVERLAP = _derived("segment.overlap", "Nothing new", "These bytes were there already.", Kind.BOOL)
SEGMENT_COUNT = _derived("segment.count", "Pieces", "How many segments the message took.", key="segment_count")
REASSEMBLED_IN = _derived(
    "reassembled_in", "Ends in packet", "Where the message that begins or goes on here ends.", Kind.FRAME
)
REASSEMBLED_DATA = _derived(
    "reassembled.data", "The whole message", "All segments, put together.", Kind.BYTES, key="reassembled_data"
)
REASSEMBLED_LENGTH = _derived(
    "reassembled.length", "Length of the whole", "Bytes of the message.", unit="bytes", key="reassembled_length"
)

LABELS = (RETRANSMISSION, FAST, SPURIOUS, OUT_OF_ORDER, LOST, ACK_LOST, DUPLICATE, KEEP_ALIVE, KEEP_ALIVE_ACK,
          WINDOW_UPDATE, WINDOW_FULL, ZERO_WINDOW, PROBE, PROBE_ACK, REUSED)  # fmt: skip
DERIVED = (
    SEGMENT_DATA, STREAM, COMPLETENESS, LENGTH, SEQ, NEXT_SEQ, ACK, FLAG_LETTERS, WINDOW, SCALE, RELATIVE, DELTA,
    ANALYSIS, FLAGS, ACKS_FRAME, ACK_RTT, INITIAL_RTT, IN_FLIGHT, PUSH_SENT, RTO, RTO_FRAME, DUPLICATE_NUMBER,
    DUPLICATE_OF, *LABELS, SEGMENTS, SEGMENT, OVERLAP, SEGMENT_COUNT, REASSEMBLED_IN, REASSEMBLED_LENGTH,
    REASSEMBLED_DATA,
)  # fmt: skip
