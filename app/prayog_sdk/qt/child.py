"""A function in a process of its own: pure Python that computes for seconds would make the window stutter.

Two worker threads of pure Python hold the interpreter lock long enough to delay a 60 Hz window by 100 ms; a
spawned process does not touch it.  This module has no Qt, so that the child starts quickly.

Rules
1. `run` is called in a worker thread; it starts the child, waits, and kills it when the work is cancelled.
2. The child watches its parent and ends when the parent is gone: no orphan computes on.
"""

from __future__ import annotations

import os
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any, Protocol

__all__ = ["ChildContext", "ChildError", "WorkContext", "run", "sentence_of"]

_LOOK_S = 0.03  # how often the parent looks for a cancel


class WorkContext(Protocol):
    """What a job's function may ask of its surroundings, in a thread and in a process alike."""

    def check(self) -> None:
        """Raise `Cancelled` when the learner cancelled the work."""
        ...

    def progress(self, done: int, total: int = 0, text: str = "") -> None:
        """Report; total 0 means unknown.  Only the latest report is shown.  Checks for a cancel as well."""
        ...


class ChildError(Exception):
    """The child failed: `sentence` for the learner, `details` is the child's traceback."""

    def __init__(self, sentence: str, details: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.details = details


class ChildContext:
    """The child's end: reports at most 30 times a second; a cancel kills the process, so nothing is polled."""

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe
        self._next = 0.0

    def check(self) -> None:
        """A cancelled child is killed; there is nothing to look at."""

    def progress(self, done: int, total: int = 0, text: str = "") -> None:
        now = time.monotonic()
        if now >= self._next or done == total:
            self._next = now + _LOOK_S
            self._pipe.send(("progress", (done, total, text)))


def sentence_of(error: BaseException) -> str:
    """`error` in words: our own errors are sentences already, those of Python need their name."""
    words = str(error)
    if words and type(error).__module__ != "builtins":
        return words
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def run(context: WorkContext, fn: Callable[..., Any], args: tuple[Any, ...], name: str = "job") -> Any:
    """``fn(context, *args)`` in a spawned process; `fn`, `args` and the result are picklable.

    Raises what ``context.check`` raises after a cancel (the child is dead by then), or `ChildError`.
    """
    import multiprocessing
    from multiprocessing.connection import wait

    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe(duplex=False)
    child = spawn.Process(target=_main, args=(theirs, fn, args), name=name, daemon=True)
    child.start()
    theirs.close()
    try:
        while True:
            context.check()
            if not wait([ours], _LOOK_S):
                continue
            try:
                state, value = ours.recv()
            except EOFError:
                child.join(1)
                ended = f"the worker process ended with code {child.exitcode} before it had a result"
                raise ChildError(ended, "") from None
            if state == "progress":
                context.progress(*value)
            elif state == "failed":
                raise ChildError(*value)
            else:
                return value
    finally:
        child.kill()
        child.join()
        child.close()
        ours.close()


def _main(pipe: Any, fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    try:
        answer = ("succeeded", fn(ChildContext(pipe), *args))
    except Exception as error:  # noqa: BLE001 - handed to the parent as a sentence
        answer = ("failed", (sentence_of(error), traceback.format_exc()))
    try:
        pipe.send(answer)
    except BrokenPipeError:
        return
    except Exception as error:  # noqa: BLE001 - the result cannot be pickled
        sentence = f"the result cannot be sent to the window: {sentence_of(error)}"
        pipe.send(("failed", (sentence, traceback.format_exc())))


def _end_with_parent() -> None:
    import multiprocessing
    from multiprocessing.connection import wait

    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
