"""Two that count: datagrams, each by itself, and the bytes of a stream, however they were written."""

from __future__ import annotations

import asyncio
from typing import Any

from prayog_protocols.engine.real.servers.listening import IDLE_S, Server

__all__ = ["Count", "Stream"]


class _Heard(asyncio.DatagramProtocol):
    def __init__(self, owner: Count) -> None:
        self.owner = owner

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        self.owner.heard.append(data)
        if data == b"how many?":
            self.transport.sendto(f"{len(self.owner.heard) - 1} datagrams".encode(), address)


class Count(Server):
    """UDP: answers ``how many?``."""

    async def open(self) -> None:
        self.heard: list[bytes] = []
        wanted = self.about.port if self.lab.kernel else 0
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Heard(self), local_addr=("127.0.0.1", wanted)
        )
        self.port = transport.get_extra_info("sockname")[1]


class Stream(Server):
    """TCP: says how many reads it took to get everything."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sizes = []
        await asyncio.sleep(0.05)  # a reader that is busy: what came meanwhile lies together
        while data := await asyncio.wait_for(reader.read(65536), IDLE_S):
            sizes.append(len(data))
        writer.write(f"{sum(sizes)} bytes in {len(sizes)} read{'' if len(sizes) == 1 else 's'}".encode())
        await writer.drain()
