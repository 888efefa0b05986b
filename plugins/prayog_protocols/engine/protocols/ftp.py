"""The File Transfer Protocol (RFC 959): the control connection, and data connections agreed on there."""

from __future__ import annotations

import re
from typing import Any

from prayog_protocols.engine.dissection import Dissection
from prayog_protocols.engine.protocols import mail_words as words
from prayog_protocols.engine.protocols.lines import line_at, text_node
from prayog_protocols.engine.protocols.mail import written
from prayog_protocols.engine.spec import Call, Field, Kind, Protocol, branch, bytes_
from prayog_protocols.engine.tree import Node

__all__ = ["data_port"]

R = "RFC 959"


def _text(name: str, label: str, meaning: str = "", source: str = R, kind: Kind = Kind.TEXT, **more: Any) -> Field:
    return Field(f"ftp.{name}", label, kind, meaning=meaning, source=source, **more)


IS_REQUEST = _text("request", "A command", "The line is a command.", kind=Kind.BOOL, derived=True)
IS_RESPONSE = _text("response", "A reply", "The line is a reply.", kind=Kind.BOOL, derived=True)
LINE = branch("", "Line", "One line.", R)
COMMAND = _text("request.command", "Command", "What the client wants.", f"{R} §4.1", values=words.FTP_COMMANDS)
ARGUMENT = _text("request.arg", "Argument", "With what.", f"{R} §4.1", key="request_arg")
CODE = _text("response.code", "Code", "First digit: 1 begun, 2 done, 3 go on, 4 try later, 5 no.", f"{R} §4.2",
    Kind.UINT,
             values=words.FTP_REPLIES)  # fmt: skip
TEXT = _text("response.arg", "Text", "For people, except with 227 and 229.", f"{R} §4.2", key="response_arg")
PASSIVE_IP = _text("passive.ip", "Passive address", "Connect to this address for data.", f"{R} §4.1.2", Kind.IPV4)
PASSIVE_PORT = _text(
    "passive.port", "Passive port", "Two numbers: 256 × the first + the second.", f"{R} §4.1.2", Kind.UINT
)
ACTIVE_IP = _text(
    "active.cip", "Active address", "The server connects to this address for data.", f"{R} §4.1.2", Kind.IPV4
)
ACTIVE_PORT = _text(
    "active.port", "Active port", "Two numbers: 256 × the first + the second.", f"{R} §4.1.2", Kind.UINT
)
EPSV_IP = _text("epsv.ip", "Extended passive address", "The server's own.", "RFC 2428 §3", Kind.IPV4, derived=True)
EPSV_PORT = _text("epsv.port", "Extended passive port", "Connect to this port for data.", "RFC 2428 §3", Kind.UINT)
EPRT_FAMILY = _text(
    "eprt.af", "Address family", "1 IPv4, 2 IPv6.", "RFC 2428 §2", Kind.UINT, values={1: "IPv4", 2: "IPv6"}
)
EPRT_IP = _text("eprt.ip", "Extended active address", "The server connects to this address.", "RFC 2428 §2", Kind.IPV4)
EPRT_PORT = _text("eprt.port", "Extended active port", "The server connects to this port.", "RFC 2428 §2", Kind.UINT)
_SIX = re.compile(rb"(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3})")
_EPSV = re.compile(rb"\(([!-~])\1\1(\d{1,5})\1\)")
_EPRT = re.compile(rb"([!-~])([12])\1([0-9A-Fa-f.:]+)\1(\d{1,5})\1")


def data_port(line: bytes) -> int | None:
    """The port on which a line says that data will be transferred."""
    word = line[:4].upper()
    if word in (b"227 ", b"PORT"):
        found = _SIX.search(line)
        if found and all(int(part) < 256 for part in found.groups()):
            return int(found[5]) * 256 + int(found[6])
    elif word == b"229 ":
        found = _EPSV.search(line)
        return int(found[2]) if found and int(found[2]) < 65536 else None
    elif word == b"EPRT":
        found = _EPRT.search(line)
        return int(found[4]) if found and int(found[4]) < 65536 else None
    return None


def _read(c: Dissection, out: list[Node], data: bytes, at: int, end: int) -> tuple[int, Any]:
    s, start = c.source, at
    reply = (
        c.state == "reply" if c.state in ("reply", "command") else bool(re.match(rb"\d{3}|  ?\S", data[at : at + 4]))
    )
    out.append(Node(IS_REQUEST, s, at * 8, 0, int(not reply)))
    out.append(Node(IS_RESPONSE, s, at * 8, 0, int(reply)))
    told: list[str] = []
    while at < end:
        stop, after = line_at(data, at, end)
        node = Node(LINE, s, at * 8, (after - at) * 8, None, [])
        out.append(node)
        if reply:
            node.children = _reply(c, s, data, at, stop, start)
        else:
            space = data.find(b" ", at, stop)
            word = stop if space < 0 else space
            node.children = [text_node(COMMAND, s, data, at, word)] if word > at else []
            while 0 <= space < stop and data[space] == 32:
                space += 1
            if 0 <= space < stop:
                node.children.append(text_node(ARGUMENT, s, data, space, stop))
                node.children += _active(s, data, at, stop)
        told.append(data[at:stop].decode("utf-8", "surrogateescape"))
        at = after
    return end, told


def _reply(c: Dissection, s: int, data: bytes, at: int, stop: int, start: int) -> list[Node]:
    if stop < at + 3 or not data[at : at + 3].isdigit() or data[at + 3 : stop][:1] not in (b" ", b"-", b""):
        return [text_node(TEXT, s, data, at, stop)] if stop > at else []
    code = int(data[at : at + 3])
    nodes = [text_node(CODE, s, data, at, at + 3, code)]
    if stop > at + 4:
        nodes.append(text_node(TEXT, s, data, at + 4, stop))
    if code == 227:
        nodes += _six(s, data, at, stop, PASSIVE_IP, PASSIVE_PORT)
    elif code == 229:
        found = _EPSV.search(data, at, stop)
        if found:
            if len(c.outer.get("src", b"")) == 4:
                nodes.append(Node(EPSV_IP, s, start * 8, 0, int.from_bytes(c.outer["src"], "big")))
            nodes.append(text_node(EPSV_PORT, s, data, found.start(2), found.end(2), int(found[2])))
    return nodes


def _active(s: int, data: bytes, at: int, stop: int) -> list[Node]:
    word = data[at : at + 4].upper()
    if word == b"PORT":
        return _six(s, data, at, stop, ACTIVE_IP, ACTIVE_PORT)
    found = _EPRT.search(data, at, stop) if word == b"EPRT" else None
    if not found:
        return []
    nodes = [text_node(EPRT_FAMILY, s, data, found.start(2), found.end(2), int(found[2]))]
    parts = found[3].split(b".")
    if len(parts) == 4 and all(part.isdigit() and int(part) < 256 for part in parts):
        nodes.append(
            text_node(EPRT_IP, s, data, found.start(3), found.end(3), int.from_bytes(bytes(map(int, parts)), "big"))
        )
    nodes.append(text_node(EPRT_PORT, s, data, found.start(4), found.end(4), int(found[4])))
    return nodes


def _six(s: int, data: bytes, at: int, stop: int, ip: Field, port: Field) -> list[Node]:
    found = _SIX.search(data, at, stop)
    if not found or any(int(part) > 255 for part in found.groups()):
        return []
    address = int.from_bytes(bytes(int(part) for part in found.groups()[:4]), "big")
    return [
        text_node(ip, s, data, found.start(1), found.end(4), address),
        text_node(port, s, data, found.start(5), found.end(6), int(found[5]) * 256 + int(found[6])),
    ]


def _info(layer: Node) -> str:
    return " ".join(str(child.value) for node in layer.children for child in node.children[:2])[:200]


FTP = Protocol(
    "ftp", "File Transfer Protocol", short="FTP", source=R, info=_info,
    meaning="Commands and replies go over this connection; each file and each listing goes over a connection of its "
            "own.",
    entries={"tcp.port": (21,)},
    items=(Call(_read, (), written,
        (IS_REQUEST, IS_RESPONSE, LINE, COMMAND, ARGUMENT, CODE, TEXT, PASSIVE_IP, PASSIVE_PORT,
                                     ACTIVE_IP, ACTIVE_PORT, EPSV_IP, EPSV_PORT, EPRT_FAMILY, EPRT_IP, EPRT_PORT),
                                     "lines"),),
)  # fmt: skip
FTP_DATA = Protocol(
    "ftp-data", "FTP data", short="FTP-DATA", source=f"{R} §3",
    info=lambda layer: f"{layer.bits // 8:,} bytes of a file or listing",
    meaning="A file or a listing, on a connection that the control connection agreed on.",
    entries={"tcp.port": (20,)},
    items=(bytes_("", "rest", "Data", "Part of the file or listing.", f"{R} §3", key="transferred"),),
)  # fmt: skip

PROTOCOLS = (FTP, FTP_DATA)
