"""The nodes of an exploration: their states as numbers, and what each handler makes of a state, computed once.

A node in a given state does the same with the same message every time, and in an exploration the same pair comes
up thousands of times in front of ever new backgrounds.  So a node's frozen state is stored once and named by a
number, a message as well, and ``(state, message) → (new state, messages sent)`` is looked up; only a pair that is
new thaws a node and runs its handler.

Rules
1. A handler that raises crashes its node, which then stays down, *failed*.
2. A move is ``(state after, messages sent, facts emitted)``, in the order of sending.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prayog_sim.disk import Disk
from prayog_sim.explorer.draws import ChoosingRng, TimelessCtx, every_outcome
from prayog_sim.explorer.frozen import Fields, freeze, freeze_fields, thaw_fields
from prayog_sim.explorer.model import Refused
from prayog_sim.node import Ctx, Node
from prayog_sim.rng import Rng
from prayog_sim.run import Action, ActionError
from prayog_sim.state import Factories
from prayog_sim.values import require_value

__all__ = ["DOWN", "FAILED", "UP", "Actors", "Move"]

UP, DOWN, FAILED = 0, 1, 2
Local = tuple[int, Fields, tuple[str, ...], Any, str]
"""A node's state: (UP, DOWN or FAILED, attributes, running timers, disk, what it failed with)."""
Envelope = tuple[int, int, Any]
"""A message with its sender and its receiver."""
Move = tuple[int, tuple[int, ...], tuple[Any, ...]]
Handler = Callable[[Node, Ctx], None]


class Actors:
    """Nodes by index; their states and the messages between them by number."""

    def __init__(self, factories: Factories) -> None:
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
        name = self.names[i]
        fresh: Local = (UP, freeze_fields(vars(self._factories[i]()), name), (), None, "")
        return self._moves(i, fresh, "on_start", lambda node, ctx: node.on_start(ctx))

    def deliver(self, local: int, envelope: int) -> tuple[Move, ...]:
        """What its receiver does with a message; a node that is down loses it."""
        src, dst, msg = self.envelopes[envelope]
        record, sender = self.locals[local], self.names[src]
        if record[0] != UP:
            return ((local, (), ()),)
        return self._moves(
            dst, record, f"on_message {msg!r} from {sender}", lambda node, ctx: node.on_message(sender, msg, ctx)
        )

    def fire(self, i: int, local: int, timer: str) -> tuple[Move, ...]:
        """What node `i` does when `timer`, which runs, fires."""
        status, fields, timers, disk, said = self.locals[local]
        rest = tuple(name for name in timers if name != timer)
        record = (status, fields, rest, disk, said)
        return self._moves(i, record, f"on_timer {timer!r}", lambda node, ctx: node.on_timer(timer, ctx))

    def crash(self, i: int, local: int) -> Move:
        """Node `i` goes down and keeps what is durable."""
        record = self.locals[local]
        return self.local(self._crashed(i, self._thaw(i, record), record[3], DOWN, "")), (), ()

    def restart(self, i: int, local: int) -> tuple[Move, ...]:
        """The ways in which node `i`, which is down, starts again."""
        _, fields, _, disk, _ = self.locals[local]
        return self._moves(i, (UP, fields, (), disk, ""), "on_start", lambda node, ctx: node.on_start(ctx))

    def act(self, i: int, local: int, action: Action) -> tuple[Move, ...] | str:
        """What node `i` does when asked for `action`, or why it refuses."""
        name = self.names[i]
        record = self.locals[local]
        if record[0] != UP:
            return f"{name} is down"
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
            return every_outcome(run, where)
        except Refused as refusal:
            said = str(refusal)
            raise Refused(said if said.startswith(where) else f"{where}: {said}") from None

    def _run(
        self, i: int, record: Local, handler: Handler, rng: ChoosingRng, now: int, asked: bool
    ) -> tuple[Move, bool]:
        name, node, disk = self.names[i], self._thaw(i, record), Disk.holding(record[3])
        ctx = TimelessCtx(name, self._peers[i], now, rng, disk)
        sends: list[int] = []
        emits: list[Any] = []
        timers = dict.fromkeys(record[2])
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
                    case ("timer", timer, _):
                        timers[timer] = None
                    case ("cancel", timer):
                        timers.pop(timer, None)
                    case ("emit", kind, data):
                        emits.append((kind, freeze(data)))
        except Exception as error:  # a learner's engine may raise anything
            if isinstance(error, Refused) or (asked and isinstance(error, ActionError)):
                raise
            said = f"{type(error).__name__}: {error}"
            crashed = self._crashed(i, node, disk.contents(), FAILED, said)
            return (self.local(crashed), (), ()), ctx.looked
        after = (UP, freeze_fields(vars(node), name), tuple(sorted(timers)), disk.contents(), "")
        return (self.local(after), tuple(sends), tuple(emits)), ctx.looked

    def _crashed(self, i: int, node: Node, contents: Any, status: int, said: str) -> Local:
        """What is left of `node`: a new one with the durable attributes, as `State.crash` makes it."""
        fresh, disk = self._factories[i](), Disk.holding(contents)
        for name in node.durable:
            if hasattr(node, name):
                setattr(fresh, name, getattr(node, name))
        disk.crash(Rng(b""))
        return (status, freeze_fields(vars(fresh), self.names[i]), (), disk.contents(), said)

    def _thaw(self, i: int, record: Local) -> Node:
        node = object.__new__(self._kinds[i])
        vars(node).update(thaw_fields(record[1]))
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
        for record in memory[0]:
            self.local(record)
        for envelope in memory[1]:
            self.envelope(*envelope)
