"""The search for a linearization of the operations on one object: Wing and Gong's, with Lowe's memory.

J. M. Wing and C. Gong, "Testing and verifying concurrent objects" (1993): take, in turn, every operation that no
other one had to precede, and see whether the object can have answered so.  G. Lowe, "Testing for linearizability"
(2017): a *configuration* (set of operations taken, state of the object) that led nowhere need not be tried again.

An operation may come next when it was invoked before the first return that is still to be explained.  So the search
moves along the returns: at *level* i the operations that returned first, …, i-th are taken.  The set of those taken
among the later ones is a bit set over *slots*; an operation has a slot from its invocation to its return, so the set
stays one machine word however long the history is.

Some things keep the number of configurations small.  None of them loses a linearization: if there is one, take one
in which as few operations of unknown outcome as possible have an effect; it can be brought into the form that is
sought, step by step:

1. *Answers first.*  A completed operation that only looks (a read) is taken as soon as it fits: wherever it stood
   later, taking it out there and putting it here changes no other answer.
2. *Alike is alike.*  Of operations with equal calls the one that returns first is taken first: swap them.
3. *Only what is needed.*  An operation of unknown outcome is taken only if it changes the state, and only if the next
   operation notices: else leave it out, since it need not have happened.
4. *Less is more.*  Of two configurations that differ only in the operations of unknown outcome that were taken, the
   one with fewer can do all that the other can.  So configurations are tried in the order of that number, and one
   that is worse than a known one is dropped.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from heapq import heappop, heappush
from typing import Any

from prayog_sim.history.model import IMPOSSIBLE, Model
from prayog_sim.history.operations import Operation

__all__ = ["Search"]

_NEVER = float("inf")
_UNKNOWN = -2  # a transition that was not computed yet
_NONE = -1  # an impossible transition; also: no operation of unknown outcome was taken last

Candidate = tuple[int, int, int, bool, int]
"""Bit of its slot, bits of those alike that go first, number of its call, whether its outcome is unknown, index."""
Path = tuple[Any, int] | None
"""The operations taken, last first: (those before, index)."""


class Search:
    """The search on the operations of one object; `run` it in slices.

    ``verdict``: True, False, or None as long as it is open.  ``steps``: candidates tried so far.
    Raises `HistoryError` when the model does not know an operation.
    """

    def __init__(self, operations: Sequence[Operation], model: Model) -> None:
        self.model = model = model.focus(operations)
        self.steps = 0
        self.verdict: bool | None = None
        calls = [(op, call) for op in operations if (call := model.call(op)) is not None]
        self._ops = [op for op, _ in calls]
        numbers: dict[Hashable, int] = {}
        self._number = [numbers.setdefault(call, len(numbers)) for _, call in calls]
        self._calls = list(numbers)
        self._looks = [model.looks(call) for call in self._calls]
        self._ends = [_NEVER if op.outcome == "unknown" or op.returned is None else op.returned for op in self._ops]
        self._levels = sorted((i for i, end in enumerate(self._ends) if end != _NEVER), key=self._ends.__getitem__)
        self._ranks = [len(self._levels)] * len(self._ops)
        for rank, i in enumerate(self._levels):
            self._ranks[i] = rank
        self._unsure = 0
        self._bits = self._slots()
        self._coming = sorted(range(len(self._ops)), key=lambda i: -self._ops[i].invoked)
        self._open: list[int] = []
        self._candidates: list[list[Candidate] | None] = [None] * len(self._levels)
        self._owners: list[dict[int, int]] = [{} for _ in self._levels]

        self._states: list[Hashable] = []
        self._state_numbers: dict[Hashable, int] = {}
        self._moves: list[dict[int, int]] = []
        self._pure: dict[tuple[int, int], int] = {}
        self._seen: list[dict[tuple[int, int, int], list[int]]] = [{} for _ in self._levels]

        self._best = -1
        self._most = -1
        self._best_path: Path = None
        self._best_states: dict[int, None] = {}
        self._stacks: list[list[tuple[int, int, int, int, int, Path]]]
        self._stacks = [[] for _ in range(self._unsure.bit_count() + 1)]  # by how many unsure ones were taken
        self._used = 0
        self._settle(0, 0, self._state(model.initial), _NONE, 0, None)

    # -- what came of it -----------------------------------------------------------------------------------------

    @property
    def order(self) -> tuple[Operation, ...]:
        """The linearization; while there is none, the longest that was found of a part of the history."""
        path, found = self._best_path, []
        while path is not None:
            path, index = path
            found.append(self._ops[index])
        return tuple(reversed(found))

    @property
    def stuck(self) -> Operation | None:
        """The first operation whose return could not be explained (so far)."""
        return self._ops[self._levels[self._best]] if self.verdict is not True else None

    @property
    def states(self) -> list[Hashable]:
        """In which states the object can have been just before `stuck`."""
        return [self._states[number] for number in self._best_states]

    # -- the search ----------------------------------------------------------------------------------------------

    def run(self, steps: int) -> bool | None:
        """Try about `steps` more candidates; returns `verdict`."""
        if self.verdict is not None:
            return self.verdict
        limit = self.steps + steps
        moves = self._moves
        while self._used < len(self._stacks):
            stack = self._stacks[self._used]
            if not stack:
                self._used += 1
                continue
            if self.steps >= limit:
                return None
            level, bits, state, before, count, path = stack.pop()
            candidates = self._candidates[level] or self._find_candidates(level)
            row = moves[state]
            old = moves[before] if before >= 0 else None
            for bit, first, call, unsure, index in reversed(candidates):  # the last one put on a stack is tried first
                if bits & bit or first & ~bits:
                    continue
                self.steps += 1
                after = row.get(call, _UNKNOWN)
                if after == _UNKNOWN:
                    after = self._move(state, call)
                if after < 0 or (unsure and after == state):
                    continue
                if old is not None:
                    unnoticed = old.get(call, _UNKNOWN)
                    if unnoticed == _UNKNOWN:
                        unnoticed = self._move(before, call)
                    if unnoticed == after:
                        continue
                if self._settle(level, bits | bit, after, state if unsure else _NONE, count + 1, (path, index)):
                    return self.verdict
        self.verdict = False
        self._forget()
        return False

    def _settle(self, level: int, bits: int, state: int, before: int, count: int, path: Path) -> bool:
        """Take what can be taken at once, and put the configuration on the stack if it is new; True at the end."""
        end = len(self._levels)
        while level < end:
            now = self._pure_at(level, state) & ~bits
            if now:
                before = _NONE
                bits |= now
                owners = self._owners[level]
                while now:
                    bit = now & -now
                    now ^= bit
                    path = (path, owners[bit])
                    count += 1
            due = self._bits[self._levels[level]]
            if not bits & due:
                break
            bits ^= due
            level += 1
        if level > self._best or (level == self._best and count > self._most):
            if level > self._best:
                self._best_states = {}
            self._best, self._most, self._best_path = level, count, path
        if level == end:
            self.verdict = True
            self._forget()
            return True
        if level == self._best:
            self._best_states[state] = None
        unsure = bits & self._unsure
        key = (bits ^ unsure, state, before)
        seen = self._seen[level]
        left = ~unsure
        for less in seen.get((bits ^ unsure, state, _NONE), ()):
            if not less & left:
                return False
        known = seen.get(key)
        if known is None:
            seen[key] = [unsure]
        else:
            for less in known:
                if not less & left:
                    return False
            known.append(unsure)
        self._stacks[unsure.bit_count()].append((level, bits, state, before, count, path))
        return False

    def _forget(self) -> None:
        """Let go of the memory that only the search needs."""
        self._stacks, self._seen, self._pure, self._candidates = [], [], {}, []

    # -- tables, filled when first needed ------------------------------------------------------------------------

    def _state(self, state: Hashable) -> int:
        number = self._state_numbers.setdefault(state, len(self._states))
        if number == len(self._states):
            self._states.append(state)
            self._moves.append({})
        return number

    def _move(self, state: int, call: int) -> int:
        after = self.model.step(self._states[state], self._calls[call])
        number = self._moves[state][call] = _NONE if after is IMPOSSIBLE else self._state(after)
        return number

    def _pure_at(self, level: int, state: int) -> int:
        """Bits of the completed operations at `level` that only look, and fit in `state`."""
        found = self._pure.get((level, state))
        if found is None:
            found = 0
            row = self._moves[state]
            for bit, _, call, unsure, _ in self._candidates[level] or self._find_candidates(level):
                if self._looks[call] and not unsure:
                    after = row.get(call, _UNKNOWN)
                    if (self._move(state, call) if after == _UNKNOWN else after) == state:
                        found |= bit
            self._pure[level, state] = found
        return found

    def _find_candidates(self, level: int) -> list[Candidate]:
        """The operations that may come next at `level`, if they were not taken: the due one, …, the unsure ones.

        Levels are first reached one after the other, so the operations in progress are brought along.
        """
        due, ranks = self._ends[self._levels[level]], self._ranks
        while self._coming and self._ops[self._coming[-1]].invoked <= due:
            self._open.append(self._coming.pop())
        self._open = sorted((i for i in self._open if ranks[i] >= level), key=ranks.__getitem__)
        alike: dict[int, int] = {}
        found = []
        for i in self._open:
            call, bit = self._number[i], self._bits[i]
            found.append((bit, alike.get(call, 0), call, self._ends[i] == _NEVER, i))
            alike[call] = alike.get(call, 0) | bit
            self._owners[level][bit] = i
        self._candidates[level] = found
        return found

    def _slots(self) -> list[int]:
        """The bit of each operation; those that never overlap may share one."""
        events: list[tuple[float, bool, int]] = [(op.invoked, False, i) for i, op in enumerate(self._ops)]
        events += [(self._ends[i], True, i) for i in self._levels]
        bits = [0] * len(self._ops)
        free: list[int] = []
        used = 0
        for _, ended, i in sorted(events):
            if ended:
                heappush(free, bits[i])
            elif self._ends[i] == _NEVER:
                continue
            elif free:
                bits[i] = heappop(free)
            else:
                bits[i] = 1 << used
                used += 1
        for i, end in enumerate(self._ends):
            if end == _NEVER:
                bits[i] = 1 << used
                self._unsure |= bits[i]
                used += 1
        return bits
