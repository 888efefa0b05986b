"""Maelstrom's workloads, as far as consensus and replication go: what clients ask of the programs, and what is judged.

``echo``        every answer holds what was asked
``unique-ids``  no two answers hold the same id
``broadcast``   after a while, every node knows every message that was accepted
``lin-kv``      reads, writes and compare-and-sets of all clients are linearizable

Clients tell their history as every client of the lab does (`prayog_sim.history.operations`): lin-kv as ``op``, the
others under their own name.

Rules (Maelstrom, doc/protocol.md)
1. An ``error`` with a *definite* code did certainly not happen; 0 (timeout) and 13 (crash) may have.
2. A request without an answer after `PATIENCE` may have happened; the client goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from prayog_sdk.cluster.maelstrom import Body, body
from prayog_sdk.cluster.services import LinKv, SeqKv
from prayog_sim.clock import ms, s
from prayog_sim.node import Ctx, Node
from prayog_sim.run import Look

__all__ = ["PATIENCE", "WORKLOADS", "BroadcastClient", "EchoClient", "IdClient", "KvClient", "surroundings"]

PATIENCE = s(2)
_INDEFINITE = (0, 13)


class WorkloadClient(Node):
    """Asks `count` questions, one after the other, `every` µs apart, each of the next program in turn."""

    durable: ClassVar[tuple[str, ...]] = ("number",)
    of = "op"
    """The kind of its operations."""

    def __init__(self, me: str, programs: tuple[str, ...], count: int = 10, every: int = ms(50)) -> None:
        self._me = me
        self._programs = programs
        self._every = every
        self.left = count
        self.number = 0
        self.waiting = 0
        """The number of the question that is open; 0: none."""
        self.last = ""

    def on_start(self, ctx: Ctx) -> None:
        ctx.set_timer("next", self._every)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if name == "patience":
            ctx.emit("unknown", op=self.waiting)
            self.last = "no answer"
            self._over(ctx)
        elif self.left > 0:
            self.left -= 1
            self.number += 1
            self.waiting = self.number
            self.ask(self._programs[self.number % len(self._programs)], ctx)
            ctx.set_timer("patience", PATIENCE)
        else:
            self.finish(ctx)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if not isinstance(msg, Body) or not self.waiting:
            return
        fields = msg.fields
        if fields.get("in_reply_to") != self.waiting:
            return  # late: the client has given up
        self.last = str(msg)
        if fields.get("type") == "error":
            definite = fields.get("code") not in _INDEFINITE
            ctx.emit("fail" if definite else "unknown", op=self.waiting)
        else:
            self.answer(src, fields, ctx)
        self._over(ctx)

    def _over(self, ctx: Ctx) -> None:
        self.waiting = 0
        ctx.cancel_timer("patience")
        ctx.set_timer("next", self._every)

    def invoke(self, f: str, ctx: Ctx, **what: Any) -> None:
        """Tell the history that the open question is asked."""
        apart = {} if self.of == "op" else {"of": self.of}
        ctx.emit("invoke", op=self.waiting, f=f, **what, **apart)

    def ask(self, program: str, ctx: Ctx) -> None:
        """Ask the next question; its number is `waiting`."""
        raise NotImplementedError

    def answer(self, src: str, fields: Mapping[str, Any], ctx: Ctx) -> None:
        """It was answered."""
        raise NotImplementedError

    def finish(self, ctx: Ctx) -> None:
        """All questions are asked."""
        ctx.emit("finished")

    def look(self) -> Look:
        sentence = (
            f"waits for the answer to question {self.waiting}" if self.waiting else f"last: {self.last or 'nothing'}"
        )
        return Look("client", self._me[:2], -1, f"{sentence}; {self.left} to ask")

    def label(self, msg: Any) -> str:
        return str(msg)


class EchoClient(WorkloadClient):
    """“Please echo n.”"""

    of = "echo"

    def ask(self, program: str, ctx: Ctx) -> None:
        text = f"Please echo {self._me} {self.number}"
        self.invoke("echo", ctx, value=text)
        ctx.send(program, body(type="echo", msg_id=self.waiting, echo=text))

    def answer(self, src: str, fields: Mapping[str, Any], ctx: Ctx) -> None:
        ctx.emit("ok", op=self.waiting, value=fields.get("echo"))
        if fields.get("echo") != f"Please echo {self._me} {self.number}":
            ctx.emit("wrong", sentence=f"{src} was asked to echo {self.number} and said {fields.get('echo')!r}")


class IdClient(WorkloadClient):
    """“Give me an id that nobody else has.”"""

    of = "ids"

    def ask(self, program: str, ctx: Ctx) -> None:
        self.invoke("generate", ctx)
        ctx.send(program, body(type="generate", msg_id=self.waiting))

    def answer(self, src: str, fields: Mapping[str, Any], ctx: Ctx) -> None:
        ctx.emit("ok", op=self.waiting, value=fields.get("id"))


class BroadcastClient(WorkloadClient):
    """Tells each program a number; `settle` µs after the last, it asks everyone what they know."""

    of = "broadcast"

    def __init__(
        self, me: str, programs: tuple[str, ...], count: int = 10, every: int = ms(50), settle: int = s(1)
    ) -> None:
        super().__init__(me, programs, count + 2 * len(programs), every)
        self._count = count
        self._settle = settle
        self._asked = ""

    def ask(self, program: str, ctx: Ctx) -> None:
        hosts = len(self._programs)
        number = self.number
        if number <= hosts:  # first everybody is told the topology: a line, as in the guide's example
            self._asked = "topology"
            node = self._programs[number - 1]
            line = {
                name: [self._programs[j] for j in (i - 1, i + 1) if 0 <= j < hosts]
                for i, name in enumerate(self._programs)
            }
            self.invoke("topology", ctx)
            ctx.send(node, body(type="topology", msg_id=number, topology=line))
        elif number <= hosts + self._count:
            self._asked = "broadcast"
            value = int(self._me[1:] or 0) * 1_000 + number - hosts
            self.invoke("broadcast", ctx, value=value)
            ctx.send(program, body(type="broadcast", msg_id=number, message=value))
        else:
            self._asked = "read"
            node = self._programs[number - hosts - self._count - 1]
            self.invoke("read", ctx, key=node)
            ctx.send(node, body(type="read", msg_id=number))

    def answer(self, src: str, fields: Mapping[str, Any], ctx: Ctx) -> None:
        value = {"value": sorted(fields.get("messages") or [])} if self._asked == "read" else {}
        ctx.emit("ok", op=self.waiting, **value)

    def _over(self, ctx: Ctx) -> None:
        super()._over(ctx)
        if self.number == len(self._programs) + self._count:
            ctx.set_timer("next", self._settle)


class KvClient(WorkloadClient):
    """Reads, writes and compare-and-sets on a few keys, chosen at random."""

    keys = 2

    def __init__(self, me: str, programs: tuple[str, ...], count: int = 10, every: int = ms(50)) -> None:
        super().__init__(me, programs, count, every)
        self._asked = ""

    def ask(self, program: str, ctx: Ctx) -> None:
        key = ctx.rng.randint(0, self.keys - 1)
        value, other = ctx.rng.randint(0, 4), ctx.rng.randint(0, 4)
        self._asked = ctx.rng.choice(("read", "write", "cas"))
        if self._asked == "read":
            self.invoke("read", ctx, key=key)
            ctx.send(program, body(type="read", msg_id=self.waiting, key=key))
        elif self._asked == "write":
            self.invoke("write", ctx, key=key, value=value)
            ctx.send(program, body(type="write", msg_id=self.waiting, key=key, value=value))
        else:
            self.invoke("cas", ctx, key=key, value=[value, other])
            ctx.send(program, body(**{"type": "cas", "msg_id": self.waiting, "key": key, "from": value, "to": other}))

    def answer(self, src: str, fields: Mapping[str, Any], ctx: Ctx) -> None:
        value = {"value": fields.get("value")} if self._asked == "read" else {}
        ctx.emit("ok", op=self.waiting, **value)


WORKLOADS: Mapping[str, type[WorkloadClient]] = {
    "echo": EchoClient,
    "unique-ids": IdClient,
    "broadcast": BroadcastClient,
    "lin-kv": KvClient,
}


def surroundings(
    workload: str, programs: tuple[str, ...], clients: int, count: int, every: int
) -> dict[str, Callable[[], Node]]:
    """The nodes around the programs: the services, and `clients` clients of `workload`."""
    made: dict[str, Callable[[], Node]] = {}
    if workload == "lin-kv":
        made |= {"lin-kv": LinKv, "seq-kv": SeqKv}
    kind = WORKLOADS[workload]
    for number in range(1, clients + 1):
        made[f"c{number}"] = partial(kind, f"c{number}", programs, count, every)
    return made
