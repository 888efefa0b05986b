"""Ends a call into a topic that does not come back, so that one endless loop does not freeze the window.

    with watchdog.limit(2.0):
        run.step()                      # raises TookTooLong here when it is still at it after two seconds

A thread looks now and then whether a limit has passed, and then has Python raise in the thread that is late.
That ends any loop written in Python; a call that hangs inside C code comes back first.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["TookTooLong", "Watchdog"]

_LOOK_S = 0.1


class TookTooLong(Exception):
    """A topic's code did not come back in time."""

    def __str__(self) -> str:
        return "it did not come back in time, so it was ended; look for a loop without an end"


class Watchdog:
    """One for each thread that calls topics.  `close` ends its thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._late_after: float | None = None
        self._caller = 0
        self._barked = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def limit(self, seconds: float) -> Iterator[None]:
        """Raise `TookTooLong` in the body when it takes longer than `seconds`.  Limits do not nest."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
            self._thread.start()
        with self._lock:
            self._caller, self._barked = threading.get_ident(), False
            self._late_after = time.monotonic() + seconds
        try:
            yield
        finally:
            with self._lock:
                self._late_after = None
                if self._barked:  # it may not have been raised yet; it must not be raised later, somewhere else
                    _raise_in(self._caller, None)

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _watch(self) -> None:
        while not self._stop.wait(_LOOK_S):
            with self._lock:
                if self._late_after is not None and time.monotonic() > self._late_after and not self._barked:
                    self._barked = True
                    _raise_in(self._caller, TookTooLong)


def _raise_in(thread: int, error: type[Exception] | None) -> None:
    wanted = None if error is None else ctypes.py_object(error)  # None takes back what was not raised yet
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), wanted)
