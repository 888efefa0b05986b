"""Runs for topics that are not message-passing: a deterministic `Computation`, and a real `Session`.

Both keep their state as a *fold* over their trace: the topic gives a first state and a pure function
``fold(state, step) -> state``.  That one function serves the live view, stepping back, seeking and the replay of
a saved trace.  A `Computation` is an algorithm whose steps come from a generator, so the same actions give the
same trace.  A `Session` works on a real component in a worker thread; its steps arrive as they happen and its
trace can be scrubbed but not run again.

Rules
1. `fold` never changes its argument and never looks at anything but the step.
2. Only the thread that calls `step` touches the trace.  A session's worker hands its steps over through a queue.
3. `do` may append more than the one step it returns; whoever follows a run looks at ``len(trace)``.
4. A session that fails makes a step of kind ``error`` whose data has a ``sentence``; it never raises from `step`.
"""

from __future__ import annotations

import queue
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from prayog_sim.run import Action, ActionError, Run, TimedAction, View
from prayog_sim.trace import Step, Trace

__all__ = ["Cancelled", "Computation", "Emit", "Folded", "Run", "Session"]

Facts = Mapping[str, Any]
Emit = tuple[str, str, Mapping[str, Any]]
"""What an algorithm or a real component reports: (kind, node, data)."""

_EVERY = 256  # steps between kept states: seeking folds at most this many


class Cancelled(Exception):
    """The learner cancelled the work; raised inside `progress` callbacks and workers."""


class Folded(ABC):
    """State as a fold over the trace, with kept states so that seeking is quick."""

    kind: Literal["world", "session"]

    def __init__(self) -> None:
        self.trace = Trace()
        self.actions: list[TimedAction] = []
        self._state: Facts = self.start()
        self._kept: list[Facts] = [self._state]

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
            return self.show(self._state, self.trace[last] if last >= 0 else None)
        index = (at + 1) // _EVERY
        state = self._kept[index]
        for step in self.trace[index * _EVERY : at + 1]:
            state = self.fold(state, step)
        return self.show(state, self.trace[at] if at >= 0 else None)

    def _append(self, at: int, kind: str, node: str, data: Mapping[str, Any], cause: int = -1) -> Step:
        step = Step(len(self.trace), at, kind, node, data, cause)
        self._state = self.fold(self._state, step)
        self.trace.append(step)
        if len(self.trace) % _EVERY == 0:
            self._kept.append(self._state)
        return step

    def _record(self, action: Action, at: int) -> Step:
        self.actions.append(TimedAction(len(self.trace), at, action))
        return self._append(at, "action", "", {"name": action.name, **action.args})


class Computation(Folded):
    """A deterministic algorithm, one step at a time; virtual time is one µs a step."""

    kind: Literal["world", "session"] = "world"

    def __init__(self) -> None:
        super().__init__()
        self._work: deque[tuple[int, Iterator[Emit]]] = deque()

    @abstractmethod
    def perform(self, action: Action) -> Iterator[Emit]:
        """The steps that `action` leads to.

        Called when the action is done; it checks its arguments before the first yield is asked for by raising
        `ActionError` (so write it as a function that checks and *returns* a generator).  Each yield should cost
        less than 8 ms.
        """

    @property
    def busy(self) -> bool:
        return bool(self._work)

    @property
    def next_at(self) -> int | None:
        return len(self.trace) if self._work else None

    def step(self) -> Step | None:
        while self._work:
            cause, work = self._work[0]
            emitted = next(work, None)
            if emitted is None:
                self._work.popleft()
                continue
            kind, node, data = emitted
            return self._append(len(self.trace), kind, node, data, cause)
        return None

    def do(self, action: Action, at: int | None = None) -> Step:
        work = self.perform(action)  # raises before anything is recorded
        step = self._record(action, len(self.trace))
        self._work.append((step.seq, iter(work)))
        return step

    def close(self) -> None:
        self._work.clear()


class Session(Folded):
    """A real component at work in one worker thread, recorded as it happens (µs of wall clock)."""

    kind: Literal["world", "session"] = "session"

    def __init__(self) -> None:
        super().__init__()
        self._began = time.perf_counter_ns()
        self._todo: queue.SimpleQueue[tuple[int, Action] | None] = queue.SimpleQueue()
        self._news: queue.SimpleQueue[tuple[int, str, str, Mapping[str, Any], int] | None] = queue.SimpleQueue()
        self._cancel = threading.Event()
        self._pending = 0
        self._worker = threading.Thread(target=self._run, name=f"session-{type(self).__name__}", daemon=True)
        self._started = False

    @abstractmethod
    def perform(self, action: Action) -> Iterator[Emit]:
        """What `action` does to the real component; runs in the worker thread, yields as things happen."""

    def check(self, action: Action) -> None:
        """Raise `ActionError` when `action` cannot be done; called before it is recorded."""

    def release(self) -> None:
        """Give back what the session holds; runs in the worker thread after the last action."""

    @property
    def cancelled(self) -> bool:
        """True once `close` was called: a long `perform` looks here between its calls."""
        return self._cancel.is_set()

    @property
    def busy(self) -> bool:
        return self._pending > 0 or not self._news.empty()

    @property
    def next_at(self) -> int | None:
        return None

    def step(self) -> Step | None:
        while True:
            try:
                news = self._news.get_nowait()
            except queue.Empty:
                return None
            if news is None:
                self._pending -= 1
                continue
            return self._append(*news)

    def wait(self, seconds: float) -> Step | None:
        """Like `step`, but waits up to `seconds` for something to happen; for the command line and tests."""
        until = time.monotonic() + seconds
        while (step := self.step()) is None and self.busy and time.monotonic() < until:
            time.sleep(0.002)
        return step

    def do(self, action: Action, at: int | None = None) -> Step:
        if self._cancel.is_set():
            raise ActionError("this session was closed; start a new one")
        self.check(action)
        while self.step() is not None:  # what happened before the action stands before it in the trace
            pass
        step = self._record(action, self._now())
        if not self._started:
            self._started = True
            self._worker.start()
        self._pending += 1
        self._todo.put((step.seq, action))
        return step

    def close(self) -> None:
        self._cancel.set()
        self._todo.put(None)
        if self._started:
            self._worker.join(timeout=10)
        else:
            self.release()

    def _now(self) -> int:
        return (time.perf_counter_ns() - self._began) // 1000

    def _run(self) -> None:
        while (item := self._todo.get()) is not None and not self._cancel.is_set():
            cause, action = item
            try:
                for kind, node, data in self.perform(action):
                    self._news.put((self._now(), kind, node, data, cause))
                    if self._cancel.is_set():
                        break
            except Exception as error:  # noqa: BLE001 - a learner sees a sentence, never a traceback
                sentence = str(error) or type(error).__name__
                self._news.put((self._now(), "error", "", {"sentence": sentence, "type": type(error).__name__}, cause))
            finally:
                self._news.put(None)
        self.release()
