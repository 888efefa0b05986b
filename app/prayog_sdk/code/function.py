"""Calls the learner's function, and turns whatever happens into a value.

    vote = Function("on_vote_request", text, steps=2_000)
    outcome = vote(state, msg, expect=yes_or_no)
    if outcome.mistake is None: use(outcome.value)

Rules
1. A call never raises what the learner's code raises and never runs longer than its steps; see `Outcome`.
2. A text that did not come with the topic (`own`) runs in a process behind the fence only: elsewhere a call raises
   `Unfenced`, which is a fault of the lab's and not the learner's.
3. A function is a value: nothing of a call stays in it, so copies of it are as good as itself (`prayog_sim.values`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Any

from prayog_sdk.code.allowed import Left, namespace
from prayog_sdk.code.source import FILE, STEP, Mistake, read

__all__ = ["Function", "Gate", "Outcome", "Unfenced", "events", "gate"]

_LINES = 20
_WIDTH = 500
"""What one call may print: so many lines, so many characters in each."""


class Unfenced(RuntimeError):
    """The learner's own code was to be called outside of the fence."""

    def __init__(self) -> None:
        super().__init__("code of your own runs on the bench of the simulation only; here it cannot be used")


class Gate:
    """Whether this process may run the learner's code, and what watches over each call.  One for a process."""

    def __init__(self) -> None:
        self.is_open = False
        self.watched: Callable[[], AbstractContextManager[None]] = nullcontext
        """Made anew for each call: the time limit, where this process has one."""

    def open(self, watched: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        """From now on this process is one behind the fence (`fence` calls it, and tests do)."""
        self.is_open, self.watched = True, watched


gate = Gate()
"""This process's gate: that a process is fenced is a fact about the process, so it is not passed around."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call gave: a `value`, or a `mistake` (then the value is None).

    ``printed`` are (line, text); ``steps`` how many rounds and calls it took.
    """

    value: Any = None
    mistake: Mistake | None = None
    printed: tuple[tuple[int, str], ...] = ()
    steps: int = 0


class _OutOfSteps(BaseException):
    """The steps are used up."""


class Function:
    """The function `name` in `text`; a call may take `steps` steps.  ``own``: the learner wrote it."""

    def __init__(self, name: str, text: str, steps: int = 10_000, *, own: bool = True) -> None:
        self.name = name
        self.text = text
        self.steps = steps
        self.own = own
        self._source = read(text, name)
        self._ready: Callable[..., Any] | None = None
        self._meter = _Meter()

    def __reduce__(self) -> tuple[Callable[..., Function], tuple[Any, ...]]:
        return _again, (self.name, self.text, self.steps, self.own)

    def __repr__(self) -> str:
        return f"Function({self.name!r}, {len(self.text)} characters)"

    @property
    def mistake(self) -> Mistake | None:
        """What is wrong with the text, known before any call."""
        return self._source.mistake

    def __call__(self, *args: Any, expect: Callable[[Any], str] | None = None) -> Outcome:
        """Call it.  `expect` says what is wrong with the value that it returned, or nothing."""
        if self._source.mistake is not None:
            return Outcome(mistake=self._source.mistake)
        if self.own and not gate.is_open:
            raise Unfenced
        meter = self._meter
        meter.begin(self.steps)
        try:
            with gate.watched() if self.own else nullcontext():
                value = self._function()(*args)
                wrong = expect(value) if expect is not None and meter.left >= 0 else ""
            if meter.left < 0:  # a ``finally: return`` of the learner's swallowed it
                raise _OutOfSteps
        except (Exception, Left, _OutOfSteps, RecursionError) as error:  # noqa: BLE001 - whatever the learner's code does
            self._ready = None
            return Outcome(None, self._mistake(error), meter.printed(), self.steps - max(meter.left, 0))
        if wrong:
            line = self._source.line
            mistake = Mistake("result", line, f"Line {line}: {self.name} {wrong}")
            return Outcome(None, mistake, meter.printed(), self.steps - meter.left)
        return Outcome(value, None, meter.printed(), self.steps - meter.left)

    def _function(self) -> Callable[..., Any]:
        """The function itself, fresh when what stands around it could have kept something."""
        if self._ready is not None and not self._source.keeps:
            return self._ready
        inside = namespace(self._meter.say)
        inside[STEP] = self._meter.step
        assert self._source.code is not None
        exec(self._source.code, inside)
        ready: Callable[..., Any] = inside[self.name]
        self._ready = ready
        return ready

    def _mistake(self, error: BaseException) -> Mistake:
        line = self._meter.line or _line(error.__traceback__) or self._source.line
        where = f"Line {line}: "
        if isinstance(error, _OutOfSteps):
            said = f"a call has {self.steps:,} steps, and they are used up. Look for a loop that does not end."
            return Mistake("steps", line, where + said)
        if isinstance(error, MemoryError):
            return Mistake("memory", line, where + "it asks for more memory than a run may have.")
        if isinstance(error, Left):
            return Mistake("text", line, f"{where}{error}.")
        if isinstance(error, RecursionError):
            return Mistake("error", line, where + "it calls itself again and again; look for what should end that.")
        return Mistake("error", line, where + _words(error))


def _again(name: str, text: str, steps: int, own: bool) -> Function:
    return Function(name, text, steps, own=own)


class _Meter:
    """Counts the steps of one call and keeps what it prints."""

    def __init__(self) -> None:
        self.left = 0
        self.line = 0
        """Where the steps were used up; what an ``except`` of the learner's does afterwards is no news."""
        self._printed: list[tuple[int, str]] = []
        self._more = False

    def begin(self, steps: int) -> None:
        self.left, self.line = steps, 0
        self._printed, self._more = [], False

    def step(self) -> bool:
        """One step is taken; it is true, so that it can stand in a condition."""
        self.left -= 1
        if self.left < 0:
            self.line = self.line or sys._getframe(1).f_lineno
            raise _OutOfSteps
        return True

    def say(self, text: str) -> None:
        if len(self._printed) >= _LINES:
            self._more = True
            return
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename != FILE:
            frame = frame.f_back
        line = frame.f_lineno if frame is not None else 0
        text = text.removesuffix("\n")
        self._printed.append((line, text if len(text) <= _WIDTH else f"{text[:_WIDTH]}…"))

    def printed(self) -> tuple[tuple[int, str], ...]:
        more = ((0, f"… and more: {_LINES} lines of a call are kept"),) if self._more else ()
        return (*self._printed, *more)


def _line(trace: TracebackType | None) -> int:
    """The innermost line of the learner's in a traceback; 0 when there is none."""
    line = 0
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == FILE:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _words(error: BaseException) -> str:
    """An exception of Python's as a sentence."""
    try:
        said = str(error)[:_WIDTH]
    except BaseException:  # noqa: BLE001 - the learner's own class may fail here too
        said = ""
    if isinstance(error, KeyError):
        said = f"there is no key {said}"
    elif isinstance(error, AssertionError) and not said:
        said = "what you asserted does not hold"
    return f"{type(error).__name__}: {said.rstrip('.')}." if said else f"{type(error).__name__}."


def events(outcome: Outcome) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What a call has to tell in the trace: ``printed`` (line, text) and ``code_error`` (line, sentence, what)."""
    for line, text in outcome.printed:
        yield "printed", {"line": line, "text": text}
    if outcome.mistake is not None:
        mistake = outcome.mistake
        yield "code_error", {"line": mistake.line, "sentence": mistake.sentence, "what": mistake.kind}
