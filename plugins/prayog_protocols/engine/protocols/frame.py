"""The frame as a whole: when it was captured, and how much of it."""

from __future__ import annotations

from typing import Any

from prayog_protocols.engine.spec import Field, Kind, Protocol


def _known(name: str, label: str, meaning: str, kind: Kind = Kind.UINT, **more: Any) -> Field:
    return Field(f"frame.{name}", label, kind, meaning=meaning, derived=True, **more)


INTERFACE = _known("interface_id", "Interface", "On which of the capture's interfaces it was seen.")
INTERFACE_NAME = _known("interface_name", "Interface name", "As the capturing program named it.", Kind.TEXT)
INTERFACE_DESCRIPTION = _known("interface_description", "Interface description", "In words.", Kind.TEXT)
SECTION = _known("section_number", "Section", "Of the capture file.")
ENCAPSULATION = _known("encap_type", "Kind of link", "As Wireshark numbers them.")
TIME = _known("time", "Arrival time", "When the capturing machine saw it.", Kind.TIME)
EPOCH = _known("time_epoch", "Seconds since 1970", "The same moment as a number.", Kind.DURATION, unit="s")
DELTA = _known("time_delta", "Since the packet before", "In the capture.", Kind.DURATION, unit="s")
RELATIVE = _known("time_relative", "Since the first packet", "Of the capture.", Kind.DURATION, unit="s")
NUMBER = _known("number", "Number", "Its place in the capture, from 1.")
LENGTH = _known("len", "Length", "Bytes on the wire.", unit="bytes")
CAPTURED = _known("cap_len", "Captured", "Bytes that the capture kept.", unit="bytes")
COMMENT = _known("comment", "Comment", "What somebody wrote about this packet in the capture file.", Kind.TEXT)

FRAME = Protocol(
    "frame", "Frame", (), short="Frame", meaning="What was captured, and when. None of it is on the wire.",
    extra=(INTERFACE, INTERFACE_NAME, INTERFACE_DESCRIPTION, TIME, EPOCH, DELTA, RELATIVE, NUMBER, LENGTH, CAPTURED,
           SECTION, ENCAPSULATION, COMMENT),
)  # fmt: skip

PROTOCOLS = (FRAME,)
