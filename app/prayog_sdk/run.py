"""Runs for topics that are not message-passing: a deterministic `Computation`.

Its state is a *fold* over its trace: the topic gives a first state and a pure function
``fold(state, step) -> state``.  That one function serves the live view, stepping back, seeking and the replay of
a saved trace.  The steps come from a generator, so the same actions give the same trace.  The same fold carries
a `prayog_sdk.session.Session`, which works on a real component (it lives apart because it needs a clock and a
thread, which simulated engines must not even import).

Rules
1. `fold` never changes its argument and never looks at anything but the step.
2. Only the thread that calls `step` touches the trace.
3. `do` may append more than the one step it returns; whoever follows a run looks at ``len(trace)``.
4. A topic subclasses these classes, so what they keep has names that no attribute of a topic can take by accident
   (two leading underscores).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from prayog_sim.run import Action, Run, TimedAction, View
from prayog_sim.trace import Step, Trace

__all__ = ["Cancelled", "Computation", "Emit", "Folded", "Run", "has_clock"]

Facts = Mapping[str, Any]
Emit = tuple[str, str, Mapping[str, Any]]
"""What an algorithm or a real component reports: (kind, node, data)."""

_EVERY = 256  # steps between kept states: seeking folds at most this many


class Cancelled(Exception):
    """The learner cancelled the work; raised inside `progress` callbacks and workers."""


def has_clock(run: Run) -> bool:
    """The clock of `run` means something: that of a `Computation` only counts its steps."""
    return bool(getattr(run, "clocked", not isinstance(run, Computation)))  # a distant run says what the real one is


class Folded(ABC):
    """State as a fold over the trace, with kept states so that seeking is quick."""

    kind: Literal["world", "session"]

    def __init__(self) -> None:
        self.trace = Trace()
        self.actions: list[TimedAction] = []
        self.__state: Facts = self.start()
        self.__kept: list[Facts] = [self.__state]

    @property
    def state(self) -> Facts:
        """The state after the last step."""
        return self.__state

    @abstractmethod
    def start(self) -> Facts:
        """The state before the first step."""

    @abstractmethod
    def fold(self, state: Facts, step: Step) -> Facts:
        """The state after `step`, given the one before it; pure."""

    def show(self, state: Facts, step: Step | None) -> View:
        """How a state is shown; override it to show nodes.  `step` is the step that led to it."""
        return View(step.seq if step else -1, step.at if step else 0, facts=state)

    def view(self, at: int = -2) -> View:
        """The state after step `at` (-1: before the first, -2: now)."""
        last = len(self.trace) - 1
        if at == -2 or at >= last:
            return self.show(self.__state, self.trace[last] if last >= 0 else None)
        index = (at + 1) // _EVERY
        state = self.__kept[index]
        for step in self.trace[index * _EVERY : at + 1]:
            state = self.fold(state, step)
        return self.show(state, self.trace[at] if at >= 0 else None)

    def begin(self, node: str = "", **data: Any) -> Step:
        """A first step of kind ``start`` that tells what the run works on; a prediction may still come after it."""
        return self._append_step(Step(len(self.trace), 0, "start", node, data))

    def _append_step(self, step: Step) -> Step:
        """`step`, numbered ``len(trace)``, happened."""
        self.__state = self.fold(self.__state, step)
        self.trace.append(step)
        if len(self.trace) % _EVERY == 0:
            self.__kept.append(self.__state)
        return step

    def _record_action(self, action: Action, at: int) -> Step:
        """The learner did `action`; from here on the run can be made again with it."""
        self.actions.append(TimedAction(len(self.trace), at, action))
        return self._append_step(Step(len(self.trace), at, "action", "", {"name": action.name, **action.args}))


class Computation(Folded):
    """A deterministic algorithm, one step at a time; virtual time is one µs a step."""

    kind: Literal["world", "session"] = "world"

    def __init__(self) -> None:
        super().__init__()
        self.__work: deque[tuple[int, Iterator[Emit]]] = deque()

    @abstractmethod
    def perform(self, action: Action) -> Iterator[Emit]:
        """The steps that `action` leads to.

        Called when the action is done; it checks its arguments before the first yield is asked for by raising
        `ActionError` (so write it as a function that checks and *returns* a generator).  Each yield should cost
        less than 8 ms.
        """

    @property
    def busy(self) -> bool:
        return bool(self.__work)

    @property
    def next_at(self) -> int | None:
        return len(self.trace) if self.__work else None

    def step(self) -> Step | None:
        while self.__work:
            cause, work = self.__work[0]
            emitted = next(work, None)
            if emitted is None:
                self.__work.popleft()
                continue
            kind, node, data = emitted
            return self._append_step(Step(len(self.trace), len(self.trace), kind, node, data, cause))
        return None

    def do(self, action: Action, at: int | None = None) -> Step:
        work = self.perform(action)  # raises before anything is recorded
        step = self._record_action(action, len(self.trace))
        self.__work.append((step.seq, iter(work)))
        return step

    def close(self) -> None:
        self.__work.clear()
