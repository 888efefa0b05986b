"""A small process that outlives the lab by a moment: when the lab dies, it stops what the lab had started.

``Guard(pid)`` starts it; its standard input is a pipe from the lab.  When the lab ends in any way, even by a
kill, the operating system closes the pipe and the guard sends the signal that asks for an orderly stop.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys

__all__ = ["Guard"]


class Guard:
    """Watches over process `pid` until `release`."""

    def __init__(self, pid: int) -> None:
        from prayog_sdk.child import command  # not above: the process itself starts without site packages

        self._process = subprocess.Popen(
            command(__name__, str(pid), alone=True),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the lab's terminal must not end the guard first
        )

    def release(self) -> None:
        """The watched process was stopped in order: the guard goes without doing anything."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(b"released")
            self._process.stdin.close()
        except OSError:
            pass  # the guard is gone already
        self._process.wait(timeout=5)


def main() -> None:
    """Wait for the pipe to close; stop the process unless the lab said that it did so itself."""
    if sys.stdin.buffer.read() == b"released":
        return
    with contextlib.suppress(OSError):  # it may have ended by itself
        # SIGINT is PostgreSQL's fast shutdown (manual, 18.5) and an orderly stop for other servers; Windows knows
        # only TerminateProcess, which os.kill does for any other signal number.
        os.kill(int(sys.argv[1]), signal.SIGTERM if sys.platform == "win32" else signal.SIGINT)


if __name__ == "__main__":
    main()
