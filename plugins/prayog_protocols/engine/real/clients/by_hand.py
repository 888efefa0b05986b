"""What the learner says by hand: a request, a command, a line on a connection that stays open, or bytes as they are."""

from __future__ import annotations

import ftplib
import socket
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote

from prayog_protocols.engine.conversations import SERVERS

QUIET_S = 0.12
"""An answer is over when nothing more came for so long."""
PATIENCE_S = 0.6
"""Nothing is going to come when nothing came for so long."""
_MOST = 1 << 20
_PATH = "/?&=%:+,;@~!$'()*-._"


def heard(line: socket.socket) -> tuple[bytes, bool]:
    """What comes until it is quiet, and whether the other side closed."""
    data = b""
    line.settimeout(PATIENCE_S)
    try:
        while len(data) < _MOST:
            piece = line.recv(65536)
            if not piece:
                return data, True
            data += piece
            line.settimeout(QUIET_S)
    except TimeoutError:
        return data, False
    except ConnectionError:
        return data, True
    return data, False


def tell(lab: Any, server: str, data: bytes, closed: bool, which: str = "") -> None:
    text = data.decode("utf-8", "replace")
    words = f"{len(data)} bytes came back" if data else "Nothing came back"
    words += ", and the server closed the connection." if closed else "."
    if which:
        words = f"To the packet {which}: {words[0].lower()}{words[1:]}"
    said = {"which": which} if which else {}
    lab.tell("said back", server=server, hex=data.hex(), text=text, closed=closed, **said, sentence=words)


def request(lab: Any, lines: dict[str, socket.socket], method: str, path: str, body: str, header: str) -> None:
    fields = dict(part.strip().split(": ", 1) for part in header.split(";") if ": " in part)
    shop = HTTPConnection("127.0.0.1", lab.port("http"), timeout=5)
    values = {name: one.encode() for name, one in fields.items()}
    shop.request(method, quote(path, _PATH), body.encode() or None, values)
    answer = shop.getresponse()
    data = answer.read()
    shop.close()
    given = [f"{name}: {value}" for name, value in answer.getheaders()]
    lab.tell("answer", method=method, path=path, status=answer.status, reason=answer.reason, bytes=len(data),
             text=data[:2000].decode("utf-8", "replace"), header=given)  # fmt: skip


def command(lab: Any, lines: dict[str, socket.socket], line: str) -> None:
    server = ftplib.FTP(timeout=5)
    server.connect("127.0.0.1", lab.port("ftp"))
    server.login("asha", "chai")
    listed: list[str] = []
    try:
        word = line.split(maxsplit=1)[0].upper() if line.split() else ""
        answer = server.retrlines(line, listed.append) if word in ("LIST", "NLST", "RETR") else server.sendcmd(line)
    except ftplib.Error as error:
        answer = str(error)
    lab.tell(
        "reply", command=line, code=int(answer[:3]) if answer[:3].isdigit() else 0, text="\n".join([answer, *listed])
    )
    server.close()


def say(lab: Any, lines: dict[str, socket.socket], server: str, line: str) -> None:
    if server not in lines:
        lines[server] = socket.create_connection(("127.0.0.1", lab.port(server)), 5)
        if SERVERS[server].speaks in ("smtp", "ftp", "pop", "imap"):
            greeting, closed = heard(lines[server])
            tell(lab, server, greeting, closed)
    try:
        lines[server].sendall(line.replace("\\r", "\r").replace("\\n", "\n").encode() + b"\r\n")
        answer, closed = heard(lines[server])
    except OSError:  # it was closed meanwhile
        answer, closed = b"", True
    tell(lab, server, answer, closed)
    if closed:
        lines.pop(server).close()


def hang_up(lab: Any, lines: dict[str, socket.socket]) -> None:
    for line in lines.values():
        line.close()
    lab.tell("hung up", connections=len(lines))
    lines.clear()


def send(lab: Any, lines: dict[str, socket.socket], server: str, payload: bytes, before: bytes = b"") -> None:
    """Send bytes; `before`: send these first, so that both answers can be compared."""
    if before:
        _exchange(lab, server, before, "as it was")
    _exchange(lab, server, payload, "as changed" if before else "")


def _exchange(lab: Any, server: str, payload: bytes, which: str) -> None:
    port = lab.port(server)
    if SERVERS[server].transport == "udp":
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.settimeout(PATIENCE_S)
            one.sendto(payload, ("127.0.0.1", port))
            try:
                tell(lab, server, one.recvfrom(65536)[0], False, which)
            except TimeoutError:
                tell(lab, server, b"", False, which)
        return
    with socket.create_connection(("127.0.0.1", port), 5) as line:
        if SERVERS[server].speaks in ("smtp", "ftp", "pop", "imap"):
            heard(line)
        try:
            line.sendall(payload)
            answer, closed = heard(line)
        except OSError:  # it was closed meanwhile
            answer, closed = b"", True
        tell(lab, server, answer, closed, which)
