"""The consumers of a real run: their processes, what they say, and who is started again after it died.

Rules
1. A process that ended was either struck by its own hand (it said so), killed by the learner, or ended by the fence of
   the learner's code (the reason is told).  Each is started again after the set-up's pause, but no process whose code
   was ended `MOST_ENDED` times.
2. A dead machine (SIGSTOP) stays until the end of the run: another process takes its name meanwhile.
3. Every process is watched by a guard that ends it should the lab die.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from prayog_queues.engine.real.worker import Job, serve
from prayog_sdk.cluster.guard import Guard
from prayog_sdk.code.fence import Fenced, Stopped

__all__ = ["Staff"]

MOST_ENDED = 3
_LOOK_S = 0.1

Tell = Callable[[str, str, Mapping[str, Any]], None]


class Staff:
    """Processes for `jobs`; what they say goes to `tell`, from threads of this class."""

    def __init__(self, jobs: list[Job], guard: Guard, tell: Tell) -> None:
        self._jobs = {job.name: job for job in jobs}
        self._guard, self._tell = guard, tell
        self._lock = threading.Lock()
        self._running: dict[str, Fenced] = {}
        self._stopped: list[Fenced] = []
        self._killed: set[int] = set()
        self._ended: dict[str, int] = {}
        self._last: dict[str, Mapping[str, Any]] = {}
        self._closing = threading.Event()
        self.leaving: set[str] = set()
        """Names that are not started again."""
        self.ready: set[str] = set()
        """Names that have connected at least once."""
        self.idle: dict[str, float] = {}
        """When each last said that it found nothing; whoever works is not in it."""
        self._threads = [
            threading.Thread(target=self._follow, args=(name,), name=f"consumer-{name}", daemon=True)
            for name in self._jobs
        ]
        for thread in self._threads:
            thread.start()

    @property
    def gone(self) -> bool:
        """Nobody works any more, and nobody will."""
        return len(self.leaving) == len(self._jobs)

    @property
    def pids(self) -> dict[str, int]:
        """Processes that live, by name."""
        with self._lock:
            return {name: process.pid for name, process in self._running.items()}

    def kill(self, name: str) -> bool:
        """SIGKILL, from outside, wherever it is; False when it is down already."""
        with self._lock:
            process = self._running.get(name)
            if process is None or process.pid in self._killed:
                return False
            self._killed.add(process.pid)
            process.close()
            return True

    def close(self) -> None:
        """End all, and wait for the threads."""
        self._closing.set()
        with self._lock:
            for process in (*self._running.values(), *self._stopped):
                process.close()
        for thread in self._threads:
            thread.join(timeout=10)

    def _follow(self, name: str) -> None:
        """Start the process of `name` again and again, and pass on what it says."""
        while not self._closing.is_set():
            with self._lock:
                if self._closing.is_set():
                    return
                process = self._running[name] = Fenced(serve, self._jobs[name])
            self._guard.watch(process.pid)
            again = self._listen(name, process)
            self._guard.forget(process.pid)
            job = self._jobs[name]
            self._jobs[name] = replace(job, life=job.life + 1)
            if not again:
                self.leaving.add(name)
            if not again or self._closing.wait(job.setup.restart_ms / 1_000):
                return

    def _listen(self, name: str, process: Fenced) -> bool:
        """Until it ends; whether to start another."""
        while True:
            try:
                said = process.take(_LOOK_S)
            except Stopped as stopped:
                return self._gone(name, process, stopped)
            if said is None:
                continue
            kind, node, data = said
            if kind == "idle":
                self.idle[name] = time.monotonic()
                if not data or data == self._last.get(name):  # one sentence is enough for a broker that is down
                    continue
                self._last[name] = data
                kind = "problem"
            else:
                self.idle.pop(name, None)
            if kind == "started":
                self.ready.add(name)
            self._tell(kind, node, data)
            if kind == "crashed":
                self._jobs[name] = replace(self._jobs[name], struck=True)
                return self._crashed(name, process, data["how"])

    def _crashed(self, name: str, process: Fenced, how: str) -> bool:
        with self._lock:
            self._running.pop(name, None)
            if how == "machine":
                self._stopped.append(process)
                return True
        process.close()
        return True

    def _gone(self, name: str, process: Fenced, stopped: Stopped) -> bool:
        """It ended without a word of its own."""
        with self._lock:
            self._running.pop(name, None)
        if self._closing.is_set():
            return False
        if process.pid in self._killed:
            self._tell("crashed", name, {"point": "by hand", "how": "process"})
            return True
        mistake = stopped.mistake
        if mistake.line:
            self._tell("code_error", name, {"line": mistake.line, "sentence": mistake.sentence, "what": mistake.kind})
        else:
            self._tell("problem", name, {"sentence": f"The process of {name} ended by itself. {mistake.sentence}"})
        self._tell("crashed", name, {"point": "at work", "how": "process"})
        self._ended[name] = self._ended.get(name, 0) + 1
        return self._ended[name] < MOST_ENDED
