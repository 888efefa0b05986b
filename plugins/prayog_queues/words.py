"""The words of a run (docs/queues-events.md), read once, and the judge's verdict on them: for measures and checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from prayog_queues.engine.judging import Judge
from prayog_queues.engine.verdict import Verdict as Judged
from prayog_sim.trace import Trace

__all__ = ["Told", "judged", "told"]


class Told(NamedTuple):
    """One word of the trace; `nth` counts them."""

    nth: int
    seq: int
    at: int
    node: str
    kind: str
    data: Mapping[str, Any]


class _Words:
    """The words of a trace by kind, read once; sends and timers, of which there are most, are left out."""

    def __init__(self) -> None:
        self.read = self.count = 0
        self.kinds: dict[str, list[Told]] = {}

    def go_on(self, trace: Trace) -> None:
        """Read what was added to `trace`."""
        kinds, count = self.kinds, self.count
        for step in trace[self.read :]:
            for kind, data in ((step.kind, step.data), *((effect.kind, effect.data) for effect in step.effects)):
                if kind not in _MACHINERY:
                    count += 1
                    kinds.setdefault(kind, []).append(Told(count, step.seq, step.at, step.node, kind, data))
        self.read, self.count = len(trace), count


_MACHINERY = frozenset({"send", "timer", "cancel", "deliver"})
_WORDS: WeakKeyDictionary[Trace, _Words] = WeakKeyDictionary()


def told(trace: Trace, *kinds: str) -> Iterator[Told]:
    """The words of these kinds, in order."""
    words = _WORDS.get(trace)
    if words is None:
        words = _WORDS[trace] = _Words()
    if words.read != len(trace):
        words.go_on(trace)
    found = [word for kind in kinds for word in words.kinds.get(kind, ())]
    return iter(sorted(found, key=lambda word: word.nth) if len(kinds) > 1 else found)


_JUDGES: WeakKeyDictionary[Trace, tuple[int, Judge, Judged]] = WeakKeyDictionary()
"""Measures and checks ask for the same verdict again and again, and a trace only grows."""


def judged(trace: Trace) -> Judged:
    """What the judge says of `trace`."""
    length = len(trace)
    seen, judge, verdict = _JUDGES.get(trace, (-1, Judge(), None))
    if verdict is None or seen != length:
        judge.read(trace[max(seen, 0) :])
        verdict = judge.verdict()
        _JUDGES[trace] = (length, judge, verdict)
    return verdict
