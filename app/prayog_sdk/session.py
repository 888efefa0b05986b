"""Runs on a real component: a database, a broker, a disk engine or a socket, recorded as it happens.

A `Session` works in one worker thread.  Its steps carry the wall clock (µs since its start); its trace can be
scrubbed but not run again, and the lab says so.

Rules
1. The worker hands what happened over through a queue; only the thread that calls `step` touches the trace.
2. A session that fails makes a step of kind ``error`` whose data has a ``sentence``; `step` never raises.
3. A session is ``live`` when things go on in it by themselves (processes of its own that work and are broken): its
   actions are quick, other threads of the topic `report` what happens, and it is busy until it is closed.
"""

from __future__ import annotations

import queue
import threading
import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from prayog_sdk.run import Emit, Folded
from prayog_sim.run import Action, ActionError
from prayog_sim.trace import Step

__all__ = ["Session"]


class Session(Folded):
    """A real component at work in one worker thread, recorded as it happens (µs of wall clock)."""

    kind: Literal["world", "session"] = "session"
    live = False
    """It goes on by itself until it is closed: whoever follows it says how long (see ``run 2s`` of a script)."""

    def __init__(self) -> None:
        super().__init__()
        self.__began = time.perf_counter_ns()
        self.__todo: queue.SimpleQueue[tuple[int, Action] | None] = queue.SimpleQueue()
        self.__news: queue.SimpleQueue[tuple[int, str, str, Mapping[str, Any], int] | None] = queue.SimpleQueue()
        self.__telling = threading.Lock()
        self.__cancel = threading.Event()
        self.__pending = 0
        self.__worker = threading.Thread(target=self.__run, name=f"session-{type(self).__name__}", daemon=True)
        self.__started = False

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
        return self.__cancel.is_set()

    def report(self, kind: str, node: str = "", data: Mapping[str, Any] | None = None) -> None:
        """Something happened by itself: a step without an action as its cause.  From any thread."""
        self.__tell(kind, node, data or {}, -1)

    @property
    def now(self) -> int:
        """µs since the session began."""
        return self.__now()

    @property
    def busy(self) -> bool:
        return self.__pending > 0 or not self.__news.empty() or (self.live and not self.__cancel.is_set())

    @property
    def next_at(self) -> int | None:
        return None

    def step(self) -> Step | None:
        while True:
            try:
                news = self.__news.get_nowait()
            except queue.Empty:
                return None
            if news is None:
                self.__pending -= 1
                continue
            at, kind, node, data, cause = news
            return self._append_step(Step(len(self.trace), at, kind, node, data, cause))

    def wait(self, seconds: float) -> Step | None:
        """Like `step`, but waits up to `seconds` for something to happen; for the command line and tests."""
        until = time.monotonic() + seconds
        while (step := self.step()) is None and self.busy and time.monotonic() < until:
            time.sleep(0.002)
        return step

    def do(self, action: Action, at: int | None = None) -> Step:
        if self.__cancel.is_set():
            raise ActionError("this session was closed; start a new one")
        self.check(action)
        while self.step() is not None:  # what happened before the action stands before it in the trace
            pass
        step = self._record_action(action, self.__now())
        if not self.__started:
            self.__started = True
            self.__worker.start()
        self.__pending += 1
        self.__todo.put((step.seq, action))
        return step

    def close(self) -> None:
        self.__cancel.set()
        self.__todo.put(None)
        if self.__started:
            self.__worker.join(timeout=10)
        else:
            self.release()

    def __now(self) -> int:
        return (time.perf_counter_ns() - self.__began) // 1000

    def __tell(self, kind: str, node: str, data: Mapping[str, Any], cause: int) -> None:
        with self.__telling:  # times in the trace never go back
            self.__news.put((self.__now(), kind, node, data, cause))

    def __run(self) -> None:
        while (item := self.__todo.get()) is not None and not self.__cancel.is_set():
            cause, action = item
            try:
                for kind, node, data in self.perform(action):
                    self.__tell(kind, node, data, cause)
                    if self.__cancel.is_set():
                        break
            except Exception as error:  # noqa: BLE001 - a learner sees a sentence, never a traceback
                sentence = str(error) or type(error).__name__
                self.__tell("error", "", {"sentence": sentence, "type": type(error).__name__}, cause)
            finally:
                self.__news.put(None)
        self.release()
