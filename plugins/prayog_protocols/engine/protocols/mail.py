"""The text protocols of mail: SMTP (RFC 5321), POP3 (RFC 1939) and IMAP (RFC 3501, 9051), and the message (RFC 5322).

What a line is, the talk knows (`talks.lines`): after DATA a line is part of a message, after AUTH a password.  A line
on its own is taken for a reply when it begins like one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from prayog_protocols.engine.dissection import Dissection
from prayog_protocols.engine.protocols import mail_words as words
from prayog_protocols.engine.protocols.lines import line_at, text_node
from prayog_protocols.engine.spec import Call, Field, Kind, Protocol, branch
from prayog_protocols.engine.tree import Marked, Node

__all__ = ["Line", "written"]

Line = tuple[str, int, int]  # kind, first byte and length within the unit
R5321, R1939, R3501 = "RFC 5321", "RFC 1939", "RFC 3501"


def _text(name: str, label: str, meaning: str = "", source: str = "", kind: Kind = Kind.TEXT, **more: Any) -> Field:
    return Field(name, label, kind, meaning=meaning, source=source, **more)


def written(values: Mapping[str, Any]) -> bytes:
    """Lines as they go over the wire; "lines" is a list of texts."""
    return b"".join(f"{line}\r\n".encode("utf-8", "surrogateescape") for line in values.get("lines", ()))


def _lines(c: Dissection, data: bytes, at: int, end: int, reply: re.Pattern[bytes]) -> list[Line]:
    """What the talk says about the lines, or a guess."""
    if isinstance(c.state, list):
        return c.state
    found: list[Line] = []
    place = at
    while place < end:
        _, after = line_at(data, place, end)
        kind = "reply" if reply.match(data[place:after]) else "command"
        found.append((kind, place - at, after - place))
        place = after
    return found


# ── SMTP ────────────────────────────────────────────────────────────────────────────────────────────────────────

REQ = _text("smtp.req", "A command", "The line is a command.", kind=Kind.BOOL, derived=True)
RSP = _text("smtp.rsp", "A reply", "The line is a reply.", kind=Kind.BOOL, derived=True)
COMMAND_LINE = _text("smtp.command_line", "Command line", "One line of the client.", f"{R5321} §4.1")
COMMAND = _text("smtp.req.command", "Command", "What the client wants.", f"{R5321} §4.1.1", values=words.SMTP_COMMANDS)
PARAMETER = _text("smtp.req.parameter", "Parameter", "With what.", f"{R5321} §4.1.1")
RESPONSE = _text("smtp.response", "Reply", "One line of the server.", f"{R5321} §4.2")
CODE = _text("smtp.response.code", "Code", "First digit: 2 done, 3 go on, 4 try later, 5 no.", f"{R5321} §4.2.1",
    Kind.UINT,
             values=words.SMTP_REPLIES)  # fmt: skip
REPLY_TEXT = _text("smtp.rsp.parameter", "Text", "For people.", f"{R5321} §4.2")
USERNAME = _text("smtp.auth.username", "User name", "In base64: no secret.", "RFC 4954")
PASSWORD = _text("smtp.auth.password", "Password", "In base64: no secret.", "RFC 4954")
BOTH = _text("smtp.auth.username_password", "Name and password", "In base64: no secret.", "RFC 4616")
MESSAGE = _text("smtp.message", "Message", "Lines of the mail itself. A line that begins with a dot gets another one.",
                f"{R5321} §4.5.2")  # fmt: skip
EOM = _text("smtp.eom", "End of message", "A dot alone on a line.", f"{R5321} §4.1.1.4", Kind.NONE)
_SMTP_REPLY = re.compile(rb"\d{3}[ -]|\d{3}\r?\n")


def _smtp(c: Dissection, out: list[Node], data: bytes, at: int, end: int) -> tuple[int, Any]:
    s, lines = c.source, _lines(c, data, at, end, _SMTP_REPLY)
    if lines and lines[0][0] == "reply":
        out.append(Node(RSP, s, at * 8, 0, 1))
    elif lines and lines[0][0] in ("command", "username", "password", "both"):
        out.append(Node(REQ, s, at * 8, 0, 1))
    for kind, first, size in lines:
        begin, after = at + first, at + first + size
        stop, _ = line_at(data, begin, after)
        match kind:
            case "reply":
                node = text_node(RESPONSE, s, data, begin, after)
                out.append(node)
                node.children = _reply(s, data, begin, stop, CODE, REPLY_TEXT)
            case "command":
                node = text_node(COMMAND_LINE, s, data, begin, after)
                out.append(node)
                node.children = _command(s, data, begin, stop, COMMAND, PARAMETER)
            case "username" | "password" | "both":
                field = {"username": USERNAME, "password": PASSWORD, "both": BOTH}[kind]
                out.append(text_node(field, s, data, begin, stop))
            case "eom":
                out.append(Marked(EOM, s, begin * 8, size * 8, None, at, 1))
            case _:
                out.append(text_node(MESSAGE, s, data, begin, after))
    return end, _told(data, at, lines)


def _told(data: bytes, at: int, lines: list[Line]) -> list[str]:
    told = []
    for _, first, size in lines:
        piece = data[at + first : at + first + size].decode("utf-8", "surrogateescape")
        told += [line.removesuffix("\r") for line in piece.removesuffix("\n").split("\n")]
    return told


def _reply(s: int, data: bytes, at: int, stop: int, code: Field, text: Field) -> list[Node]:
    nodes: list[Node] = []
    if stop >= at + 3 and data[at : at + 3].isdigit():
        nodes.append(text_node(code, s, data, at, at + 3, int(data[at : at + 3])))
        if stop > at + 4:
            nodes.append(text_node(text, s, data, at + 4, stop))
    return nodes


def _command(s: int, data: bytes, at: int, stop: int, command: Field, parameter: Field) -> list[Node]:
    space = data.find(b" ", at, stop)
    if space < 0:
        return [text_node(command, s, data, at, stop)] if stop > at else []
    nodes = [text_node(command, s, data, at, space)]
    first = space
    while first < stop and data[first] == 32:
        first += 1
    if first < stop:
        nodes.append(text_node(parameter, s, data, first, stop))
    return nodes


def _line_info(layer: Node) -> str:
    for node in layer.children:
        if isinstance(node.value, str) and node.bits:
            return node.value.strip()[:200]
        if node.children and node.bits and node.children[0].bits:
            return " ".join(str(child.value) for child in node.children)[:200]
    return ""


SMTP = Protocol(
    "smtp", "Simple Mail Transfer Protocol", short="SMTP", source=R5321, info=_line_info,
    meaning="Hands a mail to the next server. The client says who sends and who receives (the envelope), then the "
            "message.",
    entries={"tcp.port": (25, 587)},
    items=(Call(_smtp, (), written,
        (REQ, RSP, COMMAND_LINE, COMMAND, PARAMETER, RESPONSE, CODE, REPLY_TEXT, USERNAME, PASSWORD,
                                     BOTH, MESSAGE, EOM), "lines"),),
)  # fmt: skip

# ── POP3 ────────────────────────────────────────────────────────────────────────────────────────────────────────

POP_REQUEST = _text("pop.request", "Command", "One line of the client.", f"{R1939} §3", Kind.NONE)
POP_COMMAND = _text(
    "pop.request.command", "Command", "What the client wants.", f"{R1939} §3", values=words.POP_COMMANDS
)
POP_PARAMETER = _text("pop.request.parameter", "Parameter", "With what.", f"{R1939} §3")
POP_RESPONSE = _text("pop.response", "Reply", "One line of the server.", f"{R1939} §3", Kind.NONE)
POP_INDICATOR = _text("pop.response.indicator", "Result", "+OK or -ERR; there are no numbers.", f"{R1939} §3")
POP_TEXT = _text("pop.response.description", "Text", "For people, or with numbers for programs.", f"{R1939} §3")
POP_DATA = _text(
    "pop.response.data", "Data", "A line of a longer answer, which ends with a dot alone.", f"{R1939} §3", Kind.NONE
)
_POP_REPLY = re.compile(rb"\+OK|-ERR|\+ ")


def _pop(c: Dissection, out: list[Node], data: bytes, at: int, end: int) -> tuple[int, Any]:
    s, lines = c.source, _lines(c, data, at, end, _POP_REPLY)
    for kind, first, size in lines:
        begin, after = at + first, at + first + size
        stop, _ = line_at(data, begin, after)
        if kind == "data":
            while begin < after:
                _, following = line_at(data, begin, after)
                out.append(Node(POP_DATA, s, begin * 8, (following - begin) * 8, None))
                begin = following
            continue
        reply = kind == "reply"
        node = Node(POP_RESPONSE if reply else POP_REQUEST, s, begin * 8, size * 8, None, [])
        out.append(node)
        node.children = _command(s, data, begin, stop, POP_INDICATOR if reply else POP_COMMAND,
                                 POP_TEXT if reply else POP_PARAMETER)  # fmt: skip
    return end, _told(data, at, lines)


POP = Protocol(
    "pop", "Post Office Protocol", short="POP", source=R1939, info=_line_info,
    meaning="Fetches mail from a mailbox: whole messages, one list, no folders.",
    entries={"tcp.port": (110,)},
    items=(Call(_pop, (), written,
        (POP_REQUEST, POP_COMMAND, POP_PARAMETER, POP_RESPONSE, POP_INDICATOR, POP_TEXT, POP_DATA),
                "lines"),),
)  # fmt: skip

# ── IMAP ────────────────────────────────────────────────────────────────────────────────────────────────────────

IS_REQUEST = _text("imap.isrequest", "A command", "It comes from the client.", kind=Kind.BOOL, derived=True)
IMAP_LINE = _text("imap.line", "Line", "One line.", f"{R3501} §2.2")
IMAP_REQUEST = _text("imap.request", "Command", "A tag, a command, what it needs.", f"{R3501} §2.2.1")
REQUEST_TAG = _text("imap.request_tag", "Tag", "Made by the client; the answer carries it, too.", f"{R3501} §2.2.1",
                    aliases=("imap.tag",))  # fmt: skip
IMAP_COMMAND = _text("imap.request.command", "Command", "What the client wants.", f"{R3501} §6",
    values=words.IMAP_COMMANDS,
                     aliases=("imap.command",))  # fmt: skip
IMAP_UID = _text("imap.request.command.uid", "By UID", "The numbers are those that a message keeps for ever.",
                 f"{R3501} §6.4.8", Kind.BOOL)  # fmt: skip
IMAP_USER = _text("imap.request.username", "User name", "Readable by all.", f"{R3501} §6.2.3")
IMAP_FOLDER = _text("imap.request.folder", "Mailbox", "Which one.", f"{R3501} §6.3.1")
IMAP_RESPONSE = _text("imap.response", "Answer", "The end of what a command asked for.", f"{R3501} §2.2.2")
RESPONSE_TAG = _text(
    "imap.response_tag", "Tag", "Of the command that is answered.", f"{R3501} §2.2.2", aliases=("imap.tag",)
)
IMAP_STATUS = _text("imap.response.status", "Result", "OK, NO or BAD.", f"{R3501} §7.1")
RESPONSE_COMMAND = _text("imap.response.command", "Text", "The first word after it.", f"{R3501} §7.1",
                         aliases=("imap.command",))  # fmt: skip
IMAP_TO = _text("imap.response_to", "Answers packet", "The command with the same tag.", kind=Kind.FRAME, derived=True)
IMAP_TIME = _text(
    "imap.time", "Time to answer", "From the command to this response.", kind=Kind.DURATION, derived=True, unit="s"
)
_IMAP_REPLY = re.compile(rb"\* |\+ |\S+ (?:OK|NO|BAD|BYE|PREAUTH)\b")


def _imap(c: Dissection, out: list[Node], data: bytes, at: int, end: int) -> tuple[int, Any]:
    s = c.source
    if isinstance(c.state, tuple):
        lines, asked, request = c.state
    else:
        lines, asked = _lines(c, data, at, end, _IMAP_REPLY), {}
        request = bool(lines) and lines[0][0] == "command"
    out.append(Node(IS_REQUEST, s, at * 8, 0, int(request)))
    for kind, first, size in lines:
        begin, after = at + first, at + first + size
        stop, _ = line_at(data, begin, after)
        node = text_node(IMAP_LINE, s, data, begin, after)
        out.append(node)
        if kind == "command":
            node.children = _imap_command(s, data, begin, stop)
        elif kind == "answer":
            node.children = _imap_answer(s, data, begin, stop)
            tag = data[begin:stop].split(b" ")[0]
            if tag in asked:
                node.children.append(Node(IMAP_TO, s, begin * 8, 0, asked[tag] + 1))
                clock = c.context.moment_of(asked[tag]), c.context.moment()
                if clock[0] is not None and clock[1] is not None:
                    node.children.append(Node(IMAP_TIME, s, begin * 8, 0, clock[1] - clock[0]))
    return end, _told(data, at, lines)


def _imap_command(s: int, data: bytes, at: int, stop: int) -> list[Node]:
    nodes = [text_node(IMAP_REQUEST, s, data, at, stop)]
    tokens = [(found.start() + at, found.end() + at) for found in re.finditer(rb"\S+", data[at:stop])]
    if tokens:
        nodes.append(text_node(REQUEST_TAG, s, data, *tokens[0]))
    if len(tokens) > 1:
        nodes.append(text_node(IMAP_COMMAND, s, data, *tokens[1]))
        word = data[tokens[1][0] : tokens[1][1]].upper()
        if word == b"UID":
            if len(tokens) > 2:
                nodes[-1] = text_node(IMAP_COMMAND, s, data, *tokens[2])
            nodes.append(text_node(IMAP_UID, s, data, *tokens[1], 1))
        if word == b"LOGIN" and len(tokens) > 2:
            nodes.append(text_node(IMAP_USER, s, data, *tokens[2]))
        elif word in (b"SELECT", b"EXAMINE", b"CREATE", b"DELETE", b"SUBSCRIBE", b"STATUS") and len(tokens) > 2:
            nodes.append(text_node(IMAP_FOLDER, s, data, *tokens[2]))
    return nodes


def _imap_answer(s: int, data: bytes, at: int, stop: int) -> list[Node]:
    nodes = [text_node(IMAP_RESPONSE, s, data, at, stop)]
    tokens = [(found.start() + at, found.end() + at) for found in re.finditer(rb"\S+", data[at:stop])]
    for field, token in zip((RESPONSE_TAG, IMAP_STATUS, RESPONSE_COMMAND), tokens, strict=False):
        nodes.append(text_node(field, s, data, *token))
    return nodes


IMAP = Protocol(
    "imap", "Internet Message Access Protocol", short="IMAP", source="RFC 3501, RFC 9051", info=_line_info,
    meaning="Works with mail that stays on the server: folders, flags, parts of messages, several programs at once.",
    entries={"tcp.port": (143,)},
    items=(Call(_imap, (), written,
        (IS_REQUEST, IMAP_LINE, IMAP_REQUEST, REQUEST_TAG, IMAP_COMMAND, IMAP_UID, IMAP_USER, IMAP_FOLDER,
                                     IMAP_RESPONSE, RESPONSE_TAG, IMAP_STATUS, RESPONSE_COMMAND, IMAP_TO, IMAP_TIME),
                                     "lines"),),
)  # fmt: skip

# ── the message ─────────────────────────────────────────────────────────────────────────────────────────────────

_IMF_NAMES = (
    "date", "from", "sender", "reply_to", "to", "cc", "bcc", "message_id", "in_reply_to", "references", "subject",
    "comments", "received", "return_path", "mime_version", "content_id", "content_type", "content_transfer_encoding",
    "delivered_to",
)  # fmt: skip
_FIELD_NAMES = {"content_type": "imf.content.type", "content_transfer_encoding": "imf.content.transfer_encoding",
                "content_id": "imf.content.id"}  # fmt: skip
_IMF = {name.replace("_", "-"): _text(_FIELD_NAMES.get(name, f"imf.{name}"), name.replace("_", " ").capitalize(),
                                      "A header of the message.", "RFC 5322 §3.6",
                                      key=f"imf_{name}") for name in _IMF_NAMES}  # fmt: skip
OTHER_HEADER = branch("", "Header", "A header of the message.", "RFC 5322 §3.6.8")
BODY = _text("imf.message_text", "Text", "After the first empty line.", "RFC 5322 §2.3", Kind.NONE)
BODY_LINES = _text("", "Lines", "The message itself.", "RFC 5322 §2.3", key="body_lines")


def _imf(c: Dissection, out: list[Node], data: bytes, at: int, end: int) -> int:
    s = c.source
    while at < end:
        stop, after = line_at(data, at, end)
        if stop == at:
            at = after
            break
        while after < end and data[after] in b" \t":
            stop, after = line_at(data, after, end)
        colon = data.find(b":", at, stop)
        if colon < 0:  # no header: the message has none, or they end without an empty line
            break
        field = _IMF.get(data[at:colon].decode("latin-1").strip().lower()) if colon > 0 else None
        if field is None:
            out.append(Node(OTHER_HEADER, s, at * 8, (after - at) * 8, None))
        else:
            first = colon + 1
            while first < stop and data[first] in b" \t":
                first += 1
            out.append(text_node(field, s, data, first, stop))
        at = after
    if at < end:
        node = Node(BODY, s, at * 8, (end - at) * 8, None, [])
        node.children = [text_node(BODY_LINES, s, data, at, end)]
        out.append(node)
    return end


IMF = Protocol(
    "imf", "Internet Message Format", short="Mail", source="RFC 5322",
    meaning="The mail itself: headers, an empty line, text. Its From and To need not be those of the envelope.",
    items=(Call(_imf, (), lambda values: bytes(values.get("message", b"")),
        (*_IMF.values(), OTHER_HEADER, BODY, BODY_LINES)),),
)  # fmt: skip

PROTOCOLS = (SMTP, POP, IMAP, IMF)
