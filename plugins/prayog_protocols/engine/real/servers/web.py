"""A web server of a small shop, on h11 (RFC 9110, 9112): it also gives odd answers when asked.

/catalogue, /orders, /orders/N, /profile; /status/NNN answers with that status and the fields that belong to it; /count
knows its visitors by a cookie; /chunked does not know its length; /news is asked for news (see `prices`).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import ssl
from collections.abc import Callable
from http import HTTPStatus

import h11

from prayog_protocols.engine.real.servers.listening import IDLE_S, Server
from prayog_protocols.engine.real.servers.prices import PRICES

__all__ = ["SecureWeb", "Web"]

CATALOGUE = b"<!doctype html><title>Chai and more</title><ul><li>Chai 12<li>Samosa 15<li>Jalebi 40</ul>\n"
ALLOWED = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE, CONNECT"
_LONGEST = 1 << 20
_HEADER_S = 2.0  # a header that is not finished after so long is answered 408

BELONGS: dict[int, list[tuple[str, str]]] = {
    301: [("Location", "/catalogue")], 302: [("Location", "/catalogue")], 303: [("Location", "/catalogue")],
    307: [("Location", "/catalogue")], 308: [("Location", "/catalogue")],
    401: [("WWW-Authenticate", 'Basic realm="shop"')], 405: [("Allow", "GET, HEAD")],
    408: [("Connection", "close")], 429: [("Retry-After", "30")], 503: [("Retry-After", "120")],
}  # fmt: skip
"""Fields that an answer with this status must or should carry (RFC 9110 §15, RFC 6585 §4)."""

Header = list[tuple[str, str]]
Answer = tuple[int, Header, bytes]


class Web(Server):
    """The shop.  `lose_replies`: so many replies are cut off before their first byte."""

    lose_replies = 0

    def reset(self) -> None:
        """An empty shop."""
        self.orders: dict[int, object] = {}
        self.seen: dict[str, Answer] = {}  # answers by idempotency key
        self.visits: dict[str, int] = {}
        self.profile: dict[str, object] = {"name": "Asha", "phone": "1"}

    async def open(self) -> None:
        self.reset()
        await super().open()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        speaking = h11.Connection(h11.SERVER)
        while True:
            try:
                request, body = await self._request(speaking, reader, writer)
            except h11.RemoteProtocolError as error:
                await self._say(speaking, writer, 400, [("Connection", "close")], f"{error}\n".encode())
                return
            except TimeoutError:
                await self._say(speaking, writer, 408, BELONGS[408], b"Your request took too long.\n")
                return
            if request is None:
                return
            target, method = request.target.decode("ascii", "replace"), request.method.decode()
            if method == "CONNECT":
                await self._tunnel(target, speaking, reader, writer)
                return
            if target == "/news/events":
                await PRICES.tell_events(speaking, writer)
                return
            known = {name.decode(): value.decode("latin-1") for name, value in request.headers}
            status, header, answer = await self._answer(method, target, known, body)
            if self.lose_replies > 0:
                self.lose_replies -= 1
                self.lab.tell("lost reply", method=method, target=target, status=status)
                return
            await self._say(speaking, writer, status, header, answer, method == "HEAD", target == "/chunked")
            if speaking.our_state is not h11.DONE or speaking.their_state is not h11.DONE:
                return
            speaking.start_next_cycle()

    @staticmethod
    async def _request(
        speaking: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[h11.Request | None, bytes]:
        """One whole request; None when the client has gone.  `TimeoutError` when it began one and did not end it."""
        request, body, begun = None, b"", False
        while True:
            event = speaking.next_event()
            if event is h11.NEED_DATA:
                if speaking.they_are_waiting_for_100_continue:
                    go_on = h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")
                    writer.write(speaking.send(go_on) or b"")
                try:
                    data = await asyncio.wait_for(reader.read(65536), _HEADER_S if begun else IDLE_S)
                except TimeoutError:
                    if begun:
                        raise
                    return None, b""
                begun = begun or bool(data)
                speaking.receive_data(data)
            elif isinstance(event, h11.Request):
                request = event
                if request.method == b"CONNECT":
                    return request, b""
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > _LONGEST:
                    raise h11.RemoteProtocolError("a body of more than a mebibyte", error_status_hint=413)
            elif isinstance(event, h11.EndOfMessage):
                return request, body
            else:  # ConnectionClosed, PAUSED
                return None, b""

    @staticmethod
    async def _say(
        speaking: h11.Connection, writer: asyncio.StreamWriter, status: int, header: Header, body: bytes,
        only_header: bool = False, in_pieces: bool = False,
    ) -> None:  # fmt: skip
        if speaking.our_state not in (h11.SEND_RESPONSE, h11.IDLE):
            return
        reason = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
        bodiless = status in (204, 304)
        length = (
            [("Transfer-Encoding", "chunked")]
            if in_pieces
            else []
            if bodiless
            else [("Content-Length", str(len(body)))]
        )
        answer = h11.Response(
            status_code=status, reason=reason.encode(), headers=[("Server", "prayog"), *header, *length]
        )
        data = speaking.send(answer) or b""
        for piece in (body[at : at + 20] for at in range(0, len(body), 20)) if in_pieces else (body,):
            if not only_header and not bodiless and piece:
                data += speaking.send(h11.Data(data=piece)) or b""
                if in_pieces:
                    writer.write(data)
                    await writer.drain()
                    data = b""
        writer.write(data + (speaking.send(h11.EndOfMessage()) or b""))
        await writer.drain()

    async def _tunnel(
        self, target: str, speaking: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """CONNECT (RFC 9110 §9.3.6): from here on bytes are handed on, whatever they mean."""
        host, _, port = target.rpartition(":")
        try:
            other_reader, other_writer = await asyncio.open_connection("127.0.0.1", int(port))
        except (OSError, ValueError):
            await self._say(speaking, writer, 502, [], f"{host}:{port} cannot be reached.\n".encode())
            return
        writer.write(speaking.send(h11.Response(status_code=200, reason=b"Connection Established", headers=[])) or b"")

        async def hand_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
            sink.close()

        await asyncio.gather(hand_on(reader, other_writer), hand_on(other_reader, writer), return_exceptions=True)

    # -- what the shop knows -----------------------------------------------------------------------------------------

    async def _answer(self, method: str, target: str, header: dict[str, str], body: bytes) -> Answer:
        path = target.partition("?")[0]
        if method == "TRACE":  # the request comes back as it was understood (RFC 9110 §9.3.8)
            lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in header.items())]
            return 200, [("Content-Type", "message/http")], ("\r\n".join(lines) + "\r\n\r\n").encode()
        if method == "OPTIONS":
            return 204, [("Allow", ALLOWED)], b""
        if path.startswith("/status/"):
            status = int(path[8:]) if path[8:].isdigit() and 200 <= int(path[8:]) <= 599 else 404
            return status, BELONGS.get(status, []), f"This is what {status} looks like.\n".encode()
        if path == "/news":
            return 200, [("Content-Type", "application/json")], await PRICES.answer(target, header)
        rooms: dict[str, Callable[[str, str, dict[str, str], bytes], Answer]] = {
            "orders": self._orders, "profile": self._profile, "catalogue": self._pages, "": self._pages,
            "count": self._count, "chunked": self._pages, "private": self._private, "upload": self._upload,
        }  # fmt: skip
        room = rooms.get(path.split("/")[1])
        return room(method, path, header, body) if room else (404, [], b"There is nothing here.\n")

    def _orders(self, method: str, path: str, header: dict[str, str], body: bytes) -> Answer:
        what = _json(body)
        number = path.rpartition("/")[2]
        if method == "POST":
            if (key := header.get("idempotency-key", "")) in self.seen and key:
                return self.seen[key]
            made = max(self.orders, default=0) + 1
            self.orders[made] = what
            answer: Answer = (201, [("Location", f"/orders/{made}")], _text({"order": made}))
            if key:
                self.seen[key] = answer
            return answer
        if not number.isdigit():
            return (
                (200, [], _text(self.orders))
                if method in ("GET", "HEAD")
                else (405, [("Allow", "GET, HEAD, POST")], b"")
            )
        known = int(number) in self.orders
        if method == "PUT":
            self.orders[int(number)] = what
            return (200 if known else 201), [], _text(what)
        if not known:
            return 404, [], b"There is no such order.\n"
        if method == "DELETE":
            del self.orders[int(number)]
            return 204, [], b""
        return (
            (200, [], _text(self.orders[int(number)]))
            if method in ("GET", "HEAD")
            else (405, [("Allow", "GET, HEAD, PUT, DELETE")], b"")
        )

    def _profile(self, method: str, path: str, header: dict[str, str], body: bytes) -> Answer:
        what = _json(body)
        if method in ("PUT", "PATCH"):
            if not isinstance(what, dict):
                return 400, [], b"A profile is a JSON object.\n"
            self.profile = {**(self.profile if method == "PATCH" else {}), **what}
        elif method not in ("GET", "HEAD"):
            return 405, [("Allow", "GET, HEAD, PUT, PATCH")], b""
        return 200, [("Content-Type", "application/json")], _text(self.profile)

    def _pages(self, method: str, path: str, header: dict[str, str], body: bytes) -> Answer:
        if method not in ("GET", "HEAD"):
            return 405, [("Allow", "GET, HEAD")], b""
        tag = f'"{hashlib.sha256(CATALOGUE).hexdigest()[:8]}"'
        if header.get("if-none-match") == tag:
            return 304, [("ETag", tag)], b""
        return 200, [("Content-Type", "text/html"), ("ETag", tag)], CATALOGUE

    def _count(self, method: str, path: str, header: dict[str, str], body: bytes) -> Answer:
        given = header.get("cookie", "").partition("visitor=")[2].partition(";")[0]
        visitor = given or f"v{len(self.visits) + 1}"
        self.visits[visitor] = self.visits.get(visitor, 0) + 1
        more = [] if given else [("Set-Cookie", f"visitor={visitor}; HttpOnly")]
        return 200, more, f"{visitor}: visit {self.visits[visitor]}\n".encode()

    def _private(self, method: str, path: str, header: dict[str, str], body: bytes) -> Answer:
        if "authorization" not in header:
            return 401, BELONGS[401], b"Who are you?\n"
        if header["authorization"] != "Basic YXNoYTpjaGFp":  # asha:chai
            return 403, [], b"I know who you are, and you may not see this.\n"
        return 200, [], b"Welcome, Asha.\n"

    def _upload(self, method: str, path: str, header: dict[str, str], body: bytes) -> Answer:
        return 200, [], f"{len(body)} bytes arrived.\n".encode()


class SecureWeb(Web):
    """The same shop behind TLS."""

    def security(self) -> ssl.SSLContext:
        return self.lab.authority.server("shop.test", protocols=("http/1.1",))


def _json(body: bytes) -> object:
    try:
        return json.loads(body or b"null")
    except ValueError:
        return body.decode("utf-8", "replace")


def _text(value: object) -> bytes:
    return json.dumps(value).encode() + b"\n"
