"""Tables to look up: methods, status codes, FTP commands, and protocols side by side, each line with its clause.

A line may name an action that shows it: where the run on the bench offers that action, the line can be run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["TABLES", "Line", "Table"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line: cells, and how it is run."""

    cells: tuple[str, ...]
    actions: tuple[tuple[str, Mapping[str, Any]], ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its heads; the last column is the clause."""

    title: str
    about: str
    heads: tuple[str, ...]
    lines: tuple[Line, ...] = field(default=())


_EXAMPLES = {"CWD": "CWD /", "TYPE": "TYPE I", "STRU": "STRU F"}
"""Commands that need something after them, as they are tried."""


def _method(name: str, does: str, safe: str, again: str, body: str, clause: str) -> Line:
    return Line((name, does, safe, again, body, clause), (("request", {"method": name}),))


def _code(code: int, name: str, says: str, clause: str) -> Line:
    return Line((str(code), name, says, clause), (("request", {"method": "GET", "path": f"/status/{code}"}),))


def _ftp(words: str, wire: str, does: str, clause: str) -> Line:
    return Line((words, wire, does, clause), (("ftp_command", {"command": wire.split(" ", maxsplit=1)[0]}),))


METHODS = Table(
    "HTTP methods",
    "Safe: it only reads. Idempotent: doing it twice is doing it once, so it may be repeated when the reply was lost.",
    ("Method", "What it asks", "Safe", "Idempotent", "Body", "Clause"),
    (
        _method("GET", "Give me this.", "yes", "yes", "no meaning", "RFC 9110 §9.3.1"),
        _method("HEAD", "Only the header fields of GET’s answer.", "yes", "yes", "no meaning", "RFC 9110 §9.3.2"),
        _method("POST", "Take this and do what you do with it.", "no", "no", "yes", "RFC 9110 §9.3.3"),
        _method("PUT", "Here is the whole of it: create or replace.", "no", "yes", "yes", "RFC 9110 §9.3.4"),
        _method("PATCH", "Change these parts.", "no", "no", "yes", "RFC 5789 §2"),
        _method("DELETE", "Remove it.", "no", "yes", "no meaning", "RFC 9110 §9.3.5"),
        _method("OPTIONS", "What may I do here? Browsers ask it before some requests.", "yes", "yes", "rarely",
                "RFC 9110 §9.3.7"),
        _method("TRACE", "Send back what you got. Mostly switched off: it can show secret fields.", "yes", "yes", "no",
                "RFC 9110 §9.3.8"),
        _method("CONNECT", "Be a pipe to this machine: TLS goes through a proxy so.", "no", "no", "no",
                "RFC 9110 §9.3.6"),
    ),
)  # fmt: skip
CODES = Table(
    "HTTP status codes",
    "The first digit says who is to act: 1 wait, 2 done, 3 go elsewhere, 4 the client, 5 the server.",
    ("Code", "Name", "What it says", "Clause"),
    (
        _code(100, "Continue", "The fields are fine: now send the body. Nothing is sent in parts.", "RFC 9110 §15.2.1"),
        _code(101, "Switching Protocols", "From here on another protocol, such as WebSocket.", "RFC 9110 §15.2.2"),
        _code(200, "OK", "Done, and here is what you asked for.", "RFC 9110 §15.3.1"),
        _code(201, "Created", "Done, and there is something new; Location says where.", "RFC 9110 §15.3.2"),
        _code(204, "No Content", "Done, and there is nothing to show.", "RFC 9110 §15.3.5"),
        _code(301, "Moved Permanently", "Use the other address from now on; POST may become GET.", "RFC 9110 §15.4.2"),
        _code(302, "Found", "This time the other address; POST may become GET.", "RFC 9110 §15.4.3"),
        _code(303, "See Other", "Look there, with GET.", "RFC 9110 §15.4.4"),
        _code(304, "Not Modified", "What you have is still right; no body.", "RFC 9110 §15.4.5"),
        _code(307, "Temporary Redirect", "This time the other address, with the same method.", "RFC 9110 §15.4.8"),
        _code(308, "Permanent Redirect", "From now on the other address, with the same method.", "RFC 9110 §15.4.9"),
        _code(400, "Bad Request", "This request cannot be understood.", "RFC 9110 §15.5.1"),
        _code(401, "Unauthorized", "Who are you? WWW-Authenticate says how to tell me.", "RFC 9110 §15.5.2"),
        _code(403, "Forbidden", "I understood, and refuse; logging in again does not help.", "RFC 9110 §15.5.4"),
        _code(404, "Not Found", "There is nothing here, or I do not say so.", "RFC 9110 §15.5.5"),
        _code(405, "Method Not Allowed", "Not with this method; Allow says with which.", "RFC 9110 §15.5.6"),
        _code(408, "Request Timeout", "Your request did not come to an end in time.", "RFC 9110 §15.5.9"),
        _code(429, "Too Many Requests", "You ask too often; Retry-After may say when again.", "RFC 6585 §4"),
        _code(500, "Internal Server Error", "I failed, and it is not your fault.", "RFC 9110 §15.6.1"),
        _code(502, "Bad Gateway", "The server behind me answered nonsense.", "RFC 9110 §15.6.3"),
        _code(503, "Service Unavailable", "I cannot now; Retry-After may say when.", "RFC 9110 §15.6.4"),
        _code(504, "Gateway Timeout", "The server behind me did not answer in time.", "RFC 9110 §15.6.5"),
    ),
)  # fmt: skip
FTP = Table(
    "FTP: words and commands",
    "What people type are words of a client program. What goes over the wire are other words, and some send nothing.",
    ("You type", "On the wire", "What it does", "Clause"),
    (
        _ftp("cd", "CWD", "Change the folder on the server.", "RFC 959 §4.1.1"),
        _ftp("pwd", "PWD", "Which folder is it? (257)", "RFC 959 §4.1.3"),
        _ftp("ls, dir", "LIST", "A listing for people, on a data connection of its own.", "RFC 959 §4.1.3"),
        _ftp("mls, nlist", "NLST", "Names only, on a data connection.", "RFC 959 §4.1.3"),
        _ftp("get", "RETR", "Fetch a file, on a data connection.", "RFC 959 §4.1.3"),
        _ftp("put", "STOR", "Store a file, on a data connection.", "RFC 959 §4.1.3"),
        _ftp("binary, ascii", "TYPE", "I: bytes as they are; A: lines of text.", "RFC 959 §3.1.1"),
        _ftp("struct", "STRU", "F: a file of bytes. R (records) and P (pages) are of the past; most servers say 504.",
             "RFC 959 §3.1.2"),
        _ftp("passive", "PASV", "The server names a port, and the client connects (227).", "RFC 959 §4.1.2"),
        _ftp("(active mode)", "PORT", "The client names a port, and the server connects from 20.", "RFC 959 §4.1.2"),
        _ftp("remotehelp", "HELP", "The server lists its commands (214).", "RFC 959 §4.1.3"),
        Line(("help", "— nothing —", "The client program explains itself.", "a word of the program")),
        _ftp("close, disconnect", "QUIT", "End the session; the program stays.", "RFC 959 §4.1.1"),
        _ftp("quit, bye", "QUIT", "End the session and the program.", "RFC 959 §4.1.1"),
    ),
)  # fmt: skip
MAIL = Table(
    "POP3 and IMAP",
    "SMTP pushes mail towards the mailbox: program → 587 → server → 25 → server. POP3 and IMAP read it there.",
    ("Question", "POP3", "IMAP", "Clause"),
    (
        Line(("Ports", "110, 995 with TLS", "143, 993 with TLS", "RFC 8314 §7")),
        Line(("Where is the mail?", "on the server until DELE and QUIT", "on the server; programs keep copies",
              "RFC 1939 §6; RFC 9051 §1")),
        Line(("Delete", "DELE marks, QUIT removes", "flag \\Deleted, then EXPUNGE", "RFC 1939 §5; RFC 9051 §6.4.3")),
        Line(("Folders", "none", "CREATE, RENAME, DELETE", "RFC 9051 §6.3")),
        Line(("Look before fetching", "TOP: header and some lines", "FETCH of any part; BODY.PEEK leaves it unseen",
              "RFC 1939 §7; RFC 9051 §6.4.5")),
        Line(("Several devices", "one at a time, and UIDL tells what is new", "at the same time; changes are told",
              "RFC 1939 §7; RFC 2177")),
        Line(("State kept by the server", "the mailbox", "mailbox, flags, which were read", "RFC 9051 §2.3.2")),
    ),
)  # fmt: skip
TRANSPORT = Table(
    "TCP and UDP",
    "Both find errors by a check sum, and neither sends anything to the right program without a port.",
    ("Question", "TCP", "UDP", "Clause"),
    (
        Line(("Header", "20 to 60 bytes", "8 bytes", "RFC 9293 §3.1; RFC 768")),
        Line(("Before the first byte", "SYN, SYN-ACK, ACK: one round trip", "nothing", "RFC 9293 §3.5")),
        Line(("What arrives", "a stream of bytes without borders", "messages with borders", "RFC 9293 §2.2")),
        Line(("Lost on the way", "sent again", "gone, unless the program asks", "RFC 6298; RFC 768")),
        Line(("Order", "kept; what comes behind a hole waits", "as it comes", "RFC 9293 §3.4")),
        Line(("Confirmed", "bytes, cumulatively", "nothing", "RFC 9293 §3.4")),
        Line(("Check sum", "always", "may be 0 in IPv4, never in IPv6", "RFC 768; RFC 8200 §8.1")),
        Line(("Too fast for the receiver", "its window stops the sender", "the rest is dropped", "RFC 9293 §3.8.6")),
        Line(("Too fast for the network", "it slows down", "the program must", "RFC 5681; RFC 8085 §3.1")),
        Line(("To many at once", "never", "broadcast and multicast", "RFC 1122 §4.2.3.10")),
        Line(("Used by", "HTTP/1.1, HTTP/2, FTP, SMTP, SSH", "DNS, DHCP, calls, games, HTTP/3", "RFC 9114; RFC 7766")),
    ),
)  # fmt: skip
TABLES = (METHODS, CODES, FTP, MAIL, TRANSPORT)
