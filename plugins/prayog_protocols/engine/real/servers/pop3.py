"""A POP3 server (RFC 1939), with CAPA (RFC 2449): three states, one locked mailbox, deletion at QUIT."""

from __future__ import annotations

import asyncio

from prayog_protocols.engine.real.servers.listening import Lines, Server
from prayog_protocols.engine.real.servers.mailboxes import MAILBOXES, Message

__all__ = ["Pop3"]


class Pop3(Server):
    """Hands out asha's mail."""

    def reset(self) -> None:
        MAILBOXES.reset()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = _Visit(Lines(reader, writer))
        try:
            await visit.speak()
        finally:
            if visit.messages is not None:
                MAILBOXES.locked = False


class _Visit:
    """One client: AUTHORIZATION until `messages` is there, then TRANSACTION; `speak` ends with UPDATE."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.user = ""
        self.messages: list[Message] | None = None
        self.marked: set[int] = set()

    async def speak(self) -> None:
        await self.lines.say("+OK Prayog POP3 is ready")
        while (line := await self.lines.hear()) is not None:
            word, _, rest = line.partition(" ")
            word = word.upper()
            if word == "QUIT":
                await self._quit()
                return
            done = getattr(self, f"_{word.lower()}", None)
            before = word in ("USER", "PASS", "CAPA")
            known = done is not None and word in _COMMANDS
            if not known:
                await self.lines.say(f"-ERR I do not know {word or 'an empty line'}")
            elif self.messages is None and not before:
                await self.lines.say("-ERR First say who you are: USER, then PASS")
            elif self.messages is not None and before and word != "CAPA":
                await self.lines.say("-ERR I know who you are")
            else:
                assert done is not None
                await self.lines.say(*done(rest))

    async def _quit(self) -> None:
        if self.messages is not None:  # UPDATE: only now is anything removed (§6)
            gone = {self.messages[number - 1].uid for number in self.marked}
            MAILBOXES.inbox.messages = [one for one in MAILBOXES.inbox.messages if one.uid not in gone]
        await self.lines.say(f"+OK Bye; {len(self.marked)} removed")

    def _capa(self, rest: str) -> list[str]:
        return ["+OK What I can do", "USER", "TOP", "UIDL", "IMPLEMENTATION Prayog", "."]

    def _user(self, rest: str) -> list[str]:
        self.user = rest
        return ["+OK And your password?"]

    def _pass(self, rest: str) -> list[str]:
        if not MAILBOXES.knows(self.user, rest):
            return ["-ERR The name or the password is wrong"]
        if MAILBOXES.locked:
            return ["-ERR [IN-USE] Another client has this mailbox"]
        MAILBOXES.locked = True
        self.messages = list(MAILBOXES.inbox.messages)
        return [f"+OK {len(self.messages)} messages"]

    def _left(self) -> list[tuple[int, Message]]:
        return [(n, one) for n, one in enumerate(self.messages or [], 1) if n not in self.marked]

    def _one(self, word: str) -> tuple[int, Message] | None:
        return next(((n, one) for n, one in self._left() if word == str(n)), None)

    def _stat(self, rest: str) -> list[str]:
        left = self._left()
        return [f"+OK {len(left)} {sum(len(one.data) for _, one in left)}"]

    def _listed(self, rest: str, what: list[tuple[int, str]]) -> list[str]:
        if not rest:
            return [f"+OK {len(what)} messages", *(f"{n} {text}" for n, text in what), "."]
        found = [f"+OK {n} {text}" for n, text in what if str(n) == rest]
        return found or ["-ERR There is no such message"]

    def _list(self, rest: str) -> list[str]:
        return self._listed(rest, [(n, str(len(one.data))) for n, one in self._left()])

    def _uidl(self, rest: str) -> list[str]:
        return self._listed(rest, [(n, f"prayog-{one.uid}") for n, one in self._left()])

    def _retr(self, rest: str) -> list[str]:
        found = self._one(rest)
        return (
            [f"+OK {len(found[1].data)} octets", *_stuffed(found[1].data), "."]
            if found
            else ["-ERR There is no such message"]
        )

    def _top(self, rest: str) -> list[str]:
        number, _, count = rest.partition(" ")
        found = self._one(number)
        if found is None or not count.isdigit():
            return ["-ERR TOP wants a message and a number of lines"]
        header, _, body = found[1].data.partition(b"\r\n\r\n")
        lines = body.split(b"\r\n")[: int(count)]
        size = len(found[1].data)
        top = header + b"\r\n\r\n" + b"\r\n".join(lines)
        return [f"+OK {size} octets, of which this is the top", *_stuffed(top), "."]

    def _dele(self, rest: str) -> list[str]:
        found = self._one(rest)
        if found is None:
            return ["-ERR There is no such message"]
        self.marked.add(found[0])
        return [f"+OK Message {found[0]} is marked; it goes at QUIT"]

    def _rset(self, rest: str) -> list[str]:
        self.marked.clear()
        return [f"+OK Nothing is marked; {len(self._left())} messages"]

    def _noop(self, rest: str) -> list[str]:
        return ["+OK"]


_COMMANDS = {"USER", "PASS", "CAPA", "STAT", "LIST", "UIDL", "RETR", "TOP", "DELE", "RSET", "NOOP"}


def _stuffed(data: bytes) -> list[str]:
    """Lines of a message; a line that begins with a dot gets one more (§3)."""
    lines = data.decode("utf-8", "replace").split("\r\n")
    if lines and not lines[-1]:
        lines.pop()
    return ["." + line if line.startswith(".") else line for line in lines]
