"""One file for six: from one server, or from everybody who has a piece of it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

PIECE, PIECES, NODES = 2000, 12, 6
FILE = [bytes([number]) * PIECE for number in range(PIECES)]


class Node:
    """Someone who has pieces and hands them out: ``n`` asks for piece n, and its bytes come back."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.pieces: dict[int, bytes] = {}
        self.sent = self.received = 0
        self.port = 0

    async def open(self) -> None:
        self.listening = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self.listening.sockets[0].getsockname()[1]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            data = self.pieces[int(line)]
            self.sent += len(data)
            writer.write(data)
            await writer.drain()
        writer.close()

    async def fetch(self, other: Node, wanted: list[int]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", other.port)
        for number in wanted:
            writer.write(b"%d\n" % number)
            self.pieces[number] = await reader.readexactly(PIECE)
            self.received += PIECE
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _from_server() -> list[Node]:
    source, *others = await _opened()
    await asyncio.gather(*(other.fetch(source, list(range(PIECES))) for other in others))
    return [source, *others]


async def _from_all() -> list[Node]:
    source, *others = await _opened()
    share = PIECES // NODES
    own = {other.name: list(range(n * share, (n + 1) * share)) for n, other in enumerate(others)}
    await asyncio.gather(*(other.fetch(source, own[other.name]) for other in others))
    for shift in range(1, NODES):  # everybody asks another neighbour in each round
        pairs = [(others[n], others[(n + shift) % NODES]) for n in range(NODES)]
        await asyncio.gather(*(one.fetch(another, own[another.name]) for one, another in pairs))
    return [source, *others]


async def _opened() -> list[Node]:
    nodes = [Node(name) for name in ("server", *(f"peer {n}" for n in range(1, NODES + 1)))]
    nodes[0].pieces = dict(enumerate(FILE))
    for node in nodes:
        await node.open()
    return nodes


def _played(lab: Any, form: str, play: Any) -> None:
    nodes = lab.do(play())
    for node in nodes:
        lab.loop.call_soon_threadsafe(node.listening.close)
        lab.tell("load", form=form, name=node.name, port=node.port, sent=node.sent, received=node.received,
                 complete=len(node.pieces) == PIECES)  # fmt: skip


def server(lab: Any) -> None:
    _played(lab, "server", _from_server)


def swarm(lab: Any) -> None:
    _played(lab, "swarm", _from_all)


def both(lab: Any) -> None:
    server(lab)
    swarm(lab)
