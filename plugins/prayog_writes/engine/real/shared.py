"""One database for many threads: group commit, and flushes and compactions in the background.

Writers hand their batches in and wait.  One thread takes all that are waiting, writes them as one log record, syncs
once and acknowledges all: the more writers, the more writes share a sync.  While several write, it lets them gather for
a moment first: those who were just acknowledged are about to come again.

Source: DeWitt et al., "Implementation techniques for main memory database systems" (SIGMOD 1984), group commit;
LevelDB `DBImpl::BuildBatchGroup`; PostgreSQL manual, 19.5.1 and 28.4: `commit_delay` (half of a sync's time is advised)
and `commit_siblings`.

Rules
1. `_lock` is held for everything that touches the database except the slow part of a job (`Job.run`).
2. A batch is acknowledged after the sync that covers it, in the order in which it was handed in.
3. An error stops the writers with its sentence; nobody waits for ever.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from prayog_writes.engine.batch import Operation
from prayog_writes.engine.database import Database
from prayog_writes.engine.errors import DatabaseError
from prayog_writes.engine.files import Files
from prayog_writes.engine.options import Options

__all__ = ["SharedDatabase", "Ticket", "now_us"]

MOST = 1 << 20
"""Bytes of one group; a larger one would make the first writer wait for long."""
GATHER_S = 0.002
"""A group is given half of the time that a sync takes to gather, and at most this."""


def now_us() -> int:
    """The clock that the sync policy ``every`` asks."""
    return time.perf_counter_ns() // 1_000


class Ticket:
    """A batch on its way; `wait` returns when it is acknowledged."""

    __slots__ = ("_done", "error", "operations")

    def __init__(self, operations: list[Operation]) -> None:
        self.operations = operations
        self.error: Exception | None = None
        self._done = threading.Lock()  # held until it is finished: the cheapest thing that a thread can wait for
        self._done.acquire()

    def finish(self, error: Exception | None) -> None:
        """It is acknowledged, or failed."""
        self.error = error
        self._done.release()

    def wait(self) -> None:
        """Until it is acknowledged.  Raises `DatabaseError` when it was not kept."""
        with self._done:
            if self.error is not None:
                raise self.error


class SharedDatabase:
    """A `Database` that threads may share.  ``stalls``: waits for the background; ``groups``: commits."""

    def __init__(self, files: Files, options: Options) -> None:
        self.db = Database(files, replace(options, jobs="manual"), clock=now_us)
        self.stalls = self.groups = 0
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._queue: deque[Ticket] = deque()
        self._arrived = threading.Event()
        self._last, self._sync_s = 1, 0.0
        """Batches of the last group, and how long it took."""
        self._closing = False
        self._error: Exception | None = None
        self._threads = [
            threading.Thread(target=self._commit, name="writes-commit", daemon=True),
            threading.Thread(target=self._background, name="writes-background", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, operations: list[Operation]) -> Ticket:
        """Hand a batch in without waiting."""
        if self._closing:
            raise DatabaseError("this database was closed; open it again")
        ticket = Ticket(operations)
        self._queue.append(ticket)
        self._arrived.set()
        return ticket

    def write(self, operations: list[Operation]) -> None:
        """Do all of `operations`, or none; returns when they are acknowledged."""
        self.submit(operations).wait()

    def put(self, key: bytes, value: bytes) -> None:
        """Keep `value` under `key`."""
        self.write([(key, value)])

    def get(self, key: bytes) -> bytes | None:
        """The value of `key`, or None."""
        with self._lock:
            return self.db.get(key)

    def close(self) -> None:
        """Acknowledge what is waiting, let a running job end, and close."""
        if self._closing:
            return
        self._closing = True
        self._arrived.set()
        self._threads[0].join()
        with self._lock:
            self._work.notify_all()
        self._threads[1].join()
        self.db.close()

    def _commit(self) -> None:
        while True:
            self._arrived.wait()
            self._arrived.clear()
            while self._queue:
                self._gather()
                self._group()
            if self._closing and not self._queue:
                return

    def _gather(self) -> None:
        """Let more writers join, while they come."""
        if self._last < 2 or self._closing:
            return
        until = time.perf_counter() + min(self._sync_s / 2, GATHER_S)
        before = 0
        while before < len(self._queue) and time.perf_counter() < until:
            before = len(self._queue)
            time.sleep(0.0001)

    def _group(self) -> None:
        group: list[Ticket] = []
        operations: list[Operation] = []
        size = 0
        while self._queue and size < MOST:
            ticket = self._queue.popleft()
            group.append(ticket)
            operations += ticket.operations
            size += sum(len(key) + len(value or b"") for key, value in ticket.operations)
        error: Exception | None = None
        began = time.perf_counter()
        with self._lock:
            try:
                self._make_room()
                self.db.write(operations)
                self.groups += 1
            except Exception as problem:  # noqa: BLE001 - handed to those who wait
                error = problem
            self._work.notify_all()
        self._last, self._sync_s = len(group), time.perf_counter() - began
        for ticket in group:
            ticket.finish(error)

    def _make_room(self) -> None:
        while True:
            if self._error is not None:
                raise self._error
            kind, _ = self.db.pressure()
            if kind == "slowdown":
                self._work.wait(0.001)
                return
            if kind == "none":
                return
            self.stalls += 1
            self._work.notify_all()
            self._work.wait(1.0)

    def _background(self) -> None:
        while True:
            with self._lock:
                job = None if self._error else self.db.next_job()
                if job is None:
                    if self._closing:
                        return
                    self._work.wait(0.2)
                    continue
            try:
                for _ in job.run():
                    pass
                with self._lock:
                    job.install()
                    if self.db.memtable.size >= self.db.options.memtable and not self.db.immutable:
                        self.db.rotate()
            except Exception as problem:  # noqa: BLE001 - handed to those who write
                with self._lock:
                    self._error = problem if isinstance(problem, DatabaseError) else DatabaseError(
                        f"A background job failed: {problem}. Everything acknowledged is still in the log."
                    )  # fmt: skip
            with self._lock:
                self._work.notify_all()

    def described(self) -> Mapping[str, Any]:
        """Counters."""
        return {**self.db.stats.as_dict(), "groups": self.groups, "stalls": self.stalls}
