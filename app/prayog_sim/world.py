"""A simulated run: nodes, network, faults and a seed, and the trace that follows from them.

::

    world = World({"n1": Gossiper, "n2": Gossiper}, seed=7, network=Network(Link(loss=0.1)))
    world.run(until_us=s(2))
    world.do(Action("crash", {"node": "n1"}))
    for step in world.trace: print(line(step))

The same nodes, seed, network, schedule and actions give the same trace, byte for byte.  So the past need not be
stored: `view` and `fork` run it again from the nearest checkpoint.

Rules
1. `step` and `run` never raise what an engine raises: the node crashes and a step of kind ``error`` says why
   (``strict=True``, for tests, lets it through).
2. They never hang: when thousands of steps pass in one microsecond, a step of kind ``halted`` says so.
3. A violated invariant is a step of kind ``violation`` right after the step that violated it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Literal

from prayog_sim.clock import format_us
from prayog_sim.faults import BUILTIN_ACTIONS, Fault, perform
from prayog_sim.network import Network
from prayog_sim.node import Node
from prayog_sim.records import Event, Record, WorldTrace
from prayog_sim.run import Action, ActionError, TimedAction, View
from prayog_sim.state import Factories, Saved, State
from prayog_sim.trace import Step
from prayog_sim.views import show

__all__ = ["BUILTIN_ACTIONS", "Invariant", "NotDeterministic", "World"]

_END = 1 << 62
_PACE = 1_024  # steps between two rounds of housekeeping
_BURST = 10_000  # steps at one microsecond that count as going round in circles
_SPACING = 4_096  # steps between two checkpoints of a small world
_COPIES = 128  # checkpoints kept at most


class NotDeterministic(RuntimeError):
    """Running an engine again gave another trace; the message names the first place that was seen."""


@dataclass(frozen=True, slots=True)
class Invariant:
    """What must hold after every step.  `test` gets all nodes by name (a crashed one has only its durable state)
    and returns None, or a sentence that says what is wrong.  It changes nothing."""

    name: str
    test: Callable[[Mapping[str, Node]], str | None]


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    seq: int
    actions: int
    floor: int
    broken: frozenset[str]
    state: Saved


class World:
    """A deterministic run of `nodes` (a name and a factory for each); it is a `prayog_sim.run.Run`.

    ``schedule``: faults and actions that come by themselves.  ``stop_at_violation``: nothing more happens after an
    invariant was violated, until somebody acts.
    """

    kind: Literal["world", "session"] = "world"

    def __init__(
        self,
        nodes: Factories,
        seed: int = 0,
        network: Network | None = None,
        schedule: Iterable[Fault] = (),
        invariants: Iterable[Invariant] = (),
        *,
        strict: bool = False,
        stop_at_violation: bool = False,
    ) -> None:
        if not nodes or not all(nodes):
            raise ValueError("a world needs at least one node, and every node needs a name")
        self.seed = seed
        self.actions: list[TimedAction] = []
        self._nodes = dict(nodes)
        self._network = network if network is not None else Network()
        self._schedule = tuple(schedule)
        self._invariants = tuple(invariants)
        self._stop = stop_at_violation
        self._state = State(self._nodes, seed, self._network, strict)
        for item in self._schedule:
            self._state.queue(item.at, "", "fault", item.action, -1)
        self._records: list[Record] = []
        self._trace = WorldTrace(self._records, self._state.label)
        self.trace = self._trace
        self._broken: frozenset[str] = frozenset()
        self._halted = False
        self._floor = 0
        self._mark = _PACE
        self._save_at = self._spacing = _SPACING
        self._saves: list[_Checkpoint] = []
        self._past: World | None = None
        self._shown: tuple[tuple[int, int], View] | None = None

    # -- what a run is -----------------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        """The virtual time, in µs."""
        return max(self._floor, self._trace.time(-1)) if self._records else self._floor

    @property
    def next_at(self) -> int | None:
        """When the next step will happen (µs); None when the world is at rest."""
        event = None if self._halted else self._state.head()
        return event[0] if event else None

    @property
    def busy(self) -> bool:
        """Whether more steps will come by themselves."""
        return self.next_at is not None

    def step(self) -> Step | None:
        """Let one more thing happen and return it; None when the world is at rest."""
        seq = len(self._records)
        self._advance(1, _END)
        return self._trace[seq] if len(self._records) > seq else None

    def run(
        self,
        until_us: int | None = None,
        until: Callable[[Step], bool] | None = None,
        max_steps: int = 100_000,
    ) -> int:
        """Take steps until time `until_us`, until one for which `until` holds, until rest, or `max_steps`.

        Returns the number of steps.  Afterwards `now` is `until_us`, when nothing else ended the run.
        """
        first = len(self._records)
        end = _END if until_us is None else until_us
        if until is None:
            self._advance(max_steps, end)
        else:
            while (seq := len(self._records)) < first + max_steps:
                self._advance(1, end)
                if len(self._records) == seq or any(until(step) for step in self._trace[seq:]):
                    break
        due = self.next_at
        if until_us is not None and not self._halted and (due is None or due > until_us):
            self._floor = max(self._floor, until_us)
        return len(self._records) - first

    def do(self, action: Action, at: int | None = None) -> Step:
        """Do `action` at time `at` (µs; now, when None) and return its step; raises `ActionError`."""
        event, now = self._state.head(), self.now
        when = now if at is None else at
        if when < now:
            raise ActionError(f"{action.name} cannot happen at {format_us(when)}: it is {format_us(now)} already")
        if event is not None and when > event[0]:
            raise ActionError(f"{action.name} cannot wait until {format_us(when)}: run the world until then first")
        seq = len(self._records)
        self._records.append(perform(self._state, action, when, seq, "hand"))
        self.actions.append(TimedAction(seq, when, action))
        self._halted = False
        self._check()
        return self._trace[seq]

    def view(self, at: int = -2) -> View:
        """The world after step `at`; -1 is before the first step, -2 is now."""
        last = len(self._records) - 1
        if at in (-2, last):
            key = (last, len(self.actions))
            if self._shown is None or self._shown[0] != key:
                self._shown = (key, show(self._state, last, self.now, self._trace.time))
            return self._shown[1]
        past = self._past = self._again(at)
        return show(past._state, at, self._trace.time(at) if at >= 0 else 0, self._trace.time)

    def fork(self, at: int = -2) -> World:
        """A new world with the same past up to step `at` (and the violations it caused) and a future of its own."""
        twin = self._again(len(self._records) - 1 if at == -2 else at)
        self._past = None
        twin._saves = [save for save in self._saves if save.seq <= len(twin._records)]
        twin._save_at = len(twin._records)
        return twin

    def close(self) -> None:
        """Forget the checkpoints; the trace stays."""
        self._saves.clear()
        self._past = None

    # -- running -----------------------------------------------------------------------------------------------

    def _advance(self, limit: int, end: int) -> None:
        """Take up to `limit` steps that are due by `end`."""
        records, state = self._records, self._state
        stop = len(records) + limit
        while (seq := len(records)) < stop and not self._halted:
            event = self._deliver(seq + 1 if self._invariants else min(stop, self._mark), end)
            if event is not None:
                if event[0] > end:
                    heappush(state.heap, event)
                    return
                record = self._other(event, len(records))
                if record is None:
                    continue
                records.append(record)
            elif len(records) == seq:
                return
            self._check()
            if len(records) >= self._mark:
                self._housekeep()

    def _deliver(self, mark: int, end: int) -> Event | None:
        """Deliver messages until the trace has `mark` steps; returns the first event that needs more care.

        This is the hot loop of every sweep: a message to a running node with a true clock, whose handler sends
        one message over a plain link, goes through here without another call of ours.
        """
        records, state = self._records, self._state
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
            return self._state.happen(event, seq)
        at, action = event[0], event[4]
        try:
            return perform(self._state, action, at, seq, "schedule")
        except ActionError as error:
            data = {**action.args, "name": action.name, "by": "schedule", "refused": True, "sentence": str(error)}
            return Step(seq, at, "fault", "", data)

    def _check(self) -> None:
        """Test the invariants after the last step; each violation is told once, until it was whole again."""
        if not self._invariants:
            return
        cause, at, nodes = len(self._records) - 1, self.now, self._state.nodes
        broken = set()
        for invariant in self._invariants:
            try:
                sentence = invariant.test(nodes)
            except Exception as error:  # noqa: BLE001 - a broken check must not stop the world
                sentence = f"the invariant could not be tested: {type(error).__name__}: {error}"
            if sentence is None:
                continue
            broken.add(invariant.name)
            if invariant.name not in self._broken:
                data = {"invariant": invariant.name, "name": invariant.name, "sentence": sentence}
                self._records.append(Step(len(self._records), at, "violation", "", data, cause))
                self._halted = self._halted or self._stop
        self._broken = frozenset(broken)

    def _housekeep(self) -> None:
        """Every thousand steps or so: notice a world that goes round in circles, and keep a checkpoint."""
        seq, at = len(self._records), self.now
        self._mark = (seq // _PACE + 1) * _PACE
        burst = max(_BURST, 20 * len(self._nodes))
        if seq > burst and self._trace.time(seq - burst) == at:
            node = self._trace[-1].node
            sentence = (
                f"{burst:,} steps happened at {format_us(at)} and time does not go on: something acts again and "
                f"again without delay, last {node}. Look for a timer of 0 µs or a link without latency"
            )
            self._records.append(Step(seq, at, "halted", node, {"sentence": sentence}, seq - 1))
            self._halted = True
        elif seq >= self._save_at:
            self._save()

    # -- the past ----------------------------------------------------------------------------------------------

    def _save(self) -> None:
        seq = len(self._records)
        self._save_at = seq + max(self._spacing, self._state.size)
        try:
            state = self._state.save()
        except Exception:  # noqa: BLE001 - a node that cannot be copied costs speed only: the past is run from the start
            self._save_at = _END
            return
        self._saves.append(_Checkpoint(seq, len(self.actions), self._floor, self._broken, state))
        if len(self._saves) > _COPIES:
            del self._saves[::2]
            self._spacing *= 2

    def _again(self, at: int) -> World:
        """A world that ran the same past up to step `at`."""
        if not -1 <= at < len(self._records):
            raise IndexError(f"there is no step {at}: the trace has {len(self._records)} steps")
        past = self._past
        save = next((save for save in reversed(self._saves) if save.seq <= at + 1), None)
        if past is None or len(past._records) > at + 1 or (save and save.seq > len(past._records)):
            past = self._from(save)
        if self._replay(past, at) or self._replay(past := self._from(None), at):
            return past
        raise NotDeterministic(
            f"the engine is not deterministic: run again, step {at} is another one. Look for iteration over a set, "
            "id(), hash(), a clock, or a value shared between nodes"
        )

    def _from(self, save: _Checkpoint | None) -> World:
        """A world of the same kind as it was at `save`, or before the first step."""
        past = World(
            self._nodes, self.seed, self._network, self._schedule, self._invariants, stop_at_violation=self._stop
        )
        past._save_at = _END
        if save is not None:
            past._records[:] = self._records[: save.seq]
            past.actions = self.actions[: save.actions]
            past._floor, past._broken = save.floor, save.broken
            past._mark = (save.seq // _PACE + 1) * _PACE
            past._state.load(save.state)
        return past

    def _replay(self, past: World, at: int) -> bool:
        """Run `past` up to step `at`, with the actions that were done; whether the same step came out."""
        records = past._records
        while len(records) <= at:
            seq, done = len(records), len(past.actions)
            action = self.actions[done] if done < len(self.actions) else None
            if action is not None and action.after <= seq:
                try:
                    past.do(action.action, action.at)
                except ActionError:
                    return False
            else:
                past._advance(min(at + 1, action.after if action else _END) - seq, _END)
                if len(records) == seq:
                    return False
        return at < 0 or records[at] == self._records[at]
