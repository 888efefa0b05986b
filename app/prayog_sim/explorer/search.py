"""Breadth-first search through all states of a `Model`: the shortest way to whatever is found.

::

    explorer = Explorer(TwoPhase(5))
    report = explorer.run(Limits(states=100_000))
    for verdict in report.verdicts: print(verdict.sentence)

The search can stop at a limit and go on later, here or (`save`, `load`) in another process.  It knows no clock:
whoever drives it measures states per second.

Rules
1. States are found in order of their depth, so the first counter-example is a shortest one.
2. A state is stored once, with the number of the state it was found from; actions are looked up again for the few
   paths that somebody wants to see.
3. A verdict is ``open`` unless it is certain: *no counter-example so far* is not *holds*.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from sys import getsizeof
from typing import Any, Generic, Literal, TypeVar

from prayog_sim.explorer.eventual import starve
from prayog_sim.explorer.model import Kind, Model, Path, Property

__all__ = ["Explorer", "Limits", "Progress", "Report", "Verdict"]

State = TypeVar("State")
Action = TypeVar("Action")

_PACE = 2_048  # states expanded between two looks at the limits
_ENTRY = 72  # bytes that a state takes in the list, the array and the set, besides itself
_SAMPLE = 8  # states measured per look


@dataclass(frozen=True, slots=True)
class Limits:
    """Where to stop: at so many states (a few more are found at the end), after so many choices in a row, or at
    about so many megabytes.  None is no limit."""

    states: int | None = 200_000
    depth: int | None = None
    megabytes: int | None = 1_024


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a search is.

    ``states``: different ones found.  ``generated``: found, repetitions and initial states included (what TLC calls
    *states generated*).  ``queue``: found and not looked into yet.  ``per_depth[d]``: states that need `d` choices.
    ``finals``: states in which nothing can happen.  ``stopped``: ``""`` while it can go on, ``complete``,
    ``states``, ``depth`` or ``memory`` (the limit that was reached), or ``violation``.
    """

    states: int
    generated: int
    queue: int
    per_depth: tuple[int, ...]
    finals: int
    megabytes: float
    stopped: str

    @property
    def depth(self) -> int:
        """Choices to the deepest state found."""
        return len(self.per_depth) - 1


@dataclass(frozen=True, slots=True)
class Verdict(Generic[Action]):
    """What is known of one property.

    ``path`` leads to the violation, or to the example of a *sometimes* that holds.  With ``loop``, its choices from
    that index on can be repeated for ever.
    """

    name: str
    kind: Kind
    outcome: Literal["holds", "fails", "open"]
    sentence: str
    path: Path[Action] | None = None
    loop: int | None = None


@dataclass(frozen=True, slots=True)
class Report(Generic[Action]):
    """Where a search stands and what it found."""

    progress: Progress
    verdicts: tuple[Verdict[Action], ...]

    def __getitem__(self, name: str) -> Verdict[Action]:
        """The verdict on the property `name`."""
        return next(verdict for verdict in self.verdicts if verdict.name == name)


class Explorer(Generic[State, Action]):
    """One search.  ``keep_going``: do not stop at a violated *always*."""

    def __init__(self, model: Model[State, Action], keep_going: bool = False) -> None:
        self.model = model
        self.states: list[State] = []
        """All states found, in order."""
        self._keep_going = keep_going
        self._begin()
        self._parents = array("q")
        self._next = 0
        self._generated = 0
        self._finals = 0
        self._stopped = ""
        self._told = 0
        self._found: dict[str, int] = {}
        for state in model.initial():
            self._generated += 1
            key = self._key(state) if self._key else state
            if key not in self._seen:
                self._seen.add(key)
                self._add(state)
        self._ends = [len(self.states)]

    def _begin(self) -> None:
        self._seen: set[State] = set()
        self._key = self.model.symmetry()
        self._sampled = self._bytes = 0
        self._watched: list[tuple[str, Callable[[State], bool], bool]] = [
            (prop.name, prop.test, prop.kind == "sometimes")
            for prop in self.model.properties
            if prop.kind != "eventually"
        ]

    # -- searching ---------------------------------------------------------------------------------------------

    def run(self, limits: Limits | None = None, tick: Callable[[Progress], None] | None = None) -> Report[Action]:
        """Search until the end, a violation or a limit; call it again, with wider limits, to go on.

        ``tick`` hears of the progress every few thousand states; what it raises ends the search between two states.
        """
        limits = limits if limits is not None else Limits()
        while True:
            self._stopped = self._why_stop(limits)
            if self._stopped:
                return self.report()
            if self._next == self._ends[-1]:
                self._ends.append(len(self.states))
            self._expand(min(self._next + _PACE, self._ends[-1]), limits.states or 1 << 62)
            if tick is not None:
                tick(self.progress())

    def _why_stop(self, limits: Limits) -> str:
        told, self._told = self._told, self._violations()
        if self._told > told and not self._keep_going:
            return "violation"
        if self._next == len(self.states):
            return "complete"
        if limits.states is not None and len(self.states) >= limits.states:
            return "states"
        if limits.depth is not None and self.depth(self._next) >= limits.depth:
            return "depth"
        if limits.megabytes is not None and self.megabytes > limits.megabytes:
            return "memory"
        return ""

    def _violations(self) -> int:
        return sum(prop.name in self._found for prop in self.model.properties if prop.kind == "always")

    def _expand(self, end: int, most: int) -> None:
        """Look into the states up to number `end`: the hot loop of every search."""
        states, parents, seen, key, watched = self.states, self._parents, self._seen, self._key, self._watched
        successors, append, link, see = self.model.successors, states.append, parents.append, seen.add
        generated = finals = 0
        first, news = len(states), False
        for index in range(self._next, end):
            found = successors(states[index])
            generated += len(found)
            if not found:
                finals += 1
            for new in found:
                known = key(new) if key else new
                if known not in seen:
                    see(known)
                    append(new)
                    link(index)
                    for name, test, target in watched:
                        if (not test(new)) is not target and name not in self._found:
                            self._found[name] = len(states) - 1
                            news = True
            if news or len(states) >= most:  # what was found need not be watched for any longer
                end = index + 1
                break
        self._next = end
        self._generated += generated
        self._finals += finals
        self._watched = [item for item in watched if item[0] not in self._found]
        self._measure(max(first, len(states) - _SAMPLE))

    def _add(self, state: State) -> None:
        """Store an initial state."""
        self.states.append(state)
        self._parents.append(-1)
        for name, test, target in self._watched:
            if (not test(state)) is not target:
                self._found.setdefault(name, len(self.states) - 1)

    def _measure(self, first: int) -> None:
        """Weigh the states from number `first` on; what a state shares with the one before it weighs nothing."""
        for index in range(first, len(self.states)):
            state, parent = self.states[index], self.states[self._parents[index]]
            size = getsizeof(state)
            if isinstance(state, tuple) and isinstance(parent, tuple):
                for part, old in zip(state, parent, strict=False):
                    size += getsizeof(part) if part is not old and isinstance(part, tuple) else 0
            self._sampled += 1
            self._bytes += size

    @property
    def megabytes(self) -> float:
        """About how much memory the states take, by sampling."""
        return len(self.states) * (_ENTRY + self._bytes / max(1, self._sampled)) / 1e6

    # -- results -----------------------------------------------------------------------------------------------

    def progress(self) -> Progress:
        """How far the search is."""
        counts = [end - begin for begin, end in zip([0, *self._ends], self._ends, strict=False)]
        if len(self.states) > self._ends[-1]:
            counts.append(len(self.states) - self._ends[-1])
        queue = len(self.states) - self._next
        return Progress(
            len(self.states), self._generated, queue, tuple(counts), self._finals, self.megabytes, self._stopped
        )

    def report(self) -> Report[Action]:
        """What is known now; *eventually* is judged here, which takes about as long again as the search did."""
        return Report(self.progress(), tuple(self._judge(prop) for prop in self.model.properties))

    def path(self, index: int) -> Path[Action]:
        """A shortest path to state number `index`."""
        chain = [index]
        while (parent := self._parents[chain[-1]]) >= 0:
            chain.append(parent)
        chain.reverse()
        return self._path([self.states[i] for i in chain])

    def depth(self, index: int) -> int:
        """How many choices state number `index` needs."""
        return bisect_right(self._ends, index)

    def _path(self, states: list[State]) -> Path[Action]:
        actions, after = [], self.model.next_state
        for state, new in pairwise(states):
            actions.append(next(action for action in self.model.actions(state) if after(state, action) == new))
        return Path(list(self.model.initial()).index(states[0]), tuple(actions))

    def _judge(self, prop: Property[State]) -> Verdict[Action]:
        seen, complete = len(self.states), self._next == len(self.states)
        found = self._found.get(prop.name)
        so_far = f"in the {seen:,} states that were seen, up to {self.progress().depth} choices deep"
        if prop.kind == "eventually":
            return self._judge_eventually(prop)
        if found is not None:
            path, depth = self.path(found), self.depth(found)
            if prop.kind == "sometimes":
                return Verdict(prop.name, prop.kind, "holds", f"{prop.name}: reached after {depth} choices.", path)
            why = self.model.explain(prop.name, self.states[found])
            sentence = f"{prop.name}: violated after {depth} choices" + (f": {why}." if why else ".")
            return Verdict(prop.name, prop.kind, "fails", sentence, path)
        if not complete:
            what = "no violation" if prop.kind == "always" else "not reached"
            return Verdict(prop.name, prop.kind, "open", f"{prop.name}: {what} {so_far}. There are more states.")
        if prop.kind == "always":
            return Verdict(prop.name, prop.kind, "holds", f"{prop.name}: holds in all {seen:,} states.")
        return Verdict(prop.name, prop.kind, "fails", f"{prop.name}: not reached in any of all {seen:,} states.")

    def _judge_eventually(self, prop: Property[State]) -> Verdict[Action]:
        result = starve(self.model, prop.test, self.states[self._next :])
        path = self._path(result.states) if result.states else None
        return Verdict(prop.name, "eventually", result.outcome, f"{prop.name}: {result.sentence}", path, result.loop)

    # -- going on elsewhere ------------------------------------------------------------------------------------

    def save(self) -> tuple[Any, ...]:
        """All that `load` needs to go on in another process; picklable when the states are."""
        numbers = (self._next, self._generated, self._finals, self._stopped, self._keep_going)
        return self.model.memory(), self.states, self._parents, self._ends, self._found, numbers

    @classmethod
    def load(cls, model: Model[State, Action], saved: tuple[Any, ...]) -> Explorer[State, Action]:
        """The search that `save` put away, over an equal model."""
        explorer = cls.__new__(cls)
        memory, explorer.states, explorer._parents, explorer._ends, explorer._found, numbers = saved
        explorer.model = model
        model.recall(memory)
        explorer._next, explorer._generated, explorer._finals, explorer._stopped, explorer._keep_going = numbers
        explorer._begin()
        explorer._told = explorer._violations()
        explorer._seen.update(map(explorer._key, explorer.states) if explorer._key else explorer.states)
        explorer._measure(max(0, len(explorer.states) - 64 * _SAMPLE))
        return explorer
