"""One member of a cluster: its process, what it prints, and the signals it gets.

Rules
1. A process is ended and stopped by its own id (with the group that it leads), never by a name.
2. What a node prints is read all the time and mostly forgotten: a node that floods its output fills no disk, no
   memory, and stops nobody.
3. Stopping (SIGSTOP) has no equivalent on Windows; psutil suspends all threads of the process there.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

__all__ = ["Child", "how_it_ended"]

_TAIL = 20  # lines of output kept for the sentence about a death
_WIDTH = 2_000  # bytes of one line that are kept
_LONGEST = 1 << 20  # bytes without a line end after which a protocol line is taken as it is


class Child:
    """A running process with three pipes.

    ``on_line`` gets every line of its standard output, on a thread of its own; standard error goes to `tail`, and
    with ``mixed`` the standard output does so too.  With ``pulled`` there is no such thread (but on Windows): `pull`
    hands the lines to ``on_line``, so that nothing that was said is between the pipe and the caller.
    """

    def __init__(
        self,
        argv: Sequence[str],
        folder: Path,
        on_line: Callable[[str], None],
        *,
        mixed: bool = False,
        pulled: bool = False,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.tail: deque[str] = deque(maxlen=_TAIL)
        self._on_line = on_line
        self._killed = False
        self._given = self._written = 0  # two counters, each with one writer
        self._mixed = mixed
        windows = sys.platform == "win32"
        self._process = subprocess.Popen(
            list(argv),
            cwd=folder,
            env={**os.environ, **(environ or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=not windows,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) if windows else 0,
        )
        self.pid = self._process.pid
        self._todo: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._pulled = pulled and not windows
        self._rest = b""
        jobs: list[tuple[Callable[..., None], tuple[Any, ...]]] = [
            (self._write, ()), (self._read, (self._process.stderr, False)),
        ]  # fmt: skip
        if self._pulled:
            os.set_blocking(self._process.stdout.fileno(), False)
        else:
            jobs.append((self._read, (self._process.stdout, True)))
        self._threads = [
            threading.Thread(target=work, args=args, name=f"cluster-pipe-{self.pid}", daemon=True)
            for work, args in jobs
        ]
        for thread in self._threads:
            thread.start()

    @property
    def ended(self) -> int | None:
        """The exit code (POSIX: negative is a signal), or None while it lives."""
        return self._process.poll()

    def write(self, line: str) -> None:
        """Send one line to its standard input; never waits, whatever the process does."""
        self._given += 1
        self._todo.put(line.encode() + b"\n")

    def pull(self) -> None:
        """Hand over the lines that are there."""
        pipe = self._process.stdout
        if not self._pulled or pipe is None or pipe.closed:
            return
        with contextlib.suppress(BlockingIOError):
            while data := os.read(pipe.fileno(), 65_536):
                *lines, self._rest = (self._rest + data).split(b"\n")
                for line in lines:
                    self._on_line(line.decode("utf-8", "replace"))

    @property
    def waits(self) -> bool | None:
        """It has read all that it was sent, all that it said is read here, and it sleeps; None where nobody can tell.

        (Only Linux tells.)
        """
        if not sys.platform.startswith("linux"):
            return None
        if self._written < self._given or self.ended is not None:
            return self.ended is not None
        unread = [_unread(pipe) for pipe in (self._process.stdin, self._process.stdout)]
        return unread == [0, 0] and _sleeps(self.pid) and _unread(self._process.stdout) == 0

    def stop(self) -> None:
        """SIGSTOP: it stays where it is, in the middle of whatever it does."""
        if sys.platform == "win32":
            import psutil

            psutil.Process(self.pid).suspend()
        else:
            os.killpg(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        if sys.platform == "win32":
            import psutil

            psutil.Process(self.pid).resume()
        else:
            os.killpg(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL (Windows: TerminateProcess), and wait until it is gone; harmless when it is."""
        with contextlib.suppress(OSError):
            if sys.platform == "win32":
                self._process.kill()
            elif not self._killed:  # the group too, once: it may outlive its leader, and later the number is another's
                os.killpg(self.pid, signal.SIGKILL)
        self._killed = True
        self._process.wait(timeout=10)

    def close(self) -> None:
        """Kill it, and give back its pipes and threads."""
        self.kill()
        self._todo.put(None)
        for thread in self._threads:
            thread.join(timeout=2)
        if any(thread.is_alive() for thread in self._threads):
            return  # somebody outside the group still holds a pipe; closing it would wait for him
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def read_to_end(self) -> None:
        """After its end: wait (a moment) until what it had printed is in `tail`."""
        for thread in self._threads[1:]:
            thread.join(timeout=0.2)

    # -- threads -------------------------------------------------------------------------------------------------

    def _write(self) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        while (data := self._todo.get()) is not None:
            try:
                pipe.write(data)
                pipe.flush()
            except (OSError, ValueError):
                return
            finally:
                self._written += 1

    def _read(self, pipe: IO[bytes], spoken: bool) -> None:
        while data := pipe.readline(_LONGEST):
            text = data.rstrip(b"\r\n").decode("utf-8", "replace")
            if not spoken or self._mixed:
                self.tail.append(text[:_WIDTH])
            if spoken:
                self._on_line(text)


def how_it_ended(code: int) -> str:
    """``was killed by SIGKILL`` or ``ended with exit code 3``."""
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def _unread(pipe: IO[bytes] | None) -> int:
    """Bytes in a pipe that its reader has not taken."""
    import fcntl
    import termios

    try:
        assert pipe is not None
        return int.from_bytes(fcntl.ioctl(pipe.fileno(), termios.FIONREAD, b"\0" * 4), sys.byteorder)
    except (OSError, ValueError):
        return -1


def _sleeps(pid: int) -> bool:
    """Every thread of the process and of its children waits for something."""
    for task in Path(f"/proc/{pid}/task").glob("*"):
        try:
            state = (task / "stat").read_text().rpartition(")")[2].split()[0]
            children = (task / "children").read_text().split()
        except (OSError, IndexError):  # it ended meanwhile
            continue
        if state not in "SIZX" or not all(_sleeps(int(child)) for child in children):
            return False
    return True
