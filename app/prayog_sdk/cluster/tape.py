"""Conversations with outside programs, kept so that a world can run its past again without asking twice.

A world goes back in time by running again.  A program cannot, so what it answered is kept: the key of a turn names the
whole conversation that led to it.  Asked the same again, the tape answers; asked something new, the program is asked.
When no running program has had just that conversation (a fork, or a step back and then another way), a fresh one is
started and told all of it at once, and as many lines as it had said then are taken for the ones it says again.

Rules
1. A turn takes at most `BOUND_S` of real time (unless its caller has more), whatever the program does; what it says
   later comes with a later turn.
2. At most one process per node runs; `close` ends them all, and afterwards only the past can be asked.
"""

from __future__ import annotations

import hashlib
import queue
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prayog_sdk.cluster.guard import Guard
from prayog_sdk.cluster.processes import Child, how_it_ended
from prayog_sdk.cluster.programs import Program

__all__ = ["BOUND_S", "Tape", "Turn"]

BOUND_S = 0.04
_GRACE_S = 0.003  # between "it sleeps" and "it has said what it wanted": our reader needs a moment too
_QUIET_S = 0.03  # the same where the operating system does not say who sleeps
_TICK_S = 0.0005


@dataclass(frozen=True, slots=True)
class Turn:
    """What a program said when it was given a line (or only listened to).

    ``early``: how many of the lines it had said before it was given this one.  ``working``: it has not come to rest.
    ``ended``: a sentence about its end, when it ended.
    """

    key: str
    before: str
    line: str
    said: tuple[str, ...]
    early: int = 0
    working: bool = False
    ended: str = ""


class _Live:
    """A running program, and how far its conversation is."""

    def __init__(self, program: Program, folder: Path, guard: Guard) -> None:
        self.lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.child = Child(
            program.argv, Path(program.folder) if program.folder else folder, self.lines.put, mixed=False
        )
        guard.watch(self.child.pid)
        self.key = ""
        self.repeats = 0

    def heard(self) -> list[str]:
        """The lines that are there, without those that repeat the past."""
        self.child.pull()
        found = []
        while not self.lines.empty():
            line = self.lines.get()
            if self.repeats:
                self.repeats -= 1
            elif line.strip():
                found.append(line)
        return found


class Tape:
    """The conversations of one run with the programs in `programs` (by name of node)."""

    def __init__(self, programs: Mapping[str, Program]) -> None:
        self._programs = dict(programs)
        self._folder = Path(tempfile.mkdtemp(prefix="prayog-programs-"))
        self._guard = Guard(self._folder)
        self._turns: dict[str, Turn] = {}
        self._live: dict[str, _Live] = {}
        self._closed = False

    def __deepcopy__(self, memo: dict[int, Any]) -> Tape:
        return self  # checkpoints of a world share it: what was said stays said

    def __reduce__(self) -> str:
        raise TypeError("a tape holds processes")

    def names(self) -> tuple[str, ...]:
        """The nodes that are outside programs."""
        return tuple(self._programs)

    def turn(self, me: str, key: str, line: str, bound: float = BOUND_S) -> Turn:
        """Give `line` to the program of `me` after the conversation `key`; an empty line only listens.

        A key that is not of a turn begins a conversation: a new process.  It has `bound` seconds to come to rest.
        """
        new = hashlib.blake2b(f"{key}\0{line}".encode(), digest_size=16).hexdigest()
        known = self._turns.get(new)
        if known is None:
            known = self._turns[new] = self._ask(me, key, line, new, bound)
        return known

    def close(self) -> None:
        """End all programs."""
        if self._closed:
            return
        self._closed = True
        for live in self._live.values():
            live.child.close()
        self._live.clear()
        self._guard.release()
        shutil.rmtree(self._folder, ignore_errors=True)

    # -- the real thing ----------------------------------------------------------------------------------------------

    def _ask(self, me: str, key: str, line: str, new: str, bound: float) -> Turn:
        if self._closed:
            return Turn(new, key, line, (), ended=f"{me} was not asked: this run was closed")
        try:
            live = self._at(me, key)
        except OSError as error:
            return Turn(new, key, line, (), ended=f"{me} did not start: {error.strerror or error}")
        said = live.heard()
        early = len(said) if line else 0
        if line:
            live.child.write(line)
        working = self._listen(live, said, bound)
        live.key = new
        ended = ""
        if (code := live.child.ended) is not None:
            live.child.read_to_end()
            said += live.heard()
            last = f": {live.child.tail[-1]}" if live.child.tail else ""
            ended = f"{me} {how_it_ended(code)}{last}"
        return Turn(new, key, line, tuple(said), early, working, ended)

    def _listen(self, live: _Live, said: list[str], bound: float) -> bool:
        """Collect what it says until it is at rest (False) or its time is up (True)."""
        begin = time.monotonic()
        still: float | None = None  # since when every look found it at rest; a gap between two looks is no rest
        while time.monotonic() < begin + bound:
            found = live.heard()
            said += found
            waits = live.child.waits
            now = time.monotonic()
            if live.child.ended is not None:
                return False
            if found or waits is False:
                still = None
            elif still is None:
                still = now
            elif now - still > (_GRACE_S if waits else _QUIET_S):
                return False
            time.sleep(_TICK_S)
        return True

    def _at(self, me: str, key: str) -> _Live:
        """The program of `me` after the conversation `key`."""
        live = self._live.get(me)
        if live is not None and live.key == key:
            return live
        if live is not None:
            self._guard.forget(live.child.pid)
            live.child.close()
        live = self._live[me] = _Live(self._programs[me], self._folder, self._guard)
        past: list[Turn] = []
        at = key
        while (turn := self._turns.get(at)) is not None:
            past.append(turn)
            at = turn.before
        for turn in reversed(past):
            if turn.line:
                live.child.write(turn.line)
            live.repeats += len(turn.said)
        live.key = key
        return live
