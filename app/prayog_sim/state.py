"""The present of a world: its nodes, its queue and its network, and how one event changes them.

`World` adds the past (trace, checkpoints) and the outside (`do`, `run`); here is only what a checkpoint copies.

Rules
1. The queue is ordered by ``(at, order)``; `order` is given out when an event is queued, so that events of the
   same microsecond happen in the order in which they were caused.
2. A handler's effects are applied after it returned.  If it raises, none are, and the node crashes.
3. A crash replaces the node by a new one from its factory, with the durable attributes put back.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from prayog_sim.clock import Clock
from prayog_sim.disk import Disk
from prayog_sim.network import Network, Wires, WiresState
from prayog_sim.node import Ctx, Node
from prayog_sim.records import Event, Record
from prayog_sim.rng import Rng
from prayog_sim.run import Status
from prayog_sim.trace import Step
from prayog_sim.values import keep

__all__ = ["Factories", "Saved", "Slot", "State", "unwrap"]

Factories = Mapping[str, Callable[[], Node]]
Ready = tuple[Callable[[str, Any, Ctx], None], Ctx, list[tuple[Any, ...]], dict[str, list[int]]]
_TRUE_TIME = Clock()


@dataclass(slots=True)
class Slot:
    """One node's place in the world."""

    name: str
    factory: Callable[[], Node]
    node: Node
    ctx: Ctx
    status: Status = "up"
    clock: Clock = _TRUE_TIME
    timers: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    """Running timers: name to (order in the queue, set at, due at)."""
    held: list[Event] = field(default_factory=list)
    """What came due while the node was paused."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A copy of a `State`."""

    order: int
    heap: tuple[Event, ...]
    wires: WiresState
    inner: Callable[[], dict[str, tuple[Node, Disk, Rng]]]
    outer: Mapping[str, tuple[Status, Clock, dict[str, tuple[int, int, int]], tuple[Event, ...]]]


class State:
    """Nodes, queue and network of one run at one moment."""

    def __init__(self, factories: Factories, seed: int, network: Network, strict: bool) -> None:
        names = tuple(factories)
        self.seed = seed
        self.strict = strict
        self.heap: list[Event] = []
        self.order = 0
        self.wires = Wires(seed, network, names)
        self.slots: dict[str, Slot] = {}
        self.nodes: dict[str, Node] = {}
        self.ready: dict[str, Ready | None] = {"": None}
        """What `World` needs for a delivery to a node that runs and whose clock is true; None for the others."""
        for name, factory in factories.items():
            peers = tuple(other for other in names if other != name)
            ctx = Ctx(name, peers, rng=Rng.derive(seed, "node", name))
            self.slots[name] = Slot(name, factory, factory(), ctx)
            self.arm(self.slots[name])
            self.queue(0, "", "start", name, -1)

    # -- the queue ---------------------------------------------------------------------------------------------

    def queue(self, at: int, to: str, frm: str, msg: Any, cause: int) -> Event:
        """Put an event into the queue and return it."""
        event = (at, self.order, to, frm, msg, cause)
        self.order += 1
        heapq.heappush(self.heap, event)
        return event

    def head(self) -> Event | None:
        """The next event that will become a step; what nobody will notice is taken off the queue."""
        while self.heap and self._idle(self.heap[0]):
            heapq.heappop(self.heap)
        return self.heap[0] if self.heap else None

    def _idle(self, event: Event) -> bool:
        """Whether `event` makes no step: a timer that no longer runs, or something for a paused node (kept)."""
        _, order, to, frm, msg, _ = unwrap(event)
        if not to and frm == "fault":
            return False
        slot = self.slots[_for(event)]
        if not to and frm == "timer" and slot.timers.get(msg[1], (-1,))[0] != order:
            return True
        if slot.status != "paused":
            return False
        slot.held.append(self.heap[0])
        return True

    def messages(self) -> list[Event]:
        """All messages on their way, also those that wait for a paused node."""
        queued = [*self.heap, *(event for slot in self.slots.values() for event in slot.held)]
        return [event for event in map(unwrap, queued) if event[2]]

    def remove(self, idents: set[int]) -> None:
        """Take messages off the network."""
        for queue in (self.heap, *(slot.held for slot in self.slots.values())):
            queue[:] = [event for event in queue if not (unwrap(event)[2] and unwrap(event)[1] in idents)]
        heapq.heapify(self.heap)

    # -- handlers ----------------------------------------------------------------------------------------------

    def happen(self, event: Event, seq: int) -> Record | None:
        """Let `event`, just taken off the queue, happen as step `seq`; None when it makes no step."""
        heapq.heappush(self.heap, event)  # `head` may keep it for a paused node
        if self.head() is not event:
            return None
        heapq.heappop(self.heap)
        event = unwrap(event)
        _, _, to, frm, msg, _ = event
        if to:
            return self.arrive(event, seq)
        if frm == "timer":
            slot = self.slots[msg[0]]
            del slot.timers[msg[1]]
            return self._handle(slot, event, seq, "timer", {"name": msg[1]}, slot.node.on_timer, msg[1])
        slot = self.slots[msg]
        return self._handle(slot, event, seq, frm, {}, slot.node.on_start)

    def fire(self, slot: Slot, timer: str, at: int, seq: int) -> Record:
        """Let a running timer of `slot` fire as step `seq`, now instead of when it is due."""
        order = slot.timers.pop(timer)[0]
        event = next(event for event in map(unwrap, self.heap) if event[1] == order and not event[2])
        return self._handle(slot, (at, *event[1:]), seq, "timer", {"name": timer}, slot.node.on_timer, timer)

    def arrive(self, event: Event, seq: int) -> Record:
        """Hand the message `event` to its node, or drop it when the node is down."""
        at, ident, to, src, msg, cause = event
        slot = self.slots[to]
        data = {"src": src, "msg": msg, "ident": ident, "label": self.label(src, msg)}
        if slot.status == "down":
            return Step(seq, at, "drop", to, {**data, "why": f"{to} is down"}, cause)
        return self._handle(slot, event, seq, "deliver", data, slot.node.on_message, src, msg)

    def _handle(
        self,
        slot: Slot,
        event: Event,
        seq: int,
        doing: str,
        data: Mapping[str, Any],
        handler: Callable[..., None],
        *args: Any,
    ) -> Record:
        try:
            return (event, *self.call(slot, event[0], seq, handler, *args))
        except Exception as error:  # noqa: BLE001 - a learner's engine may raise anything; it becomes a step
            return self.fail(slot, event[0], seq, doing, data, event[5], error)

    def call(self, slot: Slot, at: int, seq: int, handler: Callable[..., None], *args: Any) -> list[tuple[Any, ...]]:
        """Run a handler of `slot` and apply its effects; returns them as the trace stores them."""
        slot.ctx.now = slot.clock.local(at)
        try:
            handler(*args, slot.ctx)
            return self.apply(slot.name, at, seq)
        finally:
            slot.ctx.effects.clear()

    def apply(self, name: str, at: int, seq: int) -> list[tuple[Any, ...]]:
        """Carry out the effects in the node's ctx as consequences of step `seq`."""
        slot, wires = self.slots[name], self.wires
        fast = wires.fast[name]
        done: list[tuple[Any, ...]] = []
        sends: list[Event] = []
        for effect in slot.ctx.effects:
            kind = effect[0]
            if kind == "send":
                _, dst, msg = effect
                delays = fast.get(dst) or wires.refill(name, dst, msg)
                copies, fate = ((at + delays.pop(),), "") if delays else wires.send(name, dst, msg, at)
                for arrives in copies:
                    event = (arrives, self.order, dst, name, msg, seq)
                    self.order += 1
                    sends.append(event)
                    done.append(("sent", event, fate) if fate else event)
                if not copies:
                    done.append(("lost", dst, msg, fate))
            elif kind == "timer":
                due = at + slot.clock.span(effect[2])
                slot.timers[effect[1]] = (self.order, at, due)
                done.append((*effect, due))
                self.queue(due, "", "timer", (name, effect[1]), seq)
            elif kind == "cancel":
                slot.timers.pop(effect[1], None)
                done.append(effect)
            else:
                done.append(effect)
        for event in sends:  # only now: had an effect been refused, nothing would have been sent
            heapq.heappush(self.heap, event)
        return done

    def fail_delivery(self, event: Event, seq: int, error: Exception) -> Step:
        """The step of a message whose handler raised."""
        at, ident, to, src, msg, cause = event
        data = {"src": src, "msg": msg, "ident": ident, "label": self.label(src, msg)}
        return self.fail(self.slots[to], at, seq, "deliver", data, cause, error)

    def fail(
        self, slot: Slot, at: int, seq: int, doing: str, data: Mapping[str, Any], cause: int, error: Exception
    ) -> Step:
        """The step of a handler that raised: the node crashes, and a sentence says where and why."""
        slot.ctx.effects.clear()
        if self.strict:
            raise error
        self.crash(slot)
        file, row = _origin(error, type(slot.node))
        said = str(error) or "no reason was given"
        place = f"{file}, line {row}," if row else f"{file}"  # a message is refused after the handler came back
        sentence = f"{slot.name} crashed in {place} at this {doing}: {type(error).__name__}: {said}"
        return Step(seq, at, "error", slot.name, {**data, "sentence": sentence, "file": file, "line": row}, cause)

    # -- nodes -------------------------------------------------------------------------------------------------

    def arm(self, slot: Slot) -> None:
        """Let `ready` and `nodes` say what is true of `slot`; call it after any change of node, status or clock."""
        self.nodes[slot.name] = slot.node
        self.ready[slot.name] = None
        if slot.status == "up" and slot.clock == _TRUE_TIME:
            fast = self.wires.fast[slot.name]
            self.ready[slot.name] = (slot.node.on_message, slot.ctx, slot.ctx.effects, fast)

    def crash(self, slot: Slot) -> list[Event]:
        """Take the node down; returns the messages that waited for it and are lost."""
        old, slot.node = slot.node, slot.factory()
        for name in old.durable:
            if hasattr(old, name):
                setattr(slot.node, name, getattr(old, name))
        slot.ctx.disk.crash(Rng.derive(self.seed, "disk", slot.name, str(self.order)))
        slot.status = "down"
        slot.timers.clear()
        waiting = [event for event in map(unwrap, slot.held) if event[2]]
        self.heap[:] = [event for event in self.heap if event[2] or event[3:5] != ("start", slot.name)]
        heapq.heapify(self.heap)
        slot.held.clear()
        self.arm(slot)
        return waiting

    def resume(self, slot: Slot, at: int, cause: int) -> None:
        """Let a paused node go on: what came due meanwhile happens now, in the order in which it came."""
        slot.status = "up"
        self.arm(slot)
        for event in sorted(slot.held, key=lambda event: event[:2]):
            if event[0] < at:
                self.queue(at, "", "held", unwrap(event), cause)
            else:
                heapq.heappush(self.heap, event)
        slot.held.clear()

    def replace(self, slot: Slot, node: Node, disk: Disk, rng: Rng) -> None:
        """Give `slot` another node, disk and stream."""
        slot.node = node
        slot.ctx = Ctx(slot.name, slot.ctx.peers, rng=rng, disk=disk)
        self.arm(slot)

    def label(self, src: str, msg: Any) -> str:
        """The short text of a message from `src`."""
        try:
            return self.slots[src].node.label(msg)
        except Exception:  # noqa: BLE001 - a label is decoration; the message itself is in the trace
            return type(msg).__name__

    # -- copies ------------------------------------------------------------------------------------------------

    def save(self) -> Saved:
        """A copy that later changes do not touch."""
        slots = self.slots.values()
        inner = keep({slot.name: (slot.node, slot.ctx.disk, slot.ctx.rng) for slot in slots})
        outer = {slot.name: (slot.status, slot.clock, dict(slot.timers), tuple(slot.held)) for slot in slots}
        return Saved(self.order, tuple(self.heap), self.wires.state(), inner, outer)

    def load(self, saved: Saved) -> None:
        """Become what `saved` is a copy of."""
        self.order = saved.order
        self.heap[:] = saved.heap
        self.wires.restore(saved.wires)
        for name, (node, disk, rng) in saved.inner().items():
            slot = self.slots[name]
            slot.status, slot.clock, timers, held = saved.outer[name]
            slot.timers, slot.held = dict(timers), list(held)
            self.replace(slot, node, disk, rng)

    @property
    def size(self) -> int:
        """How much `save` copies, in rough units of a step."""
        return len(self.heap) // 2 + 20 * len(self.slots) + self.wires.size // 4


def unwrap(event: Event) -> Event:
    """The event itself, or the one that waited for a paused node and now happens in its place."""
    return (event[0], *event[4][1:]) if event[3] == "held" and not event[2] else event


def _for(event: Event) -> str:
    """The node at which `event` happens; empty for faults."""
    _, _, to, frm, msg, _ = unwrap(event)
    return str(to or (msg[0] if frm == "timer" else msg if frm == "start" else ""))


def _origin(error: Exception, engine: type) -> tuple[str, int]:
    """File name and line where `error` arose: the last frame that is not the kernel's."""
    file, row = engine.__module__, 0
    trace = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_globals.get("__name__", "")
        if not str(name).startswith("prayog_sim."):
            file, row = PurePath(trace.tb_frame.f_code.co_filename).name, trace.tb_lineno
        trace = trace.tb_next
    return file, row
