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
2. An action is a step too; one that is refused leaves no trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from prayog_sim.clock import format_us
from prayog_sim.faults import BUILTIN_ACTIONS, Fault, perform
from prayog_sim.loop import END, Invariant, Loop
from prayog_sim.network import Network
from prayog_sim.node import Node
from prayog_sim.run import Action, ActionError, Status, TimedAction, View
from prayog_sim.state import Factories, Saved, State
from prayog_sim.trace import Step
from prayog_sim.views import show

__all__ = ["BUILTIN_ACTIONS", "Invariant", "NotDeterministic", "World"]

_SPACING = 1_024  # steps between two checkpoints of a small world: a past moment of Raft is there in 50 ms
_COPIES = 128  # checkpoints kept at most


class NotDeterministic(RuntimeError):
    """Running an engine again gave another trace; the message names the first place that was seen."""


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    seq: int
    actions: int
    floor: int
    broken: frozenset[str]
    state: Saved


class World:
    """A deterministic run of `nodes` (a name and a factory for each); it is a `prayog_sim.run.Run`.

    A subclass may call its own attributes what it likes: those of a world that are not public have mangled names.

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
        self.__nodes = dict(nodes)
        self.__network = network if network is not None else Network()
        self.__schedule = tuple(schedule)
        state = State(self.__nodes, seed, self.__network, strict)
        for item in self.__schedule:
            state.queue(item.at, "", "fault", item.action, -1)
        self.__loop = Loop(state, invariants, stop_at_violation)
        self.trace = self.__loop.trace
        self.__save_at = self.__spacing = _SPACING
        self.__saves: list[_Checkpoint] = []
        self.__past: World | None = None
        self.__shown: tuple[tuple[int, int], View] | None = None

    # -- what a run is -----------------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        """The virtual time, in µs."""
        return self.__loop.now

    @property
    def nodes(self) -> Mapping[str, Node]:
        """The nodes as they are now, to be looked at only; a crashed one has its durable state."""
        return self.__loop.state.nodes

    @property
    def status(self) -> Mapping[str, Status]:
        """Which nodes are up, down or paused."""
        return {name: slot.status for name, slot in self.__loop.state.slots.items()}

    @property
    def next_at(self) -> int | None:
        """When the next step will happen (µs); None when the world is at rest."""
        event = None if self.__loop.halted else self.__loop.state.head()
        return event[0] if event else None

    @property
    def busy(self) -> bool:
        """Whether more steps will come by themselves."""
        return self.next_at is not None

    def step(self) -> Step | None:
        """Let one more thing happen and return it; None when the world is at rest."""
        seq = len(self.__loop.records)
        self.__advance(1, END)
        return self.trace[seq] if len(self.__loop.records) > seq else None

    def run(
        self,
        until_us: int | None = None,
        until: Callable[[Step], bool] | None = None,
        max_steps: int = 100_000,
    ) -> int:
        """Take steps until time `until_us`, until one for which `until` holds, until rest, or `max_steps`.

        Returns the number of steps.  Afterwards `now` is `until_us`, when nothing else ended the run.
        """
        first = len(self.__loop.records)
        end = END if until_us is None else until_us
        if until is None:
            self.__advance(max_steps, end)
        else:
            while (seq := len(self.__loop.records)) < first + max_steps:
                self.__advance(1, end)
                if len(self.__loop.records) == seq or any(until(step) for step in self.trace[seq:]):
                    break
        due = self.next_at
        if until_us is not None and not self.__loop.halted and (due is None or due > until_us):
            self.__loop.floor = max(self.__loop.floor, until_us)
        return len(self.__loop.records) - first

    def do(self, action: Action, at: int | None = None) -> Step:
        """Do `action` at time `at` (µs; now, when None) and return its step; raises `ActionError`."""
        event, now = self.__loop.state.head(), self.now
        when = now if at is None else at
        if when < now:
            raise ActionError(f"{action.name} cannot happen at {format_us(when)}: it is {format_us(now)} already")
        if event is not None and when > event[0]:
            raise ActionError(f"{action.name} cannot wait until {format_us(when)}: run the world until then first")
        seq = len(self.__loop.records)
        self.__loop.records.append(perform(self.__loop.state, action, when, seq, "hand"))
        self.actions.append(TimedAction(seq, when, action))
        self.__loop.halted = False
        self.__loop.check()
        return self.trace[seq]

    def view(self, at: int = -2) -> View:
        """The world after step `at`; -1 is before the first step, -2 is now."""
        last = len(self.__loop.records) - 1
        if at in (-2, last):
            key = (last, len(self.actions))
            if self.__shown is None or self.__shown[0] != key:
                self.__shown = (key, show(self.__loop.state, last, self.now, self.trace.time))
            return self.__shown[1]
        past = self.__past = self.__again(at)
        return show(past.__loop.state, at, self.trace.time(at) if at >= 0 else 0, self.trace.time)

    def fork(self, at: int = -2) -> World:
        """A new world with the same past up to step `at` (and the violations it caused) and a future of its own."""
        twin = self.__again(len(self.__loop.records) - 1 if at == -2 else at)
        self.__past = None
        twin.__saves = [save for save in self.__saves if save.seq <= len(twin.__loop.records)]
        twin.__save_at = len(twin.__loop.records)
        return twin

    def close(self) -> None:
        """Forget the checkpoints; the trace stays."""
        self.__saves.clear()
        self.__past = None

    # -- the past ----------------------------------------------------------------------------------------------

    def __advance(self, limit: int, end: int) -> None:
        """Take up to `limit` steps that are due by `end`, with a checkpoint now and then."""
        loop = self.__loop
        stop = len(loop.records) + limit
        while loop.advance(stop - len(loop.records), end):
            if len(loop.records) >= self.__save_at:
                self.__save()

    def __save(self) -> None:
        seq = len(self.__loop.records)
        self.__save_at = seq + max(self.__spacing, self.__loop.state.size)
        try:
            state = self.__loop.state.save()
        except Exception:  # noqa: BLE001 - a node that cannot be copied costs speed only: the past is run from the start
            self.__save_at = END
            return
        self.__saves.append(_Checkpoint(seq, len(self.actions), self.__loop.floor, self.__loop.broken, state))
        if len(self.__saves) > _COPIES:
            del self.__saves[::2]
            self.__spacing *= 2

    def __again(self, at: int) -> World:
        """A world that ran the same past up to step `at`."""
        if not -1 <= at < len(self.__loop.records):
            raise IndexError(f"there is no step {at}: the trace has {len(self.__loop.records)} steps")
        past = self.__past
        save = next((save for save in reversed(self.__saves) if save.seq <= at + 1), None)
        if past is None or len(past.__loop.records) > at + 1 or (save and save.seq > len(past.__loop.records)):
            past = self.__from(save)
        if self.__replay(past, at) or self.__replay(past := self.__from(None), at):
            return past
        raise NotDeterministic(
            f"the engine is not deterministic: run again, step {at} is another one. Look for iteration over a set, "
            "id(), hash(), a clock, or a value shared between nodes"
        )

    def __from(self, save: _Checkpoint | None) -> World:
        """A world of the same kind as it was at `save`, or before the first step."""
        past = type(self)(
            self.__nodes,
            self.seed,
            self.__network,
            self.__schedule,
            self.__loop.invariants,
            stop_at_violation=self.__loop.stop,
        )
        past.__save_at = END
        if save is not None:
            past.__loop.resume(self.__loop.records[: save.seq], save.floor, save.broken)
            past.__loop.state.load(save.state)
            past.actions = self.actions[: save.actions]
        return past

    def __replay(self, past: World, at: int) -> bool:
        """Run `past` up to step `at`, with the actions that were done; whether the same step came out."""
        records = past.__loop.records
        while len(records) <= at:
            seq, done = len(records), len(past.actions)
            action = self.actions[done] if done < len(self.actions) else None
            if action is not None and action.after <= seq:
                try:
                    past.do(action.action, action.at)
                except ActionError:
                    return False
            else:
                past.__advance(min(at + 1, action.after if action else END) - seq, END)
                if len(records) == seq:
                    return False
        return at < 0 or records[at] == self.__loop.records[at]
