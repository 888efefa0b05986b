"""A small process that outlives the lab by a moment: when the lab is gone, so are the nodes that it had started.

A node ends by itself when its pipe from the lab closes, but one that is stopped (SIGSTOP), hung or deaf to its pipe
would stay.  The guard's standard input is a pipe from the lab too: lines ``+PID`` and ``-PID`` say who is to be
watched.  When it closes without the word ``released``, the guard kills whoever is left and removes the folder.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

__all__ = ["Guard"]


class Guard:
    """Watches over the processes of one cluster and its `folder`."""

    def __init__(self, folder: Path) -> None:
        self._lock = threading.Lock()
        from prayog_sdk.child import command  # not above: the process itself starts without site packages

        self._process = subprocess.Popen(
            command(__name__, str(folder), alone=True),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the lab's terminal must not end the guard first
        )

    def watch(self, pid: int) -> None:
        """`pid` must not outlive the lab."""
        self._say(f"+{pid}\n")

    def forget(self, pid: int) -> None:
        """`pid` has ended; its number may soon be another's."""
        self._say(f"-{pid}\n")

    def release(self) -> None:
        """Everything was stopped in order: the guard goes without doing anything."""
        self._say("released\n")
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.wait(timeout=10)

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        with self._lock, contextlib.suppress(OSError, ValueError):  # the guard is gone already
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()


def main() -> None:
    """Read until the pipe closes; then kill whoever is left, unless the lab said that it did so itself."""
    watched: set[int] = set()
    for line in sys.stdin:
        word = line.strip()
        if word == "released":
            return
        if word.startswith("+"):
            watched.add(int(word[1:]))
        elif word.startswith("-"):
            watched.discard(int(word[1:]))
    for pid in watched:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
    shutil.rmtree(sys.argv[1], ignore_errors=True)


if __name__ == "__main__":
    main()
