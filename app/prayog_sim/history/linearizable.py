"""Is a history linearizable, and if not, which answer cannot be explained?

*Linearizable* (Herlihy and Wing, 1990): there is one order of all operations that the object can have gone through
alone, in which each takes effect at some moment between its invocation and its return.  It is a local property: a
history is linearizable when it is so for each object alone, so keys are judged apart.

Keys are taken in turns, each for a few steps more than the time before: one hard key must not hide a violation in
another.  The first key that is not linearizable decides.

    result = linearizable(history, KeyValue())
    result.verdict, result.reason

Rules
1. Never a hang: the budget is counted in steps (a step is one operation tried in one place, about a microsecond),
   and when it is used up the verdict is ``unknown``.  `Linearizability.run` goes on from there.
2. The operation that a negative verdict names is the first in the order of returns: the history up to its return
   cannot be explained, and up to the return before it can (operations under way answer as they did later, if they
   take effect at all).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from prayog_sim.history.model import Model
from prayog_sim.history.models import guess
from prayog_sim.history.operations import History, Operation
from prayog_sim.history.search import Search
from prayog_sim.lines import short

__all__ = ["BUDGET", "Linearizability", "Result", "linearizable"]

BUDGET = 1_000_000
"""Steps that a verdict may take unless somebody says otherwise: a second or two."""
_SLICE = 1_000
_SHOWN = 6  # states named in a reason


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it (of `prayog_sim.history.sequential` too).

    ``reason``: a sentence.  ``operation``: the first that cannot be placed, or None.  ``key``: its object.
    ``orders``: for each key the linearization, or the longest that was found for a part of its history; operations
    of unknown outcome that are not in it had no effect.  ``undecided``: keys that need more steps.
    """

    verdict: Literal[
        "linearizable", "not linearizable", "sequentially consistent", "not sequentially consistent", "unknown"
    ]
    reason: str
    operation: Operation | None
    key: Any
    orders: Mapping[Any, tuple[Operation, ...]]
    undecided: tuple[Any, ...]
    steps: int

    @property
    def order(self) -> tuple[Operation, ...]:
        """The order of the object that `key` names (of the only one, when there is one)."""
        return self.orders.get(self.key, ())


class Linearizability:
    """A check that can be continued: each `run` adds to what those before it found out.

    `model` is guessed from the names of the operations when it is not given.  Raises `HistoryError`.
    """

    def __init__(self, history: History, model: Model | None = None) -> None:
        self.model = model if model is not None else guess(history)
        self.steps = 0
        parts: dict[Any, list[Operation]] = {}
        for op in history.operations:
            parts.setdefault(op.key, []).append(op)
        self._searches = {key: Search(ops, self.model) for key, ops in parts.items()}
        self._open = [key for key, search in self._searches.items() if search.verdict is None]
        self._slice = _SLICE
        self._count = len(history.operations)

    def run(self, budget: int = BUDGET) -> Result:
        """Spend about `budget` more steps, less when the verdict is clear earlier."""
        left = budget
        while self._open and left > 0:
            for key in tuple(self._open):
                search = self._searches[key]
                before = search.steps
                verdict = search.run(min(self._slice, left))
                left -= search.steps - before
                self.steps += search.steps - before
                if verdict is False:
                    self._open = []
                    return self._result("not linearizable", self._why(key), key, search.stuck)
                if verdict:
                    self._open.remove(key)
                if left <= 0:
                    break
            self._slice *= 2
        for key, search in self._searches.items():
            if search.verdict is False:
                return self._result("not linearizable", self._why(key), key, search.stuck)
        if self._open:
            return self._result("unknown", self._how_far(), self._open[0], None)
        key = next(iter(self._searches), None)
        return self._result("linearizable", self._fine(), key, None)

    def _result(self, verdict: Any, reason: str, key: Any, operation: Operation | None) -> Result:
        orders = {name: search.order for name, search in self._searches.items()}
        undecided = () if verdict == "not linearizable" else tuple(self._open)
        return Result(verdict, reason, operation, key, orders, undecided, self.steps)

    def _fine(self) -> str:
        if not self._count:
            return "there are no operations, so there is nothing that could be wrong"
        keys = f" on {len(self._searches)} keys" if len(self._searches) > 1 else ""
        return f"one order explains all {self._count} operations{keys}" if self._count > 1 else "it is one operation"

    def _how_far(self) -> str:
        names = ", ".join(short(key) for key in self._open[:_SHOWN])
        where = f"; undecided: key {names}" if len(self._searches) > 1 else ""
        return f"undecided after {self.steps:,} steps; a larger budget may decide it{where}"

    def _why(self, key: Any) -> str:
        search = self._searches[key]
        states = [search.model.describe(state) for state in search.states[:_SHOWN]]
        more = f" (or one of {len(search.states) - _SHOWN} other states)" if len(search.states) > _SHOWN else ""
        thing = f"key {short(key)}" if key is not None else f"the {self.model.name}"
        return f"{search.stuck} cannot be placed: whatever the order, {thing} {' or '.join(states)} by then{more}"


def linearizable(history: History, model: Model | None = None, budget: int = BUDGET) -> Result:
    """Judge `history` once, with at most about `budget` steps.  Raises `HistoryError`."""
    return Linearizability(history, model).run(budget)
