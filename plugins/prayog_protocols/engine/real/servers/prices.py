"""News for four ways to hear of it: a price that changes now and then.

A way is measured by its delay: the moment of a change against the moment when the client knows of it.
"""

from __future__ import annotations

import asyncio
import json
import time
from urllib.parse import parse_qs, urlsplit

import h11

__all__ = ["PRICES", "Prices"]


class Prices:
    """The last price, its number, and everybody who waits for the next."""

    def __init__(self) -> None:
        self.number = 0
        self.changes: list[int] = []  # time_ns of each change
        self.last = 0  # the number of the last change that will come
        self._waiting: list[asyncio.Future[None]] = []

    async def play(self, changes: int, every_s: float) -> None:
        """So many changes, one after another."""
        self.number, self.changes, self.last = 0, [], changes
        for _ in range(changes):
            await asyncio.sleep(every_s)
            self.number += 1
            self.changes.append(time.time_ns())
            waiting, self._waiting = self._waiting, []
            for one in waiting:
                if not one.done():
                    one.set_result(None)

    def text(self) -> str:
        """The news as it is now."""
        return json.dumps({"n": self.number, "chai": 12 + self.number})

    async def after(self, number: int, seconds: float = 5.0) -> None:
        """Wait until there is news after `number`, or long enough."""
        if self.number > number:
            return
        one: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(one)
        try:
            await asyncio.wait_for(one, seconds)
        except TimeoutError:
            return

    async def answer(self, target: str, header: dict[str, str]) -> bytes:
        """The body of an answer: at once, or (``?after=N``) when there is news after N."""
        asked = parse_qs(urlsplit(target).query)
        if "after" in asked and asked["after"][0].isdigit():
            await self.after(int(asked["after"][0]))
        return self.text().encode() + b"\n"

    async def tell_events(self, speaking: h11.Connection, writer: asyncio.StreamWriter) -> None:
        """Server-sent events (WHATWG HTML §9.2): one answer that goes on."""
        header = [
            ("Content-Type", "text/event-stream"),
            ("Cache-Control", "no-store"),
            ("Transfer-Encoding", "chunked"),
        ]
        writer.write(speaking.send(h11.Response(status_code=200, reason=b"OK", headers=header)) or b"")
        told = 0
        while told < self.last or not self.last:
            await self.after(told)
            if self.number == told:
                break
            told = self.number
            writer.write(speaking.send(h11.Data(data=f"id: {told}\ndata: {self.text()}\n\n".encode())) or b"")
            await writer.drain()
        writer.write(speaking.send(h11.EndOfMessage()) or b"")
        await writer.drain()


PRICES = Prices()
"""One market for all servers of the lab process."""
