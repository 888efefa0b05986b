"""WebSocket frames (RFC 6455 §5): two bytes, perhaps a longer length, perhaps a mask, and the payload."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prayog_protocols.engine.dissection import Dissection
from prayog_protocols.engine.spec import Call, Check, Field, Kind, Let, Protocol, When, branch, bytes_, flag, uint
from prayog_protocols.engine.tree import Marked, Node

__all__ = ["FrameState", "unmasked"]

R = "RFC 6455 §5.2"
OPCODES = {0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
CLOSE_CODES = {
    1000: "normal", 1001: "going away", 1002: "protocol error", 1003: "kind of data not accepted",
    1007: "data do not fit their "
          "kind", 1008: "against the rules", 1009: "too big", 1010: "extension missing", 1011: "trouble in the server",
    1012: "restarting", 1013: "try later",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FrameState:
    """What the frames before say about one."""

    message: bytes | None = None  # the whole message, where this frame ends one that came in pieces or compressed
    kind: int = 0  # its opcode
    pieces: tuple[tuple[int, int], ...] = ()  # (packet, bytes) of each frame
    packed: bytes = b""  # the message as it came, where it came compressed


def unmasked(data: bytes, key: bytes) -> bytes:
    """Each byte combined with a byte of the key: done twice it is undone."""
    size = len(data)
    repeated = key * (size // 4 + 1)
    return (int.from_bytes(data, "big") ^ int.from_bytes(repeated[:size], "big")).to_bytes(size, "big")


PAYLOAD = branch("websocket.payload", "Payload", "What was meant, without the mask.", R)
TEXT = Field("websocket.payload.text", "Text", Kind.TEXT, meaning="A message, or a piece of one, in UTF-8.", source=R)
PING = bytes_("websocket.payload.ping", 0, "Ping", "Comes back in the pong.", "RFC 6455 §5.5.2")
PONG = bytes_("websocket.payload.pong", 0, "Pong", "What the ping held.", "RFC 6455 §5.5.3")
CLOSE = branch("websocket.payload.close", "Close", "Why the conversation ends.", "RFC 6455 §5.5.1")
STATUS = Field(
    "websocket.payload.close.status_code", "Status", values=CLOSE_CODES, meaning="Why.", source="RFC 6455 §7.4.1"
)
REASON = Field("websocket.payload.close.reason", "Reason", Kind.TEXT, meaning="In words.", source="RFC 6455 §7.1.6")
UNKNOWN = bytes_("websocket.payload.unknown", 0, "Unknown", "Of an opcode without a meaning.", R)
MASKED = branch("websocket.masked_payload", "Masked payload", "As it is on the wire.", "RFC 6455 §5.3")
FRAGMENTS = Field(
    "websocket.fragments",
    "Put together from",
    Kind.NONE,
    derived=True,
    source="RFC 6455 §5.4",
    meaning="The frames of one message.",
)
FRAGMENT = Field("websocket.fragment", "Piece in packet", Kind.FRAME, derived=True, meaning="One frame of the message.")
FRAGMENT_COUNT = Field("websocket.fragment.count", "Pieces", derived=True, meaning="How many frames.")
WHOLE_LENGTH = Field(
    "websocket.reassembled.length", "Length of the whole", derived=True, unit="bytes", meaning="Of all frames together."
)


def _payload(
    c: Dissection, out: list[Node], data: bytes, at: int, end: int, start: int, length: int, opcode: int,
    key: bytes | None,
    fin: int, rsv: int,
) -> tuple[int, bytes]:  # fmt: skip
    s, size = c.source, min(length, end - at)
    if length > end - at:
        c.note("error", f"The frame's payload has {length} bytes, and {end - at} are left.", at * 8, size * 8)
    begin = at
    plain = data[at : at + size]
    if not size:
        return at, b""
    source, place = s, at
    if key is not None:
        out.append(Node(MASKED, s, at * 8, size * 8, None))
        plain = unmasked(plain, key)
        source, place = c.add_source("Unmasked", plain), 0
        node: Node = Marked(PAYLOAD, source, 0, size * 8, None, start, size, [])
    else:
        node = Node(PAYLOAD, s, at * 8, size * 8, None, [])
    out.append(node)
    c.cover(at)
    state = c.state if isinstance(c.state, FrameState) else None
    if state is not None and state.message is not None:
        _whole(c, out, node, state)
        if key is None and len(state.pieces) < 2:
            node.children = [_marked(child, begin) for child in node.children]
        return at, plain
    if (not fin and opcode < 8) or rsv & 4:
        return at, plain
    node.children = _inside(c, opcode, plain, source, place)
    return at, plain


def _marked(node: Node, position: int) -> Node:
    """The node where Wireshark shows what came compressed: where the payload begins."""
    return Marked(node.field, node.source, node.start, node.bits, node.value, position, node.bits >> 3, node.children)


def _inside(c: Dissection, opcode: int, plain: bytes, source: int, place: int) -> list[Node]:
    """The nodes of a payload of a kind."""
    bits = len(plain) * 8
    match opcode:
        case 1:
            return [Node(TEXT, source, place * 8, bits, plain.decode("utf-8", "replace"))]
        case 2:
            c.follow_protocol(None, source, place, place + len(plain))
            return []
        case 8:
            nodes = [Node(STATUS, source, place * 8, 16, int.from_bytes(plain[:2], "big"))] if len(plain) > 1 else []
            if len(plain) > 2:
                nodes.append(Node(REASON, source, (place + 2) * 8, bits - 16, plain[2:].decode("utf-8", "replace")))
            close: list[Node] = [Node(CLOSE, source, place * 8, bits, None, nodes)]
            return close
        case 9 | 10:
            return [Node(PING if opcode == 9 else PONG, source, place * 8, bits, plain)]
        case _:
            return [Node(UNKNOWN, source, place * 8, bits, plain)]


def _whole(c: Dissection, out: list[Node], node: Node, state: FrameState) -> None:
    """A message that came in several frames, or compressed."""
    message = state.message or b""
    source = c.add_source("WebSocket message", message)
    node.children = _inside(c, state.kind, message, source, 0)
    if len(state.pieces) < 2:
        return
    if state.packed:
        source = c.add_source("WebSocket message, compressed", state.packed)
    place, children = 0, []
    for index, size in state.pieces:
        children.append(Node(FRAGMENT, source, place * 8, size * 8, index + 1))
        place += size
    children.append(Node(FRAGMENT_COUNT, source, 0, 0, len(state.pieces)))
    children.append(Node(WHOLE_LENGTH, source, 0, 0, len(state.packed or message)))
    whole: list[Node] = children
    out.append(Node(FRAGMENTS, source, 0, len(state.packed or message) * 8, None, whole))


def _write(values: Mapping[str, Any]) -> bytes:
    plain = values.get("text", b"")
    plain = plain.encode() if isinstance(plain, str) else bytes(plain)
    key = values.get("masking_key")
    return (
        unmasked(plain, key if isinstance(key, bytes) else bytes.fromhex(str(key).replace(":", ""))) if key else plain
    )


def _info(layer: Node) -> str:
    opcode = layer.child("opcode")
    text = layer.child("websocket.payload.text") or layer.child("websocket.payload.close.reason") or ""
    marks = f"{'' if layer.child('fin') else ' (not the last piece)'}{' masked' if layer.child('mask') else ''}"
    return f"{OPCODES.get(opcode, opcode)}{marks}{': ' + text if text else ''}"


# All that follows but the mask.  Where a longer length is needed and its field is not given, the value does not fit.
_SIZE = "(after - 4 * ('masking_key' in given))"
WEBSOCKET = Protocol(
    "websocket", "WebSocket", short="WebSocket", source="RFC 6455", info=_info,
    meaning="Messages in both directions at any time, over a connection that began as HTTP.",
    items=(
        flag("websocket.fin", "Final", "The last frame of a message.", R, default=1),
        uint("websocket.rsv", 3, "Reserved", "For extensions; the first bit says compressed (RFC 7692).", R, hex=True),
        uint("websocket.opcode", 4, "Opcode", "What kind of frame.", R, values=OPCODES, default=1),
        flag("websocket.mask", "Masked", "Frames of the client must be, frames of the server must not.", R,
             auto="int('masking_key' in given)"),
        uint("websocket.payload_length", 7, "Length", "126: two more bytes say it, 127: eight.", R, key="short_length",
             auto=_SIZE + " + (128 if " + _SIZE + " > 125 else 0)"),
        Let("length", "short_length"),
        When("short_length == 126", (
            uint("websocket.payload_length_ext_16", 16, "Length (16 bits)",
                "The length, when it does not fit into seven bits.", R, key="length_16", auto=_SIZE),
            Let("length", "length_16"),
        )),
        When("short_length == 127", (
            uint("websocket.payload_length_ext_64", 64, "Length (64 bits)",
                "The length, when it does not fit into 16 bits.", R, key="length_63", auto=_SIZE),
            Let("length", "length_63"),
        )),
        When("mask", (bytes_("websocket.masking_key", 4, "Mask",
            "Four random bytes, so that no proxy can be fooled by the content. It hides nothing.", "RFC 6455 §5.3"),)),
        Check("opcode < 8 or short_length < 126", "A control frame with more than 125 bytes (RFC 6455 §5.5).",
            "short_length"),
        Check("opcode < 8 or fin", "A control frame in pieces (RFC 6455 §5.5).", "fin"),
        Call(_payload, ("start", "length", "opcode", "masking_key", "fin", "rsv"), _write,
             (PAYLOAD, TEXT, PING, PONG, CLOSE, STATUS, REASON, UNKNOWN, MASKED), "text"),
    ),
    extra=(FRAGMENTS, FRAGMENT, FRAGMENT_COUNT, WHOLE_LENGTH),
)  # fmt: skip

PROTOCOLS = (WEBSOCKET,)
