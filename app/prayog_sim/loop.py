"""The loop that takes one step after the other: what happens next, what must hold afterwards, and when to stop.

`World` builds on it and adds what people do to a run and how they look back.

Rules
1. A step is a function of the state alone, so taking steps one by one or a thousand at once gives the same trace.
2. The loop never hangs: thousands of steps in one microsecond end it, with a step of kind ``halted``.
3. A violated invariant is a step of kind ``violation`` right after the step that violated it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush

from prayog_sim.clock import format_us
from prayog_sim.faults import perform
from prayog_sim.node import Node
from prayog_sim.records import Event, Record, WorldTrace
from prayog_sim.run import ActionError
from prayog_sim.state import State
from prayog_sim.trace import Step

__all__ = ["END", "Invariant", "Loop", "violations"]

END = 1 << 62
"""A time after all others."""
_PACE = 1_024  # steps between two rounds of housekeeping
_BURST = 10_000  # steps at one microsecond that count as going round in circles


@dataclass(frozen=True, slots=True)
class Invariant:
    """What must hold after every step.  `test` gets all nodes by name (a crashed one has only its durable state)
    and returns None, or a sentence that says what is wrong.  It changes nothing."""

    name: str
    test: Callable[[Mapping[str, Node]], str | None]


def violations(invariants: Iterable[Invariant], nodes: Mapping[str, Node]) -> dict[str, str]:
    """The names of the invariants that do not hold for `nodes`, each with a sentence.

    One that cannot be tested is violated: a broken check must neither stop a run nor pass for a promise.
    """
    wrong: dict[str, str] = {}
    for invariant in invariants:
        try:
            sentence = invariant.test(nodes)
        except Exception as error:  # noqa: BLE001 - whatever a check raises
            sentence = f"the invariant could not be tested: {type(error).__name__}: {error}"
        if sentence is not None:
            wrong[invariant.name] = sentence
    return wrong


class Loop:
    """Takes steps of a `State` and writes them to `trace`.  What it holds is its `World`'s, and nobody else's."""

    def __init__(self, state: State, invariants: Iterable[Invariant], stop_at_violation: bool) -> None:
        self.state = state
        self.records: list[Record] = []
        self.trace = WorldTrace(self.records, state.label)
        self.floor = 0  # virtual time has come at least this far
        self.broken: frozenset[str] = frozenset()  # the invariants that do not hold now
        self.halted = False  # nothing more happens by itself, though events may be waiting
        self.invariants = tuple(invariants)
        self.stop = stop_at_violation
        self.mark = _PACE

    @property
    def now(self) -> int:
        """The virtual time, in µs."""
        return max(self.floor, self.trace.time(-1)) if self.records else self.floor

    def resume(self, records: list[Record], floor: int, broken: frozenset[str]) -> None:
        """Go on behind `records`, with everything as it was there; the state is loaded apart."""
        self.records[:] = records
        self.floor, self.broken = floor, broken
        self.mark = (len(records) // _PACE + 1) * _PACE

    def advance(self, limit: int, end: int) -> bool:
        """Take up to `limit` steps that are due by `end`.

        True when it stopped on the way, as it does once in a while: time for a checkpoint, then go on.
        """
        records, state = self.records, self.state
        stop = len(records) + limit
        while (seq := len(records)) < stop and not self.halted:
            event = self._deliver(seq + 1 if self.invariants else min(stop, self.mark), end)
            if event is not None:
                if event[0] > end:
                    heappush(state.heap, event)
                    return False
                record = self._other(event, len(records))
                if record is None:
                    continue
                records.append(record)
            elif len(records) == seq:
                return False
            self.check()
            if len(records) >= self.mark and self._in_order():
                return True
        return False

    def _deliver(self, mark: int, end: int) -> Event | None:
        """Deliver messages until the trace has `mark` steps; returns the first event that needs more care.

        This is the hot loop of every sweep: a message to a running node with a true clock, whose handler sends
        one message over a plain link, goes through here without another call of ours.
        """
        records, state = self.records, self.state
        heap, ready, apply, refill = state.heap, state.ready, state.apply, state.wires.refill
        order, append = state.order, records.append
        for seq in range(len(records), mark):
            if not heap:
                break
            event = heappop(heap)
            at, _, to, frm, msg, _ = event
            found = ready[to]
            if found is None or at > end:
                state.order = order
                return event
            receive, ctx, effects, fast = found
            ctx.now = at
            try:
                receive(frm, msg, ctx)
                if not effects:
                    append((event,))
                    continue
                effect = effects.pop()
                if effects or effect[0] != "send" or not (delays := fast.get(effect[1]) or refill(to, *effect[1:])):
                    effects.append(effect)
                    state.order = order
                    append((event, *apply(to, at, seq)))
                    order = state.order
                    effects.clear()
                    continue
                _, dst, out = effect
                sent = (at + delays.pop(), order, dst, to, out, seq)
                order += 1
                heappush(heap, sent)
                append((event, sent))
            except Exception as error:  # noqa: BLE001 - a learner's engine may raise anything; it becomes a step
                state.order = max(order, state.order)
                append(state.fail_delivery(event, seq, error))
                order = state.order
        state.order = order
        return None

    def _other(self, event: Event, seq: int) -> Record | None:
        """Let an event happen that is not a plain delivery; None when it makes no step."""
        if event[3] != "fault" or event[2]:
            return self.state.happen(event, seq)
        at, action = event[0], event[4]
        try:
            return perform(self.state, action, at, seq, "schedule")
        except ActionError as error:
            data = {**action.args, "name": action.name, "by": "schedule", "refused": True, "sentence": str(error)}
            return Step(seq, at, "fault", "", data)

    def check(self) -> None:
        """Test the invariants after the last step; each violation is told once, until it was whole again."""
        if not self.invariants:
            return
        wrong = violations(self.invariants, self.state.nodes)
        if not wrong and not self.broken:
            return
        cause, at = len(self.records) - 1, self.now
        for name, sentence in wrong.items():
            if name not in self.broken:
                data = {"invariant": name, "name": name, "sentence": sentence}
                self.records.append(Step(len(self.records), at, "violation", "", data, cause))
                self.halted = self.halted or self.stop
        self.broken = frozenset(wrong)

    def _in_order(self) -> bool:
        """Every thousand steps or so: a world that goes round in circles is ended."""
        seq, at = len(self.records), self.now
        self.mark = (seq // _PACE + 1) * _PACE
        burst = max(_BURST, 20 * len(self.state.slots))
        if seq > burst and self.trace.time(seq - burst) == at:
            node = self.trace[-1].node
            sentence = (
                f"{burst:,} steps happened at {format_us(at)} and time does not go on: something acts again and "
                f"again without delay, last {node}. Look for a timer of 0 µs or a link without latency"
            )
            self.records.append(Step(seq, at, "halted", node, {"sentence": sentence}, seq - 1))
            self.halted = True
            return False
        return True
