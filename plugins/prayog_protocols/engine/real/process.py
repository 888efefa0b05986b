"""The owner's side of a lab process: started, asked, listened to, and ended whatever happens.

Rules
1. Every question has a deadline; a lab that misses it is killed (by its pid), and the sentence says so.
2. The lab ends when its standard input does, so it does not outlive its owner; a guard process ends one that hangs.
3. `close` leaves nothing: no process, thread, pipe or folder.
"""

from __future__ import annotations

import contextlib
import queue
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from prayog_protocols.engine.real.pipe import Pipe, receive
from prayog_sdk.child import command
from prayog_sdk.services import ServiceMissing
from prayog_sdk.services.guard import Guard

__all__ = ["LabGone", "LabProcess"]

_START_S = 30.0
_LOOK_S = 0.1


class LabGone(RuntimeError):
    """The lab process ended or did not answer in time; the message is a sentence."""


class LabProcess:
    """One lab process.  Raises `ServiceMissing` when it cannot be started."""

    def __init__(self, private: bool) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="prayog-protocols-"))
        self._errors = self._folder / "errors.txt"
        self._news: queue.SimpleQueue[tuple[str, Any] | None] = queue.SimpleQueue()
        self.private = False
        self.why_not_private = ""
        words = ["private"] if private else []
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                command("prayog_protocols.engine.real.lab", str(self._folder), *words),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            )  # fmt: skip
        self._guard = Guard(self._process.pid)
        assert self._process.stdin is not None
        self._pipe = Pipe(self._process.stdin)  # type: ignore[arg-type]
        self._thread = threading.Thread(target=self._listen, name="lab-news", daemon=True)
        self._thread.start()
        try:
            for kind, value in self._until("ready", _START_S):
                if kind == "no kernel":
                    self.why_not_private = value
        except LabGone as gone:
            self.close()
            raise ServiceMissing(f"The lab’s process could not be started: {gone}", "Try again.") from None

    @property
    def pid(self) -> int:
        """Its number, for those who look after it."""
        return self._process.pid

    def ask(self, what: str, words: Mapping[str, Any], seconds: float) -> Iterator[tuple[str, Any]]:
        """Do something and give what happens, up to and without ``done``, whose value comes as ``outcome``.

        Raises `LabGone`.
        """
        try:
            self._pipe.tell(what, dict(words))
        except OSError:
            raise LabGone(self._how("The lab’s process has ended")) from None
        yield from self._until("done", seconds)

    def _until(self, last: str, seconds: float) -> Iterator[tuple[str, Any]]:
        deadline = time.monotonic() + seconds
        while True:
            try:
                message = self._news.get(timeout=_LOOK_S)
            except queue.Empty:
                if time.monotonic() < deadline:
                    yield "waiting", None  # so that whoever asked can look whether he still wants to know
                    continue
                self._process.kill()
                raise LabGone(f"the lab did not answer within {seconds:.0f} s and was stopped") from None
            if message is None:
                raise LabGone(self._how("the lab’s process ended in the middle of it"))
            if message[0] == last:
                if last == "ready":
                    self.private = bool(message[1]["private"])
                else:
                    yield "outcome", message[1]
                return
            yield message

    def _how(self, sentence: str) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1)
        with contextlib.suppress(OSError, IndexError):
            last = self._errors.read_text("utf-8", "replace").strip().splitlines()[-1]
            return f"{sentence} ({last})"
        return sentence

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(OSError, ValueError):
            while (message := receive(self._process.stdout)) is not None:  # type: ignore[arg-type]
                self._news.put(message)
        self._news.put(None)

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=5)
        self._guard.release()
        self._thread.join(timeout=2)
        self._process.stdout.close()
        shutil.rmtree(self._folder, ignore_errors=True)
