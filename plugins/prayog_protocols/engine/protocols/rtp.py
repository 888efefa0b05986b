"""RTP (RFC 3550): sound and pictures in real time.  SRTP (RFC 3711) encrypts the payload and leaves the header open."""

from __future__ import annotations

from prayog_protocols.engine.spec import Protocol, Repeat, When, bytes_, flag, uint
from prayog_protocols.engine.tree import Node

R = "RFC 3550 §5.1"
PAYLOADS = {0: "G.711 µ-law", 3: "GSM", 4: "G.723", 8: "G.711 A-law", 9: "G.722", 13: "comfort noise", 14: "MPEG audio",
            18: "G.729", 26: "JPEG", 31: "H.261", 33: "MPEG-2 stream", 34: "H.263"}  # fmt: skip


def _info(layer: Node) -> str:
    kind = layer.child("p_type")
    codec = PAYLOADS.get(kind, f"payload type {kind}")
    seq, moment = layer.child("seq"), layer.child("timestamp")
    return f"{codec}, source 0x{layer.child('ssrc') or 0:08x}, number {seq}, time {moment}"


RTP = Protocol(
    "rtp", "Real-Time Transport Protocol", short="RTP", source="RFC 3550", info=_info,
    meaning="Carries sound and pictures: each packet says where in time it belongs. What is lost stays lost.",
    items=(
        uint("rtp.version", 2, "Version", "2.", R, default=2),
        flag("rtp.padding", "Padding", "The last byte says how many at the end are padding.", R),
        flag("rtp.ext", "Extension", "A header extension follows.", R),
        uint("rtp.cc", 4, "Contributors", "How many sources were mixed.", R),
        flag("rtp.marker", "Marker", "The end of a picture, or the beginning of speech.", R),
        uint("rtp.p_type", 7, "Payload type", "Which codec; from 96 on agreed on in SDP.", R, values=PAYLOADS),
        uint("rtp.seq", 16, "Sequence number", "One more with each packet: shows what is lost.", R),
        uint("rtp.timestamp", 32, "Time stamp", "When the first sample was taken, in units of the codec.", R),
        uint("rtp.ssrc", 32, "Source", "A random number for this stream.", R, hex=True),
        Repeat("contributors", (uint("rtp.csrc.item", 32, "Contributor", "A source that was mixed in.", R, hex=True),),
            count="cc"),
        When("ext", (
            uint("rtp.ext.profile", 16, "Profile", "What kind of extension.", "RFC 3550 §5.3.1", hex=True),
            uint("rtp.ext.len", 16, "Length", "In words of four bytes.", "RFC 3550 §5.3.1", key="ext_words"),
            bytes_("", "ext_words * 4", "Extension", "What the profile says that it means.", "RFC 3550 §5.3.1",
                key="ext_content"),
        )),
        bytes_("rtp.payload", "rest", "Payload", "Sound or picture, as the codec made it.", R),
    ),
)  # fmt: skip

PROTOCOLS = (RTP,)
