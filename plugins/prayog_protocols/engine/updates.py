"""Ten price changes in a minute, told in four ways: what each costs in bytes, delay and connections.

Polling and long polling are plain HTTP (RFC 9112), server-sent events a response that does not end (WHATWG HTML §9.2),
WebSocket is RFC 6455.  Bytes are whole frames, with all headers and bare ACKs, as a capture counts them.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

from prayog_protocols.engine.story import Story
from prayog_protocols.engine.wire import ACK, Frame, Tcp, Wire
from prayog_sdk.run import Emit, Facts
from prayog_sim.rng import Rng
from prayog_sim.run import Action, ActionError
from prayog_sim.trace import Step

__all__ = ["WAYS", "Updates"]

WAYS = ("polling", "long polling", "server-sent events", "WebSocket")
MINUTE_MS = 60_000
CHANGES = 10
_BROWSER = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\nAccept: {accept}\r\n"
    "Accept-Language: en-IN,en;q=0.8,hi;q=0.6\r\nAccept-Encoding: gzip, deflate, br\r\n"
    "Cookie: session=4f2a9c7e11d34b0e9a6d8d3f6a7b9c01; theme=light\r\n"
)
"""What a browser says with every request, whether it matters or not."""


class Updates(Story):
    """Action ``watch``: a minute of prices, in one way."""

    about = "Choose how the browser hears of new prices."

    def __init__(self, seed: int) -> None:
        rng = Rng.derive(seed, "prices")
        self._changes = sorted(rng.randint(1_000, MINUTE_MS - 1_000) for _ in range(CHANGES))  # ms after the start
        self._wire = Wire(40)
        super().__init__()
        self.begin("network", changes_ms=self._changes)

    def start(self) -> Facts:
        return {**super().start(), "ways": {}}

    def learn(self, state: Facts, step: Step) -> Facts:
        if step.kind != "measured":
            return state
        return {**state, "ways": {**state["ways"], step.data["way"]: dict(step.data)}}

    def perform(self, action: Action) -> Iterator[Emit]:
        way = str(action.args.get("way", "polling"))
        if action.name != "watch" or way not in WAYS:
            raise ActionError(f"Watch the prices in one of these ways: {', '.join(WAYS)}.")
        return self._watch(way)

    def _watch(self, way: str) -> Iterator[Emit]:
        self._wire.wait(5_000)  # one way after the other in the same capture
        minute = _Minute(self._wire, self._changes)
        frames = {
            "polling": minute.polling, "long polling": minute.long_polling, "server-sent events": minute.events,
            "WebSocket": minute.websocket,
        }[way]()  # fmt: skip
        count = size = 0
        for frame in frames:
            count, size = count + 1, size + len(frame.data)
            yield frame.emit()
        delays = minute.delays
        yield "measured", "laptop", {
            "way": way, "bytes": size, "packets": count, "changes": len(delays), "requests": minute.requests,
            "mean_delay_ms": round(sum(delays) / len(delays), 1), "worst_delay_ms": round(max(delays), 1),
            "connections": 1,
        }  # fmt: skip


class _Minute:
    """One minute of one way."""

    def __init__(self, wire: Wire, changes: list[int]) -> None:
        self._wire, self._changes = wire, changes
        self._talk: Tcp = wire.tcp("laptop", "prices", 80)
        self._zero = wire.now
        self.delays: list[float] = []  # ms from a change to the browser's knowing
        self.requests = 0

    @property
    def _ms(self) -> float:
        return (self._wire.now - self._zero) / 1e6

    def _open(self) -> Iterator[Frame]:
        yield from self._talk.open()
        self._zero = self._wire.now

    def _until(self, ms: float) -> None:
        self._wire.now = max(self._wire.now, self._zero + round(ms * 1e6))

    def _ask(self, path: str, accept: str, more: str = "") -> Iterator[Frame]:
        self.requests += 1
        head = f"GET {path} HTTP/1.1\r\nHost: prices.example\r\n{_BROWSER.format(accept=accept)}{more}\r\n"
        yield from self._talk.say(">", head.encode(), f"GET {path}")

    def _answer(self, number: int) -> bytes:
        if number == 0:
            return b'HTTP/1.1 304 Not Modified\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nETag: "p41"\r\n\r\n'
        body = _price(number)
        head = ("HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: application/json\r\n"
                f"Cache-Control: no-cache\r\nETag: \"p{number}\"\r\nContent-Length: {len(body)}\r\n\r\n")  # fmt: skip
        return head.encode() + body

    def _know(self, upto: float, known: int) -> int:
        """Changes up to `upto` ms are known now."""
        while known < len(self._changes) and self._changes[known] <= upto:
            self.delays.append(self._ms - self._changes[known])
            known += 1
        return known

    def _confirm(self, who: str) -> Frame:
        return self._talk.segment(who, ACK, words="ACK")

    def polling(self) -> Iterator[Frame]:
        """Ask every second, whether there is news or not."""
        yield from self._open()
        known = 0
        for second in range(1, MINUTE_MS // 1_000 + 2):
            self._until(second * 1_000)
            yield from self._ask("/price", "application/json", f'If-None-Match: "p{known}"\r\n')
            at = self._ms
            news = sum(change <= at for change in self._changes) - known
            yield from self._talk.say(
                "<", self._answer(known + news if news else 0), "200 new price" if news else "304 nothing new"
            )
            known = self._know(at, known)
            yield self._confirm(">")

    def long_polling(self) -> Iterator[Frame]:
        """Ask, and the server keeps the question until there is news."""
        yield from self._open()
        known = 0
        while known < len(self._changes):
            yield from self._ask(f"/price?after={known}", "application/json")
            yield self._confirm("<")
            self._until(self._changes[known])
            at = self._ms
            yield from self._talk.say("<", self._answer(known + 1), "200 new price")
            known = self._know(at, known)
            yield self._confirm(">")

    def events(self) -> Iterator[Frame]:
        """Ask once; the answer never ends (chunked, RFC 9112 §7.1)."""
        yield from self._open()
        yield from self._ask("/price/events", "text/event-stream")
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
        head += b"Transfer-Encoding: chunked\r\n\r\n"
        yield from self._talk.say("<", head, "200, and the answer stays open")
        yield self._confirm(">")
        for number, change in enumerate(self._changes, 1):
            self._until(change)
            event = b"id: %d\ndata: %s\n\n" % (number, _price(number))
            yield from self._talk.say("<", b"%x\r\n%s\r\n" % (len(event), event), "event: new price")
            self._know(change, number - 1)
            yield self._confirm(">")

    def websocket(self) -> Iterator[Frame]:
        """Ask once for the other protocol, then messages of a few bytes in both directions."""
        yield from self._open()
        nonce = base64.b64encode(bytes(range(16))).decode()
        upgrade = (
            f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {nonce}\r\nSec-WebSocket-Version: 13\r\n"
        )
        yield from self._ask("/price", "*/*", upgrade)
        proof = base64.b64encode(
            hashlib.sha1((nonce + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        ).decode()
        head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        head += f"Sec-WebSocket-Accept: {proof}\r\n\r\n"
        yield from self._talk.say("<", head.encode(), "101 Switching Protocols")
        yield self._confirm(">")
        for number, change in enumerate(self._changes, 1):
            self._until(change)
            body = _price(number)
            yield from self._talk.say("<", bytes((0x81, len(body))) + body, "message: new price")  # RFC 6455 §5.2
            self._know(change, number - 1)
            yield self._confirm(">")


def _price(number: int) -> bytes:
    return b'{"onion": %d.%02d}' % (28 + number % 3, number * 7 % 100)
