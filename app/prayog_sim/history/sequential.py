"""Is a history sequentially consistent, and if not, which answer cannot be explained?

*Sequentially consistent* (L. Lamport, "How to make a multiprocessor computer that correctly executes multiprocess
programs", 1979): there is one order of all operations that the objects can have gone through alone, in which those of
each process come in the order in which it asked.  Real time between processes does not count, so a read may be old, as
long as everybody sees the same order.  It is weaker than linearizable, and not local: two keys that are each
sequentially consistent may not be so together.

    result = sequential(history, KeyValue())
    result.verdict, result.reason

Rules
1. Never a hang: as for `linearizable`, a budget of steps, and then the verdict is ``unknown``.
2. Two shorter ways are tried beside the search: what is linearizable is sequentially consistent (keys may be judged
   apart for that), and what is not so for one key alone is not so at all.
3. The operation that a negative verdict names is the first in the order of returns that no order places together with
   all that returned before it, even if everything that came later may help.
4. An operation of unknown outcome comes after what its process did before, at any place or none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from prayog_sim.history.linearizable import BUDGET, Linearizability, Result
from prayog_sim.history.merging import Merging
from prayog_sim.history.model import Model
from prayog_sim.history.models import guess
from prayog_sim.history.operations import History, Operation
from prayog_sim.lines import short

__all__ = ["SequentialConsistency", "sequential"]

_SLICE = 1_000


class SequentialConsistency:
    """A check that can be continued: each `run` adds to what those before it found out.

    `model` is guessed from the names of the operations when it is not given.  Raises `HistoryError`.
    """

    def __init__(self, history: History, model: Model | None = None) -> None:
        self.model = model if model is not None else guess(history)
        self.steps = 0
        self._count = len(history.operations)
        self._whole = Merging(history.operations, self.model)
        parts: dict[Any, list[Operation]] = {}
        for op in history.operations:
            parts.setdefault(op.key, []).append(op)
        self._alone = {key: Merging(ops, self.model) for key, ops in parts.items()} if len(parts) > 1 else {}
        self._stricter = Linearizability(history, self.model)
        self._proved: tuple[Operation, ...] | None = None
        self._slice = _SLICE

    def run(self, budget: int = BUDGET) -> Result:
        """Spend about `budget` more steps, less when the verdict is clear earlier."""
        left = budget
        while not self._decided and left > 0:
            left -= self._prove(min(self._slice, left))
            for search in (self._whole, *self._alone.values()):
                if not self._decided and search.verdict is None and left > 0:
                    before = search.steps
                    search.run(min(self._slice, left))
                    left -= max(1, search.steps - before)
                    self.steps += search.steps - before
            self._slice *= 2
        return self._result()

    @property
    def _decided(self) -> bool:
        refuted = any(search.verdict is False for search in self._alone.values())
        return self._proved is not None or self._whole.verdict is not None or refuted

    def _prove(self, steps: int) -> int:
        """See whether it is even linearizable; returns the steps that it took."""
        before = self._stricter.steps
        found = self._stricter.run(steps)
        if found.verdict == "linearizable":
            self._proved = _merged(found.orders)
        self.steps += self._stricter.steps - before
        return self._stricter.steps - before

    def _result(self) -> Result:
        key, search = next(((k, s) for k, s in self._alone.items() if s.verdict is False), (None, self._whole))
        stuck, orders = search.stuck, {key: search.order if self._proved is None else self._proved}
        if self._proved is None and search.verdict is False:
            thing = "this key" if self._alone and key is not None else "the whole history"
            reason = f"{stuck} cannot be placed: no order of {thing} that keeps every client's own explains it"
            if self._alone and key is None:
                reason += ", though each key alone may be fine"
            return Result("not sequentially consistent", reason, stuck, key, orders, (), self.steps)
        if not self._decided:
            keys = tuple(short(k) for k in self._alone)
            reason = f"undecided after {self.steps:,} steps; a larger budget may decide it"
            return Result("unknown", reason, None, None, orders, keys or (None,), self.steps)
        reason = "there are no operations, so there is nothing that could be wrong"
        if self._count:
            many = f"all {self._count} operations" if self._count > 1 else "the one operation"
            reason = f"one order that keeps every client's own explains {many}"
        return Result("sequentially consistent", reason, None, None, orders, (), self.steps)


def sequential(history: History, model: Model | None = None, budget: int = BUDGET) -> Result:
    """Judge `history` once, with at most about `budget` steps.  Raises `HistoryError`."""
    return SequentialConsistency(history, model).run(budget)


def _merged(orders: Mapping[Any, tuple[Operation, ...]]) -> tuple[Operation, ...]:
    """One order out of those of the keys.  There is one that keeps real time (Herlihy and Wing, 1990, theorem 1), and
    so every process's own."""
    ahead = [deque(order) for order in orders.values()]
    found: list[Operation] = []
    while any(ahead):
        over = min(_end(op) for queue in ahead for op in queue)
        found.append(next(queue for queue in ahead if queue and queue[0].invoked <= over).popleft())
    return tuple(found)


def _end(op: Operation) -> float:
    return float("inf") if op.outcome == "unknown" or op.returned is None else op.returned
