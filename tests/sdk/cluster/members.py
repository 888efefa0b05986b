"""Nodes that the tests of the cluster run as real processes."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from prayog_sim.clock import ms
from prayog_sim.node import Ctx, Node
from prayog_sim.run import ActionError, Look


@dataclass(frozen=True, slots=True)
class Ball:
    number: int
    path: tuple[str, ...] = ()


class Player(Node):
    """Throws a ball to the next node, which throws it on; counts what it caught, durably."""

    actions = ("throw", "print", "fail", "exit", "spin", "big")
    durable: ClassVar[tuple[str, ...]] = ("caught", "seen")

    def __init__(self, rounds: int = 0) -> None:
        self.rounds = rounds
        self.caught = 0
        self.seen: dict[int, tuple[str, ...]] = {}
        self.volatile = 0

    def on_start(self, ctx: Ctx) -> None:
        ctx.note(f"{ctx.me} starts with {self.caught}")
        ctx.disk.write("log", b"synced") if not ctx.disk.read("log") else None
        ctx.disk.fsync("log")
        ctx.disk.append("log", b", not synced")
        if self.rounds and ctx.me == "n1":
            ctx.set_timer("throw", ms(20))

    def on_timer(self, name: str, ctx: Ctx) -> None:
        self._throw(Ball(1), ctx)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        self.caught += 1
        self.volatile += 1
        self.seen[msg.number] = msg.path
        ctx.emit("caught", number=msg.number)
        if msg.number < self.rounds:
            self._throw(Ball(msg.number + 1, (*msg.path, ctx.me)), ctx)

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        self.volatile += 1_000
        match name:
            case "throw":
                if "to" not in args:
                    raise ActionError("throw needs to=")
                ctx.send(str(args["to"]), Ball(int(args.get("number", 100))))
            case "print":
                print("this is what I wanted to see")
                print("and this on the other stream", file=sys.stderr)
                sys.stdout.flush()
            case "fail":
                raise KeyError("chairs")
            case "exit":
                print("out of chairs", file=sys.stderr, flush=True)
                os._exit(3)
            case "spin":
                time.sleep(60)
            case "big":
                ctx.send(str(args["to"]), Ball(1, ("x" * 80_000,)))

    def _throw(self, ball: Ball, ctx: Ctx) -> None:
        names = sorted((ctx.me, *ctx.peers))
        ctx.send(names[(names.index(ctx.me) + 1) % len(names)], ball)

    def look(self) -> Look:
        return Look("follower", "P", self.caught, f"caught {self.caught}")


class Unprintable(Node):
    """Sends what cannot be sent."""

    def on_start(self, ctx: Ctx) -> None:
        ctx.send("n2", object())
