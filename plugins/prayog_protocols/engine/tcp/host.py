"""A machine: its connections, its datagrams, and what a learner may ask of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from prayog_protocols.engine.tcp.arriving import arrive
from prayog_protocols.engine.tcp.connection import Connection
from prayog_protocols.engine.tcp.frames import ACK, RST, SYN, Carried, Datagram, Segment, ends_of, read, write
from prayog_protocols.engine.tcp.programs import Messages, Program, message
from prayog_protocols.engine.tcp.tuning import Tuning
from prayog_sim.node import Ctx, Node
from prayog_sim.run import ActionError, Look

__all__ = ["Call", "Host"]

ROUTER = "router"
_FIRST_PORT = 49_152  # RFC 6335 §6: ports that are given out for a while
_MASK = 0xFFFFFFFF
_WORDS = {
    "CLOSED": "is not connected", "LISTEN": "waits for somebody", "SYN-SENT": "asked for a connection",
    "SYN-RECEIVED": "answered, and waits for the third segment", "ESTABLISHED": "is connected",
    "FIN-WAIT-1": "said FIN", "FIN-WAIT-2": "said FIN, which is confirmed", "CLOSING": "said FIN, and so did the other",
    "CLOSE-WAIT": "heard FIN, and may still write", "LAST-ACK": "said FIN as the second",
    "TIME-WAIT": "waits until old segments are gone",
}  # fmt: skip


class Call:
    """What a machine does by itself: whom it calls, how, and which program then runs."""

    def __init__(self, peer: str, port: int, program: Callable[[], Program], way: str = "TCP",
                 own_port: int = 0, flow: str = "") -> None:  # fmt: skip
        self.peer, self.port, self.program, self.way = peer, port, program, way
        self.own_port, self.flow = own_port, flow


class Host(Node):
    """`connections`: this machine's ends, by the other end, with their states."""

    actions = ("write", "close", "reset", "stop_reading", "read_on", "forget", "transfer")

    def __init__(self, me: str, tuning: Tuning, calls: tuple[Call, ...] = (),
                 serves: Mapping[int, Callable[[], Program]] | None = None, isn: int | None = None,
                 transfer: Call | None = None) -> None:  # fmt: skip
        self.me = me
        self.connections: dict[str, str] = {}
        self.sent = self.received = 0
        self.datagrams = 0
        self._tuning, self._calls, self._serves, self._isn = tuning, calls, dict(serves or {}), isn
        self._transfers = transfer
        self._lines: dict[tuple[str, int, int], Connection] = {}
        self._streams: dict[str, Stream] = {}
        self._ident = 0
        self._port = _FIRST_PORT
        self._now = 0

    @property
    def clock(self) -> int:
        """What the machine's clock shows in the handler that runs (µs)."""
        return self._now

    # -- the driver ----------------------------------------------------------------------------------------------

    def on_start(self, ctx: Ctx) -> None:
        for number in range(len(self._calls)):
            ctx.set_timer(f"call {number}", 0)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        self._now = ctx.now
        peer, _ = ends_of(msg.frame)
        said = read(msg.frame)
        self.received += 1
        if isinstance(said, Datagram):
            self._datagram(ctx, peer, said)
            return
        key = (peer, said.dst_port, said.src_port)
        line = self._lines.get(key)
        if line is None and said.dst_port in self._serves and said.flags & (SYN | ACK | RST) == SYN:
            line = self._make(ctx, key, self._serves[said.dst_port](), flow=peer)
            line.listen(ctx)
        if line is None:
            if not said.flags & RST:
                self.refuse(ctx, peer, said)
            return
        arrive(line, ctx, said)
        self._look_at(line)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        self._now = ctx.now
        what, _, rest = name.partition(" ")
        if what == "call":
            self._call(ctx, self._calls[int(rest)])
            return
        if what == "stream":
            self._streams[rest].tick(self, ctx)
            return
        line = next((line for line in self._lines.values() if line.key == rest), None)
        if line is None:
            return
        if what in ("read", "say"):
            line.program.tick(line, ctx, what)
        else:
            line.on_timer(ctx, what)
        self._look_at(line)

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        self._now = ctx.now
        if name == "transfer":
            self._transfer(ctx, str(args.get("way", "TCP")))
            return
        line = self._latest()
        match name:
            case "write":
                size = args.get("bytes", 1_000)
                if not isinstance(size, int) or not 1 <= size <= 1_000_000:
                    raise ActionError(f"Write 1 to 1,000,000 bytes at once; found {size!r}.")
                if line.state not in ("SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "CLOSE-WAIT") or line.sender.closing:
                    raise ActionError(f"{self.me} cannot write in the state {line.state}: it closed its half already.")
                line.program.write(line, ctx, size)
            case "close":
                if line.sender.closing or line.state in ("CLOSING", "TIME-WAIT"):
                    raise ActionError(f"{self.me} closed its half already: its state is {line.state}.")
                line.close(ctx)
            case "reset":
                line.abort(ctx)
            case "stop_reading":
                line.program.pause(line, ctx, True)
                ctx.note(f"{self.me} reads no more")
            case "read_on":
                line.program.pause(line, ctx, False)
            case "forget":
                ctx.note(f"{self.me} throws away {line.receiver.forget():,} bytes that it had reported by SACK")
        self._look_at(line)

    def look(self) -> Look:
        said = "; ".join(f"{peer}: {_WORDS[state]} ({state})" for peer, state in self.connections.items())
        letter = self.me[0].upper()
        return Look("client" if self._transfers else "store", letter, -1, said or f"{self.me} {_WORDS['CLOSED']}.")

    def label(self, msg: Any) -> str:
        return str(msg.words)

    # -- connections ---------------------------------------------------------------------------------------------

    def _latest(self) -> Connection:
        if not self._lines:
            raise ActionError(f"{self.me} has no connection now.")
        return list(self._lines.values())[-1]

    def _make(self, ctx: Ctx, key: tuple[str, int, int], program: Program, flow: str) -> Connection:
        isn = self._isn if self._isn is not None else ctx.rng.randint(0, _MASK)  # RFC 9293 §3.4.1: hard to guess
        line = Connection(self, key[0], (key[1], key[2]), self._tuning, isn, program, flow)
        self._lines[key] = line
        return line

    def _call(self, ctx: Ctx, call: Call) -> None:
        self._port += 1
        port = call.own_port or self._port
        if call.way == "UDP":
            program = call.program()
            assert isinstance(program, Messages)
            self._stream(ctx, call.peer, call.port, program)
            return
        line = self._make(ctx, (call.peer, port, call.port), call.program(), flow=call.flow or self.me)
        line.open(ctx)
        self._look_at(line)

    def _transfer(self, ctx: Ctx, way: str) -> None:
        call = self._transfers
        if way not in ("TCP", "UDP") or call is None:
            raise ActionError(f"Transfer by TCP or by UDP, from a machine that calls; found {way!r} at {self.me}.")
        self._call(ctx, Call(call.peer, call.port, call.program, way))

    def forget(self, line: Connection) -> None:
        """A connection is over."""
        self._lines = {key: one for key, one in self._lines.items() if one is not line}
        self._look_at(line)

    def _look_at(self, line: Connection) -> None:
        if self.connections.get(line.key) != line.state:
            self.connections = {**self.connections, line.key: line.state}

    def refuse(self, ctx: Ctx, peer: str, said: Segment) -> None:
        """RST for a segment that belongs to no connection (RFC 9293 §3.10.7.1)."""
        if said.flags & ACK:
            segment = Segment(said.dst_port, said.src_port, said.ack, 0, RST, 0)
        else:
            segment = Segment(said.dst_port, said.src_port, 0, (said.seq + said.takes) & _MASK, RST | ACK, 0)
        self.put(ctx, peer, segment, "RST: there is no such connection", "rst")

    def put(self, ctx: Ctx, peer: str, said: Segment | Datagram, words: str, why: str, first: int = 0,
            size: int = 0, tries: int = 1, full: bool = False, ack: int = 0, edge: int = 0) -> None:  # fmt: skip
        """Put a segment or datagram on the cable."""
        self._ident += 1
        self.sent += 1
        frame = write(self.me, peer, self._ident & 0xFFFF, said)
        ctx.send(ROUTER, Carried(frame, words, why, first, size, tries, full, ack, edge))

    # -- datagrams -----------------------------------------------------------------------------------------------

    def _stream(self, ctx: Ctx, peer: str, port: int, program: Messages) -> None:
        stream = Stream(peer, (self._port, port), program.left, program.size, program.every_us)
        self._streams[str(self._port)] = stream
        stream.tick(self, ctx)

    def _datagram(self, ctx: Ctx, peer: str, said: Datagram) -> None:
        """A datagram is given to the program as it comes: UDP knows neither order nor loss (RFC 768)."""
        self.datagrams += 1
        ctx.emit("message", number=int(said.payload[:6]), flow=peer, way="UDP")


class Stream:
    """Messages by UDP: each is sent once, and nobody asks what became of it."""

    def __init__(self, peer: str, ports: tuple[int, int], count: int, size: int, every_us: int) -> None:
        self.peer, self.ports, self.count, self.size, self.every_us = peer, ports, count, size, every_us
        self.number = 0

    def tick(self, host: Host, ctx: Ctx) -> None:
        """Send the next message."""
        self.number += 1
        said = Datagram(*self.ports, message(self.number, self.size))
        host.put(ctx, self.peer, said, f"message {self.number}", "datagram", self.number, self.size)
        if self.number < self.count:
            ctx.set_timer(f"stream {self.ports[0]}", self.every_us)

