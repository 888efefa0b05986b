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

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from prayog_sim.clock import format_us
from prayog_sim.faults import BUILTIN_ACTIONS, Fault, perform
from prayog_sim.loop import END, Invariant, Loop
from prayog_sim.network import Network
from prayog_sim.run import Action, ActionError, TimedAction, View
from prayog_sim.state import Factories, Saved, State
from prayog_sim.trace import Step
from prayog_sim.views import show

__all__ = ["BUILTIN_ACTIONS", "Invariant", "NotDeterministic", "World"]

_SPACING = 4_096  # steps between two checkpoints of a small world
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


class World(Loop):
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
        state = State(self._nodes, seed, self._network, strict)
        for item in self._schedule:
            state.queue(item.at, "", "fault", item.action, -1)
        super().__init__(state, invariants, stop_at_violation)
        self._save_at = self._spacing = _SPACING
        self._saves: list[_Checkpoint] = []
        self._past: World | None = None
        self._shown: tuple[tuple[int, int], View] | None = None

    # -- what a run is -----------------------------------------------------------------------------------------

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
        self._advance(1, END)
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
        end = END if until_us is None else until_us
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

    # -- the past ----------------------------------------------------------------------------------------------

    def _pause(self) -> None:
        if len(self._records) >= self._save_at:
            self._save()

    def _save(self) -> None:
        seq = len(self._records)
        self._save_at = seq + max(self._spacing, self._state.size)
        try:
            state = self._state.save()
        except Exception:  # noqa: BLE001 - a node that cannot be copied costs speed only: the past is run from the start
            self._save_at = END
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
        past = type(self)(
            self._nodes, self.seed, self._network, self._schedule, self._invariants, stop_at_violation=self._stop
        )
        past._save_at = END
        if save is not None:
            past._resume(self._records[: save.seq], save.floor, save.broken)
            past._state.load(save.state)
            past.actions = self.actions[: save.actions]
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
                past._advance(min(at + 1, action.after if action else END) - seq, END)
                if len(records) == seq:
                    return False
        return at < 0 or records[at] == self._records[at]
