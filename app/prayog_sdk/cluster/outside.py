"""Outside programs in a simulated world: standard input and output under virtual time, as far as the protocol lets us.

A program is given one line at a virtual moment, and what it says before it comes to rest happens at that moment: its
messages get the world's delays, losses and partitions, clients and services are the world's own.  So partitions,
crashes, checks, checkpoints, stepping back and forks work as with any other node.

What is reproducible: delays, losses, faults, clients, services, and the program itself as long as its answers follow
from the lines it was given.  Within one run, stepping back shows exactly what was (the tape remembers).

What is not: the program's own timers, threads and random numbers; the order of lines of two threads; and what it says
after it has been silent (a note in the trace says so: “… by itself”).  A program that needs longer than `tape.BOUND_S`
of real time for an answer is listened to again every `LISTEN` of virtual time until it is at rest, so the virtual time
of a slow answer depends on the machine.  A pause holds back what the program is given, not its own threads.  A crash
ends the process; what it wrote to files of its own stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from prayog_sdk.cluster.maelstrom import Body, Garbage, init_line, read_line, write_line
from prayog_sdk.cluster.programs import Program
from prayog_sdk.cluster.tape import Tape, Turn
from prayog_sim.clock import ms
from prayog_sim.network import Network
from prayog_sim.node import Ctx, Node
from prayog_sim.run import Look
from prayog_sim.state import Factories
from prayog_sim.world import World

__all__ = ["LISTEN", "Died", "Outside", "OutsideWorld", "outside_world"]

LISTEN = ms(1)
_START_S = 10.0  # for a program to begin; nobody waits for a window meanwhile
_PATIENCE = 75  # turns without rest and without a word until it is called hung: three seconds of real time


class Died(RuntimeError):
    """The program of a node ended."""


class Outside(Node):
    """The node `me`, which is an outside program."""

    durable: ClassVar[tuple[str, ...]] = ("lives",)

    def __init__(self, me: str, tape: Tape) -> None:
        self._me = me
        self._tape = tape
        self._key = ""
        self.lives = 0
        self.heard = self.said = 0
        """Messages so far."""
        self.last = ""
        self.silent = 0
        """Turns in a row in which it worked and said nothing."""

    def on_start(self, ctx: Ctx) -> None:
        self.lives += 1
        self._key = f"{self._me}/{self.lives}"
        self._turn(init_line(self._me, self._tape.names()), ctx)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if not isinstance(msg, Body):
            ctx.emit("garbage", sentence=f"{src} sent {self._me} something that is no message of Maelstrom's protocol")
            return
        self.heard += 1
        self._turn(write_line(src, self._me, msg), ctx)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        self._turn("", ctx)

    def _turn(self, line: str, ctx: Ctx) -> None:
        turn = self._tape.turn(self._me, self._key, line)
        self._key = turn.key
        for number, text in enumerate(turn.said):
            self._take(text, ctx)
            if number < turn.early:
                ctx.note(f"{self._me} said this by itself, before it was given the message; run again, it may not")
        if turn.ended:
            raise Died(turn.ended)
        self._wait(turn, ctx)

    def _take(self, text: str, ctx: Ctx) -> None:
        try:
            dest, message, fields = read_line(self._me, text)
        except Garbage as error:
            ctx.emit("garbage", sentence=str(error))
            return
        if fields.get("type") == "init_ok":
            ctx.emit("ready")
        elif dest not in ctx.peers:
            ctx.emit("garbage", sentence=f"{self._me} sent “{message}” to {dest}, and no node is called so")
        else:
            self.said += 1
            self.last = f"{message} to {dest}"
            ctx.send(dest, message)

    def _wait(self, turn: Turn, ctx: Ctx) -> None:
        """Listen again soon when the program has not come to rest."""
        self.silent = self.silent + 1 if turn.working and not turn.said else 0
        if not turn.working:
            ctx.cancel_timer("listen")
        elif self.silent < _PATIENCE:
            ctx.set_timer("listen", LISTEN)
        else:
            ctx.emit("hung", sentence=f"{self._me} works and works, and says nothing; it is listened to no more")

    def look(self) -> Look:
        last = f", last {self.last}" if self.last else ""
        sentence = f"an outside program: heard {self.heard} messages, said {self.said}{last}"
        return Look("store", self._me[:2], -1, sentence, "works" if self.silent else "")

    def label(self, msg: Any) -> str:
        return str(msg)


class OutsideWorld(World):
    """A world some of whose nodes are programs; make it with `outside_world`.

    The one that was made so ends the processes when it is closed; what was forked from it can show its past then.
    """

    tape: Tape | None = None

    def close(self) -> None:
        if self.tape is not None:
            self.tape.close()
        super().close()


def outside_world(
    programs: Mapping[str, Program], others: Factories, seed: int = 0, network: Network | None = None
) -> OutsideWorld:
    """A world of `programs` and `others`.  The processes are started, and given their ``init``, before this returns."""
    tape = Tape(programs)
    try:
        for name in programs:
            tape.turn(name, f"{name}/1", init_line(name, tuple(programs)), _START_S)
        world = OutsideWorld({**{name: partial(Outside, name, tape) for name in programs}, **others}, seed, network)
    except BaseException:
        tape.close()
        raise
    world.tape = tape
    return world
