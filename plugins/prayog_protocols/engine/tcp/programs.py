"""The programs above TCP and UDP: who writes what, and how fast what arrives is read.

All that is sent is a known text, so the reader can tell for every byte whether it is the right one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from prayog_sim.node import Ctx
from prayog_sim.run import ActionError

if TYPE_CHECKING:
    from prayog_protocols.engine.tcp.connection import Connection

__all__ = ["Bulk", "Idle", "Messages", "Program", "Requests", "Responder", "message", "text"]

_LINE = "{:06d} This line goes to the shop, in order and only once.\n"
_LINES = "".join(_LINE.format(number) for number in range(4_096)).encode()
_READ_EVERY_US = 10_000


def text(first: int, size: int) -> bytes:
    """`size` bytes of the text that is sent, from place `first` on; it repeats itself every quarter of a megabyte."""
    start = first % len(_LINES)
    whole = _LINES if start + size <= len(_LINES) else _LINES * ((start + size) // len(_LINES) + 1)
    return whole[start : start + size]


def message(number: int, size: int) -> bytes:
    """Message `number` (from 1), by TCP as by UDP."""
    return (b"%06d " % number + text(7, size))[:size]


class Program:
    """Reads what arrives, at once or at `rate` bytes a second, and compares it with what was to be sent.

    ``size``: bytes of one message, where the stream consists of messages.
    """

    by_hand: ClassVar[bool] = True

    def __init__(self, rate: int = 0, size: int = 0) -> None:
        self.rate, self.size = rate, size
        self.paused = False
        self.got = self.wrong = 0
        self.written = 0
        self._ticking = False
        self._over = False

    def opened(self, line: Connection, ctx: Ctx) -> None:
        """The connection is open."""

    def tick(self, line: Connection, ctx: Ctx, name: str) -> None:
        """A timer of the program ran out."""
        if name == "read":
            self._ticking = False
            self._read(line, ctx, max(1, self.rate * _READ_EVERY_US // 1_000_000))

    def arrived(self, line: Connection, ctx: Ctx) -> None:
        """There is something to be read."""
        if self.paused:
            return
        if self.rate:
            self._plan(line, ctx)
        else:
            self._read(line, ctx, len(line.receiver.waiting))

    def ended(self, line: Connection, ctx: Ctx) -> None:
        """The other side will write no more."""
        self._over = True
        self._finish(line, ctx)

    def pause(self, line: Connection, ctx: Ctx, on: bool) -> None:
        """Stop reading, or go on."""
        self.paused = on
        if not on and line.receiver.waiting:
            self.arrived(line, ctx)

    def write(self, line: Connection, ctx: Ctx, size: int) -> None:
        """Write the next `size` bytes of the text; raises `ActionError` where the program has its own to say."""
        if not self.by_hand:
            raise ActionError("This program writes by itself; with the program “wait” you write.")
        data = text(self.written, size)
        self.written += size
        line.write(ctx, data)

    def expected(self, first: int, size: int) -> bytes:
        """What should arrive."""
        if not self.size:
            return text(first, size)
        begun, ended = first // self.size, -(-(first + size) // self.size)
        whole = b"".join(message(number + 1, self.size) for number in range(begun, ended))
        return whole[first - begun * self.size :][:size]

    def _plan(self, line: Connection, ctx: Ctx) -> None:
        if not self._ticking:
            self._ticking = True
            ctx.set_timer(f"read {line.key}", _READ_EVERY_US)

    def _read(self, line: Connection, ctx: Ctx, size: int) -> None:
        if self.paused:
            return
        data = line.receiver.read(ctx, size)
        if data != self.expected(self.got, len(data)):
            self.wrong += len(data)
            ctx.emit("wrong_bytes", first=self.got + 1, size=len(data), flow=line.flow)
        before, self.got = self.got, self.got + len(data)
        ctx.gauge("read", self.got)
        if self.size:
            for number in range(before // self.size + 1, self.got // self.size + 1):
                ctx.emit("message", number=number, flow=line.flow, way="TCP")
        self.read(line, ctx)
        if self.rate and line.receiver.waiting:
            self._plan(line, ctx)
        self._finish(line, ctx)

    def read(self, line: Connection, ctx: Ctx) -> None:
        """More was read."""

    def _finish(self, line: Connection, ctx: Ctx) -> None:
        if self._over and not line.receiver.waiting and not self.paused:
            self._over = False
            ctx.emit("finished", bytes=self.got, wrong=self.wrong, flow=line.flow)
            self.over(line, ctx)

    def over(self, line: Connection, ctx: Ctx) -> None:
        """Everything was read: close our half, too."""
        line.close(ctx)


class Idle(Program):
    """Opens the connection, and waits for the learner."""


class Bulk(Program):
    """Writes `amount` bytes as fast as TCP takes them, and closes."""

    def __init__(self, amount: int, rate: int = 0) -> None:
        super().__init__(rate)
        self.amount = amount

    def opened(self, line: Connection, ctx: Ctx) -> None:
        self.write(line, ctx, self.amount)
        line.close(ctx)


class Messages(Program):
    """`count` messages of `size` bytes, one every `every_us`."""

    by_hand = False

    def __init__(self, count: int, size: int, every_us: int) -> None:
        super().__init__(size=size)
        self.left, self.every_us = count, every_us
        self.said = 0

    def opened(self, line: Connection, ctx: Ctx) -> None:
        self._say(line, ctx)

    def tick(self, line: Connection, ctx: Ctx, name: str) -> None:
        if name == "say":
            self._say(line, ctx)
        else:
            super().tick(line, ctx, name)

    def _say(self, line: Connection, ctx: Ctx) -> None:
        if self.left <= 0:
            return
        self.left -= 1
        self.said += 1
        line.write(ctx, message(self.said, self.size))
        if self.left:
            ctx.set_timer(f"say {line.key}", self.every_us)
        else:
            line.close(ctx)


_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"


def _request(number: int) -> bytes:
    return b"GET /page/%d HTTP/1.1\r\nHost: shop.example\r\n\r\n" % number


class Requests(Program):
    """Asks for `count` pages of `size` bytes, one after the other, and thinks for a while in between."""

    by_hand = False

    def __init__(self, count: int, size: int, think_us: int) -> None:
        super().__init__()
        self.left, self.page, self.think_us = count, size, think_us
        self.asked = 0
        self.answer = _ANSWER % size + text(0, size)

    def opened(self, line: Connection, ctx: Ctx) -> None:
        self._ask(line, ctx)

    def expected(self, first: int, size: int) -> bytes:
        start = first % len(self.answer)
        return (self.answer * 2)[start : start + size] if size <= len(self.answer) else (
            self.answer * (size // len(self.answer) + 2))[start : start + size]  # fmt: skip

    def read(self, line: Connection, ctx: Ctx) -> None:
        if self.got == self.asked * len(self.answer):
            ctx.emit("answered", number=self.asked, flow=line.flow)
            if self.left:
                ctx.set_timer(f"say {line.key}", self.think_us)
            else:
                line.close(ctx)

    def tick(self, line: Connection, ctx: Ctx, name: str) -> None:
        if name == "say":
            self._ask(line, ctx)
        else:
            super().tick(line, ctx, name)

    def _ask(self, line: Connection, ctx: Ctx) -> None:
        self.left -= 1
        self.asked += 1
        line.write(ctx, _request(self.asked))


class Responder(Program):
    """Answers each request with a page of `size` bytes."""

    by_hand = False

    def __init__(self, size: int) -> None:
        super().__init__()
        self.answer = _ANSWER % size + text(0, size)
        self.served = 0

    def expected(self, first: int, size: int) -> bytes:
        told = b"".join(_request(number) for number in range(1, self.served + size // 20 + 3))
        return told[first : first + size]

    def read(self, line: Connection, ctx: Ctx) -> None:
        told = b"".join(_request(number) for number in range(1, self.served + 2))
        while self.got >= len(told):
            self.served += 1
            line.write(ctx, self.answer)
            told += _request(self.served + 1)
