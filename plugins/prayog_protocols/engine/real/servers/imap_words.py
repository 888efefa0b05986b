"""The grammar of IMAP as far as the server needs it: words, sets of numbers, what to fetch, what to search for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from prayog_protocols.engine.real.servers.mailboxes import Message

__all__ = ["Word", "chosen", "fetched", "searched", "words"]

_SECTION = re.compile(r"(BODY(?:\.PEEK)?)\[([^\]]*)\](?:<(\d+)\.(\d+)>)?")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


@dataclass(frozen=True, slots=True)
class Word:
    """One argument: an atom, a quoted string, a literal, or a list in brackets as it was written."""

    data: bytes

    def __str__(self) -> str:
        return self.data.decode("utf-8", "replace")


def words(line: bytes) -> list[Word]:
    """The arguments of a command.  Raises `ValueError` where quotes or brackets are left open."""
    found: list[Word] = []
    at = 0
    while at < len(line):
        if line[at : at + 1] == b" ":
            at += 1
        elif line[at : at + 1] == b'"':
            text, at = _quoted(line, at)
            found.append(Word(text))
        elif line[at : at + 1] == b"{" and (literal := re.match(rb"\{(\d+)\}\r\n", line[at:])):
            at += literal.end()
            found.append(Word(line[at : at + int(literal[1])]))
            at += int(literal[1])
        else:
            begin, depth = at, 0
            while at < len(line) and (depth or line[at : at + 1] != b" "):
                depth += {b"(": 1, b"[": 1, b")": -1, b"]": -1}.get(line[at : at + 1], 0)
                at += 1
            if depth > 0:
                raise ValueError("a bracket is left open")
            found.append(Word(line[begin:at]))
    return found


def _quoted(line: bytes, at: int) -> tuple[bytes, int]:
    text = b""
    at += 1
    while at < len(line) and line[at : at + 1] != b'"':
        at += line[at : at + 1] == b"\\"
        text += line[at : at + 1]
        at += 1
    if at >= len(line):
        raise ValueError("a quote is left open")
    return text, at + 1


def chosen(asked: str, numbered: list[tuple[int, Message]], by_uid: bool) -> list[tuple[int, Message]]:
    """The messages of a set such as ``1,3:5,7:*`` (RFC 9051 §9, sequence-set).  Raises `ValueError`."""
    highest = max((one.uid if by_uid else n for n, one in numbered), default=0)
    wanted: list[tuple[int, int]] = []
    for part in asked.split(","):
        ends = [highest if end == "*" else int(end) for end in part.split(":")]
        wanted.append((min(ends), max(ends)))
    return [
        (n, one) for n, one in numbered if any(low <= (one.uid if by_uid else n) <= high for low, high in wanted)
    ]  # fmt: skip


def fetched(message: Message, asked: str, by_uid: bool) -> tuple[bytes, bool]:
    """What FETCH answers about a message, and whether that means that it was read."""
    items = asked.strip().removeprefix("(").removesuffix(")").upper()
    items = {"FAST": "FLAGS INTERNALDATE RFC822.SIZE", "ALL": "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE"}.get(
        items, items
    )
    parts: list[bytes] = [b"UID %d" % message.uid] if by_uid and "UID" not in re.findall(r"[A-Z0-9.]+", items) else []
    reads = False
    header, _, body = message.data.partition(b"\r\n\r\n")
    for word in re.findall(r"BODY(?:\.PEEK)?\[[^\]]*\](?:<\d+\.\d+>)?|[A-Z0-9.]+", items):
        section = _SECTION.fullmatch(word)
        if section:
            reads = reads or section[1] == "BODY"
            parts.append(_section(section, header + b"\r\n\r\n", body))
        elif word == "FLAGS":
            parts.append(b"FLAGS (%s)" % " ".join(sorted(message.flags)).encode())
        elif word == "UID":
            parts.append(b"UID %d" % message.uid)
        elif word == "RFC822.SIZE":
            parts.append(b"RFC822.SIZE %d" % len(message.data))
        elif word == "INTERNALDATE":
            parts.append(b'INTERNALDATE "01-%s-2026 10:00:00 +0530"' % _MONTHS[5].encode())
        elif word == "RFC822":
            reads = True
            parts.append(b"RFC822 {%d}\r\n%s" % (len(message.data), message.data))
        elif word == "ENVELOPE":
            parts.append(b"ENVELOPE (%s)" % _envelope(header))
        else:
            raise ValueError(word)
    return b" ".join(parts), reads


def _section(section: re.Match[str], header: bytes, body: bytes) -> bytes:
    what = section[2]
    fields = re.fullmatch(r"HEADER\.FIELDS \(([^)]*)\)", what)
    if fields:
        names = tuple(f"{name}:".encode() for name in fields[1].lower().split())
        lines = [line for line in header.split(b"\r\n") if line.lower().startswith(names)]
        data = b"\r\n".join([*lines, b"", b""])
    elif what in ("", "HEADER", "TEXT", "1"):
        data = {"": header + body, "HEADER": header, "TEXT": body, "1": body}[what]
    else:
        raise ValueError(what)
    if section[3] is None:
        return b"BODY[%s] {%d}\r\n%s" % (what.encode(), len(data), data)
    begin = int(section[3])
    data = data[begin : begin + int(section[4])]
    return b"BODY[%s]<%d> {%d}\r\n%s" % (what.encode(), begin, len(data), data)


def _envelope(header: bytes) -> bytes:
    """Date, subject, from, sender, reply-to, to, cc, bcc, in-reply-to, message-id (RFC 9051 §7.5.2)."""
    known = {}
    for line in header.split(b"\r\n"):
        name, _, value = line.partition(b": ")
        known[name.lower()] = value

    def text(name: bytes) -> bytes:
        return b'"%s"' % known[name].replace(b'"', b'\\"') if name in known else b"NIL"

    def address(name: bytes) -> bytes:
        box, at, host = known.get(name, b"").partition(b"@")
        return b'((NIL NIL "%s" "%s"))' % (box, host) if at else b"NIL"

    sender = address(b"from")
    parts = [
        text(b"date"),
        text(b"subject"),
        sender,
        sender,
        sender,
        address(b"to"),
        b"NIL",
        b"NIL",
        b"NIL",
        text(b"message-id"),
    ]
    return b" ".join(parts)


_FLAGS = {
    "SEEN": ("\\Seen", True), "UNSEEN": ("\\Seen", False),
    "DELETED": ("\\Deleted", True), "UNDELETED": ("\\Deleted", False),
    "FLAGGED": ("\\Flagged", True), "UNFLAGGED": ("\\Flagged", False), "ANSWERED": ("\\Answered", True),
}  # fmt: skip


def searched(asked: list[str], numbered: list[tuple[int, Message]]) -> list[tuple[int, Message]]:
    """The messages that fit all keys.  Raises `ValueError` for a key that is not known."""
    found = list(numbered)
    given = iter(asked)
    for word in given:
        key = word.upper()
        if key in _FLAGS:
            flag, wanted = _FLAGS[key]
            found = [one for one in found if (flag in one[1].flags) == wanted]
        elif key in ("FROM", "TO", "SUBJECT"):
            text, name = next(given, "").lower(), key.lower() + ":"
            found = [one for one in found if any(line.lower().startswith(name) and text in line.lower()
                                                 for line in _header(one[1]))]  # fmt: skip
        elif key in ("TEXT", "BODY"):
            text = next(given, "").lower()
            found = [one for one in found if text.encode() in one[1].data.lower()]
        elif key == "CHARSET":
            next(given, "")
        elif key != "ALL":
            found = chosen(word, found, False)
    return found


def _header(message: Message) -> list[str]:
    return message.data.partition(b"\r\n\r\n")[0].decode("utf-8", "replace").split("\r\n")
