"""The world of one experiment: laptop (and phone), router, shop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from prayog_protocols.engine.tcp.host import Call, Host
from prayog_protocols.engine.tcp.programs import Bulk, Idle, Messages, Program, Requests, Responder
from prayog_protocols.engine.tcp.router import Router, parse_drops
from prayog_protocols.engine.tcp.tuning import Tuning
from prayog_sim.network import Fixed, Link, Network
from prayog_sim.node import Node
from prayog_sim.world import World

__all__ = ["PORT", "PROGRAMS", "WAYS", "Setup", "build"]

PORT, WEB, TWICE = 7_777, 80, 7_778
WAYS = ("tahoe", "reno", "newreno", "cubic", "udp")
PROGRAMS = ("bulk", "messages", "requests", "wait", "both open", "none")
_CABLE_US = 100  # from a caller to the router beside it
_MESSAGES, _MESSAGE = 200, 100  # of the program “messages”


@dataclass(frozen=True, slots=True)
class Setup:
    """Sizes in bytes, times in µs, speeds in kbit/s.  `second`: what the phone does beside the laptop."""

    tuning: Tuning = field(default_factory=Tuning)
    first: str = "newreno"
    second: str = "none"
    program: str = "bulk"
    amount: int = 300_000
    every_us: int = 5_000  # between messages
    think_us: int = 200_000  # between requests
    rate_kbps: float = 8_000
    delay_us: int = 20_000  # one way
    queue: int = 25  # packets
    loss: float = 0.0
    reorder: float = 0.0
    duplicate: float = 0.0
    drops: str = ""
    read_rate: int = 0  # bytes a second; 0: at once
    isn: int | None = None
    strict: bool = False

    def window_scale(self) -> int:
        """The shift with which the buffer fits into 16 bits (RFC 7323 §2.3)."""
        shift = 0
        while self.tuning.buffer >> shift > 0xFFFF and shift < 14:
            shift += 1
        return shift


def _program(setup: Setup, way: str) -> Callable[[], Program]:
    if way == "udp" and setup.program != "messages":
        # UDP has no window: its program sends at the speed of the line, one full packet after the other.
        size = setup.tuning.mss
        every_us = max(1, int((size + 42) * 8_000 / setup.rate_kbps))
        return partial(Messages, max(1, setup.amount // size), size, every_us)
    match setup.program:
        case "messages":
            return partial(Messages, _MESSAGES, _MESSAGE, setup.every_us)
        case "requests":
            return partial(Requests, 5, setup.amount, setup.think_us)
        case "wait" | "both open":
            return Idle
        case _:
            return partial(Bulk, setup.amount)


def build(setup: Setup, seed: int) -> World:
    """A world that begins with the first SYN."""
    tuning = replace(setup.tuning, scale=setup.window_scale())
    port = WEB if setup.program == "requests" else PORT

    def caller(me: str, way: str) -> Callable[[], Node]:
        carried = "UDP" if way == "udp" else "TCP"
        own = TWICE if setup.program == "both open" else 0
        to = TWICE if own else port
        calls = () if setup.program == "none" else (Call("shop", to, _program(setup, way), carried, own),)
        own_tuning = tuning if way == "udp" else replace(tuning, control=way)
        messages = partial(Messages, _MESSAGES, _MESSAGE, setup.every_us)
        return partial(Host, me, own_tuning, calls, {}, setup.isn, Call("shop", port, messages))

    size = _MESSAGE if setup.program in ("messages", "none") else 0
    serve: Callable[[], Program] = partial(Program, setup.read_rate, size)
    if setup.program == "requests":
        serve = partial(Responder, setup.amount)
    server = replace(tuning, control=setup.first if setup.first != "udp" else tuning.control)
    back = (Call("laptop", TWICE, Idle, "TCP", TWICE, "laptop"),) if setup.program == "both open" else ()
    nodes: dict[str, Callable[[], Node]] = {"laptop": caller("laptop", setup.first)}
    if setup.second != "none":
        nodes["phone"] = caller("phone", setup.second)
    nodes["router"] = partial(
        Router, setup.rate_kbps, setup.queue, setup.loss, setup.reorder, setup.duplicate,
        max(2_000, setup.delay_us // 2), parse_drops(setup.drops), "laptop",
    )  # fmt: skip
    nodes["shop"] = partial(Host, "shop", server, back, {port: serve}, setup.isn)
    far = Link(Fixed(setup.delay_us))
    network = Network(Link(Fixed(_CABLE_US)), {("router", "shop"): far, ("shop", "router"): far})
    return World(nodes, seed, network, strict=setup.strict)
