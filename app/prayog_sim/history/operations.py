"""Histories: what clients asked of an object, what they were told, and when; the input of every checker.

An *operation* has an invocation and, mostly, a completion.  Between the two, others may overlap it.

How a simulated client tells of its operations (this is the only place that defines it)::

    ctx.emit("invoke", op=7, f="write", value=3)        it asks; `op` is new for each operation of the node
    ctx.emit("ok", op=7)                                it was told: done.  A read adds value=…, what it got
    ctx.emit("fail", op=7)                              it did certainly not happen
    ctx.emit("unknown", op=7)                           a timeout: it may have happened, or still happen

``key="x"`` on the invocation names one of many objects; ``of="locks"`` there keeps two histories of one run apart
(without it: ``op``).  A node is one process.  `prayog_sim.history.registers` and `queues` say what `f` may be.

Rules (Jepsen's definitions)
1. ``fail``: it never happened.  A compare-and-set that was answered "no" may also say what that tells: ``result``
   False (``ctx.emit("ok", op=7, value=False)``): the register held something else.
2. ``unknown``: it may take effect at any time after its invocation, or never.  A read of unknown outcome says nothing.
3. An operation that was never completed is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from prayog_sim.clock import format_us
from prayog_sim.lines import short
from prayog_sim.trace import Step

__all__ = ["History", "HistoryError", "Incident", "Operation", "Outcome", "Recorder", "from_trace"]

Outcome = Literal["ok", "fail", "unknown"]

_ASKING = frozenset({"read", "get", "dequeue", "pop"})
_COMPLETIONS: Mapping[str, Outcome] = {"ok": "ok", "fail": "fail", "unknown": "unknown", "info": "unknown"}


class HistoryError(ValueError):
    """Something is not a history, or not one that this model can judge; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of `process`: ``Operation("p1", "write", 3, 0, 10)``.

    ``invoked`` and ``returned`` place it in the order of the history; they are compared and nothing else (with equal
    numbers, two operations overlap).  ``returned`` is None when no completion says that it is over.  ``value`` is
    what was asked, ``result`` what was answered.  ``times`` (µs) and ``steps`` (numbers in a trace) are its two ends,
    for drawing.
    """

    process: int | str
    kind: str
    value: Any
    invoked: int
    returned: int | None = None
    outcome: Outcome = "ok"
    result: Any = None
    key: Any = None
    times: tuple[int | None, int | None] = (None, None)
    steps: tuple[int | None, int | None] = (None, None)

    def __post_init__(self) -> None:
        if self.returned is None and self.outcome != "unknown":
            object.__setattr__(self, "outcome", "unknown")
        if self.returned is not None and self.returned < self.invoked:
            raise HistoryError(f"{self} returned at {self.returned}, before it was invoked at {self.invoked}")

    def __str__(self) -> str:
        """``c1 read → 3 (2.5 ms)``, for sentences."""
        who = f"process {self.process}" if isinstance(self.process, int) else self.process
        asked = "" if self.value is None else f" {short(self.value)}"
        answer = "" if self.result in (None, self.value) else f" → {short(self.result)}"
        if self.result is None and self.kind in _ASKING:
            answer = " → nothing"
        if self.outcome != "ok":
            answer = " → refused" if self.outcome == "fail" else " → unknown"
        on = "" if self.key is None else f" on {short(self.key)}"
        when = "" if self.times[0] is None else f" ({format_us(self.times[0])})"
        return f"{who} {self.kind}{asked}{on}{answer}{when}"


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that is no operation but belongs into the picture: a partition, a kill.  `place`: in the order."""

    process: int | str
    kind: str
    value: Any
    place: int
    time: int | None = None


@dataclass(frozen=True, slots=True)
class History:
    """Operations in the order of their invocation.  ``source``: ``trace``, ``edn``, ``log``, or empty."""

    operations: tuple[Operation, ...]
    incidents: tuple[Incident, ...] = ()
    source: str = ""

    def keys(self) -> list[Any]:
        """The objects, in order of appearance."""
        return list(dict.fromkeys(op.key for op in self.operations))


class Recorder:
    """Matches invocations with completions, in the order in which they are told."""

    def __init__(self) -> None:
        self._operations: list[Operation] = []
        self._open: dict[Any, int] = {}
        self._incidents: list[Incident] = []
        self._place = 0

    def invoke(
        self,
        process: int | str,
        kind: str,
        value: Any = None,
        key: Any = None,
        *,
        ident: Any = None,
        time: int | None = None,
        step: int | None = None,
    ) -> None:
        """`process` asks.  `ident` tells its operations apart when it has several at once.

        If one of that `ident` is still open, its outcome is unknown: the client gave up waiting for it.
        """
        self._open[process, ident] = len(self._operations)
        op = Operation(process, kind, value, self._next(), None, "unknown", None, key, (time, None), (step, None))
        self._operations.append(op)

    def complete(
        self,
        process: int | str,
        outcome: Outcome,
        result: Any = None,
        *,
        ident: Any = None,
        time: int | None = None,
        step: int | None = None,
    ) -> None:
        """`process` is told.  Raises `HistoryError` when it asked for nothing."""
        index = self._open.pop((process, ident), None)
        if index is None:
            raise HistoryError(f"process {process} was told {outcome!r}, but it had asked for nothing")
        op = self._operations[index]
        self._operations[index] = replace(
            op,
            returned=self._next(),
            outcome=outcome,
            result=result,
            times=(op.times[0], time),
            steps=(op.steps[0], step),
        )

    def open_operation(self, process: int | str, ident: Any = None) -> Operation | None:
        """What `process` waits for."""
        index = self._open.get((process, ident))
        return None if index is None else self._operations[index]

    def incident(self, process: int | str, kind: str, value: Any = None, *, time: int | None = None) -> None:
        """Something happened that is not an operation of a client."""
        self._incidents.append(Incident(process, kind, value, self._next(), time))

    def history(self, source: str = "") -> History:
        """All so far; what is open is unknown."""
        return History(tuple(self._operations), tuple(self._incidents), source)

    def _next(self) -> int:
        self._place += 1
        return self._place - 1


_FAULTS = frozenset({"crash", "restart", "pause", "resume", "partition", "heal", "cut"})


def from_trace(trace: Iterable[Step], of: str = "op") -> History:
    """The history that the clients of a run told (see the head of this module).

    A completion of an operation that is over already, such as an answer after its timeout, is left out.
    Raises `HistoryError` when an invocation lacks ``op`` or ``f``.
    """
    recorder = Recorder()
    for step in trace:
        name = step.data.get("name") if step.kind in ("action", "fault") else step.kind
        if name in _FAULTS:
            recorder.incident(step.node or "run", str(name), None, time=step.at)
        for effect in step.effects:
            data = effect.data
            if effect.kind == "invoke" and data.get("of", "op") == of:
                if "op" not in data or "f" not in data:
                    raise HistoryError(
                        f"the invocation in step {step.seq} needs op (a number) and f (what is asked): "
                        'ctx.emit("invoke", op=1, f="read")'
                    )
                value = data.get("value")
                recorder.invoke(
                    step.node, data["f"], value, data.get("key"), ident=data["op"], time=step.at, step=step.seq
                )
            elif effect.kind in _COMPLETIONS:
                asked = recorder.open_operation(step.node, data.get("op"))
                if asked is not None:
                    outcome = _COMPLETIONS[effect.kind]
                    result = data.get("value", asked.value) if outcome == "ok" else None
                    recorder.complete(step.node, outcome, result, ident=data["op"], time=step.at, step=step.seq)
    return recorder.history("trace")
