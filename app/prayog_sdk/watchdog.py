"""Ends a call into a topic that does not come back, so that one endless loop freezes neither window nor check.

    with watchdog.limit(2.0):
        run.step()                      # raises TookTooLong here when it is still at it after two seconds

A thread looks now and then whether a limit has passed, and then has Python raise in the thread that is late.
That ends any loop written in Python; a call that hangs inside C code comes back first.

Rules
1. A limit costs about a microsecond, because the window sets one around every step.
2. Limits do not nest: one thread calls one topic at a time.
"""

from __future__ import annotations

import ctypes
import threading
import time
from contextlib import suppress
from types import TracebackType

__all__ = ["PATIENCE_S", "TookTooLong", "Watchdog"]

PATIENCE_S = 2.0
"""What a step of a topic has on the bench."""
_LOOK_S = 0.1


class TookTooLong(Exception):
    """A topic's code did not come back in time."""

    def __str__(self) -> str:
        return "it did not come back in time, so it was ended; look for a loop without an end"


class Watchdog:
    """One for each thread that calls topics.  `close` ends its thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds = 0.0
        self._late_after: float | None = None
        self._caller = 0
        self._barked = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def limit(self, seconds: float) -> Watchdog:
        """Raise `TookTooLong` in the body of ``with`` when it takes longer than `seconds`."""
        self._seconds = seconds
        return self

    def __enter__(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
            self._thread.start()
        self._caller, self._barked = threading.get_ident(), False
        self._late_after = time.monotonic() + self._seconds  # last: from here on the thread may bark

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._lock:
            self._late_after = None
        if self._barked and not isinstance(error, TookTooLong):
            # It was not raised yet (or the topic caught it); it must not be raised later, somewhere else.  Taking it
            # back with None would leave CPython's eval breaker set for good: all is slow, and a traced call never ends.
            with suppress(TookTooLong):
                for _ in range(1_000):
                    pass

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _watch(self) -> None:
        while not self._stop.wait(_LOOK_S):
            with self._lock:
                late_after = self._late_after
                if late_after is not None and time.monotonic() > late_after and not self._barked:
                    self._barked = True
                    _raise_in(self._caller, TookTooLong)


def _raise_in(thread: int, error: type[Exception]) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error))
