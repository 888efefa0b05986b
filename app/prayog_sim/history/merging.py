"""The search for one order of all operations that keeps each process's own: for sequential consistency.

It is the search of `prayog_sim.history.search` with another question.  There, whoever returned before another was
invoked comes before it; here that counts only within one process.  So operations of different processes may be moved
past each other at will, objects cannot be judged apart, and to decide it is NP-complete (P. B. Gibbons and E. Korach,
"Testing shared memories", SIAM Journal on Computing 26(4), 1997): hence a budget.

A *configuration* is the set of operations taken and the state of every object; one that led nowhere is not tried
again.  As there,

1. *answers first*: a completed operation that only looks is taken as soon as it fits;
2. *only what is needed*: an operation of unknown outcome is taken only if it changes the state, and is otherwise left
   out; nothing waits for it, since its client did not;
3. *less is more*: of two configurations that differ only in the operations of unknown outcome that were taken, the one
   with fewer can do all that the other can.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from prayog_sim.history.model import IMPOSSIBLE, Model
from prayog_sim.history.operations import Operation

__all__ = ["Merging"]

_NONE = -1
Path = tuple[Any, int] | None
"""The operations taken, last first: (those before, index)."""
Configuration = tuple[int, tuple[int, ...], Path]
"""(Bits of the operations taken, state of each object, their order)."""


class Merging:
    """The search on all of `operations`, whatever their keys; `run` it in slices.

    ``verdict``: True, False, or None as long as it is open.  ``steps``: operations tried so far.
    Raises `HistoryError` when the model does not know an operation.
    """

    def __init__(self, operations: Sequence[Operation], model: Model) -> None:
        self.steps = 0
        self.verdict: bool | None = None
        self._model = model  # not `focus`ed: what that leaves out may rest on real time
        keys = list(dict.fromkeys(op.key for op in operations))
        calls = [(op, keys.index(op.key), call) for op in operations if (call := model.call(op)) is not None]
        calls.sort(key=lambda item: (str(item[0].process), item[0].invoked))
        self._ops = [op for op, _, _ in calls]
        self._keys = [key for _, key, _ in calls]
        self._calls = [call for _, _, call in calls]
        self._sure = [op.outcome != "unknown" and op.returned is not None for op in self._ops]
        self._looks = [model.looks(call) and self._sure[i] for i, call in enumerate(self._calls)]
        self._unsure = sum(1 << i for i, sure in enumerate(self._sure) if not sure)
        self._all = sum(1 << i for i, sure in enumerate(self._sure) if sure)
        self._after = [self._before(i) for i in range(len(self._ops))]
        """For each operation, the bits of those of its process that were over when it was invoked."""
        self._chains = self._processes()
        self._levels = sorted(
            (i for i, sure in enumerate(self._sure) if sure), key=lambda i: self._ops[i].returned or 0
        )
        self._states: list[list[Hashable]] = [[] for _ in keys]
        self._numbers: list[dict[Hashable, int]] = [{} for _ in keys]
        self._moves: dict[tuple[int, int], int] = {}
        """(operation, state of its object) → the state after it."""
        self._seen: dict[tuple[int, tuple[int, ...]], list[int]] = {}
        self._stack: list[Configuration] = []
        self._best, self._most, self._needed = 0, -1, 0
        """How many of the first returns were explained, by how many operations, and the bits of those."""
        self._best_path: Path = None
        first = self._settle(0, tuple(self._state(key, model.initial) for key in range(len(keys))), None)
        self._stack += [first] if first is not None else []

    # -- what came of it -----------------------------------------------------------------------------------------

    @property
    def order(self) -> tuple[Operation, ...]:
        """The order; while there is none, the longest that was found for a part of the history."""
        path, found = self._best_path, []
        while path is not None:
            path, index = path
            found.append(self._ops[index])
        return tuple(reversed(found))

    @property
    def stuck(self) -> Operation | None:
        """In the order of returns, the first operation that no order places together with all before it (so far)."""
        return self._ops[self._levels[self._best]] if self.verdict is not True else None

    # -- the search ----------------------------------------------------------------------------------------------

    def run(self, steps: int) -> bool | None:
        """Try about `steps` more operations; returns `verdict`."""
        limit = self.steps + steps
        while self.verdict is None and self._stack:
            if self.steps >= limit:
                return None
            bits, states, path = self._stack.pop()
            news = []
            for i in self._ready(bits):
                self.steps += 1
                after = self._move(i, states)
                if after < 0 or (not self._sure[i] and after == states[self._keys[i]]):
                    continue
                key = self._keys[i]
                new = self._settle(bits | 1 << i, (*states[:key], after, *states[key + 1 :]), (path, i))
                if new is not None:
                    news.append(new)
            news.sort(key=_taken)  # the one that explains most is tried first
            self._stack += news
        if self.verdict is None:
            self.verdict = False
        self._stack, self._seen = [], {}
        return self.verdict

    def _ready(self, bits: int) -> list[int]:
        """The operations that may come next; the one that returned first is the last, and so is tried first."""
        found = []
        for start, mask, chain in self._chains:
            open_ = mask & ~(bits >> start)
            while open_:
                i = chain[(open_ & -open_).bit_length() - 1]
                if self._after[i] & ~bits:
                    break
                found.append(i)
                open_ &= open_ - 1
        found.sort(key=self._haste, reverse=True)
        return found

    def _haste(self, i: int) -> float:
        returned = self._ops[i].returned
        return float("inf") if not self._sure[i] or returned is None else returned

    def _settle(self, bits: int, states: tuple[int, ...], path: Path) -> Configuration | None:
        """The configuration when everything was taken that only looks; None if it is not new, or the end."""
        taken = True
        while taken:
            taken = False
            for i in self._ready(bits):
                if self._looks[i] and self._move(i, states) == states[self._keys[i]]:
                    bits |= 1 << i
                    path, taken = (path, i), True
        self._note(bits, path)
        if not self._all & ~bits:
            self.verdict, self._best_path = True, path
            return None
        unsure = bits & self._unsure
        known = self._seen.setdefault((bits ^ unsure, states), [])
        if any(not less & ~unsure for less in known):
            return None
        known.append(unsure)
        return bits, states, path

    def _note(self, bits: int, path: Path) -> None:
        """Remember the configuration if it explains more than all before it."""
        if self._needed & ~bits:
            return
        while self._best < len(self._levels) and bits >> self._levels[self._best] & 1:
            self._needed |= 1 << self._levels[self._best]
            self._best, self._most = self._best + 1, -1
        if bits.bit_count() > self._most:
            self._most, self._best_path = bits.bit_count(), path

    # -- tables --------------------------------------------------------------------------------------------------

    def _state(self, key: int, state: Hashable) -> int:
        number = self._numbers[key].setdefault(state, len(self._states[key]))
        if number == len(self._states[key]):
            self._states[key].append(state)
        return number

    def _move(self, i: int, states: tuple[int, ...]) -> int:
        """The state of its object after operation `i`, or `_NONE`."""
        key = self._keys[i]
        state = states[key]
        found = self._moves.get((i, state))
        if found is None:
            after = self._model.step(self._states[key][state], self._calls[i])
            found = self._moves[i, state] = _NONE if after is IMPOSSIBLE else self._state(key, after)
        return found

    def _before(self, i: int) -> int:
        op, bits = self._ops[i], 0
        for j, other in enumerate(self._ops):
            if self._sure[j] and other.process == op.process and (other.returned or 0) < op.invoked:
                bits |= 1 << j
        return bits

    def _processes(self) -> list[tuple[int, int, list[int]]]:
        """For each process the number of its first operation, a bit for each of them, and their numbers."""
        found: list[tuple[int, int, list[int]]] = []
        for i, op in enumerate(self._ops):
            if found and self._ops[found[-1][0]].process == op.process:
                start, mask, chain = found[-1]
                found[-1] = (start, mask << 1 | 1, [*chain, i])
            else:
                found.append((i, 1, [i]))
        return found


def _taken(configuration: Configuration) -> int:
    return configuration[0].bit_count()
