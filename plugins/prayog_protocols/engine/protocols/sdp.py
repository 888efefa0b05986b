"""SDP (RFC 8866): a session described in lines of one letter, an equals sign and a value."""

from __future__ import annotations

from typing import Any

from prayog_protocols.engine.dissection import Dissection
from prayog_protocols.engine.protocols.lines import line_at, text_node
from prayog_protocols.engine.protocols.mail import written
from prayog_protocols.engine.spec import Call, Field, Kind, Protocol
from prayog_protocols.engine.tree import Node

R = "RFC 8866 §5"


def _text(name: str, label: str, meaning: str = "", kind: Kind = Kind.TEXT, **more: Any) -> Field:
    return Field(f"sdp.{name}", label, kind, meaning=meaning, source=R, **more)


def _address(name: str) -> tuple[Field, ...]:
    return (_text(f"{name}.network_type", "Network", "IN: the Internet."),
            _text(f"{name}.address_type", "Address type", "IP4 or IP6."),
            _text(f"{name}.address", "Address", "An address or a name."))  # fmt: skip


LINES = {
    "v": _text("version", "Version", "0."), "o": _text("owner", "Origin",
        "Who made it: name, number, version, address."),
    "s": _text("session_name", "Session name", "For people."), "i": _text("session_info", "Information", "For people."),
    "u": _text("uri", "Address", "Where to read more."), "e": _text("email", "Mail", "Whom to ask."),
    "p": _text("phone", "Phone", "Whom to call."), "c": _text("connection_info", "Connection",
        "To which address to send."),
    "b": _text("bandwidth", "Bandwidth", "How much."), "t": _text("time", "Time", "From when to when; 0 0: always."),
    "r": _text("repeat_time", "Repeats", "When it happens again."),
    "z": _text("timezone", "Time zones", "How clocks change in between."),
    "k": _text("encryption_key", "Key", "No longer used: it stood in the open."),
    "m": _text("media", "Media", "One stream: kind, port, transport, formats."),
    "a": _text("media_attr", "Attribute", "Something about the session or the stream above."),
}  # fmt: skip
PARTS = {
    "o": (_text("owner.username", "User name", "Who made the description; - for nobody."),
          _text("owner.sessionid", "Session number", "With the rest of the line, a name that nobody else has."),
          _text("owner.version", "Version", "Grows when the description changes."), *_address("owner")),
    "c": _address("connection_info"),
    "t": (_text("time.start", "From", "Seconds since 1900; 0: at once."),
          _text("time.stop", "To", "Seconds since 1900; 0: without end.")),
    "m": (_text("media.media", "Kind", "Sound, pictures, an application."),
          _text("media.port", "Port", "0 refuses the stream."), _text("media.proto", "Transport",
              "How it is carried.")),
}  # fmt: skip
FORMAT = _text("media.format", "Format", "A payload type of RTP, or another word.")
NAME = _text("media_attribute.field", "Attribute", "Which one.")
VALUE = _text("media_attribute.value", "Value", "What it says.")


def _read(c: Dissection, out: list[Node], data: bytes, at: int, end: int) -> tuple[int, Any]:
    s, told = c.source, []
    while at < end:
        stop, after = line_at(data, at, end)
        letter = data[at : at + 1].decode("latin-1")
        field = LINES.get(letter)
        if field is None or data[at + 1 : at + 2] != b"=":
            if stop > at:
                c.note("error", "A line of SDP is one letter, an equals sign and a value.", at * 8, (stop - at) * 8)
        else:
            node = text_node(field, s, data, at + 2, stop)
            out.append(node)
            node.children = _parts(letter, s, data, at + 2, stop)
        told.append(data[at:stop].decode("utf-8", "surrogateescape"))
        at = after
    return end, told


def _parts(letter: str, s: int, data: bytes, at: int, stop: int) -> list[Node]:
    nodes: list[Node] = []
    if letter == "a":
        colon = data.find(b":", at, stop)
        nodes.append(text_node(NAME, s, data, at, stop if colon < 0 else colon))
        if colon >= 0:
            nodes.append(text_node(VALUE, s, data, colon + 1, stop))
        return nodes
    fields = PARTS.get(letter, ())
    for number, word in enumerate(data[at:stop].split(b" ") if fields else ()):
        if number < len(fields):
            nodes.append(text_node(fields[number], s, data, at, at + len(word)))
        elif letter == "m":
            nodes.append(text_node(FORMAT, s, data, at, at + len(word)))
        at += len(word) + 1
    return nodes


SDP = Protocol(
    "sdp", "Session Description Protocol", short="SDP", source="RFC 8866",
    meaning="Says what somebody can send and receive: media, codecs, addresses, keys. Offer and answer are written in "
            "it.",
    items=(Call(_read, (), written,
        (*LINES.values(), *(part for parts in PARTS.values() for part in parts), FORMAT, NAME, VALUE),
                "lines"),),
)  # fmt: skip

PROTOCOLS = (SDP,)
