"""A file server (FTP, RFC 959 and 2428) with files in memory: one connection for words, one more for each transfer.

``PORT``/``EPRT``: the client says where it waits, and the server connects (*active*).  ``PASV``/``EPSV``: the server
says where it waits, and the client connects (*passive*).  Only loopback is ever reached.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket

from prayog_protocols.engine.real.servers.listening import Lines, Server

__all__ = ["Files"]

_WAIT_S = 2.0
_FACTS = "-rw-r--r--   1 asha     shop  {size:>10} Jun 01 10:00 {name}"
_NEEDS_LOGIN = {
    "PWD", "CWD", "CDUP", "LIST", "NLST", "RETR", "STOR", "APPE", "DELE", "RNFR", "RNTO", "MKD", "RMD", "SIZE", "REST",
    "PASV", "EPSV", "PORT", "EPRT", "TYPE", "STRU", "MODE", "STAT", "ABOR", "XPWD",
}  # fmt: skip


class Files(Server):
    """The files of the shop."""

    def reset(self) -> None:
        """As in the beginning."""
        self.files: dict[str, bytes] = {
            "/menu.txt": b"Chai 12\r\nSamosa 15\r\nJalebi 40\r\n",
            "/photo.jpg": bytes(range(256)) * 20,
        }
        self.folders = {"/", "/old"}

    async def open(self) -> None:
        self.reset()
        await super().open()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = _Visit(self, Lines(reader, writer))
        try:
            await visit.speak()
        finally:
            visit.hang_up()


class _Visit:
    """One client on its control connection."""

    def __init__(self, server: Files, lines: Lines) -> None:
        self.server, self.lines = server, lines
        self.user, self.known = "", False
        self.folder, self.kind, self.rest, self.rename = "/", "A", 0, ""
        self.active: tuple[str, int] | None = None
        self.passive: asyncio.Server | None = None
        self.came: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]] | None = None

    async def speak(self) -> None:
        await self.lines.say("220 Prayog file server")
        while (line := await self.lines.hear()) is not None:
            word, _, rest = line.partition(" ")
            word = word.upper()
            if word == "QUIT":
                await self.lines.say("221 Goodbye")
                return
            act = getattr(self, f"do_{word.lower()}", None)
            if act is None:
                await self.lines.say(f"500 {word} is no command of mine")
            elif word in _NEEDS_LOGIN and not self.known:
                await self.lines.say("530 Who are you? USER, then PASS")
            else:
                await act(rest)

    def hang_up(self) -> None:
        """Nobody waits for a data connection any more."""
        if self.passive is not None:
            self.passive.close()
            self.passive = None
        self.active = None

    # -- who and where ---------------------------------------------------------------------------------------------

    async def do_user(self, rest: str) -> None:
        self.user, self.known = rest, False
        await self.lines.say("331 And your password?")

    async def do_pass(self, rest: str) -> None:
        self.known = self.user in ("asha", "anonymous") and (self.user != "asha" or rest == "chai")
        await self.lines.say("230 Welcome" if self.known else "530 The name or the password is wrong")

    async def do_rein(self, rest: str) -> None:
        self.known, self.user = False, ""
        await self.lines.say("220 Start again")

    async def do_pwd(self, rest: str) -> None:
        await self.lines.say(f'257 "{self.folder}" is where you are')

    do_xpwd = do_pwd

    async def do_cwd(self, rest: str) -> None:
        place = self._path(rest)
        if place not in self.server.folders:
            await self.lines.say(f"550 There is no folder {place}")
            return
        self.folder = place
        await self.lines.say(f"250 You are in {place}")

    async def do_cdup(self, rest: str) -> None:
        await self.do_cwd("..")

    async def do_mkd(self, rest: str) -> None:
        place = self._path(rest)
        if place in self.server.folders:
            await self.lines.say(f"550 {place} is there already")
            return
        self.server.folders.add(place)
        await self.lines.say(f'257 "{place}" was made')

    async def do_rmd(self, rest: str) -> None:
        place = self._path(rest)
        full = any(name.startswith(place + "/") for name in (*self.server.files, *self.server.folders))
        if place not in self.server.folders or place == "/" or full:
            await self.lines.say(f"550 {place} cannot be removed")
            return
        self.server.folders.discard(place)
        await self.lines.say("250 Removed")

    # -- how to transfer -------------------------------------------------------------------------------------------

    async def do_type(self, rest: str) -> None:
        kind = rest.upper()[:1]
        if kind not in ("A", "I"):
            await self.lines.say(f"504 TYPE {rest} is not implemented: A (text) or I (image, as it is)")
            return
        self.kind = kind
        await self.lines.say(f"200 TYPE is {kind}")

    async def do_stru(self, rest: str) -> None:
        good = rest.upper() == "F"
        await self.lines.say(
            "200 STRU is F (file)" if good else f"504 STRU {rest} is not implemented; hardly any server does"
        )

    async def do_mode(self, rest: str) -> None:
        good = rest.upper() == "S"
        await self.lines.say("200 MODE is S (stream)" if good else f"504 MODE {rest} is not implemented")

    async def do_rest(self, rest: str) -> None:
        if not rest.isdigit():
            await self.lines.say("501 REST wants a number of bytes")
            return
        self.rest = int(rest)
        await self.lines.say(f"350 The next transfer begins at byte {self.rest}")

    async def do_pasv(self, rest: str) -> None:
        port = await self._wait()
        await self.lines.say(f"227 Entering Passive Mode (127,0,0,1,{port >> 8},{port & 255})")

    async def do_epsv(self, rest: str) -> None:
        port = await self._wait()
        await self.lines.say(f"229 Entering Extended Passive Mode (|||{port}|)")

    async def _wait(self) -> int:
        self.hang_up()
        came: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
        self.came = came = asyncio.get_running_loop().create_future()

        def arrived(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if came.done():
                writer.close()
            else:
                came.set_result((reader, writer))

        self.passive = await asyncio.start_server(arrived, "127.0.0.1", 0)
        return int(self.passive.sockets[0].getsockname()[1])

    async def do_port(self, rest: str) -> None:
        parts = rest.split(",")
        if len(parts) != 6 or not all(part.isdigit() and int(part) < 256 for part in parts):
            await self.lines.say("501 PORT wants h1,h2,h3,h4,p1,p2")
            return
        await self._call(".".join(parts[:4]), int(parts[4]) * 256 + int(parts[5]))

    async def do_eprt(self, rest: str) -> None:
        found = re.fullmatch(r"(.)1\1([0-9.]+)\1(\d{1,5})\1", rest)
        if not found:
            await self.lines.say("522 EPRT wants |1|address|port|")
            return
        await self._call(found[2], int(found[3]))

    async def _call(self, host: str, port: int) -> None:
        self.hang_up()
        if not host.startswith("127.") or not 0 < port < 65536:
            # A server that connects anywhere on request is a tool for attacks (RFC 2577 §3).
            await self.lines.say(f"504 I only connect to where you are, not to {host}")
            return
        self.active = (host, port)
        await self.lines.say(f"200 I will connect to port {port}")

    @contextlib.asynccontextmanager
    async def _data(self, about: str):  # type: ignore[no-untyped-def] # yields a reader and a writer, or None
        """The data connection, with the replies around it."""
        if self.active is None and self.passive is None:
            await self.lines.say("425 First say PASV or PORT")
            yield None
            return
        if self.active is None:
            await self.lines.say(f"150 {about}")
        try:
            reader, writer = await asyncio.wait_for(self._connected(), _WAIT_S)
        except OSError as error:
            nobody = "nobody came" if self.active is None else f"nobody answered at port {self.active[1]}"
            self.hang_up()
            why = nobody if isinstance(error, TimeoutError) else error.strerror or str(error)
            await self.lines.say(f"425 The data connection cannot be opened: {why}")
            yield None
            return
        try:
            if self.active is not None:  # only now is it known that the client can be reached
                await self.lines.say(f"150 {about}")
            yield reader, writer
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            self.hang_up()
            self.rest = 0

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.active is None:
            assert self.came is not None
            return await self.came
        host, port = self.active
        line = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            line.setblocking(False)
            if self.server.lab.kernel:  # from port L-1, which is 20 beside 21 (RFC 959 §3.2); elsewhere from any
                line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                line.bind(("127.0.0.1", self.server.port - 1))
            await asyncio.get_running_loop().sock_connect(line, (host, port))
        except BaseException:
            line.close()
            raise
        return await asyncio.open_connection(sock=line)

    # -- files -------------------------------------------------------------------------------------------------------

    def _path(self, name: str) -> str:
        parts: list[str] = []
        for part in (name if name.startswith("/") else f"{self.folder}/{name}").split("/"):
            if part == "..":
                parts = parts[:-1]
            elif part not in ("", "."):
                parts.append(part)
        return "/" + "/".join(parts)

    def _here(self, place: str) -> list[str]:
        return sorted(name for name in (*self.server.files, *self.server.folders)
                      if name != place and name.rpartition("/")[0] == place.rstrip("/"))  # fmt: skip

    async def do_list(self, rest: str) -> None:
        names = self._here(self._path("" if rest.startswith("-") else rest))
        sizes = {name: len(self.server.files.get(name, b"")) for name in names}
        text = "".join(_FACTS.format(size=sizes[name], name=name.rpartition("/")[2]) + "\r\n" for name in names)
        await self._give(text.encode(), "Here is the list")

    async def do_nlst(self, rest: str) -> None:
        names = self._here(self._path(rest))
        await self._give("".join(name.rpartition("/")[2] + "\r\n" for name in names).encode(), "Here are the names")

    async def do_retr(self, rest: str) -> None:
        name = self._path(rest)
        if name not in self.server.files:
            await self.lines.say(f"550 There is no file {name}")
            return
        data = self.server.files[name][self.rest :]
        await self._give(data, f"Here is {name} ({len(data)} bytes)")

    async def _give(self, data: bytes, about: str) -> None:
        async with self._data(about) as ends:
            if ends is not None:
                ends[1].write(data)
                await ends[1].drain()
        if ends is not None:
            await self.lines.say("226 Done")

    async def do_stor(self, rest: str) -> None:
        await self._take(rest, b"")

    async def do_appe(self, rest: str) -> None:
        await self._take(rest, self.server.files.get(self._path(rest), b""))

    async def _take(self, rest: str, before: bytes) -> None:
        async with self._data(f"Send {self._path(rest)}") as ends:
            if ends is not None:
                self.server.files[self._path(rest)] = before + await asyncio.wait_for(ends[0].read(1 << 20), _WAIT_S)
        if ends is not None:
            await self.lines.say("226 Stored")

    async def do_dele(self, rest: str) -> None:
        gone = self.server.files.pop(self._path(rest), None)
        await self.lines.say("250 Deleted" if gone is not None else f"550 There is no file {self._path(rest)}")

    async def do_rnfr(self, rest: str) -> None:
        self.rename = self._path(rest) if self._path(rest) in self.server.files else ""
        await self.lines.say("350 And the new name?" if self.rename else f"550 There is no file {self._path(rest)}")

    async def do_rnto(self, rest: str) -> None:
        if not self.rename:
            await self.lines.say("503 First say RNFR")
            return
        self.server.files[self._path(rest)] = self.server.files.pop(self.rename)
        self.rename = ""
        await self.lines.say("250 Renamed")

    async def do_size(self, rest: str) -> None:
        data = self.server.files.get(self._path(rest))
        await self.lines.say(f"213 {len(data)}" if data is not None else f"550 There is no file {self._path(rest)}")

    # -- small talk --------------------------------------------------------------------------------------------------

    async def do_syst(self, rest: str) -> None:
        await self.lines.say("215 UNIX Type: L8")

    async def do_feat(self, rest: str) -> None:
        await self.lines.say("211-What I can do", " EPRT", " EPSV", " REST STREAM", " SIZE", "211 End")

    async def do_help(self, rest: str) -> None:
        words = sorted(name[3:].upper() for name in dir(self) if name.startswith("do_"))
        await self.lines.say("214-My commands", " " + " ".join((*words, "QUIT")), "214 End")

    async def do_stat(self, rest: str) -> None:
        await self.lines.say("211-Prayog file server", f" TYPE {self.kind}, STRU F, MODE S", "211 End")

    async def do_noop(self, rest: str) -> None:
        await self.lines.say("200 Nothing done")

    async def do_abor(self, rest: str) -> None:
        self.hang_up()
        await self.lines.say("226 Nothing was going on")
