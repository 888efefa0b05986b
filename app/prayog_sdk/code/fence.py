"""A process in which the learner's code may run, and the end of it that the lab holds.

    process = Fenced(serve, manifest, values, seed)       # serve(door, *args) runs over there
    process.send(("step",))
    reply = process.take(0.01)                            # None: it is still at work
    process.close()

What is limited there: memory (where the system has a limit on address space: Linux; elsewhere only what one
allocation can ask for), and the time of one call (on every system, also inside C, with the line it hung in).  Text
hashes are the same in every such process, so a walk over a set of words is too.

Rules
1. A process is started afresh for each run, so one run cannot leave anything behind for another.
2. One that ends early is a `Stopped` with the learner's line, if it was the learner's, and it is never waited for
   longer than the caller says.
3. It ends with the lab, because it waits for the lab's next word and the pipe closes.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import re
import tempfile
import threading
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from prayog_sdk.code.function import gate
from prayog_sdk.code.source import FILE, Mistake

__all__ = ["CALL_S", "MEMORY_BYTES", "Door", "Fenced", "Stopped"]

CALL_S = 2.0
"""Seconds of one call, for a call that hangs where no steps are counted."""
MEMORY_BYTES = 1 << 30
"""Address space that a run may take above what the lab and the topic need themselves."""
_STARTING = threading.Lock()
_HASHES = "PYTHONHASHSEED"


class Stopped(RuntimeError):
    """The process ended before it had answered; `mistake` says why, for the learner."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(mistake.sentence)
        self.mistake = mistake

    def __reduce__(self) -> tuple[type[Stopped], tuple[Mistake]]:
        return Stopped, (self.mistake,)


class Door:
    """The end of the process itself: what it is asked, and what it answers."""

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe

    def send(self, word: Any) -> None:
        """Answer.  A lab that is gone ends the process."""
        try:
            self._pipe.send(word)
        except OSError:
            os._exit(0)

    def take(self) -> Any:
        """Wait for the next question.  A lab that is gone ends the process."""
        try:
            return self._pipe.recv()
        except (EOFError, OSError):
            os._exit(0)

    def limit_memory(self) -> None:
        """From here on memory is limited; called when the topic is loaded."""
        _limit_memory()


class Fenced:
    """A process that runs ``work(door, *args)``; `work` is a function of a module, `args` can be pickled."""

    def __init__(self, work: Callable[..., None], *args: Any) -> None:
        spawn = get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        handle, notes = tempfile.mkstemp(prefix="prayog-code-")
        os.close(handle)
        self._notes = Path(notes)
        self._process = spawn.Process(target=_main, args=(theirs, notes, work, args), name="your-code", daemon=True)
        self.closed = False
        _start(self._process)
        theirs.close()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    def send(self, word: Any) -> None:
        """Ask.  Raises `Stopped`."""
        try:
            self._pipe.send(word)
        except OSError:
            raise self._stopped() from None

    def take(self, seconds: float) -> Any:
        """The next answer; None when there is none within `seconds`.  Raises `Stopped`."""
        try:
            return self._pipe.recv() if self._pipe.poll(seconds) else None
        except (EOFError, OSError):
            raise self._stopped() from None

    def close(self) -> None:
        """End the process, whatever it does.  Calling it twice is harmless."""
        if self.closed:
            return
        self.closed = True
        self._process.kill()
        self._process.join()
        self._process.close()
        self._pipe.close()
        self._notes.unlink(missing_ok=True)

    def _stopped(self) -> Stopped:
        """Why the process ended."""
        if self.closed:
            return Stopped(Mistake("time", 0, "This run was closed."))
        self._process.join(5)
        code = self._process.exitcode
        notes = self._notes.read_text("utf-8", "replace")
        self.close()
        if "Timeout" in notes:
            found = re.search(rf'File "{re.escape(FILE)}", line (\d+)', notes)
            line = int(found[1]) if found else 0
            where = f"Line {line}: one" if line else "One"
            return Stopped(Mistake("time", line, f"{where} call took longer than {CALL_S:g} s, so it was ended."))
        return Stopped(Mistake("memory", 0, f"The process with your code ended by itself (code {code})."))


def _start(process: Any) -> None:
    """Start `process` with hashes of text that are the same each time.

    A spawned process gets the environment as it is at that moment.  Another that is started meanwhile gets it too,
    which does no harm: nothing in the lab depends on hashes.
    """
    with _STARTING:
        before = os.environ.get(_HASHES)
        os.environ[_HASHES] = "0"
        try:
            process.start()
        finally:
            if before is None:
                del os.environ[_HASHES]
            else:
                os.environ[_HASHES] = before


def _main(pipe: Any, notes: str, work: Callable[..., None], args: tuple[Any, ...]) -> None:
    with open(notes, "w", encoding="utf-8") as file:

        @contextlib.contextmanager
        def watched() -> Iterator[None]:
            faulthandler.dump_traceback_later(CALL_S, exit=True, file=file)
            try:
                yield
            finally:
                faulthandler.cancel_dump_traceback_later()

        gate.open(watched)
        work(Door(pipe), *args)


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    except (OSError, ValueError):  # macOS does not say, and takes no such limit
        return
    most = pages * resource.getpagesize() + MEMORY_BYTES
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
