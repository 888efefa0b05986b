"""What all servers of the lab have in common: a port on loopback, one task a connection, and a deadline."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import TYPE_CHECKING

from prayog_protocols.engine.conversations import Listening

if TYPE_CHECKING:
    from prayog_protocols.engine.real.lab import Lab

__all__ = ["IDLE_S", "Lines", "Server"]

IDLE_S = 120.0
"""A connection on which nobody says anything for so long is closed."""


class Server:
    """A TCP server; `port` is the official one in a network of our own, a free one elsewhere."""

    def __init__(self, lab: Lab, about: Listening) -> None:
        self.lab, self.about = lab, about
        self.port = 0

    def security(self) -> ssl.SSLContext | None:
        """The TLS context when it speaks TLS from the first byte."""
        return None

    def reset(self) -> None:
        """As in the beginning; done before every conversation."""

    async def open(self) -> None:
        """Begin to listen."""
        wanted = self.about.port if self.lab.kernel else 0
        listening = await asyncio.start_server(self._connected, "127.0.0.1", wanted, ssl=self.security())
        self.port = listening.sockets[0].getsockname()[1]

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(ConnectionError, TimeoutError, asyncio.IncompleteReadError, ssl.SSLError):
                await self.serve(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError, ssl.SSLError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), 1)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak with one client until it goes."""
        raise NotImplementedError


class Lines:
    """Lines that end with CRLF, as FTP, POP3 and IMAP speak."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def hear(self) -> str | None:
        """The next line without its end; None when the client is gone."""
        line = await asyncio.wait_for(self.reader.readline(), IDLE_S)
        return line.rstrip(b"\r\n").decode("utf-8", "replace") if line else None

    async def say(self, *lines: str) -> None:
        """Lines, in one write."""
        self.writer.write("".join(f"{line}\r\n" for line in lines).encode())
        await self.writer.drain()
