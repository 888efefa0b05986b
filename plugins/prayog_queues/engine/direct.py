"""The same job without a broker: one HTTP call for each order, or one WebSocket over which they are pushed.

Sender and receiver tell what happens in the words of every other run, so the same judge reads it.

* HTTP (RFC 9110): the caller waits for the answer.  Without one it knows nothing: it may have been done (section 9.2.2
  says when a request may be sent again).  Nothing is kept anywhere for a receiver that is away.
* WebSocket (RFC 6455): ordered frames on one connection, without acknowledgements of their own.  What was sent into a
  connection that is broken is gone; after the reconnect it goes on with what comes next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from prayog_sim.network import Link, Network, Uniform
from prayog_sim.node import Ctx, Node
from prayog_sim.run import Look
from prayog_sim.world import World

__all__ = ["build_direct"]

PATIENCE_US = 200_000


@dataclass(frozen=True, slots=True)
class Order:
    """One order on the wire."""

    message: str
    key: str
    number: int


@dataclass(frozen=True, slots=True)
class Reply:
    """200 OK to that order."""

    message: str


@dataclass(frozen=True, slots=True)
class Hello:
    """The receiver has connected (again)."""


class Sender(Node):
    """Sends `count` orders of `keys` customers at `rate` a second."""

    def __init__(self, way: Literal["http", "websocket"], count: int, rate: float, keys: tuple[str, ...]) -> None:
        self.made = 0
        self.sent: list[str] = []
        self.numbers: dict[str, int] = {}
        self._way, self._count, self._gap, self._keys = way, count, round(1e6 / rate), keys

    def on_start(self, ctx: Ctx) -> None:
        ctx.emit("started")
        ctx.emit("declared", queues=[], exchanges=[], bindings=[])
        ctx.set_timer("make", self._gap)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if name == "make":
            self._make(ctx)
        elif name in self.sent:  # the answer never came
            self.sent.remove(name)
            ctx.emit("unconfirmed", message=name)
            self._end(ctx)
        elif name == "end":
            ctx.emit("finished", published=self.made, effects=-1)

    def _make(self, ctx: Ctx) -> None:
        self.made += 1
        key = self._keys[(self.made - 1) % len(self._keys)]
        number = self.numbers[key] = self.numbers.get(key, 0) + 1
        message = f"{ctx.me}-{self.made}"
        ctx.emit("publish", message=message, key=key, number=number, to="receiver", attempt=1, correlation="",
                 causation="")  # fmt: skip
        ctx.send("w1", Order(message, key, number))
        if self._way == "http":
            self.sent.append(message)
            ctx.set_timer(message, PATIENCE_US)
        if self.made < self._count:
            ctx.set_timer("make", self._gap)
        else:
            self._end(ctx)

    def _end(self, ctx: Ctx) -> None:
        if self.made == self._count and not self.sent:
            ctx.set_timer("end", PATIENCE_US)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if isinstance(msg, Reply) and msg.message in self.sent:
            self.sent.remove(msg.message)
            ctx.cancel_timer(msg.message)
            ctx.emit("confirmed", message=msg.message)
            self._end(ctx)

    def look(self) -> Look:
        return Look("client", "P", 0, f"sent {self.made} of {self._count}, {len(self.sent)} calls wait for an answer")

    def label(self, msg: Any) -> str:
        return msg.message if isinstance(msg, Order) else type(msg).__name__.lower()


class Receiver(Node):
    """Works `work_us` on each order; its process dies at order number `crash_at` and is back after `back_us`."""

    def __init__(self, way: Literal["http", "websocket"], work_us: int, crash_at: int, back_us: int) -> None:
        self.got = self.done = 0
        self.down = False
        self.at_work: list[Order] = []
        self._way, self._work, self._crash_at, self._back = way, work_us, crash_at, back_us

    def on_start(self, ctx: Ctx) -> None:
        ctx.emit("started")

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if self.down or not isinstance(msg, Order):
            return
        self.got += 1
        ctx.emit("delivered", message=msg.message, key=msg.key, number=msg.number, queue="", attempt=1,
                 receipt=msg.message, position=-1, lease_us=0)  # fmt: skip
        if self.got == self._crash_at:
            self.down = True
            for order in self.at_work:
                ctx.cancel_timer(order.message)
            self.at_work.clear()
            ctx.emit("crashed", point="before_work", how="simulated")
            ctx.set_timer("up", self._back)
            return
        self.at_work.append(msg)
        ctx.emit("began", message=msg.message, receipt=msg.message)
        ctx.set_timer(msg.message, self._work)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if name == "up":
            self.down = False
            ctx.emit("started")
            ctx.send("p1", Hello())
            return
        order = next((order for order in self.at_work if order.message == name), None)
        if order is None:
            return
        self.at_work.remove(order)
        self.done += 1
        ctx.emit("effect", message=name, key=order.key, number=order.number, queue="", receipt=name, what="charge",
                 stale=False)  # fmt: skip
        if self._way == "http":
            ctx.send("p1", Reply(name))

    def look(self) -> Look:
        sentence = "its process has ended" if self.down else f"{self.done} done, {len(self.at_work)} at work"
        return Look("follower", "W", 3 if self.down else 2, sentence, "down" if self.down else "")

    def label(self, msg: Any) -> str:
        return f"200 {msg.message}" if isinstance(msg, Reply) else "connect"


def build_direct(
    way: Literal["http", "websocket"], seed: int, *, count: int, rate: float, keys: tuple[str, ...], work_us: int,
    crash_at: int, back_us: int,
) -> World:  # fmt: skip
    """Sender ``p1`` and receiver ``w1``."""
    nodes: dict[str, Callable[[], Node]] = {
        "p1": partial(Sender, way, count, rate, keys),
        "w1": partial(Receiver, way, work_us, crash_at, back_us),
    }
    return World(nodes, seed, Network(Link(Uniform(300, 700), ordered=True)))
