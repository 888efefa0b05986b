"""Runs on a real component: a database, a broker, a disk engine or a socket, recorded as it happens.

A `Session` works in one worker thread.  Its steps carry the wall clock (µs since its start); its trace can be
scrubbed but not run again, and the lab says so.

Rules
1. The worker hands what happened over through a queue; only the thread that calls `step` touches the trace.
2. A session that fails makes a step of kind ``error`` whose data has a ``sentence``; `step` never raises.
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
