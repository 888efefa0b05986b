"""A chat room (WebSocket, RFC 6455) on websockets: what one says is handed to the others; ``/news`` tells prices."""

from __future__ import annotations

import contextlib

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from prayog_protocols.engine.real.servers.listening import Server
from prayog_protocols.engine.real.servers.prices import PRICES

__all__ = ["Chat"]


class Chat(Server):
    """One room for all."""

    async def open(self) -> None:
        self.here: list[ServerConnection] = []
        wanted = self.about.port if self.lab.kernel else 0
        self.serving = await serve(
            self._visit,
            "127.0.0.1",
            wanted,
            compression=None,
            ping_interval=None,
            close_timeout=1,
            server_header="prayog",
        )
        self.port = next(iter(self.serving.sockets)).getsockname()[1]

    async def _visit(self, visitor: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            if visitor.request is not None and visitor.request.path == "/news":
                await self._news(visitor)
            else:
                await self._chat(visitor)

    async def _chat(self, visitor: ServerConnection) -> None:
        self.here.append(visitor)
        try:
            async for message in visitor:
                if message == "bye":
                    await visitor.close(1000, "you said bye")
                    return
                others = [one for one in self.here if one is not visitor]
                for other in others:
                    await other.send(message)
                if not others:
                    await visitor.send(f"{len(message)} {'letters' if isinstance(message, str) else 'bytes'} arrived")
        finally:
            self.here.remove(visitor)

    @staticmethod
    async def _news(visitor: ServerConnection) -> None:
        told = 0
        await visitor.send(PRICES.text())
        while told < PRICES.last or not PRICES.last:
            await PRICES.after(told)
            if PRICES.number == told:
                break
            told = PRICES.number
            await visitor.send(PRICES.text())
