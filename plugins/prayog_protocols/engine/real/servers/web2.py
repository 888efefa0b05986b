"""A small HTTP/2 server (RFC 9113) on h2: long answers are cut, so that streams can be seen to interleave."""

from __future__ import annotations

import asyncio
import ssl

import h2.config
import h2.connection
import h2.events

from prayog_protocols.engine.real.servers.listening import IDLE_S, Server
from prayog_protocols.engine.real.servers.web import CATALOGUE

__all__ = ["SecureWeb2", "Web2"]

_PIECE = 60  # bytes in a DATA frame
_PAGES = {
    "/catalogue": CATALOGUE,
    "/style.css": b"li { color: brown }\n" * 6,
    "/picture.svg": b"<svg><circle r='9'/></svg>\n" * 8,
}


class Web2(Server):
    """HTTP/2 with prior knowledge, in clear text."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        speaking = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        speaking.initiate_connection()
        writer.write(speaking.data_to_send())
        while data := await asyncio.wait_for(reader.read(65536), IDLE_S):
            left: dict[int, bytes] = {}
            for event in speaking.receive_data(data):
                if isinstance(event, h2.events.RequestReceived) and event.stream_id is not None:
                    path = dict(event.headers or ()).get(b":path", b"/")
                    page = _PAGES.get(path.decode("ascii", "replace"))
                    status = "200" if page else "404"
                    left[event.stream_id] = page or b"There is nothing here.\n"
                    size = str(len(left[event.stream_id]))
                    speaking.send_headers(
                        event.stream_id, [(":status", status), ("server", "prayog"), ("content-length", size)]
                    )
                elif isinstance(event, h2.events.ConnectionTerminated):
                    writer.write(speaking.data_to_send())
                    return
            while left:  # a piece of each in turn: that is what one connection for all streams means
                for stream in list(left):
                    piece, rest = left[stream][:_PIECE], left[stream][_PIECE:]
                    speaking.send_data(stream, piece, end_stream=not rest)
                    left[stream] = rest
                    if not rest:
                        del left[stream]
            writer.write(speaking.data_to_send())
            await writer.drain()


class SecureWeb2(Web2):
    """As browsers ask for it."""

    def security(self) -> ssl.SSLContext:
        return self.lab.authority.server("shop.test", protocols=("h2",))
