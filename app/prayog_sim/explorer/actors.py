"""The nodes of an exploration: their states as numbers, and what each handler makes of a state, computed once.

A node in a given state does the same with the same message every time, and in an exploration the same pair comes
up thousands of times in front of ever new backgrounds.  So a node's frozen state is stored once and named by a
number, a message as well, and ``(state, message) → (new state, messages sent)`` is looked up; only a pair that is
new thaws a node and runs its handler.

Rules
1. A handler that raises crashes its node, which then stays down, *failed*.
2. A move is ``(state after, messages sent, facts emitted)``, in the order of sending.
3. Without a clock it is always 0 µs, and every timer that runs is due.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from prayog_sim.disk import Disk
from prayog_sim.explorer.draws import ChoosingRng, WatchedCtx, every_outcome
from prayog_sim.explorer.frozen import Fields, freeze, freeze_fields, thaw_fields
from prayog_sim.explorer.model import Refused
from prayog_sim.node import Ctx, Node
from prayog_sim.rng import Rng
from prayog_sim.run import Action, ActionError, Status
from prayog_sim.state import Factories
from prayog_sim.values import require_value

__all__ = ["DOWN", "FAILED", "PAUSED", "STATUS", "UP", "Actors", "Local", "Move", "Timer"]

UP, DOWN, FAILED, PAUSED = 0, 1, 2, 3
STATUS: dict[int, Status] = {UP: "up", DOWN: "down", FAILED: "down", PAUSED: "paused"}
"""The words of a world for them."""
Timer = tuple[str, int]
"""A running timer: (name, due at)."""


class Local(NamedTuple):
    """A node's state."""

    status: int
    fields: Fields
    timers: tuple[Timer, ...] = ()
    """In the order of their names."""
    disk: Any = None
    said: str = ""
    """What it failed with."""
    now: int = 0
    """What the clock shows, in µs."""


Envelope = tuple[int, int, Any]
"""A message with its sender and its receiver."""
Move = tuple[int, tuple[int, ...], tuple[Any, ...]]
Handler = Callable[[Node, Ctx], None]


class Actors:
    """Nodes by index; their states and the messages between them by number.  ``clocked``: there is a clock."""

    def __init__(self, factories: Factories, clocked: bool = False) -> None:
        self.clocked = clocked
        self.names = tuple(factories)
        self.index = {name: i for i, name in enumerate(self.names)}
        self.locals: list[Local] = []
        self.envelopes: list[Envelope] = []
        self.links: list[int] = []
        """Of each message, the number of its link."""
        self.receivers: list[int] = []
        """Of each message, the node it goes to."""
        self._factories = tuple(factories.values())
        self._peers = tuple(tuple(peer for peer in self.names if peer != name) for name in self.names)
        self._kinds = tuple(type(factory()) for factory in self._factories)
        self._local_ids: dict[Local, int] = {}
        self._envelope_ids: dict[Envelope, int] = {}
        self._shown: dict[tuple[int, int], Node] = {}
        self._later: dict[tuple[int, int], int] = {}

    # -- states and messages by number -------------------------------------------------------------------------

    def local(self, record: Local) -> int:
        """The number of a node's state."""
        found = self._local_ids.get(record)
        if found is None:
            found = self._local_ids[record] = len(self.locals)
            self.locals.append(record)
        return found

    def envelope(self, src: int, dst: int, msg: Any) -> int:
        """The number of a message on its way."""
        record = (src, dst, msg)
        found = self._envelope_ids.get(record)
        if found is None:
            found = self._envelope_ids[record] = len(self.envelopes)
            self.envelopes.append(record)
            self.links.append(src * len(self.names) + dst)
            self.receivers.append(dst)
        return found

    def node(self, i: int, local: int) -> Node:
        """The node `i` in that state, for reading."""
        node = self._shown.get((i, local))
        if node is None:
            node = self._shown[i, local] = self._thaw(i, self.locals[local])
        return node

    # -- what can happen at a node -----------------------------------------------------------------------------

    def first(self, i: int) -> tuple[Move, ...]:
        """The ways in which node `i` starts for the first time."""
        fresh = Local(UP, freeze_fields(vars(self._factories[i]()), self.names[i]))
        return self._moves(i, fresh, "on_start", lambda node, ctx: node.on_start(ctx))

    def deliver(self, local: int, envelope: int) -> tuple[Move, ...]:
        """What its receiver does with a message; a node that is down loses it, one that is paused does not take it."""
        src, dst, msg = self.envelopes[envelope]
        record, sender = self.locals[local], self.names[src]
        if record.status != UP:
            return () if record.status == PAUSED else ((local, (), ()),)
        return self._moves(
            dst, record, f"on_message {msg!r} from {sender}", lambda node, ctx: node.on_message(sender, msg, ctx)
        )

    def due(self, local: int) -> tuple[str, ...]:
        """The timers that fire now, in a node that is up."""
        record = self.locals[local]
        return tuple(name for name, at in record.timers if at <= record.now) if record.status == UP else ()

    def fire(self, i: int, local: int, timer: str) -> tuple[Move, ...]:
        """What node `i` does when `timer`, which runs, fires."""
        record = self.locals[local]
        rest = tuple(pair for pair in record.timers if pair[0] != timer)
        without = record._replace(timers=rest)
        return self._moves(i, without, f"on_timer {timer!r}", lambda node, ctx: node.on_timer(timer, ctx))

    def crash(self, i: int, local: int) -> Move:
        """Node `i` goes down and keeps what is durable."""
        record = self.locals[local]
        return self.local(self._crashed(i, self._thaw(i, record), record, DOWN)), (), ()

    def tear(self, i: int, local: int) -> tuple[Move, ...]:
        """The ways in which node `i` goes down in the middle of a write; none where nothing is left to be synced."""
        record = self.locals[local]
        disk = Disk.holding(record.disk)
        if not any(disk.unsynced(file) for file in disk.files()):
            return ()
        disk.torn = True
        torn, node = record._replace(disk=disk.contents()), self._thaw(i, record)

        def run(rng: ChoosingRng, _: int) -> tuple[Move, bool]:
            return (self.local(self._crashed(i, node, torn, DOWN, "", rng)), (), ()), False

        return every_outcome(run, f"{self.names[i]}, torn write", record.now, sample=None)

    def restart(self, i: int, local: int) -> tuple[Move, ...]:
        """The ways in which node `i`, which is down, starts again."""
        return self._moves(i, self.locals[local]._replace(status=UP), "on_start", lambda node, ctx: node.on_start(ctx))

    def become(self, local: int, status: int) -> Move:
        """The same node with another status."""
        return self.local(self.locals[local]._replace(status=status)), (), ()

    def at(self, local: int, now: int) -> int:
        """The same node when the clock shows `now`."""
        found = self._later.get((local, now))
        if found is None:
            found = self._later[local, now] = self.local(self.locals[local]._replace(now=now))
        return found

    def act(self, i: int, local: int, action: Action) -> tuple[Move, ...] | str:
        """What node `i` does when asked for `action`, or why it refuses."""
        name = self.names[i]
        record = self.locals[local]
        if record.status != UP:
            return f"{name} is {STATUS[record.status]}"
        known = self._kinds[i].actions
        if known and action.name not in known:
            return f"{name} does not know {action.name!r}; it knows {', '.join(known)}"
        try:
            what = f"on_action {action.name!r}"
            return self._moves(
                i, record, what, lambda node, ctx: node.on_action(action.name, action.args, ctx), asked=True
            )
        except ActionError as error:
            return str(error) or f"{name} refuses {action.name!r}"

    # -- running handlers --------------------------------------------------------------------------------------

    def _moves(self, i: int, record: Local, what: str, handler: Handler, asked: bool = False) -> tuple[Move, ...]:
        where = f"{self.names[i]}, {what}"

        def run(rng: ChoosingRng, now: int) -> tuple[Move, bool]:
            return self._run(i, record, handler, rng, now, asked)

        try:
            return every_outcome(run, where, record.now if self.clocked else None)
        except Refused as refusal:
            said = str(refusal)
            raise Refused(said if said.startswith(where) else f"{where}: {said}") from None

    def _run(
        self, i: int, record: Local, handler: Handler, rng: ChoosingRng, now: int, asked: bool
    ) -> tuple[Move, bool]:
        name, node, disk = self.names[i], self._thaw(i, record), Disk.holding(record.disk)
        ctx = WatchedCtx(name, self._peers[i], now, rng, disk)
        sends: list[int] = []
        emits: list[Any] = []
        timers = dict(record.timers)
        try:
            handler(node, ctx)
            for effect in ctx.effects:
                match effect:
                    case ("send", dst, msg):
                        require_value(msg)
                        if dst not in self.index:
                            known = ", ".join(self.names)
                            raise ValueError(f"{name} sent to {dst!r}, which is not a node; the nodes are {known}")
                        sends.append(self.envelope(i, self.index[dst], msg))
                    case ("timer", timer, after):
                        timers[timer] = now + after if self.clocked else 0
                    case ("cancel", timer):
                        timers.pop(timer, None)
                    case ("emit", kind, data):
                        emits.append((kind, freeze(data)))
        except Exception as error:  # a learner's engine may raise anything
            if isinstance(error, Refused) or (asked and isinstance(error, ActionError)):
                raise
            said = f"{type(error).__name__}: {error}"
            crashed = self._crashed(i, node, record._replace(disk=disk.contents()), FAILED, said)
            return (self.local(crashed), (), ()), ctx.looked
        running = tuple(sorted(timers.items()))
        after = Local(UP, freeze_fields(vars(node), name), running, disk.contents(), "", record.now)
        return (self.local(after), tuple(sends), tuple(emits)), ctx.looked

    def _crashed(self, i: int, node: Node, record: Local, status: int, said: str = "", rng: Rng | None = None) -> Local:
        """What is left of `node`: a new one with the durable attributes, as `State.crash` makes it."""
        fresh, disk = self._factories[i](), Disk.holding(record.disk)
        for name in node.durable:
            if hasattr(node, name):
                setattr(fresh, name, getattr(node, name))
        disk.crash(rng if rng is not None else Rng(b""))
        return Local(status, freeze_fields(vars(fresh), self.names[i]), (), disk.contents(), said, record.now)

    def _thaw(self, i: int, record: Local) -> Node:
        node = object.__new__(self._kinds[i])
        vars(node).update(thaw_fields(record.fields))
        return node

    # -- for another process -----------------------------------------------------------------------------------

    def memory(self) -> tuple[list[Local], list[Envelope]]:
        """What the numbers stand for."""
        return self.locals, self.envelopes

    def recall(self, memory: tuple[list[Local], list[Envelope]]) -> None:
        """Let the numbers stand for the same as in the process that gave `memory`."""
        self.locals.clear()
        self._local_ids.clear()
        self.envelopes.clear()
        self._envelope_ids.clear()
        self.links.clear()
        self.receivers.clear()
        self._shown.clear()
        self._later.clear()
        for record in memory[0]:
            self.local(record)
        for envelope in memory[1]:
            self.envelope(*envelope)
