"""SMTP, POP3, IMAP and FTP: conversations in lines, and what a line means after the lines before it."""

from __future__ import annotations

import re
from collections import deque

from prayog_protocols.engine.talks.talk import CLIENT, SERVER, Application, Cut, Unit
from prayog_protocols.engine.tls.keylog import KeyLog

__all__ = ["Ftp", "FtpData", "Imap", "Pop", "Smtp"]

LONGEST_LINE = 1 << 16


class _Lines(Application):
    """Cuts after the last whole line; what the lines are, a subclass says."""

    keys: KeyLog = KeyLog()  # for TLS after STARTTLS

    def cut(self, direction: int, data: bytearray, fresh: bool, index: int) -> Cut | None:
        size = data.find(b"\n") + 1 if not fresh else data.rfind(b"\n") + 1
        if not size:
            if len(data) < LONGEST_LINE:
                return None
            size = len(data)
        return self.lines(direction, bytes(data[:size]), index)

    def lines(self, direction: int, data: bytes, index: int) -> Cut:
        """The message that these lines are."""
        raise NotImplementedError

    def _secure(self) -> Application:
        """TLS from here on, and inside it the same protocol anew."""
        from prayog_protocols.engine.talks.choosing import secured

        return secured(type(self), self.keys)

    def lost(self, direction: int) -> None:
        pass

    def finish(self, direction: int, data: bytearray, index: int) -> Cut | None:
        return self.lines(direction, bytes(data), index) if data else None

    def inside(self, unit: Unit, data: bytes) -> list[Unit]:
        return []


def _each(data: bytes) -> list[tuple[int, int]]:
    """First byte and length of each line."""
    found, at = [], 0
    while at < len(data):
        end = data.find(b"\n", at) + 1 or len(data)
        found.append((at, end - at))
        at = end
    return found


class Smtp(_Lines):
    """A mail on its way."""

    def __init__(self) -> None:
        self.data = False  # the client sends a message
        self.wanted = ""  # "data" after DATA, until the server says 354
        self.login: list[str] = []  # what the client's next lines are
        self.message = bytearray()
        self.done: bytes | None = None
        self.tail = b"\r\n"  # the last bytes of the message so far
        self.chunk = 0  # bytes of BDAT still to come
        self.waits = 0  # commands without a reply
        self.tls = False

    def cut(self, direction: int, data: bytearray, fresh: bool, index: int) -> Cut | None:
        if direction == CLIENT and self.chunk:
            size = min(self.chunk, len(data))
            self.chunk -= size
            self._keep(bytes(data[:size]))
            return Cut(size, "smtp", [("data", 0, size)])
        if direction == CLIENT and self.data:
            return self._message(data)
        return super().cut(direction, data, fresh, index)

    def _keep(self, piece: bytes) -> None:
        if len(self.message) < 1 << 24:
            self.message += piece

    def _message(self, data: bytearray) -> Cut:
        joined = self.tail + bytes(data)
        end = joined.find(b"\r\n.\r\n")
        if end < 0:
            self._keep(bytes(data))
            self.tail = joined[-5:]
            return Cut(len(data), "smtp", [("data", 0, len(data))])
        text = end + 2 - len(self.tail)  # where the dot is; negative when it came before
        size = end + 5 - len(self.tail)
        self._keep(bytes(data[: max(0, text)]))
        self.done = bytes(self.message)
        self.message.clear()
        self.data, self.wanted, self.tail = False, "", b"\r\n"
        self.waits += 1
        lines = [("data", 0, text)] if text > 0 else []
        return Cut(size, "smtp", [*lines, ("eom", max(0, text), size - max(0, text))])

    def lines(self, direction: int, data: bytes, index: int) -> Cut:
        told: list[tuple[str, int, int]] = []
        for at, size in _each(data):
            line = data[at : at + size]
            if direction == SERVER:
                told.append(("reply", at, size))
                self._replied(line)
                if self.tls:
                    return Cut(at + size, "smtp", told, self._secure())
                continue
            self.waits += 1
            if self.login:
                told.append((self.login.pop(0), at, size))
                continue
            told.append(("command", at, size))
            words = line.upper().split()
            self._commanded(words)
            if words[:1] == [b"BDAT"] and self.chunk:
                return Cut(at + size, "smtp", told)
            if self.data:  # who does not wait for the permission goes on with the message
                return Cut(at + size, "smtp", told)
        return Cut(len(data), "smtp", told)

    def _commanded(self, words: list[bytes]) -> None:
        match words[:2]:
            case [b"DATA", *_]:
                self.wanted, self.data = "data", True
            case [b"AUTH", b"LOGIN"]:
                self.wanted = "login"
                self.login = ["username", "password"] if len(words) < 3 else ["password"]
            case [b"AUTH", b"PLAIN"] if len(words) < 3:
                self.login = ["both"]
            case [b"BDAT", size] if size.isdigit():
                self.chunk = min(int(size), 1 << 31)
            case [b"STARTTLS", *_]:
                self.wanted = "tls"
            case _:
                self.wanted = ""

    def _replied(self, line: bytes) -> None:
        if line[3:4] != b"-":
            self.waits = max(0, self.waits - 1)
        if self.wanted == "data" and not self.waits and line[:1] in b"345":
            self.data, self.wanted = line.startswith(b"354"), ""
        elif self.wanted == "tls" and line.startswith(b"220"):
            self.tls = True
        elif line[:1] in b"45" and self.login and not line.startswith(b"334"):
            self.login = []

    def inside(self, unit: Unit, data: bytes) -> list[Unit]:
        if self.done is None:
            return []
        plain, self.done = self.done.replace(b"\r\n..", b"\r\n."), None
        return [
            Unit(unit.index, unit.direction, "imf", [], plain=plain.removeprefix(b".") if plain[:2] == b".." else plain)
        ]


_POP_LONG = {b"RETR", b"TOP", b"CAPA", b"LIST", b"UIDL"}


class Pop(_Lines):
    """A mailbox that is emptied."""

    def __init__(self) -> None:
        self.asked: deque[bytes] = deque()
        self.long = b""  # the answer at work goes on to a dot alone
        self.text = bytearray()
        self.done: bytes | None = None
        self.cut_line = False  # the last line of the answer goes on

    def cut(self, direction: int, data: bytearray, fresh: bool, index: int) -> Cut | None:
        awaited = self.asked[0] if self.asked and b"\n" in data else b""
        if direction == SERVER and (self.long or awaited in _POP_LONG):
            return self.lines(direction, bytes(data), index)  # as in Wireshark, each packet shows the lines that it has
        return super().cut(direction, data, fresh, index)

    def lines(self, direction: int, data: bytes, index: int) -> Cut:
        told: list[tuple[str, int, int]] = []
        for at, size in _each(data):
            line = data[at : at + size]
            if direction == CLIENT:
                told.append(("command", at, size))
                words = line.upper().split()
                long = words and words[0] in _POP_LONG and not (words[0] in (b"LIST", b"UIDL") and len(words) > 1)
                self.asked.append(words[0] if long else b"" if words[:1] != [b"STLS"] else b"STLS")
            elif self.long:
                told.append(("data", at, size))
                goes_on, self.cut_line = self.cut_line, not line.endswith(b"\n")
                if not goes_on and line.rstrip(b"\r\n") == b".":
                    if self.long in (b"RETR", b"TOP"):
                        self.done = bytes(self.text)
                    self.long = b""
                    self.text.clear()
                elif len(self.text) < 1 << 24:
                    self.text += line[1:] if line.startswith(b"..") and not goes_on else line
            else:
                told.append(("reply", at, size))
                word = self.asked.popleft() if self.asked else b""
                if line.startswith(b"+OK") and word == b"STLS":
                    return Cut(at + size, "pop", told, self._secure())
                self.long = word if line.startswith(b"+OK") else b""
        return Cut(len(data), "pop", told)

    def inside(self, unit: Unit, data: bytes) -> list[Unit]:
        plain, self.done = self.done, None
        return [Unit(unit.index, unit.direction, "imf", [], plain=plain)] if plain else []


_LITERAL = re.compile(rb"\{(\d{1,9})\+?\}\r?\n\Z")


class Imap(_Lines):
    """A mailbox that stays where it is."""

    def __init__(self) -> None:
        self.asked: dict[bytes, int] = {}  # tag -> packet of the command
        self.literal = [0, 0]  # bytes of a literal still to come, by direction
        self.within = [False, False]  # the present line goes on after a literal
        self.tls = b""

    def lines(self, direction: int, data: bytes, index: int) -> Cut:
        told: list[tuple[str, int, int]] = []
        for at, size in _each(data):
            line = data[at : at + size]
            if self.literal[direction]:
                self.literal[direction] = max(0, self.literal[direction] - size)
                told.append(("literal", at, size))
                self.within[direction] = True
                continue
            kind = "command" if direction == CLIENT else "untagged"
            tag = line.split(b" ")[0]
            if self.within[direction]:
                kind = "more"
            elif direction == CLIENT:
                self.asked[tag] = index
                if line.upper().split()[1:2] == [b"STARTTLS"]:
                    self.tls = tag
            elif tag not in (b"*", b"+"):
                kind = "answer"
            told.append((kind, at, size))
            self.within[direction] = False
            found = _LITERAL.search(line)
            if found:
                self.literal[direction] = int(found[1])
                self.within[direction] = True
            if kind == "answer" and tag == self.tls and b" OK" in line.upper()[:20]:
                return Cut(at + size, "imap", (told, self.asked, direction == CLIENT), self._secure())
        return Cut(len(data), "imap", (told, self.asked, direction == CLIENT))


class Ftp(_Lines):
    """The control connection."""

    def __init__(self) -> None:
        self.tls = False

    def cut(self, direction: int, data: bytearray, fresh: bool, index: int) -> Cut | None:
        return self.lines(direction, bytes(data), index)  # as in Wireshark, nothing is put together

    def lines(self, direction: int, data: bytes, index: int) -> Cut:
        for at, size in _each(data):
            line = data[at : at + size].upper()
            if direction == CLIENT and line.startswith(b"AUTH "):
                self.tls = True
            elif direction == SERVER and self.tls and line.startswith(b"234"):
                return Cut(at + size, "ftp", "reply", self._secure())
        return Cut(len(data), "ftp", "command" if direction == CLIENT else "reply")


class FtpData(Application):
    """A data connection: whatever comes."""

    def cut(self, direction: int, data: bytearray, fresh: bool, index: int) -> Cut | None:
        return Cut(len(data), "ftp-data")

    def lost(self, direction: int) -> None:
        pass

    def finish(self, direction: int, data: bytearray, index: int) -> Cut | None:
        return None

    def inside(self, unit: Unit, data: bytes) -> list[Unit]:
        return []
