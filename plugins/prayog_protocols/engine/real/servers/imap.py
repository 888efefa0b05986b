"""An IMAP server: the part of RFC 3501 / 9051 that a mail program needs, on the shared mailboxes.

LOGIN, CAPABILITY, NOOP, LOGOUT; LIST, SELECT, EXAMINE, CREATE, DELETE, RENAME, STATUS, APPEND (with literals); FETCH,
STORE, SEARCH, COPY, UID, EXPUNGE, CLOSE; IDLE (RFC 2177).  What others change is told with the next answer.
"""

from __future__ import annotations

import asyncio
import contextlib

from prayog_protocols.engine.real.servers.imap_words import Word, chosen, fetched, searched, words
from prayog_protocols.engine.real.servers.listening import IDLE_S, Server
from prayog_protocols.engine.real.servers.mailboxes import MAILBOXES, Folder, Message

__all__ = ["Imap"]

CAPABILITIES = "IMAP4rev1 IDLE"
_BEFORE = {"CAPABILITY", "NOOP", "LOGOUT", "LOGIN"}
_SELECTED = {"FETCH", "STORE", "SEARCH", "COPY", "UID", "EXPUNGE", "CLOSE", "CHECK"}
_LITERAL = 1 << 20
_LOOK_S = 0.02


class Imap(Server):
    """Keeps asha's mail."""

    def reset(self) -> None:
        MAILBOXES.reset()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _Visit(reader, writer).speak()


class _Refused(Exception):
    """The command cannot be done: NO and the sentence."""


class _Visit:
    """One client, and what it was told about its folder."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.known, self.name, self.read_only = False, "", False
        self.told: list[tuple[int, frozenset[str]]] = []  # uid and flags as the client knows them

    def say(self, line: str | bytes) -> None:
        self.writer.write((line.encode() if isinstance(line, str) else line) + b"\r\n")

    async def speak(self) -> None:
        self.say(f"* OK [CAPABILITY {CAPABILITIES}] Prayog IMAP is ready")
        while (line := await self._command()) is not None:
            begin = line.decode("utf-8", "replace").split(maxsplit=2)
            tag, name = begin[0] if begin else "*", begin[1].upper() if len(begin) > 1 else ""
            act = getattr(self, f"do_{name.lower()}", None)
            try:
                parts = words(line)
                if act is None or not name:
                    self.say(f"{tag} BAD I do not know {name or 'an empty line'}")
                elif not self.known and name not in _BEFORE:
                    self.say(f"{tag} NO First say who you are: LOGIN")
                elif name in _SELECTED and not self.name:
                    self.say(f"{tag} BAD First choose a folder: SELECT")
                else:
                    done = await act(parts[2:])
                    if name not in ("FETCH", "STORE", "SEARCH"):  # no EXPUNGE may come with these (RFC 9051 §7.5.1)
                        self._tell_news()
                    self.say(f"{tag} OK {done}")
                    if name == "LOGOUT":
                        await self.writer.drain()
                        return
            except _Refused as error:
                self.say(f"{tag} NO {error}")
            except (ValueError, IndexError):
                self.say(f"{tag} BAD {name} is not written like that")
            await self.writer.drain()

    async def _command(self) -> bytes | None:
        """One command with its literals; None when the client is gone."""
        whole = b""
        while True:
            line = await asyncio.wait_for(self.reader.readline(), IDLE_S)
            if not line:
                return None
            line = line.rstrip(b"\r\n")
            whole += line
            size = line[line.rfind(b"{") + 1 : -1]
            if not line.endswith(b"}") or not size.isdigit() or int(size) > _LITERAL:
                return whole
            self.say("+ Go on")
            await self.writer.drain()
            whole += b"\r\n" + await asyncio.wait_for(self.reader.readexactly(int(size)), IDLE_S)

    # -- who ---------------------------------------------------------------------------------------------------------

    async def do_capability(self, given: list[Word]) -> str:
        self.say(f"* CAPABILITY {CAPABILITIES}")
        return "That is what I can do"

    async def do_noop(self, given: list[Word]) -> str:
        return "Nothing done"

    do_check = do_noop

    async def do_login(self, given: list[Word]) -> str:
        if not MAILBOXES.knows(str(given[0]), str(given[1])):
            raise _Refused("[AUTHENTICATIONFAILED] The name or the password is wrong")
        self.known = True
        return "Welcome"

    async def do_logout(self, given: list[Word]) -> str:
        self.name = ""
        self.say("* BYE Come again")
        return "Done"

    # -- folders -------------------------------------------------------------------------------------------------------

    def _folder(self, word: Word) -> tuple[str, Folder]:
        name = "INBOX" if str(word).upper() == "INBOX" else str(word)
        if name not in MAILBOXES.folders:
            raise _Refused(f"[NONEXISTENT] There is no folder {name}")
        return name, MAILBOXES.folders[name]

    async def do_list(self, given: list[Word]) -> str:
        pattern = str(given[1])
        for name in MAILBOXES.folders:
            if pattern in ("*", "%") or pattern.rstrip("*%") == name[: len(pattern.rstrip("*%"))]:
                self.say(f'* LIST (\\HasNoChildren) "/" {name}')
        return "That is the list"

    async def do_select(self, given: list[Word]) -> str:
        self.name = ""
        name, folder = self._folder(given[0])
        self.name = name
        self.told = [(one.uid, frozenset(one.flags)) for one in folder.messages]
        self.say("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)")
        self.say("* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)] All are kept")
        self.say(f"* {len(folder.messages)} EXISTS")
        self.say("* 0 RECENT")
        self.say(f"* OK [UIDVALIDITY {folder.validity}] Numbers are good")
        self.say(f"* OK [UIDNEXT {folder.next_uid}] The next number")
        self.read_only = False
        return "[READ-WRITE] Chosen"

    async def do_examine(self, given: list[Word]) -> str:
        await self.do_select(given)
        self.read_only = True
        return "[READ-ONLY] Chosen, to look only"

    async def do_status(self, given: list[Word]) -> str:
        name, folder = self._folder(given[0])
        unseen = sum("\\Seen" not in one.flags for one in folder.messages)
        counts = {
            "MESSAGES": len(folder.messages), "UIDNEXT": folder.next_uid, "UIDVALIDITY": folder.validity,
            "UNSEEN": unseen, "RECENT": 0,
        }  # fmt: skip
        asked = [word.upper() for word in str(given[1]).strip("()").split()]
        self.say(f"* STATUS {name} ({' '.join(f'{word} {counts[word]}' for word in asked if word in counts)})")
        return "Counted"

    async def do_create(self, given: list[Word]) -> str:
        if str(given[0]) in MAILBOXES.folders:
            raise _Refused("[ALREADYEXISTS] That folder is there already")
        MAILBOXES.folders[str(given[0])] = Folder()
        return "Made"

    async def do_delete(self, given: list[Word]) -> str:
        name, _ = self._folder(given[0])
        if name == "INBOX":
            raise _Refused("[CANNOT] INBOX stays")
        del MAILBOXES.folders[name]
        return "Deleted"

    async def do_rename(self, given: list[Word]) -> str:
        name, folder = self._folder(given[0])
        if str(given[1]) in MAILBOXES.folders:
            raise _Refused("[ALREADYEXISTS] That folder is there already")
        MAILBOXES.folders[str(given[1])] = folder
        if name == "INBOX":
            MAILBOXES.folders["INBOX"] = Folder()
        else:
            del MAILBOXES.folders[name]
        return "Renamed"

    async def do_append(self, given: list[Word]) -> str:
        name, folder = self._folder(given[0])
        flags = {word for part in given[1:-1] if str(part).startswith("(") for word in str(part).strip("()").split()}
        message = folder.add(given[-1].data, flags)
        return f"[APPENDUID {folder.validity} {message.uid}] Kept in {name}"

    # -- messages ----------------------------------------------------------------------------------------------------

    @property
    def folder(self) -> Folder:
        return MAILBOXES.folders.get(self.name) or Folder()

    def _numbered(self) -> list[tuple[int, Message]]:
        """Messages by the numbers that the client knows."""
        by_uid = {one.uid: one for one in self.folder.messages}
        return [(n, by_uid[uid]) for n, (uid, _) in enumerate(self.told, 1) if uid in by_uid]

    def _tell_news(self) -> None:
        """What happened to the folder since the client was told."""
        if not self.name:
            return
        now = {one.uid: frozenset(one.flags) for one in self.folder.messages}
        for number in range(len(self.told), 0, -1):
            if self.told[number - 1][0] not in now:
                self.say(f"* {number} EXPUNGE")
                del self.told[number - 1]
        for number, (uid, flags) in enumerate(self.told, 1):
            if flags != now[uid]:
                self.say(f"* {number} FETCH (FLAGS ({' '.join(sorted(now[uid]))}))")
                self.told[number - 1] = (uid, now[uid])
        fresh = [uid for uid in now if uid not in {one for one, _ in self.told}]
        if fresh:
            self.told += [(uid, now[uid]) for uid in fresh]
            self.say(f"* {len(self.told)} EXISTS")

    def _know(self, number: int, message: Message) -> None:
        self.told[number - 1] = (message.uid, frozenset(message.flags))

    async def do_uid(self, given: list[Word]) -> str:
        act = {"FETCH": self.do_fetch, "STORE": self.do_store, "SEARCH": self.do_search, "COPY": self.do_copy}
        name = str(given[0]).upper()
        if name not in act:
            raise ValueError(name)
        return await act[name](given[1:], by_uid=True)

    async def do_fetch(self, given: list[Word], by_uid: bool = False) -> str:
        for number, message in chosen(str(given[0]), self._numbered(), by_uid):
            answer, reads = fetched(message, " ".join(str(word) for word in given[1:]), by_uid)
            if reads and not self.read_only and "\\Seen" not in message.flags:
                message.flags.add("\\Seen")
                self._know(number, message)
                answer += f" FLAGS ({' '.join(sorted(message.flags))})".encode()
            self.say(b"* %d FETCH (%s)" % (number, answer))
        return "Fetched"

    async def do_store(self, given: list[Word], by_uid: bool = False) -> str:
        if self.read_only:
            raise _Refused("You only look (EXAMINE)")
        how, flags = str(given[1]).upper(), {word for part in given[2:] for word in str(part).strip("()").split()}
        for number, message in chosen(str(given[0]), self._numbered(), by_uid):
            if how.startswith("+"):
                message.flags |= flags
            elif how.startswith("-"):
                message.flags -= flags
            else:
                message.flags = set(flags)
            self._know(number, message)
            if not how.endswith(".SILENT"):
                uid = f"UID {message.uid} " if by_uid else ""
                self.say(f"* {number} FETCH ({uid}FLAGS ({' '.join(sorted(message.flags))}))")
        return "Stored"

    async def do_search(self, given: list[Word], by_uid: bool = False) -> str:
        found = searched([str(word) for word in given], self._numbered())
        self.say(" ".join(["* SEARCH", *(str(one.uid if by_uid else n) for n, one in found)]))
        return "Searched"

    async def do_copy(self, given: list[Word], by_uid: bool = False) -> str:
        _, target = self._folder(given[1])
        for _, message in chosen(str(given[0]), self._numbered(), by_uid):
            target.add(message.data, message.flags)
        return "Copied"

    async def do_expunge(self, given: list[Word]) -> str:
        if self.read_only:
            raise _Refused("You only look (EXAMINE)")
        self.folder.messages = [one for one in self.folder.messages if "\\Deleted" not in one.flags]
        return "Removed what was marked"

    async def do_close(self, given: list[Word]) -> str:
        if not self.read_only:
            self.folder.messages = [one for one in self.folder.messages if "\\Deleted" not in one.flags]
        self.name = ""
        return "Closed"

    async def do_idle(self, given: list[Word]) -> str:
        """RFC 2177: tell what happens until the client says DONE."""
        self.say("+ I tell you what happens")
        await self.writer.drain()
        ended = asyncio.ensure_future(self.reader.readline())
        try:
            while not ended.done():
                await asyncio.wait({ended}, timeout=_LOOK_S)
                self._tell_news()
                await self.writer.drain()
        finally:
            if not ended.done():
                ended.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await ended
        return "No longer telling"
