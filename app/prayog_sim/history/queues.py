"""A first-in-first-out queue, and a lock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

from prayog_sim.history.model import ANY, IMPOSSIBLE, Model, Object, Unseen, freeze
from prayog_sim.history.operations import Operation
from prayog_sim.lines import short

__all__ = ["FifoQueue", "Mutex"]


class FifoQueue(Object):
    """``enqueue v`` puts at the end; ``dequeue`` is answered with the oldest, or with None when it is empty."""

    name = "queue"
    words = ("enqueue", "dequeue")

    def __init__(self) -> None:
        super().__init__(())

    def call(self, op: Operation) -> tuple[str, Hashable] | None:
        word = self.know(op)
        if op.outcome == "fail":
            return None
        if word == "enqueue":
            return ("enqueue", freeze(op.value))
        return ("dequeue", ANY if op.outcome == "unknown" else freeze(op.result))

    def step(self, state: Any, call: Any) -> Hashable:
        word, value = call
        if word == "enqueue":
            return (*state, value)
        if not state:
            return state if value is None else IMPOSSIBLE
        return state[1:] if value is ANY or value == state[0] else IMPOSSIBLE

    def looks(self, call: Any) -> bool:
        return bool(call == ("dequeue", None))

    def describe(self, state: Any) -> str:
        shown = [item.example if isinstance(item, Unseen) else item for item in state]
        return f"held {short(shown)}" if shown else "was empty"

    def focus(self, operations: Sequence[Operation]) -> Model:
        return _QueueSeen(operations)


class _QueueSeen(FifoQueue):
    """Forgets what lies behind an element at which the dequeues get stuck, and puts `Unseen` there.

    That is one which nobody dequeues, and one that is dequeued only when a single later one had long been dequeued.
    A dequeue of unknown outcome may remove any element; then everything is kept.
    """

    def __init__(self, operations: Sequence[Operation]) -> None:
        super().__init__()
        told = [(op, call) for op in operations if (call := self.call(op)) is not None]
        self._all = any(call == ("dequeue", ANY) for _, call in told)
        self._first: dict[Hashable, float] = {}
        """Element -> when it was first asked for."""
        self._last: dict[Hashable, float] = {}
        """Element that is there once at most -> when it was last told."""
        for op, call in told:
            value = call[1]
            if call[0] == "dequeue":
                self._first[value] = min(self._first.get(value, op.invoked), op.invoked)
                self._last[value] = max(self._last.get(value, 0), op.returned or 0)
        once = Counter(call for _, call in told)
        self._last = {value: end for value, end in self._last.items() if once["enqueue", value] == 1}

    def step(self, state: Any, call: Any) -> Hashable:
        word, value = call
        if self._all or word == "dequeue":
            return super().step(state, call)
        if state and isinstance(state[-1], Unseen):
            return state  # type: ignore[no-any-return]
        if value not in self._first:
            return (*state, Unseen(value))
        end = self._last.get(value)
        if end is not None:
            for place, other in enumerate(state):
                if self._first[other] > end:
                    return (*state[:place], Unseen(other))
        return (*state, value)


class Mutex(Object):
    """``acquire`` works while it is free, ``release`` while it is held (by whom is not asked, as in Knossos)."""

    name = "mutex"
    words = ("acquire", "release")

    def __init__(self) -> None:
        super().__init__(False)

    def call(self, op: Operation) -> Hashable | None:
        word = self.know(op)
        return None if op.outcome == "fail" else (word,)

    def step(self, state: Any, call: Any) -> Hashable:
        held = call[0] == "acquire"
        return held if state != held else IMPOSSIBLE

    def describe(self, state: Any) -> str:
        return "was held" if state else "was free"
