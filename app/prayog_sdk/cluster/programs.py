"""Outside programs as members of a cluster in real time: the lab keeps their journal, as they keep none.

What a program prints is a step ``say`` with the messages that leave; the step that caused it is known when it answers
a request (``in_reply_to``).  Programs have no fields that the lab could look into: their state is what they say.

Rules
1. A line that is no message is a step ``garbage`` with a sentence; after `_MOST` of them they are only counted.
2. `feed` runs on the proxy's thread, lines come on the reader's: what they note goes through one lock, so that no
   step is numbered twice.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prayog_sdk.cluster.codec import encode
from prayog_sdk.cluster.journal import Line
from prayog_sdk.cluster.maelstrom import Body, Garbage, init_line, read_line, write_line
from prayog_sdk.cluster.processes import Child
from prayog_sdk.cluster.wire import IDENTS, LIFE
from prayog_sim.run import Look

if TYPE_CHECKING:
    from prayog_sdk.cluster.members import Surroundings

__all__ = ["Program", "ProgramMember"]

_MOST = 50
_FORGET = 4_096  # requests whose answer is still looked for


@dataclass(frozen=True, slots=True)
class Program:
    """A command that speaks Maelstrom's protocol: ``Program(("python3", "echo.py"))``."""

    argv: tuple[str, ...]
    folder: str = ""
    """Where it runs; without it, in a temporary folder that goes away with the cluster."""


class ProgramMember:
    """One node that is an outside program."""

    actions: tuple[str, ...] = ()

    def __init__(self, name: str, index: int, program: Program, nodes: tuple[str, ...], around: Surroundings) -> None:
        self.name = name
        self.status = "down"
        self.life = -1
        self.child: Child | None = None
        self.last_at = 0
        self.fresh = Look("store", name[:2])
        self._index = index
        self._program = program
        self._nodes = nodes
        self._around = around
        self._lock = threading.Lock()
        self._lines: deque[Line] = deque()
        self._clock: dict[str, int] = {}
        self._count = self._sent = self._garbage = 0
        self._asked: dict[tuple[str, Any], int] = {}
        self._heard_at = self._said_at = 0

    # -- as a member -----------------------------------------------------------------------------------------------

    def spawn(self) -> None:
        self.life += 1
        self._count = self._sent = self.life * LIFE
        self._garbage = 0
        self._heard_at = self._said_at = self._around.now()
        self._asked.clear()
        folder = Path(self._program.folder) if self._program.folder else self._around.folder
        self.child = Child(self._program.argv, folder, self._hearing(self.life), mixed=False)
        self.status = "starting"

    def go(self, epoch: int) -> None:
        if self.child is None:
            return
        with self._lock:
            self._note("restart" if self.life else "start", {"pid": self.child.pid})
        self.child.write(init_line(self.name, self._nodes))

    def act(self, ask: int, name: str, args: Mapping[str, Any]) -> None:
        raise NotImplementedError("an outside program has no actions")

    def lines(self) -> list[Line]:
        found = []
        while self._lines:
            found.append(self._lines.popleft())
        if found:
            self.last_at = max(self.last_at, found[-1].at)
        return found

    def waits_since(self, now: int) -> int | None:
        """Since when (µs) a question has been waiting for a program that is not at rest and says nothing."""
        if self.child is None or self._heard_at <= self._said_at or self.child.waits:
            return None
        return self._heard_at

    def close(self) -> None:
        """It holds no file."""

    # -- messages ----------------------------------------------------------------------------------------------------

    def feed(self, envelope: Mapping[str, Any]) -> None:
        """A message for the program arrived (on the proxy's thread)."""
        child = self.child
        encoded = envelope["m"]
        text = encoded.get("v", {}).get("text") if isinstance(encoded, dict) else None
        if child is None or not isinstance(text, str):
            return
        message = Body(text)
        told = {"src": envelope["f"], "msg": encoded, "ident": envelope["i"], "label": envelope["l"], "outside": True}
        with self._lock:
            for name, count in envelope["v"].items():
                self._clock[name] = max(count, self._clock.get(name, 0))
            asked = message.fields.get("msg_id")
            if asked is not None:
                if self._heard_at <= self._said_at:
                    self._heard_at = self._around.now()
                self._asked[envelope["f"], asked] = envelope["i"]
                while len(self._asked) > _FORGET:
                    del self._asked[next(iter(self._asked))]
            self._note("deliver", told)
        child.write(write_line(envelope["f"], self.name, message))

    def _hearing(self, life: int) -> Callable[[str], None]:
        def on_line(text: str) -> None:
            if life == self.life and text.strip():
                self._hear(text)

        return on_line

    def _hear(self, text: str) -> None:
        """The program printed a line (on its reader's thread)."""
        self._said_at = self._around.now()
        try:
            dest, message, fields = read_line(self.name, text)
        except Garbage as error:
            with self._lock:
                self._garbage += 1
                if self._garbage <= _MOST:
                    self._note("garbage", {"sentence": str(error)})
            return
        with self._lock:
            if fields.get("type") == "init_ok":
                self._note("ready", {})
                return
            answers = self._asked.pop((dest, fields.get("in_reply_to")), None)
            self._sent += 1
            ident = self._sent * IDENTS + self._index
            encoded = encode(message)
            told = {"answers": answers} if answers is not None else {}
            self._note("say", told, [["send", dest, encoded, ident, str(message)]])
            envelope = {
                "k": self._around.word, "f": self.name, "t": dest, "i": ident, "l": str(message), "m": encoded,
                "v": dict(self._clock),
            }  # fmt: skip
        self._around.submit(envelope)

    def _note(self, kind: str, told: dict[str, Any], effects: list[Any] | None = None) -> None:
        self._count += 1
        self._clock[self.name] = self._count
        sentence = f"an outside program, {self._count - self.life * LIFE} steps so far"
        changes = {"l": [self.fresh.role, self.fresh.letter, -1, sentence, ""]}
        self._lines.append(Line(self.name, self._around.now(), kind, told, effects or [], dict(self._clock), changes))
